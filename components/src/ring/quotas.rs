//! How event kinds share the ring. Each kind has slots reserved for it that no other can take;
//! what is not reserved is common to all. By default each of the five kinds has an eighth, and
//! the common part is three eighths: a storm of one kind alone can hold half the ring, never
//! more, and a deny finds room however many sessions were created before it.

use crate::kinds::EventKind;
use crate::ring::config::RingError;

/// Slots reserved for each event kind, by [`EventKind::index`]. Their sum is at most the ring's
/// capacity; the rest is common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quotas {
    /// Reserved slots.
    pub reserved_frames: [usize; EventKind::COUNT],
}

impl Quotas {
    /// An eighth of the ring for each kind. Rings of fewer than eight slots reserve nothing.
    #[must_use]
    pub const fn eighths(capacity_frames: usize) -> Self {
        Self { reserved_frames: [capacity_frames / 8; EventKind::COUNT] }
    }
}

/// Who holds how many slots. A holder is an event kind, or `None` for the FullResync, which has
/// nothing reserved.
///
/// `common_used = Σ max(0, used − reserved) + resyncs ≤ common`, hence everything used, and
/// everything reserved and unused, fits the ring together: a kind below its reservation always
/// finds a slot.
#[derive(Debug)]
pub(super) struct Occupancy {
    reserved: [u64; EventKind::COUNT],
    used: [u64; EventKind::COUNT],
    resyncs: u64,
    common: u64,
    common_used: u64,
}

impl Occupancy {
    /// An empty ring of `capacity` slots.
    pub(super) fn new(quotas: &Quotas, capacity: usize) -> Result<Self, RingError> {
        let reserved = quotas.reserved_frames.iter().fold(0usize, |sum, n| sum.saturating_add(*n));
        let Some(common) = capacity.checked_sub(reserved) else {
            return Err(RingError::Quotas { reserved, capacity });
        };
        Ok(Self {
            reserved: quotas.reserved_frames.map(|frames| frames as u64),
            used: [0; EventKind::COUNT],
            resyncs: 0,
            common: common as u64,
            common_used: 0,
        })
    }

    /// Whether there is a slot for the holder.
    pub(super) fn admits(&self, holder: Option<EventKind>) -> bool {
        self.common_used < self.common
            || holder.is_some_and(|kind| self.used[kind.index()] < self.reserved[kind.index()])
    }

    /// Whether there are slots for so many of each kind together.
    pub(super) fn admits_all(&self, kinds: &[u64; EventKind::COUNT]) -> bool {
        let of_common = kinds.iter().enumerate().map(|(kind, wanted)| {
            wanted.saturating_sub(self.reserved[kind].saturating_sub(self.used[kind]))
        });
        of_common.sum::<u64>() <= self.common - self.common_used
    }

    /// Whether the holder has no more than its reservation, which nobody else may cut into.
    pub(super) fn is_protected(&self, holder: Option<EventKind>) -> bool {
        holder.is_some_and(|kind| self.used[kind.index()] <= self.reserved[kind.index()])
    }

    /// Gives the holder a slot that it is admitted to.
    pub(super) fn take(&mut self, holder: Option<EventKind>) {
        match holder.map(EventKind::index) {
            Some(kind) => {
                self.common_used += u64::from(self.used[kind] >= self.reserved[kind]);
                self.used[kind] += 1;
            }
            None => {
                self.common_used += 1;
                self.resyncs += 1;
            }
        }
    }

    /// Takes a slot of the holder's back.
    pub(super) fn release(&mut self, holder: Option<EventKind>) {
        match holder.map(EventKind::index) {
            Some(kind) => {
                self.used[kind] -= 1;
                self.common_used -= u64::from(self.used[kind] >= self.reserved[kind]);
            }
            None => {
                self.common_used -= 1;
                self.resyncs -= 1;
            }
        }
    }

    /// Slots in use.
    pub(super) fn total(&self) -> u64 {
        self.used.iter().sum::<u64>() + self.resyncs
    }
}
