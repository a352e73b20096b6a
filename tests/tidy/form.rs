//! The form of a source: it says at the top what it is, files, functions and lines stay short
//! enough to be read, lints are never switched off without a word, and nothing is left unfinished.

use super::source::{Kind, Source};

/// Adds the offences of one file.
pub(crate) fn check(source: &Source, offences: &mut Vec<String>) {
    let path = &source.path;
    if !source.text.starts_with("//!") {
        offences.push(format!("{path}:1: does not open with `//!`"));
    }
    let lines = source.text.lines().count();
    if lines > FILE_LINES_MAX {
        offences.push(format!("{path}:{lines}: {lines} lines, at most {FILE_LINES_MAX}"));
    }
    check_functions(source, offences);
    check_columns(source, offences);
    check_allowances(source, offences);
    for word in ["todo", "unimplemented", "dbg"] {
        let is_macro = |&at: &usize| source.code[at + word.len()..].starts_with('!');
        for at in source.words(word).filter(is_macro) {
            offences.push(format!("{}: {word}! is left", source.place(at)));
        }
    }
}

fn check_functions(source: &Source, offences: &mut Vec<String>) {
    for (name, at) in source.functions() {
        let lines = source.line_of(at.end) - source.line_of(at.start) + 1;
        if lines > FUNCTION_LINES_MAX {
            let place = source.place(at.start);
            offences
                .push(format!("{place}: `{name}` has {lines} lines, at most {FUNCTION_LINES_MAX}"));
        }
    }
}

/// Lines may go on where they cannot be broken: in a string and in an address of the web.
fn check_columns(source: &Source, offences: &mut Vec<String>) {
    for (index, line) in source.text.lines().enumerate() {
        let columns = line.chars().count();
        if columns <= COLUMNS_MAX {
            continue;
        }
        let is_text = source.kind_at(index + 1, COLUMNS_MAX + 1) == Kind::Text;
        if !is_text && !is_in_address(line) {
            let place = format!("{}:{}", source.path, index + 1);
            offences.push(format!("{place}: {columns} columns, at most {COLUMNS_MAX}"));
        }
    }
}

/// True if the word that reaches beyond the last column is an address of the web.
fn is_in_address(line: &str) -> bool {
    let mut column = 0;
    line.split(' ').any(|word| {
        column += word.chars().count() + 1;
        column > COLUMNS_MAX && word.contains("://")
    })
}

fn check_allowances(source: &Source, offences: &mut Vec<String>) {
    for at in source.words("allow") {
        let before = source.code[..at].trim_end();
        if !before.ends_with("#[") && !before.ends_with("#![") {
            continue;
        }
        let end = source.closing(before.len() - 1).unwrap_or(at);
        let has_reason = source.words("reason").any(|word| (at..end).contains(&word));
        if !has_reason {
            offences.push(format!("{}: `allow` without a reason", source.place(at)));
        }
    }
}

const FILE_LINES_MAX: usize = 450;
const FUNCTION_LINES_MAX: usize = 60;
const COLUMNS_MAX: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    fn offences(text: &str) -> Vec<String> {
        let mut offences = Vec::new();
        check(&Source::new("a.rs", text), &mut offences);
        offences
    }

    #[test]
    fn lists_every_offence_with_its_line() {
        let body = "\n".repeat(60);
        let text = format!("fn a() {{{body}}}\n#[allow(dead_code)]\nfn b() {{ todo!() }}\n");
        assert_eq!(
            offences(&text),
            [
                "a.rs:1: does not open with `//!`",
                "a.rs:1: `a` has 61 lines, at most 60",
                "a.rs:62: `allow` without a reason",
                "a.rs:63: todo! is left",
            ]
        );
        let long = format!("//! {}\n", "a ".repeat(49)) + &"\n".repeat(450);
        assert_eq!(
            offences(&long),
            ["a.rs:451: 451 lines, at most 450", "a.rs:1: 102 columns, at most 100",]
        );
    }

    #[test]
    fn takes_no_offence_at_what_cannot_be_otherwise() {
        let far = "x".repeat(100);
        let text = format!(
            "//! https://{far}\n#![allow(a, reason = \"b\")]\n\
             const C: &str = \"{far} todo!() #[allow(d)]\"; // fn e() {{ dbg!(f) }}\n\
             #[expect(g, reason = \"allow\")]\nfn todo() {{}}\n"
        );
        assert_eq!(offences(&text), [""; 0]);
    }
}
