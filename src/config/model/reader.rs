//! How the model reads statements: values with their places, and one rule for what is not read. A
//! statement that is not honoured yet is a warning once per kind, one outside the data plane a
//! note, one that would open the firewall if it were passed over an error, and an unknown one an
//! error with a near keyword.

use std::collections::HashSet;
use std::net::IpAddr;
use std::ops::RangeInclusive;

use components::address::AddressRange;

use crate::config::diagnostic::Diagnostics;
pub(crate) use crate::config::nearest::nearest as near;
use crate::config::span::Span;
use crate::config::tree::Node;

/// A word of the configuration and its place.
#[derive(Clone, Copy, Debug)]
pub struct Word<'t> {
    /// The word, unquoted.
    pub text: &'t str,
    /// Where it stands.
    pub span: Span,
}

impl<'t> From<&'t Node> for Word<'t> {
    fn from(node: &'t Node) -> Self {
        Self { text: &node.word, span: node.span }
    }
}

/// The keywords of one stanza, separated by blanks, by what is done with them.
#[derive(Debug)]
pub(crate) struct Stanza {
    /// Path of the stanza, as in `security flow`.
    pub(crate) path: &'static str,
    /// Read by the model.
    pub(crate) honoured: &'static str,
    /// Part of the data plane, not honoured yet, safe to pass over.
    pub(crate) later: &'static str,
    /// Not part of the data plane.
    pub(crate) ignored: &'static str,
    /// Passing over it would let through what it keeps out.
    pub(crate) opening: &'static str,
}

impl Stanza {
    pub(crate) const EMPTY: Self =
        Self { path: "", honoured: "", later: "", ignored: "", opening: "" };
}

/// Reads values and collects findings.
#[derive(Debug)]
pub(crate) struct Reader<'d> {
    pub(crate) diagnostics: &'d mut Diagnostics,
    /// Kinds that have been listed.
    listed: HashSet<String>,
}

impl<'d> Reader<'d> {
    pub(crate) fn new(diagnostics: &'d mut Diagnostics) -> Self {
        Self { diagnostics, listed: HashSet::new() }
    }

    /// Reports a statement that the stanza's reader did not take.
    pub(crate) fn other(&mut self, stanza: &Stanza, statement: &Node) {
        let word = statement.word.as_str();
        let what = format!("{} {word}", stanza.path);
        let what = what.trim_start();
        let has = |list: &str| list.split_whitespace().any(|known| known == word);
        let any = matches!(&statement.children[..], [value] if value.word == "any");
        if has(stanza.opening) && any && word == "dynamic-application" {
            // It restricts nothing: what a unified policy without application identification has.
            self.ignored(statement.span, what);
        } else if has(stanza.opening) {
            self.opens(statement.span, what);
        } else if has(stanza.later) {
            self.not_honoured(statement.span, what);
        } else if has(stanza.ignored) {
            self.ignored(statement.span, what);
        } else {
            let lists = [stanza.honoured, stanza.later, stanza.ignored, stanza.opening];
            let known = lists.into_iter().flat_map(str::split_whitespace);
            self.unknown(statement.into(), stanza.path, known);
        }
    }

