//! Numbers that a seed decides (SplitMix64), so that a seed is a whole run.

/// A generator.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One of `0..bound`; 0 if there is none.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.next() % bound }
    }

    /// One of `first..=last`.
    pub(super) fn between(&mut self, first: usize, last: usize) -> usize {
        first + usize::try_from(self.below((last - first) as u64 + 1)).expect("below a usize")
    }

    /// One of `first..=last`, each power of two as likely as the next.
    pub(super) fn scaled(&mut self, first: usize, last: usize) -> usize {
        let octave = self.between(first.ilog2() as usize, last.ilog2() as usize);
        (self.between(1 << octave, (2 << octave) - 1)).clamp(first, last)
    }

    /// True once in `count`.
    pub(super) fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }
}
