//! NAT as packets meet it: exhaustion and its event, ports in TIME-WAIT, pools that take over,
//! persistent bindings from inside and outside, hairpins.

use components::ids::PoolId;
use components::world::nat::{Permit, PersistentNat, SourcePool};

use super::*;

const POOL: PoolId = PoolId(1);

/// Trust goes out through a pool of one address, 198.51.100.200, and the ports given.
fn pooled(ports: (u16, u16)) -> World {
    let mut world = with_source_nat();
    let ranges = vec![AddressRange::prefix(ip("198.51.100.200"), 32).expect("a prefix")];
    world.nat.pools.push(SourcePool { ranges, ports, ..SourcePool::default() });
    world.nat.source[0].action = SourceAction::Pool(POOL);
    world
}

/// Likewise with persistent bindings; a policy from the outside only where `let_in`.
fn persistent(permit: Permit, let_in: bool) -> World {
    let mut world = pooled((2000, 2099));
    world.nat.persistent.push(PersistentNat {
        permit,
        inactivity_s: 60,
        sessions_max: 8,
        ..PersistentNat::of(NatRuleId(1))
    });
    let rule = |action| Policy {
        id: PolicyId(1),
        ordinal: RuleId(1),
        source: AddressMatch::any(),
        destination: AddressMatch::any(),
        action,
        log_init: true,
        log_close: true,
        ..Policy::default()
    };
    let inward = rule(if let_in { Action::Permit } else { Action::Deny });
    let pairs =
        vec![((TRUST, UNTRUST), vec![rule(Action::Permit)]), ((UNTRUST, TRUST), vec![inward])];
    world.policies = PolicyTable::new(pairs, Vec::new(), DefaultPolicy::default());
    world
}

#[test]
fn an_exhausted_pool_fails_closed_is_counted_and_logged_and_recovers() {
    let mut firewall = Firewall::new(pooled((2000, 2001)));
    let out = |n: u16| udp(("10.0.0.5", 3000 + n), ("198.51.100.1", 53));
    firewall.forward(TRUST_IFL, &out(0));
    firewall.forward(TRUST_IFL, &out(1));
    assert_eq!(firewall.send(TRUST_IFL, &out(2)), Sent::Dropped(DropReason::NatPoolExhausted));
    assert_eq!(firewall.generated(EventKind::PolicyDeny), 1);
    assert_eq!(firewall.generated(EventKind::SessionCreate), 2);
    let dropped = firewall.shard.counters.packets.dropped.0;
    assert_eq!(dropped[DropReason::NatPoolExhausted.index()], 1);
    assert_eq!((firewall.shard.ports.leased(), firewall.shard.sessions.leases()), (2, 2));
    firewall.forward(TRUST_IFL, &out(1));
    firewall.wait(61);
    firewall.forward(TRUST_IFL, &out(2));
    assert_eq!((firewall.shard.ports.leased(), firewall.shard.sessions.leases()), (1, 1));
}

#[test]
fn a_port_is_not_taken_again_before_its_session_has_lingered() {
    let mut firewall = Firewall::new(pooled((2000, 2000)));
    let (client, server, public) =
        (("10.0.0.5", 5000), ("198.51.100.1", 80), ("198.51.100.200", 2000));
    firewall.forward(TRUST_IFL, &tcp(client, server, SYN));
    firewall.forward(UNTRUST_IFL, &tcp(server, public, SYN | ACK));
    firewall.forward(TRUST_IFL, &tcp(client, server, FIN | ACK));
    firewall.forward(UNTRUST_IFL, &tcp(server, public, FIN | ACK));
    firewall.forward(TRUST_IFL, &tcp(client, server, ACK));
    let other = tcp(("10.0.0.6", 5000), server, SYN);
    firewall.clock_ns += 2 * SECOND - 1;
    let early = firewall.send(TRUST_IFL, &other);
    assert_eq!(early, Sent::Dropped(DropReason::NatPoolExhausted), "in TIME-WAIT");
    firewall.clock_ns += 1;
    assert_eq!(tuple(&firewall.forward(TRUST_IFL, &other)).1, 2000);
}

