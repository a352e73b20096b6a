//! `weir ledger`: the identities of running processes, and those between them.

use std::fmt::Write;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use super::Stop;
use super::show::{AskArgs, all, title};
use super::summary::grouped;
use crate::observe::status::{CollectedStream, Identity, Producer, Status};

/// What is printed: identities of one process, or of one stream between two.
#[derive(Debug, Serialize)]
struct Part {
    of: String,
    identities: Vec<Identity>,
}

/// A process asked three times, a little while apart, so that what one says is known to be older
/// than what another says.
struct Rounds([Vec<Status>; 3]);

pub(super) fn run(args: &AskArgs) -> Result<(), Stop> {
    let paths = args.paths()?;
    let mut unbalanced = false;
    args.repeat(|| {
        let (rounds, failed) = rounds(&paths);
        let parts = parts(&rounds);
        let residual = residual(&parts);
        unbalanced = residual > 0;
        let text = match args.json {
            true => serde_json::to_string_pretty(&parts)? + "\n",
            false => text(&parts, residual),
        };
        Ok((text, failed))
    })?;
    if unbalanced { Err(Stop::Unbalanced) } else { Ok(()) }
}

fn rounds(paths: &[PathBuf]) -> (Rounds, bool) {
    let (first, mut failed) = all(paths);
    let mut next = || {
        std::thread::sleep(BETWEEN);
        let (statuses, some_failed) = all(paths);
        failed |= some_failed;
        statuses
    };
    let rounds = Rounds([first, next(), next()]);
    (rounds, failed)
}

fn parts(rounds: &Rounds) -> Vec<Part> {
    let [before, now, after] = &rounds.0;
    let mut parts: Vec<Part> = now
        .iter()
        .map(|status| Part { of: title(status), identities: status.identities.clone() })
        .collect();
    for producer in now.iter().filter_map(|status| status.producer.as_ref()) {
        let of = |statuses| collected(statuses, &producer.stream);
        if let (Some(before), Some(after)) = (of(before), of(after)) {
            let in_transit = producer.last.saturating_sub(before.position);
            let of = format!("stream {}, {} in transit", producer.stream, grouped(in_transit));
            parts.push(Part { of, identities: between(producer, before, after) });
        }
    }
    for stream in
        after.iter().filter_map(|status| status.collector.as_ref()).flat_map(|c| &c.streams)
    {
        let is_here = |status: &Status| {
            status.producer.as_ref().is_some_and(|producer| producer.stream == stream.stream)
        };
        if !stream.reported.is_empty() && !now.iter().any(is_here) {
            let of = format!("stream {}, as its producer last told in it", stream.stream);
            parts.push(Part { of, identities: told(stream) });
        }
    }
    parts
}

fn collected<'s>(statuses: &'s [Status], stream: &str) -> Option<&'s CollectedStream> {
    let mut streams = statuses.iter().filter_map(|s| s.collector.as_ref()).flat_map(|c| &c.streams);
    streams.find(|known| known.stream == stream)
}

/// What must hold between both ends of a stream. `before` was read before the producer's figures,
/// `after` after them.
fn between(
    producer: &Producer,
    before: &CollectedStream,
    after: &CollectedStream,
) -> Vec<Identity> {
    let identity = |name: String, left, right| Identity { name, left, right };
    let mut all = vec![
        identity(
            "collector's position, not above the last number given".to_owned(),
            before.position.max(producer.last),
            producer.last,
        ),
        identity(
            "producer's acked number, not above the collector's position".to_owned(),
            producer.acked.max(after.position),
            after.position,
        ),
    ];
    if after.position != producer.last {
        return all;
    }
    let right = after.applied_total() + after.lost_total();
    all.push(identity("at rest: last sequence = applied + lost".to_owned(), producer.last, right));
    if after.lost_total() == 0 {
        for (kind, events) in &producer.events {
            let applied = after.applied.get(kind).copied().unwrap_or_default();
            let name = format!("at rest: {kind}: assigned = applied");
            all.push(identity(name, events.assigned, applied));
        }
    }
    all
}

/// A producer that is gone has said how it stood.
fn told(stream: &CollectedStream) -> Vec<Identity> {
    let of = |(kind, figures): (&String, &crate::observe::status::Reported)| Identity {
        name: format!("{kind}: generated = accepted + refused"),
        left: figures.generated,
        right: figures.accepted + figures.rate_limited + figures.ring_full + figures.no_stream,
    };
    stream.reported.iter().map(of).collect()
}

fn residual(parts: &[Part]) -> u128 {
    let identities = parts.iter().flat_map(|part| &part.identities);
    identities.map(|identity| u128::from(identity.residual())).sum()
}

fn text(parts: &[Part], residual: u128) -> String {
    let mut out = String::new();
    for part in parts {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{}", part.of);
        for identity in &part.identities {
            let (left, right) = (grouped(identity.left), grouped(identity.right));
            let verdict = if identity.residual() == 0 { "ok" } else { "WRONG" };
            let _ = writeln!(out, "  {verdict:<6} {left:>15} = {right:<15} {}", identity.name);
        }
    }
    let _ = writeln!(out, "residual {residual}");
    out
}

/// Longer than figures may be old.
const BETWEEN: Duration = Duration::from_millis(250);
