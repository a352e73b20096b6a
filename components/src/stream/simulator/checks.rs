//! What must hold: of every frame that passes, after every step, and at the end, when everything
//! that was promised must have come true.

use core::time::Duration;

use crate::reason::LossReason;
use crate::stream::simulator::frames::Class;
use crate::stream::simulator::link::tap;
use crate::stream::simulator::plan::Who;
use crate::stream::simulator::truth::Truth;
use crate::stream::simulator::world::{Peer, World};
use crate::stream::{
    Dialect, Ended, Figures, Loss, ProducerFigures, Record, Replication, StreamId, StreamPosition,
    identities,
};
use crate::wire::{FrameHeader, FrameType};

fn number(header: &FrameHeader) -> Option<u64> {
    let sequence = header.sequence.get();
    let numbered = header.frame_type().map_or(sequence > 0, FrameType::is_numbered);
    numbered.then_some(sequence)
}

/// Frames as `type:sequence`.
fn trace(on: bool, what: &str, frames: &[(FrameHeader, Vec<u8>)]) {
    if on && !frames.is_empty() {
        let told = frames.iter().map(|(header, payload)| {
            let frame_type = header.frame_type().map_or("unknown", FrameType::label);
            let position = payload.get(16..24).and_then(|bytes| bytes.try_into().ok());
            let sequence = position.map_or(header.sequence.get(), u64::from_le_bytes);
            format!("{frame_type}:{sequence}")
        });
        let told: Vec<String> = told.collect();
        #[expect(clippy::print_stdout, reason = "the trace of a seed is for whoever asked")]
        {
            println!("                 {what} {}", told.join(" "));
        }
    }
}

impl World {
    /// What the producer wrote: whole frames, Hello first, numbers in order without a hole that
    /// nothing explains.
    pub(super) fn check_written(&mut self, bytes: &[u8]) {
        let Some(link) = self.link.as_mut() else {
            return;
        };
        let speaks = self.plan.who == Who::Ours(Dialect::Weir);
        let acked = match &self.peer {
            Peer::Ours(producer) => producer.ring().acked(),
            Peer::Foreign(_) | Peer::Dead(_) => 0,
        };
        let truth = &self.truth[&link.stream];
        let frames = tap(&mut link.written, bytes);
        trace(self.trace, "producer writes", &frames);
        for (header, _) in frames {
            let is_first = link.frames_written == 0;
            link.frames_written += 1;
            assert_eq!(header.frame_type == 14, speaks && is_first, "Hello comes first, and once");
            let known = header.frame_type().ok();
            assert!(
                speaks || known.is_none_or(|frame_type| !frame_type.is_extension()),
                "{known:?} in the dialect of the contract"
            );
            let Some(number) = number(&header) else {
                continue;
            };
            let last = link.last_written;
            assert!(number > last, "{number} written after {last}");
            if last > 0 {
                for missing in last + 1..number {
                    // A late Hello may tell that they were applied on an earlier connection.
                    let excused = missing <= acked || truth.is_gone(missing);
                    assert!(excused, "{missing} left out before {number}");
                }
            }
            link.last_written = number;
        }
    }

    pub(super) fn check_delivered(&mut self, bytes: &[u8]) {
        let Some(link) = self.link.as_mut() else {
            return;
        };
        let frames = tap(&mut link.delivered, bytes);
        trace(self.trace, "collector has", &frames);
        for (header, _) in frames {
            link.seen = link.seen.max(number(&header).unwrap_or(0));
        }
    }

    pub(super) fn check_heard(&mut self, bytes: &[u8]) {
        let Some(link) = self.link.as_mut() else {
            return;
        };
        let frames = tap(&mut link.heard, bytes);
        trace(self.trace, "producer has", &frames);
        for (header, _) in frames {
            match (header.frame_type, header.length.get()) {
                (5, 0) => link.paused = true,
                (6, 0) => link.paused = false,
                _ => {}
            }
        }
    }