#[test]
fn what_a_protocol_without_ports_shares_with_another_host_goes_to_another_address() {
    let mut world = pooled((2000, 2099));
    let ranges = vec![AddressRange::prefix(ip("198.51.100.200"), 31).expect("a prefix")];
    world.nat.pools[0].ranges = ranges;
    let mut firewall = Firewall::new(world);
    let esp = |from| support::ip_packet(from, "198.51.100.1", 50, &[0, 0, 1, 0, 0, 0, 0, 1]);
    let first = firewall.forward(TRUST_IFL, &esp("10.0.0.5"));
    let second = firewall.forward(TRUST_IFL, &esp("10.0.0.6"));
    assert_ne!(first[12..16], second[12..16]);
    let third = firewall.send(TRUST_IFL, &esp("10.0.0.7"));
    assert_eq!(third, Sent::Dropped(DropReason::NatPoolExhausted));
}

#[test]
fn a_second_client_of_a_protocol_without_ports_finds_the_interface_taken_not_exhausted() {
    let mut firewall = Firewall::new(with_source_nat());
    let gre = |from, to| support::ip_packet(from, to, 47, &[0, 0, 0x08, 0]);
    firewall.forward(TRUST_IFL, &gre("10.0.0.5", "198.51.100.1"));
    let second = firewall.send(TRUST_IFL, &gre("10.0.0.6", "198.51.100.1"));
    assert_eq!(second, Sent::Dropped(DropReason::NatTupleTaken));
    firewall.forward(TRUST_IFL, &gre("10.0.0.6", "198.51.100.2"));
    assert_eq!(firewall.shard.counters.packets.dropped.total(), 1);
}

#[test]
fn a_persistent_binding_has_one_address_and_port_for_all_destinations() {
    let mut firewall = Firewall::new(persistent(Permit::AnyRemoteHost, true));
    let from = ("10.0.0.5", 2050);
    for server in ["198.51.100.1", "198.51.100.2", "198.51.100.3"] {
        let out = tuple(&firewall.forward(TRUST_IFL, &udp(from, (server, 53))));
        assert_eq!(out, (ip("198.51.100.200"), 2050, ip(server), 53));
    }
    assert_eq!(firewall.shard.ports.bindings.active(), 1);
    assert_eq!((firewall.shard.ports.leased(), firewall.shard.sessions.leases()), (0, 0));
    let hole = ("198.51.100.200", 2050);
    let inside = firewall.forward(UNTRUST_IFL, &udp(("203.0.113.77", 9), hole));
    assert_eq!(tuple(&inside), (ip("203.0.113.77"), 9, ip("10.0.0.5"), 2050));
    let back = firewall.forward(TRUST_IFL, &udp(from, ("203.0.113.77", 9)));
    assert_eq!(tuple(&back), (ip("198.51.100.200"), 2050, ip("203.0.113.77"), 9));
    assert_eq!(firewall.shard.created, 4, "the answer belongs to the session from outside");
}

#[test]
fn a_binding_outlives_its_sessions_by_its_timeout_and_takes_no_more_than_its_sessions() {
    let mut firewall = Firewall::new(persistent(Permit::AnyRemoteHost, true));
    let (from, hole) = (("10.0.0.5", 2050), ("198.51.100.200", 2050));
    firewall.forward(TRUST_IFL, &udp(from, ("198.51.100.1", 53)));
    for n in 1..8 {
        firewall.forward(UNTRUST_IFL, &udp(("203.0.113.77", n), hole));
    }
    let ninth = firewall.send(UNTRUST_IFL, &udp(("203.0.113.77", 9), hole));
    assert_eq!(ninth, Sent::Dropped(DropReason::NatBindingSessions));
    // Sessions end after 60 seconds, whenever that is noticed, and the binding after 60 more.
    firewall.wait(119);
    assert_eq!(firewall.shard.sessions.active(), 8);
    firewall.expire();
    assert_eq!((firewall.shard.sessions.active(), firewall.shard.ports.bindings.active()), (0, 1));
    firewall.forward(UNTRUST_IFL, &udp(("203.0.113.77", 9), hole));
    firewall.wait(120);
    firewall.expire();
    assert_eq!(firewall.shard.ports.bindings.active(), 0);
    assert_eq!(firewall.shard.ports.leased(), 0);
}

