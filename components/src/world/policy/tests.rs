//! The classifiers against a matcher that goes through the policies one by one, on random lists and
//! packets from a small world in which nearly everything overlaps.

mod random;

use super::*;
use crate::decisions::Decisions;
use crate::world::World;
use crate::world::application::{ICMP, TCP, UDP};
use proptest::prelude::*;

type Pairs = Vec<((ZoneId, ZoneId), Vec<Policy>)>;

/// First match, policy by policy.
fn reference(
    pairs: &Pairs,
    global: &[Policy],
    utc_offset_s: i32,
    query: &PolicyQuery,
) -> Option<(PolicyId, AppId)> {
    let moment = Moment::new(query.time_ns, utc_offset_s);
    let own = pairs.iter().filter(|(zones, _)| *zones == (query.from_zone, query.to_zone));
    let mut policies = own.flat_map(|(_, list)| list).chain(global);
    policies.find_map(|policy| {
        let fits = |zones: &[ZoneId], zone| zones.is_empty() || zones.contains(&zone);
        let matches = fits(&policy.from_zones, query.from_zone)
            && fits(&policy.to_zones, query.to_zone)
            && policy.source.contains(query.family, query.source)
            && policy.destination.contains(query.destination_family, query.destination)
            && policy.scheduler.as_ref().is_none_or(|scheduler| scheduler.is_on(moment));
        let application = match &policy.application {
            AppMatch::Any => Some(AppId::NONE),
            AppMatch::Terms(terms) => {
                terms.iter().find(|(term, _)| term.matches(&query.service)).map(|&(_, app)| app)
            }
        };
        application.filter(|_| matches).map(|application| (policy.id, application))
    })
}

fn found(table: &PolicyTable, query: &PolicyQuery) -> Option<(PolicyId, AppId)> {
    let hit = table.lookup(query);
    (!hit.policy.is_none()).then_some((hit.policy, hit.application))
}

proptest! {
    #[test]
    fn finds_what_a_walk_through_the_policies_finds(
        pair in prop::collection::vec(random::policy(), 0..140),
        other in prop::collection::vec(random::policy(), 0..4),
        global in prop::collection::vec(random::policy(), 0..20),
        offset in -12_i32..=14,
        queries in prop::collection::vec(random::query(), 64),
    ) {
        let mut ids = 1..;
        let mut numbered = |mut list: Vec<Policy>, global: bool| {
            for policy in &mut list {
                policy.id = PolicyId(ids.next().expect("endless"));
                if !global {
                    policy.from_zones.clear();
                    policy.to_zones.clear();
                }
            }
            list
        };
        let pairs = vec![
            ((ZoneId(2), ZoneId(3)), numbered(pair, false)),
            ((ZoneId(3), ZoneId(2)), numbered(other, false)),
        ];
        let global = numbered(global, true);
        let offset = offset * 3600;
        let table = PolicyTable::new(pairs.clone(), global.clone(), DefaultPolicy::default())
            .in_time_zone(offset);
        for query in &queries {
            let expected = reference(&pairs, &global, offset, query);
            prop_assert_eq!(found(&table, query), expected, "{:?}", query);
        }
    }
}

proptest! {
    #[test]
    fn a_small_memory_of_denied_flows_changes_no_decision(
        mut policies in prop::collection::vec(random::policy(), 0..12),
        queries in prop::collection::vec(random::query(), 8),
        order in prop::collection::vec(any::<prop::sample::Index>(), 100),
        scheduled in prop::bool::weighted(0.1),
    ) {
        for (policy, id) in policies.iter_mut().zip(1..) {
            policy.id = PolicyId(id);
            policy.action = if id % 3 == 0 { Action::Permit } else { Action::Reject };
            policy.scheduler = policy.scheduler.take().filter(|_| scheduled);
        }
        let policies = PolicyTable::new(Vec::new(), policies, DefaultPolicy::default());
        let mut world = World { generation: 1, policies, ..World::default() };
        let mut decisions = Decisions::new(4, 7);
        for (at, index) in order.iter().enumerate() {
            let query = index.get(&queries);
            prop_assert_eq!(decisions.policy_of(query, &world), world.policies.lookup(query));
            if at == 50 {
                world = World { generation: 2, ..World::default() };
            }
        }
    }
}

/// A list of `count` policies, each for one host behind one of 200 networks and one of 60 services.
fn hosts(count: u32) -> Vec<Policy> {
    let host = |n: u32| AddressSet::from_ranges([crate::address::AddressRange::V4(n, n)]);
    let policies = (0..count).map(|n| {
        let port = u16::try_from(1000 + n % 60).expect("60 ports");
        let term = AppTerm { destination_ports: (port, port), ..AppTerm::of_protocol(TCP) };
        Policy {
            id: PolicyId(n + 1),
            ordinal: RuleId(n + 1),
            source: AddressMatch { set: host(n % 200), excluded: false },
            destination: AddressMatch { set: host(0x0a00_0000 + n), excluded: false },
            application: AppMatch::Terms(vec![(term, AppId(port))]),
            action: Action::Permit,
            ..Policy::default()
        }
    });
    policies.collect()
}

fn packet(source: u32, destination: u32, port: u16) -> PolicyQuery {
    PolicyQuery {
        from_zone: ZoneId(2),
        to_zone: ZoneId(3),
        family: Family::Inet,
        destination_family: Family::Inet,
        source: Address::v4(source.to_be_bytes()),
        destination: Address::v4(destination.to_be_bytes()),
        service: Service { protocol: TCP, destination_port: port, ..Service::default() },
        time_ns: 0,
    }
}

