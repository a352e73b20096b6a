//! The flow key: 40 bytes that name one direction of a session, and its keyed hash (two folded
//! 64-bit multiplies, seeded, so that a sender cannot aim at a bucket). ICMP has its identifier in
//! both ports, so that a reply's key is the request's with the sides swapped.

use crate::address::{Address, Family};

/// One direction of a flow. Ports in host order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FlowKey {
    /// Source address.
    pub source: Address,
    /// Destination address.
    pub destination: Address,
    /// Source port, or the ICMP identifier.
    pub source_port: u16,
    /// Destination port, or the ICMP identifier.
    pub destination_port: u16,
    /// IP protocol.
    pub protocol: u8,
    /// Address family.
    pub family: Family,
}

impl FlowKey {
    /// The other direction.
    #[must_use]
    pub fn reversed(&self) -> Self {
        Self {
            source: self.destination,
            destination: self.source,
            source_port: self.destination_port,
            destination_port: self.source_port,
            ..*self
        }
    }

    /// Keyed hash; the same for the same seed, on every machine.
    #[inline]
    #[must_use]
    pub fn hash(&self, seed: HashSeed) -> u64 {
        let [s0, s1] = halves(self.source);
        let [d0, d1] = halves(self.destination);
        let tail = u64::from(self.source_port)
            | u64::from(self.destination_port) << 16
            | u64::from(self.protocol) << 32
            | (self.family as u64) << 40;
        let first = fold(s0 ^ seed.0[0] ^ tail, d0 ^ seed.0[1]);
        fold(first ^ s1.rotate_left(32) ^ seed.0[2], d1 ^ seed.0[3] ^ tail.rotate_left(17))
    }
}

/// The hash's key, from the schedule's seed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HashSeed([u64; 4]);

impl HashSeed {
    /// Expands a seed into a key (splitmix64).
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut state = seed;
        Self(std::array::from_fn(|_| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (z ^ (z >> 31)) | 1
        }))
    }
}

#[inline]
fn halves(address: Address) -> [u64; 2] {
    let all = u128::from_le_bytes(address.0);
    let [low, high] = [all & u128::from(u64::MAX), all >> 64];
    [u64::try_from(low).unwrap_or(0), u64::try_from(high).unwrap_or(0)]
}

/// Folded multiply: both halves of the 128-bit product.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the two halves of a product")]
const fn fold(a: u64, b: u64) -> u64 {
    let product = a as u128 * b as u128;
    product as u64 ^ (product >> 64) as u64
}
