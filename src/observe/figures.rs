//! The document as a flat list of figures, for Prometheus and `weir show counters`. Names and units
//! follow Prometheus' conventions, and label values are kinds, reasons and names of the
//! configuration: nothing that a packet could bring along.

use super::status::{
    Collector, Counts, DataPlane, ProducedEvents, Producer, Replica, Sink, Spool, Status,
};

/// Figures of one name.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// The name, without the suffix that a counter has.
    pub name: String,
    /// What it is.
    pub help: String,
    /// How it behaves.
    pub kind: Kind,
    /// The figures, by labels.
    pub samples: Vec<(Vec<(&'static str, String)>, f64)>,
}

/// How a figure behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
}

/// Every figure of a document.
#[must_use]
pub fn families(status: &Status) -> Vec<Family> {
    let mut list = List(Vec::new());
    list.process(status);
    if let Some(producer) = &status.producer {
        list.producer(producer);
        if let Some(data_plane) = &producer.data_plane {
            list.data_plane(data_plane);
        }
    }
    if let Some(collector) = &status.collector {
        list.collector(collector);
        list.spool(&collector.spool);
        if let Some(replica) = &collector.replica {
            list.replica(replica);
        }
        list.sinks(&collector.sinks);
    }
    list.0
}

struct List(Vec<Family>);

