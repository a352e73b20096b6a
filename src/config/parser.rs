//! Braces form: `a b { c d; e [ f g ]; }` as `show configuration` prints it. All errors of a file
//! are found in one run: a statement's words stand on one line, so a forgotten `;` costs nothing,
//! and in a file whose braces do not balance the indentation tells which one is missing.
//! Tags before a statement (`inactive:`, `replace:`, `delete:`, …) apply to the object it names.

use super::builder::{Builder, Cursor, NodeId};
use super::diagnostic::{Diagnostics, ErrorLimit};
use super::lexer::{Kind, Token, Tokens};
use super::set_form;
use super::span::Span;
use super::tree::Node;

/// Reads the tokens of a text in braces form.
pub(super) fn parse(tokens: &Tokens<'_>, diagnostics: &mut Diagnostics) -> Node {
    let mut builder = Builder::new();
    builder.warns_of_replacement = true;
    let mut limit = ErrorLimit::new(diagnostics);
    let mut parser = Parser {
        tokens: &tokens.tokens,
        at: 0,
        builder,
        diagnostics,
        frames: Vec::new(),
        balanced: is_balanced(&tokens.tokens),
        set_line_seen: false,
    };
    while let Some(token) = parser.tokens.get(parser.at) {
        parser.statement(token);
        if limit.is_reached(parser.diagnostics, token.span) {
            return parser.builder.finish();
        }
    }
    while let Some(frame) = parser.frames.pop() {
        // A comment that does not end took the braces with it; one error says so already.
        if !tokens.truncated {
            parser.unclosed(&frame);
        }
    }
    parser.builder.finish()
}

struct Parser<'t, 's> {
    tokens: &'t [Token<'s>],
    at: usize,
    builder: Builder,
    diagnostics: &'t mut Diagnostics,
    frames: Vec<Frame>,
    balanced: bool,
    set_line_seen: bool,
}

/// An open block.
struct Frame {
    /// Where its statements go; `None` if they are read for their errors only.
    cursor: Option<Cursor>,
    open: Span,
    indent: u32,
    name: String,
}

/// A statement: tags, words, and perhaps a list of values.
struct Statement<'t, 's> {
    tags: &'t [Token<'s>],
    words: &'t [Token<'s>],
    values: Option<Vec<&'t Token<'s>>>,
}

impl<'t, 's> Parser<'t, 's> {
    /// Reads up to the next `;`, `{` or `}`.
    fn statement(&mut self, token: &'t Token<'s>) {
        match token.kind {
            Kind::Word | Kind::Quoted if self.is_set_line(token) => self.set_line(token),
            Kind::Word | Kind::Quoted => self.words_and_end(),
            Kind::Close => {
                self.at += 1;
                self.close(token);
            }
            Kind::Open => {
                self.at += 1;
                self.diagnostics
                    .error("unexpected-brace", token.span, "a block without a name")
                    .expected("a keyword before the `{`");
                let cursor = self.cursor();
                self.open(token, &[], cursor);
            }
            Kind::ListOpen | Kind::ListClose | Kind::Semicolon => {
                self.at += 1;
                let what = token.kind.text();
                self.diagnostics
                    .error("stray-token", token.span, format!("`{what}` without a statement"))
                    .expected("a keyword, or `}`")
                    .suggest(format!("remove the `{what}`"));
            }
        }
    }

    fn words_and_end(&mut self) {
        let tags = self.tags();
        let words = self.take_words(Token::is_word);
        if words.is_empty() {
            self.tag_alone(tags);
            return;
        }
        let values = self.list();
        let statement = Statement { tags, words, values };
        let next = self.tokens.get(self.at);
        match next.map(|t| t.kind) {
            Some(Kind::Semicolon) => {
                self.at += 1;
                self.apply(&statement);
            }
            Some(Kind::Open) => {
                self.at += 1;
                let open = &self.tokens[self.at - 1];
                if statement.values.is_some() {
                    self.diagnostics
                        .error("unexpected-brace", open.span, "a block after a list")
                        .expected("`;` after the `]`");
                }
                let size = self.builder.size();
                let cursor = self.apply(&statement);
                let is_old = tags.is_empty() && self.builder.size() == size;
                if is_old && cursor.as_ref().is_some_and(Cursor::is_at_name) {
                    self.repeated(words);
                }
                self.open(open, words, cursor);
            }
            _ => self.missing_end(&statement, next),
        }
    }

