//! Scenarios about one subject that are no attack: fragments, IPv6 with its extension headers,
//! ICMP errors, translation.

use super::builder::{Packet, ROUTING_HEADER, neighbor_advertisement, neighbor_solicitation};
use super::conversation::{Flow, Side};
use super::timeline::{MICROSECOND, MILLISECOND, SECOND, Timeline, on_its_segment};
use super::topology::{
    FIREWALL_TRUST6, FIREWALL_UNTRUST, Segment, WEB, WEB_PUBLIC, caller, internet, internet6,
    trust, trust6,
};

/// Fragmented datagrams in every order in which they may arrive.
pub(super) fn fragments(timeline: &mut Timeline) {
    let datagram = |identification: u32| {
        let packet = Packet::ipv4(trust(10), internet(80)).identification(identification);
        packet.udp(50_000 + (identification & 0xff) as u16, 4_500).payload_len(4_000)
    };
    let at = |second: u64, orders: u64| second * SECOND + orders * MILLISECOND;
    timeline.send_fragments(at(0, 0), datagram(1), 1_480);

    let pieces = |identification| on_its_segment(datagram(identification)).fragments(1_480);
    for (order, frame) in (0..).zip(pieces(2).into_iter().rev()) {
        timeline.frame(at(1, order), frame);
    }
    // The middle twice; then without its last; then without its first.
    for (order, piece) in (0..).zip([0, 1, 1, 2]) {
        timeline.frame(at(2, order), pieces(3)[piece].clone());
    }
    for (order, piece) in (0..).zip([0, 1]) {
        timeline.frame(at(3, order), pieces(4)[piece].clone());
        timeline.frame(at(4, order), pieces(5)[piece + 1].clone());
    }
    // Two datagrams interleaved.
    for (order, (one, other)) in (0..).zip(pieces(6).into_iter().zip(pieces(7))) {
        timeline.frame(at(5, 2 * order), one);
        timeline.frame(at(5, 2 * order + 1), other);
    }
    let six = Packet::ipv6(trust6(0x10), internet6(0x80)).identification(8);
    let six = six.udp(50_008, 4_500).payload_len(3_000);
    timeline.send_fragments(at(6, 0), six.clone(), 1_432);
    let six = on_its_segment(six.identification(9)).fragments(1_432);
    for (order, frame) in (0..).zip(six.into_iter().rev()) {
        timeline.frame(at(7, order), frame);
    }
    let segment = Packet::ipv4(trust(10), internet(80)).identification(10);
    let segment = segment.tcp(50_010, 80).seq(1).ack(1).psh().payload_len(1_400);
    timeline.send_fragments(at(8, 0), segment, 512);
    let ping = Packet::ipv4(trust(10), internet(80)).identification(11);
    timeline.send_fragments(at(9, 0), ping.echo_request(11, 1).payload_len(3_000), 1_480);
    // An "atomic fragment" (RFC 6946) is a whole packet.
    let atomic = Packet::ipv6(trust6(0x10), internet6(0x80)).identification(12);
    let atomic = atomic.fragment(0, false).udp(50_012, 53);
    timeline.send(at(10, 0), atomic.payload_len(40));
}

