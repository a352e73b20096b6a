//! Malformed packets (faults 55, 57 and 58): every one has a fate, no length that lies is believed,
//! and batches change nothing. Captures are made by taking good packets apart systematically, so
//! every header byte and every length has its turn.

use weir::generate::Packet;

use super::{expect, fates, run};

const CLIENT: [u8; 4] = [10, 1, 1, 10];
const PEER: [u8; 4] = [198, 51, 100, 7];
const CLIENT6: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10];
const PEER6: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9];

/// Ethernet, then IP.
const L3: usize = 14;

/// One good packet of each shape that parse knows.
fn good() -> Vec<Vec<u8>> {
    let v4 = || Packet::ipv4(CLIENT, PEER);
    let v6 = || Packet::ipv6(CLIENT6, PEER6);
    vec![
        v4().tcp(40_000, 80).syn().mss(1460).build(),
        v4().vlan(100).udp(40_000, 53).payload_len(20).build(),
        v4().option(&[7, 7, 4, 0, 0, 0, 0, 1]).echo_request(1, 1).payload_len(8).build(),
        v4().identification(7).fragment(0, true).udp(40_001, 53).payload_len(24).build(),
        v4().identification(7).fragment(32, false).protocol(17).payload_len(9).build(),
        v6().tcp(40_000, 80).syn().build(),
        v6().hop_by_hop(&[1, 4, 0, 0, 0, 0]).destination_options(&[1, 4, 0, 0, 0, 0]).build(),
        v6().identification(8).fragment(0, true).udp(40_002, 53).payload_len(16).build(),
        v6().identification(8).fragment(24, false).protocol(17).payload_len(5).build(),
        v6().icmp(1, 4, [0; 4]).payload(&v4().udp(1, 2).build_ip()).build(),
    ]
}

/// Replays frames 100 microseconds apart; every packet is accounted for, whatever the batch size.
fn accounted(frames: impl IntoIterator<Item = Vec<u8>>) -> u64 {
    let frames: Vec<(u64, Vec<u8>)> = (0..).map(|at: u64| at / 10).zip(frames).collect();
    let output = run("", &frames);
    let decided: u64 = fates(&output).values().sum();
    assert_eq!(decided, frames.len() as u64);
    assert_eq!(output.ledger.residual, 0);
    assert!(!fates(&output).contains_key("default"), "every drop has a reason of its own");
    decided
}

#[test]
fn every_truncation_of_a_packet_has_a_fate() {
    let cut = good().into_iter().flat_map(|frame| {
        (0..frame.len()).map(move |length| frame[..length].to_vec()).collect::<Vec<_>>()
    });
    assert!(accounted(cut) > 500);
}

#[test]
fn every_header_byte_may_hold_anything() {
    let changed = good().into_iter().flat_map(|frame| {
        let values = [0, 1, 4, 5, 0x0f, 0x2c, 0x45, 0x7f, 0x80, 0xff];
        let places = (12..frame.len()).flat_map(move |at| values.map(|value| (at, value)));
        let change = move |(at, value): (usize, u8)| {
            let mut frame = frame.clone();
            frame[at] = value;
            frame
        };
        places.map(change).collect::<Vec<_>>()
    });
    assert!(accounted(changed) > 5000);
}

/// The fate of one frame after a change.
#[track_caller]
fn lie(mut frame: Vec<u8>, at: usize, bytes: &[u8], fate: &'static str) {
    frame[at..at + bytes.len()].copy_from_slice(bytes);
    expect(&run("", &[(0, frame)]), &[(fate, 1)]);
}

#[test]
fn lengths_that_lie_are_dropped_under_their_reasons() {
    let udp = || Packet::ipv4(CLIENT, PEER).udp(40_000, 53).payload_len(20).build();
    lie(udp(), L3, &[0x45], "forwarded");
    lie(udp(), L3, &[0x44], "bad_ipv4_header_length");
    lie(udp(), L3, &[0x4f], "bad_ipv4_header_length");
    lie(udp(), L3 + 2, &[0, 19], "bad_ipv4_total_length");
    lie(udp(), L3 + 2, &[0, 49], "ipv4_length_beyond_frame");
    lie(udp(), L3 + 24, &[0, 28], "forwarded");
    lie(udp(), L3 + 24, &[0, 29], "bad_udp_length");
    lie(udp(), L3 + 24, &[0, 7], "bad_udp_length");
    let tcp = || Packet::ipv4(CLIENT, PEER).tcp(40_000, 80).syn().build();
    lie(tcp(), L3 + 32, &[0x50], "forwarded");
    lie(tcp(), L3 + 32, &[0x40], "bad_tcp_data_offset");
    lie(tcp(), L3 + 32, &[0x60], "bad_tcp_data_offset");
    let six = || Packet::ipv6(CLIENT6, PEER6).udp(40_000, 53).payload_len(20).build();
    lie(six(), L3 + 4, &[0, 28], "forwarded");
    lie(six(), L3 + 4, &[0, 29], "ipv6_length_beyond_frame");
    lie(six(), L3 + 4, &[0, 7], "truncated_l4");
}

#[test]
fn ipv6_chains_end_within_their_bound() {
    let chain = |headers: usize| {
        let mut packet = Packet::ipv6(CLIENT6, PEER6);
        for _ in 0..headers {
            packet = packet.destination_options(&[1, 4, 0, 0, 0, 0]);
        }
        packet.udp(40_000, 53).payload_len(8).build()
    };
    let fate = |frame: Vec<u8>, fate| expect(&run("", &[(0, frame)]), &[(fate, 1)]);
    fate(chain(8), "forwarded");
    fate(chain(9), "extension_chain_too_long");
    fate(chain(180), "extension_chain_too_long");
    // RFC 2675: payload length 0 behind a hop-by-hop header.
    let jumbo = Packet::ipv6(CLIENT6, PEER6).hop_by_hop(&[0xc2, 4, 0, 1, 0, 0]);
    let mut jumbo = jumbo.udp(40_000, 53).payload_len(8).build();
    jumbo[L3 + 4..L3 + 6].fill(0);
    fate(jumbo, "ipv6_jumbogram");
    // A header beyond the packet, and a next header that nobody knows.
    let mut beyond = chain(1);
    beyond[L3 + 41] = 255;
    fate(beyond, "truncated_extension_header");
    let unknown = Packet::ipv6(CLIENT6, PEER6).protocol(253).payload_len(8).build();
    fate(unknown.clone(), "forwarded");
    let screen = "set security screen ids-option s ip unknown-protocol
        set security zones security-zone trust screen s";
    expect(&run(screen, &[(0, unknown)]), &[("screen", 1)]);
}
