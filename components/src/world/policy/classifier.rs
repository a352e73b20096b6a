//! A list of policies, compiled. Every field of a packet has one bit set of the entries that match
//! its value; the first entry in all of them is the first match (Lakshman and Stiliadis 1998, with
//! summaries as in Baboescu and Varghese 2001). A policy is one entry for each protocol and source
//! port range of its application terms; which term it was is asked of the one policy that matched.

use super::field::{Field, Key, Range, Shape};
use super::scheduler::{Moment, WEEK_S};
use super::{AddressMatch, AppMatch, Policy, PolicyHit, PolicyQuery};
use crate::address::{Family, merge};
use crate::ids::{AppId, ZoneId};
use crate::world::application::{AppTerm, ICMP, ICMPV6, Service};

/// Entries of one part: they bound the memory of long lists, which grows with the square of it.
const PART_ENTRIES_MAX: usize = 16_384;

/// The policies of a zone pair, or the global ones.
#[derive(Clone, Debug, Default)]
pub(super) struct List {
    parts: Vec<Classifier>,
    rules: Vec<Rule>,
}

/// A policy, and what it says once it has been found.
#[derive(Clone, Debug)]
struct Rule {
    hit: PolicyHit,
    policy: Policy,
}

impl List {
    pub(super) fn new(policies: Vec<Policy>) -> Self {
        let entries: Vec<Entry> = policies.iter().enumerate().flat_map(entries_of).collect();
        let parts = entries.chunks(PART_ENTRIES_MAX).map(|part| Classifier::new(part, &policies));
        Self { parts: parts.collect(), rules: policies.into_iter().map(Rule::new).collect() }
    }

    /// First match of a packet that arrives at this moment.
    pub(super) fn lookup(&self, query: &PolicyQuery, moment: Moment) -> Option<PolicyHit> {
        let rule = self.parts.iter().find_map(|part| part.first(query, moment))?;
        Some(self.rules[rule].hit_of(&query.service))
    }

    /// The policies in order.
    pub(super) fn policies(&self) -> impl Iterator<Item = &Policy> {
        self.rules.iter().map(|rule| &rule.policy)
    }

    /// Entries of all parts.
    #[cfg(test)]
    pub(super) fn entries(&self) -> usize {
        self.parts.iter().map(|part| part.policies.len()).sum()
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let terms: usize = self.policies().map(Policy::memory_bytes).sum();
        let parts: usize = self.parts.iter().map(Classifier::memory_bytes).sum();
        self.rules.capacity() * size_of::<Rule>() + terms + parts
    }
}

impl Rule {
    fn new(policy: Policy) -> Self {
        let hit = PolicyHit {
            policy: policy.id,
            ordinal: policy.ordinal,
            application: AppId::NONE,
            action: policy.action,
            log_init: policy.log_init,
            log_close: policy.log_close,
        };
        Self { hit, policy }
    }

    fn hit_of(&self, service: &Service) -> PolicyHit {
        let terms = match &self.policy.application {
            AppMatch::Any => &[][..],
            AppMatch::Terms(terms) => terms,
        };
        let term = terms.iter().find(|(term, _)| term.matches(service));
        PolicyHit { application: term.map_or(AppId::NONE, |&(_, app)| app), ..self.hit }
    }
}

/// What one policy matches of one protocol from one range of source ports.
#[derive(Clone, Debug)]
struct Entry {
    policy: usize,
    protocol: (u8, u8),
    source_ports: (u16, u16),
    /// Empty if only ICMP matches.
    destination_ports: Vec<(u16, u16)>,
    icmp_types: Vec<(u8, u8)>,
    icmp_code: (u8, u8),
}

