//! `from` of a filter term. Values of one condition are alternatives, conditions all have to hold,
//! and `-except` is turned into what is left, so that an empty list always means that the condition
//! is absent.

use components::address::{AddressRange, Family};
use components::columns::{FRAGMENT_OFFSET_MASK, ip_option};
use components::world::filter::FilterMatch;
use components::world::policer::LossPriority::{High, Low, MediumHigh, MediumLow};

use super::filters::Term;
use super::numbers::Kind;
use super::policers::loss_priority;
use super::reader::{Reader, Stanza, Word, statements};
use super::tcp_flags;
use crate::config::tree::Node;

/// Addresses and prefix lists of one condition; `true` is `except`.
#[derive(Clone, Debug, Default)]
pub struct Addresses<'t> {
    /// Prefixes as range and length.
    pub prefixes: Vec<(AddressRange, u8, bool)>,
    /// Names of prefix lists.
    pub lists: Vec<(Word<'t>, bool)>,
}

impl Addresses<'_> {
    /// True if the condition is absent.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        self.prefixes.is_empty() && self.lists.is_empty()
    }
}

/// Reads one condition into the term.
pub(crate) fn read_from<'t>(
    condition: &'t Node,
    family: Family,
    term: &mut Term<'t>,
    reader: &mut Reader<'_>,
) {
    match condition.word.as_str() {
        "source-address" => addresses(condition, family, &mut term.source, reader),
        "destination-address" => addresses(condition, family, &mut term.destination, reader),
        "address" => addresses(condition, family, &mut term.either, reader),
        "source-prefix-list" => lists(condition, &mut term.source),
        "destination-prefix-list" => lists(condition, &mut term.destination),
        "prefix-list" => lists(condition, &mut term.either),
        "interface" => {
            for interface in statements(condition) {
                for option in statements(interface) {
                    reader.unknown(option.into(), "firewall filter term from interface", []);
                }
                term.interfaces.push(interface.into());
            }
        }
        _ => {
            let matches = &mut term.matches;
            if !(ports_or_bytes(condition, family, matches, reader)
                || flags(condition, matches, reader))
            {
                reader.other(&FROM, condition);
            }
        }
    }
}

fn addresses(node: &Node, family: Family, read: &mut Addresses<'_>, reader: &mut Reader<'_>) {
    for prefix in statements(node) {
        let Some((ip, length)) = reader.prefix(prefix.into()) else {
            continue;
        };
        if ip.is_ipv6() != (family == Family::Inet6) {
            reader.bad("bad-family", prefix.into(), "an address of the filter's family");
        }
        for option in statements(prefix).filter(|option| option.word != "except") {
            reader.unknown(option.into(), "firewall filter term from address", ["except"]);
        }
        if let Some(range) = AddressRange::prefix(ip, length) {
            let except = prefix.child("except").is_some();
            read.prefixes.push((range, length, except));
        }
    }
}

fn lists<'t>(node: &'t Node, read: &mut Addresses<'t>) {
    for list in statements(node) {
        read.lists.push((list.into(), list.child("except").is_some()));
    }
}

/// Conditions with lists of numbers; true if this was one.
fn ports_or_bytes(
    condition: &Node,
    family: Family,
    matches: &mut FilterMatch,
    reader: &mut Reader<'_>,
) -> bool {
    let (word, except) = match condition.word.strip_suffix("-except") {
        Some(word) => (word, true),
        None => (condition.word.as_str(), false),
    };
    let (icmp_type, icmp_code) = match family {
        Family::Inet6 => (Kind::Icmp6Type, Kind::Icmp6Code),
        _ => (Kind::IcmpType, Kind::IcmpCode),
    };
    match word {
        "port" => ports(condition, except, &mut matches.ports, reader),
        "source-port" => ports(condition, except, &mut matches.source_ports, reader),
        "destination-port" => ports(condition, except, &mut matches.destination_ports, reader),
        "packet-length" => lengths(condition, except, &mut matches.packet_lengths, reader),
        "icmp-type" => bytes(condition, icmp_type, except, &mut matches.icmp_types, reader),
        "icmp-code" => bytes(condition, icmp_code, except, &mut matches.icmp_codes, reader),
        "ttl" | "hop-limit" => bytes(condition, Kind::Ttl, except, &mut matches.ttls, reader),
        "protocol" | "next-header" | "payload-protocol" => {
            let mut ranges = Vec::new();
            bytes(condition, Kind::Protocol, except, &mut ranges, reader);
            let each = ranges.iter().flat_map(|&(low, high)| low..=high);
            // `next-header` and `payload-protocol` of one term both have to hold.
            let earlier = std::mem::take(&mut matches.protocols);
            let fits = |protocol: &u8| earlier.is_empty() || earlier.contains(protocol);
            matches.protocols = each.filter(fits).collect();
            never(condition, matches.protocols.is_empty(), reader);
        }
        "dscp" | "traffic-class" => {
            let mut ranges = Vec::new();
            bytes(condition, Kind::Dscp, except, &mut ranges, reader);
            dscps(condition, &ranges, matches, reader);
        }
        "precedence" => {
            let words = reader.values(condition);
            let read = |word: Word<'_>| precedence(word, reader);
            let values: Vec<u8> = words.into_iter().filter_map(read).collect();
            let all = (0..8).filter(|value| values.contains(value) != except);
            let ranges: Vec<_> = all.map(|value| (value * 8, value * 8 + 7)).collect();
            dscps(condition, &ranges, matches, reader);
        }
        "fragment-offset" => offsets(condition, except, &mut matches.fragment_offsets, reader),
        "loss-priority" => {
            let mut levels = [Low, MediumLow, MediumHigh, High].to_vec();
            let named: Vec<_> = reader.values(condition);
            let named: Vec<_> =
                named.into_iter().filter_map(|word| loss_priority(word, reader)).collect();
            levels.retain(|level| named.contains(level) != except);
            never(condition, levels.is_empty(), reader);
            matches.loss_priorities = levels;
        }
        _ => return false,
    }
    true
}

