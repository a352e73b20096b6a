//! The machine's journal: records become spool records in the chunk that the next sync takes. A
//! run of frames becomes one record a frame, so that a flipped bit costs one event.

use components::reason::LossReason;
use components::spool::{Loss, RecordKind};
use components::stream::{Journal, Record};
use components::wire::split_frame;
use zerocopy::IntoBytes;

use crate::spool::Chunk;

/// The chunk that is being filled.
#[derive(Debug)]
pub(super) struct ChunkJournal {
    pub(super) chunk: Chunk,
    /// The time that losses are noted with, nanoseconds since the Unix epoch.
    pub(super) now_ns: u64,
}

impl Journal for ChunkJournal {
    fn append(&mut self, record: &Record<'_>) {
        match *record {
            Record::Frames { stream, bytes, .. } => {
                let mut rest = bytes;
                while let Some(Ok(frame)) = split_frame(rest) {
                    self.chunk.push(RecordKind::Frame, stream.0, frame.bytes);
                    rest = &rest[frame.bytes.len()..];
                }
            }
            Record::Lost(loss) => {
                tracing::warn!(
                    stream = format_args!("{:016x}", loss.stream.0),
                    first = loss.first,
                    last = loss.last,
                    reason = loss.reason.label(),
                    "events lost"
                );
                let record = Loss::new(loss.first, loss.last, loss.reason, self.now_ns);
                self.chunk.push(RecordKind::Loss, loss.stream.0, record.as_bytes());
            }
            Record::Aside { loss, bytes } => {
                let kind = match loss.reason {
                    LossReason::UnknownType => RecordKind::UnknownType,
                    LossReason::Quarantined | LossReason::Evicted | LossReason::Torn => {
                        RecordKind::Quarantined
                    }
                };
                self.chunk.push(kind, loss.stream.0, bytes);
            }
            Record::Resynced { stream, through } => {
                self.chunk.push(RecordKind::Resynced, stream.0, &through.to_le_bytes());
            }
            Record::Report { stream, bytes } => {
                self.chunk.push(RecordKind::Report, stream.0, bytes);
            }
        }
    }
}
