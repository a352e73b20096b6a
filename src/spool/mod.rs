//! The collector's spool: an append-only log of what it applied, in segment files. A chunk of
//! records is written and synced in one go (group commit), and only then may its frames be acked.
//! Where a restart goes on is found by reading the last segment; nothing else has to be right.
//! Sinks read behind the last synced record, each with a cursor of its own.

mod chunk;
mod cursor;
mod directory;
mod durable;
mod inspect;
mod reader;
mod recovery;
mod retention;
mod room;
#[cfg(test)]
mod tests;
mod volume;

pub use chunk::Chunk;
pub use cursor::{Cursor, CursorFile, Saved, SinkTotals};
pub use durable::Durable;
pub use inspect::{Finding, Inspection, SegmentReport, inspect};
pub use reader::{Missing, Read, SpoolReader};
pub use recovery::Recovery;
pub use room::{Alarm, Room};
pub use volume::{Directory, SegmentWrite, Volume};

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use components::spool::{RecordKind, SEGMENT_HEADER_LENGTH, SegmentHeader, Totals, append};
use zerocopy::IntoBytes;

/// What a spool may take.
#[derive(Clone, Debug)]
pub struct SpoolConfig {
    /// Its directory, made where it does not exist.
    pub directory: PathBuf,
    /// A segment is closed when the next chunk would make it longer, bytes.
    pub segment_bytes_max: u64,
    /// All segments together, bytes.
    pub total_bytes_max: u64,
    /// Segments that were begun longer ago than this go, nanoseconds; 0 keeps them.
    pub age_ns_max: u64,
    /// What happens when there is no room for a chunk.
    pub on_full: OnFull,
}

/// What happens when there is no room for a chunk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFull {
    /// Nothing is acked until there is: the producer keeps its events, or refuses new ones.
    #[default]
    Hold,
    /// The oldest segment goes, also when sinks have not read it; they count what they miss.
    DropOldest,
}

/// The writing end. One process owns a spool at a time.
#[derive(Debug)]
pub struct Spool<V: Volume = Directory> {
    config: SpoolConfig,
    volume: V,
    segments: VecDeque<Segment>,
    active: Option<Active<V::File>>,
    /// The ordinal behind the last synced record.
    next_ordinal: u64,
    /// What is before this ordinal has been read by every sink.
    read_to: u64,
    totals: Totals,
    durable: Arc<Durable>,
    counters: SpoolCounters,
    /// Held for as long as the spool is open.
    _lock: File,
}

/// A segment file, the one that is being written included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Ordinal of its first record.
    pub first_ordinal: u64,
    /// When it was begun, nanoseconds since the Unix epoch.
    pub created_ns: u64,
    /// Its length, bytes.
    pub bytes: u64,
}

#[derive(Debug)]
struct Active<F> {
    file: F,
    path: PathBuf,
}

/// What an operator sees of a spool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct SpoolCounters {
    /// Chunks written and synced.
    pub commits: u64,
    /// Bytes of records written and synced.
    pub bytes: u64,
    /// Longest sync, nanoseconds.
    pub sync_ns_max: u64,
    /// All syncs together, nanoseconds.
    pub sync_ns: u64,
    /// Chunks that found no room and wait.
    pub full: u64,
    /// Writes and syncs that failed otherwise.
    pub errors: u64,
    /// Segments that were given up because a sync failed.
    pub sealed: u64,
    /// Segments removed by retention.
    pub removed: u64,
    /// Of these, segments that a sink had not read.
    pub removed_unread: u64,
}

/// Why a chunk is not in the spool. It may be committed again as it is.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The limit or the device leaves no room.
    #[error("the spool is full: {0}")]
    Full(String),
    /// Two segments in a row could not be written or synced.
    #[error("{path}: {cause}", path = path.display())]
    Failed {
        /// The second segment.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
}

/// Why a spool cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// Something in its directory cannot be read or made.
    #[error("{path}: {cause}", path = path.display())]
    Io {
        /// What.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// Another process has it.
    #[error("{path} is in use by another process", path = .0.display())]
    InUse(PathBuf),
}

impl Spool<Directory> {
    /// Opens or makes the spool in `config.directory`.
    ///
    /// # Errors
    /// [`SpoolError`] if the directory cannot be read or another process has it.
    pub fn open(config: SpoolConfig) -> Result<(Self, Recovery), SpoolError> {
        Self::open_on(config, Directory)
    }
}

impl<V: Volume> Spool<V> {
    /// The same on another volume.
    ///
    /// # Errors
    /// As [`Spool::open`].
    pub fn open_on(config: SpoolConfig, volume: V) -> Result<(Self, Recovery), SpoolError> {
        let lock = directory::lock(&config.directory)?;
        let (segments, recovery) = recovery::recover(&config.directory)?;
        let spool = Self {
            volume,
            segments,
            active: None,
            next_ordinal: recovery.next_ordinal,
            read_to: 0,
            totals: recovery.totals.clone(),
            durable: Arc::new(Durable::new(recovery.next_ordinal)),
            counters: SpoolCounters::default(),
            config,
            _lock: lock,
        };
        Ok((spool, recovery))
    }

