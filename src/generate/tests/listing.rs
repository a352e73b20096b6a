//! A frame as one line, and a check of its checksums that shares no code with the builder.

use std::fmt::Write;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::Frame;

/// Time since the scenario's start, frame length, who to whom, and what.
pub(super) fn line(frame: &Frame) -> String {
    let at_us = (frame.time_ns - 1_772_438_400_000_000_000) / 1_000;
    let mut line =
        format!("{:3}.{:06} {:4}  ", at_us / 1_000_000, at_us % 1_000_000, frame.bytes.len());
    let packet = &frame.bytes[14..];
    match frame.bytes[12..14] {
        [0x08, 0x06] => line.push_str(&arp(packet)),
        _ => line.push_str(&Ip::parse(packet).describe()),
    }
    line
}

/// The first checksum that does not come out, if one does not.
pub(super) fn defect(frame: &[u8]) -> Option<&'static str> {
    if frame[12..14] == [0x08, 0x06] {
        return None;
    }
    let ip = Ip::parse(&frame[14..]);
    if !ip.is_v6 && sum(&ip.packet[..ip.header_len]) != 0xffff {
        return Some("header checksum");
    }
    if ip.fragment.is_some_and(|fragment| fragment != (0, false)) || ip.lies {
        return None;
    }
    let mut checked = Vec::new();
    if ip.protocol != 1 {
        let addresses = if ip.is_v6 { 8..40 } else { 12..20 };
        checked.extend_from_slice(&ip.packet[addresses]);
        if let Some(end) = ip.routed_to {
            checked.truncate(16);
            checked.extend_from_slice(end);
        }
        let len = u16::try_from(ip.segment.len()).expect("within a frame");
        checked.extend(len.to_be_bytes());
        checked.extend([0, ip.protocol]);
    }
    checked.extend_from_slice(ip.segment);
    let has_checksum = matches!(ip.protocol, 1 | 6 | 17 | 58);
    (has_checksum && sum(&checked) != 0xffff).then_some("layer checksum")
}

struct Ip<'a> {
    packet: &'a [u8],
    is_v6: bool,
    header_len: usize,
    source: String,
    destination: String,
    ttl: u8,
    protocol: u8,
    /// Offset in bytes, and whether more follow.
    fragment: Option<(usize, bool)>,
    /// IPv4 options or IPv6 extension headers, described.
    extras: String,
    segment: &'a [u8],
    /// Where a routing header of type 0 will have led.
    routed_to: Option<&'a [u8]>,
    /// The stated length is not that of the frame.
    lies: bool,
}

impl<'a> Ip<'a> {
    fn parse(packet: &'a [u8]) -> Self {
        match packet[0] >> 4 {
            4 => Self::parse_v4(packet),
            _ => Self::parse_v6(packet),
        }
    }

    fn parse_v4(packet: &'a [u8]) -> Self {
        let header_len = usize::from(packet[0] & 15) * 4;
        let total = usize::from(u16::from_be_bytes([packet[2], packet[3]]));
        let word = u16::from_be_bytes([packet[6], packet[7]]);
        let fragment = (usize::from(word & 0x1fff) * 8, word & 0x2000 != 0);
        let address = |at: usize| {
            let octets: [u8; 4] = packet[at..at + 4].try_into().expect("four bytes");
            Ipv4Addr::from(octets).to_string()
        };
        let options: String =
            packet[20..header_len].iter().fold(String::new(), |mut text, byte| {
                write!(text, "{byte:02x}").expect("writing to a string");
                text
            });
        Self {
            packet,
            is_v6: false,
            header_len,
            source: address(12),
            destination: address(16),
            ttl: packet[8],
            protocol: packet[9],
            fragment: (fragment != (0, false)).then_some(fragment),
            extras: if options.is_empty() { options } else { format!(" options {options}") },
            segment: &packet[header_len..total],
            routed_to: None,
            lies: false,
        }
    }

