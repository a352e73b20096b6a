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
    /// Kinds of packets that any row is of, bits of [`kind`].
    kinds: u16,
}

/// Kinds of packets: an attack needs one that its batch may not have.
mod kind {
    pub(super) const TCP: u16 = 1;
    pub(super) const UDP: u16 = 2;
    pub(super) const ICMP: u16 = 4;
    pub(super) const FRAGMENT: u16 = 8;
    pub(super) const TUNNEL: u16 = 16;
    pub(super) const UNKNOWN: u16 = 32;
    pub(super) const OPTION: u16 = 64;
    pub(super) const EXTENSION: u16 = 128;
    /// Every batch has it: attacks that any packet may be.
    pub(super) const ANY: u16 = 256;
}

/// The kinds of packets that an attack may be made of.
const fn kinds_of(attack: ScreenAttack) -> u16 {
    use ScreenAttack as A;
    match attack {
        A::Land | A::SynFin | A::TcpNoFlag | A::FinNoAck | A::WinNuke | A::SynFragment => kind::TCP,
        A::SynFlood | A::SynFloodSource | A::SynFloodDestination | A::SynCookie => kind::TCP,
        A::TcpPortScan | A::TcpSweep => kind::TCP,
        A::UdpFlood | A::UdpSweep | A::UdpPortScan | A::TunnelTeredo => kind::UDP,
        A::PingDeath | A::IcmpFragment | A::IcmpLarge => kind::ICMP,
        A::IcmpFlood | A::IpSweep | A::Icmpv6Malformed => kind::ICMP,
        A::BlockFragment | A::TearDrop => kind::FRAGMENT,
        A::StrictSourceRoute | A::RecordRoute | A::SecurityOption => kind::OPTION,
        A::StreamOption | A::TimestampOption => kind::OPTION,
        A::LooseSourceRoute | A::SourceRoute | A::BadOption => kind::OPTION | kind::EXTENSION,
        A::ExtHopByHop | A::ExtRouting | A::ExtFragment | A::ExtEsp | A::ExtAh => kind::EXTENSION,
        A::ExtNoNext | A::ExtDestination | A::ExtMobility | A::ExtShim6 => kind::EXTENSION,
        A::ExtHip | A::ExtHeaderLimit | A::Ipv6Malformed => kind::EXTENSION,
        A::TunnelGre4in4 | A::TunnelGre4in6 | A::TunnelGre6in4 | A::TunnelGre6in6 => kind::TUNNEL,
        A::TunnelIpip4in4 | A::TunnelIpip4in6 => kind::TUNNEL,
        A::TunnelIpip6in4 | A::TunnelIpip6in6 => kind::TUNNEL,
        A::UnknownProtocol => kind::UNKNOWN,
        _ => kind::ANY,
    }
}

impl Facts {
    pub(super) fn of(view: &ScreenView<'_>) -> Self {
        let options_seen = view.ip_options.iter().fold(0, |all, bits| all | bits);
        let extensions_seen = view.extensions.iter().fold(0, |all, bits| all | bits);
        let kinds = kinds_seen(view, options_seen, extensions_seen);
        let mut facts = Self {
            tcp: RowMask::default(),
            icmp: RowMask::default(),
            fragment: RowMask::default(),
            tunnel: RowMask::default(),
            options_seen,
            extensions_seen,
            kinds,
        };
        if kinds & kind::TCP != 0 {
            let tcp = RowMask::where_each(view.protocol, |protocol| protocol == TCP);
            facts.tcp = tcp.and(&RowMask::where_each(view.fragment, |field| {
                field & FRAGMENT_OFFSET_MASK == 0
            }));
        }
        if kinds & kind::ICMP != 0 {
            facts.icmp = RowMask::where_each(view.protocol, |p| (p == ICMP) | (p == ICMPV6));
        }
        if kinds & kind::FRAGMENT != 0 {
            facts.fragment = RowMask::where_each(view.fragment, is_fragment);
        }
        if kinds & kind::TUNNEL != 0 {
            facts.tunnel = RowMask::where_each(view.protocol, is_tunnel);
        }
        facts
    }

    /// False if no row of the batch can be of the attack: it has no packet of its kind.
    pub(super) fn may_hold(&self, attack: ScreenAttack) -> bool {
        self.kinds & kinds_of(attack) != 0
    }
}

/// The kinds that any row is of, a column at a time.
fn kinds_seen(view: &ScreenView<'_>, options: u16, extensions: u16) -> u16 {
    let protocol = |fits: fn(u8) -> bool, kind: u16| {
        u16::from(view.protocol.iter().fold(false, |any, &p| any | fits(p))) * kind
    };
    let fragment = view.fragment.iter().fold(false, |any, &field| any | is_fragment(field));
    protocol(|p| p == TCP, kind::TCP)
        | protocol(|p| p == UDP, kind::UDP)
        | protocol(|p| (p == ICMP) | (p == ICMPV6), kind::ICMP)
        | protocol(is_tunnel, kind::TUNNEL)
        | protocol(|p| p >= UNKNOWN_PROTOCOLS, kind::UNKNOWN)
        | (u16::from(fragment) * kind::FRAGMENT)
        | (u16::from(options != 0) * kind::OPTION)
        | (u16::from(extensions != 0) * kind::EXTENSION)
        | kind::ANY
}

const fn is_fragment(field: u16) -> bool {
    field & (FRAGMENT_OFFSET_MASK | FRAGMENT_MORE) != 0
}

const fn is_tunnel(protocol: u8) -> bool {
    (protocol == GRE) | (protocol == IPV4_IN_IP) | (protocol == IPV6_IN_IP)
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
