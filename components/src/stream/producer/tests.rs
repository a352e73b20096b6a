//! The producer rule by rule, with literal numbers: what is written when, and what each frame from
//! the collector changes.

use core::time::Duration;

use super::*;
use crate::ring::{Overflow, RingConfig};
use crate::stream::simulator::frames::raw;
use crate::wire::RtFlowRecord;
use zerocopy::{FromZeros, IntoBytes};

mod pauses;

const DENY: EventKind = EventKind::PolicyDeny;

fn at_ms(ms: u64) -> Time {
    Time::from_ns(ms * 1_000_000)
}

fn denies(count: usize) -> Vec<EventFrame> {
    vec![EventFrame::new(DENY, RtFlowRecord::new_zeroed()); count]
}

fn ring(frames: usize, overflow: Overflow) -> ReplayRing {
    let quotas = crate::ring::Quotas { reserved_frames: [0; 5], session_frames: 0 };
    ReplayRing::new(&RingConfig { overflow, quotas, ..RingConfig::new(frames, 7) }).unwrap()
}

fn producer(frames: usize, overflow: Overflow) -> Producer {
    Producer::new(ring(frames, overflow), ProducerConfig::default())
}

fn xpf(frames: usize, overflow: Overflow) -> Producer {
    let config = ProducerConfig { dialect: Dialect::Xpf, ..ProducerConfig::default() };
    Producer::new(ring(frames, overflow), config)
}

/// The (type, sequence) of everything that is written now.
fn write(producer: &mut Producer, ms: u64) -> Vec<(u8, u64)> {
    let mut bytes = Vec::new();
    loop {
        let run = producer.next_write(at_ms(ms)).slices().concat();
        if run.is_empty() {
            return parse(&bytes);
        }
        producer.wrote(run.len(), at_ms(ms));
        bytes.extend(run);
    }
}

fn parse(bytes: &[u8]) -> Vec<(u8, u64)> {
    let mut decoder = Decoder::new(1 << 16);
    assert_eq!(decoder.push(bytes), bytes.len());
    let mut all = Vec::new();
    while let Some(frame) = decoder.next_frame() {
        let header = frame.unwrap().header;
        all.push((header.frame_type, header.sequence.get()));
    }
    assert_eq!(decoder.buffered(), 0, "whole frames");
    all
}

fn hear(producer: &mut Producer, frame_type: u8, sequence: u64, ms: u64) {
    producer.received(&raw(frame_type, sequence, &[]), at_ms(ms));
}

/// The collector's Hello.
fn greet(producer: &mut Producer, stream: u64, applied: u64, ms: u64) {
    let hello = Hello::of_collector(stream, applied);
    producer.received(&raw(14, 0, hello.as_bytes()), at_ms(ms));
}

#[test]
fn says_hello_waits_for_the_answer_and_replays_from_where_the_collector_stands() {
    let mut producer = producer(16, Overflow::Refuse);
    producer.append(&denies(4));
    producer.connected(at_ms(0));
    let hello = producer.next_write(at_ms(0)).control.to_vec();
    assert_eq!(hello[16..], *Hello::of_producer(7, 1, 5).as_bytes());
    assert_eq!(write(&mut producer, 0), [(14, 0)]);
    assert_eq!(write(&mut producer, 999), [], "no frame before the answer");
    greet(&mut producer, 7, 2, 1000);
    assert_eq!(write(&mut producer, 1000), []);
    assert!(producer.close_request().is_some(), "2 was never written");
    producer.disconnected(at_ms(1000));
    producer.connected(at_ms(1100));
    greet(&mut producer, 7, 0, 1101);
    assert_eq!(write(&mut producer, 1101), [(14, 0), (11, 1), (11, 2), (11, 3), (11, 4)]);
    producer.disconnected(at_ms(1200));
    producer.connected(at_ms(1400));
    greet(&mut producer, 7, 3, 1401);
    assert_eq!(write(&mut producer, 1401), [(14, 0), (11, 4)]);
    assert_eq!(producer.ring().counters().replayed, 1);
    assert_eq!(producer.counters().hang_ups.0[HangUp::PositionBeyondSent.index()], 1);
}

#[test]
fn a_collector_that_leaves_hello_unanswered_gets_what_it_has_not_acked() {
    let mut producer = producer(16, Overflow::Refuse);
    producer.append(&denies(3));
    producer.connected(at_ms(0));
    assert_eq!(write(&mut producer, 0), [(14, 0)]);
    assert_eq!(producer.deadline(), Some(at_ms(1000)));
    assert_eq!(write(&mut producer, 1000), [(17, 0), (11, 1), (11, 2), (11, 3)]);
    hear(&mut producer, 4, 2, 1001);
    producer.disconnected(at_ms(1002));
    producer.connected(at_ms(2000));
    assert_eq!(write(&mut producer, 2000), [(14, 0)]);
    hear(&mut producer, 6, 0, 2001);
    assert_eq!(write(&mut producer, 2001), [(11, 3)], "it spoke, and not with a Hello");
    assert_eq!(producer.counters().hellos_unanswered, 2);
}