/// Neighbors, ping, web, every extension header, and chains that end badly.
pub(super) fn ipv6(timeline: &mut Timeline) {
    let mac = Segment::Trust.neighbor_mac(trust6(0x10).into());
    let asks = neighbor_solicitation(mac, trust6(0x10), FIREWALL_TRUST6);
    timeline.frame(0, asks);
    let firewall_mac = Segment::Trust.firewall_mac();
    let answer = neighbor_advertisement(mac, trust6(0x10), firewall_mac, FIREWALL_TRUST6);
    timeline.frame(MILLISECOND, answer);
    timeline.ping(Flow::new((trust6(0x10), 6), (internet6(1), 0)), 10 * MILLISECOND, 3);
    let web = Flow::new((trust6(0x10), 50_000), (internet6(0x80), 443));
    let mut web = timeline.tcp(web, SECOND);
    web.request(&[0x17; 300]).response(&[0x17; 3_000]).close();
    let names = Flow::new((trust6(0x10), 50_053), (internet6(0x53), 53));
    timeline.dns(names, 2 * SECOND, "www.example.com", internet(80));

    let out = || Packet::ipv6(trust6(0x11), internet6(0x80)).flow_label(0x1_2345);
    let at = |ms: u64| 3 * SECOND + ms * MILLISECOND;
    let router_alert = [5, 2, 0, 0];
    timeline.send(at(0), out().hop_by_hop(&router_alert).udp(50_001, 53).payload_len(30));
    timeline.send(at(1), out().destination_options(&[]).tcp(50_002, 443).syn().mss(1_440));
    // Routing headers: type 0 with one segment left (RFC 5095), type 4 with none (RFC 8754).
    let segments = internet6(0x99).octets();
    for (order, kind, left) in [(2, 0, 1), (3, 4, 0)] {
        let routing = [&[2, kind, left, 0, 0, 0, 0][..], &segments].concat();
        let packet = out().extension(ROUTING_HEADER, &routing);
        timeline.send(at(order), packet.udp(50_003, 53).payload_len(30));
    }
    let all = out().hop_by_hop(&[]).destination_options(&[]).fragment(0, false);
    timeline.send(at(4), all.identification(4).udp(50_004, 53).payload_len(30));
    // Authentication header (RFC 4302): its length counts words of four bytes, less two.
    let authentication = [&[4, 0, 0][..], &[0, 0, 0, 1, 0, 0, 0, 1], &[0xaa; 12]].concat();
    let packet = out().extension(AUTHENTICATION, &authentication);
    timeline.send(at(5), packet.tcp(50_005, 443).syn().mss(1_440));
    timeline.send(at(6), out().protocol(NO_NEXT_HEADER));
    let many = (0..12).fold(out(), |packet, _| packet.destination_options(&[]));
    timeline.send(at(7), many.udp(50_007, 53).payload_len(30));
    // The chain runs over the packet's end.
    timeline.send(at(8), out().extension(60, &[200, 1, 4, 0, 0, 0, 0]).udp(50_008, 53));
    let jumbo = out().hop_by_hop(&[0xc2, 4, 0, 1, 0, 0]).claimed_len(0);
    timeline.send(at(9), jumbo.udp(50_009, 53).payload_len(30));
}

