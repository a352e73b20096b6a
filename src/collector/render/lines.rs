//! Which line an event becomes: program, tag and fields in the order that Junos gives them, told
//! once here to whichever format writes them. Applications, users and encryption are not judged by
//! this firewall, so their fields hold what Junos prints for "not known".

use components::address::{Address, Family};
use components::kinds::{Action, EventKind};
use components::world::application::{ICMP, ICMPV6, TCP, UDP};
use components::world::screen::ScreenAttack;

use super::SessionIdKey;
use super::facts::Facts;

/// The program that a line names as its origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Program {
    /// Sessions and denies.
    RtFlow,
    /// Screens.
    RtIds,
    /// Firewall filters.
    Pfe,
}

/// The message of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    Create,
    Close,
    Deny,
    Screen(ScreenTag),
    Filter(FilterTag),
}

/// Screens by protocol, and those that count by one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ScreenTag {
    Tcp,
    Udp,
    Icmp,
    Ip,
    TcpSource,
    TcpDestination,
    LimitSource,
    LimitDestination,
}

/// Filters by family and protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FilterTag {
    Ip,
    Ip6TcpUdp,
    Ip6Icmp,
    Ip6Gen,
}

/// Takes the fields of a line one after the other. Keys are those of Junos structured data.
pub(super) trait Fields {
    /// A name that may hold anything.
    fn name(&mut self, key: &'static str, value: &str);
    /// A name with a fixed suffix.
    fn suffixed(&mut self, key: &'static str, value: &str, suffix: &'static str);
    /// A word that no format has to escape.
    fn word(&mut self, key: &'static str, value: &'static str);
    /// A number that is always the same, as text.
    fn constant(&mut self, key: &'static str, value: &'static str);
    /// A number.
    fn number(&mut self, key: &'static str, value: u64);
    /// A number that is only a name.
    fn id(&mut self, key: &'static str, value: u64);
    /// An address.
    fn address(&mut self, key: &'static str, family: Family, value: Address);
}

impl Program {
    /// As RFC 5424's APP-NAME.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::RtFlow => "RT_FLOW",
            Self::RtIds => "RT_IDS",
            Self::Pfe => "PFE",
        }
    }

    /// Syslog severity: screens are errors (3), the rest is informational (6).
    pub(super) const fn severity(self) -> u8 {
        match self {
            Self::RtIds => 3,
            Self::RtFlow | Self::Pfe => 6,
        }
    }
}

impl Tag {
    /// The tag of an event.
    pub(super) fn of(facts: &Facts<'_>) -> Self {
        match facts.event.kind {
            EventKind::SessionCreate => Self::Create,
            EventKind::SessionClose => Self::Close,
            EventKind::PolicyDeny => Self::Deny,
            EventKind::ScreenDrop => Self::Screen(screen_tag(facts)),
            EventKind::FilterLog => Self::Filter(filter_tag(facts)),
        }
    }

    /// As RFC 5424's MSGID.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Create => "RT_FLOW_SESSION_CREATE",
            Self::Close => "RT_FLOW_SESSION_CLOSE",
            Self::Deny => "RT_FLOW_SESSION_DENY",
            Self::Screen(ScreenTag::Tcp) => "RT_SCREEN_TCP",
            Self::Screen(ScreenTag::Udp) => "RT_SCREEN_UDP",
            Self::Screen(ScreenTag::Icmp) => "RT_SCREEN_ICMP",
            Self::Screen(ScreenTag::Ip) => "RT_SCREEN_IP",
            Self::Screen(ScreenTag::TcpSource) => "RT_SCREEN_TCP_SRC_IP",
            Self::Screen(ScreenTag::TcpDestination) => "RT_SCREEN_TCP_DST_IP",
            Self::Screen(ScreenTag::LimitSource | ScreenTag::LimitDestination) => {
                "RT_SCREEN_SESSION_LIMIT"
            }
            Self::Filter(FilterTag::Ip) => "PFE_FW_SYSLOG_IP",
            Self::Filter(FilterTag::Ip6TcpUdp) => "PFE_FW_SYSLOG_IP6_TCP_UDP",
            Self::Filter(FilterTag::Ip6Icmp) => "PFE_FW_SYSLOG_IP6_ICMP",
            Self::Filter(FilterTag::Ip6Gen) => "PFE_FW_SYSLOG_IP6_GEN",
        }
    }

