//! How far the spool is synced, and the waiting for more. Readers never look beyond it.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The ordinal behind the last synced record.
#[derive(Debug)]
pub struct Durable {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Clone, Copy, Debug)]
struct State {
    ordinal: u64,
    closed: bool,
}

impl Durable {
    /// Synced up to `ordinal`, exclusive.
    #[must_use]
    pub const fn new(ordinal: u64) -> Self {
        Self { state: Mutex::new(State { ordinal, closed: false }), changed: Condvar::new() }
    }

    /// Moves on to `ordinal` and wakes every reader.
    pub fn publish(&self, ordinal: u64) {
        self.lock().ordinal = ordinal;
        self.changed.notify_all();
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

    /// A number and a flag cannot be left half changed by a thread that panicked.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
