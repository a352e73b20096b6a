//! A collector that stalls, is not ready, has no room on its device, or is not meant for who
//! connects: the packets go on, and every event is delivered or counted.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Bench, CONFIG, count, text, weir};

fn run(program: &str, arguments: &[&str]) {
    let status = Command::new(program).args(arguments).status().expect("it runs");
    assert!(status.success(), "{program} {arguments:?}");
}

/// What a process says of itself.
fn status(control: &str) -> Value {
    let shown = weir(&["show", "stream", "--json", "--control", control]).stdout;
    let mut shown: Value = serde_json::from_slice(&shown).expect("JSON");
    shown[0].take()
}

fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let limit = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < limit, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A storm of denies.
fn storm(bench: &Bench, packets: &str) -> String {
    let path = bench.file("storm.pcap");
    assert!(weir(&["generate", "deny-storm", "--count", packets, "--out", &path]).status.success());
    path
}

/// Processor time that a process has had, in ticks of 10 ms.
fn ticks(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it lives");
    let fields: Vec<&str> =
        stat.rsplit_once(')').expect("a name").1.split_ascii_whitespace().collect();
    fields[11..13].iter().map(|ticks| ticks.parse::<u64>().expect("a number")).sum()
}

#[test]
fn a_collector_that_stalls_costs_exactly_what_the_ring_could_not_hold() {
    let bench = Bench::new();
    let (ledger, log) = (bench.file("ledger.json"), bench.file("log"));
    let storm = storm(&bench, "25000");
    let collector = bench.collect_with(&["--log", &log]);
    let begun = Instant::now();
    let producer = bench.replay_capture(&["--rate", "10000", "--ledger", &ledger], &storm);
    std::thread::sleep(Duration::from_millis(400));
    run("kill", &["-STOP", &collector.id().to_string()]);
    std::thread::sleep(Duration::from_millis(1200));
    run("kill", &["-CONT", &collector.id().to_string()]);
    let output = producer.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(begun.elapsed() < Duration::from_secs(6), "packets wait for nobody");
    drop(collector);
    let ledger: Value = serde_json::from_slice(&fs::read(ledger).expect("read")).expect("JSON");
    assert_eq!((&ledger["residual"], &ledger["packets"]["received"]), (&0.into(), &25_000.into()));
    let kinds = ledger["events"].as_object().expect("kinds");
    let refused: u64 =
        kinds.values().filter_map(|kind| kind["refused"]["ring_full"].as_u64()).sum();
    assert!(refused > 1000, "the ring was full: {refused}");
    assert_eq!(count(&bench.spooled()) + refused, 25_000);
    // The log's reader is told too, how many are missing and why.
    let log = fs::read_to_string(log).expect("the log");
    let told = log.lines().filter(|line| line.contains("reason=\"refused_by_producer\""));
    let missing = told.map(|line| {
        let count = line.split_once("count=\"").expect("a count").1;
        count.split_once('"').expect("a count").0.parse::<u64>().expect("a number")
    });
    assert_eq!(missing.sum::<u64>(), refused);
}

