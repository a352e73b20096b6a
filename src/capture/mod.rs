//! Captures: pcap and pcapng files read packet by packet in bounded memory, merged by time, and
//! written. Formats: draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng.
//!
//! Reading is ours because the well-kept crates miss what replay promises. `pcap-parser` 0.17 and
//! `pcap-file` 2.0 both allocate for every packet that carries options, and neither names the
//! offset of damage; `pcap-file` takes every pcapng stamp for nanoseconds and refuses files with
//! `if_tzone`; `pcap-parser` cannot tell a block that lies about its captured length from one that
//! needs more bytes. Writing uses `pcap-file`, which the tests also use as second witness.

mod error;
mod merge;
mod pcap;
mod pcapng;
mod reader;
#[cfg(test)]
mod tests;
mod window;
mod writer;

pub use error::{CaptureError, Damage};
pub use merge::Merge;
pub use reader::CaptureReader;
pub use writer::{PcapWriter, PcapngWriter, Resolution};

/// One captured packet; `data` borrows the reader's buffer until the next one is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Nanoseconds since 1970-01-01T00:00:00Z, as the capture says (it may run backwards).
    pub time_ns: u64,
    /// The captured bytes, starting with the link header of `link`.
    pub data: &'a [u8],
    /// Bytes on the wire; more than `data` holds when the snap length cut the packet.
    pub wire_len: u32,
    /// How `data` begins.
    pub link: LinkType,
    /// pcapng interface within its section; 0 in a pcap file.
    pub interface: u32,
}

/// Link-layer header type (the registry of tcpdump.org, "LINKTYPE_").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkType {
    /// BSD loopback: address family in the byte order of the capturing host (0).
    Null,
    /// Ethernet (1).
    Ethernet,
    /// IPv4 or IPv6 by the version nibble (101; 12 and 14 in files of some BSDs).
    Raw,
    /// OpenBSD loopback: address family in network byte order (108).
    Loop,
    /// Linux cooked capture, version 1 (113).
    LinuxCooked,
    /// IPv4 without a link header (228).
    Ipv4,
    /// IPv6 without a link header (229).
    Ipv6,
    /// Linux cooked capture, version 2 (276).
    LinuxCooked2,
    /// Any other number of the registry.
    Other(u16),
}

impl LinkType {
    /// The link type of a registry number.
    #[must_use]
    pub const fn from_number(number: u16) -> Self {
        match number {
            0 => Self::Null,
            1 => Self::Ethernet,
            12 | 14 | 101 => Self::Raw,
            108 => Self::Loop,
            113 => Self::LinuxCooked,
            228 => Self::Ipv4,
            229 => Self::Ipv6,
            276 => Self::LinuxCooked2,
            other => Self::Other(other),
        }
    }
}

/// Longest packet that a capture may hold: the largest snap length of libpcap.
pub const CAPTURED_LEN_MAX: u32 = 256 * 1024;
