//! Byte streams in, and exactly which counters moved.

use std::io;
use std::sync::{Arc, Mutex};

use components::kinds::EventKind;
use components::reason::{Counts, LossReason};
use components::wire::{Frame, FrameHeader, FrameType, Hello, RtFlow};
use proptest::prelude::*;
use zerocopy::IntoBytes;

use super::*;
use crate::collector::fixture::{event, event6, frame};
use crate::collector::sink::WriterSink;

/// Keeps what it is given.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<Taken>>>);

/// An event and its frame.
type Taken = (RtFlow, Vec<u8>);

impl Recorder {
    fn sequences(&self) -> Vec<u64> {
        let taken = self.0.lock().expect("no panic while locked");
        let sequence = |frame: &[u8]| FrameHeader::parse(frame).expect("whole").sequence.get();
        taken.iter().map(|(_, frame)| sequence(frame)).collect()
    }
}

impl Sink for Recorder {
    fn commit(&mut self, _world: &Arc<World>) {}

    fn write(&mut self, event: &RtFlow, frame: &[u8]) {
        let mut taken = self.0.lock().expect("no panic while locked");
        taken.push((*event, frame.to_vec()));
    }

    fn flush(&mut self) {}

    fn report(&self) -> SinkReport {
        SinkReport::default()
    }

    fn take_error(&mut self) -> Option<io::Error> {
        None
    }
}

fn collector() -> (InlineCollector, Recorder) {
    let recorder = Recorder::default();
    (InlineCollector::new(vec![Box::new(recorder.clone())]), recorder)
}

fn deny(sequence: u64) -> Vec<u8> {
    frame(&event(EventKind::PolicyDeny), sequence)
}

fn bare(frame_type: FrameType, sequence: u64) -> Vec<u8> {
    FrameHeader::new(frame_type, 0, sequence).as_bytes().to_vec()
}

/// Sequence numbers that are neither applied nor lost.
fn residual(report: &StreamReport) -> i128 {
    let accounted = report.applied.total() + report.lost.total();
    i128::from(report.last_sequence) - i128::from(accounted)
}

/// The counters of a stream that lost nothing but what is named.
fn lost(reason: LossReason, count: u64) -> Counts<{ LossReason::COUNT }> {
    let mut lost = Counts::default();
    lost.0[reason.index()] = count;
    lost
}

#[test]
fn hands_events_of_every_kind_to_the_sinks_in_order() {
    let (mut collector, recorder) = collector();
    let mut bytes = Vec::new();
    for (kind, sequence) in EventKind::ALL.into_iter().zip(1..) {
        bytes.extend(frame(&event6(kind), sequence));
    }
    collector.receive(&bytes).expect("a clean stream");
    let taken = recorder.0.lock().expect("no panic while locked");
    let expected: Vec<_> = EventKind::ALL
        .into_iter()
        .zip(1..)
        .map(|(kind, sequence)| (event6(kind), frame(&event6(kind), sequence)))
        .collect();
    assert_eq!(*taken, expected);
    let report = collector.stream_report();
    assert_eq!(report.applied.events, Counts([1; 5]));
    assert_eq!((collector.ack(), residual(report)), (5, 0));
}

#[test]
fn a_gap_is_loss_and_a_repetition_is_ignored() {
    let (mut collector, recorder) = collector();
    for sequence in [1, 2, 5, 5, 3, 1, 6] {
        collector.receive(&deny(sequence)).expect("a clean stream");
    }
    assert_eq!(recorder.sequences(), [1, 2, 5, 6]);
    let report = collector.stream_report();
    assert_eq!(report.lost, lost(LossReason::Evicted, 2));
    assert_eq!(report.duplicates, 3);
    assert_eq!(report.applied.total(), 4);
    assert_eq!((collector.ack(), residual(report)), (6, 0));
}

#[test]
fn a_stream_that_begins_late_has_lost_its_beginning() {
    let (mut collector, _) = collector();
    collector.receive(&deny(1_000)).expect("a clean stream");
    let report = collector.stream_report();
    assert_eq!(report.lost, lost(LossReason::Evicted, 999));
    assert_eq!((collector.ack(), residual(report)), (1_000, 0));
}

#[test]
fn malformed_records_are_quarantined_and_acked() {
    let (mut collector, recorder) = collector();
    for (sequence, position, value) in [(1, 16 + 55, 4), (2, 16 + 52, 9), (3, 16 + 54, 3)] {
        let mut bytes = deny(sequence);
        bytes[position] = value;
        collector.receive(&bytes).expect("the stream goes on");
    }
    let mut long = deny(4);
    long[0] = 137;
    long.push(0xa5);
    collector.receive(&long).expect("the stream goes on");
    collector.receive(&deny(5)).expect("the stream goes on");
    assert_eq!(recorder.sequences(), [5]);
    let report = collector.stream_report();
    assert_eq!(report.lost, lost(LossReason::Quarantined, 4));
    assert_eq!((collector.ack(), residual(report)), (5, 0));
}

#[test]
fn unknown_frames_are_stepped_over_and_acked() {
    let (mut collector, recorder) = collector();
    let mut unknown = deny(1);
    unknown[4] = 99;
    collector.receive(&unknown).expect("the stream goes on");
    collector.receive(&deny(2)).expect("the stream goes on");
    assert_eq!(recorder.sequences(), [2]);
    assert_eq!(collector.stream_report().lost, lost(LossReason::UnknownType, 1));
    assert_eq!(collector.ack(), 2);

    // Without a number it is nobody's event.
    unknown[8..16].fill(0);
    collector.receive(&unknown).expect("the stream goes on");
    let report = collector.stream_report();
    assert_eq!((report.protocol_errors, collector.ack(), residual(report)), (1, 2, 0));
}

