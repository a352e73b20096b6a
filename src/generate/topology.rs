//! The network in which every scenario plays: the branch office of `examples/branch-office.conf`.
//! Captures show what arrives at the firewall, so a frame's Ethernet addresses follow from the
//! segment on which its source is: hosts of trust and dmz themselves, the provider's gateway for
//! everything else.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A network that ends at one interface of the firewall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    /// ge-0/0/0.0: 203.0.113.0/24, 2001:db8:ffff::/64 and the Internet behind it.
    Untrust,
    /// ge-0/0/1.0: 10.1.1.0/24, 2001:db8:1::/64.
    Trust,
    /// ge-0/0/2.0: 10.1.2.0/24, 2001:db8:2::/64.
    Dmz,
}

impl Segment {
    pub(super) fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => match address.octets() {
                [10, 1, 1, _] => Self::Trust,
                [10, 1, 2, _] => Self::Dmz,
                _ => Self::Untrust,
            },
            IpAddr::V6(address) => match address.segments() {
                [0x2001, 0xdb8, 1, 0, ..] => Self::Trust,
                [0x2001, 0xdb8, 2, 0, ..] => Self::Dmz,
                _ => Self::Untrust,
            },
        }
    }

    /// Ethernet address of the firewall's interface.
    pub(super) fn firewall_mac(self) -> [u8; 6] {
        match self {
            Self::Untrust => [0x02, 0x05, 0x86, 0, 0, 0],
            Self::Trust => [0x02, 0x05, 0x86, 0, 0, 1],
            Self::Dmz => [0x02, 0x05, 0x86, 0, 0, 2],
        }
    }

    /// Ethernet address of the neighbour that sends for `source` on this segment.
    pub(super) fn neighbor_mac(self, source: IpAddr) -> [u8; 6] {
        match (self, source) {
            (Self::Untrust, _) => GATEWAY_MAC,
            (_, IpAddr::V4(source)) => {
                let [a, b, c, d] = source.octets();
                [0x02, 0x04, a, b, c, d]
            }
            (_, IpAddr::V6(source)) => {
                let [.., a, b, c, d] = source.octets();
                [0x02, 0x06, a, b, c, d]
            }
        }
    }
}

pub(super) const fn trust(host: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 1, 1, host)
}

pub(super) const fn trust6(host: u16) -> Ipv6Addr {
    Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, host)
}

/// A host on the Internet that is nobody's: TEST-NET-1.
pub(super) const fn internet(host: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 0, 2, host)
}

/// A host on the Internet that calls in: TEST-NET-2.
pub(super) const fn caller(host: u8) -> Ipv4Addr {
    Ipv4Addr::new(198, 51, 100, host)
}

pub(super) const fn internet6(host: u16) -> Ipv6Addr {
    Ipv6Addr::new(0x2001, 0xdb8, 0xcafe, 0, 0, 0, 0, host)
}

pub(super) const GATEWAY: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
pub(super) const GATEWAY_MAC: [u8; 6] = [0x02, 0, 203, 0, 113, 1];
/// The firewall on untrust, also what clients of trust are translated to.
pub(super) const FIREWALL_UNTRUST: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 2);
pub(super) const FIREWALL_TRUST: Ipv4Addr = trust(1);
pub(super) const FIREWALL_TRUST6: Ipv6Addr = trust6(1);
/// The web server and the address under which destination NAT publishes its ports 80 and 443.
pub(super) const WEB: Ipv4Addr = Ipv4Addr::new(10, 1, 2, 80);
pub(super) const WEB_PUBLIC: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 80);
/// The mail server and its static NAT address.
pub(super) const MAIL: Ipv4Addr = Ipv4Addr::new(10, 1, 2, 25);
pub(super) const MAIL_PUBLIC: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 25);
pub(super) const ATTACKER: Ipv4Addr = caller(66);
pub(super) const RESOLVER: Ipv4Addr = internet(53);
