//! The events that the snapshots and the witness look at: each kind, family, with and without
//! translation, with and without counters or rule metadata. No two fields share a value.

use crate::address::{Address, Family};
use crate::kinds::{Action, EventKind};
use crate::wire::{Detail, RtFlow};

/// What tells one example from another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Example {
    pub(super) kind: EventKind,
    pub(super) family: Family,
    pub(super) translated: bool,
    pub(super) metadata: bool,
}

/// All forty.
pub(super) fn examples() -> impl Iterator<Item = Example> {
    EventKind::ALL.into_iter().flat_map(|kind| {
        [Family::Inet, Family::Inet6].into_iter().flat_map(move |family| {
            [(false, false), (false, true), (true, false), (true, true)]
                .map(|(translated, metadata)| Example { kind, family, translated, metadata })
        })
    })
}

/// The example's event.
pub(super) fn event(example: Example) -> RtFlow {
    let Example { kind, family, translated, metadata } = example;
    let address = |v4: &str, v6: &str| {
        Address::from(match family {
            Family::Inet6 => v6.parse::<std::net::IpAddr>().unwrap(),
            _ => v4.parse().unwrap(),
        })
    };
    let (policy, action, reason) = match kind {
        EventKind::SessionCreate => (0x0102_0304, Action::Permit, 0),
        EventKind::SessionClose => (0x0102_0304, Action::Permit, 2),
        EventKind::PolicyDeny => (0, Action::Reject, 5),
        EventKind::ScreenDrop => (1 << 31, Action::Deny, 0),
        EventKind::FilterLog => (258, Action::Deny, 5),
    };
    let created_seconds = if is_session(kind) { 1_763_999_999 } else { 0 };
    let nat = |address: Address| if translated { address } else { Address::ZERO };
    RtFlow {
        kind,
        time_ns: 1_764_000_000_123_456_789,
        family,
        protocol: 6,
        action,
        source: address("10.1.2.3", "2001:db8:1::a"),
        destination: address("198.51.100.7", "2001:db8:2::b"),
        source_port: 49_153,
        destination_port: 443,
        policy,
        ingress_zone: 0x0506,
        egress_zone: 0x0708,
        nat_source: nat(address("203.0.113.9", "2001:db8:3::c")),
        nat_destination: nat(address("192.0.2.80", "2001:db8:4::d")),
        nat_source_port: if translated { 1025 } else { 0 },
        nat_destination_port: if translated { 8443 } else { 0 },
        created_seconds,
        ingress_ifindex: 0x6162_6364,
        application: 0x7172,
        reason,
        detail: detail(kind, metadata),
    }
}

/// Counters or rule metadata, all zero without `metadata`.
fn detail(kind: EventKind, metadata: bool) -> Detail {
    let n = u64::from(metadata);
    match (is_session(kind), metadata) {
        (true, _) => Detail::Session {
            client_packets: n * 0x0a0b_0c0d_0e0f_1011,
            client_bytes: n * 0x1213_1415_1617_1819,
            server_packets: n * 0x2223_2425_2627_2829,
            server_bytes: n * 0x3233_3435_3637_3839,
        },
        (false, true) => Detail::Rule { rule: 0x4142_4344, term: 0x5152_5354, owner: -2 },
        (false, false) => Detail::Rule { rule: 0, term: 0, owner: 0 },
    }
}

fn is_session(kind: EventKind) -> bool {
    matches!(kind, EventKind::SessionCreate | EventKind::SessionClose)
}
