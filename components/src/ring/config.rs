//! What a ring is made from, and why it may be refused.

use crate::ring::quotas::Quotas;

/// What a ring is made from.
#[derive(Clone, Debug)]
pub struct RingConfig {
    /// Slots, a power of two.
    pub capacity_frames: usize,
    /// Names the numbering: a new one begins with a new id.
    pub stream_id: u64,
    /// The first sequence number, 1 unless a test wants to see the end of the numbers.
    pub start_sequence: u64,
    /// What happens to a frame that finds no room.
    pub overflow: Overflow,
    /// Slots kept for each event kind.
    pub quotas: Quotas,
}

impl RingConfig {
    /// A ring of `capacity_frames` slots that starts at 1, refuses on overflow and keeps an
    /// eighth for each event kind.
    #[must_use]
    pub const fn new(capacity_frames: usize, stream_id: u64) -> Self {
        Self {
            capacity_frames,
            stream_id,
            start_sequence: 1,
            overflow: Overflow::Refuse,
            quotas: Quotas::eighths(capacity_frames),
        }
    }
}

/// What happens to a frame that finds no room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// It is refused and takes no number.
    #[default]
    Refuse,
    /// The oldest frame goes, counted and owing a FullResync, unless its kind holds no more than
    /// the slots kept for it; then the new frame is refused.
    Evict,
}

/// A ring that cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RingError {
    /// The capacity does not make a mask.
    #[error("ring capacity {0} is not a power of two")]
    Capacity(usize),
    /// More slots are kept for event kinds than there are.
    #[error("{reserved} slots are reserved in a ring of {capacity}")]
    Quotas {
        /// Sum of the reserved slots.
        reserved: usize,
        /// The ring's slots.
        capacity: usize,
    },
    /// The memory is not that of such a ring.
    #[error("memory of {slots} slots for a ring of {capacity}")]
    Memory {
        /// Slots of the memory.
        slots: usize,
        /// The ring's slots.
        capacity: usize,
    },
    /// A state that no ring was ever in.
    #[error("acked {acked}, oldest {tail}, next {head}: no ring was ever in this state")]
    State {
        /// The highest number acked.
        acked: u64,
        /// The oldest number retained.
        tail: u64,
        /// The next number.
        head: u64,
    },
    /// Zero is no sequence number.
    #[error("a stream cannot start at sequence 0")]
    StartSequence,
}
