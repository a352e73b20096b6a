//! Memory does not grow with the number of sessions that have come and gone: a replay of sessions
//! of several protocols and kinds of NAT, made on the fly, ends at the memory that it had after its
//! first hundred thousand. `SESSIONS` says how many (`.ci/run` asks for ten million, in a release
//! build); the whole replay runs, from a capture that is never stored to log lines that go nowhere.
#![expect(unsafe_code, reason = "a global allocator is an unsafe trait")]
#![expect(clippy::print_stdout, reason = "a run of ten million says how long it took")]

#[expect(dead_code, reason = "each test file uses its part of the support")]
mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::Read;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use support::schedule;
use weir::capture::CaptureReader;
use weir::collector::{Format, RenderOptions, Renderer, WriterSink};
use weir::config::compile::CompileOptions;
use weir::config::diagnostic::Diagnostics;
use weir::config::load::load_bytes;
use weir::config::render;
use weir::config::span::Sources;
use weir::generate::Packet;
use weir::port::Bind;
use weir::replay::{Outcome, Replay};

/// Knows how many bytes are allocated.
struct Counting;

static LIVE_BYTES: AtomicI64 = AtomicI64::new(0);

fn changed(old: usize, new: usize) {
    let bytes = |size: usize| i64::try_from(size).unwrap_or(i64::MAX);
    LIVE_BYTES.fetch_add(bytes(new) - bytes(old), Ordering::Relaxed);
}

// SAFETY: every call is handed to the system's allocator unchanged; the count is an atomic that
// needs no allocation.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        changed(0, layout.size());
        // SAFETY: the caller keeps the contract of `alloc`, which is the system's too.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        changed(0, layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        changed(layout.size(), size);
        // SAFETY: as above; the block came from the system's allocator.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        changed(layout.size(), 0);
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Memory at one moment.
#[derive(Clone, Copy, Debug)]
struct Memory {
    live_bytes: i64,
    resident_bytes: i64,
}

impl Memory {
    fn now() -> Self {
        let live_bytes = LIVE_BYTES.load(Ordering::Relaxed);
        let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse::<i64>().ok());
        Self { live_bytes, resident_bytes: number.expect("a number of kB") * 1024 }
    }
}

/// A capture that is made while it is read.
struct Endless {
    sessions: u64,
    made: u64,
    bytes: Vec<u8>,
    read: usize,
    /// After the first hundred thousand sessions, and at the end.
    seen: Arc<Mutex<Vec<Memory>>>,
}

impl Read for Endless {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.read == self.bytes.len() {
            if [SETTLED.min(self.sessions), self.sessions].contains(&self.made) {
                self.seen.lock().expect("one thread").push(Memory::now());
            }
            if self.made == self.sessions {
                return Ok(0);
            }
            self.read = 0;
            self.bytes.clear();
            session(&mut self.bytes, self.made);
            self.made += 1;
        }
        let count = into.len().min(self.bytes.len() - self.read);
        into[..count].copy_from_slice(&self.bytes[self.read..self.read + count]);
        self.read += count;
        Ok(count)
    }
}