#[test]
fn a_collector_that_is_not_ready_costs_next_to_nothing_and_says_so_once() {
    let bench = Bench::new();
    let schedule = bench.file("small.toml");
    let written = fs::read_to_string("schedules/replay.toml").expect("the schedule");
    let written = written.replace("spool_mib_max = 4096", "spool_mib_max = 2");
    fs::write(&schedule, written.replace("segment_mib_max = 64", "segment_mib_max = 1"))
        .expect("written");
    let control = bench.file("ctl");
    let collector = bench.collect_with(&["--schedule", &schedule, "--control", &control]);
    let storm = storm(&bench, "20000");
    let mut producer = bench.replay_capture(&["--rate", "40000", "--drain-timeout", "60"], &storm);
    wait_for("the spool is full", || {
        status(&control)["troubles"].as_array().is_some_and(|all| !all.is_empty())
    });
    std::thread::sleep(Duration::from_secs(1));
    let before = (ticks(collector.id()), ticks(producer.id()));
    let lines =
        || fs::read_to_string(bench.file("collector.log")).expect("the log").lines().count();
    let said = lines();
    std::thread::sleep(Duration::from_secs(5));
    let after = (ticks(collector.id()), ticks(producer.id()));
    // One per cent of a core for five seconds is five of these ticks.
    assert!(after.0 - before.0 <= 5, "collector: {} ticks", after.0 - before.0);
    assert!(after.1 - before.1 <= 5, "producer: {} ticks", after.1 - before.1);
    assert!(lines() - said <= 1, "no line for every attempt");
    let now = status(&control);
    assert_eq!(now["collector"]["counters"]["connections"], 1, "the connection stays");
    producer.kill().expect("it runs");
    producer.wait().expect("it ends");
    drop(collector);
    bench.spooled();
}

#[test]
#[ignore = "needs root, for a file system of its own"]
fn a_device_without_room_holds_every_ack_until_there_is_some() {
    let bench = Bench::new();
    let (spool, control) = (bench.file("spool"), bench.file("ctl"));
    fs::create_dir(&spool).expect("made");
    run("mount", &["-t", "tmpfs", "-o", "size=1m", "weir-test", &spool]);
    let collector = bench.collect_with(&["--control", &control]);
    let storm = storm(&bench, "12000");
    let producer = bench.replay_capture(&[], &storm);
    wait_for("the device is full", || status(&control)["collector"]["spool"]["waits"].is_string());
    std::thread::sleep(Duration::from_millis(500));
    let full = status(&control);
    let position = full["collector"]["streams"][0]["position"].as_u64().expect("a number");
    assert!(position < 12_000, "it has no room for all");
    assert_eq!(full["collector"]["spool"]["alarm_percent"], 95);
    run("mount", &["-o", "remount,size=16m", &spool]);
    let output = producer.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", text(&output.stderr));
    wait_for("the alarm ends", || status(&control)["collector"]["spool"]["alarm_percent"] == 0);
    drop(collector);
    let spooled = bench.spooled();
    run("umount", &[&spool]);
    assert_eq!(spooled, bench.frames_of(&storm));
}

#[test]
#[ignore = "needs root, to be somebody else"]
fn somebody_else_s_producer_is_refused_counted_and_told_once() {
    let bench = Bench::new();
    let control = bench.file("ctl");
    let collector = bench.collect_with(&["--control", &control]);
    let open = |path: &str, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("opened");
    };
    open(&bench.file(""), 0o755);
    open(&bench.file("socket"), 0o666);
    // As somebody who could read neither the repository nor the build.
    let (program, config, capture) =
        (bench.file("weir"), bench.file("office.conf"), bench.file("office.pcap"));
    fs::copy(env!("CARGO_BIN_EXE_weir"), &program).expect("copied");
    fs::copy(CONFIG, &config).expect("copied");
    fs::copy("examples/branch-office.pcap", &capture).expect("copied");
    open(&config, 0o644);
    open(&capture, 0o644);
    open(&program, 0o755);
    let socket = bench.file("socket");
    let output = Command::new("setpriv")
        .args(["--reuid", "12345", "--regid", "12345", "--clear-groups", &program, "replay"])
        .args(["--config", &config, "--stream", &socket, "--drain-timeout", "2", &capture])
        .current_dir("/")
        .output()
        .expect("setpriv");
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let refused = status(&control)["collector"]["counters"]["refused_users"].as_u64();
    assert!(refused.is_some_and(|count| count >= 2), "{refused:?}");
    let said = fs::read_to_string(bench.file("collector.log")).expect("the log");
    assert_eq!(said.matches("uid=12345").count(), 1, "{said}");
    let output = bench.replay(&[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    drop(collector);
    assert_eq!(bench.spooled(), bench.frames());
}
