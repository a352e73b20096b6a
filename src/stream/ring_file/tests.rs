//! Ring files: taken over, locked, of another size, of another start of the machine, of another
//! program.

use components::block::EventFrame;
use components::kinds::EventKind;
use components::wire::RtFlowRecord;
use zerocopy::FromZeros;

use super::*;

fn config(slots: usize, stream_id: u64) -> RingConfig {
    RingConfig::new(slots, stream_id)
}

fn denies(count: usize) -> Vec<EventFrame> {
    vec![EventFrame::new(EventKind::PolicyDeny, RtFlowRecord::new_zeroed()); count]
}

fn path(directory: &tempfile::TempDir) -> PathBuf {
    directory.path().join("ring")
}

#[test]
fn the_next_process_takes_the_stream_over_with_its_counters() {
    let directory = tempfile::tempdir().unwrap();
    let mut first = RingFile::open(&path(&directory), &config(64, 5)).unwrap();
    assert_eq!(first.begin, Begin::New);
    first.ring.append(&denies(7));
    let mut refused = Refused::default();
    refused[2].0[0] = 3;
    first.file.publish(&first.ring, &refused);
    first.ring.append(&denies(2));
    // It dies before it published the last two: nobody was told that they were accepted.
    first.file.close(first.ring);
    let second = RingFile::open(&path(&directory), &config(64, 99)).unwrap();
    assert_eq!(second.begin, Begin::TakenOver { retained: 7, torn: 0 });
    assert_eq!((second.ring.stream_id(), second.ring.last_sequence()), (5, 7));
    assert_eq!(second.upstream, refused);
}

#[test]
fn two_processes_cannot_have_it() {
    let directory = tempfile::tempdir().unwrap();
    let first = RingFile::open(&path(&directory), &config(64, 5)).unwrap();
    let second = RingFile::open(&path(&directory), &config(64, 5));
    assert!(matches!(second, Err(RingFileError::InUse(_))));
    first.file.close(first.ring);
    RingFile::open(&path(&directory), &config(64, 5)).unwrap();
}

#[test]
fn another_size_waits_until_nothing_is_left() {
    let directory = tempfile::tempdir().unwrap();
    let mut first = RingFile::open(&path(&directory), &config(64, 5)).unwrap();
    first.ring.append(&denies(3));
    first.file.publish(&first.ring, &Refused::default());
    first.file.close(first.ring);
    let error = RingFile::open(&path(&directory), &config(128, 5)).unwrap_err();
    assert!(error.to_string().contains("holds 3 frames that are not acked and has 64 slots"));
    let mut first = RingFile::open(&path(&directory), &config(64, 5)).unwrap();
    first.ring.ack(3);
    first.file.publish(&first.ring, &Refused::default());
    first.file.close(first.ring);
    for slots in [128, 64] {
        let second = RingFile::open(&path(&directory), &config(slots, 6)).unwrap();
        assert_eq!((second.ring.stream_id(), second.ring.last_sequence()), (5, 3));
        assert_eq!(second.ring.capacity(), slots as u64);
        second.file.close(second.ring);
    }
}

#[test]
fn after_a_reboot_the_stream_is_another_and_the_bound_of_the_loss_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let mut first = RingFile::open(&path(&directory), &config(64, 5)).unwrap();
    first.ring.append(&denies(7));
    first.ring.mark_sent(7);
    first.ring.ack(4);
    first.file.publish(&first.ring, &Refused::default());
    first.file.close(first.ring);
    let mut bytes = fs::read(path(&directory)).unwrap();
    bytes[offset_of!(FileHead, boot)] ^= 1;
    fs::write(path(&directory), bytes).unwrap();
    let second = RingFile::open(&path(&directory), &config(64, 6)).unwrap();
    assert_eq!(second.begin, Begin::Ended { stream_id: 5, acked: 4, last: 7 });
    assert_eq!((second.ring.stream_id(), second.ring.last_sequence()), (6, 0));
}

#[test]
fn a_state_that_is_not_whole_ends_the_stream_and_a_torn_slot_is_counted() {
    let directory = tempfile::tempdir().unwrap();
    let mut first = RingFile::open(&path(&directory), &config(64, 5)).unwrap();
    first.ring.append(&denies(7));
    first.file.publish(&first.ring, &Refused::default());
    first.file.close(first.ring);
    let whole = fs::read(path(&directory)).unwrap();
    let mut bytes = whole.clone();
    bytes[STATES_LENGTH + 2 * 152 + 20] ^= 1;
    fs::write(path(&directory), bytes).unwrap();
    let second = RingFile::open(&path(&directory), &config(64, 6)).unwrap();
    assert_eq!(second.begin, Begin::TakenOver { retained: 7, torn: 1 });
    second.file.close(second.ring);
    let mut bytes = whole;
    let generation = bytes[offset_of!(FileHead, generation)];
    let at =
        offset_of!(FileHead, states) + usize::from(generation % 2 == 1) * size_of::<RingState>();
    bytes[at + 40] ^= 1;
    fs::write(path(&directory), bytes).unwrap();
    let third = RingFile::open(&path(&directory), &config(64, 6)).unwrap();
    assert!(matches!(third.begin, Begin::Ended { stream_id: 5, .. }), "{:?}", third.begin);
}

#[test]
fn a_file_of_something_else_is_not_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let bytes = vec![b'x'; 10_000];
    fs::write(path(&directory), &bytes).unwrap();
    let error = RingFile::open(&path(&directory), &config(64, 5)).unwrap_err();
    assert!(error.to_string().ends_with("is no ring file, and would be overwritten"), "{error}");
    assert_eq!(fs::read(path(&directory)).unwrap(), bytes);
    let mut head = [0; 4096];
    head[..12].copy_from_slice(b"WEIRRNG\n\x01\0\0\0");
    fs::write(path(&directory), head).unwrap();
    let error = RingFile::open(&path(&directory), &config(64, 5)).unwrap_err();
    assert!(matches!(error, RingFileError::Version { found: 1, .. }), "{error}");
    assert_eq!(fs::read(path(&directory)).unwrap(), head);
    fs::write(path(&directory), b"short").unwrap();
    let error = RingFile::open(&path(&directory), &config(64, 5)).unwrap_err();
    assert!(matches!(error, RingFileError::Foreign(_)), "{error}");
}
