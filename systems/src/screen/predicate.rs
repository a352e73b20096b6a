//! The bitmaps: which rows an attack may be about, from columns alone and without a branch per row.
//! Where columns are not enough the bitmap is an upper bound and the visit confirms it. TCP flags
//! are known of packets and first fragments only, so that no later fragment reads as a packet
//! without flags.

use components::address::Family;
use components::columns::{FRAGMENT_MORE, FRAGMENT_OFFSET_MASK, extension, ip_option, tcp_flag::*};
use components::fragment::FragmentMark;
use components::mask::RowMask;
use components::world::application::{ICMP, ICMPV6, TCP, UDP};
use components::world::screen::ScreenAttack;

use super::ScreenView;

/// Bitmaps that several attacks share.
pub(super) struct Facts {
    /// TCP with its header.
    tcp: RowMask,
    /// ICMP and ICMPv6, later fragments included.
    icmp: RowMask,
    /// First and later fragments.
    fragment: RowMask,
    /// GRE and IP in IP.
    tunnel: RowMask,
    /// Every IPv4 option of any row, and every extension header: mostly none, and then nothing is
    /// to be looked for.
    options_seen: u16,
    extensions_seen: u16,
}

impl Facts {
    pub(super) fn of(view: &ScreenView<'_>) -> Self {
        let whole = RowMask::where_each(view.fragment, |field| field & FRAGMENT_OFFSET_MASK == 0);
        Self {
            tcp: RowMask::where_each(view.protocol, |protocol| protocol == TCP).and(&whole),
            icmp: RowMask::where_each(view.protocol, |p| (p == ICMP) | (p == ICMPV6)),
            fragment: RowMask::where_each(view.fragment, |field| {
                field & (FRAGMENT_OFFSET_MASK | FRAGMENT_MORE) != 0
            }),
            tunnel: RowMask::where_each(view.protocol, |p| {
                (p == GRE) | (p == IPV4_IN_IP) | (p == IPV6_IN_IP)
            }),
            options_seen: view.ip_options.iter().fold(0, |all, bits| all | bits),
            extensions_seen: view.extensions.iter().fold(0, |all, bits| all | bits),
        }
    }
}

/// The rows that `attack` may be about; none for attacks that need history.
pub(super) fn candidates(view: &ScreenView<'_>, facts: &Facts, attack: ScreenAttack) -> RowMask {
    use ScreenAttack as A;
    let flags = |fits: fn(u8) -> bool| RowMask::where_each(view.tcp_flags, fits).and(&facts.tcp);
    let option = |bits| with_bit(view.ip_options, bits, facts.options_seen);
    let extension = |bits| with_bit(view.extensions, bits, facts.extensions_seen);
    let tunnel = |number: u8| match facts.tunnel.is_empty() {
        true => RowMask::default(),
        false => RowMask::where_each(view.protocol, |p| p == number),
    };
    match attack {
        A::Land => same_ends(view).and(&facts.tcp),
        A::PingDeath => beyond_maximum(view, &facts.fragment).and(&facts.icmp),
        A::SynFin => flags(|flags| flags & (SYN | FIN) == SYN | FIN),
        A::TcpNoFlag => flags(|flags| flags & (FIN | SYN | RST | PSH | ACK | URG) == 0),
        A::FinNoAck => flags(|flags| flags & (FIN | ACK) == FIN),
        A::WinNuke => RowMask::where_each(view.destination_port, |port| port == NETBIOS_SESSION)
            .and(&flags(|flags| flags & URG != 0)),
        A::LooseSourceRoute => {
            option(ip_option::LOOSE_SOURCE_ROUTE).or(&extension(extension::ROUTING))
        }
        A::StrictSourceRoute => option(ip_option::STRICT_SOURCE_ROUTE),
        A::SourceRoute => option(ip_option::LOOSE_SOURCE_ROUTE | ip_option::STRICT_SOURCE_ROUTE)
            .or(&extension(extension::ROUTING)),
        A::RecordRoute => option(ip_option::RECORD_ROUTE),
        A::SecurityOption => option(ip_option::SECURITY),
        A::StreamOption => option(ip_option::STREAM),
        A::TimestampOption => option(ip_option::TIMESTAMP),
        A::BadOption => option(ip_option::MALFORMED).or(&extension(extension::MALFORMED)),
        A::SynFragment => flags(|flags| flags & SYN != 0).and(&facts.fragment),
        A::IcmpFragment => facts.icmp.and(&facts.fragment),
        A::IcmpLarge => {
            RowMask::where_each(view.ip_length, |length| length > ICMP_LARGE).and(&facts.icmp)
        }
        A::BlockFragment => facts.fragment.clone(),
        A::UnknownProtocol => unknown_protocols(view),
        A::IpSpoofing => RowMask::first(view.rows),
        A::ExtHopByHop => extension(extension::HOP_BY_HOP),
        A::ExtRouting => extension(extension::ROUTING),
        A::ExtFragment => extension(extension::FRAGMENT),
        A::ExtEsp => extension(extension::ESP),
        A::ExtAh => extension(extension::AH),
        A::ExtNoNext => extension(extension::NO_NEXT),
        A::ExtDestination => extension(extension::DESTINATION),
        A::ExtMobility => extension(extension::MOBILITY),
        A::ExtShim6 => extension(extension::SHIM6),
        A::ExtHip => extension(extension::HIP),
        A::ExtHeaderLimit => extension(u16::MAX),
        A::Icmpv6Malformed => facts.icmp.clone(),
        A::Ipv6Malformed => extension(extension::MALFORMED),
        A::TunnelGre4in4 | A::TunnelGre4in6 | A::TunnelGre6in4 | A::TunnelGre6in6 => tunnel(GRE),
        A::TunnelIpip4in4 | A::TunnelIpip4in6 => tunnel(IPV4_IN_IP),
        A::TunnelIpip6in4 | A::TunnelIpip6in6 => tunnel(IPV6_IN_IP),
        A::TunnelTeredo => {
            RowMask::where_each(view.protocol, |p| p == UDP).and(&teredo_ports(view))
        }
        A::TearDrop => overlapping(view),
        // Floods, scans, sweeps and session limits need history.
        _ => RowMask::default(),
    }
}

