//! `applications`: custom applications of one or several terms, and sets. Application-layer
//! gateways are not honoured: without them nothing more is let through. What a gateway alone can
//! tell (RPC programs) matches nothing.

use components::world::application::{AppTerm, ICMP, ICMPV6, SCTP, TCP, UDP, UDP_LITE};

use super::numbers::Kind;
use super::reader::{Reader, Stanza, Word, statements};
use crate::config::tree::Node;

/// A custom application.
#[derive(Clone, Debug)]
pub struct App<'t> {
    /// Its name.
    pub name: Word<'t>,
    /// Its terms.
    pub terms: Vec<AppTerm>,
    /// Depends on an RPC program number or a UUID, which only a gateway knows.
    pub rpc: bool,
}

/// An application set.
#[derive(Clone, Debug)]
pub struct AppSet<'t> {
    /// Its name.
    pub name: Word<'t>,
    /// Applications and sets; the two share one name space.
    pub members: Vec<Word<'t>>,
}

/// `applications`.
#[derive(Clone, Debug, Default)]
pub struct Applications<'t> {
    /// Custom applications.
    pub applications: Vec<App<'t>>,
    /// Sets.
    pub sets: Vec<AppSet<'t>>,
}

/// `inactivity-timeout never`.
pub(crate) const NEVER: u32 = u32::MAX;

/// Reads `applications`.
pub(crate) fn read<'t>(node: &'t Node, reader: &mut Reader<'_>) -> Applications<'t> {
    let mut read = Applications::default();
    for statement in statements(node) {
        match statement.word.as_str() {
            "application" => {
                for application in statement.active() {
                    read.applications.push(read_application(application, reader));
                }
            }
            "application-set" => {
                for set in statement.active() {
                    read.sets.push(read_set(set, reader));
                }
            }
            _ => reader.other(&APPLICATIONS, statement),
        }
    }
    read
}

fn read_application<'t>(node: &'t Node, reader: &mut Reader<'_>) -> App<'t> {
    let mut application = App { name: reader.name(node), terms: Vec::new(), rpc: false };
    let terms = node.child("term");
    for term in terms.into_iter().flat_map(Node::active) {
        read_term(term, &mut application, reader);
    }
    // Statements beside the terms make a term of their own; Junos takes either form.
    let plain = statements(node).any(|s| s.word != "term" && s.word != "application-protocol");
    if plain || terms.is_none() {
        read_term(node, &mut application, reader);
    }
    application
}

fn read_term(node: &Node, application: &mut App<'_>, reader: &mut Reader<'_>) {
    let mut term = AppTerm::of_protocol(0);
    term.protocol = None;
    let (mut ports, mut icmp, mut rpc) = (None, None, false);
    for statement in statements(node) {
        match statement.word.as_str() {
            "term" => {}
            "protocol" => {
                let word = reader.value(statement);
                term.protocol = word.and_then(|word| reader.byte(Kind::Protocol, word));
                if term.protocol.is_none() {
                    return;
                }
            }
            "source-port" | "destination-port" => {
                let range = reader.value(statement).and_then(|word| reader.ports(word));
                let field = if statement.word == "source-port" {
                    &mut term.source_ports
                } else {
                    &mut term.destination_ports
                };
                *field = range.unwrap_or(*field);
                ports = Some(statement);
            }
            "icmp-type" | "icmp6-type" | "icmp-code" | "icmp6-code" => {
                read_icmp(statement, &mut term, reader);
                icmp = Some(statement);
            }
            "inactivity-timeout" => term.timeout_s = read_timeout(statement, reader),
            "rpc-program-number" | "uuid" => rpc = true,
            _ => reader.other(&TERM, statement),
        }
    }
    let misfit = match term.protocol {
        None => {
            let message = format!("the application term `{}` has no protocol", node.word);
            let found = reader.diagnostics.error("missing-protocol", node.span, message);
            found.expected("protocol and, for tcp and udp, a destination-port");
            return;
        }
        Some(TCP | UDP | SCTP | UDP_LITE) => icmp,
        Some(ICMP | ICMPV6) => ports,
        Some(_) => ports.or(icmp),
    };
    if let Some(statement) = misfit {
        let message = format!("`{}` does not go with this protocol", statement.word);
        reader.diagnostics.error("misplaced-match", statement.span, message);
    }
    application.rpc |= rpc;
    application.terms.push(term);
}

fn read_icmp(statement: &Node, term: &mut AppTerm, reader: &mut Reader<'_>) {
    let (kind, field) = match statement.word.as_str() {
        "icmp-type" => (Kind::IcmpType, &mut term.icmp_type),
        "icmp6-type" => (Kind::Icmp6Type, &mut term.icmp_type),
        "icmp-code" => (Kind::IcmpCode, &mut term.icmp_code),
        _ => (Kind::Icmp6Code, &mut term.icmp_code),
    };
    let word = reader.value(statement);
    *field = word.and_then(|word| reader.byte(kind, word));
}

fn read_timeout(statement: &Node, reader: &mut Reader<'_>) -> u32 {
    match reader.value(statement) {
        Some(word) if word.text == "never" => NEVER,
        Some(word) => reader.number_of(word, 1..=NEVER - 1).unwrap_or(0),
        None => 0,
    }
}

fn read_set<'t>(node: &'t Node, reader: &mut Reader<'_>) -> AppSet<'t> {
    let mut members = Vec::new();
    for statement in statements(node) {
        match statement.word.as_str() {
            "application" | "application-set" => members.extend(reader.values(statement)),
            _ => reader.other(&SET, statement),
        }
    }
    AppSet { name: node.into(), members }
}

const APPLICATIONS: Stanza =
    Stanza { path: "applications", honoured: "application application-set", ..Stanza::EMPTY };

const TERM: Stanza = Stanza {
    path: "applications application",
    honoured: "term protocol source-port destination-port icmp-type icmp-code icmp6-type \
        icmp6-code inactivity-timeout rpc-program-number uuid",
    later: "alg application-protocol do-not-translate-A-query-to-AAAA-query \
        do-not-translate-AAAA-query-to-A-query gate-timeout learn-sip-register \
        sip-call-hold-timeout",
    opening: "ether-type snmp-command ttl-threshold",
    ..Stanza::EMPTY
};

const SET: Stanza = Stanza {
    path: "applications application-set",
    honoured: "application application-set",
    ..Stanza::EMPTY
};
