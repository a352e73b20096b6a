//! One worker's mutable state: sessions, NAT ports, limiters, counters and what a batch put out. Shards share nothing.

use components::ids::IfIndex;
use components::world::World;

use crate::counters::Counters;

/// A worker's state.
#[derive(Debug)]
pub struct Shard {
    /// What it counted.
    pub counters: Counters,
    /// RST and ICMP packets that the batch answered with; the port sends and clears them.
    pub answers: Answers,
}

impl Shard {
    /// An empty shard.
    #[must_use]
    pub fn new(world: &World) -> Self {
        Self {
            counters: Counters::for_world(world),
            answers: Answers::default(),
        }
    }
}

/// Packets that the firewall itself sends, as IP packets without a link header.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// One entry a packet, in row order.
    pub packets: Vec<Answer>,
    /// Their bytes, back to back.
    pub bytes: Vec<u8>,
}

/// One answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The row that is answered.
    pub row: u16,
    /// Where it goes out: the row's ingress interface.
    pub egress: IfIndex,
    /// First byte in [`Answers::bytes`].
    pub offset: u32,
    /// Length in bytes.
    pub length: u32,
}

impl Answers {
    /// Forgets the batch's answers, keeps the memory.
    pub fn clear(&mut self) {
        self.packets.clear();
        self.bytes.clear();
    }
}
