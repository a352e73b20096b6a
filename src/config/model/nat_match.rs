//! `match` of a NAT rule, one form for all three kinds.

use components::address::AddressRange;

use super::nat_pools::{read_ports, read_ports_of};
use super::numbers::Kind;
use super::reader::{Reader, Stanza, Word, statements};
use crate::config::tree::Node;

/// What a NAT rule matches; an empty list is any.
#[derive(Clone, Debug, Default)]
pub struct Match<'t> {
    /// `source-address`.
    pub source: Vec<AddressRange>,
    /// `source-address-name`, of the global address book.
    pub source_names: Vec<Word<'t>>,
    /// `destination-address`.
    pub destination: Vec<AddressRange>,
    /// `destination-address-name`.
    pub destination_names: Vec<Word<'t>>,
    /// `source-port`.
    pub source_ports: Vec<(u16, u16)>,
    /// `destination-port`.
    pub destination_ports: Vec<(u16, u16)>,
    /// `protocol`.
    pub protocols: Vec<u8>,
    /// `application`.
    pub applications: Vec<Word<'t>>,
}

/// Reads `match`.
pub(crate) fn read_match<'t>(node: &'t Node, reader: &mut Reader<'_>) -> Match<'t> {
    let mut read = Match::default();
    for statement in statements(node) {
        match statement.word.as_str() {
            "source-address" => addresses(statement, &mut read.source, reader),
            "destination-address" => addresses(statement, &mut read.destination, reader),
            "source-address-name" => read.source_names = reader.values(statement),
            "destination-address-name" => read.destination_names = reader.values(statement),
            "source-port" => ports(statement, &mut read.source_ports, reader),
            "destination-port" => ports(statement, &mut read.destination_ports, reader),
            "protocol" => {
                for word in reader.values(statement) {
                    read.protocols.extend(reader.byte(Kind::Protocol, word));
                }
            }
            "application" => read.applications = reader.values(statement),
            _ => reader.other(&MATCH, statement),
        }
    }
    read
}

fn addresses(node: &Node, ranges: &mut Vec<AddressRange>, reader: &mut Reader<'_>) {
    for word in reader.values(node) {
        match word.text {
            "any" => ranges.extend([AddressRange::V4(0, u32::MAX), AddressRange::V6(0, u128::MAX)]),
            "any-ipv4" => ranges.push(AddressRange::V4(0, u32::MAX)),
            "any-ipv6" => ranges.push(AddressRange::V6(0, u128::MAX)),
            _ => ranges.extend(reader.range(word)),
        }
    }
}

fn ports(node: &Node, ranges: &mut Vec<(u16, u16)>, reader: &mut Reader<'_>) {
    if node.child("to").is_some() {
        ranges.extend(read_ports(node, reader));
        return;
    }
    for word in node.active() {
        ranges.extend(read_ports_of(word, reader));
    }
}

const MATCH: Stanza = Stanza {
    path: "security nat rule-set rule match",
    honoured: "source-address source-address-name destination-address destination-address-name \
        source-port destination-port protocol application",
    opening: "source-zone source-interface",
    ..Stanza::EMPTY
};
