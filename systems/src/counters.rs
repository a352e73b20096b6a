//! A shard's counters. Systems count in locals and publish once a batch; the ledger adds the shards
//! up.

use components::ids::{CounterId, PolicyId};
use components::kinds::EventKind;
use components::reason::{Counts, DropReason, RefuseReason};
use components::world::World;
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
    /// Packets that a screen hit, by [`ScreenAttack`], alarms included.
    pub screens: Vec<u64>,
    /// Addresses that screens forgot before their time, for want of room.
    pub screens_evicted: u64,
    /// SYN cookies.
    pub cookies: CookieCounts,
    /// Policy hits by [`PolicyId`]: sessions created and packets denied.
    pub policies: Vec<u64>,
    /// Packets denied or rejected by a policy that logs (identity 9 of the ledger).
    pub denied_logged: u64,
    /// Filter counters by [`CounterId`].
    pub filters: Vec<FilterCount>,
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
    /// IP bytes transmitted.
    pub forwarded_bytes: u64,
}

/// A filter's `count`.
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
}

impl Counters {
    /// Sized for a world, so that counting never allocates.
    #[must_use]
    pub fn for_world(world: &World) -> Self {
        Self {
            limited_by_zone: vec![Counts::default(); 256],
            screens: vec![0; ScreenAttack::ALL.len()],
            policies: vec![0; world.names.policies.len()],
            filters: vec![FilterCount::default(); world.names.counters.len()],
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
        add_each(&mut self.screens, &other.screens, |mine, theirs| {
            *mine += theirs;
        });
        self.screens_evicted += other.screens_evicted;
        self.cookies.sent += other.cookies.sent;
        self.cookies.answered += other.cookies.answered;
        self.cookies.failed += other.cookies.failed;
        add_each(&mut self.policies, &other.policies, |mine, theirs| {
            *mine += theirs;
        });
        self.denied_logged += other.denied_logged;
        add_each(&mut self.filters, &other.filters, |mine, theirs| {
            mine.packets += theirs.packets;
            mine.bytes += theirs.bytes;
        });
        self.translated.source += other.translated.source;
        self.translated.destination += other.translated.destination;
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

    /// Counts a packet on a filter counter.
    pub fn filter_hit(&mut self, counter: CounterId, bytes: u64) {
        if let Some(count) = self.filters.get_mut(counter.index()) {
            count.packets += 1;
            count.bytes += bytes;
        }
    }
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
