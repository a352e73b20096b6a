//! Every malformation has exactly its own reason, and a header that the snap length cut is not one.

use components::columns::tcp_flag;
use components::reason::Verdict;

use super::*;

/// A frame with one byte of its IPv4 header changed and the header checksum made right.
fn ipv4_with(at: usize, value: u8) -> Vec<u8> {
    let mut frame = frame("10.0.0.5", "198.51.100.7", 17, &udp(1, 2, &[0; 24]));
    frame[14 + at] = value;
    let length = (usize::from(frame[14] & 0xf) * 4).clamp(20, 40);
    frame[24..26].fill(0);
    let sum = crate::checksum::checksum(&frame[14..14 + length], 0);
    frame[24..26].copy_from_slice(&sum.to_be_bytes());
    frame
}

#[test]
fn names_what_is_wrong_with_a_link_header() {
    assert_eq!(reason(vec![]), DropReason::RuntFrame);
    assert_eq!(reason(vec![0; 13]), DropReason::RuntFrame);
    assert_eq!(reason(ethernet(0x88cc, &[0; 46])), DropReason::UnsupportedEtherType);
    assert_eq!(reason(ethernet(46, &[0; 46])), DropReason::UnsupportedEtherType);
    let tag = [0, 1, 0x81, 0, 0, 2, 0x81, 0, 0, 3, 0x08, 0];
    assert_eq!(reason(ethernet(0x8100, &tag)), DropReason::VlanStackTooDeep);
    assert_eq!(reason(ethernet(0x8100, &[0, 1])), DropReason::RuntFrame);
    let other = parse_with(&[vec![0; 60]], LinkType::Other, IfIndex::NONE, &mut lenient());
    assert_eq!(other[0].0.reason, DropReason::UnsupportedLinkType);
    let raw = parse_with(&[vec![0; 60]], LinkType::RawIp, IfIndex::NONE, &mut lenient());
    assert_eq!(raw[0].0.reason, DropReason::BadIpVersion);
}

#[test]
fn names_what_is_wrong_with_an_ipv4_header() {
    assert_eq!(reason(ethernet(0x0800, &[0x45; 19])), DropReason::RuntFrame);
    assert_eq!(reason(ipv4_with(0, 0x65)), DropReason::BadIpVersion);
    assert_eq!(reason(ipv4_with(0, 0x44)), DropReason::BadIpv4HeaderLength);
    assert_eq!(reason(ipv4_with(0, 0x4f)), DropReason::BadIpv4HeaderLength);
    assert_eq!(reason(ipv4_with(3, 19)), DropReason::BadIpv4TotalLength);
    assert_eq!(reason(ipv4_with(3, 53)), DropReason::Ipv4LengthBeyondFrame);
    assert_eq!(reason(ipv4_with(3, 27)), DropReason::TruncatedL4);
    assert_eq!(reason(ipv4_with(3, 51)), DropReason::BadUdpLength);
    let mut sum = TAGGED_SYN.to_vec();
    sum[33] ^= 1;
    assert_eq!(reason(sum), DropReason::Ipv4HeaderChecksum);
}

#[test]
fn names_what_is_wrong_with_a_transport_header() {
    let to = |protocol, payload: &[u8]| frame("10.0.0.5", "8.8.8.8", protocol, payload);
    let mut short = tcp(1, 2, 2, &[]);
    short[12] = 0x40;
    assert_eq!(reason(to(6, &short)), DropReason::BadTcpDataOffset);
    short[12] = 0x60;
    assert_eq!(reason(to(6, &short)), DropReason::BadTcpDataOffset);
    assert_eq!(reason(to(6, &short[..19])), DropReason::TruncatedL4);
    assert_eq!(reason(to(1, &[8, 0, 0, 0, 0, 1, 0])), DropReason::TruncatedL4);
    assert_eq!(reason(to(17, &[0, 1, 0, 2, 0, 7, 0, 0])), DropReason::BadUdpLength);
    assert_eq!(reason(to(136, &[0, 1, 0, 2, 0, 7, 0, 0])), DropReason::BadUdpLength);
    assert_eq!(reason(to(136, &[0, 1, 0, 2, 0, 9, 0, 0])), DropReason::BadUdpLength);
    assert_eq!(reason(to(50, &[0; 7])), DropReason::TruncatedL4);
}

