//! The IPv6 header and its extension chain (RFC 8200), walked to the upper layer within a bound.
//! ESP, AH, mobility, HIP and Shim6 end the walk and are the protocol, as on an SRX. Only
//! hop-by-hop must stand first; a chain that breaks this, repeats a header or holds options that do
//! not fit gets the malformed bit, which a screen judges. An atomic fragment (RFC 6946) is a whole
//! packet.

use components::address::{Address, Family};
use components::columns::{FRAGMENT_MORE, FRAGMENT_OFFSET_MASK, extension};
use components::reason::DropReason;

use super::{Frame, Packet};

/// The header and its chain; the transport is not looked at.
#[inline(never)]
pub(super) fn parse(frame: Frame<'_>, l3: usize, headers_max: u8) -> Result<Packet, DropReason> {
    let header: &[u8; HEADER_LENGTH] = frame.take(l3)?;
    if header[0] >> 4 != 6 {
        return Err(DropReason::BadIpVersion);
    }
    let payload_length = u16::from_be_bytes([header[4], header[5]]);
    if payload_length == 0 && header[6] == HOP_BY_HOP {
        // RFC 2675: only a jumbogram has options in a payload of no length.
        return Err(DropReason::Ipv6Jumbogram);
    }
    let end = l3 + HEADER_LENGTH + usize::from(payload_length);
    if end > frame.wire_length {
        return Err(DropReason::Ipv6LengthBeyondFrame);
    }
    let (source, rest) = header[8..].split_first_chunk().unwrap_or((&[0; 16], &[]));
    let mut packet = Packet {
        family: Family::Inet6,
        protocol: header[6],
        source: Address(*source),
        destination: rest.first_chunk().copied().map_or(Address::ZERO, Address),
        l3_offset: l3,
        l4_offset: l3 + HEADER_LENGTH,
        ip_length: 40 + u32::from(payload_length),
        ttl: header[7],
        traffic_class: header[0] << 4 | header[1] >> 4,
        ..Packet::default()
    };
    let limit = end.min(frame.bytes.len());
    let mut chain = Chain::new(&frame.bytes[..limit], header[6], packet.l4_offset);
    let mut destinations = 0;
    while extension_bit(chain.next) & !extension::NO_NEXT != 0 {
        if packet.extension_count == headers_max {
            return Err(DropReason::ExtensionChainTooLong);
        }
        let kind = chain.next;
        let step = chain.step().map_err(|beyond| match beyond {
            beyond if beyond <= end => DropReason::Snapped,
            // RFC 7112: the first fragment holds the whole chain.
            _ if packet.fragment & FRAGMENT_MORE != 0 => DropReason::FragmentTiny,
            _ => DropReason::TruncatedExtensionHeader,
        })?;
        destinations += u8::from(kind == DESTINATION);
        packet.note(kind, step, destinations);
        let Some(body) = step else { break };
        if kind == FRAGMENT {
            packet.fragmented(body, end - chain.at)?;
            if packet.fragment & FRAGMENT_OFFSET_MASK != 0 {
                // What follows is somewhere in the middle of the original packet.
                break;
            }
        }
    }
    if chain.next == NO_NEXT {
        packet.extensions |= extension::NO_NEXT;
    }
    packet.protocol = chain.next;
    packet.l4_offset = chain.at;
    Ok(packet)
}

impl Packet {
    /// Counts an extension header and checks it against the rules of RFC 8200 section 4.1:
    /// hop-by-hop first, each at most once, destination options at most twice, contents within the
    /// header.
    fn note(&mut self, kind: u8, body: Option<&[u8]>, destinations: u8) {
        let bit = extension_bit(kind);
        let misplaced = kind == HOP_BY_HOP && self.extension_count > 0;
        let repeated = self.extensions & bit != 0 && (kind != DESTINATION || destinations > 2);
        if misplaced || repeated || body.is_some_and(|body| !body_fits(kind, body)) {
            self.extensions |= extension::MALFORMED;
        }
        self.extensions |= bit;
        self.extension_count += 1;
    }

