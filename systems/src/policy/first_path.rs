//! The first path: destination NAT, route and egress zone, policy, source NAT, session. The policy
//! sees the destination after destination NAT and the source before source NAT, as on an SRX.

use components::address::{Address, Family};
use components::columns::tcp_flag;
use components::event::Event;
use components::ids::{AppId, IfIndex, NextHopId, ZoneId};
use components::kinds::{Action, CloseReason, EventKind, OpenFailure, SessionChange};
use components::ports::Inbound;
use components::reason::DropReason;
use components::session::key::FlowKey;
use components::session::record::Session;
use components::session::tcp::{Segment, Tcp};
use components::world::World;
use components::world::application::{ICMP, ICMPV6, Service, TCP, UDP};
use components::world::filter::RejectWith;
use components::world::nat::NatQuery;
use components::world::policy::{PolicyHit, PolicyQuery};
use components::world::route::RouteKind;

use super::{
    PolicyView, host, icmp_class, is_initial, is_multicast, join, limits, message_of, row_number,
    service_of, splice, tcp, translation,
};
use crate::icmp::IcmpClass;
use crate::replication::Teller;
use crate::shard::Shard;
use crate::system::drop_row;

/// Where a packet goes, before anyone has permitted it.
pub(super) struct Target {
    pub(super) destination: Address,
    pub(super) port: u16,
    pub(super) egress: IfIndex,
    pub(super) zone: ZoneId,
    pub(super) next_hop: NextHopId,
    /// The family that it leaves in.
    pub(super) family: Family,
    /// The persistent NAT binding that it came in by.
    pub(super) binding: Option<Inbound>,
}

/// A row that has no session.
pub(super) fn run(
    view: &mut PolicyView<'_>,
    row: usize,
    key: FlowKey,
    shard: &mut Shard,
    world: &World,
) {
    shard.ports.set_clock(view.clock_ns[row]);
    let target = match target_of(view, row, shard, world) {
        Ok(Some(target)) => target,
        Ok(None) => return host::run(view, row, shard, world),
        Err(reason) => return drop_row(view.live, view.verdict, row, reason),
    };
    view.egress[row] = target.egress;
    view.egress_zone[row] = target.zone;
    view.next_hop[row] = target.next_hop;
    let answers_cookie = shard.cookies.answered.contains(row);
    shard.counters.cookies.answered += u64::from(answers_cookie);
    if !answers_cookie && let Some(reason) = cannot_open(view, row, world) {
        if let Some(reason) = limits::cookie_failure(view, row, shard, world) {
            return drop_row(view.live, view.verdict, row, reason);
        }
        if reason == DropReason::TcpNoSession
            && world.zone(view.zone[row]).is_some_and(|z| z.tcp_rst)
        {
            shard.reject(row_number(row), RejectWith::TcpReset);
        }
        return drop_row(view.live, view.verdict, row, reason);
    }
    let mut service = service_of(view, row);
    if !matches!(service.protocol, ICMP | ICMPV6) {
        service.destination_port = target.port;
    }
    let query = translation::judged(
        target.binding.map(|binding| binding.permit),
        PolicyQuery {
            from_zone: view.zone[row],
            to_zone: target.zone,
            family: view.family[row],
            destination_family: target.family,
            source: view.source[row],
            destination: target.destination,
            service,
            time_ns: view.time_ns[row],
        },
    );
    let hit = shard.decisions.policy_of(&query, world);
    record_hit(view, row, &hit, &service, world);
    shard.counters.policy_hit(hit.policy);
    if hit.action != Action::Permit {
        return deny(view, row, &hit, shard);
    }
    if view.ttl[row] <= 1 {
        return drop_row(view.live, view.verdict, row, DropReason::TtlExceeded);
    }
    if let Err(reason) = open(view, row, key, &target, &hit, &service, shard, world) {
        drop_row(view.live, view.verdict, row, reason);
    }
}

/// True if the packet is for the firewall itself, by its destination as it stands.
pub(super) fn is_local(view: &PolicyView<'_>, row: usize, world: &World) -> bool {
    let hop = world.routes.route(view.family[row], view.destination[row]);
    hop.is_some_and(|hop| hop.kind == RouteKind::Local)
}

