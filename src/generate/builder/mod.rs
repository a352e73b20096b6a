//! Frames from a description: Ethernet with VLAN tags, IPv4 with options, IPv6 with extension
//! headers, and a layer above. Lengths and checksums come out right unless they are overridden;
//! what a layer does not have (a SYN flag of UDP) does not compile.
//!
//! ```
//! use weir::generate::Packet;
//! let frame = Packet::ipv4([10, 1, 1, 10], [192, 0, 2, 80]).tcp(50_000, 80).syn().build();
//! assert_eq!(frame.len(), 14 + 20 + 20);
//! ```

mod checksum;
mod header;
mod layer;
mod neighbor;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub use checksum::checksum;
use header::padded_options;
pub use layer::{Icmp, Layer, Raw, Tcp, Udp, flag};
pub use neighbor::{arp_reply, arp_request, neighbor_advertisement, neighbor_solicitation};

/// A packet under construction; `L` is the layer above IP.
#[derive(Clone, Debug)]
pub struct Packet<L = Raw> {
    source_mac: [u8; 6],
    destination_mac: [u8; 6],
    /// Tag protocol identifier and tag, outermost first.
    tags: Vec<(u16, u16)>,
    addresses: Addresses,
    ttl: u8,
    traffic_class: u8,
    flow_label: u32,
    identification: u32,
    dont_fragment: bool,
    /// Offset in bytes and the more-fragments flag.
    fragment: Option<(u16, bool)>,
    options: Vec<u8>,
    /// Header type and body; the first byte of a body is filled with the next header.
    extensions: Vec<(u8, Vec<u8>)>,
    claimed_len: Option<u16>,
    layer: L,
    payload: Vec<u8>,
}

/// Source and destination.
#[derive(Clone, Copy, Debug)]
pub enum Addresses {
    /// Of an IPv4 packet.
    V4(Ipv4Addr, Ipv4Addr),
    /// Of an IPv6 packet.
    V6(Ipv6Addr, Ipv6Addr),
}

impl Packet {
    /// An IPv4 packet: TTL 64, nothing above IP yet.
    #[must_use]
    pub fn ipv4(source: impl Into<Ipv4Addr>, destination: impl Into<Ipv4Addr>) -> Self {
        Self::new(Addresses::V4(source.into(), destination.into()))
    }

    /// An IPv6 packet: hop limit 64, nothing above IP yet.
    #[must_use]
    pub fn ipv6(source: impl Into<Ipv6Addr>, destination: impl Into<Ipv6Addr>) -> Self {
        Self::new(Addresses::V6(source.into(), destination.into()))
    }

    /// A packet of the addresses' family; of two families, IPv6 with an IPv4-mapped address.
    #[must_use]
    pub fn between(source: IpAddr, destination: IpAddr) -> Self {
        let mapped = |address| match address {
            IpAddr::V4(address) => address.to_ipv6_mapped(),
            IpAddr::V6(address) => address,
        };
        match (source, destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => Self::ipv4(source, destination),
            _ => Self::ipv6(mapped(source), mapped(destination)),
        }
    }

    fn new(addresses: Addresses) -> Self {
        Self {
            source_mac: [0x02, 0, 0, 0, 0, 0x01],
            destination_mac: [0x02, 0, 0, 0, 0, 0x02],
            tags: Vec::new(),
            addresses,
            ttl: 64,
            traffic_class: 0,
            flow_label: 0,
            identification: 0,
            dont_fragment: false,
            fragment: None,
            options: Vec::new(),
            extensions: Vec::new(),
            claimed_len: None,
            layer: Raw::default(),
            payload: Vec::new(),
        }
    }

    /// A TCP segment without flags.
    #[must_use]
    pub fn tcp(self, source_port: u16, destination_port: u16) -> Packet<Tcp> {
        self.with_layer(Tcp::new(source_port, destination_port))
    }

    /// A UDP datagram.
    #[must_use]
    pub fn udp(self, source_port: u16, destination_port: u16) -> Packet<Udp> {
        self.with_layer(Udp::new(source_port, destination_port))
    }

    /// An ICMP message (ICMPv6 over IPv6); `rest` is the second header word.
    #[must_use]
    pub fn icmp(self, kind: u8, code: u8, rest: [u8; 4]) -> Packet<Icmp> {
        self.with_layer(Icmp { kind, code, rest })
    }

