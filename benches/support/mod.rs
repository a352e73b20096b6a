//! The laboratory of the system benches: the branch office of `examples/`, a shard with warmed
//! state, and a clock that only this file moves. A batch is made anew for every round and run
//! through the systems before the one under test; only that one's time counts.

pub(crate) mod traffic;

use std::hint::black_box;
use std::time::{Duration, Instant};

use bumpalo::Bump;
use components::batch::Batch;
use components::columns::LinkType;
use components::event::Events;
use components::ids::IfIndex;
use components::reason::Fate;
use components::world::World;
use criterion::{BenchmarkId, Criterion, Throughput};
use systems::pipeline::EXPIRED_MAX;
use systems::policy;
use systems::registry;
use systems::schedule::Schedule;
use systems::shard::Shard;
use systems::system::System;
use weir::config::compile::CompileOptions;
use weir::config::diagnostic::Diagnostics;
use weir::config::load::load_bytes;
use weir::config::span::Sources;
use weir::port::{Arrival, Burst};

/// Rows of a batch: what the default schedule has.
pub(crate) const ROWS: usize = 256;

/// The schedule of `weir replay`.
pub(crate) const REPLAY: &str = include_str!("../../schedules/replay.toml");

/// What a system is measured on.
pub(crate) struct Case {
    /// The middle of the id.
    pub(crate) label: &'static str,
    /// Batches that go through all systems before, once.
    pub(crate) before: Vec<Vec<Vec<u8>>>,
    /// The batch.
    pub(crate) frames: Vec<Vec<u8>>,
    /// How far the clock moves between rounds.
    pub(crate) step: Duration,
    /// What must come of the batch, or the case is not what it says.
    pub(crate) outcome: Outcome,
}

/// What all systems made of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) forwarded: usize,
    pub(crate) translated: usize,
    pub(crate) events: usize,
    pub(crate) answers: usize,
}

/// Measures the system of this name in the schedule; the group is named after it, its hook left
/// out.
pub(crate) fn bench_system(criterion: &mut Criterion, schedule: &str, name: &str, cases: &[Case]) {
    let group = name.split(':').next().unwrap_or(name);
    let mut group = criterion.benchmark_group(group);
    for case in cases {
        let mut lab = Lab::new(schedule);
        for frames in &case.before {
            lab.run(frames, case.step);
        }
        let outcome = lab.run(&case.frames, case.step);
        assert_eq!(outcome, case.outcome, "{name}/{}", case.label);
        let place = lab.place(name);
        group.throughput(Throughput::Elements(case.frames.len() as u64));
        let id = BenchmarkId::new(case.label, case.frames.len());
        group.bench_function(id, |bencher| {
            bencher.iter_custom(|rounds| {
                (0..rounds).map(|_| lab.time(place, &case.frames, case.step)).sum()
            });
        });
    }
    group.finish();
}

/// The branch office's world. Its screens with history are off: a batch of openings a millisecond
/// is a flood, and would be dropped as one.
pub(crate) fn world() -> World {
    let mut text = include_str!("../../examples/branch-office.conf").to_owned();
    for history in ["port-scan threshold", "syn-flood {", "limit-session {"] {
        assert!(text.contains(history), "the example has `{history}`");
        text = text.replace(history, &format!("inactive: {history}"));
    }
    let (mut sources, mut diagnostics) = (Sources::default(), Diagnostics::default());
    let options = CompileOptions { log_default_policy: true };
    let name = "branch-office.conf";
    load_bytes(&mut sources, name, text.as_bytes(), &options, &mut diagnostics)
        .expect("the example has no errors")
        .world
}

/// One worker, taken apart.
struct Lab {
    world: World,
    systems: Vec<Box<dyn System>>,
    shard: Shard,
    events: Events,
    arena: Bump,
    burst: Burst,
    clock_ns: u64,
}

