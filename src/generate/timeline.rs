//! Frames with their time, gathered in any order and sorted at the end. Frames shorter than
//! Ethernet's minimum get its padding, as a card would deliver them.

use super::builder::{Layer, Packet};
use super::rng::Rng;
use super::topology::Segment;

/// A frame as it arrives at the firewall.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Nanoseconds since the epoch.
    pub time_ns: u64,
    /// From the Ethernet destination address to the last byte before the FCS, at least 60 bytes.
    pub bytes: Vec<u8>,
}

impl Frame {
    pub(super) fn new(time_ns: u64, mut bytes: Vec<u8>) -> Self {
        if bytes.len() < FRAME_LEN_MIN {
            bytes.resize(FRAME_LEN_MIN, 0);
        }
        Self { time_ns, bytes }
    }
}

/// A scenario while it is written.
pub(super) struct Timeline {
    frames: Vec<Frame>,
    pub(super) rng: Rng,
}

impl Timeline {
    pub(super) fn new(seed: u64) -> Self {
        Self { frames: Vec::new(), rng: Rng::new(seed) }
    }

    /// Adds a finished frame; `at_ns` counts from [`EPOCH_NS`].
    pub(super) fn frame(&mut self, at_ns: u64, frame: Vec<u8>) {
        self.frames.push(Frame::new(EPOCH_NS + at_ns, frame));
    }

    /// Adds a packet on the segment where its source is.
    pub(super) fn send<L: Layer>(&mut self, at_ns: u64, packet: Packet<L>) {
        self.frame(at_ns, on_its_segment(packet).build());
    }

    /// Adds a packet on a segment where its source is not.
    pub(super) fn send_on<L: Layer>(&mut self, at_ns: u64, segment: Segment, packet: Packet<L>) {
        let source = packet.source();
        let macs = (segment.neighbor_mac(source), segment.firewall_mac());
        self.frame(at_ns, packet.macs(macs.0, macs.1).build());
    }

    /// Adds a packet cut into fragments of at most `len` bytes, in the order in which they leave
    /// the host.
    pub(super) fn send_fragments<L: Layer>(&mut self, at_ns: u64, packet: Packet<L>, len: usize) {
        let frames = on_its_segment(packet).fragments(len);
        for (at, frame) in (at_ns..).step_by(FRAGMENT_GAP_NS).zip(frames) {
            self.frame(at, frame);
        }
    }

    /// All frames by time; equal times keep the order in which they were added.
    pub(super) fn finish(mut self) -> Vec<Frame> {
        self.frames.sort_by_key(|frame| frame.time_ns);
        self.frames
    }
}

/// Ethernet addresses for a packet on the segment where its source is.
pub(super) fn on_its_segment<L: Layer>(packet: Packet<L>) -> Packet<L> {
    let source = packet.source();
    let segment = Segment::of(source);
    packet.macs(segment.neighbor_mac(source), segment.firewall_mac())
}

pub(super) const MICROSECOND: u64 = 1_000;
pub(super) const MILLISECOND: u64 = 1_000_000;
pub(super) const SECOND: u64 = 1_000_000_000;
/// 2026-03-02T08:00:00Z, when every scenario starts.
pub(super) const EPOCH_NS: u64 = 1_772_438_400 * SECOND;
/// About a full frame at 1 Gbit/s.
const FRAGMENT_GAP_NS: usize = 12_500;
/// 64 bytes less the FCS.
const FRAME_LEN_MIN: usize = 60;
