//! The packets of captures, in memory.

use components::columns::LinkType;
use components::ids::IfIndex;

use crate::bench::line::Given;
use crate::port::{Burst, Port};

/// Packets in the order of their captures.
#[derive(Debug, Default)]
pub struct Traffic {
    packets: Vec<Packet>,
    bytes: Vec<u8>,
    /// There were more than are kept.
    is_cut: bool,
}

#[derive(Clone, Copy, Debug)]
struct Packet {
    start: usize,
    length: usize,
    wire_length: u32,
    link: LinkType,
    ingress: IfIndex,
    /// Since the packet before; for the first, since the last of the round before.
    gap_ns: u64,
}

impl Traffic {
    /// Everything that the port has, or as much of it as is kept.
    pub fn read(port: &mut impl Port) -> Self {
        let mut traffic = Self::default();
        let mut burst = Burst::new(ROWS, u64::MAX);
        let mut before_ns = None;
        loop {
            port.receive(&mut burst);
            if burst.is_empty() {
                break;
            }
            for row in 0..burst.len() {
                if traffic.packets.len() >= PACKETS_MAX || traffic.bytes.len() >= BYTES_MAX {
                    traffic.is_cut = true;
                    return traffic;
                }
                let arrival = burst.arrival(row);
                let gap = before_ns.map(|before| arrival.time_ns.saturating_sub(before));
                before_ns = before_ns.max(Some(arrival.time_ns));
                traffic.packets.push(Packet {
                    start: traffic.bytes.len(),
                    length: arrival.frame.len(),
                    wire_length: arrival.wire_length,
                    link: arrival.link,
                    ingress: arrival.ingress,
                    gap_ns: gap.unwrap_or(BETWEEN_NS),
                });
                traffic.bytes.extend_from_slice(arrival.frame);
            }
            burst.advance();
        }
        traffic
    }

    /// Packets.
    #[must_use]
    pub fn len(&self) -> usize {
        self.packets.len()
    }

    /// True if there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    /// True if the captures had more than is kept.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// From the first packet to the last, nanoseconds.
    #[must_use]
    pub fn span_ns(&self) -> u64 {
        self.gaps_ns().sum()
    }

    /// From each packet to the next, nanoseconds: one fewer than packets.
    pub fn gaps_ns(&self) -> impl Iterator<Item = u64> + '_ {
        self.packets.iter().skip(1).map(|packet| packet.gap_ns)
    }

    /// The packet at a place.
    pub(super) fn given(&self, at: usize) -> Given<'_> {
        let Packet { start, length, wire_length, link, ingress, gap_ns } = self.packets[at];
        Given { frame: &self.bytes[start..start + length], wire_length, link, ingress, gap_ns }
    }
}

/// Packets that are read at a time.
const ROWS: usize = 256;
/// Packets that are kept.
const PACKETS_MAX: usize = 4_000_000;
/// Bytes that are kept.
const BYTES_MAX: usize = 1 << 30;
/// From the last packet of a round to the first of the next.
const BETWEEN_NS: u64 = 1_000_000;
