//! One worker between a port that has every packet ready and a ring whose reader is never late: the
//! whole path but for receiving and transmitting. Bursts are filled and the ring is emptied outside
//! the measured time.

use std::sync::Arc;

use components::columns::LinkType;
use components::ids::IfIndex;
use components::reason::{Counts, RefuseReason};
use components::ring::{ReplayRing, RingConfig};
use components::world::World;
use systems::schedule::Schedule;
use systems::shard::Outbox;

use super::BenchError;
use super::clock::Tsc;
use crate::collector::InlineCollector;
use crate::ledger::{Delivery, Ledger, Totals};
use crate::port::{Arrival, Burst, PortCounters, Transmit};
use crate::replay::stream::RingFigures;
use crate::replay::worker::{Output, Worker};

/// A worker with everything around it.
pub(crate) struct Line {
    world: Arc<World>,
    worker: Worker,
    burst: Burst,
    outside: Outside,
    clock_ns: u64,
    received: u64,
    received_bytes: u64,
}

/// A packet that comes in next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Given<'f> {
    pub(crate) frame: &'f [u8],
    pub(crate) wire_length: u32,
    pub(crate) link: LinkType,
    pub(crate) ingress: IfIndex,
    /// Since the packet before it.
    pub(crate) gap_ns: u64,
}

impl<'f> Given<'f> {
    /// A made-up frame of 64 bytes, as fast as ten million packets a second.
    pub(super) fn made_up(frame: &'f [u8], ingress: IfIndex) -> Self {
        let (wire_length, link) = (WIRE_LENGTH, LinkType::Ethernet);
        Self { frame, wire_length, link, ingress, gap_ns: GAP_NS }
    }
}

/// What a number of packets took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Took {
    pub(crate) packets: u64,
    pub(crate) clocks: u64,
    pub(crate) events: u64,
}

impl Took {
    /// Adds another number of packets.
    pub(super) fn add(&mut self, other: Self) {
        self.packets += other.packets;
        self.clocks += other.clocks;
        self.events += other.events;
    }
}

impl Line {
    /// For the configuration's world and a schedule; no batch spans a tick of `tick_ns`.
    pub(crate) fn new(
        world: Arc<World>,
        schedule: &Schedule,
        tick_ns: u64,
    ) -> Result<Self, BenchError> {
        let rows_max = *schedule.settings.batch.rows_max.get_ref();
        Ok(Self {
            worker: Worker::new(&world, schedule, 0),
            burst: Burst::new(rows_max, tick_ns),
            outside: Outside::new()?,
            clock_ns: START_NS,
            received: 0,
            received_bytes: 0,
            world,
        })
    }

    /// Rows of a batch from now on, at most those of the schedule.
    pub(crate) fn set_rows(&mut self, rows: usize) {
        self.burst.set_rows_max(rows);
    }

    /// Runs `packets` packets, as `next` gives them.
    pub(crate) fn run<'f>(
        &mut self,
        packets: u64,
        tsc: &Tsc,
        mut next: impl FnMut() -> Given<'f>,
    ) -> Took {
        let mut took = Took::default();
        let events = self.events();
        while took.packets < packets {
            let wanted = packets - took.packets;
            took.packets += self.fill(wanted, &mut next);
            let started = tsc.now();
            measured(&mut self.worker, &mut self.burst, &self.world, &mut self.outside);
            took.clocks += tsc.now() - started;
            self.outside.deliver();
        }
        took.events = self.events() - events;
        took
    }

    /// Runs packets that nobody measures.
    pub(crate) fn warm<'f>(&mut self, packets: u64, mut next: impl FnMut() -> Given<'f>) {
        let mut done = 0;
        while done < packets {
            done += self.fill(packets - done, &mut next);
            self.worker.run(&mut self.burst, &self.world, &mut self.outside);
            self.outside.deliver();
        }
    }

    /// Lets every session end of itself; `packets` are the sessions.
    pub(super) fn age_out(&mut self, tsc: &Tsc) -> Took {
        let (events, active) = (self.events(), self.sessions());
        let deadline_ns = self.worker.shard().sessions.last_deadline_ns().unwrap_or(0);
        self.clock_ns = self.clock_ns.max(deadline_ns) + AFTER_NS;
        self.outside.excluded = Some(Excluded { tsc: tsc.clone(), clocks: 0 });
        let started = tsc.now();
        self.worker.expire(self.clock_ns, u64::MAX, &self.world, &mut self.outside);
        let clocks = tsc.now() - started;
        let excluded = self.outside.excluded.take().map_or(0, |excluded| excluded.clocks);
        self.outside.deliver();
        Took {
            packets: active - self.sessions(),
            clocks: clocks - excluded,
            events: self.events() - events,
        }
    }

    /// Live sessions.
    pub(super) fn sessions(&self) -> u64 {
        self.worker.shard().sessions.active() as u64
    }

    /// Bytes of the session table for each session that it can hold.
    pub(super) fn session_bytes(&self) -> u64 {
        let sessions = &self.worker.shard().sessions;
        (sessions.memory_bytes() / sessions.capacity()) as u64
    }

    /// Everything that was counted, and whether it adds up.
    pub(crate) fn ledger(&self) -> Ledger {
        let port = PortCounters {
            received: self.received,
            received_bytes: self.received_bytes,
            transmitted: self.outside.transmitted,
            answers: self.outside.answers,
        };
        let report = self.outside.collector.stream_report().clone();
        let totals = Totals::of([&self.worker]);
        Ledger::new(port, &totals, &self.outside.figures(), Delivery::Inline(report), Vec::new())
    }

    fn events(&self) -> u64 {
        self.worker.generated().iter().sum()
    }

    /// Fills the burst with at most `wanted` packets; how many will run.
    fn fill<'f>(&mut self, wanted: u64, next: &mut impl FnMut() -> Given<'f>) -> u64 {
        let mut pushed = 0;
        // A packet of the next tick waits in the burst; it was counted when it was pushed.
        while self.burst.wants_more() && (self.burst.len() as u64) < wanted {
            let given = next();
            self.clock_ns += given.gap_ns;
            self.burst.push(&Arrival {
                time_ns: self.clock_ns,
                frame: given.frame,
                wire_length: given.wire_length,
                link: given.link,
                ingress: given.ingress,
                index: self.received + pushed,
            });
            pushed += 1;
            self.received_bytes += u64::from(given.wire_length);
        }
        self.received += pushed;
        self.burst.len() as u64
    }
}