/// Destination NAT, route and egress zone; `None` for the firewall itself, multicast and broadcast.
fn target_of(
    view: &PolicyView<'_>,
    row: usize,
    shard: &Shard,
    world: &World,
) -> Result<Option<Target>, DropReason> {
    if is_own_source(view, row, world) {
        return Err(DropReason::OwnSource);
    }
    if icmp_class(view, row) == IcmpClass::Neighbour
        && world
            .interfaces
            .get(view.ingress[row])
            .answers_for(view.family[row], view.destination[row])
    {
        // Whether the host is still there, asked of the one that stands in for it.
        return Ok(None);
    }
    let hit = world.nat.destination_of(&nat_query(view, row, IfIndex::NONE, ZoneId::NONE));
    let binding = match hit {
        Some(_) => None,
        None => translation::inbound(view, row, shard)?,
    };
    let (family, destination, port) = match (hit, binding) {
        // ICMP has type and code in place of a port; no rule changes them.
        (Some(hit), _) if matches!(view.protocol[row], ICMP | ICMPV6) => {
            (hit.family, hit.address, view.destination_port[row])
        }
        (Some(hit), _) => (hit.family, hit.address, hit.port),
        (None, Some(Inbound { inside, .. })) => (inside.family, inside.address, inside.port),
        (None, None) => (view.family[row], view.destination[row], view.destination_port[row]),
    };
    if is_multicast(family, destination) {
        return Ok(None);
    }
    let next_hop = world.routes.lookup(family, destination);
    let hop = world.routes.next_hop(next_hop).ok_or(DropReason::NoRoute)?;
    match hop.kind {
        RouteKind::Local | RouteKind::Broadcast => return Ok(None),
        RouteKind::Discard => return Err(DropReason::DiscardRoute),
        RouteKind::Forward => {}
    }
    let zone = world.interfaces.get(hop.egress).zone;
    if zone.is_none() {
        return Err(DropReason::EgressZoneNone);
    }
    Ok(Some(Target { destination, port, egress: hop.egress, zone, next_hop, family, binding }))
}

/// Why this packet cannot be the first of a session.
fn cannot_open(view: &PolicyView<'_>, row: usize, world: &World) -> Option<DropReason> {
    match view.protocol[row] {
        // What ends a connection opens none, whatever is checked.
        TCP if view.tcp_flags[row] & tcp_flag::RST != 0 => Some(DropReason::TcpNoSession),
        TCP if !world.flow.no_syn_check && !is_initial(view.tcp_flags[row]) => {
            Some(DropReason::TcpNoSession)
        }
        ICMP | ICMPV6 => match icmp_class(view, row) {
            IcmpClass::Request => None,
            IcmpClass::Error if world.flow.embedded_icmp => None,
            _ => Some(DropReason::IcmpNoSession),
        },
        UDP if !world.flow.dns_replies && is_dns_response(view, row) => {
            Some(DropReason::DnsNoSession)
        }
        _ => None,
    }
}

/// From port 53, with the header of a response (RFC 1035 section 4.1.1).
fn is_dns_response(view: &PolicyView<'_>, row: usize) -> bool {
    view.source_port[row] == DNS_PORT
        && message_of(view, row)
            .get(UDP_HEADER_LENGTH..)
            .is_some_and(|message| message.len() >= DNS_HEADER_LENGTH && message[2] & 0x80 != 0)
}

/// The firewall sends nothing to itself over a wire. One that says so from its own address to that
/// same address is a land attack, which screens look for.
fn is_own_source(view: &PolicyView<'_>, row: usize, world: &World) -> bool {
    let hop = world.routes.route(view.family[row], view.source[row]);
    hop.is_some_and(|hop| hop.kind == RouteKind::Local) && view.source[row] != view.destination[row]
}

/// Columns of the decision, and the application that names the packet.
fn record_hit(
    view: &mut PolicyView<'_>,
    row: usize,
    hit: &PolicyHit,
    service: &Service,
    world: &World,
) {
    view.policy[row] = hit.policy;
    view.rule[row] = hit.ordinal;
    view.application[row] = if hit.application.is_none() {
        world.applications.service_of(service)
    } else {
        hit.application
    };
}

/// Denied or rejected, with its event.
pub(super) fn deny(view: &mut PolicyView<'_>, row: usize, hit: &PolicyHit, shard: &mut Shard) {
    let reason = if hit.action == Action::Reject {
        shard.reject(row_number(row), RejectWith::TcpReset);
        DropReason::PolicyReject
    } else {
        DropReason::PolicyDeny
    };
    if hit.log_init {
        raise_deny(view, row, hit, CloseReason::Policy, 0, shard);
    }
    drop_row(view.live, view.verdict, row, reason);
}

/// The event of a packet that opens no session; `term` is a [`OpenFailure`] where the reason is not
/// the policy.
fn raise_deny(
    view: &mut PolicyView<'_>,
    row: usize,
    hit: &PolicyHit,
    reason: CloseReason,
    term: u32,
    shard: &mut Shard,
) {
    shard.counters.denied_logged += 1;
    view.events.raise(Event {
        row: row_number(row),
        order: 0,
        kind: EventKind::PolicyDeny,
        action: if hit.action == Action::Permit { Action::Deny } else { hit.action },
        reason: reason as u8,
        policy: hit.policy.0,
        rule: hit.ordinal.0,
        term,
        record: Event::NO_RECORD,
    });
}

