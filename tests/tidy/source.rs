//! Rust sources as the rules look at them: the text, and beside it a copy of the same length in
//! which comments and the inside of literals are blank. On that copy a brace is a brace and a
//! keyword a keyword, so that plain scanning is enough. It is a lexer, not a parser: what it
//! takes for a function is the word `fn` before a name.

use std::ops::Range;

/// What a character belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Code,
    Comment,
    /// Inside a string or character literal, its quotes excluded.
    Text,
}

/// One file.
pub(crate) struct Source {
    /// Relative to the repository, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
    /// One entry a character of `text`.
    kinds: Vec<Kind>,
    /// One byte a character of `text`: code in ASCII, anything else blank.
    pub(crate) code: String,
    /// First character of each line.
    lines: Vec<usize>,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let chars: Vec<char> = text.chars().collect();
        let kinds = kinds(&chars);
        let blank = |(&char, &kind): (&char, &Kind)| match (char, kind) {
            ('\n', _) => '\n',
            (char, Kind::Code) if char.is_ascii() => char,
            (_, Kind::Code) => '?',
            _ => ' ',
        };
        let code = chars.iter().zip(&kinds).map(blank).collect();
        let ends = chars.iter().enumerate().filter(|&(_, &char)| char == '\n');
        let lines = [0].into_iter().chain(ends.map(|(at, _)| at + 1)).collect();
        Self { path: path.to_owned(), text: text.to_owned(), kinds, code, lines }
    }

    /// Line of a character, from 1.
    pub(crate) fn line_of(&self, at: usize) -> usize {
        self.lines.partition_point(|&start| start <= at)
    }

    /// `path:line` of a character.
    pub(crate) fn place(&self, at: usize) -> String {
        format!("{}:{}", self.path, self.line_of(at))
    }

    /// What the character in this column (from 1) of this line (from 1) belongs to.
    pub(crate) fn kind_at(&self, line: usize, column: usize) -> Kind {
        self.kinds[self.lines[line - 1] + column - 1]
    }

    /// Where `word` stands in the code as a whole word.
    pub(crate) fn words<'s>(&'s self, word: &'s str) -> impl Iterator<Item = usize> + 's {
        let is_part = |byte: Option<&u8>| byte.is_some_and(|&byte| is_identifier(byte));
        let bytes = self.code.as_bytes();
        let all = self.code.match_indices(word).map(|(at, _)| at);
        all.filter(move |&at| {
            let before = at.checked_sub(1).and_then(|before| bytes.get(before));
            !is_part(before) && !is_part(bytes.get(at + word.len()))
        })
    }

    /// Every function with a body: its name, and its extent from `fn` to the closing brace.
    pub(crate) fn functions(&self) -> Vec<(&str, Range<usize>)> {
        let named = |at: usize| {
            let rest = &self.code[at + 2..];
            let name = rest.trim_start();
            let length = name.bytes().take_while(|&byte| is_identifier(byte)).count();
            // `fn(u8)` is a type; `fn $name` in a macro is a function.
            let is_function = length > 0 || name.starts_with('$');
            let extent = is_function.then(|| self.item_end(at)).flatten()?;
            let has_body = self.code.as_bytes()[extent] == b'}';
            has_body.then_some((&name[..length], at..extent))
        };
        self.words("fn").filter_map(named).collect()
    }

    /// Where the item that begins at `at` ends: at its `;`, or at the brace that closes its first.
    pub(crate) fn item_end(&self, at: usize) -> Option<usize> {
        let mut round = 0_usize;
        for (offset, byte) in self.code[at..].bytes().enumerate() {
            match byte {
                b'(' | b'[' => round += 1,
                b')' | b']' => round = round.saturating_sub(1),
                b';' if round == 0 => return Some(at + offset),
                b'{' if round == 0 => return self.closing(at + offset),
                _ => {}
            }
        }
        None
    }

    /// The bracket that closes the one at `open`.
    pub(crate) fn closing(&self, open: usize) -> Option<usize> {
        let bytes = self.code.as_bytes();
        let (opens, closes) = match bytes[open] {
            b'{' => (b'{', b'}'),
            b'[' => (b'[', b']'),
            _ => (b'(', b')'),
        };
        let mut depth = 0_usize;
        for (at, &byte) in bytes.iter().enumerate().skip(open) {
            if byte == opens {
                depth += 1;
            } else if byte == closes {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
        }
        None
    }

    /// Every item under `#[cfg(test)]`, from the attribute to its end.
    pub(crate) fn test_items(&self) -> Vec<Range<usize>> {
        let attributes = self.code.match_indices(TEST_ATTRIBUTE);
        attributes
            .map(|(at, _)| {
                let mut item = at + TEST_ATTRIBUTE.len();
                while let Some(open) = self.attribute_after(item) {
                    item = self.closing(open).map_or(self.code.len(), |close| close + 1);
                }
                at..self.item_end(item).unwrap_or(self.code.len())
            })
            .collect()
    }

    /// The `[` of an attribute that begins at `at`, white space skipped.
    fn attribute_after(&self, at: usize) -> Option<usize> {
        let rest = &self.code[at..];
        let start = at + rest.len() - rest.trim_start().len();
        self.code[start..].starts_with("#[").then_some(start + 1)
    }

    /// String and character literals, escapes as written.
    pub(crate) fn literals(&self) -> Vec<String> {
        let mut all = Vec::new();
        let mut open: Option<String> = None;
        for (char, &kind) in self.text.chars().zip(&self.kinds) {
            match kind {
                Kind::Text => open.get_or_insert_default().push(char),
                _ => all.extend(open.take()),
            }
        }
        all
    }
}

