//! What a collector has made of each stream so far, kept at the head of every segment so that a
//! restart reads one segment and retention may remove the others without the ledger losing count.
//! For each stream `position = applied + lost`, as [`StreamPosition`] has it.

use core::mem::size_of;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, LE, U64, Unaligned};

use super::{Loss, PAYLOAD_LENGTH_MAX, Record, RecordKind};
use crate::kinds::EventKind;
use crate::reason::{Counts, LossReason};
use crate::stream::{self, Applied, Held, StreamId, StreamPosition};
use crate::wire::FrameHeader;

/// Streams in the order in which they were last heard of, the latest last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    streams: Vec<StreamPosition>,
}

/// One stream's totals as they lie in a checkpoint.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct StoredPosition {
    stream: U64<LE>,
    position: U64<LE>,
    events: [U64<LE>; EventKind::COUNT],
    sessions: U64<LE>,
    resyncs: U64<LE>,
    lost: [U64<LE>; LossReason::COUNT],
    /// The FullResyncs that are not done with, both 0 if there is none.
    held_first: U64<LE>,
    held_last: U64<LE>,
    /// The last number of a gap that no resynchronisation has made good yet, or 0.
    stale: U64<LE>,
}

impl Totals {
    /// All streams, the one heard of last at the end.
    #[must_use]
    pub fn streams(&self) -> &[StreamPosition] {
        &self.streams
    }

    /// What is known of a stream.
    #[must_use]
    pub fn of(&self, stream: StreamId) -> Option<&StreamPosition> {
        self.streams.iter().find(|position| position.id == stream)
    }

    /// A stream's totals, begun if it is new; the one heard of longest ago goes when there would
    /// be more than [`TOTALS_MAX`].
    pub fn entry(&mut self, stream: StreamId) -> &mut StreamPosition {
        let at = self.streams.iter().position(|position| position.id == stream);
        if at.is_none_or(|at| at + 1 < self.streams.len()) {
            let position = at.map_or(StreamPosition::new(stream), |at| self.streams.remove(at));
            if self.streams.len() == TOTALS_MAX {
                self.streams.remove(0);
            }
            self.streams.push(position);
        }
        self.streams.last_mut().expect("one was pushed")
    }

    /// Counts what a record says.
    pub fn add(&mut self, record: &Record<'_>) {
        let stream = StreamId(record.stream);
        let one = |reason| {
            let sequence = FrameHeader::parse(record.payload).ok()?.sequence.get();
            Some(stream::Loss { stream, first: sequence, last: sequence, reason })
        };
        let record = match record.kind {
            RecordKind::Frame => FrameHeader::parse(record.payload).ok().map(|header| {
                let first = header.sequence.get();
                stream::Record::Frames { stream, first, count: 1, bytes: record.payload }
            }),
            RecordKind::Loss => Loss::parse(record.payload).map(|(loss, reason)| {
                let (first, last) = (loss.first.get(), loss.last.get());
                stream::Record::Lost(stream::Loss { stream, first, last, reason })
            }),
            RecordKind::Quarantined => one(LossReason::Quarantined).map(stream::Record::Lost),
            RecordKind::UnknownType => one(LossReason::UnknownType).map(stream::Record::Lost),
            RecordKind::Resynced => U64::<LE>::read_from_bytes(record.payload)
                .ok()
                .map(|through| stream::Record::Resynced { stream, through: through.get() }),
            RecordKind::Checkpoint | RecordKind::Report => None,
        };
        if let Some(record) = record {
            self.entry(stream).on(&record);
        }
    }

    /// The payload of a checkpoint.
    #[must_use]
    pub fn payload(&self) -> Vec<u8> {
        let stored: Vec<StoredPosition> = self.streams.iter().map(StoredPosition::of).collect();
        stored.as_bytes().to_vec()
    }

    /// Reads a checkpoint's payload; `None` if it is none.
    #[must_use]
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let stored = <[StoredPosition]>::ref_from_bytes(payload).ok()?;
        Some(Self { streams: stored.iter().map(StoredPosition::get).collect() })
    }
}

impl StoredPosition {
    fn of(position: &StreamPosition) -> Self {
        let held = position.held.as_ref();
        let (first, last) = held.map_or((0, 0), |held| (held.first(), held.last()));
        Self {
            stream: position.id.0.into(),
            position: position.position.into(),
            events: position.applied.events.0.map(Into::into),
            sessions: position.applied.sessions.into(),
            resyncs: position.applied.resyncs.into(),
            lost: position.lost.0.map(Into::into),
            held_first: first.into(),
            held_last: last.into(),
            stale: position.stale.unwrap_or(0).into(),
        }
    }

    fn get(&self) -> StreamPosition {
        let applied = Applied {
            events: Counts(self.events.map(U64::get)),
            sessions: self.sessions.get(),
            resyncs: self.resyncs.get(),
        };
        let lost = Counts(self.lost.map(U64::get));
        let (first, last) = (self.held_first.get(), self.held_last.get());
        let held = (last > 0).then(|| Held::restored(first, last));
        let stale = Some(self.stale.get()).filter(|last| *last > 0);
        let id = StreamId(self.stream.get());
        StreamPosition::restored(id, self.position.get(), applied, lost, held, stale)
    }
}

/// Streams that are remembered. A producer keeps its stream across restarts, so that a new one
/// comes with a reboot or a new ring; each is 128 bytes of every segment.
pub const TOTALS_MAX: usize = 32;

const _: () = assert!(size_of::<StoredPosition>() == 128);
const _: () = assert!(TOTALS_MAX * size_of::<StoredPosition>() <= PAYLOAD_LENGTH_MAX as usize);
