//! Rewrite: the packet as it is transmitted. TTL goes down by one, the DSCP becomes what a filter
//! says, addresses and ports become the translated ones, and every checksum that covers them is
//! updated incrementally (RFC 1624), inside ICMP errors too. What it has rewritten is forwarded.

mod delta;
mod icmp64;
mod mss;
mod nat64;
mod plain;
mod quote;
mod splice;

use components::address::{Address, Family};
use components::batch::{Access, Batch};
use components::columns::{FRAGMENT_MORE, FRAGMENT_OFFSET_MASK, tcp_flag};
use components::reason::{DropReason, Fate};
use components::session::record::Session;
use components::view;
use components::world::World;
use components::world::application::{ICMP, ICMPV6, SCTP, TCP, UDP, UDP_LITE};

use self::delta::Delta;
use self::nat64::{Job, Side};
use self::splice::Spliced;
use crate::icmp::{self, IcmpClass};
use crate::shard::Shard;
use crate::system::{System, decide_row, drop_row};

view! {
    /// What rewrite reads; it also writes frame memory.
    pub struct RewriteView {
        reads {
            offset, length, wire_length, ip_length, l3_offset, l4_offset, family, protocol, source,
            destination, source_port, destination_port, session, direction, nat_source,
            nat_destination, nat_source_port, nat_destination_port, translated, tcp_flags,
            fragment, nat_family, nat_protocol, headroom,
        }
        writes { out_offset, out_length }
    }
}

/// The `rewrite` system.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rewrite {
    /// Identification of the next IPv4 packet that was an IPv6 one.
    identification: u16,
}

impl System for Rewrite {
    fn name(&self) -> &'static str {
        "rewrite"
    }

    fn access(&self) -> Access {
        RewriteView::ACCESS
    }

    fn run(&mut self, batch: &mut Batch<'_>, shard: &mut Shard, world: &World) {
        let mut view = RewriteView::of(batch);
        let marked = shard.marks.any();
        let rows = view.live.clone();
        for row in rows.iter() {
            if !marked && plain(&mut view, row, shard, world) {
                let start = view.offset[row] + u32::from(view.l3_offset[row]);
                (view.out_offset[row], view.out_length[row]) = (start, view.ip_length[row]);
                decide_row(view.live, view.verdict, row, Fate::Forwarded);
                continue;
            }
            self.general(&mut view, row, shard, world);
        }
        shard.marks.clear();
    }
}

impl Rewrite {
    /// Rewrites a packet, whatever it is.
    fn general(&mut self, view: &mut RewriteView<'_>, row: usize, shard: &Shard, world: &World) {
        let tuple = Tuple::of(view, row);
        let spliced = spliced(view, row, shard);
        let start = view.offset[row] as usize;
        let end = start + view.length[row] as usize;
        let Some(frame) = view.frames.get_mut(start..end) else {
            return;
        };
        let Some(packet) = frame.get_mut(usize::from(view.l3_offset[row])..) else {
            return;
        };
        lower_ttl(packet, view.family[row]);
        if let Some(dscp) = shard.marks.get(row).dscp {
            write_dscp(packet, view.family[row], dscp);
        }
        let l4 = usize::from(view.l4_offset[row].saturating_sub(view.l3_offset[row]));
        // Padding is no option.
        let end = packet.len().min(view.ip_length[row] as usize);
        if let Some(mss) = world.flow.tcp_mss
            && view.tcp_flags[row] & tcp_flag::SYN != 0
        {
            mss::clamp(packet[..end].get_mut(l4..).unwrap_or_default(), mss);
        }
        if let Some(spliced) = spliced {
            splice::renumber(&mut packet[..end], l4, &spliced);
        }
        let start = view.offset[row] + u32::from(view.l3_offset[row]);
        (view.out_offset[row], view.out_length[row]) = (start, view.ip_length[row]);
        if view.nat_family[row] != view.family[row] {
            let job = job_of(view, row, self.identification, shard);
            self.identification = self.identification.wrapping_add(1);
            let Some(out) = nat64::translate(view.frames, &job) else {
                drop_row(view.live, view.verdict, row, DropReason::Untranslatable);
                return;
            };
            let offset = u32::try_from(out.start).unwrap_or(u32::MAX);
            let length = u32::try_from(out.len()).unwrap_or(0);
            (view.out_offset[row], view.out_length[row]) = (offset, length);
        } else if view.translated[row] {
            let slot = view.session[row].index().saturating_sub(1);
            let shape = Shape {
                l4,
                fragment: view.fragment[row],
                end: view.ip_length[row] as usize,
                is_whole: view.length[row] == view.wire_length[row],
            };
            same_family(packet, &shape, &tuple, shard.sessions.get(slot), view.direction[row]);
        }
        decide_row(view.live, view.verdict, row, Fate::Forwarded);
    }
}

