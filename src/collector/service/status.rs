//! What an operator sees of the collector, replaced whole every tenth of a second.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use components::stream::{Collector, CollectorCounters, StreamId, StreamPosition, Time};
use components::wire::LossReport;

use super::writer::{SpoolStatus, Writer};
use crate::stream::peer::Peer;

/// The collector's figures at one moment.
#[derive(Clone, Debug, Default)]
pub struct ServiceStatus {
    /// Every stream that is known.
    pub streams: Vec<StreamPosition>,
    /// The stream that a producer is connected with, and who it is.
    pub connected: Option<(StreamId, Peer)>,
    /// Whether the producer was told to pause.
    pub paused: bool,
    /// Frames that wait for the spool.
    pub waiting_frames: usize,
    /// What a stream's producer has last said of its own figures.
    pub reported: Option<(StreamId, LossReport)>,
    /// Totals of the machine.
    pub counters: CollectorCounters,
    /// Connections of users that are not allowed.
    pub refused_users: u64,
    /// Times that a connection could not be taken, for want of descriptors for one.
    pub accept_errors: u64,
    /// Times that the wall clock was set.
    pub clock_jumps: u64,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// The spool.
    pub spool: SpoolStatus,
}

/// The figures, for other threads.
#[derive(Debug, Default)]
pub struct Shared {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    status: ServiceStatus,
    put_at: Option<Time>,
    refused_uids: BTreeSet<u32>,
    spool_waits: Option<String>,
}

impl Shared {
    /// The figures as they were put last.
    #[must_use]
    pub fn status(&self) -> ServiceStatus {
        self.lock().status.clone()
    }

    /// Replaces the figures if they are old enough to be; false if they are not.
    pub(super) fn put(
        &self,
        machine: &Collector,
        writer: &Writer,
        peer: Option<Peer>,
        now: Time,
    ) -> bool {
        let mut inner = self.lock();
        if inner.put_at.is_some_and(|at| now.since(at) < FRESHNESS) {
            return false;
        }
        inner.put_at = Some(now);
        let waits = inner.spool_waits.clone();
        let status = &mut inner.status;
        status.streams = machine.streams().cloned().collect();
        status.connected = machine.connected_stream().zip(peer);
        status.paused = machine.is_paused();
        status.waiting_frames = machine.waiting_frames();
        status.reported = machine.reported().copied();
        status.counters = *machine.counters();
        status.spool = writer.status();
        status.spool.waits = waits.or(status.spool.waits.take());
        true
    }

    /// Counts a user that is not allowed; true if it is the first time.
    pub(super) fn refuse_user(&self, uid: u32) -> bool {
        let mut inner = self.lock();
        inner.status.refused_users += 1;
        let known = inner.refused_uids.len() >= REFUSED_MAX;
        !known && inner.refused_uids.insert(uid)
    }

    pub(super) fn clock_jumped(&self) {
        self.lock().status.clock_jumps += 1;
    }

    pub(super) fn accept_failed(&self, error: &io::Error) {
        let mut inner = self.lock();
        inner.status.accept_errors += 1;
        inner.status.last_error = Some(format!("accept: {error}"));
    }

    pub(super) fn spool_waits(&self, why: Option<String>) {
        self.lock().spool_waits = why;
    }

    /// Figures are replaced one by one and never read by the machine.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How old the figures may be.
pub(super) const FRESHNESS: Duration = Duration::from_millis(100);

/// Users that are told apart in the log.
const REFUSED_MAX: usize = 1024;
