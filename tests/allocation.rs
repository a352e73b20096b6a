//! After start-up the packet path does not allocate: a counting allocator watches one worker over
//! every generated scenario, whose first half warms it up and whose second half, the ends of its
//! sessions included, must not allocate once; and over every case of `tests/scenarios`, under its
//! first configuration, whose second run must not. Reading captures, commits and writing logs are
//! not the packet path.
#![expect(unsafe_code, reason = "a global allocator is an unsafe trait")]

#[expect(dead_code, reason = "cases are read here, and judged elsewhere")]
#[path = "support/scenario/mod.rs"]
mod scenario;
#[expect(dead_code, reason = "each test file uses its part of the support")]
mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::Cursor;

use components::columns::LinkType;
use components::ids::IfIndex;
use components::world::World;
use scenario::file::Case;
use scenario::step;
use support::{branch_office, generated, schedule};
use systems::shard::Outbox;
use weir::capture::CaptureReader;
use weir::config::compile::CompileOptions;
use weir::config::diagnostic::Diagnostics;
use weir::config::load::load_bytes;
use weir::config::span::Sources;
use weir::generate::SCENARIOS;
use weir::port::{Arrival, Burst, Transmit};
use weir::replay::worker::{Output, Worker};

/// Counts allocations of the thread that asks for it.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<Option<u64>> = const { Cell::new(None) };
}

fn count() {
    // A thread that ends has no counter any more.
    let _ = ALLOCATIONS.try_with(|count| count.set(count.get().map(|count| count + 1)));
}

// SAFETY: every call is handed to the system's allocator unchanged; counting touches a
// thread-local cell that needs neither allocation nor destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `alloc`, which is the system's too.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as above; the block came from the system's allocator.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations of this thread while `work` runs.
fn allocations(work: impl FnOnce()) -> u64 {
    ALLOCATIONS.set(Some(0));
    work();
    ALLOCATIONS.take().unwrap_or(0)
}

/// Takes everything and keeps nothing.
struct Nowhere;

impl Output for Nowhere {
    fn transmit(&mut self, _index: u64, _packet: Transmit<'_>) {}

    fn events(&mut self, _outbox: &mut Outbox, _indexes: impl Iterator<Item = u64>) {}
}

fn world() -> World {
    let (mut sources, mut diagnostics) = (Sources::default(), Diagnostics::default());
    let options = CompileOptions { log_default_policy: true };
    let text = branch_office();
    let compiled =
        load_bytes(&mut sources, "office.conf", text.as_bytes(), &options, &mut diagnostics);
    compiled.expect("the example is good").world
}

fn frames_of(capture: Vec<u8>) -> Vec<(u64, Vec<u8>)> {
    let mut reader = CaptureReader::from_read("in.pcap", Cursor::new(capture));
    let mut frames = Vec::new();
    while let Some(packet) = reader.next_packet().expect("generated captures are whole") {
        frames.push((packet.time_ns, packet.data.to_vec()));
    }
    frames
}

/// Runs frames through a worker as a port would hand them over.
fn feed(worker: &mut Worker, burst: &mut Burst, world: &World, frames: &[(u64, Vec<u8>)]) {
    for (index, (time_ns, frame)) in (0..).zip(frames) {
        let more = burst.push(&Arrival {
            time_ns: *time_ns,
            frame,
            wire_length: u32::try_from(frame.len()).expect("short"),
            link: LinkType::Ethernet,
            ingress: IfIndex::NONE,
            index,
        });
        if !more {
            worker.run(burst, world, &mut Nowhere);
        }
    }
    while !burst.is_empty() {
        worker.run(burst, world, &mut Nowhere);
    }
}

#[test]
fn the_counter_counts() {
    let mut kept = Vec::new();
    let count = allocations(|| kept.push(7u8));
    assert_eq!((count, kept.len()), (1, 1));
}

#[test]
fn no_scenario_allocates_after_its_first_half() {
    let world = world();
    let mut guilty = Vec::new();
    for scenario in SCENARIOS {
        let frames = frames_of(generated(scenario.name, 3));
        for rows_max in [1, 256] {
            let mut schedule = schedule(rows_max, 1);
            schedule.settings.session.capacity = toml::Spanned::new(0..0, 8192);
            let tick_ns = *schedule.settings.session.tick_ms.get_ref() * 1_000_000;
            let mut worker = Worker::new(&world, &schedule, 0);
            let mut burst = Burst::new(rows_max, tick_ns);
            let (first, second) = frames.split_at(frames.len() / 2);
            feed(&mut worker, &mut burst, &world, first);
            let count = allocations(|| {
                feed(&mut worker, &mut burst, &world, second);
                worker.age_out(&world, &mut Nowhere);
            });
            let packets = &worker.shard().counters.packets;
            let decided = packets.forwarded + packets.to_host + packets.dropped.total();
            assert_eq!(decided, frames.len() as u64, "{}: every packet was run", scenario.name);
            if count > 0 {
                guilty.push((scenario.name, rows_max, count));
            }
        }
    }
    assert_eq!(guilty, [], "scenario, rows of a batch, allocations");
}

/// The packets of a case, with their interfaces.
struct Arrivals(Vec<(u64, Vec<u8>, u32, IfIndex)>);

impl Arrivals {
    fn of(case: &Case, world: &World) -> Self {
        let arrival = |step: &scenario::file::Step| {
            let packet = step.packet.as_ref()?;
            // Interfaces that come with a commit are not there yet.
            let ingress = step::ingress(case, step, world, world).ok()?;
            let (bytes, length) = (packet.frame.bytes.clone(), packet.frame.wire_length);
            Some((packet.time_ns, bytes, u32::try_from(length).expect("short"), ingress))
        };
        Self(case.steps.iter().filter_map(arrival).collect())
    }

