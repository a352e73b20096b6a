//! NAT64 and network prefix translation: IPv6 clients of IPv4 servers, both ways, with errors and
//! fragments, every checksum computed anew.

use components::world::application::ICMPV6;
use components::world::nat::{StaticKind, embed};
use proptest::prelude::*;

use super::*;

const CLIENT: &str = "2001:db8:1::5";
const SERVER: &str = "64:ff9b::198.51.100.1";

/// Trust reaches IPv4 behind 64:ff9b::/96, from 203.0.113.1.
pub(super) fn nat64() -> World {
    let mut world = with_source_nat();
    world.nat.statics.push(StaticRule {
        id: NatRuleId(2),
        from: NatContext { zones: [TRUST].into_iter().collect(), ..NatContext::default() },
        source: AddressMatch::any(),
        outside: AddressRange::prefix(ip("64:ff9b::"), 96).expect("a prefix"),
        inside: AddressRange::V4(0, u32::MAX),
        outside_ports: None,
        inside_ports: None,
        kind: StaticKind::Inet,
    });
    world
}

/// Source, destination and both ports of an IPv6 packet without extension headers.
fn tuple6(packet: &[u8]) -> (IpAddr, u16, IpAddr, u16) {
    let address = |at: usize| IpAddr::from(<[u8; 16]>::try_from(&packet[at..at + 16]).expect("16"));
    let port = |at: usize| u16::from_be_bytes([packet[at], packet[at + 1]]);
    (address(8), port(40), address(24), port(42))
}

#[test]
fn a_connection_of_an_ipv6_client_reaches_an_ipv4_server_and_its_answer_comes_back() {
    let mut firewall = Firewall::new(nat64());
    let syn = tcp((CLIENT, 40000), (SERVER, 443), SYN);
    let out = firewall.forward(TRUST_IFL, &syn);
    assert_eq!(out.len(), syn.len() - 20);
    assert_eq!(out[..4], [0x45, 0, 0, 40]);
    assert_eq!((out[8], out[9]), (syn[7] - 1, TCP));
    assert_eq!(tuple(&out), (ip("203.0.113.1"), 40000, ip("198.51.100.1"), 443));
    let answer = tcp(("198.51.100.1", 443), ("203.0.113.1", 40000), SYN | ACK);
    let back = firewall.forward(UNTRUST_IFL, &answer);
    assert_eq!(back[..8], [0x60, 0, 0, 0, 0, 20, TCP, answer[8] - 1]);
    assert_eq!(tuple6(&back), (ip(SERVER), 443, ip(CLIENT), 40000));
    let record = &firewall.events.records;
    assert!(record.is_empty(), "the create came with the first packet");
    firewall.wait(21);
    firewall.expire();
    let record = firewall.events.records.last().expect("a close");
    assert_eq!(record.family, 10);
    assert_eq!(record.nat_source, Address::from(ip("::ffff:203.0.113.1")).0);
    assert_eq!(record.nat_destination, Address::from(ip("::ffff:198.51.100.1")).0);
}

#[test]
fn what_has_no_ipv4_source_is_dropped() {
    let mut world = nat64();
    world.nat.source.clear();
    let mut firewall = Firewall::new(world);
    let sent = firewall.send(TRUST_IFL, &udp((CLIENT, 1), (SERVER, 53)));
    assert_eq!(sent, Sent::Dropped(DropReason::NatNoAddress));
}

#[test]
fn the_policy_sees_the_ipv4_destination() {
    let mut world = nat64();
    let server = AddressRange::prefix(ip("198.51.100.1"), 32).expect("a prefix");
    let policy = Policy {
        source: AddressMatch::any(),
        destination: AddressMatch { set: AddressSet::from_ranges([server]), excluded: false },
        action: Action::Permit,
        ..Policy::default()
    };
    let pairs = vec![((TRUST, UNTRUST), vec![policy])];
    world.policies = PolicyTable::new(pairs, Vec::new(), DefaultPolicy::default());
    let mut firewall = Firewall::new(world);
    firewall.forward(TRUST_IFL, &udp((CLIENT, 1), (SERVER, 53)));
    let other = firewall.send(TRUST_IFL, &udp((CLIENT, 1), ("64:ff9b::198.51.100.2", 53)));
    assert_eq!(other, Sent::Dropped(DropReason::PolicyDeny));
}

#[test]
fn a_ping_becomes_icmp_and_its_reply_icmpv6() {
    let mut firewall = Firewall::new(nat64());
    let echo = support::icmp(128, 0, [0x77, 0x77, 0, 1], b"ping!");
    let out = firewall.forward(TRUST_IFL, &support::ip_packet(CLIENT, SERVER, ICMPV6, &echo));
    assert_eq!((out[9], out[20], &out[24..28]), (ICMP, 8, &[0x77, 0x77, 0, 1][..]));
    let echo = support::icmp(0, 0, [0x77, 0x77, 0, 1], b"ping!");
    let reply = support::ip_packet("198.51.100.1", "203.0.113.1", ICMP, &echo);
    let back = firewall.forward(UNTRUST_IFL, &reply);
    assert_eq!((back[6], back[40], &back[44..]), (ICMPV6, 129, &b"\x77\x77\0\x01ping!"[..]));
}

