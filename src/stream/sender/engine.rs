//! The thread's turns, in the order that the machine asks for: append, connect, read, write, close,
//! publish, wait.

use std::io::{self, IoSlice};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use components::block::EventFrame;
use components::kinds::EventKind;
use components::stream::{Ended, Producer, Refused, Time};
use crossbeam_queue::ArrayQueue;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::status::{FRESHNESS, Lag, Shared};
use super::{Bell, Ending, Message, SenderConfig};
use crate::failpoint::failpoint;
use crate::stream::clock::Clock;
use crate::stream::peer::{self, Peer};
use crate::stream::ring_file::RingFile;

/// Everything that the thread owns.
pub(super) struct Engine {
    pub(super) clock: Clock,
    pub(super) config: SenderConfig,
    pub(super) producer: Producer,
    pub(super) file: Option<RingFile>,
    /// Refused by the processes before.
    pub(super) before: Refused,
    pub(super) blocks: flume::Receiver<Message>,
    pub(super) pool: Arc<ArrayQueue<Vec<EventFrame>>>,
    pub(super) bell: Arc<Bell>,
    pub(super) shared: Arc<Shared>,
    pub(super) socket: Option<UnixStream>,
    /// The socket took less than it was given.
    pub(super) blocked: bool,
    /// A block that waits for room.
    pub(super) held: Option<Vec<EventFrame>>,
    /// Cursors as they were published last.
    pub(super) published: Option<[u64; 4]>,
    pub(super) lag: Lag,
    /// Something has changed since the figures were shown.
    pub(super) stale: bool,
    pub(super) last_error: Option<String>,
}

impl Engine {
    pub(super) fn run(mut self) -> Ending {
        self.producer.set_upstream(&self.before);
        loop {
            let now = self.clock.now();
            let mut busy = self.read(now);
            // Before a slot that an Ack set free is used again.
            self.publish();
            busy |= self.take_blocks(now);
            self.look_for_missed();
            self.connect(now);
            busy |= self.write(now);
            self.hang_up(now);
            if self.producer.take_export() {
                self.shared.ask_for_export();
            }
            self.publish();
            self.show(now, busy);
            if let Some(ended) = self.producer.ended(now) {
                return self.end(ended);
            }
            if !busy {
                self.wait();
            }
        }
    }

    fn end(mut self, ended: Ended) -> Ending {
        // Everything was acked or given up: what the collector still says changes nothing.
        self.socket = None;
        self.producer.disconnected(self.clock.now());
        self.publish();
        self.put();
        if let Some(file) = self.file.take() {
            file.close(self.producer.into_ring());
        }
        Ending { ended, status: self.shared.status() }
    }

    /// Numbers the blocks that wait; true if there were any.
    fn take_blocks(&mut self, now: Time) -> bool {
        let mut taken = false;
        for _ in 0..BLOCKS_A_TURN {
            let block = match self.held.take() {
                Some(block) => block,
                None => match self.blocks.try_recv() {
                    Ok(Message::Frames(block)) => block,
                    Ok(Message::Upstream(refused)) => {
                        self.set_upstream(&refused);
                        continue;
                    }
                    Ok(Message::Cut(cut)) => {
                        self.look_for_missed();
                        self.put();
                        (cut.0)(&self.shared.status());
                        continue;
                    }
                    Ok(Message::End(timeout)) => {
                        self.producer.shutdown(now.after(timeout));
                        return true;
                    }
                    Err(_) => return taken,
                },
            };
            if !self.append(&block) {
                self.held = Some(block);
                return taken;
            }
            taken = true;
            let _ = self.pool.push(block);
        }
        taken
    }

    /// Owes a FullResync for session frames that the channel had no room for.
    fn look_for_missed(&mut self) {
        if self.shared.take_missed() {
            self.producer.miss_session();
        }
    }

    /// Numbers a block; false if it has to wait for room.
    fn append(&mut self, block: &[EventFrame]) -> bool {
        if self.config.waits && !self.producer.ring().fits(block) {
            return false;
        }
        failpoint("producer-append");
        self.producer.append(block);
        failpoint("producer-appended");
        self.publish();
        true
    }

    /// Lets others see the figures, ten times a second while they change.
    fn show(&mut self, now: Time, busy: bool) {
        self.stale |= busy;
        if self.lag.is_due(now) {
            self.put();
        }
    }

    fn put(&mut self) {
        self.stale = false;
        self.lag.look(self.producer.ring(), self.clock.now());
        self.shared.put(&self.producer, &self.lag, self.last_error.as_deref());
    }

    fn set_upstream(&mut self, refused: &Refused) {
        let mut all = self.before;
        for kind in 0..EventKind::COUNT {
            all[kind].add(&refused[kind]);
        }
        self.producer.set_upstream(&all);
        self.published = None;
    }

