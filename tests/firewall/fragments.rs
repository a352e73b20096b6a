//! Fragments: later ones go the way of the first, translated like it and dropped like it; what
//! breaks a rule of reassembly is dropped under its own reason (fault 56).

use weir::generate::{Packet, checksum};

use super::{expect, run, transmitted};

const CLIENT: [u8; 4] = [10, 1, 1, 10];
const PEER: [u8; 4] = [198, 51, 100, 7];
const PUBLIC: [u8; 4] = [203, 0, 113, 2];

/// 4,000 bytes of UDP from the client to the peer: 3 fragments of 1,480 bytes.
fn datagram(identification: u32) -> Vec<Vec<u8>> {
    let packet = Packet::ipv4(CLIENT, PEER).identification(identification);
    packet.udp(40_000, 4500).payload_len(4000).fragments(1480)
}

/// One frame a millisecond.
fn at_once(frames: impl IntoIterator<Item = Vec<u8>>) -> Vec<(u64, Vec<u8>)> {
    (0..).zip(frames).collect()
}

/// Puts the fragments of an IPv4 datagram together and checks its UDP checksum; source,
/// destination and ports.
fn reassembled(packets: &[Vec<u8>]) -> ([u8; 4], [u8; 4], [u8; 4]) {
    let mut payload = Vec::new();
    for packet in packets {
        assert_eq!(checksum(&[&packet[..20]]), 0, "header checksum");
        assert_eq!(usize::from(packet[6] & 0x1f) << 8 | usize::from(packet[7]), payload.len() / 8);
        assert_eq!(packet[12..20], packets[0][12..20], "one pair of addresses");
        payload.extend_from_slice(&packet[20..]);
    }
    let length = u16::try_from(payload.len()).expect("short").to_be_bytes();
    let pseudo = [&packets[0][12..20], &[0, 17], &length, &payload];
    assert_eq!(checksum(&pseudo), 0, "the checksum of the whole datagram");
    let four = |bytes: &[u8]| *bytes.first_chunk().expect("four bytes");
    (four(&packets[0][12..]), four(&packets[0][16..]), four(&payload))
}

#[test]
fn later_fragments_are_translated_like_the_first() {
    let output = run("", &at_once(datagram(1)));
    expect(&output, &[("forwarded", 3)]);
    let (source, destination, ports) = reassembled(&transmitted(&output));
    assert_eq!((source, destination), (PUBLIC, PEER));
    assert_eq!(ports[2..], 4500u16.to_be_bytes());
    // All three count for the session: 4,008 bytes of UDP and three headers.
    assert!(output.log.contains("packets-from-client=\"3\" bytes-from-client=\"4068\""));
}

#[test]
fn fragments_come_in_through_destination_nat_and_their_answer_goes_back() {
    let ask = Packet::ipv4(PEER, [203, 0, 113, 80]).identification(1);
    let ask = ask.udp(5000, 53).payload_len(2000).fragments(1480);
    let answer = Packet::ipv4([10, 1, 1, 80], PEER).identification(1);
    let answer = answer.udp(5353, 5000).payload_len(3000).fragments(1000);
    let output = run("", &at_once([ask, answer].concat()));
    expect(&output, &[("forwarded", 6)]);
    let sent = transmitted(&output);
    assert_eq!(reassembled(&sent[..2]), (PEER, [10, 1, 1, 80], [0x13, 0x88, 0x14, 0xe9]));
    assert_eq!(reassembled(&sent[2..]), ([203, 0, 113, 80], PEER, [0, 53, 0x13, 0x88]));
}

#[test]
fn a_later_fragment_before_the_first_is_dropped() {
    let mut reversed = datagram(1);
    reversed.reverse();
    let output = run("", &at_once(reversed));
    expect(&output, &[("forwarded", 1), ("fragment_before_first", 2)]);
    // After the first, any order will do.
    let [first, middle, last] = <[Vec<u8>; 3]>::try_from(datagram(2)).expect("three");
    expect(&run("", &at_once([first, last, middle])), &[("forwarded", 3)]);
}

#[test]
fn fragments_of_what_is_denied_are_denied() {
    let to = |more: &str| {
        let output = run(more, &at_once(datagram(1)));
        let lines = output.log.lines().filter(|line| line.contains("RT_FLOW_SESSION_DENY"));
        (lines.count(), transmitted(&output).len(), output)
    };
    let policy = "set security policies from-zone trust to-zone untrust policy";
    let no = "match source-address any destination-address any application any";
    let deny =
        format!("{policy} no {no}\n{policy} no then deny\n{policy} no then log session-init\n");
    let deny = format!("{} out\n{deny}", policy.replacen("set", "delete", 1));
    let (lines, sent, output) = to(&deny);
    expect(&output, &[("policy_deny", 3)]);
    assert_eq!((lines, sent), (1, 0), "{}", output.log);
    let (lines, sent, output) = to(&deny.replace("then deny", "then reject"));
    expect(&output, &[("policy_reject", 3)]);
    assert_eq!((lines, sent), (1, 1), "the first one is answered: {}", output.log);
}

#[test]
fn fragments_to_the_firewall_itself_go_where_the_first_went() {
    let ping = Packet::ipv4(CLIENT, [10, 1, 1, 1]).identification(9);
    let ping = at_once(ping.echo_request(1, 1).payload_len(3000).fragments(1480));
    let allow = "set security zones security-zone trust host-inbound-traffic system-services ping";
    expect(&run(allow, &ping), &[("to_host", 3)]);
    expect(&run("", &ping), &[("host_inbound", 3)]);
}

