//! Diagnostics: what is wrong with a configuration or a schedule, where, what was expected and what
//! to do. The id is stable: people grep for it and CI systems suppress it.

use super::span::{Sources, Span};

/// How bad it is. Ordered: `Note < Warning < Error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing: accepted, not part of the data plane.
    Note,
    /// Probably not what was meant; the configuration still compiles.
    Warning,
    /// The configuration does not compile.
    Error,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable name such as `undefined-address`.
    pub id: &'static str,
    /// How bad.
    pub severity: Severity,
    /// The place.
    pub span: Span,
    /// One sentence without a full stop: what is wrong, with the offending value.
    pub message: String,
    /// Under the caret: what was expected there.
    pub expected: Option<String>,
    /// What to do, e.g. a near name.
    pub suggestion: Option<String>,
}

/// All findings of one run, in the order in which they were found.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// Adds a finding.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Adds an error and returns it for `expected` and `suggestion` to be set.
    pub fn error(
        &mut self,
        id: &'static str,
        span: Span,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.add(id, Severity::Error, span, message)
    }

    /// Adds a warning.
    pub fn warning(
        &mut self,
        id: &'static str,
        span: Span,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.add(id, Severity::Warning, span, message)
    }

    /// Adds a note.
    pub fn note(
        &mut self,
        id: &'static str,
        span: Span,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.add(id, Severity::Note, span, message)
    }

    /// Takes the notes out.
    pub fn without_notes(&mut self) {
        self.0.retain(|d| d.severity != Severity::Note);
    }

    /// True if one of them is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|d| d.severity == Severity::Error)
    }

    fn add(
        &mut self,
        id: &'static str,
        severity: Severity,
        span: Span,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        let message = message.into();
        self.0.push(Diagnostic { id, severity, span, message, expected: None, suggestion: None });
        self.0.last_mut().expect("just pushed")
    }
}

impl Diagnostic {
    /// Sets what was expected at the place.
    pub fn expected(&mut self, text: impl Into<String>) -> &mut Self {
        self.expected = Some(text.into());
        self
    }

    /// Sets what to do.
    pub fn suggest(&mut self, text: impl Into<String>) -> &mut Self {
        self.suggestion = Some(text.into());
        self
    }
}

/// Counts the errors of one run, so that a file that is no configuration at all ends the run early.
#[derive(Debug)]
pub(super) struct ErrorLimit {
    seen: usize,
    errors: usize,
}

impl ErrorLimit {
    /// Counts what is found from here on.
    pub(super) fn new(diagnostics: &Diagnostics) -> Self {
        Self { seen: diagnostics.0.len(), errors: 0 }
    }

    /// True, with an error that says so, once [`ERRORS_MAX`] errors have been found.
    pub(super) fn is_reached(&mut self, diagnostics: &mut Diagnostics, span: Span) -> bool {
        let new = &diagnostics.0[self.seen..];
        self.errors += new.iter().filter(|d| d.severity == Severity::Error).count();
        self.seen = diagnostics.0.len();
        if self.errors < ERRORS_MAX {
            return false;
        }
        let message = format!("gave up after {ERRORS_MAX} errors");
        diagnostics.error("too-many-errors", span, message);
        true
    }
}

/// `file:line:column` of a span.
#[must_use]
pub fn place(sources: &Sources, span: Span) -> String {
    let (line, column) = sources.line_column(span);
    format!("{}:{line}:{column}", sources.get(span.source).name)
}

/// Errors after which the rest of a file is hardly a configuration.
const ERRORS_MAX: usize = 200;
