//! A sink that writes to a file, a pipe or standard output: log lines, or the frames themselves.
//! Events wait in a buffer and are written in one piece, followed by a flush; what the writer
//! accepted whole is settled. After the first error the receiver's end of the file is unknown
//! (half a line may stand there), so that nothing more is written and everything later is lost.

use std::io::{self, Write};
use std::sync::Arc;

use components::reason::{Counts, SinkLoss};
use components::wire::RtFlow;
use components::world::World;

use super::Sink;
use crate::collector::render::Renderer;
use crate::collector::report::SinkReport;

/// Writes events to `W`.
#[derive(Debug)]
pub struct WriterSink<W> {
    name: String,
    writer: W,
    encoding: Encoding,
    buffer: Vec<u8>,
    /// Where each buffered event ends.
    ends: Vec<usize>,
    settled: u64,
    lost: Counts<{ SinkLoss::COUNT }>,
    failed: Option<SinkLoss>,
    error: Option<io::Error>,
}

#[derive(Debug)]
enum Encoding {
    Lines(Renderer),
    Frames,
}

impl<W: Write + Send> WriterSink<W> {
    /// A sink of what `renderer` prints.
    pub fn lines(name: impl Into<String>, writer: W, renderer: Renderer) -> Self {
        Self::new(name.into(), writer, Encoding::Lines(renderer))
    }

    /// A sink of the numbered frames, as they stand on the stream.
    pub fn frames(name: impl Into<String>, writer: W) -> Self {
        Self::new(name.into(), writer, Encoding::Frames)
    }

    fn new(name: String, writer: W, encoding: Encoding) -> Self {
        Self {
            name,
            writer,
            encoding,
            buffer: Vec::with_capacity(BUFFER_BYTES + LINE_BYTES),
            ends: Vec::new(),
            settled: 0,
            lost: Counts::default(),
            failed: None,
            error: None,
        }
    }

    /// Writes the buffer and settles what was accepted.
    fn drain(&mut self) {
        let (accepted, result) = write_all(&mut self.writer, &self.buffer);
        // What the writer keeps back has not reached anyone.
        let flushed = self.writer.flush();
        let whole = match &flushed {
            Ok(()) => self.ends.partition_point(|&end| end <= accepted),
            Err(_) => 0,
        };
        self.settled += count(whole);
        if let Err(error) = result.and(flushed) {
            let reason = reason_of(&error);
            self.lost.0[reason.index()] += count(self.ends.len() - whole);
            self.failed = Some(reason);
            self.error = Some(error);
        }
        self.buffer.clear();
        self.ends.clear();
    }
}

impl<W: Write + Send> Sink for WriterSink<W> {
    fn write(&mut self, event: &RtFlow, frame: &[u8]) {
        if let Some(reason) = self.failed {
            self.lost.0[reason.index()] += 1;
            return;
        }
        match &mut self.encoding {
            Encoding::Lines(renderer) => renderer.render(event, frame, &mut self.buffer),
            Encoding::Frames => self.buffer.extend_from_slice(frame),
        }
        self.ends.push(self.buffer.len());
        if self.buffer.len() >= BUFFER_BYTES {
            self.drain();
        }
    }

    fn other(&mut self, frame: &[u8]) {
        if self.failed.is_none() && matches!(self.encoding, Encoding::Frames) {
            self.buffer.extend_from_slice(frame);
        }
    }

    fn commit(&mut self, world: &Arc<World>) {
        // What is buffered is rendered already.
        if let Encoding::Lines(renderer) = &mut self.encoding {
            renderer.commit(world);
        }
    }

    fn flush(&mut self) {
        if !self.buffer.is_empty() {
            self.drain();
        }
    }

    fn report(&self) -> SinkReport {
        SinkReport {
            name: self.name.clone(),
            settled: self.settled,
            lost: self.lost,
            backlog: count(self.ends.len()),
        }
    }

    fn take_error(&mut self) -> Option<io::Error> {
        self.error.take()
    }
}

/// As [`Write::write_all`], and how many bytes were accepted before an error.
fn write_all(writer: &mut impl Write, bytes: &[u8]) -> (usize, io::Result<()>) {
    let mut accepted = 0;
    while accepted < bytes.len() {
        match writer.write(&bytes[accepted..]) {
            Ok(0) => return (accepted, Err(io::ErrorKind::WriteZero.into())),
            Ok(more) => accepted += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (accepted, Err(error)),
        }
    }
    (accepted, Ok(()))
}

fn reason_of(error: &io::Error) -> SinkLoss {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => SinkLoss::DiskFull,
        _ => SinkLoss::Rejected,
    }
}

fn count(events: usize) -> u64 {
    u64::try_from(events).unwrap_or(u64::MAX)
}

/// Bytes that are written in one piece: fewer, larger writes gain nothing measurable above this.
const BUFFER_BYTES: usize = 64 * 1024;

/// Room for the line that fills the buffer; a longer one grows it once.
const LINE_BYTES: usize = 4 * 1024;

#[cfg(test)]
mod tests;
