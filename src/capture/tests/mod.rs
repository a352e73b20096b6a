//! Captures as literal bytes: every format, byte order and resolution, and what is said about
//! damage. `pcap-file` stands beside as a second witness where it reads the same.

mod merge;
mod pcap;
mod pcapng;
mod robust;
mod writer;

use std::io::Cursor;

use super::{CaptureError, CaptureReader, Damage, LinkType, Packet};

/// A packet that outlives its reader.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Owned {
    time_ns: u64,
    data: Vec<u8>,
    wire_len: u32,
    link: LinkType,
    interface: u32,
}

impl From<Packet<'_>> for Owned {
    fn from(packet: Packet<'_>) -> Self {
        Self {
            time_ns: packet.time_ns,
            data: packet.data.to_vec(),
            wire_len: packet.wire_len,
            link: packet.link,
            interface: packet.interface,
        }
    }
}

fn reader(name: &str, bytes: &[u8]) -> CaptureReader {
    CaptureReader::from_read(name, Cursor::new(bytes.to_vec()))
}

/// Every packet, and the offset and kind of damage if there is some.
fn read_all(bytes: &[u8]) -> (Vec<Owned>, Option<(u64, Damage)>) {
    let mut reader = reader("test", bytes);
    let mut packets = Vec::new();
    let damage = loop {
        match reader.next_packet() {
            Ok(Some(packet)) => packets.push(packet.into()),
            Ok(None) => break None,
            Err(CaptureError::Damaged { path, offset, what }) => {
                assert_eq!(&*path, "test");
                break Some((offset, what));
            }
            Err(error) => panic!("reading from memory cannot fail: {error}"),
        }
    };
    assert!(matches!(reader.next_packet(), Ok(None)), "an ended capture stays ended");
    (packets, damage)
}

/// One packet at 1,000,000,000.5 s with data `aa bb cc`, cut from 60 bytes: the time and rest
/// that every format below states.
fn expected(time_ns: u64, link: LinkType) -> Owned {
    Owned { time_ns, data: vec![0xaa, 0xbb, 0xcc], wire_len: 60, link, interface: 0 }
}
