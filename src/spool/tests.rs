//! The spool on real files and on a volume that fails: what was committed is read back, whatever
//! happens to the file afterwards, and what was not is nowhere.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use components::reason::{LossReason, SinkLoss};
use components::spool::{Loss, RecordKind};
use components::stream::StreamId;
use components::wire::{FrameHeader, FrameType};
use zerocopy::IntoBytes;

use super::*;

const STREAM: u64 = 0xfeed;
const STREAM_ID: StreamId = StreamId(STREAM);

fn config(directory: &Path) -> SpoolConfig {
    SpoolConfig {
        directory: directory.to_owned(),
        segment_bytes_max: 1024,
        total_bytes_max: 1 << 20,
        age_ns_max: 0,
        on_full: OnFull::Hold,
    }
}

fn frame(sequence: u64) -> Vec<u8> {
    let mut bytes = FrameHeader::new(FrameType::PolicyDeny, 40, sequence).as_bytes().to_vec();
    bytes.extend_from_slice(&[b'x'; 40]);
    bytes
}

/// Commits frames `sequences` in chunks of `at_once`.
fn fill<V: Volume>(spool: &mut Spool<V>, sequences: std::ops::Range<u64>, at_once: u64) {
    let mut chunk = Chunk::new(spool.next_ordinal());
    for sequence in sequences.clone() {
        chunk.push(RecordKind::Frame, STREAM, &frame(sequence));
        if chunk.len() == at_once || sequence + 1 == sequences.end {
            spool.commit(&chunk, sequence).unwrap();
            chunk.restart(spool.next_ordinal());
        }
    }
}

/// Everything that a reader gives from `from` on: sequence numbers, or how many are missing.
fn read(directory: &Path, from: u64, until: u64) -> Vec<Result<u64, (u64, SinkLoss)>> {
    let mut reader = SpoolReader::new(directory, Cursor { ordinal: from });
    let mut found = Vec::new();
    while let Some(read) = reader.next(until).unwrap() {
        found.push(match read {
            Read::Record(record) => Ok(FrameHeader::parse(record.payload).unwrap().sequence.get()),
            Read::Missing(missing) => Err((missing.count, missing.reason)),
        });
    }
    assert_eq!(reader.cursor().ordinal, until.max(from));
    found
}

#[test]
fn what_was_committed_is_read_back_across_segments_and_restarts() {
    let directory = tempfile::tempdir().unwrap();
    let (mut spool, recovery) = Spool::open(config(directory.path())).unwrap();
    assert_eq!(recovery, Recovery::default());
    fill(&mut spool, 1..51, 7);
    assert!(spool.segments().len() > 3);
    assert!(matches!(Spool::open(config(directory.path())), Err(SpoolError::InUse(_))));
    drop(spool);
    let (mut spool, recovery) = Spool::open(config(directory.path())).unwrap();
    assert_eq!((recovery.next_ordinal, recovery.torn_bytes), (50, 0));
    assert_eq!(recovery.totals.of(STREAM_ID).unwrap().position, 50);
    fill(&mut spool, 51..61, 10);
    let expected: Vec<_> = (1..61).map(Ok).collect();
    assert_eq!(read(directory.path(), 0, 60), expected);
    assert_eq!(read(directory.path(), 33, 60), expected[33..]);
    let inspection = inspect(directory.path(), |_| ()).unwrap();
    assert_eq!((inspection.findings.as_slice(), inspection.next_ordinal), (&[][..], 60));
    assert_eq!(inspection.totals, *spool.totals());
}

#[test]
fn a_reader_follows_the_writer_and_never_passes_what_is_synced() {
    let directory = tempfile::tempdir().unwrap();
    let (mut spool, _) = Spool::open(config(directory.path())).unwrap();
    let mut reader = SpoolReader::new(directory.path(), Cursor::default());
    let durable = spool.durable();
    let mut read = 0;
    for upto in [1, 2, 40, 41, 100] {
        assert!(reader.next(durable.ordinal()).unwrap().is_none());
        fill(&mut spool, read + 1..upto + 1, 9);
        while let Some(Read::Record(record)) = reader.next(durable.ordinal()).unwrap() {
            read += 1;
            assert_eq!(FrameHeader::parse(record.payload).unwrap().sequence.get(), read);
        }
        assert_eq!(read, upto);
    }
}

