//! The producer's figures: those of the stream as the sender's thread puts them, and those of the
//! packet path, drawn up as a ledger where both belong together.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use components::kinds::{CloseReason, EventKind, SessionChange};
use components::reason::{Counts, DropReason, RefuseReason};
use components::ring::RingCounters;
use components::stream::{HangUp, ProducerCounters};

use super::Source;
use super::collector::{by_label, process};
use super::status::{self, DataPlane, Identity, ProducedEvents, Status};
use crate::ledger::{Ledger, Totals};
use crate::stream::{SenderStatus, SenderWatch};

/// Where the packet path leaves its ledger for others to read.
#[derive(Clone, Debug, Default)]
pub struct LedgerBoard(Arc<Mutex<Option<Drawn>>>);

/// A ledger that was drawn up.
type Drawn = (DataPlane, Vec<Identity>);

/// The figures of a process that produces a stream.
#[derive(Debug)]
pub struct ProducerSource {
    command: &'static str,
    started: Instant,
    collector: PathBuf,
    sender: SenderWatch,
    board: LedgerBoard,
}

impl LedgerBoard {
    /// Replaces the ledger.
    pub fn put(&self, ledger: &Ledger, totals: &Totals) {
        let packets = &ledger.packets;
        let data_plane = DataPlane {
            received: packets.received,
            forwarded: packets.forwarded,
            to_host: packets.to_host,
            dropped: by_label(
                DropReason::ALL.iter().map(|reason| reason.label()),
                &totals.counters.packets.dropped,
            ),
            generated: kinds(&Counts(totals.generated)),
            sessions_created: totals.created,
            sessions_active: totals.active,
            sessions_closed: by_label(
                CloseReason::ALL.iter().map(|reason| reason.label()),
                &totals.closed,
            ),
        };
        let identity = |identity: &crate::ledger::Identity| Identity {
            name: identity.name.clone(),
            left: identity.left,
            right: identity.right,
        };
        *self.lock() = Some((data_plane, ledger.identities.iter().map(identity).collect()));
    }

    fn lock(&self) -> MutexGuard<'_, Option<Drawn>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ProducerSource {
    /// Of a sender, beside whatever is put on the board.
    #[must_use]
    pub fn new(
        command: &'static str,
        collector: PathBuf,
        sender: SenderWatch,
        board: LedgerBoard,
    ) -> Self {
        Self { command, started: Instant::now(), collector, sender, board }
    }
}

impl Source for ProducerSource {
    fn status(&self) -> Status {
        let sender = self.sender.status();
        let (data_plane, mut identities) = self.board.lock().clone().unzip();
        let mut producer = producer(&sender);
        producer.collector = self.collector.display().to_string();
        producer.data_plane = data_plane;
        let identities = identities.get_or_insert_default();
        identities.push(numbers(&sender));
        let mut troubles = Vec::new();
        if !sender.connected {
            let error = sender.last_error.as_deref().unwrap_or("not yet");
            troubles.push(format!("no collector is connected: {error}"));
        }
        Status {
            process: process(self.command, self.started),
            troubles,
            producer: Some(producer),
            collector: None,
            identities: std::mem::take(identities),
            http: status::Counts::new(),
        }
    }
}

/// Each number of the stream, from the first process on, is an event's, a session frame's or a
/// FullResync's.
fn numbers(sender: &SenderStatus) -> Identity {
    Identity {
        name: "last sequence = assigned + sessions + resyncs, all processes".to_owned(),
        left: sender.last,
        right: sender.ring.assigned.total() + sender.ring.sessions.total() + sender.ring.resyncs,
    }
}

fn producer(sender: &SenderStatus) -> status::Producer {
    let events = EventKind::ALL.iter().map(|kind| {
        let at = kind.index();
        let refused =
            by_label(RefuseReason::ALL.iter().map(|reason| reason.label()), &sender.refused[at]);
        let (assigned, evicted) = (sender.ring.assigned.0[at], sender.ring.evicted.0[at]);
        (kind.label().to_owned(), ProducedEvents { assigned, refused, evicted })
    });
    let sessions = SessionChange::ALL.iter().map(|change| {
        let at = change.index();
        let ring = &sender.ring;
        let refused = ring.sessions_refused.0[at] + sender.sessions_missed.0[at];
        let refused = [(RefuseReason::RingFull.label().to_owned(), refused)].into();
        let (assigned, evicted) = (ring.sessions.0[at], ring.sessions_evicted.0[at]);
        (change.label().to_owned(), ProducedEvents { assigned, refused, evicted })
    });
    status::Producer {
        stream: format!("{:016x}", sender.stream_id),
        collector: String::new(),
        connected: sender.connected,
        paused: sender.paused,
        oldest: sender.oldest,
        last: sender.last,
        written: sender.written,
        acked: sender.acked,
        ring_capacity_frames: sender.capacity,
        ring_retained_frames: sender.retained,
        owes_resync: sender.owes_resync,
        ack_lag_seconds: sender.ack_lag.as_secs_f64(),
        events: events.collect(),
        sessions: sessions.collect(),
        counters: counters(&sender.ring, &sender.producer),
        hang_ups: by_label(
            HangUp::ALL.iter().map(|reason| reason.label()),
            &sender.producer.hang_ups,
        ),
        data_plane: None,
        last_error: sender.last_error.clone(),
    }
}

/// What is not counted by kind or reason. A counter that is new has to be named here.
fn counters(ring: &RingCounters, producer: &ProducerCounters) -> status::Counts {
    let all = ring_counters(ring).into_iter().chain(producer_counters(producer));
    all.map(|(name, count)| (name.to_owned(), count)).collect()
}

fn ring_counters(ring: &RingCounters) -> [(&'static str, u64); 9] {
    let RingCounters {
        assigned: _,
        refused: _,
        evicted: _,
        sessions: _,
        sessions_refused: _,
        sessions_evicted: _,
        forgotten,
        torn,
        resyncs,
        sent,
        replayed,
        acks_advanced,
        acks_duplicate,
        acks_regressed,
        acks_beyond_sent,
    } = *ring;
    [
        ("forgotten", forgotten),
        ("torn", torn),
        ("resyncs", resyncs),
        ("sent", sent),
        ("replayed", replayed),
        ("acks_advanced", acks_advanced),
        ("acks_duplicate", acks_duplicate),
        ("acks_regressed", acks_regressed),
        ("acks_beyond_sent", acks_beyond_sent),
    ]
}

fn producer_counters(producer: &ProducerCounters) -> [(&'static str, u64); 14] {
    let ProducerCounters {
        connects,
        connects_failed,
        hang_ups: _,
        streams_known,
        streams_unknown,
        hellos_unanswered,
        pauses,
        resumes,
        drains,
        keepalives,
        loss_reports,
        unknown_types,
        malformed,
        unexpected,
        written_bytes,
    } = *producer;
    [
        ("connects", connects),
        ("connects_failed", connects_failed),
        ("streams_known", streams_known),
        ("streams_unknown", streams_unknown),
        ("hellos_unanswered", hellos_unanswered),
        ("pauses", pauses),
        ("resumes", resumes),
        ("drains", drains),
        ("keepalives", keepalives),
        ("loss_reports", loss_reports),
        ("unknown_types", unknown_types),
        ("malformed", malformed),
        ("unexpected", unexpected),
        ("written_bytes", written_bytes),
    ]
}

fn kinds(counts: &Counts<{ EventKind::COUNT }>) -> status::Counts {
    by_label(EventKind::ALL.iter().map(|kind| kind.label()), counts)
}
