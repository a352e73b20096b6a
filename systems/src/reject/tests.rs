//! Answers to the byte, what is never answered, and the limiter.

use components::ids::IfIndex;
use proptest::prelude::*;
use toml::Spanned;

use super::*;
use crate::checksum::{fold, ones_complement_sum, pseudo_header_sum};
use crate::counters::AnswerCounts;
use crate::parse::Parse;
use crate::schedule::settings::ParseSettings;
use crate::test_support::*;

const RESET: RejectWith = RejectWith::TcpReset;

fn limited_to(per_second: u32, burst: u32) -> Reject {
    Reject::new(&RejectSettings {
        answers_per_second: Spanned::new(0..0, per_second),
        answers_burst: Spanned::new(0..0, burst),
    })
}

/// The answers to frames that are all rejected, `rows_max` frames a batch.
fn run(
    frames: &[Vec<u8>],
    with: RejectWith,
    mut reject: Reject,
    rows_max: usize,
) -> (Vec<Vec<u8>>, AnswerCounts) {
    let world = world();
    let mut shard = shard(&world);
    let mut start = 0;
    for frames in frames.chunks(rows_max) {
        with_batch(frames, LinkType::Ethernet, IfIndex::NONE, |batch| {
            for (row, clock_ns) in batch.columns.clock_ns.iter_mut().enumerate() {
                *clock_ns = 1_000_000_000 + 1_000_000 * (start + row as u64);
            }
            Parse::new(&ParseSettings::default()).run(batch, &mut shard, &world);
            // In two runs, as a filter and a policy would add them.
            for parity in [1, 0] {
                for row in (0..frames.len()).filter(|row| row % 2 == parity) {
                    shard.reject(u16::try_from(row).expect("few rows"), with);
                }
            }
            let answered = shard.answers.packets.len();
            reject.run(batch, &mut shard, &world);
            assert!(shard.rejects.is_empty());
            for answer in &shard.answers.packets[answered..] {
                assert_eq!(answer.egress, batch.columns.ingress[usize::from(answer.row)]);
            }
        });
        start += frames.len() as u64;
    }
    let bytes = &shard.answers.bytes;
    let packets = shard.answers.packets.iter().map(|answer| {
        let start = answer.offset as usize;
        bytes[start..start + answer.length as usize].to_vec()
    });
    (packets.collect(), shard.counters.answers)
}

fn answer(frame: Vec<u8>, with: RejectWith) -> Option<Vec<u8>> {
    let (mut packets, counts) = run(&[frame], with, limited_to(1000, 1000), 64);
    let sent = u64::from(!packets.is_empty());
    let expected = AnswerCounts { sent, unanswerable: 1 - sent, ..AnswerCounts::default() };
    assert_eq!(counts, expected);
    packets.pop()
}

#[test]
fn resets_a_syn_by_acknowledging_it() {
    let syn = frame("10.0.0.5", "8.8.8.8", 6, &tcp(40_000, 443, 2, &[]));
    let expected = [
        0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0x20, 0xbc, 8, 8, 8, 8, 10, 0, 0, 5, // IPv4
        0x01, 0xbb, 0x9c, 0x40, 0, 0, 0, 0, 0, 0, 0x03, 0xe9, // ports, 0, 1001
        0x50, 0x14, 0, 0, 0xf3, 0xd7, 0, 0, // RST, ACK
    ];
    assert_eq!(answer(syn, RESET).expect("an answer"), expected);
}

#[test]
fn resets_what_acknowledges_with_its_own_number() {
    let mut ack = tcp(40_000, 443, 0x18, b"data");
    ack[8..12].copy_from_slice(&2000u32.to_be_bytes());
    let ack = frame("2001:db8:1::5", "2001:db8:9::9", 6, &ack);
    let packet = answer(ack, RESET).expect("an answer");
    assert_eq!(packet[..8], [0x60, 0, 0, 0, 0, 20, 6, 64]);
    assert_eq!(packet[8..24], ip("2001:db8:9::9").0);
    assert_eq!(packet[24..40], ip("2001:db8:1::5").0);
    assert_eq!(packet[44..54], [0, 0, 0x07, 0xd0, 0, 0, 0, 0, 0x50, 4], "sequence 2000, RST");
    let pseudo = pseudo_header_sum(Family::Inet6, ip("2001:db8:9::9"), ip("2001:db8:1::5"), 6, 20);
    assert_eq!(fold(ones_complement_sum(&packet[40..], pseudo)), 0xffff);
}

