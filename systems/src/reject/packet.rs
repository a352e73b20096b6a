//! The bytes of answers: IP packets without a link header, checksums right. A reset is built as RFC
//! 9293 section 3.10.7.1 has it for a connection that does not exist. An unreachable quotes what
//! fits into 576 bytes of IPv4 (RFC 1812 section 4.3.2.3) or 1,280 bytes of IPv6 (RFC 4443 section
//! 3.1).

use components::address::{Address, Family};
use components::columns::tcp_flag;
use components::world::application::{ICMP, ICMPV6, TCP};

use crate::checksum::{checksum, pseudo_header_sum};

/// A TCP segment that is answered.
pub(crate) struct Segment<'a> {
    pub(crate) family: Family,
    pub(crate) source: Address,
    pub(crate) destination: Address,
    /// Source and destination port.
    pub(crate) ports: (u16, u16),
    pub(crate) flags: u8,
    /// The header and what was captured behind it.
    pub(crate) l4: &'a [u8],
    /// Header and data in bytes, captured or not.
    pub(crate) l4_length: u32,
}

/// A TCP segment that is made.
pub(crate) struct Made {
    pub(crate) family: Family,
    /// Address and port.
    pub(crate) from: (Address, u16),
    /// Address and port.
    pub(crate) to: (Address, u16),
    pub(crate) sequence: u32,
    pub(crate) acknowledgment: u32,
    pub(crate) flags: u8,
    pub(crate) window: u16,
    /// The option, if it has one.
    pub(crate) mss: Option<u16>,
}

/// Appends the reset that answers a segment.
pub(crate) fn reset(out: &mut Vec<u8>, segment: &Segment<'_>) {
    let word = |at: usize| {
        let bytes = segment.l4.get(at..).and_then(|rest| rest.first_chunk());
        bytes.map_or(0, |bytes| u32::from_be_bytes(*bytes))
    };
    let (sequence, acknowledgment, flags) = if segment.flags & tcp_flag::ACK != 0 {
        (word(8), 0, tcp_flag::RST)
    } else {
        let header = segment.l4.get(12).map_or(0, |byte| u32::from(byte >> 4) * 4);
        let phantom = u32::from(segment.flags & tcp_flag::SYN != 0)
            + u32::from(segment.flags & tcp_flag::FIN != 0);
        let length = segment.l4_length.saturating_sub(header) + phantom;
        (0, word(4).wrapping_add(length), tcp_flag::RST | tcp_flag::ACK)
    };
    self::segment(
        out,
        &Made {
            family: segment.family,
            from: (segment.destination, segment.ports.1),
            to: (segment.source, segment.ports.0),
            sequence,
            acknowledgment,
            flags,
            window: 0,
            mss: None,
        },
    );
}

/// Appends the SYN-ACK that answers a SYN with a sequence number of the firewall's own. Its window
/// is closed: the client may acknowledge it, but has nothing to send to anyone yet.
pub(crate) fn syn_ack(out: &mut Vec<u8>, segment: &Segment<'_>, sequence: u32, mss: u16) {
    let first = segment.l4.get(4..).and_then(|rest| rest.first_chunk());
    self::segment(
        out,
        &Made {
            family: segment.family,
            from: (segment.destination, segment.ports.1),
            to: (segment.source, segment.ports.0),
            sequence,
            acknowledgment: first.map_or(0, |word| u32::from_be_bytes(*word)).wrapping_add(1),
            flags: tcp_flag::SYN | tcp_flag::ACK,
            window: 0,
            mss: Some(mss),
        },
    );
}

/// Appends a TCP segment without data.
pub(crate) fn segment(out: &mut Vec<u8>, made: &Made) {
    let (from, to) = (made.from.0, made.to.0);
    let length = TCP_HEADER + if made.mss.is_some() { MSS_OPTION } else { 0 };
    let l4 = ip_header(out, made.family, TCP, from, to, length, 0);
    out.extend(made.from.1.to_be_bytes());
    out.extend(made.to.1.to_be_bytes());
    out.extend(made.sequence.to_be_bytes());
    out.extend(made.acknowledgment.to_be_bytes());
    // The header's length in words of four bytes; no urgent pointer.
    let words = length.to_be_bytes()[1] / 4;
    out.extend([words << 4, made.flags]);
    out.extend(made.window.to_be_bytes());
    out.extend([0, 0, 0, 0]);
    if let Some(mss) = made.mss {
        out.extend([2, 4]);
        out.extend(mss.to_be_bytes());
    }
    let initial = pseudo_header_sum(made.family, from, to, TCP, u32::from(length));
    let sum = checksum(&out[l4..], initial).to_be_bytes();
    out[l4 + 16..l4 + 18].copy_from_slice(&sum);
}

/// Appends destination unreachable with `code`, quoting the packet.
pub(crate) fn unreachable(
    out: &mut Vec<u8>,
    family: Family,
    from: Address,
    to: Address,
    code: u8,
    packet: &[u8],
) {
    let (protocol, kind, quoted_max) = match family {
        Family::Inet6 => (ICMPV6, 1, 1280 - 40 - ICMP_HEADER),
        _ => (ICMP, 3, 576 - 20 - ICMP_HEADER),
    };
    let quoted = u16::try_from(packet.len()).unwrap_or(u16::MAX).min(quoted_max);
    let length = ICMP_HEADER + quoted;
    let l4 = ip_header(out, family, protocol, from, to, length, INTERNETWORK_CONTROL);
    out.extend([kind, code, 0, 0, 0, 0, 0, 0]);
    out.extend_from_slice(&packet[..usize::from(quoted)]);
    let initial = match family {
        Family::Inet6 => pseudo_header_sum(family, from, to, protocol, u32::from(length)),
        _ => 0,
    };
    let sum = checksum(&out[l4..], initial).to_be_bytes();
    out[l4 + 2..l4 + 4].copy_from_slice(&sum);
}

/// Appends an IP header for a payload of `length` bytes; returns where the payload begins in `out`.
fn ip_header(
    out: &mut Vec<u8>,
    family: Family,
    protocol: u8,
    from: Address,
    to: Address,
    length: u16,
    traffic_class: u8,
) -> usize {
    let start = out.len();
    if family == Family::Inet6 {
        out.extend([6 << 4 | traffic_class >> 4, traffic_class << 4, 0, 0]);
        out.extend(length.to_be_bytes());
        out.extend([protocol, HOP_LIMIT]);
        out.extend(from.0);
        out.extend(to.0);
    } else {
        out.extend([0x45, traffic_class]);
        out.extend((length + 20).to_be_bytes());
        // Never fragmented, so the identification says nothing (RFC 6864).
        out.extend([0, 0, 0x40, 0, HOP_LIMIT, protocol, 0, 0]);
        out.extend(&from.0[..4]);
        out.extend(&to.0[..4]);
        let sum = checksum(&out[start..], 0).to_be_bytes();
        out[start + 10..start + 12].copy_from_slice(&sum);
    }
    out.len()
}

const TCP_HEADER: u16 = 20;
const MSS_OPTION: u16 = 4;
const ICMP_HEADER: u16 = 8;
const HOP_LIMIT: u8 = 64;
/// Precedence of ICMP errors (RFC 1812 section 4.3.2.5).
const INTERNETWORK_CONTROL: u8 = 6 << 5;
