//! A disk with a spool on it. What was not synced when its process or the machine died is lost or
//! torn at any byte; every record carries a checksum, and the scan ends at the first that is
//! wrong. Beside it stands the truth about what is durable, kept without the machines' help.

use std::collections::BTreeMap;

use crate::reason::LossReason;
use crate::stream::simulator::random::Random;
use crate::stream::{Journal, Loss, Record, Recovery, StreamId, StreamPosition};

#[derive(Debug, Default)]
pub(super) struct Disk {
    bytes: Vec<u8>,
    synced: usize,
    /// How far into `bytes` the truth has come.
    known: usize,
    kept: BTreeMap<StreamId, Kept>,
    pub(super) torn: u64,
}

/// What is durable of a stream.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) position: u64,
    /// FullResyncs without a resynchronisation behind them.
    pub(super) unresynced: Vec<u64>,
}

impl Journal for Disk {
    fn append(&mut self, record: &Record<'_>) {
        let (kind, first, last, reason, payload): (u8, u64, u64, u8, &[u8]) = match *record {
            Record::Frames { first, count, bytes, .. } => (0, first, first + count - 1, 0, bytes),
            Record::Lost(loss) => (1, loss.first, loss.last, loss.reason as u8, &[]),
            Record::Aside { loss, bytes } => (2, loss.first, loss.last, loss.reason as u8, bytes),
            Record::Resynced { through, .. } => (3, 0, through, 0, &[]),
            Record::Report { bytes, .. } => (4, 0, 0, 0, bytes),
        };
        let mut body = vec![kind, reason];
        for word in [record.stream().0, first, last] {
            body.extend_from_slice(&word.to_le_bytes());
        }
        body.extend_from_slice(payload);
        self.bytes.extend_from_slice(&u32::try_from(body.len()).unwrap().to_le_bytes());
        self.bytes.extend_from_slice(&checksum(&body).to_le_bytes());
        self.bytes.extend_from_slice(&body);
    }
}

impl Disk {
    /// How much there is to sync.
    pub(super) fn length(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn is_synced(&self) -> bool {
        self.synced == self.bytes.len()
    }

    /// A sync of the first `length` bytes has ended.
    pub(super) fn sync(&mut self, length: usize) {
        self.synced = self.synced.max(length);
        while self.known < self.synced {
            let (record, end) = parse(&self.bytes, self.known).expect("a synced record is whole");
            let kept = self.kept.entry(record.stream()).or_default();
            match record {
                Record::Frames { first, count, bytes, .. } => {
                    kept.position = first + count - 1;
                    if count == 1 && bytes[4] == 9 {
                        kept.unresynced.push(first);
                    }
                }
                Record::Lost(loss) | Record::Aside { loss, .. } => kept.position = loss.last,
                Record::Resynced { through, .. } => kept.unresynced.retain(|n| *n > through),
                Record::Report { .. } => {}
            }
            self.known = end;
        }
    }

    pub(super) fn kept(&self, stream: StreamId) -> Option<&Kept> {
        self.kept.get(&stream)
    }

    /// The process that wrote died, or the machine. What is left after a restart is synced.
    pub(super) fn crash(&mut self, random: &mut Random) {
        let cut = random.between(self.synced, self.bytes.len());
        self.bytes.truncate(cut);
        if random.one_in(4) && cut > self.synced {
            // A block that was never written, in the middle of what was.
            let at = random.between(self.synced, cut - 1);
            let end = random.between(at, cut);
            self.bytes[at..end].fill(0);
        }
        let mut end = 0;
        while let Some((_, next)) = parse(&self.bytes, end) {
            end = next;
        }
        assert!(end >= self.synced, "what was synced can be read");
        self.torn += u64::from(end < self.bytes.len());
        self.bytes.truncate(end);
        self.sync(end);
    }

    /// Another disk, or an older copy of this one, takes its place.
    pub(super) fn roll_back(&mut self, random: &mut Random) {
        let mut ends = vec![0];
        while let Some((_, end)) = parse(&self.bytes, ends[ends.len() - 1]) {
            ends.push(end);
        }
        let cut = if random.one_in(2) { 0 } else { ends[random.between(0, ends.len() - 1)] };
        let torn = self.torn;
        let bytes = self.bytes[..cut].to_vec();
        *self = Self { bytes, torn, ..Self::default() };
        self.sync(cut);
    }

    /// The records.
    pub(super) fn records(&self) -> impl Iterator<Item = Record<'_>> {
        let mut at = 0;
        core::iter::from_fn(move || {
            let (record, end) = parse(&self.bytes, at)?;
            at = end;
            Some(record)
        })
    }

    /// What a collector finds when it starts.
    pub(super) fn scan(&self) -> Vec<StreamPosition> {
        let mut recovery = Recovery::default();
        for record in self.records() {
            recovery.on(&record);
        }
        recovery.into_streams()
    }
}

/// The record at `at` and where it ends, if it is whole and its checksum right.
fn parse(bytes: &[u8], at: usize) -> Option<(Record<'_>, usize)> {
    let word = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let length = usize::try_from(word(at)?).ok()?;
    let sum = word(at + 4)?;
    let body = bytes.get(at + 8..at + 8 + length).filter(|body| body.len() >= 26)?;
    if checksum(body) != sum {
        return None;
    }
    let number = |at: usize| u64::from_le_bytes(body[at..at + 8].try_into().unwrap());
    let (stream, first, last) = (StreamId(number(2)), number(10), number(18));
    let loss = || Loss { stream, first, last, reason: LossReason::ALL[usize::from(body[1])] };
    let payload = &body[26..];
    let record = match body[0] {
        0 => Record::Frames { stream, first, count: last - first + 1, bytes: payload },
        1 => Record::Lost(loss()),
        2 => Record::Aside { loss: loss(), bytes: payload },
        3 => Record::Resynced { stream, through: last },
        _ => Record::Report { stream, bytes: payload },
    };
    Some((record, at + 8 + length))
}

/// Eight bytes at a time; the simulator spends much of its time here.
fn checksum(body: &[u8]) -> u32 {
    let mut sum = 0xcbf2_9ce4_8422_2325_u64 ^ body.len() as u64;
    for chunk in body.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        sum = (sum ^ u64::from_le_bytes(word)).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23);
    }
    #[expect(clippy::cast_possible_truncation, reason = "half of a checksum is one")]
    let half = (sum ^ (sum >> 32)) as u32;
    half
}
