//! From one commit to the next: what each id of the old world is in the new one. Ids are indices
//! and may mean something else after a commit, so whatever outlives it is carried over by name, or
//! not at all. A policy is the same if it stands in the same zone pair's list under the same name
//! and matches, does and logs the same; its place in the list does not matter (Junos: inserting or
//! moving a policy does not touch the sessions of another).

use std::collections::HashMap;
use std::hash::Hash;

use super::World;
use super::names::PolicyName;
use super::policy::{AppMatch, Policy, Rematch};
use crate::ids::{AppId, IfIndex, NatRuleId, PolicyId, PoolId, RuleId, ZoneId};

/// What became of a policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heir {
    /// The policy of the same name and zone pair; the default policy's is the default policy.
    pub id: PolicyId,
    /// Its ordinal.
    pub ordinal: RuleId,
    /// It matches, does and logs what it did.
    pub unchanged: bool,
}

/// New ids by old ones. What is gone is none.
#[derive(Clone, Debug)]
pub struct Succession {
    zones: Vec<ZoneId>,
    interfaces: Vec<IfIndex>,
    applications: Vec<AppId>,
    nat_rules: Vec<NatRuleId>,
    pools: Vec<PoolId>,
    policies: Vec<Option<Heir>>,
}

impl Succession {
    /// Compares two commits.
    #[must_use]
    pub fn new(old: &World, new: &World) -> Self {
        let (names, others) = (&old.names, &new.names);
        let rules = |world: &World| -> Vec<_> {
            let rules = world.names.nat_rules.iter();
            rules.map(|rule| (rule.kind as u8, rule.rule_set.clone(), rule.rule.clone())).collect()
        };
        let mut succession = Self {
            zones: ids(&names.zones, &others.zones, |at| Some(ZoneId(at.try_into().ok()?))),
            interfaces: ids(&names.interfaces, &others.interfaces, |at| {
                Some(IfIndex(at.try_into().ok()?))
            }),
            applications: ids(&names.applications, &others.applications, |at| {
                Some(AppId(at.try_into().ok()?))
            }),
            nat_rules: ids(&rules(old), &rules(new), |at| Some(NatRuleId(at.try_into().ok()?))),
            pools: ids(&names.pools, &others.pools, |at| Some(PoolId(at.try_into().ok()?))),
            policies: Vec::new(),
        };
        succession.policies = succession.heirs(old, new);
        succession
    }

    /// The zone of the same name; `None` if there is none, or the old id was none.
    #[must_use]
    pub fn zone(&self, old: ZoneId) -> Option<ZoneId> {
        self.zones.get(old.index()).copied().filter(|id| !id.is_none())
    }

    /// The interface of the same name.
    #[must_use]
    pub fn interface(&self, old: IfIndex) -> Option<IfIndex> {
        self.interfaces.get(old.index()).copied().filter(|id| !id.is_none())
    }

    /// The application of the same name.
    #[must_use]
    pub fn application(&self, old: AppId) -> Option<AppId> {
        self.applications.get(old.index()).copied().filter(|id| !id.is_none())
    }

    /// The NAT rule of the same kind, rule set and name.
    #[must_use]
    pub fn nat_rule(&self, old: NatRuleId) -> Option<NatRuleId> {
        self.nat_rules.get(old.index()).copied().filter(|id| !id.is_none())
    }

    /// The source NAT pool of the same name.
    #[must_use]
    pub fn pool(&self, old: PoolId) -> Option<PoolId> {
        self.pools.get(old.index()).copied().filter(|id| !id.is_none())
    }

    /// What became of a policy; `None` if it is gone.
    #[must_use]
    pub fn policy(&self, old: PolicyId) -> Option<Heir> {
        self.policies.get(old.index()).copied().flatten()
    }

    /// True if every zone has the id that it had.
    #[must_use]
    pub fn keeps_zone_ids(&self) -> bool {
        self.zones.iter().enumerate().all(|(at, id)| id.index() == at)
    }

    fn heirs(&self, old: &World, new: &World) -> Vec<Option<Heir>> {
        fn by_id(world: &World) -> HashMap<PolicyId, &Policy> {
            world.policies.policies().map(|policy| (policy.id, policy)).collect()
        }
        let (before, after) = (by_id(old), by_id(new));
        let mut named: HashMap<((&str, &str), &PolicyName), PolicyId> = HashMap::new();
        for (id, name) in (0..).map(PolicyId).zip(&new.names.policies).skip(1) {
            named.entry((new.names.policy_pair(id), name)).or_insert(id);
        }
        let same_time = old.policies.utc_offset_s() == new.policies.utc_offset_s();
        let heir = |(id, name): (PolicyId, &PolicyName)| {
            if id.is_none() {
                let unchanged = old.policies.default_policy() == new.policies.default_policy();
                return Some(Heir { unchanged, ..Heir::default() });
            }
            let heir = *named.get(&(old.names.policy_pair(id), name))?;
            let (was, is) = (before.get(&id)?, after.get(&heir)?);
            let unchanged = self.is_same(was, is) && (was.scheduler.is_none() || same_time);
            Some(Heir { id: heir, ordinal: is.ordinal, unchanged })
        };
        (0..).map(PolicyId).zip(&old.names.policies).map(heir).collect()
    }

