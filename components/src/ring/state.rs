//! A ring's state as it is kept beside its slots, so that the next process can take the stream
//! over: cursors, what is owed, and every total. The owner keeps two copies and publishes a new
//! one after each change, so that whoever finds the memory finds the state before a change or
//! after it, never between. Slots that do not check out are holes: their numbers are lost, counted
//! as torn, and everything else is replayed.

use core::mem::size_of;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, LE, U32, U64, Unaligned};

use super::quotas::{Holder, Occupancy};
use super::resync::Resync;
use super::slots::Slots;
use super::{ReplayRing, RingConfig, RingCounters, RingError};
use crate::block::{EVENT_FRAME_LENGTH, EventFrame, FrameKind};
use crate::kinds::{EventKind, SessionChange};
use crate::reason::{Counts, RefuseReason};
use crate::wire::{FrameHeader, FrameType};

/// Everything of a ring but its slots, as it lies in shared memory.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct RingState {
    /// CRC-32 of everything after it.
    pub checksum: U32<LE>,
    /// 1: another FullResync is owed behind the one that has a number.
    pub resync_again: u8,
    /// Zero.
    pub zero: [u8; 3],
    /// How many states were published before.
    pub generation: U64<LE>,
    /// The stream's id.
    pub stream_id: U64<LE>,
    /// The first number of the stream.
    pub first: U64<LE>,
    /// The highest number acked.
    pub acked: U64<LE>,
    /// The oldest number retained.
    pub tail: U64<LE>,
    /// The number of the next frame.
    pub head: U64<LE>,
    /// 0: no FullResync is owed; 1: one is; above: it is retained under the number below.
    pub resync: U64<LE>,
    /// The totals.
    pub counters: StoredCounters,
    /// What was refused before it came to the ring, by kind and [`RefuseReason`].
    pub upstream: [[U64<LE>; RefuseReason::COUNT]; EventKind::COUNT],
}

/// [`RingCounters`] as they lie in shared memory.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct StoredCounters {
    assigned: [U64<LE>; EventKind::COUNT],
    refused: [U64<LE>; EventKind::COUNT],
    evicted: [U64<LE>; EventKind::COUNT],
    sessions: [U64<LE>; SessionChange::COUNT],
    sessions_refused: [U64<LE>; SessionChange::COUNT],
    sessions_evicted: [U64<LE>; SessionChange::COUNT],
    torn: U64<LE>,
    forgotten: U64<LE>,
    resyncs: U64<LE>,
    sent: U64<LE>,
    replayed: U64<LE>,
    acks_advanced: U64<LE>,
    acks_duplicate: U64<LE>,
    acks_regressed: U64<LE>,
    acks_beyond_sent: U64<LE>,
}

impl RingState {
    /// Whether nothing in it changed since it was published.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.checksum.get() == self.hash()
    }

    fn hash(&self) -> u32 {
        crc32fast::hash(&self.as_bytes()[size_of::<U32<LE>>()..])
    }

    /// Refusals before the ring, by kind.
    #[must_use]
    pub fn upstream(&self) -> [Counts<{ RefuseReason::COUNT }>; EventKind::COUNT] {
        self.upstream.map(|reasons| Counts(reasons.map(U64::get)))
    }
}

impl ReplayRing {
    /// The state to publish, `generation` states after the first.
    #[must_use]
    pub fn state(
        &self,
        generation: u64,
        upstream: &[Counts<{ RefuseReason::COUNT }>; EventKind::COUNT],
    ) -> RingState {
        let mut state = RingState {
            checksum: 0.into(),
            resync_again: u8::from(self.resync_again),
            zero: [0; 3],
            generation: generation.into(),
            stream_id: self.stream_id.into(),
            first: self.first.into(),
            acked: self.acked.into(),
            tail: self.tail.into(),
            head: self.head.into(),
            resync: match self.resync {
                Resync::None => 0,
                Resync::Owed => 1,
                // The highest number is two below the last that a word holds.
                Resync::Numbered(number, _) => number + 1,
            }
            .into(),
            counters: StoredCounters::of(&self.counters),
            upstream: upstream.map(|reasons| reasons.0.map(Into::into)),
        };
        state.checksum = state.hash().into();
        state
    }

