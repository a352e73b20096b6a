//! A replay whose events go to a collector in another process: the sender's thread has the ring,
//! and at the end the figures of both sides of this process must still agree.

use std::sync::Arc;
use std::time::{Duration, Instant};

use components::block::EventFrame;
use components::kinds::{EventKind, SessionChange};
use components::reason::{Counts, RefuseReason};
use components::ring::{Overflow, Quotas, RingConfig};
use components::stream::{Dialect, Ended, ProducerConfig, Refused};
use serde::Serialize;
use systems::schedule::settings::{DialectSetting, OverflowSetting, Settings};

use super::ReplayError;
use super::stream::RingFigures;
use crate::ledger::{Delivery, Ledger, Totals};
use crate::observe::{LedgerBoard, ProducerSource, Server, Source};
use crate::port::PortCounters;
use crate::stream::ring_file::Begin;
use crate::stream::{Ending, RingFile, Sender, SenderConfig, SenderStatus};

/// Where the events go, and how long the end waits.
#[derive(Clone, Debug)]
pub struct RemoteConfig {
    /// The collector's socket.
    pub path: std::path::PathBuf,
    /// The ring's file.
    pub ring: Option<std::path::PathBuf>,
    /// Whether the capture waits for the collector, or what finds the ring full is refused.
    pub waits: bool,
    /// How long the end waits for the last Ack.
    pub drain_timeout: Duration,
}

/// A stream to another process.
#[derive(Debug)]
pub(super) struct Remote {
    sender: Sender,
    drain_timeout: Duration,
    /// The figures at the start: those of the processes before.
    before: SenderStatus,
    ring: Option<std::path::PathBuf>,
    collector: std::path::PathBuf,
    observed: Option<Observed>,
    replicates: bool,
}

/// Where others read the ledger, and when it was put there.
#[derive(Debug)]
struct Observed {
    board: LedgerBoard,
    told_at: Option<Instant>,
}

/// How the stream ended, for the ledger and for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RemoteReport {
    /// The stream's id, as 16 hexadecimal digits.
    pub id: String,
    /// The highest number given.
    pub last_sequence: u64,
    /// The highest number acked.
    pub acked: u64,
    /// Numbers without an Ack.
    pub unacked: u64,
    /// The file that keeps what is not acked, for the next process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept_in: Option<String>,
    /// Frames that the process before had not had acked, and that were sent again.
    pub taken_over: u64,
    /// Connections to the collector.
    pub connections: u64,
    /// Times that the collector said Pause.
    pub pauses: u64,
    /// Frames that were written more than once.
    pub written_again: u64,
    /// What went wrong last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Remote {
    /// `replicates`: sessions are told of too. Nobody knows what a replica has from whoever told it
    /// before, so that such a stream begins with a FullResync.
    pub(super) fn open(
        config: RemoteConfig,
        settings: &Settings,
        replicates: bool,
    ) -> Result<Self, ReplayError> {
        let mut ring_config = RingConfig::new(*settings.ring.frames.get_ref(), fresh_stream_id());
        ring_config.overflow = match settings.stream.overflow {
            OverflowSetting::Refuse => Overflow::Refuse,
            OverflowSetting::Evict => Overflow::Evict,
        };
        if replicates {
            ring_config.quotas = Quotas::with_sessions(ring_config.capacity_frames);
        }
        let (mut ring, file, upstream, begin) = match &config.ring {
            Some(path) => {
                let opened = RingFile::open(path, &ring_config)?;
                (opened.ring, Some(opened.file), opened.upstream, opened.begin)
            }
            None => {
                let ring = components::ring::ReplayRing::new(&ring_config)?;
                (ring, None, Refused::default(), Begin::New)
            }
        };
        if replicates {
            ring.owe_another_resync();
            ring.append_resync();
        }
        let sender_config = SenderConfig {
            path: config.path.clone(),
            peer_uids: settings.stream.peer_uids.clone(),
            producer: producer(settings),
            waits: config.waits,
        };
        let sender = Sender::start(sender_config, ring, file, upstream, begin)
            .map_err(ReplayError::Sender)?;
        let before = sender.status();
        Ok(Self {
            sender,
            drain_timeout: config.drain_timeout,
            before,
            ring: config.ring,
            collector: config.path,
            observed: None,
            replicates,
        })
    }

    pub(super) fn append(&mut self, frames: &[EventFrame]) {
        self.sender.append(frames);
    }

    pub(super) fn set_upstream(&mut self, refused: &Refused) {
        self.sender.set_upstream(refused);
    }

    /// How often all sessions are to be told of anew.
    pub(super) fn exports(&self) -> u64 {
        self.sender.exports()
    }

    /// Whether a FullResync is owed, where somebody acts on one.
    pub(super) fn owes_resync(&self) -> bool {
        // What is not known yet is owed.
        self.replicates && self.sender.settled(TELL_EVERY).is_none_or(|status| status.owes_resync)
    }

    /// How long the end waits for it to be acked.
    pub(super) const fn replication_wait(&self) -> Duration {
        if self.replicates { self.drain_timeout } else { Duration::ZERO }
    }

    /// Whether more of them may be told of now: what waits for room may always.
    pub(super) fn takes_export(&self) -> bool {
        self.sender.waits() || {
            let status = self.sender.status();
            status.retained.saturating_mul(2) < status.capacity
        }
    }

    /// Lets these servers show the figures from now on.
    pub(super) fn observe(&mut self, servers: &[Server]) {
        if servers.is_empty() {
            return;
        }
        let board = LedgerBoard::default();
        let (path, watch) = (self.collector.clone(), self.sender.watch());
        let source = ProducerSource::new("replay", path, watch, board.clone());
        let source: Arc<dyn Source> = Arc::new(source);
        for server in servers {
            server.show(&source);
        }
        self.observed = Some(Observed { board, told_at: None });
    }

    /// Whether the ledger that others see is old.
    pub(super) fn is_due(&self) -> bool {
        let told_at = self.observed.as_ref().map(|observed| observed.told_at);
        told_at.is_some_and(|at| at.is_none_or(|at| at.elapsed() >= TELL_EVERY))
    }

    /// Draws up the ledger of all that was handed over so far, as soon as it is numbered.
    pub(super) fn tell(&mut self, port: PortCounters, totals: Totals) {
        let Some(observed) = &mut self.observed else {
            return;
        };
        observed.told_at = Some(Instant::now());
        let board = observed.board.clone();
        let (before, channel_full) = (self.before.clone(), *self.sender.channel_full());
        self.sender.cut(move |now| {
            let figures = figures(&before, now, &channel_full);
            let unacked = now.last.saturating_sub(now.acked);
            let report = Delivery::Remote(report(&before, now, unacked, None));
            board.put(&Ledger::new(port, &totals, &figures, report, Vec::new()), &totals);
        });
    }

    /// How the stream of the processes before went on in this one.
    pub(super) const fn begin(&self) -> Begin {
        self.before.begin
    }

    /// Delivers what there is and ends the stream.
    pub(super) fn finish(self) -> (RingFigures, RemoteReport) {
        let Self { sender, drain_timeout, before, ring, .. } = self;
        let channel_full = *sender.channel_full();
        let Ending { ended, status } = sender.finish(drain_timeout);
        let figures = figures(&before, &status, &channel_full);
        let unacked = match ended {
            Ended::AllAcked => 0,
            Ended::Unacked { first, last } => (last + 1).saturating_sub(first),
        };
        let kept_in = ring.filter(|_| unacked > 0).map(|path| path.display().to_string());
        (figures, report(&before, &status, unacked, kept_in))
    }
}

