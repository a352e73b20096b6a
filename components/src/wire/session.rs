//! Session frames, which replicate sessions to an HA peer: SessionOpen and SessionUpdate share one
//! layout, SessionClose has a shorter one and an older form without zones. Here the family byte is
//! 4 or 6, ports are little-endian, and addresses are as long as the family says, so each layout
//! exists twice; `A` is the length of its addresses. A zone above 255 or an interface index above
//! 32767 does not fit, and is refused when the configuration is compiled.

use core::mem::{offset_of, size_of};
use zerocopy::{FromBytes, FromZeros, I16, Immutable, IntoBytes, KnownLayout, LE, U16, Unaligned};

use crate::wire::error::DecodeError;
use crate::wire::header::FrameType;
use crate::wire::record::read_record;

/// Payload of a SessionOpen or SessionUpdate: 56 bytes for IPv4, 116 for IPv6.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct SessionRecord<const A: usize> {
    family: u8,
    /// IP protocol number.
    pub protocol: u8,
    /// Source port.
    pub source_port: U16<LE>,
    /// Destination port.
    pub destination_port: U16<LE>,
    /// Translated source port.
    pub nat_source_port: U16<LE>,
    /// Translated destination port.
    pub nat_destination_port: U16<LE>,
    /// Owner redundancy group.
    pub owner: I16<LE>,
    /// Egress interface index.
    pub egress_ifindex: I16<LE>,
    /// Index of the interface that transmits, the parent of a VLAN interface.
    pub transmit_ifindex: I16<LE>,
    /// Tunnel endpoint id.
    pub tunnel_endpoint: U16<LE>,
    /// VLAN id on transmission.
    pub transmit_vlan: U16<LE>,
    /// [`SESSION_FABRIC_REDIRECT`], [`SESSION_FABRIC_INGRESS`] and [`SESSION_REVERSE`].
    pub flags: u8,
    /// Ingress zone id.
    pub ingress_zone: u8,
    /// Egress zone id.
    pub egress_zone: u8,
    /// A [`Disposition`]; any byte travels.
    pub disposition: u8,
    /// Source address.
    pub source: [u8; A],
    /// Destination address.
    pub destination: [u8; A],
    /// Translated source address.
    pub nat_source: [u8; A],
    /// Translated destination address.
    pub nat_destination: [u8; A],
    /// MAC address of the next hop.
    pub neighbour_mac: [u8; 6],
    /// MAC address to send from.
    pub source_mac: [u8; 6],
    /// Next hop.
    pub next_hop: [u8; A],
}

/// Payload of a SessionClose up to its zones: 17 bytes for IPv4, 41 for IPv6.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct SessionEndRecord<const A: usize> {
    family: u8,
    /// IP protocol number.
    pub protocol: u8,
    /// Source port.
    pub source_port: U16<LE>,
    /// Destination port.
    pub destination_port: U16<LE>,
    /// Source address.
    pub source: [u8; A],
    /// Destination address.
    pub destination: [u8; A],
    /// Owner redundancy group.
    pub owner: I16<LE>,
    /// As in a [`SessionRecord`].
    pub flags: u8,
}

/// The last two bytes of a SessionClose, which its older form lacks.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct SessionEndZones {
    /// Ingress zone id.
    pub ingress_zone: u8,
    /// Egress zone id.
    pub egress_zone: u8,
}

/// The session leaves over the fabric link, through the peer.
pub const SESSION_FABRIC_REDIRECT: u8 = 1;
/// The session came in over the fabric link.
pub const SESSION_FABRIC_INGRESS: u8 = 2;
/// The record is of the server's direction.
pub const SESSION_REVERSE: u8 = 4;

