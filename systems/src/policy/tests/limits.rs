//! Screens that count sessions, and SYN cookies through the whole pipeline.

use components::ids::ScreenProfileId;
use components::world::screen::{ScreenAttack as A, ScreenProfile, Thresholds};

use super::*;

const PSH: u8 = tcp_flag::PSH;
const SCREENED: Sent = Sent::Dropped(DropReason::Screen);

/// A firewall whose zone trust looks for these attacks.
fn screened(attacks: &[A], thresholds: Thresholds, alarm_without_drop: bool) -> Firewall {
    screened_world(world(), attacks, thresholds, alarm_without_drop)
}

/// The same of another world.
pub(super) fn screened_world(
    mut world: World,
    attacks: &[A],
    thresholds: Thresholds,
    alarm_without_drop: bool,
) -> Firewall {
    let attacks = attacks.iter().fold(0, |bits, attack| bits | attack.bit());
    world.screens =
        vec![ScreenProfile { attacks, thresholds, alarm_without_drop, ..ScreenProfile::default() }];
    world.zones[TRUST.index()].screen = ScreenProfileId(1);
    let text = "systems = ['parse', 'screen', 'policy', 'nat', 'reject', 'rewrite', 'emit']\n\
        [session]\ncapacity = 64";
    let schedule = Schedule::parse(text).expect("a good schedule");
    let shard = Shard::new(&world, &schedule.settings, 0);
    let pipeline = Pipeline::new(&schedule);
    Firewall { world, pipeline, shard, events: Events::default(), clock_ns: 100 * SECOND }
}

/// What fired on the last packet.
fn fired(firewall: &Firewall) -> Vec<(A, Action)> {
    let events = firewall.events.rows.iter().filter(|event| event.kind == EventKind::ScreenDrop);
    let attack = |rule, term| A::from_record(rule, term).expect("an attack");
    events.map(|event| (attack(event.rule, event.term), event.action)).collect()
}

#[test]
fn a_source_has_at_most_its_limit_of_sessions_until_one_ends() {
    let thresholds = Thresholds { sessions_of_source: 2, ..Thresholds::default() };
    let mut firewall = screened(&[A::SessionLimitSource], thresholds, false);
    let from = |host: &'static str, port| udp((host, port), ("198.51.100.1", 53));
    firewall.forward(TRUST_IFL, &from("10.0.0.5", 1));
    firewall.wait(30);
    firewall.forward(TRUST_IFL, &from("10.0.0.5", 2));
    assert_eq!(firewall.send(TRUST_IFL, &from("10.0.0.5", 3)), SCREENED);
    assert_eq!(fired(&firewall), [(A::SessionLimitSource, Action::Deny)]);
    assert_eq!(firewall.shard.counters.screens[A::SessionLimitSource as usize], 1);
    firewall.forward(TRUST_IFL, &from("10.0.0.5", 2));
    firewall.forward(TRUST_IFL, &from("10.0.0.6", 3));
    // The first session ends after 60 s: there is room for exactly one.
    firewall.wait(31);
    firewall.forward(TRUST_IFL, &from("10.0.0.5", 3));
    assert_eq!(firewall.send(TRUST_IFL, &from("10.0.0.5", 4)), SCREENED);
    firewall.wait(100);
    for port in 10..12 {
        firewall.forward(TRUST_IFL, &from("10.0.0.5", port));
    }
    assert_eq!(firewall.send(TRUST_IFL, &from("10.0.0.5", 12)), SCREENED);
}

#[test]
fn a_destination_has_at_most_its_limit_of_sessions() {
    let thresholds = Thresholds { sessions_of_destination: 2, ..Thresholds::default() };
    let mut firewall = screened(&[A::SessionLimitDestination], thresholds, false);
    firewall.forward(TRUST_IFL, &udp(("10.0.0.5", 1), ("198.51.100.1", 53)));
    firewall.forward(TRUST_IFL, &udp(("10.0.0.6", 1), ("198.51.100.1", 53)));
    let third = udp(("10.0.0.7", 1), ("198.51.100.1", 53));
    assert_eq!(firewall.send(TRUST_IFL, &third), SCREENED);
    assert_eq!(fired(&firewall), [(A::SessionLimitDestination, Action::Deny)]);
    firewall.forward(TRUST_IFL, &udp(("10.0.0.7", 1), ("198.51.100.2", 53)));
}

#[test]
fn a_limit_that_only_alarms_lets_the_session_in_and_counts_it() {
    let thresholds = Thresholds { sessions_of_source: 1, ..Thresholds::default() };
    let mut firewall = screened(&[A::SessionLimitSource], thresholds, true);
    for port in 1..4 {
        firewall.forward(TRUST_IFL, &udp(("10.0.0.5", port), ("198.51.100.1", 53)));
        let alarm = [(A::SessionLimitSource, Action::Permit)];
        assert_eq!(fired(&firewall), alarm[..usize::from(port > 1)], "{port}");
    }
    assert_eq!(firewall.shard.sessions.active(), 3);
}

#[test]
fn what_the_policy_denies_counts_for_no_limit() {
    let thresholds = Thresholds { sessions_of_source: 1, ..Thresholds::default() };
    let mut firewall = screened(&[A::SessionLimitSource], thresholds, false);
    let denied = std::mem::take(&mut firewall.world.policies);
    let packet = udp(("10.0.0.5", 1), ("198.51.100.1", 53));
    for _ in 0..3 {
        assert_eq!(firewall.send(TRUST_IFL, &packet), Sent::Dropped(DropReason::PolicyDeny));
    }
    firewall.world.policies = denied;
    // A commit counts on: remembered denials of the one before are void.
    firewall.world.generation += 1;
    firewall.forward(TRUST_IFL, &packet);
}

