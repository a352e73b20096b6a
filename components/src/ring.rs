//! The replay ring: event frames from the moment they are accepted until a cumulative Ack covers
//! them. Sequence numbers are given here and nowhere else; a frame that is refused takes none, so
//! a gap in the numbers always means loss. No event type can push out another: [`Quotas`] keeps
//! slots for each. The ring knows no connection, clock or socket; its owner says what was written.
//! A frame of session replication that is refused owes a FullResync: a replica that misses a change
//! must begin anew, where an event that was refused is counted and done with.

use std::collections::VecDeque;

use zerocopy::IntoBytes;

use crate::block::{EVENT_FRAME_LENGTH, EventFrame, FrameKind};
use crate::wire::header::HEADER_LENGTH;

mod config;
mod outcome;
mod quotas;
mod resync;
mod slots;
mod state;

pub use config::{Overflow, RingConfig, RingError};
pub use outcome::{AckOutcome, Appended, RingCounters};
pub use quotas::Quotas;
pub use slots::Unsent;
pub use state::{RingMemory, RingState};

use quotas::{Holder, Occupancy, SHARES};
use resync::Resync;
use slots::Slots;

/// A ring of whole event frames, addressed by sequence number: `slot = sequence & mask`.
///
/// **`acked < tail ≤ sent ≤ head ≤ tail + capacity`, and `acked < sent_end ≤ head`**, where
/// `tail..head` are retained, `tail..sent` are written on this connection and not acked,
/// `sent..head` are still to be written, and nothing from `sent_end` on was ever written.
/// If `acked + 1 < tail`, what is between was evicted. With eight slots:
///
/// ```text
/// slot        0    1    2    3    4    5    6    7
///                  9   10 | 11   12   13               tail 9, sent 11, head 14:
///                                                      one run to write, 11..14
///
///            16   17   18                13   14 | 15  tail 13, sent 15, head 19:
///                                                      two runs, 15 and then 16..19
///
///            16   17   18   19   12   13   14   15     tail = sent = 12, head 20: full,
///                                                      tail and head share slot 4
///
///                                                      tail = sent = head: empty, likewise
/// ```
///
/// The last number, `u64::MAX - 1`, is for a FullResync, so that none is owed for ever; at
/// `head = u64::MAX` everything is refused, and nothing wraps to 0.
#[derive(Debug)]
pub struct ReplayRing {
    slots: Slots,
    stream_id: u64,
    first: u64,
    acked: u64,
    tail: u64,
    sent: u64,
    sent_end: u64,
    head: u64,
    occupancy: Occupancy,
    overflow: Overflow,
    resync: Resync,
    /// Another FullResync is owed once the one that has a number is acked.
    resync_again: bool,
    /// Numbers of the session frames that are retained: shorter than events, they go out one by
    /// one.
    short: VecDeque<u64>,
    /// Numbers in `tail..head` without a frame: only a stream that was taken over may have some.
    holes: Vec<u64>,
    counters: RingCounters,
}

impl ReplayRing {
    /// An empty ring.
    ///
    /// # Errors
    /// [`RingError`] if the capacity is no power of two, the quotas exceed it, or the first
    /// sequence number is 0.
    pub fn new(config: &RingConfig) -> Result<Self, RingError> {
        let capacity = config.capacity_frames;
        if !capacity.is_power_of_two() {
            return Err(RingError::Capacity(capacity));
        }
        let acked = config.start_sequence.checked_sub(1).ok_or(RingError::StartSequence)?;
        let start = config.start_sequence;
        Ok(Self {
            slots: Slots::new(capacity),
            stream_id: config.stream_id,
            first: start,
            acked,
            tail: start,
            sent: start,
            sent_end: start,
            head: start,
            occupancy: Occupancy::new(&config.quotas, capacity)?,
            overflow: config.overflow,
            resync: Resync::None,
            resync_again: false,
            short: VecDeque::new(),
            holes: Vec::new(),
            counters: RingCounters::default(),
        })
    }

    /// Accepts frames in order, each under the next sequence number, or refuses them one by one.
    pub fn append(&mut self, frames: &[EventFrame]) -> Appended {
        let mut appended = Appended::default();
        for frame in frames {
            let kind = frame.kind();
            let accepted = self.make_room(kind.into());
            if accepted {
                self.put(frame, kind);
            }
            match (kind, accepted) {
                (FrameKind::Event(kind), true) => appended.accepted.0[kind.index()] += 1,
                (FrameKind::Event(kind), false) => appended.refused.0[kind.index()] += 1,
                (FrameKind::Session(change), true) => appended.sessions.0[change.index()] += 1,
                (FrameKind::Session(change), false) => {
                    appended.sessions_refused.0[change.index()] += 1;
                    if self.head < u64::MAX {
                        self.owe_another_resync();
                    }
                }
            }
        }
        self.counters.assigned.add(&appended.accepted);
        self.counters.refused.add(&appended.refused);
        self.counters.sessions.add(&appended.sessions);
        self.counters.sessions_refused.add(&appended.sessions_refused);
        self.check();
        appended
    }

