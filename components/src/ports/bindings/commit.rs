//! Bindings across a commit. A binding goes on if its rule is still persistent under the same name
//! and its port is still there. It is found by the index of its rule, so each old rule keeps its
//! index and only gets new settings.

use super::{Bindings, Endpoint, Idle, NONE};
use crate::ids::NatRuleId;
use crate::session::record::PortLease;
use crate::world::nat::{Permit, PersistentNat};
use crate::world::succession::Succession;

impl Bindings {
    /// What each rule's settings are after a commit; `None` for those that are gone.
    pub(in crate::ports) fn rules_after(
        &self,
        new: &[PersistentNat],
        succession: &Succession,
    ) -> Vec<Option<PersistentNat>> {
        let after = |was: &PersistentNat| {
            let rule = succession.nat_rule(was.rule)?;
            new.iter().find(|settings| settings.rule == rule).copied()
        };
        self.rules.iter().map(after).collect()
    }

    /// By place: a binding is there that `goes_on` refuses, by index of its rule and its lease.
    pub(in crate::ports) fn ended(&self, goes_on: impl Fn(usize, PortLease) -> bool) -> Vec<bool> {
        let mut ended = vec![false; self.bindings.len()];
        for (ended, binding) in ended.iter_mut().zip(&self.bindings) {
            *ended = binding.is_live() && !goes_on(binding.rule as usize, binding.lease);
        }
        ended
    }

    /// Index of the rule, lease and outside of a live binding.
    pub(in crate::ports) fn facts(&self, at: u32) -> Option<(usize, PortLease, Endpoint)> {
        let binding = self.bindings.get(at as usize).filter(|binding| binding.is_live())?;
        Some((binding.rule as usize, binding.lease, binding.outside))
    }

    /// What a rule permits, by index.
    pub(in crate::ports) fn permit_of(&self, rule: usize) -> Permit {
        self.rules[rule].permit
    }

    /// Ends a binding whose sessions have ended; its port.
    pub(in crate::ports) fn drop_idle(&mut self, at: u32) -> Option<PortLease> {
        let binding = self.bindings.get(at as usize)?;
        if !binding.is_live() || binding.sessions > 0 {
            return None;
        }
        self.unlink(at);
        Some(self.forget(at))
    }

    /// Goes on under new rules, `next` being the empty table that is made for them: each old rule
    /// keeps its index and gets its new settings, because bindings are found by it.
    pub(in crate::ports) fn adopt(
        &mut self,
        mut next: Self,
        after: &[Option<PersistentNat>],
        moved: impl Fn(PortLease) -> PortLease,
    ) {
        if self.active() == 0 || next.rules.is_empty() {
            *self = next;
            return;
        }
        for (rule, after) in self.rules.iter_mut().zip(after) {
            *rule = after.unwrap_or(PersistentNat::of(NatRuleId::NONE));
            next.rules.retain(|settings| settings.rule != rule.rule);
        }
        for settings in next.rules {
            match self.rules.iter().position(|rule| rule.rule.is_none()) {
                Some(vacant) => self.rules[vacant] = settings,
                None => {
                    self.rules.push(settings);
                    self.idle.push(Idle { first: NONE, last: NONE });
                }
            }
        }
        if self.targets.is_empty() {
            self.targets = next.targets;
            self.targets_free = next.targets_free;
            self.target_index = next.target_index;
        }
        for binding in self.bindings.iter_mut().filter(|binding| binding.is_live()) {
            binding.lease = moved(binding.lease);
        }
    }
}
