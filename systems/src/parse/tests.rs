//! Parse, packet by packet: what stands in the columns, and which reason each malformation has.

use components::columns::{FRAGMENT_MORE, extension, ip_option};
use components::ids::IfIndex;
use components::reason::Verdict;

use super::*;
use crate::test_support::*;

mod batches;
mod fragments;
mod ingress;
mod malformed;

/// A SYN from 10.0.0.5:40000 to 198.51.100.7:443 behind two tags, with four bytes of trailer.
const TAGGED_SYN: [u8; 66] = [
    2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xa8, 0, 100, 0x81, 0, 0, 200, 0x08,
    0x00, // link
    0x45, 0x10, 0, 40, 0, 1, 0x40, 0, 64, 6, 0x06, 0x80, 10, 0, 0, 5, 198, 51, 100, 7, // IPv4
    0x9c, 0x40, 0x01, 0xbb, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0xff, 0xff, 0xab, 0xcd, 0,
    0, // TCP
    0xde, 0xad, 0xbe, 0xef, // trailer
];

fn lenient() -> Parse {
    Parse::new(&ParseSettings::default())
}

fn strict() -> Parse {
    Parse::new(&ParseSettings { verify_l4_checksums: true, ..ParseSettings::default() })
}

type Row = (Verdict, String);

/// Every parse column of every row, as text, and its verdict.
fn parse_with(frames: &[Vec<u8>], link: LinkType, bound: IfIndex, parse: &mut Parse) -> Vec<Row> {
    let world = world();
    let mut shard = shard(&world);
    with_batch(frames, link, bound, |batch| {
        parse.run(batch, &mut shard, &world);
        let columns = &batch.columns;
        let text = |row: usize| {
            format!(
                "{:?} {:?} {} {:?}:{} > {:?}:{:#06x} l3 {} l4 {} length {} ttl {} tos {} fragment {:#06x} \
                 flags {} options {:#x} extensions {:#x} {} live {}",
                columns.ingress[row].0,
                columns.zone[row].0,
                columns.protocol[row],
                columns.source[row].to_ip(columns.family[row]),
                columns.source_port[row],
                columns.destination[row].to_ip(columns.family[row]),
                columns.destination_port[row],
                columns.l3_offset[row],
                columns.l4_offset[row],
                columns.ip_length[row],
                columns.ttl[row],
                columns.traffic_class[row],
                columns.fragment[row],
                columns.tcp_flags[row],
                columns.ip_options[row],
                columns.extensions[row],
                columns.extension_count[row],
                batch.live.contains(row),
            )
        };
        (0..batch.rows).map(|row| (columns.verdict[row], text(row))).collect()
    })
}

fn auto(frame: Vec<u8>) -> Row {
    let rows = parse_with(&[frame], LinkType::Ethernet, IfIndex::NONE, &mut lenient());
    rows.into_iter().next().expect("one row")
}

/// The reason of a dropped row.
fn reason(frame: Vec<u8>) -> DropReason {
    let (verdict, text) = auto(frame);
    assert_eq!(verdict.fate, Fate::Dropped);
    assert!(text.ends_with("live false"), "{text}");
    verdict.reason
}

fn v6(next_header: u8, payload: &[u8]) -> Vec<u8> {
    let packet = ipv6_packet(ip("2001:db8:1::5"), ip("2001:db8:9::9"), next_header, payload);
    ethernet(0x86dd, &packet)
}

#[test]
fn reads_a_tagged_syn_without_its_trailer() {
    let (verdict, text) = auto(TAGGED_SYN.to_vec());
    assert_eq!(verdict, Verdict::default());
    assert_eq!(
        text,
        "1 2 6 Some(10.0.0.5):40000 > Some(198.51.100.7):0x01bb l3 22 l4 42 length 40 ttl 64 tos 16 \
         fragment 0x4000 flags 2 options 0x0 extensions 0x0 0 live true"
    );
}

#[test]
fn reads_icmp_identifiers_types_and_codes() {
    let echo = frame("10.0.0.5", "8.8.8.8", 1, &icmp(8, 0, [0x12, 0x34, 0, 1], &[]));
    assert!(auto(echo).1.contains("10.0.0.5):4660 > Some(8.8.8.8):0x0800"));
    let unreachable = frame("10.0.0.5", "8.8.8.8", 1, &icmp(3, 13, [0x12, 0x34, 0, 1], &[]));
    assert!(auto(unreachable).1.contains("10.0.0.5):0 > Some(8.8.8.8):0x030d"));
    let echo6 = frame("2001:db8:1::5", "2001:db8:9::9", 58, &icmp(128, 0, [0, 7, 0, 1], &[]));
    assert!(auto(echo6).1.contains("2001:db8:1::5):7 > Some(2001:db8:9::9):0x8000"));
}