    fn put(&mut self, frame: &EventFrame, kind: FrameKind) {
        self.slots.put(self.head, frame);
        self.occupancy.take(kind.into());
        if matches!(kind, FrameKind::Session(_)) {
            self.short.push_back(self.head);
        }
        self.head += 1;
    }

    /// The whole frames to write next. Not always all: a FullResync and a session frame, which are
    /// shorter than an event, come alone, so ask again after [`Self::mark_sent`] until there is
    /// none.
    #[must_use]
    pub fn unsent(&self) -> Unsent<'_> {
        let end = match &self.resync {
            Resync::Numbered(sequence, header) if *sequence == self.sent => {
                let frame_length = HEADER_LENGTH;
                return Unsent { first: header.as_bytes(), second: &[], frames: 1, frame_length };
            }
            Resync::Numbered(sequence, _) if *sequence > self.sent => *sequence,
            _ => self.head,
        };
        let next_short = self.short.partition_point(|short| *short < self.sent);
        let end = match self.short.get(next_short) {
            Some(short) if *short == self.sent => {
                let first = self.slots.get(self.sent).wire_bytes().unwrap_or_default();
                return Unsent { first, second: &[], frames: 1, frame_length: first.len() };
            }
            Some(short) => end.min(*short),
            None => end,
        };
        let end = self.holes.iter().find(|hole| **hole > self.sent).map_or(end, |h| end.min(*h));
        let (first, second) = self.slots.run(self.sent, end);
        Unsent {
            first: first.as_bytes(),
            second: second.as_bytes(),
            frames: first.len() + second.len(),
            frame_length: EVENT_FRAME_LENGTH,
        }
    }

    /// Moves on by `frames` written frames, at most those that [`Self::unsent`] gave. A frame of
    /// which a part was written counts: see [`Unsent::split_at`].
    pub fn mark_sent(&mut self, frames: usize) {
        let available = self.head - self.sent;
        let frames = u64::try_from(frames).unwrap_or(u64::MAX);
        debug_assert!(frames <= available, "{frames} frames sent of {available}");
        let frames = frames.min(available);
        let again = self.sent_end.saturating_sub(self.sent).min(frames);
        self.sent += frames;
        self.sent_end = self.sent_end.max(self.sent);
        self.counters.sent += frames;
        self.counters.replayed += again;
        self.step_over_holes();
        self.check();
    }

    /// Sets free what a cumulative Ack covers. It may cover more than was written on this
    /// connection, if an earlier one wrote it; an Ack that arrives for an earlier connection is
    /// the owner's to drop.
    pub fn ack(&mut self, sequence: u64) -> AckOutcome {
        if sequence < self.acked {
            self.counters.acks_regressed += 1;
            return AckOutcome::Regressed;
        }
        if sequence == self.acked {
            self.counters.acks_duplicate += 1;
            return AckOutcome::Duplicate;
        }
        if sequence >= self.sent_end {
            self.counters.acks_beyond_sent += 1;
            return AckOutcome::BeyondSent;
        }
        let before = self.tail;
        while self.tail <= sequence {
            if !self.pass_hole() {
                self.occupancy.release(self.holder(self.tail));
            }
            self.tail += 1;
        }
        self.forget_short();
        self.acked = sequence;
        self.sent = self.sent.max(self.tail);
        self.step_over_holes();
        if matches!(self.resync, Resync::Numbered(own, _) if own <= sequence) {
            let again = std::mem::take(&mut self.resync_again);
            self.resync = if again { Resync::Owed } else { Resync::None };
        }
        self.counters.acks_advanced += 1;
        self.check();
        AckOutcome::Advanced(self.tail - before)
    }

    /// The position from which the collector goes on, as it told it: an Ack, but one that may also
    /// go back. What was acked and is not known any more is gone; it is counted and owes a
    /// FullResync, like what was evicted.
    pub fn resume_at(&mut self, applied: u64) -> AckOutcome {
        let applied = applied.max(self.first - 1);
        if applied == self.acked {
            return AckOutcome::Duplicate;
        }
        if applied > self.acked {
            return self.ack(applied);
        }
        self.counters.forgotten += self.acked - applied;
        self.acked = applied;
        self.owe_resync();
        self.check();
        AckOutcome::Regressed
    }

    /// Takes over from a process of which nobody knows what it wrote last: everything may have
    /// been, so an Ack of any of it is good.
    pub fn assume_written(&mut self) {
        self.sent_end = self.head;
        self.rewind_to_acked();
    }

    /// Begins a connection: everything retained above the acked sequence is to be written again.
    pub fn rewind_to_acked(&mut self) {
        self.sent = self.tail;
        self.step_over_holes();
        self.check();
    }
}

impl ReplayRing {
    /// The stream's id.
    #[must_use]
    pub const fn stream_id(&self) -> u64 {
        self.stream_id
    }

