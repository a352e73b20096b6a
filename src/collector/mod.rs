//! The collector's side of the event stream: frames in, applied and handed to sinks, lines out.
//! [`inline`] takes the stream apart and keeps count of every sequence number, [`sink`] is where
//! events go, [`replica`] where sessions go that are replicated; [`render`] knows what a line
//! looks like and nothing of where it goes, and [`report`] is what the ledger reads. Nothing here
//! knows of packets.

#[cfg(test)]
mod fixture;
pub mod inline;
pub mod outlet;
pub mod render;
pub mod replica;
pub mod report;
pub mod service;
pub mod sink;

pub use inline::InlineCollector;
pub use render::{Format, RenderOptions, Renderer, SessionIdKey};
pub use report::{SinkReport, StreamReport};
pub use sink::{Sink, WriterSink};
