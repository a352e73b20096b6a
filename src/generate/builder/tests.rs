//! Literal bytes from RFCs and from hand, and checksums recomputed over the finished packet.

use super::{
    Packet, arp_reply, arp_request, checksum, neighbor_advertisement, neighbor_solicitation,
};

const CLIENT: [u8; 4] = [10, 1, 1, 10];
const SERVER: [u8; 4] = [192, 0, 2, 80];
const CLIENT6: [u16; 8] = [0x2001, 0xdb8, 1, 0, 0, 0, 0, 0x10];
const SERVER6: [u16; 8] = [0x2001, 0xdb8, 0xcafe, 0, 0, 0, 0, 0x80];

/// Sum of a whole packet's layer with its pseudo-header; 0 when the checksum is right.
fn layer_sum(packet: &[u8], header_len: usize, protocol: u8) -> u16 {
    let segment = &packet[header_len..];
    let addresses = match packet[0] >> 4 {
        4 => &packet[12..20],
        _ => &packet[8..40],
    };
    let len = u32::try_from(segment.len()).expect("short test packet");
    let tail = [&len.to_be_bytes()[..], &[0, 0, 0, protocol]].concat();
    checksum(&[addresses, &tail, segment])
}

#[test]
fn ipv4_header_has_the_checksum_of_the_textbook() {
    let packet = Packet::ipv4([192, 168, 0, 1], [192, 168, 0, 199])
        .protocol(17)
        .dont_fragment()
        .payload_len(95)
        .build_ip();
    let expected = [
        0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11, 0xb8, 0x61, 0xc0, 0xa8, 0x00,
        0x01, 0xc0, 0xa8, 0x00, 0xc7,
    ];
    assert_eq!(packet[..20], expected);
    assert_eq!(packet.len(), 115);
}

#[test]
fn a_syn_is_these_bytes() {
    let frame = Packet::ipv4(CLIENT, SERVER)
        .macs([2, 0, 0, 0, 1, 10], [2, 0, 0, 0, 1, 1])
        .vlan(100)
        .ttl(63)
        .identification(0x1_1234)
        .tcp(50_000, 443)
        .syn()
        .seq(0x0102_0304)
        .mss(1460)
        .build();
    #[rustfmt::skip]
    let expected = [
        2, 0, 0, 0, 1, 1, 2, 0, 0, 0, 1, 10, 0x81, 0x00, 0, 100, 0x08, 0x00, // Ethernet, VLAN 100
        0x45, 0, 0, 44, 0x12, 0x34, 0, 0, 63, 6, 0x9c, 0x3d, 10, 1, 1, 10, 192, 0, 2, 80, // IPv4
        0xc3, 0x50, 0x01, 0xbb, 1, 2, 3, 4, 0, 0, 0, 0, // ports, sequence, acknowledgment
        0x60, 0x02, 0xfa, 0xf0, 0x06, 0xc9, 0, 0, 2, 4, 0x05, 0xb4, // SYN, window, MSS
    ];
    assert_eq!(frame, expected);
}

#[test]
fn checksums_sum_to_zero_over_the_finished_packet() {
    for payload in [&b""[..], b"x", b"odd", b"even"] {
        let tcp = |packet: Packet| packet.tcp(1, 2).psh().ack(9).payload(payload).build_ip();
        let udp = |packet: Packet| packet.udp(1, 2).payload(payload).build_ip();
        let four = || Packet::ipv4(CLIENT, SERVER);
        let six = || Packet::ipv6(CLIENT6, SERVER6);
        assert_eq!(layer_sum(&tcp(four()), 20, 6), 0);
        assert_eq!(layer_sum(&udp(four()), 20, 17), 0);
        assert_eq!(layer_sum(&tcp(six()), 40, 6), 0);
        assert_eq!(layer_sum(&udp(six()), 40, 17), 0);
        let echo = six().echo_request(7, 1).payload(payload).build_ip();
        assert_eq!(layer_sum(&echo, 40, 58), 0);
        let echo = four().echo_request(7, 1).payload(payload).build_ip();
        assert_eq!(checksum(&[&echo[20..]]), 0);
        assert_eq!(checksum(&[&echo[..20]]), 0);
    }
}

#[test]
fn a_zero_udp_checksum_is_sent_as_all_ones() {
    // Sum without payload is whatever it is; the payload completes it to 0xffff.
    let bare = Packet::ipv4(CLIENT, SERVER).udp(1, 2).payload(&[0, 0]);
    let bytes = bare.build_ip();
    let completing = [bytes[26], bytes[27]];
    let packet = bare.payload(&completing).build_ip();
    assert_eq!(packet[26..28], [0xff, 0xff]);
    let none = Packet::ipv4(CLIENT, SERVER).udp(1, 2).no_checksum();
    assert_eq!(none.build_ip()[26..28], [0, 0]);
}

#[test]
fn options_are_padded_and_counted() {
    let packet =
        Packet::ipv4(CLIENT, SERVER).option(&[131, 7, 4, 192, 0, 2, 1]).udp(1, 2).build_ip();
    assert_eq!(packet[0], 0x47);
    assert_eq!(packet[3], 28 + 8);
    assert_eq!(packet[20..28], [131, 7, 4, 192, 0, 2, 1, 0]);
    assert_eq!(checksum(&[&packet[..28]]), 0);
}

