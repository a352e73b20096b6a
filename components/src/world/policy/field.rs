//! One field of a classifier: the key space cut into intervals in which the same entries match,
//! each interval with the class that it shares with others, each class with a bit set of entries.
//! A lookup is a binary search whose number of steps depends on the table alone, without a branch
//! on the key (`partition_point`): the fastest form that was measured, ahead of tries and of
//! searches that may end early.

use std::collections::HashMap;

/// A field's value.
pub(super) trait Key: Copy + Ord {
    /// The least value.
    const MIN: Self;

    /// The greatest value.
    const MAX: Self;

    /// The next value, none after the greatest.
    fn next(self) -> Option<Self>;
}

macro_rules! keys {
    ($($key:ty),+) => {$(
        impl Key for $key {
            const MIN: Self = Self::MIN;
            const MAX: Self = Self::MAX;

            fn next(self) -> Option<Self> {
                self.checked_add(1)
            }
        }
    )+};
}

keys!(u8, u16, u32, u128, i64);

/// Values of entry `.0`, first and last inclusive. An entry matches what is in an odd number of its
/// ranges, so that all values and then a set are everything but the set.
pub(super) type Range<K> = (usize, K, K);

/// Which entries match which values.
#[derive(Clone, Debug)]
pub(super) struct Field<K> {
    /// Where each interval begins; the first begins at the least key.
    starts: Vec<K>,
    /// The class of each interval.
    classes: Vec<u32>,
    /// The bit sets of the classes, back to back.
    sets: Vec<u64>,
    stride: usize,
}

impl<K: Key> Field<K> {
    /// From all ranges of all entries, in any order.
    pub(super) fn new(shape: Shape, ranges: impl IntoIterator<Item = Range<K>>) -> Self {
        let mut edges = Vec::new();
        for (entry, first, last) in ranges {
            edges.push((first, entry));
            edges.extend(last.next().map(|after| (after, entry)));
        }
        edges.sort_unstable_by_key(|&(key, _)| key);
        let stride = shape.stride();
        let mut field = Self { starts: Vec::new(), classes: Vec::new(), sets: Vec::new(), stride };
        let mut known: HashMap<Box<[u64]>, u32> = HashMap::new();
        let mut set = vec![0; shape.words];
        let (mut key, mut rest) = (K::MIN, edges.as_slice());
        loop {
            while let Some(((_, entry), after)) =
                rest.split_first().filter(|((edge, _), _)| *edge == key)
            {
                set[entry / 64] ^= 1 << (entry % 64);
                rest = after;
            }
            let class = match known.get(set.as_slice()) {
                Some(&class) => class,
                None => {
                    let class = u32::try_from(known.len()).expect("fewer classes than edges");
                    known.insert(set.clone().into(), class);
                    field.sets.extend(shape.summary(&set));
                    field.sets.extend_from_slice(&set);
                    class
                }
            };
            if field.classes.last() != Some(&class) {
                field.starts.push(key);
                field.classes.push(class);
            }
            match rest.first() {
                Some(&(next, _)) => key = next,
                None => break,
            }
        }
        field.starts.shrink_to_fit();
        field.classes.shrink_to_fit();
        field.sets.shrink_to_fit();
        field
    }

    /// The summary and the bit set of the entries that match a value.
    pub(super) fn set(&self, key: K) -> &[u64] {
        let interval = self.starts.partition_point(|&start| start <= key) - 1;
        let at = self.classes[interval] as usize * self.stride;
        &self.sets[at..at + self.stride]
    }

    /// Bytes on the heap.
    pub(super) fn memory_bytes(&self) -> usize {
        self.starts.capacity() * size_of::<K>()
            + self.classes.capacity() * size_of::<u32>()
            + self.sets.capacity() * size_of::<u64>()
    }
}

/// How many words a set of entries has: a summary with one bit for each word that is not zero, and
/// the words.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    summary: usize,
    words: usize,
}

impl Shape {
    /// For this many entries.
    pub(super) fn new(entries: usize) -> Self {
        let words = entries.div_ceil(64);
        Self { summary: words.div_ceil(64), words }
    }

    fn stride(self) -> usize {
        self.summary + self.words
    }

    fn summary(self, set: &[u64]) -> impl Iterator<Item = u64> {
        set.chunks(64).map(|words| {
            let bits = words.iter().enumerate();
            bits.fold(0, |bits, (bit, &word)| bits | u64::from(word != 0) << bit)
        })
    }

    /// The first entry that is in all sets.
    pub(super) fn first<const N: usize>(self, sets: [&[u64]; N]) -> Option<usize> {
        let all = |at: usize| sets.iter().fold(u64::MAX, |bits, set| bits & set[at]);
        for group in 0..self.summary {
            let mut summary = all(group);
            while summary != 0 {
                let word = group * 64 + summary.trailing_zeros() as usize;
                let bits = all(self.summary + word);
                if bits != 0 {
                    return Some(word * 64 + bits.trailing_zeros() as usize);
                }
                summary &= summary - 1;
            }
        }
        None
    }
}
