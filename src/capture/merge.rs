//! Several captures as one sequence by time. Each source keeps its own order (a capture whose time
//! runs backwards is not sorted); among sources the earliest packet goes first, and equal stamps
//! go in the order in which the sources were given.

use super::error::CaptureError;
use super::{CaptureReader, Packet};

/// Merges captures; every packet comes with the index of its source.
pub struct Merge {
    sources: Vec<CaptureReader>,
    /// Which sources must move on before the next choice; all at first, then the one shown last.
    stale: Stale,
}

#[derive(Clone, Copy)]
enum Stale {
    /// Sources from this one on were never moved.
    From(usize),
    One(usize),
    None,
}

impl Merge {
    /// Merges `sources`; their order decides between equal stamps.
    #[must_use]
    pub fn new(sources: Vec<CaptureReader>) -> Self {
        Self { sources, stale: Stale::From(0) }
    }

    /// The earliest packet that is left, with the index of its source; `None` when all have ended.
    ///
    /// # Errors
    /// When a source is damaged or cannot be read; it ends there, and calling again goes on with
    /// the others.
    #[inline]
    pub fn next_packet(&mut self) -> Result<Option<(usize, Packet<'_>)>, CaptureError> {
        self.refresh()?;
        let earliest = match self.sources.len() {
            1 => 0,
            _ => self.earliest(),
        };
        let packet = self.sources.get(earliest).and_then(CaptureReader::packet);
        self.stale = match packet {
            Some(_) => Stale::One(earliest),
            None => Stale::None,
        };
        Ok(packet.map(|packet| (earliest, packet)))
    }

    #[inline]
    fn refresh(&mut self) -> Result<(), CaptureError> {
        match self.stale {
            Stale::One(source) => {
                // Set first: a source that fails has ended and needs no second try.
                self.stale = Stale::None;
                self.sources[source].advance()?;
            }
            Stale::From(first) => {
                for source in first..self.sources.len() {
                    self.stale = Stale::From(source + 1);
                    self.sources[source].advance()?;
                }
            }
            Stale::None => {}
        }
        Ok(())
    }

    fn earliest(&self) -> usize {
        let times = self.sources.iter().map(|source| source.packet());
        let with_index = times.enumerate();
        let present = with_index.filter_map(|(at, packet)| Some((packet?.time_ns, at)));
        present.min().map_or(0, |(_, at)| at)
    }
}
