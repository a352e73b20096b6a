//! What really happened to a stream, written down as it happens and without the machines' help.

use crate::kinds::EventKind;
use crate::reason::Counts;
use crate::stream::Refused;
use crate::stream::simulator::frames::Class;

/// The truth about one stream.
#[derive(Debug, Default)]
pub(super) struct Truth {
    first: u64,
    /// Class and tag of every frame that got a number, by number; `None` is a FullResync of ours.
    frames: Vec<Option<(Class, u64)>>,
    pub(super) generated: Counts<{ EventKind::COUNT }>,
    pub(super) upstream: Refused,
    /// Numbers that may be missing in the spool: evicted, or in a spool that is no more.
    gone: Vec<(u64, u64)>,
    /// Of these, the evicted ones: their producer owes a FullResync.
    evicted: Vec<(u64, u64)>,
    /// Until here the producer was acked by a spool that is no more.
    pub(super) waived: u64,
    /// A session frame was refused when this was the last number: a FullResync comes behind it.
    pub(super) resync_above: Option<u64>,
    /// The last number when its producer died for good.
    pub(super) ended_at: Option<u64>,
}

impl Truth {
    pub(super) fn new(first: u64) -> Self {
        Self { first, ..Self::default() }
    }

    pub(super) fn accepted(&mut self, sequence: u64, class: Class, tag: u64) {
        let at = usize::try_from(sequence - self.first).expect("few frames in a run");
        if self.frames.len() <= at {
            self.frames.resize(at + 1, None);
        }
        self.frames[at] = Some((class, tag));
    }

    /// A FullResync behind this number was acked by a spool that is no more.
    pub(super) fn was_resynced_behind(&self, sequence: u64) -> bool {
        (sequence + 1..=self.waived).any(|later| matches!(self.frame(later).0, Class::Resync))
    }

    /// The numbers `first..=last` may be missing.
    pub(super) fn give_up(&mut self, first: u64, last: u64) {
        if first <= last {
            self.gone.push((first, last));
        }
    }

    /// The numbers were evicted.
    pub(super) fn evict(&mut self, first: u64, last: u64) {
        self.give_up(first, last);
        if first <= last {
            self.evicted.push((first, last));
        }
    }

    pub(super) fn is_evicted(&self, sequence: u64) -> bool {
        self.evicted.iter().any(|(first, last)| (*first..=*last).contains(&sequence))
    }

    pub(super) fn is_gone(&self, sequence: u64) -> bool {
        sequence < self.first
            || self.gone.iter().any(|(first, last)| (*first..=*last).contains(&sequence))
    }

    /// Class and tag of a number.
    pub(super) fn frame(&self, sequence: u64) -> (Class, u64) {
        let at = sequence.checked_sub(self.first).and_then(|at| usize::try_from(at).ok());
        let frame = at.and_then(|at| self.frames.get(at)).copied().flatten();
        frame.unwrap_or((Class::Resync, 0))
    }

    pub(super) fn first(&self) -> u64 {
        self.first
    }
}