/// Errors that quote a live session, one nobody knows, and one that quotes too little.
pub(super) fn icmp_errors(timeline: &mut Timeline) {
    // A client's datagram to a closed port; the error quotes it as it left, translated.
    let query = |source| {
        let packet = Packet::ipv4(source, internet(7)).ttl(63).identification(1);
        packet.udp(50_001, 7).payload_len(64)
    };
    timeline.send(0, query(trust(10)));
    let quoted = query(FIREWALL_UNTRUST).build_ip();
    let error = |kind, code, rest, quoted: &[u8]| {
        let packet = Packet::ipv4(internet(7), FIREWALL_UNTRUST);
        packet.icmp(kind, code, rest).payload(quoted)
    };
    timeline.send(18 * MILLISECOND, error(3, 3, [0; 4], &quoted));
    // From a router on the way: time exceeded, with the least that RFC 792 asks for.
    let exceeded = Packet::ipv4(internet(254), FIREWALL_UNTRUST).icmp(11, 0, [0; 4]);
    timeline.send(40 * MILLISECOND, exceeded.payload(&quoted[..28]));

    // A download whose path has a smaller MTU: the router asks the web server for 1,400 bytes.
    let web = Flow::new((caller(7), 40_007), (WEB_PUBLIC, 80)).server_is(WEB);
    let mut download = timeline.tcp(web, SECOND);
    download.request(b"GET /large HTTP/1.1\r\n\r\n").response(&[0x55; 2_920]);
    let sent = Packet::ipv4(WEB_PUBLIC, caller(7)).ttl(60).dont_fragment();
    let sent = sent.tcp(80, 40_007).seq(1).ack(1).payload_len(1_460).build_ip();
    let too_big = Packet::ipv4(caller(254), WEB_PUBLIC).icmp(3, 4, [0, 0, 0x05, 0x78]);
    timeline.send(SECOND + 120 * MILLISECOND, too_big.payload(&sent[..28]));

    // Nobody's session, a quoted error, and a quote that ends inside the ports.
    let strange = Packet::ipv4(FIREWALL_UNTRUST, internet(8)).udp(9, 9).payload_len(8);
    timeline.send(2 * SECOND, error(3, 1, [0; 4], &strange.build_ip()));
    let twice = error(3, 3, [0; 4], &quoted).build_ip();
    timeline.send(2 * SECOND + MILLISECOND, error(3, 3, [0; 4], &twice));
    timeline.send(2 * SECOND + 2 * MILLISECOND, error(3, 3, [0; 4], &quoted[..22]));

    let six = Packet::ipv6(trust6(0x10), internet6(7)).udp(50_006, 7).payload_len(1_300);
    timeline.send(3 * SECOND, six.clone());
    let error = |kind, rest| Packet::ipv6(internet6(0xfe), trust6(0x10)).icmp(kind, 0, rest);
    let quoted = six.ttl(62).build_ip();
    timeline.send(3 * SECOND + 18 * MILLISECOND, error(2, [0, 0, 5, 0]).payload(&quoted[..1_200]));
    timeline.send(3 * SECOND + 19 * MILLISECOND, error(3, [0; 4]).payload(&quoted[..1_200]));
}

/// `flows` clients behind source NAT, a third of them TCP with answers; callers of the published
/// web server in between.
pub(super) fn nat(timeline: &mut Timeline, flows: u32) {
    for flow in 0..flows {
        let at = u64::from(flow) * 2 * MILLISECOND;
        let client = trust(u8::try_from(10 + flow % 180).unwrap_or(10));
        let server = internet(u8::try_from(1 + flow % 250).unwrap_or(1));
        match flow % 3 {
            // Ports of their own, so that the translated port is known: the original one.
            0 if flow / 3 < 20_000 => {
                let port = u16::try_from(40_000 + flow / 3).unwrap_or(40_000);
                let flow = Flow::new((client, port), (server, 443));
                let mut web = timeline.tcp(flow.client_known_as(FIREWALL_UNTRUST), at);
                web.request(&[0x17; 200]).response(&[0x17; 900]).close();
            }
            // Many clients with the same port and server: only one of them can keep it.
            1 => {
                let flow = Flow::new((client, 5_060), (internet(60), 5_060));
                timeline.datagram(flow, Side::Client, at, &[0x20; 120]);
                timeline.datagram(flow, Side::Client, at + 5 * MILLISECOND, &[0x20; 80]);
            }
            _ => {
                let identifier = u16::try_from(flow & 0xffff).unwrap_or(0);
                let ping = Packet::ipv4(client, server).echo_request(identifier, 1);
                timeline.send(at, ping.payload_len(56));
            }
        }
        if flow % 10 == 0 {
            let port = u16::try_from(30_000 + flow / 10 % 30_000).unwrap_or(30_000);
            let web = Flow::new((caller(7), port), (WEB_PUBLIC, 80)).server_is(WEB);
            let mut web = timeline.tcp(web, at + 300 * MICROSECOND);
            web.request(b"GET / HTTP/1.1\r\n\r\n").response(&[0x20; 1_200]).close();
        }
    }
}

const AUTHENTICATION: u8 = 51;
const NO_NEXT_HEADER: u8 = 59;
