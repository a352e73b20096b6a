//! ICMP to ICMPv6 and back (RFC 7915 sections 4.2 and 5.2): echo, and errors with the packet that
//! they quote. What has no counterpart is not translated, and its packet dropped. Extensions behind
//! a quote (RFC 4884) end here, and an ICMPv6 error ends at 1280 bytes (RFC 4443 section 2.4).

use components::address::Family;
use components::columns::{FRAGMENT_MORE, FRAGMENT_OFFSET_MASK};
use components::world::application::{ICMP, ICMPV6, TCP, UDP, UDP_LITE};

use super::delta::Delta;
use super::nat64::{self, Job, Side};
use crate::checksum;
use crate::icmp::{self, ICMP_HEADER_LENGTH, IcmpClass};

/// Smallest MTU of an IPv6 link.
const MTU_MIN: u32 = 1280;
/// An ICMPv6 error in a packet of the smallest MTU.
const ERROR_MAX: usize = 1280 - 40;
/// Smallest quote with extensions behind it.
const EXTENDED_QUOTE_MIN: usize = 128;
/// What an IPv6 header is longer than an IPv4 one.
const GROWTH: u32 = 20;

/// Translates the message at `job.l4`; returns where it begins now, and the job without what was
/// cut from its end.
pub(super) fn translate(memory: &mut [u8], job: &Job) -> Option<(usize, Job)> {
    let [old, new] = job.sides;
    let head: [u8; ICMP_HEADER_LENGTH] = *memory.get(job.l4..job.end)?.first_chunk()?;
    let class = icmp::class(old.protocol, head[0]);
    let mut job = match class {
        IcmpClass::Error => without_extensions(job, head),
        _ => *job,
    };
    let (start, head) = match class {
        IcmpClass::Request | IcmpClass::Reply => {
            let kind = echo(new.family, head[0])?;
            let [high, low] = new.source.1.to_be_bytes();
            (job.l4, [kind, head[1], 0, 0, high, low, head[6], head[7]])
        }
        IcmpClass::Error => {
            let changed = error(old.family, head)?;
            (quoted(memory, &job)?.checked_sub(ICMP_HEADER_LENGTH)?, changed)
        }
        IcmpClass::Neighbour | IcmpClass::Other => return None,
    };
    if start < job.room {
        return None;
    }
    if class == IcmpClass::Error && new.family == Family::Inet6 {
        job = ending_by(&job, start + ERROR_MAX);
    }
    let message = memory.get_mut(start..job.end)?;
    message.get_mut(..ICMP_HEADER_LENGTH)?.copy_from_slice(&head);
    let length = u32::try_from(message.len()).ok()?;
    let initial = match new.family {
        Family::Inet6 => checksum::pseudo_header_sum(
            Family::Inet6,
            new.source.0,
            new.destination.0,
            ICMPV6,
            length,
        ),
        _ => 0,
    };
    let sum = checksum::checksum(message, initial);
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    Some((start, job))
}

/// The message up to where the extensions begin, if it has any: as many words of four (IPv4) or
/// eight bytes as its header says, 128 bytes at least (RFC 4884 sections 3 and 4).
fn without_extensions(job: &Job, head: [u8; ICMP_HEADER_LENGTH]) -> Job {
    let quoted = match (job.sides[0].family, head[0]) {
        (Family::Inet, 3 | 11 | 12) => usize::from(head[5]) * 4,
        (Family::Inet6, 1 | 3) => usize::from(head[4]) * 8,
        _ => 0,
    };
    if quoted < EXTENDED_QUOTE_MIN {
        return *job;
    }
    ending_by(job, job.l4 + ICMP_HEADER_LENGTH + quoted)
}

fn ending_by(job: &Job, end: usize) -> Job {
    Job { end: job.end.min(end), wire_end: job.wire_end.min(end), ..*job }
}

/// The type of an echo message in a family.
const fn echo(to: Family, kind: u8) -> Option<u8> {
    match (to, kind) {
        (Family::Inet6, 8) => Some(128),
        (Family::Inet6, 0) => Some(129),
        (Family::Inet, 128) => Some(8),
        (Family::Inet, 129) => Some(0),
        _ => None,
    }
}

/// The head of an error, its checksum zero.
fn error(from: Family, head: [u8; 8]) -> Option<[u8; 8]> {
    let rest = [head[4], head[5], head[6], head[7]];
    let (kind, code, rest) = match from {
        Family::Inet => error_of_v4(head[0], head[1], rest)?,
        _ => error_of_v6(head[0], head[1], rest)?,
    };
    let [a, b, c, d] = rest;
    Some([kind, code, 0, 0, a, b, c, d])
}

