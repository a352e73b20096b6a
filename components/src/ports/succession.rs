//! Ports across a commit. The new world's table is made beside the old one; a plan says where each
//! old address is in it, so that sessions can be judged before anything moves: a lease goes on if
//! the pool (or interface) of the same name still has its address and its port. Then bitmaps, turns
//! and bindings move. Blocks move only with a pool that is altogether as it was.

use super::bindings::Endpoint;
use super::{Group, PortTable};
use crate::address::{Address, AddressRange, Family};
use crate::ids::{IfIndex, NatRuleId, PoolId};
use crate::session::record::PortLease;
use crate::world::interface::Interface;
use crate::world::nat::{NatTable, Overflow, Permit, PersistentNat, SourceAction};
use crate::world::succession::Succession;

/// Where things will be in the new table.
#[derive(Clone, Debug)]
pub struct PortPlan {
    /// New slot plus one of each old slot; 0 is gone.
    slots: Vec<u32>,
    /// New group of each old group that is altogether as it was.
    whole: Vec<Option<usize>>,
    /// New settings of each old persistent rule.
    rules: Vec<Option<PersistentNat>>,
    /// Bindings that are gone, by their place.
    ended: Vec<bool>,
}

/// A persistent binding as a session sees it after a commit.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    /// The rule, by its new id.
    pub rule: NatRuleId,
    /// The session came in from outside by it; otherwise it goes out by it.
    pub came_in: bool,
    /// What the new rule permits.
    pub permit: Permit,
    /// It permitted the same before, or now permits everyone.
    pub still_open: bool,
    /// The binding's own port in the new table.
    pub lease: PortLease,
}

impl PortTable {
    /// What of this table goes on in `next`, which is the new world's and still empty.
    #[must_use]
    pub fn plan(&self, next: &Self, nat: &NatTable, succession: &Succession) -> PortPlan {
        let mut plan = PortPlan {
            slots: vec![0; self.slots.len()],
            whole: vec![None; self.groups.len()],
            rules: self.bindings.rules_after(&nat.persistent, succession),
            ended: Vec::new(),
        };
        for at in 0..self.groups.len() {
            let Some(other) = self.group_after(at, next, succession) else { continue };
            let (was, is) = (&self.groups[at], &next.groups[other]);
            let whole = self.is_whole(was, next, is, succession);
            plan.whole[at] = whole.then_some(other);
            if whole || (was.blocks.is_none() && is.blocks.is_none()) {
                self.plan_group(was, next, is, &mut plan.slots);
            }
        }
        plan.ended = self.bindings.ended(|rule, lease| {
            let rule = plan.rules[rule].map(|settings| settings.rule);
            let rule = nat.source.iter().find(|known| Some(known.id) == rule);
            let lease = plan.lease(next, lease);
            rule.zip(lease).is_some_and(|(rule, lease)| next.may_give(rule.action, lease))
        });
        plan
    }

    /// Takes over what the plan keeps of the old table. What it does not keep must have been given
    /// back by then: sessions first.
    pub fn take_over(&mut self, mut old: Self, plan: &PortPlan) {
        for at in (0..).zip(&plan.ended).filter_map(|(at, &ended)| ended.then_some(at)) {
            if let Some(lease) = old.bindings.drop_idle(at) {
                old.release(lease);
            }
        }
        self.clock_ns = old.clock_ns;
        let persistent = std::mem::take(&mut self.bindings);
        self.bindings = std::mem::take(&mut old.bindings);
        self.bindings.adopt(persistent, &plan.rules, |lease| plan.moved(lease));
        for (slot, &next) in old.slots.iter_mut().zip(&plan.slots) {
            if let Some(next) = next.checked_sub(1) {
                std::mem::swap(&mut self.slots[next as usize].ports, &mut slot.ports);
            }
        }
        for (at, group) in old.groups.into_iter().enumerate() {
            let Some(next) = plan.whole[at] else { continue };
            let next = &mut self.groups[next];
            (next.turn, next.open) = (group.turn, group.open);
            next.blocks = group.blocks;
            if let Some(blocks) = &mut next.blocks {
                blocks.move_to(next.first);
            }
        }
        let mut whole = vec![false; self.groups.len()];
        plan.whole.iter().flatten().for_each(|&at| whole[at] = true);
        for at in (0..self.groups.len()).filter(|&at| !whole[at]) {
            self.reopen(at);
        }
    }

