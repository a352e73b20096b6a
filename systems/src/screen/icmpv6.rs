//! ICMPv6 messages that cannot be: outside IPv6, a code that the type does not have, too short for
//! the type, neighbour discovery from beyond the link or with an option of no length (RFC 4443, RFC
//! 4861 sections 6.1 and 7.1, RFC 2710). ICMP of IPv4 inside IPv6 is one as well. Only packets that
//! are whole are judged.

use components::address::Family;
use components::columns::{FRAGMENT_MORE, FRAGMENT_OFFSET_MASK};
use components::world::application::{ICMP, ICMPV6};

use super::{ScreenView, l4_length, l4_of};

/// True for a malformed message.
pub(super) fn is_malformed(view: &ScreenView<'_>, row: usize) -> bool {
    match (view.protocol[row], view.family[row]) {
        (ICMPV6, Family::Inet) | (ICMP, Family::Inet6) => return true,
        (ICMPV6, _) => {}
        _ => return false,
    }
    if view.fragment[row] & (FRAGMENT_OFFSET_MASK | FRAGMENT_MORE) != 0 {
        return false;
    }
    let [kind, code] = view.destination_port[row].to_be_bytes();
    let Some(shortest) = length_min(kind) else {
        return false;
    };
    let from_afar = is_discovery(kind) && view.ttl[row] != 255;
    let options = || l4_of(view, row).get(shortest..).unwrap_or_default();
    l4_length(view, row) < u32::try_from(shortest).unwrap_or(u32::MAX)
        || (kind >= ECHO_REQUEST && code != 0)
        || from_afar
        || (is_discovery(kind) && !options_fit(options()))
}

/// Neighbour discovery options: type and length in units of 8 bytes, never 0.
fn options_fit(mut options: &[u8]) -> bool {
    while let [_, units, ..] = *options {
        let length = usize::from(units) * 8;
        match options.get(length..) {
            Some(rest) if length > 0 => options = rest,
            _ => return false,
        }
    }
    options.is_empty()
}

const fn is_discovery(kind: u8) -> bool {
    matches!(kind, 133..=137)
}

/// Shortest message of a type in bytes; `None` for types that are not judged.
const fn length_min(kind: u8) -> Option<usize> {
    match kind {
        // Errors quote at least an IPv6 header.
        1..=4 => Some(48),
        ECHO_REQUEST | 129 | 133 => Some(8),
        130..=132 | 135 | 136 => Some(24),
        134 => Some(16),
        137 => Some(40),
        _ => None,
    }
}

const ECHO_REQUEST: u8 = 128;
