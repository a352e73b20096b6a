//! The sending side's figures: where the stream stood when this process began, and where it ends.

use std::sync::{Mutex, MutexGuard, PoisonError};

use components::kinds::EventKind;
use components::reason::Counts;
use components::ring::RingCounters;
use components::stream::{Producer, ProducerCounters};

use crate::stream::ring_file::Begin;

/// The sending side's figures at one moment.
#[derive(Clone, Debug)]
pub struct SenderStatus {
    /// The stream's id.
    pub stream_id: u64,
    /// How it began.
    pub begin: Begin,
    /// The highest number given.
    pub last: u64,
    /// The highest number acked.
    pub acked: u64,
    /// The ring's totals.
    pub ring: RingCounters,
    /// The machine's totals.
    pub producer: ProducerCounters,
    /// Events that the dialect has no frame type for.
    pub disabled: Counts<{ EventKind::COUNT }>,
    /// What went wrong last.
    pub last_error: Option<String>,
}

/// The figures, for the handle of the thread.
#[derive(Debug)]
pub(super) struct Shared {
    status: Mutex<SenderStatus>,
}

impl Shared {
    pub(super) fn new(producer: &Producer, begin: Begin) -> Self {
        Self { status: Mutex::new(SenderStatus::of(producer, begin, None)) }
    }

    /// The figures as they were put last.
    pub(super) fn status(&self) -> SenderStatus {
        self.lock().clone()
    }

    pub(super) fn put(&self, producer: &Producer, error: Option<&str>) {
        let mut status = self.lock();
        *status = SenderStatus::of(producer, status.begin, error);
    }

    /// Figures are replaced whole, so a thread that panicked leaves the ones before.
    fn lock(&self) -> MutexGuard<'_, SenderStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SenderStatus {
    fn of(producer: &Producer, begin: Begin, error: Option<&str>) -> Self {
        let ring = producer.ring();
        Self {
            stream_id: ring.stream_id(),
            begin,
            last: ring.last_sequence(),
            acked: ring.acked(),
            ring: *ring.counters(),
            producer: *producer.counters(),
            disabled: producer.disabled(),
            last_error: error.map(str::to_owned),
        }
    }
}
