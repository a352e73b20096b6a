//! The two control frames that have a payload, both additions to the contract that an older peer
//! counts and steps over. Ack, Pause, Resume, DrainRequest, DrainComplete, FullResync and
//! Keepalive are a header and nothing else: what they say is their sequence number.

use core::mem::{offset_of, size_of};
use zerocopy::Unaligned;
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout, LE, U16, U32, U64};

use crate::kinds::EventKind;

/// The first frame on a connection, in both directions, under sequence 0.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct Hello {
    /// [`PROTOCOL_VERSION`] of the sender.
    pub version: U16<LE>,
    /// None is defined yet.
    pub flags: U16<LE>,
    /// Zero.
    pub reserved: U32<LE>,
    /// The producer's stream; in the answer the stream that the collector knows, 0 for none.
    pub stream_id: U64<LE>,
    /// The producer's oldest retained sequence; in the answer the last one applied.
    pub oldest_sequence: U64<LE>,
    /// The producer's next sequence; in the answer the one that the collector waits for.
    pub next_sequence: U64<LE>,
}

/// The version of the event stream that Hello was added with.
pub const PROTOCOL_VERSION: u16 = 1;

impl Hello {
    /// A producer's: the stream, and what of it can be sent.
    #[must_use]
    pub fn of_producer(stream_id: u64, oldest_sequence: u64, next_sequence: u64) -> Self {
        Self {
            version: PROTOCOL_VERSION.into(),
            stream_id: stream_id.into(),
            oldest_sequence: oldest_sequence.into(),
            next_sequence: next_sequence.into(),
            ..Self::new_zeroed()
        }
    }

    /// A collector's answer: the stream that it knows and the last sequence that it applied.
    #[must_use]
    pub fn of_collector(stream_id: u64, applied_sequence: u64) -> Self {
        Self::of_producer(stream_id, applied_sequence, applied_sequence.saturating_add(1))
    }
}

/// Totals since the stream began, for each event kind: what the stream could not carry. It goes
/// out under sequence 0 and is not replayed, since the next one says all that it said and more.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct LossReport {
    /// By [`EventKind::index`].
    pub kinds: [KindLoss; EventKind::COUNT],
}

/// One event kind's part of a [`LossReport`].
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct KindLoss {
    /// Events that happened.
    pub generated: U64<LE>,
    /// Events that got a sequence number.
    pub accepted: U64<LE>,
    /// Events that the limiter refused.
    pub rate_limited: U64<LE>,
    /// Events that found the ring, or their kind's part of it, full.
    pub ring_full: U64<LE>,
    /// Events that had no stream to go to.
    pub no_stream: U64<LE>,
}

const _: () = {
    assert!(size_of::<Hello>() == 32);
    assert!(offset_of!(Hello, version) == 0);
    assert!(offset_of!(Hello, flags) == 2);
    assert!(offset_of!(Hello, reserved) == 4);
    assert!(offset_of!(Hello, stream_id) == 8);
    assert!(offset_of!(Hello, oldest_sequence) == 16);
    assert!(offset_of!(Hello, next_sequence) == 24);

    assert!(size_of::<LossReport>() == 200);
    assert!(size_of::<KindLoss>() == 40);
    assert!(offset_of!(KindLoss, generated) == 0);
    assert!(offset_of!(KindLoss, accepted) == 8);
    assert!(offset_of!(KindLoss, rate_limited) == 16);
    assert!(offset_of!(KindLoss, ring_full) == 24);
    assert!(offset_of!(KindLoss, no_stream) == 32);
};
