//! The transport header: ports, TCP flags, ICMP type, code and identifier, and the lengths that
//! must agree. Which protocol needs how many bytes is a table, so that a mix of TCP and UDP costs
//! no branch for it. Later fragments have no transport header. RFC 9293, RFC 768, RFC 3828
//! (UDP-Lite), RFC 9260 (SCTP), RFC 792, RFC 4443, RFC 8335.

use components::address::Family;
use components::columns::{FRAGMENT_MORE, FRAGMENT_OFFSET_MASK, extension};
use components::reason::DropReason;
use components::world::application::{ICMP, ICMPV6, SCTP, TCP, UDP, UDP_LITE};

use super::{Frame, Packet, TcpNumbers};
use crate::checksum::{fold, ones_complement_sum, pseudo_header_sum};

/// Fills in what the transport header says.
#[inline]
pub(super) fn parse(frame: Frame<'_>, mut packet: Packet) -> Result<Packet, DropReason> {
    if packet.fragment & FRAGMENT_OFFSET_MASK != 0 {
        return Ok(packet);
    }
    let at = packet.l4_offset;
    let end = packet.l3_offset + packet.ip_length as usize;
    // What a first fragment's header announces may be in the other fragments.
    let whole = packet.fragment & FRAGMENT_MORE == 0;
    let needed = usize::from(HEADER_LENGTHS[usize::from(packet.protocol)]);
    if needed == 0 {
        return Ok(packet);
    }
    let beyond = if whole { DropReason::TruncatedL4 } else { DropReason::FragmentTiny };
    let header = bytes(frame, at, at + needed, end, beyond)?;
    let word = |at: usize| header.get(at..at + 2).map_or(0, |b| u16::from_be_bytes([b[0], b[1]]));
    match packet.protocol {
        TCP => {
            let header_length = usize::from(header[12] >> 4) * 4;
            if header_length < needed || (whole && at + header_length > end) {
                return Err(DropReason::BadTcpDataOffset);
            }
            // Options may follow in the next fragment, what screens and policy look at may not.
            bytes(frame, at, (at + header_length).min(end), end, beyond)?;
            (packet.source_port, packet.destination_port) = (word(0), word(2));
            packet.tcp_flags = header[13];
            if let Some(header) = header.first_chunk() {
                packet.tcp = TcpNumbers::of(header, end.saturating_sub(at + header_length));
            }
        }
        UDP => {
            let length = usize::from(word(4));
            if length < needed || (whole && at + length > end) {
                return Err(DropReason::BadUdpLength);
            }
            (packet.source_port, packet.destination_port) = (word(0), word(2));
        }
        UDP_LITE => {
            // Coverage: 0 is everything, else it includes the header.
            let coverage = usize::from(word(4));
            if (1..needed).contains(&coverage) || (whole && at + coverage > end) {
                return Err(DropReason::BadUdpLength);
            }
            (packet.source_port, packet.destination_port) = (word(0), word(2));
        }
        SCTP => (packet.source_port, packet.destination_port) = (word(0), word(2)),
        ICMP | ICMPV6 => {
            packet.destination_port = word(0);
            if has_identifier(packet.protocol, header[0]) {
                packet.source_port = word(4);
            }
        }
        _ => {}
    }
    Ok(packet)
}

/// The bytes `at..needed_end`, which must be in the packet, else they are `beyond`, and captured.
#[inline]
fn bytes(
    frame: Frame<'_>,
    at: usize,
    needed_end: usize,
    packet_end: usize,
    beyond: DropReason,
) -> Result<&[u8], DropReason> {
    if needed_end > packet_end {
        return Err(beyond);
    }
    frame.bytes.get(at..needed_end).ok_or(DropReason::Snapped)
}

/// Query messages that have an identifier behind the checksum: echo, timestamp, information,
/// address mask, extended echo.
const fn has_identifier(protocol: u8, kind: u8) -> bool {
    match protocol {
        ICMP => matches!(kind, 0 | 8 | 13..=18 | 42 | 43),
        _ => matches!(kind, 128 | 129 | 160 | 161),
    }
}

/// Verifies the transport checksum of a packet that is whole: not a fragment, not cut, not source
/// routed (whose pseudo-header holds the final destination). SCTP's CRC32c is left to the
/// endpoints.
#[inline(never)]
pub(super) fn verify_checksum(frame: Frame<'_>, packet: &Packet) -> Result<(), DropReason> {
    let end = packet.l3_offset + packet.ip_length as usize;
    let whole = packet.fragment & (FRAGMENT_OFFSET_MASK | FRAGMENT_MORE) == 0;
    let Some(message) = frame.bytes.get(packet.l4_offset..end).filter(|_| whole) else {
        return Ok(());
    };
    if packet.extensions & extension::ROUTING != 0 {
        return Ok(());
    }
    let word = |at: usize| message.get(at..at + 2).map_or(0, |b| u16::from_be_bytes([b[0], b[1]]));
    let partial = || &message[..usize::from(word(4)).min(message.len())];
    let (covered, pseudo_length) = match packet.protocol {
        ICMP if packet.family == Family::Inet => (message, None),
        TCP | ICMPV6 => (message, Some(message.len())),
        // No checksum: RFC 768 for IPv4; over IPv6 RFC 8200 forbids it.
        UDP if word(6) == 0 && packet.family == Family::Inet => return Ok(()),
        UDP if word(6) == 0 => return Err(DropReason::L4Checksum),
        UDP => (partial(), Some(partial().len())),
        // The pseudo-header has the length of the packet, not of the coverage.
        UDP_LITE if word(4) == 0 => (message, Some(message.len())),
        UDP_LITE => (partial(), Some(message.len())),
        _ => return Ok(()),
    };
    let initial = pseudo_length.map_or(0, |length| {
        pseudo_header_sum(
            packet.family,
            packet.source,
            packet.destination,
            packet.protocol,
            u32::try_from(length).unwrap_or(u32::MAX),
        )
    });
    match fold(ones_complement_sum(covered, initial)) {
        0xffff => Ok(()),
        _ => Err(DropReason::L4Checksum),
    }
}

/// The header bytes that a protocol must have; 0 for those that are only a number.
const HEADER_LENGTHS: [u8; 256] = {
    let mut lengths = [0; 256];
    lengths[ICMP as usize] = 8;
    lengths[TCP as usize] = 20;
    lengths[UDP as usize] = 8;
    lengths[47] = 4;
    lengths[50] = 8;
    lengths[51] = 12;
    lengths[ICMPV6 as usize] = 8;
    lengths[SCTP as usize] = 12;
    lengths[135] = 8;
    lengths[UDP_LITE as usize] = 8;
    lengths[139] = 8;
    lengths[140] = 8;
    lengths
};
