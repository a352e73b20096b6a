//! What the data plane costs: scenarios of made-up packets through the real systems, in clocks a
//! packet. Packets are made before the clock runs, flows are visited in random order, sessions are
//! warm, and only receiving and transmitting is left out. The ledger of every run must balance.

pub mod clock;
mod events;
pub(crate) mod line;
pub mod memory;
mod path;
pub mod rules;
pub mod targets;

use std::sync::Arc;

use clap::ValueEnum;
use components::world::World;
use serde::Serialize;
use systems::schedule::Schedule;
use toml::Spanned;

use crate::config::compile::CompileOptions;
use crate::config::diagnostic::Diagnostics;
use crate::config::load::load_bytes;
use crate::config::span::Sources;
use clock::Tsc;
use rules::{Action, Rules};

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scenario {
    /// Established sessions under one policy.
    Forward,
    /// Established sessions under a list of policies.
    Rules,
    /// The same behind source NAT.
    RulesNat,
    /// The same, each packet in a batch of its own, timed alone: what it takes in the box at low
    /// load.
    Latency,
    /// Each packet opens a session behind source NAT, with its event.
    NewSession,
    /// Sessions end of themselves, each with its event.
    EndSession,
    /// Flows that are denied over and over, an event a packet.
    DenyFlood,
    /// Each denied packet is of a new flow.
    DenyFloodSpoofed,
    /// Events encoded and appended to the ring, for each event.
    Emit,
    /// Log lines in `sd-syslog`, for each line.
    Render,
    /// The stream decoded and applied, for each event.
    Collect,
    /// A configuration compiled, for each configuration.
    Compile,
    /// Start-up with room for so many sessions.
    Memory,
}

/// One thing to measure.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Case {
    /// What.
    pub scenario: Scenario,
    /// Flows, which is sessions where packets are permitted.
    pub flows: usize,
    /// Policies.
    pub rules: usize,
    /// Rows of a batch.
    pub batch: usize,
}

/// How long to measure.
#[derive(Clone, Copy, Debug)]
pub struct Length {
    /// Runs of which the median is taken.
    pub runs: usize,
    /// Packets of a run.
    pub packets: u64,
}

/// What came of it. The unit is the packet, or what the scenario says.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Figures {
    /// Clocks a unit: the median of all runs.
    pub clk_median: f64,
    /// The fastest run.
    pub clk_min: f64,
    /// The slowest run.
    pub clk_max: f64,
    /// The median in nanoseconds.
    pub ns_median: f64,
    /// Clocks that all but one in a hundred packets are within, and all but one in a thousand;
    /// where packets are timed one by one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clk_tail: Option<[f64; 2]>,
    /// Events a unit.
    pub events: f64,
    /// Bytes of the session table for each session that it can hold.
    #[serde(skip)]
    pub session_bytes: Option<u64>,
    /// Resident memory that start-up took.
    #[serde(skip)]
    pub resident_bytes: Option<u64>,
    /// Identities that do not hold: name, left, right.
    #[serde(skip)]
    pub unbalanced: Vec<(String, u64, u64)>,
}

/// Why a case cannot be measured.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The configuration that was drawn.
    #[error("the configuration of the bench does not compile: {0}")]
    Configuration(String),
    /// The schedule that is built in.
    #[error("the schedule of the bench: {0}")]
    Schedule(String),
    /// Its interface.
    #[error("the configuration of the bench has no interface for its packets")]
    Interface,
    /// The ring.
    #[error(transparent)]
    Ring(#[from] components::ring::RingError),
    /// `/proc/self/status`.
    #[error("the kernel does not tell this process's memory")]
    Memory,
    /// No packet came to what is measured.
    #[error("nothing was measured: no packet or event came of the scenario")]
    Nothing,
}

/// Measures one case.
///
/// # Errors
/// If the case cannot be set up.
pub fn run(case: &Case, length: &Length, tsc: &Tsc) -> Result<Figures, BenchError> {
    match case.scenario {
        Scenario::Emit | Scenario::Render | Scenario::Collect => events::run(case, length, tsc),
        Scenario::Compile => compile(case, length, tsc),
        Scenario::Memory => path::memory(case, tsc),
        _ => path::run(case, length, tsc),
    }
}

