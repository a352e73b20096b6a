//! `kill -9` of either process, at each of its failpoints and at random moments.

use std::time::{Duration, Instant};

use components::wire::split_frame;

use super::support::{Bench, numbered, text};

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

fn count(frames: &[u8]) -> u64 {
    let (mut at, mut count) = (0, 0);
    while let Some(Ok(frame)) = split_frame(&frames[at..]) {
        at += frame.bytes.len();
        count += 1;
    }
    count
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
