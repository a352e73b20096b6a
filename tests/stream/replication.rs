//! Session replication between real processes: whatever happens to either, the collector's replica
//! has the sessions that the producer has, and the events are what they are without a cluster.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use components::wire::{Frame, Session, SessionEnd, split_frame};
use weir::collector::replica::read_sessions;

use crate::support::{Bench, CONFIG, text, weir};

/// The example on a node that is the primary of everything, and a schedule whose captures end with
/// their sessions still there.
struct Cluster {
    bench: Bench,
    config: String,
    schedule: String,
    capture: String,
}

impl Cluster {
    fn new() -> Self {
        Self::with_ring(65_536)
    }

    fn with_ring(frames: u32) -> Self {
        let bench = Bench::new();
        let printed = text(&weir(&["print", "--config", CONFIG, "--set"]).stdout);
        let mut config = printed.clone();
        config += "set chassis cluster redundancy-group 1 node 0 priority 200\n";
        config += "set chassis cluster redundancy-group 1 node 1 priority 100\n";
        let interfaces = printed.lines().filter_map(|line| line.strip_prefix("set interfaces "));
        let mut names: Vec<_> = interfaces.filter_map(|line| line.split(' ').next()).collect();
        names.dedup();
        for name in names.iter().filter(|name| name.starts_with("ge-")) {
            config +=
                &format!("set interfaces {name} redundant-ether-options redundancy-group 1\n");
        }
        let policy = "set security policies from-zone trust to-zone untrust policy flows";
        for rest in [
            "match source-address any",
            "match destination-address any",
            "match application any",
            "then permit",
            "then log session-init",
        ] {
            config += &format!("{policy} {rest}\n");
        }
        let path = bench.file("cluster.conf");
        fs::write(&path, config).expect("written");
        let schedule = bench.file("keep.toml");
        let written = fs::read_to_string("schedules/replay.toml").expect("the schedule");
        let written = written.replace("at_end = \"age-out\"", "at_end = \"keep\"");
        let written = written.replace("frames = 65536", &format!("frames = {frames}"));
        fs::write(&schedule, written).expect("written");
        let capture = bench.file("flows.pcap");
        let arguments = ["--count", "1500", "--flows", "500", "--out", &capture];
        let generated = weir(&[&["generate", "many-flows"][..], &arguments].concat());
        assert!(generated.status.success(), "{}", text(&generated.stderr));
        Self { bench, config: path, schedule, capture }
    }

    /// Frames of the stream as they are without a socket, events and session frames apart.
    fn told(&self, capture: &str) -> (Vec<Vec<u8>>, BTreeMap<Vec<u8>, Session>) {
        let frames = self.bench.file("told");
        let schedule = ["--schedule", &self.schedule, "--frames", &frames];
        let more = ["--log", "/dev/null", capture];
        let start = ["replay", "--config", &self.config];
        let output = weir(&[&start[..], &schedule, &more].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        split(&fs::read(frames).expect("the frames"))
    }

    /// The sessions in the replica's file, which must be complete.
    fn replicated(&self) -> BTreeMap<Vec<u8>, Session> {
        let path = self.bench.file("spool/sessions");
        let (place, sessions) =
            read_sessions(Path::new(&path)).expect("there").expect("a whole file");
        assert!(place.is_complete());
        sessions.into_iter().map(|session| (key(&session), session)).collect()
    }
}

/// Records of events, without their numbers, and the sessions that are left of those told.
fn split(frames: &[u8]) -> (Vec<Vec<u8>>, BTreeMap<Vec<u8>, Session>) {
    let (mut at, mut events, mut sessions) = (0, Vec::new(), BTreeMap::new());
    while let Some(Ok(frame)) = split_frame(&frames[at..]) {
        match frame.decode().expect("a frame of ours") {
            Frame::SessionOpen(session) | Frame::SessionUpdate(session) => {
                sessions.insert(key(&session), session);
            }
            Frame::SessionClose(end) => {
                sessions.remove(&key_of_end(&end));
            }
            Frame::FullResync => sessions.clear(),
            _ => events.push(frame.payload().to_vec()),
        }
        at += frame.bytes.len();
    }
    (events, sessions)
}

fn key(session: &Session) -> Vec<u8> {
    let bytes = session.as_bytes();
    let length = if bytes[0] == 4 { 8 } else { 32 };
    [&bytes[..6], &bytes[24..24 + length]].concat()
}

fn key_of_end(end: &SessionEnd) -> Vec<u8> {
    let mut bytes = Vec::new();
    end.write(&mut bytes);
    let length = if bytes[0] == 4 { 8 } else { 32 };
    bytes.truncate(6 + length);
    bytes
}

#[test]
fn the_replica_has_the_sessions_whoever_starts_first() {
    let cluster = Cluster::new();
    let (events, sessions) = cluster.told(&cluster.capture);
    assert!(sessions.len() > 100, "{} sessions are left", sessions.len());
    for producer_first in [true, false] {
        let cluster = Cluster::new();
        let bench = &cluster.bench;
        let schedule = ["--schedule", &cluster.schedule];
        let collect = || bench.collect_in(&cluster.config, &schedule, &[]);
        let produce = || bench.replay_capture_by(&cluster.config, &schedule, &cluster.capture);
        let (collector, producer) = if producer_first {
            let producer = produce();
            std::thread::sleep(Duration::from_millis(300));
            (collect(), producer)
        } else {
            (collect(), produce())
        };
        let output = producer.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains("residual 0"));
        drop(collector);
        assert_eq!(split(&bench.spooled()), (events.clone(), sessions.clone()));
        assert_eq!(cluster.replicated(), sessions, "producer first: {producer_first}");
    }
}

