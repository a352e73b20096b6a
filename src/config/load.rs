//! From bytes to a compiled configuration: parse, apply groups, compile, with the findings of all
//! three stages.

use super::compile::{CompileOptions, Compiled, compile};
use super::diagnostic::Diagnostics;
use super::span::Sources;
use super::{effective, parse_bytes};

/// Reads and compiles a configuration in either form; `name` is what diagnostics call it. `None` if
/// there is an error among the diagnostics.
pub fn load_bytes(
    sources: &mut Sources,
    name: &str,
    bytes: &[u8],
    options: &CompileOptions,
    diagnostics: &mut Diagnostics,
) -> Option<Compiled> {
    let tree = parse_bytes(sources, name, bytes, diagnostics);
    let in_force = effective(&tree, diagnostics);
    compile(&in_force, options, diagnostics)
}
