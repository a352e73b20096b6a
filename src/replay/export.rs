//! A FullResync makes a replica forget its sessions; telling it of all of them again is the data
//! plane's, slice by slice between its bursts, while changes go on being told as they happen.

use std::time::{Duration, Instant};

use super::stream::Stream;

/// How far the workers are.
#[derive(Clone, Debug)]
pub(super) struct Export {
    /// FullResyncs that were answered, the one that is under way included.
    answered: u64,
    /// The next slot of each worker's sessions; none if it has told all.
    slots: Vec<Option<usize>>,
}

impl Export {
    /// Nothing has to be told yet.
    pub(super) fn new(workers: usize) -> Self {
        Self { answered: 0, slots: vec![None; workers] }
    }

    /// Begins anew if that was asked for since: `asked` is how often it was.
    pub(super) fn look(&mut self, asked: u64) {
        if asked != self.answered {
            self.answered = asked;
            self.slots.fill(Some(0));
        }
    }

    /// Whether a worker has still something to tell.
    pub(super) fn is_under_way(&self) -> bool {
        self.slots.iter().any(Option::is_some)
    }

    /// Lets each worker that has still something to tell go on from its slot.
    pub(super) fn go_on(&mut self, mut tell: impl FnMut(usize, usize) -> Option<usize>) {
        for (worker, slot) in self.slots.iter_mut().enumerate() {
            *slot = slot.and_then(|slot| tell(worker, slot));
        }
    }
}

impl Export {
    /// When the captures are at their end: tells what is still asked for, until no FullResync is
    /// owed any more, or for as long as the end may wait.
    pub(super) fn settle(
        &mut self,
        stream: &mut Stream,
        mut tell: impl FnMut(&mut Stream, usize, usize) -> Option<usize>,
    ) {
        let limit = Instant::now() + stream.replication_wait();
        loop {
            self.look(stream.exports());
            if self.is_under_way() && stream.takes_export() {
                self.go_on(|worker, slot| tell(stream, worker, slot));
            }
            let done = !self.is_under_way() && !stream.owes_resync();
            if done || Instant::now() >= limit {
                return;
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }
}

/// How often the end looks whether a FullResync was acked.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Sessions that a worker tells of between two bursts.
pub(super) const SLICE: usize = 256;
