//! Connections that a SYN cookie has opened: each side sees its own numbers and nothing else, with
//! and without NAT, also inside ICMP errors, whatever the numbers are.

use components::world::application::ICMPV6;
use components::world::screen::{ScreenAttack as A, Thresholds};
use proptest::prelude::*;

use super::limits::screened_world;
use super::nat64::nat64;
use super::*;
use crate::tcp_options;

/// Where a connection runs.
struct Path {
    world: World,
    /// The client as it is, the server as the client knows it.
    client: (&'static str, u16),
    server: (&'static str, u16),
    /// The client as the server knows it, the server as it is.
    outside: (&'static str, u16),
    real: (&'static str, u16),
    /// Others that fill the zone's second.
    other: &'static str,
}

fn plain() -> Path {
    let (client, server) = (("10.0.0.5", 1025), ("198.51.100.1", 80));
    Path { world: world(), client, server, outside: client, real: server, other: "10.0.0.9" }
}

fn source_nat() -> Path {
    let outside = ("203.0.113.1", 1025);
    Path { world: with_source_nat(), outside, ..plain() }
}

fn across_families() -> Path {
    Path {
        world: nat64(),
        client: ("2001:db8:1::5", 1025),
        server: ("64:ff9b::198.51.100.1", 80),
        outside: ("203.0.113.1", 1025),
        other: "2001:db8:1::9",
        ..plain()
    }
}

/// Both ends of a connection and the firewall between.
struct Connection {
    firewall: Firewall,
    path: Path,
    /// What each side has sent, and where its numbers begin.
    sent: [u32; 2],
    first: [u32; 2],
    cookie: u32,
}

fn segment(
    from: (&str, u16),
    to: (&str, u16),
    flags: u8,
    (sequence, acknowledgment): (u32, u32),
    payload: usize,
) -> Vec<u8> {
    let mut segment = support::tcp(from.1, to.1, flags, &vec![0x5a; payload]);
    segment[4..8].copy_from_slice(&sequence.to_be_bytes());
    segment[8..12].copy_from_slice(&acknowledgment.to_be_bytes());
    segment[14..16].copy_from_slice(&60_000u16.to_be_bytes());
    support::ip_packet(from.0, to.0, TCP, &segment)
}

/// The same with selective acknowledgments behind `pads` no-operations, as RFC 2018 writes them.
fn segment_with_blocks(plain: &[u8], pads: usize, blocks: &[u32]) -> Vec<u8> {
    let is_v6 = plain[0] >> 4 == 6;
    let l4 = if is_v6 { 40 } else { 20 };
    let mut segment = plain[l4..l4 + 20].to_vec();
    segment.extend(vec![1; pads]);
    segment.extend([5, u8::try_from(2 + blocks.len() * 4).expect("at most 34")]);
    segment.extend(blocks.iter().flat_map(|edge| edge.to_be_bytes()));
    segment.resize(segment.len().next_multiple_of(4), 0);
    segment[12] = u8::try_from(segment.len() / 4).expect("at most 15") << 4;
    segment.extend(&plain[l4 + 20..]);
    segment[16..18].fill(0);
    let address = |at: usize| match is_v6 {
        true => IpAddr::from(*plain[at..].first_chunk::<16>().expect("an address")),
        false => IpAddr::from(*plain[at..].first_chunk::<4>().expect("an address")),
    };
    let (from, to) = if is_v6 { (address(8), address(24)) } else { (address(12), address(16)) };
    support::ip_packet(&from.to_string(), &to.to_string(), TCP, &segment)
}

/// The edges of a packet's blocks.
fn blocks_of(packet: &[u8]) -> Vec<u32> {
    let l4 = if packet[0] >> 4 == 4 { 20 } else { 40 };
    let at = tcp_options::place(&packet[l4..], tcp_options::SELECTIVE_ACKNOWLEDGMENT);
    let blocks = &packet[l4..][at.expect("blocks")];
    blocks.as_chunks().0.iter().map(|edge| u32::from_be_bytes(*edge)).collect()
}

/// Sequence and acknowledgment number of a packet without extension headers.
fn numbers(packet: &[u8]) -> (u32, u32) {
    let l4 = if packet[0] >> 4 == 4 { 20 } else { 40 };
    let word =
        |at: usize| u32::from_be_bytes(*packet[l4 + at..].first_chunk().expect("a TCP header"));
    (word(4), word(8))
}

impl Connection {
    /// A SYN that is answered with a cookie.
    fn challenge(path: &Path, client_first: u32) -> (Firewall, u32) {
        let thresholds = Thresholds { syn_attack: 1, ..Thresholds::default() };
        let world = path.world.clone();
        let mut firewall = screened_world(world, &[A::SynFlood, A::SynCookie], thresholds, false);
        firewall.forward(TRUST_IFL, &tcp((path.other, 9), path.server, SYN));
        let syn = segment(path.client, path.server, SYN, (client_first, 0), 0);
        assert_eq!(firewall.send(TRUST_IFL, &syn), Sent::Dropped(DropReason::Screen));
        let challenge = answers(&mut firewall, &[TRUST_IFL]).remove(0);
        (firewall, numbers(&challenge).0)
    }

    /// The handshake of three.
    fn open(path: Path, client_first: u32, server_first: u32) -> Self {
        let (mut firewall, cookie) = Self::challenge(&path, client_first);
        let next = client_first.wrapping_add(1);
        let behind = cookie.wrapping_add(1);
        let answer = segment(path.client, path.server, ACK, (next, behind), 0);
        let answered = Sent::Dropped(DropReason::SynCookieAnswered);
        assert_eq!(firewall.send(TRUST_IFL, &answer), answered);
        let opening = answers(&mut firewall, &[UNTRUST_IFL]).remove(0);
        assert_eq!(numbers(&opening), (client_first, 0));
        let syn_ack = segment(path.real, path.outside, SYN | ACK, (server_first, next), 0);
        let joined = Sent::Dropped(DropReason::SynCookieJoined);
        assert_eq!(firewall.send(UNTRUST_IFL, &syn_ack), joined);
        let both = answers(&mut firewall, &[UNTRUST_IFL, TRUST_IFL]);
        assert_eq!(numbers(&both[0]), (next, server_first.wrapping_add(1)));
        assert_eq!(numbers(&both[1]), (behind, next));
        let first = [next, server_first.wrapping_add(1)];
        Self { firewall, path, sent: [0, 0], first, cookie }
    }

    /// What the client takes for the server's number.
    fn shown(&self, server: u32) -> u32 {
        server.wrapping_sub(self.first[1]).wrapping_add(self.cookie).wrapping_add(1)
    }

    /// Sends data, with everything acknowledged that came so far; gives both forms of the packet.
    fn send(&mut self, direction: usize, payload: usize) -> (Vec<u8>, Vec<u8>) {
        let at = |side: usize| self.first[side].wrapping_add(self.sent[side]);
        let (client, server) = (at(0), at(1));
        let Path { client: c, server: s, outside, real, .. } = self.path;
        let (packet, ingress, expected) = match direction {
            0 => {
                let said = (client, self.shown(server));
                (segment(c, s, ACK, said, payload), TRUST_IFL, (client, server))
            }
            _ => {
                let said = (server, client);
                (
                    segment(real, outside, ACK, said, payload),
                    UNTRUST_IFL,
                    (self.shown(server), client),
                )
            }
        };
        let out = self.firewall.forward(ingress, &packet);
        assert_eq!(numbers(&out), expected, "direction {direction}");
        self.sent[direction] += u32::try_from(payload).expect("short");
        (packet, out)
    }

    /// The client acknowledges blocks of what the server has sent, by its own numbers; the server
    /// reads them by its own. What the server acknowledges so stays as it is.
    fn acknowledge(&mut self, direction: usize, pads: usize, blocks: &[u32]) {
        let at = |side: usize| self.first[side].wrapping_add(self.sent[side]);
        let (client, server) = (at(0), at(1));
        let Path { client: c, server: s, outside, real, .. } = self.path;
        let edges = blocks.iter().map(|edge| self.first[1 - direction].wrapping_add(*edge));
        let expected: Vec<u32> = edges.collect();
        let (plain, said, ingress) = match direction {
            0 => (
                segment(c, s, ACK, (client, self.shown(server)), 3),
                expected.iter().map(|edge| self.shown(*edge)).collect(),
                TRUST_IFL,
            ),
            _ => (segment(real, outside, ACK, (server, client), 3), expected.clone(), UNTRUST_IFL),
        };
        let packet = segment_with_blocks(&plain, pads, &said);
        let out = self.firewall.forward(ingress, &packet);
        assert_eq!(blocks_of(&out), expected, "direction {direction}");
        self.sent[direction] += 3;
        self.bounce(direction, &packet, &out);
    }

    /// An error about a packet that `direction`'s side has just sent comes back with the packet as
    /// that side had sent it.
    fn bounce(&mut self, direction: usize, sent: &[u8], transmitted: &[u8]) {
        let to = if direction == 0 { self.path.outside.0 } else { self.path.server.0 };
        let from = if direction == 0 { "192.0.2.99" } else { self.path.client.0 };
        let is_v6 = transmitted[0] >> 4 == 6;
        let (protocol, kind) = if is_v6 { (ICMPV6, 3) } else { (ICMP, 11) };
        let error = support::icmp(kind, 0, [0; 4], transmitted);
        let error = support::ip_packet(from, to, protocol, &error);
        let ingress = if direction == 0 { UNTRUST_IFL } else { TRUST_IFL };
        let back = self.firewall.forward(ingress, &error);
        let header = if back[0] >> 4 == 4 { 20 } else { 40 };
        let quoted = &back[header + 8..];
        let l4 = if sent[0] >> 4 == 4 { 20 } else { 40 };
        assert_eq!(quoted[l4..], sent[l4..], "as it was sent, checksum and all");
    }
}

/// Takes the answers out, whose checksums must be right and which must go out here.
fn answers(firewall: &mut Firewall, egress: &[IfIndex]) -> Vec<Vec<u8>> {
    let answers = &mut firewall.shard.answers;
    let packets = answers.packets.iter().map(|answer| {
        let start = answer.offset as usize;
        let packet = answers.bytes[start..start + answer.length as usize].to_vec();
        support::verify_checksums(&packet);
        (answer.egress, packet)
    });
    let (out, packets): (Vec<_>, Vec<_>) = packets.unzip();
    assert_eq!(out, egress);
    answers.clear();
    packets
}

fn paths() -> impl Strategy<Value = fn() -> Path> {
    prop_oneof![
        Just(plain as fn() -> Path),
        Just(source_nat as fn() -> Path),
        Just(across_families as fn() -> Path),
    ]
}

/// Numbers anywhere, and often near their end.
fn firsts() -> impl Strategy<Value = u32> {
    prop_oneof![any::<u32>(), u32::MAX - 400..=u32::MAX, 0u32..400]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn each_side_sees_its_own_numbers_whatever_they_are(
        path in paths(),
        client_first in firsts(),
        server_first in firsts(),
        steps in proptest::collection::vec((0usize..2, 0usize..300, any::<bool>()), 1..30),
        blocks in (0usize..4).prop_flat_map(|blocks| {
            proptest::collection::vec(any::<u32>(), blocks * 2)
        }),
        pads in 0usize..6,
    ) {
        let mut connection = Connection::open(path(), client_first, server_first);
        for (direction, payload, bounces) in steps {
            connection.acknowledge(direction, pads, &blocks);
            let (sent, transmitted) = connection.send(direction, payload);
            if bounces && payload > 0 {
                connection.bounce(direction, &sent, &transmitted);
            }
        }
        let counts = connection.firewall.shard.counters.cookies;
        prop_assert_eq!((counts.opened, counts.joined, counts.made), (1, 1, 3));
    }
}

#[test]
fn what_acknowledges_nothing_keeps_its_number() {
    let mut connection = Connection::open(plain(), 1000, 70_000);
    let Path { client, server, .. } = connection.path;
    let reset = segment(client, server, RST, (1001, 0), 0);
    assert_eq!(numbers(&connection.firewall.forward(TRUST_IFL, &reset)), (1001, 0));
}

#[test]
fn while_a_connection_opens_errors_about_it_wait_and_an_older_one_is_reset() {
    let path = source_nat();
    let (client, server, real, outside) = (path.client, path.server, path.real, path.outside);
    let (mut firewall, cookie) = Connection::challenge(&path, 1000);
    let behind = cookie.wrapping_add(1);
    firewall.send(TRUST_IFL, &segment(client, server, ACK, (1001, behind), 0));
    let syn = answers(&mut firewall, &[UNTRUST_IFL]).remove(0);
    let opening = Sent::Dropped(DropReason::SynCookieOpening);

    let quoted = support::icmp(3, 1, [0; 4], &syn);
    let error = support::ip_packet("192.0.2.99", outside.0, ICMP, &quoted);
    assert_eq!(firewall.send(UNTRUST_IFL, &error), opening);
    let syn_ack = segment(server, client, SYN | ACK, (cookie, 1001), 0);
    let quoted = support::icmp(3, 3, [0; 4], &syn_ack);
    let error = support::ip_packet(client.0, server.0, ICMP, &quoted);
    assert_eq!(firewall.send(TRUST_IFL, &error), opening);

    // It still has a connection from before, and challenges the SYN.
    let challenge = segment(real, outside, ACK, (900_000, 77), 0);
    let sent = firewall.send(UNTRUST_IFL, &challenge);
    assert_eq!(sent, Sent::Dropped(DropReason::TcpOutOfState));
    let reset = answers(&mut firewall, &[UNTRUST_IFL]).remove(0);
    assert_eq!((numbers(&reset), reset[33]), ((77, 0), RST));

    // A reset that dies here changes nothing.
    let mut dying = segment(real, outside, RST | ACK, (0, 1001), 0);
    dying[8] = 1;
    support::fix_header_checksum(&mut dying);
    let sent = firewall.send(UNTRUST_IFL, &dying);
    assert_eq!(sent, Sent::Dropped(DropReason::TtlExceeded));
    let syn_ack = segment(real, outside, SYN | ACK, (5000, 1001), 0);
    let sent = firewall.send(UNTRUST_IFL, &syn_ack);
    assert_eq!(sent, Sent::Dropped(DropReason::SynCookieJoined));
    answers(&mut firewall, &[UNTRUST_IFL, TRUST_IFL]);
    assert_eq!(firewall.shard.counters.cookies.made, 4);
}

#[test]
fn a_connection_without_a_cookie_beside_it_keeps_its_numbers() {
    let mut connection = Connection::open(source_nat(), 7, 9);
    let server = ("198.51.100.1", 80);
    let (first, other) = (("10.0.0.5", 4000), ("203.0.113.1", 4000));
    connection.firewall.forward(TRUST_IFL, &segment(first, server, SYN, (50, 0), 0));
    let syn_ack = segment(server, other, SYN | ACK, (70, 51), 0);
    assert_eq!(numbers(&connection.firewall.forward(UNTRUST_IFL, &syn_ack)), (70, 51));
    let ack = segment(first, server, ACK, (51, 71), 10);
    assert_eq!(numbers(&connection.firewall.forward(TRUST_IFL, &ack)), (51, 71));
}
