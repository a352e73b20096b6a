//! The renderer: the events of the branch office's five minutes, over and over, as lines of each
//! format.

use std::io::{self, Cursor};
use std::sync::{Arc, mpsc};

use components::reason::Counts;
use components::wire::RtFlow;
use components::world::World;
use criterion::{BenchmarkId, Criterion, Throughput};
use systems::schedule::Schedule;
use weir::capture::{CaptureReader, PcapWriter, Resolution};
use weir::collector::{Format, RenderOptions, Renderer, Sink, SinkReport};
use weir::generate::{Parameters, scenario};
use weir::port::Bind;
use weir::replay::Replay;

use crate::support::{REPLAY, ROWS, world};

pub(crate) fn bench(criterion: &mut Criterion) {
    let world = Arc::new(world());
    let events = events(&world);
    let mut group = criterion.benchmark_group("render");
    group.throughput(Throughput::Elements(ROWS as u64));
    for (label, format) in [
        ("sd-syslog", Format::SdSyslog),
        ("syslog", Format::Syslog),
        ("json", Format::Json),
        ("binary", Format::Binary),
    ] {
        let options = RenderOptions::new(format, "branch-fw1");
        let mut renderer = Renderer::new(Arc::clone(&world), options);
        let mut lines = Vec::new();
        group.bench_function(BenchmarkId::new(label, ROWS), |bencher| {
            bencher.iter(|| {
                lines.clear();
                for (event, frame) in &events {
                    renderer.render(event, frame, &mut lines);
                }
                lines.len()
            });
        });
    }
    group.finish();
}

/// The events of the scenario with their frames, repeated.
fn events(world: &Arc<World>) -> Vec<(RtFlow, Vec<u8>)> {
    let (sender, receiver) = mpsc::channel();
    let replay = Replay {
        world: Arc::clone(world),
        commits: Vec::new(),
        schedule: Schedule::parse(REPLAY).expect("the schedule has no errors"),
        captures: vec![(CaptureReader::from_read("office", office()), Bind::Auto)],
        remote: None,
        observers: Vec::new(),
        rate: None,
        sinks: vec![Box::new(Keep { sender, kept: 0 })],
        write: None,
    };
    let outcome = replay.run().expect("nothing is written");
    assert!(outcome.ledger.balanced, "{:?}", outcome.ledger.identities);
    drop(outcome);
    let events: Vec<(RtFlow, Vec<u8>)> = receiver.try_iter().collect();
    events.into_iter().cycle().take(ROWS).collect()
}

/// The capture of the branch office.
fn office() -> Cursor<Vec<u8>> {
    let scenario = scenario("branch-office").expect("a known scenario");
    let frames = scenario.frames(&Parameters::default());
    let mut file = Vec::new();
    let mut writer = PcapWriter::new("office", &mut file, Resolution::Nanoseconds)
        .expect("memory takes everything");
    for frame in frames.expect("no parameter is given") {
        writer.write(frame.time_ns, &frame.bytes).expect("memory takes everything");
    }
    writer.finish().expect("memory takes everything");
    Cursor::new(file)
}

/// A sink that hands events out of the replay.
struct Keep {
    sender: mpsc::Sender<(RtFlow, Vec<u8>)>,
    kept: u64,
}

impl Sink for Keep {
    fn commit(&mut self, _world: &Arc<World>) {}

    fn write(&mut self, event: &RtFlow, frame: &[u8]) {
        let kept = self.sender.send((*event, frame.to_vec()));
        self.kept += u64::from(kept.is_ok());
    }

    fn flush(&mut self) {}

    fn report(&self) -> SinkReport {
        SinkReport {
            name: "keep".to_owned(),
            settled: self.kept,
            lost: Counts::default(),
            backlog: 0,
        }
    }

    fn take_error(&mut self) -> Option<io::Error> {
        None
    }
}
