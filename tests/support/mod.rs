//! A replay in memory: a configuration's text and a capture in, frames, packets, log lines and
//! ledger out.

use std::io::{Cursor, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use components::world::World;
use systems::schedule::Schedule;
use weir::capture::CaptureReader;
use weir::collector::{Format, RenderOptions, Renderer, Sink, WriterSink};
use weir::config::compile::CompileOptions;
use weir::config::diagnostic::Diagnostics;
use weir::config::load::load_bytes;
use weir::config::render;
use weir::config::span::Sources;
use weir::generate::{Parameters, scenario};
use weir::ledger::Ledger;
use weir::port::Bind;
use weir::replay::Replay;
use weir::replay::agenda::{Commit, CommitTime};

/// What came out.
#[derive(Debug)]
pub(crate) struct Output {
    /// Event frames.
    pub(crate) frames: Vec<u8>,
    /// The pcapng of transmitted packets.
    pub(crate) packets: Vec<u8>,
    /// Log lines.
    pub(crate) log: String,
    /// The ledger.
    pub(crate) ledger: Ledger,
}

impl Output {
    /// The ledger's JSON.
    pub(crate) fn ledger_json(&self) -> String {
        serde_json::to_string_pretty(&self.ledger).expect("a ledger is JSON")
    }
}

/// A writer that others can read.
#[derive(Clone, Debug, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("one thread").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Shared {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().expect("one thread"))
    }
}

/// The schedule of a replay.
pub(crate) fn schedule(rows_max: usize, workers: u16) -> Schedule {
    let text = include_str!("../../schedules/replay.toml");
    let schedule = Schedule::parse(text).expect("the built-in schedule is good");
    schedule.with(Some(rows_max), Some(workers)).expect("in range")
}

/// A configuration's text, compiled.
fn world(config: &str) -> World {
    let (mut sources, mut diagnostics) = (Sources::default(), Diagnostics::default());
    let options = CompileOptions { log_default_policy: true };
    let bytes = config.as_bytes();
    let compiled = load_bytes(&mut sources, "test.conf", bytes, &options, &mut diagnostics);
    let Some(compiled) = compiled else {
        panic!("{}", render::text(&sources, &diagnostics));
    };
    compiled.world
}

/// Replays a capture's bytes.
pub(crate) fn replay(config: &str, capture: &[u8], schedule: Schedule) -> Output {
    replay_through(config, &[], capture, schedule)
}

/// Replays a capture's bytes while other configurations take over.
pub(crate) fn replay_through(
    config: &str,
    commits: &[(CommitTime, &str)],
    capture: &[u8],
    schedule: Schedule,
) -> Output {
    let commit = |&(at, config): &(CommitTime, &str)| Commit { at, world: world(config) };
    let commits = commits.iter().map(commit).collect();
    let world = Arc::new(world(config));
    let (frames, lines) = (Shared::default(), Shared::default());
    let renderer =
        Renderer::new(Arc::clone(&world), RenderOptions::new(Format::SdSyslog, "fw-test"));
    let sinks: Vec<Box<dyn Sink>> = vec![
        Box::new(WriterSink::lines("lines", lines.clone(), renderer)),
        Box::new(WriterSink::frames("frames", frames.clone())),
    ];
    let directory = tempfile::tempdir().expect("a temporary directory");
    let written = directory.path().join("out.pcapng");
    let reader = CaptureReader::from_read("test.pcap", Cursor::new(capture.to_vec()));
    let replay = Replay {
        world,
        commits,
        schedule,
        captures: vec![(reader, Bind::Auto)],
        remote: None,
        observers: Vec::new(),
        rate: None,
        sinks,
        write: Some(written.clone()),
    };
    let outcome = replay.run().expect("the replay begins");
    Output {
        frames: frames.take(),
        packets: std::fs::read(written).expect("the written capture"),
        log: String::from_utf8(lines.take()).expect("log lines are UTF-8"),
        ledger: outcome.ledger,
    }
}

/// A generated scenario as a capture; long ones are cut to a few thousand packets.
pub(crate) fn generated(name: &str, seed: u64) -> Vec<u8> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("in.pcap");
    let chosen = scenario(name).expect("a scenario");
    let parameters = Parameters {
        seed,
        count: chosen.count.map(|count| count.min(3000)),
        flows: chosen.flows.map(|flows| flows.min(500)),
    };
    weir::generate::run(name, &path, &parameters).expect("it can be generated");
    std::fs::read(path).expect("the generated capture")
}

/// The example's configuration.
pub(crate) fn branch_office() -> String {
    read("examples/branch-office.conf")
}

/// A file of the repository.
pub(crate) fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
