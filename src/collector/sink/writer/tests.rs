//! Writers that fail in every way that files and pipes do, and where each event then went.

use std::io::{Error, ErrorKind};

use components::kinds::EventKind;

use super::*;
use crate::collector::fixture::{event, frame, world};
use crate::collector::render::{Format, RenderOptions};

/// Accepts `room` bytes, `step` at a time, and then fails.
struct Limited {
    accepted: Vec<u8>,
    room: usize,
    step: usize,
    write_error: ErrorKind,
    flush_error: Option<ErrorKind>,
    interrupts: u32,
}

impl Limited {
    fn new(room: usize, write_error: ErrorKind) -> Self {
        Self {
            accepted: Vec::new(),
            room,
            step: 100,
            write_error,
            flush_error: None,
            interrupts: 0,
        }
    }
}

impl Write for &mut Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.interrupts > 0 {
            self.interrupts -= 1;
            return Err(ErrorKind::Interrupted.into());
        }
        let more = bytes.len().min(self.step).min(self.room - self.accepted.len());
        if more == 0 {
            return Err(Error::from(self.write_error));
        }
        self.accepted.extend_from_slice(&bytes[..more]);
        Ok(more)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flush_error.map_or(Ok(()), |kind| Err(kind.into()))
    }
}

fn write_frames(sink: &mut impl Sink, sequences: std::ops::RangeInclusive<u64>) {
    let deny = event(EventKind::PolicyDeny);
    for sequence in sequences {
        sink.write(&deny, &frame(&deny, sequence));
    }
}

fn counts(sink: &impl Sink) -> (u64, [u64; 5], u64) {
    let report = sink.report();
    (report.settled, report.lost.0, report.backlog)
}

#[test]
fn events_wait_in_the_backlog_until_the_flush_settles_them() {
    let mut writer = Limited::new(usize::MAX, ErrorKind::Other);
    let mut sink = WriterSink::frames("frames.bin", &mut writer);
    write_frames(&mut sink, 1..=3);
    assert_eq!(counts(&sink), (0, [0; 5], 3));
    sink.flush();
    assert_eq!(counts(&sink), (3, [0; 5], 0));
    assert_eq!(sink.report().name, "frames.bin");
    drop(sink);
    let deny = event(EventKind::PolicyDeny);
    let expected: Vec<u8> = (1..=3).flat_map(|sequence| frame(&deny, sequence)).collect();
    assert_eq!(writer.accepted, expected);
}

#[test]
fn lines_are_written_whole_and_in_order_when_the_buffer_is_full() {
    let mut writer = Limited::new(usize::MAX, ErrorKind::Other);
    writer.interrupts = 2;
    let options = RenderOptions::new(Format::SdSyslog, "fw1");
    let mut sink = WriterSink::lines("stdout", &mut writer, Renderer::new(world(), options));
    write_frames(&mut sink, 1..=200);
    let (settled, lost, backlog) = counts(&sink);
    assert!(settled > 0 && backlog > 0, "200 lines are more than one buffer");
    assert_eq!((settled + backlog, lost), (200, [0; 5]));
    sink.flush();
    assert_eq!(counts(&sink), (200, [0; 5], 0));
    drop(sink);
    let text = String::from_utf8(writer.accepted).expect("lines are UTF-8");
    assert_eq!(text.lines().count(), 200);
    assert!(text.lines().all(|line| line.starts_with("<14>1 ") && line.ends_with(']')));
}

#[test]
fn a_full_disk_settles_the_whole_events_and_loses_the_rest() {
    let mut writer = Limited::new(152 * 2 + 100, ErrorKind::StorageFull);
    let mut sink = WriterSink::frames("events.log", &mut writer);
    write_frames(&mut sink, 1..=5);
    sink.flush();
    // Two whole frames fit; the third is cut.
    assert_eq!(counts(&sink), (2, [0, 0, 3, 0, 0], 0));
    write_frames(&mut sink, 6..=7);
    sink.flush();
    assert_eq!(counts(&sink), (2, [0, 0, 5, 0, 0], 0));
    assert_eq!(sink.take_error().expect("reported").kind(), ErrorKind::StorageFull);
    assert!(sink.take_error().is_none(), "reported once");
    drop(sink);
    assert_eq!(writer.accepted.len(), 152 * 2 + 100, "nothing after the cut");
}

#[test]
fn a_reader_that_leaves_is_a_broken_pipe_and_no_panic() {
    let mut writer = Limited::new(0, ErrorKind::BrokenPipe);
    let mut sink = WriterSink::frames("stdout", &mut writer);
    write_frames(&mut sink, 1..=2);
    sink.flush();
    assert_eq!(counts(&sink), (0, [0, 2, 0, 0, 0], 0));
    assert_eq!(sink.take_error().expect("reported").kind(), ErrorKind::BrokenPipe);
}

#[test]
fn a_flush_that_fails_settles_nothing() {
    let mut writer = Limited::new(usize::MAX, ErrorKind::Other);
    writer.flush_error = Some(ErrorKind::QuotaExceeded);
    let mut sink = WriterSink::frames("events.log", &mut writer);
    write_frames(&mut sink, 1..=2);
    sink.flush();
    assert_eq!(counts(&sink), (0, [0, 0, 2, 0, 0], 0));
}

#[test]
fn a_writer_that_takes_nothing_is_an_error_and_no_endless_loop() {
    let mut nothing: &mut [u8] = &mut [];
    let mut sink = WriterSink::frames("slice", &mut nothing);
    write_frames(&mut sink, 1..=1);
    sink.flush();
    assert_eq!(counts(&sink), (0, [0, 1, 0, 0, 0], 0));
    assert_eq!(sink.take_error().expect("reported").kind(), ErrorKind::WriteZero);
}

#[test]
fn a_device_without_space_is_a_full_disk() {
    let Ok(device) = std::fs::OpenOptions::new().write(true).open("/dev/full") else {
        return;
    };
    let mut sink = WriterSink::frames("/dev/full", device);
    write_frames(&mut sink, 1..=1);
    sink.flush();
    assert_eq!(counts(&sink), (0, [0, 0, 1, 0, 0], 0));
}
