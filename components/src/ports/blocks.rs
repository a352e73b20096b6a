//! `port block-allocation`: the ports of a pool cut into blocks that hosts hold one by one. A host
//! keeps the address of its first block. Blocks come back when their last port does and wait at the
//! end of their address's queue, so that the one freed last is the last to be given out.

use std::collections::VecDeque;

use crate::address::Address;
use crate::session::index::{Entry, Index};
use crate::world::nat::PortBlocks;

use super::bitmap::PortBitmap;
use super::{Slot, mix};

/// One block; `NONE` ends a host's list.
#[derive(Clone, Copy, Debug)]
struct Block {
    host: u32,
    next: u32,
    leased: u16,
    opened_ns: u64,
}

const NONE: u32 = u32::MAX;

/// A host that holds at least one block, the one that it takes from first.
#[derive(Clone, Copy, Debug)]
struct Host {
    address: Address,
    active: u32,
    count: u16,
}

/// The blocks of one pool.
#[derive(Clone, Debug)]
pub(super) struct BlockTable {
    settings: PortBlocks,
    /// First slot and first port of the pool.
    first_slot: u32,
    first_port: u16,
    blocks_a_slot: u32,
    blocks: Vec<Block>,
    free: Vec<VecDeque<u32>>,
    hosts: Vec<Host>,
    hosts_free: Vec<u32>,
    index: Index,
    seed: u64,
}

impl BlockTable {
    /// All blocks free. What does not fill a block at the end of the range is not used.
    pub(super) fn new(
        settings: PortBlocks,
        slots: (u32, u32),
        ports: (u16, u16),
        seed: u64,
    ) -> Self {
        let span = (u32::from(ports.1) + 1).saturating_sub(u32::from(ports.0));
        let blocks_a_slot = span / u32::from(settings.size.max(1));
        let count = blocks_a_slot * slots.1;
        let queue = |slot| (slot * blocks_a_slot..(slot + 1) * blocks_a_slot).collect();
        let free = Block { host: NONE, next: NONE, leased: 0, opened_ns: 0 };
        let host = Host { address: Address::ZERO, active: NONE, count: 0 };
        Self {
            settings,
            first_slot: slots.0,
            first_port: ports.0,
            blocks_a_slot,
            blocks: vec![free; count as usize],
            free: (0..slots.1).map(queue).collect(),
            hosts: vec![host; count as usize],
            hosts_free: (0..count).rev().collect(),
            index: Index::with_capacity(count as usize),
            seed,
        }
    }

    /// A port for a host: its slot and number. `None` if the host has its most blocks and no port
    /// free in them, or if no block is left on its address.
    pub(super) fn lease(
        &mut self,
        slots: &mut [Slot],
        host: Address,
        wanted: u16,
        now_ns: u64,
    ) -> Option<(u32, u16)> {
        let known = self.find(host);
        if let Some(at) = known {
            let active = self.hosts[at as usize].active;
            let age_ns = now_ns.saturating_sub(self.blocks[active as usize].opened_ns);
            let limit_ns = u64::from(self.settings.active_s) * 1_000_000_000;
            if (limit_ns == 0 || age_ns < limit_ns)
                && let Some(port) = self.take(slots, active, wanted)
            {
                return Some((self.slot_of(active), port));
            }
        }
        if let Some(block) = self.open(known, host, now_ns) {
            let port = self.take(slots, block, wanted)?;
            return Some((self.slot_of(block), port));
        }
        let mut block = self.hosts[known? as usize].active;
        while block != NONE {
            if let Some(port) = self.take(slots, block, wanted) {
                return Some((self.slot_of(block), port));
            }
            block = self.blocks[block as usize].next;
        }
        None
    }

