//! `security nat`: source and destination pools, rule sets of all three kinds. Proxy ARP and ND are
//! accepted: packets to a translated address are recognised before the route lookup, so no route to
//! the firewall itself is needed.

use components::address::{AddressRange, Family};

use super::nat_match::{Match, read_match};
use super::nat_pools::{
    DestinationPool, NamedPool, read_destination_pool, read_ports, read_source_pool,
};
use super::nat_then::{
    DynamicAction, StaticAction, missing_action, read_destination_action, read_source_action,
    read_static_action,
};
use super::reader::{Reader, Stanza, Word, statements};
use crate::config::tree::Node;

/// `from` or `to` of a rule set.
#[derive(Clone, Debug, Default)]
pub struct Context<'t> {
    /// `zone`.
    pub zones: Vec<Word<'t>>,
    /// `interface`.
    pub interfaces: Vec<Word<'t>>,
}

/// A rule set.
#[derive(Clone, Debug)]
pub struct RuleSet<'t, A> {
    /// Its name.
    pub name: Word<'t>,
    /// `from`.
    pub from: Context<'t>,
    /// `to`; only source rule sets have one.
    pub to: Context<'t>,
    /// Rules in order.
    pub rules: Vec<Rule<'t, A>>,
}

/// A rule.
#[derive(Clone, Debug)]
pub struct Rule<'t, A> {
    /// Its name.
    pub name: Word<'t>,
    /// When.
    pub matches: Match<'t>,
    /// What; `None` if it could not be read, which has been reported.
    pub action: Option<A>,
}

/// `security nat`.
#[derive(Clone, Debug)]
pub struct Nat<'t> {
    /// Source pools.
    pub source_pools: Vec<NamedPool<'t>>,
    /// Source rule sets.
    pub source: Vec<RuleSet<'t, DynamicAction<'t>>>,
    /// Destination pools.
    pub destination_pools: Vec<DestinationPool<'t>>,
    /// Destination rule sets.
    pub destination: Vec<RuleSet<'t, DynamicAction<'t>>>,
    /// Static rule sets.
    pub statics: Vec<RuleSet<'t, StaticAction<'t>>>,
    /// `proxy-arp` and `proxy-ndp`.
    pub proxies: Vec<Proxy<'t>>,
    /// Ports of pools that set none, and of interface NAT.
    pub ports: (u16, u16),
    /// `address-persistent`: every pool's hosts keep their address.
    pub address_persistent: bool,
}

/// An interface that answers for other hosts' addresses.
#[derive(Clone, Debug)]
pub struct Proxy<'t> {
    /// The interface.
    pub interface: Word<'t>,
    /// The addresses.
    pub ranges: Vec<AddressRange>,
}

/// Junos keeps the ports above for gateways.
const PORTS: (u16, u16) = (1024, 63_487);

impl Default for Nat<'_> {
    fn default() -> Self {
        Self {
            source_pools: Vec::new(),
            source: Vec::new(),
            destination_pools: Vec::new(),
            destination: Vec::new(),
            statics: Vec::new(),
            proxies: Vec::new(),
            ports: PORTS,
            address_persistent: false,
        }
    }
}

/// Reads `security nat`.
pub(crate) fn read<'t>(node: &'t Node, reader: &mut Reader<'_>) -> Nat<'t> {
    let mut nat = Nat::default();
    for statement in statements(node) {
        match statement.word.as_str() {
            "source" => read_source(statement, &mut nat, reader),
            "destination" => read_destination(statement, &mut nat, reader),
            "static" => {
                for statement in statements(statement) {
                    match statement.word.as_str() {
                        "rule-set" => {
                            let sets = statement.active();
                            let read = |set| read_rule_set(set, reader, read_static_action);
                            nat.statics.extend(sets.map(read));
                        }
                        _ => reader.other(&STATIC, statement),
                    }
                }
            }
            word @ ("proxy-arp" | "proxy-ndp") => {
                let family = if word == "proxy-arp" { Family::Inet } else { Family::Inet6 };
                for statement in statements(statement) {
                    match statement.word.as_str() {
                        "interface" => {
                            let read = |node| read_proxy(node, family, reader);
                            nat.proxies.extend(statement.active().map(read));
                        }
                        _ => reader.other(&PROXY, statement),
                    }
                }
            }
            _ => reader.other(&NAT, statement),
        }
    }
    nat
}

/// `interface I { address A to B; }`, addresses of one family.
fn read_proxy<'t>(node: &'t Node, family: Family, reader: &mut Reader<'_>) -> Proxy<'t> {
    let mut ranges = Vec::new();
    for statement in statements(node) {
        if statement.word != "address" {
            reader.other(&PROXY_INTERFACE, statement);
            continue;
        }
        for address in statement.active() {
            let Some(range) = reader.address_range(address) else { continue };
            match (family, range) {
                (Family::Inet, AddressRange::V4(..)) | (Family::Inet6, AddressRange::V6(..)) => {
                    ranges.push(range);
                }
                (Family::Inet, _) => reader.bad("bad-family", address.into(), "an IPv4 address"),
                _ => reader.bad("bad-family", address.into(), "an IPv6 address"),
            }
        }
    }
    Proxy { interface: node.into(), ranges }
}

