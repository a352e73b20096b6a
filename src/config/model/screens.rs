//! `security screen ids-option`: what a packet alone can tell. Options with thresholds are read
//! beside.

use components::world::screen::{ScreenAttack, ScreenProfile};

use super::reader::{Reader, Stanza, Word, statements};
use super::screen_history::{self, WhiteLists};
use crate::config::tree::Node;

/// One `ids-option`.
#[derive(Clone, Debug)]
pub struct Screen<'t> {
    /// Its name.
    pub name: Word<'t>,
    /// What it looks for.
    pub profile: ScreenProfile,
}

/// Options below one protocol that need no history.
type Options = &'static [(&'static str, ScreenAttack)];

const ICMP: Options = &[
    ("fragment", ScreenAttack::IcmpFragment),
    ("icmpv6-malformed", ScreenAttack::Icmpv6Malformed),
    ("large", ScreenAttack::IcmpLarge),
    ("ping-death", ScreenAttack::PingDeath),
];

const IP: Options = &[
    ("bad-option", ScreenAttack::BadOption),
    ("block-frag", ScreenAttack::BlockFragment),
    ("ipv6-malformed-header", ScreenAttack::Ipv6Malformed),
    ("loose-source-route-option", ScreenAttack::LooseSourceRoute),
    ("record-route-option", ScreenAttack::RecordRoute),
    ("security-option", ScreenAttack::SecurityOption),
    ("source-route-option", ScreenAttack::SourceRoute),
    ("spoofing", ScreenAttack::IpSpoofing),
    ("stream-option", ScreenAttack::StreamOption),
    ("strict-source-route-option", ScreenAttack::StrictSourceRoute),
    ("tear-drop", ScreenAttack::TearDrop),
    ("timestamp-option", ScreenAttack::TimestampOption),
    ("unknown-protocol", ScreenAttack::UnknownProtocol),
];

const TCP: Options = &[
    ("fin-no-ack", ScreenAttack::FinNoAck),
    ("land", ScreenAttack::Land),
    ("syn-fin", ScreenAttack::SynFin),
    ("syn-frag", ScreenAttack::SynFragment),
    ("tcp-no-flag", ScreenAttack::TcpNoFlag),
    ("winnuke", ScreenAttack::WinNuke),
];

/// `ip ipv6-extension-header`.
const EXTENSIONS: Options = &[
    ("AH-header", ScreenAttack::ExtAh),
    ("ESP-header", ScreenAttack::ExtEsp),
    ("HIP-header", ScreenAttack::ExtHip),
    ("destination-header", ScreenAttack::ExtDestination),
    ("fragment-header", ScreenAttack::ExtFragment),
    ("hop-by-hop-header", ScreenAttack::ExtHopByHop),
    ("mobility-header", ScreenAttack::ExtMobility),
    ("no-next-header", ScreenAttack::ExtNoNext),
    ("routing-header", ScreenAttack::ExtRouting),
    ("shim6-header", ScreenAttack::ExtShim6),
];

/// `ip tunnel`, both levels of it.
const TUNNELS: Options = &[
    ("gre-4in4", ScreenAttack::TunnelGre4in4),
    ("gre-4in6", ScreenAttack::TunnelGre4in6),
    ("gre-6in4", ScreenAttack::TunnelGre6in4),
    ("gre-6in6", ScreenAttack::TunnelGre6in6),
    ("ipip-4in4", ScreenAttack::TunnelIpip4in4),
    ("ipip-4in6", ScreenAttack::TunnelIpip4in6),
    ("ipip-6in4", ScreenAttack::TunnelIpip6in4),
    ("ipip-6in6", ScreenAttack::TunnelIpip6in6),
    ("teredo", ScreenAttack::TunnelTeredo),
];

/// Option types of the hop-by-hop and the destination header (IANA, IPv6 parameters).
const HEADER_OPTIONS: &[(&str, u8)] = &[
    ("CALIPSO-option", 0x07),
    ("RPL-option", 0x63),
    ("SFM-DPD-option", 0x08),
    ("jumbo-payload-option", 0xc2),
    ("quick-start-option", 0x26),
    ("router-alert-option", 0x05),
    ("ILNP-nonce-option", 0x8b),
    ("home-address-option", 0xc9),
    ("line-identification-option", 0x8c),
    ("tunnel-encapsulation-limit-option", 0x04),
];

/// Reads `security screen`.
pub(crate) fn read<'t>(node: &'t Node, reader: &mut Reader<'_>) -> Vec<Screen<'t>> {
    let mut screens = Vec::new();
    let lists = WhiteLists::read(node, reader);
    for statement in statements(node) {
        match statement.word.as_str() {
            "ids-option" => {
                screens.extend(statement.active().map(|screen| Screen {
                    name: screen.into(),
                    profile: read_profile(screen, &lists, reader),
                }));
            }
            "white-list" => {}
            _ => reader.other(&SCREEN, statement),
        }
    }
    screens
}

fn read_profile(node: &Node, lists: &WhiteLists<'_>, reader: &mut Reader<'_>) -> ScreenProfile {
    let mut profile = ScreenProfile::default();
    for statement in statements(node) {
        match statement.word.as_str() {
            "alarm-without-drop" => profile.alarm_without_drop = true,
            "icmp" => read_protocol(statement, ICMP, &ICMP_REST, lists, &mut profile, reader),
            "tcp" => read_protocol(statement, TCP, &TCP_REST, lists, &mut profile, reader),
            "udp" => read_protocol(statement, &[], &UDP_REST, lists, &mut profile, reader),
            "ip" => read_ip(statement, &mut profile, reader),
            "limit-session" => screen_history::read_limits(statement, &mut profile, reader),
            _ => reader.other(&PROFILE, statement),
        }
    }
    profile
}

