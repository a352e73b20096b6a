//! The language as a whole: both forms, both printings, groups, and what broken files say.

use super::diagnostic::Diagnostics;
use super::parse_text;
use super::span::Sources;
use super::tree::Node;

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
