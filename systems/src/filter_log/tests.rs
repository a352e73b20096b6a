//! Filters term by term: what fits, what is logged with which action, and what each hook sees.

use components::address::{AddressRange, AddressSet};
use components::columns::LinkType;
use components::ids::{CounterId, IfIndex};
use components::world::filter::{FilterMatch, FilterTerm, RejectWith};

use super::*;
use crate::counters::FilterCount;
use crate::parse::Parse;
use crate::schedule::settings::ParseSettings;
use crate::shard::Rejection;
use crate::test_support::*;

mod conditions;
mod plain;

fn term(matches: FilterMatch, action: FilterAction) -> FilterTerm {
    FilterTerm { matches, action, log: true, counter: CounterId(1), ..FilterTerm::default() }
}

fn world_with(terms: Vec<FilterTerm>) -> World {
    let mut world = world();
    world.filters = vec![Filter::new(FilterId(1), Family::Inet, terms)];
    world.names.counters = vec![Default::default(); 2];
    world.interfaces.0[TRUST_IFL.index()].filter_input = [FilterId(1); 2];
    world
}

/// Term and action of each event, verdict reasons, the counter and the rejections of an input
/// filter.
type Outcome = (Vec<(u16, u32, Action)>, Vec<DropReason>, FilterCount, Vec<Rejection>);

fn run(frames: &[Vec<u8>], world: &World) -> Outcome {
    let mut shard = shard(world);
    let (events, verdicts) = with_batch(frames, LinkType::Ethernet, IfIndex::NONE, |batch| {
        Parse::new(&ParseSettings::default()).run(batch, &mut shard, world);
        FilterLog::new(Hook::Input).run(batch, &mut shard, world);
        for event in &batch.events.rows {
            assert_eq!((event.kind, event.policy, event.rule), (EventKind::FilterLog, 1, 1));
            assert_eq!(event.reason, FilterSource::Input as u8);
        }
        let events = batch.events.rows.iter().map(|e| (e.row, e.term, e.action)).collect();
        let reason = |row: usize| batch.columns.verdict[row].reason;
        (events, (0..batch.rows).map(reason).collect())
    });
    (events, verdicts, shard.counters.filters[1], shard.rejects)
}

fn set(prefix: &str, length: u8) -> Option<AddressSet> {
    let range = AddressRange::prefix(prefix.parse().expect("an address"), length);
    Some(AddressSet::from_ranges(range))
}

fn udp_out(from: u16, to: u16) -> Vec<u8> {
    frame("10.0.0.5", "8.8.8.8", 17, &udp(from, to, &[]))
}

#[test]
fn the_first_terminating_action_wins() {
    let ports = |first, last| FilterMatch {
        destination_ports: vec![(first, last)],
        ..FilterMatch::default()
    };
    let world = world_with(vec![
        term(ports(53, 53), FilterAction::NextTerm),
        term(ports(50, 59), FilterAction::Accept),
        term(ports(53, 53), FilterAction::Discard),
        term(ports(60, 60), FilterAction::Reject(RejectWith::Unreachable(10))),
        term(ports(70, 70), FilterAction::Discard),
        term(ports(80, 80), FilterAction::NextTerm),
    ]);
    let frames: Vec<_> = [53, 60, 70, 80, 90].map(|port| udp_out(1, port)).into();
    let (events, reasons, count, rejects) = run(&frames, &world);
    let expected = [
        (0, 1, Action::Permit),
        (0, 2, Action::Permit),
        (1, 4, Action::Reject),
        (2, 5, Action::Deny),
        (3, 6, Action::Deny),
    ];
    assert_eq!(events, expected, "`next term` logs what was done in the end");
    let discard = DropReason::FilterDiscard;
    assert_eq!(reasons, [DropReason::Default, DropReason::FilterReject, discard, discard, discard]);
    assert_eq!(count, FilterCount { packets: 5, bytes: 5 * 28 });
    assert_eq!(rejects, [Rejection { row: 1, with: RejectWith::Unreachable(10) }]);
}

