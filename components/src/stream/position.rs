//! Where a collector stands in one stream: every number up to its position was applied or is lost
//! under a reason, never both and never neither. A FullResync that waits for its
//! resynchronisation holds the Ack below it, and nothing else.

use crate::kinds::EventKind;
use crate::reason::{Counts, LossReason};
use crate::stream::journal::{Loss, Record, StreamId};
use crate::wire::{FrameType, split_frame};

/// A collector's knowledge of one stream.
///
/// `position = applied + lost`, whatever happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamPosition {
    /// The stream.
    pub id: StreamId,
    /// The highest number that is applied or lost.
    pub position: u64,
    /// What was applied, each number once.
    pub applied: Applied,
    /// Numbers lost, by reason.
    pub lost: Counts<{ LossReason::COUNT }>,
    /// The last losses, neighbours merged.
    losses: Vec<Loss>,
    /// FullResyncs that are not done with.
    pub held: Option<Held>,
    /// The last number of a gap that no resynchronisation has made good yet. A producer that was
    /// cut off before it heard what its collector had forgotten sends no FullResync for it.
    pub stale: Option<u64>,
}

/// Frames applied, by what they were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Events.
    pub events: Counts<{ EventKind::COUNT }>,
    /// Frames of session replication.
    pub sessions: u64,
    /// FullResyncs.
    pub resyncs: u64,
}

/// The numbers of the FullResyncs that wait for a resynchronisation: one does for all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The lowest that are known, ascending, at most [`HELD_MAX`].
    numbers: Vec<u64>,
    /// Up to here there may be others.
    vague: u64,
    last: u64,
}

impl Held {
    /// As a checkpoint has kept it: those between are not told apart.
    pub(crate) fn restored(first: u64, last: u64) -> Self {
        Self { numbers: vec![first], vague: last, last }
    }

    /// None that waits is below this.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.numbers.first().copied().unwrap_or(self.last)
    }

    /// The highest one.
    #[must_use]
    pub const fn last(&self) -> u64 {
        self.last
    }

    fn add(&mut self, number: u64) {
        if self.numbers.len() < HELD_MAX {
            self.numbers.push(number);
        } else {
            self.vague = number;
        }
        self.last = number;
    }

    /// What waits above `through`. If it is not known which is the lowest, it may be the next.
    fn above(mut self, through: u64) -> Option<Self> {
        self.numbers.retain(|number| *number > through);
        if self.vague > through {
            self.numbers.insert(0, through + 1);
        }
        (self.last > through).then_some(self)
    }
}

impl Applied {
    /// All frames.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.events.total() + self.sessions + self.resyncs
    }

    /// Counts a frame of a type that has a number of its own.
    pub(super) fn count(&mut self, frame_type: FrameType) {
        match frame_type.event_kind() {
            Some(kind) => self.events.0[kind.index()] += 1,
            None if frame_type == FrameType::FullResync => self.resyncs += 1,
            None => self.sessions += 1,
        }
    }
}

impl StreamPosition {
    /// A stream of which nothing has come yet.
    #[must_use]
    pub fn new(id: StreamId) -> Self {
        Self {
            id,
            position: 0,
            applied: Applied::default(),
            lost: Counts::default(),
            losses: Vec::new(),
            held: None,
            stale: None,
        }
    }

    /// As a checkpoint has kept it: without the single losses, which are in the spool.
    pub(crate) fn restored(
        id: StreamId,
        position: u64,
        applied: Applied,
        lost: Counts<{ LossReason::COUNT }>,
        held: Option<Held>,
        stale: Option<u64>,
    ) -> Self {
        Self { id, position, applied, lost, losses: Vec::new(), held, stale }
    }

    /// The highest number that an Ack may name, once all of this is durable.
    #[must_use]
    pub fn ackable(&self) -> u64 {
        self.held.as_ref().map_or(self.position, |held| held.first() - 1)
    }

    /// The number through which a resynchronisation is needed, if one is.
    #[must_use]
    pub fn resync_needed(&self) -> Option<u64> {
        self.held.as_ref().map(Held::last).max(self.stale)
    }

    /// Nobody is there to resynchronise; says whether a FullResync asked for it.
    pub(super) fn skip_resync(&mut self) -> bool {
        self.stale = None;
        self.held.take().is_some()
    }

    /// The last losses, oldest first: at most [`LOSSES_MAX`], ranges that touch made one.
    #[must_use]
    pub fn losses(&self) -> &[Loss] {
        &self.losses
    }

