//! The collector as a process of its own: it listens for a producer, takes the stream apart with
//! the machine of `components`, and acks what its spool has made durable. One thread reads and
//! answers, one writes and syncs; sinks follow the spool by themselves and are never waited for.

mod connection;
mod journal;
mod listener;
mod status;
mod wakeup;
mod writer;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use components::stream::{Collector, CollectorConfig, Resync, Time};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

pub use listener::{ListenError, Listener};
pub use status::{ServiceStatus, Shared};
pub use wakeup::Wakeup;
pub use writer::{Slowest, SpoolStatus};

use crate::collector::replica::ReplicaWatch;
use crate::failpoint::failpoint;
use crate::spool::{Chunk, Directory, Recovery, Spool};
use crate::stream::clock::{Clock, JumpWatch, unix_ns};
use connection::{Connection, Reserve};
use journal::ChunkJournal;
use writer::{Done, Writer};

/// What the service is told once.
#[derive(Clone, Debug)]
pub struct ServiceConfig {
    /// Where producers connect.
    pub listen: PathBuf,
    /// User ids that a producer may have, beside root and ours.
    pub peer_uids: Vec<u32>,
    /// Sizes and times of the machine.
    pub machine: CollectorConfig,
    /// Bytes of records that may wait for the spool while it syncs others.
    pub chunk_bytes_max: usize,
    /// The spool's limit, bytes, for the figures.
    pub spool_bytes_max: u64,
}

/// Why the service cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// Its socket.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// A thread, an event or a descriptor.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// The collector's thread.
#[derive(Debug)]
pub struct Service {
    config: ServiceConfig,
    clock: Clock,
    listener: Listener,
    machine: Collector,
    journal: ChunkJournal,
    /// A chunk whose memory may be used again.
    spare: Option<Chunk>,
    writer: Writer,
    /// The spool's thread has a chunk.
    in_flight: bool,
    /// A chunk could not be committed and is being tried again.
    spool_waits: bool,
    wakeup: Arc<Wakeup>,
    connection: Option<Connection>,
    reserve: Reserve,
    shared: Arc<Shared>,
    checked_at: Time,
    jumps: JumpWatch,
    /// Where sessions are replicated to, if they are.
    replica: Option<ReplicaWatch>,
    /// A resynchronisation that the replica has still to come to.
    resync: Option<Resync>,
    /// The figures that others see are not the last ones.
    stale: bool,
}

