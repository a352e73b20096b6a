//! Translation between IPv4 and IPv6 (RFC 7915): the new header is written in front of the
//! transport header, into the room that the port left before the frame, so that no payload moves.
//! Transport checksums are updated for the new pseudo-header; ICMP messages change type and code,
//! errors also the packet that they quote. IPv6 extension headers other than the fragment header
//! end here, and so do IPv4 options (RFC 7915 sections 4.1 and 5.1).

use std::ops::Range;

use components::address::{Address, Family};
use components::columns::{FRAGMENT_DONT, FRAGMENT_MORE, FRAGMENT_OFFSET_MASK};
use components::world::application::{ICMP, ICMPV6, TCP, UDP, UDP_LITE};

use super::delta::Delta;
use super::icmp64;
use crate::checksum;

/// IPv6 packets up to this length may be fragmented as IPv4 ones (RFC 7915 section 5.1).
const SMALL_MAX: usize = 1260;
const IPV4_LENGTH: usize = 20;
const IPV6_LENGTH: usize = 40;
const FRAGMENT_LENGTH: usize = 8;
/// Next header of the fragment header.
const FRAGMENT: u8 = 44;

/// One end of the translation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Side {
    pub(super) family: Family,
    pub(super) protocol: u8,
    pub(super) source: (Address, u16),
    pub(super) destination: (Address, u16),
}

/// A packet as it lies in memory, and what it is to become.
#[derive(Clone, Copy, Debug)]
pub(super) struct Job {
    /// First byte of its IP header.
    pub(super) l3: usize,
    /// First byte of its transport header.
    pub(super) l4: usize,
    /// Behind its last captured byte.
    pub(super) end: usize,
    /// Behind its last byte on the wire.
    pub(super) wire_end: usize,
    /// First byte that may be written.
    pub(super) room: usize,
    /// Its fragment column.
    pub(super) fragment: u16,
    /// Before and after.
    pub(super) sides: [Side; 2],
    /// What the packet becomes that an ICMP error quotes.
    pub(super) quoted: Side,
    /// For an IPv4 packet that may be fragmented later.
    pub(super) identification: u16,
}

/// Fields that both headers have.
#[derive(Clone, Copy, Debug)]
struct Fields {
    traffic_class: u8,
    hop_limit: u8,
    /// Identification of a fragment.
    identification: u32,
}

/// Translates a packet; its hop limit has been lowered already. Returns the bytes where it is
/// on the wire now. `None`: it cannot be translated.
pub(super) fn translate(memory: &mut [u8], job: &Job) -> Option<Range<usize>> {
    let [old, new] = job.sides;
    let fields = fields_of(memory, job)?;
    let first = job.fragment & FRAGMENT_OFFSET_MASK == 0;
    if matches!(old.protocol, ICMP | ICMPV6) {
        // Its checksum covers all fragments, each of which is seen alone.
        if job.fragment & (FRAGMENT_OFFSET_MASK | FRAGMENT_MORE) != 0 {
            return None;
        }
        let (l4, job) = icmp64::translate(memory, job)?;
        return Some(header(memory, l4, &job, new, &fields)?..job.wire_end);
    }
    if first {
        transport(memory.get_mut(job.l4..job.end)?, job)?;
    }
    Some(header(memory, job.l4, job, new, &fields)?..job.wire_end)
}

/// Ports and the checksum of a first fragment or a whole packet.
fn transport(message: &mut [u8], job: &Job) -> Option<()> {
    let [old, new] = job.sides;
    let delta = pseudo_delta(&old, &new)
        .change(old.source.1, new.source.1)
        .change(old.destination.1, new.destination.1);
    let (source, destination) = (new.source.1.to_be_bytes(), new.destination.1.to_be_bytes());
    let ports = [source[0], source[1], destination[0], destination[1]];
    match old.protocol {
        TCP => {
            message.get_mut(..4)?.copy_from_slice(&ports);
            delta.apply(message, 16);
        }
        UDP | UDP_LITE => {
            message.get_mut(..4)?.copy_from_slice(&ports);
            if message.get(6..8)? == [0, 0] && new.family == Family::Inet6 {
                // IPv6 has no UDP without a checksum (RFC 8200 section 8.1).
                if job.fragment & FRAGMENT_MORE != 0 || job.end != job.wire_end {
                    return None;
                }
                let length = u32::try_from(message.len()).ok()?;
                fill_udp(message, &new, length);
            } else {
                delta.apply_udp(message, 6, old.protocol == UDP);
            }
        }
        _ => {}
    }
    Some(())
}

fn fill_udp(message: &mut [u8], side: &Side, length: u32) {
    let (source, destination) = (side.source.0, side.destination.0);
    let pseudo = checksum::pseudo_header_sum(side.family, source, destination, UDP, length);
    let sum = match checksum::checksum(message, pseudo) {
        0 => 0xffff,
        sum => sum,
    };
    message[6..8].copy_from_slice(&sum.to_be_bytes());
}

/// What other addresses do to a pseudo-header's sum.
pub(super) fn pseudo_delta(old: &Side, new: &Side) -> Delta {
    // An IPv4 address is followed by zeros, which add nothing.
    Delta::default()
        .change_bytes(&old.source.0.0, &new.source.0.0)
        .change_bytes(&old.destination.0.0, &new.destination.0.0)
}

