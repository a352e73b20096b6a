//! `interfaces`: logical units with their addresses, filters, VLAN and MTU. Properties of the wire
//! (speed, link mode, aggregation) are not the data plane's; a unit that is disabled keeps its name
//! and loses everything else.

use std::net::IpAddr;

use components::world::interface::MacAddress;

use super::reader::{Reader, Stanza, Word, statements};
use crate::config::span::Span;
use crate::config::tree::Node;

/// `family … address A/L`.
#[derive(Clone, Copy, Debug)]
pub struct UnitAddress {
    /// The interface's own address.
    pub ip: IpAddr,
    /// Prefix length in bits.
    pub length: u8,
    /// `primary` or `preferred`: the address that the interface uses itself.
    pub preferred: bool,
    /// Where it stands.
    pub span: Span,
}

/// A logical interface.
#[derive(Clone, Debug)]
pub struct Unit<'t> {
    /// `ge-0/0/0.0`.
    pub name: String,
    /// Where its number stands.
    pub span: Span,
    /// `disable`, here or on the physical interface.
    pub disabled: bool,
    /// Own addresses of both families.
    pub addresses: Vec<UnitAddress>,
    /// `filter input` or `input-list`, `inet` and `inet6`.
    pub input: [Vec<Word<'t>>; 2],
    /// `filter output` or `output-list`.
    pub output: [Vec<Word<'t>>; 2],
    /// `vlan-id`, 0 for untagged.
    pub vlan: u16,
    /// Largest IP packet in bytes, 0 where no `mtu` is set.
    pub mtu: u16,
    /// `redundant-ether-options redundancy-group` and where it stands.
    pub redundancy_group: Option<(u8, Span)>,
    /// `mac`, or one made from the interface's name.
    pub mac: MacAddress,
}

/// Reads `interfaces`.
pub(crate) fn read<'t>(node: &'t Node, reader: &mut Reader<'_>) -> Vec<Unit<'t>> {
    let mut units = Vec::new();
    for interface in statements(node) {
        match interface.word.as_str() {
            "interface-range" | "interface-set" => {
                reader.not_honoured(interface.span, &format!("interfaces {}", interface.word));
            }
            _ => read_interface(interface, reader, &mut units),
        }
    }
    units
}

fn read_interface<'t>(node: &'t Node, reader: &mut Reader<'_>, units: &mut Vec<Unit<'t>>) {
    let first = units.len();
    let (mut disabled, mut mtu, mut mac, mut group) = (false, None, None, None);
    for statement in statements(node) {
        match statement.word.as_str() {
            "unit" => units
                .extend(statement.active().filter_map(|unit| read_unit(&node.word, unit, reader))),
            "disable" => disabled = true,
            "mtu" => mtu = reader.small(statement, 256..=16_000),
            "mac" => mac = read_mac(statement, reader),
            "redundant-ether-options" => group = read_redundancy(statement, reader),
            // Properties of the wire, of which every kind of card has its own.
            word if word.ends_with("-options") => {
                reader.ignored(statement.span, "interfaces …-options");
            }
            _ => reader.other(&INTERFACE, statement),
        }
    }
    for unit in &mut units[first..] {
        unit.disabled |= disabled;
        unit.redundancy_group = group;
        unit.mac = mac.unwrap_or(MacAddress::of_name(&node.word));
        if let (0, Some(mtu)) = (unit.mtu, mtu) {
            // The physical MTU counts the Ethernet header and the tag, the family's does not.
            unit.mtu = mtu - if unit.vlan == 0 { 14 } else { 18 };
        }
    }
}

/// `redundant-ether-options redundancy-group N` of a reth interface; the rest is the wire's.
fn read_redundancy(statement: &Node, reader: &mut Reader<'_>) -> Option<(u8, Span)> {
    if statement.children.iter().any(|option| option.word != "redundancy-group") {
        reader.ignored(statement.span, "interfaces …-options");
    }
    let group = statement.child("redundancy-group")?;
    let number = reader.number(group, 1..=128)?;
    Some((u8::try_from(number).ok()?, group.span))
}

/// `mac 00:00:5e:00:53:01`.
fn read_mac(statement: &Node, reader: &mut Reader<'_>) -> Option<MacAddress> {
    let word = reader.value(statement)?;
    let mut bytes = [0; 6];
    let mut parts = word.text.split(':');
    let read = bytes.iter_mut().all(|byte| {
        let part = parts.next().filter(|part| (1..=2).contains(&part.len()));
        let value = part.and_then(|part| u8::from_str_radix(part, 16).ok());
        value.map(|value| *byte = value).is_some()
    });
    // A group's address is nobody's own.
    if !read || parts.next().is_some() || bytes[0] & 1 == 1 {
        reader.bad("bad-mac", word, "the address of one card, as `00:00:5e:00:53:01`");
        return None;
    }
    Some(MacAddress(bytes))
}

