//! What the screens without memory look for, one scenario each: the attack, its variants, and
//! look-alikes that must pass. Every scenario begins with an innocent connection, so that a screen
//! that drops too much is seen too.

use super::builder::{Packet, flag};
use super::conversation::Flow;
use super::timeline::{MILLISECOND, SECOND, Timeline};
use super::topology::{
    ATTACKER, FIREWALL_UNTRUST, GATEWAY, MAIL_PUBLIC, Segment, WEB, WEB_PUBLIC, caller, internet,
    internet6, trust, trust6,
};

/// A caller reads a page of the web server, then the attack's own packets follow from 1 s on.
fn innocent(timeline: &mut Timeline) {
    let web = Flow::new((caller(7), 40_007), (WEB_PUBLIC, 80)).server_is(WEB);
    let mut web = timeline.tcp(web, 0);
    web.request(b"GET / HTTP/1.1\r\nHost: www.example.com\r\n\r\n");
    web.response(b"HTTP/1.1 204 No Content\r\n\r\n").close();
}

/// Milliseconds behind the innocent connection.
fn after(ms: u64) -> u64 {
    SECOND + ms * MILLISECOND
}

/// Source equals destination: both ports equal, ports different, IPv6.
pub(super) fn land(timeline: &mut Timeline) {
    innocent(timeline);
    let land = Packet::ipv4(WEB_PUBLIC, WEB_PUBLIC);
    timeline.send(after(0), land.clone().tcp(80, 80).syn().seq(3_868));
    timeline.send(after(1), land.tcp(1_025, 80).syn().seq(3_868));
    let mapped = Packet::ipv6(internet6(0x80), internet6(0x80));
    timeline.send(after(2), mapped.tcp(80, 80).syn().seq(3_868));
}

/// Last fragments of echo requests: two beyond 65,535 bytes, one that just fits.
pub(super) fn ping_death(timeline: &mut Timeline) {
    innocent(timeline);
    let fragment = |offset, len| {
        let fragment = Packet::ipv4(ATTACKER, MAIL_PUBLIC).identification(0xdead);
        fragment.fragment(offset, false).protocol(1).payload_len(len)
    };
    timeline.send(after(0), fragment(65_528, 32));
    timeline.send(after(1), fragment(65_120, 1_480));
    timeline.send(after(2), fragment(65_120, 395));
}

/// SYN and FIN together, alone and among others, IPv4 and IPv6.
pub(super) fn syn_fin(timeline: &mut Timeline) {
    innocent(timeline);
    let target = || Packet::ipv4(ATTACKER, WEB_PUBLIC);
    timeline.send(after(0), target().tcp(45_001, 80).syn().fin());
    timeline.send(after(1), target().tcp(45_002, 443).syn().fin().psh());
    timeline.send(after(2), target().tcp(45_003, 80).syn().fin().ack(1));
    let six = Packet::ipv6(internet6(0x66), trust6(0x10));
    timeline.send(after(3), six.tcp(45_004, 80).syn().fin());
}

/// No flag at all, IPv4 and IPv6.
pub(super) fn no_flag(timeline: &mut Timeline) {
    innocent(timeline);
    let null = Packet::ipv4(ATTACKER, WEB_PUBLIC).tcp(45_001, 80).seq(1);
    timeline.send(after(0), null);
    let null = Packet::ipv6(internet6(0x66), trust6(0x10)).tcp(45_002, 80);
    timeline.send(after(1), null.seq(1));
}

/// FIN without ACK: alone, and as "Xmas" with PSH and URG.
pub(super) fn fin_no_ack(timeline: &mut Timeline) {
    innocent(timeline);
    let target = || Packet::ipv4(ATTACKER, WEB_PUBLIC);
    timeline.send(after(0), target().tcp(45_001, 80).fin());
    timeline.send(after(1), target().tcp(45_002, 80).fin().psh().urgent(0));
    let six = Packet::ipv6(internet6(0x66), trust6(0x10));
    timeline.send(after(2), six.tcp(45_003, 80).fin());
}

