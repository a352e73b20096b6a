//! The producer's side of the stream: it owns the replay ring and says what to write, when to
//! connect, when to give a connection up, and when all is delivered. No clock, socket or thread:
//! its shell tells it what happened and asks what to do. Producer rules 1 to 10 of the contract.

use crate::block::{EventFrame, FrameKind};
use crate::kinds::EventKind;
use crate::reason::{Counts, RefuseReason};
use crate::ring::{Appended, ReplayRing};
#[cfg(test)]
use crate::stream::bug::Bug;
use crate::stream::hang_up::{Dialect, HangUp};
use crate::stream::outbox::Outbox;
use crate::stream::time::Time;
use crate::wire::{Decoder, Frame, Hello};

mod config;
mod connection;
mod due;
mod receive;

pub use config::{ProducerConfig, ProducerCounters, Refused};

use connection::{Backoff, Connection};

/// The producer of one stream.
#[derive(Debug)]
pub struct Producer {
    ring: ReplayRing,
    config: ProducerConfig,
    connection: Option<Connection>,
    decoder: Decoder,
    outbox: Outbox,
    backoff: Backoff,
    /// Refused before the ring was asked, as last told, and by the dialect.
    upstream: Refused,
    disabled: [u64; EventKind::COUNT],
    ending: Option<Time>,
    /// A FullResync got its place since this was last asked.
    export: bool,
    counters: ProducerCounters,
    #[cfg(test)]
    bug: Option<Bug>,
}

/// What to write next, in this order and in one `writev`: control bytes, then at most two runs of
/// the ring. Nothing may be appended between this and [`Producer::wrote`].
#[derive(Clone, Copy, Debug)]
pub struct NextWrite<'a> {
    /// The rest of a cut frame, and control frames.
    pub control: &'a [u8],
    /// Whole frames of the ring.
    pub first: &'a [u8],
    /// Whole frames of the ring behind its end.
    pub second: &'a [u8],
}

/// How a producer that was told to end has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Every frame was acked.
    AllAcked,
    /// The deadline came first.
    Unacked {
        /// The lowest sequence number without an Ack, evicted or not.
        first: u64,
        /// The highest; below `first` if nothing but an owed FullResync is left.
        last: u64,
    },
}

