//! The Junos configuration language: text to tree ([`tree`]), tree to text in both printings, tree
//! to the typed model, model to the compiled [`components::world::World`]. Every value keeps its
//! place; every problem is a [`diagnostic::Diagnostic`], and all problems of a file are found in
//! one run.

mod builder;
mod check;
pub mod compile;
pub mod diagnostic;
mod groups;
mod lexer;
pub mod load;
pub mod model;
pub mod nearest;
mod parser;
mod predefined;
pub mod print;
pub mod render;
mod schema;
mod set_form;
pub mod span;
pub mod tree;

use diagnostic::Diagnostics;
pub use groups::effective;
use span::{SourceId, Sources, Span};
use tree::Node;

/// Reads a configuration in either form; the first word tells which. Returns the root, whose word
/// is empty. `apply-groups` and `inactive:` are still in the tree: see [`effective`].
pub fn parse_text(
    sources: &mut Sources,
    name: &str,
    text: &str,
    diagnostics: &mut Diagnostics,
) -> Node {
    let id = sources.add(name, text);
    parse_source(sources, id, diagnostics)
}

/// As [`parse_text`] for bytes from outside: what is not UTF-8 is an error with its offset, and the
/// rest is read all the same, for its errors.
pub fn parse_bytes(
    sources: &mut Sources,
    name: &str,
    bytes: &[u8],
    diagnostics: &mut Diagnostics,
) -> Node {
    let (read, message) = match bytes.len() {
        0..=BYTES_MAX => (bytes, None),
        size => (&[][..], Some(format!("{size} bytes are more than {BYTES_MAX}"))),
    };
    let source = sources.add(name, String::from_utf8_lossy(read));
    if let Some(message) = message {
        let start = Span { source, ..Span::default() };
        diagnostics.error("file-too-large", start, message);
    }
    if let Err(error) = std::str::from_utf8(read) {
        let at = error.valid_up_to();
        let start = u32::try_from(at).expect("below `BYTES_MAX`");
        let span = Span {
            source,
            start,
            end: start + 3, // U+FFFD stands for it in the source
        };
        let message = format!("the byte 0x{:02x} at offset {at} is not UTF-8", read[at]);
        diagnostics
            .error("not-utf-8", span, message)
            .expected("text in UTF-8")
            .suggest("save the file as UTF-8");
    }
    parse_source(sources, source, diagnostics)
}

fn parse_source(sources: &Sources, source: SourceId, diagnostics: &mut Diagnostics) -> Node {
    let text = &sources.get(source).text;
    if let Some(form) = foreign_form(text) {
        let start = Span { source, ..Span::default() };
        diagnostics
            .error("foreign-form", start, format!("the configuration is in {form}"))
            .expected("braces or `set` lines")
            .suggest("take it with `show configuration`, without `| display xml` or `json`");
        return Node::default();
    }
    let tokens = lexer::tokens(source, text, diagnostics);
    if set_form::is_set_form(&tokens) {
        set_form::parse(&tokens, diagnostics)
    } else {
        parser::parse(&tokens, diagnostics)
    }
}

/// XML and JSON, which Junos prints as well.
fn foreign_form(text: &str) -> Option<&'static str> {
    let text = text.trim_start();
    let is_xml = ["<?xml", "<rpc-reply", "<configuration"].iter().any(|tag| text.starts_with(tag));
    let is_json = text.strip_prefix('{').is_some_and(|rest| rest.trim_start().starts_with('"'));
    match (is_xml, is_json) {
        (true, _) => Some("XML"),
        (_, true) => Some("JSON"),
        _ => None,
    }
}

/// Largest file that is read, in bytes; the configurations of the largest SRX are a tenth of it.
const BYTES_MAX: usize = 256 << 20;

#[cfg(test)]
mod tests;