#[test]
fn what_a_collector_forgot_is_counted_once_and_owes_a_full_resync() {
    let mut producer = producer(16, Overflow::Refuse);
    producer.append(&denies(5));
    producer.connected(at_ms(0));
    greet(&mut producer, 7, 0, 0);
    write(&mut producer, 0);
    hear(&mut producer, 4, 5, 1);
    for (ms, stream, applied, forgotten) in [(100, 7, 3, 2), (300, 7, 3, 2), (700, 0, 0, 5)] {
        producer.disconnected(at_ms(ms));
        producer.connected(at_ms(ms));
        greet(&mut producer, stream, applied, ms);
        let resync = write(&mut producer, ms);
        assert_eq!(resync[1..], [(9, 6)], "the FullResync, and it again");
        assert_eq!(producer.ring().counters().forgotten, forgotten);
    }
    assert_eq!(producer.ring().missing(), Some((1, 5)));
    hear(&mut producer, 4, 6, 701);
    assert_eq!((producer.ring().missing(), producer.ring().owes_resync()), (None, false));
}

#[test]
fn acks_that_repeat_or_go_back_change_only_their_counter() {
    let mut producer = xpf(16, Overflow::Refuse);
    producer.append(&denies(4));
    producer.connected(at_ms(0));
    write(&mut producer, 0);
    hear(&mut producer, 4, 3, 1);
    for sequence in [3, 2, 0, 3] {
        hear(&mut producer, 4, sequence, 2);
        assert_eq!((producer.ring().acked(), producer.ring().retained()), (3, 1));
    }
    let counted = producer.ring().counters();
    assert_eq!((counted.acks_advanced, counted.acks_duplicate, counted.acks_regressed), (1, 2, 2));
    assert_eq!(producer.close_request(), None);
}

#[test]
fn an_ack_beyond_what_was_sent_ends_the_connection_and_leaves_the_ring_as_it_is() {
    for beyond in [3, 4, 1000, u64::MAX] {
        let mut producer = xpf(16, Overflow::Refuse);
        producer.append(&denies(2));
        producer.connected(at_ms(0));
        write(&mut producer, 0);
        producer.append(&denies(2));
        hear(&mut producer, 4, beyond, 1);
        assert_eq!(producer.close_request(), Some(HangUp::AckBeyondSent), "{beyond}");
        assert_eq!(write(&mut producer, 1), []);
        hear(&mut producer, 4, 2, 1);
        assert_eq!((producer.ring().acked(), producer.ring().retained()), (0, 4));
        producer.disconnected(at_ms(1));
        assert_eq!(producer.counters().hang_ups.0[HangUp::AckBeyondSent.index()], 1);
        producer.connected(at_ms(200));
        assert_eq!(write(&mut producer, 200), [(11, 1), (11, 2), (11, 3), (11, 4)]);
    }
}

#[test]
fn an_ack_of_evicted_frames_that_were_written_is_a_position() {
    let mut producer = xpf(4, Overflow::Evict);
    producer.append(&denies(4));
    producer.connected(at_ms(0));
    write(&mut producer, 0);
    producer.append(&denies(3));
    assert_eq!(producer.ring().missing(), Some((1, 3)));
    hear(&mut producer, 4, 2, 1);
    assert_eq!(producer.ring().missing(), Some((3, 3)), "1 and 2 had arrived");
    assert_eq!(write(&mut producer, 1), [(11, 5), (11, 6), (11, 7), (9, 8)]);
    assert_eq!(producer.ring().missing(), Some((3, 4)), "4 went for the FullResync");
}

#[test]
fn an_ack_of_what_an_earlier_connection_wrote_is_good_after_a_reconnect() {
    let mut producer = xpf(16, Overflow::Refuse);
    producer.append(&denies(5));
    producer.connected(at_ms(0));
    write(&mut producer, 0);
    producer.disconnected(at_ms(1));
    producer.connected(at_ms(200));
    hear(&mut producer, 4, 4, 201);
    assert_eq!(write(&mut producer, 201), [(11, 5)]);
    assert_eq!(producer.close_request(), None);
}

