//! `weir print`.

use crate::config::diagnostic::Diagnostics;
use crate::config::span::Sources;
use crate::config::{parse_bytes, print, render};

use super::{PrintArgs, Stop, inputs, put, say};

pub(super) fn run(args: &PrintArgs) -> Result<(), Stop> {
    let bytes = inputs::read(&args.config)?;
    let (mut sources, mut diagnostics) = (Sources::default(), Diagnostics::default());
    let name = args.config.display().to_string();
    let tree = parse_bytes(&mut sources, &name, &bytes, &mut diagnostics);
    say(&render::text(&sources, &diagnostics));
    if diagnostics.has_errors() {
        return Err(Stop::Configuration);
    }
    put(&if args.set { print::set_lines(&tree) } else { print::braces(&tree) })
}
