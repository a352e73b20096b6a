//! A bounded memory of what policies have denied, so that a flood of denied packets does not pay
//! the classifier for each: buckets of two entries by flow hash, the later one pushes the earlier
//! one out. An entry counts only if the whole key and the commit agree, so that what is decided is
//! the same with and without it. Nothing is kept of what schedulers, and so the time, decide.

use crate::ids::ZoneId;
use crate::kinds::Action;
use crate::session::key::{FlowKey, HashSeed};
use crate::world::World;
use crate::world::application::{ICMP, ICMPV6};
use crate::world::policy::{PolicyHit, PolicyQuery};

/// What was denied, of one worker. 64 bytes an entry.
#[derive(Clone, Debug)]
pub struct Decisions {
    /// A power of two of buckets; none if it is switched off.
    buckets: Box<[[Entry; 2]]>,
    seed: HashSeed,
}

/// One flow as the policies see it, and what they decided. A cache line.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
struct Entry {
    key: Key,
    hit: PolicyHit,
    /// The commit under which it was decided, plus one; 0 is an empty entry.
    commit: u64,
}

/// Everything but the time that a policy looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Key {
    /// ICMP type and code are in the destination port.
    flow: FlowKey,
    zones: (ZoneId, ZoneId),
}

impl Decisions {
    /// With room for this many entries, rounded up to a power of two; 0 switches it off.
    #[must_use]
    pub fn new(entries: usize, seed: u64) -> Self {
        let buckets = if entries == 0 { 0 } else { entries.div_ceil(2).next_power_of_two() };
        let empty = [Entry::default(); 2];
        Self { buckets: vec![empty; buckets].into(), seed: HashSeed::new(seed) }
    }

    /// Reads from both entries that a flow's hash leads to, so that they are on their way when its
    /// packet is decided. The hash is the session table's where both have the same seed; any other
    /// reads for nothing.
    #[inline]
    #[must_use]
    pub fn touch(&self, hash: u64) -> u64 {
        match self.buckets.get(self.place(hash)) {
            Some([first, second]) => first.commit ^ second.commit,
            None => 0,
        }
    }

    #[inline]
    fn place(&self, hash: u64) -> usize {
        let hash = usize::try_from(hash >> 32).expect("32 bits");
        hash & self.buckets.len().wrapping_sub(1)
    }

    /// What the world's policies decide about a packet: remembered, or looked up.
    #[must_use]
    pub fn policy_of(&mut self, query: &PolicyQuery, world: &World) -> PolicyHit {
        // A key has one family: what NAT64 translates is always looked up.
        let one_family = query.family == query.destination_family;
        if self.buckets.is_empty() || world.policies.has_schedulers() || !one_family {
            return world.policies.lookup(query);
        }
        let key = Key::of(query);
        let place = self.place(key.flow.hash(self.seed));
        let bucket = &mut self.buckets[place];
        let commit = u64::from(world.generation) + 1;
        let known = bucket.iter().find(|entry| entry.commit == commit && entry.key == key);
        if let Some(entry) = known {
            return entry.hit;
        }
        let hit = world.policies.lookup(query);
        if hit.action != Action::Permit {
            bucket[1] = bucket[0];
            bucket[0] = Entry { key, hit, commit };
        }
        hit
    }
}

impl Key {
    fn of(query: &PolicyQuery) -> Self {
        let service = &query.service;
        let (source_port, destination_port) = match service.protocol {
            ICMP | ICMPV6 => (0, u16::from_be_bytes([service.icmp_type, service.icmp_code])),
            _ => (service.source_port, service.destination_port),
        };
        let flow = FlowKey {
            source: query.source,
            destination: query.destination,
            source_port,
            destination_port,
            protocol: service.protocol,
            family: query.family,
        };
        Self { flow, zones: (query.from_zone, query.to_zone) }
    }
}

const _: () = assert!(size_of::<Entry>() == 64);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::{Address, Family};
    use crate::ids::{PolicyId, RuleId};
    use crate::world::application::{Service, TCP};
    use crate::world::policy::{AddressMatch, DefaultPolicy, Policy, PolicyTable};

    const ZONES: (ZoneId, ZoneId) = (ZoneId(2), ZoneId(3));

    /// Every packet meets this policy.
    fn world(generation: u32, id: u32, action: Action) -> World {
        let policy = Policy {
            id: PolicyId(id),
            ordinal: RuleId(id),
            source: AddressMatch::any(),
            destination: AddressMatch::any(),
            action,
            ..Policy::default()
        };
        let pairs = vec![(ZONES, vec![policy])];
        let policies = PolicyTable::new(pairs, Vec::new(), DefaultPolicy::default());
        World { generation, policies, ..World::default() }
    }

    fn packet(port: u16) -> PolicyQuery {
        PolicyQuery {
            from_zone: ZONES.0,
            to_zone: ZONES.1,
            family: Family::Inet,
            destination_family: Family::Inet,
            source: Address::v4([10, 0, 0, 1]),
            destination: Address::v4([10, 0, 0, 2]),
            service: Service { protocol: TCP, destination_port: port, ..Service::default() },
            time_ns: 0,
        }
    }

    fn kept(decisions: &Decisions) -> usize {
        decisions.buckets.iter().flatten().filter(|entry| entry.commit > 0).count()
    }

    #[test]
    fn a_denied_flow_is_remembered_until_the_next_commit() {
        let mut decisions = Decisions::new(4, 1);
        let (old, new) = (world(1, 1, Action::Deny), world(2, 2, Action::Permit));
        assert_eq!(decisions.policy_of(&packet(1), &old).policy, PolicyId(1));
        assert_eq!(kept(&decisions), 1);
        // The entry answers: another table under the same commit would say otherwise.
        let same = world(1, 9, Action::Permit);
        assert_eq!(decisions.policy_of(&packet(1), &same).policy, PolicyId(1));
        let elsewhere = PolicyQuery { to_zone: ZoneId(4), ..packet(1) };
        assert_eq!(decisions.policy_of(&elsewhere, &same).policy, PolicyId::NONE);
        assert_eq!(decisions.policy_of(&packet(1), &new).policy, PolicyId(2));
    }

    #[test]
    fn what_is_permitted_is_not_kept_and_the_number_of_entries_is_bounded() {
        let mut decisions = Decisions::new(3, 1);
        let (deny, permit) = (world(1, 1, Action::Deny), world(1, 1, Action::Permit));
        for port in 0..1000 {
            assert_eq!(decisions.policy_of(&packet(port), &permit).action, Action::Permit);
        }
        assert_eq!(kept(&decisions), 0);
        for port in 0..1000 {
            assert_eq!(decisions.policy_of(&packet(port), &deny).action, Action::Deny);
        }
        assert_eq!(kept(&decisions), 4);
        let mut off = Decisions::new(0, 1);
        assert_eq!(off.policy_of(&packet(1), &deny).policy, PolicyId(1));
        assert_eq!(kept(&off), 0);
    }
}
