//! Pools: whose turn it is, who keeps what, exhaustion, blocks and persistent bindings.

use std::collections::HashSet;

use super::*;
use crate::address::AddressRange;
use crate::ids::NatRuleId;
use crate::world::nat::{Permit, PersistentNat, PortBlocks};

const SECOND: u64 = 1_000_000_000;
const POOL: PoolId = PoolId(1);

fn pool(ports: (u16, u16), addresses: u32) -> SourcePool {
    let ranges = vec![AddressRange::V4(0xc633_6401, 0xc633_6400 + addresses)];
    SourcePool { ranges, ports, ..SourcePool::default() }
}

fn table(pools: impl IntoIterator<Item = SourcePool>) -> PortTable {
    let mut world = World::default();
    world.nat.pools.extend(pools);
    PortTable::for_world(&world, 0, 1, 1, 0)
}

fn host(last: u8, port: u16) -> Wanted {
    let host = Address::v4([10, 0, 0, last]);
    Wanted { host, port, has_ports: true, family: Family::Inet, ..Wanted::default() }
}

fn public(last: u8) -> Address {
    Address::v4([198, 51, 100, last])
}

#[test]
fn addresses_of_a_pool_take_turns_and_keep_the_port() {
    let mut ports = table([pool((1024, 2000), 3)]);
    let mut lease = |client| {
        let (address, port, _) = ports.lease_pool(POOL, &host(client, 1050)).expect("free");
        (address, port)
    };
    assert_eq!(lease(5), (public(1), 1050));
    assert_eq!(lease(5), (public(2), 1050));
    assert_eq!(lease(6), (public(3), 1050));
    let (address, port) = lease(6);
    assert_eq!(address, public(1));
    assert!(port != 1050 && port % 2 == 0, "{port}: taken, so another even one");
}

#[test]
fn a_paired_host_keeps_its_address_and_is_refused_when_that_is_full() {
    let mut ports = table([SourcePool { paired: true, ..pool((2000, 2003), 4) }]);
    let mut lease = |client| ports.lease_pool(POOL, &host(client, 1)).map(|lease| lease.0);
    let first = lease(5).expect("free");
    for _ in 0..3 {
        assert_eq!(lease(5), Some(first));
    }
    assert_eq!(lease(5), None);
    let others: HashSet<_> = (0..40).filter_map(lease).collect();
    assert_eq!(others.len(), 3, "the other addresses are still there");
}

#[test]
fn an_exhausted_pool_refuses_until_a_port_comes_back_and_no_port_is_leased_twice() {
    let mut ports = table([pool((2000, 2009), 70)]);
    let mut seen = HashSet::new();
    let mut leases = Vec::new();
    while let Some((address, port, lease)) = ports.lease_pool(POOL, &host(7, 1)) {
        assert!(seen.insert((address, port)));
        leases.push(lease);
    }
    assert_eq!((leases.len(), ports.leased()), (700, 700));
    ports.release(leases[693]);
    ports.release(leases[693]);
    assert_eq!(ports.leased(), 699);
    let (_, port, lease) = ports.lease_pool(POOL, &host(9, 1)).expect("one is free");
    assert_eq!((port, lease), (leases[693].port, leases[693]));
    assert!(ports.lease_pool(POOL, &host(9, 1)).is_none());
    assert!(ports.lease_pool(PoolId(9), &host(9, 1)).is_none());
}

#[test]
fn an_overflow_pool_takes_over_when_nothing_is_left() {
    let second = SourcePool {
        ranges: vec![AddressRange::V4(0xcb00_7101, 0xcb00_7101)],
        ..pool((5000, 5000), 1)
    };
    let first = SourcePool { overflow: Overflow::Pool(PoolId(2)), ..pool((2000, 2000), 1) };
    let mut ports = table([first, second]);
    let mut lease = || ports.lease_pool(POOL, &host(7, 1)).map(|lease| (lease.0, lease.1));
    assert_eq!(lease(), Some((public(1), 2000)));
    assert_eq!(lease(), Some((Address::v4([203, 0, 113, 1]), 5000)));
    assert_eq!(lease(), None);
}

