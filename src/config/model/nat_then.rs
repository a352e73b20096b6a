//! `then` of a NAT rule: what is done with the packets that it matches, and how long that persists.

use components::address::AddressRange;
use components::world::nat::{Permit, StaticKind};

use super::nat_pools::read_ports;
use super::reader::{Reader, Stanza, Word, statements};
use crate::config::span::Span;
use crate::config::tree::Node;

/// `then source-nat …` or `then destination-nat …`.
#[derive(Clone, Copy, Debug)]
pub enum DynamicAction<'t> {
    /// `off`.
    Off,
    /// `interface`.
    Interface(Option<Persistent>),
    /// `pool NAME`.
    Pool(Word<'t>, Option<Persistent>),
}

/// `persistent-nat`.
#[derive(Clone, Copy, Debug)]
pub struct Persistent {
    /// `permit`.
    pub permit: Permit,
    /// `inactivity-timeout` in seconds.
    pub inactivity_s: u32,
    /// `max-session-number`.
    pub sessions_max: u32,
}

/// `then static-nat …`.
#[derive(Clone, Copy, Debug)]
pub struct StaticAction<'t> {
    /// `prefix P` or `prefix-name NAME`, and where it stands.
    pub target: StaticTarget<'t>,
    /// `nptv6-prefix`, `nptv6-prefix-name` or `inet`.
    pub kind: StaticKind,
    /// `mapped-port A to B`.
    pub ports: Option<(u16, u16)>,
    /// Where the target stands.
    pub span: Span,
}

/// What a static rule translates to.
#[derive(Clone, Copy, Debug)]
pub enum StaticTarget<'t> {
    /// `prefix`.
    Prefix(AddressRange),
    /// `prefix-name`, of the global address book.
    Name(Word<'t>),
    /// `inet`: the IPv4 address inside the matched prefix.
    Inet,
}

pub(crate) fn missing_action(node: &Node, reader: &mut Reader<'_>) {
    let message = format!("the NAT rule `{}` does not say what to do", node.word);
    reader
        .diagnostics
        .error("missing-action", node.span, message)
        .expected("then source-nat, destination-nat or static-nat");
}

pub(crate) fn read_source_action<'t>(
    then: &'t Node,
    reader: &mut Reader<'_>,
) -> Option<DynamicAction<'t>> {
    read_dynamic_action(then, "source-nat", reader)
}

pub(crate) fn read_destination_action<'t>(
    then: &'t Node,
    reader: &mut Reader<'_>,
) -> Option<DynamicAction<'t>> {
    read_dynamic_action(then, "destination-nat", reader)
}

fn read_dynamic_action<'t>(
    then: &'t Node,
    keyword: &str,
    reader: &mut Reader<'_>,
) -> Option<DynamicAction<'t>> {
    let mut action = None;
    for statement in statements(then) {
        if statement.word != keyword {
            reader.other(&THEN, statement);
            continue;
        }
        for what in statements(statement) {
            match what.word.as_str() {
                "off" => action = Some(DynamicAction::Off),
                "interface" if keyword == "source-nat" => {
                    let mut persistent = None;
                    for option in statements(what) {
                        match option.word.as_str() {
                            "persistent-nat" => persistent = Some(read_persistent(option, reader)),
                            _ => reader.other(&TRANSLATION, option),
                        }
                    }
                    action = Some(DynamicAction::Interface(persistent));
                }
                "pool" => {
                    let mut names = what.active().filter(|n| n.word != "persistent-nat");
                    let name = names.next();
                    let option = what.child("persistent-nat");
                    let option = option.or_else(|| name?.child("persistent-nat"));
                    let persistent = option.map(|option| match keyword {
                        "source-nat" => Some(read_persistent(option, reader)),
                        _ => {
                            reader.other(&TRANSLATION, option);
                            None
                        }
                    });
                    let pool =
                        |name: &'t Node| DynamicAction::Pool(name.into(), persistent.flatten());
                    action = name.map(pool);
                }
                _ => reader.other(&TRANSLATION, what),
            }
        }
    }
    if action.is_none() {
        missing_action(then, reader);
    }
    action
}