#[test]
fn a_torn_tail_is_cut_at_the_last_whole_record_wherever_it_was_torn() {
    let directory = tempfile::tempdir().unwrap();
    let (mut spool, _) = Spool::open(config(directory.path())).unwrap();
    fill(&mut spool, 1..6, 1);
    drop(spool);
    let path = directory::segment_path(directory.path(), 0);
    let whole = fs::read(&path).unwrap();
    let record = 24 + 56;
    let head = whole.len() - 5 * record;
    for length in head..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let (spool, recovery) = Spool::open(config(directory.path())).unwrap();
        let kept = (length - head) / record;
        assert_eq!(recovery.next_ordinal, kept as u64, "{length}");
        assert_eq!(recovery.torn_bytes, ((length - head) % record) as u64, "{length}");
        assert_eq!(spool.next_ordinal(), kept as u64);
        assert_eq!(read(directory.path(), 0, kept as u64).len(), kept);
    }
    for length in 0..head {
        fs::write(&path, &whole[..length]).unwrap();
        let (mut spool, recovery) = Spool::open(config(directory.path())).unwrap();
        assert_eq!(recovery.next_ordinal, 0, "{length}");
        fill(&mut spool, 1..3, 1);
        assert_eq!(read(directory.path(), 0, 2), [Ok(1), Ok(2)], "{length}");
        drop(spool);
        let _ = fs::remove_dir_all(directory.path().join("damaged"));
    }
}

#[test]
fn a_flipped_bit_costs_its_own_record_and_no_other() {
    let directory = tempfile::tempdir().unwrap();
    let (mut spool, _) = Spool::open(config(directory.path())).unwrap();
    fill(&mut spool, 1..31, 1);
    let segments: Vec<u64> = spool.segments().iter().map(|s| s.first_ordinal).collect();
    assert_eq!(segments.len(), 3);
    drop(spool);
    for &segment in &segments {
        let path = directory::segment_path(directory.path(), segment);
        let whole = fs::read(&path).unwrap();
        for at in 64..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            fs::write(&path, &bytes).unwrap();
            let found = read(directory.path(), 0, 30);
            let lost: u64 = found.iter().filter_map(|read| read.err()).map(|lost| lost.0).sum();
            let here = found.iter().filter(|read| read.is_ok()).count() as u64;
            assert_eq!((lost + here, lost <= 1), (30, true), "segment {segment}, byte {at}");
            let inspection = inspect(directory.path(), |_| ()).unwrap();
            assert!(!inspection.findings.is_empty(), "segment {segment}, byte {at}");
        }
        fs::write(&path, &whole).unwrap();
    }
}

#[test]
fn a_damaged_place_in_the_last_segment_is_lost_in_the_totals_and_the_tail_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let (mut spool, _) = Spool::open(config(directory.path())).unwrap();
    fill(&mut spool, 1..7, 1);
    drop(spool);
    let path = directory::segment_path(directory.path(), 0);
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.len() - 3 * 80 + 30;
    bytes[at] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let (_spool, recovery) = Spool::open(config(directory.path())).unwrap();
    let totals = recovery.totals.of(STREAM_ID).unwrap();
    assert_eq!((recovery.next_ordinal, recovery.damaged_places), (6, 1));
    assert_eq!((totals.applied.total(), totals.lost.total(), totals.position), (5, 1, 6));
    assert_eq!(totals.lost.0[LossReason::Quarantined.index()], 1);
    let damaged = Err((1, SinkLoss::Damaged));
    assert_eq!(read(directory.path(), 2, 6), [Ok(3), damaged, Ok(5), Ok(6)]);
}

#[test]
fn a_missing_segment_is_told_and_read_over() {
    let directory = tempfile::tempdir().unwrap();
    let (mut spool, _) = Spool::open(config(directory.path())).unwrap();
    fill(&mut spool, 1..41, 1);
    let firsts: Vec<u64> = spool.segments().iter().map(|s| s.first_ordinal).collect();
    let missing = firsts[2] - firsts[1];
    fs::remove_file(directory::segment_path(directory.path(), firsts[1])).unwrap();
    let found = read(directory.path(), 0, 40);
    assert!(found.contains(&Err((missing, SinkLoss::Damaged))), "{found:?}");
    fs::remove_file(directory::segment_path(directory.path(), firsts[0])).unwrap();
    let found = read(directory.path(), 0, 40);
    assert_eq!(found[0], Err((firsts[2], SinkLoss::Expired)));
    assert_eq!(found.len() as u64, 1 + 40 - firsts[2]);
}

