//! What time brings about on the producer's side: the end of waits, Keepalive, LossReport, the
//! answer to a DrainRequest, and the place of a FullResync that is owed.

#[cfg(test)]
use crate::stream::bug::Bug;
use crate::stream::hang_up::{Dialect, HangUp};
use crate::stream::producer::Producer;
use crate::stream::producer::config::loss_report;
use crate::stream::time::Time;
use crate::wire::{Frame, FrameType, LossReport};

impl Producer {
    /// What time brings about: the end of waits, Keepalive, LossReport, the answer to a drain.
    pub fn tick(&mut self, now: Time) {
        let Some(connection) = self.connection.as_mut().filter(|c| c.closing.is_none()) else {
            return;
        };
        if connection.greeting.is_some_and(|until| until <= now) {
            connection.greeting = None;
            self.counters.hellos_unanswered += 1;
        }
        if connection.paused.is_some_and(|at| at.after(self.config.pause_max) <= now) {
            return self.close(HangUp::PauseExpired);
        }
        if connection.greeting.is_none() && self.ring.owes_resync() {
            self.place_resync();
        }
        self.answer_drain(now);
        self.keep_alive(now);
        self.report(now);
    }

    /// When to call [`Self::tick`], or to connect, at the latest; `None` if only something that
    /// happens can bring more to do.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        let ending = self.ending.filter(|_| !self.is_delivered());
        let Some(connection) = &self.connection else {
            return [self.connect_at(), ending].into_iter().flatten().min();
        };
        if connection.closing.is_some() {
            return None;
        }
        let idle = self.outbox.is_empty();
        let reports = idle && connection.flows() && self.config.dialect == Dialect::Weir;
        let keepalive = (idle && !self.writes_ring())
            .then(|| connection.wrote_at.after(self.config.keepalive_after));
        [
            connection.greeting,
            connection.paused.map(|at| at.after(self.config.pause_max)),
            connection.drain.and_then(|drain| drain.until),
            keepalive,
            reports.then_some(connection.report_at),
            ending,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Gives an owed FullResync its number, as soon as there is room: on each connection, and
    /// whatever was acked.
    fn place_resync(&mut self) {
        #[cfg(test)]
        if let Some(connection) = self.connection.as_mut() {
            let looked = core::mem::replace(&mut connection.resync_looked_for, true);
            if self.bug == Some(Bug::EvictionUnnoticedWhileConnected) && looked {
                return;
            }
            let first = self.ring.acked() < self.ring.first_sequence();
            if self.bug == Some(Bug::NoResyncBeforeFirstAck) && first {
                self.ring.forgive_resync();
            }
        }
        self.export |= self.ring.append_resync().is_some();
    }

    /// DrainComplete once everything up to the target is written, or all that there was when the
    /// wait for the target ended. A paused stream writes nothing, so there the wait decides.
    fn answer_drain(&mut self, now: Time) {
        let Some(connection) = self.connection.as_mut() else {
            return;
        };
        let Some(drain) = connection.drain.as_mut() else {
            return;
        };
        if drain.until.is_some_and(|until| until <= now) {
            drain.until = None;
        }
        let wait_ended = drain.until.is_none();
        let target =
            if wait_ended { drain.target.min(self.ring.last_sequence()) } else { drain.target };
        let held = connection.paused.is_some();
        if connection.greeting.is_none() && (self.ring.last_sent() >= target || wait_ended && held)
        {
            connection.drain = None;
            self.outbox.header(FrameType::DrainComplete, self.ring.last_sent());
        }
    }

    /// Keepalives go on while the stream is paused: they are what a collector answers with its
    /// state, so that a Resume that was lost is said again.
    fn keep_alive(&mut self, now: Time) {
        let Some(connection) = &self.connection else {
            return;
        };
        let due = connection.wrote_at.after(self.config.keepalive_after) <= now;
        if due && self.outbox.is_empty() && !self.writes_ring() {
            self.outbox.header(FrameType::Keepalive, 0);
            self.counters.keepalives += 1;
        }
    }

    fn report(&mut self, now: Time) {
        let at_end = self.owes_report();
        let Some(connection) = self.connection.as_mut() else {
            return;
        };
        let due = connection.report_at <= now || at_end;
        let speaks = self.config.dialect == Dialect::Weir && connection.flows();
        if !due || !speaks || !self.outbox.is_empty() {
            return;
        }
        connection.report_at = now.after(self.config.report_every);
        let report = self.loss_report();
        let connection = self.connection.as_mut().filter(|c| c.reported != Some(report));
        if let Some(connection) = connection {
            connection.reported = Some(report);
            self.outbox.control(&Frame::LossReport(report));
            self.counters.loss_reports += 1;
        }
    }

    /// Whether the stream ends, everything is written, and the last figures are not reported yet.
    pub(super) fn owes_report(&self) -> bool {
        let written = self.ring.last_sent() == self.ring.last_sequence();
        let reported = self.connection.as_ref().and_then(|connection| connection.reported);
        self.ending.is_some()
            && self.config.dialect == Dialect::Weir
            && written
            && self.connection.is_some()
            && reported != Some(self.loss_report())
    }

    fn loss_report(&self) -> LossReport {
        loss_report(&self.ring.counters().assigned, &self.refused())
    }
}
