//! The language as a whole: both forms, both printings, groups, and what broken files say.

mod diagnostics;
mod groups;
mod round_trip;
mod set_form;

use super::diagnostic::Diagnostics;
use super::span::Sources;
use super::tree::Node;
use super::{parse_bytes, parse_text, print, render};

const BRANCH_OFFICE: &str = include_str!("../../tests/config/branch-office.conf");

/// The tree, and what the run says about the text.
fn read(text: &str) -> (Node, String) {
    let (mut sources, mut diagnostics) = (Sources::default(), Diagnostics::default());
    let tree = parse_text(&mut sources, "test.conf", text, &mut diagnostics);
    (tree, render::text(&sources, &diagnostics))
}

/// The tree of a text without findings.
fn read_clean(text: &str) -> Node {
    let (tree, findings) = read(text);
    assert_eq!(findings, "");
    tree
}

fn snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/config"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn reads_words_up_to_where_a_value_ends() {
    let tree = read_clean(BRANCH_OFFICE);
    let web = ["security", "address-book", "global", "address", "web-server"];
    assert_eq!(tree.at(&web).unwrap().value().unwrap().word, "10.20.0.10/32");
    let term = ["applications", "application", "web-alt", "term", "tls"];
    let words: Vec<&str> = tree.at(&term).unwrap().active().map(|n| &*n.word).collect();
    assert_eq!(words, ["protocol", "destination-port", "inactivity-timeout"]);
}

#[test]
fn line_ends_of_other_systems_and_a_byte_order_mark_change_nothing() {
    let text = format!("\u{feff}{}", BRANCH_OFFICE.replace('\n', "\r\n"));
    assert_eq!(read_clean(&text), read_clean(BRANCH_OFFICE));
}

#[test]
fn tags_mark_the_object_that_a_statement_names() {
    let tree = read_clean(BRANCH_OFFICE);
    let policies = ["security", "policies", "from-zone", "trust", "to-zone", "untrust", "policy"];
    let policies = tree.at(&policies).unwrap();
    let inactive: Vec<bool> = policies.children.iter().map(|p| p.inactive).collect();
    assert_eq!(inactive, [false, false, true]);
    let routes = tree.at(&["routing-options", "static", "route"]).unwrap();
    assert_eq!(routes.children[2].word, "192.168.0.0/16");
    assert!(routes.children[2].inactive);
}

#[test]
fn later_values_replace_earlier_ones() {
    let tree = read_clean(
        "set system host-name a\n\
         set system host-name b\n\
         set security policies default-policy permit-all\n\
         set security policies default-policy deny-all\n\
         set security address-book global address web 10.0.0.1/32\n\
         set security address-book global address web description x\n\
         set security address-book global address web dns-name www.example.net\n\
         set applications application x protocol tcp destination-port 80\n\
         set applications application x destination-port 81\n",
    );
    snapshot("later-values", &print::set_lines(&tree));
}

#[test]
fn replace_and_delete_tags_are_honoured() {
    let tree = read_clean(
        "system { host-name a; domain-name b; services { ssh; telnet; } }\n\
         system { delete: domain-name; replace: services { ssh; } }\n",
    );
    let expected = read_clean("set system host-name a\nset system services ssh\n");
    assert_eq!(tree, expected);
}

#[test]
fn names_the_offset_of_bytes_that_are_not_utf_8() {
    let (mut sources, mut diagnostics) = (Sources::default(), Diagnostics::default());
    let bytes = b"system {\n    host-name caf\xe9;\n}\n";
    let tree = parse_bytes(&mut sources, "latin-1.conf", bytes, &mut diagnostics);
    assert!(tree.at(&["system", "host-name"]).is_some());
    snapshot("not-utf-8", &render::text(&sources, &diagnostics));
}
