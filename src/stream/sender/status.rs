//! The sending side's figures: where the stream stood when this process began, where it is now, and
//! how far its collector is behind.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use components::kinds::{EventKind, SessionChange};
use components::reason::Counts;
use components::ring::{ReplayRing, RingCounters};
use components::stream::{Producer, ProducerCounters, Refused, Time};

use crate::stream::ring_file::Begin;

/// The sending side's figures at one moment.
#[derive(Clone, Debug)]
pub struct SenderStatus {
    /// The stream's id.
    pub stream_id: u64,
    /// How it began.
    pub begin: Begin,
    /// Whether a collector is connected.
    pub connected: bool,
    /// Whether the collector said Pause.
    pub paused: bool,
    /// The lowest number that is retained.
    pub oldest: u64,
    /// The highest number given.
    pub last: u64,
    /// The highest number written on this connection.
    pub written: u64,
    /// The highest number acked.
    pub acked: u64,
    /// Slots of the ring, and those that are taken.
    pub capacity: u64,
    /// Slots that are taken.
    pub retained: u64,
    /// Whether a FullResync is owed.
    pub owes_resync: bool,
    /// How long the oldest number without an Ack has been waiting for one.
    pub ack_lag: Duration,
    /// The ring's totals.
    pub ring: RingCounters,
    /// The machine's totals.
    pub producer: ProducerCounters,
    /// Refused before the ring, by the ring, and by the dialect.
    pub refused: Refused,
    /// Events that the dialect has no frame type for.
    pub disabled: Counts<{ EventKind::COUNT }>,
    /// Session frames that the channel to the ring had no room for, this process's.
    pub sessions_missed: Counts<{ SessionChange::COUNT }>,
    /// What went wrong last.
    pub last_error: Option<String>,
}

/// The figures, for the handle of the thread.
#[derive(Debug)]
pub(super) struct Shared {
    status: Mutex<SenderStatus>,
    /// Session frames that found the channel full and are not made good yet.
    missed: [AtomicU64; SessionChange::COUNT],
    /// FullResyncs that got a number: as often have the sessions to be exported.
    exports: AtomicU64,
}

/// Reads a sender's figures from any thread.
#[derive(Clone, Debug)]
pub struct SenderWatch(pub(super) Arc<Shared>);

impl SenderWatch {
    /// The figures, a tenth of a second old at most.
    #[must_use]
    pub fn status(&self) -> SenderStatus {
        self.0.status()
    }
}

impl Shared {
    pub(super) fn new(producer: &Producer, begin: Begin) -> Self {
        Self {
            status: Mutex::new(SenderStatus::of(producer, begin, Duration::ZERO, None)),
            missed: Default::default(),
            exports: AtomicU64::new(0),
        }
    }

    /// A session frame did not come to the ring: a FullResync is owed for it.
    pub(super) fn miss_session(&self, change: SessionChange) {
        self.missed[change.index()].fetch_add(1, Ordering::Release);
    }

    /// True if any did not since the last call.
    pub(super) fn take_missed(&self) -> bool {
        let mut any = false;
        for (at, missed) in self.missed.iter().enumerate() {
            if missed.load(Ordering::Relaxed) > 0 {
                self.lock().sessions_missed.0[at] += missed.swap(0, Ordering::Acquire);
                any = true;
            }
        }
        any
    }

    /// A FullResync has its place: what was handed over before it may be missing, and every
    /// session is to be told anew.
    pub(super) fn ask_for_export(&self) {
        self.exports.fetch_add(1, Ordering::Release);
    }

    /// How often that was asked for.
    pub(super) fn exports(&self) -> u64 {
        self.exports.load(Ordering::Acquire)
    }

    /// The figures as they were put last.
    pub(super) fn status(&self) -> SenderStatus {
        self.lock().clone()
    }

    pub(super) fn put(&self, producer: &Producer, lag: &Lag, error: Option<&str>) {
        let mut status = self.lock();
        let sessions_missed = status.sessions_missed;
        *status = SenderStatus::of(producer, status.begin, lag.lag, error);
        status.sessions_missed = sessions_missed;
    }

    /// Figures are replaced whole, so a thread that panicked leaves the ones before.
    fn lock(&self) -> MutexGuard<'_, SenderStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SenderStatus {
    fn of(producer: &Producer, begin: Begin, ack_lag: Duration, error: Option<&str>) -> Self {
        let ring = producer.ring();
        Self {
            stream_id: ring.stream_id(),
            begin,
            connected: producer.is_connected(),
            paused: producer.is_paused(),
            oldest: ring.oldest(),
            last: ring.last_sequence(),
            written: ring.last_sent(),
            acked: ring.acked(),
            capacity: ring.capacity(),
            retained: ring.retained(),
            owes_resync: ring.owes_resync(),
            ack_lag,
            ring: *ring.counters(),
            producer: *producer.counters(),
            refused: producer.refused(),
            disabled: producer.disabled(),
            sessions_missed: Counts::default(),
            last_error: error.map(str::to_owned),
        }
    }
}

/// When numbers were first seen, so that the age of one without an Ack is known.
#[derive(Debug, Default)]
pub(super) struct Lag {
    /// The highest number at a time, ascending, all above the acked one.
    seen: VecDeque<(u64, Time)>,
    lag: Duration,
    looked_at: Option<Time>,
}

impl Lag {
    /// Whether the figures are old enough to be looked at again.
    pub(super) fn is_due(&self, now: Time) -> bool {
        self.looked_at.is_none_or(|at| now.since(at) >= FRESHNESS)
    }

    pub(super) fn look(&mut self, ring: &ReplayRing, now: Time) {
        self.looked_at = Some(now);
        let (acked, last) = (ring.acked(), ring.last_sequence());
        while self.seen.front().is_some_and(|(number, _)| *number <= acked) {
            self.seen.pop_front();
        }
        let newest = self.seen.back().map_or(acked, |(number, _)| *number);
        if last > newest && self.seen.len() < SEEN_MAX {
            self.seen.push_back((last, now));
        }
        self.lag = self.seen.front().map_or(Duration::ZERO, |(_, since)| now.since(*since));
    }
}

/// How old the figures may be.
pub(super) const FRESHNESS: Duration = Duration::from_millis(100);

/// Two minutes of tenths of a second; of what came later the age is known when these are acked.
const SEEN_MAX: usize = 1200;
