//! The thread that owns the ring and its connection. Blocks of frames come through a bounded
//! channel and are numbered here, in one place; the socket takes whole runs of the ring as they
//! lie. Whoever hands blocks over never waits, unless it wants to: a full channel or ring refuses,
//! and what is refused is counted.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use components::block::{EventFrame, FrameKind};
use components::kinds::EventKind;
use components::reason::{Counts, RefuseReason};
use components::ring::ReplayRing;
use components::stream::{Ended, Producer, ProducerConfig, Refused};
use crossbeam_queue::ArrayQueue;
use rustix::event::{EventfdFlags, eventfd};
use rustix::fd::OwnedFd;

mod engine;
mod status;

pub use status::{SenderStatus, SenderWatch};

use super::clock::Clock;
use super::ring_file::{Begin, RingFile};
use engine::Engine;
use status::{Lag, Shared};

/// How a stream is sent.
#[derive(Clone, Debug)]
pub struct SenderConfig {
    /// The collector's socket.
    pub path: PathBuf,
    /// User ids that the collector may have, beside root and ours.
    pub peer_uids: Vec<u32>,
    /// Dialect and times.
    pub producer: ProducerConfig,
    /// Whether a block waits for room in the ring instead of being refused: for sources that can
    /// wait, as captures can.
    pub waits: bool,
}

/// The handle of a sender's thread.
#[derive(Debug)]
pub struct Sender {
    channel: flume::Sender<Message>,
    pool: Arc<ArrayQueue<Vec<EventFrame>>>,
    bell: Arc<Bell>,
    thread: JoinHandle<Ending>,
    shared: Arc<Shared>,
    waits: bool,
    /// Frames that are handed over at once when the ring has to have room for all of them.
    piece_frames_max: usize,
    /// Refused before they came to the ring, as last told, and because the channel was full.
    upstream: Refused,
    channel_full: Counts<{ EventKind::COUNT }>,
}

/// How a stream ended.
#[derive(Debug)]
pub struct Ending {
    /// Whether all was acked.
    pub ended: Ended,
    /// The last figures.
    pub status: SenderStatus,
}

/// Called with the figures at one place in the stream: all that was handed over before it is
/// numbered or refused, and nothing after it.
pub struct Cut(Box<dyn FnOnce(&SenderStatus) + Send>);

impl std::fmt::Debug for Cut {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Cut")
    }
}

/// What goes to the thread.
#[derive(Debug)]
enum Message {
    /// Frames to be numbered.
    Frames(Vec<EventFrame>),
    /// What was refused before the ring.
    Upstream(Box<Refused>),
    /// Call this once all frames before it are numbered.
    Cut(Cut),
    /// Deliver what there is, for so long, and end.
    End(Duration),
}

/// Wakes the thread, with a system call only if it sleeps.
#[derive(Debug)]
struct Bell {
    event: OwnedFd,
    sleeps: AtomicBool,
}

impl Bell {
    fn ring(&self) {
        if self.sleeps.swap(false, Ordering::SeqCst) {
            let _ = rustix::io::write(&self.event, &1u64.to_ne_bytes());
        }
    }

    /// Takes what was rung.
    fn silence(&self) {
        let mut count = [0; 8];
        let _ = rustix::io::read(&self.event, &mut count);
    }
}

impl Sender {
    /// Starts the thread. `upstream` is what the processes before had refused, and `begin` how the
    /// stream began; a ring without a file ends with its process.
    ///
    /// # Errors
    /// If there is no thread or event descriptor to be had.
    pub fn start(
        config: SenderConfig,
        ring: ReplayRing,
        file: Option<RingFile>,
        upstream: Refused,
        begin: Begin,
    ) -> io::Result<Self> {
        let event = eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?;
        let bell = Arc::new(Bell { event, sleeps: AtomicBool::new(false) });
        let pool = Arc::new(ArrayQueue::new(BLOCKS_WAITING_MAX * 2));
        let (channel, blocks) = flume::bounded(BLOCKS_WAITING_MAX);
        // Each kind is guaranteed an eighth of the ring, so that a piece of its size will fit.
        let eighth = usize::try_from(ring.capacity() / 8).unwrap_or(usize::MAX).max(1);
        let piece_frames_max = if config.waits { eighth } else { usize::MAX };
        let producer = Producer::new(ring, config.producer.clone());
        let shared = Arc::new(Shared::new(&producer, begin));
        let waits = config.waits;
        let engine = Engine {
            clock: Clock::start(),
            config,
            producer,
            file,
            before: upstream,
            blocks,
            pool: Arc::clone(&pool),
            bell: Arc::clone(&bell),
            shared: Arc::clone(&shared),
            socket: None,
            blocked: false,
            held: None,
            published: None,
            lag: Lag::default(),
            stale: false,
            last_error: None,
        };
        let thread =
            std::thread::Builder::new().name("stream".to_owned()).spawn(|| engine.run())?;
        Ok(Self {
            channel,
            pool,
            bell,
            thread,
            shared,
            waits,
            piece_frames_max,
            upstream: Refused::default(),
            channel_full: Counts::default(),
        })
    }