    /// Runs them `later_ns` after their time, and lets all sessions end.
    fn feed(&self, worker: &mut Worker, burst: &mut Burst, world: &World, later_ns: u64) {
        for (index, (time_ns, frame, wire_length, ingress)) in (0..).zip(&self.0) {
            let more = burst.push(&Arrival {
                time_ns: time_ns + later_ns,
                frame,
                wire_length: *wire_length,
                link: LinkType::Ethernet,
                ingress: *ingress,
                index,
            });
            if !more {
                worker.run(burst, world, &mut Nowhere);
            }
        }
        while !burst.is_empty() {
            worker.run(burst, world, &mut Nowhere);
        }
        worker.age_out(world, &mut Nowhere);
    }
}

#[test]
fn no_case_allocates_when_it_is_run_again() {
    let (mut guilty, mut run) = (Vec::new(), 0);
    for path in scenario::paths() {
        let case = Case::read(&scenario::root(), &path).expect("a case");
        let world = scenario::worlds(&case).expect("a configuration").swap_remove(0);
        for rows_max in [1, 64] {
            let schedule = scenario::schedule(&case).expect("a schedule");
            let schedule = schedule.with(Some(rows_max), Some(1)).expect("a batch size");
            let tick_ns = *schedule.settings.session.tick_ms.get_ref() * 1_000_000;
            let mut worker = Worker::new(&world, &schedule, 0);
            let mut burst = Burst::new(rows_max, tick_ns);
            let arrivals = Arrivals::of(&case, &world);
            arrivals.feed(&mut worker, &mut burst, &world, 0);
            // A week later, at the same time of day: schedulers say the same.
            let again = || arrivals.feed(&mut worker, &mut burst, &world, WEEK_NS);
            let count = allocations(again);
            let received = worker.shard().counters.packets;
            let decided = received.forwarded + received.to_host + received.dropped.total();
            assert_eq!(decided, 2 * arrivals.0.len() as u64, "{path}");
            run += 1;
            if count > 0 {
                guilty.push((path.clone(), rows_max, count));
            }
        }
    }
    assert_eq!(guilty, [], "case, rows of a batch, allocations");
    assert!(run > 300, "{run} runs");
}

const WEEK_NS: u64 = 7 * 86_400 * 1_000_000_000;