fn is_identifier(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric()
}

/// What each character belongs to.
fn kinds(chars: &[char]) -> Vec<Kind> {
    let mut kinds = vec![Kind::Code; chars.len()];
    let mut at = 0;
    while at < chars.len() {
        let (inside, end) = match chars[at] {
            '/' if chars.get(at + 1) == Some(&'/') => {
                let end = find(chars, at, |rest| rest[0] == '\n');
                (at..end, end)
            }
            '/' if chars.get(at + 1) == Some(&'*') => {
                let end = block_comment(chars, at);
                (at..end, end)
            }
            '"' => {
                let end = find_unescaped(chars, at + 1, '"');
                (at + 1..end, end + 1)
            }
            'r' | 'c' | 'b' if !follows_word(chars, at) => match raw_string(chars, at) {
                Some(inside) => (inside.clone(), inside.end + 1),
                None => (at..at, at + 1),
            },
            '\'' if is_character(chars, at) => {
                let end = find_unescaped(chars, at + 1, '\'');
                (at + 1..end, end + 1)
            }
            _ => (at..at, at + 1),
        };
        let kind = if chars[at] == '/' { Kind::Comment } else { Kind::Text };
        kinds[inside].fill(kind);
        at = end;
    }
    kinds
}

/// The first place from `from` on where `fits`, or the end.
fn find(chars: &[char], from: usize, fits: impl Fn(&[char]) -> bool) -> usize {
    (from..chars.len()).find(|&at| fits(&chars[at..])).unwrap_or(chars.len())
}

fn find_unescaped(chars: &[char], from: usize, quote: char) -> usize {
    let mut at = from;
    while at < chars.len() && chars[at] != quote {
        at += 1 + usize::from(chars[at] == '\\');
    }
    at.min(chars.len())
}

/// Block comments nest.
fn block_comment(chars: &[char], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0_usize);
    while at < chars.len() {
        match chars[at..] {
            ['/', '*', ..] => (at, depth) = (at + 2, depth + 1),
            ['*', '/', ..] => (at, depth) = (at + 2, depth - 1),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at.min(chars.len())
}

/// The inside of `r"…"`, `br#"…"#`, `cr"…"` that begins at `at`.
fn raw_string(chars: &[char], at: usize) -> Option<Range<usize>> {
    let prefix = usize::from(chars[at] != 'r');
    if chars.get(at + prefix) != Some(&'r') {
        return None;
    }
    let hashes = chars[at + prefix + 1..].iter().take_while(|&&char| char == '#').count();
    let quote = at + prefix + 1 + hashes;
    if chars.get(quote) != Some(&'"') {
        return None;
    }
    let closes = |rest: &[char]| {
        rest[0] == '"' && rest[1..].iter().take_while(|&&char| char == '#').count() >= hashes
    };
    Some(quote + 1..find(chars, quote + 1, closes))
}

fn follows_word(chars: &[char], at: usize) -> bool {
    at > 0 && (chars[at - 1] == '_' || chars[at - 1].is_alphanumeric())
}

/// A character literal, not a lifetime.
fn is_character(chars: &[char], at: usize) -> bool {
    chars.get(at + 1) == Some(&'\\') || chars.get(at + 2) == Some(&'\'')
}

const TEST_ATTRIBUTE: &str = "#[cfg(test)]";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_and_words_in_comments_and_literals_are_no_code() {
        let text = r####"fn a<'x>(_: &'x str) { // } fn b() {
            let _ = ("}", '{', b'\'', r#"} " fn c() {"#, br"\", "\"}"); /* } /* } */ fn */
        }"####;
        let source = Source::new("a.rs", text);
        let functions = source.functions();
        assert_eq!(functions.len(), 1, "{functions:?}");
        assert_eq!(functions[0], ("a", 0..text.len() - 1));
        assert_eq!(source.literals(), ["}", "{", "\\'", "} \" fn c() {", "\\", "\\\"}"]);
    }

    #[test]
    fn functions_are_measured_from_their_head_to_their_brace() {
        let text = "trait T { fn head(a: [u8; 3]);\n fn body(\n  a: fn(u8),\n ) {\n { }\n }\n}\n";
        let source = Source::new("a.rs", text);
        let lines: Vec<(&str, usize, usize)> = source
            .functions()
            .into_iter()
            .map(|(name, at)| (name, source.line_of(at.start), source.line_of(at.end)))
            .collect();
        assert_eq!(lines, [("body", 2, 6)]);
    }

    #[test]
    fn test_items_reach_to_their_end() {
        let text = "#[cfg(test)]\n#[path = \"x\"]\nmod a;\nfn b() {}\n#[cfg(test)]\nmod c { ; }\n";
        let source = Source::new("a.rs", text);
        let items = source.test_items();
        let texts: Vec<&str> = items.iter().map(|item| &text[item.clone()]).collect();
        assert_eq!(texts, ["#[cfg(test)]\n#[path = \"x\"]\nmod a", "#[cfg(test)]\nmod c { ; "]);
    }
}
