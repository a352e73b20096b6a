//! What a system is: a name for the schedule file, the columns that it reads and writes, and a run
//! over one batch. The state it may keep between batches is the shard's; what it decides by is the
//! world.

use components::batch::{Access, Batch};
use components::mask::RowMask;
use components::reason::{DropReason, Fate, Verdict};
use components::world::World;
use components::world::succession::Succession;

use crate::shard::Shard;

/// A step of the pipeline.
pub trait System: Send {
    /// The schedule file's word, its hook included (`filter-log:input`).
    fn name(&self) -> &'static str;

    /// What it reads and writes: its view's.
    fn access(&self) -> Access;

    /// Carries over what it keeps by ids of the old world.
    fn commit(&mut self, _succession: &Succession) {}

    /// Does its work on one batch: one tick's packets, one worker's mutable state, one commit.
    fn run(&mut self, batch: &mut Batch<'_>, shard: &mut Shard, world: &World);
}

/// Drops a row: its verdict gets the reason, its bit goes out.
#[inline]
pub fn drop_row(live: &mut RowMask, verdict: &mut [Verdict], row: usize, reason: DropReason) {
    verdict[row] = Verdict::dropped(reason);
    live.remove(row);
}

/// Decides a row for good without dropping it.
#[inline]
pub fn decide_row(live: &mut RowMask, verdict: &mut [Verdict], row: usize, fate: Fate) {
    verdict[row] = Verdict::of(fate);
    live.remove(row);
}
