//! pcapng: sections and interfaces, the three packet blocks, time bases, damage with its offset.

use super::{Damage, LinkType, Owned, expected, read_all};

const LITTLE_SECTION: &[u8] = &[
    0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0, 0, 0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, // 1.0
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 28, 0, 0, 0, // unknown length
];

const BIG_SECTION: &[u8] = &[
    0x0a, 0x0d, 0x0d, 0x0a, 0, 0, 0, 28, 0x1a, 0x2b, 0x3c, 0x4d, 0, 1, 0, 0, // 1.0
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 28, // unknown length
];

const BIG_INTERFACE: &[u8] = &[
    0, 0, 0, 1, 0, 0, 0, 20, 0, 113, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20, // Linux cooked
];

/// 10¹⁵ + 500,000 ticks, 3 of 60 bytes, option `epb_flags`.
const BIG_PACKET: &[u8] = &[
    0, 0, 0, 6, 0, 0, 0, 48, 0, 0, 0, 0, // enhanced packet of interface 0
    0x00, 0x03, 0x8d, 0x7e, 0xa4, 0xce, 0x21, 0x20, 0, 0, 0, 3, 0, 0, 0, 60, //
    0xaa, 0xbb, 0xcc, 0, 0, 2, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 48,
];

/// A little-endian block of `kind` around `body`.
fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    assert_eq!(body.len() % 4, 0, "bodies come padded");
    let length = u32::try_from(body.len() + 12).expect("short test block");
    let frame = length.to_le_bytes();
    [&kind.to_le_bytes(), &frame, body, &frame].concat()
}

/// An Ethernet interface with these options.
fn interface(options: &[u8]) -> Vec<u8> {
    block(1, &[&[1, 0, 0, 0, 0, 0, 0, 0], options].concat())
}

/// An enhanced packet block with 3 of 60 bytes.
fn packet(interface: u32, ticks: u64) -> Vec<u8> {
    let mut body = interface.to_le_bytes().to_vec();
    body.extend(((ticks >> 32) as u32).to_le_bytes());
    body.extend(((ticks & 0xffff_ffff) as u32).to_le_bytes());
    body.extend([3, 0, 0, 0, 60, 0, 0, 0, 0xaa, 0xbb, 0xcc, 0]);
    block(6, &body)
}

/// The time of one packet on an interface with these options.
fn time_of(options: &[u8], ticks: u64) -> u64 {
    let file = [LITTLE_SECTION, &interface(options), &packet(0, ticks)].concat();
    let (packets, damage) = read_all(&file);
    assert_eq!(damage, None);
    packets[0].time_ns
}

#[test]
fn reads_big_endian_enhanced_packets_with_options() {
    let file = [BIG_SECTION, BIG_INTERFACE, BIG_PACKET].concat();
    let (packets, damage) = read_all(&file);
    let half = 1_000_000_000_500_000_000;
    assert_eq!(packets, [expected(half, LinkType::LinuxCooked)]);
    assert_eq!(damage, None);
}

#[test]
fn reads_little_endian_enhanced_packets() {
    let ticks = 1_000_000_000_500_000;
    let file = [LITTLE_SECTION, &interface(&[]), &packet(0, ticks)].concat();
    let (packets, damage) = read_all(&file);
    assert_eq!(packets, [expected(ticks * 1_000, LinkType::Ethernet)]);
    assert_eq!(damage, None);
}

#[test]
fn each_interface_has_its_time_base() {
    let milliseconds = [9, 0, 1, 0, 3, 0, 0, 0, 0, 0, 0, 0];
    let nanoseconds = [9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0];
    let picoseconds = [9, 0, 1, 0, 12, 0, 0, 0];
    let binary = [9, 0, 1, 0, 0x80 | 10, 0, 0, 0];
    let hour_later = [14, 0, 8, 0, 0x10, 0x0e, 0, 0, 0, 0, 0, 0];
    let second_earlier = [14, 0, 8, 0, 255, 255, 255, 255, 255, 255, 255, 255];
    assert_eq!(time_of(&[], 7), 7_000);
    assert_eq!(time_of(&milliseconds, 7), 7_000_000);
    assert_eq!(time_of(&nanoseconds, 7), 7);
    assert_eq!(time_of(&picoseconds, 7_999), 7);
    assert_eq!(time_of(&binary, 512), 500_000_000);
    assert_eq!(time_of(&hour_later, 7), 3_600_000_007_000);
    assert_eq!(time_of(&second_earlier, 1_000_007), 7_000);
    // Before the epoch and past 64 bits: held at the ends.
    assert_eq!(time_of(&second_earlier, 7), 0);
    assert_eq!(time_of(&milliseconds, u64::MAX), u64::MAX);
    assert_eq!(time_of(&[9, 0, 1, 0, 0x80, 0, 0, 0], u64::MAX), u64::MAX);
}

#[test]
fn a_section_has_its_own_byte_order_and_interfaces() {
    let raw = block(1, &[101, 0, 0, 0, 0, 0, 0, 0]);
    let file = [
        LITTLE_SECTION,
        &interface(&[]),
        &raw,
        &packet(1, 1),
        &packet(0, 2),
        BIG_SECTION,
        BIG_INTERFACE,
        BIG_PACKET,
        LITTLE_SECTION,
    ]
    .concat();
    let (packets, damage) = read_all(&file);
    let seen: Vec<_> = packets.iter().map(|p| (p.interface, p.link)).collect();
    assert_eq!(seen, [(1, LinkType::Raw), (0, LinkType::Ethernet), (0, LinkType::LinuxCooked)]);
    assert_eq!(damage, None);
    // The last section has forgotten both interfaces.
    let end = file.len() as u64;
    let (packets, damage) = read_all(&[&file[..], &packet(0, 9)].concat());
    assert_eq!(packets.len(), 3);
    let what = Damage::UnknownInterface { interface: 0, described: 0 };
    assert_eq!(damage, Some((end, what)));
}

