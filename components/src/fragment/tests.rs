//! Sequences of fragments and what each one is, limits on both sides.

use super::FragmentMark::{Bad, BeforeFirst, Duplicate, First, GivenUp, Later, Overlap, TooMany};
use super::{FRAGMENTS_MAX, Fragment, FragmentCounts, FragmentMark, FragmentTable, datagram_key};
use crate::address::{Address, Family};
use crate::ids::FragmentRef;

const SECOND: u64 = 1_000_000_000;

fn table(entries: usize) -> FragmentTable {
    FragmentTable::new(entries, 7, 30 * SECOND)
}

/// A fragment of datagram `id` with an IPv4 header of 20 bytes.
fn fragment(id: u32, start: u32, length: u32, more: bool) -> Fragment {
    let ends = [Address::v4([198, 51, 100, 7]), Address::v4([203, 0, 113, 10])];
    let datagram = datagram_key(Family::Inet, ends, 17, id);
    Fragment { datagram, start, length, headers: 20, more }
}

/// The marks of fragments (start, length, more) of one datagram.
fn marks(fragments: &[(u32, u32, bool)]) -> Vec<FragmentMark> {
    let mut table = table(4);
    let mut mark =
        |&(start, length, more): &_| table.observe(&fragment(1, start, length, more), 0).0;
    fragments.iter().map(&mut mark).collect()
}

#[test]
fn a_datagram_opens_with_its_first_fragment_and_closes_when_it_is_complete() {
    let mut table = table(4);
    assert_eq!(table.observe(&fragment(1, 0, 1480, true), 0), (First, FragmentRef(1)));
    assert_eq!(table.observe(&fragment(1, 2960, 100, false), 0), (Later, FragmentRef(1)));
    assert_eq!(table.open_datagrams(), 1);
    assert_eq!(table.observe(&fragment(1, 1480, 1480, true), 0), (Later, FragmentRef(1)));
    assert_eq!(table.open_datagrams(), 0);
    let counts = FragmentCounts { opened: 1, completed: 1, ..FragmentCounts::default() };
    assert_eq!(table.counts(), counts);
    // Nothing is known of it any more: its identification may be used again.
    assert_eq!(table.observe(&fragment(1, 1480, 1480, true), 0).0, BeforeFirst);
    assert_eq!(table.observe(&fragment(1, 0, 8, true), 0).0, First);
}

#[test]
fn a_later_fragment_opens_nothing() {
    let mut table = table(4);
    let later = fragment(1, 1480, 1480, true);
    assert_eq!(table.observe(&later, 0), (BeforeFirst, FragmentRef::NONE));
    assert_eq!((table.open_datagrams(), table.counts()), (0, FragmentCounts::default()));
}

#[test]
fn an_overlap_gives_the_datagram_up() {
    // One byte into its neighbour, and just behind it.
    assert_eq!(marks(&[(0, 24, true), (23, 9, false)]), [First, Overlap]);
    assert_eq!(marks(&[(0, 24, true), (24, 9, false)]), [First, Later]);
    // RFC 3128: rewriting the ports of the first, and its flags.
    assert_eq!(marks(&[(0, 24, true), (0, 8, true)]), [First, Overlap]);
    assert_eq!(marks(&[(0, 24, true), (8, 16, true)]), [First, Overlap]);
    // Swallowing what is there.
    assert_eq!(marks(&[(0, 8, true), (16, 8, true), (8, 32, true)]), [First, Later, Overlap]);
    let rest = marks(&[(0, 24, true), (16, 8, true), (24, 8, true), (0, 24, true)]);
    assert_eq!(rest, [First, Overlap, GivenUp, GivenUp]);
}

#[test]
fn an_exact_duplicate_does_no_harm() {
    let all = marks(&[(0, 24, true), (0, 24, true), (24, 8, true), (24, 8, true), (32, 4, false)]);
    assert_eq!(all, [First, Duplicate, Later, Duplicate, Later]);
    // The same bytes as the last and as a middle fragment contradict each other.
    assert_eq!(marks(&[(0, 24, true), (24, 8, false), (24, 8, true)])[2], BeforeFirst);
    assert_eq!(marks(&[(0, 24, true), (32, 8, false), (32, 8, false)])[2], Duplicate);
    assert_eq!(marks(&[(0, 24, true), (32, 8, false), (32, 8, true)])[2], Overlap);
}

