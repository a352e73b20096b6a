//! Screens with history over whole captures: ordinary traffic fires none of them, a flood leaves
//! exactly what the threshold lets through, and SYN cookies answer the rest.

use super::*;
use support::{branch_office, generated};

/// Every option with history at its default, on every zone of the branch office.
const ALL: &[&str] = &[
    "tcp syn-flood",
    "tcp port-scan",
    "tcp tcp-sweep",
    "tcp syn-ack-ack-proxy",
    "icmp flood",
    "icmp ip-sweep",
    "udp flood",
    "udp port-scan",
    "udp udp-sweep",
    "limit-session source-ip-based",
    "limit-session destination-ip-based",
];
const ATTACKER: [u8; 4] = [198, 51, 100, 66];

/// The frames of a capture with their times.
fn frames_of(capture: Vec<u8>) -> Vec<(u64, Vec<u8>)> {
    let mut reader = CaptureReader::from_read("in.pcap", Cursor::new(capture));
    let mut frames = Vec::new();
    while let Some(packet) = reader.next_packet().expect("generated captures are whole") {
        frames.push((packet.time_ns, packet.data.to_vec()));
    }
    frames
}

fn capture_of(frames: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let mut writer =
        PcapWriter::new("out.pcap", Vec::new(), Resolution::Nanoseconds).expect("memory");
    for (time_ns, frame) in frames {
        writer.write(*time_ns, frame).expect("memory");
    }
    writer.finish().expect("memory")
}

/// The branch office, every zone that has a screen with every option instead.
fn screened() -> String {
    let mut config = branch_office();
    let profile: String = ALL.iter().map(|option| braces(option)).collect();
    config = config.replace(
        "ids-option untrust-screen {",
        &format!("ids-option every {{ {profile} }} ids-option untrust-screen {{"),
    );
    config.replace("screen untrust-screen;", "screen every;")
}

/// `tcp syn-flood` as `tcp { syn-flood; }`.
fn braces(option: &str) -> String {
    let (protocol, rest) = option.split_once(' ').expect("two words");
    format!("{protocol} {{ {rest}; }} ")
}

#[test]
fn ordinary_traffic_fires_no_screen_with_history() {
    for seed in [1, 2, 3] {
        let mut frames = frames_of(generated("branch-office", seed));
        frames.retain(|(_, frame)| frame.get(26..30) != Some(&ATTACKER[..]));
        let output = replay(&screened(), &capture_of(&frames), schedule(64, 1));
        let fired: Vec<&str> =
            output.log.lines().filter(|line| line.contains("RT_SCREEN")).collect();
        assert!(fired.is_empty(), "seed {seed}: {fired:#?}");
        assert!(output.ledger.sessions.created > 20, "the office has work");
    }
}

#[test]
fn a_port_scan_fires_from_its_tenth_port_on() {
    let frames = frames_of(generated("branch-office", 1));
    let output = replay(&screened(), &capture_of(&frames), schedule(64, 1));
    let scans = output.log.lines().filter(|line| line.contains("TCP port scan!")).count();
    assert_eq!(scans, 24 - 9);
}

#[test]
fn of_a_syn_flood_the_threshold_gets_through_and_cookies_answer_the_rest() {
    let flood = generated("syn-flood", 1);
    let config = branch_office();
    let cookies = config.replacen("flow {", "flow { syn-flood-protection-mode syn-cookie;", 1);
    assert_ne!(config, cookies, "the example has flow options");
    let dropped = replay(&config, &flood, schedule(64, 1));
    let answered = replay(&cookies, &flood, schedule(64, 1));
    let screened = |output: &Output| output.ledger.packets.dropped.get("screen").copied();
    assert_eq!(screened(&dropped), screened(&answered));
    assert!(screened(&dropped) > Some(2000), "{:?}", dropped.ledger.packets);
    let names = |output: &Output, name: &str| {
        output.log.lines().filter(|line| line.contains(name)).count() as u64
    };
    assert_eq!(Some(names(&dropped, "SYN flood!")), screened(&dropped));
    assert_eq!(Some(names(&answered, "SYN cookie!")), screened(&answered));
    for workers in [2, 4] {
        let many = replay(&cookies, &flood, schedule(64, workers));
        let fired = |output: &Output| -> Vec<String> {
            let lines = output.log.lines().filter(|line| line.contains("RT_SCREEN"));
            lines.map(str::to_owned).collect()
        };
        assert!(fired(&many) == fired(&answered), "{workers} workers");
    }
}
