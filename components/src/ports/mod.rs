//! Source NAT ports and the addresses they belong to, sized when the world is compiled, so that a
//! lease never allocates. Addresses of a pool take turns unless a host is to keep its own; a full
//! pool is known at once. Workers split each range between them. A lease is given back by the
//! session, the TIME-WAIT of TCP included, or by the persistent binding that holds it.

mod bindings;
mod bitmap;
mod blocks;
mod succession;

use crate::address::{Address, Family};
use crate::ids::{IfIndex, PoolId};
use crate::session::record::PortLease;
use crate::world::World;
use crate::world::interface::Interface;
use crate::world::nat::{Overflow, SourcePool};

pub use bindings::{BindingError, Bindings, Endpoint, Inbound};
use bitmap::PortBitmap;
use blocks::BlockTable;
pub use succession::{Held, PortPlan};

/// Addresses that a pool may have: their ports take 8 KiB each.
pub const POOL_ADDRESSES_MAX: u128 = 4096;

/// What a session asks for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted {
    /// The client.
    pub host: Address,
    /// Its port, or ICMP identifier.
    pub port: u16,
    /// The protocol has ports or identifiers: without, only an address is chosen.
    pub has_ports: bool,
    /// How many translations other sessions were found to have already: not the same again.
    pub attempt: u32,
    /// Where the packet leaves, for `interface`.
    pub egress: IfIndex,
    /// The family that it leaves in.
    pub family: Family,
}

/// What it gets: address, port, and what it has to give back.
pub type Translation = (Address, u16, PortLease);

/// One translated address.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    address: Address,
    ports: PortBitmap,
    /// Index of its group.
    group: u32,
}

/// Slots of one pool or one interface address.
#[derive(Clone, Debug, Default)]
struct Group {
    first: u32,
    count: u32,
    ports: (u16, u16),
    pool: SourcePool,
    /// Bit `n` of the slots: it has a free port.
    open: Vec<u64>,
    /// Whose turn it is.
    turn: u32,
    blocks: Option<Box<BlockTable>>,
}

/// All ports that a shard may lease.
#[derive(Clone, Debug, Default)]
pub struct PortTable {
    slots: Vec<Slot>,
    /// Pools, then two of each interface, by family.
    groups: Vec<Group>,
    pools: usize,
    seed: u64,
    /// Packet time: blocks and bindings age by it.
    clock_ns: u64,
    /// Persistent NAT.
    pub bindings: Bindings,
}

impl PortTable {
    /// The ports of worker `worker` of `workers`: its share of every range; and room for
    /// `bindings` persistent bindings.
    #[must_use]
    pub fn for_world(world: &World, worker: u16, workers: u16, seed: u64, bindings: usize) -> Self {
        let bindings = Bindings::new(&world.nat.persistent, bindings, seed);
        let mut table = Self { seed, pools: world.nat.pools.len(), bindings, ..Self::default() };
        let share = |ports| share_of(ports, worker, workers);
        for pool in &world.nat.pools {
            let addresses = pool.ranges.iter().flat_map(|range| range.addresses());
            table.group(addresses, share(pool.ports), pool.clone());
        }
        for interface in &world.interfaces.0 {
            for family in [Family::Inet, Family::Inet6] {
                let own = interface.primary(family).into_iter();
                table.group(own, share(world.nat.interface_ports), SourcePool::default());
            }
        }
        table
    }

    /// Packet time moves on: bindings that have been idle for their time are gone.
    pub fn set_clock(&mut self, clock_ns: u64) {
        self.clock_ns = self.clock_ns.max(clock_ns);
        while let Some(lease) = self.bindings.expire(self.clock_ns) {
            self.release(lease);
        }
    }

    /// A translation to the egress interface's own address. `None`: no address of this family, or
    /// no free port; tell them apart with [`Self::interface_address`].
    pub fn lease_interface(&mut self, wanted: &Wanted) -> Option<Translation> {
        let at = self.interface_group(wanted.egress, wanted.family)?;
        let group = &self.groups[at];
        if !wanted.has_ports {
            let address = (group.count > 0).then(|| self.slots[group.first as usize].address)?;
            return Some((address, wanted.port, PortLease::default()));
        }
        self.lease_of(at, 0, wanted)
    }