#[test]
fn counts_data_and_fin_of_what_does_not_acknowledge() {
    let fin = frame("10.0.0.5", "8.8.8.8", 6, &tcp(40_000, 443, 1, b"data"));
    let packet = answer(fin, RESET).expect("an answer");
    assert_eq!(packet[28..32], 1006u32.to_be_bytes());
}

#[test]
fn answers_udp_with_administratively_prohibited_from_the_ingress_interface() {
    let frame = frame("10.0.0.5", "8.8.8.8", 17, &udp(1025, 53, b"query"));
    let packet = answer(frame.clone(), RESET).expect("an answer");
    assert_eq!(packet[..10], [0x45, 0xc0, 0, 61, 0, 0, 0x40, 0, 64, 1]);
    assert_eq!(packet[12..20], [10, 0, 0, 1, 10, 0, 0, 5]);
    assert_eq!(packet[20..22], [3, 13]);
    assert_eq!(packet[24..28], [0; 4]);
    assert_eq!(packet[28..], frame[14..], "the quote");
    assert_eq!(fold(ones_complement_sum(&packet[..20], 0)), 0xffff);
    assert_eq!(fold(ones_complement_sum(&packet[20..], 0)), 0xffff);
    let named = answer(frame, RejectWith::Unreachable(10)).expect("an answer");
    assert_eq!(named[20..22], [3, 10]);
}

#[test]
fn answers_ipv6_with_codes_of_its_own() {
    let frame = frame("2001:db8:1::5", "2001:db8:9::9", 17, &udp(1025, 53, b"query"));
    let packet = answer(frame.clone(), RESET).expect("an answer");
    assert_eq!(packet[..8], [0x6c, 0, 0, 0, 0, 61, 58, 64]);
    assert_eq!(packet[8..24], ip("2001:db8:1::1").0);
    assert_eq!(packet[40..42], [1, 1]);
    assert_eq!(packet[48..], frame[14..]);
    let pseudo = pseudo_header_sum(Family::Inet6, ip("2001:db8:1::1"), ip("2001:db8:1::5"), 58, 61);
    assert_eq!(fold(ones_complement_sum(&packet[40..], pseudo)), 0xffff);
    for (code, code_v6) in [(0, 0), (1, 3), (3, 4), (9, 1), (13, 1)] {
        let packet = answer(frame.clone(), RejectWith::Unreachable(code)).expect("an answer");
        assert_eq!(packet[41], code_v6, "{code}");
    }
}

#[test]
fn quotes_as_much_as_fits() {
    let long = vec![7; 1400];
    let v4 = frame("10.0.0.5", "8.8.8.8", 17, &udp(1025, 53, &long));
    let packet = answer(v4.clone(), RESET).expect("an answer");
    assert_eq!(packet.len(), 576);
    assert_eq!(packet[28..], v4[14..14 + 548]);
    let v6 = frame("2001:db8:1::5", "2001:db8:9::9", 17, &udp(1025, 53, &long));
    assert_eq!(answer(v6, RESET).expect("an answer").len(), 1280);
    let mut padded = frame("10.0.0.5", "8.8.8.8", 17, &udp(1025, 53, &[]));
    padded.extend([0; 18]);
    assert_eq!(answer(padded, RESET).expect("an answer").len(), 28 + 28, "padding is not quoted");
}

