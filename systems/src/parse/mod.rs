//! Parse: from the frame's bytes to columns, once. A packet that is malformed is dropped under the
//! reason that names what is wrong with it; ARP is checked and handed to the host. Headers must
//! have been captured whole, a payload that a snap length cut is not missed. Fragments are marked
//! with what they are to their datagram and stay live, later ones with ports 0, so that screens may
//! judge them. Ethernet II with up to two tags, RFC 791, RFC 8200, RFC 9293, RFC 768, RFC 3828, RFC
//! 9260, RFC 792, RFC 4443.

use components::address::{Address, Family};
use components::batch::{Access, Batch};
use components::columns::{FRAGMENT_MORE, FRAGMENT_OFFSET_MASK, LinkType};
use components::fragment::FragmentTable;
use components::reason::{DropReason, Fate};
use components::view;
use components::world::World;
use components::world::application::TCP;

use crate::schedule::settings::ParseSettings;
use crate::shard::Shard;
use crate::system::{System, decide_row, drop_row};

mod arp;
mod common;
mod fragment;
mod ingress;
mod ipv4;
mod ipv6;
mod link;
mod transport;

#[cfg(test)]
mod tests;

pub(crate) use ipv6::{Chain, DESTINATION, HOP_BY_HOP, ROUTING, option_types, options_fit};

use ingress::Ends;
use link::Network;

/// The system.
#[derive(Clone, Copy, Debug)]
pub struct Parse {
    verify_ipv4_checksums: bool,
    verify_l4_checksums: bool,
    extension_headers_max: u8,
}

impl Parse {
    /// Parses as the schedule asks.
    #[must_use]
    pub fn new(settings: &ParseSettings) -> Self {
        Self {
            verify_ipv4_checksums: settings.verify_ipv4_checksums,
            verify_l4_checksums: settings.verify_l4_checksums,
            extension_headers_max: *settings.extension_headers_max.get_ref(),
        }
    }
}

impl System for Parse {
    fn name(&self) -> &'static str {
        "parse"
    }

    fn access(&self) -> Access {
        ParseView::ACCESS
    }

    fn run(&mut self, batch: &mut Batch<'_>, shard: &mut Shard, world: &World) {
        parse_rows(&mut ParseView::of(batch), &mut shard.fragments, world, *self);
    }
}

view! {
    /// What parse reads from the port and writes for everyone.
    pub struct ParseView {
        reads { clock_ns, offset, length, wire_length, link, bound_ingress }
        writes {
            ingress, zone, family, protocol, source, destination, source_port, destination_port,
            l3_offset, l4_offset, ip_length, ttl, traffic_class, fragment, identification,
            fragment_length, fragment_mark, datagram, tcp_flags, tcp_sequence, tcp_acknowledgment,
            tcp_window, tcp_payload, ip_options, extensions, extension_count,
        }
    }
}

/// One packet's columns on their way from the frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Packet {
    family: Family,
    protocol: u8,
    source: Address,
    destination: Address,
    source_port: u16,
    destination_port: u16,
    l3_offset: usize,
    l4_offset: usize,
    ip_length: u32,
    ttl: u8,
    traffic_class: u8,
    fragment: u16,
    identification: u32,
    fragment_length: u16,
    tcp_flags: u8,
    tcp: TcpNumbers,
    ip_options: u16,
    extensions: u16,
    extension_count: u8,
}

/// What the TCP header counts; zero for other protocols.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct TcpNumbers {
    sequence: u32,
    acknowledgment: u32,
    window: u16,
    payload: u16,
}

impl TcpNumbers {
    /// Of a header with `payload` bytes of data behind it.
    #[inline]
    fn of(header: &[u8; 20], payload: usize) -> Self {
        Self {
            sequence: u32::from_be_bytes([header[4], header[5], header[6], header[7]]),
            acknowledgment: u32::from_be_bytes([header[8], header[9], header[10], header[11]]),
            window: u16::from_be_bytes([header[14], header[15]]),
            payload: offset16(payload),
        }
    }
}

/// A frame's bytes and how long it was on the wire.
#[derive(Clone, Copy, Debug)]
struct Frame<'a> {
    bytes: &'a [u8],
    wire_length: usize,
}

impl Frame<'_> {
    /// Why the bytes before `end` are not all there: cut by the snap length, or never sent.
    #[cold]
    fn short_of(&self, end: usize, never_sent: DropReason) -> DropReason {
        if end <= self.wire_length { DropReason::Snapped } else { never_sent }
    }

    /// The `N` bytes from `at`.
    #[inline]
    fn take<const N: usize>(&self, at: usize) -> Result<&[u8; N], DropReason> {
        self.bytes
            .get(at..)
            .and_then(|rest| rest.first_chunk())
            .ok_or_else(|| self.short_of(at + N, DropReason::RuntFrame))
    }
}

