//! Text to tokens: words, quoted strings, `{ } [ ] ;`, with comments (`/* */`, `#`, and the `##`
//! annotations of `show configuration`) left out. Words are whatever Junos prints unquoted:
//! addresses, prefixes, interface names, `<*>` wildcards. A quoted string stands on one line
//! (Junos prints line breaks as `\n`), so a forgotten quote costs one line, not the file.

use std::borrow::Cow;

use logos::{Lexer, Logos};

use super::diagnostic::{Diagnostics, ErrorLimit};
use super::span::{SourceId, Span};

/// One token with the facts about its line that recovery needs.
#[derive(Clone, Debug)]
pub(super) struct Token<'s> {
    pub(super) kind: Kind,
    /// The word, unquoted and unescaped; empty for punctuation.
    pub(super) text: Cow<'s, str>,
    pub(super) span: Span,
    /// First token of its line.
    pub(super) first: bool,
    /// Characters before the first token of its line.
    pub(super) indent: u32,
}

impl Token<'_> {
    /// The word if it stands unquoted: only then may it be a tag or a command.
    pub(super) fn bare(&self) -> Option<&str> {
        (self.kind == Kind::Word).then_some(&*self.text)
    }

    pub(super) fn is_word(&self) -> bool {
        matches!(self.kind, Kind::Word | Kind::Quoted)
    }
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    Quoted,
    Open,
    Close,
    ListOpen,
    ListClose,
    Semicolon,
}

impl Kind {
    /// How punctuation is written; empty for words.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Word | Self::Quoted => "",
            Self::Open => "{",
            Self::Close => "}",
            Self::ListOpen => "[",
            Self::ListClose => "]",
            Self::Semicolon => ";",
        }
    }
}

/// The tokens of a text, and whether its end is missing: in a comment that does not end, or after
/// too many errors.
pub(super) struct Tokens<'s> {
    pub(super) tokens: Vec<Token<'s>>,
    pub(super) truncated: bool,
}

/// Reads all tokens; what is no token is reported and left out.
pub(super) fn tokens<'s>(
    source: SourceId,
    text: &'s str,
    diagnostics: &mut Diagnostics,
) -> Tokens<'s> {
    let mut lexer = Raw::lexer(text);
    let mut found = Tokens { tokens: Vec::new(), truncated: false };
    let (mut line_start, mut first, mut indent) = (0, true, 0);
    let mut limit = ErrorLimit::new(diagnostics);
    while let Some(raw) = lexer.next() {
        let range = lexer.span();
        let span = span(source, range.start, range.end);
        let slice = lexer.slice();
        if let Ok(Raw::Newline | Raw::Comment) = raw {
            if raw == Ok(Raw::Comment) && (slice.len() < 4 || !slice.ends_with("*/")) {
                unterminated_comment(span, diagnostics);
                found.truncated = true;
            }
            if let Some(newline) = slice.rfind('\n') {
                (line_start, first) = (range.start + newline + 1, true);
            }
            continue;
        }
        let Some((kind, text)) = meaning(raw, slice) else {
            stray_character(span, slice, diagnostics);
            if limit.is_reached(diagnostics, span) {
                found.truncated = true;
                break;
            }
            continue;
        };
        if raw.is_err() {
            unterminated_string(span, diagnostics);
        }
        if first {
            indent = u32::try_from(range.start - line_start).unwrap_or(u32::MAX);
        }
        found.tokens.push(Token { kind, text, span, first, indent });
        first = false;
    }
    found
}

/// Kind and word of a token; a string that does not end counts as one.
fn meaning(raw: Result<Raw, ()>, slice: &str) -> Option<(Kind, Cow<'_, str>)> {
    let kind = match raw {
        Ok(Raw::Word) => return Some((Kind::Word, Cow::Borrowed(slice))),
        Ok(Raw::Quoted) => return Some((Kind::Quoted, unescape(&slice[1..slice.len() - 1]))),
        Err(()) => return Some((Kind::Quoted, unescape(slice.strip_prefix('"')?))),
        Ok(Raw::Open) => Kind::Open,
        Ok(Raw::Close) => Kind::Close,
        Ok(Raw::ListOpen) => Kind::ListOpen,
        Ok(Raw::ListClose) => Kind::ListClose,
        Ok(Raw::Semicolon) => Kind::Semicolon,
        Ok(Raw::Newline | Raw::Comment) => return None,
    };
    Some((kind, Cow::Borrowed("")))
}

