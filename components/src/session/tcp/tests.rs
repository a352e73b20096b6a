//! Segments of literal numbers through the tracker: what passes, what does not, and at which
//! number one becomes the other. Client numbers begin at 1,000, server numbers at 5,000.

use super::*;
use crate::columns::tcp_flag::{ACK, FIN, PSH, RST, SYN};
use crate::reason::DropReason::{TcpBadReset, TcpOutOfState, TcpOutOfWindow};

mod conversation;

const CLIENT: u8 = 0;
const SERVER: u8 = 1;

/// A segment with a window of 1,000 bytes.
fn segment(direction: u8, flags: u8, sequence: u32, acknowledgment: u32) -> Segment {
    Segment { direction, flags, sequence, acknowledgment, window: 1_000, ..Segment::default() }
}

fn data(direction: u8, sequence: u32, acknowledgment: u32, payload: u16) -> Segment {
    Segment { payload, ..segment(direction, ACK | PSH, sequence, acknowledgment) }
}

/// A connection under test and what is checked of it.
struct Line {
    tcp: Tcp,
    checks: TcpChecks,
}

impl Line {
    fn opened_by(segment: &Segment) -> Self {
        Self { tcp: Tcp::opened_by(segment), checks: TcpChecks::default() }
    }

    /// After a handshake with windows of 1,000 bytes.
    fn established() -> Self {
        let mut line = Self::opened_by(&segment(CLIENT, SYN, 1_000, 0));
        line.passes(segment(SERVER, SYN | ACK, 5_000, 1_001));
        line.passes(segment(CLIENT, ACK, 1_001, 5_001));
        assert_eq!(line.tcp.state(), TcpState::Established);
        line
    }

    #[track_caller]
    fn passes(&mut self, segment: Segment) {
        let judged = self.tcp.judge(&segment, self.checks);
        assert_eq!(judged, Ok(()), "{segment:?} in {:?}", self.tcp);
        self.tcp.follow(&segment, self.checks);
    }

    #[track_caller]
    fn drops(&self, segment: Segment, reason: DropReason) {
        assert_eq!(self.tcp.judge(&segment, self.checks), Err(reason), "{segment:?}");
    }
}

#[test]
fn the_server_must_acknowledge_the_syn_and_nothing_more() {
    let mut line = Line::opened_by(&segment(CLIENT, SYN, 1_000, 0));
    line.drops(segment(SERVER, SYN | ACK, 5_000, 1_000), TcpOutOfWindow);
    line.drops(segment(SERVER, SYN | ACK, 5_000, 1_002), TcpOutOfWindow);
    line.drops(segment(SERVER, ACK, 5_000, 1_001), TcpOutOfState);
    line.drops(segment(SERVER, SYN | FIN | ACK, 5_000, 1_001), TcpOutOfState);
    line.drops(segment(CLIENT, PSH, 1_001, 0), TcpOutOfState);
    line.passes(segment(SERVER, SYN | ACK, 5_000, 1_001));
    assert_eq!(line.tcp.state(), TcpState::SynReceived);
    line.drops(segment(CLIENT, ACK, 1_001, 5_002), TcpOutOfWindow);
    line.passes(segment(CLIENT, ACK, 1_001, 5_001));
    assert_eq!(line.tcp.state(), TcpState::Established);
}

#[test]
fn a_syn_and_a_syn_ack_may_come_again_with_other_numbers_until_they_are_acknowledged() {
    let mut line = Line::opened_by(&segment(CLIENT, SYN, 1_000, 0));
    line.passes(segment(CLIENT, SYN, 1_000, 0));
    line.passes(segment(CLIENT, SYN, 2_000, 0));
    line.drops(segment(SERVER, SYN | ACK, 5_000, 1_001), TcpOutOfWindow);
    line.passes(segment(SERVER, SYN | ACK, 5_000, 2_001));
    line.passes(segment(SERVER, SYN | ACK, 5_000, 2_001));
    // A server that answers with cookies.
    line.passes(segment(SERVER, SYN | ACK, 90_000, 2_001));
    line.passes(segment(CLIENT, ACK, 2_001, 90_001));
    assert_eq!(line.tcp.state(), TcpState::Established);
    line.passes(segment(SERVER, SYN | ACK, 90_000, 2_001));
    line.drops(segment(SERVER, SYN | ACK, 50_000, 2_001), TcpOutOfWindow);
}

