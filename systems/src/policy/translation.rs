//! Source NAT of the first path: what a rule says, what the shard has left to lease, and the
//! session under its two keys. Persistent bindings are joined before anything is leased, and let
//! packets in that no session knows.

use components::address::Address;
use components::ports::{BindingError, Endpoint, Inbound, Translation, Wanted};
use components::reason::DropReason;
use components::session::InstallError;
use components::session::index::Entry;
use components::session::key::FlowKey;
use components::session::record::{PortLease, Session};
use components::world::World;
use components::world::application::{ICMP, ICMPV6, Service, TCP, UDP, UDP_LITE};
use components::world::nat::{Permit, SourceAction, SourceHit};
use components::world::policy::PolicyQuery;

use super::PolicyView;
use super::first_path::Target;
use crate::icmp;
use crate::shard::Shard;

/// Tries for another translation if the tuple is still another session's.
const TRIES: usize = 8;

/// The binding that a packet without a session came in by.
pub(super) fn inbound(
    view: &PolicyView<'_>,
    row: usize,
    shard: &Shard,
) -> Result<Option<Inbound>, DropReason> {
    let outside = Endpoint {
        address: view.destination[row],
        port: view.destination_port[row],
        protocol: view.protocol[row],
        family: view.family[row],
    };
    if !persists(outside.protocol) {
        return Ok(None);
    }
    match shard.ports.bindings.inbound(&outside, (view.source[row], view.source_port[row])) {
        Some(None) => Err(DropReason::NatBindingClosed),
        Some(inbound) => Ok(inbound),
        None => Ok(None),
    }
}

/// What the policies are asked: of a binding that only its targets may use, the direction in which
/// it was made (Junos: the policy from the inside to the target covers it).
pub(crate) fn judged(permit: Option<Permit>, query: PolicyQuery) -> PolicyQuery {
    match permit {
        Some(Permit::TargetHost | Permit::TargetHostPort) => PolicyQuery {
            from_zone: query.to_zone,
            to_zone: query.from_zone,
            family: query.destination_family,
            destination_family: query.family,
            source: query.destination,
            destination: query.source,
            service: Service {
                source_port: query.service.destination_port,
                destination_port: query.service.source_port,
                ..query.service
            },
            ..query
        },
        Some(Permit::AnyRemoteHost) | None => query,
    }
}

/// Translates the source and installs the session; what was leased for nothing is given back.
pub(super) fn install(
    session: &mut Session,
    hit: Option<SourceHit>,
    target: &Target,
    shard: &mut Shard,
    world: &World,
) -> Result<Entry, DropReason> {
    let came_in = match target.binding {
        Some(inbound) => shard.ports.bindings.enter_by(inbound.lease).map_err(reason_of)?,
        None => PortLease::default(),
    };
    // Held until the end, so that the next try is given another one.
    let mut refused = [PortLease::default(); TRIES];
    let mut outcome = Err(DropReason::NatPoolExhausted);
    for (attempt, refused) in (0..).zip(&mut refused) {
        outcome = source_of(hit, &session.keys[0], attempt, target, shard, world).and_then(
            |(address, port, lease)| {
                let key = session.keys[0];
                session.keys[1] = reverse_key(&key, target, (address, port));
                session.translated = session.keys[1] != key.reversed();
                session.lease = PortLease { binding: lease.binding | came_in.binding, ..lease };
                let installed = shard.sessions.install(*session);
                *refused = if installed.is_err() { lease } else { PortLease::default() };
                installed.map_err(|error| match error {
                    InstallError::Full => DropReason::SessionTableFull,
                    InstallError::KeyTaken => DropReason::NatTupleTaken,
                })
            },
        );
        if outcome != Err(DropReason::NatTupleTaken) || refused.binding != 0 {
            break;
        }
    }
    refused.into_iter().for_each(|lease| shard.ports.release(lease));
    if outcome.is_err() {
        shard.ports.release(came_in);
    }
    let of_pool = matches!(hit, Some(SourceHit::Rule { action: SourceAction::Pool(_), .. }));
    outcome.map_err(|reason| match reason {
        // Every choice that the pool has was another session's.
        DropReason::NatTupleTaken if of_pool => DropReason::NatPoolExhausted,
        reason => reason,
    })
}