fn fields_of(memory: &[u8], job: &Job) -> Option<Fields> {
    let packet = memory.get(job.l3..job.l4)?;
    Some(match job.sides[0].family {
        Family::Inet => {
            let fixed: &[u8; IPV4_LENGTH] = packet.first_chunk()?;
            let identification = u32::from(u16::from_be_bytes([fixed[4], fixed[5]]));
            Fields { traffic_class: fixed[1], hop_limit: fixed[8], identification }
        }
        _ => {
            let fixed: &[u8; IPV6_LENGTH] = packet.first_chunk()?;
            let is_fragment = job.fragment & (FRAGMENT_OFFSET_MASK | FRAGMENT_MORE) != 0;
            let identification = match packet.len().checked_sub(FRAGMENT_LENGTH) {
                Some(at) if is_fragment && at >= IPV6_LENGTH => {
                    u32::from_be_bytes(*packet.get(at + 4..)?.first_chunk()?)
                }
                _ => 0,
            };
            let traffic_class = fixed[0] << 4 | fixed[1] >> 4;
            Fields { traffic_class, hop_limit: fixed[7], identification }
        }
    })
}

/// Writes the new IP header before `l4`.
fn header(memory: &mut [u8], l4: usize, job: &Job, new: Side, fields: &Fields) -> Option<usize> {
    let payload = job.wire_end.checked_sub(l4)?;
    let is_fragment = job.fragment & (FRAGMENT_OFFSET_MASK | FRAGMENT_MORE) != 0;
    if new.family == Family::Inet {
        let start = l4.checked_sub(IPV4_LENGTH).filter(|&start| start >= job.room)?;
        let total = u16::try_from(payload + IPV4_LENGTH).ok()?;
        let (identification, flags) = if is_fragment {
            let [_, _, high, low] = fields.identification.to_be_bytes();
            (u16::from_be_bytes([high, low]), job.fragment & !FRAGMENT_DONT)
        } else if usize::from(total) <= SMALL_MAX {
            (job.identification, 0)
        } else {
            (0, FRAGMENT_DONT)
        };
        let fixed = memory.get_mut(start..l4)?;
        ipv4(fixed, fields, (total, identification, flags), &new);
        return Some(start);
    }
    let extra = if is_fragment { FRAGMENT_LENGTH } else { 0 };
    let start = l4.checked_sub(IPV6_LENGTH + extra).filter(|&start| start >= job.room)?;
    let length = u16::try_from(payload + extra).ok()?;
    let fixed = memory.get_mut(start..l4)?;
    let next = if is_fragment { FRAGMENT } else { new.protocol };
    ipv6(fixed, fields, (length, next), &new);
    if is_fragment {
        let more = u16::from(job.fragment & FRAGMENT_MORE != 0);
        let offset = (job.fragment & FRAGMENT_OFFSET_MASK) << 3 | more;
        let fragment = &mut fixed[IPV6_LENGTH..];
        fragment[..2].copy_from_slice(&[new.protocol, 0]);
        fragment[2..4].copy_from_slice(&offset.to_be_bytes());
        fragment[4..].copy_from_slice(&fields.identification.to_be_bytes());
    }
    Some(start)
}

fn ipv4(fixed: &mut [u8], fields: &Fields, words: (u16, u16, u16), side: &Side) {
    let (total, identification, flags) = words;
    fixed[..2].copy_from_slice(&[0x45, fields.traffic_class]);
    fixed[2..4].copy_from_slice(&total.to_be_bytes());
    fixed[4..6].copy_from_slice(&identification.to_be_bytes());
    fixed[6..8].copy_from_slice(&flags.to_be_bytes());
    fixed[8..12].copy_from_slice(&[fields.hop_limit, side.protocol, 0, 0]);
    fixed[12..16].copy_from_slice(&side.source.0.0[..4]);
    fixed[16..20].copy_from_slice(&side.destination.0.0[..4]);
    let sum = checksum::checksum(fixed, 0);
    fixed[10..12].copy_from_slice(&sum.to_be_bytes());
}

fn ipv6(fixed: &mut [u8], fields: &Fields, (length, next): (u16, u8), side: &Side) {
    let class = fields.traffic_class;
    fixed[..4].copy_from_slice(&[0x60 | class >> 4, class << 4, 0, 0]);
    fixed[4..6].copy_from_slice(&length.to_be_bytes());
    fixed[6..8].copy_from_slice(&[next, fields.hop_limit]);
    fixed[8..24].copy_from_slice(&side.source.0.0);
    fixed[24..40].copy_from_slice(&side.destination.0.0);
}

/// Transport bytes that a quoted packet had, not only those quoted.
pub(super) fn quoted_payload(
    memory: &[u8],
    (l3, l4): (usize, usize),
    family: Family,
) -> Option<u16> {
    let at = l3 + if family == Family::Inet { 2 } else { 4 };
    let length = u16::from_be_bytes(*memory.get(at..)?.first_chunk()?);
    let between = u16::try_from(l4 - l3).ok()?;
    let length = if family == Family::Inet { length } else { length.checked_add(40)? };
    length.checked_sub(between)
}

/// Writes the header of a quoted packet of `payload` transport bytes before `l4`; returns its first
/// byte.
pub(super) fn quoted_header(
    memory: &mut [u8],
    (l3, l4): (usize, usize),
    job: &Job,
    sides: &[Side; 2],
    payload: u16,
) -> Option<usize> {
    let [_, new] = *sides;
    let fields = fields_of(memory, &Job { l3, l4, fragment: 0, sides: *sides, ..*job })?;
    let size = if new.family == Family::Inet { IPV4_LENGTH } else { IPV6_LENGTH };
    let start = l4.checked_sub(size).filter(|&start| start >= job.room)?;
    let fixed = memory.get_mut(start..l4)?;
    match new.family {
        Family::Inet => ipv4(fixed, &fields, (payload.checked_add(20)?, 0, 0), &new),
        _ => ipv6(fixed, &fields, (payload, new.protocol), &new),
    }
    Some(start)
}
