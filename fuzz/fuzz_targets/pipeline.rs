//! The whole pipeline with state: packets of the branch office, chosen, changed, cut, repeated and
//! shifted in time by the input, or made of it. In batches of 1 and of 64 the same frames, packets
//! and ledger must come out, and the ledger balances.
#![no_main]

mod office;

use std::sync::{Arc, LazyLock};

use components::world::World;
use libfuzzer_sys::fuzz_target;
use office::{Captured, Output, frames, replay};
use weir::config::compile::CompileOptions;
use weir::config::diagnostic::Diagnostics;
use weir::config::load::load_bytes;
use weir::config::span::Sources;

fuzz_target!(|bytes: &[u8]| {
    let packets = packets(bytes);
    let one = run(&packets, 1);
    let many = run(&packets, 64);
    assert_eq!(one.ledger, many.ledger);
    assert_eq!(one.frames, many.frames);
    assert_eq!(one.packets, many.packets);
});

fn run(packets: &[Captured], rows: usize) -> Output {
    let file = std::env::temp_dir().join(format!("weir-fuzz-{}.pcapng", std::process::id()));
    let output = replay(Arc::clone(&WORLD), packets, rows, Some(file.clone()));
    std::fs::remove_file(file).expect("it was written");
    output
}

static WORLD: LazyLock<Arc<World>> = LazyLock::new(|| {
    let text = include_bytes!("../../examples/branch-office.conf");
    let (mut sources, mut diagnostics) = (Sources::default(), Diagnostics::default());
    let options = CompileOptions { log_default_policy: true };
    let compiled = load_bytes(&mut sources, "office", text, &options, &mut diagnostics);
    compiled.expect("the example has no errors").world.into()
});

/// Reads the input as steps, each of which makes one packet.
fn packets(bytes: &[u8]) -> Vec<Captured> {
    let mut steps = Steps { rest: bytes };
    let mut packets: Vec<Captured> = Vec::new();
    let mut time_ns = frames()[0].time_ns;
    while !steps.rest.is_empty() && packets.len() < PACKETS_MAX {
        let how = steps.byte();
        let gap_ns = steps.gap_ns();
        time_ns =
            if how & BACKWARDS == 0 { time_ns + gap_ns } else { time_ns - gap_ns % 1_000_000 };
        let mut frame = match packets.last() {
            Some((_, frame, _)) if how & AGAIN != 0 => frame.clone(),
            _ if how & LITERAL != 0 => {
                let length = usize::from(steps.byte());
                steps.bytes(length).to_vec()
            }
            _ => {
                let which = usize::from(steps.byte()) << 8 | usize::from(steps.byte());
                frames()[which % frames().len()].bytes.clone()
            }
        };
        for _ in 0..how & CHANGES {
            let at = usize::from(steps.byte());
            let value = steps.byte();
            if let Some(byte) = frame.get_mut(at) {
                *byte = value;
            }
        }
        if how & REPAIRED != 0 {
            repair(&mut frame);
        }
        let whole = frame.len();
        if how & CUT != 0 {
            frame.truncate(usize::from(steps.byte()));
        }
        let beyond = (whole - frame.len()) as u32;
        packets.push((time_ns, frame, beyond));
    }
    packets
}

/// Bits of a step: how many bytes are changed, and more.
const CHANGES: u8 = 7;
const REPAIRED: u8 = 1 << 3;
const LITERAL: u8 = 1 << 4;
const BACKWARDS: u8 = 1 << 5;
const CUT: u8 = 1 << 6;
const AGAIN: u8 = 1 << 7;

/// Enough to fill a batch of 64 and the session table twice.
const PACKETS_MAX: usize = 160;

/// Sets the IPv4 header checksum of an untagged frame right, so that changes get past it.
fn repair(frame: &mut [u8]) {
    let Some([_, ether_high, ether_low, version, ..]) = frame.get(11..) else {
        return;
    };
    let length = 4 * usize::from(version & 15);
    if (*ether_high, *ether_low, version >> 4) != (8, 0, 4) || length < 20 {
        return;
    }
    if let Some(header) = frame.get_mut(14..14 + length) {
        header[10..12].fill(0);
        let sum = weir::generate::checksum(&[header]);
        header[10..12].copy_from_slice(&sum.to_be_bytes());
    }
}

/// The input while it is read; zeros follow it.
struct Steps<'a> {
    rest: &'a [u8],
}

impl<'a> Steps<'a> {
    fn byte(&mut self) -> u8 {
        self.bytes(1).first().copied().unwrap_or(0)
    }

    fn bytes(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(count.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    /// From nothing to four hours.
    fn gap_ns(&mut self) -> u64 {
        let byte = self.byte();
        u64::from(byte & 15) << (2 * (byte >> 4)) << 10
    }
}
