//! What the collector says to the producer. An Ack sets frames free, or is counted and changes
//! nothing; Hello tells where the collector stands, and may be only its first frame; Pause and
//! DrainRequest hold as long as the connection. What no collector sends is counted and passed over.

use crate::ring::AckOutcome;
#[cfg(test)]
use crate::stream::bug::Bug;
use crate::stream::hang_up::{Dialect, HangUp};
use crate::stream::producer::Producer;
use crate::stream::producer::connection::Drain;
use crate::stream::time::Time;
use crate::wire::{DecodeError, Frame, Hello};

impl Producer {
    pub(super) fn on_frame(&mut self, frame: &Frame, sequence: u64, now: Time) {
        let Some(connection) = self.connection.as_mut() else {
            return;
        };
        let is_first = !core::mem::replace(&mut connection.heard, true);
        if is_first && !matches!(frame, Frame::Hello(_)) && connection.greeting.take().is_some() {
            self.counters.hellos_unanswered += 1;
        }
        match frame {
            Frame::Hello(hello) if is_first && self.config.dialect == Dialect::Weir => {
                self.on_hello(hello);
            }
            Frame::Ack => self.on_ack(sequence),
            Frame::Pause => {
                connection.paused = Some(now);
                self.counters.pauses += 1;
            }
            Frame::Resume => {
                connection.paused = None;
                self.counters.resumes += 1;
            }
            Frame::DrainRequest => {
                let before = connection.drain;
                let target = before.map_or(sequence, |drain| drain.target.max(sequence));
                let until = before
                    .map_or_else(|| Some(now.after(self.config.drain_wait)), |drain| drain.until);
                connection.drain = Some(Drain { target, until });
                self.counters.drains += 1;
            }
            Frame::Hello(_)
            | Frame::SessionOpen(_)
            | Frame::SessionClose(_)
            | Frame::SessionUpdate(_)
            | Frame::DrainComplete
            | Frame::FullResync
            | Frame::Keepalive
            | Frame::RtFlow(_)
            | Frame::LossReport(_) => self.counters.unexpected += 1,
        }
    }

    pub(super) fn on_unreadable(&mut self, error: &DecodeError) {
        if let Some(connection) = self.connection.as_mut() {
            connection.heard = true;
        }
        match error {
            DecodeError::FrameType(_) => self.counters.unknown_types += 1,
            _ => self.counters.malformed += 1,
        }
    }

    /// Where the collector stands. One that does not know the stream stands at its beginning.
    fn on_hello(&mut self, hello: &Hello) {
        let known = hello.stream_id.get() == self.ring.stream_id();
        let applied = if known { hello.oldest_sequence.get() } else { 0 };
        let streams = if known {
            &mut self.counters.streams_known
        } else {
            &mut self.counters.streams_unknown
        };
        *streams += 1;
        if let Some(connection) = self.connection.as_mut() {
            connection.greeting = None;
        }
        if self.ring.resume_at(applied) == AckOutcome::BeyondSent {
            self.close(HangUp::PositionBeyondSent);
        }
    }

    fn on_ack(&mut self, sequence: u64) {
        let outcome = self.ring.ack(sequence);
        #[cfg(test)]
        if outcome == AckOutcome::BeyondSent && self.bug == Some(Bug::AckBeyondSentAccepted) {
            self.ring.assume_written();
            self.ring.ack(sequence.min(self.ring.last_sequence()));
            return;
        }
        match outcome {
            AckOutcome::BeyondSent => self.close(HangUp::AckBeyondSent),
            AckOutcome::Advanced(_) | AckOutcome::Duplicate | AckOutcome::Regressed => {}
        }
    }
}
