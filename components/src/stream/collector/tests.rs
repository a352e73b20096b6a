//! The collector rule by rule, with literal numbers: which records it hands over, what it says and
//! when, and what it keeps to itself.

use super::*;
use crate::block::EventFrame;
use crate::kinds::EventKind;
use crate::reason::LossReason;
use crate::stream::journal::{Loss, Record};
use crate::stream::simulator::frames::raw;
use crate::wire::{Hello, RtFlowRecord};
use zerocopy::{FromZeros, IntoBytes};

mod queue;
mod resyncs;

const STREAM: StreamId = StreamId(7);
const PEER: StreamId = StreamId(4711);

fn at_ms(ms: u64) -> Time {
    Time::from_ns(ms * 1_000_000)
}

/// Records as lines.
#[derive(Default)]
struct Lines(Vec<String>);

impl Journal for Lines {
    fn append(&mut self, record: &Record<'_>) {
        self.0.push(match record {
            Record::Frames { first, count, .. } => format!("frames {first}+{count}"),
            Record::Lost(Loss { first, last, reason, .. }) => {
                format!("lost {first}-{last} {}", reason.label())
            }
            Record::Aside { loss, bytes } => {
                format!("aside {} {} {} bytes", loss.first, loss.reason.label(), bytes.len())
            }
            Record::Resynced { through, .. } => format!("resynced {through}"),
            Record::Report { bytes, .. } => format!("report {} bytes", bytes.len()),
        });
    }
}

fn deny(sequence: u64) -> Vec<u8> {
    let record = RtFlowRecord { family: 2, ..RtFlowRecord::new_zeroed() };
    let mut frame = EventFrame::new(EventKind::PolicyDeny, record);
    frame.set_sequence(sequence);
    frame.as_bytes().to_vec()
}

fn denies(sequences: core::ops::RangeInclusive<u64>) -> Vec<u8> {
    sequences.flat_map(deny).collect()
}

fn hello(stream: u64) -> Vec<u8> {
    raw(14, 0, Hello::of_producer(stream, 1, 1).as_bytes())
}

/// A collector and its journal.
struct Fixture {
    collector: Collector,
    lines: Lines,
    ms: u64,
    generation: Generation,
}

impl Fixture {
    fn new(config: CollectorConfig) -> Self {
        let collector = Collector::new(config, Vec::new());
        Self { collector, lines: Lines::default(), ms: 0, generation: Generation::default() }
    }

    fn standalone() -> Self {
        Self::new(CollectorConfig::default())
    }

    fn replicated() -> Self {
        let replication = Replication::Replicated;
        Self::new(CollectorConfig { replication, ..CollectorConfig::default() })
    }

    fn connect(&mut self) {
        self.ms += 2000;
        self.generation = self.collector.accepted(PEER, at_ms(self.ms)).unwrap();
    }

    fn hang_up(&mut self) {
        self.ms += 2000;
        self.collector.disconnected(self.generation, at_ms(self.ms));
    }

    /// Gives bytes and takes the records that came of it.
    fn give(&mut self, bytes: &[u8]) -> Vec<String> {
        assert_eq!(self.collector.received(bytes), bytes.len());
        self.advance()
    }

    fn advance(&mut self) -> Vec<String> {
        self.collector.advance(at_ms(self.ms), &mut self.lines);
        core::mem::take(&mut self.lines.0)
    }

    /// Lets the sync that is due begin.
    fn begin_sync(&mut self) -> Option<SyncToken> {
        self.ms += 5;
        self.collector.take_sync(at_ms(self.ms))
    }

    /// Begins the sync that is due and ends it.
    fn sync(&mut self) {
        let token = self.begin_sync().expect("a sync is due");
        self.collector.durable(token);
    }

    /// What is said now, as (type, sequence); a Hello's position in place of its sequence.
    fn said(&mut self) -> Vec<(u8, u64)> {
        let mut decoder = Decoder::new(1 << 16);
        loop {
            let bytes = self.collector.next_write().to_vec();
            if bytes.is_empty() {
                break;
            }
            assert_eq!(decoder.push(&bytes), bytes.len());
            self.collector.wrote(bytes.len());
        }
        let mut all = Vec::new();
        while let Some(frame) = decoder.next_frame() {
            let frame = frame.unwrap();
            let sequence = match frame.payload().get(16..24) {
                Some(position) => u64::from_le_bytes(position.try_into().unwrap()),
                None => frame.header.sequence.get(),
            };
            all.push((frame.header.frame_type, sequence));
        }
        all
    }