#[test]
fn a_full_resync_is_sent_on_each_connection_until_its_own_number_is_acked() {
    let mut producer = xpf(4, Overflow::Evict);
    producer.append(&denies(6));
    for ms in [0, 1000, 2000] {
        producer.connected(at_ms(ms));
        assert_eq!(write(&mut producer, ms), [(11, 4), (11, 5), (11, 6), (9, 7)]);
        producer.disconnected(at_ms(ms));
    }
    producer.connected(at_ms(3000));
    write(&mut producer, 3000);
    hear(&mut producer, 4, 6, 3001);
    producer.disconnected(at_ms(3001));
    producer.connected(at_ms(4000));
    assert_eq!(write(&mut producer, 4000), [(9, 7)]);
    hear(&mut producer, 4, 7, 4001);
    assert!(!producer.ring().owes_resync());
    assert_eq!(producer.ring().counters().resyncs, 1);
}

#[test]
fn frames_cut_at_every_byte_are_finished_before_anything_else_and_sent_whole_after_a_reconnect() {
    for cut in 0..=2 * 152 {
        let mut producer = xpf(4, Overflow::Evict);
        producer.append(&denies(2));
        producer.connected(at_ms(0));
        let mut bytes = producer.next_write(at_ms(0)).slices().concat();
        bytes.truncate(cut);
        producer.wrote(cut, at_ms(0));
        producer.append(&denies(4));
        hear(&mut producer, 7, 1, 1);
        loop {
            let next = producer.next_write(at_ms(1)).slices().concat();
            if next.is_empty() {
                break;
            }
            let count = next.len().min(7);
            producer.wrote(count, at_ms(1));
            bytes.extend(&next[..count]);
        }
        let written = parse(&bytes);
        let begun = cut.div_ceil(152);
        let numbers: Vec<u64> = written.iter().filter(|f| f.0 == 11).map(|f| f.1).collect();
        let expected: Vec<u64> = (1..=begun as u64).chain(4..=6).collect();
        assert_eq!(numbers, expected, "cut after {cut} bytes; 1 to 3 were evicted");
        producer.disconnected(at_ms(2));
        producer.connected(at_ms(200));
        assert_eq!(write(&mut producer, 200), [(11, 4), (11, 5), (11, 6), (9, 7)]);
    }
}

#[test]
fn the_dialect_of_the_contract_has_no_hello_no_reports_and_no_session_events() {
    let mut producer = xpf(16, Overflow::Refuse);
    let kinds = [EventKind::SessionCreate, DENY, DENY, EventKind::SessionClose, DENY];
    let frames = kinds.map(|kind| EventFrame::new(kind, RtFlowRecord::new_zeroed()));
    let appended = producer.append(&frames);
    assert_eq!(appended.accepted.0, [0, 0, 3, 0, 0]);
    assert_eq!(appended.refused.0, [1, 1, 0, 0, 0]);
    assert_eq!(producer.refused()[0].0[RefuseReason::Disabled.index()], 1);
    producer.connected(at_ms(0));
    assert_eq!(write(&mut producer, 0), [(11, 1), (11, 2), (11, 3)]);
    assert_eq!(write(&mut producer, 9_999), []);
    assert_eq!(write(&mut producer, 10_000), [(10, 0)], "a Keepalive and nothing else");
}

#[test]
fn what_it_does_not_know_or_expect_is_counted_and_passed_over() {
    let mut producer = xpf(16, Overflow::Refuse);
    producer.append(&denies(1));
    producer.connected(at_ms(0));
    write(&mut producer, 0);
    let frames = [raw(200, 1, &[1, 2]), raw(4, 1, &[0]), raw(11, 1, &[0; 136]), raw(9, 1, &[])];
    producer.received(&frames.concat(), at_ms(1));
    let counters = producer.counters();
    assert_eq!((counters.unknown_types, counters.malformed, counters.unexpected), (1, 2, 1));
    hear(&mut producer, 4, 1, 1);
    assert_eq!(producer.ring().acked(), 1);
    producer.received(&[0xff; 16], at_ms(2));
    assert_eq!(producer.close_request(), Some(HangUp::ProtocolError));
}

#[test]
fn numbers_end_below_the_last_and_a_new_stream_begins_at_one() {
    let config = RingConfig { start_sequence: u64::MAX - 3, ..RingConfig::new(8, 7) };
    let mut producer = Producer::new(ReplayRing::new(&config).unwrap(), ProducerConfig::default());
    assert_eq!(producer.append(&denies(4)).accepted.total(), 2);
    producer.connected(at_ms(0));
    greet(&mut producer, 0, 0, 0);
    assert_eq!(write(&mut producer, 0)[1..], [(11, u64::MAX - 3), (11, u64::MAX - 2)]);
    hear(&mut producer, 4, u64::MAX, 1);
    assert_eq!(producer.close_request(), Some(HangUp::AckBeyondSent));
    producer.disconnected(at_ms(1));
    producer.connected(at_ms(200));
    greet(&mut producer, 7, u64::MAX - 2, 200);
    assert_eq!((producer.ring().retained(), producer.close_request()), (0, None));
    let mut next = producer_of(8);
    next.append(&denies(1));
    next.connected(at_ms(300));
    greet(&mut next, 7, u64::MAX - 1, 300);
    assert_eq!(write(&mut next, 300)[1..], [(11, 1)], "the collector knows another stream");
}