/// What the clock runs for, and what instructions are counted of: never inlined, so that a tool
/// finds it by its name.
#[inline(never)]
fn measured(worker: &mut Worker, burst: &mut Burst, world: &World, outside: &mut Outside) {
    worker.run(burst, world, outside);
}

/// Where packets and events go.
struct Outside {
    transmitted: u64,
    answers: u64,
    ring: ReplayRing,
    collector: InlineCollector,
    /// Time of emptying the ring where that cannot wait for the end of the measured time.
    excluded: Option<Excluded>,
}

struct Excluded {
    tsc: Tsc,
    clocks: u64,
}

impl Outside {
    fn new() -> Result<Self, BenchError> {
        Ok(Self {
            transmitted: 0,
            answers: 0,
            ring: ReplayRing::new(&RingConfig::new(RING_FRAMES, 1))?,
            collector: InlineCollector::new(Vec::new()),
            excluded: None,
        })
    }

    /// Has the collector read and acknowledge what is in the ring.
    fn deliver(&mut self) {
        loop {
            let unsent = self.ring.unsent();
            let frames = unsent.frames;
            if frames == 0 {
                break;
            }
            // A stream that cannot be read is not applied, and the ledger says so.
            let _ = self.collector.receive(unsent.first);
            let _ = self.collector.receive(unsent.second);
            self.ring.mark_sent(frames);
        }
        self.ring.ack(self.collector.ack());
    }

    fn figures(&self) -> RingFigures {
        let counters = self.ring.counters();
        let refused = std::array::from_fn(|kind: usize| {
            let mut refused = Counts::<{ RefuseReason::COUNT }>::default();
            refused.0[RefuseReason::RingFull.index()] = counters.refused.0[kind];
            refused
        });
        RingFigures {
            assigned: counters.assigned,
            refused,
            sessions: [counters.sessions, counters.sessions_refused],
            numbered: self.ring.last_sequence(),
            resyncs: counters.resyncs,
        }
    }
}

impl Output for Outside {
    fn transmit(&mut self, _index: u64, packet: Transmit<'_>) {
        self.transmitted += u64::from(!packet.is_answer);
        self.answers += u64::from(packet.is_answer);
    }

    fn events(&mut self, outbox: &mut Outbox, _indexes: impl Iterator<Item = u64>) {
        for block in outbox.blocks() {
            self.ring.append(block.frames());
        }
        if let Some(tsc) = self.excluded.as_ref().map(|excluded| excluded.tsc.clone()) {
            let started = tsc.now();
            self.deliver();
            let took = tsc.now() - started;
            self.excluded.iter_mut().for_each(|excluded| excluded.clocks += took);
        }
    }
}

/// 2026-03-02T08:00:00Z, where the generated captures begin.
pub(super) const START_NS: u64 = 1_772_438_400_000_000_000;
/// Ten million packets a second: the slowest clock that no target is behind.
const GAP_NS: u64 = 100;
/// When sessions have ended and their last tick is over.
const AFTER_NS: u64 = 1_000_000_000;
/// A frame of 64 bytes without its check sequence.
pub(super) const WIRE_LENGTH: u32 = 60;
/// A ring that stays in the second-level cache and takes the largest batch of one kind of event.
pub(super) const RING_FRAMES: usize = 4_096;
