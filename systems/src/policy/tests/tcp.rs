//! TCP packet by packet through the pipeline: what each check drops, when sessions end and why.

use super::*;

/// One end of a connection: its address, port and zone's interface.
type End = ((&'static str, u16), IfIndex);

const CLIENT: End = (("10.0.0.5", 5000), TRUST_IFL);
const SERVER: End = (("198.51.100.1", 80), UNTRUST_IFL);

/// A segment with window 1,000: flags, sequence, acknowledgment, data, options.
fn segment(
    from: End,
    to: End,
    (flags, sequence, acknowledgment): (u8, u32, u32),
    payload: usize,
    options: &[u8],
) -> Vec<u8> {
    let mut segment = support::tcp(from.0.1, to.0.1, flags, &[]);
    segment[4..8].copy_from_slice(&sequence.to_be_bytes());
    segment[8..12].copy_from_slice(&acknowledgment.to_be_bytes());
    segment[12] = u8::try_from(5 + options.len() / 4).expect("few options") << 4;
    segment[14..16].copy_from_slice(&1_000u16.to_be_bytes());
    segment.extend(options);
    segment.resize(segment.len() + payload, b'x');
    support::ip_packet(from.0.0, to.0.0, TCP, &segment)
}

fn from_client(firewall: &mut Firewall, numbers: (u8, u32, u32), payload: usize) -> Sent {
    firewall.send(CLIENT.1, &segment(CLIENT, SERVER, numbers, payload, &[]))
}

fn from_server(firewall: &mut Firewall, numbers: (u8, u32, u32), payload: usize) -> Sent {
    firewall.send(SERVER.1, &segment(SERVER, CLIENT, numbers, payload, &[]))
}

#[track_caller]
fn passes(sent: Sent) {
    assert!(matches!(sent, Sent::Forwarded(_)), "{sent:?}");
}

#[track_caller]
fn drops(sent: Sent, reason: DropReason) {
    assert_eq!(sent, Sent::Dropped(reason));
}

/// A connection after its handshake; client numbers begin at 1,000, server numbers at 5,000.
fn established(options: impl FnOnce(&mut FlowOptions)) -> Firewall {
    let mut world = world();
    options(&mut world.flow);
    let mut firewall = Firewall::new(world);
    passes(from_client(&mut firewall, (SYN, 1_000, 0), 0));
    passes(from_server(&mut firewall, (SYN | ACK, 5_000, 1_001), 0));
    passes(from_client(&mut firewall, (ACK, 1_001, 5_001), 0));
    firewall
}

/// Type and reason of the last record, its packets of both directions.
fn last_close(firewall: &Firewall) -> (CloseReason, u64, u64) {
    let record = firewall.events.records.last().expect("a close");
    assert_eq!(record.event_type, EventKind::SessionClose as u8);
    let reason = CloseReason::ALL[usize::from(record.reason)];
    (reason, u64::from(record.detail[0]), record.server_packets.get())
}

#[test]
fn what_lies_outside_of_the_window_is_dropped_and_does_not_move_it() {
    let mut firewall = established(|_| ());
    drops(from_client(&mut firewall, (ACK, 1_001, 5_001), 1_002), DropReason::TcpOutOfWindow);
    passes(from_client(&mut firewall, (ACK, 1_001, 5_001), 1_000));
    drops(from_server(&mut firewall, (ACK, 5_001, 2_002), 0), DropReason::TcpOutOfWindow);
    passes(from_server(&mut firewall, (ACK, 5_001, 2_001), 0));
    drops(from_server(&mut firewall, (FIN, 5_001, 0), 0), DropReason::TcpOutOfState);
    let dropped = firewall.shard.counters.packets.dropped;
    assert_eq!(dropped.0[DropReason::TcpOutOfWindow.index()], 2);
    assert_eq!(dropped.0[DropReason::TcpOutOfState.index()], 1);
}

#[test]
fn a_segment_dropped_for_its_ttl_moves_no_window() {
    let mut firewall = established(|_| ());
    let mut last_hop = segment(CLIENT, SERVER, (ACK, 1_001, 5_001), 500, &[]);
    last_hop[8] = 1;
    support::fix_header_checksum(&mut last_hop);
    drops(firewall.send(CLIENT.1, &last_hop), DropReason::TtlExceeded);
    drops(from_server(&mut firewall, (ACK, 5_001, 1_002), 0), DropReason::TcpOutOfWindow);
}

#[test]
fn the_window_scale_is_read_from_both_syns() {
    let scale = [1, 3, 3, 4];
    for (answer, fate) in [(&scale[..], None), (&[], Some(DropReason::TcpOutOfWindow))] {
        let mut firewall = Firewall::new(world());
        firewall.forward(CLIENT.1, &segment(CLIENT, SERVER, (SYN, 1_000, 0), 0, &scale));
        firewall.forward(SERVER.1, &segment(SERVER, CLIENT, (SYN | ACK, 5_000, 1_001), 0, answer));
        passes(from_client(&mut firewall, (ACK, 1_001, 5_001), 0));
        let sent = from_server(&mut firewall, (ACK, 5_001, 1_001), 1_400);
        match fate {
            None => passes(sent),
            Some(reason) => drops(sent, reason),
        }
    }
}

#[test]
fn a_blind_reset_ends_nothing() {
    let mut firewall = established(|_| ());
    drops(from_server(&mut firewall, (RST, 77, 0), 0), DropReason::TcpBadReset);
    passes(from_server(&mut firewall, (RST, 5_900, 0), 0));
    firewall.wait(1_799);
    passes(from_client(&mut firewall, (ACK, 1_001, 5_001), 0));
    passes(from_server(&mut firewall, (RST, 5_001, 0), 0));
    firewall.wait(3);
    firewall.expire();
    assert_eq!(last_close(&firewall), (CloseReason::TcpRst, 3, 3));
}

#[test]
fn rst_invalidate_session_ends_it_with_the_packet_that_still_goes_out() {
    let mut world = with_source_nat();
    world.flow.rst_invalidates = true;
    let mut firewall = Firewall::new(world);
    passes(from_client(&mut firewall, (SYN, 1_000, 0), 0));
    let public = (("203.0.113.1", 5000), CLIENT.1);
    let reset = segment(SERVER, public, (RST | ACK, 0, 1_001), 0, &[]);
    let out = firewall.forward(SERVER.1, &reset);
    assert_eq!(tuple(&out), (ip("198.51.100.1"), 80, ip("10.0.0.5"), 5000), "translated");
    assert_eq!(last_close(&firewall), (CloseReason::TcpRst, 1, 1));
    assert_eq!((firewall.shard.sessions.active(), firewall.shard.ports.leased()), (0, 0));
    drops(firewall.send(SERVER.1, &reset), DropReason::HostInbound);
}

#[test]
fn fin_invalidate_session_ends_it_with_the_first_fin() {
    let mut firewall = established(|flow| flow.fin_invalidates = true);
    passes(from_client(&mut firewall, (FIN | ACK, 1_001, 5_001), 0));
    assert_eq!(last_close(&firewall), (CloseReason::TcpFin, 3, 1));
    drops(from_server(&mut firewall, (ACK, 5_001, 1_002), 0), DropReason::TcpNoSession);
}

#[test]
fn no_sequence_check_lets_any_number_pass_but_not_any_flags() {
    let mut firewall = established(|flow| flow.tcp_checks.sequence = false);
    passes(from_client(&mut firewall, (ACK, 900_000, 77), 1_400));
    drops(from_client(&mut firewall, (FIN, 1_001, 0), 0), DropReason::TcpOutOfState);
    passes(from_server(&mut firewall, (RST, 77, 0), 0));
}

#[test]
fn no_syn_check_picks_up_a_connection_but_never_on_a_reset() {
    let mut world = world();
    world.flow.no_syn_check = true;
    let mut firewall = Firewall::new(world);
    drops(from_client(&mut firewall, (RST, 1_001, 0), 0), DropReason::TcpNoSession);
    passes(from_client(&mut firewall, (ACK, 1_001, 5_001), 400));
    passes(from_server(&mut firewall, (ACK, 5_001, 1_401), 1_400));
    assert_eq!(firewall.shard.created, 1);
}

#[test]
fn half_closed_sessions_wait_as_long_as_open_ones_unless_told_otherwise() {
    for (closes_half, active) in [(false, 1), (true, 0)] {
        let mut firewall = established(|flow| flow.tcp_closes_half = closes_half);
        passes(from_client(&mut firewall, (FIN | ACK, 1_001, 5_001), 0));
        firewall.wait(3);
        firewall.expire();
        assert_eq!(firewall.shard.sessions.active(), active, "{closes_half}");
    }
}

/// Both sides close.
fn finished(options: impl FnOnce(&mut FlowOptions)) -> Firewall {
    let mut firewall = established(options);
    passes(from_client(&mut firewall, (FIN | ACK, 1_001, 5_001), 0));
    passes(from_server(&mut firewall, (FIN | ACK, 5_001, 1_002), 0));
    passes(from_client(&mut firewall, (ACK, 1_002, 5_002), 0));
    firewall
}

#[test]
fn time_wait_lasts_as_configured() {
    for (seconds, ages_out, expected) in [(2, false, 2), (6, false, 6), (2, true, 1_800)] {
        let mut firewall = finished(|flow| {
            flow.tcp_closing_s = seconds;
            flow.tcp_closing_ages_out = ages_out;
        });
        firewall.clock_ns += expected * SECOND - 1;
        firewall.expire();
        assert_eq!(firewall.shard.sessions.active(), 1, "{expected}");
        firewall.wait(1);
        firewall.expire();
        assert_eq!(last_close(&firewall).0, CloseReason::TcpFin);
    }
}

#[test]
fn in_time_wait_only_a_higher_syn_reuses_the_ports() {
    let mut firewall = finished(|_| ());
    drops(from_client(&mut firewall, (SYN, 1_001, 0), 0), DropReason::TcpOutOfState);
    assert_eq!(firewall.shard.created, 1);
    passes(from_client(&mut firewall, (SYN, 1_002, 0), 0));
    assert_eq!((firewall.shard.created, firewall.shard.closed.total()), (2, 1));
    assert_eq!(firewall.generated(EventKind::SessionClose), 1);
    passes(from_server(&mut firewall, (SYN | ACK, 70_000, 1_003), 0));
}

#[test]
fn the_largest_segment_is_clamped_in_syn_and_syn_ack_whole_and_fragmented() {
    let mut world = with_source_nat();
    world.flow.tcp_mss = Some(1_350);
    let mut firewall = Firewall::new(world);
    let offer = [2, 4, 0x05, 0xb4];
    let out = firewall.forward(CLIENT.1, &segment(CLIENT, SERVER, (SYN, 1_000, 0), 0, &offer));
    assert_eq!(out[40..44], [2, 4, 0x05, 0x46]);
    let public = (("203.0.113.1", 5000), CLIENT.1);
    let answer = segment(SERVER, public, (SYN | ACK, 5_000, 1_001), 0, &offer);
    assert_eq!(firewall.forward(SERVER.1, &answer)[40..44], [2, 4, 0x05, 0x46]);
    // Data that looks like an option behind a header that has none.
    let data = segment(CLIENT, SERVER, (ACK, 1_001, 5_001), 4, &[]);
    assert_eq!(firewall.forward(CLIENT.1, &data)[40..], *b"xxxx");
}

#[test]
fn a_table_at_its_high_watermark_makes_room_below_the_low_one() {
    let mut world = world();
    world.flow.aging = Aging { early_ageout_s: 5, low_watermark: 50, high_watermark: Some(75) };
    let mut firewall = Firewall::with_sessions(world, 4);
    let open = |firewall: &mut Firewall, port| {
        firewall.send(CLIENT.1, &udp(("10.0.0.5", port), ("198.51.100.1", 53)))
    };
    for port in 1..=3 {
        passes(open(&mut firewall, port));
        firewall.wait(1);
    }
    // Three of four are 75 %, one is below 50 %.
    firewall.wait(2);
    firewall.expire();
    assert_eq!(last_close(&firewall).0, CloseReason::AgedOut);
    assert_eq!(firewall.shard.sessions.active(), 2, "the first has been idle for five seconds");
    firewall.wait(1);
    firewall.expire();
    assert_eq!(firewall.shard.sessions.active(), 1, "and one second later the second");
    firewall.wait(10);
    firewall.expire();
    assert_eq!(firewall.shard.sessions.active(), 1, "below the low watermark");
    assert_eq!(firewall.shard.closed.0[CloseReason::AgedOut.index()], 2);
    passes(open(&mut firewall, 4));
}
