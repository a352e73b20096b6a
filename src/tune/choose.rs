//! The sizes that the figures speak for.

use super::{Cost, FLUSH_US, LOADS, Waiting, wait};

/// A batch size and a longest wait, and why.
#[derive(Clone, Debug)]
pub struct Choice {
    /// `batch.rows_max`.
    pub rows_max: usize,
    /// `batch.flush_us_max`.
    pub flush_us_max: u32,
    /// Clocks a packet at that batch size.
    pub clocks: f64,
    /// Packets a second that one worker can carry so.
    pub per_second: f64,
    /// The longest that a packet is in the box while no more than a batch arrives as another is at
    /// work: it waits for its batch, and for the one before.
    pub bound_us: f64,
    /// What was worked out: longest wait, share of what can be carried, waiting.
    pub tried: Vec<(u32, f64, Waiting)>,
}

/// The smallest batch that costs at most a twentieth more than the best, and the shortest wait that
/// leaves the worker as idle as a longer one would, within 5 points, at half load.
#[must_use]
pub fn choose(costs: &[Cost], gaps_ns: &[u64]) -> Option<Choice> {
    let median = |cost: &Cost| cost.figures.clk_median;
    let best = costs.iter().map(median).min_by(f64::total_cmp)?;
    let chosen = costs.iter().find(|cost| median(cost) <= best * NEAR)?;
    let packet_ns = chosen.figures.ns_median;
    let mut tried = Vec::new();
    for flush_us in FLUSH_US {
        for load in LOADS {
            let flush_ns = f64::from(flush_us) * 1_000.0;
            let waiting = wait(costs, gaps_ns, packet_ns / load, chosen.rows, flush_ns);
            tried.push((flush_us, load, waiting));
        }
    }
    let half = || tried.iter().filter(|(_, load, _)| (load - HALF).abs() < f64::EPSILON);
    let idlest = half().map(|(_, _, waiting)| waiting.busy).min_by(f64::total_cmp)?;
    let flush_us_max = half().find(|tried| tried.2.busy <= idlest + POINTS)?.0;
    Some(Choice {
        rows_max: chosen.rows,
        flush_us_max,
        clocks: median(chosen),
        per_second: 1e9 / packet_ns,
        bound_us: f64::from(flush_us_max) + 2.0 * chosen.batch_ns() / 1_000.0,
        tried,
    })
}

/// Within a twentieth.
const NEAR: f64 = 1.05;
/// 5 percent of the time.
const POINTS: f64 = 0.05;
const HALF: f64 = 0.5;
