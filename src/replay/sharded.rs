//! Several workers: a dispatcher parses and steers a chunk of packets, the workers run their shares
//! side by side, and what they put out is merged by packet number. Shards have their own session
//! ids and port ranges, so output differs from that of one worker in NAT ports; fates do not.
//! Screens with history have thresholds for the whole box: if any zone has one, the workers share
//! one memory of screens and take their turns in packet order, which is exact and uses one core.

use bumpalo::Bump;
use components::block::EventFrame;
use components::event::Events;
use components::ids::IfIndex;
use components::screen_state::ScreenState;
use components::session::record::Session;
use components::world::World;
use components::world::screen::ScreenAttack;
use rayon::prelude::*;
use systems::commit::CommitCounts;
use systems::parse::Parse;
use systems::schedule::Schedule;
use systems::schedule::settings::AtEnd;
use systems::shard::{Layer, Outbox, Shard};
use systems::steer::{Steer, Unsteerable};
use systems::system::System;

use super::agenda::{Agenda, Step};
use super::export::Export;
use super::stream::Stream;
use super::worker::{Output, Worker};
use crate::ledger::Totals;
use crate::port::{Arrival, Burst, Port, Transmit};

/// Packets that are spread before the workers run: enough that waking them costs little.
const CHUNK_PACKETS: usize = 16_384;

/// Runs the port dry.
///
/// # Errors
/// If the configuration cannot be spread over workers.
pub(super) fn run(
    agenda: &mut Agenda,
    schedule: &Schedule,
    port: &mut impl Port,
    stream: &mut Stream,
) -> Result<Totals, Unsteerable> {
    let settings = &schedule.settings;
    let workers = *settings.workers.get_ref();
    let mut dispatcher = Dispatcher::new(agenda.world(), schedule)?;
    for world in agenda.coming() {
        Steer::new(world, settings)?;
    }
    let mut crew = Crew::new(agenda.world(), schedule, workers);
    let mut export = Export::new(crew.lanes.len());
    loop {
        let next = dispatcher.fill(agenda, port, &mut crew);
        crew.lanes.par_iter_mut().for_each(|lane| lane.run(agenda.world()));
        merge(&mut crew.lanes, port, stream);
        export.look(stream.exports());
        if export.is_under_way() && stream.takes_export() {
            export.go_on(|lane, slot| {
                let Lane { worker, collected, .. } = &mut crew.lanes[lane];
                worker.export(slot, CHUNK_PACKETS, agenda.world(), collected)
            });
            merge(&mut crew.lanes, port, stream);
        }
        stream.tell(|| (port.counters(), Totals::of(crew.lanes.iter().map(|lane| &lane.worker))));
        let clock_ns = match next {
            Next::More => continue,
            Next::Commit(clock_ns) => clock_ns,
            Next::End => u64::MAX,
        };
        while let Some(step) = agenda.due(clock_ns) {
            let counts = commit(&step, schedule, &mut dispatcher, &mut crew);
            merge(&mut crew.lanes, port, stream);
            agenda.note(&step, counts);
            port.commit(&step.old.names, &step.new.names);
            stream.commit(&step.new);
        }
        if next == Next::End {
            break;
        }
    }
    let lanes = &mut crew.lanes;
    if settings.replay.at_end == AtEnd::AgeOut {
        let world = agenda.world();
        lanes.par_iter_mut().for_each(|lane| lane.worker.age_out(world, &mut lane.collected));
        merge(lanes, port, stream);
    }
    export.settle(stream, |stream, lane, slot| {
        let Lane { worker, collected, .. } = &mut lanes[lane];
        let next = worker.export(slot, CHUNK_PACKETS, agenda.world(), collected);
        merge(&mut lanes[lane..=lane], port, stream);
        next
    });
    Ok(Totals::of(lanes.iter().map(|lane| &lane.worker)))
}

/// Lets a new world take over in all workers, before the same packet: the next one.
fn commit(
    step: &Step,
    schedule: &Schedule,
    dispatcher: &mut Dispatcher,
    crew: &mut Crew,
) -> CommitCounts {
    let (settings, change) = (&schedule.settings, step.change());
    let steer = dispatcher.steer.after_commit(&step.new, settings);
    let steer = steer.expect("every world to come was tried at the start");
    let before = std::mem::replace(&mut dispatcher.steer, steer);
    let steer = &dispatcher.steer;
    let stays = |was: &Session, is: &Session| {
        before.of_session(was, &step.old) == steer.of_session(is, &step.new)
    };
    let index = match dispatcher.burst.is_empty() {
        true => u64::MAX,
        false => dispatcher.burst.index(0),
    };
    let mut evicted = 0;
    match (&mut crew.turns, Turns::are_needed(&step.new)) {
        (Some(turns), _) => {
            systems::commit::carry_screens(&mut turns.screens, &change, settings, &mut evicted);
        }
        (turns @ None, true) => *turns = Some(Turns::new(&step.new, schedule)),
        (None, false) => {}
    }
    let mut counts = CommitCounts::default();
    for lane in &mut crew.lanes {
        let output = &mut lane.collected;
        let carried = Some(std::mem::take(&mut evicted));
        if let Some(turns) = &mut crew.turns {
            lane.worker.swap_screens(&mut turns.screens);
        }
        counts.add(&lane.worker.commit(&change, index, carried, stays, output));
        if let Some(turns) = &mut crew.turns {
            lane.worker.swap_screens(&mut turns.screens);
        }
    }
    if !Turns::are_needed(&step.new) {
        crew.turns = None;
    }
    dispatcher.burst.rebind(|interface| step.interface(interface));
    counts
}

