//! Packets through parse, policy, nat, rewrite and emit: fates, events, and every transmitted
//! packet with its checksums computed anew.

mod nat;
mod nat64;

use std::net::IpAddr;

use bumpalo::Bump;
use components::address::{Address, AddressRange, AddressSet, Family};
use components::batch::Batch;
use components::columns::{LinkType, tcp_flag};
use components::event::Events;
use components::ids::{IfIndex, NatRuleId, PolicyId, RuleId};
use components::kinds::{Action, CloseReason, EventKind};
use components::reason::{DropReason, Fate, Verdict};
use components::session::aging::Aging;
use components::world::application::{ICMP, TCP, UDP};
use components::world::interface::HostService;
use components::world::nat::{
    DestinationAction, DestinationRule, NatContext, NatMatch, SourceAction, SourceRule, StaticKind,
    StaticRule,
};
use components::world::policy::{AddressMatch, DefaultPolicy, Policy, PolicyTable};
use components::world::{FlowOptions, World};

mod scheduled;

use crate::pipeline::Pipeline;
use crate::schedule::Schedule;
use crate::shard::Shard;
use crate::test_support::{self as support, TRUST, TRUST_IFL, UNTRUST, UNTRUST_IFL};

mod limits;
mod splice;
mod tcp;

const HEADROOM: usize = 64;
const SECOND: u64 = 1_000_000_000;
const SYN: u8 = tcp_flag::SYN;
const ACK: u8 = tcp_flag::ACK;
const FIN: u8 = tcp_flag::FIN;
const RST: u8 = tcp_flag::RST;

/// A firewall and its clock.
struct Firewall {
    world: World,
    pipeline: Pipeline,
    shard: Shard,
    events: Events,
    clock_ns: u64,
}

/// What became of a packet.
#[derive(Debug, PartialEq, Eq)]
enum Sent {
    Forwarded(Vec<u8>),
    ToHost,
    Dropped(DropReason),
}

impl Firewall {
    fn new(world: World) -> Self {
        Self::with_sessions(world, 64)
    }

    fn with_sessions(world: World, capacity: usize) -> Self {
        let text = format!(
            "systems = ['parse', 'policy', 'nat', 'rewrite', 'emit']\n[session]\ncapacity = {capacity}"
        );
        let schedule = Schedule::parse(&text).expect("a good schedule");
        let shard = Shard::new(&world, &schedule.settings, 0);
        let pipeline = Pipeline::new(&schedule);
        let events = Events::default();
        Self { world, pipeline, shard, events, clock_ns: 100 * SECOND }
    }

    /// Sends one IP packet in on an interface.
    fn send(&mut self, ingress: IfIndex, packet: &[u8]) -> Sent {
        let mut memory = [&[0xa5; HEADROOM][..], packet].concat();
        let arena = Bump::new();
        self.expire();
        self.events.clear();
        let mut batch = Batch::new(&arena, 1, &mut memory, &mut self.events);
        batch.columns.offset[0] = u32::try_from(HEADROOM).expect("short");
        batch.columns.headroom[0] = u16::try_from(HEADROOM).expect("short");
        batch.columns.length[0] = u32::try_from(packet.len()).expect("short");
        batch.columns.wire_length[0] = batch.columns.length[0];
        batch.columns.link[0] = LinkType::RawIp;
        batch.columns.bound_ingress[0] = ingress;
        batch.columns.time_ns[0] = self.clock_ns;
        batch.columns.clock_ns[0] = self.clock_ns;
        self.pipeline.run(&mut batch, &mut self.shard, &self.world);
        let Verdict { fate, reason } = batch.columns.verdict[0];
        let start = batch.columns.out_offset[0] as usize;
        let out = start..start + batch.columns.out_length[0] as usize;
        match fate {
            Fate::Dropped => Sent::Dropped(reason),
            Fate::ToHost => Sent::ToHost,
            Fate::Forwarded => {
                let packet = memory[out].to_vec();
                support::verify_checksums(&packet);
                Sent::Forwarded(packet)
            }
        }
    }

    fn forward(&mut self, ingress: IfIndex, packet: &[u8]) -> Vec<u8> {
        match self.send(ingress, packet) {
            Sent::Forwarded(packet) => packet,
            other => panic!("expected to be forwarded, was {other:?}"),
        }
    }

