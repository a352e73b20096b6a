//! A plain filter is judged by columns, any other row by row: a last term that says `next term` to
//! everything changes nothing but that, and so it must be.

use components::world::application::{ICMP, TCP, UDP};
use proptest::prelude::*;

use super::*;

fn conditions() -> impl Strategy<Value = FilterMatch> {
    let ports = || prop::collection::vec((0u16..6, 0u16..4).prop_map(|(p, n)| (p, p + n)), 0..3);
    let addresses = || {
        prop_oneof![3 => Just(None), 1 => (0u8..4).prop_map(|net| {
            set(&format!("10.0.{net}.0"), 24)
        })]
    };
    let protocols = prop_oneof![
        2 => Just(vec![]), 2 => Just(vec![UDP]), 1 => Just(vec![TCP]), 1 => Just(vec![ICMP, UDP]),
    ];
    let rare = prop_oneof![
        6 => Just(FilterMatch::default()),
        1 => Just(FilterMatch { tcp_initial: true, ..FilterMatch::default() }),
        1 => Just(FilterMatch { ttls: vec![(0, 63)], ..FilterMatch::default() }),
        1 => Just(FilterMatch { icmp_types: vec![(8, 8)], ..FilterMatch::default() }),
    ];
    (addresses(), addresses(), protocols, ports(), ports(), rare).prop_map(
        |(source, destination, protocols, source_ports, destination_ports, rare)| FilterMatch {
            source,
            destination,
            protocols,
            source_ports,
            destination_ports,
            ..rare
        },
    )
}

fn terms() -> impl Strategy<Value = Vec<FilterTerm>> {
    let action = prop_oneof![
        3 => Just(FilterAction::Accept),
        1 => Just(FilterAction::Discard),
        1 => Just(FilterAction::Reject(RejectWith::TcpReset)),
    ];
    let term = (conditions(), action, any::<bool>(), any::<bool>());
    let term = term.prop_map(|(matches, action, log, counts)| FilterTerm {
        matches,
        action,
        log,
        counter: if counts { CounterId(1) } else { CounterId::NONE },
        ..FilterTerm::default()
    });
    prop::collection::vec(term, 0..6)
}

fn packet() -> impl Strategy<Value = Vec<u8>> {
    (0u8..4, 0u8..4, 0u8..3, 0u16..8, 0u16..8).prop_map(|(from, to, kind, source, destination)| {
        let (from, to) = (format!("10.0.{from}.5"), format!("10.0.{to}.9"));
        match kind {
            0 => frame(&from, &to, UDP, &udp(source, destination, &[])),
            1 => frame(&from, &to, TCP, &tcp(source, destination, 2, &[])),
            _ => frame(&from, &to, ICMP, &icmp(8, 0, [0; 4], &[])),
        }
    })
}

proptest! {
    #[test]
    fn columns_and_rows_say_the_same(
        terms in terms(),
        packets in prop::collection::vec(packet(), 1..80),
    ) {
        let plain = world_with(terms.clone());
        prop_assert!(plain.filters[0].is_plain());
        let next = FilterTerm { action: FilterAction::NextTerm, ..FilterTerm::default() };
        let by_rows = world_with(terms.into_iter().chain([next]).collect());
        prop_assert!(!by_rows.filters[0].is_plain());
        prop_assert_eq!(run(&packets, &plain), run(&packets, &by_rows));
    }
}