    /// The tags before a statement, on its line or above.
    fn tags(&mut self) -> &'t [Token<'s>] {
        let tokens = &self.tokens[self.at..];
        let is_tag = |token: &&Token<'_>| token.bare().is_some_and(|word| TAGS.contains(&word));
        let count = tokens.iter().take_while(is_tag).count();
        self.at += count;
        &tokens[..count]
    }

    /// Words on one line, as long as they are what is asked for.
    fn take_words(&mut self, wanted: impl Fn(&Token<'s>) -> bool) -> &'t [Token<'s>] {
        let tokens = &self.tokens[self.at..];
        let count = tokens
            .iter()
            .enumerate()
            .take_while(|(index, token)| wanted(token) && (*index == 0 || !token.first))
            .count();
        self.at += count;
        &tokens[..count]
    }

    /// The values of `[ a b ]`, if a list begins here, with what stands wrongly after it.
    fn list(&mut self) -> Option<Vec<&'t Token<'s>>> {
        let open = self.tokens.get(self.at).filter(|t| t.kind == Kind::ListOpen)?;
        self.at += 1;
        let (mut values, mut is_nested) = (Vec::new(), false);
        while let Some(token) = self.tokens.get(self.at) {
            match token.kind {
                Kind::Word | Kind::Quoted => values.push(token),
                Kind::ListOpen => {
                    is_nested = true;
                    self.diagnostics
                        .error("stray-token", token.span, "a list inside a list")
                        .expected("a value or `]`");
                }
                Kind::ListClose => {
                    self.at += 1;
                    let extra = self.after_list();
                    if let Some(extra) = extra.filter(|_| !is_nested) {
                        self.words_after_list(extra);
                    }
                    if values.is_empty() {
                        self.diagnostics
                            .warning("empty-list", open.span, "the list holds no value")
                            .expected("at least one value");
                    }
                    return Some(values);
                }
                Kind::Open | Kind::Close | Kind::Semicolon => break,
            }
            self.at += 1;
        }
        self.diagnostics
            .error("unclosed-list", open.span, "the list does not end")
            .expected("a `]` before the end of the statement")
            .suggest("add `]` after the last value");
        Some(values)
    }

    /// Skips what stands between a list and the end of its statement; the first of it.
    fn after_list(&mut self) -> Option<&'t Token<'s>> {
        let extra = self.take_words(|t| {
            !t.first && (t.is_word() || matches!(t.kind, Kind::ListOpen | Kind::ListClose))
        });
        extra.first()
    }

    /// Adds a statement's words and values to the tree; the position below the last word.
    fn apply(&mut self, statement: &Statement<'t, 's>) -> Option<Cursor> {
        let mut cursor = self.cursor()?;
        let words = statement.words;
        let texts = words.iter().map(|t| &*t.text);
        let object = cursor
            .place_for(&words[0].text)
            .object_end(texts)
            .map_or(words.len() - 1, |at| at.min(words.len() - 1));
        if statement.has_tag("delete:") {
            let named: Vec<&Token<'_>> = words[..=object].iter().collect();
            let found = set_form::find(&self.builder, cursor, &named, "delete", self.diagnostics);
            if let Some(found) = found {
                self.builder.remove(&found);
            }
            return None;
        }
        for (index, word) in words.iter().enumerate() {
            let joined = index > 0;
            let node =
                self.builder.enter(&mut cursor, &word.text, word.span, joined, self.diagnostics)?;
            if index == object {
                self.honour_tags(statement, node);
            }
        }
        for value in statement.values.iter().flatten() {
            let mut below = cursor.clone();
            self.builder.enter(&mut below, &value.text, value.span, true, self.diagnostics);
        }
        Some(cursor)
    }

    fn honour_tags(&mut self, statement: &Statement<'_, '_>, node: NodeId) {
        for tag in statement.tags {
            match &*tag.text {
                "inactive:" => self.builder.set_inactive(node, true),
                "active:" => self.builder.set_inactive(node, false),
                "replace:" => self.builder.clear(node),
                other => {
                    let message = format!("`{other}` changes no statement; ignored");
                    self.diagnostics.note("ignored-tag", tag.span, message);
                }
            }
        }
    }

    /// The position of the innermost block.
    fn cursor(&self) -> Option<Cursor> {
        self.frames.last().map_or_else(|| Some(Cursor::root()), |frame| frame.cursor.clone())
    }

    fn open(&mut self, open: &Token<'_>, words: &[Token<'_>], cursor: Option<Cursor>) {
        let name: Vec<&str> = words.iter().map(|t| &*t.text).collect();
        self.frames.push(Frame {
            cursor,
            open: words
                .last()
                .map_or(open.span, |last| Span { start: words[0].span.start, ..last.span }),
            indent: words.first().map_or(open.indent, |t| t.indent),
            name: name.join(" "),
        });
    }

    fn close(&mut self, token: &Token<'_>) {
        if !self.balanced && token.first {
            let indent = self.frames.last().map_or(0, |frame| frame.indent);
            if token.indent > indent {
                self.unexpected_close(token);
                return;
            }
            let opener = self.frames.iter().rposition(|f| f.indent == token.indent);
            let keep = opener.map_or(self.frames.len(), |at| at + 1);
            for frame in self.frames.split_off(keep) {
                self.unclosed(&frame);
            }
        }
        if self.frames.pop().is_none() {
            self.unexpected_close(token);
        }
    }

    fn is_set_line(&self, token: &Token<'_>) -> bool {
        let next = self.tokens.get(self.at + 1);
        self.frames.is_empty()
            && token.first
            && token.bare().is_some_and(set_form::is_command)
            && next.is_some_and(|t| t.is_word() && !t.first)
    }
}

