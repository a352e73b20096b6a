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

/// Notices that the wall clock was set: it and the monotonic one no longer tell the same time.
/// Nothing waits by the wall clock; only what is written down jumps.
#[derive(Clone, Copy, Debug)]
pub struct JumpWatch {
    at: Instant,
    unix_ns: u64,
}

impl JumpWatch {
    /// Both clocks are right now.
    #[must_use]
    pub fn start() -> Self {
        Self { at: Instant::now(), unix_ns: unix_ns() }
    }

    /// By how many nanoseconds the wall clock has jumped since it was asked last; 0 for less than
    /// what keeping it in step may change.
    pub fn look(&mut self) -> i64 {
        let now = Self::start();
        let monotonic = i128::try_from((now.at - self.at).as_nanos()).unwrap_or(i128::MAX);
        let wall = i128::from(now.unix_ns) - i128::from(self.unix_ns);
        *self = now;
        let jump = i64::try_from(wall - monotonic).unwrap_or(i64::MAX);
        if jump.unsigned_abs() >= JUMP_NS_MIN { jump } else { 0 }
    }
}

/// Half a second.
const JUMP_NS_MIN: u64 = 500_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_is_noticed_once_in_both_directions() {
        let mut watch = JumpWatch::start();
        assert_eq!(watch.look(), 0);
        let day_ns = 86_400_000_000_000;
        watch.unix_ns -= day_ns;
        assert!((watch.look() - 86_400_000_000_000).abs() < 100_000_000);
        watch.unix_ns += day_ns;
        assert!((watch.look() + 86_400_000_000_000).abs() < 100_000_000);
        assert_eq!(watch.look(), 0);
    }
}
