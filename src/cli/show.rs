//! `weir show`: the figures of running processes, producer's and collector's side together.

use std::fmt::Write;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::summary::grouped;
use super::table::Table;
use super::{Stop, inputs, put, say};
use crate::observe::status::{CollectedStream, Collector, Producer, Status};
use crate::observe::{Kind, families, fetch};

/// Which processes are asked, and how often.
#[derive(Debug, Args)]
pub(super) struct AskArgs {
    /// A process's control socket; may be given several times. Without it, those that the schedule
    /// names.
    #[arg(long, value_name = "PATH")]
    pub(super) control: Vec<PathBuf>,
    /// The schedule whose `metrics.producer_control` and `metrics.collector_control` are asked.
    #[arg(long, value_name = "FILE")]
    pub(super) schedule: Option<PathBuf>,
    /// As JSON: what each process says, in an array.
    #[arg(long)]
    pub(super) json: bool,
    /// Again every second, until interrupted.
    #[arg(long)]
    pub(super) watch: bool,
}

#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// Which figures.
    #[arg(value_enum)]
    what: What,
    #[command(flatten)]
    ask: AskArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// Where the event stream stands.
    Stream,
    /// Where events go, and who is behind.
    Sinks,
    /// Events by type: raised, numbered, refused, applied, lost.
    Events,
    /// Every figure under its name in the metrics.
    Counters,
}

pub(super) fn run(args: &ShowArgs) -> Result<(), Stop> {
    let paths = args.ask.paths()?;
    args.ask.repeat(|| {
        let (statuses, failed) = all(&paths);
        let text = match (args.ask.json, args.what) {
            (true, _) => serde_json::to_string_pretty(&statuses)? + "\n",
            (false, What::Stream) => stream(&statuses),
            (false, What::Sinks) => sinks(&statuses),
            (false, What::Events) => events(&statuses),
            (false, What::Counters) => counters(&statuses),
        };
        Ok((text, failed))
    })
}

impl AskArgs {
    /// The sockets to ask.
    pub(super) fn paths(&self) -> Result<Vec<PathBuf>, Stop> {
        let mut paths = self.control.clone();
        if paths.is_empty() {
            let schedule = inputs::schedule(self.schedule.as_deref())?;
            let metrics = schedule.settings.metrics;
            paths.extend(metrics.producer_control.into_iter().chain(metrics.collector_control));
        }
        if paths.is_empty() {
            let keys = "`metrics.producer_control` or `metrics.collector_control`";
            return Err(Stop::Usage(format!(
                "--control is missing, and so is {keys} in the schedule"
            )));
        }
        Ok(paths)
    }

    /// Prints what `draw` gives, once or every second; it says too whether something failed.
    pub(super) fn repeat(
        &self,
        mut draw: impl FnMut() -> Result<(String, bool), Stop>,
    ) -> Result<(), Stop> {
        let terminal = std::io::stdout().is_terminal();
        loop {
            let (text, failed) = draw()?;
            let clear = if self.watch && terminal { "\x1b[H\x1b[2J" } else { "" };
            put(&format!("{clear}{text}"))?;
            if !self.watch {
                return match failed {
                    true => Err(Stop::Failed(anyhow::anyhow!("not every process answered"))),
                    false => Ok(()),
                };
            }
            std::thread::sleep(Duration::from_secs(1));
        }
    }
}

/// Asks every process; true if one did not answer.
pub(super) fn all(paths: &[PathBuf]) -> (Vec<Status>, bool) {
    let mut failed = false;
    let ask = |path: &PathBuf| match fetch(path) {
        Ok(status) => Some(status),
        Err(error) => {
            say(&format!("weir: {error}\n"));
            failed = true;
            None
        }
    };
    let statuses = paths.iter().filter_map(ask).collect();
    (statuses, failed)
}

/// Which process this is.
pub(super) fn title(status: &Status) -> String {
    let process = &status.process;
    format!("{}, process {}, up {:.1} s", process.command, process.pid, process.uptime_seconds)
}