#[test]
fn fragments_of_what_a_screen_dropped_are_dropped_by_it_once() {
    let screens = "set security screen ids-option s tcp syn-frag
        set security zones security-zone trust screen s";
    let syn = Packet::ipv4(CLIENT, PEER).identification(3).tcp(40_001, 80).syn().payload_len(100);
    let output = run(screens, &at_once(syn.fragments(64)));
    expect(&output, &[("screen", 2)]);
    assert_eq!(output.log.lines().filter(|line| line.contains("SYN fragment!")).count(), 1);
}

#[test]
fn overlapping_fragments_are_a_tear_drop() {
    let part = |offset, more, length| {
        let part = Packet::ipv4(CLIENT, PEER).identification(4).fragment(offset, more);
        part.protocol(17).payload_len(length).build()
    };
    let first = Packet::ipv4(CLIENT, PEER).identification(4).fragment(0, true);
    let first = first.udp(40_000, 53).payload_len(24).build();
    let beside = [first.clone(), part(32, true, 8), part(40, false, 4)];
    let overlapping = [first, part(24, true, 16), part(40, false, 4)];
    let screens = "set security screen ids-option s ip tear-drop
        set security zones security-zone trust screen s\n";
    let alarm = format!("{screens}set security screen ids-option s alarm-without-drop");
    for (config, reasons) in [
        (screens, [("forwarded", 1), ("screen", 1), ("fragment_overlap", 1)].as_slice()),
        ("", &[("forwarded", 1), ("fragment_overlap", 2)]),
        // An alarm lets nothing through that cannot be put together.
        (&alarm, &[("forwarded", 1), ("fragment_overlap", 2)]),
    ] {
        let output = run(config, &at_once(overlapping.clone()));
        expect(&output, reasons);
        let alarms = output.log.lines().filter(|line| line.contains("Tear drop attack!")).count();
        assert_eq!(alarms, usize::from(!config.is_empty()));
        expect(&run(config, &at_once(beside.clone())), &[("forwarded", 3)]);
    }
}

#[test]
fn duplicates_tiny_firsts_and_ends_beyond_the_packet_are_dropped() {
    let all = datagram(5);
    let output = run("", &at_once([&all[..2], &all[1..2], &all[..1], &all[2..]].concat()));
    expect(&output, &[("forwarded", 3), ("fragment_duplicate", 2)]);
    let tiny = Packet::ipv4(CLIENT, PEER).identification(6).tcp(1, 80).syn().payload_len(32);
    let output = run("", &at_once(tiny.fragments(16)));
    expect(&output, &[("fragment_tiny", 1), ("fragment_before_first", 3)]);
    let far = Packet::ipv4(CLIENT, PEER).identification(5).fragment(65_512, false);
    let fits = far.clone().protocol(17).payload_len(3).build();
    let beyond = far.protocol(17).payload_len(4).build();
    expect(&run("", &at_once([all[0].clone(), fits])), &[("forwarded", 2)]);
    expect(&run("", &at_once([all[0].clone(), beyond])), &[("forwarded", 1), ("bad_fragment", 1)]);
}

#[test]
fn a_flood_of_first_fragments_pushes_out_the_oldest() {
    let first = |id: u32| {
        let first = Packet::ipv4(CLIENT, PEER).identification(id).fragment(0, true);
        first.udp(40_000, 53).payload_len(24).build()
    };
    let last = |id: u32| {
        let last = Packet::ipv4(CLIENT, PEER).identification(id).fragment(32, false);
        last.protocol(17).payload_len(8).build()
    };
    let flood = |count: u32| (1..=count).map(|id| (0, first(id)));
    let mut fits: Vec<_> = flood(4096).collect();
    fits.extend([(1, last(1)), (1, last(4096))]);
    expect(&run("", &fits), &[("forwarded", 4098)]);
    let mut overflows: Vec<_> = flood(4097).collect();
    overflows.extend([(1, last(1)), (1, last(2))]);
    let output = run("", &overflows);
    expect(&output, &[("forwarded", 4098), ("fragment_before_first", 1)]);
    let counts = [("completed", 1), ("evicted", 1), ("open", 4095), ("opened", 4097)];
    assert_eq!(output.ledger.fragments, counts.into_iter().collect());
}

#[test]
fn a_first_fragment_is_remembered_for_thirty_seconds() {
    let all = datagram(7);
    let frames = [(0, all[0].clone()), (29_999, all[1].clone()), (30_000, all[2].clone())];
    let output = run("", &frames);
    expect(&output, &[("forwarded", 2), ("fragment_before_first", 1)]);
}

#[test]
fn ipv6_fragments_pass_and_an_atomic_one_is_a_packet() {
    let (client, peer) = (0x2001_0db8_0001_0000_0000_0000_0000_0010u128, [0x20, 1, 0xd, 0xb8]);
    let mut far = [0; 16];
    far[..4].copy_from_slice(&peer);
    far[15] = 9;
    let packet = || Packet::ipv6(std::net::Ipv6Addr::from(client), far);
    let mut frames = packet().identification(8).udp(40_000, 53).payload_len(3000).fragments(1400);
    let atomic = packet().identification(8).fragment(0, false).udp(40_000, 53).payload_len(40);
    frames.insert(1, atomic.build());
    expect(&run("", &at_once(frames.clone())), &[("forwarded", 4)]);
    // RFC 5722: one overlap, and nothing of the datagram passes any more.
    let overlap = packet().identification(8).fragment(1392, true).protocol(17).payload_len(16);
    frames.insert(2, overlap.build());
    expect(&run("", &at_once(frames)), &[("forwarded", 2), ("fragment_overlap", 3)]);
}
