//! The policy lookup alone, by number of policies: a zone pair's list of random prefixes, popular
//! ports and protocols, and packets drawn from policies chosen at random, as many as a batch has.
//! Ids are `classifier/RULES`; `classifier/compile/RULES` is the making of the table.

use std::hint::black_box;

use components::address::{Address, AddressRange, AddressSet, Family};
use components::ids::{AppId, PolicyId, RuleId, ZoneId};
use components::kinds::Action;
use components::world::application::{AppTerm, Service, TCP, UDP};
use components::world::policy::{
    AddressMatch, AppMatch, DefaultPolicy, Policy, PolicyQuery, PolicyTable,
};
use criterion::{BenchmarkId, Criterion, Throughput};

use crate::support::ROWS;

const ZONES: (ZoneId, ZoneId) = (ZoneId(2), ZoneId(3));

pub(crate) fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("classifier");
    for rules in [10, 1000, 10_000] {
        let mut random = Random(1);
        let policies: Vec<_> = (1..=rules).map(|id| policy(id, &mut random)).collect();
        let queries: Vec<_> = (0..ROWS).map(|_| packet(&policies, &mut random)).collect();
        let table = compile(policies.clone());
        assert!(queries.iter().all(|query| !table.lookup(query).policy.is_none()));
        group.throughput(Throughput::Elements(queries.len() as u64));
        group.bench_function(BenchmarkId::from_parameter(rules), |bencher| {
            bencher.iter(|| {
                let hits = queries.iter().map(|query| table.lookup(black_box(query)).ordinal.0);
                hits.fold(0, u32::wrapping_add)
            });
        });
        group.throughput(Throughput::Elements(u64::from(rules)));
        group.bench_function(BenchmarkId::new("compile", rules), |bencher| {
            bencher.iter_with_large_drop(|| compile(policies.clone()));
        });
    }
    group.finish();
}

fn compile(policies: Vec<Policy>) -> PolicyTable {
    PolicyTable::new(vec![(ZONES, policies)], Vec::new(), DefaultPolicy::default())
}

/// Three sources in ten are any and one destination in twelve; the rest are networks of 8 to 32
/// bits. TCP, UDP and any other protocol are 5 : 4 : 1; the ports are sixty popular ones.
fn policy(id: u32, random: &mut Random) -> Policy {
    let protocol = match random.below(10) {
        0..5 => Some(TCP),
        5..9 => Some(UDP),
        _ => None,
    };
    let port = popular_port(random);
    let destination_ports = match random.below(4) {
        0 => (0, u16::MAX),
        1 => (port, port + 9),
        _ => (port, port),
    };
    let term = AppTerm { protocol, destination_ports, ..AppTerm::of_protocol(0) };
    Policy {
        id: PolicyId(id),
        ordinal: RuleId(id),
        source: network(random, 30),
        destination: network(random, 8),
        application: AppMatch::Terms(vec![(term, AppId(1))]),
        action: Action::Permit,
        ..Policy::default()
    }
}

fn popular_port(random: &mut Random) -> u16 {
    u16::try_from(random.below(60) * 97 + 20).expect("ports are small")
}

/// Any address, so many times in a hundred, or a random network.
fn network(random: &mut Random, any: u32) -> AddressMatch {
    if random.below(100) < any {
        return AddressMatch::any();
    }
    let host = u32::MAX.checked_shr(8 + random.below(25)).unwrap_or(0);
    let key = random.next();
    let range = AddressRange::V4(key & !host, key | host);
    AddressMatch { set: AddressSet::from_ranges([range]), excluded: false }
}

/// A packet within a random policy.
fn packet(policies: &[Policy], random: &mut Random) -> PolicyQuery {
    let count = u32::try_from(policies.len()).expect("ids have 32 bits");
    let policy = &policies[random.below(count) as usize];
    let AppMatch::Terms(terms) = &policy.application else {
        unreachable!("all of them have terms");
    };
    let (term, _) = terms[0];
    let mut address = |matches: &AddressMatch| {
        let (first, last) = matches.set.v4()[0];
        let span = last.wrapping_sub(first).checked_add(1);
        let key = match span {
            Some(span) => first + random.below(span),
            None => random.next(),
        };
        Address::v4(key.to_be_bytes())
    };
    PolicyQuery {
        from_zone: ZONES.0,
        to_zone: ZONES.1,
        family: Family::Inet,
        destination_family: Family::Inet,
        source: address(&policy.source),
        destination: address(&policy.destination),
        service: Service {
            protocol: term.protocol.unwrap_or(TCP),
            source_port: 40_000,
            destination_port: term.destination_ports.0,
            ..Service::default()
        },
        time_ns: crate::support::START_NS,
    }
}

/// SplitMix64 (Steele, Lea and Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        u32::try_from((z ^ (z >> 31)) >> 32).expect("32 bits")
    }

    fn below(&mut self, bound: u32) -> u32 {
        self.next() % bound
    }
}