    /// The binding that a session holds, as it will be; `None` if it is gone.
    #[must_use]
    pub fn held(
        &self,
        next: &Self,
        plan: &PortPlan,
        lease: PortLease,
        destination: &Endpoint,
    ) -> Option<Held> {
        let at = lease.binding.checked_sub(1)?;
        if *plan.ended.get(at as usize)? {
            return None;
        }
        let (rule, own, outside) = self.bindings.facts(at)?;
        let was = self.bindings.permit_of(rule);
        let rule = plan.rules[rule]?;
        Some(Held {
            rule: rule.rule,
            came_in: outside == *destination,
            permit: rule.permit,
            still_open: rule.permit == was || rule.permit == Permit::AnyRemoteHost,
            lease: plan.lease(next, own)?,
        })
    }

    /// True if a rule with this action gives out the slot of a lease, on whichever interface.
    fn may_give(&self, action: SourceAction, lease: PortLease) -> bool {
        let Some(group) = self.group_of(lease) else { return false };
        match action {
            SourceAction::Interface => group >= self.pools,
            SourceAction::Off | SourceAction::Pool(_) if group < self.pools => {
                let nowhere = (IfIndex::NONE, Family::None);
                self.groups_of(action, nowhere).any(|at| at == group)
            }
            SourceAction::Pool(pool) => self
                .pool_group(pool)
                .is_some_and(|at| self.groups[at].pool.overflow == Overflow::Interface),
            SourceAction::Off => false,
        }
    }

    /// True if a rule with this action gives out the slot of a lease.
    #[must_use]
    pub fn gives(&self, action: SourceAction, egress: (IfIndex, Family), lease: PortLease) -> bool {
        let group = self.group_of(lease);
        group.is_some_and(|group| self.groups_of(action, egress).any(|at| at == group))
    }

    fn group_of(&self, lease: PortLease) -> Option<usize> {
        let slot = self.slots.get(lease.slot.checked_sub(1)? as usize)?;
        Some(slot.group as usize)
    }

    /// True if a rule with this action may translate a host to this address without a port of its
    /// own: to a pool that has none, or because the protocol has none.
    #[must_use]
    pub fn gives_address(
        &self,
        action: SourceAction,
        egress: (IfIndex, Family),
        host: Address,
        has_ports: bool,
        address: Address,
    ) -> bool {
        self.groups_of(action, egress).any(|at| {
            let group = &self.groups[at];
            if has_ports && (at >= self.pools || group.pool.has_ports()) {
                return false;
            }
            if at >= self.pools {
                return self.addresses(group).any(|own| own == address);
            }
            let place = place_in(&group.pool.ranges, address);
            let family = group.pool.family();
            family == egress.1
                && place.is_some()
                && match group.pool.host_base {
                    Some(base) => place == super::distance(base, host, family),
                    None => true,
                }
        })
    }

    /// Groups that an action takes from, the overflow's included.
    fn groups_of(
        &self,
        action: SourceAction,
        (egress, family): (IfIndex, Family),
    ) -> impl Iterator<Item = usize> {
        let (first, second) = match action {
            SourceAction::Off => (None, None),
            SourceAction::Interface => (self.interface_group(egress, family), None),
            SourceAction::Pool(pool) => {
                let own = self.pool_group(pool);
                let overflow = own.map_or(Overflow::None, |at| self.groups[at].pool.overflow);
                let other = match overflow {
                    Overflow::None => None,
                    Overflow::Interface => self.interface_group(egress, family),
                    Overflow::Pool(other) => self.pool_group(other),
                };
                (own, other)
            }
        };
        first.into_iter().chain(second)
    }

