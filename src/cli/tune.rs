//! `weir tune`.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use toml_edit::{DocumentMut, Item, Table as TomlTable, value};

use super::table::Table;
use super::{Stop, inputs, put, replay, say};
use crate::bench::clock::Tsc;
use crate::config::compile::CompileOptions;
use crate::dashboard::curve;
use crate::port::CapturePort;
use crate::tune::{Choice, Cost, Traffic, choose, measure};

#[derive(Debug, Args)]
pub(super) struct TuneArgs {
    /// Junos configuration; `-` for standard input.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Schedule to begin with; without it, `schedules/replay.toml` as it was built in.
    #[arg(long, value_name = "FILE")]
    schedule: Option<PathBuf>,
    /// As for `replay`: `auto`, or `IFL=CAPTURE`.
    #[arg(long, value_name = "auto | IFL=CAPTURE")]
    ingress: Vec<String>,
    /// Write the schedule with the sizes that the figures speak for.
    #[arg(long, value_name = "FILE.toml")]
    out: Option<PathBuf>,
    /// Draw clocks a packet against the batch size.
    #[arg(long, value_name = "FILE.svg")]
    svg: Option<PathBuf>,
    /// Runs of which the median is taken, for each batch size.
    #[arg(long, value_name = "N", default_value = "7",
        value_parser = clap::value_parser!(u16).range(1..))]
    runs: u16,
    /// Packets of a run; the captures are repeated.
    #[arg(long, value_name = "N", default_value = "200000",
        value_parser = clap::value_parser!(u64).range(1..))]
    packets: u64,
    /// Captures, pcap or pcapng; `-` for standard input.
    #[arg(value_name = "CAPTURE")]
    captures: Vec<PathBuf>,
}

pub(super) fn run(args: &TuneArgs) -> Result<(), Stop> {
    keeps_inputs(args)?;
    let schedule = inputs::schedule(args.schedule.as_deref())?;
    let log_default_policy = schedule.settings.replay.log_default_policy;
    let compiled = inputs::configuration(&args.config, &CompileOptions { log_default_policy })?;
    let world = Arc::new(compiled.world);
    replay::honours(&schedule, &world, &args.config)?;
    let captures = replay::captures(&args.captures, &args.ingress, &world)?;
    let mut port = CapturePort::<BufWriter<File>>::new(captures);
    let traffic = Traffic::read(&mut port);
    let errors = port.finish();
    errors.iter().for_each(|error| say(&format!("weir: {error}\n")));
    put(&about(&traffic))?;
    let tsc = Tsc::default();
    let length = (usize::from(args.runs), args.packets);
    let noted = |round| tracing::info!(round, of = args.runs, "measuring");
    let costs = measure(&world, &schedule, &traffic, length, &tsc, noted)?;
    put(&curve_of(&costs))?;
    let gaps: Vec<u64> = traffic.gaps_ns().collect();
    let choice = choose(&costs, &gaps).context("nothing was measured")?;
    put(&waits(&choice))?;
    put(&said(&choice))?;
    if let Some(path) = &args.svg {
        let figures = costs.iter().map(|cost| (cost.rows, &cost.figures));
        let svg = curve("Clocks a packet", "rows of a batch", figures);
        fs::write(path, svg).with_context(|| path.display().to_string())?;
    }
    if let Some(path) = &args.out {
        let text = written(args.schedule.as_deref(), &choice)?;
        fs::write(path, text).with_context(|| path.display().to_string())?;
        put(&format!("written to {}\n", path.display()))?;
    }
    match errors.is_empty() {
        true => Ok(()),
        false => Err(Stop::Failed(anyhow::anyhow!("not all of the captures could be read"))),
    }
}

/// No output may be an input, but for a schedule that is tuned in its place.
fn keeps_inputs(args: &TuneArgs) -> Result<(), Stop> {
    let bound = args.ingress.iter().filter_map(|ingress| ingress.split_once('='));
    let bound = bound.map(|(_, capture)| Path::new(capture));
    let inputs = args.captures.iter().map(PathBuf::as_path).chain([args.config.as_path()]);
    let inputs: Vec<PathBuf> = inputs.chain(bound).filter_map(replay::file_of).collect();
    let schedule = args.schedule.as_deref().and_then(replay::file_of);
    let out = args.out.as_deref().and_then(replay::file_of);
    let svg = args.svg.as_deref().and_then(replay::file_of);
    let lost = [&out, &svg].into_iter().flatten().find(|output| inputs.contains(output));
    let lost = lost.or(svg.as_ref().filter(|_| svg == schedule || svg == out));
    match lost {
        Some(path) => {
            let text = format!("`{}` would be overwritten: it has another use", path.display());
            Err(Stop::Usage(text))
        }
        None => Ok(()),
    }
}

