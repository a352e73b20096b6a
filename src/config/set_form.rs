//! Set form.

use super::diagnostic::Diagnostics;
use super::span::Span;

/// The word begins a line of set form.
pub(super) fn is_command(word: &str) -> bool {
    COMMANDS.contains(&word)
}

/// Warns of a statement to be changed that does not exist.
pub(super) fn missing(diagnostics: &mut Diagnostics, span: Span, word: &str, command: &str) {
    diagnostics
        .warning(
            "statement-not-found",
            span,
            format!("there is no `{word}` here"),
        )
        .expected(format!("an existing statement to {command}"));
}

const COMMANDS: [&str; 16] = [
    "set",
    "delete",
    "deactivate",
    "activate",
    "insert",
    "rename",
    "copy",
    "edit",
    "top",
    "up",
    "exit",
    "quit",
    "protect",
    "unprotect",
    "annotate",
    "wildcard",
];
