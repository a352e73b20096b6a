//! Names that try to forge lines, fields and terminals.

use std::sync::Arc;

use components::kinds::EventKind;
use components::wire::RtFlow;
use components::world::names::PolicyName;
use proptest::prelude::*;

use super::syslog_parser::parse;
use crate::collector::fixture::{event, world};
use crate::collector::render::{Format, RenderOptions, Renderer};

/// The line of a create whose policy, zone, service and host have this name.
fn line_with(name: &str, format: Format) -> String {
    let mut world = Arc::unwrap_or_clone(world());
    world.names.policies[1] = PolicyName { name: name.into(), global: false };
    world.names.zones[2] = name.into();
    world.names.applications[1] = name.into();
    let mut renderer = Renderer::new(Arc::new(world), RenderOptions::new(format, name));
    let create: RtFlow = event(EventKind::SessionCreate);
    let mut out = Vec::new();
    renderer.render(&create, &[], &mut out);
    String::from_utf8(out).expect("lines are UTF-8")
}

/// What a reader must find, told character by character.
fn visible(name: &str) -> String {
    let mut shown = String::new();
    for c in name.chars() {
        match c {
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' => {
                shown += &format!("\\u{{{:04x}}}", u32::from(c));
            }
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                shown += &format!("\\u{{{:04x}}}", u32::from(c));
            }
            c if c.is_control() => shown += &format!("\\x{:02x}", u32::from(c)),
            '=' if shown.contains(char::is_whitespace) => shown += "\\x3d",
            c => shown.push(c),
        }
    }
    shown
}

fn assert_one_clean_line(line: &str) {
    let body = line.strip_suffix('\n').expect("a line ends");
    assert!(!body.chars().any(|c| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}')));
}

#[test]
fn a_name_cannot_forge_a_line_a_field_or_an_override() {
    for (name, expected) in [
        ("a\"] evil\n<14>1 x", r#"policy-name="a\"\] evil\\x0a<14>1 x""#),
        ("a policy-name=b", r#"policy-name="a policy-name\\x3db""#),
        ("\u{1b}[2J\u{7f}\u{9b}", r#"policy-name="\\x1b[2J\\x7f\\x9b""#),
        ("x\u{202e}y\u{2066}z", r#"policy-name="x\\u{202e}y\\u{2066}z""#),
        ("back\\slash", r#"policy-name="back\\slash""#),
        ("Zürich=ok", r#"policy-name="Zürich=ok""#),
    ] {
        let line = line_with(name, Format::SdSyslog);
        assert!(line.contains(expected), "{expected} not in {line}");
        assert_one_clean_line(&line);
    }
}

#[test]
fn words_of_a_text_body_keep_their_places() {
    let plain = line_with("name", Format::Syslog);
    let spaced = line_with("a b\tc \u{202e}", Format::Syslog);
    assert!(spaced.contains(" a\\x20b\\x09c\\x20\\u{202e} "), "{spaced}");
    assert_eq!(plain.split(' ').count(), spaced.split(' ').count());
}

proptest! {
    #[test]
    fn names_round_trip_through_a_syslog_parser(name in "\\PC*|[ -~]*|(?s:.)*") {
        let line = line_with(&name, Format::SdSyslog);
        assert_one_clean_line(&line);
        let message = parse(line.trim_end_matches('\n'));
        for key in ["policy-name", "source-zone-name", "service-name"] {
            prop_assert_eq!(message.value(key), visible(&name));
        }
        prop_assert_eq!(message.parameters.len(), 30);
    }

    #[test]
    fn json_always_parses_and_holds_the_name(name in "\\PC*|[ -~]*|(?s:.)*") {
        let line = line_with(&name, Format::Json);
        assert_one_clean_line(&line);
        let value: serde_json::Value = serde_json::from_str(&line).expect("valid JSON");
        let shown = visible(&name);
        prop_assert_eq!(value["policy_name"].as_str(), Some(shown.as_str()));
        prop_assert_eq!(value["rule.name"].as_str(), Some(shown.as_str()));
        prop_assert_eq!(value["source_zone_name"].as_str(), Some(shown.as_str()));
    }

    #[test]
    fn text_bodies_have_one_word_a_name(name in "(?s:.)*") {
        let line = line_with(&name, Format::Syslog);
        assert_one_clean_line(&line);
        // The day of the month is padded: one more piece than words.
        prop_assert_eq!(line.split(' ').count(), line_with("x", Format::Syslog).split(' ').count());
    }
}
