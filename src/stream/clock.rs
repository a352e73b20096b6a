//! The clocks: a monotonic one for everything that waits, the wall clock for what is written down.

use std::time::{Instant, SystemTime};

use components::stream::Time;

/// A monotonic clock that starts at zero, as the machines of the stream want it.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// Starts now.
    #[must_use]
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// Since the start.
    #[must_use]
    pub fn now(&self) -> Time {
        Time::from_ns(u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }
}

/// Nanoseconds since the Unix epoch; 0 before it.
#[must_use]
pub fn unix_ns() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