#[test]
fn does_not_answer_what_must_not_be_answered() {
    let udp = udp(1025, 53, &[0; 8]);
    let fragment = ipv4_packet(ip("10.0.0.5"), ip("8.8.8.8"), 17, [0, 5], &[], &udp);
    let mut link_broadcast = frame("10.0.0.5", "8.8.8.8", 17, &udp);
    link_broadcast[..6].fill(0xff);
    for (name, frame) in [
        ("RST", frame("10.0.0.5", "8.8.8.8", 6, &tcp(1, 2, 0x14, &[]))),
        ("ICMP error", frame("10.0.0.5", "8.8.8.8", 1, &icmp(3, 3, [0; 4], &[0; 28]))),
        ("redirect", frame("10.0.0.5", "8.8.8.8", 1, &icmp(5, 1, [0; 4], &[0; 28]))),
        ("ICMPv6 error", frame("2001:db8:1::5", "2001:db8:9::9", 58, &icmp(1, 0, [0; 4], &[]))),
        ("later fragment", ethernet(0x0800, &fragment)),
        ("multicast", frame("10.0.0.5", "239.0.0.1", 17, &udp)),
        ("broadcast", frame("10.0.0.5", "255.255.255.255", 17, &udp)),
        ("directed broadcast", frame("10.0.0.5", "10.0.0.255", 17, &udp)),
        ("IPv6 multicast", frame("2001:db8:1::5", "ff02::1", 17, &udp)),
        ("link-layer broadcast", link_broadcast),
    ] {
        assert_eq!(answer(frame.clone(), RESET), None, "{name}");
        assert_eq!(answer(frame, RejectWith::Unreachable(13)), None, "{name}");
    }
    let echo = frame("10.0.0.5", "8.8.8.8", 1, &icmp(8, 0, [0; 4], &[]));
    assert!(answer(echo, RESET).is_some(), "a query is answered");
}

#[test]
fn limits_answers_by_packet_time_in_row_order() {
    // A frame a millisecond; a hundred answers a second after five at once.
    let frames: Vec<_> =
        (0..64).map(|port| frame("10.0.0.5", "8.8.8.8", 17, &udp(port, 53, &[]))).collect();
    let (packets, counts) = run(&frames, RESET, limited_to(100, 5), 64);
    let ports: Vec<u16> =
        packets.iter().map(|packet| u16::from_be_bytes([packet[48], packet[49]])).collect();
    assert_eq!(ports, [0, 1, 2, 3, 4, 10, 20, 30, 40, 50, 60]);
    let expected = AnswerCounts { sent: 11, limited: 53, ..AnswerCounts::default() };
    assert_eq!(counts, expected);
    for rows_max in [1, 7] {
        let again = run(&frames, RESET, limited_to(100, 5), rows_max);
        assert_eq!(again, (packets.clone(), counts), "{rows_max} rows a batch");
    }
    assert_eq!(run(&frames, RESET, limited_to(0, 5), 64).1.sent, 0);
}

proptest! {
    #[test]
    fn every_answer_has_right_checksums_and_lengths(
        data in prop::collection::vec(any::<u8>(), 0..1400),
        flags in any::<u8>(),
        six in any::<bool>(),
        protocol in prop::sample::select(vec![1, 6, 17, 47, 58, 132]),
        with in prop::sample::select(vec![RESET, RejectWith::Unreachable(1)]),
    ) {
        let (from, to) = match six {
            true => ("2001:db8:1::5", "2001:db8:9::9"),
            false => ("10.0.0.5", "8.8.8.8"),
        };
        let payload = match protocol {
            6 => tcp(1, 2, flags, &data),
            17 => udp(1, 2, &data),
            _ => data,
        };
        let rejected = frame(from, to, protocol, &payload);
        let (packets, _) = run(&[rejected], with, limited_to(1, 1), 64);
        for packet in packets {
            let length = |at: usize| usize::from(u16::from_be_bytes([packet[at], packet[at + 1]]));
            let (l4, l4_protocol, pseudo) = match six {
                false => {
                    prop_assert_eq!(length(2), packet.len());
                    prop_assert_eq!(fold(ones_complement_sum(&packet[..20], 0)), 0xffff);
                    (&packet[20..], packet[9], ones_complement_sum(&packet[12..20], 0))
                }
                true => {
                    prop_assert_eq!(length(4) + 40, packet.len());
                    (&packet[40..], packet[6], ones_complement_sum(&packet[8..40], 0))
                }
            };
            let words = u32::from(l4_protocol) + u32::try_from(l4.len()).expect("short");
            let pseudo = if l4_protocol == 1 { 0 } else { u32::from(fold(pseudo)) + words };
            prop_assert_eq!(fold(ones_complement_sum(l4, pseudo)), 0xffff);
        }
    }
}