    pub(super) const fn program(self) -> Program {
        match self {
            Self::Create | Self::Close | Self::Deny => Program::RtFlow,
            Self::Screen(_) => Program::RtIds,
            Self::Filter(_) => Program::Pfe,
        }
    }
}

/// Screens that look at the IP header alone log as IP whatever the packet carries; the others by
/// the packet's protocol.
fn screen_tag(facts: &Facts<'_>) -> ScreenTag {
    match facts.attack() {
        Some(ScreenAttack::SynFloodSource) => ScreenTag::TcpSource,
        Some(ScreenAttack::SynFloodDestination) => ScreenTag::TcpDestination,
        Some(ScreenAttack::SessionLimitSource) => ScreenTag::LimitSource,
        Some(ScreenAttack::SessionLimitDestination) => ScreenTag::LimitDestination,
        Some(attack) if matches!(attack.option(), 7 | 12 | 19..=21 | 24 | 25 | 27 | 28) => {
            ScreenTag::Ip
        }
        _ => match facts.event.protocol {
            TCP => ScreenTag::Tcp,
            UDP => ScreenTag::Udp,
            ICMP | ICMPV6 => ScreenTag::Icmp,
            _ => ScreenTag::Ip,
        },
    }
}

fn filter_tag(facts: &Facts<'_>) -> FilterTag {
    match (facts.event.family, facts.event.protocol) {
        (Family::None | Family::Inet, _) => FilterTag::Ip,
        (Family::Inet6, TCP | UDP) => FilterTag::Ip6TcpUdp,
        (Family::Inet6, ICMP | ICMPV6) => FilterTag::Ip6Icmp,
        (Family::Inet6, _) => FilterTag::Ip6Gen,
    }
}

/// Tells all fields of an event's line, in order.
pub(super) fn tell(fields: &mut impl Fields, facts: &Facts<'_>, tag: Tag, id: SessionIdKey) {
    match tag {
        Tag::Create => create(fields, facts, id),
        Tag::Close => close(fields, facts, id),
        Tag::Deny => deny(fields, facts, id),
        Tag::Screen(tag) => screen(fields, facts, tag),
        Tag::Filter(tag) => filter(fields, facts, tag),
    }
}

#[inline]
fn create(fields: &mut impl Fields, facts: &Facts<'_>, id: SessionIdKey) {
    session(fields, facts, id);
    user_and_interface(fields, facts);
    application(fields);
    fields.word("encrypted", "UNKNOWN");
    application_traits(fields);
}

#[inline]
fn close(fields: &mut impl Fields, facts: &Facts<'_>, id: SessionIdKey) {
    fields.word("reason", facts.close_reason());
    session(fields, facts, id);
    let volume = facts.volume();
    fields.number("packets-from-client", volume.client_packets);
    fields.number("bytes-from-client", volume.client_bytes);
    fields.number("packets-from-server", volume.server_packets);
    fields.number("bytes-from-server", volume.server_bytes);
    fields.number("elapsed-time", facts.elapsed_s());
    application(fields);
    user_and_interface(fields, facts);
    fields.word("encrypted", "UNKNOWN");
    application_traits(fields);
}

#[inline]
fn deny(fields: &mut impl Fields, facts: &Facts<'_>, id: SessionIdKey) {
    addresses_with_ports(fields, facts);
    fields.constant("connection-tag", "0");
    fields.name("service-name", facts.service());
    fields.number("protocol-id", u64::from(facts.event.protocol));
    let icmp_type = facts.icmp_type_and_code().map_or(0, |(icmp_type, _)| icmp_type);
    fields.number("icmp-type", u64::from(icmp_type));
    policy_and_zones(fields, facts);
    application(fields);
    user_and_interface(fields, facts);
    fields.word("encrypted", "No");
    fields.word("reason", facts.deny_reason());
    fields.id(id.key(), 0);
    application_traits(fields);
}

/// What create and close begin with: source address to session id.
#[inline]
fn session(fields: &mut impl Fields, facts: &Facts<'_>, id: SessionIdKey) {
    let family = facts.event.family;
    addresses_with_ports(fields, facts);
    fields.constant("connection-tag", "0");
    fields.name("service-name", facts.service());
    let translated = facts.translated();
    fields.address("nat-source-address", family, translated.source);
    fields.number("nat-source-port", u64::from(translated.source_port));
    fields.address("nat-destination-address", family, translated.destination);
    fields.number("nat-destination-port", u64::from(translated.destination_port));
    fields.constant("nat-connection-tag", "0");
    let (source_rule, destination_rule) = facts.nat_rules();
    fields.word("src-nat-rule-type", source_rule.kind);
    fields.name("src-nat-rule-name", source_rule.name);
    fields.word("dst-nat-rule-type", destination_rule.kind);
    fields.name("dst-nat-rule-name", destination_rule.name);
    fields.number("protocol-id", u64::from(facts.event.protocol));
    policy_and_zones(fields, facts);
    fields.id(id.key(), id.value(facts.session_id()));
}

