//! The collector's side of the stream: it takes frames apart, applies each number once by handing
//! it to the spool, and acks what the spool has made durable. No clock, socket, file or thread:
//! its shell tells it what happened and asks what to do. Collector rules 1 to 8 of the contract.

use std::collections::BTreeMap;

#[cfg(test)]
use crate::stream::bug::Bug;
use crate::stream::hang_up::{Dialect, HangUp};
use crate::stream::journal::{Journal, StreamId};
use crate::stream::position::StreamPosition;
use crate::stream::time::Time;
use crate::wire::{Decoder, LossReport};

mod config;
mod connection;
mod intake;
mod state;

pub use config::{CollectorConfig, CollectorCounters, Refusal, Replication};
pub use connection::{Generation, SyncToken};
pub use state::Resync;

use connection::Connection;
use state::{Core, Stream};

/// The collector of one listener: one connection at a time, of any stream.
#[derive(Debug)]
pub struct Collector {
    /// The bounded queue too: frames stay in it until the spool can take them.
    decoder: Decoder,
    core: Core,
}

impl Collector {
    /// A collector that goes on from what a scan of the spool has found, which must have been
    /// synced since: a position that is told is one that nothing can take back.
    #[must_use]
    pub fn new(config: CollectorConfig, recovered: Vec<StreamPosition>) -> Self {
        Self {
            decoder: Decoder::new(config.queue_bytes_max.max(QUEUE_BYTES_MIN)),
            core: Core::new(config, recovered),
        }
    }

    /// A producer connects. `peer` names its stream should it say no Hello: made of the process
    /// id and its start time, so that a producer that begins again at 1 is another stream.
    ///
    /// # Errors
    /// [`Refusal`]: another is connected, or the last connection ended too soon; close this one.
    pub fn accepted(&mut self, peer: StreamId, now: Time) -> Result<Generation, Refusal> {
        let refusal = match &self.core.connection {
            Some(_) => Some(Refusal::Busy),
            None => (now < self.core.accepts_at).then_some(Refusal::TooSoon),
        };
        if let Some(refusal) = refusal {
            self.core.counters.refused.0[refusal.index()] += 1;
            return Err(refusal);
        }
        self.core.generation.0 += 1;
        self.core.counters.connections += 1;
        self.core.connection = Some(Connection::new(self.core.generation, peer, now));
        Ok(self.core.generation)
    }

    /// From when on a connection is accepted.
    #[must_use]
    pub fn accepts_at(&self) -> Time {
        self.core.accepts_at
    }

    /// Where to read bytes of this connection into, as long as [`Self::reads`].
    pub fn spare_mut(&mut self) -> &mut [u8] {
        self.decoder.spare_mut()
    }

    /// `count` bytes were read into [`Self::spare_mut`]. [`Self::advance`] comes next.
    pub fn filled(&mut self, count: usize) {
        self.decoder.filled(count);
    }

    /// Takes as many of `bytes` as fit and says how many; [`Self::advance`] comes next.
    #[must_use = "what did not fit must be given again"]
    pub fn received(&mut self, bytes: &[u8]) -> usize {
        if self.reads() { self.decoder.push(bytes) } else { 0 }
    }

    /// Hands everything that can be applied to the journal, in runs of whole frames as long as
    /// they come in order. To be called after bytes came, and after a consumer became ready.
    pub fn advance(&mut self, now: Time, journal: &mut impl Journal) {
        if !self.core.spool_ready {
            let greeted = self.core.greet(self.decoder.received());
            self.decoder.consume(greeted);
            self.core.wait(&self.decoder, now);
            return;
        }
        self.core.finish_resync(now, journal);
        if self.close_request().is_some() {
            return;
        }
        let taken = self.core.take(self.decoder.received(), now, journal);
        self.decoder.consume(taken);
        self.core.queue_drained();
    }

    /// Whether the shell should read: not while the queue is full, so that the socket fills and
    /// the producer stops.
    #[must_use]
    pub fn reads(&self) -> bool {
        let Some(connection) = &self.core.connection else {
            return false;
        };
        connection.closing.is_none() && !self.core.is_full(connection, &self.decoder)
    }

    /// The connection is closed, by whichever side. What waited in its queue is dropped: it is
    /// not acked and will come again.
    pub fn disconnected(&mut self, generation: Generation, now: Time) {
        let ended = self.core.connection.take_if(|c| c.generation == generation);
        let Some(connection) = ended else {
            return;
        };
        let reason = connection.closing.unwrap_or_default();
        self.core.counters.hang_ups.0[reason.index()] += 1;
        self.core.counters.dropped_bytes += self.decoder.buffered() as u64;
        if now.since(connection.since) < self.core.config.short_life {
            self.core.accepts_at = now.after(self.core.config.accept_pause);
        }
        self.core.outbox.clear();
        #[cfg(test)]
        if self.core.bug == Some(Bug::DecoderSurvivesReconnect) {
            return;
        }
        self.decoder.reset();
    }

