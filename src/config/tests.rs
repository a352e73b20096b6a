//! The language as a whole: both forms, both printings, groups, and what broken files say.

use super::diagnostic::Diagnostics;
use super::span::Sources;
use super::tree::Node;
use super::{parse_text, print};

const BRANCH_OFFICE: &str = include_str!("../../tests/config/branch-office.conf");

fn read(text: &str) -> (Node, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let tree = parse_text(&mut Sources::default(), "test.conf", text, &mut diagnostics);
    (tree, diagnostics)
}

#[test]
fn reads_the_branch_office_without_a_finding() {
    let (tree, diagnostics) = read(BRANCH_OFFICE);
    assert_eq!(diagnostics.0, []);
    let web = [
        "security",
        "address-book",
        "global",
        "address",
        "web-server",
    ];
    assert_eq!(
        tree.at(&web).unwrap().value().unwrap().word,
        "10.20.0.10/32"
    );
    let policy = [
        "security",
        "policies",
        "from-zone",
        "trust",
        "to-zone",
        "untrust",
        "policy",
    ];
    let policies = tree.at(&policy).unwrap();
    assert_eq!(policies.active().count(), 2);
    assert!(policies.children[2].inactive);
    let term = [
        "applications",
        "application",
        "web-alt",
        "term",
        "tls",
        "destination-port",
    ];
    assert_eq!(tree.at(&term).unwrap().value().unwrap().word, "8443");
}

#[test]
fn prints_the_branch_office_as_it_was_written() {
    let (tree, _) = read(BRANCH_OFFICE);
    let plain: String = BRANCH_OFFICE
        .lines()
        .filter(|line| !line.starts_with("##"))
        .map(|line| line.split(" ## ").next().unwrap_or(line).to_owned() + "\n")
        .collect();
    let printed = print::braces(&tree);
    for (a, b) in printed.lines().zip(plain.lines()) {
        assert_eq!(a, b);
    }
    assert_eq!(print::braces(&tree), plain);
}

#[test]
fn prints_set_lines_that_print_the_same_braces() {
    let (tree, _) = read(BRANCH_OFFICE);
    let lines = print::set_lines(&tree);
    let (again, diagnostics) = read(&lines);
    assert_eq!(diagnostics.0, []);
    assert_eq!(again, tree);
}
