//! Grows a tree from paths of words, whatever the form of the text they come from. One path means
//! the same in braces and in set form: the schema decides where a value ends and which earlier
//! value a later one replaces. Siblings are found by hash, so a file of many thousand addresses
//! costs linear time; the depth is bounded, so whoever walks the tree may recurse.

use std::collections::HashMap;

use super::diagnostic::Diagnostics;
use super::schema::Place;
use super::span::Span;
use super::tree::Node;

/// Longest path of words; real configurations stay below 30.
pub(super) const DEPTH_MAX: usize = 64;

/// A tree under construction.
pub(super) struct Builder {
    nodes: Vec<Entry>,
    words: HashMap<String, u32>,
    children: HashMap<(NodeId, u32), NodeId>,
    /// Braces show a configuration as it is: there a value that replaces another is worth a
    /// warning.
    pub(super) warns_of_replacement: bool,
}

/// A node of the builder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct NodeId(u32);

/// On which side of its anchor a node is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beside {
    Before,
    After,
}

#[derive(Clone, Debug)]
struct Entry {
    word: u32,
    text: String,
    span: Span,
    inactive: bool,
    joined: bool,
    parent: NodeId,
    children: Vec<NodeId>,
}

/// A position in the tree: the nodes from the root and what the schema says about each.
#[derive(Clone, Debug)]
pub(super) struct Cursor(Vec<(NodeId, Place)>);

impl Cursor {
    pub(super) fn root() -> Self {
        Self(vec![(NodeId(0), Place::ROOT)])
    }

    pub(super) fn node(&self) -> NodeId {
        self.top().0
    }

    /// The last word is the name that a keyword takes (`policy P`).
    pub(super) fn is_at_name(&self) -> bool {
        matches!(&*self.0, [.., (_, keyword), (_, Place::Inside(_))] if keyword.needs_word())
    }

    /// Where a statement that begins with this word stands: here, or, if nothing is expected below
    /// a complete value and the enclosing statements know the word, there.
    pub(super) fn place_for(&mut self, word: &str) -> Place {
        if self.top().1.is_complete() {
            let enclosing =
                self.0[..self.0.len() - 1].iter().rposition(|(_, place)| place.is_container());
            if let Some(at) = enclosing.filter(|&at| self.0[at].1.knows(word)) {
                self.0.truncate(at + 1);
            }
        }
        self.top().1
    }

    fn top(&self) -> (NodeId, Place) {
        *self.0.last().expect("a cursor starts at the root")
    }
}

impl Builder {
    pub(super) fn new() -> Self {
        let mut builder = Self {
            nodes: Vec::new(),
            words: HashMap::new(),
            children: HashMap::new(),
            warns_of_replacement: false,
        };
        let word = builder.word("");
        builder.nodes.push(Entry {
            word,
            text: String::new(),
            span: Span::default(),
            inactive: false,
            joined: false,
            parent: NodeId(0),
            children: Vec::new(),
        });
        builder
    }

    /// Goes to the child with this word, which is made if need be. `None` (and a diagnostic) if the
    /// path becomes too long.
    pub(super) fn enter(
        &mut self,
        cursor: &mut Cursor,
        word: &str,
        span: Span,
        joined: bool,
        diagnostics: &mut Diagnostics,
    ) -> Option<NodeId> {
        let place = cursor.place_for(word);
        if cursor.0.len() > DEPTH_MAX {
            diagnostics
                .error("too-deep", span, format!("more than {DEPTH_MAX} nested words"))
                .suggest("Junos itself nests far less; is this a configuration?");
            return None;
        }
        let parent = cursor.node();
        let next = place.step(word);
        if matches!((place, next), (Place::Value, Place::Unknown)) {
            let value = &self.entry(parent).text;
            diagnostics
                .error("unexpected-word", span, format!("nothing may follow the value `{value}`"))
                .expected("the end of the statement")
                .suggest("write several values as `[ a b ]`, a value with blanks in quotes");
        }
        let key = (parent, self.word(word));
        if let Some(&node) = self.children.get(&key) {
            cursor.0.push((node, next));
            return Some(node);
        }
        if place.has_exclusive() {
            self.replace(parent, place, word, span, diagnostics);
        }
        let node = NodeId(u32::try_from(self.nodes.len()).expect("fewer nodes than bytes"));
        self.nodes.push(Entry {
            word: key.1,
            text: word.to_owned(),
            span,
            inactive: false,
            joined,
            parent,
            children: Vec::new(),
        });
        self.children.insert(key, node);
        self.entry_mut(parent).children.push(node);
        cursor.0.push((node, next));
        Some(node)
    }

