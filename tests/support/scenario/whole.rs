//! A case as a replay: at every batch size the same bytes, which are those of the case packet by
//! packet; with several workers the same fates.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};
use std::sync::{Arc, Mutex};

use components::ids::IfIndex;
use components::wire::Decoder;
use components::world::World;
use systems::schedule::Schedule;
use weir::capture::CaptureReader;
use weir::collector::{Sink, WriterSink};
use weir::ledger::Ledger;
use weir::port::{Bind, INTERFACE_GONE};
use weir::replay::Replay;
use weir::replay::agenda::{Commit, CommitTime};

use super::file::Case;
use super::step::{self, Run};

/// What a replay brought.
#[derive(PartialEq, Eq)]
struct Outcome {
    frames: Vec<u8>,
    packets: Vec<u8>,
    ledger: String,
}

/// Replays at all batch sizes and with several workers.
pub(crate) fn check(
    case: &Case,
    worlds: &[Arc<World>],
    schedule: &Schedule,
    run: &Run,
) -> Result<(), String> {
    let with = |rows: usize, workers: u16| -> Result<(Outcome, Ledger), String> {
        let schedule = schedule.clone().with(Some(rows), Some(workers));
        replay(case, worlds, schedule.map_err(|error| format!("{error:?}"))?)
    };
    let (one, ledger) = with(1, 1)?;
    if !ledger.balanced {
        return Err(format!("{}: {:#?}", case.path, ledger.identities));
    }
    if records(&one.frames) != run.records || packets(&one.packets) != run.packets {
        return Err(format!("{}: a replay differs from its packets one by one", case.path));
    }
    for rows in [7, 64, 256, 1024] {
        let (other, _) = with(rows, 1)?;
        for (what, same) in [
            ("frames", one.frames == other.frames),
            ("packets", one.packets == other.packets),
            ("ledger", one.ledger == other.ledger),
        ] {
            if !same {
                return Err(format!("{}: {what} differ in batches of {rows}", case.path));
            }
        }
    }
    for workers in if case.one_worker { &[][..] } else { &[2, 4] } {
        let (_, many) = with(64, *workers)?;
        let fates = |ledger: &Ledger| {
            let packets = &ledger.packets;
            let sessions = ledger.sessions.created;
            (packets.forwarded, packets.to_host, packets.dropped.clone(), sessions)
        };
        if fates(&many) != fates(&ledger) || !many.balanced {
            let path = &case.path;
            return Err(format!(
                "{path}: fates with {workers} workers: {:?}, with one: {:?}",
                fates(&many),
                fates(&ledger)
            ));
        }
    }
    Ok(())
}

fn replay(
    case: &Case,
    worlds: &[Arc<World>],
    schedule: Schedule,
) -> Result<(Outcome, Ledger), String> {
    let frames = Shared::default();
    let sinks: Vec<Box<dyn Sink>> = vec![Box::new(WriterSink::frames("frames", frames.clone()))];
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    let written = directory.path().join("out.pcapng");
    let takeovers = case.steps.iter().filter_map(|step| step.commit.as_ref());
    let commits = takeovers.zip(&worlds[1..]).map(|(takeover, world)| Commit {
        at: CommitTime::At(takeover.time_ns),
        world: World::clone(world),
    });
    let replay = Replay {
        world: Arc::clone(&worlds[0]),
        commits: commits.collect(),
        schedule,
        captures: captures(case, worlds)?,
        remote: None,
        observers: Vec::new(),
        rate: None,
        sinks,
        write: Some(written.clone()),
    };
    let outcome = replay.run().map_err(|error| format!("{}: {error}", case.path))?;
    let packets = std::fs::read(written).map_err(|error| error.to_string())?;
    let ledger = serde_json::to_string(&outcome.ledger).map_err(|error| error.to_string())?;
    Ok((Outcome { frames: frames.take(), packets, ledger }, outcome.ledger))
}

/// One capture for every interface that packets come in by.
fn captures(case: &Case, worlds: &[Arc<World>]) -> Result<Vec<(CaptureReader, Bind)>, String> {
    let mut files: BTreeMap<_, Vec<u8>> = BTreeMap::new();
    let mut commits = 0;
    for step in &case.steps {
        commits += usize::from(step.commit.is_some());
        let Some(packet) = &step.packet else {
            continue;
        };
        let now = step::ingress(case, step, &worlds[commits], &worlds[0])?;
        let name = match now {
            INTERFACE_GONE => &packet.ingress,
            _ => worlds[commits].names.interface(now),
        };
        let ingress = at_first(name, &worlds[0]).ok_or_else(|| {
            format!("{}: this interface comes with a commit", case.place(step.line))
        })?;
        let file = files.entry(ingress).or_insert_with(pcap_header);
        let short = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        for word in [
            short(packet.time_ns / 1_000_000_000),
            short(packet.time_ns % 1_000_000_000),
            short(packet.frame.bytes.len() as u64),
            short(packet.frame.wire_length as u64),
        ] {
            file.extend(word.to_le_bytes());
        }
        file.extend(&packet.frame.bytes);
    }
    let open = |(ingress, bytes): (IfIndex, Vec<u8>)| {
        let bind = if ingress.is_none() { Bind::Auto } else { Bind::To(ingress) };
        (CaptureReader::from_read(&case.path, Cursor::new(bytes)), bind)
    };
    Ok(files.into_iter().map(open).collect())
}

/// The id that an interface had at first: captures are bound then.
fn at_first(name: &str, first: &World) -> Option<IfIndex> {
    let mut ids = std::iter::once(IfIndex::NONE).chain(first.interfaces.ids());
    ids.find(|&id| first.names.interface(id) == name)
}

/// Ethernet, nanoseconds.
fn pcap_header() -> Vec<u8> {
    let mut header = vec![0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    header.extend(262_144u32.to_le_bytes());
    header.extend(1u32.to_le_bytes());
    header
}

/// The events' records, without the numbers of their frames.
fn records(frames: &[u8]) -> Vec<Vec<u8>> {
    let mut decoder = Decoder::new(frames.len());
    assert_eq!(decoder.push(frames), frames.len(), "the decoder holds them all");
    let mut records = Vec::new();
    while let Some(frame) = decoder.next_frame() {
        records.push(frame.expect("frames of ours").payload().to_vec());
    }
    records
}

fn packets(pcapng: &[u8]) -> Vec<Vec<u8>> {
    let mut reader = CaptureReader::from_read("out.pcapng", Cursor::new(pcapng.to_vec()));
    let mut packets = Vec::new();
    while let Some(packet) = reader.next_packet().expect("a capture of ours") {
        packets.push(packet.data.to_vec());
    }
    packets
}

/// A writer that can be read afterwards.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("nobody panics with it").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Shared {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().expect("nobody panics with it"))
    }
}
