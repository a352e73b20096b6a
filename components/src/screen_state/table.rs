//! A bounded table of what was seen of addresses lately: buckets of eight entries, found by a keyed
//! hash, so that a sender can neither aim at a bucket nor make a probe longer. What does not fit
//! pushes out the entry of its bucket that was used longest ago; entries that mean nothing any more
//! go first and for nothing.

use crate::address::{Address, Family};
use crate::ids::ZoneId;
use crate::session::key::{FlowKey, HashSeed};

/// Entries that a key may be in.
const WAYS: usize = 8;

/// What an entry remembers.
pub trait Memory: Copy + Default + std::fmt::Debug {
    /// True once it can make no difference any more.
    fn is_over(&self, now_ns: u64) -> bool;
}

/// Memories by zone and one or two addresses.
#[derive(Debug)]
pub struct HistoryTable<M> {
    slots: Vec<Slot<M>>,
    seed: HashSeed,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot<M> {
    key: FlowKey,
    used_ns: u64,
    taken: bool,
    memory: M,
}

impl<M: Memory> HistoryTable<M> {
    /// Room for `entries`, rounded up to whole buckets.
    #[must_use]
    pub fn new(entries: usize, seed: u64) -> Self {
        let slots = entries.max(1).next_multiple_of(WAYS);
        Self { slots: vec![Slot::default(); slots], seed: HashSeed::new(seed) }
    }

    /// The memory of a key, a new one if there is none; counts in `evicted` if that pushed out
    /// another that still meant something.
    pub fn entry(&mut self, key: &FlowKey, now_ns: u64, evicted: &mut u64) -> &mut M {
        let bucket = self.bucket(key);
        let slots = &mut self.slots[bucket..bucket + WAYS];
        let found = slots.iter().position(|slot| slot.taken && slot.key == *key);
        let at = found.unwrap_or_else(|| {
            let free = slots.iter().position(|slot| !slot.taken || slot.memory.is_over(now_ns));
            let at = free.unwrap_or_else(|| {
                *evicted += 1;
                let ages = slots.iter().enumerate();
                ages.min_by_key(|(_, slot)| slot.used_ns).map_or(0, |(at, _)| at)
            });
            slots[at] = Slot { key: *key, used_ns: now_ns, taken: true, memory: M::default() };
            at
        });
        slots[at].used_ns = now_ns;
        &mut slots[at].memory
    }

    /// The memory of a key, if there is one.
    #[must_use]
    pub fn get(&self, key: &FlowKey) -> Option<&M> {
        let bucket = self.bucket(key);
        let slots = &self.slots[bucket..bucket + WAYS];
        slots.iter().find(|slot| slot.taken && slot.key == *key).map(|slot| &slot.memory)
    }

    /// Likewise, to be changed; not a use that keeps it in the table.
    pub fn get_mut(&mut self, key: &FlowKey) -> Option<&mut M> {
        let bucket = self.bucket(key);
        let slots = &mut self.slots[bucket..bucket + WAYS];
        slots.iter_mut().find(|slot| slot.taken && slot.key == *key).map(|slot| &mut slot.memory)
    }

    /// A table of `entries` that goes on with what this one holds, each under the key that `moved`
    /// gives it; without one it is forgotten.
    #[must_use]
    pub fn carried_over(
        &self,
        entries: usize,
        now_ns: u64,
        moved: impl Fn(FlowKey) -> Option<FlowKey>,
        evicted: &mut u64,
    ) -> Self {
        let slots = entries.max(1).next_multiple_of(WAYS);
        let mut next = Self { slots: vec![Slot::default(); slots], seed: self.seed };
        for slot in self.slots.iter().filter(|slot| slot.taken && !slot.memory.is_over(now_ns)) {
            let Some(key) = moved(slot.key) else { continue };
            *next.entry(&key, slot.used_ns, evicted) = slot.memory;
        }
        next
    }

    /// Bytes of memory.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.slots.len() * size_of::<Slot<M>>()
    }

    fn bucket(&self, key: &FlowKey) -> usize {
        let buckets = (self.slots.len() / WAYS) as u128;
        // The hash scaled to the number of buckets.
        let bucket = (u128::from(key.hash(self.seed)) * buckets) >> 64;
        usize::try_from(bucket).unwrap_or(0) * WAYS
    }
}

/// The key of what one address did in a zone, or one address to another.
#[must_use]
pub fn subject(zone: ZoneId, family: Family, address: Address, other: Address) -> FlowKey {
    FlowKey {
        source: address,
        destination: other,
        source_port: u16::from(zone.0),
        family,
        ..FlowKey::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy, Debug, Default, PartialEq)]
    struct Until(u64);

    impl Memory for Until {
        fn is_over(&self, now_ns: u64) -> bool {
            self.0 <= now_ns
        }
    }

    fn key(host: u8) -> FlowKey {
        subject(ZoneId(2), Family::Inet, Address::v4([10, 0, 0, host]), Address::ZERO)
    }

    #[test]
    fn the_entry_used_longest_ago_goes_and_is_counted() {
        let mut table = HistoryTable::<Until>::new(8, 1);
        let mut evicted = 0;
        for host in 0..8 {
            *table.entry(&key(host), u64::from(host), &mut evicted) = Until(1000);
        }
        table.entry(&key(0), 8, &mut evicted);
        assert_eq!(evicted, 0);
        table.entry(&key(8), 9, &mut evicted);
        assert_eq!(evicted, 1);
        assert_eq!(table.get(&key(1)), None);
        assert_eq!(table.get(&key(0)), Some(&Until(1000)));
    }

    #[test]
    fn what_is_over_makes_room_for_nothing() {
        let mut table = HistoryTable::<Until>::new(8, 1);
        let mut evicted = 0;
        for host in 0..8 {
            *table.entry(&key(host), 0, &mut evicted) = Until(if host == 5 { 50 } else { 1000 });
        }
        table.entry(&key(9), 50, &mut evicted);
        assert_eq!(evicted, 0);
        assert_eq!(table.get(&key(5)), None);
    }

    #[test]
    fn zones_and_families_are_apart() {
        let mut table = HistoryTable::<Until>::new(64, 7);
        let mut evicted = 0;
        let address = Address::v4([10, 0, 0, 1]);
        let one = subject(ZoneId(2), Family::Inet, address, Address::ZERO);
        *table.entry(&one, 0, &mut evicted) = Until(5);
        for (zone, family) in [(ZoneId(3), Family::Inet), (ZoneId(2), Family::Inet6)] {
            assert_eq!(table.get(&subject(zone, family, address, Address::ZERO)), None);
        }
    }
}
