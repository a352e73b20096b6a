//! Screens, flow options and the log.

use components::session::aging::Aging;
use components::session::tcp::TcpChecks;
use components::world::screen::ScreenAttack;

use super::{OFFICE, UNTRUST, compiled, found, office};
use crate::config::model::log::{LogCategory, LogFile, LogFormat, LogTransport};

/// One option of a screen, its attacks as compiled.
fn attacks(option: &str) -> Vec<ScreenAttack> {
    let world = office(&format!(
        "set security screen ids-option s {option}
         set security zones security-zone untrust screen s"
    ));
    let profile = world.screen_of(UNTRUST).expect("has a screen");
    let all = ScreenAttack::ALL.iter().copied();
    all.filter(|attack| profile.watches(*attack)).collect()
}

#[test]
fn every_option_of_one_packet_sets_its_bit() {
    use ScreenAttack as A;
    let cases = [
        ("icmp fragment", A::IcmpFragment),
        ("icmp large", A::IcmpLarge),
        ("icmp ping-death", A::PingDeath),
        ("icmp icmpv6-malformed", A::Icmpv6Malformed),
        ("ip bad-option", A::BadOption),
        ("ip block-frag", A::BlockFragment),
        ("ip loose-source-route-option", A::LooseSourceRoute),
        ("ip strict-source-route-option", A::StrictSourceRoute),
        ("ip source-route-option", A::SourceRoute),
        ("ip record-route-option", A::RecordRoute),
        ("ip security-option", A::SecurityOption),
        ("ip stream-option", A::StreamOption),
        ("ip tear-drop", A::TearDrop),
        ("ip timestamp-option", A::TimestampOption),
        ("ip spoofing", A::IpSpoofing),
        ("ip unknown-protocol", A::UnknownProtocol),
        ("ip ipv6-malformed-header", A::Ipv6Malformed),
        ("ip ipv6-extension-header-limit 3", A::ExtHeaderLimit),
        ("ip ipv6-extension-header routing-header", A::ExtRouting),
        ("ip ipv6-extension-header ESP-header", A::ExtEsp),
        ("ip tunnel gre gre-6in4", A::TunnelGre6in4),
        ("ip tunnel ipip ipip-4in6", A::TunnelIpip4in6),
        ("ip tunnel ip-in-udp teredo", A::TunnelTeredo),
        ("tcp fin-no-ack", A::FinNoAck),
        ("tcp land", A::Land),
        ("tcp syn-fin", A::SynFin),
        ("tcp syn-frag", A::SynFragment),
        ("tcp tcp-no-flag", A::TcpNoFlag),
        ("tcp winnuke", A::WinNuke),
    ];
    for (option, attack) in cases {
        assert_eq!(attacks(option), [attack], "{option}");
    }
}

#[test]
fn extension_header_options_are_numbered() {
    let at = "set security screen ids-option s ip ipv6-extension-header";
    let world = office(&format!(
        "{at} hop-by-hop-header jumbo-payload-option
         {at} hop-by-hop-header user-defined-option-type 16 to 18
         {at} destination-header home-address-option
         set security screen ids-option s ip ipv6-extension-header-limit 3
         set security screen ids-option s alarm-without-drop"
    ));
    let profile = &world.screens[0];
    assert_eq!(profile.hop_by_hop_options, [0xc2, 16, 17, 18]);
    assert_eq!(profile.destination_options, [0xc9]);
    assert_eq!(profile.extension_headers_max, 3);
    assert!(profile.alarm_without_drop);
    assert_eq!(world.names.screens, ["N/A", "s"]);
}

#[test]
fn unknown_options_and_options_that_would_open_are_errors() {
    let at = "set security screen ids-option";
    assert_eq!(found(&format!("{at} a tcp lnad")), ["unknown-statement"]);
    assert_eq!(found(&format!("{at} a ip tunnel bad-inner-header")), ["would-open"]);
}

#[test]
fn flow_options_are_honoured_or_listed() {
    let at = "set security flow tcp-session";
    let flow = office(&format!(
        "{at} no-syn-check
         {at} no-sequence-check
         {at} rst-sequence-check
         {at} rst-invalidate-session
         {at} fin-invalidate-session
         {at} tcp-initial-timeout 30
         {at} time-wait-state session-timeout 6
         {at} time-wait-state session-ageout
         {at} time-wait-state apply-to-half-close-state"
    ))
    .flow;
    assert_eq!((flow.tcp_initial_s, flow.tcp_closing_s, flow.tcp_s), (30, 6, 1800));
    let checks = TcpChecks { sequence: false, exact_reset: true, strict_syn: false };
    assert_eq!(flow.tcp_checks, checks);
    assert!(flow.no_syn_check && flow.rst_invalidates && flow.fin_invalidates);
    assert!(flow.tcp_closing_ages_out && flow.tcp_closes_half);
    let flow = office(&format!("{at} strict-syn-check")).flow;
    assert!(flow.tcp_checks.strict_syn && flow.tcp_checks.sequence);
    assert!(!flow.no_syn_check && !flow.rst_invalidates && !flow.fin_invalidates);
    assert_eq!((flow.tcp_mss, flow.aging), (None, Aging::default()));
    let cases = [
        ("strict-packet-order", "not-honoured"),
        ("tcp-session maximum-window 64K", "not-honoured"),
        ("tcp-session tcp-initial-timeout 1", "bad-number"),
        ("tcp-sesion no-syn-check", "unknown-statement"),
    ];
    for (option, id) in cases {
        assert_eq!(found(&format!("set security flow {option}")), [id], "{option}");
    }
    let both = format!("{at} no-syn-check\n{at} strict-syn-check");
    assert_eq!(found(&both), ["contradiction"]);
}

