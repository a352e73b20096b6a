//! Log files: rotation, and lines of a process that was killed.

use std::path::PathBuf;

use super::*;
use crate::collector::outlet::transport::{FileMark, Transport};

fn lines_of(path: &Path) -> usize {
    std::fs::read_to_string(path).map_or(0, |text| text.lines().count())
}

/// The files of a log, newest first.
fn files(log: &Path) -> Vec<PathBuf> {
    let rotated = |number| PathBuf::from(format!("{}.{number}", log.display()));
    let all = std::iter::once(log.to_owned()).chain((0..20).map(rotated));
    all.filter(|path| path.exists()).collect()
}

#[test]
fn a_file_is_rotated_before_it_is_too_long_and_as_many_are_kept_as_shall_be() {
    let directory = tempfile::tempdir().unwrap();
    let mut spool = spool(directory.path());
    let log = directory.path().join("log");
    let unlimited = FileTarget::unlimited(log.clone());
    let target = FileTarget { bytes_max: 20_000, files_max: 3, ..unlimited };
    let outlets = start(
        directory.path(),
        &spool,
        vec![outlet("f", Target::File(target), Selection::default())],
    );
    let mut written = 0;
    for at in 0..30 {
        commit(&mut spool, EventKind::PolicyDeny, at * 10 + 1..at * 10 + 11);
        written += 10;
        reached(&outlets, written);
    }
    outlets.stop();
    let files = files(&log);
    assert_eq!(files.len(), 4, "{files:?}");
    for path in &files {
        let length = std::fs::metadata(path).unwrap().len();
        assert!(length <= 20_000 && length > 0, "{path:?} has {length}");
    }
    assert!(files.iter().map(|path| lines_of(path)).sum::<usize>() < 300, "the oldest is gone");
}

#[test]
fn a_file_is_rotated_when_it_is_old() {
    let directory = tempfile::tempdir().unwrap();
    let mut spool = spool(directory.path());
    let log = directory.path().join("log");
    let unlimited = FileTarget::unlimited(log.clone());
    let target = FileTarget { age_max: Duration::from_millis(300), files_max: 9, ..unlimited };
    let outlets = start(
        directory.path(),
        &spool,
        vec![outlet("f", Target::File(target), Selection::default())],
    );
    commit(&mut spool, EventKind::PolicyDeny, 1..6);
    reached(&outlets, 5);
    std::thread::sleep(Duration::from_millis(400));
    commit(&mut spool, EventKind::PolicyDeny, 6..8);
    reached(&outlets, 7);
    outlets.stop();
    let files = files(&log);
    assert_eq!(files.iter().map(|path| lines_of(path)).collect::<Vec<_>>(), [2, 5]);
}

#[test]
fn what_was_written_after_the_cursor_was_saved_is_taken_back_whatever_was_rotated_since() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("log");
    let target = FileTarget { files_max: 2, ..FileTarget::unlimited(log.clone()) };
    let mark = |path: &Path, length| {
        use std::os::unix::fs::MetadataExt;
        let found = std::fs::metadata(path).unwrap();
        FileMark { device: found.dev(), inode: found.ino(), length }
    };
    let rotated = directory.path().join("log.0");
    let restore = |mark| Transport::new(Target::File(target.clone())).restore(mark);
    // Nothing was rotated: cut.
    std::fs::write(&log, "one\ntwo\nthree\n").unwrap();
    restore(mark(&log, 8)).unwrap();
    assert_eq!(std::fs::read_to_string(&log).unwrap(), "one\ntwo\n");
    // The file that the cursor knows was rotated, and another begun.
    std::fs::rename(&log, &rotated).unwrap();
    std::fs::write(&log, "three\n").unwrap();
    restore(mark(&rotated, 8)).unwrap();
    assert!(!log.exists());
    assert_eq!(std::fs::read_to_string(&rotated).unwrap(), "one\ntwo\n");
    // Somebody else's file of that name stays as it is.
    std::fs::write(&log, "mine\n").unwrap();
    restore(FileMark { device: 1, inode: 1, length: 0 }).unwrap();
    restore(FileMark::default()).unwrap();
    assert_eq!(std::fs::read_to_string(&log).unwrap(), "mine\n");
}