    /// A translation by a pool, or by what takes over when it has nothing left.
    pub fn lease_pool(&mut self, pool: PoolId, wanted: &Wanted) -> Option<Translation> {
        let at = self.pool_group(pool)?;
        let own = self.lease_group(at, wanted);
        if own.is_some() {
            return own;
        }
        match self.groups[at].pool.overflow {
            Overflow::None => None,
            Overflow::Interface => self.lease_interface(wanted),
            Overflow::Pool(other) => self.lease_group(self.pool_group(other)?, wanted),
        }
    }

    /// The address that interface NAT translates to.
    #[must_use]
    pub fn interface_address(&self, interface: IfIndex, family: Family) -> Option<Address> {
        let group = &self.groups[self.interface_group(interface, family)?];
        (group.count > 0).then(|| self.slots[group.first as usize].address)
    }

    /// Gives back what a session held that ends now.
    pub fn release(&mut self, lease: PortLease) {
        self.release_at(lease, self.clock_ns);
    }

    /// Gives back what a session held that ended at `ended_ns`, found out later.
    pub fn release_at(&mut self, lease: PortLease, ended_ns: u64) {
        if lease.binding != 0 {
            self.bindings.leave(lease, ended_ns);
        }
        let Some(at) = lease.slot.checked_sub(1) else {
            return;
        };
        let Some(slot) = self.slots.get_mut(at as usize) else {
            return;
        };
        if !slot.ports.give(lease.port) {
            return;
        }
        let group = &mut self.groups[slot.group as usize];
        let place = at - group.first;
        group.open[place as usize / 64] |= 1 << (place % 64);
        if let Some(blocks) = &mut group.blocks {
            blocks.released(at, lease.port);
        }
    }

    /// Ports that sessions hold now, those of bindings not counted.
    #[must_use]
    pub fn leased(&self) -> u64 {
        let all: u64 = self.slots.iter().map(|slot| u64::from(slot.ports.leased())).sum();
        all - self.bindings.active() as u64
    }

    /// Bytes of memory.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let blocks = self.groups.iter().filter_map(|group| group.blocks.as_ref());
        self.slots.len() * (size_of::<Slot>() + PortBitmap::memory_bytes())
            + blocks.map(|table| table.memory_bytes()).sum::<usize>()
            + self.bindings.memory_bytes()
    }

    fn pool_group(&self, pool: PoolId) -> Option<usize> {
        pool.index().checked_sub(1).filter(|&at| at < self.pools)
    }

    fn interface_group(&self, interface: IfIndex, family: Family) -> Option<usize> {
        let at = self.pools + 2 * interface.index() + Interface::family_index(family);
        (at < self.groups.len()).then_some(at)
    }

    fn group(
        &mut self,
        addresses: impl Iterator<Item = Address>,
        ports: (u16, u16),
        pool: SourcePool,
    ) {
        let first = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        let number = u32::try_from(self.groups.len()).unwrap_or(u32::MAX);
        let [start, ..] =
            self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes().map(u16::from);
        for address in addresses {
            let ports = PortBitmap::new(start.wrapping_mul(251));
            self.slots.push(Slot { address, ports, group: number });
        }
        let count = u32::try_from(self.slots.len()).unwrap_or(u32::MAX) - first;
        let blocks = pool
            .blocks
            .filter(|_| pool.has_ports())
            .map(|settings| Box::new(BlockTable::new(settings, (first, count), ports, self.seed)));
        let open = (0..count.div_ceil(64)).map(|word| match count - word * 64 {
            rest @ 1..=63 => (1 << rest) - 1,
            _ => u64::MAX,
        });
        let open = open.collect();
        self.groups.push(Group { first, count, ports, pool, open, turn: 0, blocks });
    }

    fn lease_group(&mut self, at: usize, wanted: &Wanted) -> Option<Translation> {
        let Self { slots, groups, seed, clock_ns, .. } = self;
        let group = &mut groups[at];
        if group.count == 0 {
            return None;
        }
        let own = u32::try_from(mix(*seed, wanted.host) % u64::from(group.count)).ok()?;
        if let Some(base) = group.pool.host_base {
            let place = distance(base, wanted.host, group.pool.family())?;
            let place = u32::try_from(place).ok().filter(|&place| place < group.count)?;
            let address = slots[(group.first + place) as usize].address;
            return (wanted.attempt == 0).then(|| (address, wanted.port, PortLease::default()));
        }
        if !wanted.has_ports || !group.pool.has_ports() {
            let place = (own + wanted.attempt) % group.count;
            let address = slots[(group.first + place) as usize].address;
            return Some((address, wanted.port, PortLease::default()));
        }
        if let Some(blocks) = &mut group.blocks {
            let (slot, port) = blocks.lease(slots, wanted.host, wanted.port, *clock_ns)?;
            let lease = PortLease { slot: slot + 1, port, binding: 0 };
            return Some((slots[slot as usize].address, port, lease));
        }
        if group.pool.paired {
            return self.lease_of(at, own, wanted);
        }
        let place = group.next_open(group.turn)?;
        group.turn = (place + 1) % group.count;
        self.lease_of(at, place, wanted)
    }

    /// A port of one address.
    fn lease_of(&mut self, at: usize, place: u32, wanted: &Wanted) -> Option<Translation> {
        let group = &mut self.groups[at];
        let number = group.first + place;
        let slot = self.slots.get_mut(number as usize).filter(|_| place < group.count)?;
        let Some(port) = slot.ports.take(group.ports, wanted.port, wanted.attempt == 0) else {
            group.open[place as usize / 64] &= !(1 << (place % 64));
            return None;
        };
        let span = u32::from(group.ports.1) + 1 - u32::from(group.ports.0);
        if slot.ports.leased() == span {
            group.open[place as usize / 64] &= !(1 << (place % 64));
        }
        Some((slot.address, port, PortLease { slot: number + 1, port, binding: 0 }))
    }
}

