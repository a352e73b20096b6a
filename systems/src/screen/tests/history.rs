//! Each threshold with the last packet below it and the first above it.

use components::address::{AddressRange, AddressSet};
use components::world::screen::{Thresholds, WhiteList};
use proptest::prelude::*;

use super::*;
use ScreenAttack as A;

const SECOND_US: u64 = 1_000_000;

/// A screen on zone untrust that remembers.
pub(super) struct Guard {
    pub(super) world: World,
    pub(super) shard: Shard,
    pub(super) screen: Screen,
}

impl Guard {
    pub(super) fn new(attacks: &[A], thresholds: Thresholds) -> Self {
        let attacks = attacks.iter().fold(0, |bits, attack| bits | attack.bit());
        Self::of(ScreenProfile { attacks, thresholds, ..ScreenProfile::default() })
    }

    pub(super) fn of(profile: ScreenProfile) -> Self {
        let mut world = world();
        world.screens = vec![profile];
        world.zones[UNTRUST.index()].screen = ScreenProfileId(1);
        let shard = shard(&world);
        Self { world, shard, screen: Screen::new(&ScreenSettings::default()) }
    }

    /// What fires on frames that arrive at these microseconds, and what is dropped.
    pub(super) fn send_all(
        &mut self,
        frames: &[(u64, Vec<u8>)],
        rows_max: usize,
    ) -> Vec<(Option<A>, bool)> {
        let mut all = Vec::new();
        for frames in frames.chunks(rows_max) {
            let bytes: Vec<Vec<u8>> = frames.iter().map(|(_, frame)| frame.clone()).collect();
            let Self { world, shard, screen } = self;
            with_batch(&bytes, LinkType::Ethernet, UNTRUST_IFL, |batch| {
                for (row, (at_us, _)) in frames.iter().enumerate() {
                    batch.columns.clock_ns[row] = at_us * 1000;
                }
                Parse::new(&ParseSettings::default()).run(batch, shard, world);
                screen.run(batch, shard, world);
                for row in 0..frames.len() {
                    let mut events = batch.events.rows.iter();
                    let event = events.find(|event| usize::from(event.row) == row);
                    let attack = event.and_then(|e| A::from_record(e.rule, e.term));
                    let dropped = Verdict::dropped(DropReason::Screen);
                    all.push((attack, batch.columns.verdict[row] == dropped));
                }
            });
        }
        all
    }

    pub(super) fn send(&mut self, at_us: u64, frame: &[u8]) -> Option<A> {
        let (attack, dropped) = self.send_all(&[(at_us, frame.to_vec())], 1)[0];
        assert_eq!(attack.is_some(), dropped, "an attack is dropped, nothing else is");
        attack
    }
}

/// A SYN from `198.51.100.source` to `10.0.0.destination`.
pub(super) fn syn(source: u8, destination: u8, port: u16) -> Vec<u8> {
    let (from, to) = (format!("198.51.100.{source}"), format!("10.0.0.{destination}"));
    frame(&from, &to, 6, &tcp(1025, port, 2, &[]))
}

fn datagram(source: u8, destination: u8, port: u16) -> Vec<u8> {
    let (from, to) = (format!("198.51.100.{source}"), format!("10.0.0.{destination}"));
    frame(&from, &to, 17, &udp(1025, port, b"x"))
}

fn echo(source: u8, destination: u8, kind: u8) -> Vec<u8> {
    let (from, to) = (format!("198.51.100.{source}"), format!("10.0.0.{destination}"));
    frame(&from, &to, 1, &icmp(kind, 0, [0, 1, 0, 1], &[]))
}

fn hosts(first: u32, last: u32) -> AddressSet {
    AddressSet::from_ranges([AddressRange::V4(first, last)])
}

#[test]
fn syn_flood_fires_above_the_zone_threshold_of_a_second() {
    let mut guard =
        Guard::new(&[A::SynFlood], Thresholds { syn_attack: 3, ..Thresholds::default() });
    for at in 0..3u8 {
        assert_eq!(guard.send(u64::from(at), &syn(at, at, 80)), None, "SYN {at}");
    }
    assert_eq!(guard.send(3, &syn(9, 9, 80)), Some(A::SynFlood));
    assert_eq!(guard.send(4, &frame(OUTSIDE, INSIDE, 6, &tcp(1025, 80, 18, &[]))), None, "SYN-ACK");
    assert_eq!(guard.send(SECOND_US - 1, &syn(9, 9, 80)), Some(A::SynFlood));
    assert_eq!(guard.send(SECOND_US, &syn(9, 9, 80)), None, "the next second");
}

