//! Replay: captures in, events, packets and a ledger out, in one process. With one worker
//! everything runs inline, in the order of the captures, and the same input gives the same bytes.

mod inline;
mod sharded;
pub mod stream;
pub mod worker;

use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use components::world::World;
use systems::schedule::Schedule;

use crate::capture::{CaptureError, CaptureReader};
use crate::collector::Sink;
use crate::ledger::{Ledger, Totals};
use crate::port::{Bind, CapturePort, PortCounters};
use stream::Stream;

/// What to replay through what.
pub struct Replay {
    /// The compiled configuration.
    pub world: Arc<World>,
    /// The schedule, its batch size and workers as they shall be.
    pub schedule: Schedule,
    /// Captures and how their ingress interface is found.
    pub captures: Vec<(CaptureReader, Bind)>,
    /// Where events go.
    pub sinks: Vec<Box<dyn Sink>>,
    /// A pcapng file for transmitted packets.
    pub write: Option<PathBuf>,
}

/// What came of it.
pub struct Outcome {
    /// The ledger.
    pub ledger: Ledger,
    /// Sums over workers.
    pub totals: Totals,
    /// The port's counters.
    pub port: PortCounters,
    /// Errors of captures, read and written.
    pub capture_errors: Vec<CaptureError>,
    /// Errors of sinks with the sink's name.
    pub sink_errors: Vec<(String, std::io::Error)>,
    /// A broken stream, which would be a defect of ours.
    pub stream_error: Option<components::wire::ProtocolError>,
    /// Wall-clock time.
    pub elapsed: Duration,
}

/// Why a replay could not begin.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The file for transmitted packets.
    #[error(transparent)]
    Write(#[from] CaptureError),
    /// The same, before a byte was written.
    #[error("{path}: {cause}", path = path.display())]
    Create {
        /// Its path.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The workers.
    #[error(transparent)]
    Workers(#[from] systems::steer::Unsteerable),
    /// The ring.
    #[error(transparent)]
    Ring(#[from] components::ring::RingError),
}

impl Replay {
    /// Runs to the end of all captures.
    ///
    /// # Errors
    /// If it could not begin. What goes wrong on the way is part of the outcome.
    pub fn run(self) -> Result<Outcome, ReplayError> {
        let started = Instant::now();
        let mut port = CapturePort::new(self.captures);
        if let Some(path) = self.write {
            let file = File::create(&path)
                .map_err(|cause| ReplayError::Create { path: path.clone(), cause })?;
            let name = path.display().to_string();
            port.write_to(&name, BufWriter::new(file), &self.world.names)?;
        }
        let ring = &self.schedule.settings.ring;
        let (frames, id) = (*ring.frames.get_ref(), *ring.stream_id.get_ref());
        let mut stream = Stream::open(frames, id, self.sinks)?;
        let (world, schedule) = (&self.world, &self.schedule);
        let totals = match *schedule.settings.workers.get_ref() {
            1 => inline::run(world, schedule, &mut port, &mut stream),
            _ => sharded::run(world, schedule, &mut port, &mut stream)?,
        };
        stream.close(totals.generated, &totals.counters.refused);
        let report = stream.collector().stream_report().clone();
        let sinks = stream.collector().sink_reports();
        let counters = port.counters();
        Ok(Outcome {
            ledger: Ledger::new(counters, &totals, stream.ring(), report, sinks),
            totals,
            port: counters,
            capture_errors: port.finish(),
            sink_errors: stream.collector().take_sink_errors(),
            stream_error: stream.error().cloned(),
            elapsed: started.elapsed(),
        })
    }
}