fn entries_of((policy, of): (usize, &Policy)) -> Vec<Entry> {
    let any = AppTerm { protocol: None, ..AppTerm::of_protocol(0) };
    let mut entries: Vec<Entry> = Vec::new();
    let mut add = |term: &AppTerm| {
        let entry = Entry::of_term(policy, term);
        match entries.iter_mut().find(|earlier| earlier.takes(&entry)) {
            Some(earlier) => {
                earlier.destination_ports.extend(entry.destination_ports);
                earlier.icmp_types.extend(entry.icmp_types);
            }
            None => entries.push(entry),
        }
    };
    match &of.application {
        AppMatch::Any => add(&any),
        AppMatch::Terms(terms) => terms.iter().for_each(|(term, _)| add(term)),
    }
    for entry in &mut entries {
        let ports = std::mem::take(&mut entry.destination_ports);
        entry.destination_ports = merge(ports, u16::next);
        entry.icmp_types = merge(std::mem::take(&mut entry.icmp_types), u8::next);
    }
    entries
}

impl Entry {
    fn of_term(policy: usize, term: &AppTerm) -> Self {
        let byte = |value: Option<u8>| value.map_or((0, u8::MAX), |value| (value, value));
        let only_icmp = term.icmp_type.is_some() || term.icmp_code.is_some();
        Self {
            policy,
            protocol: byte(term.protocol),
            source_ports: term.source_ports,
            destination_ports: if only_icmp { Vec::new() } else { vec![term.destination_ports] },
            icmp_types: vec![byte(term.icmp_type)],
            icmp_code: byte(term.icmp_code),
        }
    }

    /// True if the two differ in destination ports or ICMP types alone.
    fn takes(&self, other: &Self) -> bool {
        let all = |entry: &Self| {
            let only_icmp = entry.destination_ports.is_empty();
            (entry.protocol, entry.source_ports, only_icmp, entry.icmp_code)
        };
        all(self) == all(other)
    }
}

#[derive(Clone, Debug)]
struct Classifier {
    shape: Shape,
    source_v4: Field<u32>,
    source_v6: Field<u128>,
    destination_v4: Field<u32>,
    destination_v6: Field<u128>,
    protocol: Field<u8>,
    source_port: Field<u16>,
    destination_port: Field<u16>,
    icmp_type: Field<u8>,
    icmp_code: Field<u8>,
    context: Option<Context>,
    /// The policy of each entry.
    policies: Vec<u32>,
}

/// Fields that few lists ask for: zones of global policies, and schedulers.
#[derive(Clone, Debug)]
struct Context {
    from_zone: Field<u8>,
    to_zone: Field<u8>,
    date: Field<i64>,
    week: Field<u32>,
}

impl Classifier {
    fn new(entries: &[Entry], policies: &[Policy]) -> Self {
        let shape = Shape::new(entries.len());
        let of = |entry: &Entry| &policies[entry.policy];
        let asks = |policy: &Policy| {
            policy.scheduler.is_some()
                || !policy.from_zones.is_empty()
                || !policy.to_zones.is_empty()
        };
        let index = |entry: &Entry| u32::try_from(entry.policy).expect("ids have 32 bits");
        Self {
            shape,
            source_v4: field(shape, entries, |entry| {
                ranges_of(&of(entry).source, of(entry).source.set.v4())
            }),
            source_v6: field(shape, entries, |entry| {
                ranges_of(&of(entry).source, of(entry).source.set.v6())
            }),
            destination_v4: field(shape, entries, |entry| {
                ranges_of(&of(entry).destination, of(entry).destination.set.v4())
            }),
            destination_v6: field(shape, entries, |entry| {
                ranges_of(&of(entry).destination, of(entry).destination.set.v6())
            }),
            protocol: field(shape, entries, |entry| vec![entry.protocol]),
            source_port: field(shape, entries, |entry| vec![entry.source_ports]),
            destination_port: field(shape, entries, |entry| entry.destination_ports.clone()),
            icmp_type: field(shape, entries, |entry| entry.icmp_types.clone()),
            icmp_code: field(shape, entries, |entry| vec![entry.icmp_code]),
            context: entries
                .iter()
                .any(|entry| asks(of(entry)))
                .then(|| Context::new(shape, entries, policies)),
            policies: entries.iter().map(index).collect(),
        }
    }

