//! Neighbor: answers ARP requests (RFC 826) and neighbor solicitations (RFC 4861 section 7.2) for
//! the addresses of `security nat proxy-arp` and `proxy-ndp`, from the interface that they came in
//! on and in its VLAN. The firewall's own addresses are the host's to answer for, so these packets
//! stay for the host, answered or not. Probes for duplicate addresses are answered for IPv6, where
//! the standard says so, and not for ARP, where an SRX does not.

use components::address::{Address, Family};
use components::batch::{Access, Batch};
use components::columns::LinkType;
use components::ids::IfIndex;
use components::reason::Fate;
use components::view;
use components::world::World;
use components::world::application::ICMPV6;
use components::world::interface::MacAddress;
use components::world::route::RouteKind;

use crate::checksum::{checksum, pseudo_header_sum};
use crate::shard::{Answers, Layer, Shard};
use crate::system::System;

view! {
    /// What neighbor reads: the packet as received.
    pub struct NeighborView {
        reads {
            offset, length, link, ingress, family, protocol, source, destination,
            destination_port, l4_offset,
        }
        writes {}
    }
}

/// The `neighbor` system.
#[derive(Clone, Copy, Debug)]
pub struct Neighbor;

impl System for Neighbor {
    fn name(&self) -> &'static str {
        "neighbor"
    }

    fn access(&self) -> Access {
        NeighborView::ACCESS
    }

    fn run(&mut self, batch: &mut Batch<'_>, shard: &mut Shard, world: &World) {
        let view = NeighborView::of(batch);
        let Shard { answers, counters, .. } = shard;
        for row in 0..view.rows {
            if view.verdict[row].fate != Fate::ToHost {
                continue;
            }
            let answered = match view.family[row] {
                Family::None => arp(&view, row, world, answers),
                Family::Inet6 if view.protocol[row] == ICMPV6 => {
                    solicitation(&view, row, world, answers)
                }
                Family::Inet | Family::Inet6 => None,
            };
            counters.answers.neighbors += u64::from(answered.is_some());
        }
    }
}

/// Answers an ARP request for an address that the interface stands in for.
fn arp(view: &NeighborView<'_>, row: usize, world: &World, answers: &mut Answers) -> Option<()> {
    if view.link[row] != LinkType::Ethernet {
        return None;
    }
    let frame = frame_of(view, row);
    let link = Ethernet::of(frame)?;
    let message: &[u8; ARP_LENGTH] = frame.get(link.length..)?.first_chunk()?;
    let operation = message[7];
    let sender = &message[8..18];
    let asker = Address::v4(*message[14..18].first_chunk()?);
    let target = Address::v4(*message[24..28].first_chunk()?);
    let one_host = message[8] & 1 == 0 && asker.v4_key() >> 28 < 0xe && asker != Address::ZERO;
    let asked = operation == ARP_REQUEST && one_host && asker != target;
    let mac = stands_in(view.ingress[row], Family::Inet, target, world).filter(|_| asked)?;
    let start = answers.bytes.len();
    let out = &mut answers.bytes;
    link.push_answer(out, frame, *message[8..14].first_chunk()?, mac);
    out.extend_from_slice(&message[..7]);
    out.push(ARP_REPLY);
    out.extend_from_slice(&mac.0);
    out.extend_from_slice(&target.0[..4]);
    out.extend_from_slice(sender);
    push(answers, view, row, start, Layer::Link);
    Some(())
}

/// Answers a neighbor solicitation likewise.
fn solicitation(
    view: &NeighborView<'_>,
    row: usize,
    world: &World,
    answers: &mut Answers,
) -> Option<()> {
    let [icmp_type, code] = view.destination_port[row].to_be_bytes();
    if (icmp_type, code) != (SOLICITATION, 0) {
        return None;
    }
    let frame = frame_of(view, row);
    let message = frame.get(usize::from(view.l4_offset[row])..)?;
    let target = Address(*message.get(8..)?.first_chunk()?);
    let asker = view.source[row];
    let probe = asker == Address::ZERO;
    // RFC 4861 section 7.1.1: a probe goes to the solicited-node address and names no sender.
    let solicited_node = view.destination[row].0[..13] == SOLICITED_NODE;
    let named = names_sender(message.get(24..).unwrap_or_default());
    if target.0[0] == 0xff || asker == target || probe && (named || !solicited_node) {
        return None;
    }
    let mac = stands_in(view.ingress[row], Family::Inet6, target, world)?;
    let to = if probe { ALL_NODES } else { asker };
    let start = answers.bytes.len();
    let ethernet = (view.link[row] == LinkType::Ethernet).then(|| Ethernet::of(frame)).flatten();
    if ethernet.as_ref().is_some_and(|link| link.source[0] & 1 == 1) {
        return None;
    }
    if let Some(link) = &ethernet {
        let to_mac = if probe { ALL_NODES_MAC } else { link.source };
        link.push_answer(&mut answers.bytes, frame, to_mac, mac);
    }
    let own = world.interfaces.get(view.ingress[row]).primary(Family::Inet6);
    advertisement(&mut answers.bytes, own.unwrap_or(target), to, target, mac, !probe);
    let layer = if ethernet.is_some() { Layer::Link } else { Layer::Network };
    push(answers, view, row, start, layer);
    Some(())
}

