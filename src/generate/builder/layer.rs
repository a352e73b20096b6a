//! What stands above IP: TCP (RFC 9293), UDP (RFC 768), ICMP (RFC 792, RFC 4443) or bytes of any
//! protocol, each with the checksum that its RFC demands.

use super::checksum::checksum;
use super::{Addresses, Packet};

/// A layer above IP.
pub trait Layer: Clone {
    /// Protocol number over IPv4 or IPv6.
    fn protocol(&self, ipv6: bool) -> u8;

    /// Header and payload, checksum included.
    fn segment(&self, addresses: Addresses, payload: &[u8]) -> Vec<u8>;
}

/// TCP flags.
pub mod flag {
    /// No more data from the sender.
    pub const FIN: u8 = 0x01;
    /// Synchronize sequence numbers.
    pub const SYN: u8 = 0x02;
    /// Reset.
    pub const RST: u8 = 0x04;
    /// Push.
    pub const PSH: u8 = 0x08;
    /// The acknowledgment number counts.
    pub const ACK: u8 = 0x10;
    /// The urgent pointer counts.
    pub const URG: u8 = 0x20;
}

/// A protocol without a header of ours.
#[derive(Clone, Copy, Debug)]
pub struct Raw {
    pub(super) protocol: u8,
}

impl Default for Raw {
    /// "No next header" of IPv6, unassigned in practice over IPv4.
    fn default() -> Self {
        Self { protocol: 59 }
    }
}

impl Layer for Raw {
    fn protocol(&self, _ipv6: bool) -> u8 {
        self.protocol
    }

    fn segment(&self, _addresses: Addresses, payload: &[u8]) -> Vec<u8> {
        payload.to_vec()
    }
}

/// A TCP header.
#[derive(Clone, Debug)]
pub struct Tcp {
    source_port: u16,
    destination_port: u16,
    sequence: u32,
    acknowledgment: u32,
    flags: u8,
    window: u16,
    urgent: u16,
    options: Vec<u8>,
}

impl Tcp {
    pub(super) fn new(source_port: u16, destination_port: u16) -> Self {
        Self {
            source_port,
            destination_port,
            sequence: 0,
            acknowledgment: 0,
            flags: 0,
            window: 64_240,
            urgent: 0,
            options: Vec::new(),
        }
    }
}

impl Layer for Tcp {
    fn protocol(&self, _ipv6: bool) -> u8 {
        6
    }

    fn segment(&self, addresses: Addresses, payload: &[u8]) -> Vec<u8> {
        let mut options = self.options.clone();
        options.resize(options.len().next_multiple_of(4), 0);
        let words = u8::try_from(5 + options.len() / 4).unwrap_or(u8::MAX);
        assert!(words <= 15, "TCP has room for 40 bytes of options");
        let mut segment = self.source_port.to_be_bytes().to_vec();
        segment.extend(self.destination_port.to_be_bytes());
        segment.extend(self.sequence.to_be_bytes());
        segment.extend(self.acknowledgment.to_be_bytes());
        segment.extend([words << 4, self.flags]);
        segment.extend(self.window.to_be_bytes());
        segment.extend([0, 0]);
        segment.extend(self.urgent.to_be_bytes());
        segment.extend(options);
        segment.extend(payload);
        let sum = checksum(&[&addresses.pseudo_header(6, segment.len()), &segment]);
        segment[16..18].copy_from_slice(&sum.to_be_bytes());
        segment
    }
}

impl Packet<Tcp> {
    /// Adds SYN.
    #[must_use]
    pub fn syn(self) -> Self {
        self.flags(flag::SYN)
    }

    /// Adds FIN.
    #[must_use]
    pub fn fin(self) -> Self {
        self.flags(flag::FIN)
    }

    /// Adds RST.
    #[must_use]
    pub fn rst(self) -> Self {
        self.flags(flag::RST)
    }

    /// Adds PSH.
    #[must_use]
    pub fn psh(self) -> Self {
        self.flags(flag::PSH)
    }

    /// Adds ACK with this acknowledgment number.
    #[must_use]
    pub fn ack(mut self, acknowledgment: u32) -> Self {
        self.layer.acknowledgment = acknowledgment;
        self.flags(flag::ACK)
    }

    /// Adds URG with this urgent pointer.
    #[must_use]
    pub fn urgent(mut self, pointer: u16) -> Self {
        self.layer.urgent = pointer;
        self.flags(flag::URG)
    }