    /// A port of this pool came back.
    pub(super) fn released(&mut self, slot: u32, port: u16) {
        let within = u32::from(port - self.first_port) / u32::from(self.settings.size);
        let block = (slot - self.first_slot) * self.blocks_a_slot + within;
        let Some(freed) = self.blocks.get_mut(block as usize) else {
            return;
        };
        freed.leased -= 1;
        if freed.leased == 0 {
            self.close(block);
        }
    }

    /// The pool's slots begin elsewhere.
    pub(super) fn move_to(&mut self, first_slot: u32) {
        self.first_slot = first_slot;
    }

    /// Bytes of memory.
    pub(super) fn memory_bytes(&self) -> usize {
        let each = size_of::<Block>() + size_of::<Host>() + 2 * size_of::<u32>();
        self.blocks.len() * each + self.index.memory_bytes()
    }

    fn find(&self, host: Address) -> Option<u32> {
        let hash = mix(self.seed, host);
        let entry = self.index.find(hash, |entry| self.hosts[entry.slot()].address == host)?;
        u32::try_from(entry.slot()).ok()
    }

    fn slot_of(&self, block: u32) -> u32 {
        self.first_slot + block / self.blocks_a_slot
    }

    fn range_of(&self, block: u32) -> (u16, u16) {
        let size = u32::from(self.settings.size);
        let first = u32::from(self.first_port) + block % self.blocks_a_slot * size;
        let port = |port| u16::try_from(port).unwrap_or(u16::MAX);
        (port(first), port(first + size - 1))
    }

    fn take(&mut self, slots: &mut [Slot], block: u32, wanted: u16) -> Option<u16> {
        if self.blocks[block as usize].leased == self.settings.size {
            return None;
        }
        let range = self.range_of(block);
        let ports: &mut PortBitmap = &mut slots[self.slot_of(block) as usize].ports;
        let port = ports.take_within(range, wanted)?;
        self.blocks[block as usize].leased += 1;
        Some(port)
    }

    /// Gives a host a new block and makes it the active one.
    fn open(&mut self, known: Option<u32>, host: Address, now_ns: u64) -> Option<u32> {
        let (at, block) = match known {
            Some(at) => {
                let Host { active, count, .. } = self.hosts[at as usize];
                if count >= self.settings.per_host_max {
                    return None;
                }
                let queue = (active / self.blocks_a_slot) as usize;
                (at, self.free[queue].pop_front()?)
            }
            None => {
                let hash = mix(self.seed, host);
                let queues = self.free.len() as u64;
                let start = usize::try_from(hash % queues.max(1)).ok()?;
                let mut order = (0..self.free.len()).map(|step| (start + step) % self.free.len());
                let queue = order.find(|&queue| !self.free[queue].is_empty())?;
                let at = *self.hosts_free.last()?;
                if !self.index.insert(hash, Entry::new(at, 0)) {
                    return None;
                }
                self.hosts_free.pop();
                self.hosts[at as usize] = Host { address: host, active: NONE, count: 0 };
                (at, self.free[queue].pop_front()?)
            }
        };
        let host = &mut self.hosts[at as usize];
        self.blocks[block as usize] =
            Block { host: at, next: host.active, leased: 0, opened_ns: now_ns };
        host.active = block;
        host.count += 1;
        Some(block)
    }

    /// Takes an empty block from its host.
    fn close(&mut self, block: u32) {
        let Block { host: at, next, .. } = self.blocks[block as usize];
        let host = &mut self.hosts[at as usize];
        if host.active == block {
            host.active = next;
        } else {
            let mut before = host.active;
            while self.blocks[before as usize].next != block {
                before = self.blocks[before as usize].next;
            }
            self.blocks[before as usize].next = next;
        }
        let host = &mut self.hosts[at as usize];
        host.count -= 1;
        if host.count == 0 {
            self.index.remove(mix(self.seed, host.address), Entry::new(at, 0));
            self.hosts_free.push(at);
        }
        self.blocks[block as usize].host = NONE;
        self.free[(block / self.blocks_a_slot) as usize].push_back(block);
    }
}