/// `dscp` and `precedence` of one term both have to hold.
fn dscps(node: &Node, ranges: &[(u8, u8)], matches: &mut FilterMatch, reader: &mut Reader<'_>) {
    let earlier = std::mem::take(&mut matches.dscps);
    let each = ranges.iter().flat_map(|&(low, high)| low..=high).filter(|dscp| *dscp < 64);
    matches.dscps = each.filter(|dscp| earlier.is_empty() || earlier.contains(dscp)).collect();
    never(node, matches.dscps.is_empty(), reader);
}

/// A precedence (RFC 791) by name or number.
fn precedence(word: Word<'_>, reader: &mut Reader<'_>) -> Option<u8> {
    let named = PRECEDENCES.iter().position(|name| *name == word.text);
    let value = named.and_then(|at| u8::try_from(at).ok()).or(word.text.parse().ok());
    let value = value.filter(|value| *value < 8);
    if value.is_none() {
        reader.bad("bad-number", word, "a precedence (a name or 0 to 7)");
    }
    value
}

fn offsets(node: &Node, except: bool, list: &mut Vec<(u16, u16)>, reader: &mut Reader<'_>) {
    let mut ranges = Vec::new();
    for word in reader.values(node) {
        match reader.lengths(word) {
            Some((_, last)) if last > FRAGMENT_OFFSET_MASK => {
                reader.bad("bad-number", word, "an offset up to 8191, in units of 8 bytes");
            }
            range => ranges.extend(range),
        }
    }
    numbers(node, ranges, except, list, reader);
}

fn ports(node: &Node, except: bool, list: &mut Vec<(u16, u16)>, reader: &mut Reader<'_>) {
    let words = reader.values(node);
    let ranges: Vec<_> = words.into_iter().filter_map(|word| reader.ports(word)).collect();
    numbers(node, ranges, except, list, reader);
}

fn lengths(node: &Node, except: bool, list: &mut Vec<(u16, u16)>, reader: &mut Reader<'_>) {
    let words = reader.values(node);
    let ranges: Vec<_> = words.into_iter().filter_map(|word| reader.lengths(word)).collect();
    numbers(node, ranges, except, list, reader);
}

fn numbers(
    node: &Node,
    ranges: Vec<(u16, u16)>,
    except: bool,
    list: &mut Vec<(u16, u16)>,
    reader: &mut Reader<'_>,
) {
    let ranges = if except { inverted(ranges) } else { ranges };
    never(node, ranges.is_empty(), reader);
    list.extend(ranges);
}

fn bytes(node: &Node, kind: Kind, except: bool, list: &mut Vec<(u8, u8)>, reader: &mut Reader<'_>) {
    let words = reader.values(node);
    let ranges: Vec<_> =
        words.into_iter().filter_map(|word| reader.byte_range(kind, word)).collect();
    let last = if kind == Kind::Dscp { 63 } else { 255 };
    let all = if except {
        let wide = ranges.iter().map(|&(a, b)| (u16::from(a), u16::from(b))).collect();
        let narrow =
            |(a, b): (u16, u16)| Some((u8::try_from(a).ok()?, u8::try_from(b.min(last)).ok()?));
        inverted(wide).into_iter().filter(|range| range.0 <= last).filter_map(narrow).collect()
    } else {
        ranges
    };
    if kind != Kind::Protocol {
        never(node, all.is_empty(), reader);
    }
    list.extend(all);
}

