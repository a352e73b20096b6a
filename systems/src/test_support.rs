//! For the tests of all systems: packets with right checksums, a batch made of frames, and a small
//! world with a trusted and an untrusted interface of both families.

use bumpalo::Bump;
use components::address::{Address, AddressRange, Family};
use components::batch::Batch;
use components::columns::LinkType;
use components::event::Events;
use components::ids::{IfIndex, ZoneId};
use components::world::World;
use components::world::interface::{Interface, InterfaceAddress, Interfaces, Zone};
use components::world::route::{NextHop, Route, RouteKind, RouteTable};
use std::net::IpAddr;

use crate::checksum::{checksum, pseudo_header_sum};
use crate::schedule::settings::Settings;
use crate::shard::Shard;

/// `ge-0/0/0.0`: zone trust, 10.0.0.1/24 and 2001:db8:1::1/64.
pub(crate) const TRUST_IFL: IfIndex = IfIndex(1);
/// `ge-0/0/1.0`: zone untrust, 203.0.113.1/24 and 2001:db8:2::1/64; the default routes point there.
pub(crate) const UNTRUST_IFL: IfIndex = IfIndex(2);
/// `ge-0/0/2.0`: 192.0.2.1/24, in no zone.
pub(crate) const ZONELESS_IFL: IfIndex = IfIndex(3);
/// Zone of [`TRUST_IFL`].
pub(crate) const TRUST: ZoneId = ZoneId(2);
/// Zone of [`UNTRUST_IFL`].
pub(crate) const UNTRUST: ZoneId = ZoneId(3);

