//! `weir replay`.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use components::ids::IfIndex;
use components::world::World;
use systems::schedule::Schedule;

use crate::capture::CaptureReader;
use crate::collector::render::{Format, RenderOptions, Renderer};
use crate::collector::{Sink, WriterSink};
use crate::config::compile::{CompileOptions, Compiled};
use crate::config::nearest::nearest;
use crate::ledger::{Delivery, Ledger};
use crate::observe::Server;
use crate::port::Bind;
use crate::replay::agenda::Commit;
use crate::replay::remote::RemoteConfig;
use crate::replay::{Outcome, Replay};

use super::commit::CommitArg;
use super::{ReplayArgs, Stop, inputs, say, summary};

pub(super) fn run(mut args: ReplayArgs) -> Result<(), Stop> {
    files_differ(&args)?;
    let schedule = schedule(&args)?;
    choose_stream(&mut args, &schedule)?;
    let compiled = configuration(&args.config, &schedule)?;
    let world = Arc::new(compiled.world);
    tracing::info!(
        interfaces = world.names.interfaces.len() - 1,
        policies = world.names.policies.len() - 1,
        nat_rules = world.names.nat_rules.len() - 1,
        filters = world.filters.len(),
        systems = schedule.settings.systems.len(),
        "configuration compiled"
    );
    honours(&schedule, &world, &args.config)?;
    let commits = commits(&args, &schedule)?;
    let captures = captures(&args.captures, &args.ingress, &world)?;
    let sinks = sinks(&args, &world)?;
    // Made before the run, which may be long, so that a path that cannot be is known at once.
    let ledger = args.ledger.as_deref().map(|path| Ok::<_, Stop>((path, create(path)?)));
    let ledger = ledger.transpose()?;
    let remote = remote(&args, &schedule);
    let observers = observers(&args, &schedule)?;
    let (rate, write) = (args.rate, args.write);
    let replay =
        Replay { world, commits, schedule, captures, remote, observers, rate, sinks, write };
    let outcome = replay.run()?;
    say(&summary::text(&outcome));
    if let Some((path, file)) = ledger {
        write_ledger(path, file, &outcome.ledger)?;
    }
    verdict(&outcome)
}

/// The collector's socket: the command line's, else the schedule's. Options of the one way to
/// deliver events mean nothing for the other.
fn choose_stream(args: &mut ReplayArgs, schedule: &Schedule) -> Result<(), Stop> {
    if args.stream.is_none() {
        args.stream = schedule.settings.stream.path.clone();
    }
    let elsewhere = [
        ("--log", args.log.is_some()),
        ("--frames", args.frames.is_some()),
        ("--commit", !args.commit.is_empty()),
    ];
    let of_streams = [
        ("--ring", args.ring.is_some()),
        ("--drain-timeout", args.drain_timeout.is_some()),
        ("--metrics", args.observe.metrics.is_some()),
        ("--control", args.observe.control.is_some()),
    ];
    let (given, why) = match &args.stream {
        Some(path) => (elsewhere.to_vec(), format!("events go to {}", path.display())),
        None => (of_streams.to_vec(), "events go to no other process".to_owned()),
    };
    match given.into_iter().find(|(_, given)| *given) {
        Some((flag, _)) => Err(Stop::Usage(format!("{flag} cannot be used: {why}"))),
        None => Ok(()),
    }
}

/// Where events go if they go to another process.
fn remote(args: &ReplayArgs, schedule: &Schedule) -> Option<RemoteConfig> {
    let settings = &schedule.settings.stream;
    let seconds = args.drain_timeout.unwrap_or(*settings.drain_timeout_s.get_ref());
    args.stream.clone().map(|path| RemoteConfig {
        path,
        ring: args.ring.clone().or_else(|| settings.ring.clone()),
        waits: args.rate.is_none(),
        drain_timeout: Duration::from_secs(seconds.into()),
    })
}