#[inline]
fn addresses_with_ports(fields: &mut impl Fields, facts: &Facts<'_>) {
    let event = facts.event;
    fields.address("source-address", event.family, event.source);
    fields.number("source-port", u64::from(event.source_port));
    fields.address("destination-address", event.family, event.destination);
    fields.number("destination-port", u64::from(event.destination_port));
}

#[inline]
fn policy_and_zones(fields: &mut impl Fields, facts: &Facts<'_>) {
    let (policy, global) = facts.policy();
    fields.suffixed("policy-name", policy, if global { "(global)" } else { "" });
    fields.name("source-zone-name", facts.source_zone());
    fields.name("destination-zone-name", facts.destination_zone());
}

#[inline]
fn user_and_interface(fields: &mut impl Fields, facts: &Facts<'_>) {
    fields.word("username", "N/A");
    fields.word("roles", "N/A");
    fields.name("packet-incoming-interface", facts.interface());
}

#[inline]
fn application(fields: &mut impl Fields) {
    fields.word("application", "UNKNOWN");
    fields.word("nested-application", "UNKNOWN");
}

#[inline]
fn application_traits(fields: &mut impl Fields) {
    fields.word("application-category", "N/A");
    fields.word("application-sub-category", "N/A");
    fields.constant("application-risk", "-1");
    fields.word("application-characteristics", "N/A");
}

fn screen(fields: &mut impl Fields, facts: &Facts<'_>, tag: ScreenTag) {
    let event = facts.event;
    fields.word("attack-name", attack_name(facts));
    match tag {
        ScreenTag::Tcp | ScreenTag::Udp => addresses_with_ports(fields, facts),
        ScreenTag::Icmp | ScreenTag::Ip => {
            fields.address("source-address", event.family, event.source);
            fields.address("destination-address", event.family, event.destination);
        }
        ScreenTag::TcpSource => fields.address("source-address", event.family, event.source),
        ScreenTag::TcpDestination => {
            fields.address("destination-address", event.family, event.destination);
        }
        ScreenTag::LimitSource => {
            fields.word("message", "source");
            fields.address("ip-address", event.family, event.source);
        }
        ScreenTag::LimitDestination => {
            fields.word("message", "destination");
            fields.address("ip-address", event.family, event.destination);
        }
    }
    if tag == ScreenTag::Ip {
        fields.number("protocol-id", u64::from(event.protocol));
    }
    fields.name("source-zone-name", facts.source_zone());
    fields.name("interface-name", facts.interface());
    fields.word("action", facts.screen_action());
}

/// Filters have no structured data on Junos; these fields are ours.
fn filter(fields: &mut impl Fields, facts: &Facts<'_>, tag: FilterTag) {
    let event = facts.event;
    fields.name("filter-name", facts.filter());
    fields.name("term-name", facts.term());
    fields.word("hook", facts.hook());
    fields.name("interface-name", facts.interface());
    fields.word("action", filter_action(event.action));
    fields.number("protocol-id", u64::from(event.protocol));
    fields.address("source-address", event.family, event.source);
    fields.address("destination-address", event.family, event.destination);
    match (facts.icmp_type_and_code(), tag) {
        (Some((icmp_type, code)), _) => {
            fields.number("icmp-type", u64::from(icmp_type));
            fields.number("icmp-code", u64::from(code));
        }
        (None, FilterTag::Ip6Gen) => {}
        (None, _) => {
            fields.number("source-port", u64::from(event.source_port));
            fields.number("destination-port", u64::from(event.destination_port));
        }
    }
    fields.constant("packets", "1");
}

/// The attack's name; for a flag that this version does not know, one that says so.
pub(super) fn attack_name(facts: &Facts<'_>) -> &'static str {
    facts.attack().map_or("Unknown attack!", ScreenAttack::attack_name)
}

const fn filter_action(action: Action) -> &'static str {
    match action {
        Action::Permit => "accept",
        Action::Deny => "discard",
        Action::Reject => "reject",
    }
}