#[test]
fn a_host_base_moves_hosts_to_the_same_place_of_the_pool_and_refuses_others() {
    let base = Some(Address::v4([10, 0, 0, 20]));
    let mut ports = table([SourcePool { host_base: base, ..pool((1024, 2000), 10) }]);
    let mut lease = |client| ports.lease_pool(POOL, &host(client, 77)).map(|l| (l.0, l.1));
    assert_eq!(lease(20), Some((public(1), 77)));
    assert_eq!(lease(29), Some((public(10), 77)));
    assert_eq!(lease(30), None);
    assert_eq!(lease(19), None);
}

#[test]
fn blocks_are_held_by_hosts_up_to_their_maximum_and_come_back_with_their_last_port() {
    let blocks = PortBlocks { size: 4, per_host_max: 2, active_s: 0 };
    let mut ports = table([SourcePool { blocks: Some(blocks), ..pool((2000, 2017), 1) }]);
    let mut lease = |client| ports.lease_pool(POOL, &host(client, 1));
    let own: Vec<_> = (0..8).map(|_| lease(5).expect("two blocks of four")).collect();
    let numbers: HashSet<u16> = own.iter().map(|lease| lease.1).collect();
    assert_eq!(numbers, (2000..2008).collect());
    assert!(lease(5).is_none(), "the maximum of one host");
    assert_eq!(lease(6).expect("the third block").1 / 4, 502);
    assert_eq!(lease(7).expect("the fourth block").1 / 4, 503);
    assert!(lease(8).is_none(), "the last two ports of the range fill no block");
    for lease in own.iter().filter(|lease| lease.1 < 2003) {
        ports.release(lease.2);
    }
    assert!(ports.lease_pool(POOL, &host(8, 1)).is_none(), "one port of the block is in use");
    let again = ports.lease_pool(POOL, &host(5, 1)).expect("a port of its first block").2;
    ports.release(again);
    let last = own.iter().find(|lease| lease.1 == 2003).expect("leased");
    ports.release(last.2);
    assert_eq!(ports.lease_pool(POOL, &host(8, 1)).expect("the freed block").1 / 4, 500);
}

#[test]
fn an_active_block_gives_no_more_ports_after_its_time() {
    let blocks = PortBlocks { size: 4, per_host_max: 2, active_s: 10 };
    let mut ports = table([SourcePool { blocks: Some(blocks), ..pool((2000, 2011), 1) }]);
    let mut lease_at = |clock_ns| {
        ports.set_clock(clock_ns);
        ports.lease_pool(POOL, &host(5, 1)).expect("free").1 / 4
    };
    assert_eq!((lease_at(0), lease_at(10 * SECOND - 1)), (500, 500));
    assert_eq!((lease_at(10 * SECOND), lease_at(11 * SECOND)), (501, 501));
}

#[test]
fn workers_share_a_range_without_overlap_also_where_there_are_more_workers_than_ports() {
    let parts: Vec<_> = (0..3).map(|worker| share_of((1024, 63487), worker, 3)).collect();
    assert_eq!(parts[0].0, 1024);
    assert_eq!(parts[2].1, 63487);
    assert!(parts.windows(2).all(|pair| pair[0].1 + 1 == pair[1].0));
    let parts: Vec<_> = (0..4).map(|worker| share_of((2000, 2001), worker, 4)).collect();
    assert_eq!(parts[..2], [(2000, 2000), (2001, 2001)]);
    assert!(parts[2..].iter().all(|(first, last)| first > last));
}

/// A table with one persistent rule and the binding of 10.0.0.5:5000.
fn persistent(permit: Permit, capacity: usize) -> (PortTable, Endpoint, PortLease) {
    let mut world = World::default();
    world.nat.pools.push(pool((2000, 2009), 1));
    let rule = PersistentNat { permit, inactivity_s: 60, sessions_max: 2, ..RULE };
    world.nat.persistent.push(rule);
    let mut ports = PortTable::for_world(&world, 0, 1, 1, capacity);
    let (outside, lease) = bind(&mut ports, inside(5000)).expect("room");
    (ports, outside, lease)
}

const RULE: PersistentNat = PersistentNat::of(NatRuleId(3));

fn inside(port: u16) -> Endpoint {
    let address = Address::v4([10, 0, 0, 5]);
    Endpoint { address, port, protocol: 17, family: Family::Inet }
}

