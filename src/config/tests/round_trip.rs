//! `parse(print(tree)) == tree`: for the branch office and for random trees, in both printings.

use proptest::prelude::*;

use super::{BRANCH_OFFICE, Diagnostics, print, read_clean, snapshot};
use crate::config::builder::{Builder, Cursor};
use crate::config::effective;
use crate::config::span::Span;
use crate::config::tree::Node;

#[test]
fn prints_the_branch_office_as_it_was_written() {
    let tree = read_clean(BRANCH_OFFICE);
    let written: String = BRANCH_OFFICE
        .lines()
        .filter(|line| !line.starts_with("##"))
        .map(|line| line.split(" ##").next().unwrap_or(line).to_owned() + "\n")
        .collect();
    assert_eq!(print::braces(&tree), written);
}

#[test]
fn prints_the_branch_office_as_set_lines_and_as_braces_again() {
    let tree = read_clean(BRANCH_OFFICE);
    let lines = print::set_lines(&tree);
    snapshot("branch-office-set", &lines);
    let again = read_clean(&lines);
    assert_eq!(again, tree);
    snapshot("branch-office-braces", &print::braces(&again));
    let in_force = effective(&tree, &mut Diagnostics::default());
    snapshot("branch-office-effective", &print::braces(&in_force));
}

/// One path of words, and which of them the schema may know.
#[derive(Clone, Debug)]
struct Path {
    words: Vec<String>,
    joined: bool,
    inactive: Option<usize>,
}

/// The tree that these paths make, as the parsers make it.
fn grown(paths: &[Path]) -> Node {
    let mut builder = Builder::new();
    for path in paths {
        let mut cursor = Cursor::root();
        for (index, word) in path.words.iter().enumerate() {
            let findings = &mut Diagnostics::default();
            let span = Span::default();
            let node = builder.enter(&mut cursor, word, span, path.joined && index > 0, findings);
            if let Some(node) = node.filter(|_| path.inactive == Some(index)) {
                builder.set_inactive(node, true);
            }
        }
    }
    builder.finish()
}

/// Real statements cut anywhere and continued anyhow reach every shape of the schema.
fn known_words() -> impl Strategy<Value = Vec<String>> {
    let lines: Vec<Vec<String>> = print::set_lines(&read_clean(BRANCH_OFFICE))
        .lines()
        .map(|line| line.split(' ').skip(1).map(str::to_owned).collect())
        .collect();
    let start = (prop::sample::select(lines.clone()), any::<prop::sample::Index>());
    let end = (prop::sample::select(lines), any::<prop::sample::Index>());
    (start, end, prop::collection::vec(word(), 0..3)).prop_map(|(start, end, middle)| {
        let (head, at) = start;
        let (tail, from) = end;
        let mut words = head[..=at.index(head.len())].to_vec();
        words.extend(middle);
        words.extend_from_slice(&tail[from.index(tail.len())..]);
        words
    })
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-d]",
        2 => "[a-z0-9./:*<>-]{1,8}",
        1 => any::<String>(),
        1 => "[ \"\\\\\n\r\t;{}\\[\\]#/*]{0,4}",
        1 => prop::sample::select(vec![
            "set", "delete", "up", "inactive:", "replace:", "before", "to", "address", "match",
            "apply-groups", "policy", "unit", "host-name", "from-zone", "to-zone", "description",
        ])
        .prop_map(str::to_owned),
    ]
}

fn path() -> impl Strategy<Value = Path> {
    let words = prop_oneof![known_words(), prop::collection::vec(word(), 1..8)];
    let inactive = prop::option::weighted(0.3, any::<prop::sample::Index>());
    (words, any::<bool>(), inactive).prop_map(|(words, joined, inactive)| Path {
        inactive: inactive.map(|at| at.index(words.len())),
        words,
        joined,
    })
}

/// Reads a text of which only the tree counts: cut statements are full of findings.
fn tree_of(text: &str) -> Node {
    super::read(text).0
}

proptest! {
    #[test]
    fn braces_read_back_as_the_same_tree(paths in prop::collection::vec(path(), 0..12)) {
        let tree = grown(&paths);
        let text = print::braces(&tree);
        prop_assert_eq!(tree_of(&text), tree, "{}", text);
    }

    #[test]
    fn set_lines_read_back_as_the_same_tree(paths in prop::collection::vec(path(), 0..12)) {
        let tree = grown(&paths);
        let text = print::set_lines(&tree);
        prop_assert_eq!(tree_of(&text), tree, "{}", text);
    }

    #[test]
    fn the_tree_in_force_reads_back(paths in prop::collection::vec(path(), 0..12)) {
        let tree = effective(&grown(&paths), &mut Diagnostics::default());
        prop_assert_eq!(tree_of(&print::braces(&tree)), tree.clone());
        prop_assert_eq!(tree_of(&print::set_lines(&tree)), tree);
    }

    #[test]
    fn any_text_is_read_without_panic(text in "[ a-c{}\\[\\];\"#/*\\\\\n\t:]{0,80}|.{0,40}") {
        let (tree, _) = super::read(&text);
        let tree = effective(&tree, &mut Diagnostics::default());
        prop_assert_eq!(tree_of(&print::braces(&tree)), tree);
    }

    #[test]
    fn any_commands_are_read_without_panic(
        lines in prop::collection::vec(
            ("set|delete|deactivate|insert|rename|edit|up|top|exit|[a-z]{1,4}",
             "( [a-c]| to| before|\"|\\[|\\]| policy| 2|;){0,6}"),
            0..10,
        )
    ) {
        let text: String = lines.iter().map(|(verb, rest)| format!("{verb}{rest}\n")).collect();
        let tree = tree_of(&("set a\n".to_owned() + &text));
        prop_assert_eq!(tree_of(&print::set_lines(&tree)), tree);
    }
}
