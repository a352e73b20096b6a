//! Prints a frame a field a line: offset, bytes, name and value. The offsets come from tables of
//! their own, written from the contract and not from the types, and must tile the frame exactly.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};

/// How to read a field's bytes.
#[derive(Clone, Copy)]
pub(super) enum Form {
    Unsigned,
    Signed,
    BigEndian,
    /// 4 bytes, or 16 of which the first four count.
    V4,
    V6,
    Hex,
}

/// A field: offset, size, name, form.
pub(super) type Field = (usize, usize, &'static str, Form);

use Form::{BigEndian, Hex, Signed, Unsigned, V4, V6};

pub(super) const HEADER: &[Field] = &[
    (0, 4, "length", Unsigned),
    (4, 1, "frame type", Unsigned),
    (5, 3, "reserved", Hex),
    (8, 8, "sequence", Unsigned),
];

/// The fields of an RT_FLOW record.
pub(super) fn rt_flow(address: Form, session: bool) -> Vec<Field> {
    let mut fields = vec![
        (0, 8, "time ns", Unsigned),
        (8, 16, "source", address),
        (24, 16, "destination", address),
        (40, 2, "source port", BigEndian),
        (42, 2, "destination port", BigEndian),
        (44, 4, "policy", Unsigned),
        (48, 2, "ingress zone", Unsigned),
        (50, 2, "egress zone", Unsigned),
        (52, 1, "event type", Unsigned),
        (53, 1, "protocol", Unsigned),
        (54, 1, "action", Unsigned),
        (55, 1, "family", Unsigned),
    ];
    if session {
        fields.push((56, 8, "client packets", Unsigned));
        fields.push((64, 8, "client bytes", Unsigned));
    } else {
        fields.push((56, 4, "rule", Unsigned));
        fields.push((60, 4, "term", Unsigned));
        fields.push((64, 2, "owner group", Signed));
        fields.push((66, 6, "zero", Hex));
    }
    fields.extend([
        (72, 16, "nat source", address),
        (88, 16, "nat destination", address),
        (104, 2, "nat source port", BigEndian),
        (106, 2, "nat destination port", BigEndian),
        (108, 4, "created s", Unsigned),
        (112, 8, "server packets", Unsigned),
        (120, 8, "server bytes", Unsigned),
        (128, 4, "ingress ifindex", Unsigned),
        (132, 2, "application", Unsigned),
        (134, 1, "reason", Unsigned),
        (135, 1, "zero", Hex),
    ]);
    fields
}

/// The fields of a SessionOpen or SessionUpdate with addresses of `a` bytes.
pub(super) fn session(address: Form, a: usize) -> Vec<Field> {
    vec![
        (0, 1, "family", Unsigned),
        (1, 1, "protocol", Unsigned),
        (2, 2, "source port", Unsigned),
        (4, 2, "destination port", Unsigned),
        (6, 2, "nat source port", Unsigned),
        (8, 2, "nat destination port", Unsigned),
        (10, 2, "owner group", Signed),
        (12, 2, "egress ifindex", Signed),
        (14, 2, "transmit ifindex", Signed),
        (16, 2, "tunnel endpoint", Unsigned),
        (18, 2, "transmit vlan", Unsigned),
        (20, 1, "flags", Unsigned),
        (21, 1, "ingress zone", Unsigned),
        (22, 1, "egress zone", Unsigned),
        (23, 1, "disposition", Unsigned),
        (24, a, "source", address),
        (24 + a, a, "destination", address),
        (24 + 2 * a, a, "nat source", address),
        (24 + 3 * a, a, "nat destination", address),
        (24 + 4 * a, 6, "neighbour mac", Hex),
        (30 + 4 * a, 6, "source mac", Hex),
        (36 + 4 * a, a, "next hop", address),
    ]
}

/// The fields of a SessionClose with addresses of `a` bytes.
pub(super) fn session_end(address: Form, a: usize, zones: bool) -> Vec<Field> {
    let mut fields = vec![
        (0, 1, "family", Unsigned),
        (1, 1, "protocol", Unsigned),
        (2, 2, "source port", Unsigned),
        (4, 2, "destination port", Unsigned),
        (6, a, "source", address),
        (6 + a, a, "destination", address),
        (6 + 2 * a, 2, "owner group", Signed),
        (8 + 2 * a, 1, "flags", Unsigned),
    ];
    if zones {
        fields.push((9 + 2 * a, 1, "ingress zone", Unsigned));
        fields.push((10 + 2 * a, 1, "egress zone", Unsigned));
    }
    fields
}

pub(super) const HELLO: &[Field] = &[
    (0, 2, "version", Unsigned),
    (2, 2, "flags", Unsigned),
    (4, 4, "reserved", Hex),
    (8, 8, "stream id", Unsigned),
    (16, 8, "oldest sequence", Unsigned),
    (24, 8, "next sequence", Unsigned),
];

/// The fields of a LossReport.
pub(super) fn loss_report() -> Vec<Field> {
    let names = ["generated", "accepted", "rate limited", "ring full", "no stream"];
    (0..25).map(|n| (n * 8, 8, names[n % 5], Unsigned)).collect()
}

/// The header and, numbered from 0 again as in the contract's tables, the payload.
pub(super) fn annotate(frame: &[u8], payload: &[Field]) -> String {
    let mut text = String::from("header\n");
    table(&mut text, &frame[..16], HEADER);
    if !payload.is_empty() {
        text.push_str("payload\n");
    }
    table(&mut text, &frame[16..], payload);
    text
}

fn table(text: &mut String, bytes: &[u8], fields: &[Field]) {
    let mut next = 0;
    for &(offset, size, name, form) in fields {
        assert_eq!(offset, next, "{name} leaves a hole or overlaps");
        next += size;
        let field = &bytes[offset..next];
        let hex: Vec<String> = field
            .chunks(4)
            .map(|group| group.iter().map(|byte| format!("{byte:02x}")).collect())
            .collect();
        let line =
            format!("{offset:>5}  {:<35}  {name:<20}  {}", hex.join(" "), value(field, form));
        writeln!(text, "{}", line.trim_end()).unwrap();
    }
    assert_eq!(next, bytes.len(), "the fields cover the bytes");
}

fn value(bytes: &[u8], form: Form) -> String {
    let reversed: Vec<u8> = bytes.iter().rev().copied().collect();
    match form {
        Unsigned => big_endian(&reversed).to_string(),
        BigEndian => big_endian(bytes).to_string(),
        Signed => i16::from_le_bytes(bytes.try_into().unwrap()).to_string(),
        V4 => Ipv4Addr::from(<[u8; 4]>::try_from(&bytes[..4]).unwrap()).to_string(),
        V6 => Ipv6Addr::from(<[u8; 16]>::try_from(bytes).unwrap()).to_string(),
        Hex => String::new(),
    }
}

fn big_endian(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte))
}