#[test]
fn reads_ports_of_udp_lite_and_sctp_and_none_of_gre() {
    let lite = frame("10.0.0.5", "8.8.8.8", 136, &udp(5, 6, &[]));
    assert!(auto(lite).1.contains("136 Some(10.0.0.5):5 > Some(8.8.8.8):0x0006"));
    let sctp = frame("10.0.0.5", "8.8.8.8", 132, &[0, 5, 0, 6, 0, 0, 0, 1, 0, 0, 0, 0]);
    assert!(auto(sctp).1.contains("132 Some(10.0.0.5):5 > Some(8.8.8.8):0x0006"));
    let gre = frame("10.0.0.5", "8.8.8.8", 47, &[0, 0, 8, 0]);
    assert!(auto(gre).1.contains("47 Some(10.0.0.5):0 > Some(8.8.8.8):0x0000"));
}

#[test]
fn reads_every_link_type() {
    let packet = ip_packet("10.0.0.5", "8.8.8.8", 17, &udp(1, 2, &[]));
    let mut sll = vec![0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 2, 0, 0, 0x08, 0x00];
    sll.extend(&packet);
    let mut sll2 = vec![0x08, 0x00, 0, 0, 0, 0, 0, 3, 0, 1, 0, 6, 2, 0, 0, 0, 0, 2, 0, 0];
    sll2.extend(&packet);
    let little = [&[2, 0, 0, 0][..], &packet].concat();
    let big = [&[0, 0, 0, 2][..], &packet].concat();
    for (link, frame, l3) in [
        (LinkType::RawIp, packet, 0),
        (LinkType::LinuxSll, sll, 16),
        (LinkType::LinuxSll2, sll2, 20),
        (LinkType::Loopback, little, 4),
        (LinkType::Loopback, big, 4),
    ] {
        let rows = parse_with(&[frame], link, IfIndex::NONE, &mut lenient());
        assert!(rows[0].1.contains(&format!("l3 {l3} l4 {}", l3 + 20)), "{link:?} {}", rows[0].1);
    }
}

#[test]
fn keeps_fragments_live_and_their_ports_zero() {
    let part = |fragment, payload: &[u8]| {
        let packet = ipv4_packet(ip("10.0.0.5"), ip("8.8.8.8"), 17, fragment, &[], payload);
        auto(ethernet(0x0800, &packet))
    };
    let first = part([0x20, 0], &[0, 1, 0, 2, 1, 0, 0, 0]);
    assert!(first.1.contains(":1 >") && first.1.contains("fragment 0x2000"), "{}", first.1);
    let later = part([0, 3], &[0xff; 5]);
    assert!(later.1.contains(":0 >") && later.1.contains("fragment 0x0003"), "{}", later.1);
    assert!(later.1.ends_with("live true"));
    let options_follow = [0, 57, 0x30, 0x39, 0, 0, 3, 0xe8, 0, 0, 0, 0, 0xa0, 2, 0x20, 0];
    let syn = [&options_follow[..], &[0xc5, 0x73, 0, 0, 2, 4, 5, 0xb4]].concat();
    let packet = ipv4_packet(ip("10.0.0.5"), ip("8.8.8.8"), 6, [0x20, 0], &[], &syn);
    let syn = auto(ethernet(0x0800, &packet));
    assert!(syn.1.contains("flags 2 ") && syn.1.ends_with("live true"), "{}", syn.1);
    let odd = part([0x20, 0], &[0, 1, 0, 2, 1, 0, 0, 0, 9]);
    assert_eq!(odd.0.reason, DropReason::BadFragment);
    let beyond = part([0x1f, 0xff], &[0xff; 100]);
    assert!(beyond.1.ends_with("live true"), "ping of death is a screen's: {}", beyond.1);
}

