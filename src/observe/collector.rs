//! The collector's figures: streams, spool and sinks.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use components::kinds::EventKind;
use components::reason::{Counts, LossReason, SinkLoss};
use components::stream::{CollectorCounters, HangUp, Refusal, StreamPosition};
use components::wire::{FrameType, LossReport};

use super::Source;
use super::status::{self, CollectedStream, Identity, Process, Reported, Status};
use crate::collector::outlet::{OutletStatus, OutletsWatch};
use crate::collector::replica::{ReplicaStatus, ReplicaWatch};
use crate::collector::service::{ServiceStatus, Shared, SpoolStatus};
use crate::spool::{Durable, SpoolCounters};
use crate::stream::clock::unix_ns;

/// The figures of a collector.
#[derive(Debug)]
pub struct CollectorSource {
    /// Its socket.
    pub listen: PathBuf,
    /// When it began.
    pub started: Instant,
    /// The service's figures.
    pub service: Arc<Shared>,
    /// The sinks'.
    pub outlets: OutletsWatch,
    /// Where sessions are replicated to, if they are.
    pub replica: Option<ReplicaWatch>,
    /// How far the spool is.
    pub durable: Arc<Durable>,
}

impl Source for CollectorSource {
    fn status(&self) -> Status {
        // Sinks first: what they have read was durable before.
        let outlets = self.outlets.statuses();
        let service = self.service.status();
        let sinks: Vec<_> = outlets.iter().map(|outlet| self.sink(outlet)).collect();
        let streams: Vec<_> = service.streams.iter().map(|at| stream(at, &service)).collect();
        let mut identities = Vec::new();
        for stream in &streams {
            identities.push(Identity {
                name: format!("stream {}: position = applied + lost", stream.stream),
                left: stream.position,
                right: stream.applied_total() + stream.lost_total(),
            });
        }
        for sink in &sinks {
            identities.push(Identity {
                name: format!(
                    "{}: cursor = began + {} + filtered + suppressed + lost",
                    sink.name, sink.promise
                ),
                left: sink.cursor,
                right: sink.began
                    + sink.settled
                    + sink.filtered
                    + sink.suppressed
                    + sink.lost_total(),
            });
        }
        let replica = self.replica.as_ref().map(|replica| self.replica(&replica.status()));
        if let Some(replica) = &replica {
            identities.push(Identity {
                name: "replica: cursor = began + applied + others + lost".to_owned(),
                left: replica.cursor,
                right: replica.began + replica.applied + replica.others + replica.lost,
            });
        }
        let waits = service.spool.waits.as_ref();
        Status {
            process: process("collect", self.started),
            troubles: waits
                .map(|why| format!("the spool takes nothing: {why}"))
                .into_iter()
                .collect(),
            producer: None,
            collector: Some(status::Collector {
                replica,
                ..self.collector(&service, streams, sinks)
            }),
            identities,
            http: status::Counts::new(),
        }
    }
}

impl CollectorSource {
    fn collector(
        &self,
        service: &ServiceStatus,
        streams: Vec<CollectedStream>,
        sinks: Vec<status::Sink>,
    ) -> status::Collector {
        status::Collector {
            listen: self.listen.display().to_string(),
            connected_stream: service.connected.map(|(stream, _)| format!("{:016x}", stream.0)),
            producer_pid: service.connected.map(|(_, peer)| peer.pid),
            paused: service.paused,
            waiting_frames: service.waiting_frames as u64,
            streams,
            counters: counters(service),
            refused: by_label(
                Refusal::ALL.iter().map(|reason| reason.label()),
                &service.counters.refused,
            ),
            hang_ups: by_label(
                HangUp::ALL.iter().map(|reason| reason.label()),
                &service.counters.hang_ups,
            ),
            malformed: by_label(
                FrameType::ALL.iter().map(|frame_type| frame_type.label()),
                &service.counters.malformed,
            ),
            spool: spool(&service.spool),
            sinks,
            replica: None,
            last_error: service.last_error.clone(),
        }
    }

    fn replica(&self, replica: &ReplicaStatus) -> status::Replica {
        let place = &replica.place;
        let totals = &place.totals;
        let counters = [
            ("opens", totals.opens),
            ("updates", totals.updates),
            ("closes", totals.closes),
            ("resyncs", totals.resyncs),
            ("unknown_closes", totals.unknown_closes),
            ("errors", replica.errors),
        ];
        status::Replica {
            ready: replica.ready,
            complete: place.is_complete(),
            sessions: replica.sessions,
            stream: format!("{:016x}", place.stream),
            began: totals.began,
            applied: totals.applied,
            others: totals.others,
            lost: totals.lost,
            cursor: place.ordinal,
            kept: replica.kept.ordinal,
            backlog: self.durable.ordinal().saturating_sub(place.ordinal),
            lag_seconds: self.durable.waits(place.ordinal).as_secs_f64(),
            counters: counters.map(|(name, count)| (name.to_owned(), count)).into(),
            last_error: replica.last_error.clone(),
        }
    }

