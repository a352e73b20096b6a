//! Tree to text, in both printings: braces as `show configuration` indents them, and `set` lines as
//! `display set` does, with `deactivate` lines. Either text reads back as an equal tree:
//! `parse(print(tree)) == tree` for every tree that the parsers or [`super::effective`] make.

use std::fmt::Write as _;

use super::parser::TAGS;
use super::schema::Place;
use super::set_form::is_command;
use super::tree::Node;

/// The tree in braces, four spaces a level.
#[must_use]
pub fn braces(tree: &Node) -> String {
    let mut text = String::new();
    Braces { text: &mut text }.block(&tree.children.iter().collect::<Vec<_>>(), Place::ROOT, 0);
    text
}

/// The tree as `set` lines, each followed by the `deactivate` lines of what it made.
#[must_use]
pub fn set_lines(tree: &Node) -> String {
    let mut text = String::new();
    for child in &tree.children {
        set_line(&mut text, &mut Vec::new(), child);
    }
    text
}

/// The word as the parsers read it: in quotes where it must be, or where Junos would.
#[must_use]
pub fn quote(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:@%+*<>,=~".contains(c);
    let is_comment = word.starts_with("/*");
    if !word.is_empty() && word.chars().all(plain) && !is_comment && !TAGS.contains(&word) {
        return word.to_owned();
    }
    let mut quoted = String::with_capacity(word.len() + 2);
    quoted.push('"');
    for c in word.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            _ => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

struct Braces<'t> {
    text: &'t mut String,
}

/// The words of a statement so far, below the node at `start`. If it ended here, the place of its
/// tag would be right; that holds for every word that is added.
#[derive(Clone)]
struct Line<'n> {
    start: Place,
    nodes: Vec<&'n Node>,
    last: Place,
}

impl Braces<'_> {
    fn block(&mut self, nodes: &[&Node], place: Place, depth: usize) {
        for &node in nodes {
            let line = Line { start: place, nodes: vec![node], last: place.step(&node.word) };
            self.statement(&line, depth);
        }
    }

    fn statement(&mut self, line: &Line<'_>, depth: usize) {
        let children = &line.node().children;
        if children.is_empty() {
            self.words(line, depth);
            self.text.push_str(";\n");
            return;
        }
        if let Some(whole) = line.whole() {
            return self.statement(&whole, depth);
        }
        if line.ends_in_list() {
            self.words(line, depth);
            self.text.push_str(" [");
            for child in children {
                let _ = write!(self.text, " {}", quote(&child.word));
            }
            self.text.push_str(" ];\n");
            return;
        }
        let mut below = Vec::new();
        for child in children {
            match line.joined(child) {
                Some(longer) => {
                    self.braced(line, &std::mem::take(&mut below), depth);
                    self.statement(&longer, depth);
                }
                None => below.push(child),
            }
        }
        self.braced(line, &below, depth);
    }

    fn braced(&mut self, line: &Line<'_>, below: &[&Node], depth: usize) {
        if below.is_empty() {
            return;
        }
        self.words(line, depth);
        self.text.push_str(" {\n");
        self.block(below, line.last, depth + 1);
        self.indent(depth);
        self.text.push_str("}\n");
    }

    fn words(&mut self, line: &Line<'_>, depth: usize) {
        self.indent(depth);
        if line.nodes.iter().any(|node| node.inactive) {
            self.text.push_str("inactive: ");
        }
        for (index, node) in line.nodes.iter().enumerate() {
            if index > 0 {
                self.text.push(' ');
            }
            if index == 0 && depth == 0 && is_command(&node.word) {
                let _ = write!(self.text, "\"{}\"", node.word);
            } else {
                self.text.push_str(&quote(&node.word));
            }
        }
    }

    fn indent(&mut self, depth: usize) {
        let _ = write!(self.text, "{:width$}", "", width = depth * 4);
    }
}

impl<'n> Line<'n> {
    fn node(&self) -> &'n Node {
        self.nodes.last().expect("a line starts with a word")
    }

    /// The line with this child on it, if it reads so and the parser would see the same tag.
    fn joined(&self, child: &'n Node) -> Option<Self> {
        if !self.last.joins(&child.word).unwrap_or(child.joined) {
            return None;
        }
        let longer = self.with(child);
        longer.has_tag_in_place().then_some(longer)
    }

    fn with(&self, child: &'n Node) -> Self {
        let mut longer = self.clone();
        longer.nodes.push(child);
        longer.last = self.last.step(&child.word);
        longer
    }

    /// The only node of the line that may be inactive is the one that a tag before it means.
    fn has_tag_in_place(&self) -> bool {
        let last = self.nodes.len() - 1;
        let words = self.nodes.iter().map(|node| &*node.word);
        let tagged = self.start.object_end(words).map_or(last, |at| at.min(last));
        let mut inactive = (0..=last).filter(|&at| self.nodes[at].inactive);
        inactive.all(|at| at == tagged)
    }

    fn ends_in_list(&self) -> bool {
        let children = &self.node().children;
        let hint = || children.iter().all(|child| child.joined);
        children.len() > 1
            && children.iter().all(|c| c.children.is_empty() && !c.inactive)
            && self.last.lists().unwrap_or_else(hint)
    }

    /// Everything below on this line: `route P next-hop H`, `term T protocol tcp source-port 1`.
    fn whole(&self) -> Option<Self> {
        if !self.last.is_line() {
            return None;
        }
        match &*self.node().children {
            [child] => self.with(child).chain(),
            children => self.flat(children),
        }
        .filter(Self::has_tag_in_place)
    }

    /// A single path down to a leaf or a list.
    fn chain(mut self) -> Option<Self> {
        while !self.ends_in_list() {
            match &*self.node().children {
                [] => break,
                [child] if self.last.is_line() || self.last.needs_word() => {
                    self = self.with(child);
                }
                _ => return None,
            }
        }
        Some(self)
    }

    /// Statements of a value each, one after the other: where one ends the next is known.
    fn flat(&self, children: &'n [Node]) -> Option<Self> {
        let mut line = self.clone();
        for (index, child) in children.iter().enumerate() {
            if !self.last.takes_on_line(&child.word, index == 0) {
                return None;
            }
            line.nodes.push(child);
            line.last = self.last.step(&child.word);
            if let [value] = &*child.children {
                line.nodes.push(value);
                line.last = line.last.step(&value.word);
            }
            if child.children.len() > 1 || !line.node().children.is_empty() {
                return None;
            }
            if !line.last.is_complete() {
                return None;
            }
        }
        Some(line)
    }
}

fn set_line<'n>(text: &mut String, path: &mut Vec<&'n str>, node: &'n Node) {
    path.push(&node.word);
    if node.children.is_empty() {
        command(text, "set", path);
    }
    for child in &node.children {
        set_line(text, path, child);
    }
    if node.inactive {
        command(text, "deactivate", path);
    }
    path.pop();
}

fn command(text: &mut String, verb: &str, path: &[&str]) {
    text.push_str(verb);
    for word in path {
        let _ = write!(text, " {}", quote(word));
    }
    text.push('\n');
}