#[test]
fn extension_headers_chain_in_the_order_given() {
    let packet = Packet::ipv6(CLIENT6, SERVER6)
        .hop_by_hop(&[5, 2, 0, 0])
        .destination_options(&[])
        .fragment(0, true)
        .identification(0xdead_beef)
        .udp(1, 2)
        .build_ip();
    #[rustfmt::skip]
    let expected = [
        60, 0, 5, 2, 0, 0, 1, 0, // hop-by-hop: router alert, PadN
        44, 0, 1, 4, 0, 0, 0, 0, // destination options: PadN
        17, 0, 0, 1, 0xde, 0xad, 0xbe, 0xef, // first fragment
    ];
    assert_eq!(packet[6], 0, "hop-by-hop comes first");
    assert_eq!(packet[4..6], [0, 32]);
    assert_eq!(packet[40..64], expected);
    assert_eq!(layer_sum(&packet, 64, 17), 0);
    // One byte of padding is Pad1, none is nothing.
    let padded = |options: &[u8]| {
        let packet = Packet::ipv6(CLIENT6, SERVER6);
        packet.destination_options(options).build_ip()[41..48].to_vec()
    };
    assert_eq!(padded(&[1, 3, 0, 0, 0]), [0, 1, 3, 0, 0, 0, 0]);
    assert_eq!(padded(&[1, 4, 0, 0, 0, 0]), [0, 1, 4, 0, 0, 0, 0]);
}

#[test]
fn fragments_put_together_are_the_packet() {
    let four = Packet::ipv4(CLIENT, SERVER).identification(7);
    let four = four.udp(1, 2).payload_len(3_000);
    let six = Packet::ipv6(CLIENT6, SERVER6).identification(7);
    let six = six.udp(1, 2).payload_len(3_000);
    for (whole, frames, header_len, fixed) in [
        (four.build_ip(), four.fragments(1_480), 20, 20),
        (six.build_ip(), six.fragments(1_448), 48, 40),
    ] {
        assert_eq!(frames.len(), 3);
        let mut together = Vec::new();
        for (at, frame) in frames.iter().enumerate() {
            let packet = &frame[14..];
            let word = match packet[0] >> 4 {
                4 => u16::from_be_bytes([packet[6], packet[7]]),
                _ => u16::from_be_bytes([packet[42], packet[43]]),
            };
            let (offset, more) = match packet[0] >> 4 {
                4 => ((word & 0x1fff) * 8, word & 0x2000 != 0),
                _ => (word & !7, word & 1 != 0),
            };
            assert_eq!(usize::from(offset), together.len());
            assert_eq!(more, at < 2);
            together.extend_from_slice(&packet[header_len..]);
        }
        assert_eq!(together, whole[fixed..]);
    }
}

#[test]
fn lengths_can_lie() {
    let packet = Packet::ipv4(CLIENT, SERVER).claimed_len(1_500);
    let packet = packet.udp(1, 2).claimed_udp_len(7).build_ip();
    assert_eq!(packet[2..4], [0x05, 0xdc]);
    assert_eq!(packet[24..26], [0, 7]);
    assert_eq!(packet.len(), 28);
}

#[test]
fn qinq_has_two_tags() {
    let frame = Packet::ipv4(CLIENT, SERVER).service_vlan(10).vlan(20).build();
    assert_eq!(frame[12..22], [0x88, 0xa8, 0, 10, 0x81, 0, 0, 20, 0x08, 0x00]);
}

#[test]
fn neighbors_ask_and_answer() {
    let mac = [2, 0, 0, 0, 1, 10];
    let other = [2, 0, 0, 0, 1, 1];
    let request = arp_request(mac, CLIENT.into(), SERVER.into());
    assert_eq!(request[..6], [0xff; 6]);
    #[rustfmt::skip]
    let expected = [
        0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 1,
        2, 0, 0, 0, 1, 10, 10, 1, 1, 10,
        0, 0, 0, 0, 0, 0, 192, 0, 2, 80,
    ];
    assert_eq!(request[12..], expected);
    let reply = arp_reply(other, SERVER.into(), mac, CLIENT.into());
    assert_eq!((reply[21], &reply[..6]), (2, &mac[..]));

    let ask = neighbor_solicitation(mac, CLIENT6.into(), SERVER6.into());
    assert_eq!(ask[..6], [0x33, 0x33, 0xff, 0, 0, 0x80]);
    assert_eq!(ask[14 + 24..14 + 40], [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0, 0, 0x80]);
    assert_eq!((ask[21], ask[54]), (255, 135));
    assert_eq!(layer_sum(&ask[14..], 40, 58), 0);
    let answer = neighbor_advertisement(other, SERVER6.into(), mac, CLIENT6.into());
    assert_eq!((answer[54], answer[58]), (136, 0x60));
    assert_eq!(layer_sum(&answer[14..], 40, 58), 0);
}

#[test]
fn a_routing_header_with_segments_left_puts_the_final_destination_into_the_checksum() {
    let last = [0x2001, 0xdb8, 0xcafe, 0, 0, 0, 0, 0x99];
    let segment = std::net::Ipv6Addr::from(last).octets();
    for (left, end) in [(1, last), (0, SERVER6)] {
        let body = [&[2, 0, left, 0, 0, 0, 0][..], &segment].concat();
        let packet = Packet::ipv6(CLIENT6, SERVER6).extension(43, &body).udp(50_003, 53);
        let direct = Packet::ipv6(CLIENT6, end).udp(50_003, 53).payload_len(30).build_ip();
        assert_eq!(packet.payload_len(30).build_ip()[64..], direct[40..], "{left} left");
    }
}
