//! A shard's counters. Systems count in locals and publish once a batch; the ledger adds the shards
//! up.

use std::collections::HashMap;
use std::hash::Hash;

use components::ids::{CounterId, PolicerId, PolicyId};
use components::kinds::{EventKind, SessionChange};
use components::reason::{Counts, DropReason, RefuseReason};
use components::world::World;
use components::world::names::{Names, PolicyName};
use components::world::screen::ScreenAttack;

/// What a worker counted since it started.
#[derive(Clone, Debug, Default)]
pub struct Counters {
    /// Packets by fate, counted by `emit` from the verdict column.
    pub packets: PacketCounts,
    /// Events refused before the ring, by kind and reason.
    pub refused: [Counts<{ RefuseReason::COUNT }>; EventKind::COUNT],
    /// Events that the limiter refused, by zone and kind.
    pub limited_by_zone: Vec<Counts<{ EventKind::COUNT }>>,
    /// Events that `emit` encoded, by kind.
    pub encoded: [u64; EventKind::COUNT],
    /// Frames of session replication, by type.
    pub replicated: Counts<{ SessionChange::COUNT }>,
    /// Packets that a screen hit, by [`ScreenAttack`], alarms included.
    pub screens: Vec<u64>,
    /// Addresses that screens forgot before their time, for want of room.
    pub screens_evicted: u64,
    /// SYN cookies.
    pub cookies: CookieCounts,
    /// Policy hits by [`PolicyId`]: sessions created and packets denied.
    pub policies: Vec<u64>,
    /// What policies with `then count` let through in both directions, by [`PolicyId`].
    pub policy_traffic: Vec<FilterCount>,
    /// Packets denied or rejected by a policy that logs (identity 9 of the ledger).
    pub denied_logged: u64,
    /// Filter counters by [`CounterId`].
    pub filters: Vec<FilterCount>,
    /// Packets beyond a policer's rate by [`PolicerId`].
    pub policers: Vec<FilterCount>,
    /// Packets whose source, destination or both were translated.
    pub translated: TranslationCounts,
    /// RST and ICMP answers sent for rejected packets, and those held back by the answer limiter.
    pub answers: AnswerCounts,
}

/// Packets by fate.
#[derive(Clone, Copy, Debug, Default)]
pub struct PacketCounts {
    /// Transmitted.
    pub forwarded: u64,
    /// Handed to the firewall's own stack.
    pub to_host: u64,
    /// Dropped, by reason.
    pub dropped: Counts<{ DropReason::COUNT }>,
    /// IP bytes transmitted, as they are after translation.
    pub forwarded_bytes: u64,
}

/// A `count` of a filter or a policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FilterCount {
    /// Packets.
    pub packets: u64,
    /// Bytes of IP packets.
    pub bytes: u64,
}

/// Translated packets that were forwarded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TranslationCounts {
    /// Source address or port differs.
    pub source: u64,
    /// Destination address or port differs.
    pub destination: u64,
}

/// SYN cookies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CookieCounts {
    /// SYNs answered with one.
    pub sent: u64,
    /// Right answers without a session: clients that are known now.
    pub answered: u64,
    /// Of these, sessions opened: policy, NAT and limits let them in.
    pub opened: u64,
    /// Sessions whose server has answered.
    pub joined: u64,
    /// Sessions that ended before, their clients told so.
    pub given_up: u64,
    /// Segments made for them: SYNs, ACKs and resets.
    pub made: u64,
    /// Wrong answers without a session.
    pub failed: u64,
}

/// Answers to rejected packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AnswerCounts {
    /// Sent.
    pub sent: u64,
    /// Held back by the limiter.
    pub limited: u64,
    /// Not to be answered: ICMP errors, fragments, multicast, RST.
    pub unanswerable: u64,
    /// ARP requests and neighbor solicitations answered for other hosts.
    pub neighbors: u64,
}