#[test]
fn nothing_lies_beyond_the_largest_packet_or_the_last_fragment() {
    // 20 + 65,515 is the largest packet.
    assert_eq!(marks(&[(0, 8, true), (65_512, 3, false)]), [First, Later]);
    assert_eq!(marks(&[(0, 8, true), (65_512, 4, false)]), [First, Bad]);
    assert_eq!(marks(&[(0, 8, true), (24, 8, false), (32, 8, true)]), [First, Later, Bad]);
    assert_eq!(marks(&[(0, 8, true), (24, 8, true), (8, 8, false)]), [First, Later, Bad]);
    assert_eq!(marks(&[(0, 8, true), (24, 8, false), (16, 4, false)]), [First, Later, Bad]);
    assert_eq!(marks(&[(0, 0, true)]), [Bad]);
    assert_eq!(marks(&[(0, 8, true), (8, 0, false), (8, 8, false)]), [First, Bad, GivenUp]);
}

#[test]
fn a_datagram_has_a_bounded_number_of_fragments() {
    let max = u32::try_from(FRAGMENTS_MAX).expect("small");
    let all: Vec<_> = (0..=max).map(|at| (at * 8, 8, true)).collect();
    let marks = marks(&all);
    assert!(marks[1..FRAGMENTS_MAX].iter().all(|&mark| mark == Later));
    assert_eq!(marks[FRAGMENTS_MAX], TooMany);
}

#[test]
fn a_full_table_forgets_the_oldest() {
    let mut table = table(3);
    for id in 1..=3 {
        assert_eq!(table.observe(&fragment(id, 0, 8, true), u64::from(id)).0, First);
    }
    assert_eq!(table.counts().evicted, 0);
    assert_eq!(table.observe(&fragment(4, 0, 8, true), 4), (First, FragmentRef(1)));
    assert_eq!((table.counts().evicted, table.open_datagrams()), (1, 3));
    assert_eq!(table.observe(&fragment(1, 8, 8, false), 5).0, BeforeFirst);
    for id in 2..=4 {
        assert_eq!(table.observe(&fragment(id, 8, 8, false), 5).0, Later, "datagram {id}");
    }
    assert_eq!((table.counts().completed, table.open_datagrams()), (3, 0));
}

#[test]
fn a_datagram_lives_for_thirty_seconds() {
    let mut table = table(4);
    table.observe(&fragment(1, 0, 8, true), 5);
    assert_eq!(table.observe(&fragment(1, 8, 8, true), 5 + 30 * SECOND - 1).0, Later);
    assert_eq!(table.observe(&fragment(1, 16, 8, true), 5 + 30 * SECOND).0, BeforeFirst);
    assert_eq!((table.counts().timed_out, table.open_datagrams()), (1, 0));
}

#[test]
fn datagrams_differ_by_addresses_protocol_and_identification() {
    let mut table = table(8);
    let of = |family, protocol, id| Fragment {
        datagram: datagram_key(family, [Address::ZERO; 2], protocol, id),
        ..fragment(0, 0, 8, true)
    };
    assert_eq!(table.observe(&of(Family::Inet, 17, 1), 0).0, First);
    assert_eq!(table.observe(&of(Family::Inet, 6, 1), 0).0, First);
    assert_eq!(table.observe(&of(Family::Inet, 17, 2), 0).0, First);
    assert_eq!(table.observe(&of(Family::Inet, 17, 0x1_0001), 0).0, First);
    assert_eq!(table.observe(&of(Family::Inet6, 17, 1), 0).0, First);
    // IPv6 fragments of one datagram may name different next headers.
    let later = Fragment { start: 8, ..of(Family::Inet6, 60, 1) };
    assert_eq!(table.observe(&later, 0).0, Later);
}

#[test]
fn lists_stay_whole_through_a_long_random_run() {
    let mut table = table(16);
    let mut state = 1u64;
    let mut open = 0;
    for step in 0..20_000u64 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let draw = u32::try_from(state >> 40).expect("24 bits");
        let start = draw / 64 % 4 * 8;
        let next = fragment(draw % 40, start, 8, start < 24);
        let (mark, slot) = table.observe(&next, step * SECOND / 3);
        assert!(slot.index() <= 16);
        assert_eq!(mark == BeforeFirst, slot.is_none());
        let counts = table.counts();
        open = table.open_datagrams();
        let gone = counts.completed + counts.timed_out + counts.evicted;
        assert_eq!(counts.opened, gone + open as u64, "step {step}");
    }
    let counts = table.counts();
    assert!(counts.completed > 0 && counts.timed_out > 0 && counts.evicted > 0, "{counts:?}");
    table.observe(&fragment(99, 8, 8, true), u64::MAX);
    assert_eq!(
        (table.open_datagrams(), table.counts().timed_out),
        (0, counts.timed_out + open as u64)
    );
}
