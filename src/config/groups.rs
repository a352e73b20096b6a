//! `groups` and `apply-groups`: the tree that is in force. Rules of Junos: an explicit statement
//! wins over an inherited one, an inner `apply-groups` over an outer, an earlier group over a
//! later; values of lists come together; `<*>` and other names in angle brackets match existing
//! statements only. Inherited statements come after explicit ones and keep the place of the group's
//! text.

use std::collections::{HashMap, HashSet};

use super::diagnostic::Diagnostics;
use super::nearest::nearest;
use super::schema::Place;
use super::tree::Node;

/// The tree with groups applied, without `groups`, `apply-groups` and inactive statements.
#[must_use]
pub fn effective(tree: &Node, diagnostics: &mut Diagnostics) -> Node {
    let groups = tree.child("groups").map_or(&[][..], |node| &node.children);
    for group in groups {
        refuse_nested(group, diagnostics);
    }
    let mut inheritance = Inheritance { groups, diagnostics, inherited: 0 };
    let level = Level { path: Vec::new(), place: Place::ROOT, except: Vec::new() };
    inheritance.merge(tree, &tree.children, Vec::new(), &level)
}

struct Inheritance<'n, 'd> {
    groups: &'n [Node],
    diagnostics: &'d mut Diagnostics,
    /// Nodes made from groups so far.
    inherited: usize,
}

/// Where in the hierarchy a node stands.
#[derive(Clone)]
struct Level<'n> {
    path: Vec<&'n str>,
    place: Place,
    /// Groups that are kept out from here on.
    except: Vec<&'n str>,
}

/// What one group says about the node at hand.
struct Source<'n> {
    group: &'n str,
    node: &'n Node,
    exact: HashMap<&'n str, &'n Node>,
    patterns: Vec<&'n Node>,
}

impl Level<'_> {
    /// Statements that are gone once groups have been applied.
    fn is_about_groups(&self, word: &str) -> bool {
        is_apply(word) || (self.path.is_empty() && word == "groups")
    }
}

impl<'n> Inheritance<'n, '_> {
    /// A copy of `head` with the `explicit` statements below it and what the sources, nearest
    /// first, add to them.
    fn merge(
        &mut self,
        head: &'n Node,
        explicit: &'n [Node],
        outer: Vec<Source<'n>>,
        level: &Level<'n>,
    ) -> Node {
        let mut level = level.clone();
        for name in words_of(explicit, "apply-groups-except") {
            if self.group(name).is_some() {
                level.except.push(&name.word);
            }
        }
        let mut sources = self.applied(explicit, &level.path);
        sources.extend(outer);
        sources.retain(|source| !level.except.contains(&source.group));

        let mut children = Vec::with_capacity(explicit.len());
        let in_force = |child: &&'n Node| !child.inactive && !level.is_about_groups(&child.word);
        for child in explicit.iter().filter(in_force) {
            children.extend(self.below(child, &child.children, &sources, &level));
        }
        self.inherit(&mut children, &sources, &level);
        Node {
            word: head.word.clone(),
            span: head.span,
            inactive: false,
            joined: head.joined,
            children,
        }
    }

    /// Adds the statements that only groups have.
    fn inherit(&mut self, children: &mut Vec<Node>, sources: &[Source<'n>], level: &Level<'n>) {
        if sources.is_empty() {
            return;
        }
        let place = level.place;
        let mut present: HashSet<String> = children.iter().map(|c| c.word.clone()).collect();
        for child in sources.iter().flat_map(|source| source.node.active()) {
            let word = &*child.word;
            let is_excluded =
                place.has_exclusive() && children.iter().any(|c| place.replaces(word, &c.word));
            let is_made = pattern(word).is_none() && !level.is_about_groups(word);
            if !is_made || is_excluded || present.contains(word) {
                continue;
            }
            self.inherited += 1;
            if self.inherited >= INHERITED_MAX {
                self.too_large(child);
                return;
            }
            present.insert(word.to_owned());
            children.extend(self.below(child, &[], sources, level));
        }
    }

    /// The merged child of a node; `None` if nothing in force is left of a statement: only patterns
    /// stood below it, or a keyword (`policy`) has lost all its names.
    fn below(
        &mut self,
        child: &'n Node,
        explicit: &'n [Node],
        sources: &[Source<'n>],
        level: &Level<'n>,
    ) -> Option<Node> {
        let word = &*child.word;
        let below = sources.iter().flat_map(|source| source.below(word)).collect();
        let mut next = level.clone();
        next.path.push(word);
        next.place = level.place.step(word);
        let merged = self.merge(child, explicit, below, &next);
        let is_bare = merged.children.is_empty() && !child.children.is_empty();
        let is_gone = is_bare && (explicit.is_empty() || next.place.is_partial());
        (!is_gone).then_some(merged)
    }

    /// What the groups applied right here say about the node at `path`.
    fn applied(&mut self, explicit: &'n [Node], path: &[&str]) -> Vec<Source<'n>> {
        let mut sources = Vec::new();
        for name in words_of(explicit, "apply-groups") {
            let Some(group) = self.group(name) else {
                continue;
            };
            let mut matching = vec![Source::new(&group.word, group)];
            for word in path {
                matching = matching.iter().flat_map(|source| source.below(word)).collect();
            }
            sources.extend(matching);
        }
        sources
    }

    /// The group of this name; a finding if there is none in force.
    fn group(&mut self, name: &Node) -> Option<&'n Node> {
        let word = match &*name.word {
            "junos-defaults" => return None,
            // On a chassis cluster each node applies its own group; one node is what is looked at.
            "${node}" => {
                self.diagnostics.note(
                    "cluster-node-group",
                    name.span,
                    "`${node}` is read as `node0`",
                );
                "node0"
            }
            word => word,
        };
        let groups = self.groups;
        let found = groups.iter().find(|group| group.word == word);
        match found {
            Some(group) if group.inactive => {
                self.diagnostics
                    .warning("inactive-group", name.span, format!("the group `{word}` is inactive"))
                    .expected("a group in force")
                    .suggest("activate the group, or remove its name here");
                None
            }
            Some(_) => found,
            None => {
                let near = nearest(word, groups.iter().map(|group| &*group.word));
                let finding = self
                    .diagnostics
                    .error("unknown-group", name.span, format!("there is no group `{word}`"))
                    .expected("the name of a group under `groups`");
                if let Some(near) = near {
                    finding.suggest(format!("did you mean `{near}`?"));
                }
                None
            }
        }
    }

    fn too_large(&mut self, child: &Node) {
        // Once: the count never comes back below the limit.
        if self.inherited == INHERITED_MAX {
            self.diagnostics
                .error(
                    "too-many-inherited",
                    child.span,
                    format!("groups make more than {INHERITED_MAX} statements"),
                )
                .suggest("apply the group at fewer places");
        }
    }
}

impl<'n> Source<'n> {
    fn new(group: &'n str, node: &'n Node) -> Self {
        let (patterns, exact): (Vec<_>, Vec<_>) =
            node.active().partition(|child| pattern(&child.word).is_some());
        Self {
            group,
            node,
            exact: exact.into_iter().map(|child| (&*child.word, child)).collect(),
            patterns,
        }
    }

    /// What the group says about a child: first under its own name, then under patterns.
    fn below(&self, word: &str) -> Vec<Self> {
        let exact = self.exact.get(word).copied();
        let matches = |child: &&&'n Node| pattern(&child.word).is_some_and(|p| glob(p, word));
        let patterns = self.patterns.iter().filter(matches).copied();
        exact.into_iter().chain(patterns).map(|child| Self::new(self.group, child)).collect()
    }
}

/// The names after `apply-groups` or `apply-groups-except`.
fn words_of<'n>(explicit: &'n [Node], keyword: &str) -> impl Iterator<Item = &'n Node> {
    let statement = explicit.iter().find(|c| c.word == keyword && !c.inactive);
    statement.into_iter().flat_map(Node::active)
}

