//! Ports across commits: what moves, what stays where it was, and that nothing is leased twice.

use super::super::Wanted;
use super::*;
use crate::world::World;
use crate::world::names::{NatRuleKind, NatRuleName};
use crate::world::nat::{PortBlocks, SourcePool, SourceRule};

const SECOND: u64 = 1_000_000_000;
const TCP: u8 = 6;

/// A pool of addresses 198.51.100.`first` and so on.
fn pool(first: u32, addresses: u32, ports: (u16, u16)) -> SourcePool {
    let first = 0xc633_6400 + first;
    let ranges = vec![AddressRange::V4(first, first + addresses - 1)];
    SourcePool { ranges, ports, ..SourcePool::default() }
}

/// A world with these pools, and a rule for each that has it.
fn world(pools: &[(&str, SourcePool)], persistent: &[(&str, Permit)]) -> World {
    let mut world = World::default();
    for (name, pool) in pools {
        world.names.pools.push((*name).into());
        world.nat.pools.push(pool.clone());
        let id = NatRuleId(u16::try_from(world.names.nat_rules.len()).expect("few"));
        let kind = NatRuleKind::Source;
        let rule = (*name).into();
        world.names.nat_rules.push(NatRuleName { kind, rule_set: "r".into(), rule });
        let action = SourceAction::Pool(PoolId(u16::try_from(world.nat.pools.len()).expect("few")));
        world.nat.source.push(SourceRule { id, matches: Default::default(), action });
        for (_, permit) in persistent.iter().filter(|(of, _)| of == name) {
            let settings = PersistentNat { permit: *permit, ..PersistentNat::of(id) };
            world.nat.persistent.push(settings);
        }
    }
    world
}

fn table(world: &World) -> PortTable {
    PortTable::for_world(world, 0, 1, 1, 16)
}

fn wanted(last: u8, port: u16) -> Wanted {
    let host = Address::v4([10, 0, 0, last]);
    Wanted { host, port, has_ports: true, family: Family::Inet, ..Wanted::default() }
}

fn public(last: u8) -> Address {
    Address::v4([198, 51, 100, last])
}

/// The table after a commit, and what becomes of leases; those that are gone are given back.
fn commit(
    old: &World,
    new: &World,
    mut ports: PortTable,
    leases: &[PortLease],
) -> (PortTable, Vec<Option<PortLease>>) {
    let mut next = table(new);
    let plan = ports.plan(&next, &new.nat, &Succession::new(old, new));
    let moved: Vec<_> = leases.iter().map(|&lease| plan.lease(&next, lease)).collect();
    for (lease, _) in leases.iter().zip(&moved).filter(|(_, moved)| moved.is_none()) {
        ports.release(*lease);
    }
    next.take_over(ports, &plan);
    (next, moved)
}

#[test]
fn leases_follow_their_pool_and_address_to_other_slots() {
    let old = world(&[("a", pool(1, 2, (2000, 2001)))], &[]);
    let new = world(&[("new", pool(9, 3, (1, 9))), ("a", pool(2, 2, (2000, 2001)))], &[]);
    let mut ports = table(&old);
    let mut lease = |port| ports.lease_pool(PoolId(1), &wanted(5, port)).expect("free");
    let (first, second) = (lease(2000), lease(2001));
    assert_eq!((first.0, second.0), (public(1), public(2)));
    let (mut next, moved) = commit(&old, &new, ports, &[first.2, second.2]);
    assert_eq!(moved[0], None, "its address has left the pool");
    assert_eq!(moved[1].map(|lease| lease.port), Some(2001));
    assert_eq!(next.leased(), 1);
    let mut left = Vec::new();
    while let Some((address, port, _)) = next.lease_pool(PoolId(2), &wanted(6, 2001)) {
        left.push((address, port));
    }
    left.sort();
    assert_eq!(left, [(public(2), 2000), (public(3), 2000), (public(3), 2001)]);
    next.release(moved[1].expect("it moved"));
    let (address, port, _) = next.lease_pool(PoolId(2), &wanted(7, 1)).expect("it came back");
    assert_eq!((address, port), (public(2), 2001));
}

#[test]
fn a_port_that_has_left_its_range_is_gone() {
    let old = world(&[("a", pool(1, 1, (2000, 2003)))], &[]);
    let new = world(&[("a", pool(1, 1, (2002, 2003)))], &[]);
    let mut ports = table(&old);
    let leases =
        [2000, 2002].map(|port| ports.lease_pool(PoolId(1), &wanted(5, port)).expect("free").2);
    let (mut next, moved) = commit(&old, &new, ports, &leases);
    assert_eq!(moved.map_ports(), [None, Some(2002)]);
    let one = next.lease_pool(PoolId(1), &wanted(6, 2002)).map(|(_, port, _)| port);
    assert_eq!(one, Some(2003));
    assert_eq!(next.lease_pool(PoolId(1), &wanted(6, 2002)), None);
}

trait MapPorts {
    fn map_ports(&self) -> Vec<Option<u16>>;
}

impl MapPorts for Vec<Option<PortLease>> {
    fn map_ports(&self) -> Vec<Option<u16>> {
        self.iter().map(|lease| lease.map(|lease| lease.port)).collect()
    }
}

