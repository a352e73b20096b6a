//! How far the spool is synced, and the waiting for more. Readers never look beyond it.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The ordinal behind the last synced record.
#[derive(Debug)]
pub struct Durable {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    ordinal: u64,
    closed: bool,
    /// When the records before an ordinal became durable, ascending; thinned out when there are
    /// too many.
    marks: VecDeque<(u64, Instant)>,
}

impl Durable {
    /// Synced up to `ordinal`, exclusive.
    #[must_use]
    pub const fn new(ordinal: u64) -> Self {
        let state = State { ordinal, closed: false, marks: VecDeque::new() };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Moves on to `ordinal` and wakes every reader.
    pub fn publish(&self, ordinal: u64) {
        let mut state = self.lock();
        state.ordinal = ordinal;
        if state.marks.len() == MARKS_MAX {
            let mut keep = false;
            state.marks.retain(|_| {
                keep = !keep;
                keep
            });
        }
        state.marks.push_back((ordinal, Instant::now()));
        drop(state);
        self.changed.notify_all();
    }

    /// How long the record at `cursor` has been durable; zero if nothing is behind it, or if it is
    /// older than this process.
    #[must_use]
    pub fn waits(&self, cursor: u64) -> Duration {
        let state = self.lock();
        let at = state.marks.partition_point(|(ordinal, _)| *ordinal <= cursor);
        state.marks.get(at).map_or(Duration::ZERO, |(_, since)| since.elapsed())
    }

    /// Nothing more will come: readers end once they have read everything.
    pub fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Wakes readers that wait for something besides.
    pub fn wake(&self) {
        drop(self.lock());
        self.changed.notify_all();
    }

    /// The ordinal behind the last synced record.
    #[must_use]
    pub fn ordinal(&self) -> u64 {
        self.lock().ordinal
    }

    /// Whether nothing more will come.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Waits until there is a record from `next` on, until closed, woken, or for `timeout`; then
    /// how far it is.
    #[must_use]
    pub fn wait(&self, next: u64, timeout: Duration) -> u64 {
        let state = self.lock();
        if state.ordinal > next || state.closed {
            return state.ordinal;
        }
        let (state, _) =
            self.changed.wait_timeout(state, timeout).unwrap_or_else(PoisonError::into_inner);
        state.ordinal
    }

    /// Each change is whole before anything could panic.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Commits whose time is known: with one in 5 ms, the last twenty seconds, and older ones less and
/// less exactly.
const MARKS_MAX: usize = 4096;