    fn parse_v6(packet: &'a [u8]) -> Self {
        let claimed = usize::from(u16::from_be_bytes([packet[4], packet[5]]));
        let lies = claimed == 0 && packet[6] == 0;
        let end = if lies { packet.len() } else { 40 + claimed };
        let address = |at: usize| {
            let octets: [u8; 16] = packet[at..at + 16].try_into().expect("sixteen bytes");
            Ipv6Addr::from(octets).to_string()
        };
        let mut ip = Self {
            packet,
            is_v6: true,
            header_len: 40,
            source: address(8),
            destination: address(24),
            ttl: packet[7],
            protocol: packet[6],
            fragment: None,
            extras: String::new(),
            segment: &packet[40..end],
            routed_to: None,
            lies,
        };
        while let (0 | 43 | 44 | 51 | 60, [next, len, ..]) = (ip.protocol, ip.segment) {
            let len = match ip.protocol {
                44 => 8,
                51 => (usize::from(*len) + 2) * 4,
                _ => (usize::from(*len) + 1) * 8,
            };
            if ip.protocol == 43 && ip.segment[2] == 0 && ip.segment[3] > 0 {
                ip.routed_to = ip.segment.get(len - 16..len);
            }
            if ip.protocol == 44 {
                let word = u16::from_be_bytes([ip.segment[2], ip.segment[3]]);
                ip.fragment = Some((usize::from(word & !7), word & 1 != 0));
            }
            write!(ip.extras, " extension {}", ip.protocol).expect("writing to a string");
            let Some(rest) = ip.segment.get(len..) else {
                ip.extras.push_str(" cut off");
                break;
            };
            ip.protocol = *next;
            ip.segment = rest;
        }
        ip
    }

    fn describe(&self) -> String {
        let Self { source, destination, segment, .. } = self;
        let later = self.fragment.is_some_and(|(offset, _)| offset > 0);
        let number = |at: usize| u16::from_be_bytes([segment[at], segment[at + 1]]);
        let word = |at: usize| u32::from(number(at)) << 16 | u32::from(number(at + 2));
        let brackets = |address: &str| match self.is_v6 {
            true => format!("[{address}]"),
            false => address.to_owned(),
        };
        let with_ports = |rest: String| {
            let (from, to) = (brackets(source), brackets(destination));
            format!("{from}:{} > {to}:{} {rest}", number(0), number(2))
        };
        let mut text = match self.protocol {
            6 if !later => {
                let header_len = usize::from(segment[12] >> 4) * 4;
                let len = segment.len().saturating_sub(header_len);
                let (seq, ack) = (word(4), word(8));
                with_ports(format!("TCP {} seq {seq} ack {ack} len {len}", flags(segment[13])))
            }
            17 if !later => with_ports(format!("UDP len {}", segment.len() - 8)),
            1 | 58 if !later => format!(
                "{source} > {destination} ICMP{} {}/{} id {} seq {} len {}",
                if self.is_v6 { "v6" } else { "" },
                segment[0],
                segment[1],
                number(4),
                number(6),
                segment.len() - 8
            ),
            protocol => {
                format!("{source} > {destination} protocol {protocol} len {}", segment.len())
            }
        };
        if let Some((offset, more)) = self.fragment {
            let tail = if more { "+" } else { "" };
            write!(text, " fragment {offset}{tail}").expect("writing to a string");
        }
        if !matches!(self.ttl, 64 | 255) {
            write!(text, " ttl {}", self.ttl).expect("writing to a string");
        }
        text + &self.extras
    }
}

fn arp(packet: &[u8]) -> String {
    let address = |at: usize| {
        let octets: [u8; 4] = packet[at..at + 4].try_into().expect("four bytes");
        Ipv4Addr::from(octets)
    };
    match packet[7] {
        1 => format!("ARP who has {} tell {}", address(24), address(14)),
        _ => format!("ARP {} is known to {}", address(14), address(24)),
    }
}

fn flags(bits: u8) -> String {
    let letters = (0..).zip("FSRPAU".chars());
    let set: String = letters.filter(|(bit, _)| bits >> bit & 1 != 0).map(|(_, c)| c).collect();
    if set.is_empty() { "-".to_owned() } else { set }
}

/// One's-complement sum; 0xffff when a checksum inside is right.
fn sum(bytes: &[u8]) -> u32 {
    let words = bytes.chunks(2).map(|pair| match pair {
        [high, low] => u32::from(*high) << 8 | u32::from(*low),
        [high] => u32::from(*high) << 8,
        _ => 0,
    });
    words.fold(0, |sum, word| {
        let sum = sum + word;
        (sum & 0xffff) + (sum >> 16)
    })
}