    /// Index of the first policy that matches.
    fn first(&self, query: &PolicyQuery, moment: Moment) -> Option<usize> {
        let source = match query.family {
            Family::None => return None,
            Family::Inet => self.source_v4.set(query.source.v4_key()),
            Family::Inet6 => self.source_v6.set(query.source.v6_key()),
        };
        let destination = match query.destination_family {
            Family::None => return None,
            Family::Inet => self.destination_v4.set(query.destination.v4_key()),
            Family::Inet6 => self.destination_v6.set(query.destination.v6_key()),
        };
        let service = &query.service;
        let protocol = self.protocol.set(service.protocol);
        let (one, other) = if matches!(service.protocol, ICMP | ICMPV6) {
            (self.icmp_type.set(service.icmp_type), self.icmp_code.set(service.icmp_code))
        } else {
            let port = self.destination_port.set(service.destination_port);
            (port, self.source_port.set(service.source_port))
        };
        let entry = match &self.context {
            None => self.shape.first([destination, source, one, other, protocol]),
            Some(context) => self.shape.first([
                destination,
                source,
                one,
                other,
                protocol,
                context.from_zone.set(query.from_zone.0),
                context.to_zone.set(query.to_zone.0),
                context.date.set(moment.date_s),
                context.week.set(moment.week_s),
            ]),
        };
        entry.map(|entry| self.policies[entry] as usize)
    }

    fn memory_bytes(&self) -> usize {
        let context = self.context.as_ref().map_or(0, |context| {
            context.from_zone.memory_bytes()
                + context.to_zone.memory_bytes()
                + context.date.memory_bytes()
                + context.week.memory_bytes()
        });
        context
            + self.source_v4.memory_bytes()
            + self.source_v6.memory_bytes()
            + self.destination_v4.memory_bytes()
            + self.destination_v6.memory_bytes()
            + self.protocol.memory_bytes()
            + self.source_port.memory_bytes()
            + self.destination_port.memory_bytes()
            + self.icmp_type.memory_bytes()
            + self.icmp_code.memory_bytes()
            + self.policies.capacity() * size_of::<u32>()
    }
}

impl Context {
    fn new(shape: Shape, entries: &[Entry], policies: &[Policy]) -> Self {
        let zones = |zones: &[ZoneId]| match zones {
            [] => vec![(0, u8::MAX)],
            zones => merge(zones.iter().map(|zone| (zone.0, zone.0)).collect(), u8::next),
        };
        let scheduler = |entry: &Entry| policies[entry.policy].scheduler.as_ref();
        Self {
            from_zone: field(shape, entries, |entry| zones(&policies[entry.policy].from_zones)),
            to_zone: field(shape, entries, |entry| zones(&policies[entry.policy].to_zones)),
            date: field(shape, entries, |entry| {
                scheduler(entry).map_or(vec![(i64::MIN, i64::MAX)], |on| on.dates.clone())
            }),
            week: field(shape, entries, |entry| {
                scheduler(entry).map_or(vec![(0, WEEK_S)], |on| on.week.clone())
            }),
        }
    }
}

fn field<K: Key>(
    shape: Shape,
    entries: &[Entry],
    ranges: impl Fn(&Entry) -> Vec<(K, K)>,
) -> Field<K> {
    let ranges = entries.iter().enumerate().flat_map(|(at, entry)| {
        ranges(entry).into_iter().map(move |(first, last)| -> Range<K> { (at, first, last) })
    });
    Field::new(shape, ranges)
}

/// What an address match comes to: everything and the set, where the set is excluded.
fn ranges_of<K: Key>(addresses: &AddressMatch, set: &[(K, K)]) -> Vec<(K, K)> {
    let all = addresses.excluded.then_some((K::MIN, K::MAX));
    all.into_iter().chain(set.iter().copied()).collect()
}
