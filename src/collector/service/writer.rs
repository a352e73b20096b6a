//! The thread that owns the spool: it writes and syncs chunk after chunk, so that reading goes on
//! meanwhile. A chunk that finds no room, or whose sync failed twice, is told and tried again
//! until it is in; nothing of it is forgotten.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use components::stream::SyncToken;

use super::Wakeup;
use crate::failpoint::failpoint;
use crate::spool::{Alarm, Chunk, CommitError, Directory, Room, Spool, SpoolCounters};
use crate::stream::clock::unix_ns;

/// The handle of the spool's thread.
#[derive(Debug)]
pub(super) struct Writer {
    work: flume::Sender<(SyncToken, Chunk)>,
    pub(super) done: flume::Receiver<Done>,
    thread: JoinHandle<Spool<Directory>>,
    shared: Arc<Shared>,
}

/// What became of a sync.
#[derive(Debug)]
pub(super) enum Done {
    /// It is in; the chunk may be filled again.
    Durable(SyncToken, Chunk),
    /// It is not in yet; the thread keeps it and tries again.
    Waits(SyncToken, String),
    /// What had to wait is in now.
    Recovered(Chunk),
}

/// The spool's figures, for others to read.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct SpoolStatus {
    /// Bytes of all segments.
    pub bytes: u64,
    /// The limit, bytes.
    pub bytes_max: u64,
    /// Segments.
    pub segments: u64,
    /// The ordinal of the next record.
    pub next_ordinal: u64,
    /// The counters.
    pub counters: SpoolCounters,
    /// Bytes held for sinks that have still to read them.
    pub held_bytes: u64,
    /// Bytes that the limit and the device leave the spool.
    pub room_bytes: u64,
    /// The high-water mark that is reached, percent; 0 below both.
    pub alarm_percent: u64,
    /// Why a chunk waits, if one does.
    pub waits: Option<String>,
}

/// What the thread and its owner both have.
#[derive(Debug)]
struct Shared {
    status: Mutex<SpoolStatus>,
    /// What is before this ordinal is read by every sink.
    slowest: Box<dyn Slowest>,
    stops: AtomicBool,
}

/// Knows how far the slowest reader of the spool is.
pub trait Slowest: Send + Sync + std::fmt::Debug {
    /// The ordinal before which everything is read by everyone.
    fn slowest_ordinal(&self) -> u64;
}

/// Without sinks everything is read as soon as it is there.
impl Slowest for Arc<crate::spool::Durable> {
    fn slowest_ordinal(&self) -> u64 {
        self.ordinal()
    }
}

impl Writer {
    pub(super) fn start(
        spool: Spool<Directory>,
        bytes_max: u64,
        slowest: Box<dyn Slowest>,
        wakeup: Arc<Wakeup>,
    ) -> std::io::Result<Self> {
        let (work, chunks) = flume::bounded(1);
        let (done_sender, done) = flume::unbounded();
        let status = Mutex::new(SpoolStatus::default());
        let shared = Arc::new(Shared { status, slowest, stops: AtomicBool::new(false) });
        let thread = {
            let shared = Arc::clone(&shared);
            let room = spool.room();
            let alarm = Alarm::default();
            let mut committer =
                Committer { spool, bytes_max, room, alarm, shared, wakeup, done: done_sender };
            committer.tell_status(None);
            let builder = std::thread::Builder::new().name("spool".to_owned());
            builder.spawn(move || {
                committer.run(&chunks);
                committer.spool
            })?
        };
        Ok(Self { work, done, thread, shared })
    }

    /// Has the chunk written and synced. One at a time, so there is room for it.
    pub(super) fn commit(&self, token: SyncToken, chunk: Chunk) {
        let _ = self.work.send((token, chunk));
    }

    pub(super) fn status(&self) -> SpoolStatus {
        lock(&self.shared.status).clone()
    }

    /// Ends the thread once it is done with what it has; a chunk that waits for room is given up,
    /// and was never acked.
    pub(super) fn stop(self) -> Spool<Directory> {
        self.shared.stops.store(true, Ordering::Relaxed);
        drop(self.work);
        self.thread.join().expect("the spool's thread does not panic")
    }
}

