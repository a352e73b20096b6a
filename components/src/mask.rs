//! Row selection: a bitmap over the rows of a batch. A predicate sets bits without a branch; a
//! visit walks the set bits in row order.

/// Most rows that a batch may have.
pub const BATCH_ROWS_MAX: usize = 1024;

const WORDS: usize = BATCH_ROWS_MAX / 64;

/// A set of rows, one bit each. Batches are mostly shorter than the longest one: what is asked of a
/// set costs as many words as it uses.
#[derive(Debug, Default)]
pub struct RowMask {
    words: [u64; WORDS],
    /// Words that may hold a bit; those behind are 0.
    used: usize,
}

impl Clone for RowMask {
    /// Word by word: words that were just written are read as they were written.
    #[inline]
    fn clone(&self) -> Self {
        let mut copy = Self { used: self.used.min(WORDS), ..Self::default() };
        for at in 0..copy.used {
            copy.words[at] = self.words[at];
        }
        copy
    }
}

impl PartialEq for RowMask {
    fn eq(&self, other: &Self) -> bool {
        self.words == other.words
    }
}

impl Eq for RowMask {}

impl RowMask {
    /// The rows `0..rows`.
    ///
    /// # Panics
    /// If `rows` is above [`BATCH_ROWS_MAX`].
    #[must_use]
    pub fn first(rows: usize) -> Self {
        assert!(rows <= BATCH_ROWS_MAX, "a batch has at most {BATCH_ROWS_MAX} rows");
        let mut mask = Self { used: rows.div_ceil(64), ..Self::default() };
        for (index, word) in mask.words.iter_mut().take(mask.used).enumerate() {
            let bits = (rows - index * 64).min(64);
            *word = if bits == 64 { u64::MAX } else { (1 << bits) - 1 };
        }
        mask
    }

    /// The rows of `values` that fit, branch-free over whole words.
    #[must_use]
    #[inline]
    pub fn where_each<T: Copy>(values: &[T], mut fits: impl FnMut(T) -> bool) -> Self {
        let mut mask = Self { used: values.len().div_ceil(64).min(WORDS), ..Self::default() };
        for (word, chunk) in mask.words.iter_mut().zip(values.chunks(64)) {
            let mut fit = [0; 64];
            for (byte, &value) in fit.iter_mut().zip(chunk) {
                *byte = u8::from(fits(value));
            }
            for (place, bytes) in fit.as_chunks().0.iter().enumerate() {
                *word |= pack(*bytes) << (place * 8);
            }
        }
        mask
    }

    /// Adds a row.
    #[inline]
    pub fn insert(&mut self, row: usize) {
        self.words[row / 64] |= 1 << (row % 64);
        self.used = self.used.max(row / 64 + 1);
    }

    /// Takes a row out.
    #[inline]
    pub fn remove(&mut self, row: usize) {
        self.words[row / 64] &= !(1 << (row % 64));
    }

    /// True if the row is in it.
    #[inline]
    #[must_use]
    pub fn contains(&self, row: usize) -> bool {
        self.words[row / 64] >> (row % 64) & 1 == 1
    }

    /// Number of rows in it.
    #[must_use]
    pub fn count(&self) -> usize {
        self.used().iter().map(|word| word.count_ones() as usize).sum()
    }

    /// True if no row is in it.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.used().iter().all(|&word| word == 0)
    }

    /// The rows in both.
    #[inline]
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let mut both = Self { used: self.used.min(other.used).min(WORDS), ..Self::default() };
        for at in 0..both.used {
            both.words[at] = self.words[at] & other.words[at];
        }
        both
    }

    /// The rows in either.
    #[inline]
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        let mut either = Self { used: self.used.max(other.used).min(WORDS), ..Self::default() };
        for at in 0..either.used {
            either.words[at] = self.words[at] | other.words[at];
        }
        either
    }

    /// Takes out the rows that are not in the other.
    #[inline]
    pub fn keep(&mut self, other: &Self) {
        for (mine, theirs) in self.words.iter_mut().zip(&other.words).take(self.used) {
            *mine &= theirs;
        }
    }

    /// Adds the other's rows.
    #[inline]
    pub fn add(&mut self, other: &Self) {
        self.used = self.used.max(other.used);
        for (mine, theirs) in self.words.iter_mut().zip(&other.words).take(other.used) {
            *mine |= theirs;
        }
    }

    /// Takes the other's rows out.
    #[inline]
    pub fn take_out(&mut self, other: &Self) {
        for (mine, theirs) in self.words.iter_mut().zip(&other.words).take(other.used) {
            *mine &= !theirs;
        }
    }

    /// The lowest row in it.
    #[must_use]
    pub fn lowest(&self) -> Option<usize> {
        let at = self.used().iter().position(|word| *word != 0)?;
        Some(at * 64 + self.words[at].trailing_zeros() as usize)
    }

    /// The rows in it, in order.
    #[inline]
    pub fn iter(&self) -> Rows<'_> {
        Rows { words: self.used(), at: 0, word: self.words[0] }
    }

    #[inline]
    fn used(&self) -> &[u64] {
        &self.words[..self.used.min(WORDS)]
    }
}

