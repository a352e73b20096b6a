//! The schema: one macro call names every column of a batch, its type and what it holds. Columns
//! are born zeroed in an arena that is reset after the batch, so nothing of one packet can leak
//! into another's log. A system touches columns through a view ([`crate::view!`]), which is both a
//! type and the access set that the schedule checks.

use bumpalo::Bump;

use crate::address::{Address, Family};
use crate::fragment::FragmentMark;
use crate::ids::{AppId, FragmentRef, IfIndex, NextHopId, PolicyId, RuleId, SessionRef, ZoneId};
use crate::reason::Verdict;

macro_rules! columns {
    ($($(#[$doc:meta])+ $name:ident: $type:ty,)+) => {
        /// The slices of all columns, each as long as the batch has rows.
        #[derive(Debug)]
        pub struct Columns<'a> {
            $($(#[$doc])+ pub $name: &'a mut [$type],)+
        }

        impl<'a> Columns<'a> {
            /// Zeroed columns of `rows` rows.
            #[must_use]
            pub fn zeroed(arena: &'a Bump, rows: usize) -> Self {
                Self { $($name: arena.alloc_slice_fill_copy(rows, <$type>::default()),)+ }
            }
        }

        /// A column by name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[expect(non_camel_case_types, reason = "one list serves fields, names and ids")]
        #[repr(u8)]
        pub enum Column { $($(#[$doc])+ $name,)+ }

        impl Column {
            /// All columns in schema order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The field's name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)+ }
            }
        }

        /// The element type of each column, for views.
        #[expect(non_camel_case_types, reason = "named as the columns are")]
        pub mod column_type {
            use super::*;
            $($(#[$doc])+ pub type $name = $type;)+
        }
    };
}

columns! {
    /// Port: the packet's own time, nanoseconds since the Unix epoch.
    time_ns: u64,
    /// Port: the clock that timers go by: `time_ns` made monotonic.
    clock_ns: u64,
    /// Port: first byte of the frame in the batch's frame memory.
    offset: u32,
    /// Port: captured bytes.
    length: u32,
    /// Port: bytes before the frame that are its own, for headers that grow.
    headroom: u16,
    /// Port: bytes on the wire; above `length` where a snap length cut the frame.
    wire_length: u32,
    /// Port: link type.
    link: LinkType,
    /// Port: the interface that it is bound to; none to go by the source address's route.
    bound_ingress: IfIndex,

    /// Parse: the ingress interface.
    ingress: IfIndex,
    /// Parse: its zone.
    zone: ZoneId,
    /// Parse: address family, none if not IP.
    family: Family,
    /// Parse: transport protocol, behind IPv6 extension headers.
    protocol: u8,
    /// Parse: source address.
    source: Address,
    /// Parse: destination address.
    destination: Address,
    /// Parse: source port in host order; ICMP: the identifier, 0 for types without one.
    source_port: u16,
    /// Parse: destination port in host order; ICMP: type in the upper, code in the lower byte.
    destination_port: u16,
    /// Parse: first byte of the IP header within the frame.
    l3_offset: u16,
    /// Parse: first byte of the transport header within the frame.
    l4_offset: u16,
    /// Parse: length of the IP packet in bytes, padding excluded.
    ip_length: u32,
    /// Parse: TTL or hop limit.
    ttl: u8,
    /// Parse: TOS or traffic class byte.
    traffic_class: u8,
    /// Parse: fragment offset in units of 8 bytes, with 0x2000 for "more fragments" and 0x4000 for
    /// "don't fragment".
    fragment: u16,
    /// Parse: a fragment's identification; 0 for whole packets.
    identification: u32,
    /// Parse: bytes of the datagram's payload that a fragment holds; 0 for whole packets.
    fragment_length: u16,
    /// Parse: what the packet is to its datagram.
    fragment_mark: FragmentMark,
    /// Parse: the datagram; none for whole packets and for fragments of no open datagram.
    datagram: FragmentRef,
    /// Parse: TCP flags byte.
    tcp_flags: u8,
    /// Parse: TCP sequence number.
    tcp_sequence: u32,
    /// Parse: TCP acknowledgment number, whether the ACK flag is set or not.
    tcp_acknowledgment: u32,
    /// Parse: TCP window as in the header, unscaled.
    tcp_window: u16,
    /// Parse: bytes of TCP data in this packet.
    tcp_payload: u16,
    /// Parse: IPv4 options seen, bits of [`ip_option`].
    ip_options: u16,
    /// Parse: IPv6 extension headers seen, bits of [`extension`].
    extensions: u16,
    /// Parse: number of IPv6 extension headers.
    extension_count: u8,

    /// Policy: the session, none if the row has none.
    session: SessionRef,
    /// Policy: 0 from client to server, 1 back.
    direction: u8,
    /// Policy: the egress interface.
    egress: IfIndex,
    /// Policy: its zone.
    egress_zone: ZoneId,
    /// Policy: the route's next hop.
    next_hop: NextHopId,
    /// Policy: the policy that decided; 0 for the default policy.
    policy: PolicyId,
    /// Policy: its ordinal.
    rule: RuleId,
    /// Policy: the application.
    application: AppId,

    /// Nat: source as transmitted.
    nat_source: Address,
    /// Nat: destination as transmitted.
    nat_destination: Address,
    /// Nat: source port (ICMP identifier) as transmitted.
    nat_source_port: u16,
    /// Nat: destination port as transmitted.
    nat_destination_port: u16,
    /// Nat: true if any of the four differs from what arrived.
    translated: bool,
    /// Nat: family as transmitted.
    nat_family: Family,
    /// Nat: protocol as transmitted.
    nat_protocol: u8,

    /// Rewrite: first byte of the transmitted IP packet within the frame memory.
    out_offset: u32,
    /// Rewrite: its length in bytes, as far as it was captured or not.
    out_length: u32,

    /// Shared: the fate so far.
    verdict: Verdict,
}

/// Link types that captures and ports have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum LinkType {
    /// Anything that is not parsed.
    #[default]
    Other,
    /// Ethernet II with 802.1Q tags (LINKTYPE 1).
    Ethernet,
    /// An IP packet and nothing before it (101, 228, 229).
    RawIp,
    /// Linux cooked capture v1 (113).
    LinuxSll,
    /// Linux cooked capture v2 (276).
    LinuxSll2,
    /// BSD loopback: address family in four bytes of either order (0, 108).
    Loopback,
}

/// Bits of the `ip_options` column (RFC 791, RFC 1108 and IANA's ip-parameters).
pub mod ip_option {
    /// Record route, option 7.
    pub const RECORD_ROUTE: u16 = 1;
    /// Timestamp, option 68.
    pub const TIMESTAMP: u16 = 1 << 1;
    /// Security, option 130.
    pub const SECURITY: u16 = 1 << 2;
    /// Loose source route, option 131.
    pub const LOOSE_SOURCE_ROUTE: u16 = 1 << 3;
    /// Stream id, option 136.
    pub const STREAM: u16 = 1 << 4;
    /// Strict source route, option 137.
    pub const STRICT_SOURCE_ROUTE: u16 = 1 << 5;
    /// Any other option.
    pub const OTHER: u16 = 1 << 6;
    /// A length that does not fit: the list is malformed.
    pub const MALFORMED: u16 = 1 << 7;
}

/// Bits of the `extensions` column (RFC 8200 and IANA's IPv6 extension header types).
pub mod extension {
    /// Hop-by-hop options, 0.
    pub const HOP_BY_HOP: u16 = 1;
    /// Routing, 43.
    pub const ROUTING: u16 = 1 << 1;
    /// Fragment, 44.
    pub const FRAGMENT: u16 = 1 << 2;
    /// Encapsulating security payload, 50.
    pub const ESP: u16 = 1 << 3;
    /// Authentication header, 51.
    pub const AH: u16 = 1 << 4;
    /// No next header, 59.
    pub const NO_NEXT: u16 = 1 << 5;
    /// Destination options, 60.
    pub const DESTINATION: u16 = 1 << 6;
    /// Mobility, 135.
    pub const MOBILITY: u16 = 1 << 7;
    /// Host identity protocol, 139.
    pub const HIP: u16 = 1 << 8;
    /// Shim6, 140.
    pub const SHIM6: u16 = 1 << 9;
    /// The chain breaks a rule of RFC 8200 (order, repetition, length).
    pub const MALFORMED: u16 = 1 << 10;
}

/// TCP flag bits (RFC 9293).
pub mod tcp_flag {
    /// No more data from the sender.
    pub const FIN: u8 = 1;
    /// Synchronize sequence numbers.
    pub const SYN: u8 = 2;
    /// Reset the connection.
    pub const RST: u8 = 4;
    /// Push.
    pub const PSH: u8 = 8;
    /// Acknowledgment field is significant.
    pub const ACK: u8 = 16;
    /// Urgent pointer is significant.
    pub const URG: u8 = 32;
}

/// Fragment offset bits of the `fragment` column.
pub const FRAGMENT_OFFSET_MASK: u16 = 0x1fff;
/// "More fragments" bit of the `fragment` column.
pub const FRAGMENT_MORE: u16 = 0x2000;
/// "Don't fragment" bit of the `fragment` column.
pub const FRAGMENT_DONT: u16 = 0x4000;