struct Committer {
    spool: Spool<Directory>,
    bytes_max: u64,
    room: Room,
    alarm: Alarm,
    shared: Arc<Shared>,
    wakeup: Arc<Wakeup>,
    done: flume::Sender<Done>,
}

impl Committer {
    fn run(&mut self, chunks: &flume::Receiver<(SyncToken, Chunk)>) {
        let mut retained = Instant::now();
        loop {
            match chunks.recv_timeout(RETAIN_EVERY) {
                Ok((token, chunk)) => self.commit(token, chunk),
                Err(flume::RecvTimeoutError::Timeout) => {}
                Err(flume::RecvTimeoutError::Disconnected) => return,
            }
            if retained.elapsed() >= RETAIN_EVERY {
                retained = Instant::now();
                self.retain();
                self.tell_status(None);
            }
        }
    }

    fn commit(&mut self, token: SyncToken, chunk: Chunk) {
        failpoint("spool-write");
        match self.spool.commit(&chunk, unix_ns()) {
            Ok(()) => {
                failpoint("spool-synced");
                self.tell_status(None);
                self.tell(Done::Durable(token, chunk));
            }
            Err(error) => {
                self.wait(token, &error);
                self.insist(chunk);
            }
        }
    }

    fn wait(&mut self, token: SyncToken, error: &CommitError) {
        tracing::warn!(%error, "the spool cannot go on; nothing is acked until it can");
        self.look(Alarm::Critical);
        self.tell_status(Some(error.to_string()));
        self.tell(Done::Waits(token, error.to_string()));
    }

    /// Tries again until the chunk is in, or the collector ends.
    fn insist(&mut self, chunk: Chunk) {
        let mut told = Instant::now();
        while !self.shared.stops.load(Ordering::Relaxed) {
            std::thread::sleep(RETRY_EVERY);
            self.spool.retain(self.shared.slowest.slowest_ordinal(), unix_ns());
            match self.spool.commit(&chunk, unix_ns()) {
                Ok(()) => {
                    tracing::info!("the spool goes on");
                    self.retain();
                    self.tell_status(None);
                    return self.tell(Done::Recovered(chunk));
                }
                Err(error) => {
                    if told.elapsed() >= TELL_EVERY {
                        told = Instant::now();
                        tracing::warn!(%error, "the spool still cannot go on");
                    }
                    self.tell_status(Some(error.to_string()));
                }
            }
        }
    }

    fn retain(&mut self) {
        self.spool.retain(self.shared.slowest.slowest_ordinal(), unix_ns());
        self.look(self.alarm.after(self.spool.room()));
    }

    /// Says when a high-water mark is reached or left.
    fn look(&mut self, alarm: Alarm) {
        self.room = self.spool.room();
        if alarm == self.alarm {
            return;
        }
        let Room { held, most } = self.room;
        let percent = self.room.percent();
        if alarm > self.alarm {
            let mark = alarm.percent();
            tracing::warn!(held, most, percent, mark, "the spool fills");
        } else {
            tracing::info!(held, most, percent, "the spool has room again");
        }
        self.alarm = alarm;
    }

    fn tell(&self, done: Done) {
        let _ = self.done.send(done);
        self.wakeup.wake();
    }

    fn tell_status(&self, waits: Option<String>) {
        *lock(&self.shared.status) = SpoolStatus {
            bytes: self.spool.bytes(),
            bytes_max: self.bytes_max,
            segments: self.spool.segments().len() as u64,
            next_ordinal: self.spool.next_ordinal(),
            counters: *self.spool.counters(),
            held_bytes: self.room.held,
            room_bytes: self.room.most,
            alarm_percent: self.alarm.percent(),
            waits,
        };
    }
}

fn lock(status: &Mutex<SpoolStatus>) -> MutexGuard<'_, SpoolStatus> {
    status.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How often retention looks at the segments.
const RETAIN_EVERY: Duration = Duration::from_secs(1);

/// How often a chunk that waits is tried again, and how often that is logged.
const RETRY_EVERY: Duration = Duration::from_millis(250);
const TELL_EVERY: Duration = Duration::from_secs(30);