    /// What the collector says is durable, done, and about this connection.
    pub(super) fn check_said(&mut self, bytes: &[u8]) {
        let Some(link) = self.link.as_mut() else {
            return;
        };
        let kept = self.disk.kept(link.stream);
        let durable = kept.map_or(0, |kept| kept.position);
        let replicated = self.plan.collector.replication == Replication::Replicated;
        let frames = tap(&mut link.said, bytes);
        trace(self.trace, "collector writes", &frames);
        for (header, payload) in frames {
            let position = match header.frame_type {
                4 => {
                    let position = header.sequence.get();
                    assert!(
                        position <= link.seen,
                        "{position} is acked, but only {} came on this connection",
                        link.seen
                    );
                    assert!(position > link.told, "{position} is acked after {}", link.told);
                    position
                }
                14 => {
                    assert!(!link.has_said, "Hello comes first");
                    assert_eq!(self.plan.collector.dialect, Dialect::Weir);
                    u64::from_le_bytes(payload[16..24].try_into().expect("eight bytes"))
                }
                5..=7 => link.told,
                other => panic!("a collector says {other}"),
            };
            link.has_said = true;
            link.told = position;
            assert!(position <= durable, "{position} is told, but {durable} is durable");
            let waits = kept.and_then(|kept| kept.unresynced.first()).filter(|_| replicated);
            assert!(
                waits.is_none_or(|waits| position < *waits),
                "{position} is told, but the resynchronisation of {waits:?} is not done"
            );
        }
    }

    /// After every step.
    pub(super) fn check(&mut self) {
        if let Peer::Ours(producer) = &self.peer {
            let truth = &self.truth[&self.stream];
            let durable = self.disk.kept(self.stream).map_or(0, |kept| kept.position);
            let acked = producer.ring().acked();
            assert!(
                acked <= durable.max(truth.waived).max(truth.first() - 1),
                "the producer takes {acked} for acked, but {durable} is durable"
            );
        }
        self.check_promptness();
        let Some(collector) = self.collector.as_deref() else {
            return;
        };
        let last = match &self.peer {
            Peer::Ours(producer) => producer.ring().last_sequence(),
            Peer::Foreign(foreign) => foreign.next - 1,
            Peer::Dead(Some(ring)) => ring.last_sequence(),
            Peer::Dead(None) => u64::MAX,
        };
        for stream in collector.streams() {
            let accounted = stream.applied.total() + stream.lost.total();
            assert_eq!(stream.position, accounted, "position = applied + lost");
            let last = self.truth.get(&stream.id).map_or(0, |truth| truth.ended_at.unwrap_or(last));
            assert!(stream.position <= last, "{} of {last} numbers", stream.position);
        }
    }

    /// While the spool takes records, what was appended is about to be synced, and what may be
    /// acked is acked: nothing waits for something else to happen.
    fn check_promptness(&mut self) {
        let replicated = self.plan.collector.replication == Replication::Replicated;
        let Some(collector) = self.collector.as_deref_mut() else {
            return;
        };
        let Some(link) = self.link.as_ref().filter(|link| link.collector_open) else {
            return;
        };
        if !self.spool_ready || self.flush.is_some() || collector.connected_stream().is_none() {
            return;
        }
        let Some(kept) = self.disk.kept(link.stream) else {
            return;
        };
        let soon = self.now.after(self.plan.collector.commit_delay);
        if kept.position < collector.stream(link.stream).map_or(0, |stream| stream.position) {
            assert!(collector.deadline().is_some_and(|at| at <= soon), "no sync is to come");
        } else if self.disk.is_synced() && collector.next_write().is_empty() {
            let waits = kept.unresynced.first().filter(|_| replicated);
            let position = kept.position.min(waits.map_or(u64::MAX, |waits| waits - 1));
            let may = position.min(link.seen);
            assert!(link.told >= may, "{may} may be acked, and {} is", link.told);
        }
    }

    /// No more faults: everything must come to rest.
    pub(super) fn quiesce(&mut self) {
        self.say(|_| "no more faults".to_owned());
        self.start_producer();
        self.start_collector();
        self.turn_spool(true);
        self.turn_replication(true);
        for _ in 0..ROUNDS_MAX {
            if self.is_at_rest() {
                return;
            }
            self.round();
        }
        panic!("it never drains: {:?}", self.producer().map(|producer| producer.ring()));
    }