fn parse_rows(
    view: &mut ParseView<'_>,
    datagrams: &mut FragmentTable,
    world: &World,
    parse: Parse,
) {
    let rows = view.live.clone();
    for row in rows.iter() {
        let (start, length) = (view.offset[row] as usize, view.length[row] as usize);
        let Some(bytes) = view.frames.get(start..).and_then(|f| f.get(..length)) else {
            drop_row(view.live, view.verdict, row, DropReason::RuntFrame);
            continue;
        };
        if view.link[row] == LinkType::Ethernet
            && !parse.verify_l4_checksums
            && let Some(packet) = common::parse(bytes)
        {
            store_common(view, row, &packet);
            enter(view, world, row, &packet);
            continue;
        }
        let frame = Frame { bytes, wire_length: (view.wire_length[row] as usize).max(length) };
        let parsed = parse_frame(frame, view.link[row], parse);
        settle(view, world, row, parsed);
        if view.fragment[row] & (FRAGMENT_OFFSET_MASK | FRAGMENT_MORE) != 0 {
            fragment::mark(view, row, datagrams);
        }
    }
}

/// Stores what the general path found.
#[inline(never)]
fn settle(view: &mut ParseView<'_>, world: &World, row: usize, parsed: Result<Parsed, DropReason>) {
    match parsed {
        Ok(Parsed::Ip(packet)) => {
            store_common(view, row, &packet);
            view.identification[row] = packet.identification;
            view.fragment_length[row] = packet.fragment_length;
            view.ip_options[row] = packet.ip_options;
            view.extensions[row] = packet.extensions;
            view.extension_count[row] = packet.extension_count;
            enter(view, world, row, &packet);
        }
        Ok(Parsed::Arp(sender)) => {
            let ingress = ingress::of_arp(world, view.bound_ingress[row], sender);
            view.ingress[row] = ingress;
            view.zone[row] = world.interfaces.get(ingress).zone;
            decide_row(view.live, view.verdict, row, Fate::ToHost);
        }
        Err(reason) => drop_row(view.live, view.verdict, row, reason),
    }
}

enum Parsed {
    Ip(Packet),
    /// The sender's IPv4 address.
    Arp(Address),
}

#[inline(never)]
fn parse_frame(frame: Frame<'_>, link: LinkType, parse: Parse) -> Result<Parsed, DropReason> {
    let (network, l3_offset) = link::network(frame, link)?;
    let packet = match network {
        Network::Ipv4 => ipv4::parse(frame, l3_offset, parse.verify_ipv4_checksums)?,
        Network::Ipv6 => ipv6::parse(frame, l3_offset, parse.extension_headers_max)?,
        Network::Arp => return Ok(Parsed::Arp(arp::sender(frame, l3_offset)?)),
    };
    let packet = transport::parse(frame, packet)?;
    if parse.verify_l4_checksums {
        transport::verify_checksum(frame, &packet)?;
    }
    Ok(Parsed::Ip(packet))
}

/// Every column but those of fragments, options and extension headers, which are born zero.
#[inline(always)]
fn store_common(view: &mut ParseView<'_>, row: usize, packet: &Packet) {
    view.family[row] = packet.family;
    view.protocol[row] = packet.protocol;
    view.source[row] = packet.source;
    view.destination[row] = packet.destination;
    view.source_port[row] = packet.source_port;
    view.destination_port[row] = packet.destination_port;
    view.l3_offset[row] = offset16(packet.l3_offset);
    view.l4_offset[row] = offset16(packet.l4_offset);
    view.ip_length[row] = packet.ip_length;
    view.ttl[row] = packet.ttl;
    view.traffic_class[row] = packet.traffic_class;
    view.fragment[row] = packet.fragment;
    if packet.protocol == TCP {
        view.tcp_flags[row] = packet.tcp_flags;
        view.tcp_sequence[row] = packet.tcp.sequence;
        view.tcp_acknowledgment[row] = packet.tcp.acknowledgment;
        view.tcp_window[row] = packet.tcp.window;
        view.tcp_payload[row] = packet.tcp.payload;
    }
}

/// Finds the ingress interface and its zone, without which a packet goes nowhere.
#[inline(always)]
fn enter(view: &mut ParseView<'_>, world: &World, row: usize, packet: &Packet) {
    let ends = Ends::of(packet);
    let ingress = match ingress::of_packet(world, view.bound_ingress[row], &ends) {
        Ok(ingress) => ingress,
        Err(reason) => return drop_row(view.live, view.verdict, row, reason),
    };
    let zone = world.interfaces.get(ingress).zone;
    view.ingress[row] = ingress;
    view.zone[row] = zone;
    if zone.is_none() {
        drop_row(view.live, view.verdict, row, DropReason::IngressZoneNone);
    }
}

/// Header offsets: two tags, 60 bytes of IPv4 or 255 extension headers of at most 2,048 bytes
/// inside a 65,535-byte packet. What would not fit is beyond any packet and saturates.
fn offset16(offset: usize) -> u16 {
    u16::try_from(offset).unwrap_or(u16::MAX)
}
