//! What a producer is told once, and what it counts.

use core::time::Duration;

use crate::kinds::EventKind;
use crate::reason::{Counts, RefuseReason};
use crate::stream::hang_up::{Dialect, HangUp};
use crate::wire::{KindLoss, LossReport};

/// Times of a producer. The defaults are the contract's where it names one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProducerConfig {
    /// Whether Hello, session events and LossReport are sent.
    pub dialect: Dialect,
    /// How long to wait for the collector's Hello before it counts as an older one.
    pub hello_wait: Duration,
    /// A Keepalive follows this long without a write.
    pub keepalive_after: Duration,
    /// How long a DrainRequest waits for what has not been produced yet.
    pub drain_wait: Duration,
    /// A LossReport follows the last after this long, if a figure changed.
    pub report_every: Duration,
    /// A Pause that is not repeated for this long has lost its Resume: the connection is given up.
    pub pause_max: Duration,
    /// The pause before the next attempt to connect, at first.
    pub backoff_min: Duration,
    /// The same after many connections that did not live.
    pub backoff_max: Duration,
    /// How long a connection must have lived for the backoff to begin anew.
    pub stable_after: Duration,
}

impl Default for ProducerConfig {
    fn default() -> Self {
        Self {
            dialect: Dialect::Weir,
            hello_wait: Duration::from_secs(1),
            keepalive_after: Duration::from_secs(10),
            drain_wait: Duration::from_millis(200),
            report_every: Duration::from_secs(1),
            pause_max: Duration::from_secs(60),
            backoff_min: Duration::from_millis(100),
            backoff_max: Duration::from_secs(5),
            stable_after: Duration::from_secs(5),
        }
    }
}

/// Refusals by event kind and reason.
pub type Refused = [Counts<{ RefuseReason::COUNT }>; EventKind::COUNT];

/// Totals of a producer beside those of its ring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProducerCounters {
    /// Connections made.
    pub connects: u64,
    /// Attempts to connect that failed.
    pub connects_failed: u64,
    /// Connections ended, by reason.
    pub hang_ups: Counts<{ HangUp::COUNT }>,
    /// Hellos answered by a collector that knows the stream.
    pub streams_known: u64,
    /// Hellos answered by a collector that does not.
    pub streams_unknown: u64,
    /// Hellos that an older collector left unanswered.
    pub hellos_unanswered: u64,
    /// Pauses received.
    pub pauses: u64,
    /// Resumes received.
    pub resumes: u64,
    /// DrainRequests received.
    pub drains: u64,
    /// Keepalives sent.
    pub keepalives: u64,
    /// LossReports sent.
    pub loss_reports: u64,
    /// Frames received of a type that this version does not know.
    pub unknown_types: u64,
    /// Frames received whose payload is not what the type says.
    pub malformed: u64,
    /// Frames received that no collector sends, or not at that moment.
    pub unexpected: u64,
    /// Bytes written.
    pub written_bytes: u64,
}

/// The LossReport of these figures.
pub(super) fn loss_report(
    accepted: &Counts<{ EventKind::COUNT }>,
    refused: &Refused,
) -> LossReport {
    let kinds = core::array::from_fn(|kind| {
        let by_reason = |reason: RefuseReason| refused[kind].0[reason.index()];
        KindLoss {
            generated: (accepted.0[kind] + refused[kind].total()).into(),
            accepted: accepted.0[kind].into(),
            rate_limited: by_reason(RefuseReason::RateLimited).into(),
            ring_full: by_reason(RefuseReason::RingFull).into(),
            no_stream: by_reason(RefuseReason::NoStream).into(),
        }
    });
    LossReport { kinds }
}
