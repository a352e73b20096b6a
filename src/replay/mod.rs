//! Replay: captures in, events, packets and a ledger out, in one process. With one worker
//! everything runs inline, in the order of the captures, and the same input gives the same bytes.

pub mod agenda;
mod export;
mod inline;
pub mod remote;
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
use crate::observe::Server;
use crate::port::{Bind, CapturePort, Paced, Port as _, PortCounters};
use crate::stream::ring_file::Begin;
use agenda::{Agenda, Commit, Committed};
use remote::{Remote, RemoteConfig};
use stream::{Inline, Stream};

/// What to replay through what.
pub struct Replay {
    /// The compiled configuration.
    pub world: Arc<World>,
    /// Configurations that take over on the way.
    pub commits: Vec<Commit>,
    /// The schedule, its batch size and workers as they shall be.
    pub schedule: Schedule,
    /// Captures and how their ingress interface is found.
    pub captures: Vec<(CaptureReader, Bind)>,
    /// Where events go, unless they go to another process.
    pub remote: Option<RemoteConfig>,
    /// Who shows the figures of a stream to another process.
    pub observers: Vec<Server>,
    /// Packets a second; without it, as fast as they can be read.
    pub rate: Option<u64>,
    /// Where events go in this process.
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
    /// The world at the end, by whose ids the totals are.
    pub world: Arc<World>,
    /// The commits, in order.
    pub commits: Vec<Committed>,
    /// The port's counters.
    pub port: PortCounters,
    /// Errors of captures, read and written.
    pub capture_errors: Vec<CaptureError>,
    /// Errors of sinks with the sink's name.
    pub sink_errors: Vec<(String, std::io::Error)>,
    /// A broken stream, which would be a defect of ours.
    pub stream_error: Option<components::wire::ProtocolError>,
    /// How a stream to another process began.
    pub began: Option<Begin>,
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
    /// The ring's file.
    #[error(transparent)]
    RingFile(#[from] crate::stream::RingFileError),
    /// The stream's thread.
    #[error("the stream's thread: {0}")]
    Sender(std::io::Error),
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
        let replicates = self.world.cluster.is_some();
        let ring = &self.schedule.settings.ring;
        let (frames, id) = (*ring.frames.get_ref(), *ring.stream_id.get_ref());
        let mut stream = match self.remote {
            Some(config) => {
                Stream::Remote(Box::new(Remote::open(config, &self.schedule.settings, replicates)?))
            }
            None => Stream::Inline(Box::new(Inline::open(frames, id, replicates, self.sinks)?)),
        };
        let began = match &mut stream {
            Stream::Remote(remote) => {
                remote.observe(&self.observers);
                Some(remote.begin())
            }
            Stream::Inline(_) => None,
        };
        let mut port = Paced::new(port, self.rate);
        let mut agenda = Agenda::new(self.world, self.commits);
        let schedule = &self.schedule;
        let totals = match *schedule.settings.workers.get_ref() {
            1 => inline::run(&mut agenda, schedule, &mut port, &mut stream),
            _ => sharded::run(&mut agenda, schedule, &mut port, &mut stream)?,
        };
        let elapsed = started.elapsed();
        let port = port.into_inner();
        let (world, commits) = agenda.done();
        let counters = port.counters();
        let mut end = stream.end(counters, &totals);
        let ledger = Ledger::new(counters, &totals, &end.figures, end.report, end.sinks);
        Ok(Outcome {
            ledger,
            totals,
            world,
            commits,
            port: counters,
            capture_errors: port.finish(),
            sink_errors: std::mem::take(&mut end.sink_errors),
            stream_error: end.error,
            began,
            elapsed,
        })
    }
}
