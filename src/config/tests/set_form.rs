//! Commands in order: what they leave in the tree.

use super::{print, read, read_clean};

fn lines_after(text: &str) -> String {
    print::set_lines(&read_clean(text))
}

#[test]
fn commands_may_hold_several_statements_of_one_container() {
    let lines = lines_after(
        "set security policies from-zone a to-zone b policy p match source-address any \
         destination-address any application any\n\
         set security policies from-zone a to-zone b policy p then deny log session-init\n",
    );
    let policy = "set security policies from-zone a to-zone b policy p";
    let expected = format!(
        "{policy} match source-address any\n{policy} match destination-address any\n\
         {policy} match application any\n{policy} then deny\n{policy} then log session-init\n"
    );
    assert_eq!(lines, expected);
}

#[test]
fn delete_takes_keywords_without_names_along() {
    let lines = lines_after(
        "set security policies from-zone a to-zone b policy p then deny\n\
         set security policies from-zone c to-zone d policy p then deny\n\
         set security policies global policy g then deny\n\
         delete security policies from-zone a to-zone b\n\
         delete security policies from-zone c to-zone d policy p\n",
    );
    assert_eq!(
        lines,
        "set security policies from-zone c to-zone d\n\
         set security policies global policy g then deny\n"
    );
}

#[test]
fn deactivate_and_activate_mark_statements() {
    let lines = lines_after(
        "set system host-name fw1\nset system services ssh\n\
         deactivate system host-name\ndeactivate system services\nactivate system services\n",
    );
    assert_eq!(
        lines,
        "set system host-name fw1\ndeactivate system host-name\nset system services ssh\n"
    );
}

#[test]
fn insert_moves_and_rename_keeps_the_position() {
    let lines = lines_after(
        "set firewall filter f term a then accept\n\
         set firewall filter f term b then accept\n\
         set firewall filter f term c then accept\n\
         insert firewall filter f term c before term a\n\
         insert firewall filter f term a after term b\n\
         rename firewall filter f term b to term z\n",
    );
    let expected: String = ["c", "z", "a"]
        .iter()
        .map(|term| format!("set firewall filter f term {term} then accept\n"))
        .collect();
    assert_eq!(lines, expected);
}

#[test]
fn insert_beside_or_of_what_is_not_there_is_an_error() {
    let (_, findings) = read(
        "set firewall filter f term a then accept\n\
         insert firewall filter f term a before term q\n\
         insert firewall filter f term p after term a\n\
         delete firewall filter f term o\n",
    );
    for line in ["error", "there is no `q`", "there is no `p`", "there is no `o`"] {
        assert!(findings.contains(line), "{line} in {findings}");
    }
    let count = |word| findings.matches(word).count();
    assert_eq!((count("error[statement-not-found]"), count("warning[")), (2, 1), "{findings}");
}

#[test]
fn edit_moves_the_level_of_the_commands_after_it() {
    let lines = lines_after(
        "edit security zones security-zone trust\n\
         set tcp-rst\n\
         up\n\
         set security-zone dmz tcp-rst\n\
         top set system host-name a\n\
         edit system\n\
         set domain-name b\n\
         exit\n\
         set chassis cluster reth-count 2\n",
    );
    assert_eq!(
        lines,
        "set security zones security-zone trust tcp-rst\n\
         set security zones security-zone dmz tcp-rst\n\
         set system host-name a\n\
         set system domain-name b\n\
         set chassis cluster reth-count 2\n"
    );
}

#[test]
fn lists_are_the_same_as_single_lines() {
    let list = read_clean("set firewall filter f term t from protocol [ tcp udp ]\n");
    let lines = read_clean(
        "set firewall filter f term t from protocol tcp\n\
         set firewall filter f term t from protocol udp\n",
    );
    assert_eq!(list, lines);
}

#[test]
fn a_word_that_is_a_command_may_name_a_statement_in_braces() {
    let (tree, findings) = read("set { a; }\n");
    assert_eq!(findings, "");
    assert_eq!(print::braces(&tree), "\"set\" {\n    a;\n}\n");
}
