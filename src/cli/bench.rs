//! `weir bench`.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use serde::Serialize;

use super::table::Table;
use super::{Stop, put, say};
use crate::bench::clock::Tsc;
use crate::bench::memory::Resident;
use crate::bench::targets;
use crate::bench::{self, Case, Figures, Length, Scenario};

#[derive(Debug, Args)]
pub(super) struct BenchArgs {
    /// What to measure; without it, everything but `memory`, which wants 3 GiB.
    #[arg(value_enum)]
    scenarios: Vec<Scenario>,
    /// Flows, at most 10 million; without it, 1,000, 100,000 and 1,000,000, or what the scenario
    /// has a target for.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    flows: Vec<u32>,
    /// Policies; without it, what the scenario has a target for.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=60_000))]
    rules: Vec<u32>,
    /// Rows of a batch, 1 to 1024.
    #[arg(long, value_name = "N", default_value = "256")]
    batch: Vec<u32>,
    /// Write a line of JSON for each measurement.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Runs of which the median is taken.
    #[arg(long, value_name = "N", default_value = "7",
        value_parser = clap::value_parser!(u16).range(1..))]
    runs: u16,
    /// Packets of a run.
    #[arg(long, value_name = "N", default_value = "1000000",
        value_parser = clap::value_parser!(u64).range(1..))]
    packets: u64,
}

/// A line of the JSON file.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    case: &'a Case,
    #[serde(flatten)]
    figures: &'a Figures,
}

pub(super) fn run(args: &BenchArgs) -> Result<(), Stop> {
    let length = Length { runs: args.runs.into(), packets: args.packets };
    let create = |path: &PathBuf| {
        Ok::<_, Stop>(File::create(path).with_context(|| path.display().to_string())?)
    };
    let mut json = args.json.as_ref().map(create).transpose()?;
    let tsc = Tsc::default();
    let mut table = Table::new(&HEADS);
    let mut balanced = true;
    for case in cases(args) {
        let figures = bench::run(&case, &length, &tsc)?;
        table.row(row(&case, &figures));
        for (name, left, right) in &figures.unbalanced {
            say(&format!("weir: {:?}: {name}: {left} and {right}\n", case.scenario));
            balanced = false;
        }
        if let Some(file) = &mut json {
            let line = serde_json::to_string(&Line { case: &case, figures: &figures })?;
            writeln!(file, "{line}").context("the file of --json")?;
        }
    }
    put(&table.text())?;
    let peak = Resident::read().map_or(0, |resident| resident.peak >> 20);
    put(&format!("{:.3} clocks a ns; peak memory {peak} MiB\n", tsc.clocks_a_ns()))?;
    if balanced { Ok(()) } else { Err(Stop::Unbalanced) }
}

/// Every combination that was asked for, or that has a target.
fn cases(args: &BenchArgs) -> Vec<Case> {
    let all = Scenario::value_variants_but_memory();
    let scenarios = if args.scenarios.is_empty() { &all } else { &args.scenarios };
    let or = |given: &[u32], default: &[usize]| match given {
        [] => default.to_vec(),
        given => given.iter().filter_map(|&n| usize::try_from(n).ok()).collect(),
    };
    let mut cases = Vec::new();
    for &scenario in scenarios {
        let (flows, rules) = scenario.defaults();
        for flows in or(&args.flows, flows) {
            for rules in or(&args.rules, rules) {
                let batches = match scenario {
                    Scenario::Latency => vec![1],
                    _ => or(&args.batch, &[]),
                };
                for batch in batches {
                    cases.push(Case { scenario, flows, rules, batch });
                }
            }
        }
    }
    cases
}

fn row(case: &Case, figures: &Figures) -> [String; HEADS.len()] {
    let name = serde_json::to_value(case.scenario).ok();
    let target = match case.scenario {
        Scenario::Compile if case.rules == 10_000 => format!("{} ms", targets::COMPILE_MS),
        Scenario::Memory if case.flows == 10_000_000 => {
            format!("{} MiB", targets::TEN_MILLION_BYTES >> 20)
        }
        scenario => targets::clocks(scenario, case.flows, case.rules)
            .map_or_else(|| "-".to_owned(), |clocks| format!("{clocks:.0}")),
    };
    let clocks = |clocks: f64| format!("{clocks:.1}");
    [
        name.and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default(),
        case.flows.to_string(),
        case.rules.to_string(),
        case.batch.to_string(),
        clocks(figures.clk_median),
        clocks(figures.clk_min),
        clocks(figures.clk_max),
        clocks(figures.ns_median),
        figures.clk_tail.map_or_else(|| "-".to_owned(), |[p99, _]| format!("{p99:.0}")),
        figures.clk_tail.map_or_else(|| "-".to_owned(), |[_, p999]| format!("{p999:.0}")),
        format!("{:.2}", figures.events),
        target,
        figures.session_bytes.map_or_else(|| "-".to_owned(), |bytes| bytes.to_string()),
        figures.resident_bytes.map_or_else(|| "-".to_owned(), |n| format!("{} MiB", n >> 20)),
    ]
}

const HEADS: [&str; 14] = [
    "scenario",
    "flows",
    "rules",
    "batch",
    "clk",
    "min",
    "max",
    "ns",
    "p99",
    "p99.9",
    "events",
    "target",
    "session bytes",
    "start-up",
];
