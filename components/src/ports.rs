//! Source NAT ports: one bitmap an address, sized when the world is compiled, so that a lease never
//! allocates. The original port is kept where it is free and in range; otherwise the next free one
//! after a moving cursor, so that a port that was just given back is the last to be reused. Workers
//! split each range between them.

use crate::address::{Address, Family};
use crate::ids::{IfIndex, PoolId};
use crate::session::record::PortLease;
use crate::world::World;
use crate::world::interface::Interface;

/// Addresses that a pool may have: their ports take 8 KiB each.
pub const POOL_ADDRESSES_MAX: u128 = 4096;

const WORDS: usize = (1 << 16) / 64;

/// The ports of one translated address.
#[derive(Clone, Debug)]
struct AddressPorts {
    address: Address,
    taken: Vec<u64>,
    leased: u32,
    /// Where the search for a free port begins.
    cursor: u16,
}

/// Slots of one pool or one interface address.
#[derive(Clone, Copy, Debug, Default)]
struct Group {
    first: u32,
    count: u32,
    ports: (u16, u16),
}

/// All ports that a shard may lease.
#[derive(Clone, Debug, Default)]
pub struct PortTable {
    slots: Vec<AddressPorts>,
    pools: Vec<Group>,
    /// By interface and family.
    interfaces: Vec<[Group; 2]>,
}

impl PortTable {
    /// The ports of worker `worker` of `workers`: its share of every range.
    #[must_use]
    pub fn for_world(world: &World, worker: u16, workers: u16, seed: u64) -> Self {
        let mut table = Self::default();
        let share = |ports| share_of(ports, worker, workers);
        for pool in &world.nat.pools {
            let addresses = pool.ranges.iter().flat_map(|range| range.addresses());
            let group = table.group(addresses, share(pool.ports), seed);
            table.pools.push(group);
        }
        for interface in &world.interfaces.0 {
            let group = |table: &mut Self, family| {
                let own = interface.primary(family).into_iter();
                table.group(own, share(world.nat.interface_ports), seed)
            };
            let groups = [group(&mut table, Family::Inet), group(&mut table, Family::Inet6)];
            table.interfaces.push(groups);
        }
        table
    }

    /// Leases a port of the interface's own address. `None`: no address of this family, or no free
    /// port; tell them apart with [`Self::interface_address`].
    pub fn lease_interface(
        &mut self,
        interface: IfIndex,
        family: Family,
        port: u16,
    ) -> Option<(Address, PortLease)> {
        let groups = self.interfaces.get(interface.index())?;
        let group = groups[Interface::family_index(family)];
        self.lease(group, group.first, port)
    }

    /// Leases a port of a pool's address. `choice` picks the address to begin with; if that has
    /// none left, the next.
    pub fn lease_pool(
        &mut self,
        pool: PoolId,
        choice: u64,
        port: u16,
    ) -> Option<(Address, PortLease)> {
        let group = *self.pools.get(pool.index().checked_sub(1)?)?;
        let count = u64::from(group.count);
        let start = u32::try_from(choice.checked_rem(count)?).unwrap_or(0);
        (0..group.count)
            .find_map(|step| self.lease(group, group.first + (start + step) % group.count, port))
    }

    /// The address of a pool that `choice` picks, without a port: `port no-translation` and
    /// protocols without ports.
    #[must_use]
    pub fn pool_address(&self, pool: PoolId, choice: u64) -> Option<Address> {
        let group = self.pools.get(pool.index().checked_sub(1)?)?;
        let step = u32::try_from(choice.checked_rem(u64::from(group.count))?).unwrap_or(0);
        Some(self.slots[(group.first + step) as usize].address)
    }

    /// The address that interface NAT translates to.
    #[must_use]
    pub fn interface_address(&self, interface: IfIndex, family: Family) -> Option<Address> {
        let group = self.interfaces.get(interface.index())?[Interface::family_index(family)];
        (group.count > 0).then(|| self.slots[group.first as usize].address)
    }

    /// Gives a lease back.
    pub fn release(&mut self, lease: PortLease) {
        let Some(at) = (lease.slot as usize).checked_sub(1) else {
            return;
        };
        let Some(slot) = self.slots.get_mut(at) else {
            return;
        };
        let bit = 1 << (lease.port % 64);
        let word = &mut slot.taken[usize::from(lease.port / 64)];
        if *word & bit != 0 {
            *word &= !bit;
            slot.leased -= 1;
        }
    }

    /// Ports leased now.
    #[must_use]
    pub fn leased(&self) -> u64 {
        self.slots.iter().map(|slot| u64::from(slot.leased)).sum()
    }