#[test]
fn clients_that_open_and_say_nothing_are_limited() {
    let thresholds = Thresholds { silent_sessions: 2, ..Thresholds::default() };
    let mut firewall = screened(&[A::SynAckAckProxy], thresholds, false);
    let server = ("198.51.100.1", 23);
    let open = |firewall: &mut Firewall, port| {
        let client = ("10.0.0.5", port);
        let sent = firewall.send(TRUST_IFL, &tcp(client, server, SYN));
        if !matches!(sent, Sent::Forwarded(_)) {
            return sent;
        }
        firewall.forward(UNTRUST_IFL, &segment(server, client, SYN | ACK, (2000, 1001), b""));
        firewall.send(TRUST_IFL, &segment(client, server, ACK, (1001, 2001), b""))
    };
    for port in 1..3 {
        assert!(matches!(open(&mut firewall, port), Sent::Forwarded(_)), "{port}");
    }
    assert_eq!(open(&mut firewall, 3), SCREENED);
    assert_eq!(fired(&firewall), [(A::SynAckAckProxy, Action::Deny)]);
    // One of them logs in.
    let login = segment(("10.0.0.5", 1), server, ACK | PSH, (1001, 2001), b"me");
    firewall.forward(TRUST_IFL, &login);
    assert!(matches!(open(&mut firewall, 4), Sent::Forwarded(_)));
    assert_eq!(open(&mut firewall, 5), SCREENED);
}

/// A TCP segment with numbers of its own.
fn segment(
    from: (&str, u16),
    to: (&str, u16),
    flags: u8,
    (sequence, acknowledged): (u32, u32),
    data: &[u8],
) -> Vec<u8> {
    let mut segment = support::tcp(from.1, to.1, flags, data);
    segment[4..8].copy_from_slice(&sequence.to_be_bytes());
    segment[8..12].copy_from_slice(&acknowledged.to_be_bytes());
    support::ip_packet(from.0, to.0, TCP, &segment)
}

#[test]
fn the_answer_to_a_cookie_opens_a_session_and_the_client_is_known() {
    let attacks = [A::SynFlood, A::SynCookie];
    let thresholds = Thresholds { syn_attack: 1, ..Thresholds::default() };
    let mut firewall = screened(&attacks, thresholds, false);
    let (client, server) = (("10.0.0.5", 1025), ("198.51.100.1", 80));
    firewall.forward(TRUST_IFL, &tcp(("10.0.0.9", 9), server, SYN));
    assert_eq!(firewall.send(TRUST_IFL, &tcp(client, server, SYN)), SCREENED);
    assert_eq!(fired(&firewall), [(A::SynCookie, Action::Deny)]);
    let syn_ack = firewall.shard.answers.bytes.clone();
    support::verify_checksums(&syn_ack);
    assert_eq!(firewall.shard.answers.packets[0].egress, TRUST_IFL);
    firewall.shard.answers.clear();
    let cookie = u32::from_be_bytes(*syn_ack[24..].first_chunk().expect("a number"));

    let wrong = segment(client, server, ACK, (1001, cookie), b"");
    assert_eq!(firewall.send(TRUST_IFL, &wrong), SCREENED);
    assert_eq!(fired(&firewall), [(A::SynCookie, Action::Deny)]);
    let answer = segment(client, server, ACK, (1001, cookie.wrapping_add(1)), b"");
    let answered = Sent::Dropped(DropReason::SynCookieAnswered);
    assert_eq!(firewall.send(TRUST_IFL, &answer), answered);
    assert_eq!(fired(&firewall), []);
    let opening = firewall.shard.answers.bytes.clone();
    support::verify_checksums(&opening);
    assert_eq!(firewall.shard.answers.packets[0].egress, UNTRUST_IFL);
    assert_eq!((opening[33], &opening[24..28]), (SYN, &1000u32.to_be_bytes()[..]));
    assert_eq!((opening.len(), firewall.shard.sessions.active()), (44, 2));

    // Its next connection needs no cookie.
    firewall.forward(TRUST_IFL, &tcp(("10.0.0.5", 1026), server, SYN));
    assert_eq!(firewall.shard.sessions.active(), 3);
    let counts = firewall.shard.counters.cookies;
    assert_eq!((counts.sent, counts.answered, counts.failed, counts.opened), (1, 1, 1, 1));
}

#[test]
fn segments_of_sessions_are_no_answers_to_cookies() {
    let thresholds = Thresholds { syn_attack: 1, ..Thresholds::default() };
    let mut firewall = screened(&[A::SynFlood, A::SynCookie], thresholds, false);
    let (client, server) = (("10.0.0.5", 1025), ("198.51.100.1", 80));
    firewall.forward(TRUST_IFL, &tcp(client, server, SYN));
    assert_eq!(firewall.send(TRUST_IFL, &tcp(("10.0.0.6", 1), server, SYN)), SCREENED);
    firewall.forward(UNTRUST_IFL, &segment(server, client, SYN | ACK, (2000, 1001), b""));
    firewall.forward(TRUST_IFL, &segment(client, server, ACK, (1001, 2001), b""));
    assert_eq!(firewall.shard.counters.cookies.failed, 0);
}

#[test]
fn the_screens_timeout_shortens_the_handshake() {
    for (timeout_s, left) in [(5, 0), (20, 1)] {
        let thresholds = Thresholds { syn_timeout_s: timeout_s, ..Thresholds::default() };
        let mut firewall = screened(&[A::SynFlood], thresholds, false);
        firewall.expire();
        firewall.forward(TRUST_IFL, &tcp(("10.0.0.5", 1), ("198.51.100.1", 80), SYN));
        firewall.wait(6);
        firewall.expire();
        assert_eq!(firewall.shard.sessions.active(), left, "{timeout_s} s");
    }
}
