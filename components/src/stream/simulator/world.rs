//! Everything that there is in a run: two processes that may be dead, what survives them, the
//! socket between them, the disk, the clock, and the truth.

use std::collections::BTreeMap;

use crate::kinds::EventKind;
use crate::ring::{ReplayRing, RingConfig};
use crate::stream::bug::Bug;
use crate::stream::simulator::disk::Disk;
use crate::stream::simulator::foreign::Foreign;
use crate::stream::simulator::frames::Class;
use crate::stream::simulator::link::Link;
use crate::stream::simulator::plan::{Plan, Who};
use crate::stream::simulator::random::Random;
use crate::stream::simulator::truth::Truth;
use crate::stream::{Collector, Producer, Resync, StreamId, SyncToken, Time};

/// How often what happened; a name that never comes up was never tested.
pub(super) type Sometimes = BTreeMap<&'static str, u64>;

/// The producer's process.
#[derive(Debug)]
pub(super) enum Peer {
    Ours(Box<Producer>),
    Foreign(Foreign),
    /// Dead, with a ring that its successor takes over.
    Dead(Option<Box<ReplayRing>>),
}

/// A sync that was begun.
#[derive(Debug)]
pub(super) struct Flush {
    pub(super) token: SyncToken,
    pub(super) length: usize,
}

#[derive(Debug)]
pub(super) struct World {
    pub(super) random: Random,
    pub(super) plan: Plan,
    pub(super) bug: Option<Bug>,
    pub(super) now: Time,
    pub(super) peer: Peer,
    /// The stream that the producer's process is in, as the collector will call it.
    pub(super) stream: StreamId,
    pub(super) streams: u64,
    pub(super) collector: Option<Box<Collector>>,
    pub(super) disk: Disk,
    pub(super) flush: Option<Flush>,
    pub(super) resync: Option<Resync>,
    pub(super) link: Option<Link>,
    pub(super) spool_ready: bool,
    pub(super) replication_ready: bool,
    pub(super) truth: BTreeMap<StreamId, Truth>,
    pub(super) tag: u64,
    pub(super) sometimes: Sometimes,
    pub(super) trace: bool,
}

impl World {
    pub(super) fn new(seed: u64, bug: Option<Bug>, trace: bool) -> Self {
        let mut random = Random::new(seed);
        let plan = Plan::new(&mut random);
        let mut world = Self {
            random,
            plan,
            bug,
            now: Time::from_ns(1_000_000_000),
            peer: Peer::Dead(None),
            stream: StreamId(0),
            streams: 0,
            collector: None,
            disk: Disk::default(),
            flush: None,
            resync: None,
            link: None,
            spool_ready: true,
            replication_ready: true,
            truth: BTreeMap::new(),
            tag: 0,
            sometimes: Sometimes::new(),
            trace,
        };
        world.say(|world| format!("seed {seed}: {:?}", world.plan));
        world.start_producer();
        world.start_collector();
        world
    }

    pub(super) fn mark(&mut self, name: &'static str, count: u64) {
        *self.sometimes.entry(name).or_default() += count;
    }

    pub(super) fn say(&self, line: impl Fn(&Self) -> String) {
        if self.trace {
            let text = line(self);
            #[expect(clippy::print_stdout, reason = "the trace of a seed is for whoever asked")]
            {
                println!("{:>12.3} ms  {text}", self.now.ns() as f64 / 1e6);
            }
        }
    }

    pub(super) fn truth(&mut self) -> &mut Truth {
        self.truth.get_mut(&self.stream).expect("a stream has its truth from the start")
    }

    pub(super) fn producer(&mut self) -> Option<&mut Producer> {
        match &mut self.peer {
            Peer::Ours(producer) => Some(producer),
            Peer::Foreign(_) | Peer::Dead(_) => None,
        }
    }

    pub(super) fn start_producer(&mut self) {
        let Peer::Dead(ring) = &mut self.peer else {
            return;
        };
        if let Some(ring) = ring.take() {
            self.mark("rings taken over", 1);
            return self.run_producer(*ring);
        }
        self.streams += 1;
        self.stream = StreamId(1000 + self.streams);
        let first = if self.plan.who == Who::Foreign { 1 } else { self.plan.start_sequence };
        self.truth.insert(self.stream, Truth::new(first));
        if self.plan.who == Who::Foreign {
            self.peer = Peer::Foreign(Foreign::new(self.plan.ring_frames));
            return;
        }
        let ring = ReplayRing::new(&self.ring_config());
        self.run_producer(ring.expect("a power of two and a start above 0"));
    }

    fn ring_config(&self) -> RingConfig {
        RingConfig {
            capacity_frames: self.plan.ring_frames,
            stream_id: self.stream.0,
            start_sequence: self.plan.start_sequence,
            overflow: self.plan.overflow,
            quotas: self.plan.quotas,
        }
    }

