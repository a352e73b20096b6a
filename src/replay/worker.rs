//! One worker: a pipeline and its shard, fed burst by burst. What a burst puts out goes to an
//! [`Output`] at once, in row order, so the same code serves one worker that writes straight
//! through and several whose output is merged.

use bumpalo::Bump;
use components::event::Events;
use components::kinds::{EventKind, SessionChange};
use components::reason::Fate;
use components::screen_state::ScreenState;
use components::session::record::Session;
use components::world::World;
use systems::commit::{self, Change, Commit, CommitCounts};
use systems::pipeline::{EXPIRED_MAX, Pipeline};
use systems::replication::Teller;
use systems::schedule::Schedule;
use systems::schedule::settings::Settings;
use systems::shard::{Answer, Answers, Layer, Outbox, Shard};

use crate::port::{Burst, Transmit};

/// Takes what a worker puts out.
pub trait Output {
    /// A packet, forwarded or an answer. `index` is the number of the received packet that it is or
    /// answers.
    fn transmit(&mut self, index: u64, packet: Transmit<'_>);

    /// Event frames without numbers; `indexes` gives the number of the received packet that each is
    /// about.
    fn events(&mut self, outbox: &mut Outbox, indexes: impl Iterator<Item = u64>);
}

/// A pipeline, its state and its scratch memory.
#[derive(Debug)]
pub struct Worker {
    pipeline: Pipeline,
    shard: Shard,
    settings: Settings,
    number: u16,
    events: Events,
    arena: Bump,
    /// No packets: what sessions end with between bursts.
    nothing: Burst,
    /// Packet numbers of the burst's rows.
    indexes: Vec<u64>,
}

impl Worker {
    /// Worker `number` of the schedule's workers, counted from 0.
    #[must_use]
    pub fn new(world: &World, schedule: &Schedule, number: u16) -> Self {
        let rows_max = *schedule.settings.batch.rows_max.get_ref();
        Self {
            pipeline: Pipeline::new(schedule),
            shard: Shard::new(world, &schedule.settings, number),
            settings: schedule.settings.clone(),
            number,
            // A few events a packet, or as many sessions as end at once.
            events: Events::with_capacity((rows_max * 4).max(EXPIRED_MAX)),
            arena: Bump::with_capacity(rows_max * 512),
            nothing: Burst::new(0, 1),
            indexes: Vec::with_capacity(rows_max),
        }
    }

    /// Runs one burst and lets it advance.
    pub fn run(&mut self, burst: &mut Burst, world: &World, output: &mut impl Output) {
        if burst.is_empty() {
            return;
        }
        self.expire(burst.clock_ns(), burst.index(0), world, output);
        self.indexes.clear();
        self.indexes.extend((0..burst.len()).map(|row| burst.index(row)));
        self.arena.reset();
        let mut batch = burst.batch(&self.arena, &mut self.events);
        self.pipeline.run(&mut batch, &mut self.shard, world);
        let columns = &batch.columns;
        self.shard.answers.sort();
        let mut answers = self.shard.answers.packets.iter().peekable();
        for (row, &index) in self.indexes.iter().enumerate() {
            let time_ns = columns.time_ns[row];
            if columns.verdict[row].fate == Fate::Forwarded {
                let start = columns.out_offset[row] as usize;
                let captured = (columns.offset[row] + columns.length[row]) as usize;
                let wire_length = columns.out_length[row];
                let packet = &batch.frames[start..captured.min(start + wire_length as usize)];
                let egress = columns.egress[row];
                output.transmit(
                    index,
                    Transmit {
                        time_ns,
                        egress,
                        packet,
                        layer: Layer::Network,
                        wire_length,
                        is_answer: false,
                    },
                );
            }
            while let Some(answer) = answers.next_if(|answer| usize::from(answer.row) == row) {
                output.transmit(index, answer_of(&self.shard.answers, answer, time_ns));
            }
        }
        self.shard.answers.clear();
        self.put_out_events(output);
        burst.advance();
    }

    /// Ends the sessions whose deadline has passed, before packet `index`.
    pub fn expire(&mut self, clock_ns: u64, index: u64, world: &World, output: &mut impl Output) {
        let mut more = self.shard.sessions.is_tick_due(clock_ns);
        while more {
            self.arena.reset();
            let mut batch = self.nothing.batch(&self.arena, &mut self.events);
            more = self.pipeline.expire(&mut batch, &mut self.shard, world, clock_ns);
            self.indexes.clear();
            self.indexes.push(index);
            for answer in &self.shard.answers.packets {
                output.transmit(index, answer_of(&self.shard.answers, answer, clock_ns));
            }
            self.shard.answers.clear();
            self.put_out_events(output);
        }
    }

