//! `weir collect`: a collector as a process of its own.

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use components::stream::{CollectorConfig, Dialect};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use systems::schedule::settings::{CollectorSettings, DialectSetting, OnFullSetting};

use crate::collector::outlet::{OutletStatus, Outlets};
use crate::collector::replica::{FileReplica, ReplicaStatus, ReplicaWatch, Replication};
use crate::collector::service::{Service, ServiceConfig, ServiceStatus, Slowest, Wakeup};
use crate::config::compile::CompileOptions;
use crate::observe::{CollectorSource, Source};
use crate::spool::{Durable, OnFull, Recovery, Spool, SpoolConfig};

use super::summary::grouped;
use super::{CollectArgs, Stop, inputs, outlets, say};

pub(super) fn run(args: &CollectArgs) -> Result<(), Stop> {
    inputs::is_guarded(&args.config, false)?;
    if let Some(path) = &args.schedule {
        inputs::is_guarded(path, false)?;
    }
    let schedule = inputs::schedule(args.schedule.as_deref())?;
    let settings = &schedule.settings.collector;
    let compiled = inputs::configuration(&args.config, &CompileOptions::default())?;
    let replicates = compiled.world.cluster.is_some();
    let outlets = outlets::all(args, compiled, settings)?;
    let listen = args.listen.as_ref().or(settings.listen.as_ref());
    let listen = listen.ok_or_else(|| missing("--listen", "collector.listen"))?;
    let directory = args.spool.as_ref().or(settings.spool.as_ref());
    let directory = directory.ok_or_else(|| missing("--spool", "collector.spool"))?;
    let spool_config = spool_config(directory, settings);
    let spool_bytes_max = spool_config.total_bytes_max;
    let (spool, recovery) = Spool::open(spool_config)?;
    tell(&recovery);
    let wakeup = Arc::new(Wakeup::new()?);
    stop_on_signals(&wakeup)?;
    let config = ServiceConfig {
        listen: listen.clone(),
        peer_uids: settings.peer_uids.clone(),
        machine: machine(settings),
        chunk_bytes_max: CHUNK_BYTES_MAX,
        spool_bytes_max,
    };
    let metrics = &schedule.settings.metrics;
    let observe = args.observe.or(metrics.collector_listen, metrics.collector_control.as_ref());
    let servers = observe.serve(metrics)?;
    let started = Instant::now();
    let durable = spool.durable();
    let outlets = Outlets::start(directory, &durable, outlets)?;
    let replication = match replicates {
        true => Some(replication(directory, settings, &durable, &wakeup)?),
        false => None,
    };
    let replica = replication.as_ref().map(Replication::watch);
    let slowest = Box::new(Readers { outlets: outlets.slowest(), replica: replica.clone() });
    let service = Service::new(config, spool, &recovery, slowest, replica.clone(), wakeup)?;
    say(&format!("weir: collecting at {}\n", listen.display()));
    let shared = service.shared();
    let source: Arc<dyn Source> = Arc::new(CollectorSource {
        listen: listen.clone(),
        started,
        service: Arc::clone(&shared),
        outlets: outlets.watch(),
        replica,
        durable,
    });
    for server in &servers {
        server.show(&source);
    }
    drop(service.run());
    let replica = replication.map(Replication::stop);
    let outlets = outlets.stop();
    say(&summary(&shared.status(), &outlets, replica.as_ref()));
    Ok(())
}

/// Sessions go to a file until there is a peer to send them to.
fn replication(
    directory: &Path,
    settings: &CollectorSettings,
    durable: &Arc<Durable>,
    wakeup: &Arc<Wakeup>,
) -> anyhow::Result<Replication> {
    let path = settings.sessions.clone().unwrap_or_else(|| directory.join("sessions"));
    let replica = Box::new(FileReplica::new(&path));
    let started = Replication::start(directory, durable, replica, Arc::clone(wakeup));
    started.with_context(|| path.display().to_string())
}

/// All that read the spool, for retention.
#[derive(Debug)]
struct Readers {
    outlets: Box<dyn Slowest>,
    replica: Option<ReplicaWatch>,
}

impl Slowest for Readers {
    fn slowest_ordinal(&self) -> u64 {
        let replica = self.replica.as_ref().map(ReplicaWatch::slowest_ordinal);
        self.outlets.slowest_ordinal().min(replica.unwrap_or(u64::MAX))
    }
}

