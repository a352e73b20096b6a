//! From a path to a compiled configuration: read, parse, apply groups, compile; `-` is standard input.

use std::io::{self, Read};

use super::compile::{CompileOptions, Compiled, compile};
use super::diagnostic::Diagnostics;
use super::span::Sources;
use super::tree::Node;
use super::{effective, parse_bytes};

/// Why a configuration could not be read at all; everything else is a diagnostic.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the configuration {path}: {error}")]
pub struct ReadError {
    /// As given.
    pub path: String,
    /// What the system says.
    pub error: io::Error,
}

/// A configuration that was read, with everything that was found in it.
#[derive(Debug)]
pub struct Loaded {
    /// The text, which diagnostics point into.
    pub sources: Sources,
    /// As written, groups and inactive statements included.
    pub tree: Node,
    /// Of all stages.
    pub diagnostics: Diagnostics,
    /// `None` if there is an error among them.
    pub compiled: Option<Compiled>,
}

/// Reads and compiles the configuration at a path, or standard input for `-`.
///
/// # Errors
/// If the file cannot be read.
pub fn load(path: &str, options: &CompileOptions) -> Result<Loaded, ReadError> {
    let fail = |error| ReadError {
        path: path.to_owned(),
        error,
    };
    let (name, bytes) = if path == "-" {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes).map_err(fail)?;
        ("<stdin>", bytes)
    } else {
        (path, std::fs::read(path).map_err(fail)?)
    };
    Ok(load_bytes(name, &bytes, options))
}

/// Likewise of bytes that have been read; `name` is what diagnostics call them.
#[must_use]
pub fn load_bytes(name: &str, bytes: &[u8], options: &CompileOptions) -> Loaded {
    let mut sources = Sources::default();
    let mut diagnostics = Diagnostics::default();
    let tree = parse_bytes(&mut sources, name, bytes, &mut diagnostics);
    let in_force = effective(&tree, &mut diagnostics);
    let compiled = compile(&in_force, options, &mut diagnostics);
    Loaded {
        sources,
        tree,
        diagnostics,
        compiled,
    }
}