/// Whether one of the options is the sender's link-layer address.
fn names_sender(mut options: &[u8]) -> bool {
    while let [kind, units @ 1..=u8::MAX, ..] = *options {
        if kind == SOURCE_LINK_ADDRESS {
            return true;
        }
        options = options.get(usize::from(units) * 8..).unwrap_or_default();
    }
    false
}

/// Appends a neighbor advertisement of a router that stands in for the target: the override flag
/// is clear, so that the host itself wins if it answers too (section 7.2.8).
fn advertisement(
    out: &mut Vec<u8>,
    from: Address,
    to: Address,
    target: Address,
    mac: MacAddress,
    solicited: bool,
) {
    out.extend([6 << 4, 0, 0, 0, 0, ADVERTISEMENT_LENGTH, ICMPV6, u8::MAX]);
    out.extend(from.0);
    out.extend(to.0);
    let l4 = out.len();
    let flags = ROUTER | if solicited { SOLICITED } else { 0 };
    out.extend([ADVERTISEMENT, 0, 0, 0, flags, 0, 0, 0]);
    out.extend(target.0);
    out.extend([TARGET_LINK_ADDRESS, 1]);
    out.extend(mac.0);
    let length = u32::from(ADVERTISEMENT_LENGTH);
    let initial = pseudo_header_sum(Family::Inet6, from, to, ICMPV6, length);
    let sum = checksum(&out[l4..], initial).to_be_bytes();
    out[l4 + 2..l4 + 4].copy_from_slice(&sum);
}

/// The interface's hardware address, if it stands in for the target and the firewall does not have
/// it itself.
fn stands_in(
    ingress: IfIndex,
    family: Family,
    target: Address,
    world: &World,
) -> Option<MacAddress> {
    let interface = world.interfaces.get(ingress);
    if !interface.answers_for(family, target) {
        return None;
    }
    let own = world.routes.route(family, target).is_some_and(|hop| hop.kind == RouteKind::Local);
    (!own).then_some(interface.mac)
}

fn push(answers: &mut Answers, view: &NeighborView<'_>, row: usize, start: usize, layer: Layer) {
    let number = u16::try_from(row).unwrap_or(u16::MAX);
    answers.finish_as(number, view.ingress[row], start, layer);
}

/// The link header of a frame that is answered.
struct Ethernet {
    source: [u8; 6],
    /// Tags and ether type included.
    length: usize,
}

impl Ethernet {
    fn of(frame: &[u8]) -> Option<Self> {
        let source = *frame.get(6..)?.first_chunk()?;
        let mut length = 14;
        while matches!(*frame.get(length - 2..)?.first_chunk()?, [0x81 | 0x91, 0] | [0x88, 0xa8]) {
            length += 4;
        }
        Some(Self { source, length })
    }

    /// Appends the header that goes back: the same tags and ether type.
    fn push_answer(&self, out: &mut Vec<u8>, frame: &[u8], to: [u8; 6], from: MacAddress) {
        out.extend_from_slice(&to);
        out.extend_from_slice(&from.0);
        out.extend_from_slice(&frame[12..self.length]);
    }
}

fn frame_of<'v>(view: &'v NeighborView<'_>, row: usize) -> &'v [u8] {
    let start = view.offset[row] as usize;
    view.frames.get(start..start + view.length[row] as usize).unwrap_or_default()
}

const ARP_LENGTH: usize = 28;
const ARP_REQUEST: u8 = 1;
const ARP_REPLY: u8 = 2;
const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;
/// Header, target, and the option with the link-layer address.
const ADVERTISEMENT_LENGTH: u8 = 32;
const SOURCE_LINK_ADDRESS: u8 = 1;
const TARGET_LINK_ADDRESS: u8 = 2;
const ROUTER: u8 = 0x80;
const SOLICITED: u8 = 0x40;
/// `ff02::1:ff00:0/104` (RFC 4291 section 2.7.1).
const SOLICITED_NODE: [u8; 13] = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff];
/// `ff02::1`, and the Ethernet group that it maps to (RFC 2464).
const ALL_NODES: Address = Address([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
const ALL_NODES_MAC: [u8; 6] = [0x33, 0x33, 0, 0, 0, 1];
