//! Scenarios as a person reads them, their determinism, and that every packet is what it claims.

mod listing;

use std::collections::HashSet;

use insta::{Settings, assert_snapshot};

use super::{Frame, GenerateError, Parameters, SCENARIOS, run, scenario};
use crate::capture::{CaptureReader, LinkType};
use listing::{defect, line};

fn frames(name: &str, parameters: &Parameters) -> Vec<Frame> {
    let scenario = scenario(name).expect("a listed scenario");
    let frames = scenario.frames(parameters).expect("fitting parameters");
    frames.collect()
}

/// The default, but at most 3,000 frames.
fn short(name: &str, seed: u64) -> Vec<Frame> {
    let listed = scenario(name).expect("a listed scenario");
    let parameters =
        Parameters { seed, count: listed.count.map(|count| count.min(3_000)), flows: None };
    frames(name, &parameters)
}

#[test]
fn lists_what_small_scenarios_contain() {
    let mut settings = Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/generate"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for name in [
            "branch-office",
            "land",
            "ping-death",
            "syn-fin",
            "no-flag",
            "fin-no-ack",
            "winnuke",
            "source-route",
            "ip-options",
            "syn-frag",
            "icmp-fragment",
            "icmp-large",
            "block-frag",
            "unknown-protocol",
            "ip-spoofing",
            "tear-drop",
            "fragments",
            "ipv6",
            "icmp-errors",
        ] {
            let lines: Vec<String> = short(name, 1).iter().map(line).collect();
            assert_snapshot!(name, lines.join("\n"));
        }
    });
}

#[test]
fn every_scenario_is_ordered_whole_and_right() {
    for listed in SCENARIOS {
        let frames = short(listed.name, 7);
        assert!(!frames.is_empty(), "{}", listed.name);
        assert!(frames.is_sorted_by_key(|frame| frame.time_ns), "{}", listed.name);
        for frame in &frames {
            assert!((60..=1_514).contains(&frame.bytes.len()), "{}", line(frame));
            assert_eq!(defect(&frame.bytes), None, "{}: {}", listed.name, line(frame));
        }
    }
}

#[test]
fn a_seed_determines_the_capture() {
    for listed in SCENARIOS {
        assert_eq!(short(listed.name, 1), short(listed.name, 1), "{}", listed.name);
    }
    for name in ["branch-office", "syn-flood", "many-flows"] {
        assert_ne!(short(name, 1), short(name, 2), "{name}");
    }
}

#[test]
fn names_are_unique() {
    let names: HashSet<_> = SCENARIOS.iter().map(|listed| listed.name).collect();
    assert_eq!(names.len(), SCENARIOS.len());
}

/// Addresses, protocol and ports of an IPv4 or IPv6 frame without extensions.
fn five_tuple(frame: &Frame) -> Vec<u8> {
    match frame.bytes[14] >> 4 {
        4 => [&frame.bytes[23..24], &frame.bytes[26..38]].concat(),
        _ => [&frame.bytes[20..21], &frame.bytes[22..58]].concat(),
    }
}

#[test]
fn loads_have_as_many_flows_as_asked_for() {
    for (name, count, flows) in [
        ("deny-storm", None, 70_000),
        ("many-flows", Some(70_000), 65_000),
        ("many-flows", Some(5_000), 1_000),
        ("mixed-sizes", Some(500), 10),
    ] {
        let parameters = Parameters { count, flows: Some(flows), ..Parameters::default() };
        let frames = frames(name, &parameters);
        let count = count.unwrap_or(100_000);
        assert_eq!(frames.len() as u64, count, "{name}");
        let seen: HashSet<_> = frames.iter().map(five_tuple).collect();
        assert_eq!(seen.len(), flows as usize, "{name}");
    }
}

#[test]
fn many_flows_are_frames_of_64_bytes() {
    let lengths: HashSet<_> = short("many-flows", 1).iter().map(|f| f.bytes.len()).collect();
    assert_eq!(lengths, HashSet::from([64]));
    let lengths: HashSet<_> = short("mixed-sizes", 1).iter().map(|f| f.bytes.len()).collect();
    assert_eq!(lengths, HashSet::from([60, 590, 1_514]));
}

#[test]
fn writes_a_capture_that_reads_back() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let out = directory.path().join("office.pcap");
    let parameters = Parameters::default();
    let summary = run("branch-office", &out, &parameters).expect("writable");
    let expected = frames("branch-office", &parameters);
    let mut reader = CaptureReader::open(&out).expect("readable");
    for frame in &expected {
        let packet = reader.next_packet().expect("no damage").expect("as many packets");
        assert_eq!((packet.time_ns, packet.data), (frame.time_ns, &frame.bytes[..]));
        assert_eq!(packet.link, LinkType::Ethernet);
    }
    assert!(reader.next_packet().expect("no damage").is_none());
    assert_eq!(summary.packets, expected.len() as u64);
    let bytes: usize = expected.iter().map(|frame| frame.bytes.len()).sum();
    assert_eq!(summary.bytes, bytes as u64);
    // Small enough to stand in the repository.
    assert!(bytes < 200 * 1024, "{bytes} bytes");
    let minutes = summary.duration_ns / 60_000_000_000;
    assert!((3..6).contains(&minutes), "{minutes} minutes");
}

#[test]
fn the_example_is_the_branch_office_of_seed_1() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/branch-office.pcap");
    let directory = tempfile::tempdir().expect("temporary directory");
    let out = directory.path().join("office.pcap");
    run("branch-office", &out, &Parameters::default()).expect("writable");
    let (example, fresh) = (std::fs::read(example), std::fs::read(out));
    assert!(
        example.expect("committed example") == fresh.expect("just written"),
        "write it anew: weir generate branch-office --out examples/branch-office.pcap"
    );
}

#[test]
fn refuses_parameters_without_effect() {
    let message = |name, count, flows| {
        let out = std::env::temp_dir().join("never-written.pcap");
        let parameters = Parameters { seed: 1, count, flows };
        let error = run(name, &out, &parameters).expect_err("refused");
        assert!(!matches!(error, GenerateError::Create { .. }));
        error.to_string()
    };
    assert_eq!(message("lend", None, None), "unknown scenario `lend`");
    assert_eq!(message("land", Some(3), None), "scenario `land` has no choice of count");
    assert_eq!(message("nat", Some(3), None), "scenario `nat` has no choice of count");
    assert_eq!(message("syn-flood", None, Some(3)), "scenario `syn-flood` has no choice of flows");
    assert_eq!(
        message("many-flows", None, Some(0)),
        "scenario `many-flows` needs at least one flow"
    );
}