impl Counters {
    /// Sized for a world, so that counting never allocates.
    #[must_use]
    pub fn for_world(world: &World) -> Self {
        Self {
            limited_by_zone: vec![Counts::default(); 256],
            screens: vec![0; ScreenAttack::ALL.len()],
            policies: vec![0; world.names.policies.len()],
            policy_traffic: vec![FilterCount::default(); world.names.policies.len()],
            filters: vec![FilterCount::default(); world.names.counters.len()],
            policers: vec![FilterCount::default(); world.names.policers.len()],
            ..Self::default()
        }
    }

    /// Adds another worker's counts.
    pub fn add(&mut self, other: &Self) {
        self.packets.forwarded += other.packets.forwarded;
        self.packets.to_host += other.packets.to_host;
        self.packets.dropped.add(&other.packets.dropped);
        self.packets.forwarded_bytes += other.packets.forwarded_bytes;
        for (mine, theirs) in self.refused.iter_mut().zip(&other.refused) {
            mine.add(theirs);
        }
        add_each(&mut self.limited_by_zone, &other.limited_by_zone, Counts::add);
        add_all(&mut self.encoded, &other.encoded);
        self.replicated.add(&other.replicated);
        add_each(&mut self.screens, &other.screens, |mine, theirs| {
            *mine += theirs;
        });
        self.screens_evicted += other.screens_evicted;
        self.cookies.sent += other.cookies.sent;
        self.cookies.answered += other.cookies.answered;
        self.cookies.opened += other.cookies.opened;
        self.cookies.joined += other.cookies.joined;
        self.cookies.given_up += other.cookies.given_up;
        self.cookies.made += other.cookies.made;
        self.cookies.failed += other.cookies.failed;
        add_each(&mut self.policies, &other.policies, |mine, theirs| {
            *mine += theirs;
        });
        self.denied_logged += other.denied_logged;
        add_each(&mut self.policy_traffic, &other.policy_traffic, FilterCount::add);
        add_each(&mut self.filters, &other.filters, FilterCount::add);
        add_each(&mut self.policers, &other.policers, FilterCount::add);
        self.translated.source += other.translated.source;
        self.translated.destination += other.translated.destination;
        self.answers.neighbors += other.answers.neighbors;
        self.answers.sent += other.answers.sent;
        self.answers.limited += other.answers.limited;
        self.answers.unanswerable += other.answers.unanswerable;
    }

    /// Counts a policy hit.
    pub fn policy_hit(&mut self, policy: PolicyId) {
        if let Some(hits) = self.policies.get_mut(policy.index()) {
            *hits += 1;
        }
    }

    /// Counts a packet that a policy with `then count` let through.
    pub fn policy_traffic(&mut self, policy: PolicyId, bytes: u64) {
        if let Some(count) = self.policy_traffic.get_mut(policy.index()) {
            count.add(&FilterCount { packets: 1, bytes });
        }
    }

    /// Counts a packet on a filter counter.
    pub fn filter_hit(&mut self, counter: CounterId, bytes: u64) {
        if let Some(count) = self.filters.get_mut(counter.index()) {
            count.add(&FilterCount { packets: 1, bytes });
        }
    }

    /// Counts a packet beyond a policer's rate.
    pub fn policer_hit(&mut self, policer: PolicerId, bytes: u64) {
        if let Some(count) = self.policers.get_mut(policer.index()) {
            count.packets += 1;
            count.bytes += bytes;
        }
    }

    /// The counters as they go on after a commit: those of a policy that is still in the list of
    /// the same zone pair under the same name, of a filter counter and of a zone that are still
    /// there keep their counts, wherever they now stand; new ones begin at 0. All other counters
    /// are the same.
    #[must_use]
    pub fn carried_over(&self, old: &Names, new: &World) -> Self {
        let names = &new.names;
        let policies = places(&policy_keys(old), &policy_keys(names));
        let filters = places(&old.counters, &names.counters);
        let policers = places(&old.policers, &names.policers);
        let zones = places(&old.zones, &names.zones);
        let mut counters = self.clone();
        let empty = Self::for_world(new);
        counters.policies = moved(&self.policies, empty.policies, &policies);
        counters.policy_traffic = moved(&self.policy_traffic, empty.policy_traffic, &policies);
        counters.filters = moved(&self.filters, empty.filters, &filters);
        counters.policers = moved(&self.policers, empty.policers, &policers);
        counters.limited_by_zone = moved(&self.limited_by_zone, empty.limited_by_zone, &zones);
        counters
    }
}

