//! Set form: `set`, `delete`, `deactivate`, `activate`, `insert`, `rename` and the moves of `edit`,
//! applied line by line to one tree, as if they were typed into Junos. A line that changes what
//! does not exist is a warning. The first word of a file decides its form; a file is in one form
//! only.

use super::builder::{Beside, Builder, Cursor, DEPTH_MAX};
use super::diagnostic::{Diagnostics, ErrorLimit};
use super::lexer::{Kind, Token, Tokens};
use super::nearest::nearest;
use super::schema::Place;
use super::span::Span;
use super::tree::Node;

/// The text is in set form: its first line begins with a command.
pub(super) fn is_set_form(tokens: &Tokens<'_>) -> bool {
    let [first, rest @ ..] = &*tokens.tokens else {
        return false;
    };
    first.bare().is_some_and(is_command) && rest.first().is_none_or(|t| t.first || t.is_word())
}

/// The word begins a line of set form.
pub(super) fn is_command(word: &str) -> bool {
    COMMANDS.contains(&word)
}

/// Reads the tokens of a text in set form.
pub(super) fn parse(tokens: &Tokens<'_>, diagnostics: &mut Diagnostics) -> Node {
    let mut session = Session {
        builder: Builder::new(),
        edit: Vec::new(),
        left: Vec::new(),
        diagnostics,
        braces_seen: false,
    };
    let mut limit = ErrorLimit::new(session.diagnostics);
    for line in tokens.tokens.chunk_by(|_, next| !next.first) {
        session.line(line);
        if limit.is_reached(session.diagnostics, line[0].span) {
            break;
        }
    }
    let mut tree = session.builder.finish();
    join_sole_leaves(&mut tree);
    tree
}

