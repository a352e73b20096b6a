//! Persistent NAT: bindings of a host's address and port to one translated address and port,
//! whatever the destination, and who may come in through them (Junos, "Persistent NAT"; RFC 4787,
//! endpoint-independent mapping). A binding holds its port until it has been without a session for
//! its rule's timeout. The table is as large as the schedule says and never grows.

use crate::address::{Address, Family};
use crate::ids::NatRuleId;
use crate::session::index::{Entry, Index};
use crate::session::key::{FlowKey, HashSeed};
use crate::session::record::PortLease;
use crate::world::nat::{Permit, PersistentNat};

mod commit;

/// An address and port of one family and protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Endpoint {
    /// Address.
    pub address: Address,
    /// Port.
    pub port: u16,
    /// TCP, UDP or UDP-Lite.
    pub protocol: u8,
    /// Family.
    pub family: Family,
}

/// Why a binding cannot take a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BindingError {
    /// `max-session-number` reached.
    #[error("the binding has its {0} sessions")]
    SessionsMax(u32),
    /// All bindings of the table are in use.
    #[error("all {0} bindings are in use")]
    Full(usize),
}

#[derive(Clone, Copy, Debug, Default)]
struct Binding {
    inside: Endpoint,
    outside: Endpoint,
    /// The port that it holds.
    lease: PortLease,
    /// Index of its rule's settings.
    rule: u32,
    sessions: u32,
    /// When its last session ended, and its neighbours in its rule's idle queue.
    idle_ns: u64,
    before: u32,
    after: u32,
    /// Head of its targets.
    targets: u32,
}

impl Binding {
    /// A free place is all zeros.
    const fn is_live(&self) -> bool {
        !matches!(self.inside.family, Family::None)
    }
}

/// Bindings without a session, the longest idle first.
#[derive(Clone, Copy, Debug)]
struct Idle {
    first: u32,
    last: u32,
}

/// What a binding's host has sent to.
#[derive(Clone, Copy, Debug)]
struct Target {
    binding: u32,
    address: Address,
    port: u16,
    next: u32,
}

const NONE: u32 = u32::MAX;

/// A packet from outside that a binding lets in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inbound {
    /// Where it goes.
    pub inside: Endpoint,
    /// What its session holds.
    pub lease: PortLease,
    /// Its rule's `permit`.
    pub permit: Permit,
}

/// All bindings of a shard.
#[derive(Clone, Debug, Default)]
pub struct Bindings {
    rules: Vec<PersistentNat>,
    bindings: Vec<Binding>,
    free: Vec<u32>,
    /// From inside under direction 0, from outside under direction 1.
    index: Index,
    targets: Vec<Target>,
    targets_free: Vec<u32>,
    target_index: Index,
    /// By rule.
    idle: Vec<Idle>,
    seed: HashSeed,
}

impl Bindings {
    /// Room for `capacity` bindings and four targets each; none if no rule is persistent.
    #[must_use]
    pub fn new(rules: &[PersistentNat], capacity: usize, seed: u64) -> Self {
        let capacity = if rules.is_empty() { 0 } else { capacity };
        let count = u32::try_from(capacity).unwrap_or(u32::MAX);
        let targets = if rules.iter().any(|r| r.permit != Permit::AnyRemoteHost) { 4 } else { 0 };
        let empty = Target { binding: NONE, address: Address::ZERO, port: 0, next: NONE };
        Self {
            rules: rules.to_vec(),
            bindings: vec![Binding::default(); capacity],
            free: (0..count).rev().collect(),
            index: Index::with_capacity(capacity * 2),
            targets: vec![empty; capacity * targets],
            targets_free: (0..count * u32::from(targets > 0) * 4).rev().collect(),
            target_index: Index::with_capacity(capacity * targets),
            idle: vec![Idle { first: NONE, last: NONE }; rules.len()],
            seed: HashSeed::new(seed),
        }
    }

    /// Live bindings: the ports that they hold belong to no session.
    #[must_use]
    pub fn active(&self) -> usize {
        self.bindings.len() - self.free.len()
    }

    /// True if a rule's translations persist.
    #[must_use]
    pub fn is_persistent(&self, rule: NatRuleId) -> bool {
        self.rules.iter().any(|settings| settings.rule == rule)
    }