fn about(traffic: &Traffic) -> String {
    let seconds = traffic.span_ns() as f64 / 1e9;
    let cut = if traffic.is_cut() { " (the first of more)" } else { "" };
    format!("{} packets{cut} of {seconds:.1} s, over and over\n\n", traffic.len())
}

/// The curve, a line for each batch size.
fn curve_of(costs: &[Cost]) -> String {
    let mut table = Table::new(&["rows", "clk", "min", "max", "ns", "batch us", ""]);
    let most = costs.iter().map(|cost| cost.figures.clk_median).fold(1.0, f64::max);
    for cost in costs {
        let figures = &cost.figures;
        let share = figures.clk_median / most;
        let bar = (1..BAR).find(|&n| n as f64 >= share * BAR as f64).unwrap_or(BAR);
        table.row([
            cost.rows.to_string(),
            format!("{:.0}", figures.clk_median),
            format!("{:.0}", figures.clk_min),
            format!("{:.0}", figures.clk_max),
            format!("{:.0}", figures.ns_median),
            format!("{:.2}", cost.batch_ns() / 1_000.0),
            "█".repeat(bar),
        ]);
    }
    table.text()
}

/// What packets wait, by longest wait and load.
fn waits(choice: &Choice) -> String {
    let heads = ["flush us", "load", "p50 us", "p99 us", "p99.9 us", "busy", "rows of a batch"];
    let mut table = Table::new(&heads);
    for (flush_us, load, waiting) in &choice.tried {
        table.row([
            flush_us.to_string(),
            format!("{:.0} %", load * 100.0),
            format!("{:.2}", waiting.p50_us),
            format!("{:.2}", waiting.p99_us),
            format!("{:.2}", waiting.p999_us),
            format!("{:.0} %", waiting.busy * 100.0),
            format!("{:.1}", waiting.rows),
        ]);
    }
    format!(
        "\nTime in the box with batches of at most {}, worked out from the costs above and the way \
         in which\nthe capture's packets follow each other, at shares of what one worker can \
         carry:\n\n{}",
        choice.rows_max,
        table.text()
    )
}

fn said(choice: &Choice) -> String {
    let mut out = String::new();
    let Choice { rows_max, flush_us_max, clocks, per_second, bound_us, .. } = choice;
    let _ = write!(
        out,
        "\nrows_max = {rows_max}: the smallest batch that costs at most 5 % more than the best, \
         {clocks:.0} clocks a packet.\nflush_us_max = {flush_us_max}: the shortest wait that leaves \
         the worker as idle at half load as any, within 5 points.\nOne worker carries {:.2} million \
         packets a second; below that a packet is in the box for {bound_us:.0} us at most,\nunless more than a batch comes while another is at work.\nA whole \
         batch is read ahead, so that its size is the prefetch depth too.\n",
        per_second / 1e6
    );
    out
}

/// The schedule with the chosen sizes, everything else as it was.
fn written(path: Option<&Path>, choice: &Choice) -> Result<String, Stop> {
    let text = inputs::schedule_text(path)?;
    let mut document: DocumentMut = text.parse().context("the schedule")?;
    let batch = document.entry("batch").or_insert(Item::Table(TomlTable::new()));
    let batch = batch.as_table_like_mut().context("the schedule's `batch` is no table")?;
    let rows_max = i64::try_from(choice.rows_max).unwrap_or(i64::MAX);
    for (name, number) in [("rows_max", rows_max), ("flush_us_max", choice.flush_us_max.into())] {
        match batch.get_mut(name).and_then(Item::as_value_mut) {
            Some(found) => {
                let decor = found.decor().clone();
                *found = number.into();
                *found.decor_mut() = decor;
            }
            None => {
                batch.insert(name, value(number));
            }
        }
    }
    Ok(document.to_string())
}

/// Widest bar.
const BAR: usize = 40;
