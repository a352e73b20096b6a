//! A small branch office and its events, for the tests of this module: trust behind interface NAT,
//! a web server in a dmz behind destination NAT, a mail server behind static NAT. Addresses are
//! those of RFC 5737 and RFC 3849.

use std::net::IpAddr;
use std::sync::Arc;

use components::address::{Address, AddressRange, AddressSet, Family, family_of};
use components::ids::{IfIndex, NatRuleId, ZoneId};
use components::kinds::{Action, EventKind};
use components::wire::{Detail, Frame, RtFlow};
use components::world::World;
use components::world::names::{FilterName, NatRuleKind, NatRuleName, PolicyName};
use components::world::nat::{
    DestinationAction, DestinationRule, NatContext, NatMatch, SourceAction, SourceRule, StaticKind,
    StaticRule,
};
use components::world::policy::AddressMatch;
use components::world::route::{NextHop, Route, RouteTable};

/// 2026-11-04T06:05:09.042Z
pub(super) const TIME_NS: u64 = 1_793_772_309_042_000_000;
pub(super) const TRUST: u16 = 2;
pub(super) const UNTRUST: u16 = 3;
pub(super) const DMZ: u16 = 4;

/// The commit that all events happen under.
pub(super) fn world() -> Arc<World> {
    let mut world = World::default();
    let names = &mut world.names;
    names.zones.extend(["trust", "untrust", "dmz"].map(String::from));
    names.interfaces.extend(["ge-0/0/0.0", "ge-0/0/1.0", "ge-0/0/2.0"].map(String::from));
    for (name, global) in [("allow-web", false), ("deny-all", true)] {
        names.policies.push(PolicyName { name: name.into(), global });
    }
    names.applications.extend(["junos-https", "junos-ping", "junos-smtp"].map(String::from));
    names.filters.push(FilterName {
        name: "protect-re".into(),
        terms: vec!["allow-ssh".into(), "rest".into()],
    });
    for (kind, rule) in [
        (NatRuleKind::Source, "clients"),
        (NatRuleKind::Destination, "web-in"),
        (NatRuleKind::Static, "mail"),
    ] {
        names.nat_rules.push(NatRuleName { kind, rule_set: "nat".into(), rule: rule.into() });
    }
    world.routes = RouteTable::new(&[
        route("0.0.0.0", 0, 1),
        route("10.0.0.0", 8, 2),
        route("172.16.0.0", 12, 3),
        route("::", 0, 1),
        route("2001:db8:1::", 48, 2),
    ]);
    nat_rules(&mut world);
    Arc::new(world)
}

/// A session create from trust to untrust without translation.
pub(super) fn event(kind: EventKind) -> RtFlow {
    let detail = match kind {
        EventKind::SessionCreate | EventKind::SessionClose => Detail::Session {
            client_packets: 0,
            client_bytes: 0,
            server_packets: 0,
            server_bytes: 0,
        },
        EventKind::PolicyDeny | EventKind::ScreenDrop | EventKind::FilterLog => {
            Detail::Rule { rule: 0, term: 0, owner: 0 }
        }
    };
    RtFlow {
        kind,
        time_ns: TIME_NS,
        family: Family::Inet,
        protocol: 6,
        action: Action::Permit,
        source: address("10.0.0.5"),
        destination: address("192.0.2.80"),
        source_port: 40_000,
        destination_port: 443,
        policy: 1,
        ingress_zone: TRUST,
        egress_zone: UNTRUST,
        nat_source: Address::ZERO,
        nat_destination: Address::ZERO,
        nat_source_port: 0,
        nat_destination_port: 0,
        created_seconds: 1_793_772_309,
        ingress_ifindex: 2,
        application: 1,
        reason: 0,
        detail,
    }
}

/// The same over IPv6.
pub(super) fn event6(kind: EventKind) -> RtFlow {
    RtFlow {
        family: Family::Inet6,
        source: address("2001:db8:1::5"),
        destination: address("2001:db8::80"),
        ..event(kind)
    }
}

/// The close of a create, 61 seconds later.
pub(super) fn closed(create: RtFlow) -> RtFlow {
    RtFlow {
        kind: EventKind::SessionClose,
        time_ns: create.time_ns + 61_500_000_000,
        reason: 2,
        detail: Detail::Session {
            client_packets: 12,
            client_bytes: 1_480,
            server_packets: 9,
            server_bytes: 8_211,
        },
        ..create
    }
}

/// An event's frame: header and record.
pub(super) fn frame(event: &RtFlow, sequence: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    let frame = Frame::RtFlow(*event);
    frame.encode(sequence, &mut bytes).expect("fixtures fit the wire");
    bytes
}

/// An address from its text.
pub(super) fn address(text: &str) -> Address {
    ip(text).into()
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("test address")
}

fn range(text: &str, length: u8) -> AddressRange {
    AddressRange::prefix(ip(text), length).expect("test prefix")
}

fn route(text: &str, length: u8, egress: u16) -> Route {
    let egress = IfIndex(egress);
    Route {
        range: range(text, length),
        length,
        preference: 5,
        next_hop: NextHop { egress, ..NextHop::default() },
    }
}

fn nat_rules(world: &mut World) {
    let zone = |id: u16| NatContext {
        zones: [ZoneId(u8::try_from(id).expect("test zone"))].into_iter().collect(),
        interfaces: Default::default(),
    };
    let matches = || NatMatch {
        source: AddressMatch::any(),
        destination: AddressMatch::any(),
        ..NatMatch::default()
    };
    world.nat.source.push(SourceRule {
        id: NatRuleId(1),
        matches: NatMatch {
            from: zone(TRUST),
            to: NatContext {
                zones: Default::default(),
                interfaces: [IfIndex(1)].into_iter().collect(),
            },
            ..matches()
        },
        action: SourceAction::Interface,
    });
    let web = AddressSet::from_ranges([range("203.0.113.80", 32)]);
    world.nat.destination.push(DestinationRule {
        id: NatRuleId(2),
        matches: NatMatch {
            from: zone(UNTRUST),
            destination: AddressMatch { set: web, excluded: false },
            ..matches()
        },
        action: DestinationAction::Pool {
            family: family_of(ip("172.16.0.80")),
            first: address("172.16.0.80"),
            last: address("172.16.0.80"),
            port: 8443,
        },
    });
    world.nat.statics.push(StaticRule {
        id: NatRuleId(3),
        from: zone(UNTRUST),
        source: AddressMatch::any(),
        outside: range("203.0.113.25", 32),
        inside: range("172.16.0.25", 32),
        outside_ports: None,
        inside_ports: None,
        kind: StaticKind::Prefix,
    });
}
