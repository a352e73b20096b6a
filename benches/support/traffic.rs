//! Packets of the branch office in frames of 60 bytes, without padding for the check sequence: 64
//! on the wire. Each function makes the packet of one row; rows are flows of their own.

use weir::generate::Packet;

use super::ROWS;

/// A batch of one kind.
pub(crate) fn all(make: fn(u8) -> Vec<u8>) -> Vec<Vec<u8>> {
    half(make, make)
}

/// Rows of two kinds in turn.
pub(crate) fn half(even: fn(u8) -> Vec<u8>, odd: fn(u8) -> Vec<u8>) -> Vec<Vec<u8>> {
    (0..ROWS)
        .map(|row| {
            let flow = u8::try_from(row).expect("a batch has 256 rows");
            if row % 2 == 0 { even(flow) } else { odd(flow) }
        })
        .collect()
}

/// Staff to the Internet, behind the address of the interface: permitted, translated.
pub(crate) fn staff_out(flow: u8) -> Vec<u8> {
    let packet = Packet::ipv4(staff(flow), [192, 0, 2, flow]);
    packet.udp(port(flow), 443).payload(&[0x5a; 18]).build()
}

/// Staff opens a connection to the web server in the dmz: permitted, not translated.
pub(crate) fn staff_web_opening(flow: u8) -> Vec<u8> {
    let packet = Packet::ipv4(staff(flow), WEB).tcp(port(flow), 443);
    packet.syn().seq(1_000).payload(&[]).build()
}

/// The same connection later.
pub(crate) fn staff_web(flow: u8) -> Vec<u8> {
    let packet = Packet::ipv4(staff(flow), WEB).tcp(port(flow), 443);
    packet.seq(1_001).ack(5_001).payload(&[0x5a; 6]).build()
}

/// Staff tries telnet: denied and logged.
pub(crate) fn staff_telnet(flow: u8) -> Vec<u8> {
    let packet = Packet::ipv4(staff(flow), [192, 0, 2, flow]);
    packet.tcp(port(flow), 23).syn().payload(&[0; 6]).build()
}

/// A guest tries the servers: rejected and logged.
pub(crate) fn guest(flow: u8) -> Vec<u8> {
    let packet = Packet::ipv4([10, 1, 1, 200 + flow % 20], WEB).tcp(port(flow), 443);
    packet.syn().payload(&[0; 6]).build()
}

/// The Internet calls the web server at its public address: permitted, translated.
pub(crate) fn caller(flow: u8) -> Vec<u8> {
    let packet = Packet::ipv4([198, 51, 100, flow], WEB_PUBLIC).tcp(port(flow), 443);
    packet.syn().payload(&[0; 6]).build()
}

/// A TCP segment without flags from the Internet: a screen drops it.
pub(crate) fn no_flag(flow: u8) -> Vec<u8> {
    let packet = Packet::ipv4([198, 51, 100, flow], WEB_PUBLIC).tcp(port(flow), 443);
    packet.payload(&[0; 6]).build()
}

/// SSDP from the Internet: the input filter logs and discards it.
pub(crate) fn ssdp(flow: u8) -> Vec<u8> {
    let packet = Packet::ipv4([198, 51, 100, flow], WEB_PUBLIC);
    packet.udp(port(flow), 1_900).payload(&[0x5a; 18]).build()
}

/// An IPv4 packet that claims to be shorter than its header.
pub(crate) fn malformed(flow: u8) -> Vec<u8> {
    let packet = Packet::ipv4(staff(flow), [192, 0, 2, flow]).claimed_len(10);
    packet.udp(port(flow), 443).payload(&[0x5a; 18]).build()
}

fn staff(flow: u8) -> [u8; 4] {
    [10, 1, 1, 10 + flow % 100]
}

fn port(flow: u8) -> u16 {
    40_000 + u16::from(flow)
}

/// The web server and where destination NAT publishes it.
const WEB: [u8; 4] = [10, 1, 2, 80];
const WEB_PUBLIC: [u8; 4] = [203, 0, 113, 80];
