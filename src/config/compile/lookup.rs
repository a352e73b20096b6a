//! Names to compiled ids, with the nearest name for those that are not defined, and a mark for
//! those that are used.

use std::cell::Cell;
use std::collections::HashMap;

use crate::config::diagnostic::Diagnostics;
use crate::config::model::Word;
use crate::config::nearest::nearest;
use crate::config::span::Span;

/// One kind of named objects.
#[derive(Debug)]
pub(crate) struct Lookup<'m, T> {
    kind: &'static str,
    undefined: &'static str,
    unused: &'static str,
    entries: HashMap<&'m str, Entry<T>>,
}

#[derive(Debug)]
struct Entry<T> {
    value: T,
    span: Span,
    used: Cell<bool>,
}

impl<'m, T: Copy> Lookup<'m, T> {
    /// `kind` is what people call one of them; the other two are the ids of diagnostics.
    pub(crate) fn new(kind: &'static str, undefined: &'static str, unused: &'static str) -> Self {
        Self { kind, undefined, unused, entries: HashMap::new() }
    }

    pub(crate) fn insert(&mut self, name: Word<'m>, value: T) {
        let entry = Entry { value, span: name.span, used: Cell::new(false) };
        self.entries.insert(name.text, entry);
    }

    /// The object, marked as used.
    pub(crate) fn get(&self, name: &str) -> Option<T> {
        let entry = self.entries.get(name)?;
        entry.used.set(true);
        Some(entry.value)
    }

    /// The object; an error if there is none.
    pub(crate) fn find(&self, name: Word<'_>, diagnostics: &mut Diagnostics) -> Option<T> {
        let found = self.get(name.text);
        if found.is_none() {
            let known = self.entries.keys().copied();
            undefined(self.kind, self.undefined, name, known, diagnostics);
        }
        found
    }

    /// Notes on what nothing refers to.
    pub(crate) fn report_unused(&self, diagnostics: &mut Diagnostics) {
        let unused = self.entries.iter().filter(|(_, entry)| !entry.used.get());
        let mut unused: Vec<_> = unused.map(|(name, entry)| (entry.span, *name)).collect();
        unused.sort_unstable();
        for (span, name) in unused {
            let message = format!("the {} `{name}` is not used", self.kind);
            diagnostics.note(self.unused, span, message);
        }
    }
}

/// Error: no such object. Past the first few hundred findings no near name is looked for, so that a
/// file of nothing but errors takes linear time.
pub(crate) fn undefined<'k>(
    kind: &str,
    id: &'static str,
    name: Word<'_>,
    known: impl IntoIterator<Item = &'k str>,
    diagnostics: &mut Diagnostics,
) {
    let near = if diagnostics.0.len() < SUGGESTIONS_MAX {
        let mut known: Vec<&str> = known.into_iter().collect();
        known.sort_unstable();
        nearest(name.text, known)
    } else {
        None
    };
    let message = format!("there is no {kind} `{}`", name.text);
    let found = diagnostics.error(id, name.span, message);
    found.expected("a name that is defined");
    if let Some(near) = near {
        found.suggest(format!("did you mean `{near}`?"));
    }
}

/// Error: a set that cannot be resolved.
pub(crate) fn set_cycle(member: Word<'_>, diagnostics: &mut Diagnostics) {
    let message = format!("the set `{}` contains itself, or is nested too deeply", member.text);
    diagnostics
        .error("set-cycle", member.span, message)
        .expected(format!("at most {SET_DEPTH_MAX} sets in each other"));
}

/// Sets within sets.
pub(crate) const SET_DEPTH_MAX: usize = 32;

const SUGGESTIONS_MAX: usize = 500;
