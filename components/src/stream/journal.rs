//! What the collector hands to its spool. Records of one stream come in the order of their
//! numbers, so the position of a stream is that of its last record: whoever scans the spool from
//! its beginning, and gives each record to [`Recovery`], knows where every stream stands.

use crate::reason::LossReason;
use crate::stream::position::StreamPosition;

/// Names the numbering of a stream: the id of the producer's Hello, or what stands for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u64);

/// Numbers of a stream that were never applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The stream.
    pub stream: StreamId,
    /// The lowest number.
    pub first: u64,
    /// The highest.
    pub last: u64,
    /// Why.
    pub reason: LossReason,
}

impl Loss {
    /// How many numbers.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.last - self.first + 1
    }
}

/// One record of the spool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record<'a> {
    /// Whole frames as received, under the numbers `first`, `first + 1`, …
    Frames {
        /// The stream.
        stream: StreamId,
        /// The first frame's number.
        first: u64,
        /// How many frames.
        count: u64,
        /// The frames, back to back.
        bytes: &'a [u8],
    },
    /// Numbers that will not come.
    Lost(Loss),
    /// A frame that could not be applied, kept for whoever wants to know why.
    Aside {
        /// Its number, and the reason.
        loss: Loss,
        /// The frame as received.
        bytes: &'a [u8],
    },
    /// The session state was fetched anew after every FullResync and gap up to this number.
    Resynced {
        /// The stream.
        stream: StreamId,
        /// The highest number that is done with.
        through: u64,
    },
    /// The producer's own account of its losses; it has no number.
    Report {
        /// The stream.
        stream: StreamId,
        /// The LossReport's payload.
        bytes: &'a [u8],
    },
}

impl Record<'_> {
    /// The stream that the record belongs to.
    #[must_use]
    pub const fn stream(&self) -> StreamId {
        match self {
            Self::Frames { stream, .. } | Self::Resynced { stream, .. } => *stream,
            Self::Lost(loss) | Self::Aside { loss, .. } => loss.stream,
            Self::Report { stream, .. } => *stream,
        }
    }
}

/// Where the collector's records go: a spool's buffer. It takes every record; a spool that cannot
/// go on says so beforehand, with [`Collector::spool_ready`](super::Collector::spool_ready).
pub trait Journal {
    /// Appends a record behind all others.
    fn append(&mut self, record: &Record<'_>);
}

/// Positions of all streams in a spool, from its records in their order.
#[derive(Clone, Debug, Default)]
pub struct Recovery {
    streams: Vec<StreamPosition>,
}

impl Recovery {
    /// Takes the next record.
    pub fn on(&mut self, record: &Record<'_>) {
        let id = record.stream();
        let known = self.streams.iter().rposition(|stream| stream.id == id);
        let at = known.unwrap_or_else(|| {
            self.streams.push(StreamPosition::new(id));
            self.streams.len() - 1
        });
        self.streams[at].on(record);
    }

    /// The positions, in the order in which the streams began.
    #[must_use]
    pub fn into_streams(self) -> Vec<StreamPosition> {
        self.streams
    }
}