    /// Hands frames over.
    pub fn append(&mut self, frames: &[EventFrame]) {
        for piece in frames.chunks(self.piece_frames_max) {
            let mut block = self.pool.pop().unwrap_or_default();
            block.clear();
            block.extend_from_slice(piece);
            self.hand_over(block);
        }
    }

    /// Tells the totals of what was refused before it came here: by limiters, for want of a
    /// stream. They go into the stream's own account.
    pub fn set_upstream(&mut self, refused: &Refused) {
        if self.upstream != *refused {
            self.upstream = *refused;
            self.tell_upstream();
        }
    }

    /// Has `tell` called with the figures once everything handed over so far is numbered or
    /// refused; not at all if the channel is full, or if the stream ends before.
    pub fn cut(&self, tell: impl FnOnce(&SenderStatus) + Send + 'static) {
        let _ = self.channel.try_send(Message::Cut(Cut(Box::new(tell))));
        self.bell.ring();
    }

    /// The figures once everything handed over so far is numbered or refused; `None` if that takes
    /// longer than `timeout`.
    #[must_use]
    pub fn settled(&self, timeout: Duration) -> Option<SenderStatus> {
        let (tell, told) = flume::bounded(1);
        self.cut(move |status| {
            let _ = tell.send(status.clone());
        });
        told.recv_timeout(timeout).ok()
    }

    /// Reads the figures, also after this handle is gone.
    #[must_use]
    pub fn watch(&self) -> SenderWatch {
        SenderWatch(Arc::clone(&self.shared))
    }

    /// Ends the stream: what is retained is delivered, for at most `timeout`.
    ///
    /// # Panics
    /// If the thread has: a defect of ours that must not pass for an end.
    #[must_use]
    pub fn finish(self, timeout: Duration) -> Ending {
        self.tell_upstream();
        // A thread that has ended already says so when it is joined.
        let _ = self.channel.send(Message::End(timeout));
        self.bell.ring();
        self.thread.join().expect("the sender's thread does not panic")
    }

    /// The figures, a tenth of a second old at most.
    #[must_use]
    pub fn status(&self) -> SenderStatus {
        self.shared.status()
    }

    /// Whether blocks wait for room.
    #[must_use]
    pub const fn waits(&self) -> bool {
        self.waits
    }

    /// How often the sessions are to be exported: one more for each FullResync.
    #[must_use]
    pub fn exports(&self) -> u64 {
        self.shared.exports()
    }

    /// What was refused because the channel was full, by kind.
    #[must_use]
    pub fn channel_full(&self) -> &Counts<{ EventKind::COUNT }> {
        &self.channel_full
    }

    fn hand_over(&mut self, block: Vec<EventFrame>) {
        if self.waits {
            let _ = self.channel.send(Message::Frames(block));
        } else if let Err(flume::TrySendError::Full(message)) =
            self.channel.try_send(Message::Frames(block))
        {
            if let Message::Frames(block) = message {
                for frame in &block {
                    match frame.kind() {
                        FrameKind::Event(kind) => self.channel_full.0[kind.index()] += 1,
                        FrameKind::Session(change) => self.shared.miss_session(change),
                    }
                }
                let _ = self.pool.push(block);
            }
            self.tell_upstream();
        }
        self.bell.ring();
    }

    /// Refusals of the limiter and of the channel; the latter wait for room in it.
    fn tell_upstream(&self) {
        let mut refused = self.upstream;
        for (kind, count) in self.channel_full.0.iter().enumerate() {
            refused[kind].0[RefuseReason::RingFull.index()] += count;
        }
        let _ = self.channel.try_send(Message::Upstream(Box::new(refused)));
    }
}

/// Blocks between the packet path and the ring.
const BLOCKS_WAITING_MAX: usize = 64;