crate::reasons! {
    /// What a session does with its packets.
    Disposition {
        Forward "forward" "Forwarded to the next hop.",
        LocalDelivery "local_delivery" "For the firewall itself.",
        FabricRedirect "fabric_redirect" "Handed to the peer over the fabric link.",
        #[default] PolicyDenied "policy_denied" "Denied by policy.",
        NoRoute "no_route" "No route to the destination.",
        MissingNeighbour "missing_neighbour" "The next hop's MAC address is not known.",
        HaInactive "ha_inactive" "The redundancy group is not active on this node.",
        DiscardRoute "discard_route" "The route says discard.",
        NextTableUnsupported "next_table_unsupported" "The route goes on in another table.",
    }
}

impl<const A: usize> SessionRecord<A> {
    /// All zero but the family.
    fn of_family(family: u8) -> Self {
        Self { family, ..Self::new_zeroed() }
    }

    /// What the session does with its packets; `None` for a byte that names nothing.
    #[must_use]
    pub fn disposition(&self) -> Option<Disposition> {
        Disposition::ALL.get(usize::from(self.disposition)).copied()
    }
}

impl Default for SessionRecord<4> {
    fn default() -> Self {
        Self::of_family(FAMILY_V4)
    }
}

impl Default for SessionRecord<16> {
    fn default() -> Self {
        Self::of_family(FAMILY_V6)
    }
}

impl Default for SessionEndRecord<4> {
    fn default() -> Self {
        Self { family: FAMILY_V4, ..Self::new_zeroed() }
    }
}

impl Default for SessionEndRecord<16> {
    fn default() -> Self {
        Self { family: FAMILY_V6, ..Self::new_zeroed() }
    }
}

/// A session that began or changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Session {
    /// Over IPv4.
    V4(SessionRecord<4>),
    /// Over IPv6.
    V6(SessionRecord<16>),
}

/// A session that ended; no zones stands for the older form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionEnd {
    /// Over IPv4.
    V4(SessionEndRecord<4>, Option<SessionEndZones>),
    /// Over IPv6.
    V6(SessionEndRecord<16>, Option<SessionEndZones>),
}

impl Session {
    /// The payload.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::V4(record) => record.as_bytes(),
            Self::V6(record) => record.as_bytes(),
        }
    }

    /// Reads the payload of a SessionOpen or SessionUpdate.
    ///
    /// # Errors
    /// A family byte other than 4 and 6, and a length that is not the family's.
    pub fn decode(frame_type: FrameType, payload: &[u8]) -> Result<Self, DecodeError> {
        match family(frame_type, payload)? {
            FAMILY_V4 => read_record(frame_type, payload).map(Self::V4),
            _ => read_record(frame_type, payload).map(Self::V6),
        }
    }
}

impl SessionEnd {
    /// Appends the payload to `out`.
    pub fn write(&self, out: &mut impl Extend<u8>) {
        let (record, zones) = match self {
            Self::V4(record, zones) => (record.as_bytes(), zones),
            Self::V6(record, zones) => (record.as_bytes(), zones),
        };
        out.extend(record.iter().copied());
        if let Some(zones) = zones {
            out.extend(zones.as_bytes().iter().copied());
        }
    }

    /// Reads the payload of a SessionClose, in either form.
    ///
    /// # Errors
    /// A family byte other than 4 and 6, and a length that is neither of the family's two.
    pub fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        match family(FrameType::SessionClose, payload)? {
            FAMILY_V4 => with_zones(payload).map(|(record, zones)| Self::V4(record, zones)),
            _ => with_zones(payload).map(|(record, zones)| Self::V6(record, zones)),
        }
    }
}

/// The family byte, 4 or 6. An empty payload is one of the wrong length.
fn family(frame_type: FrameType, payload: &[u8]) -> Result<u8, DecodeError> {
    match payload.first() {
        Some(&family @ (FAMILY_V4 | FAMILY_V6)) => Ok(family),
        Some(&family) => Err(DecodeError::Family { frame_type, family }),
        None => Err(DecodeError::Length { frame_type, expected: 1, actual: 0 }),
    }
}