impl Service {
    /// Listens. `recovery` is what opening `spool` has found; `slowest` knows its readers, of which
    /// `replica` is one that FullResyncs wait for.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn new(
        config: ServiceConfig,
        spool: Spool<Directory>,
        recovery: &Recovery,
        slowest: Box<dyn Slowest>,
        replica: Option<ReplicaWatch>,
        wakeup: Arc<Wakeup>,
    ) -> Result<Self, ServiceError> {
        let positions = recovery.totals.streams().to_vec();
        let replication = match replica {
            Some(_) => components::stream::Replication::Replicated,
            None => components::stream::Replication::Standalone,
        };
        let machine = CollectorConfig { replication, ..config.machine.clone() };
        let machine = Collector::new(machine, positions);
        let chunk = Chunk::new(spool.next_ordinal());
        let writer = Writer::start(spool, config.spool_bytes_max, slowest, Arc::clone(&wakeup))?;
        Ok(Self {
            listener: Listener::bind(&config.listen)?,
            config,
            clock: Clock::start(),
            machine,
            journal: ChunkJournal { chunk, now_ns: unix_ns() },
            spare: None,
            writer,
            in_flight: false,
            spool_waits: false,
            wakeup,
            connection: None,
            reserve: Reserve::new(),
            shared: Arc::default(),
            checked_at: Time::default(),
            jumps: JumpWatch::start(),
            replica,
            resync: None,
            stale: false,
        })
    }

    /// The figures, for others to read.
    #[must_use]
    pub fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    /// Runs until the wakeup says stop: what was received is synced first. Gives the spool back.
    pub fn run(mut self) -> Spool<Directory> {
        while !self.wakeup.stops() {
            if !self.turn() {
                self.wait();
            }
        }
        self.end()
    }

    /// One turn; true if there was something to do.
    fn turn(&mut self) -> bool {
        let now = self.clock.now();
        let mut busy = self.settle();
        busy |= self.resync();
        self.accept(now);
        busy |= self.read(now);
        self.sync(now);
        busy |= self.write(now);
        if let Some(reason) = self.machine.close_request() {
            tracing::warn!(reason = reason.description(), "connection closed");
            self.hang_up(now);
        }
        self.machine.tick(now);
        self.check(now);
        busy
    }

    /// Takes what the spool's thread is done with.
    fn settle(&mut self) -> bool {
        let mut any = false;
        while let Ok(done) = self.writer.done.try_recv() {
            any = true;
            match done {
                Done::Durable(token, chunk) => {
                    self.machine.durable(token);
                    self.in_flight = false;
                    self.spare = Some(chunk);
                }
                Done::Waits(token, why) => {
                    self.spool_waits = true;
                    self.shared.spool_waits(Some(why));
                    self.machine.sync_failed(token, self.clock.now());
                }
                Done::Recovered(chunk) => {
                    self.spool_waits = false;
                    self.in_flight = false;
                    self.shared.spool_waits(None);
                    self.spare = Some(chunk);
                }
            }
        }
        self.ready();
        if any {
            self.advance();
        }
        any
    }

    /// Says whether the spool takes more: not while it waits for room, nor while too much has piled
    /// up behind a sync.
    fn ready(&mut self) {
        let room = self.journal.chunk.bytes().len() < self.config.chunk_bytes_max;
        self.machine.spool_ready(!self.spool_waits && (room || !self.in_flight));
    }

    /// Lets a FullResync be acked once the replica has come to it; true if one may be now.
    fn resync(&mut self) -> bool {
        let Some(replica) = &self.replica else {
            return false;
        };
        if self.resync.is_none() {
            self.machine.replication_ready(replica.is_ready());
            self.resync = self.machine.take_resync();
        }
        match self.resync.take_if(|resync| replica.is_done(*resync)) {
            Some(resync) => {
                self.machine.resynced(resync);
                self.advance();
                true
            }
            None => false,
        }
    }

    fn advance(&mut self) {
        let now = self.clock.now();
        self.journal.now_ns = unix_ns();
        self.machine.advance(now, &mut self.journal);
        while let Some(frame_type) = self.machine.take_unknown_type() {
            tracing::warn!(frame_type, "frames of an unknown type are kept aside and acked");
        }
        self.ready();
    }

    /// Has the chunk synced if the machine wants it.
    fn sync(&mut self, now: Time) {
        let Some(token) = self.machine.take_sync(now) else {
            return;
        };
        let mut next = self.spare.take().unwrap_or_default();
        next.restart(self.journal.chunk.next_ordinal());
        let chunk = std::mem::replace(&mut self.journal.chunk, next);
        failpoint("collector-sync");
        self.in_flight = true;
        self.writer.commit(token, chunk);
        self.ready();
    }

    /// What is looked at now and then: the figures, and the socket's file.
    fn check(&mut self, now: Time) {
        let peer = self.connection.as_ref().map(|connection| connection.peer);
        self.stale = !self.shared.put(&self.machine, &self.writer, peer, now);
        if now.since(self.checked_at) < CHECK_EVERY {
            return;
        }
        self.checked_at = now;
        let jump_ns = self.jumps.look();
        if jump_ns != 0 {
            self.shared.clock_jumped();
            tracing::warn!(seconds = jump_ns / 1_000_000_000, "the wall clock was set");
        }
        if !self.listener.is_reachable() {
            let path = self.listener.path().display().to_string();
            match self.listener.rebind() {
                Ok(()) => tracing::warn!(path, "socket made anew"),
                Err(error) => tracing::warn!(%error, "socket is gone and cannot be made anew"),
            };
        }
    }

    /// Sleeps until something comes, or until the machine's deadline.
    fn wait(&mut self) {
        let now = self.clock.now();
        let accepts_at = self.machine.accepts_at();
        let mut fds = vec![PollFd::new(self.wakeup.event(), PollFlags::IN)];
        if accepts_at <= now {
            fds.push(PollFd::new(self.listener.socket(), PollFlags::IN));
        }
        let writes = !self.machine.next_write().is_empty();
        if let Some(connection) = &self.connection {
            let mut wanted = PollFlags::empty();
            wanted.set(PollFlags::IN, self.machine.reads());
            wanted.set(PollFlags::OUT, writes);
            fds.push(PollFd::new(&connection.socket, wanted));
        }
        let later = (accepts_at > now).then_some(accepts_at);
        let deadline = [self.machine.deadline(), later].into_iter().flatten().min();
        let wait_max = if self.stale { status::FRESHNESS } else { CHECK_EVERY };
        let wait = deadline.map_or(wait_max, |at| at.since(now).min(wait_max));
        let timeout = Timespec::try_from(wait).ok();
        // Interrupted is as good as woken.
        let _ = poll(&mut fds, timeout.as_ref());
        self.wakeup.silence();
    }

    /// The last sync: what was received and can be spooled is acked before the connection ends.
    fn end(mut self) -> Spool<Directory> {
        let limit = self.clock.now().after(END_WAIT);
        while self.clock.now() < limit && !self.spool_waits {
            let now = self.clock.now();
            self.settle();
            self.sync(now);
            self.write(now);
            if self.machine.deadline().is_none() && self.writer.done.is_empty() {
                let clean = self.journal.chunk.is_empty();
                if clean && self.machine.next_write().is_empty() {
                    break;
                }
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        self.hang_up(self.clock.now());
        self.shared.put(&self.machine, &self.writer, None, Time::from_ns(u64::MAX));
        self.writer.stop()
    }
}

/// How often the socket's file is looked for; also the longest sleep.
const CHECK_EVERY: Duration = Duration::from_secs(1);

/// How long the end waits for the last sync.
const END_WAIT: Duration = Duration::from_secs(5);