    fn round(&mut self) {
        let mut moved = self.connect();
        moved |= self.producer_writes(false);
        moved |= self.collector_reads();
        moved |= self.sync_ends(false);
        moved |= self.resync_ends(false);
        moved |= self.collector_writes();
        moved |= self.producer_reads();
        self.check();
        if moved {
            return self.wait(Duration::from_micros(200));
        }
        let producer = self.producer().and_then(|producer| producer.deadline());
        let collector = self.collector.as_deref();
        let accepts_at = collector.map(|collector| collector.accepts_at());
        let accepts_at = accepts_at.filter(|at| *at > self.now);
        let collector = collector.and_then(|collector| collector.deadline());
        let next = [producer, collector, accepts_at].into_iter().flatten().min();
        let pause = next.map_or(Duration::from_millis(10), |next| next.since(self.now));
        self.wait(pause.max(Duration::from_micros(1)));
    }

    fn is_at_rest(&self) -> bool {
        let delivered = match &self.peer {
            Peer::Ours(producer) => {
                producer.ring().retained() == 0 && !producer.ring().owes_resync()
            }
            Peer::Foreign(foreign) => foreign.is_at_rest(),
            Peer::Dead(_) => false,
        };
        delivered && self.flush.is_none() && self.resync.is_none()
    }

    /// At rest: what was promised.
    pub(super) fn finish(&mut self) {
        let ids: Vec<StreamId> = self.truth.keys().copied().collect();
        for id in ids {
            self.check_spool(id);
        }
        self.check_identities();
        self.check_end();
    }

    /// The spool tells each number of a stream once and in order: the very frame that was
    /// accepted, or a loss that really was one, with a FullResync behind it.
    fn check_spool(&mut self, id: StreamId) {
        let truth = &self.truth[&id];
        let (mut position, mut stale, mut needed, mut aside) = (0, None, None, 0);
        let mut last_resync = 0;
        for record in self.disk.records().filter(|record| record.stream() == id) {
            let (first, last) = match record {
                Record::Frames { first, count, bytes, .. } => {
                    let resync = check_frames(truth, first, count, bytes);
                    stale = stale.filter(|_| resync.is_none());
                    last_resync = resync.unwrap_or(last_resync);
                    (first, first + count - 1)
                }
                Record::Lost(Loss { first, last, reason, .. }) => {
                    assert_eq!(reason, LossReason::Evicted);
                    for sequence in first.max(truth.first())..=last {
                        assert!(truth.is_gone(sequence), "{sequence} is lost for no reason");
                        // What went with a spool, the FullResync included, was acked once.
                        let owed = truth.is_evicted(sequence) && sequence > truth.waived;
                        stale = Some(sequence).filter(|_| owed).or(stale);
                    }
                    needed = Some(last);
                    (first, last)
                }
                Record::Aside { loss, bytes } => {
                    let (class, tag) = truth.frame(loss.first);
                    assert_eq!(bytes, class.bytes(loss.first, tag), "kept as it came");
                    match class {
                        Class::Malformed(_) if bytes[4] <= 13 || self.plan.greets() => {
                            assert_eq!(loss.reason, LossReason::Quarantined);
                        }
                        Class::Resync | Class::Session(_) => panic!("{class:?} set aside"),
                        _ => assert_eq!(loss.reason, LossReason::UnknownType, "{class:?}"),
                    }
                    aside += 1;
                    (loss.first, loss.last)
                }
                Record::Resynced { through, .. } => {
                    needed = needed.filter(|last| *last > through);
                    continue;
                }
                Record::Report { .. } => continue,
            };
            assert_eq!(first, position + 1, "each number once, in order");
            position = last;
        }
        if truth.ended_at.is_none() {
            assert_eq!(stale, None, "lost, and no FullResync behind it");
            let covered = truth
                .resync_above
                .is_none_or(|last| last_resync > last || truth.was_resynced_behind(last));
            assert!(covered, "a session frame was refused, and no FullResync came after it");
            let unresynced = self.disk.kept(id).map_or(0, |kept| kept.unresynced.len());
            let replicated = self.plan.collector.replication == Replication::Replicated;
            let done = unresynced == 0 && needed.is_none();
            assert!(!replicated || done, "a resynchronisation is not done");
        }
        self.mark("frames set aside", aside);
    }