fn stream(statuses: &[Status]) -> String {
    let mut out = String::new();
    for status in statuses {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{}", title(status));
        for trouble in &status.troubles {
            let _ = writeln!(out, "  trouble       {trouble}");
        }
        if let Some(producer) = &status.producer {
            let _ = produced(&mut out, producer);
        }
        if let Some(collector) = &status.collector {
            let _ = collected(&mut out, collector);
        }
    }
    out
}

fn produced(out: &mut String, producer: &Producer) -> std::fmt::Result {
    let state = match (producer.connected, producer.paused) {
        (false, _) => "not connected",
        (true, true) => "connected, paused",
        (true, false) => "connected",
    };
    writeln!(out, "  stream        {} to {}: {state}", producer.stream, producer.collector)?;
    writeln!(
        out,
        "  sequence      last {}, written {}, acked {}, oldest retained {}",
        grouped(producer.last),
        grouped(producer.written),
        grouped(producer.acked),
        grouped(producer.oldest),
    )?;
    writeln!(
        out,
        "  ring          {} of {} frames",
        grouped(producer.ring_retained_frames),
        grouped(producer.ring_capacity_frames),
    )?;
    writeln!(
        out,
        "  ack lag       {} frames, {:.3} s",
        grouped(producer.ack_lag_frames()),
        producer.ack_lag_seconds,
    )?;
    let of = |name: &str| grouped(producer.counters.get(name).copied().unwrap_or_default());
    let (sent, again, connects) = (of("sent"), of("replayed"), of("connects"));
    writeln!(out, "  written       {sent} frames, {again} of them again; {connects} connections")?;
    if producer.owes_resync {
        writeln!(out, "  resync        owed")?;
    }
    match &producer.last_error {
        Some(error) => writeln!(out, "  last error    {error}"),
        None => Ok(()),
    }
}

fn collected(out: &mut String, collector: &Collector) -> std::fmt::Result {
    let state = match (&collector.connected_stream, collector.producer_pid) {
        (Some(stream), Some(pid)) => format!("process {pid} is connected with {stream}"),
        _ => "nobody is connected".to_owned(),
    };
    writeln!(out, "  socket        {}: {state}", collector.listen)?;
    if collector.paused || collector.waiting_frames > 0 {
        let paused = if collector.paused { ", Pause was said" } else { "" };
        writeln!(out, "  queue         {} frames{paused}", grouped(collector.waiting_frames))?;
    }
    for CollectedStream { stream, position, .. } in &collector.streams {
        writeln!(out, "  stream        {stream}: position {}", grouped(*position))?;
    }
    let spool = &collector.spool;
    writeln!(
        out,
        "  spool         {} of {} bytes, {} segments, {} records; longest sync {:.3} s",
        grouped(spool.bytes),
        grouped(spool.bytes_max),
        grouped(spool.segments),
        grouped(spool.next_ordinal),
        spool.sync_seconds_max,
    )?;
    if spool.alarm_percent > 0 {
        writeln!(
            out,
            "  alarm         above {} %: {} of {} bytes wait for sinks",
            spool.alarm_percent,
            grouped(spool.held_bytes),
            grouped(spool.room_bytes),
        )?;
    }
    if let Some(replica) = &collector.replica {
        let state = match (replica.ready, replica.complete) {
            (false, _) => "not ready",
            (true, false) => "not complete until a full resync",
            (true, true) => "complete",
        };
        writeln!(
            out,
            "  replica       {} sessions, {state}; {} records behind",
            grouped(replica.sessions),
            grouped(replica.backlog),
        )?;
    }
    match &collector.last_error {
        Some(error) => writeln!(out, "  last error    {error}"),
        None => Ok(()),
    }
}

