//! What the system does to both processes: clocks that are set, processes that stand still, no
//! descriptors left, files that anybody may change.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::Duration;

use components::wire::split_frame;

use crate::support::{Bench, CONFIG, text, weir};

fn signal(pid: u32, name: &str) {
    let status = Command::new("kill").args([name, &pid.to_string()]).status().expect("kill");
    assert!(status.success());
}

/// A figure of the collector's control socket.
fn counter(control: &str, name: &str) -> u64 {
    let shown = weir(&["show", "stream", "--json", "--control", control]).stdout;
    let shown: serde_json::Value = serde_json::from_slice(&shown).expect("JSON");
    shown[0]["collector"]["counters"][name].as_u64().expect("a counter")
}

#[test]
fn processes_that_stand_still_go_on_where_they_were() {
    let bench = Bench::new();
    let collector = bench.collect(&[]);
    let producer = bench.replay_in_background(&["--rate", "150"]);
    std::thread::sleep(Duration::from_millis(200));
    for pid in [collector.id(), producer.id()] {
        signal(pid, "-STOP");
        std::thread::sleep(Duration::from_millis(700));
        signal(pid, "-CONT");
    }
    signal(collector.id(), "-STOP");
    signal(producer.id(), "-STOP");
    std::thread::sleep(Duration::from_millis(700));
    signal(producer.id(), "-CONT");
    signal(collector.id(), "-CONT");
    let output = producer.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", text(&output.stderr));
    drop(collector);
    assert_eq!(bench.spooled(), bench.frames());
}

/// A schedule whose stream and collector speak this dialect.
fn speaking(bench: &Bench, dialect: &str) -> String {
    let path = bench.file(&format!("{dialect}.toml"));
    let written = fs::read_to_string("schedules/replay.toml").expect("the schedule");
    let spoken = format!("dialect = \"{dialect}\"");
    fs::write(&path, written.replace("dialect = \"weir\"", &spoken)).expect("written");
    path
}

/// The types of frames, and whether they have a session event's.
fn types(frames: &[u8]) -> (Vec<u8>, usize) {
    let (mut at, mut types) = (0, Vec::new());
    while let Some(Ok(frame)) = split_frame(&frames[at..]) {
        types.push(frame.header.frame_type);
        at += frame.bytes.len();
    }
    let sessions = types.iter().filter(|number| **number > 13).count();
    (types, sessions)
}

#[test]
fn versions_that_differ_deliver_what_both_know_and_count_the_rest() {
    let bench = Bench::new();
    let (all, sessions) = types(&bench.frames());
    let known: Vec<u8> = all.iter().copied().filter(|number| *number <= 13).collect();
    assert!(sessions > 0 && !known.is_empty());

    // An older producer says no Hello and has no session events.
    let (older, newer) = (speaking(&bench, "xpf"), speaking(&bench, "weir"));
    let collector = bench.collect_with(&["--schedule", &newer]);
    let ledger = bench.file("ledger.json");
    let output = bench.replay(&["--schedule", &older, "--ledger", &ledger]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    drop(collector);
    assert_eq!(types(&bench.spooled()).0, known);
    let ledger: serde_json::Value =
        serde_json::from_slice(&fs::read(ledger).expect("read")).expect("JSON");
    let kinds = ledger["events"].as_object().expect("kinds");
    let disabled = kinds.values().filter_map(|kind| kind["refused"]["disabled"].as_u64());
    assert_eq!(disabled.sum::<u64>(), sessions as u64);

    // An older collector keeps what it does not know aside, acks it and counts it.
    let bench = Bench::new();
    let (older, newer) = (speaking(&bench, "xpf"), speaking(&bench, "weir"));
    let control = bench.file("ctl");
    let collector = bench.collect_with(&["--schedule", &older, "--control", &control]);
    let output = bench.replay(&["--schedule", &newer]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    std::thread::sleep(Duration::from_millis(300));
    // Hello and LossReport are unknown to it as well.
    assert!(counter(&control, "unknown_types") > sessions as u64);
    drop(collector);
    assert_eq!(types(&bench.spooled()).0, known);
}

#[test]
fn with_no_descriptor_left_the_stream_goes_on_and_each_refusal_is_counted() {
    let bench = Bench::new();
    let control = bench.file("ctl");
    let arguments = ["--metrics", "127.0.0.1:0", "--control", &control];
    let collector = bench.collect_limited(&arguments, 32);
    let said = fs::read_to_string(bench.file("collector.log")).expect("the log");
    let address = said.lines().find_map(|line| line.strip_prefix("weir: figures at http://"));
    let address = address.and_then(|line| line.strip_suffix("/metrics")).expect("an address");
    let idle: Vec<TcpStream> = (0..60).filter_map(|_| TcpStream::connect(address).ok()).collect();
    assert!(idle.len() > 32, "more than it has descriptors");
    let output = bench.replay(&[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    drop(idle);
    std::thread::sleep(Duration::from_millis(300));
    let mut socket = TcpStream::connect(address).expect("it listens");
    write!(socket, "GET /metrics HTTP/1.1\r\nHost: weir\r\n\r\n").expect("sent");
    let mut figures = String::new();
    socket.read_to_string(&mut figures).expect("an answer");
    let refused = "weir_http_requests_total{outcome=\"refused\"} ";
    let refused = figures.lines().find_map(|line| line.strip_prefix(refused));
    let refused = refused.and_then(|count| count.parse::<f64>().ok());
    assert!(refused.is_some_and(|count| count > 30.0), "{figures}");
    drop(collector);
    assert_eq!(bench.spooled(), bench.frames());
}

#[test]
fn a_configuration_that_anybody_may_write_is_no_configuration_of_a_collector() {
    let bench = Bench::new();
    let config = bench.file("open.conf");
    fs::copy(CONFIG, &config).expect("copied");
    fs::set_permissions(&config, fs::Permissions::from_mode(0o666)).expect("opened");
    let (socket, spool) = (bench.file("socket"), bench.file("spool"));
    let output = weir(&["collect", "--config", &config, "--listen", &socket, "--spool", &spool]);
    assert_eq!(output.status.code(), Some(2));
    let error = text(&output.stderr);
    assert!(error.contains("open.conf: everybody may write it (mode 666)"), "{error}");
}

#[test]
#[ignore = "needs libfaketime"]
fn a_wall_clock_that_is_set_changes_no_wait_and_is_counted() {
    let bench = Bench::new();
    let (control, offset) = (bench.file("ctl"), bench.file("offset"));
    fs::write(&offset, "+0").expect("written");
    let library = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";
    let environment = [
        ("LD_PRELOAD", library),
        ("DONT_FAKE_MONOTONIC", "1"),
        ("FAKETIME_TIMESTAMP_FILE", &offset),
        ("FAKETIME_NO_CACHE", "1"),
    ];
    let collector = bench.collect_in(CONFIG, &["--control", &control], &environment);
    let producer = bench.replay_in_background(&["--rate", "60"]);
    for jump in ["+1d", "-1d", "+4000d", "+0"] {
        std::thread::sleep(Duration::from_millis(1300));
        fs::write(&offset, jump).expect("written");
    }
    let output = producer.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", text(&output.stderr));
    std::thread::sleep(Duration::from_millis(1300));
    assert_eq!(counter(&control, "clock_jumps"), 4);
    assert_eq!(counter(&control, "connections"), 1, "nobody thought the other dead");
    drop(collector);
    assert_eq!(bench.spooled(), bench.frames());
}
