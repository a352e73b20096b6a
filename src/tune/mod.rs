//! Tuning: what batches of each size cost on a configuration and traffic of one's own, how long
//! packets would wait for them, and the sizes that this speaks for. The cost is measured: the
//! capture is run over and over through the whole path, in memory. The waiting is worked out from
//! the measured costs and from how the capture's packets follow each other ([`wait`]).

mod choose;
mod traffic;
mod wait;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use components::world::World;
use systems::schedule::Schedule;

use crate::bench::clock::Tsc;
use crate::bench::line::{Given, Line};
use crate::bench::{BenchError, Figures};

pub use choose::{Choice, choose};
pub use traffic::Traffic;
pub use wait::{Waiting, wait};

/// Batch sizes that are measured.
pub const ROWS: [usize; 11] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024];

/// Longest waits for a batch that are tried, microseconds.
pub const FLUSH_US: [u32; 8] = [0, 5, 10, 20, 50, 100, 200, 500];

/// Shares of what the best batch size could carry that waiting is worked out for.
pub const LOADS: [f64; 3] = [0.1, 0.5, 0.9];

/// What batches of one size cost.
#[derive(Clone, Debug)]
pub struct Cost {
    /// Rows of a batch.
    pub rows: usize,
    /// Clocks and nanoseconds a packet, over several runs.
    pub figures: Figures,
}

impl Cost {
    /// Nanoseconds that a full batch takes.
    #[must_use]
    pub fn batch_ns(&self) -> f64 {
        self.figures.ns_median * self.rows as f64
    }
}

/// Measures every size of [`ROWS`], `runs` runs of `packets` packets each, taking turns so that
/// what else the machine does falls on all of them. `noted` hears of every round.
///
/// # Errors
/// If the path cannot be set up, if there is no packet, or if the ledger does not balance.
pub fn measure(
    world: &Arc<World>,
    schedule: &Schedule,
    traffic: &Traffic,
    (runs, packets): (usize, u64),
    tsc: &Tsc,
    mut noted: impl FnMut(usize),
) -> Result<Vec<Cost>, TuneError> {
    if traffic.is_empty() {
        return Err(TuneError::Nothing);
    }
    let widest = schedule
        .clone()
        .with(Some(ROWS[ROWS.len() - 1]), Some(1))
        .map_err(|error| TuneError::Schedule(error.message))?;
    // Batches are of the size that is measured, whatever the ticks of the capture's own time.
    let mut line = Line::new(Arc::clone(world), &widest, u64::MAX)?;
    let mut at = 0;
    let mut next = || {
        let given: Given<'_> = traffic.given(at);
        at = (at + 1) % traffic.len();
        given
    };
    line.warm(traffic.len() as u64, &mut next);
    let mut clocks = vec![Vec::with_capacity(runs); ROWS.len()];
    for round in 0..runs {
        noted(round);
        for (&rows, clocks) in ROWS.iter().zip(&mut clocks) {
            line.set_rows(rows);
            let took = line.run(packets, tsc, &mut next);
            clocks.push(took.clocks as f64 / took.packets as f64);
        }
    }
    let ledger = line.ledger();
    if !ledger.balanced {
        return Err(TuneError::Unbalanced);
    }
    let cost = |(&rows, clocks)| Cost { rows, figures: Figures::of(clocks, tsc) };
    Ok(ROWS.iter().zip(clocks).map(cost).collect())
}

/// Why nothing can be said.
#[derive(Debug, thiserror::Error)]
pub enum TuneError {
    /// The path.
    #[error(transparent)]
    Path(#[from] BenchError),
    /// The schedule with the sizes that are tried.
    #[error("the schedule: {0}")]
    Schedule(String),
    /// No packet.
    #[error("the captures have no packet")]
    Nothing,
    /// A defect of ours.
    #[error("the ledger does not balance after the measurement")]
    Unbalanced,
}
