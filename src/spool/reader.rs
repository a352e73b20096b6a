//! Reads a spool from a cursor on, record by record, never beyond what is synced. A record that is
//! not there is told as missing, with how many and why, and reading goes on behind it: removed by
//! retention, or damaged.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use components::reason::SinkLoss;
use components::spool::{
    Parsed, RECORD_HEADER_LENGTH, Record, RecordKind, SEGMENT_HEADER_LENGTH, find, parse,
};

use super::cursor::Cursor;
use super::directory;

/// A reading end. Any number of them, also in other processes.
#[derive(Debug)]
pub struct SpoolReader {
    directory: PathBuf,
    segment: Option<Open>,
    /// Ordinal of the next record to give.
    next: u64,
    buffer: Vec<u8>,
    /// What of the buffer is still to be read.
    unread: Range<usize>,
}

#[derive(Debug)]
struct Open {
    file: File,
    first_ordinal: u64,
    /// It is the oldest that there is, so that what is before it was removed.
    oldest: bool,
    /// Ordinal at which the next segment begins, once there is one.
    end_ordinal: Option<u64>,
    /// Offset behind what is in the buffer.
    offset: u64,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read<'a> {
    /// A record.
    Record(Record<'a>),
    /// Records that are not there any more.
    Missing(Missing),
}

/// Records that are not there any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Ordinal of the first.
    pub first: u64,
    /// How many.
    pub count: u64,
    /// [`SinkLoss::Expired`] or [`SinkLoss::Damaged`].
    pub reason: SinkLoss,
}

/// Where the next record is.
enum Found {
    /// In the buffer, this long.
    Here(usize, u64),
    /// In the next segment, if at all.
    NextSegment,
}

impl SpoolReader {
    /// A reader of the spool in `directory`, from `cursor` on.
    #[must_use]
    pub fn new(directory: &Path, cursor: Cursor) -> Self {
        Self {
            directory: directory.to_owned(),
            segment: None,
            next: cursor.ordinal,
            buffer: Vec::new(),
            unread: 0..0,
        }
    }

    /// Where it stands: before the record that [`Self::next`] gives.
    #[must_use]
    pub const fn cursor(&self) -> Cursor {
        Cursor { ordinal: self.next }
    }

    /// The next record with an ordinal below `until`, or that one or more are missing; `None` if
    /// there is nothing up to there.
    ///
    /// # Errors
    /// What the system says. The reader stands where it was and may be asked again.
    pub fn next(&mut self, until: u64) -> io::Result<Option<Read<'_>>> {
        loop {
            if self.next >= until {
                return Ok(None);
            }
            if self.segment.is_none() && !self.open()? {
                return Ok(Some(self.missing(until, SinkLoss::Damaged)));
            }
            match self.find_record()? {
                Found::Here(_, ordinal) if ordinal > self.next => {
                    let expired = |open: &Open| open.oldest && self.next < open.first_ordinal;
                    let reason = match self.segment.as_ref().is_some_and(expired) {
                        true => SinkLoss::Expired,
                        false => SinkLoss::Damaged,
                    };
                    return Ok(Some(self.missing(ordinal.min(until), reason)));
                }
                Found::Here(length, _) => return Ok(Some(self.take(length))),
                Found::NextSegment => {
                    let end = self.segment.take().and_then(|open| open.end_ordinal);
                    let end = end.unwrap_or(until).min(until);
                    if self.next < end {
                        return Ok(Some(self.missing(end, SinkLoss::Damaged)));
                    }
                }
            }
        }
    }

    fn take(&mut self, length: usize) -> Read<'_> {
        let start = self.unread.start;
        self.unread.start += length;
        self.next += 1;
        match parse(&self.buffer[start..start + length]) {
            Parsed::Record(record) => Read::Record(record),
            _ => unreachable!("it was parsed before"),
        }
    }

    fn missing(&mut self, end: u64, reason: SinkLoss) -> Read<'static> {
        let missing = Missing { first: self.next, count: end - self.next, reason };
        self.next = end;
        Read::Missing(missing)
    }

    /// Opens the segment that holds the next record, or the first one behind it; false if there
    /// is none.
    fn open(&mut self) -> io::Result<bool> {
        let firsts = directory::segments(&self.directory)?;
        let at = firsts.partition_point(|first| *first <= self.next).max(1) - 1;
        for (at, &first_ordinal) in firsts.iter().enumerate().skip(at) {
            let path = directory::segment_path(&self.directory, first_ordinal);
            let file = match File::open(&path) {
                Ok(file) => file,
                // Retention was faster.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            self.unread = 0..0;
            let offset = SEGMENT_HEADER_LENGTH as u64;
            let end_ordinal = firsts.get(at + 1).copied();
            let oldest = at == 0;
            self.segment = Some(Open { file, first_ordinal, oldest, end_ordinal, offset });
            return Ok(true);
        }
        Ok(false)
    }

    /// Looks for the first record from `self.next` on in the segment.
    fn find_record(&mut self) -> io::Result<Found> {
        loop {
            let unread = &self.buffer[self.unread.clone()];
            match parse(unread) {
                Parsed::Record(record) => {
                    let (length, ordinal) = (record.length(), record.ordinal);
                    let wanted = record.kind != RecordKind::Checkpoint && ordinal >= self.next;
                    let ours = self.segment.as_ref().and_then(|open| open.end_ordinal);
                    if ours.is_some_and(|end| ordinal >= end) {
                        return Ok(Found::NextSegment);
                    }
                    if wanted {
                        return Ok(Found::Here(length, ordinal));
                    }
                    self.unread.start += length;
                }
                Parsed::Incomplete => {
                    if !self.fill()? {
                        return self.end_of_segment();
                    }
                }
                Parsed::Unwritten | Parsed::Damaged => {
                    // A record that is being written right now looks damaged, but is not yet
                    // synced, so nobody asks for it.
                    match find(unread, 1) {
                        Some(skip) => self.unread.start += skip,
                        None => {
                            let keep = unread.len().min(RECORD_HEADER_LENGTH + MOST_PAYLOAD);
                            let at_end = keep == unread.len();
                            self.unread.start = self.unread.end - keep;
                            if !self.fill()? && at_end {
                                return self.end_of_segment();
                            }
                        }
                    }
                }
            }
        }
    }

    /// The file has nothing more. If what is asked for is synced and not here, it is in the next
    /// segment.
    fn end_of_segment(&mut self) -> io::Result<Found> {
        let Some(open) = &mut self.segment else {
            return Ok(Found::NextSegment);
        };
        if open.end_ordinal.is_none() {
            let firsts = directory::segments(&self.directory)?;
            open.end_ordinal = firsts.into_iter().find(|first| *first > open.first_ordinal);
        }
        Ok(Found::NextSegment)
    }

    /// Reads on in the file; false at its end.
    fn fill(&mut self) -> io::Result<bool> {
        let Some(open) = &mut self.segment else {
            return Ok(false);
        };
        self.buffer.copy_within(self.unread.clone(), 0);
        self.unread = 0..self.unread.len();
        let kept = self.unread.end;
        self.buffer.resize(kept + READ_BYTES, 0);
        let read = open.file.read_at(&mut self.buffer[kept..], open.offset)?;
        open.offset += read as u64;
        self.unread.end += read;
        Ok(read > 0)
    }
}

/// Read in one piece.
const READ_BYTES: usize = 256 * 1024;

/// A record that is cut by the end of the buffer is at most this much longer than its header.
const MOST_PAYLOAD: usize = components::spool::PAYLOAD_LENGTH_MAX as usize;