#[test]
fn simultaneous_open_is_established_when_both_syns_are_acknowledged() {
    let mut line = Line::opened_by(&segment(CLIENT, SYN, 1_000, 0));
    line.passes(segment(SERVER, SYN, 5_000, 0));
    line.passes(segment(SERVER, SYN | ACK, 5_000, 1_001));
    assert_eq!(line.tcp.state(), TcpState::SynReceived);
    line.passes(segment(CLIENT, SYN | ACK, 1_000, 5_001));
    assert_eq!(line.tcp.state(), TcpState::Established);
    line.passes(data(SERVER, 5_001, 1_001, 1_000));
    line.passes(data(CLIENT, 1_001, 5_001, 1_000));
}

#[test]
fn data_may_fill_the_window_but_for_a_probe_of_one_byte() {
    let mut line = Line::established();
    line.drops(data(CLIENT, 1_001, 5_001, 1_002), TcpOutOfWindow);
    line.passes(data(CLIENT, 1_001, 5_001, 1_000));
    line.passes(data(CLIENT, 2_001, 5_001, 1));
    line.drops(data(CLIENT, 2_002, 5_001, 1), TcpOutOfWindow);
    // An acknowledgment opens it again.
    line.passes(segment(SERVER, ACK, 5_001, 2_001));
    line.passes(data(CLIENT, 2_001, 5_001, 1_000));
    // A closed window stays where it was: its right edge never moves back.
    let closed = Segment { window: 0, ..segment(SERVER, ACK, 5_001, 2_501) };
    line.passes(closed);
    line.passes(data(CLIENT, 3_001, 5_001, 1));
    line.drops(data(CLIENT, 3_001, 5_001, 2), TcpOutOfWindow);
}

#[test]
fn retransmissions_and_keepalives_pass_and_what_is_older_than_a_window_does_not() {
    let mut line = Line::established();
    line.passes(data(CLIENT, 1_001, 5_001, 1_000));
    line.passes(segment(SERVER, ACK, 5_001, 2_001));
    line.passes(data(CLIENT, 2_001, 5_001, 1_000));
    line.passes(segment(SERVER, ACK, 5_001, 3_001));
    // Keepalives have the number before the next, with no byte or one.
    line.passes(segment(CLIENT, ACK, 3_000, 5_001));
    line.passes(data(CLIENT, 3_000, 5_001, 1));
    line.passes(data(CLIENT, 2_001, 5_001, 1_000));
    line.passes(data(CLIENT, 1_001, 5_001, 999));
    line.drops(data(CLIENT, 1_001, 5_001, 998), TcpOutOfWindow);
}

#[test]
fn nothing_is_acknowledged_that_was_not_sent() {
    let mut line = Line::established();
    line.passes(data(SERVER, 5_001, 1_001, 500));
    line.drops(segment(CLIENT, ACK, 1_001, 5_502), TcpOutOfWindow);
    line.passes(segment(CLIENT, ACK, 1_001, 5_501));
    // A duplicate of an older one.
    line.passes(segment(CLIENT, ACK, 1_001, 5_001));
    line.drops(segment(CLIENT, ACK, 1_001, 5_501u32.wrapping_sub(65_536)), TcpOutOfWindow);
}

