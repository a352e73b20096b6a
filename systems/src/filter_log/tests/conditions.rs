//! Each condition of a term: packets that fit it and packets that do not.

use super::*;

/// True if a term with these conditions accepts the packet and nothing else would.
fn accepts(matches: FilterMatch, frame: Vec<u8>) -> bool {
    let world = world_with(vec![term(matches, FilterAction::Accept)]);
    let (_, reasons, _, _) = run(&[frame], &world);
    match reasons[0] {
        DropReason::Default => true,
        DropReason::FilterDiscard => false,
        other => panic!("not parsed: {other:?}"),
    }
}

fn tcp_out(flags: u8) -> Vec<u8> {
    frame("10.0.0.5", "8.8.8.8", 6, &tcp(1025, 80, flags, &[]))
}

fn fragment(field: [u8; 2]) -> Vec<u8> {
    let payload = [0, 53, 0, 53, 0, 8, 0, 0];
    ethernet(0x0800, &ipv4_packet(ip("10.0.0.5"), ip("8.8.8.8"), 17, field, &[], &payload))
}

#[test]
fn matches_addresses() {
    let any = FilterMatch::default;
    let udp = || udp_out(1, 2);
    assert!(accepts(any(), udp()));
    assert!(accepts(FilterMatch { source: set("10.0.0.0", 24), ..any() }, udp()));
    assert!(!accepts(FilterMatch { source: set("10.0.1.0", 24), ..any() }, udp()));
    assert!(accepts(FilterMatch { destination: set("8.8.8.8", 32), ..any() }, udp()));
    assert!(!accepts(FilterMatch { destination: set("10.0.0.0", 8), ..any() }, udp()));
    assert!(accepts(FilterMatch { either: set("8.8.8.8", 32), ..any() }, udp()));
    assert!(accepts(FilterMatch { either: set("10.0.0.5", 32), ..any() }, udp()));
    assert!(!accepts(FilterMatch { either: set("10.0.0.6", 32), ..any() }, udp()));
}

#[test]
fn matches_protocols() {
    let any = FilterMatch::default;
    let udp = || udp_out(1, 2);
    assert!(accepts(FilterMatch { protocols: vec![6, 17], ..any() }, udp()));
    assert!(!accepts(FilterMatch { protocols: vec![6], ..any() }, udp()));
}

#[test]
fn matches_ports_only_where_there_are_ports() {
    let any = FilterMatch::default;
    let source = || FilterMatch { source_ports: vec![(53, 53)], ..any() };
    let destination = || FilterMatch { destination_ports: vec![(1, 9), (53, 60)], ..any() };
    let either = || FilterMatch { ports: vec![(53, 53)], ..any() };
    assert!(accepts(source(), udp_out(53, 99)) && !accepts(source(), udp_out(99, 53)));
    assert!(accepts(destination(), udp_out(99, 60)) && !accepts(destination(), udp_out(53, 61)));
    assert!(accepts(either(), udp_out(99, 53)) && accepts(either(), udp_out(53, 99)));
    assert!(!accepts(either(), udp_out(52, 54)));
    assert!(accepts(source(), fragment([0x20, 0])), "a first fragment has ports");
    let zero = FilterMatch { source_ports: vec![(0, 65_535)], ..any() };
    assert!(!accepts(zero.clone(), fragment([0, 1])), "a later one has none");
    let echo = frame("10.0.0.5", "8.8.8.8", 1, &icmp(8, 0, [0, 53, 0, 0], &[]));
    assert!(!accepts(zero, echo), "an identifier is no port");
}

#[test]
fn matches_tcp_flags_and_icmp_types() {
    let any = FilterMatch::default;
    let established = || FilterMatch { tcp_established: true, ..any() };
    assert!(accepts(established(), tcp_out(0x10)) && accepts(established(), tcp_out(0x04)));
    assert!(!accepts(established(), tcp_out(0x02)) && !accepts(established(), udp_out(1, 2)));
    let initial = || FilterMatch { tcp_initial: true, ..any() };
    assert!(accepts(initial(), tcp_out(0x02)) && !accepts(initial(), tcp_out(0x12)));
    let flags = || FilterMatch { tcp_flags: vec![(0x12, 0x02), (0x05, 0x05)], ..any() };
    assert!(accepts(flags(), tcp_out(0x42)) && accepts(flags(), tcp_out(0x15)));
    assert!(!accepts(flags(), tcp_out(0x12)) && !accepts(flags(), fragment([0, 1])));
    let echo = || frame("10.0.0.5", "8.8.8.8", 1, &icmp(3, 4, [0; 4], &[]));
    let types = |t, c| FilterMatch { icmp_types: vec![(t, t)], icmp_codes: vec![c], ..any() };
    assert!(accepts(types(3, (0, 15)), echo()));
    assert!(!accepts(types(3, (5, 15)), echo()) && !accepts(types(8, (0, 15)), echo()));
    assert!(!accepts(types(0, (0, 255)), udp_out(0, 0)));
}

#[test]
fn matches_header_fields() {
    let any = FilterMatch::default;
    let first = || FilterMatch { first_fragment: true, ..any() };
    let later = || FilterMatch { is_fragment: true, ..any() };
    let more = || FilterMatch { fragment_flags: Some((0x2000, 0x2000)), ..any() };
    let (whole, start, end) = ([0, 0], [0x20, 0], [0, 1]);
    assert_eq!([whole, start, end].map(|f| accepts(first(), fragment(f))), [false, true, false]);
    assert_eq!([whole, start, end].map(|f| accepts(later(), fragment(f))), [false, false, true]);
    assert_eq!([whole, start, end].map(|f| accepts(more(), fragment(f))), [false, true, false]);
    let lengths = |range| FilterMatch { packet_lengths: vec![range], ..any() };
    assert!(
        accepts(lengths((28, 28)), udp_out(1, 2)) && !accepts(lengths((29, 99)), udp_out(1, 2))
    );
    let ttl = |range| FilterMatch { ttls: vec![range], ..any() };
    assert!(accepts(ttl((64, 64)), udp_out(1, 2)) && !accepts(ttl((0, 63)), udp_out(1, 2)));
    let dscp = |value| FilterMatch { dscps: vec![value], ..any() };
    assert!(accepts(dscp(0), udp_out(1, 2)) && !accepts(dscp(46), udp_out(1, 2)));
    let option = || FilterMatch { any_ip_option: true, ..any() };
    let (from, to, payload) = (ip("10.0.0.5"), ip("8.8.8.8"), udp(1, 2, &[]));
    let alert = ipv4_packet(from, to, 17, [0, 0], &[148, 4, 0, 0], &payload);
    assert!(accepts(option(), ethernet(0x0800, &alert)) && !accepts(option(), udp_out(1, 2)));
}
