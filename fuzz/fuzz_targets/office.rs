//! What targets share: the branch office, its frames, and a replay in memory that must balance.

use std::io::{self, Cursor, Write};
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex};

use components::world::World;
use systems::schedule::Schedule;
use weir::capture::CaptureReader;
use weir::collector::{Format, RenderOptions, Renderer, WriterSink};
use weir::generate::{Frame, Parameters, SCENARIOS};
use weir::port::Bind;
use weir::replay::Replay;

/// Frames of every scenario; of those that can be of any length, the first few.
pub fn frames() -> &'static [Frame] {
    static FRAMES: LazyLock<Vec<Frame>> = LazyLock::new(|| {
        let frames = SCENARIOS.iter().flat_map(|scenario| {
            let count =
                if scenario.count.is_some() || scenario.flows.is_some() { 32 } else { 2_000 };
            let frames = scenario.frames(&Parameters::default());
            frames.expect("nothing is asked for").take(count)
        });
        frames.collect()
    });
    &FRAMES
}

/// A packet: its time, its captured bytes, and how many more it had on the wire.
pub type Captured = (u64, Vec<u8>, u32);

/// What a replay put out: event frames, packets written, the ledger.
#[derive(PartialEq, Eq)]
pub struct Output {
    pub frames: Vec<u8>,
    pub packets: Vec<u8>,
    pub ledger: String,
}

/// Replays packets in batches of `rows`; written packets go through the file `write`.
///
/// # Panics
/// If the ledger does not balance.
pub fn replay(
    world: Arc<World>,
    packets: &[Captured],
    rows: usize,
    write: Option<PathBuf>,
) -> Output {
    let schedule = include_str!("../../schedules/replay.toml")
        .replace("capacity = 262144", "capacity = 64")
        .replace("frames = 4096", "frames = 64");
    let schedule = Schedule::parse(&schedule).expect("the schedule has no errors");
    let (frames, lines) = (Shared::default(), Shared::default());
    let renderer = Renderer::new(Arc::clone(&world), RenderOptions::new(Format::Json, "office"));
    let capture = CaptureReader::from_read("input", Cursor::new(pcap(packets)));
    let replay = Replay {
        world,
        commits: Vec::new(),
        schedule: schedule.with(Some(rows), None).expect("rows are in range"),
        captures: vec![(capture, Bind::Auto)],
        remote: None,
        observers: Vec::new(),
        rate: None,
        sinks: vec![
            Box::new(WriterSink::frames("frames", frames.clone())),
            Box::new(WriterSink::lines("lines", lines, renderer)),
        ],
        write: write.clone(),
    };
    let outcome = replay.run().expect("everything can be written");
    let ledger = &outcome.ledger;
    assert!(ledger.balanced, "{:#?}", ledger.identities);
    assert_eq!(ledger.packets.received, packets.len() as u64);
    assert!(outcome.stream_error.is_none(), "{:?}", outcome.stream_error);
    assert!(outcome.capture_errors.is_empty(), "{:?}", outcome.capture_errors);
    Output {
        frames: frames.take(),
        packets: write.map_or(Vec::new(), |path| std::fs::read(path).expect("it was written")),
        ledger: format!("{ledger:#?}"),
    }
}

/// A pcap file of Ethernet frames with nanoseconds.
fn pcap(packets: &[Captured]) -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0xa1b2_3c4d, 0x0004_0002, 0, 0, 0x0004_0000, 1_u32] {
        file.extend(word.to_le_bytes());
    }
    for (time_ns, bytes, beyond) in packets {
        let length = bytes.len() as u32;
        let (seconds, rest) = (time_ns / 1_000_000_000, time_ns % 1_000_000_000);
        for word in [seconds as u32, rest as u32, length, length + beyond] {
            file.extend(word.to_le_bytes());
        }
        file.extend(bytes);
    }
    file
}

/// A file in memory that two may hold.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().expect("nobody panics with it"))
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("nobody panics with it").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
