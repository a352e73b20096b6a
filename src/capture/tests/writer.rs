//! What is written reads back equal, by our reader and by `pcap-file`.

use std::io::Cursor;
use std::time::Duration;
use systems::shard::Layer;

use pcap_file::pcapng::Block;
use pcap_file::pcapng::blocks::interface_description::InterfaceDescriptionOption;

use super::super::{CaptureError, PcapWriter, PcapngWriter, Resolution};
use super::{LinkType, Owned, read_all};

const NOON: u64 = 1_772_452_800_123_456_789;

fn owned(link: LinkType, time_ns: u64, data: &[u8], wire_len: u32, interface: u32) -> Owned {
    Owned { time_ns, data: data.to_vec(), wire_len, link, interface }
}

#[test]
fn pcap_in_both_resolutions_reads_back() {
    for (resolution, time_ns) in
        [(Resolution::Nanoseconds, NOON), (Resolution::Microseconds, NOON - 789)]
    {
        let mut writer = PcapWriter::new("memory", Vec::new(), resolution).expect("header");
        writer.write(NOON, &[1, 2, 3]).expect("first");
        writer.write(NOON, &[]).expect("second");
        let file = writer.finish().expect("flush");
        let (packets, damage) = read_all(&file);
        assert_eq!(damage, None);
        assert_eq!(
            packets,
            [
                owned(LinkType::Ethernet, time_ns, &[1, 2, 3], 3, 0),
                owned(LinkType::Ethernet, time_ns, &[], 0, 0)
            ]
        );
        let mut witness = pcap_file::pcap::PcapReader::new(&file[..]).expect("header");
        let first = witness.next_packet().expect("a packet").expect("no damage");
        assert_eq!(first.timestamp, Duration::from_nanos(time_ns));
        assert_eq!(*first.data, [1, 2, 3]);
    }
}

#[test]
fn pcapng_names_its_interfaces() {
    let mut writer = PcapngWriter::new("memory", Vec::new()).expect("header");
    let trust = writer.interface("ge-0/0/1.0", Layer::Network).expect("interface");
    writer.write(trust, NOON, &[1, 2, 3], 60).expect("packet");
    let untrust = writer.interface("ge-0/0/0.0", Layer::Network).expect("interface");
    writer.write(untrust, NOON + 1, &[4; 64], 64).expect("packet");
    let file = writer.finish().expect("flush");

    let (packets, damage) = read_all(&file);
    assert_eq!(damage, None);
    assert_eq!(
        packets,
        [
            owned(LinkType::Raw, NOON, &[1, 2, 3], 60, 0),
            owned(LinkType::Raw, NOON + 1, &[4; 64], 64, 1)
        ]
    );

    let mut witness = pcap_file::pcapng::PcapNgReader::new(Cursor::new(&file)).expect("header");
    let mut names = Vec::new();
    while let Some(block) = witness.next_block() {
        if let Block::InterfaceDescription(interface) = block.expect("no damage") {
            names.extend(interface.options.iter().filter_map(|option| match option {
                InterfaceDescriptionOption::IfName(name) => Some(name.to_string()),
                _ => None,
            }));
        }
    }
    assert_eq!(names, ["ge-0/0/1.0", "ge-0/0/0.0"]);
}

#[test]
fn refuses_what_the_format_cannot_hold() {
    let mut writer = PcapngWriter::new("out.pcapng", Vec::new()).expect("header");
    let id = writer.interface("ge-0/0/1.0", Layer::Network).expect("interface");
    for (interface, frame, wire_len) in
        [(id, vec![0; 262_145], 262_145), (id, vec![0; 64], 63), (id + 1, vec![0; 64], 64)]
    {
        let result = writer.write(interface, NOON, &frame, wire_len);
        assert!(matches!(result, Err(CaptureError::Unwritable { .. })));
    }
    let mut writer =
        PcapWriter::new("out.pcap", Vec::new(), Resolution::Nanoseconds).expect("header");
    let error = writer.write(NOON, &[0; 262_145]).expect_err("too long");
    assert_eq!(
        error.to_string(),
        "out.pcap: packet of 262145 captured and 262145 wire bytes cannot be written"
    );
}

#[test]
fn a_failing_output_is_an_io_error() {
    let mut small = [0_u8; 30];
    let mut writer = PcapWriter::new("disk", &mut small[..], Resolution::Nanoseconds)
        .expect("the header is buffered");
    writer.write(NOON, &[0; 64]).expect("the packet is buffered");
    let error = writer.finish().expect_err("30 bytes do not hold it");
    assert!(matches!(error, CaptureError::Io { .. }), "{error}");
}