    /// Goes on under a new world, before packet `index`. Where workers share what screens remember,
    /// that has been carried over already: `carried` is what it cost in forgotten addresses.
    /// `is_mine` tells which sessions stay with this worker.
    pub fn commit(
        &mut self,
        change: &Change<'_>,
        index: u64,
        carried: Option<u64>,
        is_mine: impl Fn(&Session, &Session) -> bool,
        output: &mut impl Output,
    ) -> CommitCounts {
        let Shard { screens, counters, .. } = &mut self.shard;
        let evicted = &mut counters.screens_evicted;
        match carried {
            Some(count) => *evicted += count,
            None => commit::carry_screens(screens, change, &self.settings, evicted),
        }
        let mut commit = Commit::new(*change, &self.settings, self.number, &self.shard);
        let mut more = true;
        while more {
            self.arena.reset();
            let mut batch = self.nothing.batch(&self.arena, &mut self.events);
            more = self.pipeline.judge(&mut batch, &mut self.shard, &mut commit, &is_mine);
            self.indexes.clear();
            self.indexes.push(index);
            self.put_out_events(output);
        }
        self.pipeline.finish(&mut self.shard, commit)
    }

    /// Tells anew of the sessions from slot `from` on, at most `most` of them; the slot to go on
    /// from, or none when that was all.
    pub fn export(
        &mut self,
        from: usize,
        most: usize,
        world: &World,
        output: &mut impl Output,
    ) -> Option<usize> {
        let teller = Teller { world, node: self.shard.node };
        let Shard { sessions, outbox, counters, .. } = &mut self.shard;
        let mut slot = from;
        let mut told = 0;
        while told < most && slot < sessions.slots() {
            let session = sessions.get(slot);
            slot += 1;
            let frame = session.live.then(|| teller.frame(SessionChange::Open, session)).flatten();
            if let Some(frame) = frame {
                counters.replicated.0[SessionChange::Open.index()] += 1;
                outbox.push_frame(&frame);
                told += 1;
            }
        }
        if told > 0 {
            output.events(outbox, std::iter::repeat_n(u64::MAX, told));
            outbox.clear();
        }
        (slot < sessions.slots()).then_some(slot)
    }

    /// Lets the clock run on in silence until every session has ended.
    pub fn age_out(&mut self, world: &World, output: &mut impl Output) {
        if let Some(deadline_ns) = self.shard.sessions.last_deadline_ns() {
            // A deadline is swept once its tick is over.
            let end_ns = deadline_ns.saturating_add(self.shard.sessions.tick_ns());
            self.expire(end_ns, u64::MAX, world, output);
        }
    }

    /// The worker's state.
    #[must_use]
    pub fn shard(&self) -> &Shard {
        &self.shard
    }

    /// Swaps what its screens remember, where several workers share it.
    pub fn swap_screens(&mut self, screens: &mut Box<ScreenState>) {
        std::mem::swap(&mut self.shard.screens, screens);
    }

    /// Events raised so far, by kind.
    #[must_use]
    pub fn generated(&self) -> [u64; EventKind::COUNT] {
        self.events.generated
    }

    fn put_out_events(&mut self, output: &mut impl Output) {
        if !self.events.emitted.is_empty() {
            let indexes = &self.indexes;
            let index_of = |row: u16| indexes.get(usize::from(row)).copied().unwrap_or(u64::MAX);
            let rows = self.events.emitted.iter().map(|row| index_of(*row));
            output.events(&mut self.shard.outbox, rows);
        }
        self.shard.outbox.clear();
        self.events.clear();
    }
}

/// An answer as the port sends it.
fn answer_of<'a>(answers: &'a Answers, answer: &Answer, time_ns: u64) -> Transmit<'a> {
    let bytes = answer.offset as usize..(answer.offset + answer.length) as usize;
    Transmit {
        time_ns,
        egress: answer.egress,
        packet: &answers.bytes[bytes],
        layer: answer.layer,
        wire_length: answer.length,
        is_answer: true,
    }
}
