//! Pause and Resume: nothing of the ring is written in between, the state dies with its
//! connection, and a Resume that is lost cannot hold the stream for ever.

use super::*;

#[test]
fn nothing_but_control_replies_is_written_after_a_pause() {
    let mut producer = xpf(16, Overflow::Refuse);
    producer.append(&denies(2));
    producer.connected(at_ms(0));
    let begun = producer.next_write(at_ms(0)).slices().concat();
    producer.wrote(100, at_ms(0));
    hear(&mut producer, 5, 0, 1);
    assert!(producer.is_paused());
    let rest = producer.next_write(at_ms(1));
    assert_eq!(rest.control, &begun[100..152], "a frame that was begun is finished");
    assert_eq!((rest.first.len(), rest.second.len()), (0, 0));
    producer.wrote(52, at_ms(1));
    producer.append(&denies(1));
    assert_eq!(write(&mut producer, 1), [], "events still enter the ring");
    hear(&mut producer, 7, 9, 2);
    assert_eq!(write(&mut producer, 201), []);
    assert_eq!(write(&mut producer, 202), [(8, 1)], "a drain is answered");
    assert_eq!(write(&mut producer, 10_202), [(10, 0)], "and the line kept alive");
    hear(&mut producer, 6, 0, 10_203);
    assert_eq!(write(&mut producer, 10_203), [(11, 2), (11, 3)]);
}

#[test]
fn pauses_and_resumes_in_any_number_come_to_the_last_one() {
    let mut producer = xpf(16, Overflow::Refuse);
    producer.append(&denies(1));
    producer.connected(at_ms(0));
    for frame_type in [6, 5, 5, 6, 6, 5] {
        hear(&mut producer, frame_type, 0, 1);
    }
    assert_eq!(write(&mut producer, 1), []);
    hear(&mut producer, 6, 0, 2);
    assert_eq!(write(&mut producer, 2), [(11, 1)]);
    assert_eq!((producer.counters().pauses, producer.counters().resumes), (3, 4));
}

#[test]
fn a_pause_dies_with_its_connection() {
    let mut producer = xpf(16, Overflow::Refuse);
    producer.append(&denies(1));
    producer.connected(at_ms(0));
    hear(&mut producer, 5, 0, 1);
    producer.disconnected(at_ms(2));
    producer.connected(at_ms(200));
    assert!(!producer.is_paused());
    assert_eq!(write(&mut producer, 200), [(11, 1)]);
}

#[test]
fn a_pause_that_is_not_said_again_for_a_minute_ends_the_connection() {
    let mut producer = xpf(16, Overflow::Refuse);
    producer.connected(at_ms(0));
    hear(&mut producer, 5, 0, 1000);
    hear(&mut producer, 5, 0, 50_000);
    write(&mut producer, 109_999);
    assert_eq!(producer.close_request(), None);
    assert!(producer.deadline() <= Some(at_ms(110_000)));
    assert_eq!(write(&mut producer, 110_000), []);
    assert_eq!(producer.close_request(), Some(HangUp::PauseExpired));
    producer.disconnected(at_ms(110_000));
    assert_eq!(producer.counters().hang_ups.0[HangUp::PauseExpired.index()], 1);
}