#[test]
fn a_window_is_scaled_if_both_sides_offered_to() {
    let open = |server_scale| {
        let syn = Segment { scale: Some(3), ..segment(CLIENT, SYN, 1_000, 0) };
        let mut line = Line::opened_by(&syn);
        let answer = segment(SERVER, SYN | ACK, 5_000, 1_001);
        line.passes(Segment { scale: server_scale, ..answer });
        line.passes(segment(CLIENT, ACK, 1_001, 5_001));
        line
    };
    let mut scaled = open(Some(0));
    scaled.passes(data(SERVER, 5_001, 1_001, 8_000));
    let plain = open(None);
    plain.drops(data(SERVER, 5_001, 1_001, 8_000), TcpOutOfWindow);
    // The window of a SYN is never scaled, and the client has scale 3, not the server.
    scaled.drops(data(CLIENT, 1_001, 13_001, 1_002), TcpOutOfWindow);
    let mut huge = open(Some(255));
    huge.passes(Segment { window: 65_535, ..segment(SERVER, ACK, 5_001, 1_001) });
    // Above 14 is 14 (RFC 7323).
    huge.passes(data(CLIENT, (65_535 << 14) + 1, 5_001, 1_000));
    huge.drops(data(CLIENT, (65_535 << 14) + 1_002, 5_001, 1), TcpOutOfWindow);
}

#[test]
fn numbers_wrap() {
    let mut line = Line::opened_by(&segment(CLIENT, SYN, u32::MAX, 0));
    line.passes(segment(SERVER, SYN | ACK, u32::MAX - 1, 0));
    line.passes(segment(CLIENT, ACK, 0, u32::MAX));
    line.passes(data(SERVER, u32::MAX, 0, 1_000));
    line.passes(segment(CLIENT, ACK, 0, 999));
    line.drops(segment(CLIENT, ACK, 0, 1_000), TcpOutOfWindow);
}

#[test]
fn a_reset_must_lie_between_what_is_acknowledged_and_the_window() {
    let mut line = Line::established();
    line.passes(data(SERVER, 5_001, 1_001, 500));
    line.drops(segment(SERVER, RST, 5_000, 0), TcpBadReset);
    line.drops(segment(SERVER, RST, 6_002, 0), TcpBadReset);
    line.drops(segment(SERVER, RST | SYN, 5_501, 0), TcpOutOfState);
    // Beyond what was sent, the client challenges it.
    line.passes(segment(SERVER, RST, 6_001, 0));
    assert_eq!(line.tcp.state(), TcpState::Established);
    // Sent, perhaps received, not acknowledged.
    let mut other = Line { tcp: line.tcp, checks: line.checks };
    other.passes(segment(SERVER, RST, 5_001, 0));
    assert_eq!(other.tcp.state(), TcpState::Reset);
    line.passes(segment(SERVER, RST, 5_501, 0));
    assert_eq!(line.tcp.state(), TcpState::Reset);
}

#[test]
fn a_reset_that_answers_a_syn_must_acknowledge_it() {
    let mut line = Line::opened_by(&segment(CLIENT, SYN, 1_000, 0));
    line.drops(segment(SERVER, RST, 0, 0), TcpBadReset);
    line.drops(segment(SERVER, RST | ACK, 0, 1_000), TcpBadReset);
    line.drops(segment(SERVER, RST | ACK, 0, 1_002), TcpBadReset);
    line.passes(segment(SERVER, RST | ACK, 0, 1_001));
    assert_eq!(line.tcp.state(), TcpState::Reset);
}

#[test]
fn a_reset_check_may_be_exact_or_none() {
    let mut line = Line::established();
    line.passes(data(SERVER, 5_001, 1_001, 500));
    line.checks.exact_reset = true;
    line.drops(segment(SERVER, RST, 5_499, 0), TcpBadReset);
    line.drops(segment(SERVER, RST, 5_502, 0), TcpBadReset);
    let mut before = Line { tcp: line.tcp, checks: line.checks };
    before.passes(segment(SERVER, RST, 5_500, 0));
    line.passes(segment(SERVER, RST, 5_501, 0));
    let mut unchecked = Line::established();
    unchecked.checks.sequence = false;
    unchecked.passes(segment(SERVER, RST, 77, 0));
    assert_eq!(unchecked.tcp.state(), TcpState::Reset);
}