#[test]
fn names_what_is_wrong_with_an_ipv6_packet() {
    assert_eq!(reason(ethernet(0x86dd, &[0x60; 39])), DropReason::RuntFrame);
    assert_eq!(reason(ethernet(0x86dd, &[0x40; 40])), DropReason::BadIpVersion);
    let mut beyond = v6(17, &udp(1, 2, &[]));
    beyond[19] += 1;
    assert_eq!(reason(beyond), DropReason::Ipv6LengthBeyondFrame);
    let mut jumbo = v6(0, &[17, 0, 0xc2, 4, 0, 1, 0, 0]);
    jumbo[18..20].fill(0);
    assert_eq!(reason(jumbo), DropReason::Ipv6Jumbogram);
    assert_eq!(reason(v6(17, &[])), DropReason::TruncatedL4);
    assert_eq!(reason(v6(60, &[17, 1, 1, 4, 0, 0, 0, 0])), DropReason::TruncatedExtensionHeader);
    assert_eq!(reason(v6(60, &[])), DropReason::TruncatedExtensionHeader);
    let nine = [60, 0, 1, 4, 0, 0, 0, 0].repeat(9);
    assert_eq!(reason(v6(60, &nine)), DropReason::ExtensionChainTooLong);
}

#[test]
fn tells_a_snapped_header_from_a_missing_one() {
    let whole = [
        frame("10.0.0.5", "8.8.8.8", 6, &tcp(1, 2, tcp_flag::SYN, b"payload")),
        v6(60, &[&[6, 0, 1, 4, 0, 0, 0, 0][..], &tcp(1, 2, 16, b"payload")].concat()),
    ];
    for (frame, headers) in whole.iter().zip([54, 82]) {
        for captured in 0..frame.len() {
            let world = world();
            let verdict = with_batch(
                &[frame[..captured].to_vec()],
                LinkType::Ethernet,
                IfIndex::NONE,
                |batch| {
                    batch.columns.wire_length[0] = u32::try_from(frame.len()).expect("short");
                    lenient().run(batch, &mut shard(&world), &world);
                    (batch.live.contains(0), batch.columns.verdict[0])
                },
            );
            let snapped = Verdict::dropped(DropReason::Snapped);
            let expected =
                if captured < headers { (false, snapped) } else { (true, Verdict::default()) };
            assert_eq!(verdict, expected, "{captured} bytes");
        }
    }
}

#[test]
fn verifies_transport_checksums_only_when_asked() {
    let mut strict = strict();
    let to4 = |protocol, payload: &[u8]| frame("10.0.0.5", "8.8.8.8", protocol, payload);
    let to6 = |protocol, payload: &[u8]| frame("2001:db8:1::5", "2001:db8:9::9", protocol, payload);
    let good = [
        to4(6, &tcp(1, 2, 2, b"abc")),
        to4(17, &udp(1, 2, b"abc")),
        to4(136, &udp(1, 2, b"abc")),
        to4(1, &icmp(8, 0, [1; 4], b"abc")),
        to6(6, &tcp(1, 2, 2, b"abc")),
        to6(17, &udp(1, 2, b"abc")),
        to6(58, &icmp(128, 0, [1; 4], b"abc")),
    ];
    for frame in good {
        let mut bad = frame.clone();
        *bad.last_mut().expect("a byte") ^= 0x40;
        let rows =
            parse_with(&[frame, bad.clone()], LinkType::Ethernet, IfIndex::NONE, &mut strict);
        assert_eq!(rows[0].0, Verdict::default(), "{}", rows[0].1);
        assert_eq!(rows[1].0, Verdict::dropped(DropReason::L4Checksum), "{}", rows[1].1);
        assert_eq!(auto(bad).0, Verdict::default());
    }
    let unset = ethernet(
        0x0800,
        &ipv4_packet(ip("10.0.0.5"), ip("8.8.8.8"), 17, [0, 0], &[], &udp(1, 2, b"x")),
    );
    let rows = parse_with(
        &[unset, v6(17, &udp(1, 2, b"x"))],
        LinkType::Ethernet,
        IfIndex::NONE,
        &mut strict,
    );
    assert_eq!(rows[0].0, Verdict::default(), "IPv4 UDP may go without");
    assert_eq!(rows[1].0.reason, DropReason::L4Checksum, "IPv6 UDP may not");
}
