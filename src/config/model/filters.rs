//! `firewall`: filters of the families `inet` and `inet6`. A condition that cannot be matched is an
//! error, whatever the term does: its absence would change what matches.

use components::address::Family;
use components::world::filter::{FilterAction, FilterMatch, RejectWith};
use components::world::policer::LossPriority;

use super::filter_match::{Addresses, read_from};
use super::numbers::Kind;
use super::reader::{Reader, Stanza, Word, near, statements};
use super::{Model, policers};
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
    /// `interface`.
    pub interfaces: Vec<Word<'t>>,
    /// How it ends.
    pub action: FilterAction,
    /// `log` or `syslog`.
    pub log: bool,
    /// `count`.
    pub counter: Option<Word<'t>>,
    /// `policer`, or, with `true`, `three-color-policer`.
    pub policer: Option<(Word<'t>, bool)>,
    /// `loss-priority`.
    pub loss_priority: Option<LossPriority>,
    /// `dscp`, `traffic-class`.
    pub dscp: Option<u8>,
}

/// Reads `firewall`.
pub(super) fn read<'t>(node: &'t Node, model: &mut Model<'t>, reader: &mut Reader<'_>) {
    let filters = &mut model.filters;
    for statement in statements(node) {
        match statement.word.as_str() {
            "filter" => read_filters(statement, Family::Inet, reader, filters),
            "policer" => policers::read(statement, reader, &mut model.policers),
            "three-color-policer" => {
                policers::read_three_colors(statement, reader, &mut model.policers);
            }
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
                            "filter" => read_filters(statement, kind, reader, filters),
                            _ => reader.other(&FAMILY, statement),
                        }
                    }
                }
            }
            _ => reader.other(&FIREWALL, statement),
        }
    }
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
        interfaces: Vec::new(),
        action: FilterAction::Accept,
        log: false,
        counter: None,
        policer: None,
        loss_priority: None,
        dscp: None,
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
            _ => {
                if !read_modifier(statement, term, reader) {
                    reader.other(&THEN, statement);
                }
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

/// What a term does beside its action; true if this was one.
fn read_modifier<'t>(node: &'t Node, term: &mut Term<'t>, reader: &mut Reader<'_>) -> bool {
    match node.word.as_str() {
        "log" | "syslog" => term.log = true,
        "count" => term.counter = reader.value(node),
        "loss-priority" => term.loss_priority = policers::read_loss_priority(node, reader),
        "dscp" | "traffic-class" => {
            if let Some(word) = reader.value(node) {
                term.dscp = reader.byte(Kind::Dscp, word);
            }
        }
        "policer" => term.policer = reader.value(node).map(|name| (name, false)),
        "three-color-policer" => {
            for kind in statements(node) {
                match kind.word.as_str() {
                    "single-rate" | "two-rate" => {
                        term.policer = reader.value(kind).map(|name| (name, true));
                    }
                    _ => {
                        let path = "firewall filter term then three-color-policer";
                        reader.unknown(kind.into(), path, ["single-rate", "two-rate"]);
                    }
                }
            }
        }
        _ => return false,
    }
    true
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
    honoured: "filter family policer three-color-policer",
    later: "hierarchical-policer interface-set load-balance-group \
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
    honoured: "accept discard reject next log syslog count policer three-color-policer \
        loss-priority dscp traffic-class",
    later: "analyzer clear-policy-map packet-capture packet-mode policy-map port-mirror \
        port-mirror-instance sample service-accounting traffic-class-count",
    ignored: "forwarding-class forwarding-class-accounting",
    opening: "hierarchical-policer prefix-action decapsulate encapsulate logical-system \
        next-interface next-ip next-ip6 \
        routing-instance topology",
};