#[test]
fn without_sequence_checks_states_are_checked_all_the_same() {
    let mut line = Line::opened_by(&segment(CLIENT, SYN, 1_000, 0));
    line.checks.sequence = false;
    line.drops(segment(SERVER, ACK, 9, 9), TcpOutOfState);
    line.passes(segment(SERVER, SYN | ACK, 5_000, 77));
    line.passes(segment(CLIENT, ACK, 400_000, 88));
    assert_eq!(line.tcp.state(), TcpState::Established);
    line.passes(data(SERVER, 3_000_000, 1, 1_000));
    line.drops(segment(SERVER, FIN, 5_001, 0), TcpOutOfState);
}

#[test]
fn half_closed_the_other_side_goes_on_and_simultaneous_close_ends_it() {
    let mut line = Line::established();
    line.passes(segment(CLIENT, FIN | ACK, 1_001, 5_001));
    assert!(line.tcp.is_closing());
    line.passes(data(SERVER, 5_001, 1_002, 1_000));
    line.passes(segment(CLIENT, ACK, 1_002, 6_001));
    assert_eq!(line.tcp.state(), TcpState::Established);
    line.passes(segment(SERVER, FIN | ACK, 6_001, 1_002));
    assert_eq!(line.tcp.state(), TcpState::Finished);
    line.passes(segment(CLIENT, ACK, 1_002, 6_002));
    let mut both = Line::established();
    both.passes(segment(CLIENT, FIN | ACK, 1_001, 5_001));
    both.passes(segment(SERVER, FIN | ACK, 5_001, 1_001));
    assert_eq!(both.tcp.state(), TcpState::Finished);
    both.passes(segment(CLIENT, FIN | ACK, 1_001, 5_002));
    both.passes(segment(SERVER, ACK, 5_002, 1_002));
    both.drops(segment(SERVER, ACK, 5_002, 1_003), TcpOutOfWindow);
}

#[test]
fn in_time_wait_a_syn_beyond_the_last_number_opens_the_next_connection() {
    let mut line = Line::established();
    let syn = |sequence| segment(CLIENT, SYN, sequence, 0);
    assert!(!line.tcp.is_reopened_by(&syn(9_000), line.checks), "established");
    line.passes(segment(CLIENT, FIN | ACK, 1_001, 5_001));
    line.passes(segment(SERVER, FIN | ACK, 5_001, 1_002));
    assert!(!line.tcp.is_reopened_by(&syn(1_001), line.checks), "the FIN's number");
    line.drops(syn(1_001), TcpOutOfState);
    assert!(line.tcp.is_reopened_by(&syn(1_002), line.checks));
    assert!(line.tcp.is_reopened_by(&segment(SERVER, SYN, 5_002, 0), line.checks));
    assert!(!line.tcp.is_reopened_by(&segment(SERVER, SYN | ACK, 5_002, 1_002), line.checks));
    let unchecked = TcpChecks { sequence: false, ..line.checks };
    assert!(line.tcp.is_reopened_by(&syn(7), unchecked));
    let mut reset = Line::established();
    reset.passes(segment(SERVER, RST, 5_001, 0));
    assert!(reset.tcp.is_reopened_by(&syn(7), reset.checks), "RST leaves no TIME-WAIT");
}

#[test]
fn a_client_that_forgot_is_challenged_and_its_reset_ends_the_old_connection() {
    let mut line = Line::established();
    line.passes(data(SERVER, 5_001, 1_001, 100));
    line.passes(segment(CLIENT, ACK, 1_001, 5_101));
    line.passes(segment(CLIENT, SYN, 700_000, 0));
    assert_eq!(line.tcp.state(), TcpState::Established);
    // The challenge has the old numbers; its answer is exact.
    line.passes(segment(SERVER, ACK, 5_101, 1_001));
    line.passes(segment(CLIENT, RST, 1_001, 0));
    assert_eq!(line.tcp.state(), TcpState::Reset);
    assert!(line.tcp.is_reopened_by(&segment(CLIENT, SYN, 700_000, 0), line.checks));
}