fn compile(case: &Case, length: &Length, tsc: &Tsc) -> Result<Figures, BenchError> {
    let text = Rules::draw(case.rules, SEED).configuration(Action::Permit);
    let mut clocks = Vec::new();
    for _ in 0..length.runs {
        let started = tsc.now();
        let world = load(&text)?;
        clocks.push((tsc.now() - started) as f64);
        drop(world);
    }
    Ok(Figures::of(clocks, tsc))
}

/// The world of a configuration.
fn load(text: &str) -> Result<World, BenchError> {
    let (mut sources, mut diagnostics) = (Sources::default(), Diagnostics::default());
    let options = CompileOptions { log_default_policy: true };
    let bytes = text.as_bytes();
    match load_bytes(&mut sources, "bench", bytes, &options, &mut diagnostics) {
        Some(compiled) => Ok(compiled.world),
        None => {
            let text = crate::config::render::brief(&sources, &diagnostics);
            Err(BenchError::Configuration(text))
        }
    }
}

fn world(case: &Case, action: Action) -> Result<(Rules, Arc<World>), BenchError> {
    let rules = Rules::draw(case.rules, SEED);
    let world = load(&rules.configuration(action))?;
    Ok((rules, Arc::new(world)))
}

/// The schedule of `weir replay` with IPv4 checksums verified, as a live port has it, and tables as
/// large as the case needs.
fn schedule(case: &Case) -> Result<Schedule, BenchError> {
    let broken = |text: String| BenchError::Schedule(text);
    let mut schedule = Schedule::parse(include_str!("../../schedules/replay.toml"))
        .map_err(|errors| broken(errors.into_iter().map(|error| error.message).collect()))?
        .with(Some(case.batch), None)
        .map_err(|error| broken(error.message))?;
    let settings = &mut schedule.settings;
    settings.parse.verify_ipv4_checksums = true;
    settings.session.capacity = Spanned::new(0..0, case.flows.max(SESSIONS_MIN));
    let decisions = *settings.policy.decision_cache_entries.get_ref();
    let wanted = (case.flows * 2).clamp(decisions, DECISIONS_MAX);
    settings.policy.decision_cache_entries = Spanned::new(0..0, wanted);
    Ok(schedule)
}

impl Scenario {
    /// All but [`Self::Memory`].
    #[must_use]
    pub fn value_variants_but_memory() -> Vec<Self> {
        Self::value_variants().iter().copied().filter(|&found| found != Self::Memory).collect()
    }

    /// Flows and rules that it is measured with unless someone wants others.
    #[must_use]
    pub const fn defaults(self) -> (&'static [usize], &'static [usize]) {
        match self {
            Self::Forward => (&[1_000, 100_000, 1_000_000], &[1]),
            Self::Latency => (&[1_000], &[1_000]),
            Self::Rules | Self::RulesNat => (&[1_000, 100_000, 1_000_000], &[1_000]),
            Self::NewSession | Self::EndSession => (&[1_000_000], &[10_000]),
            Self::DenyFlood => (&[100_000], &[1_000]),
            Self::DenyFloodSpoofed => (&[100_000], &[1_000, 10_000]),
            Self::Emit | Self::Render | Self::Collect => (&[1_000], &[1]),
            Self::Compile => (&[1_000], &[10_000]),
            Self::Memory => (&[10_000_000], &[1_000]),
        }
    }
}

impl Figures {
    /// From the clocks a unit of each run.
    pub(crate) fn of(mut clocks: Vec<f64>, tsc: &Tsc) -> Self {
        clocks.sort_by(f64::total_cmp);
        let at = |index: usize| clocks.get(index).copied().unwrap_or(0.0);
        let clk_median = at(clocks.len() / 2);
        Self {
            clk_median,
            clk_min: at(0),
            clk_max: at(clocks.len().saturating_sub(1)),
            ns_median: clk_median / tsc.clocks_a_ns(),
            ..Self::default()
        }
    }
}

/// Rules and flows are drawn with it.
const SEED: u64 = 1;
/// No session table is smaller.
const SESSIONS_MIN: usize = 4_096;
/// Remembered denials of the largest flood, 64 MiB of them.
const DECISIONS_MAX: usize = 1 << 20;