/// What comes after a chunk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    /// Another one.
    More,
    /// A commit, at this clock at the latest.
    Commit(u64),
    /// Nothing.
    End,
}

/// All workers, and their turns where they need them.
struct Crew {
    lanes: Vec<Lane>,
    turns: Option<Turns>,
}

impl Crew {
    fn new(world: &World, schedule: &Schedule, workers: u16) -> Self {
        // What screens remember lies with the turns: workers of their own need no room for it.
        let mut of_lanes = schedule.clone();
        of_lanes.settings.screen.entries = toml::Spanned::new(0..0, 1);
        Self {
            lanes: (0..workers).map(|number| Lane::new(world, &of_lanes, number)).collect(),
            turns: Turns::are_needed(world).then(|| Turns::new(world, schedule)),
        }
    }
}

/// Workers one after another in packet order, with one memory of screens.
struct Turns {
    screens: Box<ScreenState>,
    /// Whose turn it is.
    lane: usize,
    tick_ns: u64,
    clock_ns: u64,
}

impl Turns {
    fn are_needed(world: &World) -> bool {
        world.screens_watched() & ScreenAttack::WITH_HISTORY != 0
    }

    fn new(world: &World, schedule: &Schedule) -> Self {
        Self {
            screens: Box::new(systems::shard::screens_of(world, &schedule.settings)),
            lane: 0,
            tick_ns: *schedule.settings.session.tick_ms.get_ref() * 1_000_000,
            clock_ns: 0,
        }
    }

    /// Before a packet of worker `owner` is queued: runs what another one has queued, and when a
    /// tick begins ends everyone's sessions that are due, as one worker would.
    fn advance(&mut self, owner: u16, arrival: &Arrival<'_>, lanes: &mut [Lane], world: &World) {
        let clock_ns = self.clock_ns.max(arrival.time_ns);
        let new_tick = clock_ns / self.tick_ns > self.clock_ns / self.tick_ns;
        if usize::from(owner) != self.lane || new_tick {
            self.finish(lanes, world);
            self.lane = usize::from(owner);
        }
        self.clock_ns = clock_ns;
        for lane in lanes.iter_mut().filter(|_| new_tick) {
            lane.worker.swap_screens(&mut self.screens);
            lane.worker.expire(clock_ns, arrival.index, world, &mut lane.collected);
            lane.worker.swap_screens(&mut self.screens);
        }
        lanes[self.lane].clock_ns = clock_ns;
    }

    /// Runs what is queued.
    fn finish(&mut self, lanes: &mut [Lane], world: &World) {
        let lane = &mut lanes[self.lane];
        lane.worker.swap_screens(&mut self.screens);
        lane.run(world);
        lane.worker.swap_screens(&mut self.screens);
    }
}

/// A worker with its queue of bursts and what it put out.
struct Lane {
    worker: Worker,
    /// Bursts of this chunk; those from `filled` on are empty and kept for their memory.
    bursts: Vec<Burst>,
    filled: usize,
    rows_max: usize,
    tick_ns: u64,
    clock_ns: u64,
    collected: Collected,
}

/// Output of one chunk.
#[derive(Default)]
struct Collected {
    packets: Vec<Packet>,
    bytes: Vec<u8>,
    frames: Vec<(u64, EventFrame)>,
}

#[derive(Clone, Copy)]
struct Packet {
    index: u64,
    time_ns: u64,
    egress: IfIndex,
    offset: usize,
    length: usize,
    wire_length: u32,
    layer: Layer,
    is_answer: bool,
}

/// Parses and steers. Its own table of fragments sees every datagram that a single worker would
/// see, so a datagram is open for it exactly when it is for one worker.
struct Dispatcher {
    parse: Parse,
    steer: Steer,
    scratch: Shard,
    events: Events,
    arena: Bump,
    burst: Burst,
    rows_max: usize,
    owners: Vec<u16>,
}

impl Dispatcher {
    fn new(world: &World, schedule: &Schedule) -> Result<Self, Unsteerable> {
        let settings = &schedule.settings;
        let mut small = settings.clone();
        small.session.capacity = toml::Spanned::new(0..0, 1);
        small.screen.entries = toml::Spanned::new(0..0, 1);
        let rows_max = *settings.batch.rows_max.get_ref();
        Ok(Self {
            parse: Parse::new(&settings.parse),
            steer: Steer::new(world, settings)?,
            scratch: Shard::new(world, &small, 0),
            events: Events::default(),
            arena: Bump::new(),
            // One endless tick: ticks are cut in the lanes.
            burst: Burst::new(rows_max, u64::MAX),
            rows_max,
            owners: Vec::with_capacity(rows_max),
        })
    }

