//! `security zones`: zones with their interfaces, screen and what they let in for the firewall
//! itself.

use components::world::interface::HostInbound;

use super::addresses::{self, Book};
use super::host_inbound;
use super::reader::{Reader, Stanza, Word, statements};
use crate::config::tree::Node;

/// One interface of a zone.
#[derive(Clone, Debug)]
pub struct ZoneInterface<'t> {
    /// Its name; without a unit it is unit 0; `all` is every interface that no other zone lists.
    pub name: Word<'t>,
    /// Its own `host-inbound-traffic`, which replaces the zone's.
    pub host_inbound: Option<HostInbound>,
}

/// A security zone, or the functional zone `management`.
#[derive(Clone, Debug)]
pub struct Zone<'t> {
    /// Its name.
    pub name: Word<'t>,
    /// A functional zone: its interfaces take traffic for the firewall, never transit traffic.
    pub functional: bool,
    /// Its interfaces.
    pub interfaces: Vec<ZoneInterface<'t>>,
    /// `screen`.
    pub screen: Option<Word<'t>>,
    /// `tcp-rst`.
    pub tcp_rst: bool,
    /// `host-inbound-traffic`.
    pub host_inbound: HostInbound,
    /// The zone's own address book.
    pub book: Option<Book<'t>>,
}

/// Reads `security zones`.
pub(crate) fn read<'t>(node: &'t Node, reader: &mut Reader<'_>) -> Vec<Zone<'t>> {
    let mut zones = Vec::new();
    for statement in statements(node) {
        let functional = match statement.word.as_str() {
            "security-zone" => false,
            "functional-zone" => true,
            _ => {
                reader.other(&ZONES, statement);
                continue;
            }
        };
        for zone in statement.active() {
            zones.push(read_zone(zone, functional, reader));
        }
    }
    zones
}

fn read_zone<'t>(node: &'t Node, functional: bool, reader: &mut Reader<'_>) -> Zone<'t> {
    let mut zone = Zone {
        name: reader.name(node),
        functional,
        interfaces: Vec::new(),
        screen: None,
        tcp_rst: false,
        host_inbound: HostInbound::default(),
        book: None,
    };
    if node.word == "junos-host" || node.word == "any" {
        let message = format!("the zone name `{}` is reserved", node.word);
        reader.diagnostics.error("reserved-name", node.span, message);
    }
    for statement in statements(node) {
        match statement.word.as_str() {
            "interfaces" => {
                for interface in statements(statement) {
                    zone.interfaces.push(read_interface(interface, reader));
                }
            }
            "screen" => zone.screen = reader.value(statement),
            "tcp-rst" => zone.tcp_rst = true,
            "host-inbound-traffic" => zone.host_inbound = host_inbound::read(statement, reader),
            "address-book" => zone.book = Some(addresses::read_book(statement, reader)),
            _ => reader.other(&ZONE, statement),
        }
    }
    if let Some(book) = &mut zone.book {
        book.zones = vec![zone.name];
    }
    zone
}

fn read_interface<'t>(node: &'t Node, reader: &mut Reader<'_>) -> ZoneInterface<'t> {
    let mut host_inbound = None;
    for statement in statements(node) {
        match statement.word.as_str() {
            "host-inbound-traffic" => host_inbound = Some(host_inbound::read(statement, reader)),
            _ => reader.other(&INTERFACE, statement),
        }
    }
    ZoneInterface { name: node.into(), host_inbound }
}

const ZONES: Stanza =
    Stanza { path: "security zones", honoured: "security-zone functional-zone", ..Stanza::EMPTY };

const ZONE: Stanza = Stanza {
    path: "security zones security-zone",
    honoured: "interfaces screen tcp-rst host-inbound-traffic address-book",
    later: "application-tracking enable-reverse-reroute source-identity-log \
        unidirectional-session-refreshing",
    ignored: "user-identification",
    opening: "advance-policy-based-routing advance-policy-based-routing-profile",
};

const INTERFACE: Stanza = Stanza {
    path: "security zones security-zone interfaces",
    honoured: "host-inbound-traffic",
    ..Stanza::EMPTY
};
