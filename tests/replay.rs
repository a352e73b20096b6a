//! The `weir` command as a person runs it: what it prints, what it writes, how it exits.

#[expect(dead_code, reason = "each test file uses its part of the support")]
mod support;

use std::path::Path;
use std::process::{Command, Output};

use components::wire::Decoder;
use support::{branch_office, generated, replay, schedule};

const CONFIG: &str = "examples/branch-office.conf";
const CAPTURE: &str = "examples/branch-office.pcap";

fn weir(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_weir"))
        .args(args)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("weir runs")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

fn path(directory: &Path, name: &str) -> String {
    directory.join(name).display().to_string()
}

fn snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/replay"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    // Time and speed are the machine's.
    settings.add_filter(r"in [0-9.]+ s: [0-9,]+ packets/s", "in [time]: [speed]");
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn the_example_prints_its_log_and_a_balanced_summary() {
    let output = weir(&["replay", "--config", CONFIG, CAPTURE]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    snapshot("branch_office_log", &stdout(&output));
    snapshot("branch_office_summary", &stderr(&output));
}

#[test]
fn a_ledger_that_cannot_be_made_is_noticed_before_the_run() {
    let output =
        weir(&["replay", "--config", CONFIG, "--ledger", "/no/such/directory/l.json", CAPTURE]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert_eq!(stdout(&output), "", "no packet was run");
    assert!(stderr(&output).contains("/no/such/directory/l.json"), "{}", stderr(&output));
}

#[test]
fn the_example_in_the_other_formats() {
    for format in ["syslog", "json"] {
        let output = weir(&["replay", "--config", CONFIG, "--format", format, CAPTURE]);
        snapshot(&format!("branch_office_{format}"), &stdout(&output));
    }
}

#[test]
fn every_kind_of_event_of_the_example_comes_from_a_packet_and_reaches_every_output() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = |name| path(directory.path(), name);
    let (frames, written, ledger, log) =
        (file("frames"), file("out.pcapng"), file("ledger.json"), file("log"));
    let output = weir(&[
        "replay", "--config", CONFIG, "--frames", &frames, "--write", &written, "--ledger",
        &ledger, "--log", &log, "--host", "fw9", CAPTURE,
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stdout(&output), "", "the log went to a file");
    let ledger = std::fs::read(ledger).expect("the ledger");
    let ledger: serde_json::Value = serde_json::from_slice(&ledger).expect("JSON");
    assert_eq!((&ledger["balanced"], &ledger["residual"]), (&true.into(), &0.into()));
    let mut decoder = Decoder::new(1 << 20);
    let bytes = std::fs::read(frames).expect("the frames");
    assert_eq!(decoder.push(&bytes), bytes.len());
    let mut counts = std::collections::BTreeMap::new();
    let mut sequence = 0;
    while let Some(frame) = decoder.next_frame() {
        let frame = frame.expect("a good stream");
        sequence += 1;
        assert_eq!(frame.header.sequence.get(), sequence);
        let kind = frame.header.frame_type().expect("known").event_kind().expect("an event");
        *counts.entry(kind.label()).or_insert(0u64) += 1;
    }
    for kind in ["session_create", "session_close", "policy_deny", "screen_drop", "filter_log"] {
        assert!(counts[kind] > 0, "{kind}");
        assert_eq!(ledger["events"][kind]["assigned"], counts[kind]);
    }
    assert_eq!(ledger["stream"]["last_sequence"], sequence);
    let lines = std::fs::read_to_string(log).expect("the log");
    assert_eq!(lines.lines().count() as u64, sequence);
    assert!(lines.lines().all(|line| line.contains(" fw9 ")));
    check_written(Path::new(&written), &ledger);
}

/// Every transmitted packet has right checksums, and their number is the ledger's plus the answers.
fn check_written(written: &Path, ledger: &serde_json::Value) {
    let mut reader = weir::capture::CaptureReader::open(written).expect("the written capture");
    let mut packets = 0;
    let mut resets = 0;
    while let Some(packet) = reader.next_packet().expect("whole") {
        packets += 1;
        let data = packet.data;
        if data[0] >> 4 == 4 {
            let header = usize::from(data[0] & 15) * 4;
            assert_eq!(sum(&data[..header], 0), 0xffff, "IPv4 header of packet {packets}");
            let l4 = &data[header..];
            let pseudo = u32::from(data[9]) + u32::try_from(l4.len()).expect("short");
            let pseudo = pseudo + u32::from(sum(&data[12..20], 0));
            match data[9] {
                1 => assert_eq!(sum(l4, 0), 0xffff, "ICMP of packet {packets}"),
                6 | 17 => assert_eq!(sum(l4, pseudo), 0xffff, "transport of packet {packets}"),
                _ => {}
            }
            resets += u64::from(data[9] == 6 && l4[13] & 4 != 0);
        }
    }
    let forwarded = ledger["packets"]["forwarded"].as_u64().expect("a number");
    assert!(packets > forwarded, "{packets} packets: {forwarded} forwarded, and answers");
    assert!(resets > 1, "rejected TCP is answered with RST");
}

fn sum(bytes: &[u8], initial: u32) -> u16 {
    let words =
        bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0)));
    let mut sum = words.fold(initial, |sum, word| sum + word);
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    u16::try_from(sum).expect("folded")
}

#[test]
fn a_damaged_capture_is_processed_up_to_the_damage_which_is_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = path(directory.path(), "cut.pcap");
    let whole = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(CAPTURE)).expect("read");
    std::fs::write(&file, &whole[..whole.len() - 5]).expect("written");
    let output = weir(&["replay", "--config", CONFIG, &file]);
    assert_eq!(output.status.code(), Some(1));
    let text = stderr(&output);
    assert!(text.contains("429 received"), "{text}");
    assert!(text.contains("cut.pcap: damaged at byte 100542"), "{text}");
    assert!(text.contains("balanced"), "{text}");
}

