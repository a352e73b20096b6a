//! The network headers: IPv4 (RFC 791) with options, IPv6 (RFC 8200) with its extension headers.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Layer, Packet, checksum};

impl<L: Layer> Packet<L> {
    pub(super) fn ipv4_header(
        &self,
        source: Ipv4Addr,
        destination: Ipv4Addr,
        segment_len: usize,
        fragment: Option<(u16, bool)>,
    ) -> Vec<u8> {
        let mut options = self.options.clone();
        options.resize(options.len().next_multiple_of(4), 0);
        let words = u8::try_from(5 + options.len() / 4).unwrap_or(u8::MAX);
        assert!(words <= 15, "IPv4 has room for 40 bytes of options");
        let header_len = usize::from(words) * 4;
        let (offset, more) = fragment.unwrap_or((0, false));
        let flags = (u16::from(self.dont_fragment) << 14) | (u16::from(more) << 13);
        let identification = (self.identification & 0xffff) as u16;
        let mut header = vec![0x40 | words, self.traffic_class];
        header.extend(self.length_field(header_len + segment_len));
        header.extend(identification.to_be_bytes());
        header.extend((flags | (offset / 8)).to_be_bytes());
        header.extend([self.ttl, self.layer.protocol(false), 0, 0]);
        header.extend(source.octets());
        header.extend(destination.octets());
        header.extend(options);
        let sum = checksum(&[&header]);
        header[10..12].copy_from_slice(&sum.to_be_bytes());
        header
    }

    pub(super) fn ipv6_header(
        &self,
        source: Ipv6Addr,
        destination: Ipv6Addr,
        segment_len: usize,
        fragment: Option<(u16, bool)>,
    ) -> Vec<u8> {
        let mut extensions = self.extensions.clone();
        if let Some((offset, more)) = fragment {
            let mut body = vec![0, 0];
            body.extend(((offset & !7) | u16::from(more)).to_be_bytes());
            body.extend(self.identification.to_be_bytes());
            extensions.push((44, body));
        }
        let mut chain = Vec::new();
        let mut next = self.layer.protocol(true);
        for (kind, body) in extensions.iter().rev() {
            let mut header = body.clone();
            header[0] = next;
            next = *kind;
            chain.splice(0..0, header);
        }
        let class = u32::from(self.traffic_class) << 20;
        let word = (6 << 28) | class | (self.flow_label & 0xf_ffff);
        let mut header = word.to_be_bytes().to_vec();
        header.extend(self.length_field(chain.len() + segment_len));
        header.extend([next, self.ttl]);
        header.extend(source.octets());
        header.extend(destination.octets());
        header.extend(chain);
        header
    }

    fn length_field(&self, len: usize) -> [u8; 2] {
        let true_len = u16::try_from(len).unwrap_or(u16::MAX);
        self.claimed_len.unwrap_or(true_len).to_be_bytes()
    }
}

/// Length byte and options, padded with PadN to whole 8-byte units.
pub(super) fn padded_options(options: &[u8]) -> Vec<u8> {
    let len = (2 + options.len()).next_multiple_of(8);
    let mut body = vec![u8::try_from(len / 8 - 1).unwrap_or(u8::MAX)];
    body.extend(options);
    match len - 1 - body.len() {
        0 => {}
        1 => body.push(0),
        pad => {
            body.extend([1, u8::try_from(pad - 2).unwrap_or(0)]);
            body.resize(len - 1, 0);
        }
    }
    body
}
