//! A commit on the way changes what comes after it and nothing before, at every batch size the
//! same, and one to the same configuration changes nothing at all.

mod support;

use proptest::prelude::*;
use support::{Output, branch_office, generated, replay, replay_through, schedule};
use weir::generate::SCENARIOS;
use weir::replay::agenda::CommitTime;

const ROWS: [usize; 5] = [1, 7, 64, 256, 1024];

/// Other configurations of the branch office, each with what it changes.
fn variants() -> Vec<(&'static str, String)> {
    let office = branch_office();
    let changed = |changes: &[(&str, &str)]| {
        changes.iter().fold(office.clone(), |text, (old, new)| {
            assert!(text.contains(old), "the example has `{old}`");
            text.replace(old, new)
        })
    };
    vec![
        ("the same", office.clone()),
        ("a narrower address", changed(&[("lan 10.1.1.0/24", "lan 10.1.1.0/26")])),
        (
            "fewer sources of NAT",
            changed(&[("source-address 10.1.1.0/24", "source-address 10.1.1.64/26")]),
        ),
        (
            "another server",
            changed(&[(
                "address 10.1.2.80/32;\n            }\n            rule-set",
                "address 10.1.2.81/32;\n            }\n            rule-set",
            )]),
        ),
        ("zones by other names", changed(&[("dmz", "servers")])),
        ("interfaces by other numbers", changed(&[("ge-0/0/1", "ge-0/0/9")])),
        ("a tighter limit", changed(&[("source-ip-based 128", "source-ip-based 2")])),
        ("no screen", changed(&[("screen untrust-screen;", "")])),
        ("no filter", changed(&[("input edge-in;", "")])),
        ("policies by other names", changed(&[("policy staff", "policy office")])),
        (
            "only the same policy",
            changed(&[
                (
                    "apply-groups log-sessions;",
                    "apply-groups log-sessions;\n        policy-rematch;",
                ),
                ("policy staff", "policy office"),
            ]),
        ),
    ]
}

fn assert_same(one: &Output, other: &Output, what: &str) {
    assert_eq!(one.log, other.log, "{what}: log lines");
    assert!(one.frames == other.frames, "{what}: frames differ");
    assert!(one.packets == other.packets, "{what}: packets differ");
    assert_eq!(one.ledger_json(), other.ledger_json(), "{what}: ledger");
}

/// Times of a capture's packets.
fn times_of(capture: &[u8]) -> Vec<u64> {
    let reader = std::io::Cursor::new(capture.to_vec());
    let mut reader = weir::capture::CaptureReader::from_read("x", reader);
    let mut times = Vec::new();
    while let Some(packet) = reader.next_packet().expect("generated captures are whole") {
        times.push(packet.time_ns);
    }
    times
}

#[test]
fn a_commit_of_the_same_configuration_changes_nothing() {
    let config = branch_office();
    for scenario in SCENARIOS {
        let capture = generated(scenario.name, 5);
        let times = times_of(&capture);
        let places = [0, times.len() / 3, times.len() / 2, times.len() - 1];
        let commits: Vec<(CommitTime, &str)> =
            places.iter().map(|&at| (CommitTime::At(times[at]), config.as_str())).collect();
        for workers in [1, 2] {
            let plain = replay(&config, &capture, schedule(64, workers));
            let through = replay_through(&config, &commits, &capture, schedule(64, workers));
            assert_same(&plain, &through, &format!("{} with {workers} workers", scenario.name));
        }
    }
}

#[test]
fn every_change_gives_the_same_bytes_at_every_batch_size() {
    let config = branch_office();
    for name in ["branch-office", "tcp-sessions", "syn-flood"] {
        let Some(_) = SCENARIOS.iter().find(|scenario| scenario.name == name) else { continue };
        let capture = generated(name, 9);
        let times = times_of(&capture);
        for (what, other) in variants() {
            let at = [times[times.len() / 4], times[times.len() / 2]];
            let commits =
                [(CommitTime::At(at[0]), other.as_str()), (CommitTime::At(at[1]), &config)];
            let outputs =
                ROWS.map(|rows| replay_through(&config, &commits, &capture, schedule(rows, 1)));
            for (rows, output) in ROWS.iter().zip(&outputs) {
                assert!(output.ledger.balanced, "{what}: {:#?}", output.ledger.identities);
                assert_same(&outputs[0], output, &format!("{name}, {what}, {rows} rows"));
            }
        }
    }
}

