//! Policy: session lookup, and the first path of what has no session. Keys are hashed and their
//! buckets touched for all rows, then probed for all rows; only then does the serial part walk the
//! rows in order, because a packet must see what every earlier packet did, also in its own batch.

mod first_path;
mod fragment;
mod host;
pub(crate) mod limits;
mod splice;
mod tcp;
pub(crate) mod translation;

use components::address::{Address, Family};
use components::batch::{Access, Batch};
use components::columns::tcp_flag;
use components::kinds::{CloseReason, EventKind, SessionChange};
use components::mask::{BATCH_ROWS_MAX, RowMask};
use components::reason::DropReason;
use components::session::SessionTable;
use components::session::index::Entry;
use components::session::key::FlowKey;
use components::session::record::Session;
use components::session::tcp::TcpState;
use components::view;
use components::world::World;
use components::world::application::{ICMP, ICMPV6, Service, TCP};

use crate::icmp::{self, IcmpClass};
use crate::replication::Teller;
use crate::shard::Shard;
use crate::system::{System, drop_row};

view! {
    /// What policy reads and writes.
    pub struct PolicyView {
        reads {
            time_ns, clock_ns, offset, length, ingress, zone, family, protocol, source, destination,
            source_port, destination_port, l4_offset, ip_length, ttl, fragment, fragment_mark,
            datagram, tcp_flags, tcp_sequence, tcp_acknowledgment, tcp_window, tcp_payload,
        }
        writes { session, direction, egress, egress_zone, next_hop, policy, rule, application }
    }
}

pub use fragment::FragmentDecision;
use splice::Waits;

/// The `policy` system.
#[derive(Debug)]
pub struct Policy {
    keys: Vec<FlowKey>,
    hashes: Vec<u64>,
    found: Vec<Option<Entry>>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            keys: vec![FlowKey::default(); BATCH_ROWS_MAX],
            hashes: vec![0; BATCH_ROWS_MAX],
            found: vec![None; BATCH_ROWS_MAX],
        }
    }
}

impl System for Policy {
    fn name(&self) -> &'static str {
        "policy"
    }

    fn access(&self) -> Access {
        PolicyView::ACCESS
    }

    fn run(&mut self, batch: &mut Batch<'_>, shard: &mut Shard, world: &World) {
        let mut view = PolicyView::of(batch);
        let rows = view.live.clone();
        for row in rows.iter() {
            let key = key_of(&view, row);
            self.hashes[row] = shard.sessions.hash(&key);
            self.keys[row] = key;
        }
        let touched = rows.iter().fold(0, |sum, row| sum ^ shard.sessions.touch(self.hashes[row]));
        std::hint::black_box(touched);
        let read =
            rows.iter().fold(0, |sum, row| sum ^ shard.sessions.read_ahead(self.hashes[row]));
        std::hint::black_box(read);
        for row in rows.iter() {
            self.found[row] = shard.sessions.find(self.hashes[row], &self.keys[row]);
        }
        let without = rows.iter().filter(|row| self.found[*row].is_none());
        let read = without.fold(0, |sum, row| sum ^ shard.decisions.touch(self.hashes[row]));
        std::hint::black_box(read);
        let changes = shard.sessions.changes();
        let fragments = RowMask::where_each(view.datagram, |datagram| !datagram.is_none());
        let any_fragment = !fragments.is_empty();
        for row in rows.or(&fragments).iter() {
            if !rows.contains(row) {
                fragment::remember(&view, row, shard);
                continue;
            }
            let key = self.keys[row];
            let mut found = self.found[row];
            if shard.sessions.changes() != changes && !still_true(&shard.sessions, found, &key) {
                found = shard.sessions.find(self.hashes[row], &key);
            }
            decide(&mut view, row, key, found, shard, world);
            if any_fragment {
                fragment::remember(&view, row, shard);
            }
        }
        count_traffic(&view, shard, world);
    }
}

