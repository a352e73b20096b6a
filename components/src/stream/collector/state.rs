//! The collector without its queue: positions, what is durable of them, and what is to be said.
//! An Ack names what was made durable by a sync that was begun for this very connection, never
//! more than came on it, and stops below a FullResync whose resynchronisation is not done.

use super::*;
use crate::stream::outbox::Outbox;
use crate::wire::{FrameType, LossReport};

use super::intake::UnknownTypes;

/// Everything but the queue.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) config: CollectorConfig,
    pub(super) connection: Option<Connection>,
    pub(super) generation: Generation,
    pub(super) accepts_at: Time,
    pub(super) streams: BTreeMap<StreamId, Stream>,
    pub(super) outbox: Outbox,
    pub(super) spool_ready: bool,
    pub(super) replication_ready: bool,
    resync: ResyncState,
    /// When the oldest record was appended that no sync covers.
    pub(super) dirty_since: Option<Time>,
    /// A sync is needed for this connection although nothing new was appended.
    pub(super) sync_wanted: bool,
    in_flight: Option<InFlight>,
    syncs: u64,
    pub(super) unknown: UnknownTypes,
    /// The last LossReport, and whose.
    pub(super) reported: Option<(StreamId, LossReport)>,
    pub(super) counters: CollectorCounters,
    #[cfg(test)]
    pub(super) bug: Option<Bug>,
}

/// A stream, and how much of it is durable.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) at: StreamPosition,
    syncing: Cursor,
    durable: Cursor,
    /// The generation that touched it last.
    pub(super) touched: Generation,
}

/// A place in a stream that a sync makes durable.
#[derive(Clone, Copy, Debug)]
struct Cursor {
    position: u64,
    ackable: u64,
}

#[derive(Clone, Copy, Debug)]
struct InFlight {
    token: SyncToken,
    /// Only a known bug reads it.
    #[cfg(test)]
    position: u64,
}

/// A resynchronisation: the session state of the stream's producer is to be fetched anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resync {
    /// Whose.
    pub stream: StreamId,
    /// It does for every FullResync and every gap up to this number.
    pub through: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ResyncState {
    Idle,
    Running(Resync),
    Done(Resync),
}

impl Stream {
    pub(super) fn new(at: StreamPosition) -> Self {
        let cursor = Cursor { position: at.position, ackable: at.ackable() };
        Self { at, syncing: cursor, durable: cursor, touched: Generation::default() }
    }

    pub(super) fn position(&self) -> &StreamPosition {
        &self.at
    }

    pub(super) fn durable_position(&self) -> u64 {
        self.durable.position
    }

    pub(super) fn durable_ackable(&self) -> u64 {
        self.durable.ackable
    }
}

impl Core {
    pub(super) fn new(config: CollectorConfig, recovered: Vec<StreamPosition>) -> Self {
        let mut counters = CollectorCounters::default();
        let standalone = config.replication == Replication::Standalone;
        let streams = recovered.into_iter().map(|mut at| {
            if standalone && at.skip_resync() {
                counters.resyncs_skipped += 1;
            }
            (at.id, Stream::new(at))
        });
        Self {
            streams: streams.collect(),
            config,
            connection: None,
            generation: Generation::default(),
            accepts_at: Time::default(),
            outbox: Outbox::default(),
            spool_ready: true,
            replication_ready: false,
            resync: ResyncState::Idle,
            dirty_since: None,
            sync_wanted: false,
            in_flight: None,
            syncs: 0,
            unknown: UnknownTypes::default(),
            reported: None,
            counters,
            #[cfg(test)]
            bug: None,
        }
    }

    pub(super) fn take_sync(&mut self, now: Time) -> Option<SyncToken> {
        let due = self.dirty_since.is_some_and(|at| at.after(self.config.commit_delay) <= now);
        if self.in_flight.is_some() || !self.spool_ready || !(due || self.sync_wanted) {
            return None;
        }
        self.dirty_since = None;
        self.sync_wanted = false;
        for stream in self.streams.values_mut() {
            let ackable = stream.at.ackable();
            stream.syncing = Cursor { position: stream.at.position, ackable };
        }
        self.syncs += 1;
        let token = SyncToken { generation: self.generation, number: self.syncs };
        self.in_flight = Some(InFlight {
            token,
            #[cfg(test)]
            position: self.current().map_or(0, |stream| stream.at.position),
        });
        self.counters.syncs += 1;
        Some(token)
    }

    /// What a sync made durable is so whatever became of its connection; but only for its own
    /// connection is it a reason to say so.
    pub(super) fn durable(&mut self, token: SyncToken) {
        let Some(flight) = self.in_flight.take_if(|flight| flight.token == token) else {
            return;
        };
        for stream in self.streams.values_mut() {
            stream.durable = stream.syncing;
        }
        let current = self.connection.as_ref().map(|connection| connection.generation);
        if current == Some(flight.token.generation) {
            self.ack();
            return;
        }
        self.counters.stale_flushes += 1;
        #[cfg(test)]
        if self.bug == Some(Bug::StaleFlush)
            && let Some(connection) = self.connection.as_mut()
        {
            connection.ack_due = Some(flight.position);
        }
    }

    pub(super) fn sync_failed(&mut self, token: SyncToken, now: Time) {
        if self.in_flight.take_if(|flight| flight.token == token).is_some() {
            self.counters.syncs_failed += 1;
            self.spool_ready = false;
            self.dirty_since.get_or_insert(now);
        }
    }

