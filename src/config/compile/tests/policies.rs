//! Policies, their order and what they may not leave out.

use components::address::Family;
use components::ids::{PolicyId, RuleId, ZoneId};
use components::kinds::Action;
use components::world::World;
use components::world::application::Service;
use components::world::policy::{PolicyHit, PolicyQuery};

use super::{DMZ, OFFICE, TRUST, UNTRUST, found, load, office, v4};

fn lookup(world: &World, zones: (ZoneId, ZoneId), port: u16) -> PolicyHit {
    world.policies.lookup(&PolicyQuery {
        from_zone: zones.0,
        to_zone: zones.1,
        family: Family::Inet,
        destination_family: Family::Inet,
        source: v4("10.1.1.2"),
        destination: v4("203.0.113.7"),
        service: Service {
            protocol: 6,
            source_port: 40_000,
            destination_port: port,
            ..Service::default()
        },
        time_ns: 0,
    })
}

/// The lines of a policy of a list.
fn policy(list: &str, name: &str, application: &str, then: &str) -> String {
    let at = format!("set security policies {list} policy {name}");
    format!(
        "{at} match source-address any
         {at} match destination-address any
         {at} match application {application}
         {at} then {then}\n"
    )
}

#[test]
fn the_pair_comes_before_global_and_the_default_last() {
    let pair = "from-zone trust to-zone untrust";
    let text = [
        policy(pair, "web", "junos-http", "permit"),
        policy(pair, "ftp", "junos-ftp", "reject"),
        policy("global", "ssh", "junos-ssh", "permit"),
        policy("global", "web", "junos-http", "deny"),
    ]
    .concat();
    let world = office(&text);
    let trust = (TRUST, UNTRUST);
    let cases = [
        (trust, 80, 1, 1, Action::Permit),
        (trust, 21, 2, 2, Action::Reject),
        (trust, 22, 3, 1, Action::Permit),
        ((DMZ, UNTRUST), 80, 4, 2, Action::Deny),
        (trust, 99, 0, 0, Action::Deny),
    ];
    for (zones, port, id, ordinal, action) in cases {
        let hit = lookup(&world, zones, port);
        let expected = (PolicyId(id), RuleId(ordinal), action);
        assert_eq!((hit.policy, hit.ordinal, hit.action), expected, "{port}");
    }
    assert_eq!(world.names.policy(PolicyId(1)).name, "web");
    assert!(world.names.policy(PolicyId(4)).global);
    assert!(!world.names.policy(PolicyId(2)).global);
}

#[test]
fn log_statements_and_the_default_policy_are_honoured() {
    let pair = "from-zone trust to-zone untrust";
    let text = [
        policy(pair, "web", "junos-http", "permit"),
        format!("set security policies {pair} policy web then log session-init\n"),
        policy(pair, "ssh", "junos-ssh", "permit"),
        format!("set security policies {pair} policy ssh then log session-close\n"),
    ]
    .concat();
    let world = office(&text);
    let logs = |world: &World, port| {
        let hit = lookup(world, (TRUST, UNTRUST), port);
        (hit.log_init, hit.log_close)
    };
    assert_eq!(logs(&world, 80), (true, false));
    assert_eq!(logs(&world, 22), (false, true));
    assert_eq!(logs(&world, 99), (false, false));
    let more = "set security policies default-policy permit-all
         set security policies default-policy-logging";
    let world = office(more);
    assert_eq!(lookup(&world, (TRUST, UNTRUST), 99).action, Action::Permit);
    assert_eq!(logs(&world, 99), (true, true));
}

#[test]
fn global_policies_match_zones() {
    let text = [
        policy("global", "one", "any", "permit"),
        "set security policies global policy one match from-zone [ trust dmz ]\n".to_owned(),
        "set security policies global policy one match to-zone junos-host\n".to_owned(),
        policy("global", "two", "any", "reject"),
        "set security policies global policy two match from-zone any\n".to_owned(),
    ]
    .concat();
    let world = office(&text);
    let id = |from, to| lookup(&world, (from, to), 80).policy.0;
    assert_eq!(id(TRUST, ZoneId::JUNOS_HOST), 1);
    assert_eq!(id(DMZ, ZoneId::JUNOS_HOST), 1);
    assert_eq!(id(UNTRUST, ZoneId::JUNOS_HOST), 2);
    assert_eq!(id(TRUST, UNTRUST), 2);
}

#[test]
fn what_would_open_the_firewall_is_an_error() {
    let pair = "from-zone trust to-zone untrust";
    let base = policy(pair, "p", "any", "permit");
    let at = format!("set security policies {pair} policy p");
    let cases = [
        "match source-identity alice",
        "match dynamic-application junos:HTTP",
        "match source-end-user-profile x",
        "then permit application-services idp",
        "then permit firewall-authentication web-authentication",
        "then permit tunnel ipsec-vpn v",
        "then permit tcp-options syn-check-required",
    ];
    for case in cases {
        let ids = found(&format!("{base}{at} {case}"));
        assert_eq!(ids, ["would-open"], "{case}");
    }
}