    fn sink(&self, outlet: &OutletStatus) -> status::Sink {
        let totals = &outlet.totals;
        status::Sink {
            name: outlet.name.clone(),
            promise: outlet.promise.label().to_owned(),
            began: totals.began,
            settled: totals.settled,
            filtered: totals.filtered,
            suppressed: totals.suppressed,
            lost: by_label(SinkLoss::ALL.iter().map(|reason| reason.label()), &totals.lost),
            cursor: outlet.cursor,
            backlog: self.durable.ordinal().saturating_sub(outlet.cursor),
            lag_seconds: self.durable.waits(outlet.cursor).as_secs_f64(),
            errors: outlet.errors,
            again: outlet.again,
            last_error: outlet.last_error.clone(),
        }
    }
}

fn stream(at: &StreamPosition, service: &ServiceStatus) -> CollectedStream {
    let reported = service.reported.as_ref().filter(|(stream, _)| *stream == at.id);
    CollectedStream {
        stream: format!("{:016x}", at.id.0),
        position: at.position,
        applied: by_label(EventKind::ALL.iter().map(|kind| kind.label()), &at.applied.events),
        sessions: at.applied.sessions,
        resyncs: at.applied.resyncs,
        lost: by_label(LossReason::ALL.iter().map(|reason| reason.label()), &at.lost),
        reported: reported.map(|(_, report)| report_by_kind(report)).unwrap_or_default(),
    }
}

fn report_by_kind(report: &LossReport) -> std::collections::BTreeMap<String, Reported> {
    let of_kind = |kind: &EventKind| {
        let figures = &report.kinds[kind.index()];
        let reported = Reported {
            generated: figures.generated.get(),
            accepted: figures.accepted.get(),
            rate_limited: figures.rate_limited.get(),
            ring_full: figures.ring_full.get(),
            no_stream: figures.no_stream.get(),
        };
        (kind.label().to_owned(), reported)
    };
    EventKind::ALL.iter().map(of_kind).collect()
}

fn spool(spool: &SpoolStatus) -> status::Spool {
    let SpoolCounters {
        commits,
        bytes,
        sync_ns_max,
        sync_ns,
        full,
        errors,
        sealed,
        removed,
        removed_unread,
    } = spool.counters;
    let counters = [
        ("commits", commits),
        ("written_bytes", bytes),
        ("full", full),
        ("errors", errors),
        ("sealed", sealed),
        ("removed", removed),
        ("removed_unread", removed_unread),
    ];
    let seconds = |ns| std::time::Duration::from_nanos(ns).as_secs_f64();
    status::Spool {
        bytes: spool.bytes,
        bytes_max: spool.bytes_max,
        segments: spool.segments,
        next_ordinal: spool.next_ordinal,
        held_bytes: spool.held_bytes,
        room_bytes: spool.room_bytes,
        alarm_percent: spool.alarm_percent,
        waits: spool.waits.clone(),
        counters: counters.map(|(name, count)| (name.to_owned(), count)).into(),
        sync_seconds_max: seconds(sync_ns_max),
        sync_seconds: seconds(sync_ns),
    }
}

/// What is not counted by type or reason. A counter that is new has to be named here.
fn counters(service: &ServiceStatus) -> status::Counts {
    let CollectorCounters {
        connections,
        refused: _,
        hang_ups: _,
        streams_known,
        streams_new,
        streams_forgotten,
        duplicates,
        gaps,
        malformed: _,
        unknown_types,
        unexpected,
        unnumbered,
        keepalives,
        loss_reports,
        resyncs_skipped,
        resyncs_done,
        resyncs_failed,
        acks,
        pauses,
        resumes,
        syncs,
        syncs_failed,
        stale_flushes,
        dropped_bytes,
    } = service.counters;
    let all = [
        ("connections", connections),
        ("refused_users", service.refused_users),
        ("accept_errors", service.accept_errors),
        ("clock_jumps", service.clock_jumps),
        ("streams_known", streams_known),
        ("streams_new", streams_new),
        ("streams_forgotten", streams_forgotten),
        ("duplicates", duplicates),
        ("gaps", gaps),
        ("unknown_types", unknown_types),
        ("unexpected", unexpected),
        ("unnumbered", unnumbered),
        ("keepalives", keepalives),
        ("loss_reports", loss_reports),
        ("resyncs_skipped", resyncs_skipped),
        ("resyncs_done", resyncs_done),
        ("resyncs_failed", resyncs_failed),
        ("acks", acks),
        ("pauses", pauses),
        ("resumes", resumes),
        ("syncs", syncs),
        ("syncs_failed", syncs_failed),
        ("stale_flushes", stale_flushes),
        ("dropped_bytes", dropped_bytes),
    ];
    all.into_iter().map(|(name, count)| (name.to_owned(), count)).collect()
}

/// A table of counts under the names of its variants.
pub(super) fn by_label<const N: usize>(
    labels: impl Iterator<Item = &'static str>,
    counts: &Counts<N>,
) -> status::Counts {
    labels.map(str::to_owned).zip(counts.0).collect()
}

/// This process.
pub(super) fn process(command: &str, started: Instant) -> Process {
    Process {
        command: command.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        uptime_seconds: started.elapsed().as_secs_f64(),
        read_unix_ns: unix_ns(),
    }
}
