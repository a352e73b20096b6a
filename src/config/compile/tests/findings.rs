//! Findings as people read them, as snapshots; and the example, which must have no error.

use components::address::Family;
use components::ids::PolicyId;

use super::{OFFICE, compiled, load, rendered, v4};
use crate::config::render;

/// Compares with `snapshots/check/NAME.snap`.
fn snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/check"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

fn example() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/branch-office.conf");
    std::fs::read_to_string(path).expect("the example is part of the repository")
}

#[test]
fn the_branch_office_compiles_with_what_is_not_honoured_listed() {
    let (compiled, sources, diagnostics) = load(&example());
    snapshot("branch-office", &render::text(&sources, &diagnostics));
    let world = compiled.expect("no error").world;
    assert_eq!(world.names.host, "branch-fw1");
    let policies: Vec<_> = world.names.policies.iter().map(|p| p.name.as_str()).collect();
    let expected = [
        "default-policy",
        "staff-out",
        "guests-keep-out",
        "staff-web",
        "web-in",
        "mail-in",
        "mail-out",
        "deny-legacy",
    ];
    assert_eq!(policies, expected);
    assert!(world.names.policy(PolicyId(7)).global);
    let hop = world.routes.route(Family::Inet6, v4("2a00::1")).expect("a default route");
    assert_eq!(hop.gateway, v4("2001:db8:ffff::1"));
    assert_eq!(world.nat.statics.len() + world.nat.destination.len() + world.nat.source.len(), 5);
}

#[test]
fn the_example_compiles_from_set_lines_too() {
    let (_, sources, _) = load(&example());
    let mut diagnostics = crate::config::diagnostic::Diagnostics::default();
    let mut again = crate::config::span::Sources::default();
    let text = &sources.get(crate::config::span::SourceId(0)).text;
    let tree = crate::config::parse_text(&mut again, "fw.conf", text, &mut diagnostics);
    let lines = crate::config::print::set_lines(&tree);
    let (braces, set) = (compiled(text), compiled(&lines));
    assert_eq!(format!("{:?}", braces.world), format!("{:?}", set.world));
    assert_eq!(braces.log, set.log);
}

#[test]
fn undefined_names_have_suggestions() {
    let text = rendered(
        "interfaces {
    ge-0/0/0 { unit 0 { family inet { address 203.0.113.2/24; filter { input edge-inn; } } } }
    ge-0/0/1 { unit 0 { family inet { address 10.1.1.1/24; } } }
}
security {
    address-book { global { address web-server 10.1.2.80/32; } }
    screen { ids-option untrust-screen { tcp { land; } } }
    zones {
        security-zone untrust { screen untrust-scren; interfaces { ge-0/0/0.0; } }
        security-zone trust { interfaces { ge-0/0/1.0; ge-0/0/2.0; } }
    }
    policies {
        from-zone trsut to-zone untrust {
            policy lost {
                match { source-address any; destination-address any; application any; }
                then { permit; }
            }
        }
        from-zone trust to-zone untrust {
            policy web {
                match {
                    source-address any;
                    destination-address web-srever;
                    application junos-htpp;
                }
                then { permit; }
            }
        }
    }
}
firewall { family inet { filter edge-in { term all { then accept; } } } }
",
    );
    snapshot("undefined-names", &text);
}

#[test]
fn statements_that_would_open_the_firewall_are_errors() {
    let text = rendered(&format!(
        "{}
set security policies from-zone trust to-zone untrust policy p match source-address any
set security policies from-zone trust to-zone untrust policy p match destination-address any
set security policies from-zone trust to-zone untrust policy p match application any
set security policies from-zone trust to-zone untrust policy p match dynamic-application junos:TOR
set security policies from-zone trust to-zone untrust policy p then permit application-services idp
set firewall family inet filter f term t from source-mac-address 00:00:5e:00:53:01
set interfaces ge-0/0/0 unit 0 family inet rpf-check
set routing-instances guest interface ge-0/0/2.0
",
        OFFICE.replace("    ", "")
    ));
    snapshot("would-open", &text);
}

#[test]
fn what_is_accepted_and_not_honoured_is_listed_once() {
    let text = rendered(&format!(
        "{}
set system services ssh
set system syslog file messages any any
set snmp community public
set security flow strict-packet-order
set security screen ids-option a tcp syn-flood attack-threshold 200
set security screen ids-option b tcp syn-flood attack-threshold 300
set security screen ids-option b limit-session source-ip-based 50
set security zones security-zone trust screen a
set security zones security-zone dmz screen b
set security alg dns disable
set chassis cluster redundancy-group 0 node 0 priority 100
set chassis cluster redundancy-group 0 preempt
set chassis cluster heartbeat-interval 1000
",
        OFFICE.replace("    ", "")
    ));
    snapshot("not-honoured", &text);
}

#[test]
fn lists_are_checked_for_what_never_happens() {
    let text = rendered(
        "interfaces {
    ge-0/0/0 { unit 0 { family inet { address 203.0.113.2/24; } } }
    ge-0/0/1 { unit 0 { family inet { address 10.1.1.1/24; } } }
    ge-0/0/5 { unit 0 { family inet { address 10.5.1.1/24; } } }
}
routing-options { static { route 10.9.0.0/16 next-hop 172.16.0.1; } }
security {
    address-book { global {
        address lan 10.1.1.0/24;
        address host 10.1.1.7/32;
        address old 10.7.0.0/16;
    } }
    nat { source {
        pool one { address { 203.0.113.16/28; } }
        pool two { address { 203.0.113.30/32; } }
    } }
    zones {
        security-zone untrust { interfaces { ge-0/0/0.0; } }
        security-zone trust { interfaces { ge-0/0/1.0; } }
        security-zone empty;
    }
    policies {
        from-zone trust to-zone untrust {
            policy lan-out {
                match { source-address lan; destination-address any; application any; }
                then { permit; }
            }
            policy host-ssh {
                match { source-address host; destination-address any; application junos-ssh; }
                then { deny; }
            }
        }
    }
}
firewall { filter f {
    term tcp { from { protocol tcp; } then accept; }
    term ssh { from { protocol tcp; destination-port ssh; } then discard; }
} }
applications { application old { protocol tcp; destination-port 4711; } }
",
    );
    snapshot("never-happens", &text);
}

#[test]
fn names_and_values_that_do_not_fit_are_errors() {
    let text = rendered(&format!(
        "{}
set system host-name \"fw 1\"
set security zones security-zone \"guest zone\" tcp-rst
set security policies global policy a/b match source-address any
set security policies global policy a/b match destination-address any
set security policies global policy a/b match application any
set security policies global policy a/b then denny
set applications application x protocol tpc
set applications application y protocol tcp destination-port https-alt
set firewall family inet filter f term t from tcp-flags \"(syn & ack\"
set security zones security-zone dmz interfaces ge-0/0/0.0
set security zones security-zone dmz host-inbound-traffic system-services shh
",
        OFFICE.replace("    ", "")
    ));
    snapshot("bad-values", &text);
}