/// The position of the statement that these words name from `cursor` on; a warning if there is
/// none.
pub(super) fn find(
    builder: &Builder,
    mut cursor: Cursor,
    words: &[&Token<'_>],
    command: &str,
    diagnostics: &mut Diagnostics,
) -> Option<Cursor> {
    for (index, word) in words.iter().enumerate() {
        if builder.find(&mut cursor, &word.text) {
            continue;
        }
        let missing: Vec<&str> = words[index..].iter().map(|t| &*t.text).collect();
        let last = words.last().map_or(word.span, |t| t.span);
        let span = Span { end: last.end.max(word.span.end), ..word.span };
        let message = format!("there is no `{}`", missing.join(" "));
        // Where a policy or term stands decides what it does.
        let found = match command {
            INSERT | INSERT_BESIDE => diagnostics.error("statement-not-found", span, message),
            _ => diagnostics.warning("statement-not-found", span, message),
        };
        found
            .expected(format!("a statement to {command}"))
            .suggest("remove the line, or put it after the one that makes the statement");
        return None;
    }
    Some(cursor)
}

/// What typing the lines into Junos would keep between them.
struct Session<'t, 's> {
    builder: Builder,
    /// Where `edit` went.
    edit: Vec<&'t Token<'s>>,
    /// Where `exit` goes back to.
    left: Vec<Vec<&'t Token<'s>>>,
    diagnostics: &'t mut Diagnostics,
    braces_seen: bool,
}

impl<'t, 's> Session<'t, 's> {
    fn line(&mut self, line: &'t [Token<'s>]) {
        let [command, args @ ..] = line else { return };
        if let Some(brace) = line.iter().find(|t| is_of_braces(t.kind)) {
            self.in_braces(brace);
            return;
        }
        match command.bare() {
            Some("set") => self.set(command, args),
            Some("delete") => {
                if let Some(cursor) = self.find(args, "delete") {
                    self.builder.remove(&cursor);
                }
            }
            Some(word @ ("deactivate" | "activate")) => {
                if self.has_words(command, args)
                    && let Some(cursor) = self.find(args, word)
                {
                    let inactive = word == "deactivate";
                    self.builder.set_inactive(cursor.node(), inactive);
                }
            }
            Some("insert") => self.insert(command, args),
            Some("rename") => self.rename(command, args),
            Some("edit") => {
                self.left.push(self.edit.clone());
                self.edit.extend(args);
                self.edit.truncate(DEPTH_MAX);
            }
            Some("top") => {
                self.edit.clear();
                self.line(args);
            }
            Some("up") => self.up(args),
            Some("exit" | "quit") => self.edit = self.left.pop().unwrap_or_default(),
            Some(word) if IGNORED.contains(&word) => {
                let message = format!("`{word}` changes no statement; ignored");
                self.diagnostics.note("ignored-command", command.span, message);
            }
            Some(word) if UNSUPPORTED.contains(&word) => {
                let message = format!("`{word}` is not supported");
                self.diagnostics
                    .error("unsupported-command", command.span, message)
                    .suggest("write the `set` and `delete` lines that it stands for");
            }
            _ => self.unknown(command),
        }
    }

    fn set(&mut self, command: &Token<'_>, args: &'t [Token<'s>]) {
        if !self.has_words(command, args) {
            return;
        }
        let words = args.iter().take_while(|t| t.is_word()).count();
        let (words, rest) = args.split_at(words);
        let mut cursor = Cursor::root();
        for word in self.edit.iter().copied().chain(words) {
            let entered =
                self.builder.enter(&mut cursor, &word.text, word.span, false, self.diagnostics);
            if entered.is_none() {
                return;
            }
        }
        for value in self.list(rest) {
            let mut below = cursor.clone();
            self.builder.enter(&mut below, &value.text, value.span, true, self.diagnostics);
        }
    }

    /// The values of `[ a b ]`, which must be all that is left of the line.
    fn list(&mut self, rest: &'t [Token<'s>]) -> &'t [Token<'s>] {
        let values = match rest {
            [] => return rest,
            [open, values @ .., close]
                if open.kind == Kind::ListOpen && close.kind == Kind::ListClose =>
            {
                values
            }
            [open, values @ ..] => {
                let (id, what) = match open.kind {
                    Kind::ListOpen => ("unclosed-list", "the list does not end the line"),
                    _ => ("stray-token", "`]` without a list"),
                };
                self.diagnostics
                    .error(id, open.span, what)
                    .expected("`[ a b ]` at the end of the line");
                values
            }
        };
        if let Some(stray) = values.iter().find(|t| !t.is_word()) {
            self.diagnostics
                .error("stray-token", stray.span, "a list inside a list")
                .expected("a value");
        }
        let count = values.iter().take_while(|t| t.is_word()).count();
        &values[..count]
    }

    /// The position of an existing statement; a warning, or an error of `insert`, if there is none.
    fn find(&mut self, args: &'t [Token<'s>], command: &str) -> Option<Cursor> {
        let words: Vec<&Token<'_>> = self.edit.iter().copied().chain(args).collect();
        find(&self.builder, Cursor::root(), &words, command, self.diagnostics)
    }

    /// `insert a b policy P before policy Q`
    fn insert(&mut self, command: &Token<'_>, args: &'t [Token<'s>]) {
        let Some((moved, at, anchor)) = split_at_last(args, &["before", "after"]) else {
            self.incomplete(command, "`before` or `after` and a statement beside it");
            return;
        };
        let beside = match at.bare() {
            Some("before") => Beside::Before,
            _ => Beside::After,
        };
        if let Some(moved_at) = self.find(moved, INSERT)
            && let Some(path) = self.path_beside(moved, at, anchor)
            && let Some(anchor_at) =
                find(&self.builder, Cursor::root(), &path, INSERT_BESIDE, self.diagnostics)
        {
            let (moved, anchor) = (moved_at.node(), anchor_at.node());
            self.builder.move_beside(moved, anchor, beside);
        }
    }

    /// `rename a b policy P to policy Q`
    fn rename(&mut self, command: &Token<'_>, args: &'t [Token<'s>]) {
        let Some((old, at, new)) = split_at_last(args, &["to"]) else {
            self.incomplete(command, "`to` and the new name");
            return;
        };
        if let Some(cursor) = self.find(old, "rename")
            && let Some(path) = self.path_beside(old, at, new)
            && let Some(name) = path.last()
            && !self.builder.rename(cursor.node(), &name.text, name.span)
        {
            self.diagnostics
                .error("duplicate-name", name.span, format!("`{}` exists already", name.text))
                .expected("a name that is not in use");
        }
    }

    /// The path of `beside`, which names a statement from the level at which `of` stands: the same
    /// keywords, another name.
    fn path_beside(
        &mut self,
        of: &'t [Token<'s>],
        at: &Token<'_>,
        beside: &'t [Token<'s>],
    ) -> Option<Vec<&'t Token<'s>>> {
        let Some((_, keywords)) = beside.split_last() else {
            self.incomplete(at, "the keyword and the name of a statement");
            return None;
        };
        let level = of.len().saturating_sub(beside.len());
        let same = keywords.iter().zip(&of[level..]).all(|(a, b)| a.text == b.text);
        if !same || of.len() < beside.len() {
            let first = &beside[0];
            self.diagnostics
                .error(
                    "unlike-statements",
                    first.span,
                    format!("`{}` does not begin a statement of the same kind", first.text),
                )
                .expected("the same keyword as before, and a name");
            return None;
        }
        Some(self.edit.iter().copied().chain(&of[..level]).chain(beside).collect())
    }

    fn up(&mut self, args: &'t [Token<'s>]) {
        let count = args.first().and_then(|t| t.text.parse().ok()).unwrap_or(1);
        for _ in 0..DEPTH_MAX.min(count) {
            self.edit.pop();
            // A keyword without its name is no level of the hierarchy.
            while self.place().is_partial() && self.edit.pop().is_some() {}
        }
        let is_count = args.first().is_some_and(|t| t.text.parse::<usize>().is_ok());
        self.line(&args[usize::from(is_count)..]);
    }

    fn place(&self) -> Place {
        let words = self.edit.iter();
        words.fold(Place::ROOT, |place, word| place.step(&word.text))
    }

    fn has_words(&mut self, command: &Token<'_>, args: &[Token<'_>]) -> bool {
        if args.is_empty() {
            self.incomplete(command, "a statement");
        }
        !args.is_empty()
    }

    fn incomplete(&mut self, after: &Token<'_>, expected: &str) {
        self.diagnostics
            .error("incomplete-command", after.span, format!("`{}` needs more words", after.text))
            .expected(expected);
    }

    fn unknown(&mut self, command: &Token<'_>) {
        let near = nearest(&command.text, COMMANDS);
        let found = self
            .diagnostics
            .error("unknown-command", command.span, format!("`{}` is no command", command.text))
            .expected("`set`, `delete`, `deactivate` or another command");
        if let Some(near) = near {
            found.suggest(format!("write `{near}`"));
        }
    }

    fn in_braces(&mut self, brace: &Token<'_>) {
        if !std::mem::replace(&mut self.braces_seen, true) {
            self.diagnostics
                .error("mixed-forms", brace.span, "braces in a file of commands")
                .expected("a command on each line")
                .suggest("keep statements in braces in a file of their own");
        }
    }
}

