//! What a line says beyond its record: names for ids, and facts that 136 bytes have no room for.
//! The session id is derived ([`session_id`]); the NAT rules are found by matching the record
//! against the rules again, with the egress interface that the routes give; the close reason and
//! the elapsed time follow from the record's own fields. What no id names is `N/A`.

use components::address::{Address, Family};
use components::ids::{AppId, FilterId, IfIndex, NatRuleId, PolicyId, TermId, ZoneId};
use components::kinds::{Action, CloseReason, FilterSource, OpenFailure};
use components::session_id::session_id;
use components::wire::{Detail, RtFlow};
use components::world::World;
use components::world::application::{ICMP, ICMPV6, Service};
use components::world::names::{NatRuleKind, PolicyName};
use components::world::nat::{NatQuery, SourceHit};
use components::world::screen::ScreenAttack;

/// One event and the commit that it happened under.
#[derive(Clone, Copy)]
pub(super) struct Facts<'a> {
    pub(super) event: &'a RtFlow,
    pub(super) world: &'a World,
}

/// A tuple after translation; what was not translated repeats the original.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Tuple {
    pub(super) source: Address,
    pub(super) source_port: u16,
    pub(super) destination: Address,
    pub(super) destination_port: u16,
}

/// A NAT rule as lines name it: `source rule` and its name, `N/A` twice for none.
#[derive(Clone, Copy)]
pub(super) struct RuleText<'a> {
    pub(super) kind: &'static str,
    pub(super) name: &'a str,
}

/// Packets and bytes from client and from server.
#[derive(Clone, Copy, Default)]
pub(super) struct Volume {
    pub(super) client_packets: u64,
    pub(super) client_bytes: u64,
    pub(super) server_packets: u64,
    pub(super) server_bytes: u64,
}

