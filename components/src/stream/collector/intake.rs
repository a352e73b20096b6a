//! What frames do to a collector. Events that come in order are one run, handed over as they lie
//! in the queue; everything else is looked at one by one: control frames, repetitions, gaps, what
//! cannot be read. Whatever has a number moves the position, so nothing can come for ever.

use super::*;
use crate::kinds::EventKind;
use crate::reason::{Counts, LossReason};
use crate::stream::journal::{Loss, Record};
use crate::wire::{Frame, FrameType, Hello, RawFrame, RtFlow, split_frame};

/// The unknown types that were met, for an alarm once a type.
#[derive(Debug, Default)]
pub(super) struct UnknownTypes {
    met: [u64; 4],
    untold: Vec<u8>,
}

impl UnknownTypes {
    fn meet(&mut self, frame_type: u8) {
        let (word, bit) = (usize::from(frame_type / 64), 1 << (frame_type % 64));
        if self.met[word] & bit == 0 {
            self.met[word] |= bit;
            self.untold.push(frame_type);
        }
    }

    pub(super) fn take(&mut self) -> Option<u8> {
        self.untold.pop()
    }
}

impl Core {
    /// Takes whole frames from the front of the queue and says how many bytes they were.
    pub(super) fn take(&mut self, queue: &[u8], now: Time, journal: &mut impl Journal) -> usize {
        let mut at = self.greet(queue);
        while self.connection.as_ref().is_some_and(|connection| connection.closing.is_none()) {
            at += self.take_run(&queue[at..], now, journal);
            match split_frame(&queue[at..]) {
                Some(Ok(frame)) => {
                    self.take_one(&frame, now, journal);
                    at += frame.bytes.len();
                }
                Some(Err(_)) => self.close(HangUp::ProtocolError),
                None => break,
            }
        }
        at
    }

    /// Looks at the first frame of a connection, which tells the stream; takes it if it is a
    /// Hello. Also while the spool takes nothing: where the stream stands does not depend on it.
    pub(super) fn greet(&mut self, queue: &[u8]) -> usize {
        let is_first = self.connection.as_ref().is_some_and(|c| c.stream.is_none());
        match split_frame(queue) {
            Some(Ok(frame)) if is_first => {
                let frame_type = self.known_type(&frame);
                self.begin(&frame, frame_type);
                if frame_type == Some(FrameType::Hello) { frame.bytes.len() } else { 0 }
            }
            _ => 0,
        }
    }

    /// The events at the front that follow each other and can be read, as one record.
    fn take_run(&mut self, queue: &[u8], now: Time, journal: &mut impl Journal) -> usize {
        let Some(connection) = self.connection.as_mut() else {
            return 0;
        };
        let Some(stream) = connection.stream.and_then(|id| self.streams.get_mut(&id)) else {
            return 0;
        };
        let before = stream.at.position;
        let (mut position, mut end) = (before, 0);
        let mut kinds = Counts::<{ EventKind::COUNT }>::default();
        while let Some(Ok(frame)) = split_frame(&queue[end..]) {
            if position.checked_add(1) != Some(frame.header.sequence.get()) {
                break;
            }
            let frame_type = frame.header.frame_type();
            let known = frame_type.ok().filter(|t| is_known(*t, self.config.dialect));
            let Some(Ok(kind)) = known.map(|t| RtFlow::check(t, frame.payload())) else {
                break;
            };
            kinds.0[kind.index()] += 1;
            end += frame.bytes.len();
            position += 1;
        }
        if position > before {
            let (stream_id, count) = (stream.at.id, position - before);
            let bytes = &queue[..end];
            journal.append(&Record::Frames { stream: stream_id, first: before + 1, count, bytes });
            stream.at.apply_events(&kinds);
            connection.seen = position;
            self.dirty_since.get_or_insert(now);
        }
        end
    }

    fn take_one(&mut self, frame: &RawFrame<'_>, now: Time, journal: &mut impl Journal) {
        let sequence = frame.header.sequence.get();
        let frame_type = self.known_type(frame);
        if frame_type.map_or(sequence > 0, FrameType::is_numbered) {
            self.take_numbered(frame, frame_type, now, journal);
        } else {
            self.take_control(frame, frame_type, now, journal);
        }
    }

    /// The first frame of a connection tells which stream it carries: a Hello names it, and is
    /// answered with the position; anything else leaves the name that the peer has.
    fn begin(&mut self, frame: &RawFrame<'_>, frame_type: Option<FrameType>) {
        let hello = match (frame_type, frame.decode()) {
            (Some(FrameType::Hello), Ok(Frame::Hello(hello))) if hello.stream_id.get() != 0 => {
                Some(StreamId(hello.stream_id.get()))
            }
            (Some(FrameType::Hello), _) => {
                self.count_malformed(FrameType::Hello);
                None
            }
            _ => None,
        };
        let Some(connection) = self.connection.as_mut() else {
            return;
        };
        let id = hello.unwrap_or(connection.peer);
        connection.stream = Some(id);
        let known = self.streams.contains_key(&id);
        let generation = self.generation;
        let stream = self.streams.entry(id).or_insert_with(|| Stream::new(StreamPosition::new(id)));
        stream.touched = generation;
        if known {
            self.counters.streams_known += 1;
        } else {
            self.counters.streams_new += 1;
        }
        if hello.is_some() {
            let position = stream.durable_ackable();
            connection.told = position;
            let known = if known { id.0 } else { 0 };
            self.outbox.control(&Frame::Hello(Hello::of_collector(known, position)));
        }
        self.forget_old_streams();
    }

