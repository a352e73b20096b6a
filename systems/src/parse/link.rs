//! The link layer: which network protocol a frame carries and where it begins. Ethernet II and
//! Linux cooked captures with up to two VLAN tags (802.1Q 0x8100, 802.1ad 0x88a8, the older QinQ
//! 0x9100), raw IP and BSD loopback. Everything that is neither IP nor ARP (LLDP, 802.3 lengths,
//! MPLS, PPPoE) has no ether type that is supported.

use components::columns::LinkType;
use components::reason::DropReason;

use super::Frame;

/// Network protocols that go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Network {
    Ipv4,
    Ipv6,
    Arp,
}

/// The network protocol and the offset of its header.
#[inline]
pub(super) fn network(frame: Frame<'_>, link: LinkType) -> Result<(Network, usize), DropReason> {
    if link == LinkType::Ethernet {
        let header: &[u8; ETHERNET_LENGTH] = frame.take(0)?;
        let ether_type = u16::from_be_bytes([header[12], header[13]]);
        if ether_type == ETHER_IPV4 {
            return Ok((Network::Ipv4, ETHERNET_LENGTH));
        }
        return tagged(frame, ether_type, ETHERNET_LENGTH);
    }
    other(frame, link)
}

/// Walks the tags behind an ether type; `at` is the first byte after it.
#[inline(never)]
fn tagged(
    frame: Frame<'_>,
    mut ether_type: u16,
    mut at: usize,
) -> Result<(Network, usize), DropReason> {
    let mut tags = 0;
    while is_tag(ether_type) {
        tags += 1;
        if tags > VLAN_TAGS_MAX {
            return Err(DropReason::VlanStackTooDeep);
        }
        let [_, _, high, low] = *frame.take(at)?;
        ether_type = u16::from_be_bytes([high, low]);
        at += 4;
    }
    match ether_type {
        ETHER_IPV4 => Ok((Network::Ipv4, at)),
        ETHER_IPV6 => Ok((Network::Ipv6, at)),
        ETHER_ARP => Ok((Network::Arp, at)),
        _ => Err(DropReason::UnsupportedEtherType),
    }
}

fn other(frame: Frame<'_>, link: LinkType) -> Result<(Network, usize), DropReason> {
    match link {
        LinkType::Ethernet | LinkType::Other => Err(DropReason::UnsupportedLinkType),
        LinkType::LinuxSll => {
            let header: &[u8; 16] = frame.take(0)?;
            tagged(frame, u16::from_be_bytes([header[14], header[15]]), 16)
        }
        LinkType::LinuxSll2 => {
            let header: &[u8; 20] = frame.take(0)?;
            tagged(frame, u16::from_be_bytes([header[0], header[1]]), 20)
        }
        LinkType::RawIp => {
            let [first] = *frame.take(0)?;
            match first >> 4 {
                4 => Ok((Network::Ipv4, 0)),
                6 => Ok((Network::Ipv6, 0)),
                _ => Err(DropReason::BadIpVersion),
            }
        }
        LinkType::Loopback => match *frame.take(0)? {
            [0, 0, 0, family] | [family, 0, 0, 0] => loopback(family),
            _ => Err(DropReason::UnsupportedEtherType),
        },
    }
}

/// Address families as BSDs, macOS and Linux number them; `AF_INET` is 2 everywhere.
fn loopback(family: u8) -> Result<(Network, usize), DropReason> {
    match family {
        2 => Ok((Network::Ipv4, 4)),
        10 | 24 | 28 | 30 => Ok((Network::Ipv6, 4)),
        _ => Err(DropReason::UnsupportedEtherType),
    }
}

const fn is_tag(ether_type: u16) -> bool {
    matches!(ether_type, 0x8100 | 0x88a8 | 0x9100)
}

const ETHERNET_LENGTH: usize = 14;
const VLAN_TAGS_MAX: usize = 2;
const ETHER_IPV4: u16 = 0x0800;
const ETHER_ARP: u16 = 0x0806;
const ETHER_IPV6: u16 = 0x86dd;
