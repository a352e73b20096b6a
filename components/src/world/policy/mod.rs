//! Security policies: the zone pair's list in order, then the global list, then the default policy.
//! The destination is looked up after destination NAT, the source before source NAT, as on an SRX.
//! Each list is compiled into classifiers, so that a lookup does not go through the policies.

mod classifier;
mod field;
pub mod scheduler;
#[cfg(test)]
mod tests;

use classifier::List;
use scheduler::{Moment, Scheduler};

use super::application::{AppTerm, Service};
use crate::address::{Address, AddressSet, Family};
use crate::ids::{AppId, PolicyId, RuleId, ZoneId};
use crate::kinds::Action;

/// `match source-address …` or `destination-address …`, `-excluded` included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressMatch {
    /// The union of the listed address book entries.
    pub set: AddressSet,
    /// `source-address-excluded`: everything but the set.
    pub excluded: bool,
}

impl AddressMatch {
    /// Matches every address.
    #[must_use]
    pub fn any() -> Self {
        Self { set: AddressSet::any(), excluded: false }
    }

    /// True if the address matches.
    #[must_use]
    pub fn contains(&self, family: Family, address: Address) -> bool {
        self.set.contains(family, address) != self.excluded
    }
}

/// `match application …`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AppMatch {
    /// `any`.
    #[default]
    Any,
    /// The terms of the listed applications and sets, in order.
    Terms(Vec<(AppTerm, AppId)>),
}

/// One policy.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Its id, unique over all lists.
    pub id: PolicyId,
    /// Its place in its list, from 1.
    pub ordinal: RuleId,
    /// Zones of a global policy's `match from-zone/to-zone`; empty is any.
    pub from_zones: Vec<ZoneId>,
    /// Likewise.
    pub to_zones: Vec<ZoneId>,
    /// `match source-address`.
    pub source: AddressMatch,
    /// `match destination-address`.
    pub destination: AddressMatch,
    /// `match application`.
    pub application: AppMatch,
    /// `scheduler-name`: it matches only while the scheduler is on.
    pub scheduler: Option<Scheduler>,
    /// `then permit/deny/reject`.
    pub action: Action,
    /// `log session-init`.
    pub log_init: bool,
    /// `log session-close`.
    pub log_close: bool,
    /// `then count`.
    pub count: bool,
}

impl Policy {
    /// Bytes on the heap.
    fn memory_bytes(&self) -> usize {
        let terms = match &self.application {
            AppMatch::Any => 0,
            AppMatch::Terms(terms) => size_of_val::<[_]>(terms),
        };
        let addresses = self.source.set.memory_bytes() + self.destination.set.memory_bytes();
        terms + addresses + self.from_zones.len() + self.to_zones.len()
    }
}

/// The default policy and whether it logs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DefaultPolicy {
    /// `deny-all` unless `permit-all` is configured.
    pub action: Action,
    /// Log what it decides.
    pub log: bool,
}

/// What the packet is, for a lookup.
#[derive(Clone, Copy, Debug)]
pub struct PolicyQuery {
    /// Zone of the ingress interface.
    pub from_zone: ZoneId,
    /// Zone of the egress interface.
    pub to_zone: ZoneId,
    /// Family of the source.
    pub family: Family,
    /// Family of the destination: IPv4 where NAT64 has translated it.
    pub destination_family: Family,
    /// Source before source NAT.
    pub source: Address,
    /// Destination after destination NAT.
    pub destination: Address,
    /// Protocol and ports, destination port after destination NAT.
    pub service: Service,
    /// Time of the packet in UTC, nanoseconds since 1970, for schedulers.
    pub time_ns: u64,
}

/// What was decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PolicyHit {
    /// 0 for the default policy.
    pub policy: PolicyId,
    /// Ordinal in its list; 0 for the default policy.
    pub ordinal: RuleId,
    /// The application that the policy matched; none where it says `any`.
    pub application: AppId,
    /// What to do.
    pub action: Action,
    /// Raise a create event.
    pub log_init: bool,
    /// Raise a close event.
    pub log_close: bool,
}

/// `policy-rematch`: which policy may take over a session whose own one has changed with a commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rematch {
    /// Any that permits it: `extensive`, and where the statement is missing.
    #[default]
    Any,
    /// Only the one that permitted it before, under the same name.
    Same,
}

/// All policies.
#[derive(Clone, Debug, Default)]
pub struct PolicyTable {
    lists: Vec<List>,
    /// List of a zone pair plus one, at `from * 256 + to`; empty until the first pair is added.
    pairs: Vec<u16>,
    global: List,
    default: DefaultPolicy,
    /// What policies need beside the first path, by [`PolicyId`]; as long as the last one that
    /// needs anything.
    extras: Vec<Extras>,
    has_schedulers: bool,
    utc_offset_s: i32,
    rematch: Rematch,
}

