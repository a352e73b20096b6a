//! Diagnostics to text for people and to JSON for programs. Both list them by place: source, byte,
//! then the order in which they were found. The text shows id, file:line:column, the source line
//! with a caret and what was expected there, and a suggestion as `help:`.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use serde::Serialize;

use super::diagnostic::{Diagnostic, Diagnostics, Severity, place};
use super::span::{Sources, Span};

/// All diagnostics as text without colours, a blank line between two; empty if there are none.
#[must_use]
pub fn text(sources: &Sources, diagnostics: &Diagnostics) -> String {
    let mut text = String::new();
    for diagnostic in by_place(diagnostics) {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&one(sources, diagnostic));
        text.push('\n');
    }
    text
}

/// A line for each diagnostic: place, severity, id and message.
#[must_use]
pub fn brief(sources: &Sources, diagnostics: &Diagnostics) -> String {
    let line = |d: &Diagnostic| {
        let (place, severity) = (place(sources, d.span), severity_name(d.severity));
        format!("{place}: {severity}[{}]: {}\n", d.id, d.message)
    };
    by_place(diagnostics).into_iter().map(line).collect()
}

/// All diagnostics as a JSON array of objects with `id`, `severity`, `file`, `line`, `column`,
/// `end_line`, `end_column` (from 1, in characters, the end exclusive), `message`, `expected` and
/// `suggestion` (null if there is none); a line break at the end.
#[must_use]
pub fn json(sources: &Sources, diagnostics: &Diagnostics) -> String {
    let objects: Vec<Object<'_>> =
        by_place(diagnostics).into_iter().map(|d| Object::new(sources, d)).collect();
    let mut text = serde_json::to_string_pretty(&objects).expect("strings and numbers serialize");
    text.push('\n');
    text
}

#[derive(Serialize)]
struct Object<'d> {
    id: &'d str,
    severity: &'static str,
    file: &'d str,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    message: &'d str,
    expected: Option<&'d str>,
    suggestion: Option<&'d str>,
}

impl<'d> Object<'d> {
    fn new(sources: &'d Sources, diagnostic: &'d Diagnostic) -> Self {
        let span = diagnostic.span;
        let (line, column) = sources.line_column(span);
        let (end_line, end_column) = sources.line_column(Span { start: span.end, ..span });
        Self {
            id: diagnostic.id,
            severity: severity_name(diagnostic.severity),
            file: &sources.get(span.source).name,
            line,
            column,
            end_line,
            end_column,
            message: &diagnostic.message,
            expected: diagnostic.expected.as_deref(),
            suggestion: diagnostic.suggestion.as_deref(),
        }
    }
}

fn by_place(diagnostics: &Diagnostics) -> Vec<&Diagnostic> {
    let mut sorted: Vec<&Diagnostic> = diagnostics.0.iter().collect();
    sorted.sort_by_key(|d| (d.span.source, d.span.start));
    sorted
}

fn one(sources: &Sources, diagnostic: &Diagnostic) -> String {
    let source = sources.get(diagnostic.span.source);
    let (line, _) = sources.line_column(diagnostic.span);
    let Excerpt { text, range } = excerpt(&source.text, diagnostic.span);
    let annotation = AnnotationKind::Primary
        .span(range)
        .label(diagnostic.expected.as_ref().map(|expected| format!("expected {expected}")));
    let mut group = level(diagnostic.severity)
        .primary_title(&*diagnostic.message)
        .id(diagnostic.id)
        .element(Snippet::source(text).path(&*source.name).line_start(line).annotation(annotation));
    if let Some(suggestion) = &diagnostic.suggestion {
        group = group.element(Level::HELP.message(&**suggestion));
    }
    Renderer::plain().render(&[group])
}

/// The line on which a span begins, and the part of it that the span covers.
struct Excerpt<'s> {
    text: &'s str,
    range: std::ops::Range<usize>,
}

/// Only one line goes to the renderer: its cost must not grow with the file.
fn excerpt(source: &str, span: Span) -> Excerpt<'_> {
    let at = span.range();
    let start = source[..at.start].rfind('\n').map_or(0, |newline| newline + 1);
    let end = source[at.start..].find('\n').map_or(source.len(), |newline| at.start + newline);
    Excerpt { text: &source[start..end], range: at.start - start..at.end.min(end) - start }
}

fn level(severity: Severity) -> Level<'static> {
    match severity {
        Severity::Note => Level::NOTE,
        Severity::Warning => Level::WARNING,
        Severity::Error => Level::ERROR,
    }
}

fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}