    /// Takes a fragment header's offset and identification; `length` is what follows the header in
    /// the packet. A fragment of a fragment is none that a host may make.
    fn fragmented(&mut self, body: &[u8], length: usize) -> Result<(), DropReason> {
        if self.fragment != 0 {
            return Err(DropReason::BadFragment);
        }
        let field = u16::from_be_bytes([body[2], body[3]]);
        let more = field & 1 == 1;
        self.fragment = field >> 3 | if more { FRAGMENT_MORE } else { 0 };
        if more && !length.is_multiple_of(8) {
            return Err(DropReason::BadFragment);
        }
        if self.fragment != 0 {
            self.identification = u32::from_be_bytes([body[4], body[5], body[6], body[7]]);
            self.fragment_length = u16::try_from(length).unwrap_or(u16::MAX);
        }
        Ok(())
    }
}

/// A walk over the extension headers that have a common form: hop-by-hop, routing, fragment and
/// destination options.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chain<'a> {
    packet: &'a [u8],
    next: u8,
    at: usize,
}

impl<'a> Chain<'a> {
    /// A walk that begins with the header `next` at offset `at` and stays within `packet`.
    pub(crate) const fn new(packet: &'a [u8], next: u8, at: usize) -> Self {
        Self { packet, next, at }
    }

    /// The body of the header that stands here, and on to the one behind it; `None` if the walk
    /// ends here.
    ///
    /// # Errors
    /// The offset up to which bytes are missing.
    fn step(&mut self) -> Result<Option<&'a [u8]>, usize> {
        if !matches!(self.next, HOP_BY_HOP | ROUTING | FRAGMENT | DESTINATION) {
            return Ok(None);
        }
        let rest = self.packet.get(self.at..).unwrap_or(&[]);
        let [next, units, ..] = *rest else {
            return Err(self.at + 8);
        };
        let length = match self.next {
            FRAGMENT => 8,
            _ => (usize::from(units) + 1) * 8,
        };
        let body = rest.get(..length).ok_or(self.at + length)?;
        self.next = next;
        self.at += length;
        Ok(Some(body))
    }
}

impl<'a> Iterator for Chain<'a> {
    /// The header's number and its bytes.
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let kind = self.next;
        Some((kind, self.step().ok()??))
    }
}

/// The types of the options in a hop-by-hop or destination header; ends early where they do not
/// fit.
pub(crate) fn option_types(body: &[u8]) -> impl Iterator<Item = u8> {
    OptionTypes::of(body)
}

/// True if the options of a hop-by-hop or destination header end where it ends.
pub(crate) fn options_fit(body: &[u8]) -> bool {
    let mut options = OptionTypes::of(body);
    while options.next().is_some() {}
    options.0.is_empty()
}

/// What is left of an options list.
struct OptionTypes<'a>(&'a [u8]);

impl<'a> OptionTypes<'a> {
    fn of(body: &'a [u8]) -> Self {
        Self(body.get(2..).unwrap_or_default())
    }
}

impl Iterator for OptionTypes<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        let (&kind, rest) = self.0.split_first()?;
        let length = match kind {
            PAD1 => 0,
            _ => usize::from(*rest.first()?) + 1,
        };
        self.0 = rest.get(length..)?;
        Some(kind)
    }
}

/// True if the contents stay within the header: options end where it ends, segments left are there.
fn body_fits(kind: u8, body: &[u8]) -> bool {
    match kind {
        HOP_BY_HOP | DESTINATION => options_fit(body),
        // Types 0 (RFC 5095) and 2 (RFC 6275) hold 16-byte addresses.
        ROUTING if matches!(body[2], 0 | 2) => {
            body[1].is_multiple_of(2) && body[3] <= body[1] / 2 && (body[2] == 0 || body[1] == 2)
        }
        _ => true,
    }
}

/// The bit of [`extension`] for a header number; 0 for an upper layer.
const fn extension_bit(kind: u8) -> u16 {
    match kind {
        HOP_BY_HOP => extension::HOP_BY_HOP,
        ROUTING => extension::ROUTING,
        FRAGMENT => extension::FRAGMENT,
        50 => extension::ESP,
        51 => extension::AH,
        NO_NEXT => extension::NO_NEXT,
        DESTINATION => extension::DESTINATION,
        135 => extension::MOBILITY,
        139 => extension::HIP,
        140 => extension::SHIM6,
        _ => 0,
    }
}

const HEADER_LENGTH: usize = 40;
const PAD1: u8 = 0;
/// Header numbers that the walk and the screens name.
pub(crate) const HOP_BY_HOP: u8 = 0;
pub(crate) const DESTINATION: u8 = 60;
pub(crate) const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const NO_NEXT: u8 = 59;
