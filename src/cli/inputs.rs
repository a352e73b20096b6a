//! What commands read: configurations, schedules, captures.

use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::Context;
use systems::schedule::Schedule;

use crate::config::compile::{CompileOptions, Compiled};
use crate::config::diagnostic::Diagnostics;
use crate::config::span::{Sources, Span};
use crate::config::{load, render};

use super::{Stop, say};

/// The schedule of a replay that names none.
const REPLAY_SCHEDULE: &str = include_str!("../../schedules/replay.toml");

/// A whole file, or standard input for `-`.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Stop> {
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().lock().read_to_end(&mut bytes).context("standard input")?;
    } else {
        bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
    }
    Ok(bytes)
}

/// A process that runs for long takes no orders from a file that anybody may change, nor a secret
/// from one that anybody may read.
pub(super) fn is_guarded(path: &Path, is_secret: bool) -> Result<(), Stop> {
    let found = std::fs::metadata(path).with_context(|| path.display().to_string())?;
    let mode = found.permissions().mode();
    let refused = match (mode & 0o002 != 0, is_secret && mode & 0o004 != 0) {
        _ if !found.is_file() => return Ok(()),
        (true, _) => "everybody may write it",
        (_, true) => "everybody may read it",
        (false, false) => return Ok(()),
    };
    Err(Stop::Usage(format!("{}: {refused} (mode {:03o})", path.display(), mode & 0o777)))
}

/// The compiled configuration; findings go to standard error, notes excepted: `weir check` lists
/// them.
pub(super) fn configuration(path: &Path, options: &CompileOptions) -> Result<Compiled, Stop> {
    let bytes = read(path)?;
    let name = path.display().to_string();
    let (mut sources, mut diagnostics) = (Sources::default(), Diagnostics::default());
    let compiled = load::load_bytes(&mut sources, &name, &bytes, options, &mut diagnostics);
    match &compiled {
        None => say(&render::text(&sources, &diagnostics)),
        Some(_) => {
            diagnostics.without_notes();
            say(&render::brief(&sources, &diagnostics));
        }
    }
    compiled.ok_or(Stop::Configuration)
}

/// The text of a schedule file, or of the one built in.
pub(super) fn schedule_text(path: Option<&Path>) -> Result<String, Stop> {
    let Some(path) = path else {
        return Ok(REPLAY_SCHEDULE.to_owned());
    };
    Ok(String::from_utf8(read(path)?).with_context(|| path.display().to_string())?)
}

/// The schedule of a file, or the one built in; its errors are printed.
pub(super) fn schedule(path: Option<&Path>) -> Result<Schedule, Stop> {
    let name = path.map_or("schedules/replay.toml".to_owned(), |path| path.display().to_string());
    let text = schedule_text(path)?;
    let mut sources = Sources::default();
    let mut diagnostics = Diagnostics::default();
    match check_schedule(&mut sources, &name, &text, &mut diagnostics) {
        Some(schedule) => Ok(schedule),
        None => {
            say(&render::text(&sources, &diagnostics));
            Err(Stop::Configuration)
        }
    }
}

/// Reads a schedule; what is wrong becomes diagnostics.
pub(super) fn check_schedule(
    sources: &mut Sources,
    name: &str,
    text: &str,
    diagnostics: &mut Diagnostics,
) -> Option<Schedule> {
    let source = sources.add(name, text);
    let errors = match Schedule::parse(text) {
        Ok(schedule) => return Some(schedule),
        Err(errors) => errors,
    };
    for error in errors {
        let at = |byte: usize| u32::try_from(byte.min(text.len())).unwrap_or(0);
        let span = Span { source, start: at(error.range.start), end: at(error.range.end) };
        let diagnostic = diagnostics.error(error.id, span, error.message);
        diagnostic.expected = error.expected;
    }
    None
}