fn bind(ports: &mut PortTable, inside: Endpoint) -> Result<(Endpoint, PortLease), BindingError> {
    let (address, port, lease) = ports.lease_pool(POOL, &host(5, inside.port)).expect("free");
    let outside = Endpoint { address, port, ..inside };
    let bound = ports.bindings.bind(RULE.rule, inside, outside, lease);
    if bound.is_err() {
        ports.release(lease);
    }
    bound.map(|lease| (outside, lease))
}

#[test]
fn a_binding_is_the_same_for_every_destination_up_to_its_sessions() {
    let (mut ports, outside, lease) = persistent(Permit::AnyRemoteHost, 8);
    assert_eq!(ports.leased(), 0, "its port belongs to no session");
    let again = ports.bindings.join(RULE.rule, &inside(5000)).expect("known").expect("the second");
    assert_eq!(again, (outside, lease));
    let third = ports.bindings.join(RULE.rule, &inside(5000));
    assert_eq!(third, Some(Err(BindingError::SessionsMax(2))));
    assert_eq!(ports.bindings.join(RULE.rule, &inside(5001)), None);
    assert_eq!(ports.bindings.enter_by(lease), Err(BindingError::SessionsMax(2)));
    ports.release(lease);
    assert_eq!(ports.bindings.enter_by(lease), Ok(lease));
}

#[test]
fn a_binding_ends_when_it_has_been_idle_for_its_time_and_not_before() {
    let (mut ports, outside, lease) = persistent(Permit::AnyRemoteHost, 8);
    ports.set_clock(100 * SECOND);
    ports.release(lease);
    ports.set_clock(159 * SECOND);
    let (_, again) = ports.bindings.join(RULE.rule, &inside(5000)).expect("idle").expect("room");
    ports.set_clock(1000 * SECOND);
    assert!(ports.bindings.inbound(&outside, (public(9), 9)).is_some(), "has a session");
    ports.release(again);
    ports.set_clock(1060 * SECOND - 1);
    assert_eq!(ports.bindings.active(), 1);
    ports.set_clock(1060 * SECOND);
    assert_eq!((ports.bindings.active(), ports.leased()), (0, 0));
    assert_eq!(ports.bindings.inbound(&outside, (public(9), 9)), None);
}

#[test]
fn who_may_come_in_is_what_the_rule_permits() {
    let remote = (Address::v4([192, 0, 2, 1]), 53);
    let cases = [
        (Permit::AnyRemoteHost, [true, true, true]),
        (Permit::TargetHost, [true, true, false]),
        (Permit::TargetHostPort, [true, false, false]),
    ];
    for (permit, may) in cases {
        let (mut ports, outside, lease) = persistent(permit, 8);
        let enters = |ports: &PortTable, from| {
            let inbound = ports.bindings.inbound(&outside, from).expect("there is a binding");
            assert!(inbound.is_none_or(|inbound| inbound.inside == inside(5000)));
            inbound.is_some()
        };
        if permit != Permit::AnyRemoteHost {
            assert!(!enters(&ports, remote), "{permit:?}: nothing was sent to it yet");
        }
        ports.bindings.sent_to(lease, remote.0, remote.1);
        ports.bindings.sent_to(lease, remote.0, remote.1);
        let others = [remote, (remote.0, 54), (Address::v4([192, 0, 2, 2]), 53)];
        assert_eq!(others.map(|from| enters(&ports, from)), may, "{permit:?}");
    }
}

#[test]
fn a_full_table_of_bindings_refuses_and_forgets_all_of_those_that_end() {
    let (mut ports, _, lease) = persistent(Permit::TargetHost, 2);
    let (_, second) = bind(&mut ports, inside(5001)).expect("room");
    assert_eq!(bind(&mut ports, inside(5002)), Err(BindingError::Full(2)));
    for round in 0..20u8 {
        ports.bindings.sent_to(lease, public(round), 1);
    }
    ports.release(second);
    ports.release(lease);
    ports.set_clock(60 * SECOND);
    assert_eq!((ports.bindings.active(), ports.leased()), (0, 0));
    for port in [1, 2] {
        let (outside, lease) = bind(&mut ports, inside(port)).expect("room");
        for round in 0..4 {
            ports.bindings.sent_to(lease, public(round), 1);
            let from = (public(round), 7);
            assert!(ports.bindings.inbound(&outside, from).expect("bound").is_some());
        }
        let from = (public(15), 7);
        assert_eq!(ports.bindings.inbound(&outside, from), Some(None), "forgotten");
    }
}
