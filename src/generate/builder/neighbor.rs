//! Address resolution: ARP for IPv4 (RFC 826), neighbor discovery for IPv6 (RFC 4861).

use std::net::{Ipv4Addr, Ipv6Addr};

use super::Packet;

/// "Who has `target`? Tell `sender`": a broadcast frame.
#[must_use]
pub fn arp_request(sender_mac: [u8; 6], sender: Ipv4Addr, target: Ipv4Addr) -> Vec<u8> {
    arp(1, (sender_mac, sender), ([0; 6], target), [0xff; 6])
}

/// "`sender` is at `sender_mac`", to the one who asked.
#[must_use]
pub fn arp_reply(
    sender_mac: [u8; 6],
    sender: Ipv4Addr,
    target_mac: [u8; 6],
    target: Ipv4Addr,
) -> Vec<u8> {
    arp(2, (sender_mac, sender), (target_mac, target), target_mac)
}

/// Neighbor solicitation for `target` to its solicited-node group, with the sender's link address.
#[must_use]
pub fn neighbor_solicitation(sender_mac: [u8; 6], sender: Ipv6Addr, target: Ipv6Addr) -> Vec<u8> {
    let [.., a, b, c] = target.octets();
    let group = Ipv6Addr::from([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, a, b, c]);
    let group_mac = [0x33, 0x33, 0xff, a, b, c];
    let body = [&target.octets()[..], &[1, 1], &sender_mac].concat();
    let packet = Packet::ipv6(sender, group).icmp(135, 0, [0; 4]);
    packet.ttl(255).macs(sender_mac, group_mac).payload(&body).build()
}

/// Solicited neighbor advertisement of `sender` to `target`, with the sender's link address.
#[must_use]
pub fn neighbor_advertisement(
    sender_mac: [u8; 6],
    sender: Ipv6Addr,
    target_mac: [u8; 6],
    target: Ipv6Addr,
) -> Vec<u8> {
    let body = [&sender.octets()[..], &[2, 1], &sender_mac].concat();
    // Solicited and override.
    let packet = Packet::ipv6(sender, target).icmp(136, 0, [0x60, 0, 0, 0]);
    packet.ttl(255).macs(sender_mac, target_mac).payload(&body).build()
}

fn arp(
    operation: u8,
    sender: ([u8; 6], Ipv4Addr),
    target: ([u8; 6], Ipv4Addr),
    destination_mac: [u8; 6],
) -> Vec<u8> {
    let mut frame = [destination_mac, sender.0].concat();
    // Ethernet type ARP; hardware Ethernet, protocol IPv4, address lengths 6 and 4.
    frame.extend([0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, operation]);
    frame.extend(sender.0);
    frame.extend(sender.1.octets());
    frame.extend(target.0);
    frame.extend(target.1.octets());
    frame
}