#[test]
fn notes_ipv4_options_and_lists_that_do_not_fit() {
    let bits = |options: &[u8]| {
        let (from, to) = (ip("10.0.0.5"), ip("8.8.8.8"));
        let packet = ipv4_packet(from, to, 17, [0, 0], options, &udp(1, 2, &[]));
        let text = auto(ethernet(0x0800, &packet)).1;
        let start = text.find("options 0x").expect("the column") + 10;
        u16::from_str_radix(text[start..].split(' ').next().expect("a number"), 16).expect("hex")
    };
    assert_eq!(bits(&[1, 7, 7, 4, 0, 0, 0, 0]), ip_option::RECORD_ROUTE);
    assert_eq!(bits(&[0, 7, 9, 9]), 0, "nothing counts behind the end of the list");
    assert_eq!(bits(&[131, 3, 4, 0]), ip_option::LOOSE_SOURCE_ROUTE);
    assert_eq!(bits(&[137, 3, 4, 0]), ip_option::STRICT_SOURCE_ROUTE);
    assert_eq!(bits(&[136, 4, 0, 1]), ip_option::STREAM);
    assert_eq!(bits(&[68, 4, 5, 0]), ip_option::TIMESTAMP);
    assert_eq!(bits(&[130, 4, 0, 0]), ip_option::SECURITY);
    assert_eq!(bits(&[148, 4, 0, 0]), ip_option::OTHER);
    assert_eq!(bits(&[148, 5, 0, 0]), ip_option::MALFORMED);
    assert_eq!(bits(&[1, 1, 1, 7]), ip_option::MALFORMED);
    assert_eq!(bits(&[7, 4, 4, 0]), ip_option::RECORD_ROUTE | ip_option::MALFORMED);
}

#[test]
fn walks_the_extension_chain_to_the_transport() {
    let hop = [43, 0, 1, 4, 0, 0, 0, 0];
    let routing = [60, 0, 4, 0, 0, 0, 0, 0];
    let destination = [17, 0, 1, 4, 0, 0, 0, 0];
    let chain = [&hop[..], &routing, &destination, &udp(1, 2, &[])].concat();
    let (_, text) = auto(v6(0, &chain));
    assert!(text.contains("17 Some(2001:db8:1::5):1 >"), "{text}");
    assert!(text.contains("l3 14 l4 78 length 72"), "{text}");
    assert!(text.contains("extensions 0x43 3"), "{text}");
    assert!(auto(v6(59, &[])).1.contains(&format!("extensions {:#x} 0", extension::NO_NEXT)));
    assert!(auto(v6(51, &[6; 12])).1.starts_with("1 2 51 "), "AH is the protocol");
}

#[test]
fn marks_chains_that_break_a_rule() {
    let malformed = |first, chain: &[u8]| {
        let text = auto(v6(first, &[chain, &udp(1, 2, &[])].concat())).1;
        assert!(text.ends_with("live true"), "{text}");
        let bits = text.split("extensions 0x").nth(1).expect("the column");
        let bits = bits.split(' ').next().expect("a number");
        u16::from_str_radix(bits, 16).expect("hex") & extension::MALFORMED != 0
    };
    assert!(!malformed(
        60,
        &[43, 0, 1, 4, 0, 0, 0, 0, 60, 0, 4, 0, 0, 0, 0, 0, 17, 0, 1, 4, 0, 0, 0, 0]
    ));
    assert!(malformed(60, &[0, 0, 1, 4, 0, 0, 0, 0, 17, 0, 1, 4, 0, 0, 0, 0]), "hop-by-hop second");
    assert!(malformed(43, &[43, 0, 4, 0, 0, 0, 0, 0, 17, 0, 4, 0, 0, 0, 0, 0]), "routing twice");
    assert!(malformed(60, &[17, 0, 1, 5, 0, 0, 0, 0]), "an option beyond its header");
    assert!(malformed(43, &[17, 0, 0, 1, 0, 0, 0, 0]), "segments left without addresses");
}

#[test]
fn treats_an_atomic_fragment_as_a_whole_packet() {
    let fragment = |field: [u8; 2], rest: &[u8]| {
        auto(v6(44, &[&[17, 0, field[0], field[1], 0, 0, 0, 9][..], rest].concat()))
    };
    let atomic = fragment([0, 0], &udp(1, 2, &[]));
    assert!(atomic.1.contains("5):1 >") && atomic.1.contains("fragment 0x0000"), "{}", atomic.1);
    let first = fragment([0, 1], &[0, 1, 0, 2, 1, 0, 0, 0]);
    assert!(first.1.contains("5):1 >"), "{}", first.1);
    assert!(first.1.contains(&format!("fragment {FRAGMENT_MORE:#06x}")), "{}", first.1);
    let later = fragment([0, 16], &[0xff; 3]);
    assert!(later.1.contains("5):0 >") && later.1.contains("fragment 0x0002"), "{}", later.1);
    assert_eq!(fragment([0, 1], &udp(1, 2, &[1])).0.reason, DropReason::BadFragment);
}