impl<'a> Facts<'a> {
    pub(super) fn source_zone(&self) -> &'a str {
        self.world.names.zone(zone_id(self.event.ingress_zone))
    }

    pub(super) fn destination_zone(&self) -> &'a str {
        self.world.names.zone(zone_id(self.event.egress_zone))
    }

    pub(super) fn interface(&self) -> &'a str {
        self.world.names.interface(self.ingress())
    }

    pub(super) fn policy(&self) -> (&'a str, bool) {
        let id = PolicyId(self.event.policy);
        let named = self.world.names.policies.get(id.index());
        named.map_or(("N/A", false), |PolicyName { name, global }| (name, *global))
    }

    /// The application that fits the packet, `None` if none does.
    pub(super) fn service(&self) -> &'a str {
        let names = &self.world.names;
        names.application(AppId(self.event.application))
    }

    pub(super) fn session_id(&self) -> u64 {
        session_id(self.event).0
    }

    /// ICMP or ICMPv6, whose records have the type and the code where the destination port stands.
    pub(super) fn icmp_type_and_code(&self) -> Option<(u8, u8)> {
        let [icmp_type, code] = self.event.destination_port.to_be_bytes();
        matches!(self.event.protocol, ICMP | ICMPV6).then_some((icmp_type, code))
    }

    pub(super) fn original(&self) -> Tuple {
        Tuple {
            source: self.event.source,
            source_port: self.event.source_port,
            destination: self.event.destination,
            destination_port: self.event.destination_port,
        }
    }

    /// Zero means "not translated", field by field.
    pub(super) fn translated(&self) -> Tuple {
        let event = self.event;
        let address = |translated: Address, original| {
            if translated == Address::ZERO { original } else { translated }
        };
        let port = |translated: u16, original| {
            if translated == 0 { original } else { translated }
        };
        Tuple {
            source: address(event.nat_source, event.source),
            source_port: port(event.nat_source_port, event.source_port),
            destination: address(event.nat_destination, event.destination),
            destination_port: port(event.nat_destination_port, event.destination_port),
        }
    }

    /// The rules that translated the source and the destination.
    pub(super) fn nat_rules(&self) -> (RuleText<'a>, RuleText<'a>) {
        let (original, translated) = (self.original(), self.translated());
        let rule = |id: Option<NatRuleId>| {
            let Some(id) = id.filter(|id| !id.is_none()) else {
                return NO_RULE;
            };
            let named = self.world.names.nat_rule(id);
            let kind = match named.kind {
                NatRuleKind::Source => "source rule",
                NatRuleKind::Destination => "destination rule",
                NatRuleKind::Static => "static rule",
            };
            RuleText { kind, name: &named.rule }
        };
        let source =
            (original.source, original.source_port) != (translated.source, translated.source_port);
        let destination = (original.destination, original.destination_port)
            != (translated.destination, translated.destination_port);
        (
            rule(source.then(|| self.source_rule(&translated)).flatten()),
            rule(destination.then(|| self.destination_rule()).flatten()),
        )
    }

    pub(super) fn volume(&self) -> Volume {
        match self.event.detail {
            Detail::Session { client_packets, client_bytes, server_packets, server_bytes } => {
                Volume { client_packets, client_bytes, server_packets, server_bytes }
            }
            Detail::Rule { .. } => Volume::default(),
        }
    }

    /// Whole seconds from the session's creation to the event; 0 if the clock went back.
    pub(super) fn elapsed_s(&self) -> u64 {
        let now_s = self.event.time_ns / 1_000_000_000;
        now_s.saturating_sub(u64::from(self.event.created_seconds))
    }

    pub(super) fn close_reason(&self) -> &'static str {
        let reason = CloseReason::ALL.get(usize::from(self.event.reason));
        match reason.copied().unwrap_or_default() {
            CloseReason::None => "unset",
            CloseReason::IdleTimeout => "idle Timeout",
            CloseReason::TcpFin => "TCP FIN",
            CloseReason::TcpRst => "TCP RST",
            CloseReason::AgedOut => "aged out",
            CloseReason::Policy => "policy",
        }
    }

    pub(super) fn deny_reason(&self) -> &'static str {
        let (_, term) = self.rule_and_term();
        if let Some(failure) = OpenFailure::from_record(self.event.reason, term) {
            return failure.text();
        }
        match self.event.action {
            Action::Reject => "Rejected by policy",
            Action::Deny | Action::Permit => "Denied by policy",
        }
    }

    /// The attack of a ScreenDrop: by rule and term, or by the flag where a producer sets only it.
    pub(super) fn attack(&self) -> Option<ScreenAttack> {
        let (option, term) = self.rule_and_term();
        let attack = ScreenAttack::from_record(option, term);
        let flag = self.event.policy;
        attack
            .filter(|attack| flag == 0 || attack.flag() == flag)
            .or_else(|| ScreenAttack::from_record(flag.checked_ilog2()?, 0))
    }

    pub(super) fn screen_action(&self) -> &'static str {
        match self.event.action {
            Action::Permit => "alarm-without-drop",
            Action::Deny | Action::Reject => "drop",
        }
    }

    pub(super) fn filter(&self) -> &'a str {
        let name = &self.world.names.filter(self.filter_id()).name;
        if name.is_empty() { "N/A" } else { name }
    }

    pub(super) fn term(&self) -> &'a str {
        let (_, term) = self.rule_and_term();
        let term = TermId(u16::try_from(term).unwrap_or(0));
        self.world.names.term(self.filter_id(), term)
    }

    /// Which hook the filter stood at.
    pub(super) fn hook(&self) -> &'static str {
        let source = FilterSource::ALL.get(usize::from(self.event.reason));
        source.copied().unwrap_or_default().label()
    }

    fn filter_id(&self) -> FilterId {
        FilterId(u16::try_from(self.event.policy).unwrap_or(0))
    }

    fn rule_and_term(&self) -> (u32, u32) {
        match self.event.detail {
            Detail::Rule { rule, term, .. } => (rule, term),
            Detail::Session { .. } => (0, 0),
        }
    }

    fn ingress(&self) -> IfIndex {
        IfIndex(u16::try_from(self.event.ingress_ifindex).unwrap_or(0))
    }

    fn destination_rule(&self) -> Option<NatRuleId> {
        let query = self.nat_query(IfIndex::NONE, ZoneId::NONE, &self.original());
        self.world.nat.destination_of(&query).map(|hit| hit.rule)
    }

    /// The source is judged after the destination was translated, towards the interface that the
    /// new destination is routed to.
    fn source_rule(&self, translated: &Tuple) -> Option<NatRuleId> {
        let original = self.original();
        let tuple =
            Tuple { source: original.source, source_port: original.source_port, ..*translated };
        let mut query = self.nat_query(IfIndex::NONE, zone_id(self.event.egress_zone), &tuple);
        // NAT64: a record of an IPv6 client has its IPv4 side mapped.
        if let Some(v4) = query.destination.unmapped().filter(|_| query.family == Family::Inet6) {
            (query.destination_family, query.destination) = (Family::Inet, v4);
        }
        let route = self.world.routes.route(query.destination_family, query.destination);
        query.egress = route.map_or(IfIndex::NONE, |hop| hop.egress);
        match self.world.nat.source_of(&query)? {
            SourceHit::Static { rule, .. } | SourceHit::Rule { rule, .. } => Some(rule),
        }
    }

    /// What the packet path asked, when the session began: ICMP has a type and a code, no ports.
    fn nat_query(&self, egress: IfIndex, to_zone: ZoneId, tuple: &Tuple) -> NatQuery {
        let protocol = self.event.protocol;
        let service = match self.icmp_type_and_code() {
            Some((icmp_type, icmp_code)) => {
                Service { protocol, icmp_type, icmp_code, ..Service::default() }
            }
            None => Service {
                protocol,
                source_port: tuple.source_port,
                destination_port: tuple.destination_port,
                ..Service::default()
            },
        };
        NatQuery {
            ingress: self.ingress(),
            from_zone: zone_id(self.event.ingress_zone),
            egress,
            to_zone,
            family: self.event.family,
            destination_family: self.event.family,
            source: tuple.source,
            destination: tuple.destination,
            service,
        }
    }
}

fn zone_id(zone: u16) -> ZoneId {
    ZoneId(u8::try_from(zone).unwrap_or(0))
}

const NO_RULE: RuleText<'static> = RuleText { kind: "N/A", name: "N/A" };
