//! Logical interfaces and security zones.

use crate::address::{Address, AddressRange, Family};
use crate::ids::{FilterId, IfIndex, ScreenProfileId, ZoneId};

/// One `family inet/inet6 address A/L`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterfaceAddress {
    /// Family of the address.
    pub family: Family,
    /// The interface's own address.
    pub address: Address,
    /// Prefix length in bits.
    pub length: u8,
}

/// A logical interface (`ge-0/0/0.0`).
#[derive(Clone, Debug, Default)]
pub struct Interface {
    /// The zone that lists it; none means that transit traffic is dropped.
    pub zone: ZoneId,
    /// Own addresses in configuration order; the first of a family is the one that interface NAT
    /// uses.
    pub addresses: Vec<InterfaceAddress>,
    /// `family inet filter input`, `family inet6 filter input`.
    pub filter_input: [FilterId; 2],
    /// `filter output`, likewise.
    pub filter_output: [FilterId; 2],
    /// `vlan-id`, 0 for untagged.
    pub vlan: u16,
    /// `mtu` in bytes, 0 where it is not set.
    pub mtu: u16,
    /// The redundancy group of a reth interface, from 1; 0 is an interface of one node.
    pub redundancy_group: u8,
    /// The hardware address that answers come from.
    pub mac: MacAddress,
    /// Addresses of other hosts that the interface answers for: `proxy-arp` and `proxy-ndp`.
    pub proxies: Vec<AddressRange>,
    /// Services and protocols accepted for the firewall itself: the interface's own statement, else
    /// the zone's.
    pub host_inbound: HostInbound,
}

impl Interface {
    /// Index of a family in [`Self::filter_input`].
    #[must_use]
    pub const fn family_index(family: Family) -> usize {
        matches!(family, Family::Inet6) as usize
    }

    /// Whether the interface answers for a host that has this address.
    #[must_use]
    pub fn answers_for(&self, family: Family, address: Address) -> bool {
        self.proxies.iter().any(|range| range.contains(family, address))
    }

    /// The first own address of a family.
    #[must_use]
    pub fn primary(&self, family: Family) -> Option<Address> {
        self.addresses.iter().find(|a| a.family == family).map(|a| a.address)
    }
}

/// An Ethernet address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MacAddress(pub [u8; 6]);

impl MacAddress {
    /// The address of an interface for which none is configured: locally administered (IEEE 802),
    /// from a hash of its name, so that it stays the same from run to run.
    #[must_use]
    pub fn of_name(name: &str) -> Self {
        // FNV-1a, 64 bits.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let [a, b, c, d, e, ..] = hash.to_be_bytes();
        Self([0x02, a, b, c, d, e])
    }
}

/// All logical interfaces; slot 0 is the interface that is none.
#[derive(Clone, Debug)]
pub struct Interfaces(pub Vec<Interface>);

impl Default for Interfaces {
    fn default() -> Self {
        Self(vec![Interface::default()])
    }
}

impl Interfaces {
    /// The interface; the empty one for ids that do not exist.
    #[must_use]
    pub fn get(&self, id: IfIndex) -> &Interface {
        self.0.get(id.index()).unwrap_or(&self.0[0])
    }

    /// Ids that exist.
    pub fn ids(&self) -> impl Iterator<Item = IfIndex> + use<> {
        (1..u16::try_from(self.0.len()).unwrap_or(u16::MAX)).map(IfIndex)
    }
}

/// A security zone.
#[derive(Clone, Debug, Default)]
pub struct Zone {
    /// `screen`.
    pub screen: ScreenProfileId,
    /// `tcp-rst`: answer TCP that has no session with RST.
    pub tcp_rst: bool,
}

/// One thing that `host-inbound-traffic` lets in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostService {
    /// IP protocol.
    pub protocol: u8,
    /// Destination ports, inclusive; everything for protocols without ports. For ICMP and ICMPv6
    /// the range is of types.
    pub ports: (u16, u16),
}

/// `host-inbound-traffic` of a zone or an interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostInbound {
    /// `system-services all` together with `protocols all`.
    pub all: bool,
    /// What is let in otherwise.
    pub accept: Vec<HostService>,
    /// `except`: what is kept out even so.
    pub except: Vec<HostService>,
}

impl HostInbound {
    /// True if a packet of this protocol and destination port (ICMP: type) is let in.
    #[must_use]
    pub fn accepts(&self, protocol: u8, port_or_type: u16) -> bool {
        let hits = |list: &[HostService]| {
            list.iter()
                .any(|s| s.protocol == protocol && (s.ports.0..=s.ports.1).contains(&port_or_type))
        };
        (self.all || hits(&self.accept)) && !hits(&self.except)
    }
}
