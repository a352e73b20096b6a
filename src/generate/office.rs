//! The branch office: five minutes of a small site's traffic, good and bad, as the README's first
//! command replays it. Everything is written as it arrives at the firewall: calls before their
//! translation, answers to the translated address.

use super::builder::Packet;
use super::builder::{arp_reply, arp_request, neighbor_advertisement, neighbor_solicitation};
use super::conversation::{Flow, Side};
use super::timeline::{MICROSECOND, MILLISECOND, SECOND, Timeline};
use super::topology::{
    ATTACKER, FIREWALL_TRUST, FIREWALL_TRUST6, FIREWALL_UNTRUST, GATEWAY, GATEWAY_MAC, MAIL,
    MAIL_PUBLIC, RESOLVER, Segment, WEB, WEB_PUBLIC, caller, internet, internet6, trust, trust6,
};

/// Writes the whole scenario.
pub(super) fn branch_office(timeline: &mut Timeline) {
    neighbors(timeline);
    clients_out(timeline);
    long_lived(timeline);
    published_servers(timeline);
    inside(timeline);
    ipv6(timeline);
    oddities(timeline);
    attacks(timeline);
}

/// ARP and neighbor discovery on both inner segments and towards the gateway.
fn neighbors(timeline: &mut Timeline) {
    let mac = |host| Segment::Trust.neighbor_mac(trust(host).into());
    for (at, host) in [(0, 10), (2, 11), (9, 50), (41, 201)] {
        let asks = arp_request(mac(host), trust(host), FIREWALL_TRUST);
        timeline.frame(at * SECOND, asks);
    }
    let firewall_mac = Segment::Untrust.firewall_mac();
    let answer = arp_reply(GATEWAY_MAC, GATEWAY, firewall_mac, FIREWALL_UNTRUST);
    timeline.frame(30 * MILLISECOND, answer);
    let mac = Segment::Trust.neighbor_mac(trust6(0x10).into());
    let asks = neighbor_solicitation(mac, trust6(0x10), FIREWALL_TRUST6);
    timeline.frame(3 * SECOND, asks);
    let firewall_mac = Segment::Trust.firewall_mac();
    let answer = neighbor_advertisement(mac, trust6(0x10), firewall_mac, FIREWALL_TRUST6);
    timeline.frame(3 * SECOND + 900 * MICROSECOND, answer);
}

/// Clients of trust behind source NAT: names, web, ping.
fn clients_out(timeline: &mut Timeline) {
    for (at, host, name, server, size) in [
        (1, 10, "www.example.com", 80, 4_200),
        (12, 11, "news.example.net", 81, 6_100),
        (47, 12, "www.example.org", 82, 1_800),
        (95, 13, "mirror.example.com", 83, 9_000),
        (171, 10, "status.example.com", 84, 700),
    ] {
        let start = at * SECOND;
        let port = 50_000 + u16::from(server);
        let dns = Flow::new((trust(host), port + 1_000), (RESOLVER, 53));
        let dns = dns.client_known_as(FIREWALL_UNTRUST);
        timeline.dns(dns, start, name, internet(server));
        let web = Flow::new((trust(host), port), (internet(server), 443));
        let web = web.client_known_as(FIREWALL_UNTRUST);
        let mut web = timeline.tcp(web, start + 40 * MILLISECOND);
        web.request(&tls_records(0x16, 517)).response(&tls_records(0x16, 1_900));
        web.request(&tls_records(0x17, 420)).response(&tls_records(0x17, size));
        web.wait(SECOND).close();
    }
    let plain = Flow::new((trust(14), 50_200), (internet(90), 80));
    let plain = plain.client_known_as(FIREWALL_UNTRUST);
    let mut plain = timeline.tcp(plain, 20 * SECOND);
    plain.request(HTTP_REQUEST).response(HTTP_RESPONSE).close();

    let refused = Flow::new((trust(11), 50_201), (internet(91), 80));
    let refused = refused.client_known_as(FIREWALL_UNTRUST);
    let mut reset = timeline.tcp(refused, 61 * SECOND);
    reset.request(HTTP_REQUEST).reset_by_server();

    let ping = Flow::new((trust(10), 4_711), (internet(1), 0));
    timeline.ping(ping.client_known_as(FIREWALL_UNTRUST), 15 * SECOND, 4);
}

/// A shell that stays open to the end, and a UDP flow that falls silent and comes back.
fn long_lived(timeline: &mut Timeline) {
    let shell = Flow::new((trust(50), 50_300), (internet(22), 22));
    let shell = shell.client_known_as(FIREWALL_UNTRUST);
    let mut shell = timeline.tcp(shell, 8 * SECOND);
    shell.response(SSH_SERVER).request(SSH_CLIENT);
    for _ in 0..8 {
        shell.wait(35 * SECOND).request(&[0x5a; 52]).response(&[0xa5; 84]);
    }

    let time = Flow::new((trust(13), 50_400), (internet(123), 123));
    let time = time.client_known_as(FIREWALL_UNTRUST);
    let mut request = [0; 48];
    request[0] = 0x23;
    let mut answer = [0; 48];
    answer[..2].copy_from_slice(&[0x24, 2]);
    for start in [5 * SECOND, 140 * SECOND] {
        timeline.datagram(time, Side::Client, start, &request);
        timeline.datagram(time, Side::Server, start + 21 * MILLISECOND, &answer);
    }
}