    /// Error: no such keyword.
    pub(crate) fn unknown<'k>(
        &mut self,
        word: Word<'_>,
        path: &str,
        known: impl IntoIterator<Item = &'k str>,
    ) {
        let near = near(word.text, known);
        let place = if path.is_empty() { "the top level".to_owned() } else { format!("`{path}`") };
        let message = format!("`{}` is not a statement of {place}", word.text);
        let found = self.diagnostics.error("unknown-statement", word.span, message);
        found.expected(format!("a statement of {place}"));
        if let Some(near) = near {
            found.suggest(format!("did you mean `{near}`?"));
        }
    }

    /// Warning, once per kind: part of the data plane, but not honoured yet.
    pub(crate) fn not_honoured(&mut self, span: Span, what: &str) {
        if self.listed.insert(what.to_owned()) {
            let message = format!("`{what}` is accepted, but not yet honoured");
            self.diagnostics.warning("not-honoured", span, message);
        }
    }

    /// Note, once per kind: not part of the data plane.
    pub(crate) fn ignored(&mut self, span: Span, what: &str) {
        if self.listed.insert(what.to_owned()) {
            let message = format!("`{what}` is ignored: not part of the data plane");
            self.diagnostics.note("ignored", span, message);
        }
    }

    /// Error: passing over it would open the firewall.
    pub(crate) fn opens(&mut self, span: Span, what: &str) {
        let message =
            format!("`{what}` is not supported, and passing over it would let more through");
        self.diagnostics
            .error("would-open", span, message)
            .suggest("remove or deactivate it if that is meant");
    }

    /// Error: a value that cannot be read.
    pub(crate) fn bad(&mut self, id: &'static str, word: Word<'_>, expected: &str) {
        let message = format!("`{}` is not {expected}", word.text);
        self.diagnostics.error(id, word.span, message).expected(expected);
    }

    /// The value of a leaf statement; an error if it has none.
    pub(crate) fn value<'t>(&mut self, statement: &'t Node) -> Option<Word<'t>> {
        let value = statement.value().map(Word::from);
        if value.is_none() {
            let message = format!("`{}` has no value", statement.word);
            self.diagnostics.error("missing-value", statement.span, message).expected("a value");
        }
        value
    }

    /// All values of a leaf statement; an error if it has none.
    pub(crate) fn values<'t>(&mut self, statement: &'t Node) -> Vec<Word<'t>> {
        if self.value(statement).is_none() {
            return Vec::new();
        }
        statement.active().map(Word::from).collect()
    }

    /// A number within bounds.
    pub(crate) fn number(&mut self, statement: &Node, bounds: RangeInclusive<u32>) -> Option<u32> {
        let word = self.value(statement)?;
        self.number_of(word, bounds)
    }

    /// Likewise of a word.
    pub(crate) fn number_of(&mut self, word: Word<'_>, bounds: RangeInclusive<u32>) -> Option<u32> {
        let number = word.text.parse().ok().filter(|n| bounds.contains(n));
        if number.is_none() {
            let expected = format!("a number from {} to {}", bounds.start(), bounds.end());
            self.bad("bad-number", word, &expected);
        }
        number
    }

    /// Likewise in 16 bits.
    pub(crate) fn small(&mut self, statement: &Node, bounds: RangeInclusive<u16>) -> Option<u16> {
        let bounds = u32::from(*bounds.start())..=u32::from(*bounds.end());
        let number = self.number(statement, bounds)?;
        u16::try_from(number).ok()
    }

    /// `A/L` or `A` (a host).
    pub(crate) fn prefix(&mut self, word: Word<'_>) -> Option<(IpAddr, u8)> {
        let prefix = parse_prefix(word.text);
        if prefix.is_none() {
            self.bad("bad-prefix", word, "an address or prefix");
        }
        prefix
    }

    /// The addresses of `A/L` or `A`.
    pub(crate) fn range(&mut self, word: Word<'_>) -> Option<AddressRange> {
        let (ip, length) = self.prefix(word)?;
        AddressRange::prefix(ip, length)
    }

    /// `A`.
    pub(crate) fn address(&mut self, word: Word<'_>) -> Option<IpAddr> {
        let address = word.text.parse().ok();
        if address.is_none() {
            self.bad("bad-address", word, "an IP address");
        }
        address
    }

    /// Checks that a name fits the logs and returns it.
    pub(crate) fn name<'t>(&mut self, node: &'t Node) -> Word<'t> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if node.word.is_empty() || node.word.len() > 63 || !node.word.chars().all(fits) {
            let message = format!("the name `{}` does not fit the logs", node.word);
            self.diagnostics
                .error("bad-name", node.span, message)
                .expected("1 to 63 of the characters A-Z a-z 0-9 . _ -");
        }
        node.into()
    }

    /// First and last of `A to B` below a node, or of `A` alone.
    pub(crate) fn to<'t>(&mut self, first: &'t Node) -> Option<(Word<'t>, Word<'t>)> {
        match first.child("to") {
            Some(to) => Some((first.into(), self.value(to)?)),
            None => Some((first.into(), first.into())),
        }
    }

    /// `A to B`, `A/L` or `A` as a range of addresses.
    pub(crate) fn address_range(&mut self, node: &Node) -> Option<AddressRange> {
        let (first, last) = self.to(node)?;
        let (low, high) = (self.range(first)?, self.range(last)?);
        let range = match (low, high) {
            (AddressRange::V4(a, _), AddressRange::V4(_, b)) if a <= b => AddressRange::V4(a, b),
            (AddressRange::V6(a, _), AddressRange::V6(_, b)) if a <= b => AddressRange::V6(a, b),
            _ => {
                self.bad("bad-range", last, "an address that is not below the first");
                return None;
            }
        };
        Some(range)
    }
}

/// Active statements of a stanza without those that may stand anywhere and mean nothing to the data
/// plane.
pub(crate) fn statements(node: &Node) -> impl Iterator<Item = &Node> {
    node.active().filter(|statement| {
        !matches!(
            statement.word.as_str(),
            "description" | "apply-groups" | "apply-groups-except" | "apply-macro" | "traceoptions"
        )
    })
}

/// `A/L` or `A`.
pub(crate) fn parse_prefix(text: &str) -> Option<(IpAddr, u8)> {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (text, None),
    };
    let ip: IpAddr = address.parse().ok()?;
    let bits = if ip.is_ipv4() { 32 } else { 128 };
    let length = match length {
        None => bits,
        Some(text) if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok()?,
        Some(_) => return None,
    };
    (length <= bits).then_some((ip, length))
}
