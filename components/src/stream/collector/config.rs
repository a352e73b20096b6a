//! What a collector is told once, and what it counts.

use core::time::Duration;

use crate::reason::Counts;
use crate::stream::hang_up::{Dialect, HangUp};
use crate::wire::FrameType;

/// Sizes and times of a collector. The defaults are the contract's where it names one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectorConfig {
    /// Whether Hello is answered and our own frame types are known.
    pub dialect: Dialect,
    /// Whether sessions are replicated.
    pub replication: Replication,
    /// Frames that wait for the spool before reading stops and Pause is sent.
    pub queue_frames_max: usize,
    /// Bytes that may wait, at least two of the longest frames.
    pub queue_bytes_max: usize,
    /// How long after a frame the spool is synced, at most; others that come meanwhile share it.
    pub commit_delay: Duration,
    /// A Pause is said again after this, as long as it holds.
    pub pause_every: Duration,
    /// A connection that lived for less is followed by a pause before the next is accepted.
    pub short_life: Duration,
    /// That pause.
    pub accept_pause: Duration,
}

/// Whether there is someone to replicate sessions to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Replication {
    /// Nobody: a FullResync has nothing to bring about and is done with once it is in the spool.
    #[default]
    Standalone,
    /// A peer: a FullResync is acked when the resynchronisation was done.
    Replicated,
}

impl Default for CollectorConfig {
    fn default() -> Self {
        Self {
            dialect: Dialect::Weir,
            replication: Replication::Standalone,
            queue_frames_max: 4096,
            queue_bytes_max: 1 << 20,
            commit_delay: Duration::from_millis(5),
            pause_every: Duration::from_secs(10),
            short_life: Duration::from_secs(1),
            accept_pause: Duration::from_millis(100),
        }
    }
}

crate::reasons! {
    /// Why a connection is not accepted.
    Refusal {
        #[default] Busy "busy" "Another producer is connected.",
        TooSoon "too_soon" "The last connection ended soon after it began; accept again a little later.",
    }
}

/// Totals of a collector beside those of its streams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CollectorCounters {
    /// Connections accepted.
    pub connections: u64,
    /// Connections refused, by reason.
    pub refused: Counts<{ Refusal::COUNT }>,
    /// Connections ended, by reason.
    pub hang_ups: Counts<{ HangUp::COUNT }>,
    /// Hellos of streams that were known.
    pub streams_known: u64,
    /// Streams that were new.
    pub streams_new: u64,
    /// Streams whose position was forgotten because there were too many.
    pub streams_forgotten: u64,
    /// Frames whose number had been applied or was lost before; they change nothing.
    pub duplicates: u64,
    /// Gaps in the numbers.
    pub gaps: u64,
    /// Frames that could not be read, by type as the header names it.
    pub malformed: Counts<{ FrameType::ALL.len() }>,
    /// Frames of unknown types.
    pub unknown_types: u64,
    /// Frames that no producer sends, or not at that moment.
    pub unexpected: u64,
    /// Frames that must have a number and had 0.
    pub unnumbered: u64,
    /// Keepalives received.
    pub keepalives: u64,
    /// LossReports received.
    pub loss_reports: u64,
    /// FullResyncs that nobody was there to act on.
    pub resyncs_skipped: u64,
    /// Resynchronisations done.
    pub resyncs_done: u64,
    /// Resynchronisations that failed and will be tried again.
    pub resyncs_failed: u64,
    /// Acks to be sent.
    pub acks: u64,
    /// Times that reading stopped and Pause was said.
    pub pauses: u64,
    /// Resumes said.
    pub resumes: u64,
    /// Syncs of the spool asked for.
    pub syncs: u64,
    /// Syncs that failed.
    pub syncs_failed: u64,
    /// Syncs that ended after the connection that they were begun for, and acked nothing.
    pub stale_flushes: u64,
    /// Bytes received and not applied when their connection ended; they will be sent again.
    pub dropped_bytes: u64,
}
