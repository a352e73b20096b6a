//! What the ring answers and what it counts.

use crate::kinds::{EventKind, SessionChange};
use crate::reason::Counts;

/// What became of the frames of one [`append`](super::ReplayRing::append), by [`EventKind::index`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Appended {
    /// Frames that got a number.
    pub accepted: Counts<{ EventKind::COUNT }>,
    /// Frames that found no room.
    pub refused: Counts<{ EventKind::COUNT }>,
    /// Session frames that got a number, by [`SessionChange::index`].
    pub sessions: Counts<{ SessionChange::COUNT }>,
    /// Session frames that found no room: a FullResync is owed for them.
    pub sessions_refused: Counts<{ SessionChange::COUNT }>,
}

/// What an Ack did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AckOutcome {
    /// It covers more than before and set this many frames free.
    Advanced(u64),
    /// It says what the last one said.
    Duplicate,
    /// It is below the last one; nothing changed.
    Regressed,
    /// It covers what was never written; nothing changed.
    BeyondSent,
}

/// Totals since the ring was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RingCounters {
    /// Frames that got a number, by event kind.
    pub assigned: Counts<{ EventKind::COUNT }>,
    /// Frames that found no room, by event kind.
    pub refused: Counts<{ EventKind::COUNT }>,
    /// Frames pushed out before they were acked, by event kind. Those that had been written may
    /// have arrived all the same: the collector, which sees the gap, decides what is lost.
    pub evicted: Counts<{ EventKind::COUNT }>,
    /// Session frames that got a number, by type.
    pub sessions: Counts<{ SessionChange::COUNT }>,
    /// Session frames that found no room, by type.
    pub sessions_refused: Counts<{ SessionChange::COUNT }>,
    /// Session frames pushed out before they were acked, by type.
    pub sessions_evicted: Counts<{ SessionChange::COUNT }>,
    /// Frames acked once that the collector turned out not to know any more.
    pub forgotten: u64,
    /// Frames that were not whole when the stream was taken over from another process.
    pub torn: u64,
    /// FullResync frames that got a number.
    pub resyncs: u64,
    /// Frames written, each time that they were.
    pub sent: u64,
    /// Of those, frames that had been written before.
    pub replayed: u64,
    /// Acks that covered more than the last.
    pub acks_advanced: u64,
    /// Acks that repeated the last.
    pub acks_duplicate: u64,
    /// Acks below the last.
    pub acks_regressed: u64,
    /// Acks of what was never written.
    pub acks_beyond_sent: u64,
}