    fn is_same(&self, was: &Policy, is: &Policy) -> bool {
        let zones = |was: &[ZoneId], is: &[ZoneId]| {
            was.len() == is.len() && was.iter().zip(is).all(|(&w, &i)| self.zone(w) == Some(i))
        };
        let applications = match (&was.application, &is.application) {
            (AppMatch::Any, AppMatch::Any) => true,
            (AppMatch::Terms(was), AppMatch::Terms(is)) => {
                was.len() == is.len()
                    && was.iter().zip(is).all(|((term, app), (other, name))| {
                        term == other && self.application(*app) == Some(*name)
                    })
            }
            _ => false,
        };
        applications
            && zones(&was.from_zones, &is.from_zones)
            && zones(&was.to_zones, &is.to_zones)
            && (&was.source, &was.destination, &was.scheduler)
                == (&is.source, &is.destination, &is.scheduler)
            && (was.action, was.log_init, was.log_close) == (is.action, is.log_init, is.log_close)
    }
}

impl Rematch {
    /// True if `found` may take over the session of a policy with this heir.
    #[must_use]
    pub fn allows(self, heir: Option<Heir>, found: PolicyId) -> bool {
        match self {
            Self::Any => true,
            Self::Same => heir.is_some_and(|heir| heir.id == found),
        }
    }
}

/// For each old name the place of the same one among the new names; the same place if it has it
/// still, the first otherwise, none for what is gone and for place 0.
fn ids<N: Eq + Hash, I: Default>(old: &[N], new: &[N], id: impl Fn(usize) -> Option<I>) -> Vec<I> {
    let mut places: HashMap<&N, usize> = HashMap::new();
    for (at, name) in new.iter().enumerate().skip(1) {
        places.entry(name).or_insert(at);
    }
    let place = |(at, name): (usize, &N)| match at {
        0 => I::default(),
        _ if new.get(at) == Some(name) => id(at).unwrap_or_default(),
        _ => places.get(name).and_then(|&at| id(at)).unwrap_or_default(),
    };
    old.iter().enumerate().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::Action;
    use crate::world::policy::{AddressMatch, DefaultPolicy, PolicyTable};

    const PAIR: (ZoneId, ZoneId) = (ZoneId(2), ZoneId(3));

    /// Policies of one pair of zones, named and permitting; `deny` names the one that does not.
    fn world(zones: [&str; 2], policies: &[&str], deny: &str) -> World {
        let mut world = World::default();
        world.names.zones.extend(zones.map(String::from));
        let mut list = Vec::new();
        for (name, id) in policies.iter().zip(1..) {
            world.names.policies.push(PolicyName { name: (*name).into(), global: false });
            world.names.policy_zones.push(PAIR);
            list.push(Policy {
                id: PolicyId(id),
                ordinal: RuleId(id),
                source: AddressMatch::any(),
                destination: AddressMatch::any(),
                action: if *name == deny { Action::Deny } else { Action::Permit },
                ..Policy::default()
            });
        }
        let default = DefaultPolicy::default();
        world.policies = PolicyTable::new(vec![(PAIR, list)], Vec::new(), default);
        world
    }

    #[test]
    fn policies_are_followed_by_name_and_compared() {
        let old = world(["trust", "untrust"], &["a", "b", "gone"], "");
        let new = world(["trust", "untrust"], &["new", "b", "a"], "b");
        let succession = Succession::new(&old, &new);
        let heir = |id, ordinal, unchanged| {
            Some(Heir { id: PolicyId(id), ordinal: RuleId(ordinal), unchanged })
        };
        assert_eq!(succession.policy(PolicyId(0)), heir(0, 0, true));
        assert_eq!(succession.policy(PolicyId(1)), heir(3, 3, true), "moved");
        assert_eq!(succession.policy(PolicyId(2)), heir(2, 2, false), "permits no more");
        assert_eq!(succession.policy(PolicyId(3)), None);
        assert_eq!(succession.policy(PolicyId(9)), None, "never was");
    }

    #[test]
    fn another_pair_of_zones_is_another_policy() {
        let old = world(["trust", "untrust"], &["a"], "");
        let turned = world(["untrust", "trust"], &["a"], "");
        let succession = Succession::new(&old, &turned);
        assert_eq!(succession.policy(PolicyId(1)), None);
        assert_eq!(succession.zone(ZoneId(2)), Some(ZoneId(3)));
        assert_eq!(succession.zone(ZoneId::JUNOS_HOST), Some(ZoneId::JUNOS_HOST));
        assert!(!succession.keeps_zone_ids() && Succession::new(&old, &old).keeps_zone_ids());
        let renamed = world(["trust", "outside"], &["a"], "");
        let succession = Succession::new(&old, &renamed);
        assert_eq!((succession.zone(ZoneId(3)), succession.policy(PolicyId(1))), (None, None));
        assert_eq!(succession.zone(ZoneId::NONE), None);
    }

    #[test]
    fn a_rematch_of_the_same_policy_takes_no_other() {
        let heir = Some(Heir { id: PolicyId(2), ..Heir::default() });
        assert!(Rematch::Any.allows(None, PolicyId(9)));
        assert!(Rematch::Same.allows(heir, PolicyId(2)));
        assert!(
            !Rematch::Same.allows(heir, PolicyId(3)) && !Rematch::Same.allows(None, PolicyId(0))
        );
    }
}
