//! Bytes from anywhere end in packets or named damage, never in a panic.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use systems::shard::Layer;

use proptest::prelude::*;

use super::super::{CaptureReader, PcapngWriter};
use super::{CaptureError, Owned, read_all};

/// Reads to the end or to damage; says where that is.
fn damage_of(path: &Path) -> Option<u64> {
    let mut reader = CaptureReader::open(path).expect("listed file opens");
    loop {
        match reader.next_packet() {
            Ok(Some(packet)) => assert!(packet.data.len() <= packet.wire_len as usize),
            Ok(None) => return None,
            Err(CaptureError::Damaged { offset, .. }) => return Some(offset),
            Err(error) => panic!("{error}"),
        }
    }
}

fn files_below(directory: PathBuf) -> Vec<PathBuf> {
    let mut pending = vec![directory];
    let mut files = Vec::new();
    while let Some(path) = pending.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(&path).expect("directory can be listed");
            pending.extend(entries.map(|entry| entry.expect("entry can be read").path()));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}

#[test]
fn every_capture_of_the_collection_ends_or_names_its_damage() {
    let Some(directory) = std::env::var_os("WEIR_CAPTURES") else {
        return;
    };
    for path in files_below(directory.into()) {
        let length = fs::metadata(&path).expect("listed file exists").len();
        let offset = damage_of(&path).unwrap_or_default();
        assert!(offset <= length, "{}: byte {offset}", path.display());
    }
}

#[test]
fn a_missing_file_is_named() {
    let error = CaptureReader::open("no/such/file.pcap".as_ref()).err();
    let text = error.expect("it does not exist").to_string();
    assert!(text.starts_with("no/such/file.pcap: "), "{text}");
}

const STARTS: [&[u8]; 4] = [
    b"\xd4\xc3\xb2\xa1\x02\0\x04\0",
    b"\xa1\xb2\x3c\x4d\0\x02\0\x04",
    b"\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a\x01\0\0\0\0\0\0\0\0\0\0\0\x1c\0\0\0",
    b"",
];

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(
        start in prop::sample::select(&STARTS[..]),
        rest in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        read_all(&[start, &rest].concat());
    }

    #[test]
    fn any_edit_of_a_good_file_is_read_without_panic(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut writer = PcapngWriter::new("memory", Vec::new()).expect("header");
        for name in ["a", "b"] {
            let id = writer.interface(name, Layer::Network).expect("interface");
            writer.write(id, 1, &[id.to_le_bytes()[0]; 61], 100).expect("packet");
        }
        let mut file = writer.finish().expect("flush");
        for (at, byte) in edits {
            let at = at.index(file.len());
            file[at] = byte;
        }
        file.truncate(cut.index(file.len() + 1));
        read_all(&file);
    }

    #[test]
    fn what_is_written_reads_back(
        packets in prop::collection::vec(
            (0..3_u32, any::<u64>(), prop::collection::vec(any::<u8>(), 0..200), 0..9_u32),
            0..20,
        ),
    ) {
        let mut writer = PcapngWriter::new("memory", Vec::new()).expect("header");
        for name in ["a", "b", "c"] {
            writer.interface(name, Layer::Network).expect("interface");
        }
        let mut expected = Vec::new();
        for (interface, time_ns, data, cut) in packets {
            let wire_len = u32::try_from(data.len()).expect("short packet") + cut;
            writer.write(interface, time_ns, &data, wire_len).expect("packet");
            let link = super::LinkType::Raw;
            expected.push(Owned { time_ns, data, wire_len, link, interface });
        }
        let (read, damage) = read_all(&writer.finish().expect("flush"));
        prop_assert_eq!(damage, None);
        prop_assert_eq!(read, expected);
    }
}

/// Hands out one byte a call, is interrupted now and then, and fails at its end.
struct Drip {
    bytes: Vec<u8>,
    at: usize,
    interrupted: bool,
}

impl Read for Drip {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.interrupted = !self.interrupted;
        if self.interrupted {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let Some(byte) = self.bytes.get(self.at) else {
            return Err(io::Error::other("cable pulled"));
        };
        buffer[0] = *byte;
        self.at += 1;
        Ok(1)
    }
}

#[test]
fn short_reads_give_the_same_and_a_failing_one_comes_after_the_packets() {
    let mut writer = PcapngWriter::new("memory", Vec::new()).expect("header");
    let id = writer.interface("a", Layer::Network).expect("interface");
    for time_ns in 0..5 {
        writer.write(id, time_ns, &[7; 61], 61).expect("packet");
    }
    let bytes = writer.finish().expect("flush");
    let (expected, _) = read_all(&bytes);
    let drip = Drip { bytes, at: 0, interrupted: false };
    let mut reader = CaptureReader::from_read("pipe", drip);
    for packet in expected {
        let read = reader.next_packet().expect("no damage").map(Owned::from);
        assert_eq!(read, Some(packet));
    }
    let error = reader.next_packet().expect_err("the input fails");
    assert_eq!(error.to_string(), "pipe: cable pulled");
    assert!(matches!(reader.next_packet(), Ok(None)));
}
