//! Where a packet came in, and the addresses that none may have (RFC 1812 section 5.3.7, RFC 4291,
//! Junos's martians). A bound interface is taken as it is. In a capture that holds both directions
//! the ingress is the interface towards which the source is routed; what the firewall sent itself
//! shows by its own source address. A host without an address has no route: its broadcast came in
//! on the one interface that lets its service in, and where several do, nobody can tell.

use components::address::{Address, Family};
use components::ids::IfIndex;
use components::reason::DropReason;
use components::world::World;
use components::world::application::{ICMP, ICMPV6};
use components::world::route::{NextHop, RouteKind};

use super::Packet;

/// What of a packet tells its ingress interface: little, so that the rest of a common packet need
/// not be in memory.
pub(super) struct Ends {
    family: Family,
    protocol: u8,
    source: Address,
    destination: Address,
    destination_port: u16,
}

impl Ends {
    #[inline(always)]
    pub(super) fn of(packet: &Packet) -> Self {
        let Packet { family, protocol, source, destination, destination_port, .. } = *packet;
        Self { family, protocol, source, destination, destination_port }
    }
}

/// The ingress interface of a packet.
#[inline(always)]
pub(super) fn of_packet(
    world: &World,
    bound: IfIndex,
    packet: &Ends,
) -> Result<IfIndex, DropReason> {
    let scope = Scope::of(packet.family, packet.source);
    match scope {
        Scope::Martian => return Err(DropReason::MartianSource),
        Scope::Unspecified if !is_group(packet.family, packet.destination) => {
            return Err(DropReason::MartianSource);
        }
        _ => {}
    }
    if is_martian_destination(packet.family, packet.destination) {
        return Err(DropReason::MartianDestination);
    }
    if !bound.is_none() {
        return Ok(bound);
    }
    by_route(world, packet)
}

/// The ingress interface of an ARP message; none if its sender is not routed.
pub(super) fn of_arp(world: &World, bound: IfIndex, sender: Address) -> IfIndex {
    if !bound.is_none() {
        return bound;
    }
    let route = world.routes.route(Family::Inet, sender);
    route.map_or(IfIndex::NONE, |route| route.egress)
}

#[inline(never)]
fn by_route(world: &World, packet: &Ends) -> Result<IfIndex, DropReason> {
    let route = |address| world.routes.route(packet.family, address);
    let source = route(packet.source);
    if is_link_scoped(packet.family, packet.source) {
        // Every link has these sources and a default route would claim them, but an own destination
        // tells the link.
        let connected =
            |hop: &&NextHop| hop.kind == RouteKind::Forward && hop.gateway == Address::ZERO;
        let local = |hop: &&NextHop| hop.kind == RouteKind::Local;
        let hop = route(packet.destination).filter(local).or(source.filter(connected));
        let ingress = hop.map(|hop| hop.egress).or_else(|| only_listener(world, packet));
        return ingress.ok_or(DropReason::IngressUnknown);
    }
    let hop = source.ok_or(DropReason::IngressUnknown)?;
    match hop.kind {
        RouteKind::Forward => Ok(hop.egress),
        RouteKind::Broadcast => Err(DropReason::MartianSource),
        RouteKind::Discard => Err(DropReason::IngressUnknown),
        // The firewall sends nothing to itself over a wire: a land attack on its own address came
        // from outside.
        RouteKind::Local if packet.source == packet.destination => Ok(hop.egress),
        RouteKind::Local => Err(DropReason::OwnSource),
    }
}

/// The interface whose `host-inbound-traffic` lets a multicast or broadcast packet in, if it is
/// the only one.
#[cold]
fn only_listener(world: &World, packet: &Ends) -> Option<IfIndex> {
    if !is_group(packet.family, packet.destination) {
        return None;
    }
    let port = match packet.protocol {
        ICMP | ICMPV6 => packet.destination_port >> 8,
        _ => packet.destination_port,
    };
    let listens = |id: &IfIndex| {
        let interface = world.interfaces.get(*id);
        interface.primary(packet.family).is_some()
            && interface.host_inbound.accepts(packet.protocol, port)
    };
    let mut listeners = world.interfaces.ids().filter(listens);
    listeners.next().filter(|_| listeners.next().is_none())
}

/// Unspecified, 169.254.0.0/16, fe80::/10.
fn is_link_scoped(family: Family, address: Address) -> bool {
    match family {
        Family::Inet => address.v4_key() >> 16 == 0xa9fe || address.v4_key() == 0,
        _ => address.v6_key() >> 118 == 0x3fa || address.v6_key() == 0,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// An address that a packet may come from.
    Host,
    /// All zeros: a host that has no address yet, speaking to a group.
    Unspecified,
    /// Never a source.
    Martian,
}

impl Scope {
    #[inline]
    fn of(family: Family, address: Address) -> Self {
        match family {
            Family::Inet => match address.0[0] {
                1..=126 | 128..=223 => Self::Host,
                0 if address.v4_key() == 0 => Self::Unspecified,
                _ => Self::Martian,
            },
            _ => match address.v6_key() {
                0 => Self::Unspecified,
                key if key == 1 || key >> 120 == 0xff || key >> 32 == 0xffff => Self::Martian,
                _ => Self::Host,
            },
        }
    }
}

/// Multicast, or IPv4's limited broadcast.
fn is_group(family: Family, address: Address) -> bool {
    match family {
        Family::Inet => address.v4_key() >> 28 == 0xe || address.v4_key() == u32::MAX,
        _ => address.0[0] == 0xff,
    }
}

/// Loopback, unspecified, reserved and IPv4-mapped addresses never arrive from a wire. Groups may.
fn is_martian_destination(family: Family, address: Address) -> bool {
    Scope::of(family, address) != Scope::Host && !is_group(family, address)
}
