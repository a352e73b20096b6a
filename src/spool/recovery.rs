//! Where a spool goes on after its process ended, in whatever way. The last segment is read from
//! its start: its checkpoint and its records give every stream's position. What stands behind its
//! last whole record was never synced, hence never acked, and is cut off. A damaged place with
//! whole records behind it is left as it is: numbers that are missing there count as lost, and
//! each sink counts what it could not read.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use components::reason::LossReason;
use components::spool::{
    Parsed, Record, RecordKind, SEGMENT_HEADER_LENGTH, SegmentHeader, Totals, find, parse,
};
use components::stream::{Loss, StreamId};
use components::wire::FrameHeader;

use super::{Segment, SpoolError, directory};

/// What opening a spool found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Where each stream stands.
    pub totals: Totals,
    /// The ordinal of the next record.
    pub next_ordinal: u64,
    /// Bytes of a record that was written in part, cut off.
    pub torn_bytes: u64,
    /// Damaged places in the last segment.
    pub damaged_places: u64,
    /// Segments whose head cannot be read, moved to `damaged/`.
    pub damaged_segments: Vec<PathBuf>,
}

/// Lists the segments and reads the last one.
pub(super) fn recover(directory: &Path) -> Result<(VecDeque<Segment>, Recovery), SpoolError> {
    let at = |path: &Path, cause| SpoolError::Io { path: path.to_owned(), cause };
    let mut recovery = Recovery::default();
    let mut segments = VecDeque::new();
    let found = directory::segments(directory).map_err(|cause| at(directory, cause))?;
    for &first_ordinal in &found {
        let path = directory::segment_path(directory, first_ordinal);
        match head(&path, first_ordinal).map_err(|cause| at(&path, cause))? {
            Some(segment) => segments.push_back(segment),
            None => set_aside(directory, &path, &mut recovery).map_err(|cause| at(&path, cause))?,
        }
    }
    recovery.next_ordinal = found.last().copied().unwrap_or(0);
    while let Some(last) = segments.back_mut() {
        let path = directory::segment_path(directory, last.first_ordinal);
        if read_last(&path, last, &mut recovery).map_err(|cause| at(&path, cause))? {
            break;
        }
        // Not even its checkpoint was whole: nothing in it was ever synced.
        fs::remove_file(&path).map_err(|cause| at(&path, cause))?;
        segments.pop_back();
    }
    Ok((segments, recovery))
}

/// The segment, if its head can be read and is the one that its name says.
fn head(path: &Path, first_ordinal: u64) -> io::Result<Option<Segment>> {
    let file = File::open(path)?;
    let bytes = file.metadata()?.len();
    let mut head = [0; SEGMENT_HEADER_LENGTH];
    let length = SEGMENT_HEADER_LENGTH.min(usize::try_from(bytes).unwrap_or(usize::MAX));
    file.read_exact_at(&mut head[..length], 0)?;
    let header = SegmentHeader::parse(&head[..length]);
    let header = header.ok().filter(|header| header.first_ordinal.get() == first_ordinal);
    Ok(header.map(|header| Segment { first_ordinal, created_ns: header.created_ns.get(), bytes }))
}

/// Out of the way, but kept: an empty file is the trace of a process that died as it began one.
fn set_aside(directory: &Path, path: &Path, recovery: &mut Recovery) -> io::Result<()> {
    if fs::metadata(path)?.len() == 0 {
        return fs::remove_file(path);
    }
    let aside = directory.join("damaged");
    fs::create_dir_all(&aside)?;
    let target = aside.join(path.file_name().unwrap_or_default());
    fs::rename(path, &target)?;
    tracing::warn!(path = %target.display(), "spool segment without a readable head set aside");
    recovery.damaged_segments.push(target);
    Ok(())
}

/// Reads the segment to its end and cuts what is behind its last record; false if it has not even
/// a checkpoint and no segment behind it does.
fn read_last(path: &Path, segment: &mut Segment, recovery: &mut Recovery) -> io::Result<bool> {
    let bytes = fs::read(path)?;
    let mut offset = SEGMENT_HEADER_LENGTH;
    let mut gap = false;
    let mut records = 0u64;
    let mut end = offset;
    while offset < bytes.len() {
        if let Parsed::Record(record) = parse(&bytes[offset..]) {
            take(&record, gap, recovery);
            records += 1;
            gap = false;
            offset += record.length();
            end = offset;
        } else if let Some(next) = find(&bytes, offset + 1) {
            recovery.damaged_places += 1;
            gap = true;
            offset = next;
        } else {
            break;
        }
    }
    if records == 0 {
        return Ok(false);
    }
    let torn = bytes.len() - end;
    if torn > 0 {
        let file = File::options().write(true).open(path)?;
        file.set_len(end as u64)?;
        file.sync_all()?;
        recovery.torn_bytes += torn as u64;
        segment.bytes = end as u64;
    }
    Ok(true)
}

fn take(record: &Record<'_>, gap: bool, recovery: &mut Recovery) {
    if record.kind == RecordKind::Checkpoint {
        recovery.totals = Totals::parse(record.payload).unwrap_or_default();
        recovery.next_ordinal = record.ordinal;
        return;
    }
    if gap {
        lose_between(record, &mut recovery.totals);
    }
    recovery.totals.add(record);
    recovery.next_ordinal = record.ordinal + 1;
}

/// The numbers of the stream that stood in the damaged place before `record`.
fn lose_between(record: &Record<'_>, totals: &mut Totals) {
    let Ok(header) = FrameHeader::parse(record.payload) else {
        return;
    };
    let numbered = [RecordKind::Frame, RecordKind::Quarantined, RecordKind::UnknownType]
        .contains(&record.kind);
    let stream = StreamId(record.stream);
    let entry = totals.entry(stream);
    let (first, next) = (entry.position + 1, header.sequence.get());
    if numbered && first < next {
        entry.lose(&Loss { stream, first, last: next - 1, reason: LossReason::Quarantined });
    }
}
