//! Bytes that must be written before anything else: the rest of a frame that was cut, and control
//! frames behind it. They are copies, so that nothing that happens to the ring can change a frame
//! that has been begun.

use crate::wire::{Frame, FrameHeader, FrameType};
use zerocopy::IntoBytes;

/// What waits to be written, in order.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    bytes: Vec<u8>,
    written: usize,
}

impl Outbox {
    /// What is still to be written.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[self.written..]
    }

    pub(super) fn is_empty(&self) -> bool {
        self.written == self.bytes.len()
    }

    /// Takes the first `count` bytes as written.
    pub(super) fn advance(&mut self, count: usize) {
        self.written = (self.written + count).min(self.bytes.len());
        if self.is_empty() {
            self.clear();
        }
    }

    /// Adds the rest of a frame that was cut.
    pub(super) fn carry(&mut self, rest: &[u8]) {
        debug_assert!(self.is_empty(), "control frames come before ring frames");
        self.bytes.extend_from_slice(rest);
    }

    /// Adds a frame that is a header and nothing else.
    pub(super) fn header(&mut self, frame_type: FrameType, sequence: u64) {
        self.bytes.extend_from_slice(FrameHeader::new(frame_type, 0, sequence).as_bytes());
    }

    /// Adds a control frame under sequence 0.
    pub(super) fn control(&mut self, frame: &Frame) {
        let encoded = frame.encode(0, &mut self.bytes);
        encoded.expect("control frames have no field that could not be encoded");
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.written = 0;
    }
}
