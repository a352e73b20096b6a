//! A case packet by packet: one worker, batches of one, so that after each packet its fate, its
//! answers and its events are known, and after the last one the counters.

use std::sync::Arc;

use components::block::EventFrame;
use components::columns::LinkType;
use components::ids::IfIndex;
use components::kinds::CloseReason;
use components::reason::DropReason;
use components::wire::{Frame, split_frame};
use components::world::World;
use components::world::screen::ScreenAttack;
use components::world::succession::Succession;
use systems::commit::Change;
use systems::counters::{FilterCount, PacketCounts};
use systems::schedule::Schedule;
use systems::schedule::settings::AtEnd;
use systems::shard::{Outbox, Shard};
use weir::port::{Arrival, Burst, INTERFACE_GONE, Transmit};
use weir::replay::worker::{Output, Worker};

use super::file::{self, Case, Step};
use super::{observe, replica};

/// What one step brought, in words.
#[derive(Default)]
pub(crate) struct Seen {
    /// `forward ZONE packet`, `drop REASON`, `to-host`; empty for the end.
    pub(crate) fate: String,
    /// `ZONE packet`.
    pub(crate) answers: Vec<String>,
    /// Events in order.
    pub(crate) events: Vec<String>,
}

/// What a whole case brought.
pub(crate) struct Run {
    /// One entry a step.
    pub(crate) steps: Vec<Seen>,
    /// Counters that are not zero.
    pub(crate) counters: Vec<String>,
    /// Transmitted packets and answers.
    pub(crate) packets: Vec<Vec<u8>>,
    /// Records of all events.
    pub(crate) records: Vec<Vec<u8>>,
}

/// What the worker puts out during one step.
#[derive(Default)]
struct Out {
    packets: Vec<(IfIndex, Vec<u8>, bool)>,
    frames: Vec<EventFrame>,
}

impl Output for Out {
    fn transmit(&mut self, _index: u64, packet: Transmit<'_>) {
        self.packets.push((packet.egress, packet.packet.to_vec(), packet.is_answer));
    }

    fn events(&mut self, outbox: &mut Outbox, _indexes: impl Iterator<Item = u64>) {
        self.frames.extend(outbox.blocks().flat_map(|block| block.frames().iter().copied()));
    }
}

/// Runs a case.
pub(crate) fn run(case: &Case, worlds: &[Arc<World>], schedule: &Schedule) -> Result<Run, String> {
    let mut worlds = worlds.iter();
    let first: &World = worlds.next().ok_or("no configuration")?;
    let mut world = first;
    let mut worker = Worker::new(world, schedule, 0);
    let mut burst = Burst::new(1, *schedule.settings.session.tick_ms.get_ref() * 1_000_000);
    let mut run =
        Run { steps: Vec::new(), counters: Vec::new(), packets: Vec::new(), records: Vec::new() };
    let mut leased = 0;
    for step in &case.steps {
        let mut out = Out::default();
        let before = worker.shard().counters.packets;
        let index = run.steps.len() as u64;
        let mut after = world;
        match (&step.packet, &step.commit) {
            (_, Some(commit)) => {
                after = worlds.next().ok_or("a commit without a configuration")?;
                let succession = &Succession::new(world, after);
                let clock_ns = commit.time_ns;
                let change = Change { old: world, new: after, succession, clock_ns };
                worker.commit(&change, index, None, |_, _| true, &mut out);
            }
            (Some(packet), _) => {
                burst.push(&arrival(packet, ingress(case, step, world, first)?, index));
                worker.run(&mut burst, world, &mut out);
                leased = worker.shard().ports.leased();
            }
            (None, None) if schedule.settings.replay.at_end == AtEnd::Keep => {}
            (None, None) => worker.age_out(world, &mut out),
        }
        let mut seen = Seen::default();
        if step.packet.is_some() {
            seen.fate = fate(&before, &worker.shard().counters.packets);
        }
        for (egress, bytes, is_answer) in out.packets {
            let zone = world.names.zone(world.interfaces.get(egress).zone);
            let words = format!("{zone} {}", observe::packet(&bytes));
            if is_answer {
                seen.answers.push(words);
            } else {
                seen.fate = format!("{} {words}", seen.fate);
            }
            run.packets.push(bytes);
        }
        for frame in out.frames {
            let raw = frame.wire_bytes().and_then(|bytes| split_frame(bytes)?.ok());
            let raw = raw.ok_or("a frame that is none")?;
            seen.events.push(match raw.decode().map_err(|error| error.to_string())? {
                Frame::RtFlow(flow) => observe::event(&flow, world, case.start_ns),
                _ => replica::session_frame(raw.header.frame_type, raw.payload(), world),
            });
            run.records.push(raw.payload().to_vec());
        }
        run.steps.push(seen);
        world = after;
    }
    run.counters = counters(worker.shard(), world, leased);
    Ok(run)
}