/// `then count`: what the policies of the rows that are still live let through.
fn count_traffic(view: &PolicyView<'_>, shard: &mut Shard, world: &World) {
    for row in view.live.iter() {
        let policy = view.policy[row];
        if world.policies.counts(policy) {
            shard.counters.policy_traffic(policy, u64::from(view.ip_length[row]));
        }
    }
}

/// One row, with the session that its key has at this moment.
fn decide(
    view: &mut PolicyView<'_>,
    row: usize,
    key: FlowKey,
    found: Option<Entry>,
    shard: &mut Shard,
    world: &World,
) {
    if fragment::follow(view, row, shard) {
        return;
    }
    if icmp_class(view, row) == IcmpClass::Error {
        icmp_error(view, row, key, shard, world);
        return;
    }
    match found {
        Some(entry) if !fits_direction(view, row, entry) => {
            drop_row(view.live, view.verdict, row, DropReason::IcmpNoSession);
        }
        Some(entry) if !is_over(view, row, entry, shard, world) => {
            established(view, row, entry, shard, world);
        }
        Some(entry) => {
            let session = shard.sessions.get(entry.slot());
            let on = world.policies.is_on(session.policy, view.time_ns[row]);
            let reason = if on { session.close_reason() } else { CloseReason::Policy };
            let end_ns = session.deadline_ns;
            if splice::ends_opening(reason, session) {
                let Shard { sessions, answers, counters, .. } = shard;
                splice::give_up(sessions.get(entry.slot()), row, answers, &mut counters.cookies);
                close(view, row, entry, shard, world, end_ns.min(view.clock_ns[row]), reason);
                drop_row(view.live, view.verdict, row, DropReason::SynCookieOpening);
                return;
            }
            close(view, row, entry, shard, world, end_ns.min(view.clock_ns[row]), reason);
            first_path::run(view, row, key, shard, world);
        }
        None => first_path::run(view, row, key, shard, world),
    }
}

/// A packet of a session that is there.
fn established(
    view: &mut PolicyView<'_>,
    row: usize,
    entry: Entry,
    shard: &mut Shard,
    world: &World,
) {
    if shard.sessions.get(entry.slot()).splice.cookie().is_some()
        && matches!(splice::meet(view, row, entry, shard, world), Waits::Done)
    {
        return;
    }
    let Shard { sessions, screens, counters, .. } = shard;
    let session = sessions.get_mut(entry.slot());
    let (direction, checks) = (entry.direction(), world.flow.tcp_checks);
    let segment =
        is_tcp(session).then(|| session.splice.as_server(tcp::segment_of(view, row, direction)));
    if let Some(Err(reason)) = segment.map(|segment| session.tcp.judge(&segment, checks)) {
        drop_row(view.live, view.verdict, row, reason);
        return;
    }
    if view.ttl[row] <= 1 {
        drop_row(view.live, view.verdict, row, DropReason::TtlExceeded);
        return;
    }
    let before = session.tcp.state();
    let ends_sooner = segment.is_some_and(|segment| session.segment(&segment, checks));
    session.packet(direction, view.ip_length[row], view.clock_ns[row]);
    if segment.is_some() && direction == 0 {
        limits::follow(view, row, before, session, screens, counters, world);
    }
    let invalidated =
        segment.and_then(|segment| tcp::invalidates(session, segment.flags, &world.flow));
    join(view, row, entry, session);
    match invalidated {
        Some(reason) => close(view, row, entry, shard, world, view.clock_ns[row], reason),
        None if ends_sooner => shard.sessions.reschedule(entry.slot()),
        None => {}
    }
}

/// Fills the row's columns from its session.
fn join(view: &mut PolicyView<'_>, row: usize, entry: Entry, session: &Session) {
    let out = usize::from(1 - entry.direction());
    view.session[row] = SessionTable::reference(entry);
    view.direction[row] = entry.direction();
    view.egress[row] = session.interfaces[out];
    view.egress_zone[row] = session.zones[out];
    view.next_hop[row] = session.next_hops[usize::from(entry.direction())];
    view.policy[row] = session.policy;
    view.rule[row] = session.rule;
    view.application[row] = session.application;
}