#[test]
fn the_largest_segment_is_clamped_for_all_tcp_and_tunnels_are_none_of_ours() {
    let at = "set security flow tcp-mss";
    assert_eq!(office(&format!("{at} all-tcp mss 1350")).flow.tcp_mss, Some(1_350));
    assert_eq!(office(&format!("{at} ipsec-vpn mss 1350")).flow.tcp_mss, None);
    let note = super::rendered(&format!("{OFFICE}\n{at} gre-in mss 1350"));
    assert!(note.contains("note[ignored]: `security flow tcp-mss gre-in` is ignored"), "{note}");
    assert_eq!(found(&format!("{at} all-tcp mss 63")), ["bad-number"]);
    assert_eq!(found(&format!("{at} all-tcp")), ["missing-value"]);
    assert_eq!(found(&format!("{at} al-tcp mss 1350")), ["unknown-statement"]);
}

#[test]
fn watermarks_of_early_ageing_are_read_in_any_order() {
    let at = "set security flow aging";
    let flow = office(&format!(
        "{at} high-watermark 90
         {at} low-watermark 70
         {at} early-ageout 5"
    ))
    .flow;
    let expected = Aging { early_ageout_s: 5, low_watermark: 70, high_watermark: Some(90) };
    assert_eq!(flow.aging, expected);
    let above = format!("{at} low-watermark 95\n{at} high-watermark 90");
    assert_eq!(found(&above), ["bad-range"]);
    assert_eq!(found(&format!("{at} high-watermark 101")), ["bad-number"]);
    assert_eq!(found(&format!("{at} early-ageout 0")), ["bad-number"]);
}

#[test]
fn streams_of_the_log_are_read() {
    let log = compiled(&format!(
        "{OFFICE}
         set security log mode stream
         set security log format syslog
         set security log source-address 10.1.2.1
         set security log utc-timestamp
         set security log stream siem host 10.1.2.10
         set security log stream siem host port 6514
         set security log stream siem transport protocol tls
         set security log stream siem transport tls-profile outside
         set security log stream siem category screen
         set security log stream siem severity warning
         set security log stream siem rate-limit 100
         set security log stream raw format binary
         set security log stream raw host 2001:db8::10
         set security log stream raw facility-override local3
         set security log stream raw source-address 2001:db8::1
         set security log stream raw transport protocol relp
         set security log stream raw file localfilename flows
         set security log stream raw file size 3
         set security log stream raw file rotation 5"
    ))
    .log;
    assert!(log.stream_mode && log.utc);
    let [siem, raw] = &log.streams[..] else {
        panic!("two streams");
    };
    let host = |text: &str| text.parse().ok();
    assert_eq!((siem.host, siem.port), (host("10.1.2.10"), 6514));
    assert_eq!((siem.format, siem.transport), (LogFormat::Syslog, LogTransport::Tls));
    assert_eq!(siem.categories, [LogCategory::Screen]);
    assert_eq!((siem.severity, siem.facility, siem.rate_limit), (Some(4), None, 100));
    assert_eq!(siem.source, host("10.1.2.1"));
    assert_eq!((raw.host, raw.port), (host("2001:db8::10"), 514));
    assert_eq!((raw.format, raw.facility), (LogFormat::Binary, Some(19)));
    assert_eq!(raw.source, host("2001:db8::1"));
    assert_eq!(siem.tls_profile.as_deref(), Some("outside"));
    assert_eq!((raw.transport, &raw.tls_profile), (LogTransport::Relp, &None));
    let file = LogFile { name: "flows".to_owned(), megabytes: 3, rotation: 5 };
    assert_eq!((&siem.file, &raw.file), (&None, &Some(file)));
    assert!(raw.categories.is_empty());
}

#[test]
fn faults_of_the_log_are_errors() {
    let at = "set security log";
    let cases = [
        ("mode steam", "unknown-statement"),
        ("format sd-sylog", "unknown-value"),
        ("stream s category sesion", "unknown-value"),
        ("stream s host example", "bad-address"),
        ("stream s host port 0", "bad-number"),
        ("stream s severity loud", "unknown-value"),
        ("stream s transport protocol sctp", "unknown-value"),
        ("stream s file size 2", "missing-statement"),
        ("stream s file localfilename ../../etc/passwd", "unsafe-path"),
        ("stream s file localfilename .hidden", "unsafe-path"),
    ];
    for (option, id) in cases {
        assert_eq!(found(&format!("{at} {option}")), [id], "{option}");
    }
}

#[test]
fn stanzas_outside_the_data_plane_are_notes() {
    let text = format!(
        "{OFFICE}
         set system services ssh
         set system login user x class super-user
         set snmp community public
         set protocols ospf area 0.0.0.0 interface ge-0/0/1.0
         set security ike proposal p
         set chassis aggregated-devices ethernet device-count 2
         set policy-options policy-statement p then accept"
    );
    assert_eq!(compiled(&text).world.generation, 1);
    let text = super::rendered(&text);
    assert_eq!(text.matches("note[ignored]").count(), 6, "{text}");
    assert_eq!(text.matches("warning[").count(), 0, "{text}");
}
