//! Packets for the firewall itself: what `host-inbound-traffic`, policies to `junos-host` and the
//! `lo0` filter let in, and the broadcasts, groups and neighbours that only it may answer.

use std::net::Ipv6Addr;

use weir::generate::{Packet, arp_request, neighbor_solicitation};

use super::{expect, run, transmitted};

const CLIENT: [u8; 4] = [10, 1, 1, 10];
const OWN: [u8; 4] = [10, 1, 1, 1];
const PEER: [u8; 4] = [198, 51, 100, 7];
const INBOUND: &str = "set security zones security-zone trust host-inbound-traffic";

/// The fate of one packet with these statements.
#[track_caller]
fn one(more: &str, frame: Vec<u8>, fate: &'static str) {
    let output = run(more, &[(0, frame)]);
    expect(&output, &[(fate, 1)]);
    assert_eq!(transmitted(&output).len(), 0, "the host answers, not the data plane");
}

fn tcp(port: u16) -> Vec<u8> {
    Packet::ipv4(CLIENT, OWN).tcp(40_000, port).syn().build()
}

fn udp(to: [u8; 4], port: u16) -> Vec<u8> {
    Packet::ipv4(CLIENT, to).udp(40_000, port).payload_len(20).build()
}

fn protocol(to: [u8; 4], number: u8) -> Vec<u8> {
    Packet::ipv4(CLIENT, to).ttl(1).protocol(number).payload_len(24).build()
}

#[test]
fn system_services_let_in_their_ports_and_no_other() {
    let cases: [(&str, Vec<u8>, Vec<u8>); 8] = [
        ("ssh", tcp(22), tcp(23)),
        ("telnet", tcp(23), tcp(22)),
        ("https", tcp(443), tcp(80)),
        ("netconf", tcp(830), tcp(831)),
        ("snmp", udp(OWN, 161), udp(OWN, 162)),
        ("ntp", udp(OWN, 123), udp(OWN, 124)),
        ("ike", udp(OWN, 4500), udp(OWN, 501)),
        ("traceroute", udp(OWN, 33_434), udp(OWN, 33_433)),
    ];
    for (service, inside, outside) in cases {
        let allow = format!("{INBOUND} system-services {service}");
        one(&allow, inside.clone(), "to_host");
        one(&allow, outside, "host_inbound");
        one("", inside, "host_inbound");
    }
}

#[test]
fn all_and_any_service_take_exceptions() {
    let all = format!("{INBOUND} system-services all");
    one(&all, tcp(22), "to_host");
    one(&all, tcp(4444), "host_inbound");
    one(&format!("{INBOUND} system-services any-service"), tcp(4444), "to_host");
    let but = format!("{all}\n{INBOUND} system-services telnet except");
    one(&but, tcp(23), "host_inbound");
    one(&but, tcp(22), "to_host");
    // The interface's own statement takes the place of the zone's.
    let interface = format!(
        "{all}\nset security zones security-zone trust interfaces ge-0/0/1.0 \
         host-inbound-traffic system-services ping"
    );
    one(&interface, tcp(22), "host_inbound");
    let ping = Packet::ipv4(CLIENT, OWN).echo_request(1, 1).build();
    one(&interface, ping, "to_host");
}

#[test]
fn routing_protocols_speak_to_their_groups() {
    for (name, number, group) in [
        ("ospf", 89, [224, 0, 0, 5]),
        ("igmp", 2, [224, 0, 0, 22]),
        ("vrrp", 112, [224, 0, 0, 18]),
        ("pim", 103, [224, 0, 0, 13]),
    ] {
        let allow = format!("{INBOUND} protocols {name}");
        one(&allow, protocol(group, number), "to_host");
        one(&allow, protocol(OWN, number), "to_host");
        one(&allow, protocol(group, 46), "multicast");
        one("", protocol(group, number), "multicast");
        one("", protocol(OWN, number), "host_inbound");
    }
    let rip = format!("{INBOUND} protocols rip");
    one(&rip, udp([224, 0, 0, 9], 520), "to_host");
    one(&rip, udp([224, 0, 0, 9], 521), "multicast");
    one(&rip, udp([239, 1, 2, 3], 5000), "multicast");
    one(&format!("{INBOUND} protocols bgp"), tcp(179), "to_host");
    one(&format!("{INBOUND} system-services all"), tcp(179), "host_inbound");
}