#[test]
fn a_pool_as_it_was_goes_on_with_its_turn_and_its_blocks() {
    let blocks = Some(PortBlocks { size: 2, per_host_max: 1, active_s: 0 });
    let blocked = SourcePool { blocks, ..pool(20, 1, (3000, 3005)) };
    let pools = [("a", pool(1, 3, (2000, 2009))), ("b", blocked)];
    let old = world(&pools, &[]);
    let turned = [("c", pool(40, 1, (1, 2))), pools[1].clone(), pools[0].clone()];
    let new = world(&turned, &[]);
    let mut ports = table(&old);
    let first = ports.lease_pool(PoolId(1), &wanted(5, 2000)).expect("free");
    let block = ports.lease_pool(PoolId(2), &wanted(5, 1)).expect("free");
    let (mut next, moved) = commit(&old, &new, ports, &[first.2, block.2]);
    assert_eq!(moved.map_ports(), [Some(2000), Some(block.1)]);
    assert_eq!(next.lease_pool(PoolId(3), &wanted(5, 2000)).expect("free").0, public(2));
    let second = next.lease_pool(PoolId(2), &wanted(5, 1)).expect("its block has another port");
    assert_eq!(second.1 / 2, block.1 / 2);
    assert_eq!(next.lease_pool(PoolId(2), &wanted(5, 1)), None, "one block for a host");
    next.release(moved[1].expect("it moved"));
    next.release(second.2);
    assert!(next.lease_pool(PoolId(2), &wanted(6, 1)).is_some());
}

#[test]
fn blocks_of_a_pool_that_has_changed_end() {
    let with = |size| {
        let blocks = Some(PortBlocks { size, per_host_max: 1, active_s: 0 });
        world(&[("a", SourcePool { blocks, ..pool(1, 1, (2000, 2007)) })], &[])
    };
    let (old, new) = (with(2), with(4));
    let mut ports = table(&old);
    let lease = ports.lease_pool(PoolId(1), &wanted(5, 1)).expect("free").2;
    let (next, moved) = commit(&old, &new, ports, &[lease]);
    assert_eq!((moved, next.leased()), (vec![None], 0));
}

/// A binding of a host by rule `rule`, with its session's lease.
fn bind(ports: &mut PortTable, rule: u16, last: u8) -> (Endpoint, PortLease) {
    let (address, port, lease) = ports.lease_pool(PoolId(rule), &wanted(last, 2000)).expect("free");
    let inside = Endpoint {
        address: Address::v4([10, 0, 0, last]),
        port: 2000,
        protocol: TCP,
        family: Family::Inet,
    };
    let outside = Endpoint { address, port, ..inside };
    let held = ports.bindings.bind(NatRuleId(rule), inside, outside, lease).expect("room");
    (outside, held)
}

#[test]
fn bindings_go_on_with_their_rule_and_end_with_it() {
    let pools = [("a", pool(1, 1, (2000, 2009))), ("b", pool(2, 1, (2000, 2009)))];
    let old = world(&pools, &[("a", Permit::AnyRemoteHost), ("b", Permit::AnyRemoteHost)]);
    let turned = [pools[1].clone(), pools[0].clone()];
    let new = world(&turned, &[("b", Permit::TargetHost)]);
    let mut ports = table(&old);
    let ((gone, ended), (stays, held)) = (bind(&mut ports, 1, 5), bind(&mut ports, 2, 6));
    let mut next = table(&new);
    let plan = ports.plan(&next, &new.nat, &Succession::new(&old, &new));
    assert!(ports.held(&next, &plan, ended, &gone).is_none());
    let kept = ports.held(&next, &plan, held, &stays).expect("its rule is there");
    assert_eq!((kept.rule, kept.came_in, kept.still_open), (NatRuleId(1), true, false));
    ports.release(ended);
    next.take_over(ports, &plan);
    assert_eq!((next.bindings.active(), next.leased()), (1, 0));
    let remote = (Address::v4([192, 0, 2, 1]), 80);
    assert_eq!(next.bindings.inbound(&gone, remote), None);
    assert_eq!(next.bindings.inbound(&stays, remote), Some(None), "it has sent to nobody yet");
    next.bindings.sent_to(held, remote.0, remote.1);
    assert!(matches!(next.bindings.inbound(&stays, remote), Some(Some(_))));
    next.release(held);
    next.set_clock(301 * SECOND);
    assert_eq!(next.bindings.active(), 0);
    assert!(next.lease_pool(PoolId(1), &wanted(6, 2000)).is_some());
}

#[test]
fn a_binding_whose_rule_takes_from_another_pool_is_gone() {
    let pools = [("a", pool(1, 1, (2000, 2009))), ("b", pool(2, 1, (2000, 2009)))];
    let old = world(&pools, &[("a", Permit::AnyRemoteHost)]);
    let mut new = world(&pools, &[("a", Permit::AnyRemoteHost)]);
    let mut ports = table(&old);
    let (_, held) = bind(&mut ports, 1, 5);
    ports.release(held);
    let (next, _) = commit(&old, &old, ports.clone(), &[]);
    assert_eq!(next.bindings.active(), 1, "idle, and kept");
    new.nat.source[0].action = SourceAction::Pool(PoolId(2));
    let (next, _) = commit(&old, &new, ports, &[]);
    assert_eq!(next.bindings.active(), 0);
}
