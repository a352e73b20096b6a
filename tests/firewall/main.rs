//! The whole firewall from literal packets: a configuration in set form, packets, and what becomes
//! of each. Every case is replayed at several batch sizes and with several workers, which must
//! agree.

mod fragments;
mod host_path;
mod malformed;
mod neighbors;
mod screens;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "each test file uses its part of the support")]
mod support;

use std::collections::BTreeMap;
use std::io::Cursor;

use support::{Output, replay, schedule};
use systems::schedule::Schedule;
use weir::capture::{CaptureReader, PcapWriter, Resolution};

/// Untrust with a server behind destination NAT, trust behind interface NAT.
const OFFICE: &str = "
    set interfaces ge-0/0/0 unit 0 family inet address 203.0.113.2/24
    set interfaces ge-0/0/0 unit 0 family inet6 address 2001:db8:ffff::2/64
    set interfaces ge-0/0/1 unit 0 family inet address 10.1.1.1/24
    set interfaces ge-0/0/1 unit 0 family inet6 address 2001:db8:1::1/64
    set routing-options static route 0.0.0.0/0 next-hop 203.0.113.1
    set routing-options rib inet6.0 static route ::/0 next-hop 2001:db8:ffff::1
    set security zones security-zone untrust interfaces ge-0/0/0.0
    set security zones security-zone trust interfaces ge-0/0/1.0
    set security policies from-zone trust to-zone untrust policy out match source-address any
    set security policies from-zone trust to-zone untrust policy out match destination-address any
    set security policies from-zone trust to-zone untrust policy out match application any
    set security policies from-zone trust to-zone untrust policy out then permit
    set security policies from-zone trust to-zone untrust policy out then log session-close
    set security nat source rule-set out from zone trust
    set security nat source rule-set out to zone untrust
    set security nat source rule-set out rule all match source-address 10.1.1.0/24
    set security nat source rule-set out rule all then source-nat interface
    set security address-book global address server 10.1.1.80/32
    set security nat destination pool server address 10.1.1.80/32 port 5353
    set security nat destination rule-set in from zone untrust
    set security nat destination rule-set in rule dns match destination-address 203.0.113.80/32
    set security nat destination rule-set in rule dns match destination-port 53
    set security nat destination rule-set in rule dns then destination-nat pool server
    set security policies from-zone untrust to-zone trust policy in match source-address any
    set security policies from-zone untrust to-zone trust policy in match destination-address server
    set security policies from-zone untrust to-zone trust policy in match application any
    set security policies from-zone untrust to-zone trust policy in then permit
";

/// Time of the first packet.
const START_NS: u64 = 1_700_000_000_000_000_000;
const MS: u64 = 1_000_000;

/// Replays frames, each with its time in milliseconds, through the office with more statements.
fn run(more: &str, frames: &[(u64, Vec<u8>)]) -> Output {
    let config = format!("{OFFICE}{more}");
    let mut writer =
        PcapWriter::new("in.pcap", Vec::new(), Resolution::Nanoseconds).expect("memory");
    for (at_ms, frame) in frames {
        writer.write(START_NS + at_ms * MS, frame).expect("memory");
    }
    let capture = writer.finish().expect("memory");
    let one = replay(&config, &capture, small(1, 1));
    assert!(one.ledger.balanced, "{:#?}", one.ledger.identities);
    for (rows, workers) in [(7, 1), (256, 1), (3, 2), (256, 4)] {
        let other = replay(&config, &capture, small(rows, workers));
        assert!(other.ledger.balanced, "{:#?}", other.ledger.identities);
        assert_eq!(fates(&one), fates(&other), "{rows} rows, {workers} workers");
        if workers == 1 {
            assert_eq!(one.log, other.log, "{rows} rows");
            assert!(one.packets == other.packets, "{rows} rows");
        }
    }
    one
}

/// The schedule of a replay, with room for the sessions of a test.
fn small(rows_max: usize, workers: u16) -> Schedule {
    let mut schedule = schedule(rows_max, workers);
    schedule.settings.session.capacity = toml::Spanned::new(0..0, 8192);
    schedule
}

/// Fates by name: `forwarded`, `to_host` and drop reasons, those that occurred.
fn fates(output: &Output) -> BTreeMap<&'static str, u64> {
    let packets = &output.ledger.packets;
    let mut fates = packets.dropped.clone();
    fates.insert("forwarded", packets.forwarded);
    fates.insert("to_host", packets.to_host);
    fates.retain(|_, count| *count > 0);
    fates
}

/// Asserts the fates of a run.
#[track_caller]
fn expect(output: &Output, expected: &[(&'static str, u64)]) {
    assert_eq!(fates(output), expected.iter().copied().collect(), "{}", output.log);
}

/// The IP packets that were transmitted, in order.
fn transmitted(output: &Output) -> Vec<Vec<u8>> {
    let mut reader = CaptureReader::from_read("out.pcapng", Cursor::new(output.packets.clone()));
    let mut packets = Vec::new();
    while let Some(packet) = reader.next_packet().expect("what we wrote is whole") {
        packets.push(packet.data.to_vec());
    }
    packets
}
