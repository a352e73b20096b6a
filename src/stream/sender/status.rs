//! What an operator sees of the sending side.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use components::kinds::EventKind;
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
    /// Whether it has paused the stream.
    pub paused: bool,
    /// Slots of the ring.
    pub capacity: u64,
    /// The first number of the stream.
    pub first: u64,
    /// The oldest number retained.
    pub oldest: u64,
    /// The highest number given.
    pub last: u64,
    /// The highest number written on this connection.
    pub sent: u64,
    /// The highest number acked.
    pub acked: u64,
    /// How long the oldest frame without an Ack has been waiting.
    pub ack_lag: Duration,
    /// Whether a FullResync is owed.
    pub owes_resync: bool,
    /// The ring's totals.
    pub ring: RingCounters,
    /// The machine's totals.
    pub producer: ProducerCounters,
    /// Everything refused, by kind and reason.
    pub refused: Refused,
    /// Of these, events that the dialect has no frame type for.
    pub disabled: Counts<{ EventKind::COUNT }>,
    /// What went wrong last.
    pub last_error: Option<String>,
}

/// The figures, for other threads.
#[derive(Debug)]
pub struct Shared {
    status: Mutex<SenderStatus>,
    due_ns: AtomicU64,
}

/// When numbers were given, as far as they are not acked.
#[derive(Debug, Default)]
pub(super) struct Lag {
    given: VecDeque<(u64, Time)>,
}

impl Lag {
    /// Notes the highest number now, and forgets what is acked.
    pub(super) fn note(&mut self, ring: &ReplayRing, now: Time) {
        while self.given.front().is_some_and(|(last, _)| *last <= ring.acked()) {
            self.given.pop_front();
        }
        let (last, noted) = self.given.back().copied().unwrap_or((ring.acked(), Time::default()));
        let fresh = self.given.is_empty() || now.since(noted) >= LAG_RESOLUTION;
        if ring.last_sequence() > last && fresh && self.given.len() < LAG_SAMPLES_MAX {
            self.given.push_back((ring.last_sequence(), now));
        }
    }

    fn since(&self, now: Time) -> Duration {
        self.given.front().map(|(_, at)| now.since(*at)).unwrap_or_default()
    }
}

impl Shared {
    pub(super) fn new(producer: &Producer, begin: Begin) -> Self {
        let status = SenderStatus::of(producer, begin, Duration::ZERO, None);
        Self { status: Mutex::new(status), due_ns: AtomicU64::new(0) }
    }

    /// The figures as they were put last.
    #[must_use]
    pub fn status(&self) -> SenderStatus {
        self.lock().clone()
    }

    pub(super) fn due(&self) -> Time {
        Time::from_ns(self.due_ns.load(Ordering::Relaxed))
    }

    pub(super) fn is_due(&self, now: Time) -> bool {
        self.due() <= now
    }

    pub(super) fn put(&self, producer: &Producer, lag: &Lag, error: Option<&str>, now: Time) {
        let mut status = self.lock();
        *status = SenderStatus::of(producer, status.begin, lag.since(now), error);
        self.due_ns.store(now.after(FRESHNESS).ns(), Ordering::Relaxed);
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
            connected: producer.connect_at().is_none(),
            paused: producer.is_paused(),
            capacity: ring.capacity(),
            first: ring.first_sequence(),
            oldest: ring.oldest(),
            last: ring.last_sequence(),
            sent: ring.last_sent(),
            acked: ring.acked(),
            ack_lag,
            owes_resync: ring.owes_resync(),
            ring: *ring.counters(),
            producer: *producer.counters(),
            refused: producer.refused(),
            disabled: producer.disabled(),
            last_error: error.map(str::to_owned),
        }
    }
}

/// How old the figures may be.
const FRESHNESS: Duration = Duration::from_millis(100);

/// How fine lags are measured, and for how many numbers at once.
const LAG_RESOLUTION: Duration = Duration::from_millis(10);
const LAG_SAMPLES_MAX: usize = 4096;
