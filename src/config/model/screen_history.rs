//! Options of an `ids-option` with a threshold: floods, scans, sweeps, session limits and their
//! white lists. An option without a threshold has that of Junos.

use components::address::{AddressRange, AddressSet};
use components::world::screen::{ScreenAttack, ScreenProfile, Thresholds};

use super::reader::{Reader, Stanza, Word, statements};
use crate::config::tree::Node;

/// An option with one threshold.
struct Counted {
    protocol: &'static str,
    word: &'static str,
    attack: ScreenAttack,
    threshold: fn(&mut Thresholds) -> &mut u32,
    bounds: (u32, u32),
}

const RATE: (u32, u32) = (1, 1_000_000);
const INTERVAL_US: (u32, u32) = (1000, 1_000_000);

const fn counted(
    [protocol, word]: [&'static str; 2],
    attack: ScreenAttack,
    bounds: (u32, u32),
    threshold: fn(&mut Thresholds) -> &mut u32,
) -> Counted {
    Counted { protocol, word, attack, threshold, bounds }
}

const COUNTED: &[Counted] = &[
    counted(["icmp", "flood"], ScreenAttack::IcmpFlood, RATE, |t| &mut t.icmp_flood),
    counted(["icmp", "ip-sweep"], ScreenAttack::IpSweep, INTERVAL_US, |t| &mut t.ip_sweep_us),
    counted(["udp", "flood"], ScreenAttack::UdpFlood, RATE, |t| &mut t.udp_flood),
    counted(["udp", "port-scan"], ScreenAttack::UdpPortScan, INTERVAL_US, |t| {
        &mut t.udp_port_scan_us
    }),
    counted(["udp", "udp-sweep"], ScreenAttack::UdpSweep, INTERVAL_US, |t| &mut t.udp_sweep_us),
    counted(["tcp", "port-scan"], ScreenAttack::TcpPortScan, INTERVAL_US, |t| {
        &mut t.tcp_port_scan_us
    }),
    counted(["tcp", "tcp-sweep"], ScreenAttack::TcpSweep, INTERVAL_US, |t| &mut t.tcp_sweep_us),
    counted(["tcp", "syn-ack-ack-proxy"], ScreenAttack::SynAckAckProxy, (1, 250_000), |t| {
        &mut t.silent_sessions
    }),
];

/// `security screen white-list`: names with their addresses.
#[derive(Debug, Default)]
pub(super) struct WhiteLists<'t>(Vec<(Word<'t>, AddressSet)>);

impl<'t> WhiteLists<'t> {
    /// Reads every list below `security screen`.
    pub(super) fn read(node: &'t Node, reader: &mut Reader<'_>) -> Self {
        let mut lists = Vec::new();
        let all = statements(node).filter(|statement| statement.word == "white-list");
        for list in all.flat_map(Node::active) {
            let mut ranges = Vec::new();
            for statement in statements(list) {
                match statement.word.as_str() {
                    "address" => ranges.extend(addresses(statement, reader)),
                    _ => reader.other(&WHITE_LIST, statement),
                }
            }
            lists.push((Word::from(list), AddressSet::from_ranges(ranges)));
        }
        Self(lists)
    }

    fn find(&self, name: Word<'_>, reader: &mut Reader<'_>) -> Option<&AddressSet> {
        let found = self.0.iter().find(|(known, _)| known.text == name.text);
        if found.is_none() {
            let message = format!("the white list `{}` is not defined", name.text);
            reader.diagnostics.error("undefined-white-list", name.span, message);
        }
        found.map(|(_, addresses)| addresses)
    }
}

/// Reads an option below `protocol`, if it is one of these.
pub(super) fn read(
    protocol: &str,
    option: &Node,
    lists: &WhiteLists<'_>,
    profile: &mut ScreenProfile,
    reader: &mut Reader<'_>,
) -> bool {
    if (protocol, option.word.as_str()) == ("tcp", "syn-flood") {
        read_syn_flood(option, profile, reader);
        return true;
    }
    let mut known = COUNTED.iter();
    let Some(counted) = known.find(|c| c.protocol == protocol && c.word == option.word) else {
        return false;
    };
    profile.attacks |= counted.attack.bit();
    for statement in statements(option) {
        match statement.word.as_str() {
            "threshold" => {
                let (least, most) = counted.bounds;
                if let Some(number) = reader.number(statement, least..=most) {
                    *(counted.threshold)(&mut profile.thresholds) = number;
                }
            }
            "white-list" | "whitelist" if counted.attack == ScreenAttack::UdpFlood => {
                let mut ranges = ranges_of(&profile.udp_white_list);
                for name in reader.values(statement) {
                    ranges.extend(lists.find(name, reader).into_iter().flat_map(ranges_of));
                }
                profile.udp_white_list = AddressSet::from_ranges(ranges);
            }
            _ => reader.other(&OPTION, statement),
        }
    }
    true
}

