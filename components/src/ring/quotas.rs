//! How event kinds, and frames of session replication, share the ring. Each has slots reserved for
//! it that no other can take; what is not reserved is common to all. By default each of the five
//! kinds has an eighth, and the common part is three eighths, of which session frames get one where
//! sessions are replicated: a storm of one kind alone can hold half the ring, never more, and a
//! deny finds room however many sessions were created before it.

use crate::block::FrameKind;
use crate::kinds::{EventKind, SessionChange};
use crate::ring::config::RingError;

/// Slots reserved for each event kind, by [`EventKind::index`], and for session frames. Their sum
/// is at most the ring's capacity; the rest is common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quotas {
    /// Reserved slots, by event kind.
    pub reserved_frames: [usize; EventKind::COUNT],
    /// Slots reserved for session frames, all three types together.
    pub session_frames: usize,
}

impl Quotas {
    /// An eighth of the ring for each kind. Rings of fewer than eight slots reserve nothing.
    #[must_use]
    pub const fn eighths(capacity_frames: usize) -> Self {
        Self { reserved_frames: [capacity_frames / 8; EventKind::COUNT], session_frames: 0 }
    }

    /// The same, and an eighth for session frames.
    #[must_use]
    pub const fn with_sessions(capacity_frames: usize) -> Self {
        Self { session_frames: capacity_frames / 8, ..Self::eighths(capacity_frames) }
    }

    const fn shares(&self) -> [usize; SHARES] {
        let [create, close, deny, screen, filter] = self.reserved_frames;
        [create, close, deny, screen, filter, self.session_frames]
    }
}

/// Who holds a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    /// An event.
    Event(EventKind),
    /// A frame of session replication; all three types have one share.
    Session(SessionChange),
    /// The FullResync, which has nothing reserved.
    Resync,
}

impl Holder {
    /// Which share it takes from.
    pub(super) const fn share(self) -> Option<usize> {
        match self {
            Self::Event(kind) => Some(kind.index()),
            Self::Session(_) => Some(SHARES - 1),
            Self::Resync => None,
        }
    }
}

impl From<FrameKind> for Holder {
    fn from(kind: FrameKind) -> Self {
        match kind {
            FrameKind::Event(kind) => Self::Event(kind),
            FrameKind::Session(change) => Self::Session(change),
        }
    }
}

/// Event kinds, and session frames.
pub(super) const SHARES: usize = EventKind::COUNT + 1;

/// Who holds how many slots.
///
/// `common_used = Σ max(0, used − reserved) + resyncs ≤ common`, hence everything used, and
/// everything reserved and unused, fits the ring together: a kind below its reservation always
/// finds a slot.
#[derive(Debug)]
pub(super) struct Occupancy {
    reserved: [u64; SHARES],
    used: [u64; SHARES],
    resyncs: u64,
    common: u64,
    common_used: u64,
}

impl Occupancy {
    /// An empty ring of `capacity` slots.
    pub(super) fn new(quotas: &Quotas, capacity: usize) -> Result<Self, RingError> {
        let shares = quotas.shares();
        let reserved = shares.iter().fold(0usize, |sum, n| sum.saturating_add(*n));
        let Some(common) = capacity.checked_sub(reserved) else {
            return Err(RingError::Quotas { reserved, capacity });
        };
        Ok(Self {
            reserved: shares.map(|frames| frames as u64),
            used: [0; SHARES],
            resyncs: 0,
            common: common as u64,
            common_used: 0,
        })
    }

    /// Whether there is a slot for the holder.
    pub(super) fn admits(&self, holder: Holder) -> bool {
        self.common_used < self.common
            || holder.share().is_some_and(|share| self.used[share] < self.reserved[share])
    }

    /// Whether there are slots for so many of each share together.
    pub(super) fn admits_all(&self, wanted: &[u64; SHARES]) -> bool {
        let of_common = wanted.iter().enumerate().map(|(share, wanted)| {
            wanted.saturating_sub(self.reserved[share].saturating_sub(self.used[share]))
        });
        of_common.sum::<u64>() <= self.common - self.common_used
    }

    /// Whether the holder has no more than its reservation, which nobody else may cut into.
    pub(super) fn is_protected(&self, holder: Holder) -> bool {
        holder.share().is_some_and(|share| self.used[share] <= self.reserved[share])
    }

    /// Gives the holder a slot that it is admitted to.
    pub(super) fn take(&mut self, holder: Holder) {
        match holder.share() {
            Some(share) => {
                self.common_used += u64::from(self.used[share] >= self.reserved[share]);
                self.used[share] += 1;
            }
            None => {
                self.common_used += 1;
                self.resyncs += 1;
            }
        }
    }

    /// Takes a slot of the holder's back.
    pub(super) fn release(&mut self, holder: Holder) {
        match holder.share() {
            Some(share) => {
                self.used[share] -= 1;
                self.common_used -= u64::from(self.used[share] >= self.reserved[share]);
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