    fn stream(&self, id: StreamId) -> &StreamPosition {
        self.collector.stream(id).expect("it is known")
    }
}

#[test]
fn an_ack_follows_the_sync_of_what_came_and_says_how_far_it_goes() {
    let mut at = Fixture::standalone();
    at.connect();
    assert_eq!(at.give(&hello(7)), [""; 0]);
    assert_eq!(at.said(), [(14, 0)]);
    assert_eq!(at.give(&denies(1..=3)), ["frames 1+3"], "one record for a run");
    assert_eq!(at.said(), [], "nothing is durable yet");
    let token = at.begin_sync().unwrap();
    assert_eq!(at.give(&deny(4)), ["frames 4+1"]);
    assert_eq!(at.begin_sync(), None, "one at a time");
    at.collector.durable(token);
    assert_eq!(at.said(), [(4, 3)], "4 came after the sync began");
    assert_eq!(at.collector.durable_position(STREAM), Some(3));
    at.sync();
    assert_eq!(at.said(), [(4, 4)]);
    assert_eq!(at.collector.deadline(), None);
}

#[test]
fn the_sync_is_due_five_milliseconds_after_the_first_frame() {
    let mut at = Fixture::standalone();
    at.connect();
    at.give(&[hello(7), deny(1)].concat());
    assert_eq!(at.collector.deadline(), Some(at_ms(2005)));
    assert_eq!(at.collector.take_sync(at_ms(2004)), None);
    assert!(at.collector.take_sync(at_ms(2005)).is_some());
    assert_eq!(at.collector.deadline(), None, "until it ends");
}

#[test]
fn frames_cut_at_every_byte_are_dropped_with_their_connection_and_applied_once() {
    let bytes = [hello(7), denies(1..=2)].concat();
    for cut in 0..bytes.len() {
        let mut at = Fixture::standalone();
        at.connect();
        at.give(&bytes[..cut]);
        at.hang_up();
        at.connect();
        at.give(&bytes);
        at.give(&deny(3));
        assert_eq!(at.stream(STREAM).applied.events.0, [0, 0, 3, 0, 0], "cut after {cut} bytes");
        assert_eq!(at.stream(STREAM).lost.total(), 0);
        assert_eq!(at.collector.close_request(), None);
        let (in_hello, in_first) = (48, 48 + 152);
        let dropped = if cut < in_hello { cut } else { (cut - in_hello) % 152 };
        assert_eq!(at.collector.counters().dropped_bytes, dropped as u64);
        assert_eq!(at.collector.counters().duplicates, u64::from(cut >= in_first));
    }
}

#[test]
fn what_comes_again_is_applied_once_and_acked_again() {
    let mut at = Fixture::standalone();
    at.connect();
    at.give(&[hello(7), denies(1..=3)].concat());
    at.sync();
    at.said();
    at.hang_up();
    at.connect();
    at.give(&hello(7));
    assert_eq!(at.said(), [(14, 3)], "where it stands");
    assert_eq!(at.give(&denies(2..=4)), ["frames 4+1"]);
    assert_eq!(at.collector.counters().duplicates, 2);
    at.sync();
    assert_eq!(at.said(), [(4, 4)]);
    // Without a Hello a producer is not told where the collector stands: the Ack must say it.
    let mut at = Fixture::standalone();
    at.connect();
    at.give(&denies(1..=3));
    at.sync();
    at.hang_up();
    at.connect();
    assert_eq!(at.give(&denies(1..=2)), [""; 0]);
    assert_eq!(at.said(), [(4, 2)], "never more than came on this connection");
}

#[test]
fn a_flush_begun_for_one_connection_acks_nothing_on_the_next() {
    let mut at = Fixture::standalone();
    at.connect();
    at.give(&denies(1..=3));
    let stale = at.begin_sync().unwrap();
    at.hang_up();
    at.connect();
    assert_eq!(at.give(&denies(1..=2)), [""; 0]);
    at.collector.durable(stale);
    assert_eq!(at.said(), [], "durable, but begun for another");
    assert_eq!(at.collector.counters().stale_flushes, 1);
    assert_eq!(at.collector.durable_position(PEER), Some(3));
    at.sync();
    assert_eq!(at.said(), [(4, 2)], "a sync of its own");
    at.collector.durable(stale);
    assert_eq!(at.said(), [], "a token is good once");
}

