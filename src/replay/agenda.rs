//! Commits on their way: each new world with the packet time at which it takes over. Every batch
//! lies between two of them, so that no packet sees two configurations and the batch size changes
//! nothing. Those that the capture does not reach take over after its last packet.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use components::ids::IfIndex;
use components::world::World;
use components::world::succession::Succession;
use systems::commit::{Change, CommitCounts};

use crate::port::{Burst, INTERFACE_GONE, Port};

/// A configuration that takes over during a replay.
#[derive(Clone, Debug)]
pub struct Commit {
    /// When.
    pub at: CommitTime,
    /// The compiled configuration.
    pub world: World,
}

/// A packet time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitTime {
    /// Nanoseconds after the first packet.
    After(u64),
    /// Nanoseconds since the Unix epoch.
    At(u64),
}

/// A commit that has taken over, and what it did.
#[derive(Clone, Debug)]
pub struct Committed {
    /// Its time, nanoseconds since the Unix epoch.
    pub at_ns: u64,
    /// Sums over workers.
    pub counts: CommitCounts,
    /// How long packets waited for it.
    pub elapsed: Duration,
}

/// The world as it is, and those to come.
pub(super) struct Agenda {
    world: Arc<World>,
    coming: Vec<Commit>,
    /// In order, once the first packet has told the time.
    dated: VecDeque<(u64, Arc<World>)>,
    done: Vec<Committed>,
}

/// One commit in the moment of its taking over.
pub(super) struct Step {
    pub(super) at_ns: u64,
    pub(super) old: Arc<World>,
    pub(super) new: Arc<World>,
    succession: Succession,
    started: Instant,
}

impl Step {
    pub(super) fn change(&self) -> Change<'_> {
        Change {
            old: &self.old,
            new: &self.new,
            succession: &self.succession,
            clock_ns: self.at_ns,
        }
    }

    /// The interface by its new id.
    pub(super) fn interface(&self, old: IfIndex) -> IfIndex {
        self.succession.interface(old).unwrap_or(INTERFACE_GONE)
    }
}

impl Agenda {
    /// Commits of equal times in the order in which they are given.
    pub(super) fn new(world: Arc<World>, commits: Vec<Commit>) -> Self {
        Self { world, coming: commits, dated: VecDeque::new(), done: Vec::new() }
    }

    /// The world now.
    pub(super) fn world(&self) -> &Arc<World> {
        &self.world
    }

    /// The worlds that have not been dated.
    pub(super) fn coming(&self) -> impl Iterator<Item = &World> {
        self.coming.iter().map(|commit| &commit.world)
    }

    /// What has been done.
    pub(super) fn done(self) -> (Arc<World>, Vec<Committed>) {
        (self.world, self.done)
    }

    /// Stages the next packet, if none is, while commits are to come: it tells whether one is due.
    pub(super) fn peek(&mut self, port: &mut impl Port, burst: &mut Burst, rows_max: usize) {
        if burst.is_empty() && !(self.coming.is_empty() && self.dated.is_empty()) {
            burst.set_rows_max(1);
            port.receive(burst);
            burst.set_rows_max(rows_max);
        }
        if !burst.is_empty() && !self.coming.is_empty() {
            self.date(burst.clock_ns());
        }
    }

    /// When the next one is.
    pub(super) fn next_ns(&self) -> u64 {
        self.dated.front().map_or(u64::MAX, |&(at_ns, _)| at_ns)
    }

    /// The next one, if its time has come; from now on its world is the world.
    pub(super) fn due(&mut self, clock_ns: u64) -> Option<Step> {
        let (at_ns, new) = self.dated.pop_front_if(|(at_ns, _)| *at_ns <= clock_ns)?;
        let started = Instant::now();
        let old = std::mem::replace(&mut self.world, Arc::clone(&new));
        let succession = Succession::new(&old, &new);
        Some(Step { at_ns, old, new, succession, started })
    }

    /// Keeps what came of a step.
    pub(super) fn note(&mut self, step: &Step, counts: CommitCounts) {
        let elapsed = step.started.elapsed();
        self.done.push(Committed { at_ns: step.at_ns, counts, elapsed });
    }

    /// Dates and numbers the commits.
    fn date(&mut self, first_ns: u64) {
        let date = |commit: Commit| match commit.at {
            CommitTime::After(ns) => (first_ns.saturating_add(ns), commit.world),
            CommitTime::At(ns) => (ns, commit.world),
        };
        let mut dated: Vec<_> = self.coming.drain(..).map(date).collect();
        dated.sort_by_key(|&(at_ns, _)| at_ns);
        for ((at_ns, world), generation) in dated.into_iter().zip(self.world.generation + 1..) {
            self.dated.push_back((at_ns, Arc::new(World { generation, ..world })));
        }
    }
}