    /// Acks what is durable of what came on this connection, if that is news to it.
    pub(super) fn ack(&mut self) {
        let Some(connection) = self.connection.as_mut() else {
            return;
        };
        let Some(stream) = connection.stream.and_then(|id| self.streams.get(&id)) else {
            return;
        };
        let ackable = stream.durable.ackable;
        #[cfg(test)]
        let ackable = match self.bug {
            Some(Bug::AckBeforeSync) => stream.at.ackable(),
            Some(Bug::ResyncAckedAlthoughNotReady) => stream.durable.position,
            _ => ackable,
        };
        let position = ackable.min(connection.seen);
        if position > connection.told {
            connection.told = position;
            connection.ack_due = Some(position);
            self.counters.acks += 1;
        }
    }

    pub(super) fn take_resync(&mut self) -> Option<Resync> {
        if !self.replication_ready || self.resync != ResyncState::Idle {
            return None;
        }
        if self.config.replication == Replication::Standalone {
            return None;
        }
        let needed = |stream: &Stream| Some((stream.at.id, stream.at.resync_needed()?));
        let (stream, through) = self.streams.values().find_map(needed)?;
        let resync = Resync { stream, through };
        self.resync = ResyncState::Running(resync);
        Some(resync)
    }

    pub(super) fn resync_ended(&mut self, resync: Resync, done: bool) {
        if self.resync != ResyncState::Running(resync) {
            return;
        }
        if done {
            self.counters.resyncs_done += 1;
            self.resync = ResyncState::Done(resync);
        } else {
            self.counters.resyncs_failed += 1;
            self.replication_ready = false;
            self.resync = ResyncState::Idle;
        }
    }

    /// Writes down that a resynchronisation was done, and lets the Ack go on behind it.
    pub(super) fn finish_resync(&mut self, now: Time, journal: &mut impl Journal) {
        let ResyncState::Done(Resync { stream, through }) = self.resync else {
            return;
        };
        self.resync = ResyncState::Idle;
        if let Some(known) = self.streams.get_mut(&stream) {
            journal.append(&crate::stream::journal::Record::Resynced { stream, through });
            known.at.resynced(through);
            self.dirty_since.get_or_insert(now);
        }
    }

    /// Says what is due, in an order that the producer can take: the last Pause or Resume wins.
    /// Nothing is added to what is not yet written, so the outbox is bounded; and nothing comes
    /// before the producer's first frame, since that may be a Hello, whose answer is the first.
    pub(super) fn fill_outbox(&mut self) {
        let empty = self.outbox.is_empty();
        let connection = self.connection.as_mut().filter(|c| empty && c.stream.is_some());
        let Some(connection) = connection else {
            return;
        };
        if let Some(sequence) = connection.ack_due.take() {
            self.outbox.header(FrameType::Ack, sequence);
        }
        match connection.flow_due.take() {
            Some(true) => self.outbox.header(FrameType::Pause, 0),
            Some(false) => self.outbox.header(FrameType::Resume, 0),
            None => {}
        }
        if let Some(target) = connection.drain_due.take() {
            self.outbox.header(FrameType::DrainRequest, target);
        }
    }

    /// The queue is empty and the spool takes records: the producer may go on.
    pub(super) fn queue_drained(&mut self) {
        self.ack();
        let Some(connection) = self.connection.as_mut() else {
            return;
        };
        connection.waiting_frames = 0;
        connection.waiting_bytes = 0;
        if connection.paused.take().is_some() {
            connection.flow_due = Some(false);
            self.counters.resumes += 1;
        }
    }

    /// Counts what waits for the spool, and says Pause at the limit.
    pub(super) fn wait(&mut self, queue: &Decoder, now: Time) {
        let Some(connection) = self.connection.as_mut() else {
            return;
        };
        let mut rest = queue.received().get(connection.waiting_bytes..).unwrap_or_default();
        while let Some(Ok(frame)) = crate::wire::split_frame(rest) {
            connection.waiting_frames += 1;
            connection.waiting_bytes += frame.bytes.len();
            rest = &rest[frame.bytes.len()..];
            #[cfg(test)]
            if self.bug == Some(Bug::AckedAlthoughNotReady) && frame.header.sequence.get() > 0 {
                connection.ack_due = Some(frame.header.sequence.get());
            }
        }
        let Some(connection) = self.connection.as_ref() else {
            return;
        };
        if connection.paused.is_none() && self.is_full(connection, queue) {
            self.counters.pauses += 1;
            self.pause(now);
        }
    }

    /// Whether the queue is at its limit.
    pub(super) fn is_full(&self, connection: &Connection, queue: &Decoder) -> bool {
        connection.waiting_frames >= self.config.queue_frames_max
            || queue.spare_bytes() < QUEUE_BYTES_MIN / 2
    }

    fn pause(&mut self, now: Time) {
        if let Some(connection) = self.connection.as_mut() {
            connection.paused = Some(now);
            connection.was_paused = true;
            connection.flow_due = Some(true);
        }
    }

    pub(super) fn tick(&mut self, now: Time) {
        let paused = self.connection.as_ref().and_then(|connection| connection.paused);
        if paused.is_some_and(|at| at.after(self.config.pause_every) <= now) {
            self.pause(now);
        }
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        let can_sync = self.in_flight.is_none() && self.spool_ready;
        let sync = self.dirty_since.filter(|_| can_sync);
        let paused = self.connection.as_ref().and_then(|connection| connection.paused);
        [
            sync.map(|at| at.after(self.config.commit_delay)),
            (can_sync && self.sync_wanted).then(Time::default),
            paused.map(|at| at.after(self.config.pause_every)),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// The stream of the connection.
    #[cfg(test)]
    fn current(&self) -> Option<&Stream> {
        let id = self.connection.as_ref().and_then(|connection| connection.stream)?;
        self.streams.get(&id)
    }
}