/// RFC 7915 section 4.2.
fn error_of_v4(kind: u8, code: u8, rest: [u8; 4]) -> Option<(u8, u8, [u8; 4])> {
    let none = [0; 4];
    Some(match (kind, code) {
        (3, 0 | 1 | 5..=8 | 11 | 12) => (1, 0, none),
        // Protocol unreachable: the next header field of the quoted header.
        (3, 2) => (4, 1, 6u32.to_be_bytes()),
        (3, 3) => (1, 4, none),
        (3, 4) => {
            let mtu = u32::from(u16::from_be_bytes([rest[2], rest[3]]));
            (2, 0, (mtu + GROWTH).max(MTU_MIN).to_be_bytes())
        }
        (3, 9 | 10 | 13 | 15) => (1, 1, none),
        (11, _) => (3, code, none),
        (12, 0 | 2) => {
            // The pointer, from one header to the other (figure 3).
            let pointer: u32 = match rest[0] {
                0 => 0,
                1 => 1,
                2 | 3 => 4,
                8 => 7,
                9 => 6,
                12..=15 => 8,
                16..=19 => 24,
                _ => return None,
            };
            (4, 0, pointer.to_be_bytes())
        }
        _ => return None,
    })
}

/// RFC 7915 section 5.2.
fn error_of_v6(kind: u8, code: u8, rest: [u8; 4]) -> Option<(u8, u8, [u8; 4])> {
    let none = [0; 4];
    Some(match (kind, code) {
        (1, 0 | 2 | 3) => (3, 1, none),
        (1, 1) => (3, 10, none),
        (1, 4) => (3, 3, none),
        (2, _) => {
            let mtu = u32::from_be_bytes(rest).saturating_sub(GROWTH);
            let [high, low] = u16::try_from(mtu).unwrap_or(u16::MAX).to_be_bytes();
            (3, 4, [0, 0, high, low])
        }
        (3, _) => (11, code, none),
        (4, 1) => (3, 2, none),
        (4, 0) => {
            let pointer: u8 = match u32::from_be_bytes(rest) {
                0 => 0,
                1 => 1,
                4 | 5 => 2,
                6 => 9,
                7 => 8,
                8..=23 => 12,
                24..=39 => 16,
                _ => return None,
            };
            (12, 0, [pointer, 0, 0, 0])
        }
        _ => return None,
    })
}

/// The packet that an error quotes, translated the other way; returns its first byte.
fn quoted(memory: &mut [u8], job: &Job) -> Option<usize> {
    let [old, new] = job.sides;
    let quote = icmp::quote(old.family, memory.get(job.l4..job.end)?)?;
    let (l3, l4) = (job.l4 + quote.l3_offset, job.l4 + quote.l4_offset);
    let before = Side {
        family: old.family,
        protocol: quote.key.protocol,
        source: (quote.key.source, quote.key.source_port),
        destination: (quote.key.destination, quote.key.destination_port),
    };
    let after = job.quoted;
    let sides = [before, after];
    if is_fragment(memory, &sides[0], l3)? {
        return None;
    }
    debug_assert!(new.family == after.family, "a quote is in the family of its error");
    let payload = nat64::quoted_payload(memory, (l3, l4), before.family)?;
    inner_transport(memory.get_mut(l4..job.end)?, &sides, payload);
    nat64::quoted_header(memory, (l3, l4), job, &sides, payload)
}

fn is_fragment(memory: &[u8], side: &Side, l3: usize) -> Option<bool> {
    if side.family != Family::Inet {
        return Some(false);
    }
    let field = u16::from_be_bytes(*memory.get(l3 + 6..)?.first_chunk()?);
    Some(field & (FRAGMENT_OFFSET_MASK | FRAGMENT_MORE) != 0)
}

/// Ports or identifier of a quoted packet, and the checksum where the quote reaches it.
fn inner_transport(inner: &mut [u8], sides: &[Side; 2], payload: u16) {
    let [old, new] = sides;
    let delta = nat64::pseudo_delta(old, new)
        .change(old.source.1, new.source.1)
        .change(old.destination.1, new.destination.1);
    match old.protocol {
        TCP | UDP | UDP_LITE => {
            inner[..2].copy_from_slice(&new.source.1.to_be_bytes());
            inner[2..4].copy_from_slice(&new.destination.1.to_be_bytes());
            match old.protocol {
                TCP => delta.apply(inner, 16),
                _ => delta.apply_udp(inner, 6, old.protocol == UDP),
            }
        }
        ICMP | ICMPV6 => {
            let Some(kind) = echo(new.family, inner[0]) else { return };
            // The identifier stands on the client's side of the key.
            let (before, after) = match icmp::class(old.protocol, inner[0]) {
                IcmpClass::Reply => (old.destination.1, new.destination.1),
                _ => (old.source.1, new.source.1),
            };
            let [high, low] = after.to_be_bytes();
            let (was, becomes) = ([inner[0], inner[1]], [kind, inner[1]]);
            let sum = Delta::default()
                .change_bytes(&was, &becomes)
                .change(before, after)
                .change(pseudo_of(old, payload), pseudo_of(new, payload));
            inner[0] = kind;
            inner[4..6].copy_from_slice(&[high, low]);
            sum.apply(inner, 2);
        }
        _ => {}
    }
}

/// The pseudo-header's part of an ICMP checksum: ICMP has none (RFC 792, RFC 4443 section 2.3).
fn pseudo_of(side: &Side, payload: u16) -> u16 {
    match side.family {
        Family::Inet6 => checksum::fold(checksum::pseudo_header_sum(
            Family::Inet6,
            side.source.0,
            side.destination.0,
            ICMPV6,
            u32::from(payload),
        )),
        _ => 0,
    }
}