#[test]
fn twenty_thousand_policies_are_found_each_and_their_memory_is_bounded() {
    const COUNT: u32 = 20_000;
    let mut policies = hosts(COUNT);
    policies[777].application = AppMatch::Any;
    let pairs = vec![((ZoneId(2), ZoneId(3)), policies)];
    let table = PolicyTable::new(pairs, Vec::new(), DefaultPolicy::default());
    for n in 0..COUNT {
        let port = u16::try_from(1000 + n % 60).expect("60 ports");
        let query = packet(n % 200, 0x0a00_0000 + n, port);
        assert_eq!(table.lookup(&query).ordinal, RuleId(n + 1));
        let other = PolicyQuery { service: Service { protocol: UDP, ..query.service }, ..query };
        let expected = if n == 777 { 778 } else { 0 };
        assert_eq!(table.lookup(&other).ordinal, RuleId(expected));
    }
    let bytes = table.memory_bytes();
    assert!((30_000_000..60_000_000).contains(&bytes), "{bytes} bytes");
}

#[test]
fn a_policy_of_many_terms_is_one_entry_for_each_protocol_and_source_port_range() {
    let port = |protocol, n: u16| AppTerm {
        destination_ports: (n, n + 1),
        ..AppTerm::of_protocol(protocol)
    };
    let mut terms: Vec<_> = (0..500).map(|n| (port(TCP, n * 3), AppId(n + 1))).collect();
    terms.push((port(TCP, 4), AppId(900)));
    terms.push((AppTerm { icmp_type: Some(8), ..AppTerm::of_protocol(ICMP) }, AppId(901)));
    terms.push((AppTerm { icmp_type: Some(0), ..AppTerm::of_protocol(ICMP) }, AppId(902)));
    let policy = Policy {
        id: PolicyId(1),
        source: AddressMatch::any(),
        destination: AddressMatch::any(),
        application: AppMatch::Terms(terms),
        ..Policy::default()
    };
    let one = |policy| {
        let pairs = vec![((ZoneId(2), ZoneId(3)), vec![policy; 32])];
        PolicyTable::new(pairs, Vec::new(), DefaultPolicy::default())
    };
    let table = one(policy);
    // 64 entries: every set is one word, beside its summary.
    assert_eq!(table.lists[0].entries(), 64);
    let application = |port| table.lookup(&packet(1, 2, port)).application;
    assert_eq!(application(3), AppId(2), "the first term in the order of the policy");
    assert_eq!(application(4), AppId(2));
    assert_eq!(application(5), AppId(900));
    assert_eq!(table.lookup(&packet(1, 2, 8)).policy, PolicyId::NONE);
    let echo = |icmp_type| {
        let service = Service { protocol: ICMP, icmp_type, icmp_code: 7, ..Service::default() };
        table.lookup(&PolicyQuery { service, ..packet(1, 2, 0) }).application
    };
    assert_eq!([echo(8), echo(0), echo(3)], [AppId(901), AppId(902), AppId::NONE]);
}

#[test]
fn what_no_family_has_and_an_empty_table_meet_the_default_policy() {
    let default = DefaultPolicy { action: Action::Permit, log: true };
    let any = Policy {
        id: PolicyId(1),
        source: AddressMatch { set: AddressSet::default(), excluded: true },
        destination: AddressMatch::any(),
        ..Policy::default()
    };
    let table = PolicyTable::new(Vec::new(), vec![any], default);
    let mut query = packet(1, 2, 3);
    assert_eq!(table.lookup(&query).policy, PolicyId(1));
    query.family = Family::None;
    let hit = table.lookup(&query);
    assert_eq!((hit.policy, hit.action, hit.log_init), (PolicyId::NONE, Action::Permit, true));
    let hit = PolicyTable::default().lookup(&packet(1, 2, 3));
    assert_eq!(hit, PolicyHit::default());
}

#[test]
fn a_policy_is_on_while_its_scheduler_is_and_counts_if_it_says_so() {
    let scheduler = Scheduler { week: vec![(28_800, 61_199)], ..Scheduler::default() };
    let policy = |id, scheduler, count| Policy {
        id: PolicyId(id),
        source: AddressMatch::any(),
        destination: AddressMatch::any(),
        scheduler,
        count,
        ..Policy::default()
    };
    let list = vec![policy(1, Some(scheduler), false), policy(2, None, true)];
    let pairs = vec![((ZoneId(2), ZoneId(3)), list)];
    // An hour east: Monday 8 to 17 is 7 to 16 in UTC.
    let table = PolicyTable::new(pairs, Vec::new(), DefaultPolicy::default()).in_time_zone(3600);
    let monday_s = 1_772_409_600;
    for (second, on) in [(25_199, false), (25_200, true), (57_599, true), (57_600, false)] {
        let time_ns = (monday_s + second) * 1_000_000_000;
        let hit = table.lookup(&PolicyQuery { time_ns, ..packet(1, 2, 3) });
        assert_eq!(hit.policy, PolicyId(if on { 1 } else { 2 }), "{second}");
        assert_eq!(table.is_on(PolicyId(1), time_ns), on, "{second}");
        assert!(table.is_on(PolicyId(2), time_ns) && table.is_on(PolicyId(99), time_ns));
    }
    assert!(!table.counts(PolicyId(1)) && table.counts(PolicyId(2)));
    assert!(!table.counts(PolicyId(0)) && !table.counts(PolicyId(99)));
}