#[test]
fn an_address_less_host_finds_the_dhcp_server_in_its_zone() {
    let discover = || Packet::ipv4([0; 4], [255; 4]).udp(68, 67).payload_len(240).build();
    let dhcp = format!("{INBOUND} system-services dhcp");
    one(&dhcp, discover(), "to_host");
    one(&format!("{INBOUND} system-services bootp"), discover(), "to_host");
    // Nobody listens, or two do: nothing tells where it came in.
    one("", discover(), "ingress_unknown");
    let two = "set security zones security-zone untrust host-inbound-traffic system-services dhcp";
    one(&format!("{dhcp}\n{two}"), discover(), "ingress_unknown");
    let unicast = Packet::ipv4([0; 4], OWN).udp(68, 67).payload_len(240).build();
    one(&dhcp, unicast, "martian_source");
    // A renewal has an address.
    one(&dhcp, udp(OWN, 67), "to_host");
}

#[test]
fn a_directed_broadcast_stays_on_its_subnet() {
    let broadcast = [10, 1, 1, 255];
    let ntp = format!("{INBOUND} system-services ntp");
    one(&ntp, udp(broadcast, 123), "to_host");
    one(&ntp, udp(broadcast, 124), "multicast");
    let smurf = Packet::ipv4(PEER, broadcast).udp(123, 123).payload_len(20).build();
    let both = format!(
        "{ntp}\nset security zones security-zone untrust host-inbound-traffic system-services ntp"
    );
    one(&both, smurf, "multicast");
    one(&ntp, udp([255; 4], 123), "to_host");
}

#[test]
fn policies_to_the_firewall_come_after_host_inbound_traffic() {
    let policy = "set security policies from-zone trust to-zone junos-host policy";
    let deny = format!(
        "{INBOUND} system-services all
        set security address-book global address admin 10.1.1.99/32
        {policy} no match source-address any destination-address any application junos-telnet
        {policy} no then deny
        {policy} no then log session-init
        {policy} yes match source-address any destination-address any application junos-ssh
        {policy} yes then permit"
    );
    let output = run(&deny, &[(0, tcp(23)), (1, tcp(22)), (2, tcp(80)), (3, tcp(4444))]);
    expect(&output, &[("policy_deny", 1), ("to_host", 2), ("host_inbound", 1)]);
    let denied = output.log.lines().filter(|line| line.contains("RT_FLOW_SESSION_DENY"));
    assert_eq!(denied.count(), 1, "{}", output.log);
    assert!(output.log.contains("destination-zone-name=\"junos-host\""), "{}", output.log);
}

#[test]
fn the_lo0_filter_judges_what_was_let_in() {
    let filter = "set firewall family inet filter protect term";
    let protect = format!(
        "{INBOUND} system-services all
        set interfaces lo0 unit 0 family inet filter input protect
        {filter} telnet from protocol tcp
        {filter} telnet from destination-port 23
        {filter} telnet then discard
        {filter} telnet then syslog
        {filter} rest then accept"
    );
    let arp = arp_request([2, 4, 1, 1, 1, 10], CLIENT.into(), OWN.into());
    let output = run(&protect, &[(0, tcp(23)), (1, tcp(22)), (2, arp), (3, udp(PEER, 53))]);
    expect(&output, &[("filter_discard", 1), ("to_host", 2), ("forwarded", 1)]);
    assert!(output.log.contains("protect"), "{}", output.log);
}

#[test]
fn neighbours_are_heard_from_the_link_only() {
    let client = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 0x10);
    let own = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 1);
    one("", neighbor_solicitation([2, 6, 0, 0, 0, 16], client, own), "to_host");
    let group = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x16);
    let nd = |kind, to, hops| {
        Packet::ipv6(client, to).ttl(hops).icmp(kind, 0, [0; 4]).payload_len(16).build()
    };
    one("", nd(133, group, 255), "to_host");
    one("", nd(135, own, 255), "to_host");
    one("", nd(135, own, 254), "neighbor_hop_limit");
    // Multicast listeners: reports and queries have hop limit 1.
    one("", nd(143, group, 1), "to_host");
    one("", nd(130, group, 64), "neighbor_hop_limit");
    one("", nd(128, own, 64), "host_inbound");
    one(&format!("{INBOUND} system-services ping"), nd(128, own, 64), "to_host");
}

#[test]
fn arp_is_the_hosts() {
    one("", arp_request([2, 4, 1, 1, 1, 10], CLIENT.into(), OWN.into()), "to_host");
}
