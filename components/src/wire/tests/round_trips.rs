//! What is encoded comes back, whatever the fields hold, and no bytes from outside panic.

use proptest::prelude::*;

use crate::address::{Address, Family};
use crate::kinds::{Action, EventKind};
use crate::wire::{Decoder, Detail, Frame, FrameHeader, FrameType, RtFlow};

/// The extremes, each as likely as everything between.
macro_rules! extreme {
    ($integer:ty) => {
        prop_oneof![Just(<$integer>::MIN), Just(<$integer>::MAX), any::<$integer>()]
    };
}

fn address() -> impl Strategy<Value = Address> {
    prop_oneof![Just([0; 16]), Just([255; 16]), any::<[u8; 16]>()].prop_map(Address)
}

fn detail(kind: EventKind) -> BoxedStrategy<Detail> {
    if matches!(kind, EventKind::SessionCreate | EventKind::SessionClose) {
        (extreme!(u64), extreme!(u64), extreme!(u64), extreme!(u64))
            .prop_map(|(client_packets, client_bytes, server_packets, server_bytes)| {
                Detail::Session { client_packets, client_bytes, server_packets, server_bytes }
            })
            .boxed()
    } else {
        (extreme!(u32), extreme!(u32), extreme!(i16))
            .prop_map(|(rule, term, owner)| Detail::Rule { rule, term, owner })
            .boxed()
    }
}

fn event() -> impl Strategy<Value = RtFlow> {
    let kind = prop::sample::select(&EventKind::ALL);
    let addresses = (address(), address(), address(), address());
    let ports = (extreme!(u16), extreme!(u16), extreme!(u16), extreme!(u16));
    let bytes = (extreme!(u8), extreme!(u8), extreme!(u16), extreme!(u16), extreme!(u16));
    let words = (extreme!(u64), extreme!(u32), extreme!(u32), extreme!(u32));
    let family = prop_oneof![Just(Family::Inet), Just(Family::Inet6)];
    let action = prop_oneof![Just(Action::Deny), Just(Action::Permit), Just(Action::Reject)];
    (kind.prop_flat_map(|kind| (Just(kind), detail(kind))), addresses, ports, bytes, words)
        .prop_flat_map(move |fields| (Just(fields), family.clone(), action.clone()))
        .prop_map(|(((kind, detail), addresses, ports, bytes, words), family, action)| RtFlow {
            kind,
            time_ns: words.0,
            family,
            protocol: bytes.0,
            action,
            source: addresses.0,
            destination: addresses.1,
            source_port: ports.0,
            destination_port: ports.1,
            policy: words.1,
            ingress_zone: bytes.2,
            egress_zone: bytes.3,
            nat_source: addresses.2,
            nat_destination: addresses.3,
            nat_source_port: ports.2,
            nat_destination_port: ports.3,
            created_seconds: words.2,
            ingress_ifindex: words.3,
            application: bytes.4,
            reason: bytes.1,
            detail,
        })
}

/// What a collector makes of the bytes.
fn received(bytes: &[u8]) -> (u64, Frame) {
    let mut decoder = Decoder::new(0);
    assert_eq!(decoder.push(bytes), bytes.len());
    let raw = decoder.next_frame().unwrap().unwrap();
    assert_eq!(raw.bytes, bytes);
    (raw.header.sequence.get(), raw.decode().unwrap())
}

proptest! {
    #[test]
    fn every_field_of_an_event_survives(event in event(), sequence in extreme!(u64)) {
        let mut bytes = Vec::new();
        Frame::RtFlow(event).encode(sequence, &mut bytes).unwrap();
        prop_assert_eq!(bytes.len(), 152);
        prop_assert_eq!(received(&bytes), (sequence, Frame::RtFlow(event)));
    }

    #[test]
    fn every_byte_of_a_session_frame_survives(
        bytes in prop::collection::vec(extreme!(u8), 116),
        form in prop::sample::select(vec![
            (FrameType::SessionOpen, 4, 56), (FrameType::SessionOpen, 6, 116),
            (FrameType::SessionUpdate, 4, 56), (FrameType::SessionUpdate, 6, 116),
            (FrameType::SessionClose, 4, 19), (FrameType::SessionClose, 6, 43),
            (FrameType::SessionClose, 4, 17), (FrameType::SessionClose, 6, 41),
            (FrameType::Hello, 1, 32),
        ]),
    ) {
        let (frame_type, first, length) = form;
        let mut payload = bytes[..usize::from(length)].to_vec();
        payload[0] = first;
        let frame = Frame::decode(&FrameHeader::new(frame_type, length, 7), &payload).unwrap();
        let mut encoded = Vec::new();
        frame.encode(7, &mut encoded).unwrap();
        prop_assert_eq!(&encoded[16..], &payload[..]);
        prop_assert_eq!(received(&encoded), (7, frame));
    }

    #[test]
    fn no_payload_panics(
        frame_type in any::<u8>(),
        payload in prop::collection::vec(any::<u8>(), 0..=300),
    ) {
        let mut header = FrameHeader::new(FrameType::Ack, 0, 0);
        header.frame_type = frame_type;
        if let Ok(frame) = Frame::decode(&header, &payload) {
            prop_assert_eq!(frame.frame_type() as u8, frame_type);
        }
    }
}