/// Everything that no range covers.
fn inverted(mut ranges: Vec<(u16, u16)>) -> Vec<(u16, u16)> {
    ranges.sort_unstable();
    let mut rest = Vec::new();
    let mut next = Some(0);
    for (first, last) in ranges {
        let Some(start) = next else { break };
        if start < first {
            rest.push((start, first - 1));
        }
        next = last.checked_add(1).map(|after: u16| after.max(start));
    }
    rest.extend(next.map(|start| (start, u16::MAX)));
    rest
}

/// A list that came out empty must not become an absent condition.
fn never(node: &Node, empty: bool, reader: &mut Reader<'_>) {
    if empty {
        let message = format!("`{}` leaves nothing that could match", node.word);
        reader.diagnostics.error("never-matches", node.span, message);
    }
}

/// Conditions on flags and fragments; true if this was one.
fn flags(condition: &Node, matches: &mut FilterMatch, reader: &mut Reader<'_>) -> bool {
    match condition.word.as_str() {
        "tcp-flags" => {
            let Some(word) = reader.value(condition) else {
                return true;
            };
            match tcp_flags::parse(word.text) {
                Some(pairs) => matches.tcp_flags = pairs,
                None => reader.bad("bad-tcp-flags", word, "an expression such as \"(syn & !ack)\""),
            }
        }
        "tcp-established" => matches.tcp_established = true,
        "tcp-initial" => matches.tcp_initial = true,
        "is-fragment" => matches.is_fragment = true,
        "first-fragment" => matches.first_fragment = true,
        "fragment-flags" => {
            let Some(word) = reader.value(condition) else {
                return true;
            };
            matches.fragment_flags = match word.text {
                "more-fragments" | "0x2000" => Some((0x2000, 0x2000)),
                "dont-fragment" | "0x4000" => Some((0x4000, 0x4000)),
                "reserved" | "0x8000" => Some((0x8000, 0x8000)),
                _ => {
                    let expected = "more-fragments, dont-fragment or reserved";
                    reader.bad("bad-fragment-flags", word, expected);
                    None
                }
            };
        }
        "ip-options" => {
            for word in reader.values(condition) {
                match IP_OPTIONS.iter().find(|(name, _)| *name == word.text) {
                    _ if word.text == "any" => matches.any_ip_option = true,
                    Some((_, bit)) => matches.ip_options |= bit,
                    None => reader.opens(word.span, "firewall filter term from ip-options"),
                }
            }
        }
        _ => return false,
    }
    true
}

/// By value.
const PRECEDENCES: &[&str] = &[
    "routine",
    "priority",
    "immediate",
    "flash",
    "flash-override",
    "critical-ecp",
    "internet-control",
    "net-control",
];

/// Those that the parser tells apart.
const IP_OPTIONS: &[(&str, u16)] = &[
    ("loose-source-route", ip_option::LOOSE_SOURCE_ROUTE),
    ("route-record", ip_option::RECORD_ROUTE),
    ("security", ip_option::SECURITY),
    ("stream-id", ip_option::STREAM),
    ("strict-source-route", ip_option::STRICT_SOURCE_ROUTE),
    ("timestamp", ip_option::TIMESTAMP),
];

const FROM: Stanza = Stanza {
    path: "firewall filter term from",
    honoured: "source-address destination-address address source-prefix-list \
        destination-prefix-list prefix-list port source-port destination-port packet-length \
        icmp-type icmp-code ttl hop-limit protocol next-header payload-protocol dscp \
        traffic-class tcp-flags tcp-established tcp-initial is-fragment first-fragment \
        fragment-flags port-except source-port-except destination-port-except \
        packet-length-except icmp-type-except icmp-code-except ttl-except protocol-except \
        next-header-except payload-protocol-except dscp-except traffic-class-except \
        precedence precedence-except fragment-offset fragment-offset-except interface \
        ip-options loss-priority loss-priority-except",
    opening: "ah-spi ah-spi-except destination-class destination-class-except \
        destination-mac-address esp-spi esp-spi-except extension-header \
        flexible-match-mask flexible-match-range forwarding-class forwarding-class-except \
        gre-key gre-key-except interface-group interface-group-except interface-set \
        ip-options-except ip-version policy-map policy-map-except rat-type redirect-reason \
        service-filter-hit source-class source-class-except source-mac-address \
        traffic-class-count vxlan",
    ..Stanza::EMPTY
};