    /// A ring in `memory` whose stream goes on where `state` says, or a new one. Nobody knows
    /// what the process before wrote last, so everything counts as written once.
    ///
    /// # Errors
    /// As [`ReplayRing::new`], and if state and memory do not fit each other.
    pub fn in_memory(
        config: &RingConfig,
        memory: RingMemory,
        state: Option<&RingState>,
    ) -> Result<Self, RingError> {
        let mut ring = Self::new(config)?;
        let capacity = config.capacity_frames;
        if memory.slots.len() != capacity || memory.sums.len() != capacity {
            return Err(RingError::Memory { slots: memory.slots.len(), capacity });
        }
        ring.slots = Slots::mapped(memory);
        match state {
            Some(state) => ring.go_on(config, state),
            None => Ok(ring),
        }
    }

    /// Goes on where `state` says, with the slots as they are.
    fn go_on(self, config: &RingConfig, state: &RingState) -> Result<Self, RingError> {
        let mut ring = self;
        let capacity = config.capacity_frames;
        let [first, acked, tail, head] =
            [state.first, state.acked, state.tail, state.head].map(U64::get);
        let fits = acked < tail && tail <= head && head - tail <= capacity as u64 && first > 0;
        if !fits || acked + 1 < first {
            return Err(RingError::State { acked, tail, head });
        }
        ring.stream_id = state.stream_id.get();
        (ring.first, ring.acked, ring.tail, ring.head) = (first, acked, tail, head);
        ring.counters = state.counters.get();
        let number = state.resync.get().saturating_sub(1);
        ring.resync = match state.resync.get() {
            0 => Resync::None,
            2.. if (tail..head).contains(&number) => {
                Resync::Numbered(number, FrameHeader::new(FrameType::FullResync, 0, number))
            }
            _ => Resync::Owed,
        };
        ring.resync_again = state.resync_again != 0 && matches!(ring.resync, Resync::Numbered(..));
        ring.recount(config)?;
        ring.assume_written();
        Ok(ring)
    }

    /// The ring as the next process finds it: `state` as it was published last, the slots as they
    /// were written, one of them not whole.
    #[cfg(test)]
    pub(crate) fn taken_over(
        self,
        config: &RingConfig,
        state: &RingState,
        torn: Option<u64>,
    ) -> Result<Self, RingError> {
        let mut ring = Self::new(config)?;
        ring.slots = self.slots;
        if let Some(sequence) = torn {
            ring.slots.tear(sequence);
        }
        ring.go_on(config, state)
    }

    /// Counts what each retained frame takes, and finds the ones that are not whole.
    fn recount(&mut self, config: &RingConfig) -> Result<(), RingError> {
        self.occupancy = Occupancy::new(&config.quotas, config.capacity_frames)?;
        for sequence in self.tail..self.head {
            let resync = self.resync_number() == Some(sequence);
            if resync {
                self.occupancy.take(Holder::Resync);
            } else if let Some(kind) = self.slots.checked_kind(sequence) {
                self.occupancy.take(kind.into());
                if matches!(kind, FrameKind::Session(_)) {
                    self.short.push_back(sequence);
                }
            } else {
                self.holes.push(sequence);
                self.owe_resync();
                // The process before may have found it already, and left it when it died.
                self.counters.torn += u64::from(!self.slots.is_scrubbed(sequence));
                self.slots.scrub(sequence);
            }
        }
        self.renumber_resync();
        Ok(())
    }

    /// A FullResync stands for what is missing before it. One with a hole behind it gives its
    /// number up, so that the next one stands behind all of them.
    fn renumber_resync(&mut self) {
        let number = self.resync_number();
        let last = self.holes.last().copied();
        if let Some(number) = number.filter(|number| last.is_some_and(|hole| hole > *number)) {
            let at = self.holes.partition_point(|hole| *hole < number);
            self.holes.insert(at, number);
            self.occupancy.release(Holder::Resync);
            self.resync = Resync::Owed;
            self.resync_again = false;
        }
    }
}