#[test]
fn a_stale_flush_of_another_stream_acks_nothing_either() {
    let mut at = Fixture::standalone();
    at.connect();
    at.give(&[hello(7), denies(1..=9)].concat());
    let stale = at.begin_sync().unwrap();
    at.hang_up();
    at.connect();
    at.give(&[hello(8), deny(1)].concat());
    assert_eq!(at.said(), [(14, 0)], "a stream that it does not know");
    at.collector.durable(stale);
    assert_eq!(at.said(), []);
    at.sync();
    assert_eq!(at.said(), [(4, 1)]);
}

#[test]
fn a_gap_is_a_loss_and_neighbours_are_one_range() {
    let mut at = Fixture::standalone();
    at.connect();
    let bytes = [hello(7), deny(1), deny(5), deny(6)].concat();
    assert_eq!(at.give(&bytes), ["frames 1+1", "lost 2-4 evicted", "frames 5+1", "frames 6+1"]);
    let stream = at.stream(STREAM);
    assert_eq!((stream.applied.total(), stream.lost.0, stream.position), (3, [3, 0, 0, 0], 6));
    let loss = Loss { stream: STREAM, first: 2, last: 4, reason: LossReason::Evicted };
    assert_eq!(stream.losses(), [loss]);
    at.sync();
    assert_eq!(at.said(), [(14, 0), (4, 6)]);
}

#[test]
fn an_unknown_type_is_kept_aside_acked_and_told_once() {
    let mut at = Fixture::standalone();
    at.connect();
    let future = raw(200, 2, b"what is this");
    let bytes = [hello(7), deny(1), future, raw(200, 3, &[]), raw(201, 0, &[]), deny(4)].concat();
    let lines = at.give(&bytes);
    let (two, three) = ("aside 2 unknown_type 28 bytes", "aside 3 unknown_type 16 bytes");
    assert_eq!(lines, ["frames 1+1", two, three, "frames 4+1"]);
    at.sync();
    assert_eq!(at.said(), [(14, 0), (4, 4)]);
    assert_eq!(at.collector.counters().unknown_types, 3);
    let mut told = Vec::from_iter(core::iter::from_fn(|| at.collector.take_unknown_type()));
    told.sort_unstable();
    assert_eq!(told, [200, 201]);
    at.give(&raw(200, 5, &[]));
    assert_eq!(at.collector.take_unknown_type(), None, "an alarm once a type");
    assert_eq!(at.stream(STREAM).lost.0, [0, 0, 0, 3]);
}

#[test]
fn what_cannot_be_read_is_kept_aside_counted_by_type_and_acked() {
    let mut at = Fixture::standalone();
    at.connect();
    let mut bad_family = deny(2);
    bad_family[16 + 55] = 3;
    let short = raw(12, 1, &[0; 135]);
    let wrong_kind = raw(13, 3, &[0; 136]);
    let lines = at.give(&[hello(7), short, bad_family, wrong_kind, raw(11, 0, &[0; 136])].concat());
    let expected = ["aside 1 quarantined 151 bytes", "aside 2 quarantined 152 bytes"];
    assert_eq!(lines[..2], expected);
    assert_eq!(lines[2..], ["aside 3 quarantined 152 bytes"]);
    at.sync();
    assert_eq!(at.said(), [(14, 0), (4, 3)]);
    let counters = at.collector.counters();
    assert_eq!(counters.malformed.0[10..13], [1, 1, 1]);
    assert_eq!(counters.unnumbered, 1);
    assert_eq!(at.stream(STREAM).lost.0[LossReason::Quarantined.index()], 3);
}

#[test]
fn a_length_that_no_frame_has_ends_the_connection() {
    let mut at = Fixture::standalone();
    at.connect();
    let mut broken = deny(2);
    broken[1] = 0xff;
    assert_eq!(at.give(&[hello(7), deny(1), broken].concat()), ["frames 1+1"]);
    assert_eq!(at.collector.close_request(), Some(HangUp::ProtocolError));
    assert!(!at.collector.reads());
    at.hang_up();
    assert_eq!(at.collector.counters().hang_ups.0[HangUp::ProtocolError.index()], 1);
}

#[test]
fn a_producer_without_hello_that_begins_again_is_another_stream() {
    let mut at = Fixture::standalone();
    at.connect();
    assert_eq!(at.give(&denies(1..=2)), ["frames 1+2"]);
    at.hang_up();
    at.ms += 2000;
    let successor = StreamId(4712);
    at.generation = at.collector.accepted(successor, at_ms(at.ms)).unwrap();
    assert_eq!(at.give(&denies(1..=3)), ["frames 1+3"]);
    assert_eq!((at.stream(PEER).position, at.stream(successor).position), (2, 3));
}

