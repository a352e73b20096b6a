//! The scenarios of the whole path.

use components::ids::IfIndex;
use components::world::World;
use systems::schedule::Schedule;

use super::clock::Tsc;
use super::line::{Given, Line, Took};
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
    let ingress = ingress(&world)?;
    let schedule = schedule(case)?;
    let mut line = Line::new(world, &schedule, tick_ns(&schedule))?;
    let took = match case.scenario {
        Scenario::NewSession | Scenario::EndSession => {
            sessions(case, length, &mut line, (&rules, ingress), tsc)
        }
        Scenario::DenyFloodSpoofed => {
            // Tuples come twice only after more than the memory of denials holds.
            let frames: Vec<Frame> =
                rules.flows(SEED).take(SPOOFED).map(|flow| flow.frame()).collect();
            let mut next = in_turn(&frames, ingress);
            line.warm(length.packets, &mut next);
            (0..length.runs).map(|_| line.run(length.packets, tsc, &mut next)).collect()
        }
        _ => {
            let frames: Vec<Frame> =
                rules.flows(SEED).take(case.flows).map(|flow| flow.frame()).collect();
            line.warm(case.flows as u64, in_turn(&frames, ingress));
            let mut rng = Rng::new(SEED);
            let mut next = || {
                let at = usize::try_from(rng.below(frames.len() as u64)).unwrap_or(0);
                Given::made_up(&frames[at], ingress)
            };
            line.warm(length.packets, &mut next);
            if case.scenario == Scenario::Latency {
                return latency(length, &mut line, tsc, next);
            }
            (0..length.runs).map(|_| line.run(length.packets, tsc, &mut next)).collect::<Vec<_>>()
        }
    };
    figures(&took, &line, tsc)
}

/// Every packet alone; the median of each run, and the tail of all.
fn latency<'f>(
    length: &Length,
    line: &mut Line,
    tsc: &Tsc,
    mut next: impl FnMut() -> Given<'f>,
) -> Result<Figures, BenchError> {
    let (mut all, mut took) = (Vec::new(), Vec::new());
    line.set_rows(1);
    for _ in 0..length.runs {
        let mut run: Vec<u64> =
            (0..length.packets).map(|_| line.run(1, tsc, &mut next).clocks).collect();
        run.sort_unstable();
        took.push(Took { packets: 1, clocks: run[run.len() / 2], events: 0 });
        all.append(&mut run);
    }
    all.sort_unstable();
    let mut figures = figures(&took, line, tsc)?;
    let beyond = |parts: usize| all[all.len() - 1 - all.len() / parts] as f64;
    figures.clk_tail = Some([beyond(100), beyond(1_000)]);
    Ok(figures)
}

/// Sessions are opened, all of them, and end of themselves, until there were enough.
fn sessions(
    case: &Case,
    length: &Length,
    line: &mut Line,
    (rules, ingress): (&Rules, IfIndex),
    tsc: &Tsc,
) -> Vec<Took> {
    let frames: Vec<Frame> = rules.flows(SEED).take(case.flows).map(|flow| flow.frame()).collect();
    let rounds = length.packets.div_ceil(case.flows as u64);
    let mut all = Vec::new();
    for run in 0..=length.runs {
        let mut sum = Took::default();
        for _ in 0..rounds {
            let opened = line.run(case.flows as u64, tsc, in_turn(&frames, ingress));
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
    let schedule = schedule(case)?;
    let line = Line::new(world, &schedule, tick_ns(&schedule))?;
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
fn in_turn<'f>(frames: &'f [Frame], ingress: IfIndex) -> impl FnMut() -> Given<'f> {
    let mut frames = frames.iter().cycle();
    move || Given::made_up(frames.next().expect("there is a frame"), ingress)
}

fn tick_ns(schedule: &Schedule) -> u64 {
    *schedule.settings.session.tick_ms.get_ref() * 1_000_000
}

fn ingress(world: &World) -> Result<IfIndex, BenchError> {
    let mut names = world.names.interfaces.iter();
    let at = names.position(|name| name == INGRESS).and_then(|at| u16::try_from(at).ok());
    at.map(IfIndex).ok_or(BenchError::Interface)
}

/// The interface of the zone that packets come from.
const INGRESS: &str = "ge-0/0/1.0";
/// Tuples of a spoofed flood.
const SPOOFED: usize = 4 << 20;
