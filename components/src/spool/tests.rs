//! The spool's records: bytes as they stand in the file, every bit flipped, every length cut.

use zerocopy::IntoBytes;

use super::*;
use crate::stream::StreamId;
use crate::wire::{FrameHeader, FrameType, HEADER_LENGTH};

fn three() -> Vec<u8> {
    let mut bytes = Vec::new();
    append(&mut bytes, RecordKind::Frame, 7, 10, b"first");
    append(&mut bytes, RecordKind::Report, 7, 11, b"");
    append(&mut bytes, RecordKind::Loss, 7, 12, Loss::new(4, 6, LossReason::Torn, 9).as_bytes());
    bytes
}

fn walk(mut bytes: &[u8]) -> Vec<u64> {
    let mut ordinals = Vec::new();
    while let Parsed::Record(record) = parse(bytes) {
        ordinals.push(record.ordinal);
        bytes = &bytes[record.length()..];
    }
    ordinals
}

#[test]
fn a_record_is_its_header_and_its_payload() {
    let mut bytes = Vec::new();
    append(&mut bytes, RecordKind::Frame, 0x0102, 3, b"ab");
    assert_eq!(bytes.len(), 26);
    let checksum = crc32fast::hash(&bytes[4..]).to_le_bytes();
    assert_eq!(bytes[..4], checksum);
    assert_eq!(
        bytes[4..],
        [0xa7, 1, 2, 0, 2, 1, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, b'a', b'b']
    );
    let record = Record { kind: RecordKind::Frame, stream: 0x0102, ordinal: 3, payload: b"ab" };
    assert_eq!(parse(&bytes), Parsed::Record(record));
}

#[test]
fn every_flipped_bit_is_seen_in_its_record_and_the_next_one_is_found() {
    let whole = three();
    let starts = [0, 29, 53, 109];
    for bit in 0..whole.len() * 8 {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let hurt = starts.iter().rposition(|start| *start <= bit / 8).unwrap();
        assert_eq!(walk(&bytes).len(), hurt, "bit {bit}");
        let next = find(&bytes, starts[hurt] + 1);
        let expected = (hurt < 2).then(|| starts[hurt + 1]);
        assert_eq!(next, expected, "bit {bit}");
    }
}

#[test]
fn every_cut_is_incomplete_and_zeros_are_unwritten() {
    let whole = three();
    for length in 1..29 {
        assert_eq!(parse(&whole[..length]), Parsed::Incomplete, "{length}");
    }
    assert_eq!(parse(&[0; 24]), Parsed::Unwritten);
    assert_eq!(parse(&[0; 23]), Parsed::Incomplete);
}

#[test]
fn a_segment_header_is_refused_when_any_byte_changes() {
    let header = SegmentHeader::new(5, 6);
    assert_eq!(SegmentHeader::parse(header.as_bytes()), Ok(header));
    assert_eq!(SegmentHeader::parse(&[1; 9]), Err(SegmentError::Short { length: 9 }));
    for at in 0..64 {
        let mut bytes: [u8; 64] = transmute!(header);
        bytes[at] ^= 0x10;
        assert!(SegmentHeader::parse(&bytes).is_err(), "byte {at}");
    }
}

#[test]
fn totals_balance_and_survive_their_checkpoint() {
    let mut totals = Totals::default();
    let mut bytes = Vec::new();
    let frame = |kind, sequence| {
        let header = FrameHeader::new(kind, 0, sequence);
        let bytes: [u8; HEADER_LENGTH] = transmute!(header);
        bytes
    };
    append(&mut bytes, RecordKind::Frame, 1, 0, &frame(FrameType::PolicyDeny, 1));
    append(&mut bytes, RecordKind::Loss, 1, 1, Loss::new(2, 4, LossReason::Evicted, 0).as_bytes());
    append(&mut bytes, RecordKind::Frame, 1, 2, &frame(FrameType::FullResync, 5));
    let mut unknown = frame(FrameType::PolicyDeny, 6);
    unknown[4] = 99;
    append(&mut bytes, RecordKind::UnknownType, 1, 3, &unknown);
    append(&mut bytes, RecordKind::Quarantined, 1, 4, &frame(FrameType::PolicyDeny, 7));
    append(&mut bytes, RecordKind::Frame, 2, 5, &frame(FrameType::FilterLog, 1));
    let mut rest = bytes.as_slice();
    while let Parsed::Record(record) = parse(rest) {
        totals.add(&record);
        rest = &rest[record.length()..];
    }
    let first = totals.of(StreamId(1)).unwrap();
    assert_eq!((first.position, first.applied.total(), first.ackable()), (7, 2, 4));
    assert_eq!(first.lost.0, [3, 0, 1, 1]);
    assert_eq!(totals.streams().last().unwrap().id, StreamId(2));
    let kept = Totals::parse(&totals.payload()).unwrap();
    assert_eq!(kept.payload(), totals.payload());
    assert_eq!(Totals::parse(&totals.payload()[1..]), None);
    let mut bytes = Vec::new();
    append(&mut bytes, RecordKind::Resynced, 1, 6, &5u64.to_le_bytes());
    let Parsed::Record(record) = parse(&bytes) else { panic!("whole") };
    totals.add(&record);
    assert_eq!(totals.of(StreamId(1)).unwrap().ackable(), 7);
}

#[test]
fn the_stream_heard_of_longest_ago_is_forgotten() {
    let mut totals = Totals::default();
    for stream in 1..=TOTALS_MAX as u64 {
        totals.entry(StreamId(stream));
    }
    totals.entry(StreamId(1));
    totals.entry(StreamId(1000));
    assert_eq!(totals.streams().len(), TOTALS_MAX);
    assert!(totals.of(StreamId(2)).is_none() && totals.of(StreamId(1)).is_some());
}