/// Source NAT and installation.
#[expect(clippy::too_many_arguments, reason = "the first path's one assembly point")]
fn open(
    view: &mut PolicyView<'_>,
    row: usize,
    key: FlowKey,
    target: &Target,
    hit: &PolicyHit,
    service: &Service,
    shard: &mut Shard,
    world: &World,
) -> Result<(), DropReason> {
    limits::admits(view, row, &key, shard, world)?;
    let opens = splice::opening_segment(view, row, shard);
    let mut session = template(view, row, key, target, hit, service, opens, world);
    session.splice = splice::begin(view, row, shard);
    let mut query = nat_query(view, row, target.egress, target.zone);
    query.destination_family = target.family;
    query.destination = target.destination;
    query.service.destination_port = service.destination_port;
    let source = world.nat.source_of(&query);
    match translation::install(&mut session, source, target, shard, world) {
        Ok(entry) => {
            shard.created += 1;
            let Shard { screens, counters, .. } = &mut *shard;
            screens.admit(&session, view.clock_ns[row], &mut counters.screens_evicted);
            if hit.log_init {
                let time_ns = view.time_ns[row];
                let record = session.record(EventKind::SessionCreate, time_ns, CloseReason::None);
                view.events.raise_session(row_number(row), EventKind::SessionCreate, record);
            }
            let teller = Teller { world, node: shard.node };
            let number = row_number(row);
            teller.tell(SessionChange::Open, &session, number, view.events, &mut shard.counters);
            join(view, row, entry, &session);
            if opens.is_some() {
                splice::opened(view, row, &session, shard, world);
            }
            Ok(())
        }
        Err(reason) => {
            // The policy let it in, and is told that it was denied all the same.
            if hit.log_init
                && let Some(failure) = OpenFailure::of(reason)
            {
                raise_deny(view, row, hit, CloseReason::None, failure as u32, shard);
            }
            Err(reason)
        }
    }
}

/// The session as it is before source NAT, its first packet counted. `opens` is the segment that
/// opens it, where that is not the packet itself.
#[expect(clippy::too_many_arguments, reason = "everything that a session begins with")]
fn template(
    view: &PolicyView<'_>,
    row: usize,
    key: FlowKey,
    target: &Target,
    hit: &PolicyHit,
    service: &Service,
    opens: Option<Segment>,
    world: &World,
) -> Session {
    let timeout = world.applications.timeout_s(view.application[row], service);
    let profile = world.screen_of(view.zone[row]);
    let flow = &world.flow;
    let established_s = match service.protocol {
        TCP => timeout.unwrap_or(flow.tcp_s),
        UDP => timeout.unwrap_or(flow.udp_s),
        ICMP | ICMPV6 => timeout.unwrap_or(flow.icmp_s),
        _ => timeout.unwrap_or(flow.other_s),
    };
    let segment = opens.unwrap_or_else(|| tcp::segment_of(view, row, 0));
    let is_initial = is_initial(segment.flags);
    let handshake_s = limits::handshake_s(profile, flow.tcp_initial_s);
    let (timeout_s, tcp) = match service.protocol {
        TCP => (if is_initial { handshake_s } else { established_s }, Tcp::opened_by(&segment)),
        _ => (established_s, Tcp::default()),
    };
    let mut session = Session {
        keys: [key, key.reversed()],
        created_ns: view.time_ns[row],
        timeout_s,
        established_s,
        closing_s: if flow.tcp_closing_ages_out { established_s } else { flow.tcp_closing_s },
        closes_half: flow.tcp_closes_half,
        policy: hit.policy,
        rule: hit.ordinal,
        application: view.application[row],
        interfaces: [view.ingress[row], target.egress],
        zones: [view.zone[row], target.zone],
        next_hops: [target.next_hop, world.routes.lookup(view.family[row], view.source[row])],
        tcp,
        counted: limits::counted_for(profile),
        log_close: hit.log_close,
        ..Session::default()
    };
    session.packet(0, view.ip_length[row], view.clock_ns[row]);
    session
}

fn nat_query(view: &PolicyView<'_>, row: usize, egress: IfIndex, to_zone: ZoneId) -> NatQuery {
    NatQuery {
        ingress: view.ingress[row],
        from_zone: view.zone[row],
        egress,
        to_zone,
        family: view.family[row],
        destination_family: view.family[row],
        source: view.source[row],
        destination: view.destination[row],
        service: service_of(view, row),
    }
}

/// The application of a row that has no policy hit.
pub(super) fn application_of(view: &PolicyView<'_>, row: usize, world: &World) -> AppId {
    world.applications.service_of(&service_of(view, row))
}

const DNS_PORT: u16 = 53;
const DNS_HEADER_LENGTH: usize = 12;
const UDP_HEADER_LENGTH: usize = 8;
