//! SYN cookies to the byte: the challenge, its answer, forgeries and time.

use components::world::screen::Thresholds;

use super::history::{Guard, syn};
use super::*;
use ScreenAttack as A;

const SECOND_US: u64 = 1_000_000;
const CLIENT: &str = "198.51.100.7";
const SERVER: &str = "10.0.0.5";

fn defended() -> Guard {
    let thresholds = Thresholds { syn_attack: 1, ..Thresholds::default() };
    Guard::new(&[A::SynFlood, A::SynCookie, A::Land], thresholds)
}

/// A SYN of the client with an MSS option.
fn syn_with_mss(mss: u16) -> Vec<u8> {
    let mut segment = tcp(1025, 80, 2, &[]);
    segment[12] = 0x70;
    segment.extend([1, 1, 1, 1, 2, 4]);
    segment.extend(mss.to_be_bytes());
    frame(CLIENT, SERVER, 6, &segment)
}

/// The client's ACK of a sequence number.
fn ack(sequence: u32, acknowledged: u32) -> Vec<u8> {
    let mut segment = tcp(1025, 80, 16, &[]);
    segment[4..8].copy_from_slice(&sequence.to_be_bytes());
    segment[8..12].copy_from_slice(&acknowledged.to_be_bytes());
    frame(CLIENT, SERVER, 6, &segment)
}

/// Fills the zone's second and has the client's SYN challenged; gives the SYN-ACK.
fn challenge(guard: &mut Guard, at_us: u64, mss: u16) -> Vec<u8> {
    assert_eq!(guard.send(at_us, &syn(1, 1, 80)), None, "at the threshold");
    assert_eq!(guard.send(at_us + 1, &syn_with_mss(mss)), Some(A::SynCookie));
    let answer = guard.shard.answers.packets[0];
    let start = answer.offset as usize;
    let packet = guard.shard.answers.bytes[start..start + answer.length as usize].to_vec();
    guard.shard.answers.clear();
    packet
}

fn cookie_in(packet: &[u8]) -> u32 {
    u32::from_be_bytes(*packet[24..].first_chunk().expect("a sequence number"))
}

#[test]
fn a_syn_above_the_threshold_is_answered_with_a_syn_ack() {
    let mut guard = defended();
    let packet = challenge(&mut guard, 0, 1460);
    verify_checksums(&packet);
    assert_eq!(packet[..2], [0x45, 0]);
    assert_eq!(packet[12..20], [10, 0, 0, 5, 198, 51, 100, 7]);
    assert_eq!(packet[20..24], [0, 80, 4, 1], "the ports change sides");
    assert_eq!(packet[28..32], 1001u32.to_be_bytes(), "acknowledges the SYN");
    assert_eq!(packet[32..36], [0x60, 0x12, 0, 0], "SYN and ACK, window closed");
    assert_eq!(packet[40..44], [2, 4, 0x05, 0xb4], "MSS 1460");
    assert_eq!(cookie_in(&packet) & 7, 6);
    assert_eq!(guard.shard.counters.cookies.sent, 1);
}

#[test]
fn the_mss_is_the_largest_of_the_table_that_is_not_above_the_clients() {
    for (offered, expected) in [(1459, 1440u16), (536, 536), (400, 536), (1460, 1460), (9000, 8960)]
    {
        let packet = challenge(&mut defended(), 0, offered);
        assert_eq!(packet[42..44], expected.to_be_bytes(), "{offered}");
    }
}

#[test]
fn the_client_that_answers_is_known_and_its_next_syn_goes_on() {
    let mut guard = defended();
    let cookie = cookie_in(&challenge(&mut guard, 0, 1460));
    guard.send(2, &ack(1001, cookie.wrapping_add(1)));
    assert!(guard.shard.cookies.answered.contains(0));
    for at in 3..9 {
        assert_eq!(guard.send(at, &syn_with_mss(1460)), None);
    }
    assert_eq!(guard.send(9, &syn(8, 5, 80)), Some(A::SynCookie), "a stranger");
    // Five minutes later it is a stranger, too.
    let later = 301 * SECOND_US;
    guard.send(later, &syn(1, 1, 80));
    assert_eq!(guard.send(later, &syn_with_mss(1460)), Some(A::SynCookie));
}

#[test]
fn what_does_not_fit_the_cookie_has_failed() {
    let mut guard = defended();
    let cookie = cookie_in(&challenge(&mut guard, 0, 1460));
    let right = cookie.wrapping_add(1);
    for (sequence, acknowledged) in
        [(1001, right ^ 0x8000_0000), (1001, right.wrapping_add(1)), (1002, right), (1001, 2000)]
    {
        guard.send(2, &ack(sequence, acknowledged));
        assert!(guard.shard.cookies.failed.contains(0), "{sequence} {acknowledged}");
        assert!(!guard.shard.cookies.answered.contains(0));
    }
    assert_eq!(guard.send(3, &syn_with_mss(1460)), Some(A::SynCookie), "still a stranger");
}

#[test]
fn a_cookie_is_good_in_its_epoch_and_in_the_next() {
    for (answered_at, good) in [(63, true), (64, true), (127, true), (128, false)] {
        let mut guard = defended();
        let cookie = cookie_in(&challenge(&mut guard, 0, 1460));
        guard.send(answered_at * SECOND_US, &ack(1001, cookie.wrapping_add(1)));
        assert_eq!(guard.shard.cookies.answered.contains(0), good, "{answered_at} s");
    }
}

#[test]
fn acks_are_not_looked_at_while_no_cookie_is_out() {
    let mut guard = defended();
    guard.send(0, &ack(1001, 2000));
    assert!(guard.shard.cookies.failed.is_empty() && guard.shard.cookies.answered.is_empty());
}

#[test]
fn an_earlier_attack_of_the_table_is_not_answered() {
    let mut guard = defended();
    guard.send(0, &syn(1, 1, 80));
    let land = frame("203.0.113.9", "203.0.113.9", 6, &tcp(80, 80, 2, &[]));
    assert_eq!(guard.send(1, &land), Some(A::Land));
    assert!(guard.shard.answers.packets.is_empty());
}

#[test]
fn the_alarm_threshold_raises_one_alarm_a_second_beside_the_cookies() {
    let mut guard = defended();
    guard.world.screens[0].thresholds.syn_alarm = 2;
    let frames: Vec<_> = (0..6u8).map(|at| (u64::from(at), syn(at, 5, 80))).collect();
    guard.send_all(&frames, 6);
    let counts = &guard.shard.counters.screens;
    // Attack threshold 1, alarm threshold 2: the fourth SYN.
    assert_eq!(counts[A::SynFlood as usize], 1);
    assert_eq!(counts[A::SynCookie as usize], 5);
}