#[derive(Logos, Clone, Copy, Debug, PartialEq, Eq)]
#[logos(skip r"[ \t\r\f]+")]
#[logos(skip(r"#[^\n]*", allow_greedy = true))]
#[logos(skip "\u{feff}")]
#[logos(subpattern tail = r#"[^\s\x00-\x1f\x7f\x{feff}{}\[\];"]"#)]
enum Raw {
    #[token("\n")]
    Newline,
    #[token("{")]
    Open,
    #[token("}")]
    Close,
    #[token("[")]
    ListOpen,
    #[token("]")]
    ListClose,
    #[token(";")]
    Semicolon,
    #[token("/*", block_comment)]
    Comment,
    #[regex(r#"[^\s\x00-\x1f\x7f\x{feff}{}\[\];#"/](?&tail)*"#)]
    #[regex(r#"/([^\s\x00-\x1f\x7f\x{feff}{}\[\];"*](?&tail)*)?"#)]
    #[regex(r#"<[^>\s\x00-\x1f\x7f\x{feff}{};"]*>(?&tail)*"#)]
    Word,
    #[token("\"", string)]
    Quoted,
}

/// Takes everything up to `*/`, or the rest of the text.
fn block_comment(lexer: &mut Lexer<'_, Raw>) {
    let rest = lexer.remainder();
    lexer.bump(rest.find("*/").map_or(rest.len(), |at| at + 2));
}

/// Takes everything up to the closing quote; without one (false: an error), the line but for what
/// ends a statement.
fn string(lexer: &mut Lexer<'_, Raw>) -> bool {
    let rest = lexer.remainder();
    let line = rest.find('\n').map_or(rest, |end| &rest[..end]);
    let mut escaped = false;
    for (at, byte) in line.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => {
                lexer.bump(at + 1);
                return true;
            }
            _ => {}
        }
    }
    lexer.bump(line.trim_end().trim_end_matches([';', '{']).trim_end().len());
    false
}

fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            plain.push(c);
            continue;
        }
        match rest.next() {
            Some('n') => plain.push('\n'),
            Some('"') => plain.push('"'),
            Some('\\') | None => plain.push('\\'),
            // Regular expressions: Junos keeps a backslash that escapes nothing of its own.
            Some(other) => plain.extend(['\\', other]),
        }
    }
    Cow::Owned(plain)
}

fn unterminated_string(span: Span, diagnostics: &mut Diagnostics) {
    diagnostics
        .error("unterminated-string", span, "the quoted string does not end")
        .expected("a closing `\"` on this line")
        .suggest("close the string, or write a quote inside it as `\\\"`");
}

fn unterminated_comment(span: Span, diagnostics: &mut Diagnostics) {
    let mark = Span { end: span.start + 2, ..span };
    diagnostics
        .error("unterminated-comment", mark, "the comment does not end")
        .expected("a `*/` further down")
        .suggest("close the comment; everything after it was left out");
}

fn stray_character(span: Span, slice: &str, diagnostics: &mut Diagnostics) {
    let code = slice.chars().next().map_or(0, u32::from);
    diagnostics
        .error(
            "stray-character",
            span,
            format!("the character U+{code:04X} cannot stand outside quotes"),
        )
        .expected("a word, a quoted string, or one of `{ } [ ] ;`")
        .suggest("remove it, or quote the word that holds it");
}

fn span(source: SourceId, start: usize, end: usize) -> Span {
    let byte = |at| u32::try_from(at).expect("`Sources::add` refuses texts of 4 GiB");
    Span { source, start: byte(start), end: byte(end) }
}
