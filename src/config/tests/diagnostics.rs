//! What broken files say: every error of a file in one run, each with its place.

use super::{Diagnostics, Sources, read, render, snapshot};
use crate::config::parse_text;

#[test]
fn names_every_missing_semicolon() {
    check("missing-semicolon.conf", include_str!("../../../tests/config/missing-semicolon.conf"));
}

#[test]
fn tells_from_the_indentation_which_brace_is_missing() {
    check("unbalanced.conf", include_str!("../../../tests/config/unbalanced.conf"));
    check("extra-brace.conf", include_str!("../../../tests/config/extra-brace.conf"));
}

#[test]
fn names_strings_lists_and_comments_that_do_not_end() {
    check("unterminated.conf", include_str!("../../../tests/config/unterminated.conf"));
}

#[test]
fn names_stray_tokens_and_replaced_values() {
    check("stray.conf", include_str!("../../../tests/config/stray.conf"));
}

#[test]
fn names_commands_that_change_nothing() {
    check("broken-commands.set", include_str!("../../../tests/config/broken-commands.set"));
}

#[test]
fn renders_json_with_both_ends_of_each_place() {
    let text = include_str!("../../../tests/config/missing-semicolon.conf");
    let (mut sources, mut diagnostics) = (Sources::default(), Diagnostics::default());
    parse_text(&mut sources, "missing-semicolon.conf", text, &mut diagnostics);
    snapshot("missing-semicolon-json", &render::json(&sources, &diagnostics));
}

#[test]
fn bounds_the_depth_of_nested_blocks() {
    let text = "a { ".repeat(100_000) + &"}".repeat(100_000);
    let (tree, findings) = read(&text);
    assert_eq!(findings.matches("error[too-deep]").count(), 1);
    assert!(tree.at(&["a"; 64]).is_some());
    assert!(tree.at(&["a"; 65]).is_none());
}

#[test]
fn gives_up_on_what_is_no_configuration() {
    let (_, findings) = read(&"};\n".repeat(10_000));
    assert!(findings.contains("error[too-many-errors]: gave up after 200 errors"));
}

#[test]
fn names_the_form_of_what_junos_prints_for_machines() {
    let (_, xml) = read("<rpc-reply xmlns:junos=\"x\">\n<configuration>\n");
    assert!(xml.starts_with("error[foreign-form]: the configuration is in XML\n"));
    let (_, json) = read("{\n    \"configuration\" : {}\n}\n");
    assert!(json.starts_with("error[foreign-form]: the configuration is in JSON\n"));
}

#[test]
fn gives_up_on_bytes_that_are_no_text() {
    let (_, findings) = read(&"\u{1}\u{2}\u{3} ".repeat(100_000));
    assert_eq!(findings.matches("error[stray-character]").count(), 200);
    assert_eq!(findings.matches("error[too-many-errors]").count(), 1);
}

fn check(name: &str, text: &str) {
    let (mut sources, mut diagnostics) = (Sources::default(), Diagnostics::default());
    parse_text(&mut sources, name, text, &mut diagnostics);
    let stem = name.split('.').next().unwrap_or(name);
    snapshot(stem, &render::text(&sources, &diagnostics));
}
