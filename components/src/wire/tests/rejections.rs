//! Every payload that is refused, and what is said about it.

use zerocopy::IntoBytes;

use super::events::{event, examples};
use crate::address::Family;
use crate::wire::{DecodeError, Detail, EncodeError, Frame, FrameHeader, FrameType, RtFlow};

/// The kinds' RT_FLOW types, each with a valid record.
fn records() -> Vec<(FrameType, Vec<u8>)> {
    examples()
        .map(|example| {
            let record = event(example).encode().unwrap();
            (FrameType::from(example.kind), record.as_bytes().to_vec())
        })
        .collect()
}

fn decode(frame_type: FrameType, payload: &[u8]) -> Result<Frame, DecodeError> {
    let length = u16::try_from(payload.len()).unwrap();
    Frame::decode(&FrameHeader::new(frame_type, length, 1), payload)
}

#[test]
fn rejects_a_record_of_another_length_than_136() {
    for (frame_type, record) in records() {
        for actual in [0, 1, 135, 137, 200, 1024] {
            let mut payload = record.clone();
            payload.resize(actual, 0);
            let error = DecodeError::Length { frame_type, expected: 136, actual };
            assert_eq!(decode(frame_type, &payload), Err(error));
        }
    }
    let error = decode(FrameType::PolicyDeny, &[0; 135]).unwrap_err();
    assert_eq!(error.to_string(), "policy_deny payload of 135 bytes, 136 expected");
}

#[test]
fn rejects_an_event_type_that_is_not_the_frames() {
    for (frame_type, mut record) in records() {
        let own = frame_type.event_kind().unwrap() as u8;
        for event_type in (0..=u8::MAX).filter(|byte| *byte != own) {
            record[52] = event_type;
            let error = DecodeError::EventType { frame_type, event_type };
            assert_eq!(decode(frame_type, &record), Err(error));
        }
    }
    let record = &records()[0].1;
    let error = RtFlow::decode(FrameType::SessionOpen, record).unwrap_err();
    assert_eq!(error.to_string(), "event type 1 in a session_open frame");
}

#[test]
fn rejects_a_family_other_than_2_and_10() {
    for (frame_type, mut record) in records() {
        for family in (0..=u8::MAX).filter(|byte| ![2, 10].contains(byte)) {
            record[55] = family;
            assert_eq!(
                decode(frame_type, &record),
                Err(DecodeError::Family { frame_type, family })
            );
        }
    }
}

#[test]
fn rejects_an_action_that_names_nothing() {
    for (frame_type, mut record) in records() {
        for action in 3..=u8::MAX {
            record[54] = action;
            assert_eq!(
                decode(frame_type, &record),
                Err(DecodeError::Action { frame_type, action })
            );
        }
    }
}

#[test]
fn reads_no_byte_that_the_kind_gives_no_meaning_to() {
    for example in examples().filter(|e| e.kind as u8 > 2) {
        let event = event(example);
        let mut record = event.encode().unwrap().as_bytes().to_vec();
        for unread in (66..72).chain(112..128).chain([135]) {
            record[unread] = 0xa5;
        }
        assert_eq!(RtFlow::decode(example.kind.into(), &record), Ok(event));
    }
}

#[test]
fn rejects_a_session_frame_of_wrong_length_or_family() {
    for frame_type in [FrameType::SessionOpen, FrameType::SessionUpdate] {
        for (family, expected) in [(4, 56), (6, 116)] {
            for actual in (1..200).filter(|n| *n != expected) {
                let error = DecodeError::Length { frame_type, expected, actual };
                assert_eq!(decode(frame_type, &vec![family; actual]), Err(error));
            }
            assert!(decode(frame_type, &vec![family; expected]).is_ok());
        }
    }
    let frame_type = FrameType::SessionClose;
    for (family, expected) in [(4, 19), (6, 43)] {
        for actual in (1..200).filter(|n| ![expected, expected - 2].contains(n)) {
            let error = DecodeError::Length { frame_type, expected, actual };
            assert_eq!(decode(frame_type, &vec![family; actual]), Err(error));
        }
    }
    for frame_type in [FrameType::SessionOpen, FrameType::SessionUpdate, FrameType::SessionClose] {
        assert!(matches!(decode(frame_type, &[]), Err(DecodeError::Length { actual: 0, .. })));
        for family in (0..=u8::MAX).filter(|byte| ![4, 6].contains(byte)) {
            let error = DecodeError::Family { frame_type, family };
            assert_eq!(decode(frame_type, &[family; 56]), Err(error));
        }
    }
}

#[test]
fn rejects_control_frames_of_wrong_length() {
    for frame_type in FrameType::ALL {
        let expected = match frame_type {
            FrameType::Hello => 32,
            FrameType::LossReport => 200,
            FrameType::Ack
            | FrameType::Pause
            | FrameType::Resume
            | FrameType::DrainRequest
            | FrameType::DrainComplete
            | FrameType::FullResync
            | FrameType::Keepalive => 0,
            _ => continue,
        };
        for actual in (0..300).filter(|n| *n != expected) {
            let error = DecodeError::Length { frame_type, expected, actual };
            assert_eq!(decode(frame_type, &vec![0; actual]), Err(error));
        }
        assert!(decode(frame_type, &vec![0xa5; expected]).is_ok());
    }
}

#[test]
fn rejects_unknown_frame_types() {
    for code in [0, 18, 255] {
        let mut header = FrameHeader::new(FrameType::Ack, 0, 1);
        header.frame_type = code;
        assert_eq!(Frame::decode(&header, &[]), Err(DecodeError::FrameType(code)));
    }
}

#[test]
fn encodes_nothing_that_the_record_cannot_tell() {
    let mut bytes = vec![1, 2, 3];
    for example in examples() {
        let good = event(example);
        let other = if matches!(good.detail, Detail::Session { .. }) {
            Detail::Rule { rule: 1, term: 2, owner: 3 }
        } else {
            Detail::Session {
                client_packets: 1,
                client_bytes: 2,
                server_packets: 3,
                server_bytes: 4,
            }
        };
        let error = EncodeError::Detail { kind: good.kind, detail: other };
        let frame = Frame::RtFlow(RtFlow { detail: other, ..good });
        assert_eq!(frame.encode(1, &mut bytes), Err(error));
        let frame = Frame::RtFlow(RtFlow { family: Family::None, ..good });
        assert_eq!(frame.encode(1, &mut bytes), Err(EncodeError::Family(Family::None)));
    }
    assert_eq!(bytes, [1, 2, 3], "nothing half written");
}
