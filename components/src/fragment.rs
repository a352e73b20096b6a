//! Virtual reassembly: which fragments of a datagram have been seen, without keeping their bytes.
//! A first fragment opens its datagram (RFC 791, RFC 8200 section 4.5), the later ones must fit to
//! what is there: no overlap (RFC 1858, RFC 3128, RFC 5722), no duplicate, nothing beyond 65,535
//! bytes or the last fragment. Memory is fixed at start; where it is full, the oldest datagram is
//! forgotten and counted. A datagram ends when it is complete or when its time is over.

mod datagram;

#[cfg(test)]
mod tests;

use crate::address::{Address, Family};
use crate::ids::FragmentRef;
use crate::session::key::{FlowKey, HashSeed};

use datagram::Datagram;
pub use datagram::FRAGMENTS_MAX;

/// What a packet is to virtual reassembly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum FragmentMark {
    /// No fragment; also an atomic one (RFC 6946).
    #[default]
    Whole,
    /// The first fragment, which opens its datagram.
    First,
    /// A later fragment of an open datagram.
    Later,
    /// A later fragment of a datagram that is not open.
    BeforeFirst,
    /// Exactly what was seen before.
    Duplicate,
    /// It overlaps an earlier fragment of its datagram, which is given up.
    Overlap,
    /// A fragment of a datagram that was given up.
    GivenUp,
    /// Empty, beyond 65,535 bytes, or beyond the last fragment.
    Bad,
    /// More than [`FRAGMENTS_MAX`] of one datagram.
    TooMany,
}

/// One fragment as its headers describe it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fragment {
    /// The datagram that it belongs to.
    pub datagram: FlowKey,
    /// First byte of the datagram's payload that it holds.
    pub start: u32,
    /// Bytes of the datagram's payload that it holds.
    pub length: u32,
    /// Bytes that count towards the largest packet beside the payload: IPv4's header, IPv6's
    /// extension headers in front of the fragment header.
    pub headers: u32,
    /// More fragments follow.
    pub more: bool,
}

/// What a datagram is known by: addresses, protocol and identification. In IPv6 only the first
/// fragment's next header means something (RFC 8200 section 4.5), so it is left out.
#[must_use]
pub fn datagram_key(
    family: Family,
    [source, destination]: [Address; 2],
    protocol: u8,
    identification: u32,
) -> FlowKey {
    let [a, b, c, d] = identification.to_be_bytes();
    FlowKey {
        source,
        destination,
        source_port: u16::from_be_bytes([a, b]),
        destination_port: u16::from_be_bytes([c, d]),
        protocol: if family == Family::Inet6 { 0 } else { protocol },
        family,
    }
}

/// What became of datagrams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FragmentCounts {
    /// Opened by a first fragment.
    pub opened: u64,
    /// All fragments were seen.
    pub completed: u64,
    /// Forgotten because their time was over.
    pub timed_out: u64,
    /// Forgotten because the table was full: the oldest goes first.
    pub evicted: u64,
}

impl FragmentCounts {
    /// Adds another table's.
    pub fn add(&mut self, other: &Self) {
        self.opened += other.opened;
        self.completed += other.completed;
        self.timed_out += other.timed_out;
        self.evicted += other.evicted;
    }
}

/// Open datagrams, oldest first.
#[derive(Debug)]
pub struct FragmentTable {
    datagrams: Vec<Datagram>,
    /// First datagram of each hash chain.
    chains: Vec<FragmentRef>,
    free: FragmentRef,
    oldest: FragmentRef,
    newest: FragmentRef,
    open: usize,
    seed: HashSeed,
    timeout_ns: u64,
    counts: FragmentCounts,
}

impl FragmentTable {
    /// Room for `entries` datagrams, each for `timeout_ns` of packet time. A datagram takes about
    /// 340 bytes.
    ///
    /// # Panics
    /// If `entries` is 2^31 or more; the schedule's range is narrower.
    #[must_use]
    pub fn new(entries: usize, seed: u64, timeout_ns: u64) -> Self {
        let last = u32::try_from(entries).expect("below 2^31");
        let mut datagrams = vec![Datagram::EMPTY; entries];
        for (datagram, slot) in datagrams.iter_mut().zip(1..) {
            datagram.next = FragmentRef(if slot == last { 0 } else { slot + 1 });
        }
        Self {
            datagrams,
            chains: vec![FragmentRef::NONE; entries.next_power_of_two()],
            free: FragmentRef(last.min(1)),
            oldest: FragmentRef::NONE,
            newest: FragmentRef::NONE,
            open: 0,
            seed: HashSeed::new(seed),
            timeout_ns,
            counts: FragmentCounts::default(),
        }
    }