#[test]
fn an_older_collector_leaves_hello_unanswered_and_acks_what_it_does_not_know() {
    let config = CollectorConfig { dialect: Dialect::Xpf, ..CollectorConfig::default() };
    let mut at = Fixture::new(config);
    at.connect();
    let mut create = deny(1);
    create[4] = 15;
    let lines = at.give(&[hello(7), create, deny(2), raw(17, 0, &[0; 200])].concat());
    assert_eq!(lines, ["aside 1 unknown_type 152 bytes", "frames 2+1"]);
    at.sync();
    assert_eq!(at.said(), [(4, 2)]);
    assert_eq!(at.collector.connected_stream(), Some(PEER));
}

#[test]
fn numbers_near_the_end_neither_wrap_nor_repeat() {
    let mut at = Fixture::standalone();
    at.connect();
    at.give(&[hello(7), deny(u64::MAX - 1), deny(u64::MAX), deny(1)].concat());
    let stream = at.stream(STREAM);
    assert_eq!((stream.position, stream.applied.total()), (u64::MAX, 2));
    assert_eq!(stream.lost.total(), u64::MAX - 2);
    assert_eq!(at.collector.counters().duplicates, 1);
    at.sync();
    assert_eq!(at.said(), [(14, 0), (4, u64::MAX)]);
    at.hang_up();
    at.connect();
    at.give(&[hello(8), deny(1)].concat());
    at.sync();
    assert_eq!(at.said(), [(14, 0), (4, 1)], "the next stream begins at 1");
}

#[test]
fn one_producer_at_a_time_and_none_right_after_one_that_left_at_once() {
    let mut at = Fixture::standalone();
    at.connect();
    assert_eq!(at.collector.accepted(PEER, at_ms(2001)), Err(Refusal::Busy));
    at.collector.disconnected(at.generation, at_ms(2100));
    assert_eq!(at.collector.accepts_at(), at_ms(2200));
    assert_eq!(at.collector.accepted(PEER, at_ms(2199)), Err(Refusal::TooSoon));
    let generation = at.collector.accepted(PEER, at_ms(2200)).unwrap();
    at.collector.disconnected(at.generation, at_ms(2201));
    assert!(at.collector.reads(), "that was the end of the one before");
    at.collector.disconnected(generation, at_ms(3200));
    assert!(at.collector.accepted(PEER, at_ms(3200)).is_ok(), "it lived for a second");
    assert_eq!(at.collector.counters().refused.0, [1, 1]);
}

#[test]
fn a_drain_asks_and_tells_when_it_is_answered() {
    let mut at = Fixture::standalone();
    at.connect();
    at.collector.drain(u64::MAX);
    assert_eq!(at.said(), [], "the answer to Hello comes first");
    at.give(&hello(7));
    assert_eq!(at.said(), [(14, 0), (7, u64::MAX)]);
    assert_eq!(at.collector.drained(), None);
    at.give(&[denies(1..=2), raw(8, 2, &[])].concat());
    assert_eq!(at.collector.drained(), Some(2));
}

#[test]
fn every_stream_of_the_spool_goes_on_where_its_records_end() {
    let mut recovery = crate::stream::Recovery::default();
    let bytes = [raw(3, 6, &[4; 56]), raw(9, 7, &[])].concat();
    let loss = |first, last, reason| Loss { stream: STREAM, first, last, reason };
    let other = StreamId(9);
    for record in [
        Record::Frames { stream: STREAM, first: 1, count: 2, bytes: &denies(1..=2) },
        Record::Frames { stream: other, first: 1, count: 1, bytes: &deny(1) },
        Record::Lost(loss(3, 4, LossReason::Evicted)),
        Record::Aside { loss: loss(5, 5, LossReason::Quarantined), bytes: &deny(5) },
        Record::Frames { stream: STREAM, first: 6, count: 2, bytes: &bytes },
        Record::Report { stream: STREAM, bytes: &[] },
    ] {
        recovery.on(&record);
    }
    let mut at = Fixture::replicated();
    at.collector = Collector::new(at.collector.core.config.clone(), recovery.into_streams());
    let stream = at.stream(STREAM);
    assert_eq!((stream.position, stream.ackable()), (7, 6), "7 waits for a resynchronisation");
    let applied = stream.applied;
    assert_eq!((applied.events.total(), applied.sessions, applied.resyncs), (2, 1, 1));
    assert_eq!(stream.lost.0, [2, 0, 1, 0]);
    assert_eq!(at.stream(other).position, 1);
    at.connect();
    at.give(&hello(7));
    assert_eq!(at.said(), [(14, 6)]);
}