fn is_apply(word: &str) -> bool {
    matches!(word, "apply-groups" | "apply-groups-except")
}

/// Junos reads a group without the groups that it applies itself, and conditions (`when`) only
/// while it runs: both would change silently what is in force.
fn refuse_nested(group: &Node, diagnostics: &mut Diagnostics) {
    let mut nodes: Vec<&Node> = group.active().collect();
    for condition in nodes.extract_if(.., |node| node.word == "when") {
        diagnostics
            .error("conditional-group", condition.span, "`when` conditions are not supported")
            .expected("statements of the group");
    }
    while let Some(node) = nodes.pop() {
        if is_apply(&node.word) {
            diagnostics
                .error(
                    "nested-group",
                    node.span,
                    format!("`{}` inside the group `{}`", node.word, group.word),
                )
                .expected("statements of the group")
                .suggest("apply both groups where this one is applied");
        }
        nodes.extend(node.active());
    }
}

/// The pattern in angle brackets.
fn pattern(word: &str) -> Option<&str> {
    word.strip_prefix('<')?.strip_suffix('>')
}

/// Shell wildcards: `*`, `?`, `[a-z]`, `[!a-z]`. Linear memory, no recursion: only the last `*` is
/// ever taken back.
fn glob(pattern: &str, word: &str) -> bool {
    let (mut pattern, mut word) = (pattern, word);
    let mut star: Option<(&str, &str)> = None;
    loop {
        if let Some(rest) = pattern.strip_prefix('*') {
            star = Some((rest, word));
            pattern = rest;
            continue;
        }
        let next = word.chars().next();
        if next.is_none() && pattern.is_empty() {
            return true;
        }
        if let Some(c) = next
            && let Some(rest) = one(pattern, c)
        {
            (pattern, word) = (rest, &word[c.len_utf8()..]);
            continue;
        }
        let Some((after, from)) = star else {
            return false;
        };
        let Some(skipped) = from.chars().next() else {
            return false;
        };
        let from = &from[skipped.len_utf8()..];
        star = Some((after, from));
        (pattern, word) = (after, from);
    }
}

/// The pattern after the part that matches this character.
fn one(pattern: &str, c: char) -> Option<&str> {
    let first = pattern.chars().next()?;
    if first == '['
        && let Some(end) = pattern.find(']')
    {
        let set = &pattern[1..end];
        let negated = set.strip_prefix(['!', '^']);
        let is_in = in_set(negated.unwrap_or(set), c);
        return (is_in != negated.is_some()).then(|| &pattern[end + 1..]);
    }
    (first == '?' || first == c).then(|| &pattern[first.len_utf8()..])
}

fn in_set(set: &str, c: char) -> bool {
    let set: Vec<char> = set.chars().collect();
    let mut rest = &*set;
    while let [from, tail @ ..] = rest {
        let (to, after) = match tail {
            ['-', to, after @ ..] => (to, after),
            _ => (from, tail),
        };
        if (*from..=*to).contains(&c) {
            return true;
        }
        rest = after;
    }
    false
}

/// Statements that groups may make: a bound on what a small file can ask for.
const INHERITED_MAX: usize = 1_000_000;
