//! Errors of the system, injected into real processes: calls that are interrupted, sockets without
//! buffers, a device that fails. Every event is in the spool once, and the figures say what was.

use crate::support::{Bench, text, weir};

/// Interrupted now and then; what a call says of its buffers, once in a while.
const PRODUCER: [&str; 4] = [
    "read:error=EINTR:when=4+5",
    "poll,ppoll:error=EINTR:when=2+3",
    "writev:error=ENOBUFS:when=2+3",
    "connect:error=EINTR:when=1",
];
const COLLECTOR: [&str; 5] = [
    "read:error=EINTR:when=9+5",
    "poll,ppoll:error=EINTR:when=2+3",
    "sendto:error=ENOBUFS:when=2+3",
    "accept4:error=EINTR:when=2+3",
    "fdatasync:error=EINTR:when=2+3",
];

fn shown(control: &str) -> serde_json::Value {
    let shown = weir(&["show", "stream", "--json", "--control", control]).stdout;
    serde_json::from_slice::<serde_json::Value>(&shown).expect("JSON")[0]["collector"].clone()
}

#[test]
#[ignore = "needs strace"]
fn interrupted_calls_and_sockets_without_buffers_lose_nothing() {
    let bench = Bench::new();
    let collector = bench.collect_failing(&COLLECTOR, &[]);
    let output = bench.replay_failing(&PRODUCER);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("residual 0"), "{}", text(&output.stderr));
    drop(collector);
    assert_eq!(bench.spooled(), bench.frames());
}

#[test]
#[ignore = "needs strace"]
fn a_failed_sync_gives_its_segment_up_and_writes_again() {
    let bench = Bench::new();
    let control = bench.file("ctl");
    let collector =
        bench.collect_failing(&["fdatasync:error=EIO:when=2+6"], &["--control", &control]);
    let output = bench.replay(&["--rate", "300"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let counters = shown(&control)["spool"]["counters"].clone();
    assert!(counters["sealed"].as_u64().is_some_and(|sealed| sealed > 0), "{counters}");
    drop(collector);
    assert_eq!(bench.spooled(), bench.frames());
}

#[test]
#[ignore = "needs strace"]
fn syncs_that_fail_for_good_ack_nothing() {
    let bench = Bench::new();
    let control = bench.file("ctl");
    let collector =
        bench.collect_failing(&["fdatasync:error=EIO:when=1+"], &["--control", &control]);
    let output = bench.replay(&["--drain-timeout", "2"]);
    assert_eq!(output.status.code(), Some(1));
    let error = text(&output.stderr);
    assert!(error.contains("102 events are not acked, 1 to 102;"), "{error}");
    let now = shown(&control);
    assert!(now["spool"]["waits"].is_string(), "{now}");
    drop(collector);
    // The next one has everything that the ring has kept.
    let collector = bench.collect(&[]);
    let output = bench.replay(&[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    drop(collector);
    let frames = bench.frames();
    let again = crate::support::numbered(&frames, crate::support::count(&frames));
    assert_eq!(bench.spooled(), [frames, again].concat());
}
