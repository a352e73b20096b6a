//! Firewall filters: conditions, actions, counters.

use components::address::Family;
use components::ids::{CounterId, FilterId, IfIndex};
use components::world::World;
use components::world::filter::{FilterAction, FilterTerm, RejectWith};
use components::world::policer::LossPriority;

use super::{found, office, v4};

/// A filter with one term of these conditions.
fn with_from(family: &str, conditions: &[&str]) -> String {
    let at = format!("set firewall family {family} filter f term t");
    let from = conditions.iter().map(|condition| format!("{at} from {condition}\n"));
    format!("{}{at} then accept", from.collect::<String>())
}

fn term_of(world: &World) -> &FilterTerm {
    &world.filter(FilterId(1)).expect("one filter").terms()[0]
}

fn inet(conditions: &[&str]) -> FilterTerm {
    term_of(&office(&with_from("inet", conditions))).clone()
}

#[test]
fn conditions_become_ranges_and_masks() {
    let term = inet(&[
        "protocol [ tcp 17 ospf ]",
        "source-port 1024-65535",
        "destination-port [ ssh 8000-8010 ]",
        "packet-length 64-128",
        "ttl 1",
        "dscp [ ef 10 ]",
        "tcp-flags \"(syn & !ack)\"",
        "fragment-flags more-fragments",
    ]);
    let matches = term.matches;
    assert_eq!(matches.protocols, [6, 17, 89]);
    assert_eq!(matches.source_ports, [(1024, 65_535)]);
    assert_eq!(matches.destination_ports, [(22, 22), (8000, 8010)]);
    assert_eq!(matches.packet_lengths, [(64, 128)]);
    assert_eq!(matches.ttls, [(1, 1)]);
    assert_eq!(matches.dscps, [46, 10]);
    assert_eq!(matches.tcp_flags, [(0x12, 0x02)]);
    assert_eq!(matches.fragment_flags, Some((0x2000, 0x2000)));
    assert_eq!(matches.source, None);
}

#[test]
fn conditions_on_the_rest_of_the_header() {
    let matches = inet(&[
        "precedence [ critical-ecp 7 ]",
        "dscp [ ef 0 ]",
        "fragment-offset [ 1-100 200 ]",
        "ip-options [ timestamp route-record ]",
        "loss-priority-except [ low high ]",
        "interface ge-0/0/1.0",
    ])
    .matches;
    assert_eq!(matches.dscps, [46], "precedence and dscp both hold");
    assert_eq!(matches.fragment_offsets, [(1, 100), (200, 200)]);
    assert_eq!(matches.ip_options, 3);
    assert_eq!(matches.loss_priorities, [LossPriority::MediumLow, LossPriority::MediumHigh]);
    assert_eq!(matches.interfaces, [IfIndex(2)]);
    let except = inet(&["precedence-except routine"]).matches;
    assert_eq!((except.dscps.len(), except.dscps[0]), (56, 8));
}

#[test]
fn exceptions_become_what_is_left() {
    let term =
        inet(&["port-except [ 80 443-444 ]", "protocol-except [ 1-254 ]", "ttl-except 0-254"]);
    assert_eq!(term.matches.ports, [(0, 79), (81, 442), (445, 65_535)]);
    assert_eq!(term.matches.protocols, [0, 255]);
    assert_eq!(term.matches.ttls, [(255, 255)]);
    let nothing = with_from("inet", &["protocol-except 0-255"]);
    assert_eq!(found(&nothing), ["never-matches"], "must not become an absent condition");
}

#[test]
fn families_have_their_own_icmp_types() {
    let v4_types =
        inet(&["protocol icmp", "icmp-type [ echo-request unreachable ]", "icmp-code 0-3"]);
    assert_eq!(v4_types.matches.icmp_types, [(8, 8), (3, 3)]);
    assert_eq!(v4_types.matches.icmp_codes, [(0, 3)]);
    let world = office(&with_from(
        "inet6",
        &[
            "next-header icmp6",
            "icmp-type [ echo-request neighbor-solicit ]",
            "hop-limit 255",
            "traffic-class cs6",
        ],
    ));
    let matches = &term_of(&world).matches;
    assert_eq!(world.filter(FilterId(1)).map(|f| f.family), Some(Family::Inet6));
    assert_eq!(matches.protocols, [58]);
    assert_eq!(matches.icmp_types, [(128, 128), (135, 135)]);
    assert_eq!(matches.ttls, [(255, 255)]);
    assert_eq!(matches.dscps, [48]);
}

#[test]
fn the_longest_prefix_decides_about_exceptions() {
    let more = "set policy-options prefix-list inner 10.1.1.0/24
         set policy-options prefix-list inner 2001:db8::/32\n";
    let world = office(&format!(
        "{more}{}",
        with_from(
            "inet",
            &[
                "source-address 10.0.0.0/8",
                "source-address 10.1.0.0/16 except",
                "source-address 10.1.2.0/24",
                "source-prefix-list inner except",
                "destination-prefix-list inner",
            ]
        )
    ));
    let matches = &term_of(&world).matches;
    let source = matches.source.as_ref().expect("a condition");
    let cases = [
        ("10.0.0.1", true),
        ("10.1.0.1", false),
        ("10.1.1.1", false),
        ("10.1.2.1", true),
        ("10.1.3.1", false),
        ("10.2.0.1", true),
        ("11.0.0.1", false),
    ];
    for (address, inside) in cases {
        assert_eq!(source.contains(Family::Inet, v4(address)), inside, "{address}");
    }
    let destination = matches.destination.as_ref().expect("a condition");
    assert!(destination.contains(Family::Inet, v4("10.1.1.7")));
    assert!(destination.v6().is_empty());
}

