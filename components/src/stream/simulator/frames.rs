//! Frames that tell what they are: everything in one follows from its number, its class and a tag,
//! so that what lies in the spool can be compared byte by byte with what was accepted.

use zerocopy::{FromZeros, IntoBytes};

use crate::block::EventFrame;
use crate::kinds::{EventKind, SessionChange};
use crate::stream::simulator::random::Random;
use crate::wire::{FrameHeader, FrameType, RtFlowRecord, Session, SessionEnd};

/// What kind of frame it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// An event.
    Event(EventKind),
    /// An event whose family byte is none.
    Malformed(EventKind),
    /// An event under a type byte that nobody knows.
    Unknown(EventKind),
    /// A frame of session replication, of this type.
    Session(u8),
    Resync,
}

impl Class {
    /// A class for our own producer.
    pub(super) fn of_event(random: &mut Random) -> Self {
        let storm = random.one_in(2);
        let kind = if storm { EventKind::PolicyDeny } else { EventKind::ALL[random.between(0, 4)] };
        match random.below(60) {
            0 => Self::Malformed(kind),
            1 => Self::Unknown(kind),
            2..=11 => Self::Session(1 + u8::try_from(random.below(3)).expect("below 3")),
            _ => Self::Event(kind),
        }
    }

    /// A class for a producer that speaks the contract and nothing else.
    pub(super) fn of_foreign(random: &mut Random) -> Self {
        match random.below(30) {
            0 => Self::Malformed(EventKind::FilterLog),
            1 => Self::Unknown(EventKind::FilterLog),
            2..=11 => Self::Session(1 + u8::try_from(random.below(3)).expect("below 3")),
            12..=20 => Self::Event(EventKind::PolicyDeny),
            _ => Self::Event(EventKind::ScreenDrop),
        }
    }

    /// The kind that the ring takes it for.
    pub(super) fn kind(self) -> Option<EventKind> {
        match self {
            Self::Event(kind) | Self::Malformed(kind) | Self::Unknown(kind) => Some(kind),
            Self::Session(_) | Self::Resync => None,
        }
    }

    /// The frame as a producer of ours hands it to its ring, without a number.
    pub(super) fn frame(self, tag: u64) -> Option<EventFrame> {
        match self {
            Self::Session(frame_type) => Some(session_frame(frame_type, tag)),
            _ => self.event(tag),
        }
    }

    fn event(self, tag: u64) -> Option<EventFrame> {
        let kind = self.kind()?;
        let mut record = RtFlowRecord::new_zeroed();
        record.time_ns = tag.into();
        record.source[..8].copy_from_slice(&tag.wrapping_mul(0x9e37_79b9).to_be_bytes());
        record.family = if self == Self::Malformed(kind) { 99 } else { 2 };
        let mut frame = EventFrame::new(kind, record);
        if self == Self::Unknown(kind) {
            frame.set_frame_type(UNKNOWN_TYPE);
        }
        Some(frame)
    }

    /// The whole frame under its number.
    pub(super) fn bytes(self, sequence: u64, tag: u64) -> Vec<u8> {
        if let Some(mut frame) = self.event(tag) {
            frame.set_sequence(sequence);
            return frame.as_bytes().to_vec();
        }
        match self {
            Self::Session(frame_type) => {
                raw(frame_type, sequence, &session_payload(frame_type, tag))
            }
            _ => raw(9, sequence, &[]),
        }
    }
}

fn session_frame(frame_type: u8, tag: u64) -> EventFrame {
    let payload = session_payload(frame_type, tag);
    let session = |frame_type| Session::decode(frame_type, &payload).expect("whole");
    match SessionChange::from_wire(frame_type).expect("1 to 3") {
        SessionChange::Open => EventFrame::session_open(&session(FrameType::SessionOpen)),
        SessionChange::Update => EventFrame::session_update(&session(FrameType::SessionUpdate)),
        SessionChange::Close => {
            EventFrame::session_close(&SessionEnd::decode(&payload).expect("whole"))
        }
    }
}

/// A session of IPv4, or where the tag says so of IPv6; every byte that tells it apart follows from
/// the tag.
fn session_payload(frame_type: u8, tag: u64) -> Vec<u8> {
    let wide = tag % 4 == 3;
    let length = match (frame_type, wide) {
        (2, false) => 19,
        (2, true) => 43,
        (_, false) => 56,
        (_, true) => 116,
    };
    let mut payload = vec![0; length];
    payload[0] = if wide { 6 } else { 4 };
    payload[8..16].copy_from_slice(&tag.to_le_bytes());
    payload
}

/// Any frame, as bytes.
pub(in crate::stream) fn raw(frame_type: u8, sequence: u64, payload: &[u8]) -> Vec<u8> {
    let header = FrameHeader {
        length: u32::try_from(payload.len()).unwrap().into(),
        frame_type,
        reserved: [0; 3],
        sequence: sequence.into(),
    };
    [header.as_bytes(), payload].concat()
}

/// A frame type from the future.
pub(super) const UNKNOWN_TYPE: u8 = 200;