/// Rewrites a packet that nothing is special about; false if something is.
fn plain(view: &mut RewriteView<'_>, row: usize, shard: &Shard, world: &World) -> bool {
    let (l3, l4) = (usize::from(view.l3_offset[row]), usize::from(view.l4_offset[row]));
    let is_clamped = world.flow.tcp_mss.is_some() && view.tcp_flags[row] & tcp_flag::SYN != 0;
    let is_plain = view.translated[row]
        && view.family[row] == Family::Inet
        && view.nat_family[row] == Family::Inet
        && view.fragment[row] & FRAGMENT_OFFSET_MASK == 0
        && l4 == l3 + plain::HEADER
        && !is_clamped
        && shard.counters.cookies.opened == 0;
    if !is_plain {
        return false;
    }
    let start = view.offset[row] as usize;
    let end = start + view.length[row] as usize;
    let packet = view.frames.get_mut(start + l3..end);
    let leaving = plain::Leaving {
        protocol: view.protocol[row],
        source: view.nat_source[row],
        destination: view.nat_destination[row],
        source_port: view.nat_source_port[row],
        destination_port: view.nat_destination_port[row],
    };
    packet.is_some_and(|packet| plain::translate(packet, &leaving))
}

/// A packet of a connection that a SYN cookie has opened.
fn spliced(view: &RewriteView<'_>, row: usize, shard: &Shard) -> Option<Spliced> {
    if shard.counters.cookies.opened == 0 {
        return None;
    }
    let slot = view.session[row].index().checked_sub(1)?;
    let offset = shard.sessions.get(slot).splice.offset()?;
    Some(Spliced {
        family: view.family[row],
        protocol: view.protocol[row],
        kind: view.destination_port[row],
        fragment: view.fragment[row],
        direction: view.direction[row],
        offset,
    })
}

/// What of a packet is there.
struct Shape {
    l4: usize,
    fragment: u16,
    end: usize,
    is_whole: bool,
}

/// A packet that leaves in the family that it came in.
fn same_family(packet: &mut [u8], shape: &Shape, tuple: &Tuple, session: &Session, direction: u8) {
    if shape.fragment & FRAGMENT_OFFSET_MASK != 0 {
        // No transport header: the first fragment has the checksum.
        translate_addresses(packet, tuple);
        return;
    }
    let kind = tuple.destination_port[0].to_be_bytes()[0];
    if icmp::class(tuple.protocol, kind) == IcmpClass::Error {
        quote::translate(packet, shape.l4, tuple.family, session, direction);
    }
    translate(packet, shape.l4, tuple);
    if tuple.protocol == SCTP && shape.is_whole && shape.fragment & FRAGMENT_MORE == 0 {
        delta::sctp(packet, shape.l4, shape.end);
    }
}

/// A packet that leaves in the other family.
fn job_of(view: &RewriteView<'_>, row: usize, identification: u16, shard: &Shard) -> Job {
    let start = view.offset[row] as usize;
    let l3 = start + usize::from(view.l3_offset[row]);
    let wire_end = l3 + view.ip_length[row] as usize;
    let session = shard.sessions.get(view.session[row].index().saturating_sub(1));
    // A quoted packet went the other way: it arrived here with that direction's key.
    let quoted = &session.keys[usize::from(1 - (view.direction[row] & 1))];
    Job {
        l3,
        l4: start + usize::from(view.l4_offset[row]),
        end: wire_end.min(start + view.length[row] as usize),
        wire_end,
        room: start - usize::from(view.headroom[row]).min(start),
        fragment: view.fragment[row],
        sides: [
            Side {
                family: view.family[row],
                protocol: view.protocol[row],
                source: (view.source[row], view.source_port[row]),
                destination: (view.destination[row], view.destination_port[row]),
            },
            Side {
                family: view.nat_family[row],
                protocol: view.nat_protocol[row],
                source: (view.nat_source[row], view.nat_source_port[row]),
                destination: (view.nat_destination[row], view.nat_destination_port[row]),
            },
        ],
        quoted: Side {
            family: quoted.family,
            protocol: quoted.protocol,
            source: (quoted.source, quoted.source_port),
            destination: (quoted.destination, quoted.destination_port),
        },
        identification,
    }
}

/// Both ends of a packet, before and after.
struct Tuple {
    family: Family,
    protocol: u8,
    source: [Address; 2],
    destination: [Address; 2],
    source_port: [u16; 2],
    destination_port: [u16; 2],
}

