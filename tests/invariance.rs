//! Batches never change a result: frames, packets and ledger are the same bytes at every batch
//! size, and several workers give every packet the fate that one worker gives it.

mod support;

use proptest::prelude::*;
use support::{Output, branch_office, generated, replay, schedule};
use weir::generate::SCENARIOS;

const ROWS: [usize; 4] = [7, 64, 256, 1024];

/// Replays at all batch sizes and compares with a batch of one.
fn same_at_every_batch_size(config: &str, capture: &[u8], what: &str) -> Output {
    let one = replay(config, capture, schedule(1, 1));
    assert!(one.ledger.balanced, "{what}: {:#?}", one.ledger.identities);
    for rows in ROWS {
        let other = replay(config, capture, schedule(rows, 1));
        assert_eq!(one.log, other.log, "{what}: log lines at {rows} rows");
        assert!(one.frames == other.frames, "{what}: frames differ at {rows} rows");
        assert!(one.packets == other.packets, "{what}: packets differ at {rows} rows");
        assert_eq!(one.ledger_json(), other.ledger_json(), "{what}: ledger at {rows} rows");
    }
    one
}

#[test]
fn every_scenario_gives_the_same_bytes_at_every_batch_size() {
    let config = branch_office();
    for scenario in SCENARIOS {
        let capture = generated(scenario.name, 7);
        let output = same_at_every_batch_size(&config, &capture, scenario.name);
        assert!(output.ledger.packets.received > 0, "{}: is empty", scenario.name);
    }
}

#[test]
fn several_workers_give_the_same_fates() {
    let config = branch_office();
    for scenario in SCENARIOS {
        let capture = generated(scenario.name, 11);
        let one = replay(&config, &capture, schedule(64, 1));
        for workers in [2, 4] {
            let many = replay(&config, &capture, schedule(64, workers));
            assert!(many.ledger.balanced, "{}: {:#?}", scenario.name, many.ledger.identities);
            let packets = |output: &Output| {
                let packets = &output.ledger.packets;
                (packets.forwarded, packets.to_host, packets.dropped.clone())
            };
            assert_eq!(packets(&one), packets(&many), "{} with {workers} workers", scenario.name);
            let created = |output: &Output| output.ledger.sessions.created;
            assert_eq!(created(&one), created(&many), "{} with {workers} workers", scenario.name);
        }
    }
}

/// A pcap of Ethernet frames, each with the time since the one before in microseconds.
fn pcap(packets: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    bytes.extend(65535u32.to_le_bytes());
    bytes.extend(1u32.to_le_bytes());
    let mut time_us = 1_700_000_000_000_000u64;
    for (wait_us, frame) in packets {
        time_us += u64::from(*wait_us);
        let (seconds, micros) = (time_us / 1_000_000, time_us % 1_000_000);
        let length = u32::try_from(frame.len()).expect("short");
        for word in [
            u32::try_from(seconds).expect("before 2106"),
            u32::try_from(micros).expect("small"),
            length,
            length,
        ] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend(frame);
    }
    bytes
}

/// Frames of the branch office, some of their bytes changed.
fn frames() -> impl Strategy<Value = Vec<(u32, Vec<u8>)>> {
    let all = frames_of(&generated("branch-office", 1));
    let mutated = (
        any::<prop::sample::Index>(),
        0u32..3_000_000,
        prop::collection::vec((0usize..80, any::<u8>()), 0..3),
    );
    prop::collection::vec(mutated, 1..60).prop_map(move |picks| {
        let change = |(index, wait, changes): (prop::sample::Index, u32, Vec<(usize, u8)>)| {
            let mut frame = index.get(&all).clone();
            for (at, value) in changes {
                let at = at % frame.len();
                frame[at] = value;
            }
            (wait, frame)
        };
        picks.into_iter().map(change).collect()
    })
}

fn frames_of(capture: &[u8]) -> Vec<Vec<u8>> {
    let reader = std::io::Cursor::new(capture.to_vec());
    let mut reader = weir::capture::CaptureReader::from_read("x", reader);
    let mut frames = Vec::new();
    while let Some(packet) = reader.next_packet().expect("generated captures are whole") {
        frames.push(packet.data.to_vec());
    }
    frames
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn random_captures_give_the_same_bytes_at_every_batch_size(packets in frames()) {
        let config = branch_office();
        same_at_every_batch_size(&config, &pcap(&packets), "random capture");
    }
}