    /// The first sequence number that the stream gave, or will give.
    #[must_use]
    pub const fn first_sequence(&self) -> u64 {
        self.first
    }

    /// The oldest retained sequence number, or the next one if nothing is retained.
    #[must_use]
    pub const fn oldest(&self) -> u64 {
        self.tail
    }

    /// The highest sequence number given out; one below the first if none was.
    #[must_use]
    pub const fn last_sequence(&self) -> u64 {
        self.head - 1
    }

    /// The sequence number that the next frame gets.
    #[must_use]
    pub const fn next_sequence(&self) -> u64 {
        self.head
    }

    /// The highest sequence number acked; one below the first if none was.
    #[must_use]
    pub const fn acked(&self) -> u64 {
        self.acked
    }

    /// The highest sequence number written on this connection or acked before it.
    #[must_use]
    pub const fn last_sent(&self) -> u64 {
        self.sent - 1
    }

    /// First and last of the sequence numbers that were evicted and not acked since.
    #[must_use]
    pub fn missing(&self) -> Option<(u64, u64)> {
        (self.acked + 1 < self.tail).then(|| (self.acked + 1, self.tail - 1))
    }

    /// Slots.
    #[must_use]
    pub fn capacity(&self) -> u64 {
        self.slots.capacity()
    }

    /// Whether all of `frames` would be accepted now, without an eviction.
    #[must_use]
    pub fn fits(&self, frames: &[EventFrame]) -> bool {
        let mut wanted = [0; SHARES];
        let shares = frames.iter().filter_map(|frame| Holder::from(frame.kind()).share());
        shares.for_each(|share| wanted[share] += 1);
        let slots = self.slots.capacity() - self.retained();
        frames.len() as u64 <= slots && self.occupancy.admits_all(&wanted)
    }

    /// Frames retained.
    #[must_use]
    pub const fn retained(&self) -> u64 {
        self.head - self.tail
    }

    /// The totals.
    #[must_use]
    pub const fn counters(&self) -> &RingCounters {
        &self.counters
    }
}

impl ReplayRing {
    /// Whether the holder may have the next number; with [`Overflow::Evict`] the oldest frames go
    /// for it.
    fn make_room(&mut self, holder: Holder) -> bool {
        let last = if holder == Holder::Resync { u64::MAX - 1 } else { u64::MAX - 2 };
        if self.head > last {
            return false;
        }
        while !self.has_room(holder) {
            if self.pass_hole() {
                self.leave_oldest();
                continue;
            }
            if self.overflow == Overflow::Refuse || self.tail == self.head {
                return false;
            }
            let oldest = self.holder(self.tail);
            if oldest.share() != holder.share() && self.occupancy.is_protected(oldest) {
                return false;
            }
            self.evict(oldest);
        }
        true
    }

    /// Whether the holder is admitted, and a slot is free: a hole takes one and nobody has it.
    fn has_room(&self, holder: Holder) -> bool {
        let free = self.holes.is_empty() || self.retained() < self.slots.capacity();
        free && self.occupancy.admits(holder)
    }

    /// Gives up the oldest frame. It cannot be half written: a frame begun counts as sent, and
    /// the owner holds the rest of it.
    fn evict(&mut self, oldest: Holder) {
        self.occupancy.release(oldest);
        self.leave_oldest();
        match oldest {
            Holder::Event(kind) => {
                self.counters.evicted.0[kind.index()] += 1;
                self.owe_resync();
            }
            Holder::Session(change) => {
                self.counters.sessions_evicted.0[change.index()] += 1;
                self.owe_resync();
            }
            Holder::Resync => {
                self.resync = Resync::Owed;
                self.resync_again = false;
            }
        }
    }

    /// The oldest number is not retained any more; what is written next may have been it.
    fn leave_oldest(&mut self) {
        self.tail += 1;
        self.forget_short();
        self.sent = self.sent.max(self.tail);
        self.step_over_holes();
    }

    /// Session frames that are not retained any more.
    fn forget_short(&mut self) {
        while self.short.front().is_some_and(|short| *short < self.tail) {
            self.short.pop_front();
        }
    }

    /// Who holds the slot of a retained frame.
    fn holder(&self, sequence: u64) -> Holder {
        match self.resync {
            Resync::Numbered(own, _) if own == sequence => Holder::Resync,
            _ => self.slots.get(sequence).kind().into(),
        }
    }

    /// The invariant of the type, checked after every change in debug builds.
    fn check(&self) {
        debug_assert!(self.acked < self.tail && self.tail <= self.sent, "{self:?}");
        debug_assert!(self.sent <= self.head, "{self:?}");
        debug_assert!(self.acked < self.sent_end && self.sent_end <= self.head, "{self:?}");
        debug_assert!(self.retained() <= self.slots.capacity(), "{self:?}");
        let frames = self.retained() - self.holes.len() as u64;
        debug_assert_eq!(self.occupancy.total(), frames);
    }
}

#[cfg(test)]
mod tests;
