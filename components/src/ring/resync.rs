//! The FullResync that a ring owes: for what was evicted, forgotten, torn, or refused of a session.
//! It is owed until its own number is acked.

use super::ReplayRing;
use super::quotas::Holder;
use crate::wire::header::{FrameHeader, FrameType};

/// Whether the collector must fetch the session state anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resync {
    /// Nothing is missing.
    None,
    /// A frame is missing, and the FullResync has no number yet or was itself evicted.
    Owed,
    /// The FullResync is retained under this number and not acked.
    Numbered(u64, FrameHeader),
}

impl ReplayRing {
    /// Gives an owed FullResync its number and its place behind all frames retained now. `None`
    /// if none is owed, it already has its place, or there is no room yet: ask again after an
    /// Ack, and whenever [`Self::owes_resync`] on a connection.
    pub fn append_resync(&mut self) -> Option<u64> {
        if self.resync != Resync::Owed || !self.make_room(Holder::Resync) {
            return None;
        }
        let sequence = self.head;
        self.resync =
            Resync::Numbered(sequence, FrameHeader::new(FrameType::FullResync, 0, sequence));
        self.occupancy.take(Holder::Resync);
        self.slots.scrub(sequence);
        self.head += 1;
        self.counters.resyncs += 1;
        self.check();
        Some(sequence)
    }

    /// Records that the collector misses frames which are no longer retained. Eviction does so by
    /// itself; this is for a collector that turns out to know less than it once acked.
    pub fn owe_resync(&mut self) {
        if self.resync == Resync::None {
            self.resync = Resync::Owed;
        }
    }

    /// Records that something is missing behind the FullResync too, if it has its place already:
    /// a change of a session that found no room.
    pub fn owe_another_resync(&mut self) {
        match self.resync {
            Resync::Numbered(..) => self.resync_again = true,
            Resync::None | Resync::Owed => self.resync = Resync::Owed,
        }
    }

    /// A known mistake, for the simulator to find.
    #[cfg(test)]
    pub(crate) fn forgive_resync(&mut self) {
        if self.resync == Resync::Owed {
            self.resync = Resync::None;
        }
    }

    /// Whether a FullResync is owed, numbered or not: until its own number is acked.
    #[must_use]
    pub fn owes_resync(&self) -> bool {
        self.resync != Resync::None
    }

    /// The number under which the FullResync is retained, if it has one.
    #[must_use]
    pub const fn resync_number(&self) -> Option<u64> {
        match self.resync {
            Resync::Numbered(number, _) => Some(number),
            Resync::None | Resync::Owed => None,
        }
    }
}
