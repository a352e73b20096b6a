//! Whether a term's `from` fits a packet: every condition that is given must hold. Conditions on a
//! transport header never hold for a later fragment, which has none, nor for a protocol that lacks
//! the field (Junos matches bytes there; a filter that lets a fragment through because its payload
//! looks like a port would be open).

use components::address::{Address, AddressSet, Family};
use components::columns::{FRAGMENT_MORE, FRAGMENT_OFFSET_MASK, tcp_flag};
use components::ids::IfIndex;
use components::world::application::{ICMP, ICMPV6, SCTP, TCP, UDP, UDP_LITE};
use components::world::filter::FilterMatch;

/// A packet as a filter sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet {
    pub(super) ingress: IfIndex,
    pub(super) family: Family,
    pub(super) source: Address,
    pub(super) destination: Address,
    pub(super) protocol: u8,
    pub(super) source_port: u16,
    pub(super) destination_port: u16,
    pub(super) tcp_flags: u8,
    pub(super) fragment: u16,
    pub(super) traffic_class: u8,
    pub(super) ip_length: u32,
    pub(super) ttl: u8,
    pub(super) ip_options: u16,
    /// Not matched: what policers go by.
    pub(super) clock_ns: u64,
}

/// True if every condition holds.
pub(super) fn fits(conditions: &FilterMatch, packet: &Packet) -> bool {
    addresses_fit(conditions, packet.family, packet.source, packet.destination)
        && (conditions.protocols.is_empty() || conditions.protocols.contains(&packet.protocol))
        && ports_fit(conditions, packet)
        && tcp_fits(conditions, packet)
        && icmp_fits(conditions, packet)
        && header_fits(conditions, packet)
}

/// True if the conditions on addresses hold.
pub(super) fn addresses_fit(
    conditions: &FilterMatch,
    family: Family,
    source: Address,
    destination: Address,
) -> bool {
    let from = |set: &AddressSet| set.contains(family, source);
    let to = |set: &AddressSet| set.contains(family, destination);
    conditions.source.as_ref().is_none_or(from)
        && conditions.destination.as_ref().is_none_or(to)
        && conditions.either.as_ref().is_none_or(|set| from(set) || to(set))
}

fn ports_fit(conditions: &FilterMatch, packet: &Packet) -> bool {
    let FilterMatch { source_ports, destination_ports, ports, .. } = conditions;
    if source_ports.is_empty() && destination_ports.is_empty() && ports.is_empty() {
        return true;
    }
    let (from, to) = (packet.source_port, packet.destination_port);
    has_header(packet)
        && matches!(packet.protocol, TCP | UDP | UDP_LITE | SCTP)
        && (source_ports.is_empty() || within(source_ports, from))
        && (destination_ports.is_empty() || within(destination_ports, to))
        && (ports.is_empty() || within(ports, from) || within(ports, to))
}

fn tcp_fits(conditions: &FilterMatch, packet: &Packet) -> bool {
    let FilterMatch { tcp_flags, tcp_established, tcp_initial, .. } = conditions;
    if tcp_flags.is_empty() && !tcp_established && !tcp_initial {
        return true;
    }
    let flags = packet.tcp_flags;
    let answered = flags & (tcp_flag::ACK | tcp_flag::RST) != 0;
    let initial = flags & (tcp_flag::SYN | tcp_flag::ACK) == tcp_flag::SYN;
    let listed = |&(mask, value): &(u8, u8)| flags & mask == value;
    has_header(packet)
        && packet.protocol == TCP
        && (tcp_flags.is_empty() || tcp_flags.iter().any(listed))
        && (!tcp_established || answered)
        && (!tcp_initial || initial)
}

fn icmp_fits(conditions: &FilterMatch, packet: &Packet) -> bool {
    let FilterMatch { icmp_types, icmp_codes, .. } = conditions;
    if icmp_types.is_empty() && icmp_codes.is_empty() {
        return true;
    }
    let [kind, code] = packet.destination_port.to_be_bytes();
    has_header(packet)
        && matches!(packet.protocol, ICMP | ICMPV6)
        && (icmp_types.is_empty() || within(icmp_types, kind))
        && (icmp_codes.is_empty() || within(icmp_codes, code))
}

fn header_fits(conditions: &FilterMatch, packet: &Packet) -> bool {
    let length = u16::try_from(packet.ip_length).unwrap_or(u16::MAX);
    let later = packet.fragment & FRAGMENT_OFFSET_MASK != 0;
    let first = !later && packet.fragment & FRAGMENT_MORE != 0;
    let offset = packet.fragment & FRAGMENT_OFFSET_MASK;
    let FilterMatch { dscps, packet_lengths, ttls, fragment_flags, .. } = conditions;
    let FilterMatch { fragment_offsets, interfaces, .. } = conditions;
    (dscps.is_empty() || dscps.contains(&(packet.traffic_class >> 2)))
        && (packet_lengths.is_empty() || within(packet_lengths, length))
        && (ttls.is_empty() || within(ttls, packet.ttl))
        && (!conditions.is_fragment || later)
        && (!conditions.first_fragment || first)
        && fragment_flags.is_none_or(|(mask, value)| packet.fragment & mask == value)
        && (!conditions.any_ip_option || packet.ip_options != 0)
        && (conditions.ip_options == 0 || packet.ip_options & conditions.ip_options != 0)
        && (fragment_offsets.is_empty() || within(fragment_offsets, offset))
        && (interfaces.is_empty() || interfaces.contains(&packet.ingress))
}

/// True unless the packet is a later fragment.
const fn has_header(packet: &Packet) -> bool {
    packet.fragment & FRAGMENT_OFFSET_MASK == 0
}

fn within<T: PartialOrd + Copy>(ranges: &[(T, T)], value: T) -> bool {
    ranges.iter().any(|&(first, last)| first <= value && value <= last)
}
