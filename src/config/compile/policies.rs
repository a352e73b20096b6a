//! Policies to lists of zone pairs and the global list. Ids count from 1 in the order of the file
//! over all lists, ordinals within a list.

use components::ids::{AppId, PolicyId, RuleId, ZoneId};
use components::kinds::Action;
use components::world::application::AppTerm;
use components::world::names::PolicyName;
use components::world::policy::{AppMatch, DefaultPolicy, Policy, PolicyTable, Rematch};

use super::Compiler;
use crate::config::check;
use crate::config::model::policies::{ListKind, Policies, Policy as PolicyModel, PolicyList};
use crate::config::model::schedulers::TimeZone;
use crate::config::model::{Model, Word};

/// All policies, compiled and not yet a table.
#[derive(Debug, Default)]
pub(super) struct Lists {
    pairs: Vec<((ZoneId, ZoneId), Vec<Policy>)>,
    global: Vec<Policy>,
    default: DefaultPolicy,
    utc_offset_s: i32,
    rematch: Rematch,
}

impl Lists {
    pub(super) fn into_table(self) -> PolicyTable {
        let table = PolicyTable::new(self.pairs, self.global, self.default);
        table.in_time_zone(self.utc_offset_s).with_rematch(self.rematch)
    }
}

impl<'m> Compiler<'m, '_> {
    /// All lists; names that are not defined are errors, and policies that an earlier one covers
    /// warnings.
    pub(super) fn compile_policies(&mut self, model: &'m Model<'m>, log_default: bool) -> Lists {
        let Policies { lists, default_action, default_log, rematch } = &model.policies;
        let mut compiled = Lists {
            default: DefaultPolicy { action: *default_action, log: *default_log || log_default },
            rematch: *rematch,
            ..Lists::default()
        };
        for named in &model.schedulers {
            self.schedulers.insert(named.name, &named.scheduler);
        }
        let scheduled = lists.iter().flat_map(|list| &list.policies);
        if scheduled.clone().any(|policy| policy.scheduler.is_some()) {
            compiled.utc_offset_s = self.utc_offset_s(model.time_zone);
        }
        for list in lists {
            let zones = match list.kind {
                ListKind::Global => None,
                ListKind::Pair(from, to) => {
                    let from_id = self.zones.find(from, self.diagnostics);
                    let to_id = self.zones.find(to, self.diagnostics);
                    let Some(ids) = from_id.zip(to_id) else {
                        continue;
                    };
                    Some(ids)
                }
            };
            let policies = self.compile_list(list, zones);
            check::shadowed_policies(&policies, &list.policies, self.diagnostics);
            let policies = policies.into_iter().flatten().collect();
            match zones {
                Some(ids) => compiled.pairs.push((ids, policies)),
                None => compiled.global = policies,
            }
        }
        compiled
    }

    /// One element for each policy, `None` for those with errors.
    fn compile_list(
        &mut self,
        list: &'m PolicyList<'m>,
        zones: Option<(ZoneId, ZoneId)>,
    ) -> Vec<Option<Policy>> {
        let mut compiled = Vec::with_capacity(list.policies.len());
        for (policy, ordinal) in list.policies.iter().zip(1..) {
            let names = &mut self.world.names.policies;
            let id = PolicyId(u32::try_from(names.len()).unwrap_or(u32::MAX));
            names.push(PolicyName {
                name: policy.name.text.to_owned(),
                global: matches!(list.kind, ListKind::Global),
            });
            self.world.names.policy_zones.push(zones.unwrap_or_default());
            compiled.push(self.compile_policy(policy, list.kind, id, RuleId(ordinal)));
        }
        compiled
    }

    fn compile_policy(
        &mut self,
        policy: &'m PolicyModel<'m>,
        kind: ListKind<'m>,
        id: PolicyId,
        ordinal: RuleId,
    ) -> Option<Policy> {
        let (from, to) = match kind {
            ListKind::Global => (None, None),
            ListKind::Pair(from, to) => (Some(from.text), Some(to.text)),
        };
        let source =
            self.books.matching(&policy.sources, from, policy.source_excluded, self.diagnostics);
        let destination = self.books.matching(
            &policy.destinations,
            to,
            policy.destination_excluded,
            self.diagnostics,
        );
        let application = self.compile_applications(policy);
        let scheduler = match policy.scheduler {
            Some(name) => Some(self.schedulers.find(name, self.diagnostics)?.clone()),
            None => None,
        };
        let from_zones = self.zone_ids(&policy.from_zones);
        let to_zones = self.zone_ids(&policy.to_zones);
        Some(Policy {
            id,
            ordinal,
            from_zones: from_zones?,
            to_zones: to_zones?,
            source: source?,
            destination: destination?,
            application: application?,
            scheduler,
            action: policy.action,
            log_init: policy.log_init,
            log_close: policy.log_close,
            count: policy.count,
        })
    }

    /// Offset of the time that schedulers go by.
    fn utc_offset_s(&mut self, zone: Option<TimeZone<'m>>) -> i32 {
        let Some(zone) = zone else { return 0 };
        zone.utc_offset_s.unwrap_or_else(|| {
            let message = format!(
                "`{}` is not a fixed offset from UTC, by which schedulers could go",
                zone.name.text
            );
            let found = self.diagnostics.error("bad-time-zone", zone.name.span, message);
            found.expected("UTC, or GMT-14 (east) to GMT+12 (west)");
            0
        })
    }

    fn compile_applications(&mut self, policy: &'m PolicyModel<'m>) -> Option<AppMatch> {
        let named = named_applications(&policy.applications);
        let read = self.applications.terms(&named, self.diagnostics)?;
        if named.len() < policy.applications.len() {
            return Some(AppMatch::Any);
        }
        if read.rpc {
            let what = "an application that only an RPC gateway can tell";
            let span = policy.applications[0].span;
            if policy.action == Action::Permit {
                let message = format!("`{}` permits {what}: it matches nothing", policy.name.text);
                self.diagnostics.warning("rpc-application", span, message);
            } else {
                let message =
                    format!("`{}` denies {what}: it would match nothing", policy.name.text);
                self.diagnostics.error("would-open", span, message);
            }
        }
        if policy.action == Action::Permit {
            self.report_gateways(policy, &read.terms);
        }
        Some(AppMatch::Terms(read.terms))
    }

    /// A permit that lets less through than on an SRX.
    fn report_gateways(&mut self, policy: &PolicyModel<'_>, terms: &[(AppTerm, AppId)]) {
        for name in self.applications.with_gateway(terms) {
            let message = format!(
                "`{}` permits the first connection of `{name}`, not what it opens",
                policy.name.text
            );
            let applications = &policy.applications;
            let named = applications.iter().find(|word| word.text == name);
            self.diagnostics
                .warning("no-gateway", named.unwrap_or(&applications[0]).span, message)
                .expected("an application without data connections: there is no ALG")
                .suggest("permit its data connections with an application of their own");
        }
    }

    /// Zones by name, all of them or nothing.
    pub(super) fn zone_ids(&mut self, names: &[Word<'_>]) -> Option<Vec<ZoneId>> {
        let ids: Vec<_> =
            names.iter().filter_map(|&name| self.zones.find(name, self.diagnostics)).collect();
        (ids.len() == names.len()).then_some(ids)
    }
}

/// All but `any`: those have to be defined even beside it.
pub(super) fn named_applications<'m>(names: &[Word<'m>]) -> Vec<Word<'m>> {
    names.iter().copied().filter(|name| name.text != "any").collect()
}
