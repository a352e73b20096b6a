//! A second reader, which knows the contract's offsets and none of the types. It reads what the
//! types wrote; and the types read two frames that another language's struct packer wrote.

use super::events::{event, examples};
use crate::address::{Address, Family};
use crate::kinds::{Action, EventKind};
use crate::wire::{Decoder, Detail, Frame, RtFlow};

/// A session close over IPv4, its source translated, under sequence 77.
const CLOSE: &str = "\
    88000000 10000000 4d000000 00000000 15cd256f a7fc7a18 0a010203 00000000 \
    00000000 00000000 c6336407 00000000 00000000 00000000 c00101bb 04030201 \
    06050807 02060102 0c000000 00000000 800d0000 00000000 cb007109 00000000 \
    00000000 00000000 00000000 00000000 00000000 00000000 040101bb ff802469 \
    0f000000 00000000 cd810100 00000000 11000000 72710200";

/// A filter log over IPv6 under sequence 78.
const FILTER_LOG: &str = "\
    88000000 0d000000 4e000000 00000000 16cd256f a7fc7a18 20010db8 00010000 \
    00000000 0000000a 20010db8 00020000 00000000 0000000b 00800000 02010000 \
    03000400 063a000a 02010000 09000000 feff0000 00000000 00000000 00000000 \
    00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 \
    00000000 00000000 00000000 00000000 12000000 00000400";

fn u16_le(b: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(b[at..at + 2].try_into().unwrap())
}

fn u16_be(b: &[u8], at: usize) -> u16 {
    u16::from_be_bytes(b[at..at + 2].try_into().unwrap())
}

fn u32_le(b: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(b[at..at + 4].try_into().unwrap())
}

fn u64_le(b: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(b[at..at + 8].try_into().unwrap())
}

#[test]
fn plain_reads_at_the_contracts_offsets_find_every_field() {
    for example in examples() {
        let event = event(example);
        let mut frame = Vec::new();
        Frame::RtFlow(event).encode(0x0807_0605_0403_0201, &mut frame).unwrap();
        assert_eq!(u32_le(&frame, 0), 136);
        assert_eq!(frame[4], [15, 16, 11, 12, 13][event.kind.index()]);
        assert_eq!(frame[5..16], [0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
        let b = &frame[16..];
        assert_eq!(b.len(), 136);
        assert_eq!(u64_le(b, 0), event.time_ns);
        assert_eq!(b[8..24], event.source.0);
        assert_eq!(b[24..40], event.destination.0);
        if event.family == Family::Inet {
            assert_eq!(b[8..24], [10, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        }
        assert_eq!((u16_be(b, 40), u16_be(b, 42)), (49_153, 443));
        assert_eq!(u32_le(b, 44), event.policy);
        assert_eq!((u16_le(b, 48), u16_le(b, 50)), (event.ingress_zone, event.egress_zone));
        assert_eq!(b[52], [1, 2, 3, 4, 6][event.kind.index()]);
        assert_eq!(b[53], event.protocol);
        assert_eq!(b[54], event.action as u8);
        assert_eq!(b[55], if event.family == Family::Inet { 2 } else { 10 });
        assert_detail(b, &event);
        assert_eq!(b[72..88], event.nat_source.0);
        assert_eq!(b[88..104], event.nat_destination.0);
        assert_eq!(u16_be(b, 104), event.nat_source_port);
        assert_eq!(u16_be(b, 106), event.nat_destination_port);
        assert_eq!(u32_le(b, 108), event.created_seconds);
        assert_eq!(u32_le(b, 128), event.ingress_ifindex);
        assert_eq!(u16_le(b, 132), event.application);
        assert_eq!((b[134], b[135]), (event.reason, 0));
    }
}

/// Bytes 56 to 71 and 112 to 127.
fn assert_detail(b: &[u8], event: &RtFlow) {
    match event.detail {
        Detail::Session { client_packets, client_bytes, server_packets, server_bytes } => {
            assert_eq!((u64_le(b, 56), u64_le(b, 64)), (client_packets, client_bytes));
            assert_eq!((u64_le(b, 112), u64_le(b, 120)), (server_packets, server_bytes));
        }
        Detail::Rule { rule, term, owner } => {
            assert_eq!((u32_le(b, 56), u32_le(b, 60)), (rule, term));
            assert_eq!(i16::from_le_bytes([b[64], b[65]]), owner);
            assert_eq!(b[66..72], [0; 6]);
            assert_eq!(b[112..128], [0; 16]);
        }
    }
}

#[test]
fn frames_from_elsewhere_decode_and_encode_to_the_same_bytes() {
    for (text, sequence, event) in [(CLOSE, 77, close()), (FILTER_LOG, 78, filter_log())] {
        let hex: String = text.split_whitespace().collect();
        let bytes: Vec<u8> = (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect();
        let mut decoder = Decoder::new(0);
        assert_eq!(decoder.push(&bytes), 152);
        let raw = decoder.next_frame().unwrap().unwrap();
        assert_eq!(raw.header.sequence.get(), sequence);
        assert_eq!(raw.decode(), Ok(Frame::RtFlow(event)));
        let mut encoded = Vec::new();
        Frame::RtFlow(event).encode(sequence, &mut encoded).unwrap();
        assert_eq!(encoded, bytes);
    }
}

fn ip(text: &str) -> Address {
    Address::from(text.parse::<std::net::IpAddr>().unwrap())
}

/// What [`CLOSE`] tells.
fn close() -> RtFlow {
    RtFlow {
        kind: EventKind::SessionClose,
        time_ns: 1_764_000_000_123_456_789,
        family: Family::Inet,
        protocol: 6,
        action: Action::Permit,
        source: ip("10.1.2.3"),
        destination: ip("198.51.100.7"),
        source_port: 49_153,
        destination_port: 443,
        policy: 0x0102_0304,
        ingress_zone: 0x0506,
        egress_zone: 0x0708,
        nat_source: ip("203.0.113.9"),
        nat_destination: Address::ZERO,
        nat_source_port: 1025,
        nat_destination_port: 443,
        created_seconds: 1_763_999_999,
        ingress_ifindex: 17,
        application: 0x7172,
        reason: 2,
        detail: Detail::Session {
            client_packets: 12,
            client_bytes: 3456,
            server_packets: 15,
            server_bytes: 98_765,
        },
    }
}

/// What [`FILTER_LOG`] tells.
fn filter_log() -> RtFlow {
    RtFlow {
        kind: EventKind::FilterLog,
        time_ns: 1_764_000_000_123_456_790,
        family: Family::Inet6,
        protocol: 58,
        action: Action::Deny,
        source: ip("2001:db8:1::a"),
        destination: ip("2001:db8:2::b"),
        source_port: 128,
        destination_port: 0,
        policy: 258,
        ingress_zone: 3,
        egress_zone: 4,
        nat_source: Address::ZERO,
        nat_destination: Address::ZERO,
        nat_source_port: 0,
        nat_destination_port: 0,
        created_seconds: 0,
        ingress_ifindex: 18,
        application: 0,
        reason: 4,
        detail: Detail::Rule { rule: 258, term: 9, owner: -2 },
    }
}
