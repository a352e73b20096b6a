//! The names under which another data plane's dashboards know the same figures: `metrics.compat =
//! "xpf"`. They stand beside ours and say what that one's help texts say; figures that we do not
//! have are left out.

use super::figures::{Family, Kind, float};
use super::status::{Collector, Counts, Producer, Status};

/// The figures of a document under the names of xpf.
pub(super) fn families(status: &Status) -> Vec<Family> {
    let mut families = Vec::new();
    if let Some(producer) = &status.producer {
        families.push(produced(producer));
    }
    if let Some(collector) = &status.collector {
        families.extend(collected(collector));
        if status.producer.is_none() {
            families.extend(reported(collector));
        }
    }
    families
}

/// What a producer says of itself.
fn produced(producer: &Producer) -> Family {
    let of = |name: &str| producer.counters.get(name).copied().unwrap_or_default();
    let refused: u64 = producer.events.values().flat_map(|events| events.refused.values()).sum();
    let evicted = producer.events.values().map(|events| events.evicted).sum();
    let mut outcomes =
        vec![("sent", of("sent")), ("dropped", refused), ("replay_evicted", evicted)];
    for (kind, sent, dropped) in SESSION_OUTCOMES {
        let Some(events) = producer.events.get(*kind) else { continue };
        outcomes.push((sent, events.assigned));
        outcomes.push((dropped, events.refused.values().sum()));
    }
    outcomes_of(outcomes)
}

/// What the collector knows of its producer from the LossReport.
fn reported(collector: &Collector) -> Option<Family> {
    let stream = collector.streams.iter().find(|stream| !stream.reported.is_empty())?;
    let sum =
        |figure: fn(&super::status::Reported) -> u64| stream.reported.values().map(figure).sum();
    let refused = |figures: &super::status::Reported| figures.generated - figures.accepted;
    let mut outcomes = vec![("sent", sum(|figures| figures.accepted)), ("dropped", sum(refused))];
    for (kind, sent, dropped) in SESSION_OUTCOMES {
        let Some(figures) = stream.reported.get(*kind) else { continue };
        outcomes.push((sent, figures.accepted));
        outcomes.push((dropped, refused(figures)));
    }
    Some(outcomes_of(outcomes))
}

fn outcomes_of(outcomes: Vec<(&'static str, u64)>) -> Family {
    let samples = outcomes
        .into_iter()
        .map(|(outcome, count)| (vec![("outcome", outcome.to_owned())], float(count)));
    Family {
        name: "xpf_userspace_event_stream_producer_frames".to_owned(),
        help: "Frames of the producer, by outcome".to_owned(),
        kind: Kind::Counter,
        samples: samples.collect(),
    }
}

fn collected(collector: &Collector) -> Vec<Family> {
    let of = |name: &str| collector.counters.get(name).copied().unwrap_or_default();
    let mut applied = Counts::new();
    for stream in &collector.streams {
        for (kind, count) in &stream.applied {
            *applied.entry(kind.clone()).or_default() += count;
        }
    }
    let others: u64 = collector.streams.iter().map(|stream| stream.sessions + stream.resyncs).sum();
    let malformed: u64 = collector.malformed.values().sum();
    let greetings = of("streams_known") + of("streams_new");
    let read = applied.values().sum::<u64>()
        + others
        + malformed
        + greetings
        + ["duplicates", "unknown_types", "unexpected", "unnumbered", "keepalives", "loss_reports"]
            .map(of)
            .iter()
            .sum::<u64>();
    let written = greetings + of("acks") + of("pauses") + of("resumes");
    let family =
        |name: &str, help: &str, samples: Vec<(Vec<(&'static str, String)>, f64)>| Family {
            name: format!("xpf_userspace_event_stream_{name}"),
            help: help.to_owned(),
            kind: Kind::Counter,
            samples,
        };
    let plain = |count| vec![(Vec::new(), float(count))];
    let by = |label: &'static str, counts: &[(&str, u64)]| {
        let sample =
            |(name, count): &(&str, u64)| (vec![(label, (*name).to_owned())], float(*count));
        counts.iter().map(sample).collect::<Vec<_>>()
    };
    let get = |counts: &Counts, name: &str| counts.get(name).copied().unwrap_or_default();
    let events = TYPES.map(|(kind, _)| (kind, get(&applied, kind)));
    let drops = TYPES.map(|(kind, frame)| (kind, get(&collector.malformed, frame)));
    vec![
        family(
            "frames",
            "Frames, by direction",
            by("direction", &[("read", read), ("written", written)]),
        ),
        family("decode_errors", "Frames that could not be read", plain(malformed)),
        family("sequence_gaps", "Gaps in the sequence numbers", plain(of("gaps"))),
        family("dataplane_events", "Events received, by type", by("type", &events)),
        family(
            "dataplane_event_drops",
            "Events that could not be read, by type",
            by("type", &drops),
        ),
        family("unknown_frame_drops", "Frames of unknown types", plain(of("unknown_types"))),
    ]
}

/// Event types, which they name as we do, and our names of their frames.
const TYPES: [(&str, &str); 5] = [
    ("policy_deny", "policy_deny"),
    ("screen_drop", "screen_drop"),
    ("filter_log", "filter_log"),
    ("session_close", "rt_flow_close"),
    ("session_create", "rt_flow_create"),
];

/// Kinds that they count by outcome, and these outcomes.
const SESSION_OUTCOMES: &[(&str, &str, &str)] = &[
    ("session_close", "session_close_sent", "session_close_dropped"),
    ("session_create", "session_create_sent", "session_create_dropped"),
];
