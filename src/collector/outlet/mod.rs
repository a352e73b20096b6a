//! Outlets: where the events of a spool go. Each is a thread with a cursor, a connection and
//! counters of its own; one that stalls delays neither the Ack nor the others, because all that
//! waits for it is the spool. For each `began + settled + filtered + suppressed + lost = cursor`.

mod engine;
mod selection;
#[cfg(test)]
mod tests;
mod transport;

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::collector::render::Renderer;
use crate::collector::service::Slowest;
use crate::spool::{CursorFile, Durable, SinkTotals};

pub use selection::Selection;
pub use transport::{FileTarget, Promise, Receiver, Target, TlsClient, TlsError, TlsFiles};

use engine::Engine;

/// One outlet, before it runs.
#[derive(Debug)]
pub struct OutletConfig {
    /// Its name: the stream's in the configuration.
    pub name: String,
    /// Where lines go.
    pub target: Target,
    /// Which events.
    pub selection: Selection,
    /// How they look.
    pub renderer: Renderer,
}

/// All outlets of a collector.
#[derive(Debug, Default)]
pub struct Outlets {
    running: Vec<(Arc<Shared>, JoinHandle<()>)>,
    durable: Option<Arc<Durable>>,
}

/// What an operator sees of an outlet.
#[derive(Clone, Debug)]
pub struct OutletStatus {
    /// Its name.
    pub name: String,
    /// What its transport promises.
    pub promise: Promise,
    /// What became of the records so far.
    pub totals: SinkTotals,
    /// The ordinal of the next record.
    pub cursor: u64,
    /// Batches that were not taken, and attempts to connect that failed.
    pub errors: u64,
    /// Lines that went out again, because nobody knew what had become of them.
    pub again: u64,
    /// What went wrong last.
    pub last_error: Option<String>,
}

/// Reads outlets' figures.
#[derive(Clone, Debug)]
pub struct OutletsWatch(Vec<Arc<Shared>>);

impl OutletsWatch {
    /// Of each, a tenth of a second old or so.
    #[must_use]
    pub fn statuses(&self) -> Vec<OutletStatus> {
        self.0.iter().map(|shared| shared.status()).collect()
    }
}

/// What the thread and its owner both have.
#[derive(Debug)]
pub(super) struct Shared {
    status: Mutex<OutletStatus>,
    cursor: AtomicU64,
    stops: AtomicBool,
}

impl Outlets {
    /// Starts every outlet, from where its cursor in `directory` says; a new one begins with the
    /// next record.
    ///
    /// # Errors
    /// If a cursor cannot be read or a thread not be started.
    pub fn start(
        directory: &Path,
        durable: &Arc<Durable>,
        outlets: Vec<OutletConfig>,
    ) -> io::Result<Self> {
        let mut running = Vec::new();
        for outlet in outlets {
            let cursor_file = CursorFile::new(directory, &outlet.name)?;
            let name = format!("outlet {}", outlet.name);
            let engine = Engine::new(directory, Arc::clone(durable), outlet, cursor_file)?;
            let shared = engine.shared();
            let builder = std::thread::Builder::new().name(name);
            running.push((shared, builder.spawn(move || engine.run())?));
        }
        Ok(Self { running, durable: Some(Arc::clone(durable)) })
    }

    /// Reads the figures of each, from any thread, also after this is gone.
    #[must_use]
    pub fn watch(&self) -> OutletsWatch {
        OutletsWatch(self.running.iter().map(|(shared, _)| Arc::clone(shared)).collect())
    }

    /// Knows the slowest one, for retention.
    #[must_use]
    pub fn slowest(&self) -> Box<dyn Slowest> {
        let shared = self.running.iter().map(|(shared, _)| Arc::clone(shared)).collect();
        Box::new(SlowestOutlet { shared, durable: self.durable.clone() })
    }

    /// Ends them: each has until its transport's deadline to hand over what is durable. Gives the
    /// last figures.
    pub fn stop(self) -> Vec<OutletStatus> {
        for (shared, _) in &self.running {
            shared.stops.store(true, Ordering::SeqCst);
        }
        if let Some(durable) = &self.durable {
            durable.close();
        }
        let ended = |(shared, thread): (Arc<Shared>, JoinHandle<()>)| {
            if thread.join().is_err() {
                tracing::error!(outlet = shared.status().name, "an outlet's thread has panicked");
            }
            shared.status()
        };
        self.running.into_iter().map(ended).collect()
    }
}

impl Shared {
    fn status(&self) -> OutletStatus {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[derive(Debug)]
struct SlowestOutlet {
    shared: Vec<Arc<Shared>>,
    durable: Option<Arc<Durable>>,
}

impl Slowest for SlowestOutlet {
    fn slowest_ordinal(&self) -> u64 {
        let cursors = self.shared.iter().map(|shared| shared.cursor.load(Ordering::Relaxed));
        let all = || self.durable.as_ref().map_or(0, |durable| durable.ordinal());
        cursors.min().unwrap_or_else(all)
    }
}
