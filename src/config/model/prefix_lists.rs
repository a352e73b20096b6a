//! `policy-options prefix-list`, `apply-path` included: the words that a path with `<…>` wildcards
//! reaches in the same configuration.

use std::net::IpAddr;

use super::reader::{Reader, Word, parse_prefix, statements};
use crate::config::tree::Node;

/// A prefix list.
#[derive(Clone, Debug)]
pub struct PrefixList<'t> {
    /// Its name.
    pub name: Word<'t>,
    /// Its prefixes.
    pub prefixes: Vec<(IpAddr, u8)>,
}

/// Reads one prefix list; `tree` is what `apply-path` looks at.
pub(crate) fn read<'t>(node: &'t Node, tree: &Node, reader: &mut Reader<'_>) -> PrefixList<'t> {
    let mut list = PrefixList { name: node.into(), prefixes: Vec::new() };
    for statement in statements(node) {
        if statement.word == "apply-path" {
            let Some(path) = reader.value(statement) else {
                continue;
            };
            let words: Vec<&str> = path.text.split_whitespace().collect();
            follow(tree, &words, &mut list.prefixes);
        } else {
            list.prefixes.extend(reader.prefix(statement.into()));
        }
    }
    list
}

/// Collects the prefixes at the end of a path.
fn follow(node: &Node, path: &[&str], prefixes: &mut Vec<(IpAddr, u8)>) {
    let [word, rest @ ..] = path else {
        prefixes.extend(parse_prefix(&node.word));
        return;
    };
    let pattern = word.strip_prefix('<').and_then(|w| w.strip_suffix('>'));
    for child in node.active() {
        let fits = match pattern {
            Some(pattern) => glob(pattern.as_bytes(), child.word.as_bytes()),
            None => *word == child.word,
        };
        if fits {
            follow(child, rest, prefixes);
        }
    }
}

/// `*` is any run of characters, `?` any one; matched without backtracking beyond the last star.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&c) if c == b'?' || c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((at, from)) = star else { return false };
                star = Some((at, from + 1));
                p = at + 1;
                t = from + 1;
            }
        }
    }
    pattern[p..].iter().all(|&c| c == b'*')
}
