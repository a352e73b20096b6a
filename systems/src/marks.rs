//! What filters leave behind on packets: marks of a batch's rows (loss priority, DSCP), from one
//! hook to the next and to `rewrite`, and the buckets of policers, one set for each hook, so that
//! the order in which hooks see a batch changes nothing.

use std::collections::HashMap;

use components::ids::PolicerId;
use components::mask::BATCH_ROWS_MAX;
use components::meter::Meter;
use components::world::World;
use components::world::policer::LossPriority;

/// What a packet is marked with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// The loss priority so far.
    pub loss_priority: LossPriority,
    /// The DSCP to leave with.
    pub dscp: Option<u8>,
}

/// Marks by row.
#[derive(Clone, Debug)]
pub struct Marks {
    rows: Vec<Mark>,
    any: bool,
}

impl Default for Marks {
    fn default() -> Self {
        Self { rows: vec![Mark::default(); BATCH_ROWS_MAX], any: false }
    }
}

impl Marks {
    /// A row's mark.
    #[must_use]
    pub fn get(&self, row: usize) -> Mark {
        if self.any { self.rows[row] } else { Mark::default() }
    }

    /// Whether any row is marked.
    #[must_use]
    pub const fn any(&self) -> bool {
        self.any
    }

    /// Marks a row.
    pub fn set(&mut self, row: usize, mark: Mark) {
        self.any |= mark != Mark::default();
        self.rows[row] = mark;
    }

    /// Forgets the batch's marks.
    pub fn clear(&mut self) {
        if self.any {
            self.rows.fill(Mark::default());
            self.any = false;
        }
    }
}

/// Meters of every policer at every hook.
#[derive(Clone, Debug)]
pub struct Meters {
    meters: Vec<Meter>,
    policers: usize,
}

impl Meters {
    /// Full buckets, a worker's share of `workers`.
    #[must_use]
    pub fn for_world(world: &World, workers: u16) -> Self {
        let policers = world.policers.iter();
        let one_hook: Vec<Meter> =
            policers.map(|policer| Meter::new(&policer.rate, workers)).collect();
        Self { meters: one_hook.repeat(HOOKS), policers: one_hook.len() }
    }

    /// The meters as they go on after a commit: those of a policer that is still at the same term
    /// of the same filter with the same rates; others begin full.
    #[must_use]
    pub fn carried_over(&self, old: &World, new: &World, workers: u16) -> Self {
        let mut next = Self::for_world(new, workers);
        let keys = old.names.policers.iter().skip(1).zip(&old.policers).zip(0..);
        let before: HashMap<_, usize> =
            keys.map(|((name, policer), at)| ((name, policer.rate), at)).collect();
        let keys = new.names.policers.iter().skip(1).zip(&new.policers).zip(0..);
        for ((name, policer), at) in keys {
            let Some(was) = before.get(&(name, policer.rate)) else { continue };
            for hook in 0..HOOKS {
                let meter = self.meters[hook * self.policers + was];
                next.meters[hook * next.policers + at] = meter;
            }
        }
        next
    }

    /// The meter of a policer at hook 0, 1 or 2; `None` for a policer of another commit.
    pub fn get(&mut self, policer: PolicerId, hook: usize) -> Option<&mut Meter> {
        let at = policer.index().checked_sub(1).filter(|&at| at < self.policers)?;
        self.meters.get_mut(hook * self.policers + at)
    }
}

/// Input, output, lo0.
const HOOKS: usize = 3;