    /// Writes the chunk and syncs it; what it holds may then be acked, and sinks are woken. A
    /// segment whose sync fails is given up, and the chunk goes to a new one: a sync that is
    /// tried again and succeeds proves nothing.
    ///
    /// # Errors
    /// [`CommitError`]; nothing of the chunk is in the spool then.
    ///
    /// # Panics
    /// If the chunk does not go on where the spool ends.
    pub fn commit(&mut self, chunk: &Chunk, now_ns: u64) -> Result<(), CommitError> {
        assert_eq!(chunk.first_ordinal(), self.next_ordinal, "chunks follow each other");
        if chunk.is_empty() {
            return Ok(());
        }
        if !self.fits(chunk) {
            self.close();
        }
        self.make_room(chunk.bytes().len() as u64)?;
        if let Err(error) = self.write(chunk, now_ns) {
            if error.is_full() && !self.free_oldest() {
                return Err(self.full(error.cause.to_string()));
            }
            tracing::warn!(path = %error.path.display(), cause = %error.cause, "spool segment given up");
            self.write(chunk, now_ns).map_err(|error| {
                if error.is_full() {
                    return self.full(error.cause.to_string());
                }
                CommitError::Failed { path: error.path, cause: error.cause }
            })?;
        }
        self.next_ordinal = chunk.next_ordinal();
        chunk.records().for_each(|record| self.totals.add(&record));
        self.counters.commits += 1;
        self.counters.bytes += chunk.bytes().len() as u64;
        self.durable.publish(self.next_ordinal);
        Ok(())
    }

    /// One attempt. What it left in a segment is cut off, as far as that is possible, and the
    /// segment is closed.
    fn write(&mut self, chunk: &Chunk, now_ns: u64) -> Result<(), WriteError> {
        if self.active.is_none() {
            self.begin(now_ns)?;
        }
        let (Some(active), Some(segment)) = (&mut self.active, self.segments.back_mut()) else {
            unreachable!("a segment was begun");
        };
        let began = std::time::Instant::now();
        match active.file.write(chunk.bytes()).and_then(|()| active.file.sync()) {
            Ok(()) => {
                segment.bytes += chunk.bytes().len() as u64;
                let took = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
                self.counters.sync_ns += took;
                self.counters.sync_ns_max = self.counters.sync_ns_max.max(took);
                Ok(())
            }
            Err(cause) => {
                let path = active.path.clone();
                let error = WriteError { path, cause };
                if !error.is_full() {
                    self.counters.errors += 1;
                    self.counters.sealed += 1;
                }
                if let Err(cause) = active.file.truncate(segment.bytes) {
                    tracing::warn!(path = %error.path.display(), %cause, "cannot be cut");
                }
                self.close();
                Err(error)
            }
        }
    }

    /// Begins a segment: its header, and what is known of every stream.
    fn begin(&mut self, now_ns: u64) -> Result<(), WriteError> {
        let mut head = SegmentHeader::new(self.next_ordinal, now_ns).as_bytes().to_vec();
        append(&mut head, RecordKind::Checkpoint, 0, self.next_ordinal, &self.totals.payload());
        // A segment without a record, left by a failed attempt, has the name of this one.
        if self.segments.back().is_some_and(|last| last.first_ordinal == self.next_ordinal) {
            self.segments.pop_back();
        }
        let path = directory::segment_path(&self.config.directory, self.next_ordinal);
        let begun = self.volume.begin(&path).and_then(|mut file| {
            file.write(&head)?;
            Ok(file)
        });
        let file = begun.map_err(|cause| {
            self.counters.errors += u64::from(!is_full(&cause));
            // What there is of it is in the way of the next attempt, and in nobody else's.
            let _ = std::fs::remove_file(&path);
            WriteError { path: path.clone(), cause }
        })?;
        self.segments.push_back(Segment {
            first_ordinal: self.next_ordinal,
            created_ns: now_ns,
            bytes: head.len() as u64,
        });
        self.active = Some(Active { file, path });
        Ok(())
    }

    fn close(&mut self) {
        self.active = None;
    }

    /// Whether the chunk belongs into the segment that is being written.
    fn fits(&self, chunk: &Chunk) -> bool {
        let bytes = self.segments.back().map_or(0, |segment| segment.bytes);
        bytes <= SEGMENT_HEADER_LENGTH as u64
            || bytes + chunk.bytes().len() as u64 <= self.config.segment_bytes_max
    }

    fn full(&mut self, why: String) -> CommitError {
        self.counters.full += 1;
        CommitError::Full(why)
    }
}

impl<V: Volume> Spool<V> {
    /// The ordinal of the next record.
    #[must_use]
    pub const fn next_ordinal(&self) -> u64 {
        self.next_ordinal
    }

    /// What readers wait on.
    #[must_use]
    pub fn durable(&self) -> Arc<Durable> {
        Arc::clone(&self.durable)
    }

    /// What is known of every stream.
    #[must_use]
    pub const fn totals(&self) -> &Totals {
        &self.totals
    }

    /// The counters.
    #[must_use]
    pub const fn counters(&self) -> &SpoolCounters {
        &self.counters
    }

    /// Its directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.config.directory
    }

    /// Bytes of all segments.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// Segments, the oldest first.
    #[must_use]
    pub const fn segments(&self) -> &VecDeque<Segment> {
        &self.segments
    }
}

/// A failed attempt.
#[derive(Debug)]
struct WriteError {
    path: PathBuf,
    cause: io::Error,
}

impl WriteError {
    fn is_full(&self) -> bool {
        is_full(&self.cause)
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
