//! `firewall`: filters of the families `inet` and `inet6`, and policers, which are not honoured
//! yet. A condition that cannot be matched is an error, whatever the term does: its absence would
//! change what matches.

use components::address::Family;
use components::world::filter::{FilterAction, FilterMatch, RejectWith};

use super::filter_match::{Addresses, read_from};
use super::reader::{Reader, Stanza, Word, near, statements};
use crate::config::tree::Node;

/// A filter.
#[derive(Clone, Debug)]
pub struct Filter<'t> {
    /// Its name.
    pub name: Word<'t>,
    /// `inet` or `inet6`.
    pub family: Family,
    /// Terms in order.
    pub terms: Vec<Term<'t>>,
}

/// A term.
#[derive(Clone, Debug)]
pub struct Term<'t> {
    /// Its name.
    pub name: Word<'t>,
    /// Conditions other than addresses.
    pub matches: FilterMatch,
    /// `source-address`, `source-prefix-list`.
    pub source: Addresses<'t>,
    /// `destination-address`, `destination-prefix-list`.
    pub destination: Addresses<'t>,
    /// `address`, `prefix-list`.
    pub either: Addresses<'t>,
    /// How it ends.
    pub action: FilterAction,
    /// `log` or `syslog`.
    pub log: bool,
    /// `count`.
    pub counter: Option<Word<'t>>,
}

/// Reads `firewall`.
pub(crate) fn read<'t>(node: &'t Node, reader: &mut Reader<'_>) -> Vec<Filter<'t>> {
    let mut filters = Vec::new();
    for statement in statements(node) {
        match statement.word.as_str() {
            "filter" => read_filters(statement, Family::Inet, reader, &mut filters),
            "family" => {
                for family in statement.active() {
                    let kind = match family.word.as_str() {
                        "inet" => Family::Inet,
                        "inet6" => Family::Inet6,
                        _ => {
                            reader.other(&FAMILIES, family);
                            continue;
                        }
                    };
                    for statement in statements(family) {
                        match statement.word.as_str() {
                            "filter" => read_filters(statement, kind, reader, &mut filters),
                            _ => reader.other(&FAMILY, statement),
                        }
                    }
                }
            }
            _ => reader.other(&FIREWALL, statement),
        }
    }
    filters
}

fn read_filters<'t>(
    node: &'t Node,
    family: Family,
    reader: &mut Reader<'_>,
    filters: &mut Vec<Filter<'t>>,
) {
    for filter in node.active() {
        let mut read = Filter { name: reader.name(filter), family, terms: Vec::new() };
        for statement in statements(filter) {
            match statement.word.as_str() {
                "term" => {
                    let terms = statement.active();
                    read.terms.extend(terms.map(|term| read_term(term, family, reader)));
                }
                _ => reader.other(&FILTER, statement),
            }
        }
        filters.push(read);
    }
}

fn read_term<'t>(node: &'t Node, family: Family, reader: &mut Reader<'_>) -> Term<'t> {
    let mut term = Term {
        name: reader.name(node),
        matches: FilterMatch::default(),
        source: Addresses::default(),
        destination: Addresses::default(),
        either: Addresses::default(),
        action: FilterAction::Accept,
        log: false,
        counter: None,
    };
    for statement in statements(node) {
        match statement.word.as_str() {
            "from" => {
                for condition in statements(statement) {
                    read_from(condition, family, &mut term, reader);
                }
            }
            "then" => read_then(statement, &mut term, reader),
            _ => reader.other(&TERM, statement),
        }
    }
    term
}