    fn connect(&mut self, now: Time) {
        if self.socket.is_some() || self.producer.connect_at().is_none_or(|at| at > now) {
            return;
        }
        match self.open() {
            Ok(socket) => {
                self.socket = Some(socket);
                self.blocked = false;
                self.last_error = None;
                self.producer.connected(now);
            }
            Err(error) => {
                self.fail(format!("{}: {error}", self.config.path.display()));
                self.producer.connect_failed(now);
            }
        }
    }

    /// A connection to a collector that we may talk to.
    fn open(&self) -> io::Result<UnixStream> {
        let socket = peer::connect(&self.config.path)?;
        let peer = Peer::of(&socket)?;
        if !peer.is_allowed(&self.config.peer_uids) {
            let text = format!("the collector runs as user {}, who is not allowed", peer.uid);
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
        }
        Ok(socket)
    }

    /// Keeps the error for the operator, and logs it if it is another one than before.
    fn fail(&mut self, error: String) {
        if self.last_error.as_ref() != Some(&error) {
            tracing::warn!(%error, "event stream");
        }
        self.last_error = Some(error);
    }

    /// Reads what the collector says; true if it said something.
    fn read(&mut self, now: Time) -> bool {
        let Some(socket) = &self.socket else {
            return false;
        };
        let mut buffer = [0; 4096];
        let mut any = false;
        loop {
            match rustix::io::read(socket, &mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    failpoint("producer-received");
                    self.producer.received(&buffer[..count], now);
                    any = true;
                    if count < buffer.len() {
                        return any;
                    }
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => return any,
                Err(error) => {
                    self.last_error = Some(io::Error::from(error).to_string());
                    break;
                }
            }
        }
        self.socket = None;
        self.producer.disconnected(now);
        true
    }

    /// Writes as much as the socket takes; true if it took something.
    fn write(&mut self, now: Time) -> bool {
        let Some(socket) = &self.socket else {
            return false;
        };
        let mut any = false;
        loop {
            let out = self.producer.next_write(now);
            if out.is_empty() {
                self.blocked = false;
                return any;
            }
            let slices = out.slices().map(IoSlice::new);
            match rustix::io::writev(socket, &slices) {
                Ok(count) => {
                    failpoint("producer-written");
                    let whole = count == out.len();
                    self.producer.wrote(count, now);
                    any = true;
                    if !whole {
                        self.blocked = true;
                        return any;
                    }
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN | rustix::io::Errno::NOBUFS) => {
                    self.blocked = true;
                    return any;
                }
                Err(error) => {
                    self.last_error = Some(io::Error::from(error).to_string());
                    self.socket = None;
                    self.producer.disconnected(now);
                    return true;
                }
            }
        }
    }

    /// Closes the connection if the machine wants it closed.
    fn hang_up(&mut self, now: Time) {
        if let Some(reason) = self.producer.close_request() {
            self.fail(format!("connection given up: {}", reason.description()));
            self.socket = None;
            self.producer.disconnected(now);
        }
    }

    /// Publishes the state if it has changed.
    fn publish(&mut self) {
        let Some(file) = &mut self.file else {
            return;
        };
        let ring = self.producer.ring();
        let cursors = [
            ring.acked(),
            ring.oldest(),
            ring.next_sequence(),
            ring.counters().refused.total()
                + ring.counters().sessions_refused.total()
                + u64::from(ring.owes_resync()),
        ];
        if self.published != Some(cursors) {
            failpoint("producer-publish");
            file.publish(ring, &self.producer.refused_upstream());
            self.published = Some(cursors);
        }
    }

    /// Sleeps until a block, the socket, or the machine's deadline.
    fn wait(&mut self) {
        self.bell.sleeps.store(true, Ordering::SeqCst);
        let held = self.held.is_some();
        if !held && !self.blocks.is_empty() {
            self.bell.sleeps.store(false, Ordering::SeqCst);
            return;
        }
        let wanted = if self.blocked { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN };
        let mut fds = vec![PollFd::new(&self.bell.event, PollFlags::IN)];
        if let Some(socket) = &self.socket {
            fds.push(PollFd::new(socket, wanted));
        }
        let now = self.clock.now();
        let wait = self.producer.deadline().map_or(WAIT_MAX, |at| at.since(now));
        let wait_max = if self.stale { FRESHNESS } else { WAIT_MAX };
        let timeout = Timespec::try_from(wait.min(wait_max)).ok();
        let _ = poll(&mut fds, timeout.as_ref());
        self.bell.sleeps.store(false, Ordering::SeqCst);
        self.bell.silence();
        self.producer.tick(self.clock.now());
    }
}

/// Blocks that are numbered before the socket has its turn.
const BLOCKS_A_TURN: usize = 16;

/// Longest sleep, should the machine have no deadline of its own.
const WAIT_MAX: std::time::Duration = std::time::Duration::from_secs(1);