    /// The group of the same pool or interface.
    fn group_after(&self, at: usize, next: &Self, succession: &Succession) -> Option<usize> {
        if at < self.pools {
            let pool = PoolId(u16::try_from(at + 1).ok()?);
            return next.pool_group(succession.pool(pool)?);
        }
        let (interface, family) = ((at - self.pools) / 2, (at - self.pools) % 2);
        let interface = succession.interface(IfIndex(u16::try_from(interface).ok()?))?;
        let families = [Family::Inet, Family::Inet6];
        debug_assert_eq!(Interface::family_index(families[family]), family);
        next.interface_group(interface, families[family])
    }

    fn addresses<'t>(&'t self, group: &Group) -> impl Iterator<Item = Address> + use<'t> {
        let first = group.first as usize;
        self.slots[first..first + group.count as usize].iter().map(|slot| slot.address)
    }

    /// True if a group has the addresses, ports and options that it had.
    fn is_whole(&self, was: &Group, next: &Self, is: &Group, succession: &Succession) -> bool {
        let mut pool = was.pool.clone();
        if let Overflow::Pool(other) = pool.overflow {
            pool.overflow = succession.pool(other).map_or(Overflow::None, Overflow::Pool);
        }
        pool == is.pool && was.ports == is.ports && self.addresses(was).eq(next.addresses(is))
    }

    fn plan_group(&self, was: &Group, next: &Self, is: &Group, slots: &mut [u32]) {
        let mut places: Vec<(Address, u32)> = next.addresses(is).zip(is.first + 1..).collect();
        places.sort_unstable();
        for (address, slot) in self.addresses(was).zip(was.first as usize..) {
            if let Ok(at) = places.binary_search_by_key(&address, |&(address, _)| address) {
                slots[slot] = places[at].1;
            }
        }
    }

    /// Notes which addresses of a group have a free port.
    fn reopen(&mut self, at: usize) {
        let Self { slots, groups, .. } = self;
        let group = &mut groups[at];
        let span = (u32::from(group.ports.1) + 1).saturating_sub(u32::from(group.ports.0));
        for place in 0..group.count {
            if slots[(group.first + place) as usize].ports.leased() >= span {
                group.open[place as usize / 64] &= !(1 << (place % 64));
            }
        }
    }
}

impl PortPlan {
    /// A lease as it will be; `None` if its port is gone.
    #[must_use]
    pub fn lease(&self, next: &PortTable, lease: PortLease) -> Option<PortLease> {
        if lease.slot == 0 {
            return Some(lease);
        }
        let moved = self.moved(lease);
        let slot = next.slots.get(moved.slot.checked_sub(1)? as usize)?;
        let (first, last) = next.groups[slot.group as usize].ports;
        (first..=last).contains(&lease.port).then_some(moved)
    }

    fn moved(&self, lease: PortLease) -> PortLease {
        let slot = lease.slot.checked_sub(1).and_then(|at| self.slots.get(at as usize));
        PortLease { slot: slot.copied().unwrap_or(0), ..lease }
    }
}

/// How many addresses of these ranges come before this one.
fn place_in(ranges: &[AddressRange], address: Address) -> Option<u128> {
    let mut before = 0;
    for range in ranges {
        let (first, last, key) = match *range {
            AddressRange::V4(first, last) => (first.into(), last.into(), address.v4_key().into()),
            AddressRange::V6(first, last) => (first, last, address.v6_key()),
        };
        if (first..=last).contains(&key) {
            return Some(before + (key - first));
        }
        before += range.count();
    }
    None
}

#[cfg(test)]
mod tests;