/// The source as transmitted, with what it holds.
fn source_of(
    hit: Option<SourceHit>,
    key: &FlowKey,
    attempt: u32,
    target: &Target,
    shard: &mut Shard,
    world: &World,
) -> Result<Translation, DropReason> {
    let keep = || match key.family == target.family {
        true => Ok((key.source, key.source_port, PortLease::default())),
        false => Err(DropReason::NatNoAddress),
    };
    let (rule, action) = match hit {
        None => return keep(),
        Some(SourceHit::Static { .. }) if key.family != target.family => return keep(),
        Some(SourceHit::Static { address, port, .. }) => {
            let is_icmp = matches!(key.protocol, ICMP | ICMPV6);
            let port = if is_icmp { key.source_port } else { port };
            return Ok((address, port, PortLease::default()));
        }
        Some(SourceHit::Rule { action: SourceAction::Off, .. }) => return keep(),
        Some(SourceHit::Rule { rule, action }) => (rule, action),
    };
    let inside = Endpoint {
        address: key.source,
        port: key.source_port,
        protocol: key.protocol,
        family: key.family,
    };
    let binds = persists(key.protocol)
        && target.binding.is_none()
        && shard.ports.bindings.is_persistent(rule);
    let known = if binds { shard.ports.bindings.join(rule, &inside) } else { None };
    let (outside, lease) = match known {
        Some(joined) => joined.map_err(reason_of)?,
        None => {
            let translation = leased(action, key, attempt, target, shard, world)?;
            if !binds {
                return Ok(translation);
            }
            let (address, port, lease) = translation;
            let outside = Endpoint { address, port, family: target.family, ..inside };
            let bound = shard.ports.bindings.bind(rule, inside, outside, lease);
            if bound.is_err() {
                shard.ports.release(lease);
            }
            (outside, bound.map_err(reason_of)?)
        }
    };
    shard.ports.bindings.sent_to(lease, target.destination, target.port);
    Ok((outside.address, outside.port, lease))
}

/// A translation that nobody else has.
fn leased(
    action: SourceAction,
    key: &FlowKey,
    attempt: u32,
    target: &Target,
    shard: &mut Shard,
    world: &World,
) -> Result<Translation, DropReason> {
    let wanted = Wanted {
        host: key.source,
        port: key.source_port,
        has_ports: matches!(key.protocol, TCP | UDP | UDP_LITE | ICMP | ICMPV6),
        attempt,
        egress: target.egress,
        family: target.family,
    };
    let translation = match action {
        SourceAction::Off => None,
        SourceAction::Interface => {
            let address = shard.ports.interface_address(target.egress, target.family);
            address.ok_or(DropReason::NatNoAddress)?;
            shard.ports.lease_interface(&wanted)
        }
        SourceAction::Pool(pool) => {
            let family = world.nat.pool(pool).map(|pool| pool.family());
            if family != Some(target.family) {
                return Err(DropReason::NatNoAddress);
            }
            shard.ports.lease_pool(pool, &wanted)
        }
    };
    translation.ok_or(DropReason::NatPoolExhausted)
}

/// The key of the replies: from the translated destination to the translated source.
fn reverse_key(key: &FlowKey, target: &Target, source: (Address, u16)) -> FlowKey {
    // What the other family's reply is the answer to: an echo request.
    let (protocol, port) = icmp::echo_in(target.family, key.protocol, target.port);
    FlowKey {
        source: target.destination,
        destination: source.0,
        source_port: port,
        destination_port: source.1,
        protocol,
        family: target.family,
    }
}

/// Persistent NAT is for protocols with ports of their own.
pub(crate) const fn persists(protocol: u8) -> bool {
    matches!(protocol, TCP | UDP | UDP_LITE)
}

const fn reason_of(error: BindingError) -> DropReason {
    match error {
        BindingError::SessionsMax(_) => DropReason::NatBindingSessions,
        BindingError::Full(_) => DropReason::NatBindingsFull,
    }
}
