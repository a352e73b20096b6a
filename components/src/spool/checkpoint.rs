//! What a collector has made of each stream so far, kept at the head of every segment so that a
//! restart reads one segment and retention may remove the others without the ledger losing count.
//! For each stream `last_sequence = applied + lost`, as for the stream itself.

use core::mem::size_of;

use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout, LE, U64, Unaligned};

use super::{Loss, PAYLOAD_LENGTH_MAX, Record, RecordKind};
use crate::kinds::EventKind;
use crate::reason::LossReason;
use crate::wire::{FrameHeader, FrameType};

/// One stream's totals, 96 bytes.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct StreamTotals {
    /// The stream's id.
    pub stream: U64<LE>,
    /// The highest sequence number that is applied or lost.
    pub last_sequence: U64<LE>,
    /// Events applied, by [`EventKind::index`].
    pub events: [U64<LE>; EventKind::COUNT],
    /// Session frames and FullResyncs applied.
    pub sessions: U64<LE>,
    /// Numbers lost, by [`LossReason::index`].
    pub lost: [U64<LE>; LossReason::COUNT],
}

/// Streams in the order in which they were last heard of, the latest last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    streams: Vec<StreamTotals>,
}

impl StreamTotals {
    /// A stream of which nothing came yet.
    #[must_use]
    pub fn new(stream: u64) -> Self {
        Self { stream: stream.into(), ..Self::new_zeroed() }
    }

    /// Numbers applied.
    #[must_use]
    pub fn applied(&self) -> u64 {
        self.events.iter().map(|count| count.get()).sum::<u64>() + self.sessions.get()
    }

    /// Numbers lost.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost.iter().map(|count| count.get()).sum()
    }

    /// Takes a frame under its number as applied, by its type.
    pub fn apply(&mut self, frame_type: Option<FrameType>, sequence: u64) {
        match frame_type.and_then(FrameType::event_kind) {
            Some(kind) => self.events[kind.index()] += 1,
            None => self.sessions += 1,
        }
        self.reach(sequence);
    }

    /// Takes `count` numbers up to `last` as lost.
    pub fn lose(&mut self, last: u64, count: u64, reason: LossReason) {
        self.lost[reason.index()] += count;
        self.reach(last);
    }

    fn reach(&mut self, sequence: u64) {
        if sequence > self.last_sequence.get() {
            self.last_sequence = sequence.into();
        }
    }
}

impl Totals {
    /// All streams, the one heard of last at the end.
    #[must_use]
    pub fn streams(&self) -> &[StreamTotals] {
        &self.streams
    }

    /// What is known of a stream.
    #[must_use]
    pub fn of(&self, stream: u64) -> Option<&StreamTotals> {
        self.streams.iter().find(|totals| totals.stream.get() == stream)
    }

    /// A stream's totals, begun if it is new; the one heard of longest ago goes when there would
    /// be more than [`TOTALS_MAX`].
    pub fn entry(&mut self, stream: u64) -> &mut StreamTotals {
        let at = self.streams.iter().position(|totals| totals.stream.get() == stream);
        if at.is_none_or(|at| at + 1 < self.streams.len()) {
            let totals = at.map_or(StreamTotals::new(stream), |at| self.streams.remove(at));
            if self.streams.len() == TOTALS_MAX {
                self.streams.remove(0);
            }
            self.streams.push(totals);
        }
        self.streams.last_mut().expect("one was pushed")
    }

    /// Counts what a record says.
    pub fn add(&mut self, record: &Record<'_>) {
        match record.kind {
            RecordKind::Frame => {
                if let Ok(header) = FrameHeader::parse(record.payload) {
                    let entry = self.entry(record.stream);
                    entry.apply(header.frame_type().ok(), header.sequence.get());
                }
            }
            RecordKind::Loss => {
                if let Some((loss, reason)) = Loss::parse(record.payload) {
                    self.entry(record.stream).lose(loss.last.get(), loss.count(), reason);
                }
            }
            RecordKind::Quarantined => {
                if let Ok(header) = FrameHeader::parse(record.payload) {
                    let reason = match header.frame_type() {
                        Ok(_) => LossReason::Quarantined,
                        Err(_) => LossReason::UnknownType,
                    };
                    self.entry(record.stream).lose(header.sequence.get(), 1, reason);
                }
            }
            RecordKind::Checkpoint | RecordKind::Report => {}
        }
    }

    /// The payload of a checkpoint.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        self.streams.as_bytes()
    }

    /// Reads a checkpoint's payload; `None` if it is none.
    #[must_use]
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let streams = <[StreamTotals]>::ref_from_bytes(payload).ok()?;
        Some(Self { streams: streams.to_vec() })
    }
}

/// Streams that are remembered. A producer keeps its stream across restarts, so that a new one
/// comes with a reboot or a new ring; each is 96 bytes of every segment.
pub const TOTALS_MAX: usize = 32;

const _: () = assert!(size_of::<StreamTotals>() == 96);
const _: () = assert!(TOTALS_MAX * size_of::<StreamTotals>() <= PAYLOAD_LENGTH_MAX as usize);
