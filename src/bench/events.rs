//! The scenarios of events: encoded into the ring, read from it, printed as lines. The events are
//! those of denied packets, as a flood makes them.

use std::io;
use std::sync::Arc;

use bumpalo::Bump;
use components::columns::LinkType;
use components::event::Events;
use components::ids::IfIndex;
use components::ring::{ReplayRing, RingConfig};
use components::wire::{self, Decoder, RtFlow};
use components::world::World;
use systems::registry;
use systems::shard::Shard;
use systems::system::System;

use super::clock::Tsc;
use super::line::{RING_FRAMES, START_NS, WIRE_LENGTH};
use super::rules::{Action, Frame};
use super::{BenchError, Case, Figures, Length, SEED, Scenario, schedule, world};
use crate::collector::render::{Format, RenderOptions, Renderer};
use crate::collector::{InlineCollector, WriterSink};
use crate::port::{Arrival, Burst};

/// Measures a case of events, batch by batch: each is denied, encoded, read and printed, and the
/// scenario's part is timed.
pub(super) fn run(case: &Case, length: &Length, tsc: &Tsc) -> Result<Figures, BenchError> {
    let (rules, world) = world(case, Action::Deny)?;
    let frames: Vec<_> = rules.flows(SEED).take(case.flows).map(|flow| flow.frame()).collect();
    let mut frames = frames.iter().cycle();
    let mut lab = Lab::new(case, world)?;
    let mut clocks = Vec::new();
    for run in 0..=length.runs {
        let (mut took, mut count) = (0, 0);
        while count < length.packets {
            let (events, part) = lab.round(case.scenario, &mut frames, tsc)?;
            count += events;
            took += part;
        }
        // The first run finds the memory untouched.
        if run > 0 {
            clocks.push(took as f64 / count as f64);
        }
    }
    let mut figures = Figures::of(clocks, tsc);
    figures.events = 1.0;
    let applied = lab.collector.stream_report().applied.events.total();
    let assigned = lab.ring.counters().assigned.total();
    if applied != assigned {
        figures.unbalanced.push(("assigned = applied".to_owned(), assigned, applied));
    }
    Ok(figures)
}

/// The way of an event, taken apart.
struct Lab {
    world: Arc<World>,
    systems: Vec<Box<dyn System>>,
    shard: Shard,
    raised: Events,
    arena: Bump,
    burst: Burst,
    ring: ReplayRing,
    collector: InlineCollector,
    renderer: Renderer,
    lines: Vec<u8>,
}

impl Lab {
    fn new(case: &Case, world: Arc<World>) -> Result<Self, BenchError> {
        let schedule = schedule(case)?;
        let settings = &schedule.settings;
        let names = settings.systems.iter().map(|name| name.get_ref().as_str());
        let options = || RenderOptions::new(Format::SdSyslog, "bench");
        let renderer = || Renderer::new(Arc::clone(&world), options());
        let sink = WriterSink::lines("none", io::sink(), renderer());
        Ok(Self {
            systems: names.filter_map(|name| registry::build(name, settings)).collect(),
            shard: Shard::new(&world, settings, 0),
            raised: Events::with_capacity(case.batch * 4),
            arena: Bump::with_capacity(case.batch * 512),
            burst: Burst::new(case.batch, u64::MAX),
            ring: ReplayRing::new(&RingConfig::new(RING_FRAMES, 1))?,
            collector: InlineCollector::new(vec![Box::new(sink)]),
            renderer: renderer(),
            lines: Vec::new(),
            world,
        })
    }

    /// One batch: how many events it made, and the clocks of the scenario's part.
    fn round<'f>(
        &mut self,
        scenario: Scenario,
        frames: &mut impl Iterator<Item = &'f Frame>,
        tsc: &Tsc,
    ) -> Result<(u64, u64), BenchError> {
        self.fill(frames);
        self.arena.reset();
        let mut batch = self.burst.batch(&self.arena, &mut self.raised);
        let (emit, before) = self.systems.split_last_mut().ok_or(BenchError::Nothing)?;
        before.iter_mut().for_each(|system| system.run(&mut batch, &mut self.shard, &self.world));
        let started = tsc.now();
        emit.run(&mut batch, &mut self.shard, &self.world);
        for block in self.shard.outbox.blocks() {
            self.ring.append(block.frames());
        }
        let mut took = tsc.now() - started;
        self.burst.advance();
        self.raised.clear();
        self.shard.outbox.clear();
        let unsent = self.ring.unsent();
        let (frames, bytes) = (unsent.frames, [unsent.first, unsent.second]);
        if frames == 0 {
            return Err(BenchError::Nothing);
        }
        if scenario == Scenario::Render {
            let events = decoded(&bytes);
            self.lines.clear();
            let started = tsc.now();
            events.iter().for_each(|event| self.renderer.render(event, &[], &mut self.lines));
            took = tsc.now() - started;
        }
        let started = tsc.now();
        // What cannot be read is not acknowledged: the ring fills, and nothing follows.
        for bytes in bytes {
            let _ = self.collector.receive(bytes);
        }
        if scenario == Scenario::Collect {
            took = tsc.now() - started;
        }
        self.ring.mark_sent(frames);
        self.ring.ack(self.collector.ack());
        Ok((frames as u64, took))
    }

    fn fill<'f>(&mut self, frames: &mut impl Iterator<Item = &'f Frame>) {
        while self.burst.wants_more() {
            let Some(frame) = frames.next() else { break };
            self.burst.push(&Arrival {
                time_ns: START_NS,
                frame,
                wire_length: WIRE_LENGTH,
                link: LinkType::Ethernet,
                ingress: IfIndex::NONE,
                index: 0,
            });
        }
    }
}

/// The events of the ring's bytes.
fn decoded(bytes: &[&[u8]]) -> Vec<RtFlow> {
    let mut decoder = Decoder::new(64 * 1024);
    let mut events = Vec::new();
    for mut bytes in bytes.iter().copied() {
        while !bytes.is_empty() {
            bytes = &bytes[decoder.push(bytes)..];
            while let Some(Ok(frame)) = decoder.next_frame() {
                if let Ok(wire::Frame::RtFlow(event)) = frame.decode() {
                    events.push(event);
                }
            }
        }
    }
    events
}
