//! Why bytes from the stream are refused. A payload that is refused leaves the stream intact: the
//! frame is counted by its type, kept aside by whoever holds its bytes, and passed as applied. A
//! [`ProtocolError`] does not: where the next frame begins is no longer known, and the connection
//! closes.

use crate::address::Family;
use crate::kinds::EventKind;
use crate::wire::header::FrameType;
use crate::wire::rt_flow::Detail;

/// A header or payload that is not what its frame type says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Fewer bytes than a header has.
    #[error("header of {actual} bytes, 16 expected")]
    TruncatedHeader {
        /// Bytes at hand.
        actual: usize,
    },
    /// The payload's length does not fit the frame type.
    #[error("{frame_type} payload of {actual} bytes, {expected} expected")]
    Length {
        /// The frame's type.
        frame_type: FrameType,
        /// The length that the type has; the longest one where several are allowed.
        expected: usize,
        /// The payload's length.
        actual: usize,
    },
    /// The event type inside the record is not that of the frame type.
    #[error("event type {event_type} in a {frame_type} frame")]
    EventType {
        /// The frame's type.
        frame_type: FrameType,
        /// The record's event type.
        event_type: u8,
    },
    /// The family byte is not one that this frame type knows.
    #[error("address family {family} in a {frame_type} frame")]
    Family {
        /// The frame's type.
        frame_type: FrameType,
        /// The family byte.
        family: u8,
    },
    /// The frame type is none that this version knows.
    #[error("unknown frame type {0}")]
    FrameType(u8),
    /// The action is none that can have happened to a packet.
    #[error("unknown action {action} in a {frame_type} frame")]
    Action {
        /// The frame's type.
        frame_type: FrameType,
        /// The action byte.
        action: u8,
    },
}

/// The stream cannot be read any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// A payload longer than any frame may have.
    #[error("frame of type {frame_type} announces {length} bytes of payload, at most 1024 allowed")]
    PayloadTooLong {
        /// The frame type byte, known or not.
        frame_type: u8,
        /// The announced length, bytes.
        length: u32,
    },
}

/// An event that its record could not tell without losing a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// A session event without counters, or another event with them.
    #[error("a {} event cannot carry {detail:?}", kind.label())]
    Detail {
        /// The event's kind.
        kind: EventKind,
        /// The detail it was given.
        detail: Detail,
    },
    /// Not an address family that the wire has a number for.
    #[error("address family {0:?} has no number on the wire")]
    Family(Family),
}