impl NextWrite<'_> {
    /// The three runs.
    #[must_use]
    pub const fn slices(&self) -> [&[u8]; 3] {
        [self.control, self.first, self.second]
    }

    /// Bytes in all.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.control.len() + self.first.len() + self.second.len()
    }

    /// Whether there is nothing to write.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Producer {
    /// A producer that is not connected. A ring that was taken over from another process must
    /// have gone through [`ReplayRing::assume_written`].
    #[must_use]
    pub fn new(ring: ReplayRing, config: ProducerConfig) -> Self {
        Self {
            ring,
            backoff: Backoff::new(&config),
            config,
            connection: None,
            decoder: Decoder::new(0),
            outbox: Outbox::default(),
            upstream: Refused::default(),
            disabled: [0; EventKind::COUNT],
            ending: None,
            export: false,
            counters: ProducerCounters::default(),
            #[cfg(test)]
            bug: None,
        }
    }

    /// Numbers a block's frames, or refuses them. The dialect of the contract has no frame types
    /// for session events: there they are refused as disabled.
    pub fn append(&mut self, frames: &[EventFrame]) -> Appended {
        if self.config.dialect == Dialect::Weir {
            return self.ring.append(frames);
        }
        let mut all = Appended::default();
        for run in frames.chunk_by(|a, b| is_xpf(a.kind()) == is_xpf(b.kind())) {
            if is_xpf(run[0].kind()) {
                let appended = self.ring.append(run);
                all.accepted.add(&appended.accepted);
                all.refused.add(&appended.refused);
                all.sessions.add(&appended.sessions);
                all.sessions_refused.add(&appended.sessions_refused);
                continue;
            }
            for frame in run {
                if let FrameKind::Event(kind) = frame.kind() {
                    self.disabled[kind.index()] += 1;
                    all.refused.0[kind.index()] += 1;
                }
            }
        }
        all
    }

    /// A session frame was lost on its way here.
    pub fn miss_session(&mut self) {
        self.ring.owe_another_resync();
    }

    /// True once for each FullResync that got its place: what is told of sessions from now on
    /// begins with all of them.
    pub fn take_export(&mut self) -> bool {
        core::mem::take(&mut self.export)
    }

    /// The totals of what was refused before it came here: by limiters, for want of a stream.
    pub fn set_upstream(&mut self, refused: &Refused) {
        self.upstream = *refused;
    }

    /// A connection stands. Everything above the acked number is written again; first, in our
    /// dialect, comes Hello and a short wait for its answer.
    pub fn connected(&mut self, now: Time) {
        self.forget_connection();
        self.counters.connects += 1;
        self.ring.rewind_to_acked();
        let greets = self.config.dialect == Dialect::Weir;
        let greeting = greets.then(|| now.after(self.config.hello_wait));
        self.connection = Some(Connection::new(now, greeting, &self.config));
        if greets {
            let (oldest, next) = (self.ring.oldest(), self.ring.next_sequence());
            let hello = Hello::of_producer(self.ring.stream_id(), oldest, next);
            self.outbox.control(&Frame::Hello(hello));
        }
    }

    /// An attempt to connect failed.
    pub fn connect_failed(&mut self, now: Time) {
        self.counters.connects_failed += 1;
        self.backoff.ended(core::time::Duration::ZERO, now, &self.config);
    }

    /// The connection is closed, by whichever side.
    pub fn disconnected(&mut self, now: Time) {
        if let Some(connection) = self.connection.take() {
            let reason = connection.closing.unwrap_or_default();
            self.counters.hang_ups.0[reason.index()] += 1;
            self.backoff.ended(now.since(connection.since), now, &self.config);
        }
        self.forget_connection();
    }

    /// Bytes from the collector.
    pub fn received(&mut self, mut bytes: &[u8], now: Time) {
        while !bytes.is_empty() && self.close_request().is_none() && self.connection.is_some() {
            bytes = &bytes[self.decoder.push(bytes)..];
            while let Some(frame) = self.decoder.next_frame() {
                let (frame, sequence) = match frame {
                    Ok(raw) => (raw.decode(), raw.header.sequence.get()),
                    Err(_) => return self.close(HangUp::ProtocolError),
                };
                match frame {
                    Ok(frame) => self.on_frame(&frame, sequence, now),
                    Err(error) => self.on_unreadable(&error),
                }
                if self.close_request().is_some() {
                    return;
                }
            }
        }
    }

    /// What to write now. Ask again after [`Self::wrote`], until it is empty.
    pub fn next_write(&mut self, now: Time) -> NextWrite<'_> {
        self.tick(now);
        let mut write = NextWrite { control: &[], first: &[], second: &[] };
        if let Some(connection) = self.connection.as_ref().filter(|c| c.closing.is_none()) {
            write.control = self.outbox.bytes();
            if connection.flows() {
                let unsent = self.ring.unsent();
                (write.first, write.second) = (unsent.first, unsent.second);
            }
        }
        write
    }

    /// The first `bytes` of what [`Self::next_write`] gave were written.
    pub fn wrote(&mut self, bytes: usize, now: Time) {
        let Some(connection) = self.connection.as_mut().filter(|_| bytes > 0) else {
            return;
        };
        connection.wrote_at = now;
        self.counters.written_bytes += bytes as u64;
        let control = bytes.min(self.outbox.bytes().len());
        self.outbox.advance(control);
        if bytes > control {
            let unsent = self.ring.unsent();
            let (frames, rest) = unsent.split_at(bytes - control);
            self.outbox.carry(rest);
            self.ring.mark_sent(frames);
        }
        #[cfg(test)]
        if self.bug == Some(Bug::ClearedWhenResyncSent) {
            let sent = self.ring.last_sent();
            if self.ring.resync_number().is_some_and(|number| number <= sent) {
                self.ring.ack(sent);
            }
        }
    }

    /// Ends the stream: until `deadline`, what is retained is delivered. See [`Self::ended`].
    pub fn shutdown(&mut self, deadline: Time) {
        self.ending = Some(deadline);
    }
}

