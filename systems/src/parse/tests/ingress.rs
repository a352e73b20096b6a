//! Where packets come in, addresses that none may have, and ARP.

use super::*;

#[test]
fn hands_arp_to_the_host_and_refuses_what_only_looks_like_it() {
    let mut arp = ethernet(0x0806, &[0, 1, 8, 0, 6, 4, 0, 1]);
    arp.extend([2, 0, 0, 0, 0, 2, 10, 0, 0, 5, 0, 0, 0, 0, 0, 0, 10, 0, 0, 1]);
    let (verdict, text) = auto(arp.clone());
    assert_eq!(verdict, Verdict::of(Fate::ToHost));
    assert!(text.starts_with("1 2 0 None") && text.ends_with("live false"), "{text}");
    for (at, value) in [(15, 6), (16, 9), (18, 8), (19, 16), (21, 3)] {
        let mut bad = arp.clone();
        bad[at] = value;
        assert_eq!(reason(bad), DropReason::BadArp, "byte {at}");
    }
    assert_eq!(reason(arp[..41].to_vec()), DropReason::BadArp);
}

#[test]
fn takes_the_ingress_from_the_source_route_or_the_binding() {
    let from = |source| frame(source, "10.0.0.9", 17, &udp(1, 2, &[]));
    assert!(auto(from("8.8.8.8")).1.starts_with("2 3 "));
    assert_eq!(reason(from("172.16.0.1")), DropReason::IngressUnknown);
    assert_eq!(reason(from("10.0.0.1")), DropReason::OwnSource);
    assert_eq!(reason(from("192.0.2.9")), DropReason::IngressZoneNone);
    assert_eq!(reason(from("169.254.1.1")), DropReason::IngressUnknown);
    let bound = parse_with(&[from("10.0.0.5")], LinkType::Ethernet, UNTRUST_IFL, &mut lenient());
    assert!(bound[0].1.starts_with("2 3 "));
    let land = frame("203.0.113.1", "203.0.113.1", 6, &tcp(1, 1, 2, &[]));
    assert!(auto(land).1.starts_with("2 3 "), "a land attack is the screen's");
    let link_local = frame("fe80::5", "2001:db8:2::1", 58, &icmp(128, 0, [0; 4], &[]));
    assert!(auto(link_local).1.starts_with("2 3 "));
}

#[test]
fn refuses_addresses_that_no_packet_may_have() {
    let packet = |from, to| frame(from, to, 17, &udp(1, 2, &[]));
    for source in [
        "224.0.0.1",
        "255.255.255.255",
        "127.0.0.1",
        "0.0.0.1",
        "0.0.0.0",
        "240.0.0.1",
        "10.0.0.255",
    ] {
        assert_eq!(reason(packet(source, "8.8.8.8")), DropReason::MartianSource, "{source}");
    }
    for source in ["::", "::1", "ff02::1", "::ffff:10.0.0.5"] {
        assert_eq!(reason(packet(source, "2001:db8:9::9")), DropReason::MartianSource, "{source}");
    }
    for destination in ["127.0.0.1", "0.0.0.0", "240.0.0.1"] {
        let reason = reason(packet("10.0.0.5", destination));
        assert_eq!(reason, DropReason::MartianDestination, "{destination}");
    }
    assert_eq!(reason(packet("2001:db8:1::5", "::1")), DropReason::MartianDestination);
    let dhcp = packet("0.0.0.0", "255.255.255.255");
    let bound = parse_with(&[dhcp], LinkType::Ethernet, TRUST_IFL, &mut lenient());
    assert!(bound[0].1.ends_with("live true"), "{}", bound[0].1);
}
