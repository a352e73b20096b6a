//! ICMP and ICMPv6 types by what a firewall does with them (RFC 792, RFC 4443, RFC 4861, RFC 3810),
//! and the packet that an error quotes.

use components::address::{Address, Family};
use components::session::key::FlowKey;
use components::world::application::{ICMP, ICMPV6, SCTP, TCP, UDP, UDP_LITE};

/// What an ICMP message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IcmpClass {
    /// Opens a session by its identifier: echo, timestamp, information and mask requests.
    Request,
    /// Belongs to a session by its identifier.
    Reply,
    /// Quotes a packet of a session.
    Error,
    /// Neighbour discovery and multicast listeners: between the firewall and its neighbours.
    Neighbour,
    /// Anything else.
    Other,
}

/// The class of a message; [`IcmpClass::Other`] for protocols that are not ICMP.
#[must_use]
pub const fn class(protocol: u8, icmp_type: u8) -> IcmpClass {
    match (protocol, icmp_type) {
        (ICMP, 8 | 13 | 15 | 17) | (ICMPV6, 128) => IcmpClass::Request,
        (ICMP, 0 | 14 | 16 | 18) | (ICMPV6, 129) => IcmpClass::Reply,
        (ICMP, 3 | 4 | 11 | 12) | (ICMPV6, 1..=4) => IcmpClass::Error,
        (ICMPV6, 130..=137 | 143) => IcmpClass::Neighbour,
        _ => IcmpClass::Other,
    }
}

/// The ports that a message has in a flow key: identifier, and type and code. A reply has those of
/// its request on the other side, so that its key is the request's turned round, and nothing but
/// that reply fits it.
#[must_use]
pub const fn key_ports(protocol: u8, identifier: u16, icmp_type: u8, code: u8) -> (u16, u16) {
    let request = match (protocol, icmp_type) {
        (ICMP, 0) => 8,
        (ICMP, 14 | 16 | 18) => icmp_type - 1,
        (ICMPV6, 129) => 128,
        _ => return (identifier, u16::from_be_bytes([icmp_type, code])),
    };
    (u16::from_be_bytes([request, code]), identifier)
}

/// A protocol, and type and code of an echo request, as the other family has them: ICMP and ICMPv6
/// stand for each other.
#[must_use]
pub const fn echo_in(family: Family, protocol: u8, port: u16) -> (u8, u16) {
    let [_, code] = port.to_be_bytes();
    match (protocol, family) {
        (ICMP, Family::Inet6) => (ICMPV6, u16::from_be_bytes([128, code])),
        (ICMPV6, Family::Inet) => (ICMP, u16::from_be_bytes([8, code])),
        _ => (protocol, port),
    }
}

/// A protocol as the other family has it: ICMP and ICMPv6 stand for each other.
#[must_use]
pub const fn protocol_in(protocol: u8, family: Family) -> u8 {
    match (protocol, family) {
        (ICMP, Family::Inet6) => ICMPV6,
        (ICMPV6, Family::Inet) => ICMP,
        _ => protocol,
    }
}

/// The packet inside an ICMP error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// The quoted packet's flow, in its own direction.
    pub key: FlowKey,
    /// Its IP header within the ICMP message.
    pub l3_offset: usize,
    /// Its transport header within the ICMP message.
    pub l4_offset: usize,
    /// The sequence number of TCP.
    pub sequence: u32,
}

/// Bytes of an ICMP header before the quoted packet.
pub const ICMP_HEADER_LENGTH: usize = 8;

/// Reads the quote of an ICMP message that begins at `message[0]`; `None` if it is cut or no first
/// fragment.
#[must_use]
pub fn quote(family: Family, message: &[u8]) -> Option<Quote> {
    let packet = message.get(ICMP_HEADER_LENGTH..)?;
    let (source, destination, protocol, header) = match family {
        Family::None => return None,
        Family::Inet => {
            let fixed: &[u8; 20] = packet.first_chunk()?;
            let header = usize::from(fixed[0] & 15) * 4;
            let offset = u16::from_be_bytes([fixed[6], fixed[7]]) & 0x1fff;
            if fixed[0] >> 4 != 4 || header < 20 || offset != 0 {
                return None;
            }
            let address = |at: usize| Some(Address::v4(*fixed[at..].first_chunk()?));
            (address(12)?, address(16)?, fixed[9], header)
        }
        Family::Inet6 => {
            let fixed: &[u8; 40] = packet.first_chunk()?;
            if fixed[0] >> 4 != 6 {
                return None;
            }
            let address = |at: usize| Some(Address(*fixed[at..].first_chunk()?));
            (address(8)?, address(24)?, fixed[6], 40)
        }
    };
    let l4: &[u8; 8] = packet.get(header..)?.first_chunk()?;
    let (source_port, destination_port) = match protocol {
        TCP | UDP | UDP_LITE | SCTP => {
            (u16::from_be_bytes([l4[0], l4[1]]), u16::from_be_bytes([l4[2], l4[3]]))
        }
        ICMP | ICMPV6 if class(protocol, l4[0]) != IcmpClass::Error => {
            let identifier = u16::from_be_bytes([l4[4], l4[5]]);
            key_ports(protocol, identifier, l4[0], l4[1])
        }
        ICMP | ICMPV6 => return None,
        _ => (0, 0),
    };
    Some(Quote {
        key: FlowKey { source, destination, source_port, destination_port, protocol, family },
        l3_offset: ICMP_HEADER_LENGTH,
        l4_offset: ICMP_HEADER_LENGTH + header,
        sequence: u32::from_be_bytes([l4[4], l4[5], l4[6], l4[7]]),
    })
}