    /// An echo request of the packet's family.
    #[must_use]
    pub fn echo_request(self, identifier: u16, sequence: u16) -> Packet<Icmp> {
        let kind = if self.is_ipv6() { 128 } else { 8 };
        self.icmp(kind, 0, echo_rest(identifier, sequence))
    }

    /// An echo reply of the packet's family.
    #[must_use]
    pub fn echo_reply(self, identifier: u16, sequence: u16) -> Packet<Icmp> {
        let kind = if self.is_ipv6() { 129 } else { 0 };
        self.icmp(kind, 0, echo_rest(identifier, sequence))
    }

    /// Any other protocol: the payload follows the IP header as it is.
    #[must_use]
    pub fn protocol(mut self, protocol: u8) -> Self {
        self.layer = Raw { protocol };
        self
    }

    fn with_layer<L: Layer>(self, layer: L) -> Packet<L> {
        Packet {
            source_mac: self.source_mac,
            destination_mac: self.destination_mac,
            tags: self.tags,
            addresses: self.addresses,
            ttl: self.ttl,
            traffic_class: self.traffic_class,
            flow_label: self.flow_label,
            identification: self.identification,
            dont_fragment: self.dont_fragment,
            fragment: self.fragment,
            options: self.options,
            extensions: self.extensions,
            claimed_len: self.claimed_len,
            layer,
            payload: self.payload,
        }
    }
}

/// Link and network header.
impl<L: Layer> Packet<L> {
    /// Source and destination address of the Ethernet header.
    #[must_use]
    pub fn macs(mut self, source: [u8; 6], destination: [u8; 6]) -> Self {
        self.source_mac = source;
        self.destination_mac = destination;
        self
    }

    /// Adds an 802.1Q tag inside the tags so far; two calls make a double-tagged frame.
    #[must_use]
    pub fn vlan(mut self, id: u16) -> Self {
        self.tags.push((0x8100, id));
        self
    }

    /// Adds an 802.1ad service tag (QinQ), to be followed by [`Self::vlan`].
    #[must_use]
    pub fn service_vlan(mut self, id: u16) -> Self {
        self.tags.push((0x88a8, id));
        self
    }

    /// TTL or hop limit.
    #[must_use]
    pub fn ttl(mut self, ttl: u8) -> Self {
        self.ttl = ttl;
        self
    }

    /// Type of service or traffic class: DSCP in the upper six bits, ECN in the lower two.
    #[must_use]
    pub fn traffic_class(mut self, traffic_class: u8) -> Self {
        self.traffic_class = traffic_class;
        self
    }

    /// IPv6 flow label, of which 20 bits go in.
    #[must_use]
    pub fn flow_label(mut self, label: u32) -> Self {
        self.flow_label = label;
        self
    }

    /// Identification for reassembly; IPv4 takes the lower 16 bits.
    #[must_use]
    pub fn identification(mut self, identification: u32) -> Self {
        self.identification = identification;
        self
    }

    /// Sets the IPv4 DF flag.
    #[must_use]
    pub fn dont_fragment(mut self) -> Self {
        self.dont_fragment = true;
        self
    }

    /// Makes this one fragment, at `offset` bytes (a multiple of 8), of a larger packet.
    /// [`Self::fragments`] cuts a whole packet instead.
    #[must_use]
    pub fn fragment(mut self, offset: u16, more: bool) -> Self {
        self.fragment = Some((offset, more));
        self
    }

    /// Appends an IPv4 option as it stands; all together are padded to a multiple of 4.
    #[must_use]
    pub fn option(mut self, option: &[u8]) -> Self {
        self.options.extend_from_slice(option);
        self
    }

    /// Appends an IPv6 extension header of type `kind`; `body` is everything behind its next-header
    /// byte, with the length byte first.
    #[must_use]
    pub fn extension(mut self, kind: u8, body: &[u8]) -> Self {
        self.extensions.push((kind, [&[0], body].concat()));
        self
    }

    /// Appends a hop-by-hop options header (RFC 8200 section 4.3) with these options.
    #[must_use]
    pub fn hop_by_hop(self, options: &[u8]) -> Self {
        self.extension(0, &padded_options(options))
    }