/// Packets of session number `n` as records of a pcap with nanoseconds; one session of eight is
/// followed by a packet that is denied.
fn session(out: &mut Vec<u8>, n: u64) {
    let (low, port) = (u32::try_from(16 + n % 4_000_000).expect("22 bits"), port(n));
    let client = Ipv4Addr::from(0x0a40_0000 + low);
    let client6 = Ipv6Addr::from((0x2001_0db8_0001_u128 << 80) | u128::from(low));
    let far = |net: u32| Ipv4Addr::from(net + (low >> 3) % (1 << 16));
    let (web, game, other) = (far(0xc612_0000), far(0xc613_0000), far(0xac10_0000));
    let far6 = Ipv6Addr::from((0x2001_0db8_00ff_u128 << 80) | u128::from(low >> 3));
    let own = Ipv4Addr::new(203, 0, 113, 10);
    let public = Ipv4Addr::new(203, 0, 113, 80);
    let inner = Ipv4Addr::new(10, 1, 2, 10);
    let tcp = |from, to, ports: (u16, u16)| Packet::ipv4(from, to).tcp(ports.0, ports.1);
    let packets = match n % 8 {
        // Behind the interface: UDP, echo, NAT64, and a protocol without ports.
        0 => vec![Packet::ipv4(client, other).udp(port, 4000).payload_len(10).build()],
        1 => vec![Packet::ipv4(client, other).echo_request(port, 1).build()],
        2 => {
            let mapped = (0x2001_0db8_0064_u128 << 80) | u128::from(u32::from(other));
            vec![Packet::ipv6(client6, Ipv6Addr::from(mapped)).udp(port, 4000).build()]
        }
        3 => vec![
            Packet::ipv4(client, other).protocol(47).payload_len(20).build(),
            tcp(client, other, (port, 23)).syn().build(),
        ],
        // A persistent binding.
        4 => vec![Packet::ipv4(client, game).udp(port, 3074).payload_len(10).build()],
        // A connection behind a pool that keeps ports, from its beginning to its end.
        5 => vec![
            tcp(client, web, (port, 443)).syn().seq(1).build(),
            tcp(web, own, (443, port)).syn().seq(1).ack(2).build(),
            tcp(client, web, (port, 443)).seq(2).ack(2).payload_len(100).build(),
            tcp(web, own, (443, port)).seq(2).ack(102).payload_len(500).fin().build(),
            tcp(client, web, (port, 443)).seq(102).ack(503).fin().build(),
            tcp(web, own, (443, port)).seq(503).ack(103).build(),
        ],
        // To a published server, which resets.
        6 => vec![
            tcp(other, public, (port, 80)).syn().seq(1).build(),
            tcp(inner, other, (8080, port)).rst().ack(2).build(),
        ],
        // IPv6, request and reply, no NAT.
        _ => vec![
            Packet::ipv6(client6, far6).udp(port, 53).payload_len(30).build(),
            Packet::ipv6(far6, client6).udp(53, port).payload_len(90).build(),
        ],
    };
    for (order, frame) in (0..).zip(&packets) {
        record(out, START_NS + n * SESSION_NS + order * PACKET_NS, frame);
    }
}

fn port(n: u64) -> u16 {
    1024 + u16::try_from(n % 60_000).expect("below 60,000")
}

fn record(out: &mut Vec<u8>, time_ns: u64, frame: &[u8]) {
    let word = |number: u64| u32::try_from(number).expect("before 2106, and short").to_le_bytes();
    let length = word(frame.len() as u64);
    for word in [word(time_ns / 1_000_000_000), word(time_ns % 1_000_000_000), length, length] {
        out.extend(word);
    }
    out.extend(frame);
}

