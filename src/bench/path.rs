//! The scenarios of the whole path.

use super::clock::Tsc;
use super::line::{Line, Took};
use super::memory::Resident;
use super::rules::{Action, Frame, Rules};
use super::{BenchError, Case, Figures, Length, SEED, Scenario, schedule, world};
use crate::generate::rng::Rng;

/// Measures a case of packets.
pub(super) fn run(case: &Case, length: &Length, tsc: &Tsc) -> Result<Figures, BenchError> {
    let action = match case.scenario {
        Scenario::DenyFlood | Scenario::DenyFloodSpoofed => Action::Deny,
        Scenario::Forward | Scenario::Rules => Action::Permit,
        _ => Action::Translate,
    };
    let (rules, world) = world(case, action)?;
    let mut line = Line::new(world, &schedule(case)?, INGRESS)?;
    let took = match case.scenario {
        Scenario::NewSession | Scenario::EndSession => {
            sessions(case, length, &mut line, &rules, tsc)
        }
        Scenario::DenyFloodSpoofed => {
            // Tuples come twice only after more than the memory of denials holds.
            let frames: Vec<Frame> =
                rules.flows(SEED).take(SPOOFED).map(|flow| flow.frame()).collect();
            let mut next = in_turn(&frames);
            line.warm(length.packets, &mut next);
            (0..length.runs).map(|_| line.run(length.packets, tsc, &mut next)).collect()
        }
        _ => {
            let frames: Vec<Frame> =
                rules.flows(SEED).take(case.flows).map(|flow| flow.frame()).collect();
            line.warm(case.flows as u64, in_turn(&frames));
            let mut rng = Rng::new(SEED);
            let mut next = || frames[usize::try_from(rng.below(frames.len() as u64)).unwrap_or(0)];
            line.warm(length.packets, &mut next);
            (0..length.runs).map(|_| line.run(length.packets, tsc, &mut next)).collect::<Vec<_>>()
        }
    };
    figures(&took, &line, tsc)
}

/// Sessions are opened, all of them, and end of themselves, until there were enough.
fn sessions(case: &Case, length: &Length, line: &mut Line, rules: &Rules, tsc: &Tsc) -> Vec<Took> {
    let frames: Vec<Frame> = rules.flows(SEED).take(case.flows).map(|flow| flow.frame()).collect();
    let rounds = length.packets.div_ceil(case.flows as u64);
    let mut all = Vec::new();
    for run in 0..=length.runs {
        let mut sum = Took::default();
        for _ in 0..rounds {
            let opened = line.run(case.flows as u64, tsc, in_turn(&frames));
            let ended = line.age_out(tsc);
            sum.add(if case.scenario == Scenario::NewSession { opened } else { ended });
        }
        // The first run finds the memory untouched.
        if run > 0 {
            all.push(sum);
        }
    }
    all
}

/// Start-up with room for the case's flows as sessions.
pub(super) fn memory(case: &Case, tsc: &Tsc) -> Result<Figures, BenchError> {
    let (_, world) = world(case, Action::Translate)?;
    let before = Resident::read().ok_or(BenchError::Memory)?;
    let started = tsc.now();
    let line = Line::new(world, &schedule(case)?, INGRESS)?;
    let clocks = tsc.now() - started;
    let after = Resident::read().ok_or(BenchError::Memory)?;
    let mut figures = Figures::of(vec![clocks as f64], tsc);
    figures.session_bytes = Some(line.session_bytes());
    figures.resident_bytes = Some(after.now.saturating_sub(before.now));
    Ok(figures)
}

fn figures(took: &[Took], line: &Line, tsc: &Tsc) -> Result<Figures, BenchError> {
    if took.iter().any(|took| took.packets == 0) {
        return Err(BenchError::Nothing);
    }
    let clocks = took.iter().map(|took| took.clocks as f64 / took.packets as f64).collect();
    let mut figures = Figures::of(clocks, tsc);
    let packets: u64 = took.iter().map(|took| took.packets).sum();
    let events: u64 = took.iter().map(|took| took.events).sum();
    figures.events = events as f64 / packets as f64;
    figures.session_bytes = Some(line.session_bytes());
    let ledger = line.ledger();
    if !ledger.balanced {
        let broken =
            ledger.identities.into_iter().filter(|identity| identity.left != identity.right);
        figures.unbalanced = broken.map(|found| (found.name, found.left, found.right)).collect();
    }
    Ok(figures)
}

/// One frame after another, from the beginning again after the last.
fn in_turn(frames: &[Frame]) -> impl FnMut() -> Frame {
    let mut frames = frames.iter().copied().cycle();
    move || frames.next().expect("there is a frame")
}

/// The interface of the zone that packets come from.
const INGRESS: &str = "ge-0/0/1.0";
/// Tuples of a spoofed flood.
const SPOOFED: usize = 4 << 20;