/// Set lines do not tell a keyword with its value from a container: outside the table, a node with
/// a single leaf is printed as the former.
fn join_sole_leaves(node: &mut Node) {
    if let [leaf] = &mut *node.children
        && leaf.children.is_empty()
    {
        leaf.joined = true;
    }
    node.children.iter_mut().for_each(join_sole_leaves);
}

fn is_of_braces(kind: Kind) -> bool {
    matches!(kind, Kind::Open | Kind::Close | Kind::Semicolon)
}

/// The words before and after the last unquoted one of these.
fn split_at_last<'t, 's>(
    args: &'t [Token<'s>],
    words: &[&str],
) -> Option<(&'t [Token<'s>], &'t Token<'s>, &'t [Token<'s>])> {
    let is_one = |t: &Token<'_>| t.bare().is_some_and(|word| words.contains(&word));
    let at = args.iter().rposition(is_one)?;
    Some((&args[..at], &args[at], &args[at + 1..]))
}

const COMMANDS: [&str; 19] = [
    "set",
    "delete",
    "deactivate",
    "activate",
    "insert",
    "rename",
    "edit",
    "top",
    "up",
    "exit",
    "quit",
    "copy",
    "wildcard",
    "annotate",
    "protect",
    "unprotect",
    "commit",
    "show",
    "run",
];

/// What [`find`] looks for to put in order.
const INSERT: &str = "insert";
const INSERT_BESIDE: &str = "insert beside";

/// Commands that leave the statements as they are.
const IGNORED: [&str; 6] = ["annotate", "protect", "unprotect", "commit", "show", "run"];

/// Commands that change statements in ways that are not read.
const UNSUPPORTED: [&str; 2] = ["copy", "wildcard"];