    /// What the next process finds of the ring. The one that dies may have been in the middle of
    /// an append, whose state it had not published, or a slot may be damaged.
    fn leave_ring(&mut self, mut producer: Producer) -> ReplayRing {
        if self.plan.start_sequence > 1 {
            // Near the end of the numbers none may be left for a FullResync that a hole owes.
            let mut ring = producer.into_ring();
            ring.assume_written();
            return ring;
        }
        let state = producer.ring().state(0, &producer.refused_upstream());
        let (tail, head) = (producer.ring().oldest(), producer.ring().next_sequence());
        if self.random.one_in(4) && head < u64::MAX {
            self.tag += 1;
            let frame = Class::Event(EventKind::PolicyDeny).frame(self.tag).expect("an event");
            producer.append(&[frame]);
            self.mark("deaths between append and publication", 1);
            if producer.ring().next_sequence() > head {
                let under = head.saturating_sub(self.plan.ring_frames as u64);
                let overwritten = under >= tail;
                self.truth().evict(under.max(tail), if overwritten { under } else { 0 });
            }
        }
        let torn =
            (self.random.one_in(8) && tail < head).then(|| tail + self.random.below(head - tail));
        // The successor is of our version: a frame from the future is no frame to it.
        for sequence in tail..head {
            if matches!(self.truth().frame(sequence).0, Class::Unknown(_)) {
                self.truth().evict(sequence, sequence);
            }
        }
        if let Some(torn) = torn {
            self.truth().evict(torn, torn);
            self.mark("torn slots", 1);
        }
        self.say(|_| format!("leaves {tail}..{head}, torn {torn:?}"));
        if let Some(number) = producer.ring().resync_number() {
            // It gives its number up if a frame behind it is gone.
            self.truth().give_up(number, number);
        }
        let ring = producer.into_ring().taken_over(&self.ring_config(), &state, torn);
        ring.expect("a state that a ring was in")
    }

    fn run_producer(&mut self, ring: ReplayRing) {
        let mut producer = Producer::new(ring, self.plan.producer.clone());
        producer.set_bug(self.bug);
        producer.set_upstream(&self.truth[&self.stream].upstream);
        self.peer = Peer::Ours(Box::new(producer));
        self.say(|world| format!("producer starts, stream {}", world.stream.0));
    }

    pub(super) fn start_collector(&mut self) {
        if self.collector.is_some() {
            return;
        }
        let mut collector = Collector::new(self.plan.collector.clone(), self.disk.scan());
        collector.set_bug(self.bug);
        collector.spool_ready(self.spool_ready);
        collector.replication_ready(self.replication_ready);
        self.collector = Some(Box::new(collector));
        self.say(|_| "collector starts".to_owned());
    }

    /// The name that the operating system gives to the producer's process. A process that may
    /// have a successor in its stream says Hello, and its name must not matter.
    pub(super) fn peer_name(&self) -> StreamId {
        if self.plan.greets() { StreamId(77) } else { self.stream }
    }

    /// The producer's process dies. What is in the socket may still arrive.
    pub(super) fn kill_producer(&mut self, ring_survives: bool) {
        let peer = core::mem::replace(&mut self.peer, Peer::Dead(None));
        self.say(|_| "producer dies".to_owned());
        if let Some(link) = &mut self.link {
            link.producer_open = false;
        }
        match peer {
            Peer::Ours(producer) => {
                self.add_producer_counters(&producer);
                if self.plan.greets() && ring_survives {
                    let ring = self.leave_ring(*producer);
                    self.peer = Peer::Dead(Some(Box::new(ring)));
                    return;
                }
                let ring = producer.into_ring();
                let last = ring.last_sequence();
                self.truth().ended_at = Some(last);
            }
            Peer::Foreign(foreign) => self.truth().ended_at = Some(foreign.next - 1),
            Peer::Dead(Some(ring)) if !ring_survives => {
                self.truth().ended_at = Some(ring.last_sequence());
            }
            dead @ Peer::Dead(_) => self.peer = dead,
        }
        self.tidy_link();
    }

    pub(super) fn kill_collector(&mut self) {
        let Some(collector) = self.collector.take() else {
            return;
        };
        self.say(|_| "collector dies".to_owned());
        self.add_collector_counters(&collector);
        self.disk.crash(&mut self.random);
        self.flush = None;
        self.resync = None;
        if let Some(link) = &mut self.link {
            link.collector_open = false;
            link.to_collector.clear();
        }
        self.tidy_link();
    }

    /// A link that both have left is gone.
    pub(super) fn tidy_link(&mut self) {
        if self.link.as_ref().is_some_and(|link| !link.producer_open && !link.collector_open) {
            self.link = None;
        }
    }

    pub(super) fn add_producer_counters(&mut self, producer: &Producer) {
        let (counters, ring) = (*producer.counters(), *producer.ring().counters());
        for (name, count) in [
            ("pauses heard", counters.pauses),
            ("drains asked for", counters.drains),
            ("keepalives", counters.keepalives),
            ("loss reports", counters.loss_reports),
            ("hellos unanswered", counters.hellos_unanswered),
            ("streams unknown to the collector", counters.streams_unknown),
            ("hang-ups after an ack beyond", counters.hang_ups.0[2]),
            ("hang-ups after a pause", counters.hang_ups.0[4]),
            ("full rings", ring.refused.total()),
            ("evictions", ring.evicted.total()),
            ("session frames", ring.sessions.total()),
            ("session frames refused", ring.sessions_refused.total()),
            ("session frames evicted", ring.sessions_evicted.total()),
            ("forgotten by the collector", ring.forgotten),
            ("resyncs", ring.resyncs),
            ("frames replayed", ring.replayed),
            ("acks repeated", ring.acks_duplicate),
            ("acks regressed", ring.acks_regressed),
        ] {
            self.mark(name, count);
        }
    }

    pub(super) fn add_collector_counters(&mut self, collector: &Collector) {
        let counters = *collector.counters();
        for (name, count) in [
            ("duplicates", counters.duplicates),
            ("gaps", counters.gaps),
            ("malformed frames", counters.malformed.total()),
            ("unknown types", counters.unknown_types),
            ("pauses said", counters.pauses),
            ("resumes said", counters.resumes),
            ("resyncs done", counters.resyncs_done),
            ("resyncs failed", counters.resyncs_failed),
            ("resyncs skipped", counters.resyncs_skipped),
            ("stale flushes", counters.stale_flushes),
            ("syncs failed", counters.syncs_failed),
            ("queued bytes dropped", counters.dropped_bytes),
            ("connections refused", counters.refused.total()),
        ] {
            self.mark(name, count);
        }
    }
}
