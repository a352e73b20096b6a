//! What a collector knows only as long as a connection lives. Nothing of it says anything about
//! the next one: not the queue, not a Pause, not a flush that was begun.

use crate::stream::hang_up::HangUp;
use crate::stream::journal::StreamId;
use crate::stream::time::Time;

/// Tells connections apart; the next one has another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(pub(super) u64);

/// Names a sync of the spool, and the connection that it was begun for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncToken {
    pub(super) generation: Generation,
    pub(super) number: u64,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) generation: Generation,
    pub(super) since: Time,
    /// What the stream is called if no Hello names it.
    pub(super) peer: StreamId,
    /// The stream, once the first frame has told which.
    pub(super) stream: Option<StreamId>,
    /// The highest number that came on this connection: nothing above it is acked here.
    pub(super) seen: u64,
    /// The position last told on this connection.
    pub(super) told: u64,
    pub(super) ack_due: Option<u64>,
    /// `true`: Pause is to be said; `false`: Resume.
    pub(super) flow_due: Option<bool>,
    pub(super) drain_due: Option<u64>,
    pub(super) drained: Option<u64>,
    /// When Pause was last said, while it holds.
    pub(super) paused: Option<Time>,
    pub(super) was_paused: bool,
    /// Whole frames in the queue as far as they were counted, and the bytes that these are.
    pub(super) waiting_frames: usize,
    pub(super) waiting_bytes: usize,
    pub(super) closing: Option<HangUp>,
}

impl Connection {
    pub(super) fn new(generation: Generation, peer: StreamId, now: Time) -> Self {
        Self {
            generation,
            since: now,
            peer,
            stream: None,
            seen: 0,
            told: 0,
            ack_due: None,
            flow_due: None,
            drain_due: None,
            drained: None,
            paused: None,
            was_paused: false,
            waiting_frames: 0,
            waiting_bytes: 0,
            closing: None,
        }
    }
}
