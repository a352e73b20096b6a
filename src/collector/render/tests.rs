//! Every tag in every format, as a reader sees them, and the promises that hold for any name.

mod cases;
mod hostile;
mod syslog_parser;

use components::kinds::EventKind;

use super::*;
use crate::collector::fixture::{TIME_NS, closed, event, frame, world};
use syslog_parser::parse;

/// One line of an event in a format, without its newline.
fn line(options: RenderOptions, event: &RtFlow) -> String {
    let mut out = b"untouched ".to_vec();
    Renderer::new(world(), options).render(event, &[], &mut out);
    let line = String::from_utf8(out).expect("lines are UTF-8");
    let line = line.strip_prefix("untouched ").expect("lines are appended");
    line.strip_suffix('\n').expect("lines end").into()
}

fn sd(event: &RtFlow) -> String {
    line(RenderOptions::new(Format::SdSyslog, "fw1"), event)
}

#[test]
fn create_and_close_print_the_same_session_id() {
    let create = event(EventKind::SessionCreate);
    let (create, close) = (parse(&sd(&create)), parse(&sd(&closed(create))));
    let id = create.value("session-id");
    assert_eq!(id, close.value("session-id"));
    assert_eq!(
        [create.tag.as_str(), &close.tag],
        ["RT_FLOW_SESSION_CREATE", "RT_FLOW_SESSION_CLOSE"]
    );
    assert!(id.parse::<i64>().expect("a number") > 0);
}

#[test]
fn older_releases_get_an_id_of_32_bits_under_its_old_name() {
    let options = RenderOptions {
        session_id_key: SessionIdKey::SessionId32,
        ..RenderOptions::new(Format::SdSyslog, "fw1")
    };
    let printed = parse(&line(options, &event(EventKind::SessionCreate)));
    let id: u64 = printed.value("session-id-32").parse().expect("a number");
    assert!((1..=u64::from(u32::MAX)).contains(&id));
    assert!(!printed.has("session-id"));
    assert_eq!(SessionIdKey::SessionId32.value(1 << 32), 1);
    assert_eq!(SessionIdKey::SessionId32.value(0), 0);
}

#[test]
fn priority_is_by_program_unless_the_stream_sets_it() {
    let options = RenderOptions::new(Format::SdSyslog, "fw1");
    for (kind, priority) in [
        (EventKind::SessionCreate, "<14>1 "),
        (EventKind::PolicyDeny, "<14>1 "),
        (EventKind::ScreenDrop, "<11>1 "),
        (EventKind::FilterLog, "<14>1 "),
    ] {
        assert!(sd(&event(kind)).starts_with(priority));
    }
    let set = RenderOptions { facility: Some(23), severity: Some(5), ..options.clone() };
    assert!(line(set, &event(EventKind::ScreenDrop)).starts_with("<189>1 "));
    let local0 = RenderOptions { facility: Some(16), ..options };
    assert!(line(local0, &event(EventKind::ScreenDrop)).starts_with("<131>1 "));
}

#[test]
fn platform_number_and_host_are_those_of_the_stream() {
    let mut options = RenderOptions::new(Format::SdSyslog, "br nch\"1\n");
    options.platform = 39;
    let printed = line(options, &event(EventKind::PolicyDeny));
    let expected =
        " br_nch_1_ RT_FLOW - RT_FLOW_SESSION_DENY [junos@2636.1.1.1.2.39 source-address=";
    assert!(printed.contains(expected), "{printed}");
    let unnamed = line(RenderOptions::new(Format::Syslog, ""), &event(EventKind::PolicyDeny));
    assert!(unnamed.starts_with("<14>Nov  4 06:05:09 - RT_FLOW: RT_FLOW_SESSION_DENY: "));
}

#[test]
fn elapsed_time_is_whole_seconds_and_never_negative() {
    let mut close = closed(event(EventKind::SessionCreate));
    assert_eq!(parse(&sd(&close)).value("elapsed-time"), "61");
    close.time_ns = TIME_NS - 5_000_000_000;
    assert_eq!(parse(&sd(&close)).value("elapsed-time"), "0");
}

#[test]
fn ids_that_no_table_knows_are_not_available() {
    let stranger = RtFlow {
        policy: 9_999,
        ingress_zone: 300,
        egress_zone: 99,
        ingress_ifindex: 70_000,
        application: 999,
        ..event(EventKind::SessionCreate)
    };
    let printed = parse(&sd(&stranger));
    for key in
        ["policy-name", "source-zone-name", "destination-zone-name", "packet-incoming-interface"]
    {
        assert_eq!(printed.value(key), "N/A", "{key}");
    }
    assert_eq!(printed.value("service-name"), "None");
}

#[test]
fn a_screen_flag_without_its_option_still_names_the_attack() {
    let land = RtFlow { policy: 1 << 5, ..event(EventKind::ScreenDrop) };
    assert_eq!(parse(&sd(&land)).value("attack-name"), "Land attack!");
    let unknown = RtFlow { policy: 1 << 31, ..event(EventKind::ScreenDrop) };
    assert_eq!(parse(&sd(&unknown)).value("attack-name"), "Unknown attack!");
}

#[test]
fn a_mark_stands_where_its_format_has_a_place_for_it() {
    let deny = event(EventKind::PolicyDeny);
    let marked = |options: RenderOptions, sequence| {
        let mut out = Vec::new();
        let mark = Some(Mark { stream: 0x2a, sequence });
        Renderer::new(world(), options).render_marked(&deny, &[], mark, &mut out);
        String::from_utf8(out).expect("lines are UTF-8")
    };
    let options = RenderOptions::new(Format::SdSyslog, "fw1");
    assert_eq!(marked(options.clone(), 7).trim_end(), sd(&deny), "as Junos, unless it is wanted");
    let options = RenderOptions { sequence_id: true, ..options };
    let expected = |id: &str| format!("{}[meta sequenceId=\"{id}\"]\n", sd(&deny));
    assert_eq!(marked(options.clone(), 7), expected("7"));
    assert_eq!(marked(options.clone(), 0x7fff_ffff), expected("2147483647"));
    assert_eq!(marked(options, 0x8000_0000), expected("1"), "it begins again");
    let json = marked(RenderOptions::new(Format::Json, "fw1"), 7);
    let json: serde_json::Value = serde_json::from_str(&json).expect("an object");
    assert_eq!(json["event.id"], "000000000000002a-7");
    assert_eq!(json["event.sequence"], 7);
    let plain = marked(RenderOptions::new(Format::Syslog, "fw1"), 7);
    assert_eq!(plain.trim_end(), line(RenderOptions::new(Format::Syslog, "fw1"), &deny));
}

#[test]
fn binary_is_the_frame_as_it_came() {
    let deny = event(EventKind::PolicyDeny);
    let (frame, mut out) = (frame(&deny, 7), vec![0xa5]);
    let options = RenderOptions::new(Format::Binary, "fw1");
    Renderer::new(world(), options).render(&deny, &frame, &mut out);
    assert_eq!(out[0], 0xa5);
    assert_eq!(out[1..], frame);
}