impl Lab {
    fn new(schedule: &str) -> Self {
        let schedule = Schedule::parse(schedule).expect("the schedule has no errors");
        let settings = &schedule.settings;
        let names = settings.systems.iter().map(|name| name.get_ref().as_str());
        let world = world();
        Self {
            systems: names
                .map(|name| registry::build(name, settings).expect("a proved schedule"))
                .collect(),
            shard: Shard::new(&world, settings, 0),
            events: Events::with_capacity(ROWS * 4),
            arena: Bump::with_capacity(ROWS * 512),
            burst: Burst::new(ROWS, *settings.session.tick_ms.get_ref() * 1_000_000),
            clock_ns: START_NS,
            world,
        }
    }

    /// Place of a system in the schedule.
    fn place(&self, name: &str) -> usize {
        let mut systems = self.systems.iter();
        let place = systems.position(|system| system.name() == name);
        place.expect("the schedule has the system")
    }

    /// Runs a batch through all systems.
    fn run(&mut self, frames: &[Vec<u8>], step: Duration) -> Outcome {
        let mut outcome = None;
        self.round(frames, step, |systems, batch, shard, world| {
            run_all(systems, 0, batch, shard, world);
            let forwarded = |row: &usize| batch.columns.verdict[*row].fate == Fate::Forwarded;
            let translated = |row: &usize| batch.columns.translated[*row];
            let rows = (0..batch.rows).filter(forwarded);
            outcome = Some(Outcome {
                forwarded: rows.clone().count(),
                translated: rows.filter(translated).count(),
                events: shard.outbox.len(),
                answers: shard.answers.packets.len(),
            });
        });
        outcome.expect("a round has a batch")
    }

    /// Time that the system at `place` needs for a batch.
    fn time(&mut self, place: usize, frames: &[Vec<u8>], step: Duration) -> Duration {
        let mut elapsed = Duration::ZERO;
        self.round(frames, step, |systems, batch, shard, world| {
            run_all(&mut systems[..place], 0, batch, shard, world);
            let started = Instant::now();
            run_all(&mut systems[place..=place], place, batch, shard, world);
            elapsed = started.elapsed();
            black_box(&batch.columns);
        });
        elapsed
    }

    /// Makes a batch, lets `with` have it, and clears what it left; sessions stay.
    fn round(
        &mut self,
        frames: &[Vec<u8>],
        step: Duration,
        with: impl FnOnce(&mut [Box<dyn System>], &mut Batch<'_>, &mut Shard, &World),
    ) {
        self.clock_ns += u64::try_from(step.as_nanos()).expect("steps are short");
        self.expire();
        for frame in frames {
            self.burst.push(&arrival(frame, self.clock_ns, 0));
        }
        self.arena.reset();
        let mut batch = self.burst.batch(&self.arena, &mut self.events);
        with(&mut self.systems, &mut batch, &mut self.shard, &self.world);
        self.burst.advance();
        self.clear();
    }

    fn expire(&mut self) {
        let mut more = self.shard.sessions.is_tick_due(self.clock_ns);
        while more {
            self.arena.reset();
            let mut nothing = Burst::new(0, 1);
            let mut batch = nothing.batch(&self.arena, &mut self.events);
            more = policy::expire(
                &mut batch,
                &mut self.shard,
                &self.world,
                self.clock_ns,
                EXPIRED_MAX,
            );
            self.clear();
        }
    }

    fn clear(&mut self) {
        self.events.clear();
        self.shard.rejects.clear();
        self.shard.answers.clear();
        self.shard.outbox.clear();
    }
}

/// A frame as a capture of the firewall's own interfaces holds it.
pub(crate) fn arrival(frame: &[u8], time_ns: u64, index: u64) -> Arrival<'_> {
    Arrival {
        time_ns,
        frame,
        wire_length: u32::try_from(frame.len()).expect("frames are short"),
        link: LinkType::Ethernet,
        ingress: IfIndex::NONE,
        index,
    }
}

/// Runs systems of which the first has this place in the schedule.
fn run_all(
    systems: &mut [Box<dyn System>],
    first: usize,
    batch: &mut Batch<'_>,
    shard: &mut Shard,
    world: &World,
) {
    for (order, system) in systems.iter_mut().enumerate() {
        batch.events.order = u8::try_from(first + order).expect("schedules are short");
        system.run(batch, shard, world);
    }
}

/// 2026-03-02T08:00:00Z, where the generated captures begin.
pub(crate) const START_NS: u64 = 1_772_438_400_000_000_000;
