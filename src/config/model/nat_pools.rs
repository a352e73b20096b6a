//! Source and destination NAT pools, and the ranges of ports that pools, rules and mapped ports
//! share.

use components::address::AddressRange;
use components::world::nat::{PortBlocks, SourcePool};

use super::reader::{Reader, Stanza, Word, statements};
use crate::config::tree::Node;

/// A named source pool.
#[derive(Clone, Debug)]
pub struct NamedPool<'t> {
    /// Its name.
    pub name: Word<'t>,
    /// Addresses and ports.
    pub pool: SourcePool,
    /// `overflow-pool`.
    pub overflow: Option<Word<'t>>,
}

/// A destination pool.
#[derive(Clone, Debug)]
pub struct DestinationPool<'t> {
    /// Its name.
    pub name: Word<'t>,
    /// Its addresses.
    pub range: AddressRange,
    /// `port`, 0 where it is not set.
    pub port: u16,
}

/// Reads one source pool.
pub(crate) fn read_source_pool<'t>(
    node: &'t Node,
    ports: (u16, u16),
    reader: &mut Reader<'_>,
) -> Option<NamedPool<'t>> {
    let mut pool = SourcePool { ports, ..SourcePool::default() };
    let mut overflow = None;
    for statement in statements(node) {
        match statement.word.as_str() {
            "address" => {
                let ranges = statement.active();
                let read = |range| reader.address_range(range);
                pool.ranges.extend(ranges.filter_map(read));
            }
            "port" => {
                statements(statement).for_each(|port| read_port(port, &mut pool, reader));
            }
            "address-pooling" => {
                let word = reader.value(statement);
                match word.map_or("paired", |word| word.text) {
                    "paired" => pool.paired = true,
                    "no-paired" => pool.paired = false,
                    _ => reader.bad("bad-value", statement.into(), "paired or no-paired"),
                }
            }
            "host-address-base" => {
                let base = reader.value(statement).and_then(|word| reader.prefix(word));
                pool.host_base = base.map(|(ip, _)| ip.into());
            }
            "overflow-pool" => overflow = reader.value(statement),
            _ => reader.other(&SOURCE_POOL, statement),
        }
    }
    let is_v4 = |range: &AddressRange| matches!(range, AddressRange::V4(..));
    if pool.ranges.is_empty() {
        let message = format!("the source NAT pool `{}` has no address", node.word);
        reader.diagnostics.error("empty-pool", node.span, message);
        return None;
    }
    if pool.ranges.iter().any(|range| is_v4(range) != is_v4(&pool.ranges[0])) {
        let message = format!("the source NAT pool `{}` mixes IPv4 and IPv6", node.word);
        reader.diagnostics.error("mixed-pool", node.span, message);
        return None;
    }
    let name = reader.name(node);
    Some(NamedPool { name, pool, overflow })
}

/// One statement of `port`.
fn read_port(port: &Node, pool: &mut SourcePool, reader: &mut Reader<'_>) {
    match port.word.as_str() {
        "no-translation" => pool.no_translation = true,
        "range" => pool.ports = read_ports(port, reader).unwrap_or(pool.ports),
        // Both are always kept where that is possible.
        "preserve-parity" | "preserve-range" => {}
        "block-allocation" => pool.blocks = Some(read_blocks(port, reader)),
        word if word.starts_with(|c: char| c.is_ascii_digit()) => {
            pool.ports = read_ports_of(port, reader).unwrap_or(pool.ports);
        }
        _ => reader.other(&PORT, port),
    }
}

/// `block-allocation`.
fn read_blocks(node: &Node, reader: &mut Reader<'_>) -> PortBlocks {
    let mut blocks = PortBlocks::default();
    for statement in statements(node) {
        match statement.word.as_str() {
            "block-size" => {
                blocks.size = reader.small(statement, 1..=64_512).unwrap_or(blocks.size);
            }
            "maximum-blocks-per-host" => {
                blocks.per_host_max = reader.small(statement, 1..=512).unwrap_or(1);
            }
            "active-block-timeout" => {
                let bounds = if statement.value().is_some_and(|v| v.word == "0") {
                    0..=0
                } else {
                    120..=86_400
                };
                blocks.active_s = reader.number(statement, bounds).unwrap_or(0);
            }
            _ => reader.other(&BLOCKS, statement),
        }
    }
    blocks
}

/// Reads one destination pool.
pub(crate) fn read_destination_pool<'t>(
    node: &'t Node,
    reader: &mut Reader<'_>,
) -> Option<DestinationPool<'t>> {
    let (mut range, mut port) = (None, None);
    for statement in statements(node) {
        match statement.word.as_str() {
            // `address { A to B; }`, `address A to B`, `address A port P` and `address { A; port P;
            // }`.
            "address" => {
                for word in statement.active() {
                    match word.word.as_str() {
                        "port" => port = Some(word),
                        _ => {
                            range = reader.address_range(word);
                            port = word.child("port").or(port);
                        }
                    }
                }
            }
            "port" => port = Some(statement),
            _ => reader.other(&DESTINATION_POOL, statement),
        }
    }
    let port = port.and_then(|port| reader.small(port, 1..=u16::MAX)).unwrap_or(0);
    let Some(range) = range else {
        let message = format!("the destination NAT pool `{}` has no address", node.word);
        reader.diagnostics.error("empty-pool", node.span, message);
        return None;
    };
    let name = reader.name(node);
    Some(DestinationPool { name, range, port })
}

/// `A to B` or `A` below a keyword.
pub(crate) fn read_ports(node: &Node, reader: &mut Reader<'_>) -> Option<(u16, u16)> {
    let named = |word: &&Node| !matches!(word.word.as_str(), "to" | "twin-port");
    let first = node.active().find(named)?;
    // `range A to B` is a value with `to` below it, or two siblings, by how the statement is known.
    let last = match node.child("to") {
        Some(to) => reader.value(to)?,
        None => reader.to(first)?.1,
    };
    span_of(first.into(), last, reader)
}

/// `A to B` or `A`, from the node of the first.
pub(crate) fn read_ports_of(first: &Node, reader: &mut Reader<'_>) -> Option<(u16, u16)> {
    let (first, last) = reader.to(first)?;
    span_of(first, last, reader)
}

fn span_of(first: Word<'_>, last: Word<'_>, reader: &mut Reader<'_>) -> Option<(u16, u16)> {
    let ((low, _), (_, high)) = (reader.ports(first)?, reader.ports(last)?);
    if low > high {
        reader.bad("bad-range", last, "a port that is not below the first");
        return None;
    }
    Some((low, high))
}

const SOURCE_POOL: Stanza = Stanza {
    path: "security nat source pool",
    honoured: "address port address-pooling host-address-base overflow-pool",
    later: "address-persistent address-shared pool-utilization-alarm port-overloading-factor \
        session-persistence-scan",
    opening: "routing-instance",
    ..Stanza::EMPTY
};

const PORT: Stanza = Stanza {
    path: "security nat source pool port",
    honoured: "range no-translation preserve-parity preserve-range block-allocation",
    later: "automatic-port-allocation deterministic port-overloading port-overloading-factor",
    ..Stanza::EMPTY
};

const BLOCKS: Stanza = Stanza {
    path: "security nat source pool port block-allocation",
    honoured: "block-size maximum-blocks-per-host active-block-timeout",
    later: "interim-logging-interval last-block-recycle-timeout log",
    ..Stanza::EMPTY
};

const DESTINATION_POOL: Stanza = Stanza {
    path: "security nat destination pool",
    honoured: "address port",
    opening: "routing-instance",
    ..Stanza::EMPTY
};
