//! The seeded simulator: both machines, a fake clock, socket, disk and consumers, and everything
//! that may go wrong between them. A seed is a whole run. After every step the invariants hold,
//! at the end the identities; a seed that fails prints itself, and
//! `SIM_SEED=N SIM_TRACE=1 cargo test --release -p components simulator_one_seed -- --nocapture`
//! tells it step by step. `SIM_SEEDS=100000` is the long run. See `docs/simulator.md`.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::stream::bug::Bug;

mod checks;
mod disk;
mod faults;
mod foreign;
pub(super) mod frames;
mod link;
mod plan;
mod random;
mod steps;
mod tests;
mod truth;
mod world;

use world::{Peer, Sometimes, World};

/// Runs a seed and gives what happened in it; panics with what did not hold.
fn run(seed: u64, bug: Option<Bug>, trace: bool) -> Sometimes {
    let mut world = World::new(seed, bug, trace);
    for _ in 0..world.plan.steps {
        let action = world.plan.action(&mut world.random);
        world.act(action);
        world.check();
    }
    world.quiesce();
    world.finish();
    if let Peer::Ours(producer) = core::mem::replace(&mut world.peer, Peer::Dead(None)) {
        world.add_producer_counters(&producer);
    }
    if let Some(collector) = world.collector.take() {
        world.add_collector_counters(&collector);
    }
    let torn = world.disk.torn;
    world.mark("torn records", torn);
    world.sometimes
}

/// The same; a seed that fails says which it is.
fn run_seed(seed: u64) -> Sometimes {
    let result = catch_unwind(AssertUnwindSafe(|| run(seed, None, false)));
    result.unwrap_or_else(|panic| {
        #[expect(clippy::print_stderr, reason = "a failing seed prints itself")]
        {
            eprintln!("seed {seed} fails: SIM_SEED={seed} SIM_TRACE=1 replays it");
        }
        resume_unwind(panic)
    })
}

/// The first seed that finds the bug, of `seeds`.
fn finds(bug: Bug, seeds: core::ops::Range<u64>) -> Option<u64> {
    let found =
        |seed: &u64| catch_unwind(AssertUnwindSafe(|| run(*seed, Some(bug), false))).is_err();
    seeds.into_iter().find(found)
}
