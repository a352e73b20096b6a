//! What a screen remembers of one address: how many packets of this second, which ports or hosts
//! were probed lately, how many sessions it has, until when it is trusted. Time is the packet
//! clock's.

use super::table::Memory;

const SECOND_NS: u64 = 1_000_000_000;

/// Packets of one second of the packet clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rate {
    /// The second plus one; 0 is never.
    second: u64,
    count: u32,
    /// The last second plus one that was above the threshold; 0 is never.
    above: u64,
}

impl Rate {
    /// Counts a packet; returns how many this second has.
    pub fn count(&mut self, now_ns: u64) -> u32 {
        let second = now_ns / SECOND_NS + 1;
        if self.second != second {
            self.second = second;
            self.count = 0;
        }
        self.count = self.count.saturating_add(1);
        self.count
    }

    /// Counts a packet; true if it is above the threshold, or if this or the last second has been:
    /// a flood is kept out for the rest of its second and for the next one, as on an SRX.
    pub fn is_flood(&mut self, now_ns: u64, threshold: u32) -> bool {
        if self.count(now_ns) > threshold {
            self.above = self.second;
        }
        self.above != 0 && self.second - self.above <= 1
    }
}

impl Memory for Rate {
    fn is_over(&self, now_ns: u64) -> bool {
        now_ns / SECOND_NS > self.second
    }
}

/// Different things of one kind that make a scan or a sweep.
pub const PROBES_MAX: usize = 10;

/// The last different ports or hosts that were probed, with the time of each one's last packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Probes {
    items: [u32; PROBES_MAX],
    times_ns: [u64; PROBES_MAX],
    len: u8,
    until_ns: u64,
}

impl Probes {
    /// Notes a probe; true if the last `interval_ns` hold ten different ones, this one included.
    pub fn probe(&mut self, item: u32, now_ns: u64, interval_ns: u64) -> bool {
        self.forget(now_ns, interval_ns);
        self.until_ns = now_ns.saturating_add(interval_ns);
        let len = usize::from(self.len);
        let at = self.items[..len].iter().position(|&known| known == item).unwrap_or_else(|| {
            if len < PROBES_MAX {
                self.len += 1;
                return len;
            }
            let ages = self.times_ns.iter().enumerate();
            ages.min_by_key(|&(_, time_ns)| time_ns).map_or(0, |(at, _)| at)
        });
        self.items[at] = item;
        self.times_ns[at] = now_ns;
        usize::from(self.len) == PROBES_MAX
    }

    /// Drops what lies an interval back.
    fn forget(&mut self, now_ns: u64, interval_ns: u64) {
        let mut kept = 0;
        for at in 0..usize::from(self.len) {
            if now_ns.saturating_sub(self.times_ns[at]) < interval_ns {
                self.items[kept] = self.items[at];
                self.times_ns[kept] = self.times_ns[at];
                kept += 1;
            }
        }
        self.len = u8::try_from(kept).unwrap_or(0);
    }
}

impl Memory for Probes {
    fn is_over(&self, now_ns: u64) -> bool {
        self.until_ns <= now_ns
    }
}

/// Live sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sessions(pub u32);

impl Memory for Sessions {
    fn is_over(&self, _now_ns: u64) -> bool {
        self.0 == 0
    }
}

/// Holds up to a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Until(pub u64);

impl Memory for Until {
    fn is_over(&self, now_ns: u64) -> bool {
        self.0 <= now_ns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn a_flood_is_kept_out_until_the_end_of_the_next_second() {
        let mut rate = Rate::default();
        let mut at = |ms: u64| rate.is_flood(ms * MS, 2);
        assert_eq!([at(0), at(10), at(20), at(999)], [false, false, true, true]);
        assert!(at(1500), "the next second");
        assert!(!at(2000), "the one after that");
    }

    #[test]
    fn the_second_of_the_clock_begins_a_new_count() {
        let mut rate = Rate::default();
        assert_eq!([0, 999, 1000, 1001].map(|ms| rate.count(ms * MS)), [1, 2, 1, 2]);
        assert!(!rate.is_over(2999 * MS), "a flood of second 1 closes second 2");
        assert!(rate.is_over(3000 * MS));
    }

    #[test]
    fn ten_different_probes_within_the_interval_are_a_scan() {
        let mut probes = Probes::default();
        for item in 0..9 {
            assert!(!probes.probe(item, u64::from(item), 100), "{item}");
        }
        assert!(!probes.probe(3, 50, 100), "a known one");
        assert!(probes.probe(9, 60, 100));
        assert!(probes.probe(9, 61, 100), "while it goes on");
    }

    #[test]
    fn probes_leave_the_window_one_by_one() {
        let mut probes = Probes::default();
        for item in 0..9 {
            probes.probe(item, u64::from(item) * 10, 100);
        }
        // The first is exactly one interval back.
        assert!(!probes.probe(9, 100, 100));
        assert!(probes.probe(10, 109, 100));
        assert!(!probes.probe(11, 120, 100));
    }
}
