//! The spool's file format: what the collector keeps of the event stream before it acks. A segment
//! is a header and records back to back; each record says whose it is, its ordinal among all
//! records, and has a checksum of its own, so that a reader finds the exact record that is damaged
//! and how many are missing around it. Little-endian; nothing here opens a file.

mod checkpoint;

pub use checkpoint::{TOTALS_MAX, Totals};

use core::mem::{offset_of, size_of};

use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout, LE, U16, U32, U64};
use zerocopy::{Unaligned, transmute};

use crate::reason::LossReason;

/// The head of a segment file, 64 bytes.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct SegmentHeader {
    /// [`SEGMENT_MAGIC`].
    pub magic: [u8; 8],
    /// [`FORMAT_VERSION`].
    pub version: U16<LE>,
    /// Length of this header, bytes.
    pub header_length: U16<LE>,
    /// CRC-32 of what follows it in the header.
    pub checksum: U32<LE>,
    /// Ordinal of the segment's first record; also the file's name.
    pub first_ordinal: U64<LE>,
    /// When the segment was begun, nanoseconds since the Unix epoch.
    pub created_ns: U64<LE>,
    /// Zero.
    pub zero: [u8; 32],
}

/// The head of a record, 24 bytes; `length` bytes of payload follow.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct RecordHeader {
    /// CRC-32 of everything after it, payload included.
    pub checksum: U32<LE>,
    /// [`RECORD_MARK`], so that a search for the next record need not try every byte.
    pub mark: u8,
    /// A [`RecordKind`].
    pub kind: u8,
    /// Length of the payload, bytes.
    pub length: U16<LE>,
    /// The stream that it is of, 0 for none.
    pub stream: U64<LE>,
    /// Its place among all records, from 0; a [`RecordKind::Checkpoint`] takes none and carries
    /// that of the record after it.
    pub ordinal: U64<LE>,
}

/// What a record holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum RecordKind {
    /// A frame of the stream as it arrived, under its own sequence number.
    Frame = 1,
    /// A [`Loss`]: sequence numbers that were never applied.
    Loss = 2,
    /// A frame that could not be read, as it arrived; its number counts as lost.
    Quarantined = 3,
    /// [`Totals`], at the start of each segment.
    Checkpoint = 4,
    /// The payload of a LossReport: what the producer refused.
    Report = 5,
    /// A frame of a type that is not known, as it arrived; its number counts as lost.
    UnknownType = 6,
    /// The session state was fetched anew after every FullResync up to this number, a u64.
    Resynced = 7,
}

/// Sequence numbers that were never applied, and why.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct Loss {
    /// The first number.
    pub first: U64<LE>,
    /// The last number.
    pub last: U64<LE>,
    /// When it was noticed, nanoseconds since the Unix epoch.
    pub noticed_ns: U64<LE>,
    /// Index of a [`LossReason`].
    pub reason: u8,
    /// Zero.
    pub zero: [u8; 7],
}

/// A record inside a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// What it holds.
    pub kind: RecordKind,
    /// The stream that it is of, 0 for none.
    pub stream: u64,
    /// Its place among all records.
    pub ordinal: u64,
    /// What it holds, in the form of its kind.
    pub payload: &'a [u8],
}

/// What stands at the start of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed<'a> {
    /// A whole record that checks out.
    Record(Record<'a>),
    /// Perhaps a record, of which more bytes must be read.
    Incomplete,
    /// Nothing but zeros as far as a header reaches: space that was kept for records.
    Unwritten,
    /// No record: the bytes were damaged, or written in part.
    Damaged,
}

impl SegmentHeader {
    /// The header of a segment that begins with record `first_ordinal`.
    #[must_use]
    pub fn new(first_ordinal: u64, created_ns: u64) -> Self {
        let mut header = Self {
            magic: SEGMENT_MAGIC,
            version: FORMAT_VERSION.into(),
            header_length: SEGMENT_HEADER_LENGTH_U16.into(),
            first_ordinal: first_ordinal.into(),
            created_ns: created_ns.into(),
            ..Self::new_zeroed()
        };
        header.checksum = crc32fast::hash(&header.as_bytes()[CHECKED_FROM..]).into();
        header
    }

