//! Sequence numbers of connections that a SYN cookie has opened: what the server sends is numbered
//! as its client expects, what the client acknowledges as the server does, also inside ICMP errors,
//! and every checksum that covers them follows. Done before addresses and ports are translated.

use components::address::Family;
use components::columns::{FRAGMENT_OFFSET_MASK, tcp_flag};
use components::world::application::{ICMP, ICMPV6, TCP};

use super::delta::Delta;
use crate::checksum;
use crate::icmp::{self, IcmpClass};
use crate::tcp_options::{self, SELECTIVE_ACKNOWLEDGMENT};

/// A packet of such a connection.
pub(super) struct Spliced {
    pub(super) family: Family,
    pub(super) protocol: u8,
    /// Type and code of an ICMP message, where other protocols have the destination port.
    pub(super) kind: u16,
    pub(super) fragment: u16,
    pub(super) direction: u8,
    /// By how much the client's numbers are above the server's.
    pub(super) offset: u32,
}

/// Renumbers the packet whose transport header is at `packet[l4]`.
pub(super) fn renumber(packet: &mut [u8], l4: usize, spliced: &Spliced) {
    if spliced.fragment & FRAGMENT_OFFSET_MASK != 0 {
        return;
    }
    match spliced.protocol {
        TCP => {
            let Some(segment) = packet.get_mut(l4..) else {
                return;
            };
            let delta = match spliced.direction & 1 {
                0 => acknowledge(segment, spliced.offset.wrapping_neg()),
                _ => add(segment, SEQUENCE, spliced.offset),
            };
            delta.apply(segment, CHECKSUM);
        }
        ICMP | ICMPV6
            if icmp::class(spliced.protocol, spliced.kind.to_be_bytes()[0]) == IcmpClass::Error =>
        {
            quoted(packet, l4, spliced);
        }
        _ => {}
    }
}

/// The quoted segment went the other way, and its sender must read it as it had sent it. The outer
/// checksum covers every changed byte.
fn quoted(packet: &mut [u8], l4: usize, spliced: &Spliced) {
    let Some(message) = packet.get_mut(l4..) else {
        return;
    };
    let Some(quote) = icmp::quote(spliced.family, message) else {
        return;
    };
    if quote.key.protocol != TCP {
        return;
    }
    let Some(segment) = message.get_mut(quote.l4_offset..) else {
        return;
    };
    let before = sum(segment);
    let delta = match spliced.direction & 1 {
        // The server's segment, as the client had got it.
        0 => add(segment, SEQUENCE, spliced.offset.wrapping_neg()),
        _ => acknowledge(segment, spliced.offset),
    };
    delta.apply(segment, CHECKSUM);
    let after = sum(segment);
    // The quoted header begins at an even place of the message, as all do.
    Delta::default().change(before, after).apply(message, ICMP_CHECKSUM);
}

/// Adds to all that a segment says of what it has got. Without ACK the number means nothing (RFC
/// 9293 section 3.1) and stays as it is.
fn acknowledge(segment: &mut [u8], by: u32) -> Delta {
    if segment.get(FLAGS).is_none_or(|flags| flags & tcp_flag::ACK == 0) {
        return Delta::default();
    }
    let delta = add(segment, ACKNOWLEDGMENT, by);
    let Some(blocks) = tcp_options::place(segment, SELECTIVE_ACKNOWLEDGMENT) else {
        return delta;
    };
    // The option may stand at an odd place: the sum is that of all options.
    let end = blocks.end.next_multiple_of(2).min(segment.len());
    let options = &mut segment[OPTIONS..end];
    let mut before = [0; OPTIONS_MAX];
    let before = &mut before[..options.len()];
    before.copy_from_slice(options);
    // Left and right edges.
    let (edges, _) = options[blocks.start - OPTIONS..blocks.end - OPTIONS].as_chunks_mut::<4>();
    for edge in edges {
        *edge = u32::from_be_bytes(*edge).wrapping_add(by).to_be_bytes();
    }
    delta.change_bytes(before, options)
}

/// Adds to the number at `segment[at]`, if it was captured.
fn add(segment: &mut [u8], at: usize, by: u32) -> Delta {
    let Some(field) = segment.get_mut(at..at + 4).and_then(|field| field.first_chunk_mut()) else {
        return Delta::default();
    };
    let old: [u8; 4] = *field;
    *field = u32::from_be_bytes(old).wrapping_add(by).to_be_bytes();
    Delta::default().change_bytes(&old, &*field)
}

fn sum(bytes: &[u8]) -> u16 {
    checksum::fold(checksum::ones_complement_sum(bytes, 0))
}

const SEQUENCE: usize = 4;
const ACKNOWLEDGMENT: usize = 8;
const FLAGS: usize = 13;
const CHECKSUM: usize = 16;
const OPTIONS: usize = 20;
const OPTIONS_MAX: usize = 40;
const ICMP_CHECKSUM: usize = 2;