/// Urgent data to NetBIOS; urgent data to another port is none of it.
pub(super) fn winnuke(timeline: &mut Timeline) {
    innocent(timeline);
    let segment = |port| Packet::ipv4(ATTACKER, WEB_PUBLIC).tcp(45_001, port);
    timeline.send(after(0), segment(139).syn().seq(9));
    let urgent = segment(139).seq(10).ack(77).psh().urgent(3);
    timeline.send(after(20), urgent.payload(b"Bye"));
    timeline.send(after(40), segment(80).seq(10).ack(77).urgent(3).payload(b"Hello"));
}

/// Loose and strict source routes over TCP, UDP and ICMP.
pub(super) fn source_route(timeline: &mut Timeline) {
    innocent(timeline);
    let [a, b, c, d] = GATEWAY.octets();
    for (at, kind) in [(0, LOOSE_SOURCE_ROUTE), (10, STRICT_SOURCE_ROUTE)] {
        let option = [kind, 11, 4, a, b, c, d, 192, 0, 2, 1];
        let target = || Packet::ipv4(ATTACKER, WEB_PUBLIC).option(&option);
        timeline.send(after(at), target().tcp(45_001, 80).syn().seq(1));
        timeline.send(after(at + 1), target().udp(45_001, 53).payload_len(20));
        timeline.send(after(at + 2), target().echo_request(1, 1).payload_len(56));
        // Behind padding it is still a source route.
        let hidden = Packet::ipv4(ATTACKER, WEB_PUBLIC).option(&[1, 1, 1]).option(&option);
        timeline.send(after(at + 3), hidden.tcp(45_002, 80).syn().seq(1));
    }
}

/// The other options that screens name, a malformed one, and two that mean no harm.
pub(super) fn ip_options(timeline: &mut Timeline) {
    innocent(timeline);
    let options: [&[u8]; 8] = [
        &[7, 7, 4, 0, 0, 0, 0],                      // record route
        &[68, 12, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0],     // timestamp
        &[130, 11, 0xf1, 0x35, 0, 0, 0, 0, 0, 0, 0], // security
        &[136, 4, 0, 1],                             // stream identifier
        &[131, 40, 4, 1],                            // longer than the header
        &[7, 1, 0, 0],                               // shorter than an option can be
        &[1, 1, 1, 1],                               // no operation
        &[148, 4, 0, 0],                             // router alert
    ];
    for (at, option) in (0..).zip(options) {
        let ping = Packet::ipv4(ATTACKER, MAIL_PUBLIC).option(option);
        timeline.send(after(at), ping.echo_request(1, 1).payload_len(32));
    }
}

/// A SYN that is a fragment: a first one with its header whole, and one inside IPv6.
pub(super) fn syn_frag(timeline: &mut Timeline) {
    innocent(timeline);
    let first = Packet::ipv4(ATTACKER, WEB_PUBLIC).identification(1).fragment(0, true);
    let first = first.tcp(45_001, 80).syn().seq(1).mss(1_460);
    timeline.send(after(0), first);
    let last = Packet::ipv4(ATTACKER, WEB_PUBLIC).identification(1).fragment(24, false);
    timeline.send(after(1), last.protocol(6).payload_len(16));
    let first = Packet::ipv6(internet6(0x66), trust6(0x10)).identification(1);
    let first = first.fragment(0, true).tcp(45_001, 80).flags(flag::SYN);
    timeline.send(after(2), first.seq(1).mss(1_440));
}

/// Echo requests in fragments, IPv4 and IPv6.
pub(super) fn icmp_fragment(timeline: &mut Timeline) {
    innocent(timeline);
    let ping = Packet::ipv4(ATTACKER, MAIL_PUBLIC).identification(1);
    timeline.send_fragments(after(0), ping.echo_request(1, 1).payload_len(2_000), 1_480);
    let ping = Packet::ipv6(internet6(0x66), trust6(0x10)).identification(1);
    timeline.send_fragments(after(1), ping.echo_request(1, 1).payload_len(2_000), 1_432);
}

/// Echo requests of growing size; those over 1,024 bytes are large.
pub(super) fn icmp_large(timeline: &mut Timeline) {
    innocent(timeline);
    for (at, len) in (0..).zip([56, 900, 1_100, 1_472]) {
        let ping = Packet::ipv4(ATTACKER, MAIL_PUBLIC).echo_request(1, 1);
        timeline.send(after(at), ping.payload_len(len));
    }
    let ping = Packet::ipv6(internet6(0x66), trust6(0x10)).echo_request(1, 1);
    timeline.send(after(10), ping.payload_len(1_200));
}

