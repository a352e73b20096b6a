//! The memory of the ring, and the runs of it that are handed out for writing. Everything else
//! addresses slots by sequence number only, so that the memory may be any slice of slots.

use crate::block::EventFrame;

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
    frames: Vec<EventFrame>,
    mask: usize,
}

impl Slots {
    /// `capacity` slots, a power of two.
    pub(super) fn new(capacity: usize) -> Self {
        Self { frames: vec![EventFrame::blank(); capacity], mask: capacity - 1 }
    }

    pub(super) fn capacity(&self) -> u64 {
        self.frames.len() as u64
    }

    fn slot(&self, sequence: u64) -> usize {
        #[expect(clippy::cast_possible_truncation, reason = "the mask drops the upper bits anyway")]
        let slot = sequence as usize & self.mask;
        slot
    }

    pub(super) fn get(&self, sequence: u64) -> &EventFrame {
        &self.frames[self.slot(sequence)]
    }

    pub(super) fn put(&mut self, sequence: u64, frame: &EventFrame) {
        let slot = self.slot(sequence);
        let slot = &mut self.frames[slot];
        *slot = *frame;
        slot.set_sequence(sequence);
    }

    /// The slots of `from..to`, at most all of them, in two runs.
    pub(super) fn run(&self, from: u64, to: u64) -> (&[EventFrame], &[EventFrame]) {
        let count = usize::try_from(to - from).unwrap_or(usize::MAX).min(self.frames.len());
        let start = self.slot(from);
        let in_first = count.min(self.frames.len() - start);
        (&self.frames[start..start + in_first], &self.frames[..count - in_first])
    }
}

impl core::fmt::Debug for Slots {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Slots").field("capacity", &self.frames.len()).finish_non_exhaustive()
    }
}
