//! Names by id, for the collector and the command line. The packet path never reads them.

use crate::ids::{
    AppId, CounterId, FilterId, IfIndex, NatRuleId, PolicyId, PoolId, TermId, ZoneId,
};

/// A policy's name and where it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PolicyName {
    /// Its name.
    pub name: String,
    /// Listed under `global`: printed as `NAME(global)`.
    pub global: bool,
}

/// What kind of NAT rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NatRuleKind {
    /// `source rule`.
    #[default]
    Source,
    /// `destination rule`.
    Destination,
    /// `static rule`.
    Static,
}

/// A NAT rule's name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NatRuleName {
    /// Its kind.
    pub kind: NatRuleKind,
    /// Its rule set.
    pub rule_set: String,
    /// Its name.
    pub rule: String,
}

/// A filter's name and those of its terms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilterName {
    /// Its name.
    pub name: String,
    /// Terms in order.
    pub terms: Vec<String>,
}

/// All names; slot 0 of each table is what "none" is called.
#[derive(Clone, Debug)]
pub struct Names {
    /// `system host-name`.
    pub host: String,
    /// Zones.
    pub zones: Vec<String>,
    /// Logical interfaces.
    pub interfaces: Vec<String>,
    /// Policies; 0 is the default policy.
    pub policies: Vec<PolicyName>,
    /// The zone pair whose list each policy is in; none for global policies.
    pub policy_zones: Vec<(ZoneId, ZoneId)>,
    /// Applications.
    pub applications: Vec<String>,
    /// Screen profiles.
    pub screens: Vec<String>,
    /// Filters.
    pub filters: Vec<FilterName>,
    /// `count` counters as (filter, counter).
    pub counters: Vec<(String, String)>,
    /// Policers at terms as (filter, policer and term).
    pub policers: Vec<(String, String)>,
    /// NAT rules.
    pub nat_rules: Vec<NatRuleName>,
    /// Source NAT pools.
    pub pools: Vec<String>,
}

impl Default for Names {
    fn default() -> Self {
        Self {
            host: String::new(),
            zones: vec!["N/A".into(), "junos-host".into()],
            interfaces: vec!["N/A".into()],
            policies: vec![PolicyName { name: "default-policy".into(), global: false }],
            policy_zones: vec![(ZoneId::NONE, ZoneId::NONE)],
            applications: vec!["None".into()],
            screens: vec!["N/A".into()],
            filters: vec![FilterName::default()],
            counters: vec![Default::default()],
            policers: vec![Default::default()],
            nat_rules: vec![NatRuleName { rule: "N/A".into(), ..NatRuleName::default() }],
            pools: vec!["N/A".into()],
        }
    }
}

impl Names {
    /// The zone's name; `N/A` if there is no such zone.
    #[must_use]
    pub fn zone(&self, id: ZoneId) -> &str {
        self.zones.get(id.index()).map_or("N/A", String::as_str)
    }

    /// The interface's name.
    #[must_use]
    pub fn interface(&self, id: IfIndex) -> &str {
        self.interfaces.get(id.index()).map_or("N/A", String::as_str)
    }

    /// The policy's name.
    #[must_use]
    pub fn policy(&self, id: PolicyId) -> &PolicyName {
        self.policies.get(id.index()).unwrap_or(&self.policies[0])
    }

    /// Names of the zone pair that the policy's list is of, which with its own name tell it from
    /// all others: ids change with a commit.
    #[must_use]
    pub fn policy_pair(&self, id: PolicyId) -> (&str, &str) {
        let (from, to) = self.policy_zones.get(id.index()).copied().unwrap_or_default();
        (self.zone(from), self.zone(to))
    }

    /// The application's name, `None` for none (as in `service-name`).
    #[must_use]
    pub fn application(&self, id: AppId) -> &str {
        self.applications.get(id.index()).map_or("None", String::as_str)
    }

    /// The filter's name and terms.
    #[must_use]
    pub fn filter(&self, id: FilterId) -> &FilterName {
        self.filters.get(id.index()).unwrap_or(&self.filters[0])
    }

    /// A term's name.
    #[must_use]
    pub fn term(&self, filter: FilterId, term: TermId) -> &str {
        let at = term.index().checked_sub(1);
        at.and_then(|at| self.filter(filter).terms.get(at)).map_or("N/A", String::as_str)
    }

    /// A counter as (filter, counter).
    #[must_use]
    pub fn counter(&self, id: CounterId) -> Option<&(String, String)> {
        self.counters.get(id.index())
    }

    /// A NAT rule.
    #[must_use]
    pub fn nat_rule(&self, id: NatRuleId) -> &NatRuleName {
        self.nat_rules.get(id.index()).unwrap_or(&self.nat_rules[0])
    }

    /// A pool's name.
    #[must_use]
    pub fn pool(&self, id: PoolId) -> &str {
        self.pools.get(id.index()).map_or("N/A", String::as_str)
    }
}
