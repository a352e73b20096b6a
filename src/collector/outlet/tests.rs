//! Outlets against receivers of this test: every record is accounted for, whatever the receiver
//! does, and a stalled one delays nobody.

mod files;
mod tls;

use std::io::Read as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::time::{Duration, Instant};

use components::kinds::EventKind;
use components::reason::LossReason;
use components::spool::{Loss, RecordKind};
use components::wire::{FrameHeader, FrameType};
use zerocopy::IntoBytes;

use super::*;
use crate::collector::fixture;
use crate::collector::render::{Format, RenderOptions, Renderer};
use crate::config::model::log::LogCategory;
use crate::spool::{Chunk, OnFull, Spool, SpoolConfig};

fn spool(directory: &Path) -> Spool {
    let config = SpoolConfig {
        directory: directory.to_owned(),
        segment_bytes_max: 1 << 20,
        total_bytes_max: 1 << 24,
        age_ns_max: 0,
        on_full: OnFull::Hold,
    };
    Spool::open(config).unwrap().0
}

fn commit(spool: &mut Spool, kind: EventKind, numbers: std::ops::Range<u64>) {
    let mut chunk = Chunk::new(spool.next_ordinal());
    for sequence in numbers {
        chunk.push(RecordKind::Frame, 7, &fixture::frame(&fixture::event(kind), sequence));
    }
    spool.commit(&chunk, 0).unwrap();
}

fn outlet(name: &str, target: Target, selection: Selection) -> OutletConfig {
    let options = RenderOptions::new(Format::SdSyslog, "fw");
    let renderer = Renderer::new(fixture::world(), options);
    OutletConfig { name: name.to_owned(), target, selection, renderer }
}

fn start(directory: &Path, spool: &Spool, outlets: Vec<OutletConfig>) -> Outlets {
    Outlets::start(directory, &spool.durable(), outlets).unwrap()
}

/// Waits until the first outlet has come to `ordinal`, and checks that all of it is accounted for.
#[track_caller]
fn reached(outlets: &Outlets, ordinal: u64) -> OutletStatus {
    let limit = Instant::now() + Duration::from_secs(20);
    loop {
        let status = outlets.watch().statuses().swap_remove(0);
        if status.cursor >= ordinal {
            assert_eq!(status.totals.began + status.totals.total(), status.cursor, "{status:?}");
            return status;
        }
        assert!(Instant::now() < limit, "{status:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn local() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

/// The octet-counted lines of a connection until it ends.
fn lines(mut stream: TcpStream) -> Vec<String> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let (mut rest, mut lines) = (bytes.as_slice(), Vec::new());
    while let Some(space) = rest.iter().position(|byte| *byte == b' ') {
        let length: usize = std::str::from_utf8(&rest[..space]).unwrap().parse().unwrap();
        let Some(line) = rest.get(space + 1..space + 1 + length) else { break };
        lines.push(String::from_utf8(line.to_vec()).unwrap());
        rest = &rest[space + 1 + length..];
    }
    lines
}

#[test]
fn a_datagram_a_line_without_its_newline() {
    let directory = tempfile::tempdir().unwrap();
    let receiver = UdpSocket::bind(local()).unwrap();
    receiver.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let mut spool = spool(directory.path());
    let target = Target::Udp(Receiver::at(receiver.local_addr().unwrap()));
    let outlets = start(directory.path(), &spool, vec![outlet("u", target, Selection::default())]);
    commit(&mut spool, EventKind::PolicyDeny, 1..4);
    let mut buffer = [0; 4096];
    for _ in 0..3 {
        let length = receiver.recv(&mut buffer).unwrap();
        let line = std::str::from_utf8(&buffer[..length]).unwrap();
        assert!(line.starts_with("<14>1 ") && line.ends_with(']'), "{line}");
    }
    let status = reached(&outlets, 3);
    assert_eq!((status.totals.settled, status.promise), (3, Promise::Sent));
    outlets.stop();
}

#[test]
fn a_receiver_that_is_away_and_comes_back_has_every_line_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind(local()).unwrap();
    let to = listener.local_addr().unwrap();
    drop(listener);
    let mut spool = spool(directory.path());
    let target = Target::Tcp(Receiver::at(to));
    let outlets = start(directory.path(), &spool, vec![outlet("t", target, Selection::default())]);
    commit(&mut spool, EventKind::PolicyDeny, 1..101);
    std::thread::sleep(Duration::from_millis(200));
    let status = outlets.watch().statuses().swap_remove(0);
    assert!(status.errors > 0 && status.cursor == 0 && status.last_error.is_some(), "{status:?}");
    let listener = TcpListener::bind(to).unwrap();
    let (stream, _) = listener.accept().unwrap();
    let received = std::thread::spawn(|| lines(stream));
    reached(&outlets, 100);
    outlets.stop();
    assert_eq!(received.join().unwrap().len(), 100);
}

#[test]
fn a_receiver_that_never_reads_delays_nobody_and_is_counted() {
    let directory = tempfile::tempdir().unwrap();
    let deaf = TcpListener::bind(local()).unwrap();
    let to = deaf.local_addr().unwrap();
    let mut spool = spool(directory.path());
    let log = directory.path().join("log");
    let file =
        outlet("file", Target::File(FileTarget::unlimited(log.clone())), Selection::default());
    let tcp = outlet("deaf", Target::Tcp(Receiver::at(to)), Selection::default());
    let outlets = start(directory.path(), &spool, vec![file, tcp]);
    for at in 0..20 {
        commit(&mut spool, EventKind::PolicyDeny, at * 1000 + 1..at * 1000 + 1001);
    }
    let status = reached(&outlets, 20_000);
    assert_eq!(status.promise, Promise::Fsynced);
    assert!(outlets.watch().statuses()[1].cursor < 20_000);
    assert_eq!(outlets.slowest().slowest_ordinal(), outlets.watch().statuses()[1].cursor);
    assert_eq!(std::fs::read_to_string(log).unwrap().lines().count(), 20_000);
    drop(deaf);
    outlets.stop();
}

#[test]
fn categories_and_rates_leave_events_out_and_count_them() {
    let directory = tempfile::tempdir().unwrap();
    let mut spool = spool(directory.path());
    let log = directory.path().join("log");
    let selection = Selection { categories: vec![LogCategory::Session], per_second: 10 };
    let outlets = start(
        directory.path(),
        &spool,
        vec![outlet("f", Target::File(FileTarget::unlimited(log.clone())), selection)],
    );
    commit(&mut spool, EventKind::ScreenDrop, 1..31);
    commit(&mut spool, EventKind::PolicyDeny, 31..131);
    let status = reached(&outlets, 130);
    assert_eq!(status.totals.filtered, 30);
    assert!(status.totals.settled >= 10 && status.totals.suppressed > 50, "{status:?}");
    outlets.stop();
}

#[test]
fn losses_are_lines_of_their_own() {
    let directory = tempfile::tempdir().unwrap();
    let mut spool = spool(directory.path());
    let log = directory.path().join("log");
    let target = Target::File(FileTarget::unlimited(log.clone()));
    let outlets = start(directory.path(), &spool, vec![outlet("f", target, Selection::default())]);
    let mut chunk = Chunk::new(0);
    let loss = Loss::new(4, 9, LossReason::Evicted, 1_700_000_000_000_000_000);
    chunk.push(RecordKind::Loss, 0x2a, loss.as_bytes());
    let unreadable = FrameHeader::new(FrameType::PolicyDeny, 0, 10);
    chunk.push(RecordKind::Quarantined, 0x2a, unreadable.as_bytes());
    spool.commit(&chunk, 0).unwrap();
    reached(&outlets, 2);
    outlets.stop();
    let text = std::fs::read_to_string(log).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[0],
        "<12>1 2023-11-14T22:13:20.000Z fw WEIR - WEIR_EVENT_LOSS [weir@32473 \
         stream=\"000000000000002a\" first=\"4\" last=\"9\" count=\"6\" reason=\"evicted\"]"
    );
    assert!(lines[1].contains("first=\"10\" last=\"10\" count=\"1\" reason=\"quarantined\"]"));
}