/// A packet as a port hands it over.
fn arrival(packet: &file::Arrival, ingress: IfIndex, index: u64) -> Arrival<'_> {
    Arrival {
        time_ns: packet.time_ns,
        frame: &packet.frame.bytes,
        wire_length: u32::try_from(packet.frame.wire_length).unwrap_or(u32::MAX),
        link: LinkType::Ethernet,
        ingress,
        index,
    }
}

/// The interface that a step's packet comes in by; it may be gone since the first configuration.
pub(crate) fn ingress(
    case: &Case,
    step: &Step,
    world: &World,
    first: &World,
) -> Result<IfIndex, String> {
    let Some(packet) = &step.packet else {
        return Ok(IfIndex::NONE);
    };
    let name = packet.ingress.as_str();
    let mut ids = world.interfaces.ids();
    let named = |id: &IfIndex| {
        let zone = world.interfaces.get(*id).zone;
        world.names.interface(*id) == name || (!zone.is_none() && world.names.zone(zone) == name)
    };
    let gone =
        || first.names.interfaces.iter().any(|known| known == name).then_some(INTERFACE_GONE);
    match name {
        "auto" => Ok(IfIndex::NONE),
        _ => ids.find(named).or_else(gone).ok_or_else(|| {
            format!("{}: `{name}` is neither a zone nor an interface", case.place(step.line))
        }),
    }
}

/// Which counter a packet moved.
fn fate(before: &PacketCounts, after: &PacketCounts) -> String {
    let dropped = DropReason::ALL
        .iter()
        .filter(|reason| after.dropped.0[reason.index()] != before.dropped.0[reason.index()]);
    let mut fates: Vec<String> = dropped.map(|reason| format!("drop {}", reason.label())).collect();
    if after.forwarded != before.forwarded {
        fates.push("forward".into());
    }
    if after.to_host != before.to_host {
        fates.push("to-host".into());
    }
    fates.join(" and ")
}

/// The counters that are not zero, one a line.
fn counters(shard: &Shard, world: &World, leased: u64) -> Vec<String> {
    let counters = &shard.counters;
    let (packets, answers) = (&counters.packets, &counters.answers);
    let mut all: Vec<(String, u64)> =
        vec![("forwarded".into(), packets.forwarded), ("to-host".into(), packets.to_host)];
    let dropped = DropReason::ALL.iter();
    all.extend(dropped.map(|r| (format!("dropped {}", r.label()), packets.dropped.0[r.index()])));
    all.push(("sessions".into(), shard.created));
    let closed = CloseReason::ALL.iter();
    all.extend(closed.map(|r| (format!("closed {}", r.label()), shard.closed.0[r.index()])));
    all.push(("leased".into(), leased));
    let policies = world.names.policies.iter().zip(&counters.policies);
    all.extend(policies.map(|(policy, hits)| (format!("policy {}", policy.name), *hits)));
    for (policy, count) in world.names.policies.iter().zip(&counters.policy_traffic) {
        all.push((format!("policy {} packets", policy.name), count.packets));
        all.push((format!("policy {} bytes", policy.name), count.bytes));
    }
    let screens = ScreenAttack::ALL.iter().zip(&counters.screens);
    all.extend(screens.map(|(screen, hits)| (format!("screen {}", screen.label()), *hits)));
    let filters = world.names.counters.iter().zip(&counters.filters);
    for ((filter, counter), count) in filters {
        all.push((format!("filter {filter} {counter} packets"), count.packets));
        all.push((format!("filter {filter} {counter} bytes"), count.bytes));
    }
    let policers = world.names.policers.iter().zip(&counters.policers);
    let beyond = |((filter, policer), count): (&(String, String), &FilterCount)| {
        (format!("policer {filter} {policer} packets"), count.packets)
    };
    all.extend(policers.map(beyond));
    all.push(("answers".into(), answers.sent));
    all.push(("answers limited".into(), answers.limited));
    all.push(("unanswerable".into(), answers.unanswerable));
    let some = all.into_iter().filter(|(_, count)| *count > 0);
    some.map(|(name, count)| format!("{name} {count}")).collect()
}