/// The Internet calls the published servers; the mail server also calls out.
fn published_servers(timeline: &mut Timeline) {
    for (at, host, port, size) in [
        (6, 7, 443, 3_100),
        (28, 19, 80, 0),
        (52, 23, 443, 5_200),
        (118, 7, 80, 0),
        (202, 31, 443, 2_600),
    ] {
        let client_port = 40_000 + u16::from(host) * 16;
        let web = Flow::new((caller(host), client_port), (WEB_PUBLIC, port)).server_is(WEB);
        let mut web = timeline.tcp(web, at * SECOND);
        if port == 80 {
            web.request(HTTP_REQUEST).response(HTTP_RESPONSE);
            web.request(HTTP_REQUEST).response(HTTP_RESPONSE);
        } else {
            web.request(&tls_records(0x16, 517)).response(&tls_records(0x16, 1_900));
            web.request(&tls_records(0x17, 300)).response(&tls_records(0x17, size));
        }
        web.close();
    }
    let inbound = Flow::new((caller(25), 41_025), (MAIL_PUBLIC, 25)).server_is(MAIL);
    smtp(timeline, inbound, 33 * SECOND);
    let outbound = Flow::new((MAIL, 50_500), (caller(26), 25)).client_known_as(MAIL_PUBLIC);
    smtp(timeline, outbound, 75 * SECOND);
}

/// RFC 5321: one message, delivered.
fn smtp(timeline: &mut Timeline, flow: Flow, at_ns: u64) {
    let mut mail = timeline.tcp(flow, at_ns);
    mail.response(b"220 mx.example.com ESMTP\r\n");
    for (command, reply) in [
        ("EHLO relay.example.net\r\n", "250 mx.example.com\r\n"),
        ("MAIL FROM:<ada@example.net>\r\n", "250 2.1.0 Ok\r\n"),
        ("RCPT TO:<grace@example.com>\r\n", "250 2.1.5 Ok\r\n"),
        ("DATA\r\n", "354 End data with <CR><LF>.<CR><LF>\r\n"),
        ("Subject: minutes\r\n\r\nAttached.\r\n.\r\n", "250 2.0.0 Ok\r\n"),
        ("QUIT\r\n", "221 2.0.0 Bye\r\n"),
    ] {
        mail.request(command.as_bytes()).response(reply.as_bytes());
    }
    mail.close();
}

/// Trust to dmz, guests who may not, and an administrator on the firewall itself.
fn inside(timeline: &mut Timeline) {
    for (at, host) in [(18, 15), (134, 16)] {
        let intranet = Flow::new((trust(host), 50_600 + u16::from(host)), (WEB, 80));
        let mut web = timeline.tcp(intranet, at * SECOND);
        web.request(HTTP_REQUEST).response(HTTP_RESPONSE).close();
    }
    for (at, host, server, port) in [(42, 201, WEB, 80), (44, 201, WEB, 443), (88, 205, MAIL, 25)] {
        for (retry, wait) in [0, 1, 3].into_iter().enumerate() {
            let sequence = 7_000 * u32::from(host);
            let syn = Packet::ipv4(trust(host), server);
            let syn = syn.identification(u32::try_from(retry).unwrap_or(0)).dont_fragment();
            let syn = syn.tcp(50_700 + port, port).syn().seq(sequence).mss(1_460);
            timeline.send((at + wait) * SECOND, syn);
        }
    }
    let probe = Packet::ipv4(trust(210), WEB).echo_request(210, 1);
    timeline.send(90 * SECOND, probe.payload_len(56));
    let query = Packet::ipv4(trust(205), MAIL).udp(50_811, 161);
    timeline.send(91 * SECOND, query.payload(b"\x30\x26\x02\x01\x01\x04\x06public"));

    // The firewall's own answers do not arrive at it.
    let shell = || Packet::ipv4(trust(50), FIREWALL_TRUST).tcp(50_900, 22);
    let at = 110 * SECOND;
    timeline.send(at, shell().syn().seq(1_000).mss(1_460));
    timeline.send(at + MILLISECOND, shell().seq(1_001).ack(5_001));
    timeline.send(at + 2 * MILLISECOND, shell().seq(1_001).ack(5_001).psh().payload(SSH_CLIENT));
}

