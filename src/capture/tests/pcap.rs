//! Classic pcap: the four magics, link types, damage with its offset.

use super::{Damage, LinkType, expected, read_all};

const LITTLE_MICROSECONDS: &[u8] = &[
    0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, // magic, 2.4
    0xff, 0xff, 0, 0, 1, 0, 0, 0, // snap length 65535, Ethernet
    0x00, 0xca, 0x9a, 0x3b, 0x20, 0xa1, 0x07, 0x00, // 1,000,000,000 s 500,000 µs
    3, 0, 0, 0, 60, 0, 0, 0, // 3 of 60 bytes
    0xaa, 0xbb, 0xcc,
];

const BIG_NANOSECONDS: &[u8] = &[
    0xa1, 0xb2, 0x3c, 0x4d, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, // magic, 2.4
    0, 0, 0xff, 0xff, 0, 0, 0, 101, // snap length 65535, raw IP
    0x3b, 0x9a, 0xca, 0x00, 0x1d, 0xcd, 0x65, 0x01, // 1,000,000,000 s 500,000,001 ns
    0, 0, 0, 3, 0, 0, 0, 60, // 3 of 60 bytes
    0xaa, 0xbb, 0xcc,
];

fn with_magic(file: &[u8], magic: [u8; 4]) -> Vec<u8> {
    [&magic, &file[4..]].concat()
}

#[test]
fn reads_both_byte_orders_in_microseconds() {
    let half = 1_000_000_000_500_000_000;
    let (packets, damage) = read_all(LITTLE_MICROSECONDS);
    assert_eq!(packets, [expected(half, LinkType::Ethernet)]);
    assert_eq!(damage, None);

    // The same ticks, 500,000,001, read as microseconds.
    let big = with_magic(BIG_NANOSECONDS, [0xa1, 0xb2, 0xc3, 0xd4]);
    let (packets, damage) = read_all(&big);
    assert_eq!(packets, [expected(1_000_000_500_000_001_000, LinkType::Raw)]);
    assert_eq!(damage, None);
}

#[test]
fn reads_both_byte_orders_in_nanoseconds() {
    let (packets, damage) = read_all(BIG_NANOSECONDS);
    assert_eq!(packets, [expected(1_000_000_000_500_000_001, LinkType::Raw)]);
    assert_eq!(damage, None);

    let little = with_magic(LITTLE_MICROSECONDS, [0x4d, 0x3c, 0xb2, 0xa1]);
    let (packets, damage) = read_all(&little);
    assert_eq!(packets, [expected(1_000_000_000_000_500_000, LinkType::Ethernet)]);
    assert_eq!(damage, None);
}

#[test]
fn link_types_have_their_registry_numbers() {
    for (number, link) in [
        (0, LinkType::Null),
        (1, LinkType::Ethernet),
        (12, LinkType::Raw),
        (14, LinkType::Raw),
        (101, LinkType::Raw),
        (108, LinkType::Loop),
        (113, LinkType::LinuxCooked),
        (228, LinkType::Ipv4),
        (229, LinkType::Ipv6),
        (276, LinkType::LinuxCooked2),
        (105, LinkType::Other(105)),
    ] {
        let mut file = LITTLE_MICROSECONDS.to_vec();
        // The upper half says that frames end with an FCS of two 16-bit words.
        let word: u32 = 0x2400_0000 | number;
        file[20..24].copy_from_slice(&word.to_le_bytes());
        assert_eq!(read_all(&file).0[0].link, link);
    }
}

#[test]
fn delivers_everything_before_a_truncated_record() {
    let record = &LITTLE_MICROSECONDS[24..];
    let file = [LITTLE_MICROSECONDS, record, record].concat();
    for cut in 1..record.len() {
        let (packets, damage) = read_all(&file[..file.len() - cut]);
        assert_eq!(packets.len(), 2, "cut by {cut}");
        let present = record.len() - cut;
        let needed = if present < 16 { 16 } else { 19 };
        let present = present as u64;
        let what = Damage::Truncated { needed, present };
        assert_eq!(damage, Some((24 + 2 * 19, what)), "cut by {cut}");
    }
    assert_eq!(read_all(&file).0.len(), 3);
}

#[test]
fn names_an_impossible_captured_length() {
    let mut file = [LITTLE_MICROSECONDS, &LITTLE_MICROSECONDS[24..]].concat();
    file[24 + 19 + 8..][..4].copy_from_slice(&262_145_u32.to_le_bytes());
    let (packets, damage) = read_all(&file);
    assert_eq!(packets.len(), 1);
    assert_eq!(damage, Some((24 + 19, Damage::PacketTooLong(262_145))));
}

#[test]
fn reads_the_longest_packet() {
    let mut file = LITTLE_MICROSECONDS[..40].to_vec();
    file[32..36].copy_from_slice(&262_144_u32.to_le_bytes());
    file[36..40].copy_from_slice(&300_000_u32.to_le_bytes());
    file.resize(40 + 262_144, 0x5a);
    let file = [&file, &file[24..], &file[24..]].concat();
    let (packets, damage) = read_all(&file);
    assert_eq!(damage, None);
    assert_eq!(packets.len(), 3);
    for packet in packets {
        assert_eq!(packet.wire_len, 300_000);
        assert_eq!(packet.data, vec![0x5a; 262_144]);
    }
}

#[test]
fn a_wire_length_below_the_captured_one_is_raised_to_it() {
    let mut file = LITTLE_MICROSECONDS.to_vec();
    file[36..40].copy_from_slice(&2_u32.to_le_bytes());
    assert_eq!(read_all(&file).0[0].wire_len, 3);
}

#[test]
fn names_what_is_no_capture() {
    assert_eq!(read_all(b"").1, Some((0, Damage::NoHeader(0))));
    assert_eq!(read_all(b"\xd4\xc3").1, Some((0, Damage::NoHeader(2))));
    let gzip = b"\x1f\x8b\x08\x00\x00\x00\x00\x00";
    let what = Damage::UnknownMagic([0x1f, 0x8b, 8, 0]);
    assert_eq!(read_all(gzip).1, Some((0, what)));
    assert_eq!(what.to_string(), "neither pcap nor pcapng, starts with bytes [1f, 8b, 08, 00]");
    let what = Damage::Truncated { needed: 24, present: 23 };
    assert_eq!(read_all(&LITTLE_MICROSECONDS[..23]).1, Some((0, what)));
    assert_eq!(read_all(&LITTLE_MICROSECONDS[..24]), (vec![], None));

    let mut version_3 = LITTLE_MICROSECONDS.to_vec();
    version_3[4] = 3;
    let what = Damage::Version { major: 3, minor: 4 };
    assert_eq!(read_all(&version_3), (vec![], Some((0, what))));
}