impl Producer {
    /// Why the shell must close the connection now, if it must.
    #[must_use]
    pub fn close_request(&self) -> Option<HangUp> {
        self.connection.as_ref().and_then(|connection| connection.closing)
    }

    /// When to connect; `None` while connected.
    #[must_use]
    pub fn connect_at(&self) -> Option<Time> {
        self.connection.is_none().then_some(self.backoff.connect_at)
    }

    /// After [`Self::shutdown`]: how it ended, once it has.
    #[must_use]
    pub fn ended(&self, now: Time) -> Option<Ended> {
        let deadline = self.ending?;
        let delivered = self.is_delivered();
        if delivered && !self.owes_report() && self.outbox.is_empty() {
            return Some(Ended::AllAcked);
        }
        let (first, last) = (self.ring.acked() + 1, self.ring.last_sequence());
        let unacked = Ended::Unacked { first, last };
        (deadline <= now).then_some(if delivered { Ended::AllAcked } else { unacked })
    }

    /// The ring.
    #[must_use]
    pub fn ring(&self) -> &ReplayRing {
        &self.ring
    }

    /// The ring, for a process that takes the stream over.
    #[must_use]
    pub fn into_ring(self) -> ReplayRing {
        self.ring
    }

    /// Whether a connection stands.
    #[must_use]
    pub const fn is_connected(&self) -> bool {
        self.connection.is_some()
    }

    /// Whether the collector has paused the stream.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.connection.as_ref().is_some_and(|connection| connection.paused.is_some())
    }

    /// The totals.
    #[must_use]
    pub fn counters(&self) -> &ProducerCounters {
        &self.counters
    }

    /// All refusals: those before the ring, the ring's and the dialect's.
    #[must_use]
    pub fn refused(&self) -> Refused {
        let mut refused = self.refused_upstream();
        for (kind, counts) in refused.iter_mut().enumerate() {
            counts.0[RefuseReason::RingFull.index()] += self.ring.counters().refused.0[kind];
        }
        refused
    }

    /// Events that the dialect has no frame type for, by kind.
    #[must_use]
    pub const fn disabled(&self) -> Counts<{ EventKind::COUNT }> {
        Counts(self.disabled)
    }

    /// Refusals before the ring, those of the dialect included: what a ring does not count.
    #[must_use]
    pub fn refused_upstream(&self) -> Refused {
        let mut refused = self.upstream;
        for (kind, counts) in refused.iter_mut().enumerate() {
            counts.0[RefuseReason::Disabled.index()] += self.disabled[kind];
        }
        refused
    }

    #[cfg(test)]
    pub(crate) fn set_bug(&mut self, bug: Option<Bug>) {
        self.bug = bug;
    }
}

impl Producer {
    /// Whether everything is acked, an owed FullResync too.
    fn is_delivered(&self) -> bool {
        self.ring.retained() == 0 && !self.ring.owes_resync()
    }

    /// Whether frames of the ring can be written now.
    fn writes_ring(&self) -> bool {
        let flows = self.connection.as_ref().is_some_and(Connection::flows);
        flows && self.ring.last_sent() < self.ring.last_sequence()
    }

    fn close(&mut self, reason: HangUp) {
        if let Some(connection) = self.connection.as_mut() {
            connection.closing.get_or_insert(reason);
        }
    }

    fn forget_connection(&mut self) {
        self.connection = None;
        self.outbox.clear();
        self.decoder.reset();
    }
}

/// Whether the contract itself has a frame type for the kind.
const fn is_xpf(kind: FrameKind) -> bool {
    match kind {
        FrameKind::Event(EventKind::SessionCreate | EventKind::SessionClose) => false,
        FrameKind::Event(EventKind::PolicyDeny | EventKind::ScreenDrop | EventKind::FilterLog)
        | FrameKind::Session(_) => true,
    }
}

#[cfg(test)]
mod tests;