fn read_unit<'t>(interface: &str, node: &'t Node, reader: &mut Reader<'_>) -> Option<Unit<'t>> {
    reader.number_of(node.into(), 0..=1_073_741_823)?;
    let mut unit = Unit {
        name: format!("{interface}.{}", node.word),
        span: node.span,
        disabled: false,
        addresses: Vec::new(),
        input: Default::default(),
        output: Default::default(),
        vlan: 0,
        mtu: 0,
        redundancy_group: None,
        mac: MacAddress::default(),
    };
    for statement in statements(node) {
        match statement.word.as_str() {
            "disable" => unit.disabled = true,
            "vlan-id" => unit.vlan = reader.small(statement, 1..=4094).unwrap_or(0),
            "family" => {
                for family in statement.active() {
                    match family.word.as_str() {
                        "inet" => read_family(&mut unit, 0, family, reader),
                        "inet6" => read_family(&mut unit, 1, family, reader),
                        _ => reader.other(&FAMILIES, family),
                    }
                }
            }
            _ => reader.other(&UNIT, statement),
        }
    }
    Some(unit)
}

fn read_family<'t>(unit: &mut Unit<'t>, family: usize, node: &'t Node, reader: &mut Reader<'_>) {
    for statement in statements(node) {
        match statement.word.as_str() {
            "address" => {
                for address in statement.active() {
                    unit.addresses.extend(read_address(family, address, reader));
                }
            }
            "filter" => {
                for direction in statements(statement) {
                    match direction.word.as_str() {
                        "input" | "input-list" => unit.input[family] = reader.values(direction),
                        "output" | "output-list" => unit.output[family] = reader.values(direction),
                        _ => reader.other(&FILTER, direction),
                    }
                }
            }
            "mtu" => {
                let mtu = reader.small(statement, 256..=16_000).unwrap_or(0);
                unit.mtu = if unit.mtu == 0 { mtu } else { unit.mtu.min(mtu) };
            }
            _ => reader.other(&FAMILY, statement),
        }
    }
}

fn read_address(family: usize, node: &Node, reader: &mut Reader<'_>) -> Option<UnitAddress> {
    let (ip, length) = reader.prefix(node.into())?;
    if usize::from(ip.is_ipv6()) != family {
        let expected = ["an IPv4 address", "an IPv6 address"][family];
        reader.bad("bad-family", node.into(), expected);
        return None;
    }
    let mut preferred = false;
    for statement in statements(node) {
        match statement.word.as_str() {
            "primary" | "preferred" => preferred = true,
            _ => reader.other(&ADDRESS, statement),
        }
    }
    Some(UnitAddress { ip, length, preferred, span: node.span })
}

const INTERFACE: Stanza = Stanza {
    path: "interfaces",
    honoured: "unit disable mtu mac redundant-ether-options",
    later: "native-vlan-id",
    ignored: "accounting-profile auto-negotiation clocking dce encapsulation \
        flexible-vlan-tagging flow-control gratuitous-arp-reply hold-time keepalives link-mode \
        lldp loopback metadata no-gratuitous-arp-request no-keepalives \
        no-per-unit-scheduler no-traps passive-monitor-mode per-unit-scheduler port-mode \
        promiscuous-mode shaping-rate speed stacked-vlan-tagging traps vlan-tagging",
    ..Stanza::EMPTY
};

const UNIT: Stanza = Stanza {
    path: "interfaces unit",
    honoured: "family vlan-id disable",
    later: "tunnel inner-vlan-id-range vlan-id-list vlan-id-range vlan-tags ppp-options \
        pppoe-options",
    ignored: "accounting-profile arp-resp bandwidth encapsulation multipoint no-traps \
        point-to-point proxy-arp swap-by-poppush traps interface-shared-with dialer-options \
        peer-unit",
    opening: "filter radio-router",
};

const FAMILIES: Stanza = Stanza {
    path: "interfaces unit family",
    honoured: "inet inet6",
    later: "bridge ccc ethernet-switching iso mlfr-end-to-end mpls tcc vpls",
    ..Stanza::EMPTY
};

const FAMILY: Stanza = Stanza {
    path: "interfaces unit family inet",
    honoured: "address filter mtu",
    later: "dhcp dhcp-client dhcpv6-client negotiate-address policer sampling tcp-mss \
        unnumbered-address",
    ignored: "accounting arp-max-cache arp-new-hold-limit dad-disable destination-udp-port \
        nd6-stale-time no-neighbor-learn no-redirects no-redirects-v6 primary ndp-proxy \
        targeted-broadcast",
    opening: "rpf-check simple-filter service",
};

const FILTER: Stanza = Stanza {
    path: "interfaces unit family inet filter",
    honoured: "input output input-list output-list",
    later: "group",
    opening: "dialer",
    ..Stanza::EMPTY
};

const ADDRESS: Stanza = Stanza {
    path: "interfaces unit family inet address",
    honoured: "primary preferred",
    later: "vrrp-group vrrp-inet6-group eui-64 web-authentication virtual-gateway-address",
    ignored: "arp broadcast destination destination-profile ndp master-only virtual-gateway-v4-mac",
    ..Stanza::EMPTY
};
