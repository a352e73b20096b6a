//! Records that go into the spool together: the unit of the group commit. A chunk keeps its bytes
//! until they are synced, since after a failed sync they have to be written again from memory.

use components::spool::{Parsed, Record, RecordKind, append, parse};

/// Encoded records with consecutive ordinals.
#[derive(Clone, Debug, Default)]
pub struct Chunk {
    bytes: Vec<u8>,
    first_ordinal: u64,
    next_ordinal: u64,
}

impl Chunk {
    /// An empty chunk whose first record will be `ordinal`.
    #[must_use]
    pub fn new(ordinal: u64) -> Self {
        Self { bytes: Vec::new(), first_ordinal: ordinal, next_ordinal: ordinal }
    }

    /// Forgets the records, keeps the memory.
    pub fn restart(&mut self, ordinal: u64) {
        self.bytes.clear();
        self.first_ordinal = ordinal;
        self.next_ordinal = ordinal;
    }

    /// Adds a record.
    pub fn push(&mut self, kind: RecordKind, stream: u64, payload: &[u8]) {
        append(&mut self.bytes, kind, stream, self.next_ordinal, payload);
        self.next_ordinal += 1;
    }

    /// The records, encoded.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The records.
    pub fn records(&self) -> impl Iterator<Item = Record<'_>> {
        let mut rest = self.bytes.as_slice();
        std::iter::from_fn(move || {
            let Parsed::Record(record) = parse(rest) else {
                return None;
            };
            rest = &rest[record.length()..];
            Some(record)
        })
    }

    /// Ordinal of the first record.
    #[must_use]
    pub const fn first_ordinal(&self) -> u64 {
        self.first_ordinal
    }

    /// Ordinal of the record that would come next.
    #[must_use]
    pub const fn next_ordinal(&self) -> u64 {
        self.next_ordinal
    }

    /// How many records.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.next_ordinal - self.first_ordinal
    }

    /// True if there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.next_ordinal == self.first_ordinal
    }
}
