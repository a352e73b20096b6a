//! Applications, predefined and configured.

use components::ids::AppId;
use components::world::World;
use components::world::application::Service;
use components::world::policy::{AppMatch, PolicyQuery};

use super::{TRUST, UNTRUST, compiled, found, office, v4};

fn service(protocol: u8, port_or_type: u16) -> Service {
    let icmp = matches!(protocol, 1 | 58);
    Service {
        protocol,
        source_port: 40_000,
        destination_port: if icmp { 0 } else { port_or_type },
        icmp_type: if icmp { u8::try_from(port_or_type).expect("a type") } else { 0 },
        icmp_code: 0,
    }
}

fn name_of(world: &World, protocol: u8, port_or_type: u16) -> &str {
    let id = world.applications.service_of(&service(protocol, port_or_type));
    world.names.application(id)
}

#[test]
fn packets_are_named_by_the_narrowest_application() {
    let world = office("set applications application alt-http protocol tcp destination-port 8080");
    let cases = [
        (6, 80, "junos-http"),
        (6, 443, "junos-https"),
        (6, 22, "junos-ssh"),
        (6, 25, "junos-smtp"),
        (6, 389, "junos-ldap"),
        (6, 445, "junos-smb"),
        (6, 8080, "alt-http"),
        (6, 40_001, "None"),
        (17, 53, "junos-dns-udp"),
        (17, 123, "junos-ntp"),
        (17, 69, "junos-tftp"),
        (17, 67, "junos-dhcp-server"),
        (17, 40_001, "None"),
        (1, 8, "junos-icmp-ping"),
        (1, 3, "junos-icmp-all"),
        (58, 128, "junos-icmp6-echo-request"),
        (58, 135, "junos-icmp6-all"),
        (47, 0, "junos-gre"),
        (89, 0, "junos-ospf"),
        (50, 0, "None"),
    ];
    for (protocol, port, name) in cases {
        assert_eq!(name_of(&world, protocol, port), name, "{protocol} {port}");
    }
}

#[test]
fn custom_applications_have_terms_types_and_timeouts() {
    let world = office(
        "set applications application one protocol tcp
         set applications application one source-port 1024-65535
         set applications application one destination-port 7000-7010
         set applications application one inactivity-timeout never
         set applications application two term t1 protocol udp destination-port snmp
         set applications application two term t1 inactivity-timeout 30
         set applications application two term t2 protocol icmp icmp-type echo-request icmp-code 0
         set applications application two term t3 protocol 97",
    );
    let id = |name: &str| {
        let at = world.names.applications.iter().position(|known| known == name);
        AppId(u16::try_from(at.expect(name)).expect("small"))
    };
    let [term] = world.applications.get(id("one")).terms[..] else {
        panic!("one term");
    };
    assert_eq!(term.protocol, Some(6));
    assert_eq!((term.source_ports, term.destination_ports), ((1024, 65_535), (7000, 7010)));
    assert_eq!(term.timeout_s, u32::MAX);
    let [t1, t2, t3] = world.applications.get(id("two")).terms[..] else {
        panic!("three terms");
    };
    assert_eq!((t1.protocol, t1.destination_ports, t1.timeout_s), (Some(17), (161, 161), 30));
    assert_eq!((t2.protocol, t2.icmp_type, t2.icmp_code), (Some(1), Some(8), Some(0)));
    assert_eq!((t3.protocol, t3.destination_ports), (Some(97), (0, 65_535)));
    let timeout = world.applications.timeout_s(id("two"), &service(17, 161));
    assert_eq!(timeout, Some(30));
}

/// A policy from trust to untrust for one application.
fn policy(application: &str, action: &str, more: &str) -> String {
    let at = "set security policies from-zone trust to-zone untrust policy p";
    format!(
        "{more}
         {at} match source-address any
         {at} match destination-address any
         {at} match application {application}
         {at} then {action}"
    )
}

#[test]
fn policies_match_sets_and_name_the_member() {
    let more = "set applications application-set web application junos-http
         set applications application-set web application junos-https
         set applications application-set all application-set web
         set applications application-set all application-set junos-cifs";
    let world = office(&policy("all", "permit", more));
    for (port, name) in [(443, "junos-https"), (445, "junos-smb-session"), (23, "None")] {
        let hit = world.policies.lookup(&PolicyQuery {
            from_zone: TRUST,
            to_zone: UNTRUST,
            family: components::address::Family::Inet,
            destination_family: components::address::Family::Inet,
            source: v4("10.1.1.2"),
            destination: v4("203.0.113.7"),
            service: service(6, port),
            time_ns: 0,
        });
        assert_eq!(world.names.application(hit.application), name, "{port}");
    }
}

#[test]
fn a_configured_application_may_take_a_predefined_name() {
    let more = "set applications application junos-ssh protocol tcp destination-port 2222";
    let world = office(&policy("junos-ssh", "permit", more));
    assert_eq!(name_of(&world, 6, 2222), "junos-ssh");
}

#[test]
fn what_only_an_rpc_gateway_can_tell_matches_nothing() {
    let sun = "set applications application nfs protocol udp rpc-program-number 100003";
    for name in ["junos-sun-rpc-nfs-tcp", "nfs"] {
        assert_eq!(found(&policy(name, "permit", sun)), ["rpc-application"], "{name}");
        assert_eq!(found(&policy(name, "deny", sun)), ["would-open"], "{name}");
    }
    let text = policy("junos-ms-rpc-any", "permit", super::OFFICE);
    let names = compiled(&text).world.names.policies.len();
    assert_eq!(names, 2);
    assert_eq!(AppMatch::default(), AppMatch::Any, "no list means any, an empty one nothing");
}

#[test]
fn faults_of_applications_are_errors() {
    let app = "set applications application a";
    let set = "set applications application-set";
    let cases = [
        (format!("{app} destination-port 80"), "missing-protocol"),
        (format!("{app} protocol icmp destination-port 80"), "misplaced-match"),
        (format!("{app} protocol tcp icmp-type 8"), "misplaced-match"),
        (format!("{app} protocol tpc"), "bad-number"),
        (format!("{app} protocol tcp destination-port 90-80"), "bad-number"),
        (format!("{app} protocol tcp destination-port 65536"), "bad-number"),
        (format!("{app} protocol tcp ether-type 5"), "would-open"),
        (format!("{app} protocol tcp inactivity-timeout 0"), "bad-number"),
        (format!("{set} s application nobody"), "undefined-application"),
        (format!("{set} s application-set s"), "set-cycle"),
        (format!("{app} protocol tcp\n{set} a application a"), "duplicate-name"),
        (policy("junos-htp", "permit", ""), "undefined-application"),
        (policy("[ any junos-htp ]", "permit", ""), "undefined-application"),
        ("set applications application any protocol tcp".to_owned(), "duplicate-name"),
        ("set applications application a/b protocol tcp".to_owned(), "bad-name"),
    ];
    for (lines, id) in cases {
        assert!(found(&lines).contains(&id), "{lines}: {:?}", found(&lines));
    }
}