impl Tuple {
    fn of(view: &RewriteView<'_>, row: usize) -> Self {
        Self {
            family: view.family[row],
            protocol: view.protocol[row],
            source: [view.source[row], view.nat_source[row]],
            destination: [view.destination[row], view.nat_destination[row]],
            source_port: [view.source_port[row], view.nat_source_port[row]],
            destination_port: [view.destination_port[row], view.nat_destination_port[row]],
        }
    }
}

/// IPv4: TTL and header checksum; IPv6: hop limit.
fn lower_ttl(packet: &mut [u8], family: Family) {
    match family {
        Family::Inet if packet.len() >= 20 => {
            let old = u16::from_be_bytes([packet[8], packet[9]]);
            packet[8] = packet[8].wrapping_sub(1);
            let new = u16::from_be_bytes([packet[8], packet[9]]);
            Delta::default().change(old, new).apply(packet, 10);
        }
        Family::Inet6 if packet.len() >= 40 => packet[7] = packet[7].wrapping_sub(1),
        _ => {}
    }
}

/// The upper six bits of TOS or traffic class (RFC 2474); the ECN bits stay.
fn write_dscp(packet: &mut [u8], family: Family, dscp: u8) {
    match family {
        Family::Inet if packet.len() >= 20 => {
            let old = u16::from_be_bytes([packet[0], packet[1]]);
            packet[1] = dscp << 2 | packet[1] & 3;
            let new = u16::from_be_bytes([packet[0], packet[1]]);
            Delta::default().change(old, new).apply(packet, 10);
        }
        Family::Inet6 if packet.len() >= 40 => {
            packet[0] = packet[0] & 0xf0 | dscp >> 2;
            packet[1] = packet[1] & 0x3f | dscp << 6;
        }
        _ => {}
    }
}

/// Addresses, ports or identifier, and the checksums that cover them.
fn translate(packet: &mut [u8], l4: usize, tuple: &Tuple) {
    let addresses = translate_addresses(packet, tuple);
    let ports = addresses
        .change(tuple.source_port[0], tuple.source_port[1])
        .change(tuple.destination_port[0], tuple.destination_port[1]);
    match tuple.protocol {
        TCP => {
            write_ports(packet, l4, tuple);
            ports.apply(packet, l4 + 16);
        }
        UDP | UDP_LITE => {
            write_ports(packet, l4, tuple);
            ports.apply_udp(packet, l4 + 6, tuple.protocol == UDP);
        }
        SCTP => write_ports(packet, l4, tuple),
        ICMP => {
            // No pseudo-header: the identifier alone.
            let identifier = Delta::default().change(tuple.source_port[0], tuple.source_port[1]);
            write_identifier(packet, l4, tuple);
            identifier.apply(packet, l4 + 2);
        }
        ICMPV6 => {
            write_identifier(packet, l4, tuple);
            addresses.change(tuple.source_port[0], tuple.source_port[1]).apply(packet, l4 + 2);
        }
        _ => {}
    }
}

/// Both addresses and IPv4's header checksum; returns what that does to a sum that covers them.
fn translate_addresses(packet: &mut [u8], tuple: &Tuple) -> Delta {
    let addresses = write_addresses(packet, tuple.family, tuple.source[1], tuple.destination[1]);
    if tuple.family == Family::Inet {
        addresses.apply(packet, 10);
    }
    addresses
}

/// Writes both addresses; returns what that does to a sum that covers them.
fn write_addresses(
    packet: &mut [u8],
    family: Family,
    source: Address,
    destination: Address,
) -> Delta {
    let (at, length) = match family {
        Family::Inet => (12, 4),
        Family::Inet6 => (8, 16),
        Family::None => return Delta::default(),
    };
    let Some(field) = packet.get_mut(at..at + 2 * length) else {
        return Delta::default();
    };
    let (from, to) = field.split_at_mut(length);
    let delta = Delta::default()
        .change_bytes(from, &source.0[..length])
        .change_bytes(to, &destination.0[..length]);
    from.copy_from_slice(&source.0[..length]);
    to.copy_from_slice(&destination.0[..length]);
    delta
}

fn write_ports(packet: &mut [u8], l4: usize, tuple: &Tuple) {
    if let Some(field) = packet.get_mut(l4..l4 + 4) {
        field[..2].copy_from_slice(&tuple.source_port[1].to_be_bytes());
        field[2..].copy_from_slice(&tuple.destination_port[1].to_be_bytes());
    }
}

/// The identifier of messages that have one; others keep their bytes, because old and new are both
/// 0.
fn write_identifier(packet: &mut [u8], l4: usize, tuple: &Tuple) {
    if tuple.source_port[0] != tuple.source_port[1]
        && let Some(field) = packet.get_mut(l4 + 4..l4 + 6)
    {
        field.copy_from_slice(&tuple.source_port[1].to_be_bytes());
    }
}
