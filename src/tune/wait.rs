//! How long packets are in the box: one worker that takes what has arrived, at most a batch, and
//! waits for more at most so long after the first. What a batch takes lies on the line between the
//! sizes that were measured; how packets follow each other is the capture's way, faster or slower
//! as a whole.

use super::Cost;

/// What packets waited, microseconds from arrival to the end of their batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Waiting {
    /// Half of the packets were faster.
    pub p50_us: f64,
    /// All but one of a hundred.
    pub p99_us: f64,
    /// All but one of a thousand.
    pub p999_us: f64,
    /// Share of the time that the worker was at work.
    pub busy: f64,
    /// Packets of a batch, on average.
    pub rows: f64,
}

/// What packets wait that follow each other after `gaps_ns`, `mean_ns` on average, in batches of
/// at most `rows_max` that wait for at most `flush_ns`.
#[must_use]
pub fn wait(
    costs: &[Cost],
    gaps_ns: &[u64],
    mean_ns: f64,
    rows_max: usize,
    flush_ns: f64,
) -> Waiting {
    let arrivals = arrivals(gaps_ns, mean_ns);
    let mut waits = Vec::with_capacity(arrivals.len());
    let (mut free, mut at, mut busy, mut batches) = (0.0f64, 0, 0.0, 0u64);
    while let Some(&first) = arrivals.get(at) {
        let full = arrivals.get(at + rows_max - 1).copied().unwrap_or(f64::INFINITY);
        let start = full.min(first + flush_ns).max(free);
        let here = arrivals[at..].iter().take(rows_max).take_while(|time| **time <= start).count();
        let took = batch_ns(costs, here);
        let end = start + took;
        waits.extend(arrivals[at..at + here].iter().map(|time| (end - time) / 1_000.0));
        (free, at, busy, batches) = (end, at + here, busy + took, batches + 1);
    }
    waits.sort_by(f64::total_cmp);
    let of = |thousandths: usize| {
        let place = waits.len() * thousandths / 1_000;
        waits.get(place.min(waits.len().saturating_sub(1))).copied().unwrap_or(0.0)
    };
    Waiting {
        p50_us: of(500),
        p99_us: of(990),
        p999_us: of(999),
        busy: if free > 0.0 { busy / free } else { 0.0 },
        rows: waits.len() as f64 / batches.max(1) as f64,
    }
}

/// Times of arrival: the gaps over and over, stretched to their new mean. Captures whose packets
/// have all one time give even gaps.
fn arrivals(gaps_ns: &[u64], mean_ns: f64) -> Vec<f64> {
    let sum: f64 = gaps_ns.iter().map(|&gap| gap as f64).sum();
    let stretch = if sum > 0.0 { mean_ns * gaps_ns.len() as f64 / sum } else { 0.0 };
    let gap = |at: usize| match stretch > 0.0 {
        true => gaps_ns[at % gaps_ns.len()] as f64 * stretch,
        false => mean_ns,
    };
    let mut now = 0.0;
    let count = gaps_ns.len().clamp(PACKETS_MIN, PACKETS_MAX);
    (0..count)
        .map(|at| {
            now += gap(at);
            now
        })
        .collect()
}

/// What a batch of so many rows takes, between the sizes that were measured.
fn batch_ns(costs: &[Cost], rows: usize) -> f64 {
    let above = costs.iter().position(|cost| cost.rows >= rows);
    match above {
        None => costs.last().map_or(0.0, |cost| cost.figures.ns_median * rows as f64),
        Some(0) => costs[0].batch_ns(),
        Some(at) => {
            let (low, high) = (&costs[at - 1], &costs[at]);
            let share = (rows - low.rows) as f64 / (high.rows - low.rows) as f64;
            low.batch_ns() + share * (high.batch_ns() - low.batch_ns())
        }
    }
}

/// Fewest packets of which one in a thousand says something.
const PACKETS_MIN: usize = 50_000;
/// Most packets that are gone through.
const PACKETS_MAX: usize = 500_000;
