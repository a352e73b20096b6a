//! What a seed decides before anything happens: sizes, modes, who speaks which dialect, and how
//! likely each action is, so that one run is all disconnects and another all pauses.

use crate::ring::{Overflow, Quotas};
use crate::stream::simulator::random::Random;
use crate::stream::{CollectorConfig, Dialect, ProducerConfig, Replication};

/// Something that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Append,
    ProducerWrites,
    ProducerReads,
    CollectorReads,
    CollectorWrites,
    SyncEnds,
    ResyncEnds,
    Connect,
    Wait,
    SpoolTurns,
    ReplicationTurns,
    Inject,
    Drain,
    Disconnect,
    ProducerDies,
    ProducerStarts,
    CollectorDies,
    CollectorStarts,
    PowerFails,
    RollBack,
}

/// Each action, and how likely it is beside the others before a seed changes that.
const ACTIONS: [(Action, u64); 20] = [
    (Action::Append, 80),
    (Action::ProducerWrites, 100),
    (Action::ProducerReads, 80),
    (Action::CollectorReads, 100),
    (Action::CollectorWrites, 80),
    (Action::SyncEnds, 60),
    (Action::ResyncEnds, 30),
    (Action::Connect, 60),
    (Action::Wait, 40),
    (Action::SpoolTurns, 10),
    (Action::ReplicationTurns, 10),
    (Action::Inject, 8),
    (Action::Drain, 4),
    (Action::Disconnect, 10),
    (Action::ProducerDies, 5),
    (Action::ProducerStarts, 40),
    (Action::CollectorDies, 5),
    (Action::CollectorStarts, 40),
    (Action::PowerFails, 1),
    (Action::RollBack, 1),
];

/// Who the producer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// Ours, in this dialect.
    Ours(Dialect),
    /// Somebody else's.
    Foreign,
}

/// The decisions.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) steps: usize,
    pub(super) who: Who,
    pub(super) ring_frames: usize,
    pub(super) overflow: Overflow,
    pub(super) quotas: Quotas,
    pub(super) start_sequence: u64,
    pub(super) producer: ProducerConfig,
    pub(super) collector: CollectorConfig,
    /// What the socket holds in either direction, bytes.
    pub(super) socket_bytes: [usize; 2],
    pub(super) block_frames_max: usize,
    weights: [u64; ACTIONS.len()],
    total: u64,
}

impl Plan {
    pub(super) fn new(random: &mut Random) -> Self {
        let who = match random.below(8) {
            0 => Who::Foreign,
            1 => Who::Ours(Dialect::Xpf),
            _ => Who::Ours(Dialect::Weir),
        };
        let ring_frames =
            if random.one_in(20) { 4096 } else { random.scaled(4, 64).next_power_of_two() };
        let overflow = if random.one_in(2) { Overflow::Evict } else { Overflow::Refuse };
        let quotas = match random.below(3) {
            0 => Quotas { reserved_frames: [0; 5], session_frames: 0 },
            1 => Quotas { reserved_frames: [0, 0, ring_frames / 2, 0, 0], session_frames: 1 },
            _ => Quotas::with_sessions(ring_frames),
        };
        let at_the_end = random.one_in(40) && overflow == Overflow::Refuse;
        let weights = ACTIONS.map(|(_, weight)| weight * [0, 1, 1, 2, 4][random.between(0, 4)]);
        let mut plan = Self {
            steps: random.scaled(64, 4095),
            who,
            ring_frames,
            overflow,
            quotas,
            start_sequence: if at_the_end { u64::MAX - random.below(400) - 2 } else { 1 },
            producer: ProducerConfig::default(),
            collector: collector(random),
            socket_bytes: [random.scaled(16, 16384), random.scaled(16, 512)],
            block_frames_max: if random.one_in(4) {
                random.scaled(1, (2 * ring_frames).min(128))
            } else {
                random.scaled(1, 4)
            },
            weights,
            total: 0,
        };
        if let Who::Ours(dialect) = who {
            plan.producer.dialect = dialect;
        }
        // What a run cannot be without, and what would end it for good.
        for (at, (action, weight)) in ACTIONS.into_iter().enumerate() {
            let vital = weight >= 40 && action != Action::Wait;
            if vital {
                plan.weights[at] = plan.weights[at].max(weight);
            }
            if action == Action::RollBack && !(plan.greets() && plan.start_sequence == 1) {
                plan.weights[at] = 0;
            }
        }
        plan.total = plan.weights.iter().sum();
        plan
    }

    /// Whether both sides say Hello: then a stream survives its process.
    pub(super) fn greets(&self) -> bool {
        self.who == Who::Ours(Dialect::Weir) && self.collector.dialect == Dialect::Weir
    }

    /// The next action.
    pub(super) fn action(&self, random: &mut Random) -> Action {
        let mut at = random.below(self.total);
        for (weight, (action, _)) in self.weights.iter().zip(ACTIONS) {
            match at.checked_sub(*weight) {
                Some(rest) => at = rest,
                None => return action,
            }
        }
        Action::Wait
    }
}

fn collector(random: &mut Random) -> CollectorConfig {
    let replicated = random.one_in(2);
    CollectorConfig {
        dialect: if random.one_in(8) { Dialect::Xpf } else { Dialect::Weir },
        replication: if replicated { Replication::Replicated } else { Replication::Standalone },
        queue_frames_max: random.scaled(1, 4096),
        queue_bytes_max: random.scaled(2080, 1 << 15),
        ..CollectorConfig::default()
    }
}