#[test]
fn incomplete_and_misspelt_policies_are_errors() {
    let pair = "from-zone trust to-zone untrust";
    let base = policy(pair, "p", "any", "permit");
    let at = format!("set security policies {pair} policy");
    let cases = [
        (format!("{at} q match source-address any\n{at} q then deny"), "missing-match"),
        (format!("{at} q match source-address any"), "missing-action"),
        (format!("{base}{at} p then log session-int"), "unknown-statement"),
        (format!("{base}{at} p match source-adress any"), "unknown-statement"),
        (policy("from-zone trust to-zone nowhere", "p", "any", "deny"), "undefined-zone"),
        (policy(pair, "p/q", "any", "deny"), "bad-name"),
        (policy(pair, &"x".repeat(64), "any", "deny"), "bad-name"),
    ];
    for (lines, id) in cases {
        assert!(found(&lines).contains(&id), "{lines}: {:?}", found(&lines));
    }
}

#[test]
fn policies_that_an_earlier_one_covers_are_found() {
    let pair = "from-zone trust to-zone untrust";
    let at = format!("set security policies {pair} policy");
    let books = "set security address-book global address lan 10.1.0.0/16
         set security address-book global address host 10.1.1.7/32
         set security address-book global address other 192.168.0.0/16\n";
    let narrow = |name: &str, source: &str, application: &str| {
        format!(
            "{at} {name} match source-address {source}
             {at} {name} match destination-address any
             {at} {name} match application {application}
             {at} {name} then permit\n"
        )
    };
    let cases = [
        (narrow("a", "lan", "any") + &narrow("b", "host", "junos-http"), true),
        (narrow("a", "host", "any") + &narrow("b", "lan", "junos-http"), false),
        (narrow("a", "lan", "junos-http") + &narrow("b", "host", "any"), false),
        (narrow("a", "any", "junos-smb") + &narrow("b", "host", "junos-smb-session"), true),
        (narrow("a", "any", "junos-icmp-ping") + &narrow("b", "host", "junos-icmp-all"), false),
        (
            narrow("a", "host", "any")
                + &format!("{at} a match source-address-excluded\n")
                + &narrow("b", "other", "any"),
            true,
        ),
        (
            narrow("a", "host", "any")
                + &format!("{at} a match source-address-excluded\n")
                + &narrow("b", "lan", "any"),
            false,
        ),
    ];
    for (lines, shadowed) in cases {
        let ids = found(&format!("{books}{lines}"));
        assert_eq!(ids.contains(&"shadowed-policy"), shadowed, "{lines}: {ids:?}");
    }
}

#[test]
fn policies_that_no_packet_fits_are_found() {
    let at = "set security policies from-zone trust to-zone untrust policy p";
    let text = format!(
        "{at} match source-address any-ipv4
         {at} match destination-address any-ipv6
         {at} match application any
         {at} then permit"
    );
    assert_eq!(found(&text), ["never-matches"]);
}

#[test]
fn inactive_policies_are_not_there() {
    let pair = "from-zone trust to-zone untrust";
    let text = format!(
        "{OFFICE}{}deactivate security policies {pair} policy p",
        policy(pair, "p", "any", "permit")
    );
    let (compiled, ..) = load(&text);
    let world = compiled.expect("compiles").world;
    assert_eq!(world.names.policies.len(), 1);
    assert_eq!(lookup(&world, (TRUST, UNTRUST), 80).action, Action::Deny);
}

#[test]
fn a_policy_that_is_named_like_the_default_one_is_warned_of() {
    let text = policy("global", "default-policy", "junos-ssh", "permit");
    assert_eq!(found(&text), ["ambiguous-name"]);
}

#[test]
fn a_permit_of_what_an_srx_has_a_gateway_for_is_warned_of() {
    for (application, then, ids) in [
        ("junos-ftp", "permit", &["no-gateway"][..]),
        ("junos-mgcp", "permit", &["no-gateway", "no-gateway"]),
        ("junos-ftp", "deny", &[]),
        ("junos-ssh", "permit", &[]),
        ("own", "permit", &[]),
    ] {
        let own = "set applications application own protocol tcp destination-port 21\n";
        let used = policy("global", "other", "own", "deny");
        let text = [own, &policy("global", "p", application, then), &used].concat();
        let shadowed = |id: &&str| *id != "shadowed-policy";
        let found: Vec<_> = found(&text).into_iter().filter(shadowed).collect();
        assert_eq!(found, ids, "{application} {then}");
    }
    let text = policy("global", "p", "junos-ftp", "permit");
    let off = |alg: &str| found(&format!("set security alg {alg} disable\n{text}"));
    assert_eq!((off("ftp"), off("sip")), (vec![], vec!["no-gateway"]));
}
