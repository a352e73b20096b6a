//! Random policies and packets from few addresses, ports and times, the least and the greatest of
//! each among them.

use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};

use super::super::scheduler::{DAY_S, Scheduler, WEEK_S};
use super::super::{AddressMatch, AppMatch, Policy, PolicyQuery};
use crate::address::{Address, AddressRange, AddressSet, Family};
use crate::ids::{AppId, ZoneId};
use crate::world::application::{AppTerm, ICMP, ICMPV6, Service, TCP, UDP};

const V4: [u32; 8] = [0, 1, 0x0a00_0000, 0x0a00_0001, 0x0a00_00ff, 0x0a00_0100, !0 - 1, !0];
const V6: [u128; 6] = [0, 1, 0x2001_0db8 << 96, (0x2001_0db8 << 96) + 9, !0 - 1, !0];
const PORTS: [u16; 8] = [0, 1, 53, 80, 81, 443, 65_534, 65_535];
const PROTOCOLS: [u8; 6] = [0, ICMP, TCP, UDP, ICMPV6, 255];
const BYTES: [u8; 5] = [0, 3, 4, 8, 255];
/// A Monday, midnight UTC.
const MONDAY_S: i64 = 1_772_409_600;

fn range<K: Copy + Ord + std::fmt::Debug + 'static>(
    keys: &'static [K],
) -> impl Strategy<Value = (K, K)> {
    (any::<Index>(), any::<Index>()).prop_map(|(a, b)| {
        let (a, b) = (*a.get(keys), *b.get(keys));
        (a.min(b), a.max(b))
    })
}

fn addresses() -> impl Strategy<Value = AddressMatch> {
    let ranges = prop_oneof![
        range(&V4).prop_map(|(first, last)| AddressRange::V4(first, last)),
        range(&V6).prop_map(|(first, last)| AddressRange::V6(first, last)),
    ];
    let set = prop::collection::vec(ranges, 0..5).prop_map(AddressSet::from_ranges);
    let set = prop_oneof![1 => Just(AddressSet::any()), 3 => set];
    (set, prop::bool::weighted(0.2)).prop_map(|(set, excluded)| AddressMatch { set, excluded })
}

fn term() -> impl Strategy<Value = AppTerm> {
    let byte = || prop::option::weighted(0.3, select(&BYTES[..]));
    let protocol = prop::option::weighted(0.9, select(&PROTOCOLS[..]));
    let all = Just((0, u16::MAX));
    let source_ports = prop_oneof![3 => all, 1 => range(&PORTS)];
    (protocol, source_ports, range(&PORTS), byte(), byte()).prop_map(
        |(protocol, source_ports, destination_ports, icmp_type, icmp_code)| AppTerm {
            protocol,
            source_ports,
            destination_ports,
            icmp_type,
            icmp_code,
            timeout_s: 0,
        },
    )
}

fn application() -> impl Strategy<Value = AppMatch> {
    let terms = prop::collection::vec((term(), (1..9_u16).prop_map(AppId)), 0..6);
    prop_oneof![1 => Just(AppMatch::Any), 4 => terms.prop_map(AppMatch::Terms)]
}

fn scheduler() -> impl Strategy<Value = Scheduler> {
    let day = i64::from(DAY_S);
    let dates = prop_oneof![
        Just(vec![(i64::MIN, i64::MAX)]),
        Just(vec![(MONDAY_S + day, MONDAY_S + 2 * day - 1), (MONDAY_S + 3 * day, i64::MAX)]),
        Just(Vec::new()),
    ];
    let week = prop_oneof![
        Just(vec![(0, WEEK_S - 1)]),
        Just(vec![(3600, 7199), (DAY_S, 2 * DAY_S - 1), (WEEK_S - 10, WEEK_S - 1)]),
        Just(Vec::new()),
    ];
    (dates, week).prop_map(|(dates, week)| Scheduler { dates, week })
}

fn zones() -> impl Strategy<Value = Vec<ZoneId>> {
    prop_oneof![Just(Vec::new()), subsequence(vec![ZoneId(2), ZoneId(3), ZoneId(255)], 1..=3)]
}

/// A policy; its zones are a global one's.
pub(super) fn policy() -> impl Strategy<Value = Policy> {
    let scheduler = prop::option::weighted(0.2, scheduler());
    (zones(), zones(), addresses(), addresses(), application(), scheduler).prop_map(
        |(from_zones, to_zones, source, destination, application, scheduler)| Policy {
            from_zones,
            to_zones,
            source,
            destination,
            application,
            scheduler,
            ..Policy::default()
        },
    )
}

/// A packet.
pub(super) fn query() -> impl Strategy<Value = PolicyQuery> {
    let v4 = || select(&V4[..]).prop_map(|key| Address::v4(key.to_be_bytes()));
    let v6 = || select(&V6[..]).prop_map(|key| Address(key.to_be_bytes()));
    let addresses =
        prop_oneof![(Just(Family::Inet), v4(), v4()), (Just(Family::Inet6), v6(), v6()),];
    let bytes = (select(&BYTES[..]), select(&BYTES[..]));
    let ports = (select(&PORTS[..]), select(&PORTS[..]));
    let zone = || select(vec![ZoneId(2), ZoneId(3), ZoneId(255)]);
    let zones = (prop_oneof![Just(ZoneId(2)), zone()], prop_oneof![Just(ZoneId(3)), zone()]);
    let time_s = (0..8 * DAY_S).prop_map(|since| MONDAY_S as u64 + u64::from(since));
    (zones, addresses, select(&PROTOCOLS[..]), ports, bytes, time_s).prop_map(
        |(zones, (family, source, destination), protocol, ports, bytes, time_s)| {
            let icmp = matches!(protocol, ICMP | ICMPV6);
            let service = if icmp {
                let (icmp_type, icmp_code) = bytes;
                Service { protocol, icmp_type, icmp_code, ..Service::default() }
            } else {
                let (source_port, destination_port) = ports;
                Service { protocol, source_port, destination_port, ..Service::default() }
            };
            PolicyQuery {
                from_zone: zones.0,
                to_zone: zones.1,
                family,
                destination_family: family,
                source,
                destination,
                service,
                time_ns: time_s * 1_000_000_000,
            }
        },
    )
}
