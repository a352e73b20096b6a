//! NAT rules as compiled: static before destination, destination before source, rule sets by how
//! narrow their context is (interface before zone), rules in order. Port allocation is a shard's
//! own state and not here.

pub mod embed;
pub mod nptv6;
pub mod pool;

pub use pool::{Overflow, Permit, PersistentNat, PortBlocks, SourcePool};
use smallvec::SmallVec;

use super::application::Service;
use super::policy::AddressMatch;
use crate::address::{Address, AddressRange, Family};
use crate::ids::{IfIndex, NatRuleId, PoolId, ZoneId};

/// `from` or `to` of a rule set: empty matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NatContext {
    /// Listed zones.
    pub zones: SmallVec<[ZoneId; 4]>,
    /// Listed interfaces.
    pub interfaces: SmallVec<[IfIndex; 4]>,
}

/// What both kinds of dynamic rules match.
#[derive(Clone, Debug, Default)]
pub struct NatMatch {
    /// Ingress side.
    pub from: NatContext,
    /// Egress side; always empty for destination and static rules.
    pub to: NatContext,
    /// `match source-address`; any where it is not given.
    pub source: AddressMatch,
    /// `match destination-address`; any where it is not given.
    pub destination: AddressMatch,
    /// `match source-port`; empty is any.
    pub source_ports: Vec<(u16, u16)>,
    /// `match destination-port`; empty is any.
    pub destination_ports: Vec<(u16, u16)>,
    /// `match protocol`; empty is any.
    pub protocols: Vec<u8>,
    /// `match application`, as terms; empty is any.
    pub applications: Vec<super::application::AppTerm>,
}

/// `then source-nat …`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceAction {
    /// `off`: leave it as it is.
    Off,
    /// `interface`: the egress interface's address.
    Interface,
    /// `pool NAME`.
    Pool(PoolId),
}

/// A source NAT rule.
#[derive(Clone, Debug)]
pub struct SourceRule {
    /// Its id.
    pub id: NatRuleId,
    /// When.
    pub matches: NatMatch,
    /// What.
    pub action: SourceAction,
}

/// `then destination-nat …`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DestinationAction {
    /// `off`.
    Off,
    /// `pool NAME`: addresses from `first` to `last`, and a port where the pool sets one.
    Pool {
        /// Family of the pool.
        family: Family,
        /// First address.
        first: Address,
        /// Last address.
        last: Address,
        /// Port; 0 keeps the packet's.
        port: u16,
    },
}

/// A destination NAT rule.
#[derive(Clone, Debug)]
pub struct DestinationRule {
    /// Its id.
    pub id: NatRuleId,
    /// When.
    pub matches: NatMatch,
    /// What.
    pub action: DestinationAction,
}

/// A static NAT rule: `outside` and `inside` are prefixes of one length and family.
#[derive(Clone, Debug)]
pub struct StaticRule {
    /// Its id.
    pub id: NatRuleId,
    /// Where packets to the outside address come from.
    pub from: NatContext,
    /// `match source-address`.
    pub source: AddressMatch,
    /// `match destination-address`.
    pub outside: AddressRange,
    /// `then static-nat prefix`.
    pub inside: AddressRange,
    /// `match destination-port`, `None` for all.
    pub outside_ports: Option<(u16, u16)>,
    /// `mapped-port`, as many as `outside_ports`.
    pub inside_ports: Option<(u16, u16)>,
    /// How an address of one becomes one of the other.
    pub kind: StaticKind,
}

/// What a static rule does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StaticKind {
    /// `prefix`, `prefix-name`: the same place in the other range.
    #[default]
    Prefix,
    /// `nptv6-prefix`: likewise, and neutral to checksums (RFC 6296).
    Nptv6,
    /// `inet`: the IPv4 address embedded in the IPv6 one (RFC 6052); a source rule gives the
    /// source, and nothing is done in reverse.
    Inet,
}

/// All NAT rules in the order in which they are tried.
#[derive(Clone, Debug, Default)]
pub struct NatTable {
    /// Static rules.
    pub statics: Vec<StaticRule>,
    /// Destination rules.
    pub destination: Vec<DestinationRule>,
    /// Source rules.
    pub source: Vec<SourceRule>,
    /// Pools by [`PoolId`] minus one.
    pub pools: Vec<SourcePool>,
    /// `persistent-nat` of those source rules that have it.
    pub persistent: Vec<PersistentNat>,
    /// Ports for interface NAT, inclusive.
    pub interface_ports: (u16, u16),
}