fn read_then<'t>(node: &'t Node, term: &mut Term<'t>, reader: &mut Reader<'_>) {
    let mut decided: Option<FilterAction> = None;
    for statement in statements(node) {
        let action = match statement.word.as_str() {
            "accept" => FilterAction::Accept,
            "discard" => FilterAction::Discard,
            "reject" => FilterAction::Reject(read_reject(statement, reader)),
            "next" => match reader.value(statement) {
                Some(word) if word.text == "term" => FilterAction::NextTerm,
                Some(word) => {
                    reader.unknown(word, "firewall filter term then next", ["term"]);
                    continue;
                }
                None => continue,
            },
            "log" | "syslog" => {
                term.log = true;
                continue;
            }
            "count" => {
                term.counter = reader.value(statement);
                continue;
            }
            _ => {
                reader.other(&THEN, statement);
                continue;
            }
        };
        if decided.is_some_and(|earlier| earlier != action) {
            let message = format!("the term `{}` has two actions", term.name.text);
            let found = reader.diagnostics.error("two-actions", statement.span, message);
            found.expected("one of accept, discard, reject and next term");
        }
        decided = Some(action);
        term.action = action;
    }
}

/// ICMP destination unreachable codes; those of ICMPv6 by their IPv4 counterparts.
const REJECTS: &[(&str, u8)] = &[
    ("network-unreachable", 0),
    ("no-route", 0),
    ("host-unreachable", 1),
    ("address-unreachable", 1),
    ("protocol-unreachable", 2),
    ("port-unreachable", 3),
    ("fragmentation-needed", 4),
    ("source-route-failed", 5),
    ("network-unknown", 6),
    ("host-unknown", 7),
    ("source-host-isolated", 8),
    ("beyond-scope", 8),
    ("network-prohibited", 9),
    ("host-prohibited", 10),
    ("bad-network-tos", 11),
    ("bad-host-tos", 12),
    ("administratively-prohibited", 13),
    ("precedence-violation", 14),
    ("precedence-cutoff", 15),
];

fn read_reject(node: &Node, reader: &mut Reader<'_>) -> RejectWith {
    let Some(code) = node.value() else {
        return RejectWith::Unreachable(13);
    };
    if code.word == "tcp-reset" {
        return RejectWith::TcpReset;
    }
    match REJECTS.iter().find(|(name, _)| *name == code.word) {
        Some(&(_, code)) => RejectWith::Unreachable(code),
        None => {
            let message = format!("`{}` is not something to reject with", code.word);
            let near = near(&code.word, REJECTS.iter().map(|(name, _)| *name));
            let found = reader.diagnostics.error("unknown-statement", code.span, message);
            found.expected("tcp-reset or a reason such as administratively-prohibited");
            if let Some(near) = near {
                found.suggest(format!("did you mean `{near}`?"));
            }
            RejectWith::Unreachable(13)
        }
    }
}

const FIREWALL: Stanza = Stanza {
    path: "firewall",
    honoured: "filter family",
    later: "policer three-color-policer hierarchical-policer interface-set load-balance-group \
        service-filter simple-filter",
    ignored: "log",
    ..Stanza::EMPTY
};

const FAMILIES: Stanza = Stanza {
    path: "firewall family",
    honoured: "inet inet6",
    later: "any bridge ccc ethernet-switching mpls vpls",
    ..Stanza::EMPTY
};

const FAMILY: Stanza = Stanza {
    path: "firewall family inet",
    honoured: "filter",
    later: "dialer-filter fast-update-filter prefix-action service-filter simple-filter template",
    ..Stanza::EMPTY
};

const FILTER: Stanza = Stanza {
    path: "firewall filter",
    honoured: "term",
    later: "interface-shared interface-specific physical-interface-filter",
    ignored: "accounting-profile enhanced-mode fast-lookup-filter",
    opening: "interface-set",
};

const TERM: Stanza = Stanza {
    path: "firewall filter term",
    honoured: "from then",
    opening: "filter",
    ..Stanza::EMPTY
};

const THEN: Stanza = Stanza {
    path: "firewall filter term then",
    honoured: "accept discard reject next log syslog count",
    later: "analyzer clear-policy-map dscp forwarding-class forwarding-class-accounting \
        hierarchical-policer loss-priority packet-capture packet-mode policer policy-map \
        port-mirror port-mirror-instance prefix-action sample service-accounting \
        three-color-policer traffic-class traffic-class-count",
    opening: "decapsulate encapsulate logical-system next-interface next-ip next-ip6 \
        routing-instance topology",
    ..Stanza::EMPTY
};