#[test]
fn syn_flood_counts_sources_and_destinations() {
    let thresholds = Thresholds { syn_source: 4, syn_destination: 4, ..Thresholds::default() };
    let mut guard = Guard::new(&[A::SynFloodSource], thresholds.clone());
    for host in 0..4 {
        assert_eq!(guard.send(1, &syn(7, host, 80)), None);
    }
    assert_eq!(guard.send(2, &syn(7, 200, 443)), Some(A::SynFloodSource));
    assert_eq!(guard.send(2, &syn(8, 200, 443)), None, "another source");
    let mut guard = Guard::new(&[A::SynFloodDestination], thresholds);
    for host in 0..4 {
        assert_eq!(guard.send(1, &syn(host, 7, 80)), None);
    }
    assert_eq!(guard.send(2, &syn(200, 7, 443)), Some(A::SynFloodDestination));
    assert_eq!(guard.send(2, &syn(200, 8, 443)), None, "another destination");
}

#[test]
fn syn_flood_passes_over_its_white_list() {
    let trusted = WhiteList {
        sources: hosts(0xc633_6401, 0xc633_6401),
        destinations: hosts(0x0a00_0002, 0x0a00_0002),
    };
    let mut guard = Guard::of(ScreenProfile {
        attacks: A::SynFlood.bit() | A::SynFloodSource.bit() | A::SynFloodDestination.bit(),
        thresholds: Thresholds { syn_attack: 1, syn_source: 4, ..Thresholds::default() },
        syn_white_list: trusted,
        ..ScreenProfile::default()
    });
    for at in 0..20 {
        assert_eq!(guard.send(at, &syn(1, 9, 80)), None, "a trusted source");
        assert_eq!(guard.send(at, &syn(9, 2, 80)), None, "a trusted destination");
    }
    assert_eq!(guard.send(20, &syn(9, 9, 80)), None, "the first one that counts");
    assert_eq!(guard.send(21, &syn(9, 9, 80)), Some(A::SynFlood));
}

#[test]
fn icmp_flood_keeps_a_destination_closed_through_the_next_second() {
    let mut guard =
        Guard::new(&[A::IcmpFlood], Thresholds { icmp_flood: 3, ..Thresholds::default() });
    for source in 0..3 {
        assert_eq!(guard.send(0, &echo(source, 5, 8)), None);
    }
    assert_eq!(guard.send(1, &echo(3, 5, 0)), Some(A::IcmpFlood), "replies count as well");
    assert_eq!(guard.send(2, &echo(3, 6, 8)), None, "another destination");
    assert_eq!(guard.send(2 * SECOND_US - 1, &echo(3, 5, 8)), Some(A::IcmpFlood));
    assert_eq!(guard.send(2 * SECOND_US, &echo(3, 5, 8)), None);
    let echo6 = frame(OUTSIDE6, INSIDE6, 58, &icmp(128, 0, [0, 1, 0, 1], &[]));
    for _ in 0..3 {
        assert_eq!(guard.send(3 * SECOND_US, &echo6), None);
    }
    assert_eq!(guard.send(3 * SECOND_US, &echo6), Some(A::IcmpFlood));
}

#[test]
fn udp_flood_counts_a_destination_and_passes_over_its_white_list() {
    let mut guard = Guard::of(ScreenProfile {
        attacks: A::UdpFlood.bit(),
        thresholds: Thresholds { udp_flood: 3, ..Thresholds::default() },
        udp_white_list: hosts(0xc633_6401, 0xc633_6401),
        ..ScreenProfile::default()
    });
    for port in 0..3 {
        assert_eq!(guard.send(0, &datagram(7, 5, 53 + port)), None);
    }
    for _ in 0..9 {
        assert_eq!(guard.send(1, &datagram(1, 5, 53)), None, "trusted");
    }
    assert_eq!(guard.send(1, &datagram(8, 5, 53)), Some(A::UdpFlood));
    assert_eq!(guard.send(1, &datagram(8, 6, 53)), None, "another destination");
}

#[test]
fn a_port_scan_is_ten_ports_of_one_destination_within_the_interval() {
    type Probe = fn(u8, u8, u16) -> Vec<u8>;
    let cases: [(A, Probe); 2] = [(A::TcpPortScan, syn), (A::UdpPortScan, datagram)];
    for (attack, probe) in cases {
        let mut guard = Guard::new(&[attack], Thresholds::default());
        for port in 0..9 {
            assert_eq!(guard.send(u64::from(port), &probe(7, 5, port)), None, "{port}");
        }
        assert_eq!(guard.send(20, &probe(7, 5, 3)), None, "a port that was there");
        assert_eq!(guard.send(21, &probe(7, 6, 1000)), None, "another destination");
        assert_eq!(guard.send(22, &probe(8, 5, 1000)), None, "another source");
        assert_eq!(guard.send(4999, &probe(7, 5, 1000)), Some(attack));
        let mut guard = Guard::new(&[attack], Thresholds::default());
        for port in 0..9 {
            guard.send(0, &probe(7, 5, port));
        }
        assert_eq!(guard.send(5000, &probe(7, 5, 1000)), None, "an interval later");
    }
}