fn report(
    before: &SenderStatus,
    now: &SenderStatus,
    unacked: u64,
    kept_in: Option<String>,
) -> RemoteReport {
    RemoteReport {
        id: format!("{:016x}", now.stream_id),
        last_sequence: now.last,
        acked: now.acked,
        unacked,
        kept_in,
        taken_over: match before.begin {
            Begin::TakenOver { retained, torn } => retained - torn,
            Begin::New | Begin::Ended { .. } => 0,
        },
        connections: now.producer.connects,
        pauses: now.producer.pauses,
        written_again: now.ring.replayed - before.ring.replayed,
        error: now.last_error.clone(),
    }
}

/// This process's share of the ring's totals.
fn figures(
    before: &SenderStatus,
    after: &SenderStatus,
    channel_full: &Counts<{ EventKind::COUNT }>,
) -> RingFigures {
    let less = |after: &Counts<{ EventKind::COUNT }>, before: &Counts<{ EventKind::COUNT }>| {
        Counts(std::array::from_fn(|kind| after.0[kind] - before.0[kind]))
    };
    let refused = std::array::from_fn(|kind| {
        let mut refused = Counts::<{ RefuseReason::COUNT }>::default();
        let by_ring = after.ring.refused.0[kind] - before.ring.refused.0[kind];
        refused.0[RefuseReason::RingFull.index()] = by_ring + channel_full.0[kind];
        let disabled = RefuseReason::Disabled.index();
        refused.0[disabled] = after.disabled.0[kind] - before.disabled.0[kind];
        refused
    });
    let of_sessions = |after: &Counts<{ SessionChange::COUNT }>, before: &Counts<_>| {
        Counts(std::array::from_fn(|change| after.0[change] - before.0[change]))
    };
    let mut sessions_refused =
        of_sessions(&after.ring.sessions_refused, &before.ring.sessions_refused);
    sessions_refused.add(&after.sessions_missed);
    RingFigures {
        assigned: less(&after.ring.assigned, &before.ring.assigned),
        refused,
        sessions: [of_sessions(&after.ring.sessions, &before.ring.sessions), sessions_refused],
        numbered: after.last - before.last,
        resyncs: after.ring.resyncs - before.ring.resyncs,
    }
}

fn producer(settings: &Settings) -> ProducerConfig {
    let stream = &settings.stream;
    let backoff_max = Duration::from_millis((*stream.backoff_ms_max.get_ref()).into());
    ProducerConfig {
        dialect: match stream.dialect {
            DialectSetting::Weir => Dialect::Weir,
            DialectSetting::Xpf => Dialect::Xpf,
        },
        keepalive_after: Duration::from_secs((*stream.keepalive_s.get_ref()).into()),
        backoff_max,
        ..ProducerConfig::default()
    }
}

/// A number that no other stream has: a ring that is new begins a new numbering.
fn fresh_stream_id() -> u64 {
    let mut bytes = [0; 8];
    let drawn = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    let id = match drawn {
        Ok(8) => u64::from_ne_bytes(bytes),
        // Without the system's randomness, time and process still tell streams apart.
        _ => crate::stream::clock::unix_ns() ^ u64::from(std::process::id()) << 32,
    };
    // The upper bit marks names that were made up for producers without a Hello; 0 is none.
    (id & !(1 << 63)).max(1)
}

/// How old the ledger may be that others see.
const TELL_EVERY: Duration = Duration::from_millis(100);
