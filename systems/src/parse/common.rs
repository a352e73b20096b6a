//! The common packet in a straight line: Ethernet II without tags, IPv4 without options, whole and
//! no fragment, UDP or TCP. It says yes only to what is right in every respect; everything else,
//! right or wrong, takes the general path, which names what is wrong. Both agree on every packet
//! that this one takes (property test).

use components::address::{Address, Family};
use components::columns::{FRAGMENT_DONT, FRAGMENT_MORE, FRAGMENT_OFFSET_MASK};
use components::world::application::{TCP, UDP};

use super::{Packet, TcpNumbers};
use crate::checksum::{fold, ones_complement_sum};

/// The packet, if it is a common one. `frame` is all that was captured.
#[inline(always)]
pub(super) fn parse(frame: &[u8]) -> Option<Packet> {
    let headers: &[u8; HEADERS_LENGTH] = frame.first_chunk()?;
    let word = |at: usize| u16::from_be_bytes([headers[at], headers[at + 1]]);
    let ip_length = usize::from(word(L3 + 2));
    let fragment = word(L3 + 6);
    let protocol = headers[L3 + 9];
    let udp_length = usize::from(word(L4 + 4));
    let tcp_header = usize::from(headers[L4 + 12] >> 4) * 4;
    let (least, l4_length) = match protocol {
        UDP => (8, udp_length),
        TCP => (20, tcp_header),
        _ => return None,
    };
    let sum = ones_complement_sum(&headers[L3..L4], 0);
    let is_common = (word(12) == 0x0800)
        & (headers[L3] == 0x45)
        & (L3 + ip_length <= frame.len())
        & (fragment & (FRAGMENT_OFFSET_MASK | FRAGMENT_MORE) == 0)
        & (l4_length >= least)
        & (20 + l4_length <= ip_length)
        & (fold(sum) == 0xffff);
    is_common.then(|| Packet {
        family: Family::Inet,
        protocol,
        source: Address::v4([headers[26], headers[27], headers[28], headers[29]]),
        destination: Address::v4([headers[30], headers[31], headers[32], headers[33]]),
        source_port: word(L4),
        destination_port: word(L4 + 2),
        l3_offset: L3,
        l4_offset: L4,
        ip_length: u32::from(word(L3 + 2)),
        ttl: headers[L3 + 8],
        traffic_class: headers[L3 + 1],
        fragment: fragment & FRAGMENT_DONT,
        tcp_flags: if protocol == TCP { headers[L4 + 13] } else { 0 },
        tcp: match headers.last_chunk() {
            Some(header) if protocol == TCP => {
                TcpNumbers::of(header, ip_length.saturating_sub(20 + tcp_header))
            }
            _ => TcpNumbers::default(),
        },
        ..Packet::default()
    })
}

const L3: usize = 14;
const L4: usize = 34;
/// Ethernet, IPv4, and as much as the longer of both transport headers has.
const HEADERS_LENGTH: usize = L4 + 20;