#[test]
fn a_full_spool_holds_or_drops_the_oldest_as_it_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let small = SpoolConfig { total_bytes_max: 4096, ..config(directory.path()) };
    let (mut spool, _) = Spool::open(small.clone()).unwrap();
    let mut committed = 0;
    let mut chunk = Chunk::new(0);
    let error = loop {
        chunk.restart(spool.next_ordinal());
        chunk.push(RecordKind::Frame, STREAM, &frame(committed + 1));
        match spool.commit(&chunk, 0) {
            Ok(()) => committed += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error.to_string(), "the spool is full: its limit is 4096 bytes");
    assert_eq!(spool.counters().full, 1);
    // What the slowest sink has read may go.
    spool.retain(committed, 0);
    spool.commit(&chunk, 0).unwrap();
    assert_eq!((spool.counters().removed, spool.counters().removed_unread), (1, 0));
    drop(spool);
    let (mut spool, _) = Spool::open(SpoolConfig { on_full: OnFull::DropOldest, ..small }).unwrap();
    fill(&mut spool, committed + 2..committed + 100, 1);
    assert!(spool.counters().removed_unread > 3 && spool.bytes() <= 4096);
    let found = read(directory.path(), 0, committed + 99);
    assert_eq!(found[0], Err((spool.segments()[0].first_ordinal, SinkLoss::Expired)));
}

#[test]
fn what_sinks_have_read_is_not_held() {
    let directory = tempfile::tempdir().unwrap();
    let (mut spool, _) = Spool::open(config(directory.path())).unwrap();
    fill(&mut spool, 1..41, 1);
    assert_eq!(spool.room().held, spool.bytes());
    spool.retain(40, 0);
    let active = spool.segments().back().unwrap().bytes;
    assert_eq!(spool.room(), Room { held: active, most: config(directory.path()).total_bytes_max });
}

#[test]
fn an_alarm_is_raised_at_its_mark_and_left_below_it() {
    let percents = [79, 80, 79, 94, 95, 91, 89, 76, 74, 100, 0];
    let mut alarm = Alarm::default();
    let raised = percents.map(|held| {
        alarm = alarm.after(Room { held, most: 100 });
        alarm.percent()
    });
    assert_eq!(raised, [0, 80, 80, 80, 95, 95, 80, 80, 0, 95, 0]);
    assert_eq!(Alarm::None.after(Room { held: 0, most: 0 }), Alarm::Critical);
}

#[test]
fn segments_that_are_too_old_go_once_they_are_read() {
    let directory = tempfile::tempdir().unwrap();
    let aged = SpoolConfig { age_ns_max: 10, ..config(directory.path()) };
    let (mut spool, _) = Spool::open(aged).unwrap();
    fill(&mut spool, 1..41, 1);
    let segments = spool.segments().len();
    spool.retain(0, 1000);
    assert_eq!(spool.segments().len(), segments);
    spool.retain(40, 1000);
    assert_eq!(spool.segments().len(), 1);
}

#[test]
fn losses_and_quarantined_frames_count_towards_the_position() {
    let directory = tempfile::tempdir().unwrap();
    let (mut spool, _) = Spool::open(config(directory.path())).unwrap();
    let mut chunk = Chunk::new(0);
    let loss = Loss::new(1, 9, LossReason::Evicted, 5);
    chunk.push(RecordKind::Loss, STREAM, loss.as_bytes());
    chunk.push(RecordKind::Quarantined, STREAM, &frame(10));
    chunk.push(RecordKind::Frame, STREAM, &frame(11));
    spool.commit(&chunk, 0).unwrap();
    drop(spool);
    let (_spool, recovery) = Spool::open(config(directory.path())).unwrap();
    let totals = recovery.totals.of(STREAM_ID).unwrap();
    assert_eq!((totals.position, totals.applied.total(), totals.lost.total()), (11, 1, 10));
    assert!(inspect(directory.path(), |_| ()).unwrap().findings.is_empty());
}

#[test]
fn cursors_are_whole_or_not_there() {
    let directory = tempfile::tempdir().unwrap();
    let file = CursorFile::new(directory.path(), "../siem one").unwrap();
    assert_eq!(file.load().unwrap(), None);
    let totals = SinkTotals { began: 1, settled: 2, filtered: 3, ..SinkTotals::default() };
    let saved = Saved { cursor: Cursor { ordinal: 6 }, totals, file: [7, 8, 9] };
    file.save(&saved).unwrap();
    assert_eq!(file.load().unwrap(), Some(saved));
    let path = directory.path().join("cursors/%2E.%2Fsiem%20one");
    let mut bytes = fs::read(&path).unwrap();
    bytes[20] ^= 1;
    fs::write(&path, &bytes).unwrap();
    assert_eq!(file.load().unwrap(), None);
}