    /// Takes a record of this stream from a spool.
    pub(crate) fn on(&mut self, record: &Record<'_>) {
        match record {
            Record::Frames { bytes, first, .. } => {
                let mut rest = *bytes;
                let mut sequence = *first;
                while let Some(Ok(frame)) = split_frame(rest) {
                    if let Ok(frame_type) = frame.header.frame_type() {
                        self.apply(frame_type, sequence);
                    }
                    rest = &rest[frame.bytes.len()..];
                    sequence = sequence.saturating_add(1);
                }
            }
            Record::Lost(loss) | Record::Aside { loss, .. } => self.lose(loss),
            Record::Resynced { through, .. } => self.resynced(*through),
            Record::Report { .. } => {}
        }
    }

    /// The next number was applied.
    pub(super) fn apply(&mut self, frame_type: FrameType, sequence: u64) {
        self.applied.count(frame_type);
        self.position = self.position.max(sequence);
        if frame_type == FrameType::FullResync {
            let none = Held { numbers: Vec::new(), vague: 0, last: 0 };
            self.held.get_or_insert(none).add(sequence);
        }
    }

    /// Several events were applied at once.
    pub(super) fn apply_events(&mut self, kinds: &Counts<{ EventKind::COUNT }>) {
        self.applied.events.add(kinds);
        self.position += kinds.total();
    }

    /// The next numbers are lost: told by the machine, or found missing in a damaged spool.
    pub fn lose(&mut self, loss: &Loss) {
        self.lost.0[loss.reason.index()] += loss.count();
        self.position = self.position.max(loss.last);
        match loss.reason {
            LossReason::Evicted | LossReason::Torn => self.stale = Some(loss.last),
            LossReason::Quarantined | LossReason::UnknownType => {}
        }
        match self.losses.last_mut() {
            Some(last)
                if last.reason == loss.reason && last.last.checked_add(1) == Some(loss.first) =>
            {
                last.last = loss.last;
            }
            _ => {
                if self.losses.len() == LOSSES_MAX {
                    self.losses.remove(0);
                }
                self.losses.push(*loss);
            }
        }
    }

    /// A resynchronisation was done that began after the FullResync of number `through`.
    pub(super) fn resynced(&mut self, through: u64) {
        self.stale = self.stale.filter(|last| *last > through);
        self.held = self.held.take().and_then(|held| held.above(through));
    }
}

/// FullResyncs that are told apart.
const HELD_MAX: usize = 64;
/// Losses that are remembered one by one; older ones are in the sums and in the spool.
pub const LOSSES_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn position(held: impl IntoIterator<Item = u64>) -> StreamPosition {
        let mut position = StreamPosition::new(StreamId(1));
        for sequence in held {
            position.apply(FrameType::FullResync, sequence);
        }
        position
    }

    #[test]
    fn a_resynchronisation_frees_what_came_before_it_began() {
        let mut position = position([10, 25, 30]);
        let ackable: Vec<u64> = [5, 10, 24, 25, 30]
            .map(|through| {
                position.resynced(through);
                position.ackable()
            })
            .to_vec();
        assert_eq!(ackable, [9, 24, 24, 29, 30]);
        assert_eq!(position.held, None);
    }

    #[test]
    fn what_is_known_by_its_ends_only_frees_no_number_too_many() {
        let mut position = position([]);
        position.position = 30;
        position.held = Some(Held::restored(10, 30));
        position.apply(FrameType::FullResync, 40);
        position.resynced(20);
        assert_eq!(position.ackable(), 20, "25 may be one of them");
        position.resynced(30);
        assert_eq!(position.ackable(), 39);
    }

    #[test]
    fn more_than_are_told_apart_free_no_number_too_many() {
        let mut position = position((1..=100).map(|n| 10 * n));
        position.resynced(630);
        assert_eq!(position.ackable(), 630, "640 is the last that is known");
        position.resynced(990);
        assert_eq!(position.ackable(), 990);
        position.resynced(1000);
        assert_eq!(position.ackable(), 1000);
    }

    #[test]
    fn losses_that_touch_are_one_and_only_the_last_are_remembered() {
        let mut position = position([]);
        let mut lose = |first, last, reason| {
            position.lose(&Loss { stream: StreamId(1), first, last, reason });
        };
        lose(1, 2, LossReason::Evicted);
        lose(3, 3, LossReason::Evicted);
        lose(4, 4, LossReason::Quarantined);
        for number in 3..3 + LOSSES_MAX as u64 {
            lose(2 * number, 2 * number, LossReason::UnknownType);
        }
        assert_eq!(position.losses().len(), LOSSES_MAX);
        assert_eq!((position.losses()[0].first, position.lost.0), (6, [3, 0, 1, 64]));
        assert_eq!(position.stale, Some(3));
    }
}
