//! The forwarding table: direct, local and broadcast routes of every address, and static routes
//! over them. A static route whose next hop no interface reaches discards: left out, its packets
//! would take a shorter prefix elsewhere.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use components::address::{Address, AddressRange, Family, family_of};
use components::ids::IfIndex;
use components::world::route::{NextHop, Route, RouteKind, RouteTable};

use super::Compiler;
use crate::config::model::interfaces::UnitAddress;
use crate::config::model::routes::{StaticRoute, StaticTarget};
use crate::config::model::{Model, Word};

/// Different next hops: their ids have 16 bits, zero is none.
const NEXT_HOPS_MAX: usize = 65_534;

impl<'m> Compiler<'m, '_> {
    /// Routes in the order in which they are preferred among equals.
    pub(super) fn compile_routes(&mut self, model: &'m Model<'m>) -> Vec<Route> {
        let mut routes = Vec::new();
        let mut owners = HashMap::new();
        for (unit, id) in model.units.iter().zip(1..=u16::MAX) {
            if unit.disabled || self.interfaces.get(&unit.name).is_none() {
                continue;
            }
            for address in &unit.addresses {
                routes.extend(connected(address, IfIndex(id)));
                let owner = owners.insert(address.ip, &unit.name);
                if let Some(owner) = owner.filter(|_| !is_link_local(address.ip)) {
                    let message = format!("`{}` is also an address of `{owner}`", address.ip);
                    self.diagnostics.warning("duplicate-address", address.span, message);
                }
            }
        }
        let direct: Vec<Route> = routes
            .iter()
            .filter(|route| route.next_hop.kind == RouteKind::Forward)
            .copied()
            .collect();
        let direct = RouteTable::new(&direct);
        for route in &model.routes {
            routes.extend(self.static_route(route, &direct));
        }
        let hops: HashSet<NextHop> = routes.iter().map(|route| route.next_hop).collect();
        if hops.len() > NEXT_HOPS_MAX {
            let message = format!("{} different next hops, at most {NEXT_HOPS_MAX}", hops.len());
            let span = model.routes.last().map(|route| route.span);
            let span = span.or(model.units.last().map(|unit| unit.span));
            self.diagnostics.error("too-many", span.unwrap_or_default(), message);
        }
        routes
    }

    fn static_route(&mut self, route: &StaticRoute<'m>, direct: &RouteTable) -> Option<Route> {
        let (ip, length) = route.prefix;
        let range = AddressRange::prefix(ip, length)?;
        let mut best: Option<(NextHop, u32)> = None;
        for (target, preference) in &route.targets {
            let Some(next_hop) = self.resolve(target, family_of(ip), direct) else {
                continue;
            };
            match best {
                Some((_, earlier)) if earlier == *preference => {
                    let message = "several next hops of one preference: the first one is used";
                    self.diagnostics.warning("not-honoured", route.span, message);
                }
                Some((_, earlier)) if earlier < *preference => {}
                _ => best = Some((next_hop, *preference)),
            }
        }
        let (next_hop, preference) = best.unwrap_or_else(|| {
            let prefix = format!("{ip}/{length}");
            let message = format!("no interface reaches a next hop of the route to `{prefix}`");
            self.diagnostics
                .warning("unresolved-next-hop", route.span, message)
                .expected("a next hop within the prefix of an interface; packets are discarded");
            (DISCARD, 5)
        });
        Some(Route { range, length, preference, next_hop })
    }

    fn resolve(
        &mut self,
        target: &StaticTarget<'m>,
        family: Family,
        direct: &RouteTable,
    ) -> Option<NextHop> {
        match target {
            StaticTarget::Discard => Some(DISCARD),
            StaticTarget::Unfollowed => None,
            StaticTarget::Receive => Some(NextHop { kind: RouteKind::Local, ..NextHop::default() }),
            StaticTarget::Interface(name) => {
                Some(NextHop { egress: self.named(*name)?, ..NextHop::default() })
            }
            StaticTarget::Gateway(gateway, _) if family_of(*gateway) != family => None,
            StaticTarget::Gateway(gateway, interface) => {
                let gateway = Address::from(*gateway);
                let egress = match interface {
                    Some(name) => self.named(*name)?,
                    None => direct.route(family, gateway)?.egress,
                };
                Some(NextHop { kind: RouteKind::Forward, egress, gateway })
            }
        }
    }

    fn named(&mut self, name: Word<'m>) -> Option<IfIndex> {
        let id = self.interfaces.find(name, self.diagnostics)?;
        (!self.disabled.contains(&id.index())).then_some(id)
    }
}

const DISCARD: NextHop =
    NextHop { kind: RouteKind::Discard, egress: IfIndex::NONE, gateway: Address::ZERO };

/// Direct, local and broadcast routes of an address. Of an IPv4 subnet the first and the last
/// address are broadcast, except on the prefixes of two hosts (RFC 3021). Link-local prefixes are
/// not routed.
fn connected(address: &UnitAddress, egress: IfIndex) -> Vec<Route> {
    let mut routes = Vec::new();
    let mut push = |range: Option<AddressRange>, length, kind| {
        routes.extend(range.map(|range| Route {
            range,
            length,
            preference: 0,
            next_hop: NextHop { kind, egress, gateway: Address::ZERO },
        }));
    };
    let bits = if address.ip.is_ipv4() { 32 } else { 128 };
    push(AddressRange::prefix(address.ip, bits), bits, RouteKind::Local);
    let range = AddressRange::prefix(address.ip, address.length);
    if let Some(AddressRange::V4(first, last)) = range
        && address.length <= 30
    {
        for end in [first, last] {
            push(Some(AddressRange::V4(end, end)), 32, RouteKind::Broadcast);
        }
    }
    if address.length < bits && !is_link_local(address.ip) {
        push(range, address.length, RouteKind::Forward);
    }
    routes
}

fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(_) => false,
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}