/// Runs `with` on a batch of these frames; row `r` arrives at 1,000,000,000 + 1,000 `r` ns on the
/// interface `bound`.
pub(crate) fn with_batch<R>(
    frames: &[Vec<u8>],
    link: LinkType,
    bound: IfIndex,
    with: impl FnOnce(&mut Batch<'_>) -> R,
) -> R {
    let arena = Bump::new();
    let mut memory = frames.concat();
    let mut events = Events::default();
    let mut batch = Batch::new(&arena, frames.len(), &mut memory, &mut events);
    let mut offset = 0;
    for (row, frame) in frames.iter().enumerate() {
        let columns = &mut batch.columns;
        columns.offset[row] = offset;
        columns.length[row] = u32::try_from(frame.len()).expect("test frames are short");
        columns.wire_length[row] = columns.length[row];
        columns.link[row] = link;
        columns.bound_ingress[row] = bound;
        columns.time_ns[row] = 1_000_000_000 + 1_000 * row as u64;
        columns.clock_ns[row] = columns.time_ns[row];
        offset += columns.length[row];
    }
    with(&mut batch)
}

/// The world of the interfaces above.
pub(crate) fn world() -> World {
    let interface = |zone, v4: &str, v6: Option<&str>| Interface {
        zone,
        addresses: [(Some(v4), 24), (v6, 64)]
            .into_iter()
            .filter_map(|(text, length)| {
                let ip: IpAddr = text?.parse().expect("an address");
                Some(InterfaceAddress {
                    family: components::address::family_of(ip),
                    address: ip.into(),
                    length,
                })
            })
            .collect(),
        ..Interface::default()
    };
    let interfaces = Interfaces(vec![
        Interface::default(),
        interface(TRUST, "10.0.0.1", Some("2001:db8:1::1")),
        interface(UNTRUST, "203.0.113.1", Some("2001:db8:2::1")),
        interface(ZoneId::NONE, "192.0.2.1", None),
    ]);
    World {
        generation: 1,
        zones: vec![Zone::default(); 4],
        routes: RouteTable::new(&routes()),
        interfaces,
        ..World::default()
    }
}

fn routes() -> Vec<Route> {
    let none = Address::ZERO;
    [
        ("10.0.0.0", 24, RouteKind::Forward, TRUST_IFL, none),
        ("10.0.0.1", 32, RouteKind::Local, TRUST_IFL, none),
        ("10.0.0.255", 32, RouteKind::Broadcast, TRUST_IFL, none),
        ("2001:db8:1::", 64, RouteKind::Forward, TRUST_IFL, none),
        ("2001:db8:1::1", 128, RouteKind::Local, TRUST_IFL, none),
        ("203.0.113.0", 24, RouteKind::Forward, UNTRUST_IFL, none),
        ("203.0.113.1", 32, RouteKind::Local, UNTRUST_IFL, none),
        ("2001:db8:2::", 64, RouteKind::Forward, UNTRUST_IFL, none),
        ("2001:db8:2::1", 128, RouteKind::Local, UNTRUST_IFL, none),
        ("192.0.2.0", 24, RouteKind::Forward, ZONELESS_IFL, none),
        ("192.0.2.1", 32, RouteKind::Local, ZONELESS_IFL, none),
        ("172.16.0.0", 12, RouteKind::Discard, IfIndex::NONE, none),
        ("0.0.0.0", 0, RouteKind::Forward, UNTRUST_IFL, ip("203.0.113.254")),
        ("2000::", 3, RouteKind::Forward, UNTRUST_IFL, ip("2001:db8:2::fe")),
    ]
    .into_iter()
    .map(|(prefix, length, kind, egress, gateway)| route(prefix, length, (kind, egress, gateway)))
    .collect()
}

fn route(
    prefix: &str,
    length: u8,
    (kind, egress, gateway): (RouteKind, IfIndex, Address),
) -> Route {
    let ip = prefix.parse().expect("an address");
    Route {
        range: AddressRange::prefix(ip, length).expect("a length"),
        length,
        preference: 0,
        next_hop: NextHop { kind, egress, gateway },
    }
}

/// An address from its text.
pub(crate) fn ip(text: &str) -> Address {
    text.parse::<IpAddr>().expect("an address").into()
}

/// An Ethernet II frame.
pub(crate) fn ethernet(ether_type: u16, payload: &[u8]) -> Vec<u8> {
    let macs = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
    [&macs[..], &ether_type.to_be_bytes(), payload].concat()
}

/// An IP packet of the addresses' family in an Ethernet frame: TTL 64, no options, transport
/// checksum set.
pub(crate) fn frame(source: &str, destination: &str, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let packet = ip_packet(source, destination, protocol, payload);
    let ether_type = if packet[0] >> 4 == 4 { 0x0800 } else { 0x86dd };
    ethernet(ether_type, &packet)
}

/// The IP packet alone.
pub(crate) fn ip_packet(source: &str, destination: &str, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let is_v4 = source.parse::<IpAddr>().expect("an address").is_ipv4();
    let (source, destination) = (ip(source), ip(destination));
    let family = if is_v4 { Family::Inet } else { Family::Inet6 };
    let payload = with_checksum(family, source, destination, protocol, payload);
    if is_v4 {
        ipv4_packet(source, destination, protocol, [0, 0], &[], &payload)
    } else {
        ipv6_packet(source, destination, protocol, &payload)
    }
}

/// An IPv4 packet with a fragment field and options (a multiple of four bytes); the payload is
/// taken as it is.
pub(crate) fn ipv4_packet(
    source: Address,
    destination: Address,
    protocol: u8,
    fragment: [u8; 2],
    options: &[u8],
    payload: &[u8],
) -> Vec<u8> {
    let header_length = 20 + options.len();
    let total = u16::try_from(header_length + payload.len()).expect("test packets are short");
    let ihl = u8::try_from(header_length / 4).expect("at most 40 bytes of options");
    let [high, low] = total.to_be_bytes();
    let start =
        [0x40 | ihl, 0, high, low, 0x12, 0x34, fragment[0], fragment[1], 64, protocol, 0, 0];
    let mut packet = [&start[..], &source.0[..4], &destination.0[..4], options].concat();
    let sum = checksum(&packet, 0).to_be_bytes();
    packet[10..12].copy_from_slice(&sum);
    packet.extend_from_slice(payload);
    packet
}

/// An IPv6 packet; the payload, extension headers included, is taken as it is.
pub(crate) fn ipv6_packet(
    source: Address,
    destination: Address,
    next_header: u8,
    payload: &[u8],
) -> Vec<u8> {
    let length = u16::try_from(payload.len()).expect("test packets are short");
    let [high, low] = length.to_be_bytes();
    let start = [0x60, 0, 0, 0, high, low, next_header, 64];
    [&start[..], &source.0, &destination.0, payload].concat()
}

fn with_checksum(
    family: Family,
    source: Address,
    destination: Address,
    protocol: u8,
    payload: &[u8],
) -> Vec<u8> {
    let mut payload = payload.to_vec();
    let at = match protocol {
        6 => 16,
        17 | 136 => 6,
        1 | 58 => 2,
        _ => return payload,
    };
    let length = u32::try_from(payload.len()).expect("test packets are short");
    let initial = match protocol {
        1 => 0,
        _ => pseudo_header_sum(family, source, destination, protocol, length),
    };
    if payload.len() >= at + 2 {
        payload[at..at + 2].fill(0);
        let sum = match checksum(&payload, initial) {
            0 if protocol == 17 => 0xffff,
            sum => sum,
        };
        payload[at..at + 2].copy_from_slice(&sum.to_be_bytes());
    }
    payload
}

/// A UDP datagram without a checksum.
pub(crate) fn udp(source_port: u16, destination_port: u16, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(8 + data.len()).expect("test packets are short");
    let words = [source_port, destination_port, length, 0];
    let header: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
    [&header[..], data].concat()
}

/// A TCP segment without options and checksum, of a conversation whose sides both begin at 1000 and
/// have said nothing since: a SYN has sequence number 1000, what follows 1001, and so does every
/// acknowledgment.
pub(crate) fn tcp(source_port: u16, destination_port: u16, flags: u8, data: &[u8]) -> Vec<u8> {
    let sequence: u32 = if flags & 2 == 0 { 1001 } else { 1000 };
    let acknowledgment: u32 = if flags & 16 == 0 { 0 } else { 1001 };
    let mut segment = Vec::new();
    segment.extend(source_port.to_be_bytes());
    segment.extend(destination_port.to_be_bytes());
    segment.extend(sequence.to_be_bytes());
    segment.extend(acknowledgment.to_be_bytes());
    segment.extend([0x50, flags, 0x20, 0, 0, 0, 0, 0]);
    segment.extend(data);
    segment
}

/// An ICMP or ICMPv6 message without a checksum; `rest` is the second header word.
pub(crate) fn icmp(kind: u8, code: u8, rest: [u8; 4], data: &[u8]) -> Vec<u8> {
    [&[kind, code, 0, 0][..], &rest, data].concat()
}

/// An empty shard for a world, small because a test makes many.
pub(crate) fn shard(world: &World) -> Shard {
    let settings: Settings =
        toml::from_str("systems = []\n[session]\ncapacity = 64\nwheel_ticks = 16")
            .expect("settings");
    Shard::new(world, &settings, 0)
}

/// Computes every checksum of an unfragmented packet anew; its length must be what it says. IPv6
/// packets have no extension headers.
///
/// # Panics
/// If one of them is wrong.
pub(crate) fn verify_checksums(packet: &[u8]) {
    let word = |at: usize| usize::from(u16::from_be_bytes([packet[at], packet[at + 1]]));
    let v4 = |at: usize| Address::v4(*packet[at..].first_chunk().expect("a header"));
    let v6 = |at: usize| Address(*packet[at..].first_chunk().expect("a header"));
    let (family, header, protocol, ends) = if packet[0] >> 4 == 4 {
        assert_eq!(word(2), packet.len(), "total length");
        let header = usize::from(packet[0] & 15) * 4;
        assert_eq!(checksum(&packet[..header], 0), 0, "IPv4 header checksum");
        (Family::Inet, header, packet[9], [v4(12), v4(16)])
    } else {
        assert_eq!(word(4) + 40, packet.len(), "payload length");
        (Family::Inet6, 40, packet[6], [v6(8), v6(24)])
    };
    let l4 = &packet[header..];
    let length = u32::try_from(l4.len()).expect("test packets are short");
    let pseudo = pseudo_header_sum(family, ends[0], ends[1], protocol, length);
    match protocol {
        1 => assert_eq!(checksum(l4, 0), 0, "ICMP checksum"),
        17 if l4[6..8] == [0, 0] => assert_eq!(family, Family::Inet, "no checksum in IPv6"),
        6 | 17 | 58 => assert_eq!(checksum(l4, pseudo), 0, "transport checksum"),
        _ => {}
    }
}

/// Sets the header checksum of an IPv4 packet that a test has changed.
pub(crate) fn fix_header_checksum(packet: &mut [u8]) {
    let header = usize::from(packet[0] & 15) * 4;
    packet[10..12].fill(0);
    let sum = checksum(&packet[..header], 0).to_be_bytes();
    packet[10..12].copy_from_slice(&sum);
}
