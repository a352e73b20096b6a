//! Ports: where packets come from and go to. A port fills a burst with frames and what it knows of
//! each; it never looks into them. Captures are one kind; live interfaces are another.

mod burst;
mod capture;
mod paced;

pub use burst::{Arrival, Burst};
pub use capture::{Bind, CapturePort};
pub use paced::Paced;

use components::ids::IfIndex;
use components::world::names::Names;
use systems::shard::Layer;

/// A source and sink of packets.
pub trait Port {
    /// What was received and sent so far.
    fn counters(&self) -> PortCounters;

    /// Adds frames to the burst until it is full, the next frame belongs to another tick, or
    /// nothing is left. Nothing added means that nothing will come any more.
    fn receive(&mut self, burst: &mut Burst);

    /// Sends a packet.
    fn transmit(&mut self, packet: Transmit<'_>);

    /// Ids of interfaces mean from now on what `new` says, and no longer what `old` said.
    fn commit(&mut self, old: &Names, new: &Names);
}

/// Ingress of what came in by an interface that the configuration does not have: it is in no zone.
pub const INTERFACE_GONE: IfIndex = IfIndex(u16::MAX);

/// A packet to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Transmit<'a> {
    /// The time of the packet that it is, or that it answers: nanoseconds since the Unix epoch.
    pub time_ns: u64,
    /// Where it goes out.
    pub egress: IfIndex,
    /// The packet, as far as it was captured.
    pub packet: &'a [u8],
    /// What it begins with.
    pub layer: Layer,
    /// Its whole length in bytes.
    pub wire_length: u32,
    /// A packet of the firewall's own making: RST or ICMP.
    pub is_answer: bool,
}

/// What a port counted: the ledger's outer figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortCounters {
    /// Frames received.
    pub received: u64,
    /// Bytes received, link headers included, as they were on the wire.
    pub received_bytes: u64,
    /// Packets transmitted that had been received.
    pub transmitted: u64,
    /// Answers transmitted: packets of the firewall's own making.
    pub answers: u64,
}