/// Reads `limit-session`.
pub(super) fn read_limits(node: &Node, profile: &mut ScreenProfile, reader: &mut Reader<'_>) {
    for statement in statements(node) {
        let (attack, limit) = match statement.word.as_str() {
            "source-ip-based" => {
                (ScreenAttack::SessionLimitSource, &mut profile.thresholds.sessions_of_source)
            }
            "destination-ip-based" => (
                ScreenAttack::SessionLimitDestination,
                &mut profile.thresholds.sessions_of_destination,
            ),
            _ => {
                reader.other(&LIMITS, statement);
                continue;
            }
        };
        profile.attacks |= attack.bit();
        if statement.value().is_some() {
            *limit = reader.number(statement, 1..=2_000_000).unwrap_or(*limit);
        }
    }
}

fn read_syn_flood(option: &Node, profile: &mut ScreenProfile, reader: &mut Reader<'_>) {
    profile.attacks |= ScreenAttack::SynFlood.bit()
        | ScreenAttack::SynFloodSource.bit()
        | ScreenAttack::SynFloodDestination.bit();
    let thresholds = &mut profile.thresholds;
    let (mut sources, mut destinations) = (Vec::new(), Vec::new());
    for statement in statements(option) {
        let (threshold, bounds) = match statement.word.as_str() {
            "attack-threshold" => (&mut thresholds.syn_attack, 1..=1_000_000),
            "alarm-threshold" => (&mut thresholds.syn_alarm, 1..=1_000_000),
            "source-threshold" => (&mut thresholds.syn_source, 4..=1_000_000),
            "destination-threshold" => (&mut thresholds.syn_destination, 4..=1_000_000),
            "timeout" => (&mut thresholds.syn_timeout_s, 1..=50),
            "white-list" => {
                for side in statement.active().flat_map(statements) {
                    match side.word.as_str() {
                        "source-address" => sources.extend(addresses(side, reader)),
                        "destination-address" => destinations.extend(addresses(side, reader)),
                        _ => reader.other(&SYN_WHITE_LIST, side),
                    }
                }
                continue;
            }
            _ => {
                reader.other(&SYN_FLOOD, statement);
                continue;
            }
        };
        *threshold = reader.number(statement, bounds).unwrap_or(*threshold);
    }
    profile.syn_white_list.sources = AddressSet::from_ranges(sources);
    profile.syn_white_list.destinations = AddressSet::from_ranges(destinations);
}

fn addresses(statement: &Node, reader: &mut Reader<'_>) -> Vec<AddressRange> {
    let words = reader.values(statement);
    words.into_iter().filter_map(|word| reader.range(word)).collect()
}

fn ranges_of(set: &AddressSet) -> Vec<AddressRange> {
    let v4 = set.v4().iter().map(|&(first, last)| AddressRange::V4(first, last));
    v4.chain(set.v6().iter().map(|&(first, last)| AddressRange::V6(first, last))).collect()
}

const OPTION: Stanza = Stanza {
    path: "security screen ids-option",
    honoured: "threshold white-list",
    ..Stanza::EMPTY
};

const SYN_FLOOD: Stanza = Stanza {
    path: "security screen ids-option tcp syn-flood",
    honoured: "attack-threshold alarm-threshold source-threshold destination-threshold timeout \
        white-list",
    ..Stanza::EMPTY
};

const SYN_WHITE_LIST: Stanza = Stanza {
    path: "security screen ids-option tcp syn-flood white-list",
    honoured: "source-address destination-address",
    ..Stanza::EMPTY
};

const WHITE_LIST: Stanza =
    Stanza { path: "security screen white-list", honoured: "address", ..Stanza::EMPTY };

const LIMITS: Stanza = Stanza {
    path: "security screen ids-option limit-session",
    honoured: "source-ip-based destination-ip-based",
    later: "by-protocol",
    ..Stanza::EMPTY
};