#[test]
fn prefix_lists_follow_paths() {
    let world = office(&format!(
        "set policy-options prefix-list own \
         apply-path \"interfaces <ge-*> unit <*> family inet address <*>\"\n{}",
        with_from("inet", &["destination-prefix-list own"])
    ));
    let own = term_of(&world).matches.destination.as_ref().expect("a condition");
    assert!(own.contains(Family::Inet, v4("10.1.2.77")));
    assert!(own.contains(Family::Inet, v4("203.0.113.2")));
    assert!(!own.contains(Family::Inet, v4("10.1.3.1")));
}

#[test]
fn actions_logs_and_counters_are_compiled() {
    let world = office(
        "set firewall family inet filter f term a then count c1
         set firewall family inet filter f term a then log
         set firewall family inet filter f term a then next term
         set firewall family inet filter f term b then reject
         set firewall family inet filter f term b then count c2
         set firewall family inet filter f term c from protocol tcp
         set firewall family inet filter f term c then reject tcp-reset
         set firewall family inet filter f term d from protocol udp
         set firewall family inet filter f term d then reject port-unreachable
         set firewall family inet filter f term e from protocol gre
         set firewall family inet filter f term e then syslog
         set firewall family inet filter f term g from protocol ah
         set firewall family inet filter f term g then discard
         set firewall family inet filter f term g then count c1
         set firewall filter other term x then count c1",
    );
    let filter = world.filter(FilterId(1)).expect("f");
    let read: Vec<_> = filter.terms().iter().map(|t| (t.action, t.log, t.counter.0)).collect();
    assert_eq!(
        read,
        [
            (FilterAction::NextTerm, true, 1),
            (FilterAction::Reject(RejectWith::Unreachable(13)), false, 2),
            (FilterAction::Reject(RejectWith::TcpReset), false, 0),
            (FilterAction::Reject(RejectWith::Unreachable(3)), false, 0),
            (FilterAction::Accept, true, 0),
            (FilterAction::Discard, false, 1),
        ]
    );
    let counter = |id| world.names.counter(CounterId(id)).map(|(f, c)| format!("{f} {c}"));
    assert_eq!(counter(3).as_deref(), Some("other c1"));
    assert_eq!(counter(4), None);
}

#[test]
fn conditions_that_cannot_be_matched_are_errors() {
    let cases = [
        ("interface ge-0/0/9.0", "undefined-interface"),
        ("forwarding-class best-effort", "would-open"),
        ("ip-options router-alert", "would-open"),
        ("fragment-offset 8192", "bad-number"),
        ("precedence 8", "bad-number"),
        ("loss-priority medium", "bad-loss-priority"),
        ("loss-priority-except [ low medium-low medium-high high ]", "never-matches"),
        ("source-adress 10.0.0.0/8", "unknown-statement"),
        ("source-address 2001:db8::/32", "bad-family"),
        ("source-address 10.0.0.0/8 excpt", "unknown-statement"),
        ("source-prefix-list nobody", "undefined-prefix-list"),
        ("tcp-flags \"syn &\"", "bad-tcp-flags"),
        ("protocol tpc", "bad-number"),
        ("destination-port 70000", "bad-number"),
        ("dscp 64", "bad-number"),
    ];
    for (condition, id) in cases {
        let ids = found(&with_from("inet", &[condition]));
        assert!(ids.contains(&id), "{condition}: {ids:?}");
    }
}

#[test]
fn actions_that_cannot_be_taken_are_found() {
    let at = "set firewall filter f term t";
    let cases = [
        ("then policer limit", "undefined-policer"),
        ("then three-color-policer single-rate limit", "undefined-policer"),
        ("then three-color-policer three-rate limit", "unknown-statement"),
        ("then loss-priority medium", "bad-loss-priority"),
        ("then dscp 64", "bad-number"),
        ("then routing-instance red", "would-open"),
        ("then reject nicely", "unknown-statement"),
        ("then acept", "unknown-statement"),
        ("filter other", "would-open"),
    ];
    for (rest, id) in cases {
        let ids = found(&format!("{at} {rest}"));
        assert!(ids.contains(&id), "{rest}: {ids:?}");
    }
}

#[test]
fn terms_that_an_earlier_one_covers_are_found() {
    let at = "set firewall filter f term";
    let cases = [
        (format!("{at} a then accept\n{at} b from protocol tcp"), true),
        (format!("{at} a then next term\n{at} b from protocol tcp"), false),
        (format!("{at} a from protocol tcp\n{at} b from protocol tcp\n{at} b from port 80"), true),
        (format!("{at} a from protocol tcp\n{at} a from port 80\n{at} b from protocol tcp"), false),
        (
            format!(
                "{at} a from source-address 10.0.0.0/8\n{at} b from source-address 10.1.0.0/16"
            ),
            true,
        ),
        (format!("{at} a from address 10.0.0.0/8\n{at} b from source-address 10.1.0.0/16"), false),
    ];
    for (lines, shadowed) in cases {
        let ids = found(&lines);
        assert_eq!(ids.contains(&"shadowed-term"), shadowed, "{lines}: {ids:?}");
    }
    let only_exceptions = with_from("inet", &["source-address 10.0.0.0/8 except"]);
    assert_eq!(found(&only_exceptions), ["never-matches"]);
}