/// Options with and without thresholds of one protocol.
fn read_protocol(
    node: &Node,
    table: Options,
    rest: &Stanza,
    lists: &WhiteLists<'_>,
    profile: &mut ScreenProfile,
    reader: &mut Reader<'_>,
) {
    for statement in statements(node) {
        if !screen_history::read(&node.word, statement, lists, profile, reader) {
            option(statement, table, rest, profile, reader);
        }
    }
}

fn read_ip(node: &Node, profile: &mut ScreenProfile, reader: &mut Reader<'_>) {
    for statement in statements(node) {
        match statement.word.as_str() {
            "ipv6-extension-header" => read_extensions(statement, profile, reader),
            "ipv6-extension-header-limit" => {
                if let Some(limit) = reader.small(statement, 0..=32) {
                    profile.attacks |= ScreenAttack::ExtHeaderLimit.bit();
                    profile.extension_headers_max = u8::try_from(limit).unwrap_or(u8::MAX);
                }
            }
            "tunnel" => {
                for kind in statements(statement) {
                    match kind.word.as_str() {
                        "gre" | "ipip" | "ip-in-udp" => {
                            options(kind, TUNNELS, &TUNNEL, profile, reader);
                        }
                        _ => reader.other(&TUNNEL, kind),
                    }
                }
            }
            _ => option(statement, IP, &IP_REST, profile, reader),
        }
    }
}

fn read_extensions(node: &Node, profile: &mut ScreenProfile, reader: &mut Reader<'_>) {
    for statement in statements(node) {
        option(statement, EXTENSIONS, &EXTENSION_REST, profile, reader);
        let list = match statement.word.as_str() {
            "hop-by-hop-header" => &mut profile.hop_by_hop_options,
            "destination-header" => &mut profile.destination_options,
            _ => continue,
        };
        for word in statements(statement) {
            let known = HEADER_OPTIONS.iter().find(|(name, _)| *name == word.word);
            if let Some(&(_, number)) = known {
                list.push(number);
            } else if word.word == "user-defined-option-type" {
                for first in word.active() {
                    let Some((first, last)) = reader.to(first) else {
                        continue;
                    };
                    let first = reader.number_of(first, 1..=255);
                    let last = reader.number_of(last, 1..=255);
                    if let (Some(first), Some(last)) = (first, last) {
                        list.extend((first..=last).filter_map(|n| u8::try_from(n).ok()));
                    }
                }
            } else {
                reader.other(&EXTENSION_REST, word);
            }
        }
    }
}

fn options(
    node: &Node,
    table: Options,
    rest: &Stanza,
    profile: &mut ScreenProfile,
    reader: &mut Reader<'_>,
) {
    for statement in statements(node) {
        option(statement, table, rest, profile, reader);
    }
}

fn option(
    statement: &Node,
    table: Options,
    rest: &Stanza,
    profile: &mut ScreenProfile,
    reader: &mut Reader<'_>,
) {
    let word = statement.word.as_str();
    if let Some((_, attack)) = table.iter().find(|(name, _)| *name == word) {
        profile.attacks |= attack.bit();
    } else {
        reader.other(rest, statement);
    }
}

const SCREEN: Stanza = Stanza {
    path: "security screen",
    honoured: "ids-option white-list",
    ignored: "trap",
    ..Stanza::EMPTY
};

const PROFILE: Stanza = Stanza {
    path: "security screen ids-option",
    honoured: "alarm-without-drop icmp tcp udp ip limit-session",
    later: "aggregation match-direction",
    ..Stanza::EMPTY
};

const ICMP_REST: Stanza = Stanza {
    path: "security screen ids-option icmp",
    honoured: "fragment icmpv6-malformed large ping-death flood ip-sweep",
    ..Stanza::EMPTY
};

const TCP_REST: Stanza = Stanza {
    path: "security screen ids-option tcp",
    honoured: "fin-no-ack land syn-fin syn-frag tcp-no-flag winnuke port-scan \
        syn-ack-ack-proxy syn-flood tcp-sweep",
    ..Stanza::EMPTY
};

const UDP_REST: Stanza = Stanza {
    path: "security screen ids-option udp",
    honoured: "flood port-scan udp-sweep",
    ..Stanza::EMPTY
};

const IP_REST: Stanza = Stanza {
    path: "security screen ids-option ip",
    honoured: "bad-option block-frag ipv6-malformed-header loose-source-route-option \
        record-route-option security-option source-route-option spoofing stream-option \
        strict-source-route-option timestamp-option unknown-protocol ipv6-extension-header \
        ipv6-extension-header-limit tear-drop tunnel",
    ..Stanza::EMPTY
};

const EXTENSION_REST: Stanza = Stanza {
    path: "security screen ids-option ip ipv6-extension-header",
    honoured: "AH-header ESP-header HIP-header destination-header fragment-header \
        hop-by-hop-header mobility-header no-next-header routing-header shim6-header \
        user-defined-option-type",
    opening: "user-defined-header-type",
    ..Stanza::EMPTY
};

const TUNNEL: Stanza = Stanza {
    path: "security screen ids-option ip tunnel",
    honoured: "gre ipip ip-in-udp gre-4in4 gre-4in6 gre-6in4 gre-6in6 ipip-4in4 ipip-4in6 \
        ipip-6in4 ipip-6in6 teredo",
    opening: "bad-inner-header ipip-6over4 ipip-6to4relay isatap dslite",
    ..Stanza::EMPTY
};