/// The producer of another stream.
fn producer_of(stream: u64) -> Producer {
    let ring = ReplayRing::new(&RingConfig::new(16, stream)).unwrap();
    Producer::new(ring, ProducerConfig::default())
}

#[test]
fn a_connection_that_is_closed_at_once_again_and_again_is_no_busy_loop() {
    let mut producer = producer(16, Overflow::Refuse);
    let (mut ms, mut waits) = (0, Vec::new());
    for _ in 0..8 {
        producer.connected(at_ms(ms));
        producer.disconnected(at_ms(ms));
        let next = producer.connect_at().unwrap().ns() / 1_000_000;
        waits.push(next - ms);
        ms = next;
    }
    assert_eq!(waits, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
    producer.connect_failed(at_ms(ms));
    assert_eq!(producer.connect_at(), Some(at_ms(ms + 5000)));
    producer.connected(at_ms(ms + 5000));
    producer.disconnected(at_ms(ms + 10_000));
    assert_eq!(producer.connect_at(), Some(at_ms(ms + 10_100)), "it lived");
}

#[test]
fn losses_are_reported_when_a_figure_changed_and_before_the_end() {
    let mut producer = producer(4, Overflow::Refuse);
    producer.connected(at_ms(0));
    greet(&mut producer, 7, 0, 0);
    assert_eq!(write(&mut producer, 1000), [(14, 0), (17, 0)], "the first figures");
    assert_eq!(write(&mut producer, 2000), [], "nothing changed");
    producer.append(&denies(6));
    let mut upstream = Refused::default();
    upstream[DENY.index()].0[RefuseReason::RateLimited.index()] = 5;
    producer.set_upstream(&upstream);
    let report = producer.next_write(at_ms(3000)).control[16..].to_vec();
    let kind = 40 * DENY.index();
    let word = |at: usize| u64::from_le_bytes(report[kind + at..kind + at + 8].try_into().unwrap());
    assert_eq!([0, 8, 16, 24, 32].map(word), [11, 4, 5, 2, 0]);
    write(&mut producer, 3000);
    producer.append(&denies(1));
    producer.shutdown(at_ms(9000));
    assert_eq!(write(&mut producer, 3001), [(17, 0)]);
    assert_eq!(producer.ended(at_ms(3001)), None);
    hear(&mut producer, 4, 3, 3002);
    let unacked = Ended::Unacked { first: 4, last: 4 };
    assert_eq!(producer.ended(at_ms(9000)), Some(unacked));
    hear(&mut producer, 4, 4, 3003);
    assert_eq!(producer.ended(at_ms(3003)), Some(Ended::AllAcked));
}

#[test]
fn a_drain_is_answered_when_all_is_written_or_after_the_wait_for_what_is_not_there_yet() {
    let mut producer = xpf(16, Overflow::Refuse);
    producer.append(&denies(3));
    producer.connected(at_ms(0));
    hear(&mut producer, 7, 2, 0);
    let written = write(&mut producer, 0);
    assert_eq!(written, [(11, 1), (11, 2), (11, 3), (8, 3)]);
    hear(&mut producer, 7, 5, 10);
    assert_eq!(write(&mut producer, 10), []);
    assert_eq!(producer.deadline(), Some(at_ms(210)));
    producer.append(&denies(1));
    assert_eq!(write(&mut producer, 209), [(11, 4)]);
    producer.append(&denies(1));
    assert_eq!(write(&mut producer, 209), [(11, 5), (8, 5)], "the target was reached");
    hear(&mut producer, 7, u64::MAX, 300);
    producer.append(&denies(1));
    assert_eq!(write(&mut producer, 499), [(11, 6)]);
    assert_eq!(write(&mut producer, 500), [(8, 6)], "200 ms are over");
    assert_eq!(producer.counters().drains, 3);
}

#[test]
fn a_keepalive_follows_ten_seconds_without_a_write() {
    let mut producer = xpf(16, Overflow::Refuse);
    producer.connected(at_ms(0));
    assert_eq!(producer.deadline(), Some(at_ms(10_000)));
    producer.append(&denies(1));
    assert_eq!(write(&mut producer, 6000), [(11, 1)]);
    assert_eq!(write(&mut producer, 15_999), []);
    assert_eq!(write(&mut producer, 16_000), [(10, 0)]);
    assert_eq!(
        producer.deadline().map(|at| at.since(at_ms(16_000))),
        Some(Duration::from_secs(10))
    );
    assert_eq!(producer.ring().counters().sent, 1, "frames are counted, and only these");
}
