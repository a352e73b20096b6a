//! The bounded queue: what waits for a spool that is not ready is not acked, at the limit reading
//! stops and Pause is said, and Resume once it has drained. The connection stays.

use super::*;

fn narrow() -> Fixture {
    let config = CollectorConfig { queue_frames_max: 3, ..CollectorConfig::default() };
    Fixture::new(config)
}

#[test]
fn frames_wait_for_the_spool_and_are_neither_acked_nor_dropped() {
    let mut at = narrow();
    at.connect();
    at.collector.spool_ready(false);
    assert_eq!(at.give(&[hello(7), denies(1..=2)].concat()), [""; 0]);
    assert_eq!(at.said(), [(14, 0)], "Hello is answered all the same");
    assert_eq!(at.collector.waiting_frames(), 2);
    assert_eq!((at.begin_sync(), at.collector.deadline()), (None, None));
    assert!(at.collector.reads());
    at.collector.spool_ready(true);
    assert_eq!(at.advance(), ["frames 1+2"]);
    at.sync();
    assert_eq!(at.said(), [(4, 2)]);
}

#[test]
fn at_the_limit_reading_stops_and_pause_is_said_until_the_queue_has_drained() {
    let mut at = narrow();
    at.connect();
    at.collector.spool_ready(false);
    at.give(&[hello(7), denies(1..=2)].concat());
    assert_eq!(at.said(), [(14, 0)]);
    at.give(&deny(3));
    assert_eq!(at.said(), [(5, 0)]);
    assert!(!at.collector.reads() && at.collector.is_paused());
    assert_eq!(at.collector.received(&deny(4)), 0, "it stays in the socket");
    assert_eq!(at.collector.close_request(), None, "and the connection stays");
    at.collector.spool_ready(true);
    assert_eq!(at.advance(), ["frames 1+3"]);
    assert_eq!(at.said(), [(6, 0)]);
    assert!(at.collector.reads());
    assert_eq!((at.collector.counters().pauses, at.collector.counters().resumes), (1, 1));
}

#[test]
fn ten_minutes_of_a_spool_that_is_not_ready_cost_a_pause_every_ten_seconds() {
    let mut at = narrow();
    at.connect();
    at.collector.spool_ready(false);
    at.give(&[hello(7), denies(1..=3)].concat());
    at.said();
    let (begin, mut turns, mut said) = (at.ms, 0, Vec::new());
    while let Some(next) = at.collector.deadline().filter(|at| *at <= at_ms(begin + 600_000)) {
        at.collector.tick(next);
        turns += 1;
        said.extend(at.said());
    }
    assert_eq!((turns, said), (60, vec![(5, 0); 60]), "so that the producer does not give up");
    assert_eq!(at.collector.counters().pauses, 1);
}

#[test]
fn a_keepalive_is_answered_with_resume_after_a_pause() {
    let mut at = narrow();
    at.connect();
    at.give(&[hello(7), raw(10, 0, &[])].concat());
    assert_eq!(at.said(), [(14, 0)], "there was no Pause");
    at.collector.spool_ready(false);
    at.give(&denies(1..=3));
    at.collector.spool_ready(true);
    at.advance();
    assert_eq!(at.said(), [(6, 0)], "the last of the two");
    at.give(&raw(10, 0, &[]));
    assert_eq!(at.said(), [(6, 0)], "in case that it was lost");
}

#[test]
fn the_queue_is_dropped_with_its_connection_and_so_is_the_pause() {
    let mut at = narrow();
    at.connect();
    at.collector.spool_ready(false);
    at.give(&[hello(7), denies(1..=3)].concat());
    at.hang_up();
    assert_eq!(at.collector.counters().dropped_bytes, 3 * 152);
    at.connect();
    assert!(at.collector.reads() && !at.collector.is_paused());
    at.collector.spool_ready(true);
    assert_eq!(at.give(&[hello(7), denies(1..=3)].concat()), ["frames 1+3"]);
    assert_eq!(at.said(), [(14, 0)]);
}

#[test]
fn a_sync_that_failed_makes_nothing_durable_until_the_spool_is_ready_again() {
    let mut at = narrow();
    at.connect();
    at.give(&[hello(7), denies(1..=2)].concat());
    at.said();
    let token = at.begin_sync().unwrap();
    at.collector.sync_failed(token, at_ms(at.ms));
    at.collector.durable(token);
    assert_eq!((at.said(), at.begin_sync()), (vec![], None));
    assert_eq!(at.give(&deny(3)), [""; 0]);
    at.collector.spool_ready(true);
    assert_eq!(at.advance(), ["frames 3+1"]);
    at.sync();
    assert_eq!(at.said(), [(4, 3)]);
    assert_eq!(at.collector.counters().syncs_failed, 1);
}
