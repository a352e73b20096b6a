//! Packets for the firewall itself: `host-inbound-traffic` of the ingress interface or its zone,
//! then the policies to `junos-host` where there are any. Neighbour discovery is always let in, but
//! only from the link (RFC 4861 section 7.1, RFC 3810 section 5); multicast and broadcast go no
//! further.

use components::ids::ZoneId;
use components::kinds::Action;
use components::reason::{DropReason, Fate};
use components::world::World;
use components::world::application::{ICMP, ICMPV6};
use components::world::policy::{PolicyHit, PolicyQuery};
use components::world::route::RouteKind;

use super::{PolicyView, first_path, icmp_class, is_multicast, service_of};
use crate::icmp::IcmpClass;
use crate::shard::Shard;
use crate::system::{decide_row, drop_row};

/// A row whose destination is one of the firewall's own addresses, a broadcast or a multicast
/// address.
pub(super) fn run(view: &mut PolicyView<'_>, row: usize, shard: &mut Shard, world: &World) {
    view.egress_zone[row] = ZoneId::JUNOS_HOST;
    view.application[row] = first_path::application_of(view, row, world);
    if icmp_class(view, row) == IcmpClass::Neighbour {
        return neighbour(view, row);
    }
    let group = match group_of(view, row, world) {
        Group::None => false,
        Group::Here => true,
        Group::Elsewhere => {
            return drop_row(view.live, view.verdict, row, DropReason::Multicast);
        }
    };
    let service = service_of(view, row);
    let port = match service.protocol {
        ICMP | ICMPV6 => u16::from(service.icmp_type),
        _ => service.destination_port,
    };
    if let Some(zone) = zone_of_address(view, row, world)
        && zone != view.zone[row]
    {
        let hit = consult(view, row, zone, shard, world);
        if hit.action != Action::Permit {
            view.egress_zone[row] = zone;
            shard.counters.policy_hit(hit.policy);
            return first_path::deny(view, row, &hit, shard);
        }
    }
    let inbound = &world.interfaces.get(view.ingress[row]).host_inbound;
    if !inbound.accepts(service.protocol, port) {
        let reason = if group { DropReason::Multicast } else { DropReason::HostInbound };
        return drop_row(view.live, view.verdict, row, reason);
    }
    if world.policies.has_pair(view.zone[row], ZoneId::JUNOS_HOST) {
        let hit = consult(view, row, ZoneId::JUNOS_HOST, shard, world);
        // What no policy to the firewall matches is let in: host-inbound-traffic has already
        // spoken.
        if !hit.policy.is_none() {
            shard.counters.policy_hit(hit.policy);
            if hit.action != Action::Permit {
                return first_path::deny(view, row, &hit, shard);
            }
        }
    }
    decide_row(view.live, view.verdict, row, Fate::ToHost);
}

/// The zone of the interface whose own address the destination is. Reaching it from another zone
/// takes a policy between the two, as it does for the hosts behind it.
fn zone_of_address(view: &PolicyView<'_>, row: usize, world: &World) -> Option<ZoneId> {
    let hop = world.routes.route(view.family[row], view.destination[row])?;
    let zone = world.interfaces.get(hop.egress).zone;
    (hop.kind == RouteKind::Local && !zone.is_none()).then_some(zone)
}

fn consult(
    view: &mut PolicyView<'_>,
    row: usize,
    to_zone: ZoneId,
    shard: &mut Shard,
    world: &World,
) -> PolicyHit {
    let query = PolicyQuery {
        from_zone: view.zone[row],
        to_zone,
        family: view.family[row],
        destination_family: view.family[row],
        source: view.source[row],
        destination: view.destination[row],
        service: service_of(view, row),
        time_ns: view.time_ns[row],
    };
    let hit = shard.decisions.policy_of(&query, world);
    if !hit.policy.is_none() {
        view.policy[row] = hit.policy;
        view.rule[row] = hit.ordinal;
    }
    hit
}

/// Neighbour discovery and multicast listeners: let in, but from the link only.
fn neighbour(view: &mut PolicyView<'_>, row: usize) {
    let [kind, _] = view.destination_port[row].to_be_bytes();
    let hop_limit = if is_listener(kind) { 1 } else { u8::MAX };
    if view.ttl[row] == hop_limit {
        decide_row(view.live, view.verdict, row, Fate::ToHost);
    } else {
        drop_row(view.live, view.verdict, row, DropReason::NeighborHopLimit);
    }
}

/// Multicast listener queries, reports and their ends (RFC 2710, RFC 3810).
const fn is_listener(icmp_type: u8) -> bool {
    matches!(icmp_type, 130..=132 | 143)
}

/// Whom a packet is for, if not for one host.
enum Group {
    None,
    /// Multicast, limited broadcast, or the broadcast of the subnet that it came from.
    Here,
    /// The broadcast of another subnet, which a router does not forward (RFC 2644).
    Elsewhere,
}

fn group_of(view: &PolicyView<'_>, row: usize, world: &World) -> Group {
    let (family, destination) = (view.family[row], view.destination[row]);
    if is_multicast(family, destination) {
        return Group::Here;
    }
    match world.routes.route(family, destination) {
        Some(hop) if hop.kind != RouteKind::Broadcast => Group::None,
        Some(hop) if hop.egress != view.ingress[row] => Group::Elsewhere,
        Some(_) => Group::Here,
        None => Group::None,
    }
}