    /// Goes to the child with this word; false if there is none.
    pub(super) fn find(&self, cursor: &mut Cursor, word: &str) -> bool {
        let next = cursor.place_for(word).step(word);
        let found = self.words.get(word).and_then(|&id| self.children.get(&(cursor.node(), id)));
        if let Some(&node) = found {
            cursor.0.push((node, next));
        }
        found.is_some()
    }

    pub(super) fn set_inactive(&mut self, node: NodeId, inactive: bool) {
        self.entry_mut(node).inactive = inactive;
    }

    /// Removes a node with everything below it, and what is no statement without it.
    pub(super) fn remove(&mut self, cursor: &Cursor) {
        let mut path = &cursor.0[..];
        while let [rest @ .., (parent, place), (node, _)] = path {
            self.detach(*node);
            if !(place.is_partial() && self.entry(*parent).children.is_empty()) {
                return;
            }
            path = &path[..=rest.len()];
        }
        self.clear(NodeId(0));
    }

    /// Removes everything below a node.
    pub(super) fn clear(&mut self, node: NodeId) {
        for child in std::mem::take(&mut self.entry_mut(node).children) {
            let key = (node, self.entry(child).word);
            self.children.remove(&key);
        }
    }

    /// Moves a node beside a sibling; without effect between others.
    pub(super) fn move_beside(&mut self, node: NodeId, anchor: NodeId, beside: Beside) {
        let parent = self.entry(node).parent;
        if node == anchor || self.entry(anchor).parent != parent {
            return;
        }
        let siblings = &mut self.entry_mut(parent).children;
        siblings.retain(|&c| c != node);
        if let Some(at) = siblings.iter().position(|&c| c == anchor) {
            siblings.insert(at + usize::from(beside == Beside::After), node);
        }
    }

    /// Gives a node another word; false if a sibling has it.
    pub(super) fn rename(&mut self, node: NodeId, word: &str, span: Span) -> bool {
        let (parent, old) = (self.entry(node).parent, self.entry(node).word);
        let new = self.word(word);
        if self.children.contains_key(&(parent, new)) {
            return old == new;
        }
        self.children.remove(&(parent, old));
        self.children.insert((parent, new), node);
        let entry = self.entry_mut(node);
        (entry.word, entry.text, entry.span) = (new, word.to_owned(), span);
        true
    }

    /// Nodes made so far, those removed included.
    pub(super) fn size(&self) -> usize {
        self.nodes.len()
    }

    /// The tree, as far as it has been built.
    pub(super) fn finish(&self) -> Node {
        self.node(NodeId(0))
    }

    fn node(&self, id: NodeId) -> Node {
        let entry = self.entry(id);
        Node {
            word: entry.text.clone(),
            span: entry.span,
            inactive: entry.inactive,
            joined: entry.joined,
            children: entry.children.iter().map(|&c| self.node(c)).collect(),
        }
    }

    fn replace(
        &mut self,
        parent: NodeId,
        place: Place,
        word: &str,
        span: Span,
        diagnostics: &mut Diagnostics,
    ) {
        let siblings = self.entry(parent).children.clone();
        for old in siblings {
            let text = &self.entry(old).text;
            if !place.replaces(word, text) {
                continue;
            }
            if self.warns_of_replacement {
                diagnostics
                    .warning(
                        "replaced-statement",
                        span,
                        format!("`{word}` replaces the earlier `{text}`"),
                    )
                    .expected("only one of them here")
                    .suggest("delete the one that is not meant");
            }
            self.detach(old);
        }
    }

    fn detach(&mut self, node: NodeId) {
        let (parent, word) = (self.entry(node).parent, self.entry(node).word);
        self.children.remove(&(parent, word));
        self.entry_mut(parent).children.retain(|&c| c != node);
    }

    fn word(&mut self, word: &str) -> u32 {
        if let Some(&id) = self.words.get(word) {
            return id;
        }
        let id = u32::try_from(self.words.len()).expect("fewer words than bytes");
        self.words.insert(word.to_owned(), id);
        id
    }

    fn entry(&self, node: NodeId) -> &Entry {
        &self.nodes[node.0 as usize]
    }

    fn entry_mut(&mut self, node: NodeId) -> &mut Entry {
        &mut self.nodes[node.0 as usize]
    }
}