    /// Takes note of a fragment. The reference names its datagram, also when the fragment completes
    /// it; none for fragments whose datagram is not open.
    pub fn observe(&mut self, fragment: &Fragment, clock_ns: u64) -> (FragmentMark, FragmentRef) {
        self.forget_old(clock_ns);
        let chain = self.chain_of(&fragment.datagram);
        let found = self.find(chain, &fragment.datagram);
        let slot = match found {
            Some(slot) => slot,
            None if fragment.start > 0 => return (FragmentMark::BeforeFirst, FragmentRef::NONE),
            None if fragment.length == 0 || fragment.is_beyond() => {
                return (FragmentMark::Bad, FragmentRef::NONE);
            }
            None => self.open(chain, fragment.datagram, clock_ns),
        };
        let Some(index) = slot.index().checked_sub(1) else {
            return (FragmentMark::BeforeFirst, FragmentRef::NONE);
        };
        let mark = self.datagrams[index].add(fragment);
        if self.datagrams[index].is_complete() {
            self.counts.completed += 1;
            self.close(slot);
        }
        (mark, slot)
    }

    /// Datagrams that are open now.
    #[must_use]
    pub const fn open_datagrams(&self) -> usize {
        self.open
    }

    /// What became of datagrams so far.
    #[must_use]
    pub const fn counts(&self) -> FragmentCounts {
        self.counts
    }

    /// Datagrams that may be open at once.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.datagrams.len()
    }

    fn forget_old(&mut self, clock_ns: u64) {
        while let Some(index) = self.oldest.index().checked_sub(1) {
            if self.datagrams[index].opened_ns.saturating_add(self.timeout_ns) > clock_ns {
                break;
            }
            self.counts.timed_out += 1;
            self.close(self.oldest);
        }
    }

    fn chain_of(&self, key: &FlowKey) -> usize {
        let mask = self.chains.len() as u64 - 1;
        usize::try_from(key.hash(self.seed) & mask).unwrap_or(0)
    }

    fn find(&self, chain: usize, key: &FlowKey) -> Option<FragmentRef> {
        let mut at = self.chains[chain];
        while let Some(index) = at.index().checked_sub(1) {
            let datagram = &self.datagrams[index];
            if datagram.key == *key {
                return Some(at);
            }
            at = datagram.next;
        }
        None
    }

    /// Opens a datagram as the newest one; none in a table without entries.
    fn open(&mut self, chain: usize, key: FlowKey, clock_ns: u64) -> FragmentRef {
        if self.free.is_none() && !self.oldest.is_none() {
            self.counts.evicted += 1;
            self.close(self.oldest);
        }
        let slot = self.free;
        let Some(index) = slot.index().checked_sub(1) else {
            return slot;
        };
        self.free = self.datagrams[index].next;
        let datagram = &mut self.datagrams[index];
        *datagram = Datagram::EMPTY;
        datagram.key = key;
        datagram.opened_ns = clock_ns;
        datagram.next = self.chains[chain];
        datagram.older = self.newest;
        self.chains[chain] = slot;
        match self.newest.index().checked_sub(1) {
            Some(newest) => self.datagrams[newest].newer = slot,
            None => self.oldest = slot,
        }
        self.newest = slot;
        self.counts.opened += 1;
        self.open += 1;
        slot
    }

    /// Takes a datagram out of its chain and of the order of age.
    fn close(&mut self, slot: FragmentRef) {
        let Some(index) = slot.index().checked_sub(1) else {
            return;
        };
        let Datagram { key, next, older, newer, .. } = self.datagrams[index];
        match older.index().checked_sub(1) {
            Some(older) => self.datagrams[older].newer = newer,
            None => self.oldest = newer,
        }
        match newer.index().checked_sub(1) {
            Some(newer) => self.datagrams[newer].older = older,
            None => self.newest = older,
        }
        self.unchain(key, slot, next);
        self.datagrams[index].next = self.free;
        self.free = slot;
        self.open -= 1;
    }

    fn unchain(&mut self, key: FlowKey, slot: FragmentRef, next: FragmentRef) {
        let chain = self.chain_of(&key);
        if self.chains[chain] == slot {
            self.chains[chain] = next;
            return;
        }
        let mut at = self.chains[chain];
        while let Some(index) = at.index().checked_sub(1) {
            at = self.datagrams[index].next;
            if at == slot {
                self.datagrams[index].next = next;
                return;
            }
        }
    }
}