impl Group {
    /// The next address from `from` on, round the end, that has a free port.
    fn next_open(&self, from: u32) -> Option<u32> {
        let words = self.open.len();
        let start = from as usize / 64;
        let behind = u64::MAX << (from % 64);
        (0..=words).find_map(|step| {
            let word = (start + step) % words;
            let mask = match step {
                0 => behind,
                step if step == words => !behind,
                _ => u64::MAX,
            };
            let open = self.open[word] & mask;
            let place = word * 64 + open.trailing_zeros() as usize;
            (open != 0).then(|| u32::try_from(place).ok()).flatten()
        })
    }
}

/// The `worker`th of `workers` equal parts; what does not divide goes to the last. A part without
/// ports begins after its end.
#[must_use]
pub fn share_of(ports: (u16, u16), worker: u16, workers: u16) -> (u16, u16) {
    let (first, last) = (u32::from(ports.0), u32::from(ports.1));
    let (worker, workers) = (u32::from(worker), u32::from(workers.max(1)));
    let part = ((last + 1).saturating_sub(first) / workers).max(1);
    let from = first + worker * part;
    let to = if worker + 1 == workers { last } else { (from + part - 1).min(last) };
    match (u16::try_from(from), u16::try_from(to)) {
        (Ok(from), Ok(to)) if from <= to => (from, to),
        _ => (u16::MAX, 0),
    }
}

/// How far `host` lies behind `base`.
fn distance(base: Address, host: Address, family: Family) -> Option<u128> {
    match family {
        Family::Inet => host.v4_key().checked_sub(base.v4_key()).map(u128::from),
        _ => host.v6_key().checked_sub(base.v6_key()),
    }
}

/// A host's place among addresses: the same in every shard.
fn mix(seed: u64, host: Address) -> u64 {
    let key = host.v6_key();
    [key >> 64, key & u128::from(u64::MAX)].into_iter().fold(seed, |hash, half| {
        let half = u64::try_from(half).unwrap_or(0);
        let mixed = (hash ^ half).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed ^ (mixed >> 32)).wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ (mixed >> 29)
    })
}

#[cfg(test)]
mod tests;
