//! Screens with thresholds: what is written, what Junos has where nothing is, and what is refused.

use components::address::{Address, Family};
use components::world::screen::{ScreenAttack as A, ScreenProfile, Thresholds};

use super::{UNTRUST, found, office};

/// One profile of these statements, as compiled.
fn profile(statements: &[&str]) -> ScreenProfile {
    let mut text = String::from("set security zones security-zone untrust screen s\n");
    for statement in statements {
        text.push_str(&format!("set security screen ids-option s {statement}\n"));
    }
    office(&text).screen_of(UNTRUST).expect("has a screen").clone()
}

#[test]
fn an_option_without_a_threshold_has_that_of_junos() {
    let all = [
        "tcp syn-flood",
        "tcp port-scan",
        "tcp tcp-sweep",
        "tcp syn-ack-ack-proxy",
        "icmp flood",
        "icmp ip-sweep",
        "udp flood",
        "udp port-scan",
        "udp udp-sweep",
        "limit-session source-ip-based",
        "limit-session destination-ip-based",
    ];
    let profile = profile(&all);
    assert_eq!(profile.attacks, A::WITH_HISTORY & !A::SynCookie.bit());
    assert_eq!(profile.thresholds, Thresholds::default());
    let t = profile.thresholds;
    assert_eq!(
        (t.syn_attack, t.syn_alarm, t.syn_source, t.syn_destination),
        (200, 512, 4000, 4000)
    );
    assert_eq!((t.syn_timeout_s, t.icmp_flood, t.udp_flood), (20, 1000, 1000));
    assert_eq!((t.tcp_port_scan_us, t.ip_sweep_us, t.sessions_of_source), (5000, 5000, 128));
}

#[test]
fn every_threshold_is_read_into_its_place() {
    let t = profile(&[
        "tcp syn-flood attack-threshold 1",
        "tcp syn-flood alarm-threshold 2",
        "tcp syn-flood source-threshold 4",
        "tcp syn-flood destination-threshold 5",
        "tcp syn-flood timeout 6",
        "tcp port-scan threshold 1007",
        "tcp tcp-sweep threshold 1008",
        "tcp syn-ack-ack-proxy threshold 9",
        "icmp flood threshold 10",
        "icmp ip-sweep threshold 1011",
        "udp flood threshold 12",
        "udp port-scan threshold 1013",
        "udp udp-sweep threshold 1014",
        "limit-session source-ip-based 15",
        "limit-session destination-ip-based 16",
    ])
    .thresholds;
    let expected = Thresholds {
        syn_attack: 1,
        syn_alarm: 2,
        syn_source: 4,
        syn_destination: 5,
        syn_timeout_s: 6,
        tcp_port_scan_us: 1007,
        tcp_sweep_us: 1008,
        silent_sessions: 9,
        icmp_flood: 10,
        ip_sweep_us: 1011,
        udp_flood: 12,
        udp_port_scan_us: 1013,
        udp_sweep_us: 1014,
        sessions_of_source: 15,
        sessions_of_destination: 16,
    };
    assert_eq!(t, expected);
}

#[test]
fn white_lists_hold_their_addresses() {
    let world = office(
        "set security zones security-zone untrust screen s
         set security screen white-list dns address [ 192.0.2.53/32 2001:db8::53 ]
         set security screen ids-option s udp flood white-list dns
         set security screen ids-option s tcp syn-flood white-list own source-address 10.0.0.0/8
         set security screen ids-option s tcp syn-flood white-list o destination-address 192.0.2.1",
    );
    let profile = world.screen_of(UNTRUST).expect("has a screen");
    let v4 = |a, b, c, d| Address::v4([a, b, c, d]);
    assert!(profile.udp_white_list.contains(Family::Inet, v4(192, 0, 2, 53)));
    assert!(!profile.udp_white_list.contains(Family::Inet, v4(192, 0, 2, 54)));
    assert_eq!(profile.udp_white_list.v6().len(), 1);
    let list = &profile.syn_white_list;
    assert!(list.sources.contains(Family::Inet, v4(10, 9, 9, 9)));
    assert!(!list.destinations.contains(Family::Inet, v4(10, 9, 9, 9)));
    assert!(list.destinations.contains(Family::Inet, v4(192, 0, 2, 1)));
}

#[test]
fn syn_cookies_defend_zones_that_look_for_floods() {
    let text = "set security zones security-zone untrust screen s
        set security screen ids-option s tcp syn-flood\n";
    let cookies = |mode: &str| {
        let world = office(&format!("{text}{mode}"));
        world.screen_of(UNTRUST).expect("has a screen").watches(A::SynCookie)
    };
    assert!(!cookies(""), "excess SYNs are dropped");
    assert!(cookies("set security flow syn-flood-protection-mode syn-cookie"));
    assert!(cookies("set security flow syn-flood-protection-mode syn-proxy"));
}

#[test]
fn what_is_out_of_range_or_undefined_is_an_error() {
    let at = "set security screen ids-option s";
    let cases = [
        ("tcp syn-flood attack-threshold 0", "bad-number"),
        ("tcp syn-flood source-threshold 3", "bad-number"),
        ("tcp syn-flood timeout 51", "bad-number"),
        ("tcp syn-flood white-list w source-address ten", "bad-prefix"),
        ("tcp syn-flood atack-threshold 9", "unknown-statement"),
        ("tcp port-scan threshold 999", "bad-number"),
        ("icmp flood threshold 1000001", "bad-number"),
        ("icmp flood white-list w", "unknown-statement"),
        ("udp flood white-list w", "undefined-white-list"),
        ("limit-session source-ip-based 0", "bad-number"),
        ("limit-session sorce-ip-based 1", "unknown-statement"),
    ];
    for (option, id) in cases {
        assert_eq!(found(&format!("{at} {option}")), [id], "{option}");
    }
    assert_eq!(found("set security flow syn-flood-protection-mode cookies"), ["bad-value"]);
}
