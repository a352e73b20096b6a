//! Names in the spool's directory: `NNNNNNNNNNNNNNNNNNNN.spool` is the segment whose first record
//! has that ordinal, `lock` is held by the process that writes, `cursors/` is the sinks', and
//! `damaged/` keeps what could not be read.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::SpoolError;

/// Makes the directory if it is not there, and takes its lock.
pub(super) fn lock(directory: &Path) -> Result<File, SpoolError> {
    make(directory)?;
    let path = directory.join("lock");
    let mut options = File::options();
    let opened = options.write(true).create(true).truncate(false).mode(0o640).open(&path);
    let file = opened.map_err(|cause| SpoolError::Io { path: path.clone(), cause })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(SpoolError::InUse(directory.to_owned())),
        Err(TryLockError::Error(cause)) => Err(SpoolError::Io { path, cause }),
    }
}

/// Makes a directory that its owner writes and its group reads.
pub(super) fn make(directory: &Path) -> Result<(), SpoolError> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o750).create(directory);
    made.map_err(|cause| SpoolError::Io { path: directory.to_owned(), cause })
}

/// The path of a segment.
pub(super) fn segment_path(directory: &Path, first_ordinal: u64) -> PathBuf {
    directory.join(format!("{first_ordinal:020}.spool"))
}

/// First ordinals of the segments that there are, in order.
pub(super) fn segments(directory: &Path) -> io::Result<Vec<u64>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name();
        let ordinal = name.to_str().and_then(|name| name.strip_suffix(".spool"));
        if let Some(ordinal) = ordinal.filter(|digits| digits.len() == 20) {
            found.extend(ordinal.parse::<u64>());
        }
    }
    found.sort_unstable();
    Ok(found)
}
