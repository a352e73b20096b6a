//! Scenarios whose size is chosen: floods, scans, denied storms and many flows. Frames are made one
//! at a time, so a capture of any length takes no more memory than one frame.

use std::net::{IpAddr, Ipv4Addr};

use super::builder::Packet;
use super::rng::Rng;
use super::timeline::on_its_segment;
use super::topology::{ATTACKER, MAIL_PUBLIC, WEB_PUBLIC, caller, internet6, trust, trust6};

/// Which frame of a load is made.
#[derive(Clone, Copy)]
pub(super) struct Nth {
    /// Counts frames from 0.
    pub(super) frame: u64,
    /// Which flow it belongs to; each of them comes once before any comes again.
    pub(super) flow: u64,
}

/// SYNs to the web server from sources all over the Internet.
pub(super) fn syn_flood(_nth: Nth, rng: &mut Rng) -> Vec<u8> {
    let port = ephemeral(rng.next_u64());
    let syn = Packet::ipv4(anywhere(rng), WEB_PUBLIC).ttl(50).tcp(port, 80);
    on_its_segment(syn.syn().seq(rng.next_u32()).mss(1_460)).build()
}

/// Echo requests to the mail server's address.
pub(super) fn icmp_flood(nth: Nth, rng: &mut Rng) -> Vec<u8> {
    let ping = Packet::ipv4(anywhere(rng), MAIL_PUBLIC).ttl(50);
    let ping = ping.echo_request(rng.next_u16(), low_half(nth.frame));
    on_its_segment(ping.payload_len(56)).build()
}

/// Datagrams to random ports of the mail server's address.
pub(super) fn udp_flood(_nth: Nth, rng: &mut Rng) -> Vec<u8> {
    let (source, destination) = (ephemeral(rng.next_u64()), ephemeral(rng.next_u64()));
    let datagram = Packet::ipv4(anywhere(rng), MAIL_PUBLIC).ttl(50);
    on_its_segment(datagram.udp(source, destination).payload_len(18)).build()
}

/// One source asks the web server port after port.
pub(super) fn port_scan(nth: Nth, rng: &mut Rng) -> Vec<u8> {
    let probe = Packet::ipv4(ATTACKER, WEB_PUBLIC).ttl(48);
    let probe = probe.tcp(45_000, low_half(nth.frame + 1)).syn();
    on_its_segment(probe.seq(rng.next_u32()).window(1_024).mss(1_460)).build()
}

/// One source pings address after address of the public network.
pub(super) fn ip_sweep(nth: Nth, _rng: &mut Rng) -> Vec<u8> {
    let host = 1 + modulo(nth.frame, 254);
    let ping = Packet::ipv4(ATTACKER, [203, 0, 113, host]).ttl(48);
    on_its_segment(ping.echo_request(0x5eed, low_half(nth.frame)).payload_len(8)).build()
}

/// Flows from the Internet that no policy permits: closed ports of the mail server, hosts of dmz
/// and trust by their inner addresses, IPv6.
pub(super) fn deny_storm(nth: Nth, _rng: &mut Rng) -> Vec<u8> {
    let flow = nth.flow;
    // Multiplied by an odd number, all 2¹⁷ addresses of 198.18.0.0/15 come before one repeats.
    let host = (flow.wrapping_mul(0x1_4c4b) & 0x1_ffff) as u32;
    let source = Ipv4Addr::from(0xc612_0000 | host);
    let source_port = ephemeral(flow >> 17);
    let closed = CLOSED_PORTS[usize::from(modulo(flow / 4, CLOSED_PORTS_LEN))];
    let hidden = |network, first| [10, 1, network, first + modulo(flow / 4, 50)];
    let (source, destination): (IpAddr, IpAddr) = match flow % 4 {
        0 => (source.into(), MAIL_PUBLIC.into()),
        1 => (source.into(), hidden(2, 100).into()),
        2 => (source.into(), hidden(1, 20).into()),
        _ => {
            let six = internet6(0).octets();
            let mut six = [&six[..12], &host.to_be_bytes()].concat();
            // Apart from the hosts that other scenarios talk to.
            six[7] = 0x66;
            let six = <[u8; 16]>::try_from(six).unwrap_or([0; 16]);
            (six.into(), trust6(0x10).into())
        }
    };
    let packet = on_its_segment(Packet::between(source, destination).ttl(52));
    if flow.is_multiple_of(3) {
        packet.udp(source_port, closed).payload_len(40).build()
    } else {
        packet.tcp(source_port, closed).syn().seq(host).mss(1_460).build()
    }
}

/// UDP from trust to the Internet in frames of 64 bytes.
pub(super) fn many_flows(nth: Nth, _rng: &mut Rng) -> Vec<u8> {
    outgoing(nth.flow, 64)
}

/// The "simple IMIX": of twelve frames seven of 64, four of 594 and one of 1,518 bytes, each
/// counted with the FCS that is not captured.
pub(super) fn mixed_sizes(nth: Nth, rng: &mut Rng) -> Vec<u8> {
    let frame_len = match rng.below(12) {
        0..7 => 64,
        7..11 => 594,
        _ => 1_518,
    };
    outgoing(nth.flow, frame_len - 4)
}

/// A UDP frame of this many bytes; the ports of flows differ before their servers do.
fn outgoing(flow: u64, frame_len: usize) -> Vec<u8> {
    let client = trust(10 + modulo(flow, 190));
    let port = ephemeral(flow);
    // 198.18.0.0/15, one server for each round of ports.
    let server = 0xc612_0001_u32.wrapping_add(((flow / EPHEMERAL_PORTS) & 0x1_ffff) as u32);
    let packet = Packet::ipv4(client, Ipv4Addr::from(server)).udp(port, 4_500);
    on_its_segment(packet.payload_len(frame_len.saturating_sub(UDP_HEADERS_LEN))).build()
}

/// A source outside of the office's networks and of what is never routed.
fn anywhere(rng: &mut Rng) -> Ipv4Addr {
    let [_, b, c, d] = rng.next_u32().to_be_bytes();
    let first = 11 + modulo(rng.next_u64(), 110);
    match (first, d) {
        (_, 0 | 255) => caller(b),
        _ => Ipv4Addr::new(first, b, c, d),
    }
}

/// A port from 1,024 up.
fn ephemeral(number: u64) -> u16 {
    1_024 + low_half(number % EPHEMERAL_PORTS)
}

fn low_half(number: u64) -> u16 {
    (number & 0xffff) as u16
}

fn modulo(number: u64, divisor: u8) -> u8 {
    u8::try_from(number % u64::from(divisor)).unwrap_or(0)
}

const EPHEMERAL_PORTS: u64 = 65_536 - 1_024;
const CLOSED_PORTS_LEN: u8 = 8;
const CLOSED_PORTS: [u16; CLOSED_PORTS_LEN as usize] =
    [22, 23, 135, 445, 1_433, 3_389, 5_900, 8_291];
/// Ethernet, IPv4 and UDP.
const UDP_HEADERS_LEN: usize = 14 + 20 + 8;