impl FilterCount {
    fn add(&mut self, other: &Self) {
        self.packets += other.packets;
        self.bytes += other.bytes;
    }
}

/// What tells a policy from all others, by id.
fn policy_keys(names: &Names) -> Vec<((&str, &str), &PolicyName)> {
    let ids = (0..).map(PolicyId).zip(&names.policies);
    ids.map(|(id, name)| (names.policy_pair(id), name)).collect()
}

/// For each place of a new table, the place in the old one of what has the same key.
fn places<K: Hash + Eq>(old: &[K], new: &[K]) -> Vec<Option<usize>> {
    let old: HashMap<&K, usize> = old.iter().zip(0..).collect();
    new.iter().map(|key| old.get(key).copied()).collect()
}

fn moved<T: Clone>(old: &[T], mut new: Vec<T>, places: &[Option<usize>]) -> Vec<T> {
    for (slot, place) in new.iter_mut().zip(places) {
        if let Some(count) = place.and_then(|place| old.get(place)) {
            slot.clone_from(count);
        }
    }
    new
}

fn add_all(mine: &mut [u64], theirs: &[u64]) {
    for (mine, theirs) in mine.iter_mut().zip(theirs) {
        *mine += theirs;
    }
}

/// Adds row by row; a table that is still empty takes the other's size.
fn add_each<T: Default + Clone>(mine: &mut Vec<T>, theirs: &[T], add: impl Fn(&mut T, &T)) {
    mine.resize(mine.len().max(theirs.len()), T::default());
    for (mine, theirs) in mine.iter_mut().zip(theirs) {
        add(mine, theirs);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use components::ids::ZoneId;

    fn world(zones: [&str; 2], policies: &[(&str, (u8, u8))], filters: &[&str]) -> World {
        let mut world = World::default();
        let names = &mut world.names;
        names.zones.extend(zones.map(String::from));
        for &(name, (from, to)) in policies {
            let global = from == 0;
            names.policies.push(PolicyName { name: name.into(), global });
            names.policy_zones.push((ZoneId(from), ZoneId(to)));
        }
        names.counters.extend(filters.iter().map(|name| ("edge".into(), (*name).into())));
        world
    }

    #[test]
    fn counts_follow_their_policies_filters_and_zones_through_a_commit() {
        let old = world(
            ["trust", "untrust"],
            &[("web", (2, 3)), ("web", (3, 2)), ("web", (0, 0)), ("gone", (2, 3))],
            &["syn", "udp"],
        );
        // The zones change places, and with them the ids of the same pairs.
        let new = world(
            ["untrust", "trust"],
            &[("new", (2, 3)), ("web", (0, 0)), ("web", (3, 2)), ("web", (2, 3))],
            &["udp"],
        );
        let mut counters = Counters::for_world(&old);
        for (id, hits) in [(0, 9), (1, 10), (2, 20), (3, 30), (4, 40)] {
            (0..hits).for_each(|_| counters.policy_hit(PolicyId(id)));
            counters.policy_traffic(PolicyId(id), 100 + u64::from(id));
        }
        counters.filter_hit(CounterId(1), 60);
        counters.filter_hit(CounterId(2), 70);
        counters.limited_by_zone[2].0[0] = 5;
        counters.packets.forwarded = 77;
        let after = counters.carried_over(&old.names, &new);
        assert_eq!(after.policies, [9, 0, 30, 10, 20]);
        let bytes: Vec<_> = after.policy_traffic.iter().map(|count| count.bytes).collect();
        assert_eq!(bytes, [100, 0, 103, 101, 102]);
        assert_eq!(after.filters, [FilterCount::default(), FilterCount { packets: 1, bytes: 70 }]);
        assert_eq!((after.limited_by_zone[2].0[0], after.limited_by_zone[3].0[0]), (0, 5));
        assert_eq!(after.packets.forwarded, 77);
        assert_eq!(after.carried_over(&new.names, &new).policies, after.policies);
    }
}