#[test]
fn who_may_use_a_binding_from_outside_and_which_policy_covers_it() {
    let (from, hole, server) = (("10.0.0.5", 2050), ("198.51.100.200", 2050), "198.51.100.1");
    let closed = Sent::Dropped(DropReason::NatBindingClosed);
    let denied = Sent::Dropped(DropReason::PolicyDeny);
    let cases = [
        (Permit::AnyRemoteHost, false, [Some(&denied), Some(&denied), Some(&denied)]),
        (Permit::AnyRemoteHost, true, [None, None, None]),
        (Permit::TargetHost, false, [None, None, Some(&closed)]),
        (Permit::TargetHostPort, false, [None, Some(&closed), Some(&closed)]),
    ];
    for (permit, let_in, expected) in cases {
        let mut firewall = Firewall::new(persistent(permit, let_in));
        firewall.forward(TRUST_IFL, &udp(from, (server, 53)));
        // The session itself ends; the binding and what it was used for stay.
        firewall.wait(61);
        firewall.expire();
        assert_eq!(firewall.shard.sessions.active(), 0);
        for (remote, expected) in
            [(server, 53), (server, 54), ("192.0.2.9", 53)].iter().zip(expected)
        {
            let sent = firewall.send(UNTRUST_IFL, &udp(*remote, hole));
            match expected {
                Some(expected) => assert_eq!(sent, *expected, "{permit:?} {remote:?}"),
                None => {
                    assert!(matches!(sent, Sent::Forwarded(_)), "{permit:?} {remote:?} {sent:?}");
                }
            }
        }
    }
}

#[test]
fn a_host_reaches_its_neighbour_by_the_outside_address_of_a_static_rule() {
    let mut world = world();
    let within = Policy {
        source: AddressMatch::any(),
        destination: AddressMatch::any(),
        action: Action::Permit,
        ..Policy::default()
    };
    let pairs = vec![((TRUST, TRUST), vec![within])];
    world.policies = PolicyTable::new(pairs, Vec::new(), DefaultPolicy::default());
    let range = |text| AddressRange::prefix(ip(text), 28).expect("a prefix");
    world.nat.statics.push(StaticRule {
        id: NatRuleId(1),
        from: NatContext { zones: [TRUST, UNTRUST].into_iter().collect(), ..NatContext::default() },
        source: AddressMatch::any(),
        outside: range("203.0.113.64"),
        inside: range("10.0.0.64"),
        outside_ports: None,
        inside_ports: None,
        kind: StaticKind::Prefix,
    });
    let mut firewall = Firewall::new(world);
    let out = firewall.forward(TRUST_IFL, &udp(("10.0.0.65", 7), ("203.0.113.70", 9)));
    assert_eq!(tuple(&out), (ip("203.0.113.65"), 7, ip("10.0.0.70"), 9));
    let back = firewall.forward(TRUST_IFL, &udp(("10.0.0.70", 9), ("203.0.113.65", 7)));
    assert_eq!(tuple(&back), (ip("203.0.113.70"), 9, ip("10.0.0.65"), 7));
    let plain = firewall.forward(TRUST_IFL, &udp(("10.0.0.5", 7), ("203.0.113.70", 9)));
    assert_eq!(tuple(&plain), (ip("10.0.0.5"), 7, ip("10.0.0.70"), 9));
}