#[test]
fn simple_packets_take_the_snap_length_and_the_time_before() {
    let snap_3 = block(1, &[1, 0, 0, 0, 3, 0, 0, 0]);
    let simple = block(3, &[60, 0, 0, 0, 0xaa, 0xbb, 0xcc, 0]);
    let empty = block(3, &[0, 0, 0, 0]);
    let file = [LITTLE_SECTION, &snap_3, &packet(0, 8), &simple, &empty].concat();
    let (packets, damage) = read_all(&file);
    assert_eq!(damage, None);
    assert_eq!(packets[1], expected(8_000, LinkType::Ethernet));
    let nothing = Owned { data: vec![], wire_len: 0, ..expected(8_000, LinkType::Ethernet) };
    assert_eq!(packets[2], nothing);
}

#[test]
fn reads_obsolete_packet_blocks() {
    let mut body = vec![0, 0, 9, 0];
    body.extend([0, 0, 0, 0, 5, 0, 0, 0, 3, 0, 0, 0, 60, 0, 0, 0]);
    body.extend([0xaa, 0xbb, 0xcc, 0]);
    let file = [LITTLE_SECTION, &interface(&[]), &block(2, &body)].concat();
    let (packets, damage) = read_all(&file);
    assert_eq!(packets, [expected(5_000, LinkType::Ethernet)]);
    assert_eq!(damage, None);
}

#[test]
fn skips_other_blocks_however_long() {
    let secrets = block(10, &vec![0x5a; 3_000_000]);
    let file = [LITTLE_SECTION, &secrets, &interface(&[]), &packet(0, 1)].concat();
    let (packets, damage) = read_all(&file);
    assert_eq!(packets.len(), 1);
    assert_eq!(damage, None);

    let cut = &file[..2_000_000];
    let what = Damage::Truncated { needed: 3_000_012, present: 2_000_000 - 28 };
    assert_eq!(read_all(cut), (vec![], Some((28, what))));

    let mut lying = file.clone();
    lying[28 + 3_000_008] ^= 1;
    let what = Damage::BlockLengthsDiffer { leading: 3_000_012, trailing: 3_000_012 ^ 1 };
    assert_eq!(read_all(&lying), (vec![], Some((28, what))));
}

#[test]
fn delivers_everything_before_a_truncated_block() {
    let last = packet(0, 2);
    let file = [LITTLE_SECTION, &interface(&[]), &packet(0, 1), &last].concat();
    let start = file.len() - last.len();
    for cut in 1..last.len() {
        let (packets, damage) = read_all(&file[..file.len() - cut]);
        assert_eq!(packets.len(), 1, "cut by {cut}");
        let present = (last.len() - cut) as u64;
        let needed = if present < 12 { 12 } else { last.len() as u64 };
        let what = Damage::Truncated { needed, present };
        assert_eq!(damage, Some((start as u64, what)), "cut by {cut}");
    }
}

#[test]
fn names_the_bad_block() {
    let head = [LITTLE_SECTION, &interface(&[])].concat();
    let good = packet(0, 1);
    let edited = |at: usize, byte: u8| {
        let mut bad = good.clone();
        bad[at] = byte;
        let (packets, damage) = read_all(&[&head[..], &good, &bad].concat());
        assert_eq!(packets.len(), 1);
        let (offset, what) = damage.expect("edited block is damaged");
        assert_eq!(offset, (head.len() + good.len()) as u64);
        what
    };
    let kind = 6;
    assert_eq!(edited(4, 37), Damage::BlockLength { kind, length: 37 });
    assert_eq!(edited(4, 28), Damage::BlockLength { kind, length: 28 });
    assert_eq!(edited(7, 1), Damage::BlockTooLong(0x0100_0024));
    let what = Damage::BlockLengthsDiffer { leading: 36, trailing: 40 };
    assert_eq!(edited(32, 40), what);
    let what = Damage::PacketOverBlock { captured: 5, room: 4 };
    assert_eq!(edited(20, 5), what);
    assert_eq!(edited(22, 5), Damage::PacketTooLong(0x0005_0003));
    let what = Damage::UnknownInterface { interface: 1, described: 1 };
    assert_eq!(edited(8, 1), what);
}

#[test]
fn names_bad_sections_and_interfaces() {
    let mut order = LITTLE_SECTION.to_vec();
    order[8] = 0;
    assert_eq!(read_all(&order).1, Some((0, Damage::ByteOrderMagic(0x003c_2b1a))));
    let mut version = LITTLE_SECTION.to_vec();
    version[12] = 2;
    let what = Damage::Version { major: 2, minor: 0 };
    assert_eq!(read_all(&version).1, Some((0, what)));

    for (options, code, length) in [
        (&[9, 0, 2, 0, 6, 0, 0, 0][..], 9, 2),
        (&[9, 0, 1, 0, 29, 0, 0, 0][..], 9, 1),
        (&[14, 0, 4, 0, 1, 0, 0, 0][..], 14, 4),
        (&[2, 0, 5, 0, b'e', b't', b'h', b'0'][..], 2, 5),
    ] {
        let file = [LITTLE_SECTION, &interface(options)].concat();
        let what = Damage::InterfaceOption { code, length };
        assert_eq!(read_all(&file), (vec![], Some((28, what))));
    }
}

#[test]
fn refuses_interfaces_without_end() {
    let many = interface(&[]).repeat(65_537);
    let file = [LITTLE_SECTION, &many].concat();
    let what = Damage::TooManyInterfaces(65_536);
    assert_eq!(read_all(&file), (vec![], Some((28 + 65_536 * 20, what))));
}