    /// Reads a segment's head.
    ///
    /// # Errors
    /// [`SegmentError`] if it is none, damaged, or of another version.
    pub fn parse(bytes: &[u8]) -> Result<Self, SegmentError> {
        let (header, _) = Self::read_from_prefix(bytes)
            .map_err(|_| SegmentError::Short { length: bytes.len() })?;
        if header.magic != SEGMENT_MAGIC {
            return Err(SegmentError::Magic(header.magic));
        }
        if header.version.get() != FORMAT_VERSION {
            return Err(SegmentError::Version(header.version.get()));
        }
        let checksum = crc32fast::hash(&header.as_bytes()[CHECKED_FROM..]);
        let length = header.header_length.get();
        if checksum != header.checksum.get() || length != SEGMENT_HEADER_LENGTH_U16 {
            return Err(SegmentError::Checksum);
        }
        Ok(header)
    }
}

/// Why a segment's head cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SegmentError {
    /// The file ends within the head.
    #[error("a segment of {length} bytes is shorter than its header")]
    Short {
        /// Its length.
        length: usize,
    },
    /// It is another kind of file.
    #[error("not a spool segment: it begins with {0:02x?}")]
    Magic([u8; 8]),
    /// It was written by another version.
    #[error("spool format version {0} is not known")]
    Version(u16),
    /// A bit of it changed.
    #[error("the segment header's checksum is wrong")]
    Checksum,
}

impl RecordKind {
    /// All kinds in the order of their numbers.
    pub const ALL: [Self; 7] = [
        Self::Frame,
        Self::Loss,
        Self::Quarantined,
        Self::Checkpoint,
        Self::Report,
        Self::UnknownType,
        Self::Resynced,
    ];

    /// From the header's byte.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Frame),
            2 => Some(Self::Loss),
            3 => Some(Self::Quarantined),
            4 => Some(Self::Checkpoint),
            5 => Some(Self::Report),
            6 => Some(Self::UnknownType),
            7 => Some(Self::Resynced),
            _ => None,
        }
    }

    /// The name in listings.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Frame => "frame",
            Self::Loss => "loss",
            Self::Quarantined => "quarantined",
            Self::Checkpoint => "checkpoint",
            Self::Report => "report",
            Self::UnknownType => "unknown type",
            Self::Resynced => "resynced",
        }
    }

    /// What it is, for people.
    #[must_use]
    pub const fn about(self) -> &'static str {
        match self {
            Self::Frame => "frames that were applied",
            Self::Loss => "ranges of sequence numbers that were not",
            Self::Quarantined => "frames that could not be read, kept as they came",
            Self::Checkpoint => "totals at the start of a segment",
            Self::Report => "accounts of what the producer refused",
            Self::UnknownType => "frames of a type that is not known, kept as they came",
            Self::Resynced => "resynchronisations that were done",
        }
    }
}

impl Loss {
    /// Numbers `first..=last`, lost for `reason`.
    #[must_use]
    pub fn new(first: u64, last: u64, reason: LossReason, noticed_ns: u64) -> Self {
        Self {
            first: first.into(),
            last: last.into(),
            noticed_ns: noticed_ns.into(),
            reason: reason as u8,
            zero: [0; 7],
        }
    }

    /// Reads a loss record's payload; `None` if it is none.
    #[must_use]
    pub fn parse(payload: &[u8]) -> Option<(Self, LossReason)> {
        let loss = Self::read_from_bytes(payload).ok()?;
        let reason = LossReason::ALL.get(usize::from(loss.reason))?;
        (loss.first.get() <= loss.last.get()).then_some((loss, *reason))
    }

    /// How many numbers.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.last.get().saturating_sub(self.first.get()).saturating_add(1)
    }
}

impl Record<'_> {
    /// Length of header and payload, bytes.
    #[must_use]
    pub const fn length(&self) -> usize {
        RECORD_HEADER_LENGTH + self.payload.len()
    }
}