pub(crate) fn read_static_action<'t>(
    then: &'t Node,
    reader: &mut Reader<'_>,
) -> Option<StaticAction<'t>> {
    let nat = then.child("static-nat")?;
    let (mut target, mut ports, mut span) = (None, None, nat.span);
    let mut kind = StaticKind::Prefix;
    for statement in statements(nat) {
        let is_prefix = match statement.word.as_str() {
            "prefix" => true,
            "prefix-name" => false,
            "nptv6-prefix" | "nptv6-prefix-name" => {
                kind = StaticKind::Nptv6;
                statement.word == "nptv6-prefix"
            }
            "inet" => {
                (kind, target) = (StaticKind::Inet, Some(StaticTarget::Inet));
                continue;
            }
            _ => {
                reader.other(&STATIC_NAT, statement);
                continue;
            }
        };
        for word in statement.active() {
            match word.word.as_str() {
                "mapped-port" => ports = read_ports(word, reader),
                "routing-instance" => reader.other(&STATIC_NAT, word),
                _ if is_prefix => {
                    target = reader.range(word.into()).map(StaticTarget::Prefix);
                    ports = word.child("mapped-port").map_or(ports, |p| read_ports(p, reader));
                    span = word.span;
                }
                _ => {
                    target = Some(StaticTarget::Name(word.into()));
                    ports = word.child("mapped-port").map_or(ports, |p| read_ports(p, reader));
                    span = word.span;
                }
            }
        }
    }
    let target = target?;
    Some(StaticAction { target, kind, ports, span })
}

/// `persistent-nat`; without `permit` it is any remote host's (Junos).
fn read_persistent(node: &Node, reader: &mut Reader<'_>) -> Persistent {
    let mut read =
        Persistent { permit: Permit::AnyRemoteHost, inactivity_s: 300, sessions_max: 30 };
    for statement in statements(node) {
        match statement.word.as_str() {
            "permit" => {
                let Some(word) = reader.value(statement) else { continue };
                match word.text {
                    "any-remote-host" => read.permit = Permit::AnyRemoteHost,
                    "target-host" => read.permit = Permit::TargetHost,
                    "target-host-port" => read.permit = Permit::TargetHostPort,
                    _ => {
                        let expected = "any-remote-host, target-host or target-host-port";
                        reader.bad("bad-value", word, expected);
                    }
                }
            }
            "inactivity-timeout" => {
                read.inactivity_s = reader.number(statement, 60..=7200).unwrap_or(300);
            }
            "max-session-number" => {
                read.sessions_max = reader.number(statement, 8..=65_536).unwrap_or(30);
            }
            _ => reader.other(&PERSISTENT, statement),
        }
    }
    read
}

const THEN: Stanza = Stanza {
    path: "security nat rule-set rule then",
    honoured: "source-nat destination-nat static-nat",
    ..Stanza::EMPTY
};

const TRANSLATION: Stanza = Stanza {
    path: "security nat rule-set rule then source-nat",
    honoured: "off interface pool",
    later: "rule-session-count-alarm",
    opening: "mapping-type secure-nat-mapping clat-prefix",
    ..Stanza::EMPTY
};

const STATIC_NAT: Stanza = Stanza {
    path: "security nat rule-set rule then static-nat",
    honoured: "prefix prefix-name nptv6-prefix nptv6-prefix-name inet",
    opening: "routing-instance rule-session-count-alarm",
    ..Stanza::EMPTY
};

const PERSISTENT: Stanza = Stanza {
    path: "security nat rule-set rule then source-nat persistent-nat",
    honoured: "permit inactivity-timeout max-session-number",
    later: "address-mapping",
    ..Stanza::EMPTY
};