/// A packet as NAT rules see it.
#[derive(Clone, Copy, Debug)]
pub struct NatQuery {
    /// Ingress interface.
    pub ingress: IfIndex,
    /// Its zone.
    pub from_zone: ZoneId,
    /// Egress interface; none while the destination is being decided.
    pub egress: IfIndex,
    /// Its zone.
    pub to_zone: ZoneId,
    /// Family as on the wire.
    pub family: Family,
    /// Family of the destination: IPv4 where NAT64 has translated it.
    pub destination_family: Family,
    /// Source as on the wire.
    pub source: Address,
    /// Destination: as on the wire for destination rules, translated for source rules.
    pub destination: Address,
    /// Protocol and ports.
    pub service: Service,
}

/// A new destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DestinationHit {
    /// The rule.
    pub rule: NatRuleId,
    /// True for a static rule.
    pub is_static: bool,
    /// Family of the translated address.
    pub family: Family,
    /// Translated address.
    pub address: Address,
    /// Translated port.
    pub port: u16,
}

/// A new source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceHit {
    /// A static rule's inside address goes out: one address, one port.
    Static {
        /// The rule.
        rule: NatRuleId,
        /// Translated address.
        address: Address,
        /// Translated port.
        port: u16,
    },
    /// A source rule decided.
    Rule {
        /// The rule.
        rule: NatRuleId,
        /// What it says.
        action: SourceAction,
    },
}

impl NatContext {
    fn contains(&self, zone: ZoneId, interface: IfIndex) -> bool {
        (self.zones.is_empty() && self.interfaces.is_empty())
            || self.zones.contains(&zone)
            || self.interfaces.contains(&interface)
    }
}

impl NatMatch {
    fn matches(&self, query: &NatQuery) -> bool {
        let port_in = |list: &[(u16, u16)], port| {
            list.is_empty() || list.iter().any(|&(first, last)| first <= port && port <= last)
        };
        self.from.contains(query.from_zone, query.ingress)
            && self.to.contains(query.to_zone, query.egress)
            && self.source.contains(query.family, query.source)
            && self.destination.contains(query.destination_family, query.destination)
            && port_in(&self.source_ports, query.service.source_port)
            && port_in(&self.destination_ports, query.service.destination_port)
            && (self.protocols.is_empty() || self.protocols.contains(&query.service.protocol))
            && (self.applications.is_empty()
                || self.applications.iter().any(|term| term.matches(&query.service)))
    }
}

impl NatTable {
    /// Static, then destination NAT of a packet that arrives; `None` leaves it as it is.
    #[must_use]
    pub fn destination_of(&self, query: &NatQuery) -> Option<DestinationHit> {
        let statics = self.statics.iter().find_map(|rule| {
            let applies = rule.from.contains(query.from_zone, query.ingress)
                && rule.source.contains(query.family, query.source);
            let (family, address, port) = applies.then(|| rule.inward(query))??;
            Some(DestinationHit { rule: rule.id, is_static: true, family, address, port })
        });
        if statics.is_some() {
            return statics;
        }
        let rule = self.destination.iter().find(|rule| rule.matches.matches(query))?;
        match rule.action {
            DestinationAction::Pool { family, first, last, port } if family == query.family => {
                Some(DestinationHit {
                    rule: rule.id,
                    is_static: false,
                    family,
                    address: spread(family, first, last, query.source),
                    port: if port == 0 { query.service.destination_port } else { port },
                })
            }
            _ => None,
        }
    }

    /// Static (in reverse), then source NAT of a packet that leaves; `None` leaves it as it is.
    #[must_use]
    pub fn source_of(&self, query: &NatQuery) -> Option<SourceHit> {
        let statics = self.statics.iter().find_map(|rule| {
            // The rule's `from` is the side that the outside address is seen on: here the egress
            // side.
            let applies = rule.kind != StaticKind::Inet
                && rule.from.contains(query.to_zone, query.egress)
                && rule.source.contains(query.destination_family, query.destination);
            let (address, port) = applies.then(|| rule.outward(query))??;
            Some(SourceHit::Static { rule: rule.id, address, port })
        });
        statics.or_else(|| {
            let rule = self.source.iter().find(|rule| rule.matches.matches(query))?;
            Some(SourceHit::Rule { rule: rule.id, action: rule.action })
        })
    }

