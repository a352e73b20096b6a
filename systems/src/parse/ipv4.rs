//! The IPv4 header (RFC 791): version, IHL, total length, header checksum, options. The packet's
//! end is the header's total length, so trailing padding is never payload. An options list that
//! does not fit is not a reason to drop: it sets a bit that the bad-option screen judges.

use components::address::{Address, Family};
use components::columns::{FRAGMENT_MORE, FRAGMENT_OFFSET_MASK, ip_option};
use components::reason::DropReason;

use super::{Frame, Packet};
use crate::checksum::{fold, ones_complement_sum};

/// Everything of the header; the transport is not looked at.
#[inline]
pub(super) fn parse(
    frame: Frame<'_>,
    l3: usize,
    verify_checksum: bool,
) -> Result<Packet, DropReason> {
    let header: &[u8; HEADER_LENGTH] = frame.take(l3)?;
    if header[0] >> 4 != 4 {
        return Err(DropReason::BadIpVersion);
    }
    let header_length = usize::from(header[0] & 0xf) * 4;
    if header_length < HEADER_LENGTH || l3 + header_length > frame.wire_length {
        return Err(DropReason::BadIpv4HeaderLength);
    }
    let total_length = u16::from_be_bytes([header[2], header[3]]);
    if usize::from(total_length) < header_length {
        return Err(DropReason::BadIpv4TotalLength);
    }
    if l3 + usize::from(total_length) > frame.wire_length {
        return Err(DropReason::Ipv4LengthBeyondFrame);
    }
    let options = if header_length == HEADER_LENGTH {
        &[]
    } else {
        let all = frame.bytes.get(l3 + HEADER_LENGTH..l3 + header_length);
        all.ok_or(DropReason::Snapped)?
    };
    if verify_checksum
        && fold(ones_complement_sum(options, ones_complement_sum(header, 0))) != 0xffff
    {
        return Err(DropReason::Ipv4HeaderChecksum);
    }
    let fragment = u16::from_be_bytes([header[6], header[7]]) & FRAGMENT_FIELD;
    let payload_length = usize::from(total_length) - header_length;
    if fragment & FRAGMENT_MORE != 0 && !payload_length.is_multiple_of(8) {
        return Err(DropReason::BadFragment);
    }
    let mut packet = Packet {
        family: Family::Inet,
        protocol: header[9],
        source: Address::v4([header[12], header[13], header[14], header[15]]),
        destination: Address::v4([header[16], header[17], header[18], header[19]]),
        l3_offset: l3,
        l4_offset: l3 + header_length,
        ip_length: u32::from(total_length),
        ttl: header[8],
        traffic_class: header[1],
        fragment,
        ip_options: if options.is_empty() { 0 } else { option_bits(options) },
        ..Packet::default()
    };
    if fragment & (FRAGMENT_MORE | FRAGMENT_OFFSET_MASK) != 0 {
        packet.identification = u32::from(u16::from_be_bytes([header[4], header[5]]));
        packet.fragment_length = u16::try_from(payload_length).unwrap_or(u16::MAX);
    }
    Ok(packet)
}

/// Bits of [`ip_option`] for an options list.
#[inline(never)]
fn option_bits(mut options: &[u8]) -> u16 {
    let mut bits = 0;
    while let [kind, rest @ ..] = options {
        match *kind {
            END_OF_LIST => break,
            NO_OPERATION => {
                options = rest;
                continue;
            }
            _ => {}
        }
        let length = usize::from(rest.first().copied().unwrap_or(0));
        if length < 2 || length > options.len() {
            return bits | ip_option::MALFORMED;
        }
        bits |= option_bit(*kind, &options[..length]);
        options = &options[length..];
    }
    bits
}

/// The bit of one option, with the malformed bit where its own length or pointer cannot be (RFC 791
/// section 3.1, RFC 1108).
fn option_bit(kind: u8, option: &[u8]) -> u16 {
    let route_fits = || {
        // A route's data begins at octet 4, in steps of one address.
        option.len() >= 3 && (option.len() - 3).is_multiple_of(4) && option[2] >= 4
    };
    let (bit, fits) = match kind {
        7 => (ip_option::RECORD_ROUTE, route_fits()),
        68 => (
            ip_option::TIMESTAMP,
            option.len() >= 4 && option.len().is_multiple_of(4) && option[2] >= 5,
        ),
        130 => (ip_option::SECURITY, option.len() >= 3),
        131 => (ip_option::LOOSE_SOURCE_ROUTE, route_fits()),
        136 => (ip_option::STREAM, option.len() == 4),
        137 => (ip_option::STRICT_SOURCE_ROUTE, route_fits()),
        _ => (ip_option::OTHER, true),
    };
    if fits { bit } else { bit | ip_option::MALFORMED }
}

const HEADER_LENGTH: usize = 20;
const END_OF_LIST: u8 = 0;
const NO_OPERATION: u8 = 1;
/// Offset, "more fragments" and "don't fragment": the field without its reserved bit.
const FRAGMENT_FIELD: u16 = 0x7fff;
