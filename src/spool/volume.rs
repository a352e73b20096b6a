//! What the spool asks of a file system, so that a test can put one in its place that is full or
//! fails. The real one writes ordinary files and syncs data with `fdatasync`; a new file's
//! directory is synced too, or the file itself could be gone after a power loss.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Makes segment files.
pub trait Volume: Send + std::fmt::Debug {
    /// A segment that is being written.
    type File: SegmentWrite;

    /// Makes a file, or empties the one that is there.
    ///
    /// # Errors
    /// What the system says.
    fn begin(&mut self, path: &Path) -> io::Result<Self::File>;

    /// Bytes that the device of this directory has free, if that is known.
    fn free(&self, directory: &Path) -> Option<u64>;
}

/// A segment that is being written.
pub trait SegmentWrite: Send + std::fmt::Debug {
    /// Adds all of the bytes at the end.
    ///
    /// # Errors
    /// What the system says; some of the bytes may have been written.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Returns once everything written is on the device.
    ///
    /// # Errors
    /// What the system says; nothing is known of what was written since the last one then.
    fn sync(&mut self) -> io::Result<()>;

    /// Cuts the file.
    ///
    /// # Errors
    /// What the system says.
    fn truncate(&mut self, bytes: u64) -> io::Result<()>;
}

/// Ordinary files.
#[derive(Clone, Copy, Debug)]
pub struct Directory;

impl Volume for Directory {
    type File = File;

    fn begin(&mut self, path: &Path) -> io::Result<File> {
        let mut options = File::options();
        let file = options.write(true).create(true).truncate(true).mode(0o640).open(path)?;
        if let Some(parent) = path.parent() {
            File::open(parent)?.sync_all()?;
        }
        Ok(file)
    }

    fn free(&self, directory: &Path) -> Option<u64> {
        let device = rustix::fs::statvfs(directory).ok()?;
        Some(device.f_bavail.saturating_mul(device.f_frsize))
    }
}

impl SegmentWrite for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn truncate(&mut self, bytes: u64) -> io::Result<()> {
        self.set_len(bytes)
    }
}
