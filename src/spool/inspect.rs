//! Reads a whole spool, also one that another process is writing: what is in it, whether every
//! record checks out, and whether ordinals and sequence numbers follow each other.

use std::fs;
use std::io;
use std::path::Path;

use components::spool::{
    Loss, Parsed, Record, RecordKind, SEGMENT_HEADER_LENGTH, SegmentError, SegmentHeader, Totals,
    find, parse,
};
use components::wire::FrameHeader;

use super::directory;

/// What a spool holds.
#[derive(Clone, Debug, Default)]
pub struct Inspection {
    /// Segments in order.
    pub segments: Vec<SegmentReport>,
    /// Where each stream stands.
    pub totals: Totals,
    /// Records by [`RecordKind`] number, from 1.
    pub records: [u64; RecordKind::ALL.len()],
    /// The ordinal of the next record.
    pub next_ordinal: u64,
    /// What is wrong, in order.
    pub findings: Vec<Finding>,
    /// The number that each stream goes on with, for the check.
    expected: Vec<(u64, u64)>,
}

/// A segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentReport {
    /// Ordinal of its first record, as in its name.
    pub first_ordinal: u64,
    /// When it was begun, nanoseconds since the Unix epoch; 0 if its head cannot be read.
    pub created_ns: u64,
    /// Records, checkpoints apart.
    pub records: u64,
    /// Its length, bytes.
    pub bytes: u64,
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// The head of a segment.
    #[error("segment {first_ordinal:020}: {error}")]
    Head {
        /// The segment's name.
        first_ordinal: u64,
        /// What is wrong with it.
        error: SegmentError,
    },
    /// Bytes that are no record, with records behind them.
    #[error("segment {first_ordinal:020}, offset {offset}: {bytes} bytes are damaged")]
    Damaged {
        /// The segment's name.
        first_ordinal: u64,
        /// Where they begin.
        offset: u64,
        /// How many.
        bytes: u64,
    },
    /// Bytes that are no record at the end of a segment: written in part, or being written.
    #[error("segment {first_ordinal:020}, offset {offset}: the last {bytes} bytes are no record")]
    Torn {
        /// The segment's name.
        first_ordinal: u64,
        /// Where they begin.
        offset: u64,
        /// How many.
        bytes: u64,
    },
    /// Records that are not there.
    #[error("records {first} to {last} are missing")]
    Missing {
        /// Ordinal of the first.
        first: u64,
        /// Ordinal of the last.
        last: u64,
    },
    /// Sequence numbers that are neither there nor stated as lost.
    #[error("stream {stream:016x}: {found} follows {previous}")]
    Sequence {
        /// The stream.
        stream: u64,
        /// The number before.
        previous: u64,
        /// The number that came.
        found: u64,
    },
}

/// Reads everything and shows each record to `visit`.
///
/// # Errors
/// What the system says; findings are part of the result.
pub fn inspect(directory: &Path, mut visit: impl FnMut(&Record<'_>)) -> io::Result<Inspection> {
    let mut inspection = Inspection::default();
    let firsts = directory::segments(directory)?;
    inspection.next_ordinal = firsts.first().copied().unwrap_or(0);
    for (at, &first_ordinal) in firsts.iter().enumerate() {
        let path = directory::segment_path(directory, first_ordinal);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound && at == 0 => {
                inspection.next_ordinal = firsts.get(1).copied().unwrap_or(first_ordinal);
                continue;
            }
            Err(error) => return Err(error),
        };
        inspection.segment(first_ordinal, &bytes, &mut visit);
    }
    Ok(inspection)
}

impl Inspection {
    fn segment(&mut self, first_ordinal: u64, bytes: &[u8], visit: &mut impl FnMut(&Record<'_>)) {
        let mut report =
            SegmentReport { first_ordinal, created_ns: 0, records: 0, bytes: bytes.len() as u64 };
        match SegmentHeader::parse(bytes) {
            Ok(header) => report.created_ns = header.created_ns.get(),
            Err(error) => self.findings.push(Finding::Head { first_ordinal, error }),
        }
        let mut offset = SEGMENT_HEADER_LENGTH.min(bytes.len());
        while offset < bytes.len() {
            if let Parsed::Record(record) = parse(&bytes[offset..]) {
                offset += record.length();
                report.records += u64::from(record.kind != RecordKind::Checkpoint);
                self.record(&record);
                visit(&record);
                continue;
            }
            let start = offset as u64;
            let next = find(bytes, offset + 1);
            offset = next.unwrap_or(bytes.len());
            let length = offset as u64 - start;
            self.findings.push(match next {
                Some(_) => Finding::Damaged { first_ordinal, offset: start, bytes: length },
                None => Finding::Torn { first_ordinal, offset: start, bytes: length },
            });
        }
        self.segments.push(report);
    }

    fn record(&mut self, record: &Record<'_>) {
        self.records[record.kind as usize - 1] += 1;
        if record.ordinal > self.next_ordinal {
            let (first, last) = (self.next_ordinal, record.ordinal - 1);
            self.findings.push(Finding::Missing { first, last });
        }
        if record.kind == RecordKind::Checkpoint {
            if self.segments.is_empty() || record.ordinal > self.next_ordinal {
                self.totals = Totals::parse(record.payload).unwrap_or_default();
                let streams = self.totals.streams().iter();
                self.expected =
                    streams.map(|position| (position.id.0, position.position + 1)).collect();
            }
            self.next_ordinal = record.ordinal;
            return;
        }
        self.next_ordinal = record.ordinal + 1;
        self.totals.add(record);
        if let Some((first, last)) = numbers(record) {
            self.follow(record.stream, first, last);
        }
    }

    fn follow(&mut self, stream: u64, first: u64, last: u64) {
        let at = self.expected.iter().position(|(known, _)| *known == stream);
        let at = at.unwrap_or_else(|| {
            self.expected.push((stream, first));
            self.expected.len() - 1
        });
        let next = &mut self.expected[at].1;
        if first != *next {
            self.findings.push(Finding::Sequence { stream, previous: *next - 1, found: first });
        }
        *next = (*next).max(last + 1);
    }
}

/// The sequence numbers that a record accounts for.
fn numbers(record: &Record<'_>) -> Option<(u64, u64)> {
    match record.kind {
        RecordKind::Frame | RecordKind::Quarantined | RecordKind::UnknownType => {
            let sequence = FrameHeader::parse(record.payload).ok()?.sequence.get();
            Some((sequence, sequence))
        }
        RecordKind::Loss => {
            let (loss, _) = Loss::parse(record.payload)?;
            Some((loss.first.get(), loss.last.get()))
        }
        RecordKind::Checkpoint | RecordKind::Report | RecordKind::Resynced => None,
    }
}
