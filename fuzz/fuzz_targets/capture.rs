//! Any bytes as a capture: packets, then the end or one named damage, and the same whether the
//! file comes whole or in short reads.
#![no_main]

use std::io::{self, Cursor, Read};

use libfuzzer_sys::fuzz_target;
use weir::capture::{CaptureError, CaptureReader};

fuzz_target!(|bytes: &[u8]| {
    let whole = read(Cursor::new(bytes.to_vec()));
    let pieces = read(Short {
        inner: Cursor::new(bytes.to_vec()),
        limit: bytes.first().map_or(1, |&byte| 1 + usize::from(byte % 31)),
    });
    assert_eq!(whole, pieces);
});

/// What a packet said, and its bytes.
type Seen = (u64, u32, Vec<u8>);

fn read(input: impl Read + Send + 'static) -> (Vec<Seen>, Option<String>) {
    let mut reader = CaptureReader::from_read("input", input);
    let mut packets = Vec::new();
    loop {
        match reader.next_packet() {
            Ok(Some(packet)) => {
                assert!(packet.data.len() <= packet.wire_len as usize);
                packets.push((packet.time_ns, packet.wire_len, packet.data.to_vec()));
            }
            Ok(None) => return (packets, None),
            Err(error @ CaptureError::Damaged { .. }) => {
                let after = reader.next_packet();
                assert!(matches!(after, Ok(None)), "{error} is not the end");
                return (packets, Some(error.to_string()));
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// Gives at most so many bytes at once.
struct Short {
    inner: Cursor<Vec<u8>>,
    limit: usize,
}

impl Read for Short {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer.len().min(self.limit);
        self.inner.read(&mut buffer[..length])
    }
}
