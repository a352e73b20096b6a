//! Takes a byte stream apart into frames, whatever pieces it arrives in. Bytes are read into the
//! decoder's own buffer and frames are borrowed out of it, so a frame is copied nowhere; the
//! buffer has a fixed size and always has room once the whole frames are taken. A length above
//! 1024 ends the stream: nothing after it can be trusted, and the connection must close.

use crate::wire::error::ProtocolError;
use crate::wire::header::{FrameHeader, HEADER_LENGTH, PAYLOAD_LENGTH_MAX};

/// An incremental decoder for one connection; half a frame never outlives it or [`Self::reset`].
///
/// `0 ≤ start ≤ end ≤ buffer length`: bytes in `start..end` are received and not yet taken.
pub struct Decoder {
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    poisoned: bool,
}

impl core::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let mut shown = f.debug_struct("Decoder");
        shown.field("capacity", &self.buffer.len()).field("buffered", &self.buffered());
        shown.field("poisoned", &self.poisoned).finish()
    }
}

/// A whole frame inside the decoder's buffer, its payload not yet looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawFrame<'a> {
    /// The header.
    pub header: FrameHeader,
    /// Header and payload as received, for whoever stores the frame.
    pub bytes: &'a [u8],
}

impl<'a> RawFrame<'a> {
    /// The bytes after the header, as many as the header says.
    #[inline]
    pub fn payload(&self) -> &'a [u8] {
        &self.bytes[HEADER_LENGTH..]
    }
}

impl Decoder {
    /// A decoder whose buffer holds `capacity_bytes`, at least one frame of the longest kind.
    pub fn new(capacity_bytes: usize) -> Self {
        let capacity_bytes = capacity_bytes.max(FRAME_LENGTH_MAX);
        Self {
            buffer: vec![0; capacity_bytes].into_boxed_slice(),
            start: 0,
            end: 0,
            poisoned: false,
        }
    }

    /// Takes as many of `bytes` as fit and returns how many: all of them, or else the caller
    /// takes frames with [`Self::next_frame`] until there is none and pushes the rest. After a
    /// protocol error everything is taken and dropped.
    #[must_use = "what did not fit must be pushed again"]
    pub fn push(&mut self, bytes: &[u8]) -> usize {
        if self.poisoned {
            return bytes.len();
        }
        let spare = self.spare_mut();
        let taken = spare.len().min(bytes.len());
        spare[..taken].copy_from_slice(&bytes[..taken]);
        self.filled(taken);
        taken
    }

    /// Where a reader may put bytes directly; [`Self::filled`] then says how many it put. Not
    /// empty once [`Self::next_frame`] has returned `None`.
    pub fn spare_mut(&mut self) -> &mut [u8] {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        &mut self.buffer[self.end..]
    }

    /// Takes the first `count` bytes of what [`Self::spare_mut`] gave as received.
    pub fn filled(&mut self, count: usize) {
        if self.poisoned {
            return;
        }
        debug_assert!(count <= self.buffer.len() - self.end, "more than there was room for");
        self.end = (self.end + count).min(self.buffer.len());
    }

    /// The next whole frame, `None` until more bytes come, or once the error that ends the stream.
    pub fn next_frame(&mut self) -> Option<Result<RawFrame<'_>, ProtocolError>> {
        let frame = match split_frame(&self.buffer[self.start..self.end])? {
            Ok(frame) => frame,
            Err(error) => {
                self.poisoned = true;
                self.start = 0;
                self.end = 0;
                return Some(Err(error));
            }
        };
        self.start += frame.bytes.len();
        Some(Ok(frame))
    }

    /// What was received and not yet taken, for a reader that takes many frames at once with
    /// [`split_frame`] and then says so with [`Self::consume`].
    #[must_use]
    pub fn received(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Takes the first `count` bytes of [`Self::received`], which are whole frames.
    pub fn consume(&mut self, count: usize) {
        debug_assert!(count <= self.end - self.start, "more than was received");
        self.start = (self.start + count).min(self.end);
    }

    /// Room that [`Self::spare_mut`] would give, bytes.
    #[must_use]
    pub fn spare_bytes(&self) -> usize {
        self.buffer.len() - (self.end - self.start)
    }

    /// Bytes received that are not yet a whole frame; what a disconnect leaves behind.
    pub fn buffered(&self) -> usize {
        self.end - self.start
    }

    /// Whether a protocol error has ended the stream.
    pub fn is_poisoned(&self) -> bool {
        self.poisoned
    }

    /// Forgets everything: a new connection begins with a header.
    pub fn reset(&mut self) {
        self.start = 0;
        self.end = 0;
        self.poisoned = false;
    }
}

/// The whole frame that `bytes` begin with, `None` if more bytes are needed to tell.
#[inline]
pub fn split_frame(bytes: &[u8]) -> Option<Result<RawFrame<'_>, ProtocolError>> {
    let header = FrameHeader::parse(bytes).ok()?;
    let length = header.length.get();
    let payload_length = usize::try_from(length).ok().filter(|n| *n <= PAYLOAD_LENGTH_MAX);
    let Some(payload_length) = payload_length else {
        let frame_type = header.frame_type;
        return Some(Err(ProtocolError::PayloadTooLong { frame_type, length }));
    };
    let bytes = bytes.get(..HEADER_LENGTH + payload_length)?;
    Some(Ok(RawFrame { header, bytes }))
}

/// The longest frame, bytes.
const FRAME_LENGTH_MAX: usize = HEADER_LENGTH + PAYLOAD_LENGTH_MAX;

#[cfg(test)]
mod tests;
