//! Reject: answers the rows that filters and policies rejected in this batch, RST for TCP where
//! asked, ICMP destination unreachable for everything else, from the ingress interface. Nothing is
//! answered that must not be (RFC 1122 section 3.2.2, RFC 4443 section 2.4): ICMP errors, RSTs,
//! later fragments, groups and link-layer broadcasts. Answers are limited by a token bucket on
//! packet time, in row order, so that batches do not change which ones are sent.

pub(crate) mod packet;

#[cfg(test)]
mod tests;

use components::address::{Address, Family};
use components::batch::{Access, Batch};
use components::columns::{FRAGMENT_OFFSET_MASK, LinkType, tcp_flag};
use components::view;
use components::world::World;
use components::world::application::{ICMP, ICMPV6, TCP};
use components::world::filter::RejectWith;
use components::world::route::RouteKind;

use crate::icmp::{self, IcmpClass};
use crate::schedule::settings::RejectSettings;
use crate::shard::{Answers, Rejection, Shard};
use crate::system::System;

view! {
    /// What reject reads: the packet as received.
    pub struct RejectView {
        reads {
            clock_ns, offset, length, link, ingress, family, protocol, source, destination,
            source_port, destination_port, l3_offset, l4_offset, ip_length, fragment, tcp_flags,
        }
        writes {}
    }
}

/// The `reject` system.
#[derive(Clone, Copy, Debug)]
pub struct Reject {
    /// Time between two answers at the steady rate; `None` to send none.
    interval_ns: Option<u64>,
    tolerance_ns: u64,
    /// Theoretical arrival time of the next answer (generic cell rate algorithm).
    arrival_ns: u64,
}

impl Reject {
    /// With the schedule's rate.
    #[must_use]
    pub fn new(settings: &RejectSettings) -> Self {
        let per_second = u64::from(*settings.answers_per_second.get_ref());
        let burst = u64::from(*settings.answers_burst.get_ref());
        let interval_ns = 1_000_000_000_u64.checked_div(per_second);
        Self {
            interval_ns,
            tolerance_ns: interval_ns.unwrap_or(0) * burst.saturating_sub(1),
            arrival_ns: 0,
        }
    }

    /// Takes a token at `now_ns`.
    fn admits(&mut self, now_ns: u64) -> bool {
        let Some(interval_ns) = self.interval_ns else {
            return false;
        };
        if now_ns.saturating_add(self.tolerance_ns) < self.arrival_ns {
            return false;
        }
        self.arrival_ns = now_ns.max(self.arrival_ns).saturating_add(interval_ns);
        true
    }
}

impl System for Reject {
    fn name(&self) -> &'static str {
        "reject"
    }

    fn access(&self) -> Access {
        RejectView::ACCESS
    }

    fn run(&mut self, batch: &mut Batch<'_>, shard: &mut Shard, world: &World) {
        let view = RejectView::of(batch);
        let Shard { rejects, answers, counters, .. } = shard;
        // Filters and policy each add theirs in row order; the limiter needs one order for all.
        rejects.sort_unstable_by_key(|rejection| rejection.row);
        for &Rejection { row, with } in &*rejects {
            let counts = &mut counters.answers;
            match answer_for(&view, usize::from(row), with, world) {
                None => counts.unanswerable += 1,
                Some(_) if !self.admits(view.clock_ns[usize::from(row)]) => counts.limited += 1,
                Some(kind) => {
                    send(&view, row, kind, answers);
                    counts.sent += 1;
                }
            }
        }
        rejects.clear();
    }
}

/// What a row is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// From the packet's destination.
    Reset,
    /// Destination unreachable with this code of the row's family, from this address.
    Unreachable(Address, u8),
}

