//! Packets for the firewall itself: `host-inbound-traffic` of the ingress interface or its zone,
//! then the policies to `junos-host` where there are any. Neighbour discovery is always let in;
//! multicast and broadcast go no further.

use components::ids::ZoneId;
use components::kinds::Action;
use components::reason::{DropReason, Fate};
use components::world::World;
use components::world::application::{ICMP, ICMPV6};
use components::world::policy::PolicyQuery;

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
        return decide_row(view.live, view.verdict, row, Fate::ToHost);
    }
    let service = service_of(view, row);
    let port = match service.protocol {
        ICMP | ICMPV6 => u16::from(service.icmp_type),
        _ => service.destination_port,
    };
    let inbound = &world.interfaces.get(view.ingress[row]).host_inbound;
    if !inbound.accepts(service.protocol, port) {
        let group = is_multicast(view.family[row], view.destination[row]);
        let reason = if group { DropReason::Multicast } else { DropReason::HostInbound };
        return drop_row(view.live, view.verdict, row, reason);
    }
    if world.policies.has_pair(view.zone[row], ZoneId::JUNOS_HOST) {
        let hit = world.policies.lookup(&PolicyQuery {
            from_zone: view.zone[row],
            to_zone: ZoneId::JUNOS_HOST,
            family: view.family[row],
            source: view.source[row],
            destination: view.destination[row],
            service,
        });
        // What no policy to the firewall matches is let in: host-inbound-traffic has already
        // spoken.
        if !hit.policy.is_none() {
            view.policy[row] = hit.policy;
            view.rule[row] = hit.ordinal;
            shard.counters.policy_hit(hit.policy);
            if hit.action != Action::Permit {
                return first_path::deny(view, row, &hit, shard);
            }
        }
    }
    decide_row(view.live, view.verdict, row, Fate::ToHost);
}