/// Who shows the figures: those of a stream to another process, as only it takes its time.
fn observers(args: &ReplayArgs, schedule: &Schedule) -> Result<Vec<Server>, Stop> {
    let settings = &schedule.settings.metrics;
    match &args.stream {
        Some(_) => args
            .observe
            .or(settings.producer_listen, settings.producer_control.as_ref())
            .serve(settings),
        None => Ok(Vec::new()),
    }
}

/// No output may be an input or another output: creating it would empty what is still to be read.
fn files_differ(args: &ReplayArgs) -> Result<(), Stop> {
    let bound =
        args.ingress.iter().filter_map(|ingress| Some(Path::new(ingress.split_once('=')?.1)));
    let inputs = args.captures.iter().chain(&args.schedule).map(PathBuf::as_path);
    let commits = args.commit.iter().map(|commit| commit.config.as_path());
    let inputs = inputs.chain([args.config.as_path()]).chain(commits).chain(bound);
    let mut taken: Vec<PathBuf> = inputs.filter_map(file_of).collect();
    for output in [&args.log, &args.frames, &args.write, &args.ledger].into_iter().flatten() {
        let Some(file) = file_of(output) else {
            continue;
        };
        if taken.contains(&file) {
            let text = format!("`{}` would be overwritten: it has another use", output.display());
            return Err(Stop::Usage(text));
        }
        taken.push(file);
    }
    Ok(())
}

/// The file that a path names, under one name; `None` for devices, pipes and what has no directory.
pub(super) fn file_of(path: &Path) -> Option<PathBuf> {
    match std::fs::metadata(path) {
        Ok(found) if found.is_file() => path.canonicalize().ok(),
        Ok(_) => None,
        Err(_) => {
            let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            let directory = directory.unwrap_or(Path::new(".")).canonicalize().ok()?;
            Some(directory.join(path.file_name()?))
        }
    }
}

/// The schedule with the command line's batch size and workers.
fn schedule(args: &ReplayArgs) -> Result<Schedule, Stop> {
    let schedule = inputs::schedule(args.schedule.as_deref())?;
    schedule.with(args.batch, args.workers).map_err(|error| Stop::Usage(error.message))
}

/// The compiled configuration, with what the schedule asks of it.
fn configuration(path: &Path, schedule: &Schedule) -> Result<Compiled, Stop> {
    let log_default_policy = schedule.settings.replay.log_default_policy;
    inputs::configuration(path, &CompileOptions { log_default_policy })
}

/// The configurations that take over, all of them compiled before anything runs.
fn commits(args: &ReplayArgs, schedule: &Schedule) -> Result<Vec<Commit>, Stop> {
    let mut commits = Vec::with_capacity(args.commit.len());
    for CommitArg { at, config } in &args.commit {
        let world = configuration(config, schedule)?.world;
        honours(schedule, &world, config)?;
        commits.push(Commit { at: *at, world });
    }
    Ok(commits)
}

/// A schedule that leaves out what a configuration asks for would open the firewall.
pub(super) fn honours(schedule: &Schedule, world: &World, path: &Path) -> Result<(), Stop> {
    let left_out = schedule.left_out(world);
    for (statement, system) in &left_out {
        let asks = format!("{} has `{statement}`", path.display());
        say(&format!("weir: {asks}, but the schedule runs no `{system}`\n"));
    }
    if left_out.is_empty() { Ok(()) } else { Err(Stop::Configuration) }
}

/// Captures with their binds: `IFL=CAPTURE` binds that file, everything else goes by the source's
/// route.
pub(super) fn captures(
    captures: &[PathBuf],
    ingress: &[String],
    world: &World,
) -> Result<Vec<(CaptureReader, Bind)>, Stop> {
    let mut paths: Vec<(PathBuf, Bind)> =
        captures.iter().map(|path| (path.clone(), Bind::Auto)).collect();
    for ingress in ingress.iter().filter(|ingress| *ingress != "auto") {
        let (name, path) = ingress.split_once('=').ok_or_else(|| {
            Stop::Usage(format!("--ingress {ingress}: expected `auto` or `INTERFACE=CAPTURE`"))
        })?;
        let bind = Bind::To(interface(name, world)?);
        let path = PathBuf::from(path);
        match paths.iter_mut().find(|(known, _)| *known == path) {
            Some(known) => known.1 = bind,
            None => paths.push((path, bind)),
        }
    }
    if paths.is_empty() {
        return Err(Stop::Usage("no capture is given".to_owned()));
    }
    let open = |(path, bind): (PathBuf, Bind)| {
        tracing::info!(capture = %path.display(), ?bind, "opened");
        Ok((CaptureReader::open(&path)?, bind))
    };
    paths.into_iter().map(open).collect()
}

