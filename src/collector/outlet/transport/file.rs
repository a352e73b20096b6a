//! A log file: appended, synced, rotated by size and age. `NAME` becomes `NAME.0`, `NAME.0` becomes
//! `NAME.1`, and so on up to the number that is kept. A cursor remembers how long the file was, so
//! that lines which a killed process had written and not yet counted are taken back, not doubled.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::Lines;
use crate::failpoint::failpoint;

/// A file, and when it is rotated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileTarget {
    /// Its path.
    pub path: PathBuf,
    /// It is rotated before it would be longer, bytes; 0 for never.
    pub bytes_max: u64,
    /// It is rotated when it is older; zero for never.
    pub age_max: Duration,
    /// Rotated files that are kept.
    pub files_max: u32,
}

/// Which file it was and how long, when a cursor was saved; all zero if there was none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::collector::outlet) struct FileMark {
    /// Its device.
    pub(in crate::collector::outlet) device: u64,
    /// Its inode.
    pub(in crate::collector::outlet) inode: u64,
    /// Bytes.
    pub(in crate::collector::outlet) length: u64,
}

/// The open file.
#[derive(Debug)]
pub(super) struct LogFile {
    target: FileTarget,
    file: File,
    device: u64,
    inode: u64,
    length: u64,
    born: SystemTime,
}

impl FileTarget {
    /// A file that is never rotated by us.
    #[must_use]
    pub const fn unlimited(path: PathBuf) -> Self {
        Self { path, bytes_max: 0, age_max: Duration::ZERO, files_max: 0 }
    }

    pub(super) fn open(&self) -> io::Result<LogFile> {
        let mut options = File::options();
        options.append(true).create(true).mode(0o640).custom_flags(NO_FOLLOW);
        let file = options.open(&self.path)?;
        let found = file.metadata()?;
        if !found.is_file() && (self.bytes_max > 0 || !self.age_max.is_zero()) {
            let text = format!("{} is no regular file, and cannot be rotated", self.path.display());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        Ok(LogFile {
            target: self.clone(),
            file,
            device: found.dev(),
            inode: found.ino(),
            length: found.len(),
            // Where the file system does not remember, the file is as old as its last line.
            born: found.created().or_else(|_| found.modified())?,
        })
    }

    /// The path of the file that was rotated `number` times after it.
    fn rotated(&self, number: u32) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(format!(".{number}"));
        PathBuf::from(name)
    }

    /// Moves every file on, the oldest out. Each step is a rename: a process that dies in between
    /// leaves a number free, and no file half moved.
    pub(super) fn rotate(&self) -> io::Result<()> {
        failpoint("outlet-rotate");
        if self.files_max == 0 {
            return fs::remove_file(&self.path);
        }
        for number in (0..self.files_max).rev() {
            let from = if number == 0 { self.path.clone() } else { self.rotated(number - 1) };
            failpoint("outlet-rotate-step");
            match fs::rename(&from, self.rotated(number)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound && number > 0 => {}
                renamed => renamed?,
            }
        }
        failpoint("outlet-rotated");
        let directory = self.path.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
    }

    /// Cuts the file that the mark is of to its length, and removes what was begun after it.
    pub(super) fn restore(&self, mark: FileMark) -> io::Result<()> {
        if mark == FileMark::default() {
            return Ok(());
        }
        let paths =
            std::iter::once(self.path.clone()).chain((0..self.files_max).map(|n| self.rotated(n)));
        let mut newer = Vec::new();
        for path in paths {
            let Ok(found) = fs::symlink_metadata(&path) else {
                continue;
            };
            if (found.dev(), found.ino()) != (mark.device, mark.inode) {
                newer.push(path);
                continue;
            }
            if found.len() > mark.length {
                let mut options = File::options();
                let file = options.write(true).custom_flags(NO_FOLLOW).open(&path)?;
                file.set_len(mark.length)?;
                file.sync_all()?;
            }
            return newer.into_iter().filter(is_regular).try_for_each(fs::remove_file);
        }
        // Somebody else has moved it away, with whatever it holds.
        Ok(())
    }
}

impl LogFile {
    pub(super) fn append(&mut self, lines: Lines<'_>) -> io::Result<()> {
        if !self.is_at(&self.target.path) {
            return Err(io::Error::other("the file was moved away"));
        }
        let written = self.file.write_all(lines.bytes).and_then(|()| {
            failpoint("outlet-file-written");
            self.file.sync_data()
        });
        match written {
            Ok(()) => {
                self.length += lines.bytes.len() as u64;
                Ok(())
            }
            Err(error) => {
                // Part of it may be there: the batch goes out again as a whole.
                let _ = self.file.set_len(self.length);
                Err(error)
            }
        }
    }

    pub(super) const fn mark(&self) -> FileMark {
        FileMark { device: self.device, inode: self.inode, length: self.length }
    }

    pub(super) fn wants_rotation(&self, bytes: usize) -> bool {
        let FileTarget { bytes_max, age_max, .. } = self.target;
        let long = bytes_max > 0 && self.length + bytes as u64 > bytes_max;
        let old = !age_max.is_zero() && self.born.elapsed().is_ok_and(|age| age >= age_max);
        self.length > 0 && (long || old)
    }

    /// Whether the path still names this file: someone else may have rotated it.
    fn is_at(&self, path: &Path) -> bool {
        let named = fs::symlink_metadata(path);
        named.is_ok_and(|named| (named.dev(), named.ino()) == (self.device, self.inode))
    }
}

fn is_regular(path: &PathBuf) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_file())
}

/// `O_NOFOLLOW` of Linux: a log file is no symbolic link.
const NO_FOLLOW: i32 = 0o400_000;