#[test]
fn what_comes_before_a_commit_is_as_without_it() {
    let config = branch_office();
    let capture = generated("branch-office", 3);
    let times = times_of(&capture);
    let plain = replay(&config, &capture, schedule(256, 1));
    for (what, other) in variants().iter().skip(1) {
        let at = times[times.len() / 2];
        let commits = [(CommitTime::At(at), other.as_str())];
        let through = replay_through(&config, &commits, &capture, schedule(256, 1));
        let same = plain.log.lines().zip(through.log.lines()).take_while(|(a, b)| a == b).count();
        let before = plain.log.lines().filter(|line| time_of(line) < at).count();
        assert!(same >= before, "{what}: {same} of {before} lines");
    }
}

/// The time in a line of `sd-syslog`.
fn time_of(line: &str) -> u64 {
    let time = line.split(' ').nth(1).expect("a time");
    let time: jiff::Timestamp = time.parse().expect("RFC 3339");
    u64::try_from(time.as_nanosecond()).expect("after 1970")
}

#[test]
fn relative_times_count_from_the_first_packet() {
    let (config, other) = (branch_office(), variants().swap_remove(1).1);
    let capture = generated("branch-office", 3);
    let times = times_of(&capture);
    for after in [0, 1, times[times.len() / 2] - times[0]] {
        let run = |at| replay_through(&config, &[(at, &other)], &capture, schedule(64, 1));
        let relative = run(CommitTime::After(after));
        assert_same(&relative, &run(CommitTime::At(times[0] + after)), "relative");
    }
    let at_once =
        replay_through(&config, &[(CommitTime::At(0), &other)], &capture, schedule(64, 1));
    assert_same(&at_once, &replay(&other, &capture, schedule(64, 1)), "before all packets");
}

#[test]
fn the_written_capture_has_each_interface_once_by_its_name() {
    let config = branch_office();
    let renamed = config.replace("ge-0/0/1", "ge-0/0/9");
    let capture = generated("branch-office", 3);
    let times = times_of(&capture);
    let at = |part: usize| CommitTime::At(times[times.len() * part / 4]);
    let commits = [(at(1), renamed.as_str()), (at(2), &config), (at(3), &renamed)];
    let output = replay_through(&config, &commits, &capture, schedule(64, 1));
    let count = |name: &str| {
        output.packets.windows(name.len()).filter(|part| *part == name.as_bytes()).count()
    };
    assert_eq!(["ge-0/0/0.0", "ge-0/0/1.0", "ge-0/0/9.0"].map(count), [1, 1, 1]);
    assert!(output.log.contains("packet-incoming-interface=\"ge-0/0/9.0\""));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn random_commits_give_the_same_bytes_at_every_batch_size(
        seed in 0u64..1000,
        places in prop::collection::vec(any::<[prop::sample::Index; 2]>(), 1..4),
        workers in 2u16..4,
    ) {
        let (config, variants) = (branch_office(), variants());
        let capture = generated("branch-office", seed);
        let times = times_of(&capture);
        let commit = |[at, which]: &[prop::sample::Index; 2]| {
            (CommitTime::At(*at.get(&times)), which.get(&variants).1.as_str())
        };
        let commits: Vec<_> = places.iter().map(commit).collect();
        let one = replay_through(&config, &commits, &capture, schedule(1, 1));
        prop_assert!(one.ledger.balanced, "{:#?}", one.ledger.identities);
        for rows in [7, 256] {
            let other = replay_through(&config, &commits, &capture, schedule(rows, 1));
            assert_same(&one, &other, &format!("{rows} rows"));
        }
        let many = replay_through(&config, &commits, &capture, schedule(64, workers));
        prop_assert!(many.ledger.balanced, "{:#?}", many.ledger.identities);
    }
}