fn interface(name: &str, world: &World) -> Result<IfIndex, Stop> {
    let names = &world.names.interfaces;
    let at = names.iter().skip(1).position(|known| known == name);
    at.and_then(|at| u16::try_from(at + 1).ok()).map(IfIndex).ok_or_else(|| {
        let hint = match nearest(name, names.iter().skip(1).map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", names[1..].join(", ")),
        };
        Stop::Usage(format!("--ingress: the configuration has no interface `{name}`; {hint}"))
    })
}

fn sinks(args: &ReplayArgs, world: &Arc<World>) -> Result<Vec<Box<dyn Sink>>, Stop> {
    let configured = if world.names.host.is_empty() { "weir" } else { &world.names.host };
    let host = args.host.as_deref().unwrap_or(configured);
    let renderer =
        Renderer::new(Arc::clone(world), RenderOptions::new(Format::from(args.format), host));
    let mut sinks: Vec<Box<dyn Sink>> = Vec::new();
    if args.stream.is_some() {
        return Ok(sinks);
    }
    sinks.push(match &args.log {
        Some(path) if path != Path::new("-") => {
            Box::new(WriterSink::lines(path.display().to_string(), create(path)?, renderer))
        }
        _ => Box::new(WriterSink::lines("stdout", std::io::stdout(), renderer)),
    });
    if let Some(path) = &args.frames {
        sinks.push(Box::new(WriterSink::frames(path.display().to_string(), create(path)?)));
    }
    Ok(sinks)
}

fn create(path: &Path) -> Result<File, Stop> {
    Ok(File::create(path).with_context(|| path.display().to_string())?)
}

fn write_ledger(path: &Path, mut file: File, ledger: &Ledger) -> Result<(), Stop> {
    let mut json = serde_json::to_vec_pretty(ledger)?;
    json.push(b'\n');
    Ok(file.write_all(&json).with_context(|| path.display().to_string())?)
}

/// The exit status: an unbalanced ledger outranks damaged files.
fn verdict(outcome: &Outcome) -> Result<(), Stop> {
    for error in &outcome.capture_errors {
        say(&format!("weir: {error}\n"));
    }
    let lasting = |error: &std::io::Error| error.kind() != ErrorKind::BrokenPipe;
    for (sink, error) in &outcome.sink_errors {
        say(&format!("weir: {sink}: {error}\n"));
    }
    if !outcome.ledger.balanced {
        return Err(Stop::Unbalanced);
    }
    if let Delivery::Remote(report) = &outcome.ledger.stream
        && report.unacked > 0
    {
        let whereabouts = match &report.kept_in {
            Some(path) => format!("{path} keeps them for the next process"),
            None => "they are lost with this process: --ring keeps them".to_owned(),
        };
        let error = report.error.as_deref().map(|error| format!(" ({error})")).unwrap_or_default();
        return Err(Stop::Failed(anyhow::anyhow!(
            "{} events are not acked, {} to {}; {whereabouts}{error}",
            report.unacked,
            report.acked + 1,
            report.last_sequence,
        )));
    }
    if let Some(error) = &outcome.stream_error {
        return Err(Stop::Failed(anyhow::anyhow!("the event stream broke: {error}")));
    }
    let failed = outcome.sink_errors.iter().any(|(_, error)| lasting(error));
    if failed || !outcome.capture_errors.is_empty() {
        return Err(Stop::Failed(anyhow::anyhow!("not everything could be read or written")));
    }
    Ok(())
}