/// The payload as a record, alone or followed by zones.
fn with_zones<R: FromBytes>(payload: &[u8]) -> Result<(R, Option<SessionEndZones>), DecodeError> {
    let length = DecodeError::Length {
        frame_type: FrameType::SessionClose,
        expected: size_of::<R>() + size_of::<SessionEndZones>(),
        actual: payload.len(),
    };
    let (record, rest) = R::read_from_prefix(payload).map_err(|_| length)?;
    if rest.is_empty() {
        return Ok((record, None));
    }
    let zones = SessionEndZones::read_from_bytes(rest).map_err(|_| length)?;
    Ok((record, Some(zones)))
}

/// Family byte of an IPv4 session.
const FAMILY_V4: u8 = 4;
/// Family byte of an IPv6 session.
const FAMILY_V6: u8 = 6;

/// Asserts the offsets of both layouts for addresses of length `A`.
macro_rules! assert_layouts {
    ($A:literal) => {
        const _: () = {
            const A: usize = $A;
            assert!(offset_of!(SessionRecord<A>, family) == 0);
            assert!(offset_of!(SessionRecord<A>, protocol) == 1);
            assert!(offset_of!(SessionRecord<A>, source_port) == 2);
            assert!(offset_of!(SessionRecord<A>, destination_port) == 4);
            assert!(offset_of!(SessionRecord<A>, nat_source_port) == 6);
            assert!(offset_of!(SessionRecord<A>, nat_destination_port) == 8);
            assert!(offset_of!(SessionRecord<A>, owner) == 10);
            assert!(offset_of!(SessionRecord<A>, egress_ifindex) == 12);
            assert!(offset_of!(SessionRecord<A>, transmit_ifindex) == 14);
            assert!(offset_of!(SessionRecord<A>, tunnel_endpoint) == 16);
            assert!(offset_of!(SessionRecord<A>, transmit_vlan) == 18);
            assert!(offset_of!(SessionRecord<A>, flags) == 20);
            assert!(offset_of!(SessionRecord<A>, ingress_zone) == 21);
            assert!(offset_of!(SessionRecord<A>, egress_zone) == 22);
            assert!(offset_of!(SessionRecord<A>, disposition) == 23);
            assert!(offset_of!(SessionRecord<A>, source) == 24);
            assert!(offset_of!(SessionRecord<A>, destination) == 24 + A);
            assert!(offset_of!(SessionRecord<A>, nat_source) == 24 + 2 * A);
            assert!(offset_of!(SessionRecord<A>, nat_destination) == 24 + 3 * A);
            assert!(offset_of!(SessionRecord<A>, neighbour_mac) == 24 + 4 * A);
            assert!(offset_of!(SessionRecord<A>, source_mac) == 30 + 4 * A);
            assert!(offset_of!(SessionRecord<A>, next_hop) == 36 + 4 * A);
            assert!(size_of::<SessionRecord<A>>() == 36 + 5 * A);

            assert!(offset_of!(SessionEndRecord<A>, family) == 0);
            assert!(offset_of!(SessionEndRecord<A>, protocol) == 1);
            assert!(offset_of!(SessionEndRecord<A>, source_port) == 2);
            assert!(offset_of!(SessionEndRecord<A>, destination_port) == 4);
            assert!(offset_of!(SessionEndRecord<A>, source) == 6);
            assert!(offset_of!(SessionEndRecord<A>, destination) == 6 + A);
            assert!(offset_of!(SessionEndRecord<A>, owner) == 6 + 2 * A);
            assert!(offset_of!(SessionEndRecord<A>, flags) == 8 + 2 * A);
            assert!(size_of::<SessionEndRecord<A>>() == 9 + 2 * A);
        };
    };
}

assert_layouts!(4);
assert_layouts!(16);

const _: () = {
    assert!(size_of::<SessionRecord<4>>() == 56 && size_of::<SessionRecord<16>>() == 116);
    assert!(offset_of!(SessionEndZones, ingress_zone) == 0);
    assert!(offset_of!(SessionEndZones, egress_zone) == 1);
    assert!(size_of::<SessionEndZones>() == 2);
};