/// An ICMP error goes on if the packet that it quotes is a session's; it neither counts nor keeps
/// the session alive.
fn icmp_error(
    view: &mut PolicyView<'_>,
    row: usize,
    key: FlowKey,
    shard: &mut Shard,
    world: &World,
) {
    let quote = icmp::quote(view.family[row], message_of(view, row));
    let entry = quote.and_then(|quote| {
        let key = quote.key.reversed();
        let entry = shard.sessions.find(shard.sessions.hash(&key), &key)?;
        let session = shard.sessions.get(entry.slot());
        let is_over = session.deadline_ns <= view.clock_ns[row]
            || !world.policies.is_on(session.policy, view.time_ns[row]);
        (!is_over).then_some(entry)
    });
    match entry {
        None if first_path::is_local(view, row, world) => host::run(view, row, shard, world),
        None if world.flow.embedded_icmp => first_path::run(view, row, key, shard, world),
        None => drop_row(view.live, view.verdict, row, DropReason::IcmpNoSession),
        Some(_) if view.ttl[row] <= 1 => {
            drop_row(view.live, view.verdict, row, DropReason::TtlExceeded);
        }
        // Neither side has sent the other anything yet.
        Some(entry) if shard.sessions.get(entry.slot()).splice.cookie().is_some() => {
            drop_row(view.live, view.verdict, row, DropReason::SynCookieOpening);
        }
        Some(entry) => {
            let session = shard.sessions.get(entry.slot());
            // The quoted segment went the other way.
            let sender = 1 - entry.direction();
            let sequence = quote.map_or(0, |quote| quote.sequence);
            let sequence = session.splice.as_sent(sender, sequence);
            if session.tcp.may_have_in_flight(sender, sequence, world.flow.tcp_checks) {
                join(view, row, entry, session);
            } else {
                drop_row(view.live, view.verdict, row, DropReason::IcmpOutOfWindow);
            }
        }
    }
}

/// True if the session has ended by this packet's time, if its policy's scheduler has, or if the
/// packet opens a new connection on a closed one.
fn is_over(view: &PolicyView<'_>, row: usize, entry: Entry, shard: &Shard, world: &World) -> bool {
    let session = shard.sessions.get(entry.slot());
    session.deadline_ns <= view.clock_ns[row]
        || !world.policies.is_on(session.policy, view.time_ns[row])
        || (session.is_closed()
            && view.protocol[row] == TCP
            && session.tcp.is_reopened_by(
                &tcp::segment_of(view, row, entry.direction()),
                world.flow.tcp_checks,
            ))
}

/// Ends a session that a packet found to be over, before the wheel came to it, or that the packet
/// itself ends.
fn close(
    view: &mut PolicyView<'_>,
    row: usize,
    entry: Entry,
    shard: &mut Shard,
    world: &World,
    end_ns: u64,
    reason: CloseReason,
) {
    let Some(session) = shard.sessions.remove(entry.slot()) else {
        return;
    };
    shard.ports.set_clock(view.clock_ns[row]);
    shard.end_session(&session, reason);
    let teller = Teller { world, node: shard.node };
    let (row, counters) = (row_number(row), &mut shard.counters);
    teller.tell(SessionChange::Close, &session, row, view.events, counters);
    if session.log_close {
        let record = session.record(EventKind::SessionClose, end_ns, reason);
        view.events.raise_session(row, EventKind::SessionClose, record);
    }
}

/// An ICMP session carries requests one way and replies back. Without this an identifier that looks
/// like a type and code would let a request in where a reply belongs.
fn fits_direction(view: &PolicyView<'_>, row: usize, entry: Entry) -> bool {
    if !matches!(view.protocol[row], ICMP | ICMPV6) {
        return true;
    }
    let expected = if entry.direction() == 0 { IcmpClass::Request } else { IcmpClass::Reply };
    icmp_class(view, row) == expected
}

