//! Security policies: the zone pair's list in order, then the global list, then the default policy.
//! The destination is looked up after destination NAT, the source before source NAT, as on an SRX.

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
    /// `then permit/deny/reject`.
    pub action: Action,
    /// `log session-init`.
    pub log_init: bool,
    /// `log session-close`.
    pub log_close: bool,
}

/// The default policy and whether it logs.
#[derive(Clone, Copy, Debug, Default)]
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
    /// Family of both addresses.
    pub family: Family,
    /// Source before source NAT.
    pub source: Address,
    /// Destination after destination NAT.
    pub destination: Address,
    /// Protocol and ports, destination port after destination NAT.
    pub service: Service,
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

/// All policies.
#[derive(Clone, Debug, Default)]
pub struct PolicyTable {
    lists: Vec<Vec<Policy>>,
    /// List of a zone pair plus one, at `from * 256 + to`; empty until the first pair is added.
    pairs: Vec<u16>,
    global: Vec<Policy>,
    default: DefaultPolicy,
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
        let mut table = Self { lists: Vec::new(), pairs: vec![0; 1 << 16], global, default };
        for ((from, to), list) in pairs {
            table.lists.push(list);
            table.pairs[pair_index(from, to)] =
                u16::try_from(table.lists.len()).expect("at most 255 x 255 zone pairs");
        }
        table
    }

    /// True if the zone pair has a list of its own.
    #[must_use]
    pub fn has_pair(&self, from: ZoneId, to: ZoneId) -> bool {
        self.pairs.get(pair_index(from, to)).is_some_and(|&list| list != 0)
    }

    /// First match.
    #[must_use]
    pub fn lookup(&self, query: &PolicyQuery) -> PolicyHit {
        let list = self.pairs.get(pair_index(query.from_zone, query.to_zone)).copied().unwrap_or(0);
        let pair: &[Policy] = match list {
            0 => &[],
            n => &self.lists[usize::from(n) - 1],
        };
        let hit = pair.iter().find_map(|policy| policy.matches(query).map(|app| (policy, app)));
        let hit = hit.or_else(|| {
            self.global
                .iter()
                .filter(|policy| policy.zones_match(query))
                .find_map(|policy| policy.matches(query).map(|app| (policy, app)))
        });
        match hit {
            Some((policy, application)) => PolicyHit {
                policy: policy.id,
                ordinal: policy.ordinal,
                application,
                action: policy.action,
                log_init: policy.log_init,
                log_close: policy.log_close,
            },
            None => PolicyHit {
                action: self.default.action,
                log_init: self.default.log,
                log_close: self.default.log && self.default.action == Action::Permit,
                ..PolicyHit::default()
            },
        }
    }
}

impl Policy {
    fn zones_match(&self, query: &PolicyQuery) -> bool {
        let fits = |zones: &[ZoneId], zone| zones.is_empty() || zones.contains(&zone);
        fits(&self.from_zones, query.from_zone) && fits(&self.to_zones, query.to_zone)
    }

    /// The matched application if everything but the zones fits.
    fn matches(&self, query: &PolicyQuery) -> Option<AppId> {
        if !self.source.contains(query.family, query.source)
            || !self.destination.contains(query.family, query.destination)
        {
            return None;
        }
        match &self.application {
            AppMatch::Any => Some(AppId::NONE),
            AppMatch::Terms(terms) => {
                terms.iter().find(|(term, _)| term.matches(&query.service)).map(|&(_, app)| app)
            }
        }
    }
}

fn pair_index(from: ZoneId, to: ZoneId) -> usize {
    from.index() << 8 | to.index()
}