#[derive(Clone, Debug, Default)]
struct Extras {
    scheduler: Option<Scheduler>,
    count: bool,
}

impl PolicyTable {
    /// From the lists of zone pairs, the global list and the default policy.
    ///
    /// # Panics
    /// With more than 65,535 zone pairs, which 255 zones cannot have.
    #[must_use]
    pub fn new(
        pairs: Vec<((ZoneId, ZoneId), Vec<Policy>)>,
        global: Vec<Policy>,
        default: DefaultPolicy,
    ) -> Self {
        let mut table = Self { pairs: vec![0; 1 << 16], default, ..Self::default() };
        table.note_extras(pairs.iter().flat_map(|(_, list)| list).chain(&global));
        table.global = List::new(global);
        for ((from, to), list) in pairs {
            table.lists.push(List::new(list));
            table.pairs[pair_index(from, to)] =
                u16::try_from(table.lists.len()).expect("at most 255 x 255 zone pairs");
        }
        table
    }

    /// Schedulers go by a local time that is this many seconds east of UTC.
    #[must_use]
    pub fn in_time_zone(self, utc_offset_s: i32) -> Self {
        Self { utc_offset_s, ..self }
    }

    /// Under `policy-rematch`.
    #[must_use]
    pub fn with_rematch(self, rematch: Rematch) -> Self {
        Self { rematch, ..self }
    }

    /// `policy-rematch`.
    #[must_use]
    pub const fn rematch(&self) -> Rematch {
        self.rematch
    }

    /// The policies of all lists.
    pub fn policies(&self) -> impl Iterator<Item = &Policy> {
        self.lists.iter().chain([&self.global]).flat_map(List::policies)
    }

    /// The default policy.
    #[must_use]
    pub const fn default_policy(&self) -> DefaultPolicy {
        self.default
    }

    /// Seconds that the local time of schedulers is east of UTC.
    #[must_use]
    pub const fn utc_offset_s(&self) -> i32 {
        self.utc_offset_s
    }

    /// True if the zone pair has a list of its own.
    #[must_use]
    pub fn has_pair(&self, from: ZoneId, to: ZoneId) -> bool {
        self.pairs.get(pair_index(from, to)).is_some_and(|&list| list != 0)
    }

    /// First match. Does not allocate, and takes no longer with more policies than their bit sets
    /// have words.
    #[must_use]
    pub fn lookup(&self, query: &PolicyQuery) -> PolicyHit {
        let moment = Moment::new(query.time_ns, self.utc_offset_s);
        let list = self.pairs.get(pair_index(query.from_zone, query.to_zone)).copied().unwrap_or(0);
        let pair = usize::from(list).checked_sub(1).map(|list| &self.lists[list]);
        let hit = pair.and_then(|list| list.lookup(query, moment));
        hit.or_else(|| self.global.lookup(query, moment)).unwrap_or(PolicyHit {
            action: self.default.action,
            log_init: self.default.log,
            log_close: self.default.log && self.default.action == Action::Permit,
            ..PolicyHit::default()
        })
    }

    /// True if the policy may match at this time: always, unless it has a scheduler. What it has
    /// permitted ends with it.
    #[must_use]
    pub fn is_on(&self, policy: PolicyId, time_ns: u64) -> bool {
        let extras = self.extras.get(policy.index());
        extras
            .and_then(|extras| extras.scheduler.as_ref())
            .is_none_or(|scheduler| scheduler.is_on(Moment::new(time_ns, self.utc_offset_s)))
    }

    /// True if a lookup may depend on the time.
    #[must_use]
    pub fn has_schedulers(&self) -> bool {
        self.has_schedulers
    }

    /// True if the policy counts what it lets through.
    #[must_use]
    pub fn counts(&self, policy: PolicyId) -> bool {
        self.extras.get(policy.index()).is_some_and(|extras| extras.count)
    }

    /// Bytes on the heap that the compiled lists take. A list of `n` entries (a policy has one for
    /// each protocol and source port range that it matches) is cut into parts of at most 16,384.
    /// A field of a part has at most `2n + 1` classes of `n / 8 + n / 512` bytes: 68 MB of a full
    /// part in which no two policies agree in it.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.lists.iter().chain([&self.global]).map(List::memory_bytes).sum()
    }

    fn note_extras<'p>(&mut self, policies: impl Iterator<Item = &'p Policy>) {
        for policy in policies.filter(|policy| policy.count || policy.scheduler.is_some()) {
            self.has_schedulers |= policy.scheduler.is_some();
            let extras = &mut self.extras;
            extras.resize_with(extras.len().max(policy.id.index() + 1), Extras::default);
            let scheduler = policy.scheduler.clone();
            extras[policy.id.index()] = Extras { scheduler, count: policy.count };
        }
    }
}

fn pair_index(from: ZoneId, to: ZoneId) -> usize {
    from.index() << 8 | to.index()
}
