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
    /// The lowest ones, ascending; those beyond the first [`HELD_MAX`] are not told apart.
    numbers: Vec<u64>,
    last: u64,
}

impl Held {
    /// As a checkpoint has kept it: those between are not told apart.
    pub(crate) fn restored(first: u64, last: u64) -> Self {
        Self { numbers: vec![first], last }
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
        }
        self.last = number;
    }

    /// What waits above `through`. If it is not known which is the lowest, it may be the next.
    fn above(mut self, through: u64) -> Option<Self> {
        self.numbers.retain(|number| *number > through);
        if self.numbers.is_empty() && self.last > through {
            self.numbers.push(through.saturating_add(1));
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
            self.held.get_or_insert(Held { numbers: Vec::new(), last: 0 }).add(sequence);
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
