//! Where applied events go. A sink takes every event and accounts for each: settled once its bytes
//! reached the receiver, lost under a reason, or still waiting. Sinks are independent: an error of
//! one is its own loss and stops neither the stream nor its neighbours.

mod writer;

pub use writer::WriterSink;

use std::io;
use std::sync::Arc;

use components::wire::RtFlow;
use components::world::World;

use super::report::SinkReport;

/// A receiver of events.
pub trait Sink: Send {
    /// Takes one event, in order of sequence; `frame` is its header and record as received.
    fn write(&mut self, event: &RtFlow, frame: &[u8]);

    /// Takes a numbered frame that is no event: nothing to log, but part of the stream.
    fn other(&mut self, _frame: &[u8]) {}

    /// Events from now on have their ids from this world; those taken so far have them from the one
    /// before.
    fn commit(&mut self, world: &Arc<World>);

    /// Hands everything taken so far to the receiver.
    fn flush(&mut self);

    /// What became of the events taken so far.
    fn report(&self) -> SinkReport;

    /// The first error, once; [`io::ErrorKind::BrokenPipe`] when a reader has had enough.
    fn take_error(&mut self) -> Option<io::Error>;
}