/// Appends a record to `out`.
///
/// # Panics
/// If the payload is longer than [`PAYLOAD_LENGTH_MAX`]: a frame never is.
pub fn append(out: &mut Vec<u8>, kind: RecordKind, stream: u64, ordinal: u64, payload: &[u8]) {
    let length = u16::try_from(payload.len()).ok().filter(|length| *length <= PAYLOAD_LENGTH_MAX);
    let mut header = RecordHeader {
        checksum: 0.into(),
        mark: RECORD_MARK,
        kind: kind as u8,
        length: length.expect("the longest frame fits a record").into(),
        stream: stream.into(),
        ordinal: ordinal.into(),
    };
    let bytes: [u8; RECORD_HEADER_LENGTH] = transmute!(header);
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&bytes[CHECKSUM_LENGTH..]);
    hasher.update(payload);
    header.checksum = hasher.finalize().into();
    out.extend_from_slice(header.as_bytes());
    out.extend_from_slice(payload);
}

/// Reads the record at the start of `bytes`.
#[must_use]
pub fn parse(bytes: &[u8]) -> Parsed<'_> {
    let Ok((header, rest)) = RecordHeader::read_from_prefix(bytes) else {
        return Parsed::Incomplete;
    };
    if header.mark != RECORD_MARK || header.length.get() > PAYLOAD_LENGTH_MAX {
        let unwritten = header.as_bytes().iter().all(|byte| *byte == 0);
        return if unwritten { Parsed::Unwritten } else { Parsed::Damaged };
    }
    let Some(payload) = rest.get(..usize::from(header.length.get())) else {
        return Parsed::Incomplete;
    };
    let checked = &bytes[CHECKSUM_LENGTH..RECORD_HEADER_LENGTH + payload.len()];
    match RecordKind::from_byte(header.kind) {
        Some(kind) if crc32fast::hash(checked) == header.checksum.get() => Parsed::Record(Record {
            kind,
            stream: header.stream.get(),
            ordinal: header.ordinal.get(),
            payload,
        }),
        _ => Parsed::Damaged,
    }
}

/// Where the next whole record begins in `bytes` from `from` on, as far as they reach.
#[must_use]
pub fn find(bytes: &[u8], from: usize) -> Option<usize> {
    let mark_offset = offset_of!(RecordHeader, mark);
    let marks = bytes.get(from + mark_offset..)?.iter().enumerate();
    let starts = marks.filter(|(_, byte)| **byte == RECORD_MARK).map(|(at, _)| from + at);
    starts.into_iter().find(|&start| matches!(parse(&bytes[start..]), Parsed::Record(_)))
}

/// Length of a segment's header, bytes.
pub const SEGMENT_HEADER_LENGTH: usize = size_of::<SegmentHeader>();

/// Length of a record's header, bytes.
pub const RECORD_HEADER_LENGTH: usize = size_of::<RecordHeader>();

/// The longest payload, bytes: well above the longest frame (1,040) and the longest checkpoint.
pub const PAYLOAD_LENGTH_MAX: u16 = 4096;

/// The first bytes of every segment.
pub const SEGMENT_MAGIC: [u8; 8] = *b"WEIRSPL\n";

/// The version of the format.
pub const FORMAT_VERSION: u16 = 1;

/// The byte that every record has behind its checksum.
pub const RECORD_MARK: u8 = 0xa7;

const SEGMENT_HEADER_LENGTH_U16: u16 = 64;
const CHECKSUM_LENGTH: usize = size_of::<U32<LE>>();
const CHECKED_FROM: usize = offset_of!(SegmentHeader, first_ordinal);

const _: () = {
    assert!(SEGMENT_HEADER_LENGTH == SEGMENT_HEADER_LENGTH_U16 as usize);
    assert!(offset_of!(SegmentHeader, version) == 8);
    assert!(offset_of!(SegmentHeader, header_length) == 10);
    assert!(offset_of!(SegmentHeader, checksum) == 12);
    assert!(offset_of!(SegmentHeader, first_ordinal) == 16);
    assert!(offset_of!(SegmentHeader, created_ns) == 24);

    assert!(RECORD_HEADER_LENGTH == 24);
    assert!(offset_of!(RecordHeader, checksum) == 0);
    assert!(offset_of!(RecordHeader, mark) == 4);
    assert!(offset_of!(RecordHeader, kind) == 5);
    assert!(offset_of!(RecordHeader, length) == 6);
    assert!(offset_of!(RecordHeader, stream) == 8);
    assert!(offset_of!(RecordHeader, ordinal) == 16);

    assert!(size_of::<Loss>() == 32);
};

#[cfg(test)]
mod tests;