    /// The IPv6 address by which the IPv6 side knows `v4`: as the rule would have it that
    /// translated `known`, which is one of its own.
    #[must_use]
    pub fn embedded(&self, known: Address, v4: Address) -> Option<Address> {
        let inet = self.statics.iter().filter(|rule| rule.kind == StaticKind::Inet);
        let holds = |range| {
            matches!(range, AddressRange::V6(first, last)
            if (first..=last).contains(&known.v6_key()))
        };
        let rule = inet.into_iter().find(|rule| holds(rule.outside))?;
        Some(embed::embed(known, embed::length_of(rule.outside)?, v4))
    }

    /// The pool.
    #[must_use]
    pub fn pool(&self, id: PoolId) -> Option<&SourcePool> {
        self.pools.get(id.index().checked_sub(1)?)
    }
}

impl StaticRule {
    /// What the destination of a packet from outside becomes.
    fn inward(&self, query: &NatQuery) -> Option<(Family, Address, u16)> {
        let (address, port) = (query.destination, query.service.destination_port);
        let sides = ((self.outside, self.outside_ports), (self.inside, self.inside_ports));
        match self.kind {
            StaticKind::Prefix => {
                let (address, port) = translate(sides.0, sides.1, query.family, address, port)?;
                Some((query.family, address, port))
            }
            StaticKind::Nptv6 => {
                let is_v6 = query.family == Family::Inet6;
                let address =
                    is_v6.then(|| nptv6::translate(self.outside, self.inside, address))??;
                Some((query.family, address, port))
            }
            StaticKind::Inet => {
                let AddressRange::V6(first, last) = self.outside else { return None };
                let holds = (first..=last).contains(&address.v6_key());
                let length = embed::length_of(self.outside).filter(|_| holds)?;
                let is_v6 = query.family == Family::Inet6;
                is_v6.then(|| (Family::Inet, embed::extract(address, length), port))
            }
        }
    }

    /// What the source of a packet from inside becomes.
    fn outward(&self, query: &NatQuery) -> Option<(Address, u16)> {
        let (address, port) = (query.source, query.service.source_port);
        let from = (self.inside, self.inside_ports.or(self.outside_ports));
        match self.kind {
            StaticKind::Prefix => {
                translate(from, (self.outside, self.outside_ports), query.family, address, port)
            }
            StaticKind::Nptv6 => {
                let is_v6 = query.family == Family::Inet6;
                let address =
                    is_v6.then(|| nptv6::translate(self.inside, self.outside, address))??;
                Some((address, port))
            }
            StaticKind::Inet => None,
        }
    }
}

/// A destination pool of several addresses: the client's address chooses, so that a client stays
/// with its server.
fn spread(family: Family, first: Address, last: Address, source: Address) -> Address {
    match family {
        Family::Inet => {
            let count = u64::from(last.v4_key() - first.v4_key()) + 1;
            let offset = u32::try_from(u64::from(source.v4_key()) % count).unwrap_or(0);
            Address::v4((first.v4_key() + offset).to_be_bytes())
        }
        _ => {
            let count = (last.v6_key() - first.v6_key()).saturating_add(1);
            Address((first.v6_key() + source.v6_key() % count).to_be_bytes())
        }
    }
}

/// Moves an address (and port) from one range to the same place in another.
fn translate(
    from: (AddressRange, Option<(u16, u16)>),
    to: (AddressRange, Option<(u16, u16)>),
    family: Family,
    address: Address,
    port: u16,
) -> Option<(Address, u16)> {
    let moved = match (from.0, to.0, family) {
        (AddressRange::V4(first, last), AddressRange::V4(base, _), Family::Inet) => {
            let key = address.v4_key();
            (first..=last)
                .contains(&key)
                .then(|| Address::v4((base + (key - first)).to_be_bytes()))?
        }
        (AddressRange::V6(first, last), AddressRange::V6(base, _), Family::Inet6) => {
            let key = address.v6_key();
            (first..=last).contains(&key).then(|| Address((base + (key - first)).to_be_bytes()))?
        }
        _ => return None,
    };
    match (from.1, to.1) {
        (Some((first, last)), target) => {
            let offset = (first..=last).contains(&port).then(|| port - first)?;
            Some((moved, target.map_or(port, |(base, _)| base.saturating_add(offset))))
        }
        (None, _) => Some((moved, port)),
    }
}