impl List {
    fn add(
        &mut self,
        kind: Kind,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (Vec<(&'static str, String)>, f64)>,
    ) {
        let samples: Vec<_> = samples.into_iter().collect();
        if !samples.is_empty() {
            let (name, help) = (name.to_owned(), help.to_owned());
            self.0.push(Family { name, help, kind, samples });
        }
    }

    fn gauge(&mut self, name: &str, help: &str, value: f64) {
        self.add(Kind::Gauge, name, help, [(Vec::new(), value)]);
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.add(Kind::Counter, name, help, [(Vec::new(), float(value))]);
    }

    /// Counts under one label.
    fn by(&mut self, name: &str, help: &str, label: &'static str, counts: &Counts) {
        let samples = counts.iter().map(|(of, count)| (vec![(label, of.clone())], float(*count)));
        self.add(Kind::Counter, name, help, samples);
    }

    /// Each of a process's counters under a name of its own.
    fn each(&mut self, prefix: &str, counts: &Counts, what: &str) {
        for (name, count) in counts {
            let help = format!("{what}: {}.", name.replace('_', " "));
            self.counter(&format!("{prefix}_{name}"), &help, *count);
        }
    }

    fn process(&mut self, status: &Status) {
        let process = &status.process;
        let labels =
            vec![("command", process.command.clone()), ("version", process.version.clone())];
        self.add(Kind::Gauge, "weir_build", "What is running.", [(labels, 1.0)]);
        self.gauge("weir_uptime_seconds", "Time since the process began.", process.uptime_seconds);
        let healthy = if status.troubles.is_empty() { 1.0 } else { 0.0 };
        self.gauge("weir_healthy", "1 if the process can do its work now.", healthy);
        let residual = status.identities.iter().map(|identity| float(identity.residual())).sum();
        let help = "Sum of the differences of all identities of the ledger; 0 is balanced.";
        self.gauge("weir_ledger_residual", help, residual);
        self.by("weir_http_requests", "Requests for figures, by outcome.", "outcome", &status.http);
    }

    fn session_frames(&mut self, producer: &Producer) {
        let by_change = |figure: fn(&ProducedEvents) -> u64| {
            let of = move |(change, frames): (&String, &ProducedEvents)| {
                (vec![("type", change.clone())], float(figure(frames)))
            };
            producer.sessions.iter().map(of)
        };
        let name = "weir_stream_session_frames_assigned";
        let help = "Frames of session replication that got a sequence number.";
        self.add(Kind::Counter, name, help, by_change(|frames| frames.assigned));
        let name = "weir_stream_session_frames_refused";
        let help = "Frames of session replication that found no room; a FullResync is owed.";
        self.add(Kind::Counter, name, help, by_change(|frames| frames.refused.values().sum()));
        let name = "weir_stream_session_frames_evicted";
        let help = "Frames of session replication pushed out before they were acked.";
        self.add(Kind::Counter, name, help, by_change(|frames| frames.evicted));
    }

    fn producer(&mut self, producer: &Producer) {
        let by_kind = |figure: fn(&ProducedEvents) -> u64| {
            let of = move |(kind, events): (&String, &ProducedEvents)| {
                (vec![("type", kind.clone())], float(figure(events)))
            };
            producer.events.iter().map(of)
        };
        let help = "Events raised for the stream.";
        self.add(Kind::Counter, "weir_stream_events_generated", help, by_kind(|e| e.generated()));
        let help = "Events that got a sequence number.";
        self.add(Kind::Counter, "weir_stream_events_assigned", help, by_kind(|e| e.assigned));
        let refused = producer.events.iter().flat_map(|(kind, events)| {
            let of = |(reason, count): (&String, &u64)| {
                (vec![("type", kind.clone()), ("reason", reason.clone())], float(*count))
            };
            events.refused.iter().map(of)
        });
        let help = "Events that got no sequence number, by reason.";
        self.add(Kind::Counter, "weir_stream_events_refused", help, refused);
        let help = "Events pushed out of the ring before they were acked.";
        self.add(Kind::Counter, "weir_stream_events_evicted", help, by_kind(|e| e.evicted));
        self.session_frames(producer);
        for (name, help, value) in [
            (
                "weir_stream_connected",
                "1 if a collector is connected.",
                u64::from(producer.connected),
            ),
            ("weir_stream_paused", "1 if the collector said Pause.", u64::from(producer.paused)),
            ("weir_stream_last_sequence", "The highest number given.", producer.last),
            ("weir_stream_acked_sequence", "The highest number acked.", producer.acked),
            ("weir_stream_ack_lag_frames", "Numbers without an Ack.", producer.ack_lag_frames()),
            (
                "weir_ring_capacity_frames",
                "Frames that the ring holds.",
                producer.ring_capacity_frames,
            ),
            ("weir_ring_retained_frames", "Frames in the ring.", producer.ring_retained_frames),
        ] {
            self.gauge(name, help, float(value));
        }
        let help = "How long the oldest number without an Ack has been waiting.";
        self.gauge("weir_stream_ack_lag_seconds", help, producer.ack_lag_seconds);
        self.each("weir_stream", &producer.counters, "Producer of the event stream");
        let help = "Connections ended, by reason.";
        self.by("weir_stream_disconnects", help, "reason", &producer.hang_ups);
    }

    fn data_plane(&mut self, figures: &DataPlane) {
        self.counter("weir_packets_received", "Packets received.", figures.received);
        self.counter("weir_packets_forwarded", "Packets forwarded.", figures.forwarded);
        self.counter("weir_packets_to_host", "Packets for the firewall itself.", figures.to_host);
        self.by("weir_packets_dropped", "Packets dropped, by reason.", "reason", &figures.dropped);
        self.by("weir_events_generated", "Events raised, by type.", "type", &figures.generated);
        self.counter("weir_sessions_created", "Sessions installed.", figures.sessions_created);
        let active = float(figures.sessions_active);
        self.gauge("weir_sessions_active", "Sessions in the table.", active);
        let help = "Sessions ended, by reason.";
        self.by("weir_sessions_closed", help, "reason", &figures.sessions_closed);
    }

    fn collector(&mut self, collector: &Collector) {
        let connected = if collector.connected_stream.is_some() { 1.0 } else { 0.0 };
        self.gauge("weir_collector_connected", "1 if a producer is connected.", connected);
        let paused = if collector.paused { 1.0 } else { 0.0 };
        self.gauge("weir_collector_paused", "1 if it was told to pause.", paused);
        let waiting = float(collector.waiting_frames);
        self.gauge("weir_collector_waiting_frames", "Frames that wait for the spool.", waiting);
        // Streams come and go, so they are summed: an id would be a label without an end.
        let (mut applied, mut lost) = (Counts::new(), Counts::new());
        for stream in &collector.streams {
            add(&mut applied, &stream.applied);
            *applied.entry("session".to_owned()).or_default() += stream.sessions;
            *applied.entry("resync".to_owned()).or_default() += stream.resyncs;
            add(&mut lost, &stream.lost);
        }
        let help = "Numbers applied, by type, all streams.";
        self.by("weir_collector_applied", help, "type", &applied);
        let help = "Numbers lost, by reason, all streams.";
        self.by("weir_collector_lost", help, "reason", &lost);
        self.each("weir_collector", &collector.counters, "Collector of the event stream");
        let help = "Connections refused, by reason.";
        self.by("weir_collector_refused_connections", help, "reason", &collector.refused);
        let help = "Connections ended, by reason.";
        self.by("weir_collector_disconnects", help, "reason", &collector.hang_ups);
        let help = "Frames that could not be read, by type.";
        self.by("weir_collector_malformed", help, "type", &collector.malformed);
    }

    fn replica(&mut self, replica: &Replica) {
        let flag = |is: bool| if is { 1.0 } else { 0.0 };
        for (name, help, value) in [
            ("weir_replica_ready", "1 if changes of sessions are taken.", flag(replica.ready)),
            ("weir_replica_complete", "1 if no change is missing.", flag(replica.complete)),
            ("weir_replica_sessions", "Sessions replicated.", float(replica.sessions)),
            ("weir_replica_backlog", "Records that wait.", float(replica.backlog)),
            ("weir_replica_lag_seconds", "How long the first has waited.", replica.lag_seconds),
        ] {
            self.gauge(name, help, value);
        }
        self.each("weir_replica", &replica.counters, "Replica");
    }

    fn spool(&mut self, spool: &Spool) {
        for (name, help, value) in [
            ("weir_spool_bytes", "Bytes of all segments.", spool.bytes),
            ("weir_spool_limit_bytes", "Bytes that the spool may have.", spool.bytes_max),
            ("weir_spool_held_bytes", "Bytes that sinks have still to read.", spool.held_bytes),
            ("weir_spool_room_bytes", "Bytes that limit and device leave.", spool.room_bytes),
            ("weir_spool_alarm_percent", "The high-water mark reached.", spool.alarm_percent),
            ("weir_spool_segments", "Segments.", spool.segments),
            ("weir_spool_next_ordinal", "The ordinal of the next record.", spool.next_ordinal),
        ] {
            self.gauge(name, help, float(value));
        }
        let waits = if spool.waits.is_some() { 1.0 } else { 0.0 };
        self.gauge("weir_spool_waiting", "1 if the spool takes nothing now.", waits);
        self.gauge("weir_spool_sync_max_seconds", "The longest sync.", spool.sync_seconds_max);
        let sync = [(Vec::new(), spool.sync_seconds)];
        self.add(Kind::Counter, "weir_spool_sync_seconds", "Time spent in syncs.", sync);
        self.each("weir_spool", &spool.counters, "Spool");
    }

    fn sinks(&mut self, sinks: &[Sink]) {
        let of = |figure: fn(&Sink) -> f64| {
            sinks.iter().map(move |sink| (vec![("sink", sink.name.clone())], figure(sink)))
        };
        let settled = sinks.iter().map(|sink| {
            let labels = vec![("sink", sink.name.clone()), ("promise", sink.promise.clone())];
            (labels, float(sink.settled))
        });
        let help = "Records that a sink has, as far as its transport promises.";
        self.add(Kind::Counter, "weir_sink_settled", help, settled);
        let help = "Records that a sink was not to have.";
        self.add(Kind::Counter, "weir_sink_filtered", help, of(|sink| float(sink.filtered)));
        let help = "Records above a sink's rate limit.";
        self.add(Kind::Counter, "weir_sink_suppressed", help, of(|sink| float(sink.suppressed)));
        let lost = sinks.iter().flat_map(|sink| {
            let of = |(reason, count): (&String, &u64)| {
                (vec![("sink", sink.name.clone()), ("reason", reason.clone())], float(*count))
            };
            sink.lost.iter().map(of)
        });
        let help = "Records that a sink will never have, by reason.";
        self.add(Kind::Counter, "weir_sink_lost", help, lost);
        let help = "Attempts to connect or to hand over that failed.";
        self.add(Kind::Counter, "weir_sink_errors", help, of(|sink| float(sink.errors)));
        let help = "Lines that went out again: nobody knew what had become of them.";
        self.add(Kind::Counter, "weir_sink_again", help, of(|sink| float(sink.again)));
        let help = "Records that wait for a sink.";
        self.add(Kind::Gauge, "weir_sink_backlog_records", help, of(|sink| float(sink.backlog)));
        let help = "How long the first record that waits has been durable.";
        self.add(Kind::Gauge, "weir_sink_lag_seconds", help, of(|sink| sink.lag_seconds));
    }
}

fn add(sum: &mut Counts, counts: &Counts) {
    for (name, count) in counts {
        *sum.entry(name.clone()).or_default() += count;
    }
}

/// Prometheus has no integers; counts above 2^53 lose their last digits there, and only there.
#[expect(clippy::cast_precision_loss, reason = "the exposition format's numbers are doubles")]
pub(super) const fn float(count: u64) -> f64 {
    count as f64
}