#[test]
fn control_frames_take_no_number() {
    let (mut collector, recorder) = collector();
    let mut bytes = Vec::new();
    let hello = Frame::Hello(Hello::of_producer(0xfeed, 1, 1));
    hello.encode(0, &mut bytes).expect("control frames encode");
    bytes.extend(bare(FrameType::Keepalive, 0));
    bytes.extend(deny(1));
    bytes.extend(bare(FrameType::DrainComplete, 9));
    collector.receive(&bytes).expect("a clean stream");
    let report = collector.stream_report();
    assert_eq!((report.id, report.control), (Some(0xfeed), 3));
    assert_eq!((collector.ack(), residual(report)), (1, 0));
    assert_eq!(recorder.sequences(), [1]);
}

#[test]
fn the_producers_own_account_is_kept() {
    let (mut collector, _) = collector();
    assert_eq!(collector.loss_report(), None);
    let mut bytes = FrameHeader::new(FrameType::LossReport, 200, 0).as_bytes().to_vec();
    bytes.extend((0..200).map(|byte| if byte % 8 == 0 { 7 } else { 0 }));
    collector.receive(&bytes).expect("a clean stream");
    let report = collector.loss_report().expect("just received");
    assert_eq!(report.kinds[2].ring_full.get(), 7);

    // A short one is an error and changes nothing.
    bytes.truncate(16 + 192);
    bytes[0] = 192;
    bytes[16] = 8;
    collector.receive(&bytes).expect("the stream goes on");
    assert_eq!(collector.loss_report().expect("kept").kinds[0].generated.get(), 7);
    assert_eq!(collector.stream_report().protocol_errors, 1);
}

#[test]
fn a_resync_takes_a_number_and_reaches_no_sink() {
    let (mut collector, recorder) = collector();
    collector.receive(&bare(FrameType::FullResync, 1)).expect("a clean stream");
    collector.receive(&deny(2)).expect("a clean stream");
    let report = collector.stream_report();
    assert_eq!((report.applied.sessions, report.applied.total()), (1, 2));
    assert_eq!((collector.ack(), residual(report)), (2, 0));
    assert_eq!(recorder.sequences(), [2]);
}

#[test]
fn a_length_beyond_the_limit_ends_the_stream() {
    let (mut collector, recorder) = collector();
    let mut bytes = deny(1);
    bytes.extend(bare(FrameType::PolicyDeny, 2));
    bytes[152..156].copy_from_slice(&1025u32.to_le_bytes());
    bytes.extend(deny(3));
    let error = collector.receive(&bytes).expect_err("1025 is too long");
    assert_eq!(error, ProtocolError::PayloadTooLong { frame_type: 11, length: 1025 });
    collector.receive(&deny(4)).expect("what follows is dropped");
    assert_eq!(recorder.sequences(), [1]);
    let report = collector.stream_report();
    assert_eq!((collector.ack(), report.protocol_errors, residual(report)), (1, 1, 0));
}

#[test]
fn each_sink_balances_for_itself() {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    let frames = WriterSink::frames("frames", file.reopen().expect("its second handle"));
    let read_only = std::fs::File::open(file.path()).expect("a handle for reading");
    let broken = WriterSink::frames("broken", read_only);
    let mut collector = InlineCollector::new(vec![Box::new(broken), Box::new(frames)]);
    let mut bytes = deny(1);
    bytes.extend(bare(FrameType::Keepalive, 0));
    bytes.extend(bare(FrameType::FullResync, 2));
    bytes.extend(deny(3));
    collector.receive(&bytes).expect("a clean stream");
    let balanced = |collector: &InlineCollector| {
        let applied = collector.stream_report().applied.events.total();
        collector
            .sink_reports()
            .iter()
            .all(|sink| sink.settled + sink.lost.total() + sink.backlog == applied)
    };
    assert!(balanced(&collector), "before the flush all is backlog");
    collector.flush();
    assert!(balanced(&collector));
    let [broken, frames] = &collector.sink_reports()[..] else { panic!("two sinks") };
    assert_eq!((broken.settled, broken.lost.0, broken.backlog), (0, [0, 2, 0, 0, 0], 0));
    assert_eq!((frames.settled, frames.lost.0, frames.backlog), (2, [0; 5], 0));
    let written = std::fs::read(file.path()).expect("the file is there");
    assert_eq!(written, [deny(1), bare(FrameType::FullResync, 2), deny(3)].concat());
    let errors = collector.take_sink_errors();
    assert_eq!(errors.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["broken"]);
    assert!(collector.take_sink_errors().is_empty());
}

proptest! {
    #[test]
    fn any_cutting_of_the_stream_gives_the_same(
        sequences in prop::collection::vec(1..40u64, 1..30),
        cuts in prop::collection::vec(0..5_000usize, 0..20),
        damage in prop::option::of((0..4_000usize, any::<u8>())),
    ) {
        let mut bytes: Vec<u8> = sequences.iter().flat_map(|&sequence| deny(sequence)).collect();
        if let Some((at, value)) = damage {
            let at = at % bytes.len();
            bytes[at] = value;
        }
        let (mut whole, taken_whole) = collector();
        let (mut cut, taken_cut) = collector();
        let result_whole = whole.receive(&bytes);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut % bytes.len()).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let mut result_cut = Ok(());
        for piece in cuts.windows(2) {
            result_cut = result_cut.and(cut.receive(&bytes[piece[0]..piece[1]]));
        }
        prop_assert_eq!(result_cut, result_whole);
        prop_assert_eq!(cut.stream_report(), whole.stream_report());
        prop_assert_eq!(residual(whole.stream_report()), 0);
        prop_assert_eq!(taken_cut.sequences(), taken_whole.sequences());
    }
}