    /// Bytes of memory.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.slots.len() * (size_of::<AddressPorts>() + WORDS * size_of::<u64>())
    }

    fn group(
        &mut self,
        addresses: impl Iterator<Item = Address>,
        ports: (u16, u16),
        seed: u64,
    ) -> Group {
        let first = self.slots.len();
        let span = u64::from(ports.1 - ports.0) + 1;
        for address in addresses {
            let start = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29) % span;
            self.slots.push(AddressPorts {
                address,
                taken: vec![0; WORDS],
                leased: 0,
                cursor: ports.0 + u16::try_from(start).unwrap_or(0),
            });
        }
        let count = self.slots.len() - first;
        Group {
            first: u32::try_from(first).unwrap_or(u32::MAX),
            count: u32::try_from(count).unwrap_or(0),
            ports,
        }
    }

    fn lease(&mut self, group: Group, slot: u32, wanted: u16) -> Option<(Address, PortLease)> {
        let ports = self.slots.get_mut(slot as usize).filter(|_| group.count > 0)?;
        let (first, last) = group.ports;
        let port = if (first..=last).contains(&wanted) && !ports.is_taken(wanted) {
            wanted
        } else {
            let port =
                ports.next_free(ports.cursor, last).or_else(|| ports.next_free(first, last))?;
            ports.cursor = if port == last { first } else { port + 1 };
            port
        };
        ports.taken[usize::from(port / 64)] |= 1 << (port % 64);
        ports.leased += 1;
        Some((ports.address, PortLease { slot: slot + 1, port }))
    }
}

impl AddressPorts {
    fn is_taken(&self, port: u16) -> bool {
        self.taken[usize::from(port / 64)] >> (port % 64) & 1 == 1
    }

    /// The first free port in `from..=last`, 64 at a time.
    fn next_free(&self, from: u16, last: u16) -> Option<u16> {
        let mut word = usize::from(from / 64);
        let mut free = !self.taken[word] & (u64::MAX << (from % 64));
        loop {
            if free != 0 {
                let port = word * 64 + free.trailing_zeros() as usize;
                return u16::try_from(port).ok().filter(|&port| port <= last);
            }
            word += 1;
            if word > usize::from(last / 64) {
                return None;
            }
            free = !self.taken[word];
        }
    }
}

/// The `worker`th of `workers` equal parts; what does not divide goes to the last.
#[must_use]
pub fn share_of(ports: (u16, u16), worker: u16, workers: u16) -> (u16, u16) {
    let (first, last) = (u32::from(ports.0), u32::from(ports.1));
    let (worker, workers) = (u32::from(worker), u32::from(workers.max(1)));
    let part = ((last - first + 1) / workers).max(1);
    let from = (first + worker * part).min(last);
    let to = if worker + 1 == workers { last } else { (from + part - 1).min(last) };
    (u16::try_from(from).unwrap_or(0), u16::try_from(to).unwrap_or(u16::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::AddressRange;
    use crate::world::nat::SourcePool;

    fn table(ports: (u16, u16), addresses: u32) -> PortTable {
        let mut world = World::default();
        world.nat.pools.push(SourcePool {
            ranges: vec![AddressRange::V4(0xc633_6401, 0xc633_6400 + addresses)],
            ports,
            no_translation: false,
        });
        PortTable::for_world(&world, 0, 1, 1)
    }

    #[test]
    fn keeps_the_original_port_where_it_is_free_and_in_range() {
        let mut ports = table((1024, 1100), 1);
        let (address, lease) = ports.lease_pool(PoolId(1), 0, 1050).expect("free");
        assert_eq!((address, lease.port), (Address::v4([198, 51, 100, 1]), 1050));
        let (_, other) = ports.lease_pool(PoolId(1), 0, 1050).expect("free");
        assert_ne!(other.port, 1050);
        let (_, moved) = ports.lease_pool(PoolId(1), 0, 80).expect("free");
        assert!((1024..=1100).contains(&moved.port));
    }

    #[test]
    fn an_exhausted_pool_refuses_until_a_port_comes_back_and_no_port_is_leased_twice() {
        let mut ports = table((2000, 2009), 2);
        let mut seen = std::collections::HashSet::new();
        let mut leases = Vec::new();
        while let Some((address, lease)) = ports.lease_pool(PoolId(1), 7, 1) {
            assert!(seen.insert((address, lease.port)));
            leases.push(lease);
        }
        assert_eq!((leases.len(), ports.leased()), (20, 20));
        ports.release(leases[3]);
        ports.release(leases[3]);
        assert_eq!(ports.leased(), 19);
        assert!(ports.lease_pool(PoolId(1), 0, 1).is_some());
        assert!(ports.lease_pool(PoolId(1), 0, 1).is_none());
        assert!(ports.lease_pool(PoolId(9), 0, 1).is_none());
    }

    #[test]
    fn workers_share_a_range_without_overlap() {
        let parts: Vec<_> = (0..3).map(|worker| share_of((1024, 63487), worker, 3)).collect();
        assert_eq!(parts[0].0, 1024);
        assert_eq!(parts[2].1, 63487);
        assert!(parts.windows(2).all(|pair| pair[0].1 + 1 == pair[1].0));
    }
}