    /// The binding of an inside endpoint, joined by one more session: its outside endpoint and what
    /// the session holds. `None` if there is no binding yet.
    ///
    /// # Errors
    /// [`BindingError::SessionsMax`].
    pub fn join(
        &mut self,
        rule: NatRuleId,
        inside: &Endpoint,
    ) -> Option<Result<(Endpoint, PortLease), BindingError>> {
        let rule = self.rule_index(rule)?;
        let at = self.find(&inside_key(inside, rule), 0)?;
        Some(self.enter(at).map(|lease| (self.bindings[at as usize].outside, lease)))
    }

    /// A new binding, joined by its first session, that holds `lease` from now on.
    ///
    /// # Errors
    /// [`BindingError::Full`]; the lease stays the caller's.
    pub fn bind(
        &mut self,
        rule: NatRuleId,
        inside: Endpoint,
        outside: Endpoint,
        lease: PortLease,
    ) -> Result<PortLease, BindingError> {
        let full = BindingError::Full(self.bindings.len());
        let rule = self.rule_index(rule).ok_or(full)?;
        let at = self.free.pop().ok_or(full)?;
        let keys = [inside_key(&inside, rule), outside_key(&outside)];
        let hashes = keys.map(|key| key.hash(self.seed));
        let there = self.index.insert(hashes[0], Entry::new(at, 0));
        if !there || !self.index.insert(hashes[1], Entry::new(at, 1)) {
            self.index.remove(hashes[0], Entry::new(at, 0));
            self.free.push(at);
            return Err(full);
        }
        self.bindings[at as usize] = Binding {
            inside,
            outside,
            lease,
            rule,
            sessions: 1,
            idle_ns: 0,
            before: NONE,
            after: NONE,
            targets: NONE,
        };
        Ok(PortLease { binding: at + 1, ..PortLease::default() })
    }

    /// Remembers that the binding's host has sent to an address and port. What finds no room is not
    /// remembered: it will not be let in.
    pub fn sent_to(&mut self, lease: PortLease, address: Address, port: u16) {
        let Some(at) = lease.binding.checked_sub(1) else { return };
        let permit = self.rules[self.bindings[at as usize].rule as usize].permit;
        let port = if permit == Permit::TargetHostPort { port } else { 0 };
        if permit == Permit::AnyRemoteHost || self.is_target(at, address, port) {
            return;
        }
        let Some(slot) = self.targets_free.pop() else { return };
        let hash = target_key(at, address, port).hash(self.seed);
        if !self.target_index.insert(hash, Entry::new(slot, 0)) {
            self.targets_free.push(slot);
            return;
        }
        let binding = &mut self.bindings[at as usize];
        self.targets[slot as usize] = Target { binding: at, address, port, next: binding.targets };
        binding.targets = slot;
    }

    /// The binding that a packet from `remote` to `outside` meets. `None`: there is none.
    /// `Some(None)`: there is one, but it lets this sender not in.
    #[must_use]
    pub fn inbound(&self, outside: &Endpoint, remote: (Address, u16)) -> Option<Option<Inbound>> {
        if self.active() == 0 {
            return None;
        }
        let at = self.find(&outside_key(outside), 1)?;
        let binding = &self.bindings[at as usize];
        let permit = self.rules[binding.rule as usize].permit;
        let may = match permit {
            Permit::AnyRemoteHost => true,
            Permit::TargetHost => self.is_target(at, remote.0, 0),
            Permit::TargetHostPort => self.is_target(at, remote.0, remote.1),
        };
        let lease = PortLease { binding: at + 1, ..PortLease::default() };
        Some(may.then_some(Inbound { inside: binding.inside, lease, permit }))
    }

    /// One more session of a binding that [`Self::inbound`] found.
    ///
    /// # Errors
    /// [`BindingError::SessionsMax`].
    pub fn enter_by(&mut self, lease: PortLease) -> Result<PortLease, BindingError> {
        self.enter(lease.binding - 1)
    }

    /// A session of a binding has ended.
    pub(super) fn leave(&mut self, lease: PortLease, now_ns: u64) {
        let Some(at) = lease.binding.checked_sub(1) else { return };
        let Some(binding) = self.bindings.get_mut(at as usize) else { return };
        binding.sessions = binding.sessions.saturating_sub(1);
        if binding.sessions == 0 {
            binding.idle_ns = now_ns;
            let idle = &mut self.idle[binding.rule as usize];
            (binding.before, binding.after) = (idle.last, NONE);
            let last = std::mem::replace(&mut idle.last, at);
            match self.bindings.get_mut(last as usize) {
                Some(last) => last.after = at,
                None => idle.first = at,
            }
        }
    }