#[test]
fn an_outlet_goes_on_where_it_was_and_a_file_that_was_moved_away_is_made_anew() {
    let directory = tempfile::tempdir().unwrap();
    let mut spool = spool(directory.path());
    let log = directory.path().join("log");
    let make = || {
        vec![outlet("f", Target::File(FileTarget::unlimited(log.clone())), Selection::default())]
    };
    let outlets = start(directory.path(), &spool, make());
    commit(&mut spool, EventKind::PolicyDeny, 1..6);
    reached(&outlets, 5);
    std::fs::rename(&log, directory.path().join("log.1")).unwrap();
    commit(&mut spool, EventKind::PolicyDeny, 6..9);
    let status = reached(&outlets, 8);
    assert_eq!((status.totals.settled, status.errors), (8, 1));
    outlets.stop();
    drop(spool);
    let mut spool = self::spool(directory.path());
    commit(&mut spool, EventKind::PolicyDeny, 9..11);
    let outlets = start(directory.path(), &spool, make());
    let status = reached(&outlets, 10);
    assert_eq!((status.totals.settled, status.totals.began), (10, 0));
    outlets.stop();
    let count = |name: &str| std::fs::read_to_string(directory.path().join(name)).unwrap();
    assert_eq!(count("log.1").lines().count() + count("log").lines().count(), 10);
}

#[test]
fn a_log_file_is_no_symbolic_link() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("log");
    std::os::unix::fs::symlink(directory.path().join("elsewhere"), &log).unwrap();
    let mut spool = spool(directory.path());
    let outlets = start(
        directory.path(),
        &spool,
        vec![outlet("f", Target::File(FileTarget::unlimited(log)), Selection::default())],
    );
    commit(&mut spool, EventKind::PolicyDeny, 1..3);
    std::thread::sleep(Duration::from_millis(400));
    let status = outlets.watch().statuses().swap_remove(0);
    assert!(status.errors > 0 && status.cursor == 0, "{status:?}");
    outlets.stop();
    assert!(!directory.path().join("elsewhere").exists());
}
