//! `host-inbound-traffic`: the services and protocols of the firewall itself, by name, as protocol
//! and ports. `all` is everything the list names, `any-service` every port; both together with
//! `protocols all` is everything.

use components::world::application::{ICMP, ICMPV6, TCP, UDP};
use components::world::interface::{HostInbound, HostService};

use super::reader::{Reader, Stanza, Word, near, statements};
use crate::config::tree::Node;

type Named = (&'static str, &'static [(u8, u16, u16)]);

/// `system-services`; ranges of ports, of types for ICMP.
const SERVICES: &[Named] = &[
    ("appqoe", &[(UDP, 36_000, 36_000)]),
    ("bootp", &[(UDP, 67, 68)]),
    ("dhcp", &[(UDP, 67, 68)]),
    ("dhcpv6", &[(UDP, 546, 547)]),
    ("dns", &[(UDP, 53, 53), (TCP, 53, 53)]),
    ("finger", &[(TCP, 79, 79)]),
    ("ftp", &[(TCP, 21, 21)]),
    ("http", &[(TCP, 80, 80)]),
    ("https", &[(TCP, 443, 443)]),
    ("ident-reset", &[(TCP, 113, 113)]),
    ("ike", &[(UDP, 500, 500), (UDP, 4500, 4500)]),
    ("lsping", &[(UDP, 3503, 3503)]),
    ("netconf", &[(TCP, 830, 830)]),
    ("ntp", &[(UDP, 123, 123)]),
    ("ping", &[(ICMP, 8, 8), (ICMPV6, 128, 128)]),
    ("r2cp", &[(UDP, 28_672, 28_672)]),
    ("reverse-ssh", &[(TCP, 2901, 2901)]),
    ("reverse-telnet", &[(TCP, 2900, 2900)]),
    ("rlogin", &[(TCP, 513, 513)]),
    ("rpm", &[(UDP, 7, 7), (TCP, 7, 7)]),
    ("rsh", &[(TCP, 514, 514)]),
    ("sip", &[(UDP, 5060, 5060), (TCP, 5060, 5060)]),
    ("snmp", &[(UDP, 161, 161)]),
    ("snmp-trap", &[(UDP, 162, 162)]),
    ("ssh", &[(TCP, 22, 22)]),
    ("tcp-encap", &[(TCP, 443, 443)]),
    ("telnet", &[(TCP, 23, 23)]),
    ("tftp", &[(UDP, 69, 69)]),
    ("traceroute", &[(UDP, 33_434, 33_534)]),
    ("webapi-clear-text", &[(TCP, 3000, 3000)]),
    ("webapi-ssl", &[(TCP, 3001, 3001)]),
    ("xnm-clear-text", &[(TCP, 3221, 3221)]),
    ("xnm-ssl", &[(TCP, 3220, 3220)]),
];

/// `any-service`.
const ANY_SERVICE: &[(u8, u16, u16)] =
    &[(TCP, 0, u16::MAX), (UDP, 0, u16::MAX), (ICMP, 0, 255), (ICMPV6, 0, 255)];

/// `protocols`.
const PROTOCOLS: &[Named] = &[
    ("bfd", &[(UDP, 3784, 3785), (UDP, 4784, 4784)]),
    ("bgp", &[(TCP, 179, 179)]),
    ("dvmrp", &[(2, 0, u16::MAX)]),
    ("igmp", &[(2, 0, u16::MAX)]),
    ("ldp", &[(TCP, 646, 646), (UDP, 646, 646)]),
    ("msdp", &[(TCP, 639, 639)]),
    ("ndp", &[(ICMPV6, 133, 137)]),
    ("nhrp", &[(54, 0, u16::MAX)]),
    ("ospf", &[(89, 0, u16::MAX)]),
    ("ospf3", &[(89, 0, u16::MAX)]),
    ("pgm", &[(113, 0, u16::MAX)]),
    ("pim", &[(103, 0, u16::MAX)]),
    ("rip", &[(UDP, 520, 520)]),
    ("ripng", &[(UDP, 521, 521)]),
    ("router-discovery", &[(ICMP, 9, 10)]),
    ("rsvp", &[(46, 0, u16::MAX)]),
    ("sap", &[(UDP, 9875, 9875)]),
    ("vrrp", &[(112, 0, u16::MAX)]),
];

/// Reads one `host-inbound-traffic`.
pub(crate) fn read(node: &Node, reader: &mut Reader<'_>) -> HostInbound {
    let mut inbound = HostInbound::default();
    let mut everything = [false; 2];
    for statement in statements(node) {
        let (table, which) = match statement.word.as_str() {
            "system-services" => (SERVICES, 0),
            "protocols" => (PROTOCOLS, 1),
            _ => {
                reader.other(&HOST_INBOUND, statement);
                continue;
            }
        };
        for word in statements(statement) {
            let except = word.child("except").is_some();
            let list = if except { &mut inbound.except } else { &mut inbound.accept };
            let add = |list: &mut Vec<HostService>, ranges: &[(u8, u16, u16)]| {
                list.extend(ranges.iter().map(|&(protocol, first, last)| HostService {
                    protocol,
                    ports: (first, last),
                }));
            };
            match word.word.as_str() {
                "all" => {
                    everything[which] |= !except;
                    table.iter().for_each(|(_, ranges)| add(list, ranges));
                }
                "any-service" if which == 0 => add(list, ANY_SERVICE),
                name => match table.iter().find(|(known, _)| *known == name) {
                    Some((_, ranges)) => add(list, ranges),
                    None => unknown(word.into(), table, reader),
                },
            }
        }
    }
    inbound.all = everything == [true, true];
    inbound
}

fn unknown(word: Word<'_>, table: &[Named], reader: &mut Reader<'_>) {
    let message = format!("`{}` is not a service or protocol of the firewall", word.text);
    let near = near(word.text, table.iter().map(|(name, _)| *name));
    let found = reader.diagnostics.error("unknown-host-service", word.span, message);
    if let Some(near) = near {
        found.suggest(format!("did you mean `{near}`?"));
    }
}

const HOST_INBOUND: Stanza =
    Stanza { path: "host-inbound-traffic", honoured: "system-services protocols", ..Stanza::EMPTY };