#[test]
fn a_term_without_log_or_count_is_silent() {
    let silent = FilterTerm { action: FilterAction::Discard, ..FilterTerm::default() };
    let (events, reasons, count, _) = run(&[udp_out(1, 2)], &world_with(vec![silent]));
    assert_eq!(events, []);
    assert_eq!(reasons, [DropReason::FilterDiscard]);
    assert_eq!(count, FilterCount::default());
}

#[test]
fn the_output_filter_sees_the_packet_as_it_is_transmitted() {
    let matches = FilterMatch {
        source: set("203.0.113.1", 32),
        source_ports: vec![(5000, 5000)],
        ttls: vec![(63, 63)],
        ..FilterMatch::default()
    };
    let mut world = world_with(vec![term(matches, FilterAction::Discard)]);
    world.interfaces.0[UNTRUST_IFL.index()].filter_output = [FilterId(1), FilterId::NONE];
    world.interfaces.0[TRUST_IFL.index()].filter_input = [FilterId::NONE; 2];
    let mut shard = shard(&world);
    with_batch(&[udp_out(1, 2)], LinkType::Ethernet, IfIndex::NONE, |batch| {
        Parse::new(&ParseSettings::default()).run(batch, &mut shard, &world);
        FilterLog::new(Hook::Input).run(batch, &mut shard, &world);
        let columns = &mut batch.columns;
        columns.egress[0] = UNTRUST_IFL;
        columns.nat_source[0] = ip("203.0.113.1");
        columns.nat_source_port[0] = 5000;
        columns.nat_family[0] = columns.family[0];
        columns.nat_protocol[0] = columns.protocol[0];
        FilterLog::new(Hook::Output).run(batch, &mut shard, &world);
        let event = batch.events.rows[0];
        assert_eq!((event.term, event.reason), (1, FilterSource::Output as u8));
        assert_eq!(batch.columns.verdict[0], Verdict::dropped(DropReason::FilterDiscard));
        assert!(!batch.live.contains(0));
    });
    assert_eq!(shard.counters.filters[1], FilterCount { packets: 1, bytes: 28 });
}

#[test]
fn the_host_filter_takes_back_what_policy_handed_to_the_host() {
    let ssh = FilterMatch { destination_ports: vec![(22, 22)], ..FilterMatch::default() };
    let reject = FilterAction::Reject(RejectWith::TcpReset);
    let mut world =
        world_with(vec![term(ssh, FilterAction::Accept), term(FilterMatch::default(), reject)]);
    world.host_filters = [FilterId(1), FilterId::NONE];
    world.interfaces.0[TRUST_IFL.index()].filter_input = [FilterId::NONE; 2];
    let mut shard = shard(&world);
    let mut arp = ethernet(0x0806, &[0, 1, 8, 0, 6, 4, 0, 1]);
    arp.extend([2, 0, 0, 0, 0, 2, 10, 0, 0, 5, 0, 0, 0, 0, 0, 0, 10, 0, 0, 1]);
    let to_port = |port| frame("10.0.0.5", "10.0.0.1", 6, &tcp(1025, port, 2, &[]));
    let frames = [to_port(22), to_port(23), arp, to_port(24)];
    with_batch(&frames, LinkType::Ethernet, IfIndex::NONE, |batch| {
        Parse::new(&ParseSettings::default()).run(batch, &mut shard, &world);
        for row in [0, 1] {
            batch.columns.verdict[row] = Verdict::of(Fate::ToHost);
            batch.live.remove(row);
        }
        FilterLog::new(Hook::Lo0).run(batch, &mut shard, &world);
        let (to_host, rejected) = (Verdict::of(Fate::ToHost), DropReason::FilterReject);
        let verdicts = &*batch.columns.verdict;
        assert_eq!(verdicts[..3], [to_host, Verdict::dropped(rejected), to_host]);
        assert!(batch.live.contains(3), "a transit packet is not the host's");
        let events: Vec<_> = batch.events.rows.iter().map(|e| (e.row, e.term, e.action)).collect();
        assert_eq!(events, [(0, 1, Action::Permit), (1, 2, Action::Reject)]);
        assert_eq!(batch.events.rows[0].reason, FilterSource::Lo0 as u8);
    });
    assert_eq!(shard.rejects, [Rejection { row: 1, with: RejectWith::TcpReset }]);
}
