//! Where a sink stands, and what it has made of the records so far, kept in `cursors/NAME`. The
//! file is replaced by renaming, so that it is whole after a crash; it is not synced, because a
//! cursor that is too old only means that a sink sees records again, under the same numbers.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use components::reason::{Counts, SinkLoss};
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout, LE, U32, U64, Unaligned};

use super::directory;

/// A place in the spool: before the record with this ordinal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// The ordinal.
    pub ordinal: u64,
}

/// What became of the records from `began` to the cursor; `began + settled + filtered + suppressed
/// + lost = cursor`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct SinkTotals {
    /// The ordinal at which the sink began.
    pub began: u64,
    /// Records that the sink was to have and has.
    pub settled: u64,
    /// Records that the sink's categories, severity or kind leave out.
    pub filtered: u64,
    /// Records above the sink's rate limit, told in summary.
    pub suppressed: u64,
    /// Records that it will never have.
    #[serde(skip)]
    pub lost: Counts<{ SinkLoss::COUNT }>,
}

/// A cursor's file.
#[derive(Clone, Debug)]
pub struct CursorFile {
    path: PathBuf,
    draft: PathBuf,
}

/// The file's bytes.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Stored {
    magic: [u8; 8],
    checksum: U32<LE>,
    zero: [u8; 4],
    ordinal: U64<LE>,
    began: U64<LE>,
    settled: U64<LE>,
    filtered: U64<LE>,
    suppressed: U64<LE>,
    lost: [U64<LE>; SinkLoss::COUNT],
    file: [U64<LE>; 3],
}

/// What a cursor's file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Saved {
    /// Where the sink stands.
    pub cursor: Cursor,
    /// What it made of the records before.
    pub totals: SinkTotals,
    /// The log file as it was then: device, inode, length; zero for sinks that have none.
    pub file: [u64; 3],
}

impl SinkTotals {
    /// Everything accounted for.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.settled + self.filtered + self.suppressed + self.lost.total()
    }
}

impl CursorFile {
    /// The cursor of sink `name` of the spool in `directory`. Names are those of `security log`
    /// streams; what is no letter, digit, `.`, `_` or `-` is written as `%XX`.
    ///
    /// # Errors
    /// If the directory of cursors cannot be made.
    pub fn new(directory: &Path, name: &str) -> io::Result<Self> {
        let cursors = directory.join("cursors");
        directory::make(&cursors).map_err(|error| match error {
            super::SpoolError::Io { cause, .. } => cause,
            super::SpoolError::InUse(_) => io::ErrorKind::ResourceBusy.into(),
        })?;
        let mut file = String::new();
        for byte in name.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' => file.push(byte.into()),
                b'.' if !file.is_empty() => file.push('.'),
                _ => file.push_str(&format!("%{byte:02X}")),
            }
        }
        let draft = cursors.join(format!(".{file}.new"));
        Ok(Self { path: cursors.join(file), draft })
    }

    /// Every sink's file in the spool, with its name in the directory.
    ///
    /// # Errors
    /// What the system says.
    pub fn all(directory: &Path) -> io::Result<Vec<(String, Self)>> {
        let cursors = directory.join("cursors");
        let entries = match fs::read_dir(&cursors) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut found = Vec::new();
        for entry in entries {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if !name.starts_with('.') {
                let draft = cursors.join(format!(".{name}.new"));
                let file = Self { path: cursors.join(&name), draft };
                found.push((name, file));
            }
        }
        found.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(found)
    }

    /// What was saved last; `None` if nothing was, or the file is not whole.
    ///
    /// # Errors
    /// What the system says, but for a file that is not there.
    pub fn load(&self) -> io::Result<Option<Saved>> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let Ok(stored) = Stored::read_from_bytes(&bytes) else {
            return Ok(None);
        };
        if stored.magic != MAGIC || stored.checksum.get() != checksum(&stored) {
            return Ok(None);
        }
        let totals = SinkTotals {
            began: stored.began.get(),
            settled: stored.settled.get(),
            filtered: stored.filtered.get(),
            suppressed: stored.suppressed.get(),
            lost: Counts(stored.lost.map(U64::get)),
        };
        let cursor = Cursor { ordinal: stored.ordinal.get() };
        Ok(Some(Saved { cursor, totals, file: stored.file.map(U64::get) }))
    }

    /// Keeps the cursor.
    ///
    /// # Errors
    /// What the system says; the last one that was saved is still there.
    pub fn save(&self, saved: &Saved) -> io::Result<()> {
        let Saved { cursor, totals, file } = saved;
        let mut stored = Stored {
            magic: MAGIC,
            ordinal: cursor.ordinal.into(),
            began: totals.began.into(),
            settled: totals.settled.into(),
            filtered: totals.filtered.into(),
            suppressed: totals.suppressed.into(),
            lost: totals.lost.0.map(Into::into),
            file: file.map(Into::into),
            ..Stored::new_zeroed()
        };
        stored.checksum = checksum(&stored).into();
        fs::write(&self.draft, stored.as_bytes())?;
        fs::rename(&self.draft, &self.path)
    }
}

fn checksum(stored: &Stored) -> u32 {
    crc32fast::hash(&stored.as_bytes()[16..])
}

const MAGIC: [u8; 8] = *b"WEIRCUR\n";