    /// Spreads a chunk over the lanes, up to the next commit.
    fn fill(&mut self, agenda: &mut Agenda, port: &mut impl Port, crew: &mut Crew) -> Next {
        let next = self.spread(agenda, port, crew);
        if let Some(turns) = &mut crew.turns {
            turns.finish(&mut crew.lanes, agenda.world());
        }
        next
    }

    fn spread(&mut self, agenda: &mut Agenda, port: &mut impl Port, crew: &mut Crew) -> Next {
        let Crew { lanes, turns } = crew;
        let mut packets = 0;
        while packets < CHUNK_PACKETS {
            agenda.peek(port, &mut self.burst, self.rows_max);
            if !self.burst.is_empty() && agenda.next_ns() <= self.burst.clock_ns() {
                return Next::Commit(self.burst.clock_ns());
            }
            self.burst.set_border(agenda.next_ns());
            port.receive(&mut self.burst);
            if self.burst.is_empty() {
                return Next::End;
            }
            let world = agenda.world();
            packets += self.burst.len();
            self.arena.reset();
            let mut batch = self.burst.batch(&self.arena, &mut self.events);
            self.parse.run(&mut batch, &mut self.scratch, world);
            self.steer.run(&mut batch, world, &mut self.owners);
            self.events.clear();
            for (row, &owner) in self.owners.iter().enumerate() {
                if let Some(turns) = turns {
                    turns.advance(owner, &self.burst.arrival(row), lanes, world);
                }
                lanes[usize::from(owner)].push(&self.burst, row);
            }
            self.burst.advance();
        }
        Next::More
    }
}

impl Lane {
    fn new(world: &World, schedule: &Schedule, number: u16) -> Self {
        let settings = &schedule.settings;
        Self {
            worker: Worker::new(world, schedule, number),
            bursts: Vec::new(),
            filled: 0,
            rows_max: *settings.batch.rows_max.get_ref(),
            tick_ns: *settings.session.tick_ms.get_ref() * 1_000_000,
            clock_ns: 0,
            collected: Collected::default(),
        }
    }

    fn push(&mut self, from: &Burst, row: usize) {
        let arrival = from.arrival(row);
        self.clock_ns = self.clock_ns.max(arrival.time_ns);
        let open = self.filled.checked_sub(1).is_some_and(|at| self.bursts[at].fits(self.clock_ns));
        if !open {
            if self.filled == self.bursts.len() {
                self.bursts.push(Burst::new(self.rows_max, self.tick_ns));
            }
            self.bursts[self.filled].start_clock(self.clock_ns);
            self.filled += 1;
        }
        self.bursts[self.filled - 1].push(&arrival);
    }

    fn run(&mut self, world: &World) {
        for burst in &mut self.bursts[..self.filled] {
            self.worker.run(burst, world, &mut self.collected);
        }
        self.filled = 0;
    }
}

impl Output for Collected {
    fn transmit(&mut self, index: u64, packet: Transmit<'_>) {
        let offset = self.bytes.len();
        self.bytes.extend_from_slice(packet.packet);
        self.packets.push(Packet {
            index,
            time_ns: packet.time_ns,
            egress: packet.egress,
            offset,
            length: packet.packet.len(),
            wire_length: packet.wire_length,
            layer: packet.layer,
            is_answer: packet.is_answer,
        });
    }

    fn events(&mut self, outbox: &mut Outbox, indexes: impl Iterator<Item = u64>) {
        let frames = outbox.blocks().flat_map(|block| block.frames());
        self.frames.extend(indexes.zip(frames.copied()));
    }
}

/// Sends and delivers what all lanes put out, by packet number, then by lane.
fn merge(lanes: &mut [Lane], port: &mut impl Port, stream: &mut Stream) {
    let mut packets: Vec<(Packet, usize)> = Vec::new();
    let mut frames: Vec<(u64, EventFrame)> = Vec::new();
    for (at, lane) in lanes.iter_mut().enumerate() {
        packets.extend(lane.collected.packets.drain(..).map(|packet| (packet, at)));
        frames.append(&mut lane.collected.frames);
    }
    packets.sort_by_key(|(packet, _)| packet.index);
    frames.sort_by_key(|&(index, _)| index);
    for (packet, at) in packets {
        let bytes = &lanes[at].collected.bytes[packet.offset..packet.offset + packet.length];
        port.transmit(Transmit {
            time_ns: packet.time_ns,
            egress: packet.egress,
            packet: bytes,
            wire_length: packet.wire_length,
            layer: packet.layer,
            is_answer: packet.is_answer,
        });
    }
    for lane in lanes {
        lane.collected.bytes.clear();
    }
    let frames: Vec<EventFrame> = frames.into_iter().map(|(_, frame)| frame).collect();
    stream.append(&frames);
}
