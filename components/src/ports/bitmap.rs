//! The ports of one address: a bitmap with a summary, so that finding a free port costs at most
//! eighteen words however full it is. RFC 4787 asks for the client's port where it is free, else
//! for one of its parity (REQ-4) and on its side of 1024 (REQ-3). Searches begin after the port
//! found last, so that a port that was just given back is the last to be taken again.

const WORDS: usize = (1 << 16) / 64;
const SUMMARIES: usize = WORDS / 64;
/// Bits of the even ports and of the odd ones.
const PARITIES: [u64; 2] = [0x5555_5555_5555_5555, 0xaaaa_aaaa_aaaa_aaaa];
/// First port that is not well-known.
const REGISTERED: u16 = 1024;

/// Which ports of a range may be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Parity {
    Any,
    Of(usize),
}

/// The ports of one translated address.
#[derive(Clone, Debug)]
pub(super) struct PortBitmap {
    taken: Vec<u64>,
    /// Bit `w` of parity `p`: word `w` has no free port of that parity.
    full: [[u64; SUMMARIES]; 2],
    leased: u32,
    /// Where the search begins, below 1024 and from there on.
    cursors: [u16; 2],
}

impl PortBitmap {
    /// All free; the first search begins `start` ports into each range.
    pub(super) fn new(start: u16) -> Self {
        let high = REGISTERED + start % (u16::MAX - REGISTERED);
        Self {
            taken: vec![0; WORDS],
            full: [[0; SUMMARIES]; 2],
            leased: 0,
            cursors: [start % REGISTERED, high],
        }
    }

    /// Bytes of memory.
    pub(super) const fn memory_bytes() -> usize {
        size_of::<Self>() + WORDS * size_of::<u64>()
    }

    pub(super) const fn leased(&self) -> u32 {
        self.leased
    }

    /// Takes `wanted` where it is in range and free and `keep` says so, else the next of its
    /// parity on its side of 1024, else any on its side, else any. `None`: all are taken.
    pub(super) fn take(&mut self, range: (u16, u16), wanted: u16, keep: bool) -> Option<u16> {
        if keep && (range.0..=range.1).contains(&wanted) && !self.is_taken(wanted) {
            self.set(wanted);
            return Some(wanted);
        }
        let own = usize::from(wanted >= REGISTERED);
        let parity = Parity::Of(usize::from(wanted & 1));
        let tries = [(own, parity), (own, Parity::Any), (1 - own, Parity::Any)];
        let port = tries.into_iter().find_map(|(side, parity)| self.next(range, side, parity))?;
        self.set(port);
        Some(port)
    }

    /// Takes the first free port of a small range, without moving the cursors.
    pub(super) fn take_within(&mut self, range: (u16, u16), wanted: u16) -> Option<u16> {
        let parity = Parity::Of(usize::from(wanted & 1));
        let port = self
            .next_free(range.0, range.1, parity)
            .or_else(|| self.next_free(range.0, range.1, Parity::Any))?;
        self.set(port);
        Some(port)
    }

    /// Gives a port back; false if it was free.
    pub(super) fn give(&mut self, port: u16) -> bool {
        if !self.is_taken(port) {
            return false;
        }
        let word = usize::from(port / 64);
        self.taken[word] &= !(1 << (port % 64));
        self.full[usize::from(port & 1)][word / 64] &= !(1 << (word % 64));
        self.leased -= 1;
        true
    }

    fn set(&mut self, port: u16) {
        let (word, parity) = (usize::from(port / 64), usize::from(port & 1));
        self.taken[word] |= 1 << (port % 64);
        if !self.taken[word] & PARITIES[parity] == 0 {
            self.full[parity][word / 64] |= 1 << (word % 64);
        }
        self.leased += 1;
    }

    fn is_taken(&self, port: u16) -> bool {
        self.taken[usize::from(port / 64)] >> (port % 64) & 1 == 1
    }

    /// The next free port of a range on one side of 1024, after the cursor, then from the front.
    fn next(&mut self, range: (u16, u16), side: usize, parity: Parity) -> Option<u16> {
        let (first, last) = match side {
            0 => (range.0, range.1.min(REGISTERED - 1)),
            _ => (range.0.max(REGISTERED), range.1),
        };
        if first > last {
            return None;
        }
        let cursor = Some(self.cursors[side]).filter(|c| (first..=last).contains(c));
        let port = self
            .next_free(cursor.unwrap_or(first), last, parity)
            .or_else(|| self.next_free(first, last, parity))?;
        self.cursors[side] = if port == last { first } else { port + 1 };
        Some(port)
    }