fn overlapping(view: &ScreenView<'_>) -> RowMask {
    RowMask::where_each(view.fragment_mark, |mark| mark == FragmentMark::Overlap)
}

/// The rows with one of these bits; `seen` are the bits of all rows.
fn with_bit(column: &[u16], bits: u16, seen: u16) -> RowMask {
    if seen & bits == 0 {
        return RowMask::default();
    }
    RowMask::where_each(column, |row| row & bits != 0)
}

fn teredo_ports(view: &ScreenView<'_>) -> RowMask {
    let either = |ports| RowMask::where_each(ports, |port| port == TEREDO);
    either(view.source_port).or(&either(view.destination_port))
}

/// Source address equals destination address.
fn same_ends(view: &ScreenView<'_>) -> RowMask {
    let mut rows = view.source.iter().zip(view.destination);
    RowMask::where_each(view.family, |_| rows.next().is_some_and(|(from, to)| from == to))
}

/// Fragments that end beyond what a packet can hold: the reassembled IPv4 packet with its header,
/// the reassembled IPv6 payload, above 65,535 bytes.
fn beyond_maximum(view: &ScreenView<'_>, fragments: &RowMask) -> RowMask {
    let mut beyond = RowMask::default();
    for row in fragments.iter() {
        let start = u32::from(view.fragment[row] & FRAGMENT_OFFSET_MASK) * 8;
        let headers_not_counted = match view.family[row] {
            Family::Inet6 => IPV6_HEADER + IPV6_FRAGMENT_HEADER,
            _ => 0,
        };
        if start + view.ip_length[row].saturating_sub(headers_not_counted) > 65_535 {
            beyond.insert(row);
        }
    }
    beyond
}

/// Numbers from 137 on, as Junos draws the line; HIP and Shim6 are known as IPv6 extension headers.
fn unknown_protocols(view: &ScreenView<'_>) -> RowMask {
    let mut extensions = view.extensions.iter();
    RowMask::where_each(view.protocol, |protocol| {
        let seen = extensions.next().copied().unwrap_or(0);
        (protocol >= UNKNOWN_PROTOCOLS) & (seen & (extension::HIP | extension::SHIM6) == 0)
    })
}

const NETBIOS_SESSION: u16 = 139;
/// UDP port of Teredo servers and relays (RFC 4380).
const TEREDO: u16 = 3544;
/// ICMP packets above this length in bytes, IP header included, are large.
const ICMP_LARGE: u32 = 1024;
const UNKNOWN_PROTOCOLS: u8 = 137;
const GRE: u8 = 47;
const IPV4_IN_IP: u8 = 4;
const IPV6_IN_IP: u8 = 41;
const IPV6_HEADER: u32 = 40;
const IPV6_FRAGMENT_HEADER: u32 = 8;