    /// Appends a destination options header (RFC 8200 section 4.6) with these options.
    #[must_use]
    pub fn destination_options(self, options: &[u8]) -> Self {
        self.extension(60, &padded_options(options))
    }

    /// Writes this instead of the true IPv4 total length or IPv6 payload length.
    #[must_use]
    pub fn claimed_len(mut self, len: u16) -> Self {
        self.claimed_len = Some(len);
        self
    }

    /// What the layer carries.
    #[must_use]
    pub fn payload(mut self, payload: &[u8]) -> Self {
        self.payload = payload.to_vec();
        self
    }

    /// Fills the payload with `len` bytes `0x00 0x01 … 0xff 0x00 …`.
    #[must_use]
    pub fn payload_len(mut self, len: usize) -> Self {
        self.payload = (0..=u8::MAX).cycle().take(len).collect();
        self
    }

    /// The Ethernet frame, without padding.
    #[must_use]
    pub fn build(&self) -> Vec<u8> {
        self.frame(&self.build_ip())
    }

    /// The IP packet without a link header.
    #[must_use]
    pub fn build_ip(&self) -> Vec<u8> {
        self.datagram(&self.segment(), self.fragment)
    }

    /// The packet cut into frames whose IP payload is at most `len` bytes (rounded down to a
    /// multiple of 8, at least 8). Options and extension headers stand in every fragment.
    #[must_use]
    pub fn fragments(&self, len: usize) -> Vec<Vec<u8>> {
        let segment = self.segment();
        let len = (len / 8).max(1) * 8;
        let count = segment.chunks(len).len();
        let piece = |(at, piece)| {
            let offset = u16::try_from(at * len).unwrap_or(u16::MAX);
            self.frame(&self.datagram(piece, Some((offset, at + 1 < count))))
        };
        segment.chunks(len).enumerate().map(piece).collect()
    }

    /// Source address of the IP header.
    #[must_use]
    pub fn source(&self) -> IpAddr {
        match self.addresses {
            Addresses::V4(source, _) => source.into(),
            Addresses::V6(source, _) => source.into(),
        }
    }

    fn is_ipv6(&self) -> bool {
        matches!(self.addresses, Addresses::V6(..))
    }

    /// Layer header and payload with the layer's checksum.
    fn segment(&self) -> Vec<u8> {
        self.layer.segment(self.addresses_at_the_end(), &self.payload)
    }

    /// A routing header of type 0 with segments left ends in the final destination, which the
    /// checksum is over (RFC 8200 section 8.1).
    fn addresses_at_the_end(&self) -> Addresses {
        let Addresses::V6(source, _) = self.addresses else {
            return self.addresses;
        };
        let with_segments = |(kind, body): &&(u8, Vec<u8>)| {
            *kind == ROUTING_HEADER && body.get(2) == Some(&0) && body.get(3) > Some(&0)
        };
        let routed = self.extensions.iter().rev().find(with_segments);
        let last = routed.and_then(|(_, body)| body.last_chunk::<16>());
        last.map_or(self.addresses, |last| Addresses::V6(source, Ipv6Addr::from(*last)))
    }

    fn frame(&self, datagram: &[u8]) -> Vec<u8> {
        let mut frame = [self.destination_mac, self.source_mac].concat();
        for (identifier, tag) in &self.tags {
            frame.extend(identifier.to_be_bytes());
            frame.extend(tag.to_be_bytes());
        }
        let ether_type: u16 = if self.is_ipv6() { 0x86dd } else { 0x0800 };
        frame.extend(ether_type.to_be_bytes());
        frame.extend(datagram);
        frame
    }

    fn datagram(&self, segment: &[u8], fragment: Option<(u16, bool)>) -> Vec<u8> {
        let mut datagram = match self.addresses {
            Addresses::V4(source, destination) => {
                self.ipv4_header(source, destination, segment.len(), fragment)
            }
            Addresses::V6(source, destination) => {
                self.ipv6_header(source, destination, segment.len(), fragment)
            }
        };
        datagram.extend(segment);
        datagram
    }
}

/// Extension header type of RFC 8200 section 4.4.
pub(super) const ROUTING_HEADER: u8 = 43;

fn echo_rest(identifier: u16, sequence: u16) -> [u8; 4] {
    let [a, b] = identifier.to_be_bytes();
    let [c, d] = sequence.to_be_bytes();
    [a, b, c, d]
}