/// What became of everything, for a person.
fn summary(
    service: &ServiceStatus,
    outlets: &[OutletStatus],
    replica: Option<&ReplicaStatus>,
) -> String {
    let mut out = String::new();
    let mut row = |what: &str, count: u64, note: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{what:<24} {:>16}  {note}", grouped(count));
    };
    for stream in &service.streams {
        let note = format!("stream {:016x}, {} lost", stream.id.0, grouped(stream.lost.total()));
        row("applied", stream.applied.total(), &note);
    }
    let counters = &service.counters;
    row("connections", counters.connections, "");
    let seldom = [
        ("refused connections", counters.refused.total(), "another producer was connected"),
        ("refused users", service.refused_users, "see collector.peer_uids"),
        ("failed accepts", service.accept_errors, service.last_error.as_deref().unwrap_or("")),
        ("duplicates", counters.duplicates, "frames that came again and changed nothing"),
        ("malformed frames", counters.malformed.total(), "kept aside in the spool"),
        ("unknown types", counters.unknown_types, "kept aside in the spool"),
        ("pauses", counters.pauses, "said while the spool or the queue was full"),
        ("failed syncs", service.spool.counters.errors, "segments given up or refused"),
        (
            "segments dropped",
            service.spool.counters.removed_unread,
            "before every outlet had read them",
        ),
    ];
    for (what, count, note) in seldom.into_iter().filter(|(_, count, _)| *count > 0) {
        row(what, count, note);
    }
    let spool = &service.spool;
    let why = spool.waits.as_deref().map(|why| format!(", waiting: {why}")).unwrap_or_default();
    row("spool", spool.bytes, &format!("bytes in {} segments{why}", spool.segments));
    if let Some(replica) = replica {
        row("replicated", replica.sessions, &replica_note(replica));
    }
    for outlet in outlets {
        let totals = &outlet.totals;
        let behind = service.spool.next_ordinal.saturating_sub(outlet.cursor);
        let error = outlet.last_error.as_deref().map(|e| format!("; last error: {e}"));
        let note = format!(
            "{}: {} filtered, {} suppressed, {} lost, {} behind, {} again, {} errors{}",
            outlet.name,
            grouped(totals.filtered),
            grouped(totals.suppressed),
            grouped(totals.lost.total()),
            grouped(behind),
            grouped(outlet.again),
            grouped(outlet.errors),
            error.unwrap_or_default()
        );
        row(outlet.promise.label(), totals.settled, &note);
    }
    out
}

fn replica_note(replica: &ReplicaStatus) -> String {
    let totals = &replica.place.totals;
    format!(
        "sessions{}; {} opened, {} updated, {} closed, {} full resyncs, {} errors",
        if replica.place.is_complete() { "" } else { ", not all" },
        grouped(totals.opens),
        grouped(totals.updates),
        grouped(totals.closes),
        grouped(totals.resyncs),
        grouped(replica.errors)
    )
}

fn missing(flag: &str, key: &str) -> Stop {
    Stop::Usage(format!("{flag} is missing, and so is `{key}` in the schedule"))
}

fn spool_config(directory: &Path, settings: &CollectorSettings) -> SpoolConfig {
    let mib = |mib: &toml::Spanned<u32>| u64::from(*mib.get_ref()) << 20;
    SpoolConfig {
        directory: directory.to_owned(),
        segment_bytes_max: mib(&settings.segment_mib_max),
        total_bytes_max: mib(&settings.spool_mib_max),
        age_ns_max: u64::from(*settings.spool_hours_max.get_ref()) * 3_600_000_000_000,
        on_full: match settings.on_full {
            OnFullSetting::Hold => OnFull::Hold,
            OnFullSetting::DropOldest => OnFull::DropOldest,
        },
    }
}

fn machine(settings: &CollectorSettings) -> CollectorConfig {
    let queue_frames_max = *settings.queue_frames_max.get_ref();
    CollectorConfig {
        dialect: match settings.dialect {
            DialectSetting::Weir => Dialect::Weir,
            DialectSetting::Xpf => Dialect::Xpf,
        },
        queue_frames_max,
        // Event frames are 152 bytes; the buffer is also what is read into at once.
        queue_bytes_max: (queue_frames_max * 160).max(1 << 18),
        commit_delay: Duration::from_millis((*settings.commit_ms.get_ref()).into()),
        ..CollectorConfig::default()
    }
}

/// What opening the spool found, where that is worth a line.
fn tell(recovery: &Recovery) {
    for position in recovery.totals.streams() {
        tracing::info!(
            stream = format_args!("{:016x}", position.id.0),
            position = position.position,
            "stream known"
        );
    }
    if recovery.torn_bytes > 0 {
        tracing::info!(bytes = recovery.torn_bytes, "a record written in part was cut off");
    }
    if recovery.damaged_places > 0 {
        let places = recovery.damaged_places;
        say(&format!("weir: the spool is damaged in {places} places: see `weir spool verify`\n"));
    }
    for path in &recovery.damaged_segments {
        say(&format!("weir: {}: no readable head, set aside\n", path.display()));
    }
}

fn stop_on_signals(wakeup: &Arc<Wakeup>) -> Result<(), Stop> {
    let mut signals = Signals::new([SIGTERM, SIGINT]).context("signals")?;
    let wakeup = Arc::clone(wakeup);
    let wait = move || {
        if signals.forever().next().is_some() {
            wakeup.stop();
        }
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(wait).context("a thread")?;
    Ok(())
}

/// Bytes of records that may pile up behind a slow sync before reading stops.
const CHUNK_BYTES_MAX: usize = 8 << 20;