fn sinks(statuses: &[Status]) -> String {
    let heads =
        ["sink", "promise", "settled", "filtered", "suppressed", "lost", "backlog", "lag s"];
    let mut table = Table::new(&[&heads[..], &["again", "errors", "last error"]].concat());
    for sink in
        statuses.iter().filter_map(|status| status.collector.as_ref()).flat_map(|c| &c.sinks)
    {
        table.row([
            sink.name.clone(),
            sink.promise.clone(),
            grouped(sink.settled),
            grouped(sink.filtered),
            grouped(sink.suppressed),
            grouped(sink.lost_total()),
            grouped(sink.backlog),
            format!("{:.3}", sink.lag_seconds),
            grouped(sink.again),
            grouped(sink.errors),
            sink.last_error.clone().unwrap_or_else(|| "-".to_owned()),
        ]);
    }
    table.text()
}

fn events(statuses: &[Status]) -> String {
    let heads = ["stream", "type", "generated", "assigned", "refused", "evicted", "applied"];
    let mut table = Table::new(&heads);
    let mut notes = String::new();
    for producer in statuses.iter().filter_map(|status| status.producer.as_ref()) {
        let collected = streams(statuses).find(|stream| stream.stream == producer.stream);
        for (kind, events) in &producer.events {
            let applied = collected.and_then(|stream| stream.applied.get(kind));
            table.row([
                producer.stream.clone(),
                kind.clone(),
                grouped(events.generated()),
                grouped(events.assigned),
                grouped(events.refused.values().sum()),
                grouped(events.evicted),
                applied.map_or_else(|| "-".to_owned(), |count| grouped(*count)),
            ]);
            for (reason, count) in events.refused.iter().filter(|(_, count)| **count > 0) {
                let _ = writeln!(notes, "{kind}: {} refused as {reason}", grouped(*count));
            }
        }
        replicated(&mut table, producer);
    }
    for stream in streams(statuses) {
        let known =
            |status: &Status| status.producer.as_ref().is_some_and(|p| p.stream == stream.stream);
        if !statuses.iter().any(known) {
            reported(&mut table, stream);
        }
        for (reason, count) in stream.lost.iter().filter(|(_, count)| **count > 0) {
            let _ =
                writeln!(notes, "stream {}: {} lost as {reason}", stream.stream, grouped(*count));
        }
    }
    table.text() + &notes
}

/// Frames of session replication, where there are any.
fn replicated(table: &mut Table, producer: &Producer) {
    for (change, frames) in &producer.sessions {
        if frames.generated() > 0 {
            table.row([
                producer.stream.clone(),
                format!("session frame: {change}"),
                grouped(frames.generated()),
                grouped(frames.assigned),
                grouped(frames.refused.values().sum()),
                grouped(frames.evicted),
                "-".to_owned(),
            ]);
        }
    }
}

/// A stream whose producer was not asked: what it last said in the stream itself.
fn reported(table: &mut Table, stream: &CollectedStream) {
    for (kind, applied) in &stream.applied {
        let figures = stream.reported.get(kind);
        let of = |figure: u64| grouped(figure);
        let unknown = || "-".to_owned();
        table.row([
            stream.stream.clone(),
            kind.clone(),
            figures.map_or_else(unknown, |figures| of(figures.generated)),
            figures.map_or_else(unknown, |figures| of(figures.accepted)),
            figures.map_or_else(unknown, |figures| {
                of(figures.rate_limited + figures.ring_full + figures.no_stream)
            }),
            unknown(),
            grouped(*applied),
        ]);
    }
}

fn streams(statuses: &[Status]) -> impl Iterator<Item = &CollectedStream> {
    statuses.iter().filter_map(|status| status.collector.as_ref()).flat_map(|c| &c.streams)
}

fn counters(statuses: &[Status]) -> String {
    let mut out = String::new();
    for status in statuses {
        let _ = writeln!(out, "# {}", title(status));
        for family in families(status) {
            let suffix = if family.kind == Kind::Counter { "_total" } else { "" };
            for (labels, value) in &family.samples {
                let labels: Vec<_> =
                    labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
                let labels = match labels.as_slice() {
                    [] => String::new(),
                    labels => format!("{{{}}}", labels.join(",")),
                };
                let _ = writeln!(out, "{}{suffix}{labels} {value}", family.name);
            }
        }
    }
    out
}