#[test]
fn a_sweep_is_ten_hosts_of_one_source_within_the_interval() {
    type Probe = fn(u8, u8) -> Vec<u8>;
    let cases: [(A, Probe); 3] = [
        (A::IpSweep, |source, host| echo(source, host, 8)),
        (A::TcpSweep, |source, host| syn(source, host, 80)),
        (A::UdpSweep, |source, host| datagram(source, host, 53)),
    ];
    for (attack, probe) in cases {
        let mut guard = Guard::new(&[attack], Thresholds::default());
        for host in 0..9 {
            assert_eq!(guard.send(u64::from(host), &probe(7, host)), None, "{host}");
        }
        assert_eq!(guard.send(20, &probe(7, 3)), None, "a host that was there");
        assert_eq!(guard.send(21, &probe(8, 100)), None, "another source");
        assert_eq!(guard.send(4999, &probe(7, 100)), Some(attack));
        let mut guard = Guard::new(&[attack], Thresholds::default());
        for host in 0..9 {
            guard.send(0, &probe(7, host));
        }
        assert_eq!(guard.send(5000, &probe(7, 100)), None, "an interval later");
    }
    let mut guard = Guard::new(&[A::IpSweep], Thresholds::default());
    for host in 0..30 {
        assert_eq!(guard.send(0, &echo(7, host, 0)), None, "echo replies sweep nothing");
    }
}

#[test]
fn attacks_are_judged_in_the_order_of_the_table() {
    let thresholds = Thresholds { syn_attack: 9, ..Thresholds::default() };
    let mut guard = Guard::new(&[A::SynFlood, A::TcpPortScan, A::TcpSweep], thresholds);
    for port in 0..9 {
        assert_eq!(guard.send(1, &syn(7, 5, port)), None);
    }
    assert_eq!(guard.send(2, &syn(7, 5, 99)), Some(A::SynFlood), "not the port scan");
    let mut guard = Guard::new(&[A::RecordRoute, A::UdpPortScan], Thresholds::default());
    for port in 0..20 {
        let recorded = v4(17, [0, 0], &[7, 3, 4, 0], &udp(1025, port, b"x"));
        assert_eq!(guard.send(1, &recorded), Some(A::RecordRoute), "the port scan comes later");
    }
}

#[test]
fn an_alarm_without_drop_lets_floods_through() {
    let mut guard = Guard::of(ScreenProfile {
        attacks: A::SynFlood.bit() | A::SynCookie.bit(),
        alarm_without_drop: true,
        thresholds: Thresholds { syn_attack: 1, ..Thresholds::default() },
        ..ScreenProfile::default()
    });
    let frames = [(1, syn(7, 5, 80)), (2, syn(7, 5, 80))];
    let found = guard.send_all(&frames, 2);
    assert_eq!(found, [(None, false), (Some(A::SynFlood), false)]);
    assert!(guard.shard.answers.packets.is_empty(), "no cookie");
}

#[test]
fn the_address_seen_longest_ago_is_forgotten_and_counted() {
    let mut guard =
        Guard::new(&[A::UdpFlood], Thresholds { udp_flood: 1, ..Thresholds::default() });
    guard.shard.screens.udp_destinations = components::screen_state::table::HistoryTable::new(8, 1);
    for host in 0..8 {
        assert_eq!(guard.send(u64::from(host), &datagram(7, host, 53)), None);
    }
    assert_eq!(guard.shard.counters.screens_evicted, 0);
    assert_eq!(guard.send(8, &datagram(7, 8, 53)), None);
    assert_eq!(guard.shard.counters.screens_evicted, 1);
    assert_eq!(guard.send(9, &datagram(7, 7, 53)), Some(A::UdpFlood), "still known");
    assert_eq!(guard.send(10, &datagram(7, 0, 53)), None, "forgotten");
}

fn arbitrary() -> impl Strategy<Value = (u64, Vec<u8>)> {
    let packet = (0u8..3, 0u8..14, 0u8..14, 0u8..5).prop_map(|(kind, source, host, port)| {
        let port = u16::from(port) + u16::from(host);
        match kind {
            0 => syn(source & 1, host & 3, port),
            1 => datagram(source & 1, host, port),
            _ => echo(source & 1, host, 8),
        }
    });
    (0u64..200_000, packet)
}

proptest! {
    #[test]
    fn batches_do_not_change_what_history_says(
        steps in prop::collection::vec(arbitrary(), 1..120),
    ) {
        let mut at_us = 0;
        let frames: Vec<(u64, Vec<u8>)> = steps
            .into_iter()
            .map(|(wait_us, frame)| { at_us += wait_us / 20; (at_us, frame) })
            .collect();
        let thresholds = Thresholds {
            syn_attack: 6, syn_source: 5, syn_destination: 4, icmp_flood: 3, udp_flood: 3,
            ..Thresholds::default()
        };
        let run = |rows_max| {
            let profile = ScreenProfile {
                attacks: A::WITH_HISTORY,
                thresholds: thresholds.clone(),
                ..ScreenProfile::default()
            };
            let mut guard = Guard::of(profile);
            let found = guard.send_all(&frames, rows_max);
            (found, guard.shard.answers.bytes.clone(), guard.shard.counters.screens.clone())
        };
        let alone = run(1);
        prop_assert_eq!(&run(7), &alone);
        prop_assert_eq!(&run(64), &alone);
    }
}