    /// The first free port in `from..=last`: one word, then the summary, then one word.
    fn next_free(&self, from: u16, last: u16, parity: Parity) -> Option<u16> {
        let mask = match parity {
            Parity::Any => u64::MAX,
            Parity::Of(which) => PARITIES[which],
        };
        let mut word = usize::from(from / 64);
        let mut free = !self.taken[word] & mask & (u64::MAX << (from % 64));
        if free == 0 {
            word = self.next_word(word + 1, parity)?;
            free = !self.taken[word] & mask;
        }
        let port = word * 64 + free.trailing_zeros() as usize;
        u16::try_from(port).ok().filter(|&port| port <= last)
    }

    /// The first word from `from` on that has a free port.
    fn next_word(&self, from: usize, parity: Parity) -> Option<usize> {
        let open = |at: usize| match parity {
            Parity::Any => !(self.full[0][at] & self.full[1][at]),
            Parity::Of(which) => !self.full[which][at],
        };
        let at = from / 64;
        if at >= SUMMARIES {
            return None;
        }
        let here = open(at) & (u64::MAX << (from % 64));
        if here != 0 {
            return Some(at * 64 + here.trailing_zeros() as usize);
        }
        let at = (at + 1..SUMMARIES).find(|&at| open(at) != 0)?;
        Some(at * 64 + open(at).trailing_zeros() as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keeps_the_port_then_its_parity_then_its_side_of_1024() {
        let mut ports = PortBitmap::new(0);
        let range = (1020, 1029);
        assert_eq!(ports.take(range, 1021, true), Some(1021));
        assert_eq!(ports.take(range, 1021, true), Some(1023), "odd and below 1024");
        assert_eq!(ports.take(range, 1021, true), Some(1020), "below 1024");
        assert_eq!(ports.take(range, 1021, true), Some(1022), "below 1024");
        assert_eq!(ports.take(range, 1021, true), Some(1024), "what there is");
        assert_eq!(ports.take(range, 40_000, true), Some(1026), "even and not well-known");
        assert_eq!(ports.take(range, 40_001, true), Some(1027), "odd and not well-known");
    }

    #[test]
    fn the_next_one_is_taken_when_the_wanted_one_must_not_be_kept() {
        let mut ports = PortBitmap::new(0);
        assert_eq!(ports.take((2000, 2009), 2000, false), Some(2000), "the cursor is before it");
        assert_eq!(ports.take((2000, 2009), 2004, false), Some(2002), "and moves on");
    }

    #[test]
    fn a_port_given_back_is_the_last_to_be_taken_again() {
        let mut ports = PortBitmap::new(0);
        let range = (2000, 2063);
        let first = ports.take(range, 5000, true).expect("free");
        assert!(ports.give(first));
        for _ in 0..31 {
            assert_ne!(ports.take(range, 5000, true), Some(first));
        }
        assert_eq!(ports.take(range, 5000, true), Some(first));
        assert!(!ports.give(2001), "was never taken");
    }

    #[test]
    fn the_whole_range_is_leased_and_each_port_found_again() {
        let mut ports = PortBitmap::new(777);
        let mut all: Vec<u16> =
            std::iter::from_fn(|| ports.take((1024, u16::MAX), 4000, true)).collect();
        all.sort_unstable();
        assert!(all.iter().copied().eq(1024..=u16::MAX));
        for port in [1024, 1087, 1088, 33_333, u16::MAX] {
            assert!(ports.give(port));
            assert_eq!(ports.take((1024, u16::MAX), 4000, true), Some(port));
            assert_eq!(ports.take((1024, u16::MAX), 4000, true), None);
        }
        assert_eq!(ports.leased(), 64_512);
    }

    proptest! {
        #[test]
        fn agrees_with_a_list_of_free_ports(
            low in 900u16..1100,
            span in 0u16..200,
            steps in proptest::collection::vec((any::<bool>(), 900u16..1400), 1..400),
        ) {
            let range = (low, low + span);
            let mut ports = PortBitmap::new(low);
            let mut held = std::collections::BTreeSet::new();
            for (give, wanted) in steps {
                if give {
                    prop_assert_eq!(ports.give(wanted), held.remove(&wanted));
                    continue;
                }
                let free = |p: &u16| !held.contains(p);
                let side = |p: &u16| (*p < 1024) == (wanted < 1024);
                let parity = |p: &u16| p % 2 == wanted % 2;
                let all = || (range.0..=range.1).filter(free);
                let best = all().any(|p| side(&p) && parity(&p));
                let good = all().any(|p| side(&p));
                let kept = all().any(|p| p == wanted);
                let any = all().count() > 0;
                match ports.take(range, wanted, true) {
                    None => prop_assert!(!any),
                    Some(port) => {
                        prop_assert!(free(&port) && (range.0..=range.1).contains(&port));
                        prop_assert!(!kept || port == wanted);
                        prop_assert!(!best || (side(&port) && parity(&port)));
                        prop_assert!(!good || side(&port));
                        held.insert(port);
                    }
                }
                prop_assert_eq!(ports.leased() as usize, held.len());
            }
        }
    }
}
