//! `proxy-arp` and `proxy-ndp`: the answers to the byte, and who gets none.

use std::net::{Ipv4Addr, Ipv6Addr};

use weir::generate::{Packet, arp_reply, arp_request, neighbor_solicitation};

use super::{expect, run, transmitted};

const PROXY: &str = "
    set interfaces ge-0/0/0 mac 00:00:5e:00:53:01
    set security nat proxy-arp interface ge-0/0/0.0 address 203.0.113.80/32
    set security nat proxy-arp interface ge-0/0/0.0 address 203.0.113.90/32 to 203.0.113.95/32
    set security nat proxy-arp interface ge-0/0/0.0 address 203.0.113.2/32
    set security nat proxy-ndp interface ge-0/0/0.0 address 2001:db8:ffff::80/128
";
const MAC: [u8; 6] = [0, 0, 0x5e, 0, 0x53, 1];
const ROUTER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 9];
const ROUTER: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
const PROXIED: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 80);

fn v6(text: &str) -> Ipv6Addr {
    text.parse().expect("an address")
}

/// What one frame is answered with; it stays for the host either way.
#[track_caller]
fn answer(frame: Vec<u8>) -> Option<Vec<u8>> {
    let output = run(PROXY, &[(0, frame)]);
    expect(&output, &[("to_host", 1)]);
    let mut answers = transmitted(&output);
    assert!(answers.len() <= 1);
    answers.pop()
}

/// The frame with a VLAN tag.
fn tagged(mut frame: Vec<u8>) -> Vec<u8> {
    frame.splice(12..12, [0x81, 0, 0, 7]);
    frame
}

#[test]
fn an_arp_request_for_a_proxied_address_is_answered_from_the_interface() {
    let expected = arp_reply(MAC, PROXIED, ROUTER_MAC, ROUTER);
    let request = arp_request(ROUTER_MAC, ROUTER, PROXIED);
    assert_eq!(answer(request.clone()).expect("an answer"), expected);
    assert_eq!(answer(tagged(request)).expect("an answer"), tagged(expected));
    for last in 90..=95 {
        let target = Ipv4Addr::new(203, 0, 113, last);
        assert!(answer(arp_request(ROUTER_MAC, ROUTER, target)).is_some(), "{target}");
    }
}

#[test]
fn nobody_else_s_address_and_none_of_our_own_is_answered_for() {
    for target in [[203, 0, 113, 79], [203, 0, 113, 89], [203, 0, 113, 96], [203, 0, 113, 2]] {
        assert_eq!(answer(arp_request(ROUTER_MAC, ROUTER, target.into())), None, "{target:?}");
    }
}

#[test]
fn announcements_probes_and_replies_are_not_answered() {
    assert_eq!(answer(arp_request(ROUTER_MAC, PROXIED, PROXIED)), None);
    let reply = arp_reply(ROUTER_MAC, ROUTER, MAC, PROXIED);
    assert_eq!(answer(reply), None);
}

#[test]
fn requests_on_another_interface_are_not_answered() {
    let output = run(PROXY, &[(0, arp_request(ROUTER_MAC, [10, 1, 1, 9].into(), PROXIED))]);
    assert_eq!(transmitted(&output).len(), 0);
}

#[test]
fn a_solicitation_is_answered_with_an_advertisement_that_does_not_override() {
    let router = v6("2001:db8:ffff::1");
    let proxied = v6("2001:db8:ffff::80");
    let expected = {
        let body = [&proxied.octets()[..], &[2, 1], &MAC].concat();
        let packet = Packet::ipv6(v6("2001:db8:ffff::2"), router).icmp(136, 0, [0xc0, 0, 0, 0]);
        packet.ttl(255).macs(MAC, ROUTER_MAC).payload(&body).build()
    };
    let solicitation = neighbor_solicitation(ROUTER_MAC, router, proxied);
    assert_eq!(answer(solicitation).expect("an answer"), expected);
    assert_eq!(answer(neighbor_solicitation(ROUTER_MAC, router, v6("2001:db8:ffff::81"))), None);
    assert_eq!(answer(neighbor_solicitation(ROUTER_MAC, router, v6("2001:db8:ffff::2"))), None);
}

/// A solicitation with its parts as given.
fn solicitation(from: &str, to: &str, options: &[u8]) -> Vec<u8> {
    let body = [&v6("2001:db8:ffff::80").octets()[..], options].concat();
    let packet = Packet::ipv6(v6(from), v6(to)).icmp(135, 0, [0; 4]);
    packet.ttl(255).macs(ROUTER_MAC, [0x33, 0x33, 0xff, 0, 0, 0x80]).payload(&body).build()
}

#[test]
fn reachability_is_confirmed_and_group_senders_get_nothing() {
    let unicast = solicitation("2001:db8:ffff::1", "2001:db8:ffff::80", &[]);
    assert!(answer(unicast).is_some());
    let mut group = solicitation("2001:db8:ffff::1", "ff02::1:ff00:80", &[]);
    group[6] |= 1;
    assert_eq!(answer(group), None);
    let mut group = arp_request(ROUTER_MAC, ROUTER, PROXIED);
    group[22] |= 1;
    assert_eq!(answer(group), None);
}

#[test]
fn several_askers_get_an_answer_each_beside_other_packets() {
    let request = |last| arp_request(ROUTER_MAC, Ipv4Addr::new(203, 0, 113, last), PROXIED);
    let other = Packet::ipv4([10, 1, 1, 10], [198, 51, 100, 7]).udp(1000, 2000).build();
    let output = run(PROXY, &[(0, request(20)), (1, other), (2, request(21))]);
    expect(&output, &[("forwarded", 1), ("to_host", 2)]);
    assert_eq!(transmitted(&output).len(), 3);
}
