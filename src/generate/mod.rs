//! Captures made to order, for the example, tests and benches. A scenario and a seed always give
//! the same bytes; time starts at 2026-03-02T08:00:00Z. All play in the network of
//! `examples/branch-office.conf` and show what arrives at the firewall on any interface.

mod attacks;
mod builder;
mod conversation;
mod loads;
mod office;
pub(crate) mod rng;
mod scenarios;
#[cfg(test)]
mod tests;
mod timeline;
mod topology;
mod traffic;

use std::fs::File;
use std::io;
use std::path::Path;

pub use builder::{
    Addresses, Icmp, Layer, Packet, Raw, Tcp, Udp, arp_reply, arp_request, checksum, flag,
    neighbor_advertisement, neighbor_solicitation,
};
pub use scenarios::{SCENARIOS, Scenario, scenario};
pub use timeline::Frame;

use crate::capture::{CaptureError, PcapWriter, Resolution};

/// What may be chosen about a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// Determines everything that is random.
    pub seed: u64,
    /// Packets, for scenarios that have a [`Scenario::count`].
    pub count: Option<u64>,
    /// Flows, for scenarios that have [`Scenario::flows`].
    pub flows: Option<u32>,
}

impl Default for Parameters {
    fn default() -> Self {
        Self { seed: 1, count: None, flows: None }
    }
}

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Packets in the capture.
    pub packets: u64,
    /// Bytes of all packets, without the file's own headers.
    pub bytes: u64,
    /// From the first packet to the last, in nanoseconds.
    pub duration_ns: u64,
}

/// Why no capture was generated.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// Not in [`SCENARIOS`].
    #[error("unknown scenario `{0}`")]
    UnknownScenario(String),
    /// A count or number of flows where nothing depends on it.
    #[error("scenario `{scenario}` has no choice of {what}")]
    NoChoice {
        /// The scenario's name.
        scenario: &'static str,
        /// `count` or `flows`.
        what: &'static str,
    },
    /// Zero flows have no packets.
    #[error("scenario `{0}` needs at least one flow")]
    NoFlows(&'static str),
    /// The output file cannot be created.
    #[error("{path}: {cause}")]
    Create {
        /// The output file.
        path: String,
        /// What the operating system said.
        cause: io::Error,
    },
    /// The output file cannot be written.
    #[error(transparent)]
    Write(#[from] CaptureError),
}

/// Writes the scenario of this name to a pcap file (Ethernet, nanosecond stamps).
///
/// # Errors
/// When the scenario is unknown or has no use for a parameter, or the file cannot be written.
pub fn run(name: &str, out: &Path, parameters: &Parameters) -> Result<Summary, GenerateError> {
    let Some(scenario) = scenario(name) else {
        return Err(GenerateError::UnknownScenario(name.to_owned()));
    };
    let frames = scenario.frames(parameters)?;
    let path = out.to_string_lossy();
    let file = File::create(out)
        .map_err(|cause| GenerateError::Create { path: path.clone().into_owned(), cause })?;
    let mut writer = PcapWriter::new(&path, file, Resolution::Nanoseconds)?;
    let mut summary = Summary::default();
    let mut first_ns = None;
    for frame in frames {
        writer.write(frame.time_ns, &frame.bytes)?;
        summary.packets += 1;
        summary.bytes += frame.bytes.len() as u64;
        summary.duration_ns = frame.time_ns - *first_ns.get_or_insert(frame.time_ns);
    }
    writer.finish()?;
    Ok(summary)
}
