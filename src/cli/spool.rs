//! `weir spool stat|verify|dump`: what a spool holds, whether it is whole, and its frames. All
//! three only read, also while a collector writes.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::Context;
use components::kinds::EventKind;
use components::reason::LossReason;
use components::spool::RecordKind;
use components::stream::StreamPosition;
use jiff::Timestamp;

use super::summary::grouped;
use super::{SpoolArgs, SpoolCommand, Stop, put, say};
use crate::spool::{CursorFile, Finding, Inspection, Saved, inspect};

pub(super) fn run(args: &SpoolArgs) -> Result<(), Stop> {
    match &args.command {
        SpoolCommand::Stat { directory } => stat(directory),
        SpoolCommand::Verify { directory } => verify(directory),
        SpoolCommand::Dump { directory, out } => dump(directory, out.as_deref()),
    }
}

fn stat(directory: &Path) -> Result<(), Stop> {
    let inspection = read(directory, |_| Ok(()))?;
    let mut out = String::new();
    let bytes: u64 = inspection.segments.iter().map(|segment| segment.bytes).sum();
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "{:<20} {:>16}   {} bytes",
        "segments",
        grouped(inspection.segments.len() as u64),
        grouped(bytes)
    );
    for segment in &inspection.segments {
        let _ = writeln!(
            out,
            "  {:020}.spool  begun {}, {} records, {} bytes",
            segment.first_ordinal,
            time(segment.created_ns),
            grouped(segment.records),
            grouped(segment.bytes)
        );
    }
    for kind in RecordKind::ALL.into_iter().filter(|kind| *kind != RecordKind::Checkpoint) {
        let count = inspection.records[kind as usize - 1];
        let _ = writeln!(out, "{:<20} {:>16}   {}", kind.label(), grouped(count), kind.about());
    }
    let _ = writeln!(out, "{:<20} {:>16}", "next record", grouped(inspection.next_ordinal));
    for totals in inspection.totals.streams() {
        let _ = stream(&mut out, totals);
    }
    for (name, file) in CursorFile::all(directory)? {
        let note = match file.load()? {
            None => "damaged".to_owned(),
            Some(Saved { cursor, totals, .. }) => format!(
                "{:>16}   {} behind; {} settled, {} filtered, {} suppressed, {} lost",
                grouped(cursor.ordinal),
                grouped(inspection.next_ordinal.saturating_sub(cursor.ordinal)),
                grouped(totals.settled),
                grouped(totals.filtered),
                grouped(totals.suppressed),
                grouped(totals.lost.total())
            ),
        };
        let _ = writeln!(out, "{:<20} {note}", format!("sink {name}"));
    }
    put(&out)
}

fn stream(out: &mut String, totals: &StreamPosition) -> std::fmt::Result {
    writeln!(
        out,
        "{:<20} {:016x}   last {}, applied {}, lost {}",
        "stream",
        totals.id.0,
        grouped(totals.position),
        grouped(totals.applied.total()),
        grouped(totals.lost.total())
    )?;
    for kind in EventKind::ALL {
        let count = totals.applied.events.0[kind.index()];
        if count > 0 {
            writeln!(out, "  {:<18} {:>16}", kind.label(), grouped(count))?;
        }
    }
    let others = [("sessions", totals.applied.sessions), ("full_resync", totals.applied.resyncs)];
    for (name, count) in others.into_iter().filter(|(_, count)| *count > 0) {
        writeln!(out, "  {name:<18} {:>16}", grouped(count))?;
    }
    for reason in LossReason::ALL {
        let count = totals.lost.0[reason.index()];
        if count > 0 {
            writeln!(
                out,
                "  lost: {:<12} {:>16}   {}",
                reason.label(),
                grouped(count),
                reason.description()
            )?;
        }
    }
    Ok(())
}

fn verify(directory: &Path) -> Result<(), Stop> {
    let inspection = read(directory, |_| Ok(()))?;
    let mut out = String::new();
    for finding in &inspection.findings {
        let _ = writeln!(out, "{finding}");
    }
    let records: u64 = inspection.segments.iter().map(|segment| segment.records).sum();
    let _ = writeln!(
        out,
        "{}: {} segments, {} records, {} findings",
        directory.display(),
        inspection.segments.len(),
        grouped(records),
        inspection.findings.len()
    );
    put(&out)?;
    let harmless = |finding: &Finding| matches!(finding, Finding::Torn { .. });
    if inspection.findings.iter().all(harmless) {
        return Ok(());
    }
    Err(Stop::Failed(anyhow::anyhow!("the spool is not whole")))
}

fn dump(directory: &Path, out: Option<&Path>) -> Result<(), Stop> {
    let mut output: Box<dyn Write> = match out {
        None => Box::new(io::stdout().lock()),
        Some(path) => Box::new(File::create(path).with_context(|| path.display().to_string())?),
    };
    let mut output = BufWriter::with_capacity(1 << 18, &mut output);
    let inspection = read(directory, |frame| output.write_all(frame));
    let inspection =
        match inspection.and_then(|all| output.flush().map(|()| all).map_err(Stop::from)) {
            // A reader who has had enough is no failure.
            Err(Stop::Failed(error)) if is_broken_pipe(&error) => return Ok(()),
            other => other?,
        };
    for finding in &inspection.findings {
        say(&format!("weir: {finding}\n"));
    }
    Ok(())
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Inspects the spool and hands on each frame of a stream.
fn read(
    directory: &Path,
    mut frame: impl FnMut(&[u8]) -> io::Result<()>,
) -> Result<Inspection, Stop> {
    let mut result = Ok(());
    let inspection = inspect(directory, |record| {
        if record.kind == RecordKind::Frame && result.is_ok() {
            result = frame(record.payload);
        }
    });
    let inspection = inspection.with_context(|| directory.display().to_string())?;
    result?;
    Ok(inspection)
}

fn time(unix_ns: u64) -> String {
    let time = Timestamp::from_nanosecond(unix_ns.into());
    time.map_or_else(|_| unix_ns.to_string(), |time| format!("{time:.3}"))
}