#[test]
fn a_server_that_forgot_too_answers_and_both_go_on() {
    let mut line = Line::established();
    line.passes(segment(CLIENT, SYN, 700_000, 0));
    line.drops(segment(SERVER, SYN | ACK, 99_000, 700_002), TcpOutOfWindow);
    line.passes(segment(SERVER, SYN | ACK, 99_000, 700_001));
    assert_eq!(line.tcp.state(), TcpState::SynReceived);
    line.passes(segment(CLIENT, ACK, 700_001, 99_001));
    assert_eq!(line.tcp.state(), TcpState::Established);
    // The SYN's scale is not known any more.
    line.passes(data(CLIENT, 700_001, 99_001, 20_000));
}

#[test]
fn fast_open_data_and_its_acknowledgment_pass() {
    let mut line = Line::opened_by(&Segment { payload: 200, ..segment(CLIENT, SYN, 1_000, 0) });
    line.drops(segment(SERVER, SYN | ACK, 5_000, 1_202), TcpOutOfWindow);
    line.passes(segment(SERVER, SYN | ACK, 5_000, 1_201));
    // The server may send at once what the SYN's window allows.
    line.passes(data(SERVER, 5_001, 1_201, 1_000));
    line.passes(segment(CLIENT, ACK, 1_201, 6_001));
    assert_eq!(line.tcp.state(), TcpState::Established);
}

#[test]
fn strict_syn_check_lets_nothing_pass_before_the_handshake_is_complete() {
    let mut line = Line::opened_by(&segment(CLIENT, SYN, 1_000, 0));
    line.checks.strict_syn = true;
    line.drops(segment(CLIENT, ACK, 1_001, 5_001), TcpOutOfState);
    line.drops(Segment { payload: 9, ..segment(CLIENT, SYN, 1_000, 0) }, TcpOutOfState);
    line.passes(segment(SERVER, SYN | ACK, 5_000, 1_001));
    line.drops(data(SERVER, 5_001, 1_001, 10), TcpOutOfState);
    line.drops(segment(CLIENT, ACK, 1_001, 5_000), TcpOutOfState);
    line.passes(data(CLIENT, 1_001, 5_001, 10));
    line.passes(data(SERVER, 5_001, 1_001, 10));
}

#[test]
fn one_side_alone_is_followed_as_far_as_it_goes() {
    let mut line = Line::opened_by(&segment(CLIENT, SYN, 1_000, 0));
    line.passes(segment(CLIENT, ACK, 1_001, 5_001));
    line.passes(data(CLIENT, 1_001, 5_001, 1_400));
    line.passes(data(CLIENT, 2_401, 9_001, 1_400));
    line.passes(segment(CLIENT, FIN | ACK, 3_801, 9_001));
    line.drops(segment(CLIENT, RST, 3_803, 0), TcpBadReset);
    line.passes(segment(CLIENT, RST, 3_802, 0));
    assert_eq!(line.tcp.state(), TcpState::Reset);
}

#[test]
fn a_connection_picked_up_in_its_middle_is_not_held_to_windows() {
    let mut line = Line::opened_by(&data(CLIENT, 1_000, 5_000, 100));
    assert_eq!(line.tcp.state(), TcpState::Established);
    line.passes(data(SERVER, 5_000, 1_100, 60_000));
    line.passes(data(CLIENT, 1_100, 65_000, 60_000));
    line.drops(segment(SERVER, PSH, 65_000, 0), TcpOutOfState);
    line.passes(segment(SERVER, RST, 65_000, 0));
    assert_eq!(line.tcp.state(), TcpState::Reset);
}

#[test]
fn a_fragmented_segment_may_be_acknowledged_as_far_as_its_window_reached() {
    let mut line = Line::established();
    line.passes(Segment { fragmented: true, ..data(CLIENT, 1_001, 5_001, 100) });
    line.passes(segment(SERVER, ACK, 5_001, 2_001));
    line.drops(segment(SERVER, ACK, 5_001, 2_003), TcpOutOfWindow);
}