/// IPv6 needs no translation; what nobody asked for is denied.
fn ipv6(timeline: &mut Timeline) {
    for (at, host, port) in [(4, 0x10, 50_100), (66, 0x11, 50_101)] {
        let web = Flow::new((trust6(host), port), (internet6(0x80), 443));
        let mut web = timeline.tcp(web, at * SECOND);
        web.request(&tls_records(0x16, 517)).response(&tls_records(0x16, 2_100));
        web.request(&tls_records(0x17, 240)).response(&tls_records(0x17, 1_500)).close();
    }
    let ping = Flow::new((trust6(0x10), 815), (internet6(1), 0));
    timeline.ping(ping, 70 * SECOND, 2);
    for (at, port) in [(37, 22), (39, 3_389), (40, 80)] {
        let call = Packet::ipv6(internet6(0x66), trust6(0x10)).tcp(41_666, port);
        timeline.send(at * SECOND, call.syn().seq(60_000).mss(1_440));
    }
    let ping = Packet::ipv6(internet6(0x66), trust6(0x11)).echo_request(6, 1);
    timeline.send(43 * SECOND, ping.payload_len(56));
}

/// Packets that a firewall gets without anyone meaning harm.
fn oddities(timeline: &mut Timeline) {
    let probe = Packet::ipv4(trust(12), internet(9)).ttl(1).udp(50_434, 33_434);
    timeline.send(55 * SECOND, probe.payload_len(32));
    let stray = Packet::ipv4(trust(13), internet(84)).dont_fragment();
    let stray = stray.tcp(50_555, 443).seq(424_242).ack(242_424).psh();
    timeline.send(58 * SECOND, stray.payload(&tls_records(0x17, 80)));
}

/// What comes from 198.51.100.66 and its like.
fn attacks(timeline: &mut Timeline) {
    let start = 150 * SECOND;
    for (at, port) in (0_u64..).zip(SCANNED_PORTS) {
        let probe = Packet::ipv4(ATTACKER, FIREWALL_UNTRUST).ttl(48);
        let probe = probe.tcp(45_000, port).syn().seq(0x6600_0000).window(1_024);
        timeline.send(start + at * 300 * MICROSECOND, probe.mss(1_460));
    }
    for (at, host, port) in [(0, 66, 23), (2, 66, 445), (3, 67, 23), (5, 67, 445)] {
        for target in [MAIL_PUBLIC, WEB_PUBLIC] {
            let call = Packet::ipv4(caller(host), target).ttl(51).tcp(46_000 + port, port);
            timeline.send((83 + at) * SECOND, call.syn().seq(0x2323).mss(1_460));
        }
    }
    // A search for UPnP devices and a source that nobody on the internet has: `edge-in` logs both.
    let search = Packet::ipv4(ATTACKER, FIREWALL_UNTRUST).udp(45_900, 1_900);
    timeline.send(140 * SECOND, search.payload(b"M-SEARCH * HTTP/1.1\r\n"));
    let bogon = Packet::ipv4([192, 168, 77, 7], WEB_PUBLIC).tcp(45_901, 80);
    timeline.send(141 * SECOND, bogon.syn().seq(0x6e).mss(1_460));
    let land = Packet::ipv4(WEB_PUBLIC, WEB_PUBLIC).tcp(80, 80).syn().seq(3_868);
    timeline.send(160 * SECOND, land);
    for (at, port) in [(162_u64, 80), (163, 443)] {
        let both = Packet::ipv4(ATTACKER, WEB_PUBLIC).tcp(45_100 + port, port).syn().fin();
        timeline.send(at * SECOND, both);
    }
    // The last fragment of an echo request that would be 65,560 bytes long.
    let death = Packet::ipv4(ATTACKER, MAIL_PUBLIC).identification(0xdead);
    timeline.send(165 * SECOND, death.fragment(65_528, false).protocol(1).payload_len(32));
    // Loose source route (RFC 791 section 3.1) by way of the gateway.
    let [a, b, c, d] = GATEWAY.octets();
    let routed = Packet::ipv4(ATTACKER, WEB_PUBLIC).option(&[131, 7, 4, a, b, c, d]);
    timeline.send(168 * SECOND, routed.tcp(45_200, 80).syn().seq(1).mss(1_460));
}

/// TLS records of `len` bytes altogether: an opaque body behind true record headers.
fn tls_records(kind: u8, len: u16) -> Vec<u8> {
    let [high, low] = len.saturating_sub(5).to_be_bytes();
    let mut records = vec![kind, 3, 3, high, low];
    records.extend((1..=u8::MAX).cycle().step_by(7).take(usize::from(len).saturating_sub(5)));
    records
}

/// What a scanner tries first.
const SCANNED_PORTS: [u16; 24] = [
    21, 22, 23, 25, 53, 80, 110, 111, 135, 139, 143, 161, 389, 443, 445, 993, 1_433, 1_521, 3_306,
    3_389, 5_432, 5_900, 8_080, 8_443,
];
const HTTP_REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: www.example.com\r\nAccept: */*\r\n\r\n";
const HTTP_RESPONSE: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 58\r\n\
    \r\n<!doctype html><title>Example</title><p>An example page.\r\n";
const SSH_SERVER: &[u8] = b"SSH-2.0-OpenSSH_9.6\r\n";
const SSH_CLIENT: &[u8] = b"SSH-2.0-OpenSSH_9.7\r\n";