#[test]
fn errors_come_back_with_the_packet_as_the_client_sent_it() {
    let mut firewall = Firewall::new(nat64());
    let echo = support::icmp(128, 0, [0x12, 0x34, 0, 1], b"ping!");
    let requests = [
        udp((CLIENT, 5000), (SERVER, 53)),
        tcp((CLIENT, 5001), (SERVER, 80), SYN),
        support::ip_packet(CLIENT, SERVER, ICMPV6, &echo),
    ];
    let errors = [((3, 3), (1, 4)), ((11, 0), (3, 0)), ((3, 4), (2, 0))];
    for request in &requests {
        let transmitted = firewall.forward(TRUST_IFL, request);
        for ((kind, code), expected) in errors {
            let error = support::icmp(kind, code, [0, 0, 5, 0x78], &transmitted);
            let error = support::ip_packet("192.0.2.99", "203.0.113.1", ICMP, &error);
            let back = firewall.forward(UNTRUST_IFL, &error);
            assert_eq!(tuple6(&back).0, ip("64:ff9b::192.0.2.99"), "the router, embedded");
            assert_eq!(tuple6(&back).2, ip(CLIENT));
            assert_eq!((back[40], back[41]), expected);
            if kind == 3 && code == 4 {
                assert_eq!(back[44..48], 1420u32.to_be_bytes(), "1400 and the longer header");
            }
            let mut quoted = request.clone();
            quoted[7] -= 1;
            assert_eq!(back[48..], quoted[..]);
        }
    }
}

#[test]
fn an_error_that_grows_ends_at_1280_bytes() {
    let mut firewall = Firewall::new(nat64());
    let request = support::ip_packet(CLIENT, SERVER, UDP, &support::udp(5000, 53, &[7; 1452]));
    let transmitted = firewall.forward(TRUST_IFL, &request);
    for quoted in [1212, 1213, transmitted.len()] {
        let error = support::icmp(3, 4, [0, 0, 5, 0], &transmitted[..quoted]);
        let error = support::ip_packet("192.0.2.99", "203.0.113.1", ICMP, &error);
        let back = firewall.forward(UNTRUST_IFL, &error);
        assert_eq!(back.len(), 1280.min(quoted + 20 + 48), "{quoted} bytes quoted");
        assert_eq!(usize::from(u16::from_be_bytes([back[4], back[5]])), back.len() - 40);
        assert_eq!(back[48 + 8..], request[8..back.len() - 48]);
    }
}

#[test]
fn extensions_behind_a_quote_end_at_the_translation() {
    let mut firewall = Firewall::new(nat64());
    let request = udp((CLIENT, 5000), (SERVER, 53));
    let transmitted = firewall.forward(TRUST_IFL, &request);
    // 32 words of quote, padded, and an object of an MPLS label stack (RFC 4950).
    let mut body = transmitted.clone();
    body.resize(128, 0);
    body.extend([0x20, 0, 0, 0, 0, 8, 1, 1, 0, 0, 0x11, 1]);
    for (length, rest) in [(32, 128 + 20), (0, 140 + 20)] {
        let error = support::icmp(11, 0, [0, length, 0, 0], &body);
        let error = support::ip_packet("192.0.2.99", "203.0.113.1", ICMP, &error);
        let back = firewall.forward(UNTRUST_IFL, &error);
        assert_eq!((back[40], back[41], &back[44..48]), (3, 0, &[0; 4][..]));
        assert_eq!(back.len() - 48, rest, "{length} words");
        assert_eq!(back[48 + 8..][..request.len() - 8], request[8..]);
    }
}

#[test]
fn an_error_of_the_client_reaches_the_server() {
    let mut firewall = Firewall::new(nat64());
    firewall.forward(TRUST_IFL, &udp((CLIENT, 5000), (SERVER, 53)));
    let answer = udp(("198.51.100.1", 53), ("203.0.113.1", 5000));
    let transmitted = firewall.forward(UNTRUST_IFL, &answer);
    let error = support::icmp(1, 4, [0; 4], &transmitted);
    for sender in [CLIENT, "2001:db8:1::99"] {
        let error = support::ip_packet(sender, SERVER, ICMPV6, &error);
        let out = firewall.forward(TRUST_IFL, &error);
        assert_eq!(out[12..20], [203, 0, 113, 1, 198, 51, 100, 1]);
        assert_eq!((out[20], out[21]), (3, 3));
        assert_eq!(out[40..48], answer[12..20]);
        assert_eq!(out[48..], answer[20..]);
    }
}

