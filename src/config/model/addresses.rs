//! Address books: global, attached to zones, and a zone's own. Address names are free text, since
//! no log line has them; what an entry covers is resolved when the model is compiled, sets and
//! their cycles included.

use components::address::AddressRange;

use super::reader::{Reader, Stanza, Word, statements};
use crate::config::tree::Node;

/// What an address book entry covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddressValue {
    /// A prefix, host or range.
    Range(AddressRange),
    /// `dns-name` or `wildcard-address`: nothing that could be matched offline.
    Unsupported(&'static str),
    /// Could not be read, which has been reported.
    Invalid,
}

/// `address NAME …`.
#[derive(Clone, Debug)]
pub struct Address<'t> {
    /// Its name.
    pub name: Word<'t>,
    /// What it covers.
    pub value: AddressValue,
}

/// `address-set NAME …`.
#[derive(Clone, Debug)]
pub struct AddressSet<'t> {
    /// Its name.
    pub name: Word<'t>,
    /// `address` and `address-set` members; the two share one name space.
    pub members: Vec<Word<'t>>,
}

/// One address book.
#[derive(Clone, Debug)]
pub struct Book<'t> {
    /// Its name; that of the zone for a zone's own.
    pub name: Word<'t>,
    /// The zones that it is attached to; `global` needs none.
    pub zones: Vec<Word<'t>>,
    /// Its addresses.
    pub addresses: Vec<Address<'t>>,
    /// Its sets.
    pub sets: Vec<AddressSet<'t>>,
}

/// Reads one `address-book` (its own node: the name below the keyword, or a zone's `address-book`).
pub(crate) fn read_book<'t>(node: &'t Node, reader: &mut Reader<'_>) -> Book<'t> {
    let mut book =
        Book { name: node.into(), zones: Vec::new(), addresses: Vec::new(), sets: Vec::new() };
    for statement in statements(node) {
        match statement.word.as_str() {
            "address" => {
                for address in statement.active() {
                    let value = read_address(address, reader);
                    book.addresses.push(Address { name: address.into(), value });
                }
            }
            "address-set" => {
                for set in statement.active() {
                    book.sets.push(read_set(set, reader));
                }
            }
            "attach" => {
                for attach in statements(statement) {
                    match attach.word.as_str() {
                        "zone" => book.zones = reader.values(attach),
                        _ => reader.other(&ATTACH, attach),
                    }
                }
            }
            _ => reader.other(&BOOK, statement),
        }
    }
    book
}

fn read_address(node: &Node, reader: &mut Reader<'_>) -> AddressValue {
    let mut value = None;
    for statement in statements(node) {
        value = Some(match statement.word.as_str() {
            "dns-name" => AddressValue::Unsupported("dns-name"),
            "wildcard-address" => AddressValue::Unsupported("wildcard-address"),
            "range-address" => match statement.value() {
                Some(first) => {
                    reader.address_range(first).map_or(AddressValue::Invalid, AddressValue::Range)
                }
                None => AddressValue::Invalid,
            },
            "ip-prefix" => match reader.value(statement).and_then(|word| reader.range(word)) {
                Some(range) => AddressValue::Range(range),
                None => AddressValue::Invalid,
            },
            _ => match reader.range(statement.into()) {
                Some(range) => AddressValue::Range(range),
                None => AddressValue::Invalid,
            },
        });
    }
    value.unwrap_or_else(|| {
        let message = format!("the address `{}` has no value", node.word);
        let found = reader.diagnostics.error("missing-value", node.span, message);
        found.expected("a prefix, or range-address A to B");
        AddressValue::Invalid
    })
}

fn read_set<'t>(node: &'t Node, reader: &mut Reader<'_>) -> AddressSet<'t> {
    let mut members = Vec::new();
    for statement in statements(node) {
        match statement.word.as_str() {
            "address" | "address-set" => members.extend(reader.values(statement)),
            _ => reader.other(&SET, statement),
        }
    }
    AddressSet { name: node.into(), members }
}

const BOOK: Stanza = Stanza {
    path: "security address-book",
    honoured: "address address-set attach",
    ..Stanza::EMPTY
};

const ATTACH: Stanza =
    Stanza { path: "security address-book attach", honoured: "zone", ..Stanza::EMPTY };

const SET: Stanza = Stanza {
    path: "security address-book address-set",
    honoured: "address address-set",
    ..Stanza::EMPTY
};
