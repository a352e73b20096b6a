//! The bench's clock: the processor's time stamp counter, and how many of its clocks a nanosecond
//! has, measured against the monotonic clock. Where there is no such counter, a clock is a
//! nanosecond.

use std::time::{Duration, Instant};

use quanta::Clock;

/// A counter that has been running since it was made.
#[derive(Clone, Debug)]
pub struct Tsc {
    clock: Clock,
    since: (u64, Instant),
}

impl Default for Tsc {
    fn default() -> Self {
        let clock = Clock::new();
        let since = (clock.raw(), Instant::now());
        Self { clock, since }
    }
}

impl Tsc {
    /// The counter now.
    #[inline]
    #[must_use]
    pub fn now(&self) -> u64 {
        self.clock.raw()
    }

    /// Clocks a nanosecond since it was made, over 50 ms at least.
    #[must_use]
    pub fn clocks_a_ns(&self) -> f64 {
        let (counter, started) = self.since;
        let least = Duration::from_millis(50);
        if let Some(missing) = least.checked_sub(started.elapsed()) {
            std::thread::sleep(missing);
        }
        let clocks = self.now().saturating_sub(counter);
        clocks as f64 / started.elapsed().as_nanos() as f64
    }
}
