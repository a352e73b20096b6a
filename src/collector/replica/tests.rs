//! A replica behind a spool: ready or not, killed, with gaps, with a file that is not whole.

use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use components::block::EventFrame;
use components::kinds::EventKind;
use components::reason::LossReason;
use components::spool::{Loss, RecordKind};
use components::stream::StreamId;
use components::wire::{
    FrameHeader, FrameType, SessionEndRecord, SessionEndZones, SessionRecord, split_frame,
};
use zerocopy::IntoBytes;

use super::*;
use crate::collector::fixture;
use crate::spool::{Chunk, Directory, OnFull, Spool, SpoolConfig};

/// A spool, and a replica's file beside it.
struct Bench {
    directory: tempfile::TempDir,
    spool: Spool<Directory>,
    next: u64,
}

impl Bench {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let config = SpoolConfig {
            directory: directory.path().to_owned(),
            segment_bytes_max: 4096,
            total_bytes_max: 1 << 20,
            age_ns_max: 0,
            on_full: OnFull::Hold,
        };
        let spool = Spool::open(config).unwrap().0;
        Self { directory, spool, next: 1 }
    }

    fn path(&self) -> std::path::PathBuf {
        self.directory.path().join("sessions")
    }

    fn start(&self, replica: Box<dyn Replica>) -> Replication {
        let wakeup = Arc::new(Wakeup::new().unwrap());
        let durable = self.spool.durable();
        Replication::start(self.directory.path(), &durable, replica, wakeup).unwrap()
    }

    fn start_file(&self) -> Replication {
        self.start(Box::new(FileReplica::new(&self.path())))
    }

    fn commit(&mut self, stream: u64, frames: &[Vec<u8>]) {
        let mut chunk = Chunk::new(self.spool.next_ordinal());
        for frame in frames {
            let mut frame = frame.clone();
            frame[8..16].copy_from_slice(&self.next.to_le_bytes());
            self.next += 1;
            chunk.push(RecordKind::Frame, stream, &frame);
        }
        self.spool.commit(&chunk, 0).unwrap();
    }

    fn lose(&mut self, stream: u64, numbers: u64) {
        let mut chunk = Chunk::new(self.spool.next_ordinal());
        let loss = Loss::new(self.next, self.next + numbers - 1, LossReason::Evicted, 5);
        self.next += numbers;
        chunk.push(RecordKind::Loss, stream, loss.as_bytes());
        self.spool.commit(&chunk, 0).unwrap();
    }

    /// The figures once everything durable was taken.
    fn taken(&self, replication: &Replication) -> ReplicaStatus {
        let end = self.spool.next_ordinal();
        until(|| Some(replication.watch().status()).filter(|status| status.place.ordinal == end))
    }
}

fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let limit = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < limit, "it does not come");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn session(port: u16) -> Session {
    let mut record = SessionRecord::<4>::default();
    record.source_port = port.into();
    record.source = [10, 0, 0, 1];
    Session::V4(record)
}

fn open(port: u16) -> Vec<u8> {
    EventFrame::session_open(&session(port)).wire_bytes().unwrap().to_vec()
}

fn close(port: u16) -> Vec<u8> {
    let mut record = SessionEndRecord::<4>::default();
    record.source_port = port.into();
    record.source = [10, 0, 0, 1];
    let zones = Some(SessionEndZones { ingress_zone: 0, egress_zone: 0 });
    EventFrame::session_close(&SessionEnd::V4(record, zones)).wire_bytes().unwrap().to_vec()
}

fn resync() -> Vec<u8> {
    FrameHeader::new(FrameType::FullResync, 0, 0).as_bytes().to_vec()
}

fn deny() -> Vec<u8> {
    fixture::frame(&fixture::event(EventKind::PolicyDeny), 0)
}

fn identity(status: &ReplicaStatus) {
    let ReplicaTotals { began, applied, others, lost, .. } = status.place.totals;
    assert_eq!(status.place.ordinal, began + applied + others + lost);
}

fn kept(bench: &Bench) -> (Place, Vec<Session>) {
    read_sessions(&bench.path()).unwrap().unwrap()
}

#[test]
fn sessions_come_and_go_and_a_file_keeps_what_there_is() {
    let mut bench = Bench::new();
    let replication = bench.start_file();
    bench.commit(7, &[resync(), open(1), open(2), deny(), open(3), close(2), close(9)]);
    let status = bench.taken(&replication);
    identity(&status);
    let totals = status.place.totals;
    assert_eq!((totals.opens, totals.closes, totals.unknown_closes), (3, 2, 1));
    assert_eq!((totals.resyncs, totals.others, status.sessions), (1, 1, 2));
    assert!(status.place.is_complete() && status.ready);
    let status = replication.stop();
    let (place, sessions) = kept(&bench);
    assert_eq!((place, sessions), (status.kept, vec![session(1), session(3)]));
}