#[test]
fn a_datagram_without_a_checksum_gets_one_in_ipv6() {
    let mut firewall = Firewall::new(nat64());
    firewall.forward(TRUST_IFL, &udp((CLIENT, 5000), (SERVER, 53)));
    let v4 = |text| Address::from(ip(text));
    let bare = support::udp(53, 5000, b"data!");
    let (from, to) = (v4("198.51.100.1"), v4("203.0.113.1"));
    let answer = support::ipv4_packet(from, to, UDP, [0, 0], &[], &bare);
    let back = firewall.forward(UNTRUST_IFL, &answer);
    assert_ne!(back[46..48], [0, 0]);
    let first =
        support::ipv4_packet(from, to, UDP, [0x20, 0], &[], &support::udp(53, 5000, &[0; 8]));
    let sent = firewall.send(UNTRUST_IFL, &first);
    assert_eq!(sent, Sent::Dropped(DropReason::Untranslatable), "half of it is elsewhere");
}

#[test]
fn ipv4_options_end_here_and_the_size_decides_about_later_fragments() {
    let mut firewall = Firewall::new(nat64());
    let big = |length| {
        let data = vec![7; length];
        support::ip_packet(CLIENT, SERVER, UDP, &support::udp(5000, 53, &data))
    };
    let small = firewall.forward(TRUST_IFL, &big(1232));
    assert_eq!((small.len(), small[6]), (1260, 0));
    let large = firewall.forward(TRUST_IFL, &big(1233));
    assert_eq!((large.len(), large[6]), (1261, 0x40), "don't fragment");
    let (from, to) = (Address::from(ip("198.51.100.1")), Address::from(ip("203.0.113.1")));
    let plain = udp(("198.51.100.1", 53), ("203.0.113.1", 5000));
    let answer = support::ipv4_packet(from, to, UDP, [0, 0], &[1; 8], &plain[20..]);
    let back = firewall.forward(UNTRUST_IFL, &answer);
    assert_eq!((back.len(), back[6]), (plain.len() + 20, UDP));
}

#[test]
fn network_prefixes_are_translated_both_ways_without_touching_the_payload() {
    let mut world = world();
    world.nat.statics.push(StaticRule {
        id: NatRuleId(1),
        from: NatContext { zones: [UNTRUST].into_iter().collect(), ..NatContext::default() },
        source: AddressMatch::any(),
        outside: AddressRange::prefix(ip("2001:db8:ffff::"), 48).expect("a prefix"),
        inside: AddressRange::prefix(ip("2001:db8:1::"), 48).expect("a prefix"),
        outside_ports: None,
        inside_ports: None,
        kind: StaticKind::Nptv6,
    });
    let mut firewall = Firewall::new(world);
    let request = udp((CLIENT, 5000), ("2001:db8:2::9", 53));
    let out = firewall.forward(TRUST_IFL, &request);
    let public = tuple6(&out).0;
    assert!(public.to_string().starts_with("2001:db8:ffff:"), "{public}");
    assert_eq!(out[40..], request[40..], "the checksum too");
    let answer = udp(("2001:db8:2::9", 53), (&public.to_string(), 5000));
    let back = firewall.forward(UNTRUST_IFL, &answer);
    assert_eq!(tuple6(&back), (ip("2001:db8:2::9"), 53, ip(CLIENT), 5000));
    assert_eq!(back[40..], answer[40..]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// What a server answers is what its client reads, whatever they say; no two sessions leave
    /// with one tuple.
    #[test]
    fn translations_are_a_bijection_and_replies_come_back_exactly(
        flows in proptest::collection::vec(
            (any::<bool>(), 0u8..4, 1u16..=u16::MAX, 0u8..3, any::<[u8; 7]>()), 1..40),
    ) {
        let mut firewall = Firewall::new(nat64());
        let mut seen = std::collections::HashMap::new();
        for (v6, client, port, server, data) in flows {
            let v4_server = format!("198.51.100.{server}");
            let (from, to) = match v6 {
                true => (format!("2001:db8:1::a{client:x}"), format!("64:ff9b::{v4_server}")),
                false => (format!("10.0.0.{}", 10 + client), v4_server.clone()),
            };
            let request = support::ip_packet(&from, &to, UDP, &support::udp(port, 53, &data));
            let out = firewall.forward(TRUST_IFL, &request);
            let (public, public_port, _, _) = tuple(&out);
            prop_assert_eq!(&out[28..], &data[..]);
            let flow = (from.clone(), port, to.clone());
            let before = seen.insert((public, public_port, v4_server.clone()), flow.clone());
            prop_assert!(before.is_none_or(|before| before == flow));
            let answer = support::ip_packet(
                &v4_server, &public.to_string(), UDP, &support::udp(53, public_port, &data));
            let back = firewall.forward(UNTRUST_IFL, &answer);
            let expected = support::ip_packet(&to, &from, UDP, &support::udp(53, port, &data));
            let start = if v6 { 8 } else { 12 };
            prop_assert_eq!(&back[start..], &expected[start..]);
        }
    }

    #[test]
    fn an_embedded_address_comes_out_again(
        prefix in any::<[u8; 16]>(),
        v4 in any::<[u8; 4]>(),
        length in prop::sample::select(embed::LENGTHS.to_vec()),
    ) {
        let v4 = Address::v4(v4);
        prop_assert_eq!(embed::extract(embed::embed(Address(prefix), length, v4), length), v4);
    }
}