fn read_source<'t>(node: &'t Node, nat: &mut Nat<'t>, reader: &mut Reader<'_>) {
    if let Some(range) = node.child("pool-default-port-range") {
        nat.ports = read_ports(range, reader).unwrap_or(PORTS);
    }
    for statement in statements(node) {
        match statement.word.as_str() {
            "pool" => {
                for pool in statement.active() {
                    let read = read_source_pool(pool, nat.ports, reader);
                    nat.source_pools.extend(read);
                }
            }
            "rule-set" => {
                let sets = statement.active();
                let read = |set| read_rule_set(set, reader, read_source_action);
                nat.source.extend(sets.map(read));
            }
            "pool-default-port-range" => {}
            "address-persistent" => nat.address_persistent = true,
            "interface" => {
                for option in statements(statement) {
                    // A port is never given out twice: that is what `off` asks for.
                    let off = option.child("off").is_some();
                    if option.word != "port-overloading" || !off {
                        reader.other(&INTERFACE, option);
                    }
                }
            }
            _ => reader.other(&SOURCE, statement),
        }
    }
}

fn read_destination<'t>(node: &'t Node, nat: &mut Nat<'t>, reader: &mut Reader<'_>) {
    for statement in statements(node) {
        match statement.word.as_str() {
            "pool" => {
                for pool in statement.active() {
                    nat.destination_pools.extend(read_destination_pool(pool, reader));
                }
            }
            "rule-set" => {
                let sets = statement.active();
                let read = |set| read_rule_set(set, reader, read_destination_action);
                nat.destination.extend(sets.map(read));
            }
            _ => reader.other(&DESTINATION, statement),
        }
    }
}

fn read_rule_set<'t, A>(
    node: &'t Node,
    reader: &mut Reader<'_>,
    action: fn(&'t Node, &mut Reader<'_>) -> Option<A>,
) -> RuleSet<'t, A> {
    let mut set = RuleSet {
        name: node.into(),
        from: Context::default(),
        to: Context::default(),
        rules: Vec::new(),
    };
    for statement in statements(node) {
        match statement.word.as_str() {
            "from" => set.from = read_context(statement, reader),
            "to" => set.to = read_context(statement, reader),
            "rule" => {
                for rule in statement.active() {
                    set.rules.push(read_rule(rule, reader, action));
                }
            }
            _ => reader.other(&RULE_SET, statement),
        }
    }
    set
}

fn read_context<'t>(node: &'t Node, reader: &mut Reader<'_>) -> Context<'t> {
    let mut context = Context::default();
    for statement in statements(node) {
        match statement.word.as_str() {
            "zone" => context.zones = reader.values(statement),
            "interface" => context.interfaces = reader.values(statement),
            _ => reader.other(&CONTEXT, statement),
        }
    }
    context
}

fn read_rule<'t, A>(
    node: &'t Node,
    reader: &mut Reader<'_>,
    action: fn(&'t Node, &mut Reader<'_>) -> Option<A>,
) -> Rule<'t, A> {
    let mut rule = Rule { name: reader.name(node), matches: Match::default(), action: None };
    let mut then = None;
    for statement in statements(node) {
        match statement.word.as_str() {
            "match" => rule.matches = read_match(statement, reader),
            "then" => then = Some(statement),
            _ => reader.other(&RULE, statement),
        }
    }
    match then {
        Some(then) => rule.action = action(then, reader),
        None => missing_action(node, reader),
    }
    rule
}

const NAT: Stanza = Stanza {
    path: "security nat",
    honoured: "source destination static proxy-arp proxy-ndp",
    later: "natv6v4 allow-overlapping-pools",
    ..Stanza::EMPTY
};

const PROXY: Stanza =
    Stanza { path: "security nat proxy-arp", honoured: "interface", ..Stanza::EMPTY };

const PROXY_INTERFACE: Stanza =
    Stanza { path: "security nat proxy-arp interface", honoured: "address", ..Stanza::EMPTY };

const SOURCE: Stanza = Stanza {
    path: "security nat source",
    honoured: "pool rule-set pool-default-port-range address-persistent interface",
    later: "pool-default-twin-port-range pool-utilization-alarm port-randomization port-round-robin port-scaling-enlargement \
        session-persistence-scan session-drop-hold-down",
    ..Stanza::EMPTY
};

const INTERFACE: Stanza = Stanza {
    path: "security nat source interface",
    later: "port-overloading port-overloading-factor",
    ..Stanza::EMPTY
};

const DESTINATION: Stanza = Stanza {
    path: "security nat destination",
    honoured: "pool rule-set",
    later: "port-forwarding",
    ..Stanza::EMPTY
};

const STATIC: Stanza =
    Stanza { path: "security nat static", honoured: "rule-set", ..Stanza::EMPTY };

const RULE_SET: Stanza =
    Stanza { path: "security nat rule-set", honoured: "from to rule", ..Stanza::EMPTY };

const CONTEXT: Stanza = Stanza {
    path: "security nat rule-set from",
    honoured: "zone interface",
    opening: "routing-instance routing-group",
    ..Stanza::EMPTY
};

const RULE: Stanza = Stanza {
    path: "security nat rule-set rule",
    honoured: "match then",
    later: "session-count-alarm",
    ..Stanza::EMPTY
};