    /// A number is applied once, lost once, or has been one of the two before.
    fn take_numbered(
        &mut self,
        frame: &RawFrame<'_>,
        frame_type: Option<FrameType>,
        now: Time,
        journal: &mut impl Journal,
    ) {
        let sequence = frame.header.sequence.get();
        let Some(connection) = self.connection.as_mut() else {
            return;
        };
        let Some(stream) = connection.stream.and_then(|id| self.streams.get_mut(&id)) else {
            return;
        };
        if sequence == 0 {
            self.counters.unnumbered += 1;
            return;
        }
        connection.seen = connection.seen.max(sequence);
        let position = stream.at.position;
        #[cfg(test)]
        let position = if self.bug == Some(Bug::NoDeduplication) { sequence - 1 } else { position };
        if sequence <= position {
            self.counters.duplicates += 1;
            // A flush begun for an earlier connection may yet make it durable, but will not ack.
            self.sync_wanted |= stream.durable_position() < sequence;
            return;
        }
        self.dirty_since.get_or_insert(now);
        let nobody = self.config.replication == Replication::Standalone;
        if sequence - position > 1 {
            self.counters.gaps += 1;
            take_gap(stream, position + 1, sequence - 1, journal);
        }
        if nobody {
            stream.at.skip_resync();
        }
        let loss = |reason| Loss { stream: stream.at.id, first: sequence, last: sequence, reason };
        let readable = frame_type.map(|_| Frame::check(&frame.header, frame.payload()));
        let loss = match readable {
            Some(Ok(frame_type)) => {
                let (stream_id, bytes) = (stream.at.id, frame.bytes);
                let (first, count) = (sequence, 1);
                journal.append(&Record::Frames { stream: stream_id, first, count, bytes });
                stream.at.apply(frame_type, sequence);
                if nobody && stream.at.skip_resync() {
                    self.counters.resyncs_skipped += 1;
                }
                return;
            }
            Some(Err(_)) => loss(LossReason::Quarantined),
            None => loss(LossReason::UnknownType),
        };
        journal.append(&Record::Aside { loss, bytes: frame.bytes });
        stream.at.lose(&loss);
        match frame_type {
            Some(frame_type) => self.count_malformed(frame_type),
            None => self.count_unknown(frame),
        }
    }

    fn take_control(
        &mut self,
        frame: &RawFrame<'_>,
        frame_type: Option<FrameType>,
        now: Time,
        journal: &mut impl Journal,
    ) {
        let Some(frame_type) = frame_type else {
            return self.count_unknown(frame);
        };
        let Some(connection) = self.connection.as_mut() else {
            return;
        };
        match frame.decode() {
            Ok(Frame::Keepalive) => {
                self.counters.keepalives += 1;
                // Answered with the state, in case that a Resume was lost.
                if connection.was_paused && connection.paused.is_none() {
                    connection.flow_due = Some(false);
                }
            }
            Ok(Frame::DrainComplete) => connection.drained = Some(frame.header.sequence.get()),
            Ok(Frame::LossReport(report)) => {
                self.counters.loss_reports += 1;
                if let Some(stream) = connection.stream {
                    self.reported = Some((stream, report));
                    self.dirty_since.get_or_insert(now);
                    journal.append(&Record::Report { stream, bytes: frame.payload() });
                }
            }
            Ok(_) => self.counters.unexpected += 1,
            Err(_) => self.count_malformed(frame_type),
        }
    }

    fn known_type(&self, frame: &RawFrame<'_>) -> Option<FrameType> {
        let frame_type = frame.header.frame_type().ok();
        frame_type.filter(|frame_type| is_known(*frame_type, self.config.dialect))
    }

    fn count_malformed(&mut self, frame_type: FrameType) {
        self.counters.malformed.0[usize::from(frame_type as u8) - 1] += 1;
    }

    fn count_unknown(&mut self, frame: &RawFrame<'_>) {
        self.counters.unknown_types += 1;
        self.unknown.meet(frame.header.frame_type);
    }

    fn close(&mut self, reason: HangUp) {
        if let Some(connection) = self.connection.as_mut() {
            connection.closing.get_or_insert(reason);
        }
    }

    /// Keeps the memory bounded when producers without a Hello come and go: the stream that was
    /// connected the longest time ago goes, once all of it is durable and done with.
    fn forget_old_streams(&mut self) {
        if self.streams.len() <= STREAMS_MAX {
            return;
        }
        let done = |stream: &&Stream| {
            stream.durable_position() == stream.at.position
                && stream.at.resync_needed().is_none()
                && stream.touched != self.generation
        };
        let oldest = self.streams.values().filter(done).min_by_key(|stream| stream.touched);
        if let Some(id) = oldest.map(|stream| stream.at.id) {
            self.streams.remove(&id);
            self.counters.streams_forgotten += 1;
        }
    }
}

/// Numbers that will not come.
fn take_gap(stream: &mut Stream, first: u64, last: u64, journal: &mut impl Journal) {
    let gap = Loss { stream: stream.at.id, first, last, reason: LossReason::Evicted };
    journal.append(&Record::Lost(gap));
    stream.at.lose(&gap);
}

/// Whether the frame type is one that the dialect has.
const fn is_known(frame_type: FrameType, dialect: Dialect) -> bool {
    match dialect {
        Dialect::Weir => true,
        Dialect::Xpf => !frame_type.is_extension(),
    }
}

/// Streams whose position is remembered.
const STREAMS_MAX: usize = 1024;