    fn check_identities(&self) {
        let nothing = StreamPosition::new(self.stream);
        let collector = self.collector.as_deref().expect("it was started");
        let stream = collector.stream(self.stream).unwrap_or(&nothing);
        let counts = self.disk.records().filter(|record| record.stream() == self.stream);
        let counts = counts.map(|record| match record {
            Record::Frames { count, .. } => count,
            _ => 0,
        });
        let distinct = Some(counts.sum());
        let producer = match &self.peer {
            Peer::Ours(producer) => {
                ProducerFigures::new(producer, self.truth[&self.stream].generated)
            }
            Peer::Foreign(foreign) => {
                assert_eq!(stream.position, foreign.next - 1);
                return;
            }
            Peer::Dead(_) => panic!("it was started"),
        };
        let figures = Figures { producer, stream, distinct, sinks: &[], at_rest: true };
        for identity in identities(&figures) {
            assert_eq!(identity.left, identity.right, "{}", identity.name);
        }
    }

    /// A drain is answered with the last number; then the producer ends in order, everything
    /// acked and its last figures in the spool.
    fn check_end(&mut self) {
        let deadline = self.now.after(Duration::from_secs(120));
        let Some(last) = self.producer().map(|producer| producer.ring().last_sequence()) else {
            return;
        };
        let mut rounds = 0;
        while self.collector.as_deref().and_then(|collector| collector.drained()) != Some(last) {
            // A connection that ends takes the request with it.
            if rounds % 100 == 0 {
                self.collector.as_deref_mut().expect("it was started").drain(u64::MAX);
            }
            rounds += 1;
            assert!(rounds < ROUNDS_MAX, "a drain is not answered");
            self.round();
        }
        if let Some(producer) = self.producer() {
            producer.shutdown(deadline);
        }
        let mut ended = None;
        while ended.is_none() {
            self.round();
            let now = self.now;
            ended = self.producer().and_then(|producer| producer.ended(now));
        }
        assert_eq!(ended, Some(Ended::AllAcked));
        if self.plan.greets() && self.link.is_some() {
            for _ in 0..ROUNDS_OF_A_REPORT {
                self.round();
            }
            self.check_report();
        }
    }

    /// The last LossReport says what was generated.
    fn check_report(&mut self) {
        let reports = self.disk.records().filter_map(|record| match record {
            Record::Report { stream, bytes } if stream == self.stream => Some(bytes),
            _ => None,
        });
        let report = reports.last().expect("the last figures are reported");
        let generated = self.truth[&self.stream].generated;
        for (kind, expected) in report.chunks_exact(40).zip(generated.0) {
            let told = u64::from_le_bytes(kind[..8].try_into().expect("eight bytes"));
            assert_eq!(told, expected, "events generated, as last reported");
        }
        self.mark("last reports", 1);
    }
}

/// The frames are those that were accepted; gives the number of the last FullResync among them.
fn check_frames(truth: &Truth, first: u64, count: u64, mut bytes: &[u8]) -> Option<u64> {
    let mut resync = None;
    for sequence in first..first + count {
        let (class, tag) = truth.frame(sequence);
        let expected = class.bytes(sequence, tag);
        let (frame, rest) = bytes.split_at(expected.len());
        assert_eq!(frame, expected, "{sequence} is what was accepted");
        let readable = !matches!(class, Class::Malformed(_) | Class::Unknown(_));
        assert!(readable, "{sequence} cannot be read");
        resync = Some(sequence).filter(|_| class == Class::Resync).or(resync);
        bytes = rest;
    }
    assert!(bytes.is_empty());
    resync
}

/// The socket takes at least a byte a round.
const ROUNDS_OF_A_REPORT: usize = 300;
/// More than any run needs that drains at all.
const ROUNDS_MAX: usize = 200_000;