/// Rows of a mask, in order.
#[derive(Clone, Debug)]
pub struct Rows<'m> {
    words: &'m [u64],
    at: usize,
    /// What is left of the word at `at`.
    word: u64,
}

impl Iterator for Rows<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.word == 0 {
            self.at += 1;
            self.word = *self.words.get(self.at)?;
        }
        let bit = self.word.trailing_zeros() as usize;
        self.word &= self.word - 1;
        Some(self.at * 64 + bit)
    }
}

/// Eight bytes that are 0 or 1 as eight bits: the product moves byte `i` to bit `56 + i`, and no
/// two sums meet.
const fn pack(bytes: [u8; 8]) -> u64 {
    u64::from_le_bytes(bytes).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_predicate_sets_the_bits_of_the_values_that_fit() {
        let values: Vec<u32> =
            (0..1000).map(|row: u32| row.wrapping_mul(2_654_435_761) >> 7).collect();
        let mask = RowMask::where_each(&values, |value| value.is_multiple_of(3));
        let rows: Vec<usize> = (0..1000).filter(|&row| values[row].is_multiple_of(3)).collect();
        assert_eq!(mask.iter().collect::<Vec<_>>(), rows);
        let odd = RowMask::where_each(&values, |value| value % 2 == 1);
        let either = (0..1000).filter(|&row| values[row].is_multiple_of(3) || values[row] % 2 == 1);
        assert!(mask.or(&odd).iter().eq(either));
        let fits = |&row: &usize| values[row].is_multiple_of(6);
        let (mut kept, mut more, mut fewer) = (mask.clone(), odd.clone(), mask.clone());
        kept.keep(&odd);
        more.add(&mask);
        fewer.take_out(&odd);
        assert!(fewer.iter().eq((0..1000).filter(fits)));
        assert_eq!([kept, more], [mask.and(&odd), mask.or(&odd)]);
        let mut beyond = RowMask::first(1);
        beyond.add(&RowMask::first(1024));
        assert_eq!(beyond, RowMask::first(1024));
        assert_eq!(mask.lowest(), rows.first().copied());
        assert_eq!(RowMask::default().lowest(), None);
    }

    #[test]
    fn visits_the_rows_that_were_set_in_order() {
        let mut mask = RowMask::first(130);
        assert_eq!(mask.count(), 130);
        mask.remove(0);
        mask.remove(64);
        mask.insert(1023);
        let rows: Vec<usize> = mask.iter().collect();
        assert_eq!(rows[..3], [1, 2, 3]);
        assert!(
            !mask.contains(64) && mask.contains(63) && mask.contains(129) && !mask.contains(130)
        );
        assert_eq!(rows.last(), Some(&1023));
        assert_eq!(rows.len(), 129);
    }

    #[test]
    fn predicates_select_by_value() {
        let values: Vec<u8> = (0..200).collect();
        let even = RowMask::where_each(&values, |v| v % 2 == 0);
        assert_eq!(even.count(), 100);
        assert_eq!(even.and(&RowMask::first(10)).iter().collect::<Vec<_>>(), [0, 2, 4, 6, 8]);
        assert!(RowMask::first(0).is_empty());
        assert_eq!(RowMask::first(BATCH_ROWS_MAX).count(), BATCH_ROWS_MAX);
    }
}
