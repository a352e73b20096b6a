//! `weir check`.

use crate::config::compile::CompileOptions;
use crate::config::diagnostic::{Diagnostics, Severity};
use crate::config::load;
use crate::config::render;
use crate::config::span::Sources;

use super::{CheckArgs, CheckFormat, Stop, inputs, put};

pub(super) fn run(args: &CheckArgs) -> Result<(), Stop> {
    let bytes = inputs::read(&args.config)?;
    let name = args.config.display().to_string();
    let (mut sources, mut diagnostics) = (Sources::default(), Diagnostics::default());
    if args.config.extension().is_some_and(|extension| extension == "toml") {
        let text = String::from_utf8_lossy(&bytes);
        inputs::check_schedule(&mut sources, &name, &text, &mut diagnostics);
    } else {
        let options = CompileOptions::default();
        load::load_bytes(&mut sources, &name, &bytes, &options, &mut diagnostics);
    }
    match args.format {
        CheckFormat::Json => put(&render::json(&sources, &diagnostics))?,
        CheckFormat::Text => {
            put(&render::text(&sources, &diagnostics))?;
            put(&format!("{name}: {}\n", count(&diagnostics)))?;
        }
    }
    if diagnostics.has_errors() { Err(Stop::Configuration) } else { Ok(()) }
}

/// `2 errors, 1 warning, 0 notes`.
fn count(diagnostics: &Diagnostics) -> String {
    let of = |severity, word: &str| {
        let count = diagnostics.0.iter().filter(|d| d.severity == severity).count();
        format!("{count} {word}{}", if count == 1 { "" } else { "s" })
    };
    let parts =
        [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Note, "note")];
    parts.map(|(severity, word)| of(severity, word)).join(", ")
}