#[test]
fn a_collector_without_a_cluster_passes_session_frames_over() {
    let cluster = Cluster::new();
    let (events, _) = cluster.told(&cluster.capture);
    let collector = cluster.bench.collect(&[]);
    let output = cluster.bench.replay_by(&cluster.config, &[], &cluster.capture);
    assert!(output.status.success(), "{}", text(&output.stderr));
    drop(collector);
    assert!(!Path::new(&cluster.bench.file("spool/sessions")).exists());
    let aged = split(&cluster.bench.spooled());
    assert!(aged.0.len() > events.len(), "what aged out was logged too");
    assert!(aged.1.is_empty());
}

#[test]
fn session_frames_that_find_no_room_are_made_good_by_telling_all_again() {
    let cluster = Cluster::with_ring(64);
    let storm = cluster.bench.file("storm.pcap");
    let arguments = ["--count", "6000", "--flows", "3000", "--out", &storm];
    let generated = weir(&[&["generate", "many-flows"][..], &arguments].concat());
    assert!(generated.status.success(), "{}", text(&generated.stderr));
    let (_, sessions) = cluster.told(&storm);
    assert!(sessions.len() > 1000, "{} sessions are left", sessions.len());
    let schedule = ["--schedule", &cluster.schedule];
    let collector = cluster.bench.collect_in(&cluster.config, &schedule, &[]);
    let rate = ["--schedule", &cluster.schedule, "--rate", "100000"];
    let output = cluster.bench.replay_by(&cluster.config, &rate, &storm);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("residual 0"), "{}", text(&output.stderr));
    drop(collector);
    assert_eq!(cluster.replicated(), sessions);
    let frames = cluster.bench.spooled();
    let mut at = 0;
    let mut resyncs = 0;
    while let Some(Ok(frame)) = split_frame(&frames[at..]) {
        resyncs += u32::from(frame.header.frame_type == 9);
        at += frame.bytes.len();
    }
    assert!(resyncs > 1, "frames were refused");
}

/// Where a replica may die.
const REPLICA: [&str; 4] = ["replica-taken", "replica-keep", "replica-written", "replica-kept:2"];

#[test]
fn a_replica_that_is_killed_anywhere_has_the_sessions_when_it_is_back() {
    for place in REPLICA {
        let cluster = Cluster::new();
        let (events, sessions) = cluster.told(&cluster.capture);
        let bench = &cluster.bench;
        let schedule = ["--schedule", &cluster.schedule];
        let mut collector = bench.collect_in(&cluster.config, &schedule, &[("KILL_AT", place)]);
        let producer = bench.replay_capture_by(&cluster.config, &schedule, &cluster.capture);
        assert!(collector.died(), "{place} is never passed");
        drop(collector);
        let collector = bench.collect_in(&cluster.config, &schedule, &[]);
        let output = producer.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{place}: {}", text(&output.stderr));
        drop(collector);
        assert_eq!(split(&bench.spooled()), (events, sessions.clone()), "{place}");
        assert_eq!(cluster.replicated(), sessions, "{place}");
    }
}

#[test]
fn a_producer_that_takes_over_begins_with_a_full_resync() {
    let cluster = Cluster::new();
    let (events, sessions) = cluster.told(&cluster.capture);
    let bench = &cluster.bench;
    let schedule = ["--schedule", &cluster.schedule];
    let collector = bench.collect_in(&cluster.config, &schedule, &[]);
    let rate = ["--schedule", &cluster.schedule, "--rate", "1500"];
    let mut producer = bench.replay_capture_by(&cluster.config, &rate, &cluster.capture);
    std::thread::sleep(Duration::from_millis(400));
    producer.kill().expect("it runs");
    producer.wait().expect("it ends");
    let output = bench.replay_by(&cluster.config, &schedule, &cluster.capture);
    assert!(output.status.success(), "{}", text(&output.stderr));
    drop(collector);
    assert_eq!(cluster.replicated(), sessions);
    let (spooled, left) = split(&bench.spooled());
    assert_eq!(left, sessions);
    assert_eq!(spooled[spooled.len() - events.len()..], events);
}

#[test]
fn collectors_killed_at_random_moments_have_every_session_in_the_end() {
    let rounds = std::env::var("KILL_ROUNDS").ok().and_then(|rounds| rounds.parse().ok());
    for round in 0..rounds.unwrap_or(ROUNDS) {
        let cluster = Cluster::new();
        let (events, sessions) = cluster.told(&cluster.capture);
        let bench = &cluster.bench;
        let rate = ["--schedule", &cluster.schedule, "--rate", "2000"];
        let mut producer = bench.replay_capture_by(&cluster.config, &rate, &cluster.capture);
        let limit = Instant::now() + Duration::from_secs(60);
        let mut kills = 0u64;
        while producer.try_wait().expect("a child").is_none() {
            assert!(Instant::now() < limit, "round {round} does not end");
            let schedule = ["--schedule", &cluster.schedule];
            let mut collector = bench.collect_in(&cluster.config, &schedule, &[]);
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
        drop(bench.collect_in(&cluster.config, &["--schedule", &cluster.schedule], &[]));
        assert_eq!(split(&bench.spooled()), (events, sessions.clone()), "round {round}");
        assert_eq!(cluster.replicated(), sessions, "round {round}");
    }
}

/// Rounds of random kills; `KILL_ROUNDS=500` for the long run.
const ROUNDS: u32 = 5;
