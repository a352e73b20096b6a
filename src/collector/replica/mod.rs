//! Session replication at the collector: sessions that the producer tells of (frames 1 to 3) are
//! handed to a [`Replica`]. A thread of its own follows the spool with a cursor of its own, as
//! outlets do, so that a replica that is not ready holds back session frames and nothing else: no
//! event waits for it, and no Ack but that of a FullResync, which is done with when the replica
//! has forgotten what it had and is ready for all that is told anew.

mod file;
mod follower;
mod place;
#[cfg(test)]
mod tests;

use std::fmt::Debug;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use components::stream::Resync;
use components::wire::{Session, SessionEnd};

use crate::collector::service::{Slowest, Wakeup};
use crate::spool::Durable;

pub use file::{FileReplica, read_sessions};
pub use place::{Place, ReplicaTotals, Seen};

use follower::Follower;

/// What sessions are replicated to.
pub trait Replica: Send + Debug {
    /// Whether changes can be taken now: role, peer and configuration. What is not taken waits in
    /// the spool.
    fn is_ready(&mut self) -> bool;

    /// Where it stood when it was kept last; `None` if it never was.
    ///
    /// # Errors
    /// If that cannot be known.
    fn restore(&mut self) -> io::Result<Option<Place>>;

    /// Forgets all sessions: those that there still are will be told of anew.
    fn forget(&mut self);

    /// A session began, or goes another way; true if it was not known.
    fn put(&mut self, session: &Session) -> bool;

    /// A session ended; true if it was known.
    fn remove(&mut self, end: &SessionEnd) -> bool;

    /// Sessions that it has.
    fn sessions(&self) -> u64;

    /// Keeps everything taken so far, together with where it stands, whatever happens afterwards.
    ///
    /// # Errors
    /// What the system says; what was kept before is still there.
    fn keep(&mut self, place: &Place) -> io::Result<()>;
}

/// What an operator sees of a replica.
#[derive(Clone, Debug, Default)]
pub struct ReplicaStatus {
    /// Whether it takes changes.
    pub ready: bool,
    /// Sessions that it has.
    pub sessions: u64,
    /// Where it stands, and what it made of the records before.
    pub place: Place,
    /// Where it stood when that was kept last.
    pub kept: Place,
    /// Attempts to read or to keep that failed.
    pub errors: u64,
    /// What went wrong last.
    pub last_error: Option<String>,
}

/// A replica that follows a spool.
#[derive(Debug)]
pub struct Replication {
    watch: ReplicaWatch,
    durable: Arc<Durable>,
    thread: JoinHandle<()>,
}

/// Reads a replica's figures from any thread.
#[derive(Clone, Debug)]
pub struct ReplicaWatch(Arc<Shared>);

/// What the thread and others have.
#[derive(Debug, Default)]
struct Shared {
    status: Mutex<ReplicaStatus>,
    /// What is kept: records before this ordinal may go.
    kept: AtomicU64,
    stops: AtomicBool,
}

impl Replication {
    /// Follows the spool in `directory` from where the replica stands; `wakeup` is told when
    /// something that may have been waited for is kept.
    ///
    /// # Errors
    /// If the replica does not know where it stands, or there is no thread to be had.
    pub fn start(
        directory: &Path,
        durable: &Arc<Durable>,
        replica: Box<dyn Replica>,
        wakeup: Arc<Wakeup>,
    ) -> io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let durable = Arc::clone(durable);
        let ends = (Arc::clone(&durable), Arc::clone(&shared));
        let mut follower = Follower::new(directory, ends, replica, wakeup)?;
        let builder = std::thread::Builder::new().name("replica".to_owned());
        let thread = builder.spawn(move || follower.run())?;
        Ok(Self { watch: ReplicaWatch(shared), durable, thread })
    }

    /// Reads the figures, also after this is gone.
    #[must_use]
    pub fn watch(&self) -> ReplicaWatch {
        self.watch.clone()
    }

    /// Ends it, once all that is durable is taken and kept. Gives the last figures.
    pub fn stop(self) -> ReplicaStatus {
        self.watch.0.stops.store(true, Ordering::SeqCst);
        self.durable.wake();
        if self.thread.join().is_err() {
            tracing::error!("the replica's thread has panicked");
        }
        self.watch.status()
    }
}

impl ReplicaWatch {
    /// The figures.
    #[must_use]
    pub fn status(&self) -> ReplicaStatus {
        self.0.lock().clone()
    }

    /// Whether changes are taken.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.0.lock().ready
    }

    /// Whether everything of a stream up to a FullResync is taken and kept.
    #[must_use]
    pub fn is_done(&self, resync: Resync) -> bool {
        self.0.lock().kept.position(resync.stream.0) >= resync.through
    }
}

impl Slowest for ReplicaWatch {
    fn slowest_ordinal(&self) -> u64 {
        self.0.kept.load(Ordering::Relaxed)
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, ReplicaStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