    /// Adds these bits of [`flag`].
    #[must_use]
    pub fn flags(mut self, flags: u8) -> Self {
        self.layer.flags |= flags;
        self
    }

    /// Sequence number.
    #[must_use]
    pub fn seq(mut self, sequence: u32) -> Self {
        self.layer.sequence = sequence;
        self
    }

    /// Receive window, unscaled.
    #[must_use]
    pub fn window(mut self, window: u16) -> Self {
        self.layer.window = window;
        self
    }

    /// Appends the maximum segment size option.
    #[must_use]
    pub fn mss(self, size: u16) -> Self {
        let [high, low] = size.to_be_bytes();
        self.tcp_option(&[2, 4, high, low])
    }

    /// Appends a TCP option as it stands; all together are padded to a multiple of 4.
    #[must_use]
    pub fn tcp_option(mut self, option: &[u8]) -> Self {
        self.layer.options.extend_from_slice(option);
        self
    }
}

/// A UDP header.
#[derive(Clone, Copy, Debug)]
pub struct Udp {
    source_port: u16,
    destination_port: u16,
    has_checksum: bool,
    claimed_len: Option<u16>,
}

impl Udp {
    pub(super) fn new(source_port: u16, destination_port: u16) -> Self {
        Self { source_port, destination_port, has_checksum: true, claimed_len: None }
    }
}

impl Layer for Udp {
    fn protocol(&self, _ipv6: bool) -> u8 {
        17
    }

    fn segment(&self, addresses: Addresses, payload: &[u8]) -> Vec<u8> {
        let true_len = u16::try_from(8 + payload.len()).unwrap_or(u16::MAX);
        let mut segment = self.source_port.to_be_bytes().to_vec();
        segment.extend(self.destination_port.to_be_bytes());
        segment.extend(self.claimed_len.unwrap_or(true_len).to_be_bytes());
        segment.extend([0, 0]);
        segment.extend(payload);
        if self.has_checksum {
            let pseudo_header = addresses.pseudo_header(17, segment.len());
            let sum = match checksum(&[&pseudo_header, &segment]) {
                // Zero on the wire means "no checksum" (RFC 768).
                0 => 0xffff,
                sum => sum,
            };
            segment[6..8].copy_from_slice(&sum.to_be_bytes());
        }
        segment
    }
}

impl Packet<Udp> {
    /// Sends checksum 0, "not computed".
    #[must_use]
    pub fn no_checksum(mut self) -> Self {
        self.layer.has_checksum = false;
        self
    }

    /// Writes this instead of the true UDP length.
    #[must_use]
    pub fn claimed_udp_len(mut self, len: u16) -> Self {
        self.layer.claimed_len = Some(len);
        self
    }
}

/// An ICMP or ICMPv6 header.
#[derive(Clone, Copy, Debug)]
pub struct Icmp {
    pub(super) kind: u8,
    pub(super) code: u8,
    pub(super) rest: [u8; 4],
}

impl Layer for Icmp {
    fn protocol(&self, ipv6: bool) -> u8 {
        if ipv6 { 58 } else { 1 }
    }

    fn segment(&self, addresses: Addresses, payload: &[u8]) -> Vec<u8> {
        let [a, b, c, d] = self.rest;
        let mut segment = vec![self.kind, self.code, 0, 0, a, b, c, d];
        segment.extend(payload);
        let sum = match addresses {
            Addresses::V4(..) => checksum(&[&segment]),
            Addresses::V6(..) => checksum(&[&addresses.pseudo_header(58, segment.len()), &segment]),
        };
        segment[2..4].copy_from_slice(&sum.to_be_bytes());
        segment
    }
}

impl Addresses {
    /// RFC 9293 section 3.1 for IPv4, RFC 8200 section 8.1 for IPv6.
    fn pseudo_header(self, protocol: u8, len: usize) -> Vec<u8> {
        let len = u32::try_from(len).unwrap_or(u32::MAX).to_be_bytes();
        match self {
            Self::V4(source, destination) => {
                let mut header = [source.octets(), destination.octets()].concat();
                header.extend([0, protocol, len[2], len[3]]);
                header
            }
            Self::V6(source, destination) => {
                let mut header = [source.octets(), destination.octets()].concat();
                header.extend(len);
                header.extend([0, 0, 0, protocol]);
                header
            }
        }
    }
}
