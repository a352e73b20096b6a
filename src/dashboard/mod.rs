//! The dashboard: lines of JSON that `weir bench` has written become one static page, charts drawn
//! here, nothing fetched and nothing run by whoever looks at it. Each file is one run, named so
//! that files in the order of their names are in the order of time.

mod chart;
mod page;
mod rivals;

use serde::Deserialize;

pub use page::{curve, page};

/// One measurement: a line of `weir bench --json`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Measured {
    /// What was measured.
    pub scenario: String,
    /// Flows.
    pub flows: u64,
    /// Policies.
    pub rules: u64,
    /// Rows of a batch.
    pub batch: u64,
    /// Clocks a packet: the median of the runs.
    pub clk_median: f64,
    /// The lowest.
    pub clk_min: f64,
    /// The highest.
    pub clk_max: f64,
    /// Nanoseconds a packet, the median.
    pub ns_median: f64,
    /// Events a packet.
    pub events: f64,
    /// Clocks that all but one in a hundred packets are within, and all but one in a thousand.
    #[serde(default)]
    pub clk_tail: Option<[f64; 2]>,
}

/// The measurements of one file.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// What the file is called, without its ending.
    pub name: String,
    /// Its lines.
    pub measured: Vec<Measured>,
}

impl Run {
    /// Reads the lines of a file.
    ///
    /// # Errors
    /// The number of the first line that is no measurement, and why.
    pub fn read(name: &str, text: &str) -> Result<Self, String> {
        let mut measured = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            if line.trim().is_empty() {
                continue;
            }
            let read = serde_json::from_str(line).map_err(|error| format!("{number}: {error}"))?;
            measured.push(read);
        }
        Ok(Self { name: name.to_owned(), measured })
    }

    fn find(&self, scenario: &str, flows: u64, rules: u64, batch: u64) -> Option<&Measured> {
        self.measured.iter().find(|m| {
            (m.scenario.as_str(), m.flows, m.rules, m.batch) == (scenario, flows, rules, batch)
        })
    }
}

#[cfg(test)]
mod tests;