/// Findings.
impl<'t, 's> Parser<'t, 's> {
    /// A statement ended by a new line, a `}` or the end of the text.
    fn missing_end(&mut self, statement: &Statement<'t, 's>, next: Option<&Token<'_>>) {
        let last = &self.tokens[self.at - 1];
        let after = Span { start: last.span.end, ..last.span };
        let words = statement.words;
        let is_head = !self.balanced
            && statement.values.is_none()
            && next.is_some_and(|t| t.is_word() && t.indent > words[0].indent);
        let cursor = self.apply(statement);
        if is_head {
            self.diagnostics
                .error("missing-brace", after, "the block does not begin")
                .expected("`{`")
                .suggest(format!("write `{{` after `{}`", last.text));
            self.open(last, words, cursor);
            return;
        }
        let last = if last.is_word() { &*last.text } else { last.kind.text() };
        self.diagnostics
            .error("missing-semicolon", after, "the statement does not end")
            .expected("`;`")
            .suggest(format!("write `;` after `{last}`"));
    }

    fn repeated(&mut self, words: &[Token<'_>]) {
        let name: Vec<&str> = words.iter().map(|t| &*t.text).collect();
        self.diagnostics
            .warning(
                "repeated-block",
                words[words.len() - 1].span,
                format!("`{}` stands here for the second time", name.join(" ")),
            )
            .expected("a name that is not in use; as in Junos, both blocks are one")
            .suggest("rename one of the blocks, or write them as one");
    }

    fn words_after_list(&mut self, extra: &Token<'_>) {
        self.diagnostics
            .error("words-after-list", extra.span, "words after a list")
            .expected("`;`")
            .suggest("end the statement after the `]`, and write a new one");
    }

    fn tag_alone(&mut self, tags: &[Token<'_>]) {
        if let Some(tag) = tags.last() {
            self.diagnostics
                .error("stray-token", tag.span, format!("`{}` without a statement", tag.text))
                .expected("a statement on the same line");
        }
    }

    fn unclosed(&mut self, frame: &Frame) {
        self.diagnostics
            .error(
                "unclosed-block",
                frame.open,
                format!("the block `{}` is not closed", frame.name),
            )
            .expected("a `}` for this block")
            .suggest("add `}` where the block ends");
    }

    fn unexpected_close(&mut self, token: &Token<'_>) {
        self.diagnostics
            .error("unexpected-close", token.span, "`}` closes nothing")
            .expected("a statement")
            .suggest("remove it, or look above for a `}` too many");
    }

    fn set_line(&mut self, token: &Token<'_>) {
        self.at += 1;
        while self.tokens.get(self.at).is_some_and(|t| !t.first) {
            self.at += 1;
        }
        if !std::mem::replace(&mut self.set_line_seen, true) {
            self.diagnostics
                .error("mixed-forms", token.span, "a command in a file that is in braces")
                .expected("a statement in braces")
                .suggest("keep commands in a file of their own; its first word is a command");
        }
    }
}

impl Statement<'_, '_> {
    fn has_tag(&self, tag: &str) -> bool {
        self.tags.iter().any(|t| t.text == tag)
    }
}

fn is_balanced(tokens: &[Token<'_>]) -> bool {
    let mut depth = 0_usize;
    for token in tokens {
        match token.kind {
            Kind::Open => depth += 1,
            Kind::Close if depth == 0 => return false,
            Kind::Close => depth -= 1,
            _ => {}
        }
    }
    depth == 0
}

/// Tags that Junos writes or reads before a statement.
pub(super) const TAGS: [&str; 6] =
    ["inactive:", "active:", "protect:", "unprotect:", "replace:", "delete:"];