#[test]
fn the_next_process_goes_on_where_the_file_was_kept() {
    let mut bench = Bench::new();
    bench.commit(7, &[resync(), open(1), open(2)]);
    drop(bench.start_file().stop());
    bench.commit(7, &[close(1), open(3)]);
    let replication = bench.start_file();
    let status = bench.taken(&replication);
    identity(&status);
    assert_eq!((status.place.totals.opens, status.sessions), (3, 2));
    replication.stop();
    assert_eq!(kept(&bench).1, [session(2), session(3)]);
}

#[test]
fn a_file_that_is_not_whole_is_made_anew_from_the_spool() {
    let mut bench = Bench::new();
    bench.commit(7, &[resync(), open(1), open(2)]);
    bench.start_file().stop();
    let whole = std::fs::read(bench.path()).unwrap();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        std::fs::write(bench.path(), &bytes).unwrap();
        assert!(read_sessions(&bench.path()).unwrap().is_none(), "byte {at}");
        std::fs::write(bench.path(), &whole[..at]).unwrap();
        assert!(read_sessions(&bench.path()).unwrap().is_none(), "cut at {at}");
    }
    bench.start_file().stop();
    assert_eq!(kept(&bench).1, [session(1), session(2)]);
}

#[test]
fn after_a_gap_it_is_not_complete_until_a_full_resync() {
    let mut bench = Bench::new();
    let replication = bench.start_file();
    bench.commit(7, &[resync(), open(1)]);
    bench.lose(7, 3);
    bench.commit(7, &[open(2)]);
    let status = bench.taken(&replication);
    assert_eq!((status.place.is_complete(), status.sessions), (false, 2));
    bench.commit(7, &[resync(), open(2)]);
    let status = bench.taken(&replication);
    assert_eq!((status.place.is_complete(), status.sessions), (true, 1));
    assert_eq!(status.place.position(7), bench.next - 1);
    replication.stop();
}

#[test]
fn another_stream_begins_with_nothing() {
    let mut bench = Bench::new();
    let replication = bench.start_file();
    bench.commit(7, &[open(1), open(2)]);
    bench.next = 1;
    bench.commit(8, &[deny(), open(3)]);
    let status = bench.taken(&replication);
    assert_eq!((status.place.stream, status.sessions), (8, 1));
    assert!(status.place.is_complete(), "it was there from its first number on");
    replication.stop();
}

#[test]
fn what_retention_took_is_counted() {
    let mut bench = Bench::new();
    for port in 0..200 {
        bench.commit(7, &[open(port)]);
    }
    bench.spool.retain(bench.spool.next_ordinal(), 0);
    let small = SpoolConfig {
        directory: bench.directory.path().to_owned(),
        segment_bytes_max: 4096,
        total_bytes_max: 8192,
        age_ns_max: 0,
        on_full: OnFull::DropOldest,
    };
    let next = bench.next;
    drop(bench.spool);
    bench.spool = Spool::open(small).unwrap().0;
    bench.next = next;
    bench.commit(7, &[open(1000)]);
    let replication = bench.start_file();
    let status = bench.taken(&replication);
    identity(&status);
    assert!(status.place.totals.lost > 0 && !status.place.is_complete(), "{status:?}");
    replication.stop();
}

/// A replica that is ready when it is told, and remembers what it was given.
#[derive(Debug, Default)]
struct Later {
    ready: Arc<AtomicBool>,
    sessions: u64,
}

impl Replica for Later {
    fn is_ready(&mut self) -> bool {
        self.ready.load(Ordering::SeqCst)
    }

    fn restore(&mut self) -> io::Result<Option<Place>> {
        Ok(None)
    }

    fn forget(&mut self) {
        self.sessions = 0;
    }

    fn put(&mut self, _session: &Session) -> bool {
        self.sessions += 1;
        true
    }

    fn remove(&mut self, _end: &SessionEnd) -> bool {
        self.sessions -= 1;
        true
    }

    fn sessions(&self) -> u64 {
        self.sessions
    }

    fn keep(&mut self, _place: &Place) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn one_that_is_not_ready_holds_back_session_frames_and_the_full_resync() {
    let mut bench = Bench::new();
    let ready = Arc::new(AtomicBool::new(false));
    let replica = Later { ready: Arc::clone(&ready), ..Later::default() };
    let replication = bench.start(Box::new(replica));
    bench.commit(7, &[deny(), resync(), open(1), deny()]);
    let watch = replication.watch();
    std::thread::sleep(Duration::from_millis(300));
    let resync = Resync { stream: StreamId(7), through: 2 };
    let status = watch.status();
    assert_eq!((status.ready, status.place.ordinal, watch.is_done(resync)), (false, 0, false));
    // Events are durable all the same, and nobody has to wait for the replica to have them.
    assert_eq!(bench.spool.durable().ordinal(), 4);
    assert_eq!(watch.slowest_ordinal(), 0, "retention waits");
    ready.store(true, Ordering::SeqCst);
    until(|| watch.is_done(resync).then_some(()));
    until(|| (watch.slowest_ordinal() == 4).then_some(()));
    assert_eq!(replication.stop().sessions, 1);
}

#[test]
fn frames_of_the_tests_are_frames() {
    for frame in [open(1), close(1), resync(), deny()] {
        let raw = split_frame(&frame).unwrap().unwrap();
        assert!(raw.decode().is_ok());
    }
}
