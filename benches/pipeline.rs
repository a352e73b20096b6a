//! The whole: bursts filled, run through every system of the replay schedule and put out, as one
//! worker does it. A thousand flows are spread over the rows; sessions exist before the clock of
//! the bench starts.

use std::hint::black_box;
use std::time::{Duration, Instant};

use components::world::World;
use criterion::{BenchmarkId, Criterion, Throughput};
use systems::schedule::Schedule;
use systems::shard::Outbox;
use weir::generate::Packet;
use weir::port::{Burst, Transmit};
use weir::replay::worker::{Output, Worker};

use crate::support::{REPLAY, START_NS, arrival, world};

pub(crate) fn bench(criterion: &mut Criterion) {
    let world = world();
    let mut group = criterion.benchmark_group("pipeline");
    for (label, payload_bytes, port) in [
        ("established-64-bytes", 18, 443),
        ("established-1518-bytes", 1_472, 443),
        ("denied-64-bytes", 18, 23),
    ] {
        for rows in [32, 256, 1_024] {
            let mut line = Line::new(&world, rows, payload_bytes, port);
            line.run(FLOWS);
            assert_eq!(line.output.transmitted > 0, port == 443, "{label}");
            assert!(line.output.events > 0, "{label}");
            group.throughput(Throughput::Elements(rows as u64));
            group.bench_function(BenchmarkId::new(label, rows), |bencher| {
                bencher.iter_custom(|rounds| line.run(rounds * rows as u64));
            });
        }
    }
    group.finish();
}

/// A worker and an endless queue of packets before it.
struct Line<'w> {
    world: &'w World,
    worker: Worker,
    burst: Burst,
    frames: Vec<Vec<u8>>,
    /// Packets so far, one a microsecond.
    packets: u64,
    output: Count,
}

impl<'w> Line<'w> {
    fn new(world: &'w World, rows: usize, payload_bytes: usize, port: u16) -> Self {
        let schedule = Schedule::parse(REPLAY).expect("the schedule has no errors");
        let schedule = schedule.with(Some(rows), None).expect("rows are in range");
        let tick_ns = *schedule.settings.session.tick_ms.get_ref() * 1_000_000;
        let frame = |flow| {
            let source_port = 40_000 + u16::try_from(flow).expect("flows are few");
            let packet = Packet::ipv4([10, 1, 1, 20], [192, 0, 2, 80]).udp(source_port, port);
            packet.payload(&vec![0x5a; payload_bytes]).build()
        };
        Self {
            world,
            worker: Worker::new(world, &schedule, 0),
            burst: Burst::new(rows, tick_ns),
            frames: (0..FLOWS).map(frame).collect(),
            packets: 0,
            output: Count::default(),
        }
    }

    /// Time for at least this many packets more, scaled to exactly as many.
    fn run(&mut self, packets: u64) -> Duration {
        let started = Instant::now();
        let mut done = 0;
        while done < packets {
            self.fill();
            done += self.burst.len() as u64;
            self.worker.run(&mut self.burst, self.world, &mut self.output);
        }
        black_box(&self.output);
        started.elapsed().mul_f64(packets as f64 / done as f64)
    }

    fn fill(&mut self) {
        while self.burst.wants_more() {
            let flow = usize::try_from(self.packets % FLOWS).expect("flows are few");
            let time_ns = START_NS + self.packets * 1_000;
            self.burst.push(&arrival(&self.frames[flow], time_ns, self.packets));
            self.packets += 1;
        }
    }
}

/// Output that is counted and dropped.
#[derive(Debug, Default)]
struct Count {
    transmitted: u64,
    bytes: u64,
    events: u64,
}

impl Output for Count {
    fn transmit(&mut self, _index: u64, packet: Transmit<'_>) {
        self.transmitted += 1;
        self.bytes += packet.packet.len() as u64;
    }

    fn events(&mut self, outbox: &mut Outbox, _indexes: impl Iterator<Item = u64>) {
        self.events += outbox.len() as u64;
    }
}

const FLOWS: u64 = 1_000;