    fn expire(&mut self) {
        self.events.clear();
        let arena = Bump::new();
        let mut more = self.shard.sessions.is_tick_due(self.clock_ns);
        while more {
            let mut batch = Batch::new(&arena, 0, &mut [], &mut self.events);
            more = self.pipeline.expire(&mut batch, &mut self.shard, &self.world, self.clock_ns);
        }
    }

    fn wait(&mut self, seconds: u64) {
        self.clock_ns += seconds * SECOND;
    }

    fn generated(&self, kind: EventKind) -> u64 {
        self.events.generated[kind.index()]
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("a test address")
}

/// Trust may go out and is logged; everything else meets the default policy.
fn world() -> World {
    let mut world = support::world();
    let out = Policy {
        id: PolicyId(1),
        ordinal: RuleId(1),
        source: AddressMatch::any(),
        destination: AddressMatch::any(),
        action: Action::Permit,
        log_init: true,
        log_close: true,
        ..Policy::default()
    };
    let pairs = vec![((TRUST, UNTRUST), vec![out])];
    let default = DefaultPolicy { action: Action::Deny, log: true };
    world.policies = PolicyTable::new(pairs, Vec::new(), default);
    world.nat.interface_ports = (1024, 63487);
    world
}

fn with_source_nat() -> World {
    let mut world = world();
    world.nat.source.push(SourceRule {
        id: NatRuleId(1),
        matches: NatMatch {
            from: NatContext { zones: [TRUST].into_iter().collect(), ..NatContext::default() },
            to: NatContext { zones: [UNTRUST].into_iter().collect(), ..NatContext::default() },
            source: AddressMatch::any(),
            destination: AddressMatch::any(),
            ..NatMatch::default()
        },
        action: SourceAction::Interface,
    });
    world
}

fn tcp(from: (&str, u16), to: (&str, u16), flags: u8) -> Vec<u8> {
    support::ip_packet(from.0, to.0, TCP, &support::tcp(from.1, to.1, flags, b""))
}

fn udp(from: (&str, u16), to: (&str, u16)) -> Vec<u8> {
    support::ip_packet(from.0, to.0, UDP, &support::udp(from.1, to.1, b"data"))
}

/// Source, destination and both ports of an IPv4 packet without options.
fn tuple(packet: &[u8]) -> (IpAddr, u16, IpAddr, u16) {
    let address = |at: usize| IpAddr::from(<[u8; 4]>::try_from(&packet[at..at + 4]).expect("four"));
    let port = |at: usize| u16::from_be_bytes([packet[at], packet[at + 1]]);
    (address(12), port(20), address(16), port(22))
}

#[test]
fn a_reply_finds_its_session_through_source_nat_and_both_directions_are_counted() {
    let mut firewall = Firewall::new(with_source_nat());
    let request = udp(("10.0.0.5", 40000), ("198.51.100.1", 53));
    let out = firewall.forward(TRUST_IFL, &request);
    assert_eq!(tuple(&out), (ip("203.0.113.1"), 40000, ip("198.51.100.1"), 53));
    assert_eq!(out[8], request[8] - 1, "TTL");
    let back = firewall.forward(UNTRUST_IFL, &udp(("198.51.100.1", 53), ("203.0.113.1", 40000)));
    assert_eq!(tuple(&back), (ip("198.51.100.1"), 53, ip("10.0.0.5"), 40000));
    // Another client with the same port gets another one.
    let other = firewall.forward(TRUST_IFL, &udp(("10.0.0.6", 40000), ("198.51.100.1", 53)));
    assert_ne!(tuple(&other).1, 40000);
    assert_eq!(firewall.shard.ports.leased(), 2);
    firewall.wait(61);
    firewall.events.clear();
    firewall.expire();
    assert_eq!(firewall.generated(EventKind::SessionCreate), 2);
    assert_eq!(firewall.generated(EventKind::SessionClose), 2);
    assert_eq!((firewall.shard.ports.leased(), firewall.shard.sessions.active()), (0, 0));
    let record = &firewall.events.records[0];
    assert_eq!((record.server_packets.get(), record.server_bytes.get()), (1, 32));
}

#[test]
fn an_unsolicited_packet_meets_the_default_policy_and_is_logged() {
    let mut firewall = Firewall::new(world());
    let packet = tcp(("198.51.100.9", 1234), ("10.0.0.5", 22), SYN);
    assert_eq!(firewall.send(UNTRUST_IFL, &packet), Sent::Dropped(DropReason::PolicyDeny));
    assert_eq!(firewall.generated(EventKind::PolicyDeny), 1);
    assert_eq!(firewall.shard.counters.denied_logged, 1);
    assert_eq!(firewall.shard.sessions.active(), 0);
}

#[test]
fn tcp_follows_the_handshake_and_closes_on_fin_from_both_sides() {
    let mut firewall = Firewall::new(world());
    let (client, server) = (("10.0.0.5", 5000), ("198.51.100.1", 80));
    let ack_first = firewall.send(TRUST_IFL, &tcp(client, server, ACK));
    assert_eq!(ack_first, Sent::Dropped(DropReason::TcpNoSession));
    firewall.forward(TRUST_IFL, &tcp(client, server, SYN));
    let early = firewall.send(UNTRUST_IFL, &tcp(server, client, ACK));
    assert_eq!(early, Sent::Dropped(DropReason::TcpOutOfState));
    firewall.forward(UNTRUST_IFL, &tcp(server, client, SYN | ACK));
    firewall.forward(TRUST_IFL, &tcp(client, server, ACK));
    firewall.wait(1799);
    firewall.forward(TRUST_IFL, &tcp(client, server, FIN | ACK));
    firewall.forward(UNTRUST_IFL, &tcp(server, client, FIN | ACK));
    firewall.forward(TRUST_IFL, &tcp(client, server, ACK));
    firewall.wait(3);
    firewall.expire();
    let record = firewall.events.records.last().expect("a close");
    assert_eq!((record.event_type, record.reason), (2, 2), "TCP FIN");
    assert_eq!(firewall.shard.sessions.active(), 0);
}

#[test]
fn a_reset_session_makes_room_for_the_next_connection_of_the_same_ports_at_once() {
    let mut firewall = Firewall::new(world());
    let (client, server) = (("10.0.0.5", 5000), ("198.51.100.1", 80));
    firewall.forward(TRUST_IFL, &tcp(client, server, SYN));
    firewall.forward(UNTRUST_IFL, &tcp(server, client, RST | ACK));
    firewall.forward(TRUST_IFL, &tcp(client, server, SYN));
    assert_eq!(firewall.shard.created, 2);
    assert_eq!(firewall.shard.closed.total(), 1);
    assert_eq!(firewall.generated(EventKind::SessionClose), 1);
}

#[test]
fn a_reset_session_ends_two_seconds_later_and_not_when_it_would_have_timed_out() {
    let mut firewall = Firewall::new(world());
    let (client, server) = (("10.0.0.5", 5000), ("198.51.100.1", 80));
    firewall.forward(TRUST_IFL, &tcp(client, server, SYN));
    firewall.forward(UNTRUST_IFL, &tcp(server, client, RST | ACK));
    firewall.clock_ns += 2 * SECOND - 1;
    firewall.expire();
    assert_eq!(firewall.shard.sessions.active(), 1);
    firewall.wait(1);
    firewall.expire();
    let record = firewall.events.records.last().expect("a close");
    assert_eq!((record.event_type, record.reason), (2, 3), "TCP RST");
}

#[test]
fn a_half_open_connection_is_gone_after_the_initial_timeout_also_between_ticks() {
    let mut firewall = Firewall::new(world());
    let (client, server) = (("10.0.0.5", 5000), ("198.51.100.1", 80));
    firewall.forward(TRUST_IFL, &tcp(client, server, SYN));
    firewall.clock_ns += 20 * SECOND;
    let late = firewall.send(UNTRUST_IFL, &tcp(server, client, SYN | ACK));
    assert_eq!(late, Sent::Dropped(DropReason::TcpNoSession));
}

#[test]
fn destination_and_static_nat_translate_before_the_policy_sees_the_packet() {
    let mut world = world();
    let web = AddressRange::prefix(ip("10.0.0.80"), 32).expect("a prefix");
    let only_web = Policy {
        id: PolicyId(2),
        source: AddressMatch::any(),
        destination: AddressMatch { set: AddressSet::from_ranges([web]), excluded: false },
        action: Action::Permit,
        ..Policy::default()
    };
    let pairs = vec![((UNTRUST, TRUST), vec![only_web])];
    world.policies = PolicyTable::new(pairs, Vec::new(), DefaultPolicy::default());
    let public = AddressRange::prefix(ip("203.0.113.80"), 32).expect("a prefix");
    world.nat.destination.push(DestinationRule {
        id: NatRuleId(1),
        matches: NatMatch {
            source: AddressMatch::any(),
            destination: AddressMatch { set: AddressSet::from_ranges([public]), excluded: false },
            destination_ports: vec![(80, 80)],
            ..NatMatch::default()
        },
        action: DestinationAction::Pool {
            family: Family::Inet,
            first: Address::v4([10, 0, 0, 80]),
            last: Address::v4([10, 0, 0, 80]),
            port: 8080,
        },
    });
    world.nat.statics.push(StaticRule {
        id: NatRuleId(2),
        from: NatContext::default(),
        source: AddressMatch::any(),
        outside: AddressRange::prefix(ip("203.0.113.25"), 32).expect("a prefix"),
        inside: AddressRange::prefix(ip("10.0.0.25"), 32).expect("a prefix"),
        outside_ports: None,
        inside_ports: None,
        kind: StaticKind::Prefix,
    });
    let mut firewall = Firewall::new(world);
    let client = ("198.51.100.7", 3333);
    let inside = firewall.forward(UNTRUST_IFL, &tcp(client, ("203.0.113.80", 80), SYN));
    assert_eq!(tuple(&inside), (ip("198.51.100.7"), 3333, ip("10.0.0.80"), 8080));
    let answer = tcp(("10.0.0.80", 8080), client, SYN | ACK);
    let answer = firewall.forward(TRUST_IFL, &answer);
    assert_eq!(tuple(&answer), (ip("203.0.113.80"), 80, ip("198.51.100.7"), 3333));
    let denied = firewall.send(UNTRUST_IFL, &tcp(client, ("203.0.113.25", 25), SYN));
    assert_eq!(denied, Sent::Dropped(DropReason::PolicyDeny), "10.0.0.25 is not permitted");
}

#[test]
fn an_icmp_error_reaches_the_client_with_the_quoted_packet_as_the_client_sent_it() {
    let mut firewall = Firewall::new(with_source_nat());
    let request = udp(("10.0.0.5", 53000), ("198.51.100.1", 33434));
    let transmitted = firewall.forward(TRUST_IFL, &request);
    let error = support::icmp(11, 0, [0; 4], &transmitted[..28]);
    let error = support::ip_packet("192.0.2.99", "203.0.113.1", ICMP, &error);
    let arrived = firewall.forward(UNTRUST_IFL, &error);
    assert_eq!(arrived[12..20], [192, 0, 2, 99, 10, 0, 0, 5], "outer addresses");
    let mut quoted = request[..28].to_vec();
    // The quote was transmitted with a lower TTL, which nobody undoes.
    quoted[8..12].copy_from_slice(&arrived[36..40]);
    assert_eq!(arrived[28..56], quoted[..]);
    let stray = support::icmp(11, 0, [0; 4], &request[..28]);
    let stray = support::ip_packet("192.0.2.99", "10.0.0.5", ICMP, &stray);
    assert_eq!(firewall.send(UNTRUST_IFL, &stray), Sent::Dropped(DropReason::IcmpNoSession));
}

#[test]
fn a_ping_is_translated_by_its_identifier_and_a_stray_reply_is_dropped() {
    let mut firewall = Firewall::new(with_source_nat());
    let echo = |kind, from, to| {
        support::ip_packet(from, to, ICMP, &support::icmp(kind, 0, [0x77, 0x77, 0, 1], b"x"))
    };
    let out = firewall.forward(TRUST_IFL, &echo(8, "10.0.0.5", "198.51.100.1"));
    assert_eq!(out[12..16], [203, 0, 113, 1]);
    let back = firewall.forward(UNTRUST_IFL, &echo(0, "198.51.100.1", "203.0.113.1"));
    assert_eq!(back[16..20], [10, 0, 0, 5]);
    let stray = echo(0, "198.51.100.2", "10.0.0.5");
    assert_eq!(firewall.send(UNTRUST_IFL, &stray), Sent::Dropped(DropReason::IcmpNoSession));
}

#[test]
fn a_ping_session_carries_its_requests_and_their_replies_only() {
    // Of the identifiers, 0x0800 looks like the type and code of an echo request.
    for identifier in [[0, 1], [8, 0]] {
        let mut firewall = Firewall::new(world());
        let [high, low] = identifier;
        let message = |kind, from, to| {
            support::ip_packet(from, to, ICMP, &support::icmp(kind, 0, [high, low, 0, 1], b"x"))
        };
        firewall.forward(TRUST_IFL, &message(8, "10.0.0.5", "198.51.100.1"));
        firewall.forward(UNTRUST_IFL, &message(0, "198.51.100.1", "10.0.0.5"));
        for kind in [0, 5, 14, 42] {
            let sent = firewall.send(TRUST_IFL, &message(kind, "10.0.0.5", "198.51.100.1"));
            assert_eq!(sent, Sent::Dropped(DropReason::IcmpNoSession), "type {kind} out");
        }
        for kind in [5, 8, 13, 14, 42] {
            let sent = firewall.send(UNTRUST_IFL, &message(kind, "198.51.100.1", "10.0.0.5"));
            assert!(matches!(sent, Sent::Dropped(_)), "type {kind} in: {sent:?}");
        }
        assert_eq!(firewall.shard.created, 1);
    }
}

#[test]
fn packets_for_the_firewall_need_host_inbound_traffic() {
    let mut world = world();
    let ssh = HostService { protocol: TCP, ports: (22, 22) };
    world.interfaces.0[TRUST_IFL.index()].host_inbound.accept.push(ssh);
    let mut firewall = Firewall::new(world);
    let to = |port| tcp(("10.0.0.5", 4000), ("10.0.0.1", port), SYN);
    assert_eq!(firewall.send(TRUST_IFL, &to(22)), Sent::ToHost);
    assert_eq!(firewall.send(TRUST_IFL, &to(23)), Sent::Dropped(DropReason::HostInbound));
}

#[test]
fn an_address_of_another_zones_interface_takes_a_policy_to_that_zone() {
    let mut world = world();
    let ssh = HostService { protocol: TCP, ports: (22, 22) };
    for interface in &mut world.interfaces.0 {
        interface.host_inbound.accept.push(ssh);
    }
    let mut firewall = Firewall::new(world);
    let inward = tcp(("198.51.100.9", 4000), ("10.0.0.1", 22), SYN);
    assert_eq!(firewall.send(UNTRUST_IFL, &inward), Sent::Dropped(DropReason::PolicyDeny));
    let outward = tcp(("10.0.0.5", 4000), ("203.0.113.1", 22), SYN);
    assert_eq!(firewall.send(TRUST_IFL, &outward), Sent::ToHost);
}

#[test]
fn routes_and_zones_decide_before_any_policy() {
    let mut firewall = Firewall::new(world());
    let to = |address| udp(("10.0.0.5", 4000), (address, 53));
    let dropped = |firewall: &mut Firewall, address| match firewall.send(TRUST_IFL, &to(address)) {
        Sent::Dropped(reason) => reason,
        other => panic!("{address} was {other:?}"),
    };
    assert_eq!(dropped(&mut firewall, "172.16.1.1"), DropReason::DiscardRoute);
    assert_eq!(dropped(&mut firewall, "192.0.2.7"), DropReason::EgressZoneNone);
    assert_eq!(dropped(&mut firewall, "224.0.0.251"), DropReason::Multicast);
    let mut last_hop = to("198.51.100.1");
    last_hop[8] = 1;
    support::fix_header_checksum(&mut last_hop);
    assert_eq!(firewall.send(TRUST_IFL, &last_hop), Sent::Dropped(DropReason::TtlExceeded));
    assert_eq!(firewall.shard.created, 0);
}

#[test]
fn a_full_table_fails_closed_for_new_sessions_only() {
    let mut firewall = Firewall::with_sessions(with_source_nat(), 1);
    let first = udp(("10.0.0.5", 4000), ("198.51.100.1", 53));
    firewall.forward(TRUST_IFL, &first);
    let second = udp(("10.0.0.6", 4000), ("198.51.100.1", 53));
    assert_eq!(firewall.send(TRUST_IFL, &second), Sent::Dropped(DropReason::SessionTableFull));
    assert_eq!(firewall.shard.ports.leased(), 1, "the second lease was given back");
    firewall.forward(TRUST_IFL, &first);
}