/// UDP and TCP in fragments, both families, from both sides.
pub(super) fn block_frag(timeline: &mut Timeline) {
    innocent(timeline);
    let call = Packet::ipv4(ATTACKER, WEB_PUBLIC).identification(1);
    timeline.send_fragments(after(0), call.udp(45_001, 443).payload_len(3_000), 1_480);
    let call = Packet::ipv4(trust(10), internet(80)).identification(2);
    timeline.send_fragments(after(1), call.udp(50_001, 443).payload_len(2_000), 1_480);
    let call = Packet::ipv6(internet6(0x66), trust6(0x10)).identification(3);
    timeline.send_fragments(after(2), call.udp(45_001, 443).payload_len(2_000), 1_432);
    let data = Packet::ipv4(ATTACKER, WEB_PUBLIC).identification(4);
    let data = data.tcp(45_002, 80).seq(2).ack(3).psh().payload_len(600);
    timeline.send_fragments(after(3), data, 128);
}

/// Protocol numbers without an owner, and some less usual ones that have one.
pub(super) fn unknown_protocol(timeline: &mut Timeline) {
    innocent(timeline);
    for (at, protocol) in (0..).zip([160, 200, 252, 253, 255, 47, 50, 89, 132]) {
        let packet = Packet::ipv4(ATTACKER, MAIL_PUBLIC).protocol(protocol);
        timeline.send(after(at), packet.payload_len(40));
    }
    let packet = Packet::ipv6(internet6(0x66), trust6(0x10)).protocol(200);
    timeline.send(after(20), packet.payload_len(40));
}

/// Inner addresses that arrive from outside, and an outer one from inside.
pub(super) fn ip_spoofing(timeline: &mut Timeline) {
    innocent(timeline);
    let outside = Segment::Untrust;
    let call = Packet::ipv4(trust(10), WEB_PUBLIC).tcp(45_001, 80).syn().seq(1);
    timeline.send_on(after(0), outside, call);
    let call = Packet::ipv4(WEB, MAIL_PUBLIC).udp(53, 53).payload_len(30);
    timeline.send_on(after(1), outside, call);
    let call = Packet::ipv4(FIREWALL_UNTRUST, WEB_PUBLIC).echo_request(1, 1);
    timeline.send_on(after(2), outside, call.payload_len(56));
    let call = Packet::ipv4(internet(80), internet(81)).udp(123, 123).payload_len(48);
    timeline.send_on(after(3), Segment::Trust, call);
    let call = Packet::ipv6(trust6(0x10), trust6(0x11)).tcp(45_001, 22).syn().seq(1);
    timeline.send_on(after(4), outside, call);
}

/// Overlapping fragments: the second inside the first, over its end, and twice the same.
pub(super) fn tear_drop(timeline: &mut Timeline) {
    innocent(timeline);
    let first = |identification: u32, len| {
        let first = Packet::ipv4(ATTACKER, WEB_PUBLIC).identification(identification);
        first.fragment(0, true).udp(45_001, 53).payload_len(len)
    };
    let later = |identification: u32, offset, more, len| {
        let later = Packet::ipv4(ATTACKER, WEB_PUBLIC).identification(identification);
        later.fragment(offset, more).protocol(17).payload_len(len)
    };
    timeline.send(after(0), first(1, 28));
    timeline.send(after(1), later(1, 24, false, 4));
    timeline.send(after(10), first(2, 1_000));
    timeline.send(after(11), later(2, 1_000, false, 100));
    timeline.send(after(20), first(3, 1_000));
    timeline.send(after(21), later(3, 1_008, true, 400));
    timeline.send(after(22), later(3, 1_200, false, 400));
    // Whole and in order: no attack.
    let whole = Packet::ipv4(ATTACKER, WEB_PUBLIC).identification(4);
    timeline.send_fragments(after(30), whole.udp(45_001, 53).payload_len(1_100), 1_008);
}

const LOOSE_SOURCE_ROUTE: u8 = 131;
const STRICT_SOURCE_ROUTE: u8 = 137;
