//! What parse says of fragments: identification, length, and their marks in order, from literal
//! packets of both families.

use components::fragment::FragmentMark::{
    self, Bad, BeforeFirst, Duplicate, First, Later, Overlap, Whole,
};

use super::*;

/// Marks, lengths and reasons of the frames of one batch.
fn marks(frames: &[Vec<u8>]) -> Vec<(FragmentMark, u32, u16, Verdict)> {
    let world = world();
    let mut shard = shard(&world);
    with_batch(frames, LinkType::Ethernet, TRUST_IFL, |batch| {
        lenient().run(batch, &mut shard, &world);
        let columns = &batch.columns;
        let of = |row: usize| {
            let identification = columns.identification[row];
            let length = columns.fragment_length[row];
            (columns.fragment_mark[row], identification, length, columns.verdict[row])
        };
        (0..frames.len()).map(of).collect()
    })
}

/// UDP from 10.0.0.5 to 8.8.8.8, identification 0x1234; the offset field counts 8 bytes.
fn v4_part(offset: u16, more: bool, payload: &[u8]) -> Vec<u8> {
    let field = (offset | if more { FRAGMENT_MORE } else { 0 }).to_be_bytes();
    let packet = ipv4_packet(ip("10.0.0.5"), ip("8.8.8.8"), 17, field, &[], payload);
    ethernet(0x0800, &packet)
}

/// From 2001:db8:1::5, identification 0x0102_0304.
fn v6_part(next: u8, offset: u16, more: bool, payload: &[u8]) -> Vec<u8> {
    let [high, low] = (offset << 3 | u16::from(more)).to_be_bytes();
    let fragment = [&[next, 0, high, low, 1, 2, 3, 4], payload].concat();
    let packet = ipv6_packet(ip("2001:db8:1::5"), ip("2001:db8:2::7"), 44, &fragment);
    ethernet(0x86dd, &packet)
}

const LIVE: Verdict = Verdict::dropped(DropReason::Default);
const UDP_FIRST: [u8; 16] = [0, 1, 0, 2, 0, 40, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];

#[test]
fn marks_the_fragments_of_a_datagram() {
    let rows = marks(&[
        v4_part(2, true, &[7; 8]),
        v4_part(0, true, &UDP_FIRST),
        v4_part(2, true, &[7; 8]),
        v4_part(2, true, &[7; 8]),
        v4_part(3, false, &[7; 3]),
        v4_part(3, false, &[7; 3]),
        frame("10.0.0.5", "8.8.8.8", 17, &udp(1, 2, &[])),
    ]);
    let expected = [
        (BeforeFirst, 0x1234, 8, LIVE),
        (First, 0x1234, 16, LIVE),
        (Later, 0x1234, 8, LIVE),
        (Duplicate, 0x1234, 8, LIVE),
        (Later, 0x1234, 3, LIVE),
        (BeforeFirst, 0x1234, 3, LIVE),
        (Whole, 0, 0, LIVE),
    ];
    assert_eq!(rows, expected);
}

#[test]
fn marks_fragments_of_ipv6_by_the_first_ones_next_header() {
    // The first has destination options, which count as its payload.
    let options = [17, 0, 1, 4, 0, 0, 0, 0];
    let rows = marks(&[
        v6_part(60, 0, true, &[&options[..], &UDP_FIRST].concat()),
        v6_part(17, 3, true, &[7; 8]),
        v6_part(60, 3, true, &[7; 16]),
        v6_part(17, 0, false, &udp(1, 2, &[])),
    ]);
    let expected = [
        (First, 0x0102_0304, 24, LIVE),
        (Later, 0x0102_0304, 8, LIVE),
        (Overlap, 0x0102_0304, 16, LIVE),
        // Atomic (RFC 6946): none of that datagram's fragments.
        (Whole, 0, 0, LIVE),
    ];
    assert_eq!(rows, expected);
}

#[test]
fn an_end_beyond_the_largest_packet_is_bad() {
    // 8191 * 8 = 65,528: IPv4 counts its header, IPv6 the payload alone.
    let first = v4_part(0, true, &UDP_FIRST);
    assert_eq!(marks(&[first.clone(), v4_part(8188, false, &[0; 11])])[1].0, Later);
    assert_eq!(marks(&[first, v4_part(8188, false, &[0; 12])])[1].0, Bad);
    let first = v6_part(17, 0, true, &UDP_FIRST);
    assert_eq!(marks(&[first.clone(), v6_part(17, 8191, false, &[0; 7])])[1].0, Later);
    assert_eq!(marks(&[first, v6_part(17, 8191, false, &[0; 8])])[1].0, Bad);
}

#[test]
fn drops_a_first_fragment_without_its_transport_header() {
    let tiny = Verdict::dropped(DropReason::FragmentTiny);
    let tcp_part = |payload: &[u8]| {
        let packet = ipv4_packet(ip("10.0.0.5"), ip("8.8.8.8"), 6, [0x20, 0], &[], payload);
        marks(&[ethernet(0x0800, &packet)])[0]
    };
    let syn = tcp(1, 2, 2, &[0; 4]);
    assert_eq!(tcp_part(&syn), (First, 0x1234, 24, LIVE));
    // RFC 1858: without its flags.
    assert_eq!(tcp_part(&syn[..16]).3, tiny);
    // RFC 7112: the extension chain goes on in the next fragment.
    let long = [17, 1, 1, 4, 0, 0, 0, 0];
    assert_eq!(marks(&[v6_part(60, 0, true, &long)])[0].3, tiny);
    let nested = [17, 0, 0, 1, 0, 0, 0, 9, 0, 1, 0, 2, 0, 8, 0, 0];
    let bad = Verdict::dropped(DropReason::BadFragment);
    assert_eq!(marks(&[v6_part(44, 0, true, &nested)])[0].3, bad);
}