/// The key that a packet arrives with.
fn key_of(view: &PolicyView<'_>, row: usize) -> FlowKey {
    let (mut source_port, mut destination_port) =
        (view.source_port[row], view.destination_port[row]);
    if matches!(view.protocol[row], ICMP | ICMPV6) {
        let [icmp_type, code] = destination_port.to_be_bytes();
        (source_port, destination_port) =
            icmp::key_ports(view.protocol[row], source_port, icmp_type, code);
    }
    FlowKey {
        source: view.source[row],
        destination: view.destination[row],
        source_port,
        destination_port,
        protocol: view.protocol[row],
        family: view.family[row],
    }
}

/// Protocol and ports as applications match them.
fn service_of(view: &PolicyView<'_>, row: usize) -> Service {
    let protocol = view.protocol[row];
    let [icmp_type, icmp_code] = view.destination_port[row].to_be_bytes();
    if matches!(protocol, ICMP | ICMPV6) {
        Service { protocol, icmp_type, icmp_code, ..Service::default() }
    } else {
        Service {
            protocol,
            source_port: view.source_port[row],
            destination_port: view.destination_port[row],
            ..Service::default()
        }
    }
}

fn icmp_class(view: &PolicyView<'_>, row: usize) -> IcmpClass {
    icmp::class(view.protocol[row], view.destination_port[row].to_be_bytes()[0])
}

/// The ICMP message of a row, as far as it was captured.
fn message_of<'v>(view: &'v PolicyView<'_>, row: usize) -> &'v [u8] {
    let start = view.offset[row] as usize;
    let frame = view.frames.get(start..start + view.length[row] as usize).unwrap_or_default();
    frame.get(usize::from(view.l4_offset[row])..).unwrap_or_default()
}

/// What was probed before still holds after the table changed.
fn still_true(sessions: &SessionTable, found: Option<Entry>, key: &FlowKey) -> bool {
    found.is_some_and(|entry| sessions.is_at(entry, key))
}

/// True if its TCP state is followed.
fn is_tcp(session: &Session) -> bool {
    session.tcp.state() != TcpState::None
}

/// SYN and nothing that answers or ends.
const fn is_initial(flags: u8) -> bool {
    flags & (tcp_flag::SYN | tcp_flag::ACK | tcp_flag::RST | tcp_flag::FIN) == tcp_flag::SYN
}

/// Multicast, or limited broadcast.
fn is_multicast(family: Family, address: Address) -> bool {
    match family {
        Family::None => false,
        Family::Inet => address.0[0] >> 4 == 14 || address.v4_key() == u32::MAX,
        Family::Inet6 => address.0[0] == 0xff,
    }
}

fn row_number(row: usize) -> u16 {
    u16::try_from(row).unwrap_or(u16::MAX)
}

/// Raises the close of every session that the wheel found over, at most `ended_max`; true while
/// more are waiting.
pub fn expire(
    batch: &mut Batch<'_>,
    shard: &mut Shard,
    world: &World,
    clock_ns: u64,
    ended_max: usize,
) -> bool {
    let Shard { sessions, ports, screens, closed, answers, counters, node, .. } = shard;
    let teller = Teller { world, node: *node };
    let more = sessions.expire(clock_ns, ended_max, &world.flow.aging, |session| {
        let reason: CloseReason = session.close_reason();
        ports.release_at(session.lease, session.deadline_ns.min(clock_ns));
        screens.release(&session);
        closed.0[reason.index()] += 1;
        splice::give_up(&session, 0, answers, &mut counters.cookies);
        teller.tell(SessionChange::Close, &session, 0, batch.events, counters);
        if session.log_close {
            let record = session.record(EventKind::SessionClose, session.deadline_ns, reason);
            batch.events.raise_session(0, EventKind::SessionClose, record);
        }
    });
    ports.set_clock(clock_ns);
    more
}

#[cfg(test)]
mod tests;
