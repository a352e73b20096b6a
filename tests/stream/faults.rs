//! `kill -9` of either process, at each of its failpoints and at random moments.

use std::fs;
use std::time::{Duration, Instant};

use super::support::{Bench, CONFIG, count, numbered, text, weir};

/// Places in the collector where it may die.
const COLLECTOR: [&str; 7] = [
    "collector-received",
    "collector-applied",
    "collector-sync",
    "spool-write",
    "spool-synced",
    "collector-ack",
    "collector-acked",
];

/// Places in the producer.
const PRODUCER: [&str; 5] = [
    "producer-append",
    "producer-appended",
    "producer-publish",
    "producer-received",
    "producer-written",
];

/// Rounds of random kills; `KILL_ROUNDS=500` for the long run.
const ROUNDS: u32 = 12;

#[test]
fn a_collector_that_is_killed_anywhere_has_every_frame_once_when_it_is_back() {
    for place in COLLECTOR {
        let bench = Bench::new();
        let mut collector = bench.collect(&[("KILL_AT", place)]);
        let producer = bench.replay_in_background(&[]);
        assert!(collector.died(), "{place} is never passed");
        drop(collector);
        let collector = bench.collect(&[]);
        let output = producer.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{place}: {}", text(&output.stderr));
        drop(collector);
        assert_eq!(bench.spooled(), bench.frames(), "{place}");
    }
}

/// Places in an outlet that writes a file of its own, which is rotated every megabyte.
const FILE: [&str; 5] = [
    "outlet-file-written",
    "outlet-file-written:3",
    "outlet-rotate",
    "outlet-rotate-step:2",
    "outlet-rotated",
];

#[test]
fn a_log_file_has_every_line_once_however_its_writer_is_killed() {
    for place in FILE {
        let bench = Bench::new();
        let storm = bench.file("storm.pcap");
        let generated = weir(&["generate", "deny-storm", "--count", "9000", "--out", &storm]);
        assert!(generated.status.success());
        let schedule = bench.file("rotate.toml");
        let written = fs::read_to_string("schedules/replay.toml").expect("the schedule");
        let directory = format!("log_directory = \"{}\"\nlog_mib_max", bench.file(""));
        fs::write(&schedule, written.replace("log_mib_max", &directory)).expect("written");
        let config = rotating(&bench);
        let arguments = ["--schedule", &schedule];
        let mut collector = bench.collect_in(&config, &arguments, &[("KILL_AT", place)]);
        let producer = bench.replay_capture_by(&config, &["--rate", "9000"], &storm);
        assert!(collector.died(), "{place} is never passed");
        drop(collector);
        let collector = bench.collect_in(&config, &arguments, &[]);
        let output = producer.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{place}: {}", text(&output.stderr));
        drop(collector);
        let numbered = |number: u32| fs::read_to_string(bench.file(&format!("flows.{number}")));
        let mut lines = String::new();
        (0..19).rev().filter_map(|number| numbered(number).ok()).for_each(|file| lines += &file);
        assert!(!lines.is_empty(), "it was rotated");
        lines += &fs::read_to_string(bench.file("flows")).unwrap_or_default();
        let expected = weir(&["replay", "--config", &config, &storm]).stdout;
        assert!(lines == text(&expected), "{place}: {} bytes", lines.len());
    }
}

/// The example's configuration with a log stream that goes to a small file.
fn rotating(bench: &Bench) -> String {
    let printed = text(&weir(&["print", "--config", CONFIG, "--set"]).stdout);
    let kept = printed.lines().filter(|line| !line.starts_with("set security log "));
    let stream = [
        "set security log mode stream",
        "set security log stream f file localfilename flows",
        "set security log stream f file size 1",
        "set security log stream f file rotation 19",
    ];
    let path = bench.file("file.conf");
    fs::write(&path, kept.chain(stream).collect::<Vec<_>>().join("\n") + "\n").expect("written");
    path
}

#[test]
fn a_producer_that_is_killed_anywhere_has_a_successor_that_goes_on() {
    for place in PRODUCER {
        let bench = Bench::new();
        let collector = bench.collect(&[]);
        let output = bench.replay_with(&[("KILL_AT", &format!("{place}:2"))]);
        assert_eq!(output.status.code(), None, "{place} is never passed");
        let output = bench.replay(&[]);
        assert!(output.status.success(), "{place}: {}", text(&output.stderr));
        drop(collector);
        expect_successor(&bench, place);
    }
}

/// The spool holds a beginning of the stream, as far as it was accepted, and then all of it again
/// under the numbers behind it.
fn expect_successor(bench: &Bench, place: &str) {
    let (spooled, frames) = (bench.spooled(), bench.frames());
    let accepted = spooled.len() - frames.len();
    assert_eq!(spooled[..accepted], frames[..accepted], "{place}");
    let again = numbered(&frames, count(&frames[..accepted]));
    assert_eq!(spooled[accepted..], again, "{place}");
}

#[test]
fn collectors_killed_at_random_moments_lose_nothing() {
    let rounds = std::env::var("KILL_ROUNDS").ok().and_then(|rounds| rounds.parse().ok());
    for round in 0..rounds.unwrap_or(ROUNDS) {
        let bench = Bench::new();
        let mut producer = bench.replay_in_background(&["--rate", "2000"]);
        let limit = Instant::now() + Duration::from_secs(60);
        let mut kills = 0u64;
        while producer.try_wait().expect("a child").is_none() {
            assert!(Instant::now() < limit, "round {round} does not end");
            let mut collector = bench.collect(&[]);
            // Spread over what a collector does in its first fifth of a second; the last one of
            // these lives long enough to finish.
            let wait = (u64::from(round) * 7919 + kills * 104_729) % 200;
            let wait = if kills > 4 { 60_000 } else { wait };
            let until = Instant::now() + Duration::from_millis(wait);
            while Instant::now() < until && producer.try_wait().expect("a child").is_none() {
                std::thread::sleep(Duration::from_millis(1));
            }
            collector.kill();
            kills += 1;
        }
        let output = producer.wait_with_output().expect("it ends");
        assert!(output.status.success(), "round {round}: {}", text(&output.stderr));
        assert_eq!(bench.spooled(), bench.frames(), "round {round}");
    }
}
