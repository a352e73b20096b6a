//! `weir spool` as a person runs it: on a spool that is whole, and on one that is damaged.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use components::kinds::EventKind;
use components::reason::LossReason;
use components::spool::{Loss, RecordKind};
use components::wire::{FrameHeader, FrameType, RT_FLOW_LENGTH};
use weir::spool::{Chunk, Cursor, CursorFile, OnFull, Saved, SinkTotals, Spool, SpoolConfig};
use zerocopy::IntoBytes;

const STREAM: u64 = 0x0123_4567_89ab_cdef;

fn weir(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_weir")).args(arguments).output().expect("weir runs")
}

fn frame(kind: EventKind, sequence: u64) -> Vec<u8> {
    let length = u16::try_from(RT_FLOW_LENGTH).expect("136");
    let header = FrameHeader::new(FrameType::from(kind), length, sequence);
    let mut bytes = header.as_bytes().to_vec();
    bytes.resize(bytes.len() + RT_FLOW_LENGTH, 0);
    bytes
}

/// Frames 1 to 8 and 12 to 14, the numbers between them lost, 15 not readable; two segments.
fn make(directory: &Path) -> Vec<u8> {
    let config = SpoolConfig {
        directory: directory.to_owned(),
        segment_bytes_max: 1500,
        total_bytes_max: 1 << 20,
        age_ns_max: 0,
        on_full: OnFull::Hold,
    };
    let (mut spool, _) = Spool::open(config).expect("a new spool");
    let mut frames = Vec::new();
    let mut commit = |fill: &mut dyn FnMut(&mut Chunk)| {
        let mut chunk = Chunk::new(spool.next_ordinal());
        fill(&mut chunk);
        spool.commit(&chunk, 1_700_000_000_123_000_000).expect("room");
    };
    let mut add = |chunk: &mut Chunk, kind, sequence| {
        let frame = frame(kind, sequence);
        chunk.push(RecordKind::Frame, STREAM, &frame);
        frames.extend_from_slice(&frame);
    };
    commit(&mut |chunk| (1..9).for_each(|n| add(chunk, EventKind::PolicyDeny, n)));
    commit(&mut |chunk| {
        let loss = Loss::new(9, 11, LossReason::Evicted, 0);
        chunk.push(RecordKind::Loss, STREAM, loss.as_bytes());
        (12..15).for_each(|n| add(chunk, EventKind::SessionCreate, n));
        chunk.push(RecordKind::Quarantined, STREAM, &frame(EventKind::FilterLog, 15));
    });
    let totals = SinkTotals { settled: 7, filtered: 3, ..SinkTotals::default() };
    let cursor = CursorFile::new(directory, "siem").expect("a cursor");
    let saved = Saved { cursor: Cursor { ordinal: 10 }, totals, file: [0; 3] };
    cursor.save(&saved).expect("saved");
    frames
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

#[test]
fn stat_tells_segments_streams_and_sinks() {
    let directory = tempfile::tempdir().expect("a directory");
    make(directory.path());
    let output = weir(&["spool", "stat", &directory.path().display().to_string()]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/spool"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("spool_stat", text(&output.stdout)));
}

#[test]
fn dump_gives_the_frames_as_they_came() {
    let directory = tempfile::tempdir().expect("a directory");
    let frames = make(directory.path());
    let spool = directory.path().display().to_string();
    assert_eq!(weir(&["spool", "dump", &spool]).stdout, frames);
    let out = directory.path().join("frames").display().to_string();
    assert_eq!(weir(&["spool", "dump", &spool, "--out", &out]).status.code(), Some(0));
    assert_eq!(fs::read(out).expect("written"), frames);
}

#[test]
fn verify_names_the_place_that_is_damaged_and_what_is_missing_for_it() {
    let directory = tempfile::tempdir().expect("a directory");
    make(directory.path());
    let spool = directory.path().display().to_string();
    let output = weir(&["spool", "verify", &spool]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    assert!(text(&output.stdout).ends_with(": 2 segments, 13 records, 0 findings\n"));
    let segment = directory.path().join("00000000000000000000.spool");
    let mut bytes = fs::read(&segment).expect("the first segment");
    let third = 64 + 24 + 2 * (24 + 152);
    bytes[third + 50] ^= 4;
    fs::write(&segment, bytes).expect("written");
    let output = weir(&["spool", "verify", &spool]);
    assert_eq!(output.status.code(), Some(1));
    let lines = text(&output.stdout);
    let lines: Vec<&str> = lines.lines().collect();
    let name = "segment 00000000000000000000";
    assert_eq!(lines[0], format!("{name}, offset {third}: 176 bytes are damaged"));
    assert_eq!(lines[1], "records 2 to 2 are missing");
    assert_eq!(lines[2], format!("stream {STREAM:016x}: 4 follows 2"));
}

#[test]
fn a_directory_that_is_not_there_is_named() {
    let output = weir(&["spool", "stat", "/nowhere/spool"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("/nowhere/spool"), "{}", text(&output.stderr));
}
