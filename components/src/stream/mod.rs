//! The event stream: two machines, one for each side, that do no I/O. The contract is theirs; a
//! shell moves bytes, tells the time and waits.
//!
//! # The producer's shell
//!
//! It owns a [`Producer`], which owns the ring. Each turn:
//!
//! 1. [`Producer::append`] for each block of frames that came.
//! 2. Not connected and [`Producer::connect_at`] has come: connect, then [`Producer::connected`]
//!    or [`Producer::connect_failed`].
//! 3. Readable: read, [`Producer::received`].
//! 4. Writable: [`Producer::next_write`], one `writev` of its three slices, and
//!    [`Producer::wrote`] with what the kernel took, before anything else is called. Until it is
//!    empty, or the kernel takes less. Both runs of the ring are whole frames where they lie, and
//!    only the rest of a frame that was cut is ever copied.
//! 5. [`Producer::close_request`] or end of file: close, [`Producer::disconnected`].
//! 6. Wait for a block, the socket, or [`Producer::deadline`]; then [`Producer::tick`].
//!
//! A process that takes a ring over calls `ReplayRing::assume_written` first: its predecessor may
//! have written more than it wrote down. To end: [`Producer::shutdown`], then turns until
//! [`Producer::ended`].
//!
//! # The collector's shell
//!
//! It owns a [`Collector`] and a spool that is its [`Journal`]. It scans the spool, gives each
//! record to [`Recovery`], **syncs the spool**, and makes the machine from the positions: a
//! position is told to producers, who forget what is below it. Then it listens. Each turn:
//!
//! 1. A connection comes, not before [`Collector::accepts_at`]: [`Collector::accepted`].
//! 2. Readable, and [`Collector::reads`]: read into [`Collector::spare_mut`],
//!    [`Collector::filled`]. The queue is that buffer; give it room for large reads.
//! 3. [`Collector::advance`]: records for the journal, events that come in order as one record
//!    that borrows the queue.
//! 4. [`Collector::take_sync`]: begin a sync of all that was appended, on another thread; when it
//!    ends, [`Collector::durable`] or [`Collector::sync_failed`].
//! 5. [`Collector::take_resync`]: have the sessions exported; [`Collector::resynced`] or
//!    [`Collector::resync_failed`], then [`Collector::advance`].
//! 6. Writable: [`Collector::next_write`], [`Collector::wrote`].
//! 7. [`Collector::close_request`] or end of file: close, [`Collector::disconnected`].
//! 8. Wait for any of these, or [`Collector::deadline`]; then [`Collector::tick`].
//!
//! A spool that deletes its oldest segments keeps the positions: it writes them at the head of
//! each segment, or a stream that goes on would be taken for one that lost its beginning.
//!
//! # What an Ack means
//!
//! The effect of a frame is its record in the spool. Events, and the frames of session
//! replication, are applied when their record is durable; who replicates sessions reads the spool
//! with a cursor of its own, like every sink, and stops there while it is not ready: so sessions
//! wait for the peer, and no event waits for a session. Only a FullResync is more than its record:
//! it is acked when the resynchronisation was done. Until then the Ack stays below it, while
//! everything behind it still goes to the spool, becomes durable and reaches the sinks. Acks are
//! cumulative and nothing is skipped over; what the producer keeps meanwhile it sends again after
//! a reconnect, and the collector knows it by its number. That it is still on its way through a
//! restart is known from the spool: a FullResync there without a [`Record::Resynced`] behind it.
//!
//! # Pause
//!
//! Pause and Resume die with their connection. A collector says Pause again every ten seconds as
//! long as it holds, and answers a Keepalive with Resume once it has paused; a producer sends
//! Keepalives while it is paused, and gives up a connection whose last Pause is a minute old. So
//! no Resume that is lost holds a stream for ever.

#[cfg(test)]
mod bug;
mod collector;
mod hang_up;
mod identities;
mod journal;
mod outbox;
mod position;
mod producer;
mod time;

pub use collector::{
    Collector, CollectorConfig, CollectorCounters, Generation, Refusal, Replication, Resync,
    SyncToken,
};
pub use hang_up::{Dialect, HangUp};
pub use identities::{Figures, Identity, ProducerFigures, SinkFigures, identities};
pub use journal::{Journal, Loss, Record, Recovery, StreamId};
pub use position::{Applied, Held, LOSSES_MAX, StreamPosition};
pub use producer::{Ended, NextWrite, Producer, ProducerConfig, ProducerCounters, Refused};
pub use time::Time;

#[cfg(test)]
mod simulator;
