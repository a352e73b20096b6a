//! FullResync: acked when the resynchronisation was done and not before, while everything behind
//! it goes on to the spool. Without anyone to replicate to it is skipped, and counted.

use super::*;

fn resync(sequence: u64) -> Vec<u8> {
    raw(9, sequence, &[])
}

#[test]
fn a_full_resync_is_acked_when_the_resynchronisation_was_done() {
    let mut at = Fixture::replicated();
    at.connect();
    let lines = at.give(&[hello(7), deny(1), resync(2), denies(3..=4)].concat());
    assert_eq!(lines, ["frames 1+1", "frames 2+1", "frames 3+2"]);
    at.sync();
    assert_eq!(at.said(), [(14, 0), (4, 1)], "2 is not done, and nothing is skipped over");
    assert_eq!(at.collector.durable_position(STREAM), Some(4), "events do not wait for it");
    assert_eq!(at.collector.take_resync(), None, "not ready");
    at.collector.replication_ready(true);
    let task = at.collector.take_resync().unwrap();
    assert_eq!(task, Resync { stream: STREAM, through: 2 });
    assert_eq!(at.collector.take_resync(), None, "one at a time");
    at.collector.resync_failed(task);
    assert_eq!((at.advance(), at.collector.take_resync()), (vec![], None));
    at.collector.replication_ready(true);
    let task = at.collector.take_resync().unwrap();
    at.collector.resynced(task);
    assert_eq!(at.said(), []);
    assert_eq!(at.advance(), ["resynced 2"]);
    assert_eq!(at.said(), [], "that it was done is not durable yet");
    at.sync();
    assert_eq!(at.said(), [(4, 4)]);
    assert_eq!(at.collector.counters().resyncs_failed, 1);
}

#[test]
fn one_resynchronisation_does_for_all_that_came_before_it_began() {
    let mut at = Fixture::replicated();
    at.connect();
    at.collector.replication_ready(true);
    at.give(&[hello(7), resync(1), resync(2), deny(3), resync(4)].concat());
    let task = at.collector.take_resync().unwrap();
    assert_eq!(task.through, 4);
    at.give(&[deny(5), resync(6), deny(7)].concat());
    at.collector.resynced(task);
    assert_eq!(at.advance(), ["resynced 4"]);
    at.sync();
    assert_eq!(at.said(), [(14, 0), (4, 5)], "6 came after it had begun");
    let task = at.collector.take_resync().unwrap();
    assert_eq!(task.through, 6);
    at.collector.resynced(task);
    at.advance();
    at.sync();
    assert_eq!(at.said(), [(4, 7)]);
}

#[test]
fn overlapping_full_resyncs_lose_each_number_once() {
    let mut at = Fixture::standalone();
    at.connect();
    let lines = at.give(&[hello(7), resync(5), resync(9), deny(10)].concat());
    assert_eq!(
        lines,
        ["lost 1-4 evicted", "frames 5+1", "lost 6-8 evicted", "frames 9+1", "frames 10+1"]
    );
    at.sync();
    at.hang_up();
    at.connect();
    assert_eq!(at.give(&[hello(7), resync(5), resync(9), deny(10)].concat()), [""; 0]);
    let stream = at.stream(STREAM);
    assert_eq!((stream.lost.total(), stream.applied.total()), (7, 3));
}

#[test]
fn a_held_full_resync_is_still_held_on_the_next_connection() {
    let mut at = Fixture::replicated();
    at.connect();
    at.give(&[hello(7), deny(1), resync(2), deny(3)].concat());
    at.sync();
    at.hang_up();
    at.connect();
    at.give(&hello(7));
    assert_eq!(at.said(), [(14, 1)], "the producer sends it again");
    assert_eq!(at.give(&[resync(2), deny(3)].concat()), [""; 0]);
    at.collector.replication_ready(true);
    let task = at.collector.take_resync().unwrap();
    at.collector.resynced(task);
    at.advance();
    at.sync();
    assert_eq!(at.said(), [(4, 3)]);
}

#[test]
fn a_standalone_collector_skips_the_resynchronisation_and_acks() {
    let mut at = Fixture::standalone();
    at.connect();
    at.collector.replication_ready(true);
    let lines = at.give(&[hello(7), resync(4), deny(5)].concat());
    assert_eq!(lines, ["lost 1-3 evicted", "frames 4+1", "frames 5+1"], "the loss is told");
    at.sync();
    assert_eq!(at.said(), [(14, 0), (4, 5)]);
    assert_eq!(at.collector.take_resync(), None);
    assert_eq!(at.collector.counters().resyncs_skipped, 1);
}

#[test]
fn a_gap_asks_for_a_resynchronisation_and_holds_no_ack() {
    let mut at = Fixture::replicated();
    at.connect();
    at.give(&[hello(7), deny(4)].concat());
    at.sync();
    assert_eq!(at.said(), [(14, 0), (4, 4)]);
    at.collector.replication_ready(true);
    assert_eq!(at.collector.take_resync(), Some(Resync { stream: STREAM, through: 3 }));
}

#[test]
fn session_frames_are_acked_once_they_are_durable_whoever_is_ready() {
    let mut at = Fixture::replicated();
    at.connect();
    let mut open = [0; 56];
    open[0] = 4;
    let lines = at.give(&[raw(1, 1, &open), deny(2), raw(3, 3, &open)].concat());
    assert_eq!(lines, ["frames 1+1", "frames 2+1", "frames 3+1"]);
    at.sync();
    assert_eq!(at.said(), [(4, 3)], "who replicates them reads them from the spool");
    assert_eq!(at.stream(PEER).applied.sessions, 2);
}
