//! The reader's window on a file: one buffer, allocated once, that slides over the input.
//! It holds at most one record beyond what a read call brought, so memory does not depend on the
//! length of the file; `offset` is the file position of its first byte.

use std::io::{self, Read};

/// Bytes `offset..` of the input, as far as they have been read.
pub(super) struct Window {
    input: Box<dyn Read + Send>,
    buffer: Box<[u8]>,
    // start ≤ end ≤ buffer.len(), checked by every slice below.
    start: usize,
    end: usize,
    offset: u64,
}

impl Window {
    pub(super) fn new(input: Box<dyn Read + Send>) -> Self {
        Self { input, buffer: vec![0; WINDOW_LEN].into_boxed_slice(), start: 0, end: 0, offset: 0 }
    }

    /// What can be looked at without reading more.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// File position of the first byte of [`Self::bytes`].
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Reads until `needed` bytes are there, or the file ends; says whether they are.
    #[inline]
    pub(super) fn has(&mut self, needed: usize) -> io::Result<bool> {
        if self.end - self.start >= needed {
            return Ok(true);
        }
        self.fill(needed)
    }

    /// Moves on by `count` bytes, which are in the window.
    pub(super) fn consume(&mut self, count: usize) {
        assert!(count <= self.end - self.start, "consumes what `has` confirmed");
        self.start += count;
        self.offset += count as u64;
    }

    /// Moves on by `count` bytes wherever they are; says whether the file had them all.
    pub(super) fn skip(&mut self, mut count: u64) -> io::Result<bool> {
        while count > 0 {
            if !self.has(1)? {
                return Ok(false);
            }
            let present = (self.end - self.start) as u64;
            let step = usize::try_from(count.min(present)).unwrap_or(usize::MAX);
            self.consume(step);
            count -= step as u64;
        }
        Ok(true)
    }

    #[cold]
    fn fill(&mut self, needed: usize) -> io::Result<bool> {
        debug_assert!(needed <= RECORD_LEN_MAX, "callers check lengths first");
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        while self.end < needed {
            // Reads of READ_LEN keep the touched part of the buffer within the L2 cache.
            let room = self.buffer.len().min(self.end + READ_LEN);
            match self.input.read(&mut self.buffer[self.end..room]) {
                Ok(0) => return Ok(false),
                Ok(count) => self.end += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

/// Longest record or block that is looked at as a whole: the longest packet and its options.
pub(super) const RECORD_LEN_MAX: usize = super::CAPTURED_LEN_MAX as usize + 128 * 1024;
const READ_LEN: usize = 128 * 1024;
const WINDOW_LEN: usize = RECORD_LEN_MAX + READ_LEN;
