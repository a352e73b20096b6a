//! Snapshots: a file a tag, in it a heading for each case and one line a format.

use components::address::{Address, Family};
use components::kinds::{Action, EventKind, OpenFailure};
use components::wire::{Detail, RtFlow};
use components::world::screen::ScreenAttack;

use super::line;
use crate::collector::fixture::{DMZ, TRUST, UNTRUST, address, closed, event, event6};
use crate::collector::render::{Format, RenderOptions};

fn assert_lines(name: &str, cases: &[(&str, RtFlow)]) {
    let mut text = String::new();
    for (heading, event) in cases {
        text += &format!("# {heading}\n");
        for format in [Format::SdSyslog, Format::Syslog, Format::Json] {
            text += &line(RenderOptions::new(format, "fw1"), event);
            text.push('\n');
        }
        text.push('\n');
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/logs"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

fn source_nat() -> RtFlow {
    RtFlow {
        nat_source: address("203.0.113.1"),
        nat_source_port: 1_024,
        nat_destination: address("192.0.2.80"),
        nat_destination_port: 443,
        ..event(EventKind::SessionCreate)
    }
}

fn destination_nat() -> RtFlow {
    RtFlow {
        source: address("198.51.100.7"),
        destination: address("203.0.113.80"),
        nat_destination: address("172.16.0.80"),
        nat_destination_port: 8_443,
        ingress_zone: UNTRUST,
        egress_zone: DMZ,
        ingress_ifindex: 1,
        ..event(EventKind::SessionCreate)
    }
}

fn static_nat() -> RtFlow {
    RtFlow {
        destination: address("203.0.113.25"),
        destination_port: 25,
        nat_destination: address("172.16.0.25"),
        nat_destination_port: 25,
        application: 3,
        ..destination_nat()
    }
}

fn static_nat_outbound() -> RtFlow {
    RtFlow {
        source: address("172.16.0.25"),
        ingress_zone: DMZ,
        ingress_ifindex: 3,
        nat_source: address("203.0.113.25"),
        nat_source_port: 40_000,
        nat_destination: Address::ZERO,
        nat_destination_port: 0,
        ..source_nat()
    }
}

fn ping(event: RtFlow) -> RtFlow {
    let (protocol, echo) = match event.family {
        Family::Inet6 => (58, 128),
        Family::Inet | Family::None => (1, 8),
    };
    RtFlow { protocol, source_port: 28_713, destination_port: echo << 8, application: 2, ..event }
}

/// Only the source side of the record is filled, as the packet path does it.
fn ping_through_nat() -> RtFlow {
    RtFlow {
        nat_source_port: 1_025,
        nat_destination: Address::ZERO,
        nat_destination_port: 0,
        ..ping(source_nat())
    }
}

fn over_ipv6(event: RtFlow) -> RtFlow {
    let ipv6 = event6(event.kind);
    RtFlow { family: ipv6.family, source: ipv6.source, destination: ipv6.destination, ..event }
}

#[test]
fn session_create() {
    let plain = event(EventKind::SessionCreate);
    assert_lines(
        "session-create",
        &[
            ("IPv4 without NAT", plain),
            ("interface NAT", source_nat()),
            ("destination NAT with a port", destination_nat()),
            ("static NAT, inbound", static_nat()),
            ("static NAT, outbound", static_nat_outbound()),
            ("ICMP echo", ping(plain)),
            ("ICMP echo, interface NAT", ping_through_nat()),
            ("IPv6", event6(EventKind::SessionCreate)),
            ("default policy, no application", RtFlow { policy: 0, application: 0, ..plain }),
        ],
    );
}

#[test]
fn session_close() {
    let plain = closed(event(EventKind::SessionCreate));
    let reason = |reason| RtFlow { reason, ..plain };
    assert_lines(
        "session-close",
        &[
            ("TCP FIN", plain),
            ("unset", reason(0)),
            ("idle timeout, interface NAT", RtFlow { reason: 1, ..closed(source_nat()) }),
            ("TCP RST", reason(3)),
            ("aged out", reason(4)),
            ("policy", reason(5)),
            ("IPv6", closed(event6(EventKind::SessionCreate))),
        ],
    );
}

#[test]
fn session_deny() {
    let term = |term| Detail::Rule { rule: 1, term, owner: 0 };
    let deny = RtFlow {
        action: Action::Deny,
        policy: 2,
        reason: 5,
        created_seconds: 0,
        detail: term(0),
        ..event(EventKind::PolicyDeny)
    };
    let unanswered =
        |failure: OpenFailure| RtFlow { reason: 0, detail: term(failure as u32), ..deny };
    assert_lines(
        "session-deny",
        &[
            ("denied by a global policy", deny),
            ("rejected", RtFlow { action: Action::Reject, ..deny }),
            ("permitted, but NAT had no port", unanswered(OpenFailure::Exhausted)),
            ("permitted, but NAT had no session left", unanswered(OpenFailure::Quota)),
            ("permitted, but another has the tuple", unanswered(OpenFailure::TupleTaken)),
            ("permitted, but the table was full", unanswered(OpenFailure::TableFull)),
            ("a term of another producer", RtFlow { detail: term(12), ..deny }),
            ("default policy, no application", RtFlow { policy: 0, application: 0, ..deny }),
            ("ICMP echo", ping(deny)),
            ("ICMPv6", ping(over_ipv6(deny))),
        ],
    );
}

fn screened(attack: ScreenAttack, protocol: u8) -> RtFlow {
    let detail = Detail::Rule { rule: attack.option(), term: attack.term(), owner: 0 };
    RtFlow {
        protocol,
        action: Action::Deny,
        policy: attack.flag(),
        source: address("198.51.100.7"),
        destination: address("203.0.113.1"),
        ingress_zone: UNTRUST,
        egress_zone: 0,
        ingress_ifindex: 1,
        application: 0,
        detail,
        ..event(EventKind::ScreenDrop)
    }
}

#[test]
fn screens() {
    use ScreenAttack::{
        IcmpLarge, IpSpoofing, Land, LooseSourceRoute, SessionLimitDestination, SessionLimitSource,
        SynFlood, SynFloodDestination, SynFloodSource, UdpFlood, UnknownProtocol,
    };
    let alarm = RtFlow { action: Action::Permit, ..screened(SynFlood, 6) };
    let land6 = RtFlow {
        source: address("2001:db8::1"),
        destination: address("2001:db8::1"),
        family: Family::Inet6,
        ..screened(Land, 6)
    };
    assert_lines(
        "screens",
        &[
            ("RT_SCREEN_TCP", screened(Land, 6)),
            ("RT_SCREEN_TCP, IPv6", land6),
            ("RT_SCREEN_TCP, alarm-without-drop", alarm),
            ("RT_SCREEN_UDP", screened(UdpFlood, 17)),
            ("RT_SCREEN_ICMP", screened(IcmpLarge, 1)),
            ("RT_SCREEN_IP, unknown protocol", screened(UnknownProtocol, 253)),
            ("RT_SCREEN_IP, IP option on TCP", screened(LooseSourceRoute, 6)),
            ("RT_SCREEN_IP, spoofed UDP", screened(IpSpoofing, 17)),
            ("RT_SCREEN_TCP_SRC_IP", screened(SynFloodSource, 6)),
            ("RT_SCREEN_TCP_DST_IP", screened(SynFloodDestination, 6)),
            ("RT_SCREEN_SESSION_LIMIT, source", screened(SessionLimitSource, 6)),
            ("RT_SCREEN_SESSION_LIMIT, destination", screened(SessionLimitDestination, 17)),
        ],
    );
}

/// What a filter term at the input of trust logged.
fn logged() -> RtFlow {
    RtFlow {
        policy: 1,
        ingress_zone: TRUST,
        egress_zone: 0,
        destination_port: 22,
        application: 0,
        reason: 2,
        detail: term(1),
        ..event(EventKind::FilterLog)
    }
}

fn term(term: u32) -> Detail {
    Detail::Rule { rule: 1, term, owner: 0 }
}

fn without_ports(event: RtFlow) -> RtFlow {
    RtFlow { source_port: 0, destination_port: 0, ..event }
}

#[test]
fn filters_over_ipv4() {
    let denied = RtFlow { action: Action::Deny, ..logged() };
    assert_lines(
        "filters-ipv4",
        &[
            ("PFE_FW_SYSLOG_IP, accept", logged()),
            ("discard at lo0", RtFlow { reason: 5, detail: term(2), ..denied }),
            ("reject at output", RtFlow { action: Action::Reject, reason: 3, ..logged() }),
            ("an implicit discard has no term", RtFlow { detail: term(0), ..denied }),
            ("ICMP", ping(logged())),
            ("a protocol without a name", RtFlow { protocol: 253, ..without_ports(logged()) }),
        ],
    );
}

#[test]
fn filters_over_ipv6() {
    let logged = over_ipv6(logged());
    assert_lines(
        "filters-ipv6",
        &[
            ("PFE_FW_SYSLOG_IP6_TCP_UDP", logged),
            ("PFE_FW_SYSLOG_IP6_ICMP", ping(logged)),
            ("PFE_FW_SYSLOG_IP6_GEN", RtFlow { protocol: 89, ..without_ports(logged) }),
        ],
    );
}
