//! Where a replica stands in the spool, and what it made of the records before.

/// A place in the spool, and what is known there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The ordinal of the next record.
    pub ordinal: u64,
    /// The stream whose sessions the replica has.
    pub stream: u64,
    /// What became of the records so far.
    pub totals: ReplicaTotals,
    /// What was seen of each stream.
    pub streams: Vec<Seen>,
}

/// What was seen of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The stream.
    pub stream: u64,
    /// The highest number.
    pub position: u64,
    /// Nothing is missing from its first number on, or from a FullResync on.
    pub whole: bool,
}

/// What became of the records from `began` on; `began + applied + others + lost = ordinal`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplicaTotals {
    /// The ordinal at which the replica began.
    pub began: u64,
    /// Session frames and FullResyncs taken.
    pub applied: u64,
    /// Records that say nothing of sessions.
    pub others: u64,
    /// Records that it will never have.
    pub lost: u64,
    /// Of those applied, SessionOpen.
    pub opens: u64,
    /// SessionUpdate.
    pub updates: u64,
    /// SessionClose.
    pub closes: u64,
    /// FullResync.
    pub resyncs: u64,
    /// Closes of sessions that were not known.
    pub unknown_closes: u64,
}

impl ReplicaTotals {
    /// The figures as they are kept.
    pub(super) const fn words(&self) -> [u64; 9] {
        let Self { began, applied, others, lost, opens, updates, closes, resyncs, unknown_closes } =
            *self;
        [began, applied, others, lost, opens, updates, closes, resyncs, unknown_closes]
    }

    /// From what was kept.
    pub(super) const fn of_words(words: [u64; 9]) -> Self {
        let [began, applied, others, lost, opens, updates, closes, resyncs, unknown_closes] = words;
        Self { began, applied, others, lost, opens, updates, closes, resyncs, unknown_closes }
    }
}

impl Place {
    /// The highest number seen of a stream, 0 if none was.
    #[must_use]
    pub fn position(&self, stream: u64) -> u64 {
        self.seen(stream).map_or(0, |seen| seen.position)
    }

    /// Nothing that would change the replica's sessions is missing: false from a gap to the next
    /// FullResync.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.seen(self.stream).is_some_and(|seen| seen.whole)
    }

    fn seen(&self, stream: u64) -> Option<&Seen> {
        self.streams.iter().find(|seen| seen.stream == stream)
    }

    /// A number of a stream was seen.
    pub(super) fn saw(&mut self, stream: u64, number: u64) {
        match self.streams.iter_mut().find(|seen| seen.stream == stream) {
            Some(seen) => seen.position = number.max(seen.position),
            None => {
                if self.streams.len() == STREAMS_MAX {
                    self.streams.remove(0);
                }
                self.streams.push(Seen { stream, position: number, whole: number == 1 });
            }
        }
    }

    /// Sets whether a stream is whole, or all are.
    pub(super) fn set_whole(&mut self, stream: Option<u64>, whole: bool) {
        let is_meant = |seen: &&mut Seen| stream.is_none_or(|stream| seen.stream == stream);
        self.streams.iter_mut().filter(is_meant).for_each(|seen| seen.whole = whole);
    }
}

/// Streams that are remembered; a collector knows as many.
const STREAMS_MAX: usize = 1024;
