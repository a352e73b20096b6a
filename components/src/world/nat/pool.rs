//! Source NAT pools and persistent NAT as configured. How ports are leased from them is a shard's
//! own state (`ports`).

use crate::address::{Address, AddressRange, Family};
use crate::ids::{NatRuleId, PoolId};

/// A source NAT pool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourcePool {
    /// Address ranges in order, all of one family.
    pub ranges: Vec<AddressRange>,
    /// Ports to choose from, inclusive.
    pub ports: (u16, u16),
    /// `port no-translation`: addresses only.
    pub no_translation: bool,
    /// `address-pooling paired`, or `address-persistent` for all pools: a host keeps one address,
    /// and is refused when that has no port left. Otherwise addresses take turns.
    pub paired: bool,
    /// `host-address-base`: the address that becomes the pool's first one, the next its second;
    /// hosts outside are refused, ports are kept.
    pub host_base: Option<Address>,
    /// `port block-allocation`.
    pub blocks: Option<PortBlocks>,
    /// `overflow-pool`: what takes over when this pool has nothing left.
    pub overflow: Overflow,
}

impl SourcePool {
    /// Family of its addresses.
    #[must_use]
    pub fn family(&self) -> Family {
        match self.ranges.first() {
            Some(AddressRange::V6(..)) => Family::Inet6,
            Some(AddressRange::V4(..)) | None => Family::Inet,
        }
    }

    /// True if ports are translated, so that a reply's port tells whose it is.
    #[must_use]
    pub const fn has_ports(&self) -> bool {
        !self.no_translation && self.host_base.is_none()
    }
}

/// `overflow-pool`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// Not configured.
    #[default]
    None,
    /// `interface`: the egress interface's address.
    Interface,
    /// Another pool.
    Pool(PoolId),
}

/// `port block-allocation`: a host gets ports in blocks, so that one record tells many sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortBlocks {
    /// `block-size`: ports of a block.
    pub size: u16,
    /// `maximum-blocks-per-host`.
    pub per_host_max: u16,
    /// `active-block-timeout` in seconds: after it a host's next port comes from a new block; 0
    /// never.
    pub active_s: u32,
}

impl Default for PortBlocks {
    /// Junos: 128 ports, 8 blocks, no timeout.
    fn default() -> Self {
        Self { size: 128, per_host_max: 8, active_s: 0 }
    }
}

/// `persistent-nat permit`: who may open a session to a binding from outside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Permit {
    /// `any-remote-host`; a policy from the outside must permit it.
    #[default]
    AnyRemoteHost,
    /// `target-host`: hosts that the binding's host has sent to; its own policy covers them.
    TargetHost,
    /// `target-host-port`: likewise, from the very port that it has sent to.
    TargetHostPort,
}

/// `persistent-nat` of one source rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PersistentNat {
    /// The source rule.
    pub rule: NatRuleId,
    /// `permit`.
    pub permit: Permit,
    /// `inactivity-timeout` in seconds, from the end of the binding's last session.
    pub inactivity_s: u32,
    /// `max-session-number`.
    pub sessions_max: u32,
}

impl PersistentNat {
    /// Junos' defaults for a rule.
    #[must_use]
    pub const fn of(rule: NatRuleId) -> Self {
        Self { rule, permit: Permit::AnyRemoteHost, inactivity_s: 300, sessions_max: 30 }
    }
}