/// The answer that a row gets; `None` if it must not be answered.
fn answer_for(view: &RejectView<'_>, row: usize, with: RejectWith, world: &World) -> Option<Kind> {
    let family = view.family[row];
    if family == Family::None
        || view.fragment[row] & FRAGMENT_OFFSET_MASK != 0
        || is_group(view, row, world)
    {
        return None;
    }
    let protocol = view.protocol[row];
    let is_tcp = protocol == TCP;
    if is_tcp && view.tcp_flags[row] & tcp_flag::RST != 0 {
        return None;
    }
    let [icmp_type, _] = view.destination_port[row].to_be_bytes();
    if matches!(protocol, ICMP | ICMPV6) && !is_icmp_query(protocol, icmp_type) {
        return None;
    }
    let code = match with {
        RejectWith::TcpReset if is_tcp => return Some(Kind::Reset),
        RejectWith::TcpReset => ADMINISTRATIVELY_PROHIBITED,
        RejectWith::Unreachable(code) => code,
    };
    let source = world.interfaces.get(view.ingress[row]).primary(family)?;
    let code = match family {
        Family::Inet6 => code_v6(code),
        _ => code,
    };
    Some(Kind::Unreachable(source, code))
}

/// Groups, broadcasts and senders without an address; also what came as a link-layer broadcast.
fn is_group(view: &RejectView<'_>, row: usize, world: &World) -> bool {
    let (family, destination) = (view.family[row], view.destination[row]);
    let link_group = view.link[row] == LinkType::Ethernet
        && frame_of(view, row).first().is_some_and(|first| first & 1 == 1);
    let group = match family {
        Family::Inet6 => destination.0[0] == 0xff,
        _ => destination.v4_key() >> 28 >= 0xe,
    };
    let broadcast = || {
        let route = world.routes.route(family, destination);
        route.is_some_and(|hop| hop.kind == RouteKind::Broadcast)
    };
    link_group || group || view.source[row] == Address::ZERO || broadcast()
}

/// Only queries are answered: every other ICMP type is an error or may be one.
const fn is_icmp_query(protocol: u8, icmp_type: u8) -> bool {
    matches!(icmp::class(protocol, icmp_type), IcmpClass::Request | IcmpClass::Reply)
}

/// ICMPv6 codes of destination unreachable (RFC 4443 section 3.1) by the ICMP codes that filters
/// name.
const fn code_v6(code: u8) -> u8 {
    match code {
        0 => 0,
        1 => 3,
        3 => 4,
        _ => 1,
    }
}

/// Appends the answer's bytes.
fn send(view: &RejectView<'_>, row: u16, kind: Kind, answers: &mut Answers) {
    let at = usize::from(row);
    let offset = answers.bytes.len();
    let received = packet_of(view, at);
    match kind {
        Kind::Reset => packet::reset(
            &mut answers.bytes,
            &packet::Segment {
                family: view.family[at],
                source: view.source[at],
                destination: view.destination[at],
                ports: (view.source_port[at], view.destination_port[at]),
                flags: view.tcp_flags[at],
                l4: received.get(l4_start(view, at)..).unwrap_or_default(),
                l4_length: view.ip_length[at]
                    .saturating_sub(u32::try_from(l4_start(view, at)).unwrap_or(u32::MAX)),
            },
        ),
        Kind::Unreachable(from, code) => packet::unreachable(
            &mut answers.bytes,
            view.family[at],
            from,
            view.source[at],
            code,
            received,
        ),
    }
    answers.finish(row, view.ingress[at], offset);
}

fn l4_start(view: &RejectView<'_>, row: usize) -> usize {
    usize::from(view.l4_offset[row].saturating_sub(view.l3_offset[row]))
}

fn frame_of<'v>(view: &'v RejectView<'_>, row: usize) -> &'v [u8] {
    let start = view.offset[row] as usize;
    let frame = view.frames.get(start..start + view.length[row] as usize);
    frame.unwrap_or_default()
}

/// The IP packet as received, as far as it was captured, without padding.
fn packet_of<'v>(view: &'v RejectView<'_>, row: usize) -> &'v [u8] {
    let frame = frame_of(view, row);
    let packet = frame.get(usize::from(view.l3_offset[row])..).unwrap_or_default();
    &packet[..packet.len().min(view.ip_length[row] as usize)]
}

/// ICMP destination unreachable: communication administratively prohibited (RFC 1812 section
/// 5.2.7.1).
const ADMINISTRATIVELY_PROHIBITED: u8 = 13;