#[test]
fn exit_statuses_tell_usage_from_configuration() {
    let directory = tempfile::tempdir().expect("a directory");
    let bad = path(directory.path(), "bad.conf");
    std::fs::write(&bad, "security { zones { security-zone trust { screen none; } } }\n")
        .expect("written");
    let schedule = path(directory.path(), "bad.toml");
    std::fs::write(&schedule, "systems = ['emit', 'parse']\n").expect("written");
    let thin = path(directory.path(), "thin.toml");
    std::fs::write(&thin, "systems = ['parse', 'policy', 'nat', 'rewrite', 'emit']\n")
        .expect("written");
    let cases: [(&[&str], i32, &str); 9] = [
        (&["replay", "--config", &bad, CAPTURE], 3, "undefined-screen"),
        (&["check", "--config", &bad], 3, ""),
        (&["check", "--config", &schedule], 3, ""),
        (&["check", "--config", "schedules/default.toml"], 0, ""),
        (&["replay", "--config", CONFIG, "--schedule", &schedule, CAPTURE], 3, "schedule-order"),
        (&["replay", "--config", CONFIG, "--schedule", &thin, CAPTURE], 3, "runs no `screen`"),
        (
            &["replay", "--config", CONFIG, "--ingress", "ge-0/0/9.0=x", CAPTURE],
            2,
            "no interface `ge-0/0/9.0`",
        ),
        (&["replay", "--config", CONFIG, "/nonexistent.pcap"], 1, "/nonexistent.pcap"),
        (&["generate", "nothing", "--out", "x"], 2, "branch-office"),
    ];
    for (args, status, says) in cases {
        let output = weir(args);
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(status), "{args:?}: {text}");
        assert!(text.contains(says), "{args:?}: {text}");
    }
}

#[test]
fn an_output_that_is_an_input_or_another_output_is_refused_and_left_as_it_was() {
    let directory = tempfile::tempdir().expect("a directory");
    let capture = path(directory.path(), "in.pcap");
    std::fs::copy(CAPTURE, &capture).expect("copied");
    let log = path(directory.path(), "log");
    let cases: [&[&str]; 2] = [&["--write", &capture], &["--log", &log, "--ledger", &log]];
    for outputs in cases {
        let args = [&["replay", "--config", CONFIG, &capture], outputs].concat();
        let output = weir(&args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(stderr(&output).contains("would be overwritten"), "{args:?}");
    }
    assert!(!Path::new(&log).exists(), "nothing was created");
    let size = |file: &str| std::fs::metadata(file).expect("exists").len();
    assert_eq!(size(&capture), size(CAPTURE));
}

#[test]
fn a_commit_on_the_way_shows_in_the_summary() {
    let directory = tempfile::tempdir().expect("a directory");
    let narrow = path(directory.path(), "narrow.conf");
    let text = branch_office().replace("address lan 10.1.1.0/24", "address lan 10.1.1.0/28");
    std::fs::write(&narrow, text).expect("written");
    let commit = format!("100s={narrow}");
    let output = weir(&["replay", "--config", CONFIG, "--commit", &commit, CAPTURE]);
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    let summary = text.lines().skip_while(|line| !line.starts_with("commit ")).take(5);
    let words = |line: &str| line.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    let summary: Vec<_> = summary.map(words).collect();
    assert_eq!(summary, ["commit 5", "0 unchanged", "4 rematched", "1 ended", "1 policy"]);
    assert!(stdout(&output).contains("reason=\"policy\""), "{}", stdout(&output));
}

#[test]
fn a_bad_commit_stops_the_replay_before_it_begins() {
    let directory = tempfile::tempdir().expect("a directory");
    let bad = path(directory.path(), "bad.conf");
    std::fs::write(&bad, "security { zones { security-zone trust { screen none; } } }\n")
        .expect("written");
    let log = path(directory.path(), "log");
    let late = format!("2030-01-01T00:00:00Z={bad}");
    let args = ["replay", "--config", CONFIG, "--log", &log, "--commit"];
    let with = |commit: &str| weir(&[&args[..], &[commit, CAPTURE]].concat());
    let output = with(&late);
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains(&format!("{bad}:1:")), "{}", stderr(&output));
    let output = with("5s=/nonexistent.conf");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("/nonexistent.conf"), "{}", stderr(&output));
    let output = with("soon=x.conf");
    assert_eq!(output.status.code(), Some(2));
    assert!(!Path::new(&log).exists(), "nothing was written");
}

#[test]
fn bound_captures_take_their_interface_and_spoofed_sources_show() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = path(directory.path(), "spoof.pcap");
    std::fs::write(&file, generated("ip-spoofing", 1)).expect("written");
    let bind = format!("ge-0/0/0.0={file}");
    let output = weir(&["replay", "--config", CONFIG, "--ingress", &bind]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("attack-name=\"IP spoofing!\""), "{}", stderr(&output));
}

#[test]
fn printed_configurations_compile_to_the_same_firewall() {
    let config = branch_office();
    let capture = generated("branch-office", 1);
    let original = replay(&config, &capture, schedule(64, 1));
    for flag in [None, Some("--set")] {
        let mut args = vec!["print", "--config", CONFIG];
        args.extend(flag);
        let printed = stdout(&weir(&args));
        let again = replay(&printed, &capture, schedule(64, 1));
        assert_eq!(original.log, again.log, "{flag:?}");
    }
}
