//! The syntax tree: a trie of words. `a b { c; d; }` and the lines `set a b c`, `set a b d` are one
//! tree, so equality ignores how it was written: spans and the grouping of words into one brace
//! line do not count. Children keep the order of their first appearance; siblings have different
//! words.

use super::span::Span;

/// One word and what stands below it.
#[derive(Clone, Debug, Default)]
pub struct Node {
    /// The word, unquoted and unescaped.
    pub word: String,
    /// Where it stands (its first appearance).
    pub span: Span,
    /// `inactive:` in braces, `deactivate` in set form: kept and printed, not honoured.
    pub inactive: bool,
    /// Written on one line with its parent (`security-zone trust {`): a hint for the brace printer
    /// only.
    pub joined: bool,
    /// What stands below.
    pub children: Vec<Self>,
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.word == other.word
            && self.inactive == other.inactive
            && self.children == other.children
    }
}

impl Node {
    /// The active child with this word.
    #[must_use]
    pub fn child(&self, word: &str) -> Option<&Self> {
        self.children.iter().find(|c| c.word == word && !c.inactive)
    }

    /// The active node at the end of a path of words.
    #[must_use]
    pub fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, word| node.child(word))
    }

    /// Active children.
    pub fn active(&self) -> impl Iterator<Item = &Self> {
        self.children.iter().filter(|c| !c.inactive)
    }

    /// The value of a leaf statement such as `host-name fw1`: its last active child (later lines
    /// win).
    #[must_use]
    pub fn value(&self) -> Option<&Self> {
        self.active().last()
    }
}