fn replay(sessions: u64) -> (Outcome, Vec<Memory>) {
    let (mut sources, mut diagnostics) = (Sources::default(), Diagnostics::default());
    let options = CompileOptions { log_default_policy: true };
    let compiled =
        load_bytes(&mut sources, "steady.conf", CONFIG.as_bytes(), &options, &mut diagnostics);
    let Some(compiled) = compiled else {
        panic!("{}", render::text(&sources, &diagnostics));
    };
    let world = Arc::new(compiled.world);
    let options = RenderOptions::new(Format::SdSyslog, "fw");
    let renderer = Renderer::new(Arc::clone(&world), options);
    let seen = Arc::default();
    // Magic number of nanosecond resolution, version 2.4, snap length, Ethernet.
    let mut bytes = vec![0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    bytes.extend([0xff, 0xff, 0, 0, 1, 0, 0, 0]);
    let endless = Endless { sessions, made: 0, bytes, read: 0, seen: Arc::clone(&seen) };
    let mut schedule = schedule(256, 1);
    // Room for what is alive at once, and not so much that first uses of it go on for long.
    schedule.settings.session.capacity = toml::Spanned::new(0..0, 65_536);
    let replay = Replay {
        world,
        commits: Vec::new(),
        schedule,
        captures: vec![(CaptureReader::from_read("endless", endless), Bind::Auto)],
        remote: None,
        observers: Vec::new(),
        rate: None,
        sinks: vec![Box::new(WriterSink::lines("nowhere", std::io::sink(), renderer))],
        write: None,
    };
    let outcome = replay.run().expect("it begins");
    let seen = seen.lock().expect("one thread").clone();
    (outcome, seen)
}

#[test]
fn a_run_ends_at_the_memory_that_it_had_after_its_first_hundred_thousand_sessions() {
    let asked = std::env::var("SESSIONS").ok();
    let sessions = asked.map_or(SESSIONS, |n| n.parse().expect("SESSIONS is a number"));
    assert!(sessions > SETTLED, "there is something after the first {SETTLED}");
    let (outcome, seen) = replay(sessions);
    let ledger = outcome.ledger;
    assert!(ledger.balanced, "{:#?}", ledger.identities);
    let created = (ledger.sessions.created, ledger.sessions.active);
    assert_eq!(created, (sessions, 0), "{:?}", ledger.packets);
    let denied = (sessions + 4) / 8;
    assert_eq!(ledger.packets.dropped.get("policy_deny"), Some(&denied), "{:?}", ledger.packets);
    assert_eq!(ledger.packets.dropped.len(), 1, "{:?}", ledger.packets);
    let [before, after] = seen[..] else { panic!("looked at memory {} times", seen.len()) };
    let resident = after.resident_bytes - before.resident_bytes;
    let live = after.live_bytes - before.live_bytes;
    println!(
        "{sessions} sessions in {:.1} s: {before:?}, then {live:+} and {resident:+}",
        outcome.elapsed.as_secs_f64()
    );
    assert!(live.abs() <= LIVE_BYTES_MAX, "{live} bytes more are allocated");
    assert!(resident <= RESIDENT_BYTES_MAX, "{resident} bytes more are resident");
}

/// Sessions after which nothing is used for the first time.
const SETTLED: u64 = 100_000;
/// Unless the environment asks for more.
const SESSIONS: u64 = 500_000;
/// What log lines of different lengths and the place in a batch make.
const LIVE_BYTES_MAX: i64 = 4 * 1024;
/// What the kernel and the system's allocator make: less than a byte a session of ten million.
const RESIDENT_BYTES_MAX: i64 = 1024 * 1024;
/// 2026-03-02T08:00:00Z.
const START_NS: u64 = 1_772_438_400_000_000_000;
/// From one session to the next: half a minute's worth is alive at once, so that the first hundred
/// thousand have aged out.
const SESSION_NS: u64 = 2_000_000;
const PACKET_NS: u64 = 200_000;

const CONFIG: &str = "
set interfaces ge-0/0/0 unit 0 family inet address 203.0.113.2/24
set interfaces ge-0/0/0 unit 0 family inet6 address 2001:db8:ff::ffff:1/64
set interfaces ge-0/0/1 unit 0 family inet address 10.64.0.1/10
set interfaces ge-0/0/1 unit 0 family inet6 address 2001:db8:1::ffff:1/64
set interfaces ge-0/0/2 unit 0 family inet address 10.1.2.1/24
set routing-options static route 0.0.0.0/0 next-hop 203.0.113.1
set security zones security-zone untrust interfaces ge-0/0/0.0
set security zones security-zone trust interfaces ge-0/0/1.0
set security zones security-zone dmz interfaces ge-0/0/2.0
set security policies global policy telnet match source-address any
set security policies global policy telnet match destination-address any
set security policies global policy telnet match application junos-telnet
set security policies global policy telnet then deny
set security policies global policy telnet then log session-init
set security policies global policy all match source-address any
set security policies global policy all match destination-address any
set security policies global policy all match application any
set security policies global policy all then permit
set security policies global policy all then log session-init
set security policies global policy all then log session-close
set security nat static rule-set six from zone trust
set security nat static rule-set six rule six match destination-address 2001:db8:64::/96
set security nat static rule-set six rule six then static-nat inet
set security nat source pool web address 203.0.113.10/32
set security nat source pool web port no-translation
set security nat source pool game address 203.0.113.11/32
set security nat source rule-set out from zone trust
set security nat source rule-set out to zone untrust
set security nat source rule-set out rule web match destination-address 198.18.0.0/16
set security nat source rule-set out rule web then source-nat pool web
set security nat source rule-set out rule game match destination-address 198.19.0.0/16
set security nat source rule-set out rule game then source-nat pool game
set security nat source rule-set out rule game then source-nat pool persistent-nat permit target-host
set security nat source rule-set out rule game then source-nat pool persistent-nat inactivity-timeout 60
set security nat source rule-set out rule rest match destination-address 172.16.0.0/12
set security nat source rule-set out rule rest then source-nat interface
set security nat destination pool web address 10.1.2.10/32 port 8080
set security nat destination rule-set in from zone untrust
set security nat destination rule-set in rule web match destination-address 203.0.113.80/32
set security nat destination rule-set in rule web match destination-port 80
set security nat destination rule-set in rule web then destination-nat pool web
";
