//! A pipeline: the systems of a proved schedule, run one after another over each batch.

use components::batch::Batch;
use components::session::record::Session;
use components::world::World;

use crate::commit::{Commit, CommitCounts};
use crate::policy;
use crate::registry;
use crate::schedule::Schedule;
use crate::shard::Shard;
use crate::system::System;

/// Sessions whose end one batch logs at most; the rest follow in batches of their own before the
/// next packet.
pub const EXPIRED_MAX: usize = 256;

/// The systems of one worker.
pub struct Pipeline {
    systems: Vec<Box<dyn System>>,
}

impl std::fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.systems.iter().map(|system| system.name())).finish()
    }
}

impl Pipeline {
    /// The systems of a schedule in its order.
    #[must_use]
    pub fn new(schedule: &Schedule) -> Self {
        let settings = &schedule.settings;
        let names = settings.systems.iter().map(|name| name.get_ref().as_str());
        Self { systems: names.filter_map(|name| registry::build(name, settings)).collect() }
    }

    /// Runs one batch through all systems.
    pub fn run(&mut self, batch: &mut Batch<'_>, shard: &mut Shard, world: &World) {
        for (order, system) in self.systems.iter_mut().enumerate() {
            batch.events.order = u8::try_from(order).unwrap_or(u8::MAX);
            system.run(batch, shard, world);
        }
    }

    /// Ends sessions whose deadline has passed, through an empty batch; true while more are
    /// waiting.
    pub fn expire(
        &mut self,
        batch: &mut Batch<'_>,
        shard: &mut Shard,
        world: &World,
        clock_ns: u64,
    ) -> bool {
        let more = policy::expire(batch, shard, world, clock_ns, EXPIRED_MAX);
        self.run(batch, shard, world);
        more
    }

    /// Judges sessions by a commit's new world, through an empty batch under the old one; true
    /// while more are waiting.
    pub fn judge(
        &mut self,
        batch: &mut Batch<'_>,
        shard: &mut Shard,
        commit: &mut Commit<'_>,
        is_mine: impl Fn(&Session, &Session) -> bool,
    ) -> bool {
        let more = commit.judge(batch, shard, EXPIRED_MAX, is_mine);
        if !batch.events.is_empty() {
            self.run(batch, shard, commit.old());
        }
        more
    }

    /// Carries a commit through once all sessions have been judged.
    pub fn finish(&mut self, shard: &mut Shard, commit: Commit<'_>) -> CommitCounts {
        self.systems.iter_mut().for_each(|system| system.commit(commit.succession()));
        commit.finish(shard)
    }
}