impl ReplayRing {
    /// Numbers retained without a frame: slots that were not whole when the ring was taken over.
    #[must_use]
    pub const fn holes(&self) -> u64 {
        self.holes.len() as u64
    }

    /// Whether the oldest number is a hole, which is then forgotten.
    pub(super) fn pass_hole(&mut self) -> bool {
        let hole = self.holes.first() == Some(&self.tail);
        if hole {
            self.holes.remove(0);
        }
        hole
    }

    /// A number without a frame is never written: the next one that is shows the gap.
    pub(super) fn step_over_holes(&mut self) {
        while self.holes.contains(&self.sent) {
            self.sent += 1;
            self.sent_end = self.sent_end.max(self.sent);
        }
    }
}

/// Memory for a ring that outlives its process: slots, and a checksum for each.
#[derive(Debug)]
pub struct RingMemory {
    pub(super) slots: &'static mut [EventFrame],
    pub(super) sums: &'static mut [U32<LE>],
}

impl RingMemory {
    /// Bytes for a ring of `capacity` slots.
    #[must_use]
    pub const fn length(capacity: usize) -> usize {
        capacity * (EVENT_FRAME_LENGTH + size_of::<U32<LE>>())
    }

    /// As many slots as `bytes` has room for, whatever stands in them.
    #[must_use]
    pub fn new(bytes: &'static mut [u8]) -> Self {
        let capacity = bytes.len() / Self::length(1);
        let (slots, rest) = bytes.split_at_mut(capacity * EVENT_FRAME_LENGTH);
        let sums = &mut rest[..capacity * size_of::<U32<LE>>()];
        let whole = "unaligned types, and a length that is a multiple";
        Self {
            slots: <[EventFrame]>::mut_from_bytes(slots).expect(whole),
            sums: <[U32<LE>]>::mut_from_bytes(sums).expect(whole),
        }
    }
}

impl StoredCounters {
    fn of(counters: &RingCounters) -> Self {
        Self {
            assigned: counters.assigned.0.map(Into::into),
            refused: counters.refused.0.map(Into::into),
            evicted: counters.evicted.0.map(Into::into),
            sessions: counters.sessions.0.map(Into::into),
            sessions_refused: counters.sessions_refused.0.map(Into::into),
            sessions_evicted: counters.sessions_evicted.0.map(Into::into),
            torn: counters.torn.into(),
            forgotten: counters.forgotten.into(),
            resyncs: counters.resyncs.into(),
            sent: counters.sent.into(),
            replayed: counters.replayed.into(),
            acks_advanced: counters.acks_advanced.into(),
            acks_duplicate: counters.acks_duplicate.into(),
            acks_regressed: counters.acks_regressed.into(),
            acks_beyond_sent: counters.acks_beyond_sent.into(),
        }
    }

    fn get(&self) -> RingCounters {
        RingCounters {
            assigned: Counts(self.assigned.map(U64::get)),
            refused: Counts(self.refused.map(U64::get)),
            evicted: Counts(self.evicted.map(U64::get)),
            sessions: Counts(self.sessions.map(U64::get)),
            sessions_refused: Counts(self.sessions_refused.map(U64::get)),
            sessions_evicted: Counts(self.sessions_evicted.map(U64::get)),
            torn: self.torn.get(),
            forgotten: self.forgotten.get(),
            resyncs: self.resyncs.get(),
            sent: self.sent.get(),
            replayed: self.replayed.get(),
            acks_advanced: self.acks_advanced.get(),
            acks_duplicate: self.acks_duplicate.get(),
            acks_regressed: self.acks_regressed.get(),
            acks_beyond_sent: self.acks_beyond_sent.get(),
        }
    }
}

const _: () = assert!(size_of::<RingState>() == 488);
