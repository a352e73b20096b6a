//! A session judged by a new configuration: is its interface still there and in its zone, is its
//! translation what the NAT rules say now, does a route lead to the same zone, does a policy permit
//! it. The steps are those of the first path; what the new configuration would do must be what the
//! session does. A session whose policy is as it was is not looked up again (Junos: only sessions
//! of a policy that was changed, renamed or deleted are matched again).

use components::ids::AppId;
use components::kinds::Action;
use components::ports::{Endpoint, Held, PortPlan, PortTable};
use components::session::record::{PortLease, Session};
use components::world::World;
use components::world::application::{ICMP, ICMPV6, Service, TCP, UDP, UDP_LITE};
use components::world::nat::{NatQuery, SourceAction, SourceHit};
use components::world::policy::PolicyQuery;
use components::world::route::RouteKind;

use super::{Cause, Change};
use crate::policy::translation;

/// All that a session is judged by.
#[derive(Debug)]
pub(super) struct Judge<'j> {
    pub(super) change: Change<'j>,
    pub(super) plan: &'j PortPlan,
    /// The new table of ports, still empty.
    pub(super) next: &'j PortTable,
}

impl Judge<'_> {
    /// A session as it goes on, and whether policies were asked again; or why it ends. `ports` is
    /// the old table.
    pub(super) fn judged(
        &self,
        session: &Session,
        ports: &PortTable,
    ) -> Result<(Session, bool), Cause> {
        let Change { new, succession, .. } = self.change;
        let [client, server] = &session.keys;
        let ingress = succession.interface(session.interfaces[0]).ok_or(Cause::Interface)?;
        let [Some(from), Some(to)] = session.zones.map(|zone| succession.zone(zone)) else {
            return Err(Cause::Interface);
        };
        if new.interfaces.get(ingress).zone != from {
            return Err(Cause::Interface);
        }
        let held = self.held(session, ports)?;
        let mut query = NatQuery {
            ingress,
            from_zone: from,
            egress: Default::default(),
            to_zone: Default::default(),
            family: client.family,
            destination_family: client.family,
            source: client.source,
            destination: client.destination,
            service: service_of(session),
        };
        let came_in = held.is_some_and(|held| held.came_in);
        if !self.is_destination(session, &query, came_in) {
            return Err(Cause::Nat);
        }
        let next_hop = new.routes.lookup(server.family, server.source);
        let hop = new.routes.next_hop(next_hop).ok_or(Cause::Route)?;
        if hop.kind != RouteKind::Forward || new.interfaces.get(hop.egress).zone != to {
            return Err(Cause::Route);
        }
        (query.egress, query.to_zone) = (hop.egress, to);
        (query.destination_family, query.destination) = (server.family, server.source);
        if !is_icmp(session) {
            query.service.destination_port = server.source_port;
        }
        let lease = self.plan.lease(self.next, session.lease).ok_or(Cause::Nat)?;
        if !self.is_source(session, &query, held, lease) {
            return Err(Cause::Nat);
        }
        let mut on = Session {
            interfaces: [ingress, hop.egress],
            zones: [from, to],
            next_hops: [next_hop, new.routes.lookup(client.family, client.source)],
            lease,
            ..*session
        };
        let rematched = self.permit(&mut on, session, &query, held)?;
        Ok((on, rematched))
    }

    /// The persistent binding that it holds, which must be there still.
    fn held(&self, session: &Session, ports: &PortTable) -> Result<Option<Held>, Cause> {
        if session.lease.binding == 0 {
            return Ok(None);
        }
        let client = &session.keys[0];
        let destination = Endpoint {
            address: client.destination,
            port: client.destination_port,
            protocol: client.protocol,
            family: client.family,
        };
        let held = ports.held(self.next, self.plan, session.lease, &destination);
        held.map(Some).ok_or(Cause::Nat)
    }

    /// True if a first packet would get the destination that the session has.
    fn is_destination(&self, session: &Session, query: &NatQuery, came_in: bool) -> bool {
        let [client, server] = &session.keys;
        let has = (server.family, server.source, server.source_port);
        match self.change.new.nat.destination_of(query) {
            Some(hit) if is_icmp(session) => {
                !came_in && (hit.family, hit.address) == (has.0, has.1)
            }
            Some(hit) => !came_in && (hit.family, hit.address, hit.port) == has,
            // The binding that it came in by is there still.
            None if came_in => true,
            None => has == (client.family, client.destination, client.destination_port),
        }
    }

    /// True if a first packet might get the source that the session has.
    fn is_source(
        &self,
        session: &Session,
        query: &NatQuery,
        held: Option<Held>,
        lease: PortLease,
    ) -> bool {
        let [client, server] = &session.keys;
        let out = held.filter(|held| !held.came_in);
        if held.is_some_and(|held| held.came_in && !held.still_open) {
            return false;
        }
        let is = (server.family, server.destination, server.destination_port);
        let kept = is == (client.family, client.source, client.source_port);
        let holds_none = lease.slot == 0 && out.is_none();
        let egress = (query.egress, server.family);
        match self.change.new.nat.source_of(query) {
            None | Some(SourceHit::Rule { action: SourceAction::Off, .. }) => kept && holds_none,
            Some(SourceHit::Static { address, port, .. }) => {
                let port = if is_icmp(session) { client.source_port } else { port };
                holds_none && is == (client.family, address, port)
            }
            Some(SourceHit::Rule { rule, action }) => match out {
                Some(held) => held.rule == rule && self.next.gives(action, egress, held.lease),
                None if lease.slot != 0 => self.next.gives(action, egress, lease),
                None => {
                    is.2 == client.source_port
                        && self.next.gives_address(
                            action,
                            egress,
                            client.source,
                            has_ports(client.protocol),
                            is.1,
                        )
                }
            },
        }
    }

    /// The policy under which it goes on; true if policies were asked again.
    fn permit(
        &self,
        on: &mut Session,
        session: &Session,
        query: &NatQuery,
        held: Option<Held>,
    ) -> Result<bool, Cause> {
        let Change { new, succession, clock_ns, .. } = self.change;
        let heir = succession.policy(session.policy);
        if let Some(heir) = heir.filter(|heir| heir.unchanged) {
            (on.policy, on.rule) = (heir.id, heir.ordinal);
            let known = succession.application(session.application);
            on.application = known.unwrap_or_else(|| named(session.application, query, new));
            return Ok(false);
        }
        let permit = held.filter(|held| held.came_in).map(|held| held.permit);
        let asked = PolicyQuery {
            from_zone: query.from_zone,
            to_zone: query.to_zone,
            family: query.family,
            destination_family: query.destination_family,
            source: query.source,
            destination: query.destination,
            service: query.service,
            time_ns: clock_ns,
        };
        let hit = new.policies.lookup(&translation::judged(permit, asked));
        let allowed = new.policies.rematch().allows(heir, hit.policy);
        if hit.action != Action::Permit || !allowed {
            return Err(Cause::Policy);
        }
        (on.policy, on.rule, on.log_close) = (hit.policy, hit.ordinal, hit.log_close);
        on.application = match hit.application {
            AppId::NONE => new.applications.service_of(&query.service),
            application => application,
        };
        Ok(true)
    }
}

/// The application that names a session whose old one is none, or gone.
fn named(old: AppId, query: &NatQuery, new: &World) -> AppId {
    if old.is_none() { AppId::NONE } else { new.applications.service_of(&query.service) }
}

/// Protocol and ports of the client's packets, as rules match them.
fn service_of(session: &Session) -> Service {
    let client = &session.keys[0];
    let protocol = client.protocol;
    if is_icmp(session) {
        let [icmp_type, icmp_code] = client.destination_port.to_be_bytes();
        return Service { protocol, icmp_type, icmp_code, ..Service::default() };
    }
    Service {
        protocol,
        source_port: client.source_port,
        destination_port: client.destination_port,
        ..Service::default()
    }
}

const fn is_icmp(session: &Session) -> bool {
    matches!(session.keys[0].protocol, ICMP | ICMPV6)
}

/// What source NAT leases a port or an identifier for.
const fn has_ports(protocol: u8) -> bool {
    matches!(protocol, TCP | UDP | UDP_LITE | ICMP | ICMPV6)
}
