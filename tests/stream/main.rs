//! The event stream between real processes: `weir replay --stream` on one side, `weir collect` or a
//! consumer in another language on the other. Whoever is killed, whenever: every event that got a
//! number is in the spool once.

mod errors;
mod faults;
mod marks;
mod observe;
mod pressure;
mod replication;
mod support;
mod system;

use std::fs;
use std::process::Command;

use support::{Bench, CAPTURE, CONFIG, numbered, weir};

#[test]
fn a_collector_has_exactly_the_frames_and_says_so() {
    let bench = Bench::new();
    let collector = bench.collect(&[]);
    let output = bench.replay(&[]);
    assert!(output.status.success(), "{}", support::text(&output.stderr));
    assert!(support::text(&output.stderr).contains("residual 0"));
    drop(collector);
    assert_eq!(bench.spooled(), bench.frames());
    let said = fs::read_to_string(bench.file("collector.log")).expect("the log");
    let applied = said.lines().find(|line| line.starts_with("applied")).expect("a summary");
    assert!(applied.contains(" 102 ") && applied.ends_with(", 0 lost"), "{said}");
}

#[test]
fn who_starts_first_does_not_matter() {
    let bench = Bench::new();
    let producer = bench.replay_in_background(&[]);
    std::thread::sleep(std::time::Duration::from_millis(300));
    let collector = bench.collect(&[]);
    let output = producer.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", support::text(&output.stderr));
    drop(collector);
    assert_eq!(bench.spooled(), bench.frames());
}

#[test]
fn without_a_collector_the_end_says_what_is_not_acked_and_the_next_process_sends_it() {
    let bench = Bench::new();
    let output = bench.replay(&["--drain-timeout", "0"]);
    assert_eq!(output.status.code(), Some(1));
    let error = support::text(&output.stderr);
    assert!(error.contains("102 events are not acked, 1 to 102;"), "{error}");
    assert!(error.contains("keeps them for the next process"), "{error}");
    let collector = bench.collect(&[]);
    let output = bench.replay(&[]);
    assert!(output.status.success(), "{}", support::text(&output.stderr));
    assert!(support::text(&output.stderr).contains("102 taken over from the process before"));
    drop(collector);
    let frames = bench.frames();
    assert_eq!(bench.spooled(), [frames.clone(), numbered(&frames, 102)].concat());
}

#[test]
fn a_wire_that_does_not_wait_refuses_what_the_ring_cannot_hold_and_counts_it() {
    let bench = Bench::new();
    let schedule = bench.file("small.toml");
    let text = fs::read_to_string("schedules/replay.toml").expect("the schedule");
    fs::write(&schedule, text.replace("frames = 4096", "frames = 64")).expect("written");
    let ledger = bench.file("ledger.json");
    let arguments = ["--rate", "100000", "--schedule", &schedule, "--ledger", &ledger];
    let output = bench.replay(&[&arguments[..], &["--drain-timeout", "0"]].concat());
    assert_eq!(output.status.code(), Some(1));
    let ledger = fs::read(ledger).expect("the ledger");
    let ledger: serde_json::Value = serde_json::from_slice(&ledger).expect("JSON");
    assert_eq!(ledger["residual"], 0);
    let kinds = ledger["events"].as_object().expect("kinds");
    let refused = kinds.values().filter_map(|kind| kind["refused"]["ring_full"].as_u64());
    assert!(refused.sum::<u64>() > 0, "{ledger}");
}

#[test]
fn a_capture_waits_for_a_ring_that_is_smaller_than_a_batch() {
    let bench = Bench::new();
    let schedule = bench.file("small.toml");
    let text = fs::read_to_string("schedules/replay.toml").expect("the schedule");
    let text =
        text.replace("frames = 4096", "frames = 64").replace("rows_max = 256", "rows_max = 1024");
    let socket = bench.file("socket");
    let path = format!("[stream]\npath = \"{socket}\"\n");
    fs::write(&schedule, text.replace("[stream]\n", &path)).expect("written");
    let storm = bench.file("storm.pcap");
    assert!(weir(&["generate", "deny-storm", "--count", "3000", "--out", &storm]).status.success());
    let collector = bench.collect(&[]);
    let output = weir(&["replay", "--config", CONFIG, "--schedule", &schedule, &storm]);
    assert!(output.status.success(), "{}", support::text(&output.stderr));
    drop(collector);
    let spooled = bench.spooled();
    assert_eq!(spooled, bench.frames_of(&storm));
    assert!(spooled.len() > 1000 * 152, "a storm of events");
}

#[test]
fn a_second_producer_is_refused_and_the_first_goes_on() {
    let bench = Bench::new();
    let collector = bench.collect(&[]);
    let first = bench.replay_in_background(&["--rate", "300"]);
    std::thread::sleep(std::time::Duration::from_millis(500));
    let socket = bench.file("socket");
    let second =
        weir(&["replay", "--config", CONFIG, "--stream", &socket, "--drain-timeout", "0", CAPTURE]);
    assert_eq!(second.status.code(), Some(1), "{}", support::text(&second.stderr));
    let output = first.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", support::text(&output.stderr));
    drop(collector);
    assert_eq!(bench.spooled(), bench.frames());
}

#[test]
fn a_consumer_in_another_language_reads_acks_and_disconnects_and_has_every_event_once() {
    let bench = Bench::new();
    let events = bench.file("events");
    let consumer = Command::new("python3")
        .args(["tests/stream/consumer.py", &bench.file("socket"), &events, "102"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .spawn()
        .expect("python3");
    let output = bench.replay(&["--drain-timeout", "60"]);
    assert!(output.status.success(), "{}", support::text(&output.stderr));
    let consumed = consumer.wait_with_output().expect("it ends");
    assert!(consumed.status.success());
    assert_eq!(fs::read(events).expect("the events"), bench.frames());
}
