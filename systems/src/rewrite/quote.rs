//! The packet quoted in an ICMP error, translated back: the far end sent it back as the firewall
//! had transmitted it, and the sender must read it as it had sent it. The outer ICMP checksum
//! covers every changed byte, checksums included.

use components::address::Family;
use components::session::record::Session;
use components::world::application::{ICMP, ICMPV6, SCTP, TCP, UDP, UDP_LITE};

use super::delta::Delta;
use crate::checksum;
use crate::icmp;

/// Rewrites the quote of the error that begins at `packet[l4]` and travels in `direction` of its
/// session.
pub(super) fn translate(
    packet: &mut [u8],
    l4: usize,
    family: Family,
    session: &Session,
    direction: u8,
) {
    let Some(message) = packet.get_mut(l4..) else {
        return;
    };
    let Some(quote) = icmp::quote(family, message) else {
        return;
    };
    // The quoted packet went the other way: it arrived here with that direction's key.
    let original = &session.keys[usize::from(1 - (direction & 1))];
    let inner = &mut message[quote.l3_offset..];
    let header = quote.l4_offset - quote.l3_offset;
    let before = sum(inner);
    let addresses = super::write_addresses(inner, family, original.source, original.destination);
    if family == Family::Inet {
        addresses.apply(inner, 10);
    }
    let mut source_port = [quote.key.source_port, original.source_port];
    let mut destination_port = [quote.key.destination_port, original.destination_port];
    if matches!(quote.key.protocol, ICMP | ICMPV6) {
        // The identifier stands on the client's side of the key; type and code stay.
        if direction & 1 == 0 {
            source_port = destination_port;
        }
        destination_port = [0; 2];
    }
    let tuple = super::Tuple {
        family,
        protocol: quote.key.protocol,
        source: [quote.key.source, original.source],
        destination: [quote.key.destination, original.destination],
        source_port,
        destination_port,
    };
    transport(inner, header, &tuple, addresses);
    let after = sum(inner);
    Delta::default().change(before, after).apply(message, 2);
}

/// Ports, and the transport checksum where the quote is long enough to hold it.
fn transport(inner: &mut [u8], header: usize, tuple: &super::Tuple, addresses: Delta) {
    let ports = addresses
        .change(tuple.source_port[0], tuple.source_port[1])
        .change(tuple.destination_port[0], tuple.destination_port[1]);
    match tuple.protocol {
        TCP => {
            super::write_ports(inner, header, tuple);
            ports.apply(inner, header + 16);
        }
        UDP | UDP_LITE => {
            super::write_ports(inner, header, tuple);
            ports.apply_udp(inner, header + 6, tuple.protocol == UDP);
        }
        SCTP => super::write_ports(inner, header, tuple),
        ICMP | ICMPV6 => {
            super::write_identifier(inner, header, tuple);
            let base = if tuple.protocol == ICMPV6 { addresses } else { Delta::default() };
            base.change(tuple.source_port[0], tuple.source_port[1]).apply(inner, header + 2);
        }
        _ => {}
    }
}

/// Ones' complement sum of what was captured of the quote.
fn sum(bytes: &[u8]) -> u16 {
    checksum::fold(checksum::ones_complement_sum(bytes, 0))
}