    /// The port of a binding whose time is over; call until `None`.
    pub(super) fn expire(&mut self, now_ns: u64) -> Option<PortLease> {
        let rules = self.idle.iter().zip(&self.rules);
        let over = rules.filter_map(|(idle, rule)| {
            let wait_ns = u64::from(rule.inactivity_s) * 1_000_000_000;
            let first = self.bindings.get(idle.first as usize)?;
            (first.idle_ns.saturating_add(wait_ns) <= now_ns).then_some(idle.first)
        });
        let at = over.min()?;
        self.unlink(at);
        Some(self.forget(at))
    }

    /// Takes a binding out of its rule's idle queue.
    fn unlink(&mut self, at: u32) {
        let Binding { before, after, rule, .. } = self.bindings[at as usize];
        let idle = &mut self.idle[rule as usize];
        match self.bindings.get_mut(before as usize) {
            Some(before) => before.after = after,
            None => idle.first = after,
        }
        match self.bindings.get_mut(after as usize) {
            Some(after) => after.before = before,
            None => idle.last = before,
        }
    }

    /// Bytes of memory.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.bindings.len() * (size_of::<Binding>() + size_of::<u32>())
            + self.targets.len() * (size_of::<Target>() + size_of::<u32>())
            + self.index.memory_bytes()
            + self.target_index.memory_bytes()
    }

    fn rule_index(&self, rule: NatRuleId) -> Option<u32> {
        let at = self.rules.iter().position(|settings| settings.rule == rule)?;
        u32::try_from(at).ok()
    }

    fn find(&self, key: &FlowKey, direction: u8) -> Option<u32> {
        let entry = self.index.find(key.hash(self.seed), |entry| {
            let binding = &self.bindings[entry.slot()];
            entry.direction() == direction
                && *key
                    == match direction {
                        0 => inside_key(&binding.inside, binding.rule),
                        _ => outside_key(&binding.outside),
                    }
        })?;
        u32::try_from(entry.slot()).ok()
    }

    fn enter(&mut self, at: u32) -> Result<PortLease, BindingError> {
        let binding = &mut self.bindings[at as usize];
        let most = self.rules[binding.rule as usize].sessions_max;
        if binding.sessions >= most {
            return Err(BindingError::SessionsMax(most));
        }
        binding.sessions += 1;
        if binding.sessions == 1 {
            self.unlink(at);
        }
        Ok(PortLease { binding: at + 1, ..PortLease::default() })
    }

    fn is_target(&self, at: u32, address: Address, port: u16) -> bool {
        let hash = target_key(at, address, port).hash(self.seed);
        let is_it = |entry: Entry| {
            let target = &self.targets[entry.slot()];
            (target.binding, target.address, target.port) == (at, address, port)
        };
        self.target_index.find(hash, is_it).is_some()
    }

    fn forget(&mut self, at: u32) -> PortLease {
        let binding = std::mem::take(&mut self.bindings[at as usize]);
        let keys = [inside_key(&binding.inside, binding.rule), outside_key(&binding.outside)];
        for (key, direction) in keys.iter().zip([0, 1]) {
            self.index.remove(key.hash(self.seed), Entry::new(at, direction));
        }
        let mut slot = binding.targets;
        while slot != NONE {
            let Target { address, port, next, .. } = self.targets[slot as usize];
            let hash = target_key(at, address, port).hash(self.seed);
            self.target_index.remove(hash, Entry::new(slot, 0));
            self.targets_free.push(slot);
            slot = next;
        }
        self.free.push(at);
        binding.lease
    }
}

fn inside_key(inside: &Endpoint, rule: u32) -> FlowKey {
    FlowKey {
        source: inside.address,
        source_port: inside.port,
        destination: Address::v4(rule.to_be_bytes()),
        protocol: inside.protocol,
        family: inside.family,
        ..FlowKey::default()
    }
}

fn outside_key(outside: &Endpoint) -> FlowKey {
    FlowKey {
        destination: outside.address,
        destination_port: outside.port,
        protocol: outside.protocol,
        family: outside.family,
        ..FlowKey::default()
    }
}

fn target_key(binding: u32, address: Address, port: u16) -> FlowKey {
    FlowKey {
        source: Address::v4(binding.to_be_bytes()),
        destination: address,
        destination_port: port,
        ..FlowKey::default()
    }
}
