//! What a producer knows only as long as a connection lives: whether Hello was answered, a Pause,
//! a DrainRequest. All of it dies with the connection. And what lies between two: the backoff.

use core::time::Duration;

use crate::stream::hang_up::HangUp;
use crate::stream::producer::config::ProducerConfig;
use crate::stream::time::Time;
use crate::wire::LossReport;

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) since: Time,
    /// Until when the collector's Hello is waited for; nothing of the ring is written before.
    pub(super) greeting: Option<Time>,
    /// Whether the collector has said anything: Hello is only ever its first frame.
    pub(super) heard: bool,
    /// When the collector last said Pause.
    pub(super) paused: Option<Time>,
    pub(super) drain: Option<Drain>,
    pub(super) wrote_at: Time,
    pub(super) report_at: Time,
    pub(super) reported: Option<LossReport>,
    pub(super) closing: Option<HangUp>,
    /// Only a known bug reads it.
    #[cfg(test)]
    pub(super) resync_looked_for: bool,
}

/// A DrainRequest that is not answered yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Drain {
    pub(super) target: u64,
    /// Until when what has not been produced yet is waited for; `None` once that has passed.
    pub(super) until: Option<Time>,
}

impl Connection {
    pub(super) fn new(now: Time, greeting: Option<Time>, config: &ProducerConfig) -> Self {
        Self {
            since: now,
            greeting,
            heard: false,
            paused: None,
            drain: None,
            wrote_at: now,
            report_at: now.after(config.report_every),
            reported: None,
            closing: None,
            #[cfg(test)]
            resync_looked_for: false,
        }
    }

    /// Whether frames of the ring may be written.
    pub(super) fn flows(&self) -> bool {
        self.greeting.is_none() && self.paused.is_none() && self.closing.is_none()
    }
}

/// When to connect next. Every end of a connection, and every failed attempt, doubles the wait; a
/// connection that lived resets it. So a collector that accepts and closes at once is no loop.
#[derive(Debug)]
pub(super) struct Backoff {
    delay: Duration,
    pub(super) connect_at: Time,
}

impl Backoff {
    pub(super) fn new(config: &ProducerConfig) -> Self {
        Self { delay: config.backoff_min, connect_at: Time::default() }
    }

    pub(super) fn ended(&mut self, lived: Duration, now: Time, config: &ProducerConfig) {
        if lived >= config.stable_after {
            self.delay = config.backoff_min;
        }
        self.connect_at = now.after(self.delay);
        self.delay = self.delay.saturating_mul(2).min(config.backoff_max);
    }
}