    /// Why the shell must close the connection now, if it must.
    #[must_use]
    pub fn close_request(&self) -> Option<HangUp> {
        self.core.connection.as_ref().and_then(|connection| connection.closing)
    }
}

impl Collector {
    /// Whether the spool takes records. While it does not, frames wait, Pause is said at the
    /// queue's limit, and nothing is acked. [`Self::advance`] comes next.
    pub fn spool_ready(&mut self, ready: bool) {
        self.core.spool_ready = ready;
    }

    /// Whether the resynchronisation can be done: role, peer and configuration.
    pub fn replication_ready(&mut self, ready: bool) {
        self.core.replication_ready = ready;
    }

    /// A sync of everything appended so far to be begun now; one at a time.
    pub fn take_sync(&mut self, now: Time) -> Option<SyncToken> {
        self.core.take_sync(now)
    }

    /// The sync has ended: everything appended before it was begun is durable.
    pub fn durable(&mut self, token: SyncToken) {
        self.core.durable(token);
    }

    /// The sync has failed. The spool counts as not ready until its shell, which still has what
    /// was not synced, says otherwise: syncing again proves nothing.
    pub fn sync_failed(&mut self, token: SyncToken, now: Time) {
        self.core.sync_failed(token, now);
    }

    /// A resynchronisation to be done now; one at a time, when replication is ready.
    pub fn take_resync(&mut self) -> Option<Resync> {
        self.core.take_resync()
    }

    /// It was done; [`Self::advance`] comes next.
    pub fn resynced(&mut self, resync: Resync) {
        self.core.resync_ended(resync, true);
    }

    /// It was not done; it is tried again once replication is said to be ready.
    pub fn resync_failed(&mut self, resync: Resync) {
        self.core.resync_ended(resync, false);
    }

    /// What to write to the producer now; ask again after [`Self::wrote`].
    pub fn next_write(&mut self) -> &[u8] {
        self.core.fill_outbox();
        self.core.outbox.bytes()
    }

    /// The first `count` bytes of it were written.
    pub fn wrote(&mut self, count: usize) {
        self.core.outbox.advance(count);
    }

    /// Asks the producer to write everything up to `target`; see [`Self::drained`].
    pub fn drain(&mut self, target: u64) {
        if let Some(connection) = self.core.connection.as_mut() {
            connection.drained = None;
            connection.drain_due = Some(target);
        }
    }

    /// The highest number written, once the producer has said that it is drained.
    #[must_use]
    pub fn drained(&self) -> Option<u64> {
        self.core.connection.as_ref().and_then(|connection| connection.drained)
    }

    /// What time brings about: a Pause that must be said again.
    pub fn tick(&mut self, now: Time) {
        self.core.tick(now);
    }

    /// When to call [`Self::tick`] and [`Self::take_sync`] at the latest.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        self.core.deadline()
    }
}

impl Collector {
    /// All streams, by id.
    pub fn streams(&self) -> impl Iterator<Item = &StreamPosition> {
        self.core.streams.values().map(Stream::position)
    }

    /// One stream.
    #[must_use]
    pub fn stream(&self, id: StreamId) -> Option<&StreamPosition> {
        self.core.streams.get(&id).map(Stream::position)
    }

    /// The position up to which a stream's records are durable.
    #[must_use]
    pub fn durable_position(&self, id: StreamId) -> Option<u64> {
        self.core.streams.get(&id).map(Stream::durable_position)
    }

    /// The stream that the connection carries, once it is known.
    #[must_use]
    pub fn connected_stream(&self) -> Option<StreamId> {
        self.core.connection.as_ref().and_then(|connection| connection.stream)
    }

    /// Whole frames that were counted waiting for the spool.
    #[must_use]
    pub fn waiting_frames(&self) -> usize {
        self.core.connection.as_ref().map_or(0, |connection| connection.waiting_frames)
    }

    /// Whether Pause holds.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.core.connection.as_ref().is_some_and(|connection| connection.paused.is_some())
    }

    /// A frame type that is not known and was not told before: reason for an alarm.
    pub fn take_unknown_type(&mut self) -> Option<u8> {
        self.core.unknown.take()
    }

    /// What the producer of a stream has said of its own figures, the last time that one did.
    #[must_use]
    pub fn reported(&self) -> Option<&(StreamId, LossReport)> {
        self.core.reported.as_ref()
    }

    /// The totals.
    #[must_use]
    pub fn counters(&self) -> &CollectorCounters {
        &self.core.counters
    }

    #[cfg(test)]
    pub(crate) fn set_bug(&mut self, bug: Option<Bug>) {
        self.core.bug = bug;
    }
}

/// Room for two of the longest frames.
const QUEUE_BYTES_MIN: usize = 2 * 1040;

#[cfg(test)]
mod tests;