/// A directory whose syncs and writes answer as they are told.
#[derive(Clone, Debug, Default)]
struct Faulty {
    syncs: Arc<Mutex<VecDeque<Option<io::ErrorKind>>>>,
    writes: Arc<Mutex<VecDeque<Option<io::ErrorKind>>>>,
}

#[derive(Debug)]
struct FaultyFile {
    file: File,
    faults: Faulty,
}

impl Volume for Faulty {
    type File = FaultyFile;

    fn begin(&mut self, path: &Path) -> io::Result<FaultyFile> {
        Ok(FaultyFile { file: Directory.begin(path)?, faults: self.clone() })
    }

    fn free(&self, _directory: &Path) -> Option<u64> {
        None
    }
}

fn answer(faults: &Mutex<VecDeque<Option<io::ErrorKind>>>) -> io::Result<()> {
    match faults.lock().unwrap().pop_front().flatten() {
        Some(kind) => Err(kind.into()),
        None => Ok(()),
    }
}

impl SegmentWrite for FaultyFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Err(error) = answer(&self.faults.writes) {
            // Half of it went out before the error.
            self.file.write(&bytes[..bytes.len() / 2])?;
            return Err(error);
        }
        self.file.write(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        answer(&self.faults.syncs)
    }

    fn truncate(&mut self, bytes: u64) -> io::Result<()> {
        self.file.truncate(bytes)
    }
}

#[test]
fn after_a_failed_sync_the_chunk_is_written_to_a_new_segment_once() {
    let directory = tempfile::tempdir().unwrap();
    let faults = Faulty::default();
    let (mut spool, _) = Spool::open_on(config(directory.path()), faults.clone()).unwrap();
    fill(&mut spool, 1..4, 1);
    faults.syncs.lock().unwrap().extend([Some(io::ErrorKind::Other)]);
    fill(&mut spool, 4..6, 2);
    let counters = *spool.counters();
    assert_eq!((counters.errors, counters.sealed, counters.commits), (1, 1, 4));
    assert_eq!(spool.segments().iter().map(|s| s.first_ordinal).collect::<Vec<_>>(), [0, 3]);
    assert_eq!(read(directory.path(), 0, 5), [Ok(1), Ok(2), Ok(3), Ok(4), Ok(5)]);
}

#[test]
fn after_the_second_failed_sync_nothing_is_durable_until_one_succeeds() {
    let directory = tempfile::tempdir().unwrap();
    let faults = Faulty::default();
    let (mut spool, _) = Spool::open_on(config(directory.path()), faults.clone()).unwrap();
    fill(&mut spool, 1..4, 1);
    let mut chunk = Chunk::new(3);
    chunk.push(RecordKind::Frame, STREAM, &frame(4));
    let other = Some(io::ErrorKind::Other);
    faults.syncs.lock().unwrap().extend([other, other, other, None]);
    assert!(matches!(spool.commit(&chunk, 0), Err(CommitError::Failed { .. })));
    assert_eq!(spool.durable().ordinal(), 3);
    spool.commit(&chunk, 0).unwrap();
    assert_eq!(read(directory.path(), 0, 4), [Ok(1), Ok(2), Ok(3), Ok(4)]);
    assert!(inspect(directory.path(), |_| ()).unwrap().findings.is_empty());
    drop(spool);
    let (_spool, recovery) = Spool::open(config(directory.path())).unwrap();
    assert_eq!(recovery.next_ordinal, 4);
}

#[test]
fn a_full_device_holds_the_chunk_and_leaves_no_half_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let faults = Faulty::default();
    let (mut spool, _) = Spool::open_on(config(directory.path()), faults.clone()).unwrap();
    fill(&mut spool, 1..4, 1);
    let mut chunk = Chunk::new(3);
    chunk.push(RecordKind::Frame, STREAM, &frame(4));
    faults.writes.lock().unwrap().extend([Some(io::ErrorKind::StorageFull)]);
    assert!(matches!(spool.commit(&chunk, 0), Err(CommitError::Full(_))));
    assert_eq!((spool.counters().full, spool.counters().errors), (1, 0));
    assert!(inspect(directory.path(), |_| ()).unwrap().findings.is_empty());
    spool.commit(&chunk, 0).unwrap();
    assert_eq!(read(directory.path(), 2, 4), [Ok(3), Ok(4)]);
}
