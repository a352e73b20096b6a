//! What `apply-groups` puts into force.

use super::{BRANCH_OFFICE, Diagnostics, Sources, print, read_clean, render, snapshot};
use crate::config::{effective, parse_text};

/// The set lines in force; the text must have no findings.
fn in_force(text: &str) -> String {
    let mut diagnostics = Diagnostics::default();
    let tree = effective(&read_clean(text), &mut diagnostics);
    assert_eq!(diagnostics.0, []);
    print::set_lines(&tree)
}

#[test]
fn explicit_statements_win_over_groups() {
    let lines = in_force(
        "groups { g { system { host-name from-group; domain-name example.net; } } }\n\
         apply-groups g;\n\
         system { host-name fw1; }\n",
    );
    assert_eq!(lines, "set system host-name fw1\nset system domain-name example.net\n");
}

#[test]
fn a_group_cannot_turn_an_explicit_deny_into_a_permit() {
    let lines = in_force(
        "groups { g { security { policies { default-policy { permit-all; } } } } }\n\
         apply-groups g;\n\
         security { policies { default-policy { deny-all; } } }\n",
    );
    assert_eq!(lines, "set security policies default-policy deny-all\n");
}

#[test]
fn inner_groups_win_over_outer_and_earlier_over_later() {
    let lines = in_force(
        "groups { \
             a { interfaces { <ge-*> { mtu 1; speed 1; } } } \
             b { interfaces { <*> { mtu 2; speed 2; description b; } } } \
             c { interfaces { ge-0/0/0 { mtu 3; } } } \
         }\n\
         apply-groups [ a b ];\n\
         interfaces { ge-0/0/0 { apply-groups c; } xe-0/0/1 { disable; } }\n",
    );
    let expected = "\
        set interfaces ge-0/0/0 mtu 3\n\
        set interfaces ge-0/0/0 speed 1\n\
        set interfaces ge-0/0/0 description b\n\
        set interfaces xe-0/0/1 disable\n\
        set interfaces xe-0/0/1 mtu 2\n\
        set interfaces xe-0/0/1 speed 2\n\
        set interfaces xe-0/0/1 description b\n";
    assert_eq!(lines, expected);
}

#[test]
fn exceptions_hold_from_their_level_on() {
    let lines = in_force(
        "groups { g { interfaces { <*> { mtu 9000; unit <*> { bandwidth 1m; } } } } }\n\
         apply-groups g;\n\
         interfaces { \
             ge-0/0/0 { apply-groups-except g; unit 0; } \
             ge-0/0/1 { unit 0 { apply-groups-except g; } } \
         }\n",
    );
    let expected = "\
        set interfaces ge-0/0/0 unit 0\n\
        set interfaces ge-0/0/1 unit 0\n\
        set interfaces ge-0/0/1 mtu 9000\n";
    assert_eq!(lines, expected);
}

#[test]
fn inactive_statements_and_applications_count_for_nothing() {
    let lines = in_force(
        "groups { g { system { inactive: domain-name example.net; host-name group; } } }\n\
         apply-groups g;\n\
         system { inactive: host-name fw1; }\n\
         interfaces { inactive: apply-groups g; lo0; }\n",
    );
    assert_eq!(lines, "set system host-name group\nset interfaces lo0\n");
}

#[test]
fn keywords_that_lose_their_names_are_gone() {
    let lines = in_force(
        "groups { g { \
             security { policies { from-zone <*> to-zone <*> { policy <*> { then { count; } } } } } \
             interfaces { <*> { mtu 9000; } } \
         } }\n\
         apply-groups g;\n\
         system { inactive: host-name fw1; services { inactive: ssh; } }\n\
         security { policies { \
             inactive: from-zone a to-zone b { policy p { then { permit; } } } \
             global { inactive: policy p { then { permit; } } } \
         } }\n",
    );
    assert_eq!(lines, "set system services\nset security policies global\n");
}

#[test]
fn lists_take_the_values_of_both() {
    let lines = in_force(
        "groups { g { firewall { filter <*> { term <*> { from { protocol [ tcp udp ]; } } } } } }\n\
         apply-groups g;\n\
         firewall { filter f { term t { from { protocol icmp; } } } }\n",
    );
    let expected = "\
        set firewall filter f term t from protocol icmp\n\
        set firewall filter f term t from protocol tcp\n\
        set firewall filter f term t from protocol udp\n";
    assert_eq!(lines, expected);
}

#[test]
fn patterns_are_those_of_the_shell() {
    for (pattern, name, expected) in [
        ("<*>", "ge-0/0/0", true),
        ("<ge-*>", "ge-0/0/0", true),
        ("<ge-*>", "xe-0/0/0", false),
        ("<ge-0/0/[0-3]>", "ge-0/0/2", true),
        ("<ge-0/0/[0-3]>", "ge-0/0/4", false),
        ("<ge-0/0/[!0-3]>", "ge-0/0/4", true),
        ("<?e-*/1>", "xe-0/0/1", true),
        ("<*a*b>", "xaxbxab", true),
        ("<*a*b>", "xaxbxa", false),
        ("<>", "x", false),
    ] {
        let text = format!(
            "groups {{ g {{ interfaces {{ {pattern} {{ disable; }} }} }} }}\n\
             apply-groups g;\ninterfaces {{ {name}; }}\n"
        );
        let is_matching = in_force(&text).contains("disable");
        assert_eq!(is_matching, expected, "{pattern} {name}");
    }
}

#[test]
fn inherited_statements_keep_the_place_of_the_group() {
    let (mut sources, mut diagnostics) = (Sources::default(), Diagnostics::default());
    let tree = parse_text(&mut sources, "test.conf", BRANCH_OFFICE, &mut diagnostics);
    let tree = effective(&tree, &mut diagnostics);
    let mtu = tree.at(&["interfaces", "ge-0/0/0", "mtu"]).unwrap();
    let (line, _) = sources.line_column(mtu.span);
    assert_eq!(BRANCH_OFFICE.lines().nth(line - 1), Some("                mtu 1500;"));
}

#[test]
fn names_unknown_inactive_and_nested_groups() {
    let (mut sources, mut diagnostics) = (Sources::default(), Diagnostics::default());
    let text = include_str!("../../../tests/config/broken-groups.conf");
    let tree = parse_text(&mut sources, "broken-groups.conf", text, &mut diagnostics);
    let _ = effective(&tree, &mut diagnostics);
    snapshot("broken-groups", &render::text(&sources, &diagnostics));
}
