//! The memory of the ring, and the runs of it that are handed out for writing. Everything else
//! addresses slots by sequence number only, so that the memory may be any slice of slots.

use zerocopy::{IntoBytes, LE, U32};

use crate::block::{EventFrame, FrameKind};
use crate::ring::state::RingMemory;

/// Frames to write: two runs of whole frames, the second empty unless the ring wraps.
#[derive(Clone, Copy, Debug)]
pub struct Unsent<'a> {
    /// Bytes to write first.
    pub first: &'a [u8],
    /// Bytes to write after them.
    pub second: &'a [u8],
    /// Frames in both.
    pub frames: usize,
    /// The length of each, bytes.
    pub frame_length: usize,
}

impl<'a> Unsent<'a> {
    /// After `written` bytes went out: how many frames to mark as sent, and the rest of the last
    /// one if it was cut. That rest must be copied out and written before anything else, because
    /// the ring may give up a frame that it counts as sent.
    #[must_use]
    pub fn split_at(&self, written: usize) -> (usize, &'a [u8]) {
        let frames = written.div_ceil(self.frame_length);
        let end = frames * self.frame_length;
        let rest = match written.checked_sub(self.first.len()) {
            Some(into_second) => self.second.get(into_second..end - self.first.len()),
            None => self.first.get(written..end),
        };
        debug_assert!(rest.is_some(), "{written} bytes written of fewer");
        (frames.min(self.frames), rest.unwrap_or_default())
    }
}

/// The ring's memory: slots addressed by sequence number, whatever holds them.
pub(super) struct Slots {
    frames: Frames,
    mask: usize,
}

/// Slots of this process alone, or those that the next process finds.
enum Frames {
    Owned(Vec<EventFrame>),
    Mapped(RingMemory),
}

impl Slots {
    /// `capacity` slots, a power of two.
    pub(super) fn new(capacity: usize) -> Self {
        let frames = Frames::Owned(vec![EventFrame::blank(); capacity]);
        Self { frames, mask: capacity - 1 }
    }

    /// The slots of `memory`, a power of two, each with its checksum.
    pub(super) fn mapped(memory: RingMemory) -> Self {
        let mask = memory.slots.len() - 1;
        Self { frames: Frames::Mapped(memory), mask }
    }

    pub(super) fn capacity(&self) -> u64 {
        self.frames().len() as u64
    }

    fn frames(&self) -> &[EventFrame] {
        match &self.frames {
            Frames::Owned(frames) => frames,
            Frames::Mapped(memory) => memory.slots,
        }
    }

    fn slot(&self, sequence: u64) -> usize {
        #[expect(clippy::cast_possible_truncation, reason = "the mask drops the upper bits anyway")]
        let slot = sequence as usize & self.mask;
        slot
    }

    pub(super) fn get(&self, sequence: u64) -> &EventFrame {
        &self.frames()[self.slot(sequence)]
    }

    pub(super) fn put(&mut self, sequence: u64, frame: &EventFrame) {
        let slot = self.slot(sequence);
        match &mut self.frames {
            Frames::Owned(frames) => {
                frames[slot] = *frame;
                frames[slot].set_sequence(sequence);
            }
            Frames::Mapped(memory) => {
                memory.slots[slot] = *frame;
                memory.slots[slot].set_sequence(sequence);
                memory.sums[slot] = checksum(&memory.slots[slot]);
            }
        }
    }

    /// Empties the slot of a number that is no event's. A process that died while it appended may
    /// have left a frame of that very number there, which its successor must not take for one.
    pub(super) fn scrub(&mut self, sequence: u64) {
        let slot = self.slot(sequence);
        let frames: &mut [EventFrame] = match &mut self.frames {
            Frames::Owned(frames) => frames,
            Frames::Mapped(memory) => memory.slots,
        };
        frames[slot] = EventFrame::blank();
        frames[slot].set_sequence(NO_SEQUENCE);
    }

    /// Whether that was done.
    pub(super) fn is_scrubbed(&self, sequence: u64) -> bool {
        self.get(sequence).sequence() == NO_SEQUENCE
    }

    /// The kind of the frame under `sequence`, if that is what its slot holds, whole.
    pub(super) fn checked_kind(&self, sequence: u64) -> Option<FrameKind> {
        let slot = self.slot(sequence);
        let frame = &self.frames()[slot];
        let whole = match &self.frames {
            Frames::Owned(_) => true,
            Frames::Mapped(memory) => memory.sums[slot] == checksum(frame),
        };
        (whole && frame.sequence() == sequence).then(|| frame.checked_kind()).flatten()
    }

    /// A slot that its process did not finish.
    #[cfg(test)]
    pub(super) fn tear(&mut self, sequence: u64) {
        let slot = self.slot(sequence);
        if let Frames::Owned(frames) = &mut self.frames {
            frames[slot].set_sequence(!sequence);
        }
    }

    /// The slots of `from..to`, at most all of them, in two runs.
    pub(super) fn run(&self, from: u64, to: u64) -> (&[EventFrame], &[EventFrame]) {
        let frames = self.frames();
        let count = usize::try_from(to - from).unwrap_or(usize::MAX).min(frames.len());
        let start = self.slot(from);
        let in_first = count.min(frames.len() - start);
        (&frames[start..start + in_first], &frames[..count - in_first])
    }
}

#[cfg(test)]
impl crate::ring::ReplayRing {
    /// Slots and checksums as they lie in memory.
    pub(super) fn memory_bytes(&self) -> Option<Vec<u8>> {
        match &self.slots.frames {
            Frames::Owned(_) => None,
            Frames::Mapped(memory) => {
                Some([memory.slots.as_bytes(), memory.sums.as_bytes()].concat())
            }
        }
    }
}

/// A number that is never given.
const NO_SEQUENCE: u64 = u64::MAX;

fn checksum(frame: &EventFrame) -> U32<LE> {
    crc32fast::hash(frame.as_bytes()).into()
}

impl core::fmt::Debug for Slots {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Slots").field("capacity", &self.capacity()).finish_non_exhaustive()
    }
}
