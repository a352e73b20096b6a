//! The identities of the stream as pairs of figures that must be equal, made from the counters of
//! the two machines and of whatever reads the spool. One function for tests and ledger alike, so
//! that what the simulator proves is what an operator sees.

use crate::kinds::EventKind;
use crate::reason::{Counts, SinkLoss};
use crate::stream::position::StreamPosition;
use crate::stream::producer::{Producer, Refused};

/// Two figures that must be equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// What it says.
    pub name: String,
    /// Left side.
    pub left: u64,
    /// Right side.
    pub right: u64,
}

/// The producer's figures. Those of one that died are kept with its ring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProducerFigures {
    /// Events raised, by whoever raises them.
    pub generated: Counts<{ EventKind::COUNT }>,
    /// Events that got a number.
    pub assigned: Counts<{ EventKind::COUNT }>,
    /// Events that got none.
    pub refused: Refused,
    /// Frames of session replication that got a number.
    pub sessions: u64,
    /// FullResyncs, which have numbers too.
    pub resyncs: u64,
    /// The stream's first number.
    pub first_sequence: u64,
    /// The highest number given.
    pub last_sequence: u64,
    /// The highest number acked.
    pub acked: u64,
}

/// The figures of one reader of the spool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SinkFigures {
    /// Its name.
    pub name: String,
    /// Events done with.
    pub settled: u64,
    /// Events that never will be, by reason.
    pub lost: Counts<{ SinkLoss::COUNT }>,
    /// Events in the spool that it has not come to.
    pub backlog: u64,
}

/// All figures of one stream.
#[derive(Clone, Debug)]
pub struct Figures<'a> {
    /// The producer's.
    pub producer: ProducerFigures,
    /// The collector's.
    pub stream: &'a StreamPosition,
    /// Distinct numbers under which frames lie in the spool, if it was read; otherwise the
    /// collector's own count.
    pub distinct: Option<u64>,
    /// The sinks'.
    pub sinks: &'a [SinkFigures],
    /// Whether nothing is under way any more.
    pub at_rest: bool,
}

impl ProducerFigures {
    /// Of a producer whose events are counted by `generated`.
    #[must_use]
    pub fn new(producer: &Producer, generated: Counts<{ EventKind::COUNT }>) -> Self {
        let ring = producer.ring();
        Self {
            generated,
            assigned: ring.counters().assigned,
            refused: producer.refused(),
            sessions: ring.counters().sessions.total(),
            resyncs: ring.counters().resyncs,
            first_sequence: ring.first_sequence(),
            last_sequence: ring.last_sequence(),
            acked: ring.acked(),
        }
    }
}

/// Identities (1) to (5) of a stream. Running, (3) says that every number below the position is
/// applied or lost, and none above it is acked; at rest, that no number is above it.
#[must_use]
pub fn identities(figures: &Figures<'_>) -> Vec<Identity> {
    let Figures { producer, stream, .. } = figures;
    let mut all = Vec::new();
    let mut equal = |name: &str, left, right| {
        all.push(Identity { name: name.to_owned(), left, right });
    };
    for kind in EventKind::ALL {
        let at = kind.index();
        let right = producer.assigned.0[at] + producer.refused[at].total();
        let name = format!("{}: generated = assigned + refused", kind.label());
        equal(&name, producer.generated.0[at], right);
    }
    let before = producer.first_sequence - 1;
    let numbered = producer.assigned.total() + producer.sessions + producer.resyncs;
    equal(
        "assigned + sessions + resyncs = numbers given",
        numbered,
        producer.last_sequence - before,
    );
    let accounted = stream.applied.total() + stream.lost.total();
    if figures.at_rest {
        // A collector sees that a stream does not begin at 1 when its first number comes.
        let last = if numbered == 0 { 0 } else { producer.last_sequence };
        equal("last sequence = applied + lost", last, accounted);
        equal("last sequence = acked", producer.last_sequence, producer.acked);
    } else {
        equal("position = applied + lost", stream.position, accounted);
        equal("acked above the position", producer.acked.saturating_sub(stream.position), 0);
    }
    let distinct = figures.distinct.unwrap_or_else(|| stream.applied.total());
    equal("applied = distinct numbers in the spool", stream.applied.total(), distinct);
    for sink in figures.sinks {
        let right = sink.settled + sink.lost.total() + sink.backlog;
        let name = format!("{}: applied = settled + lost + backlog", sink.name);
        equal(&name, stream.applied.events.total(), right);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::EventFrame;
    use crate::reason::LossReason;
    use crate::ring::{ReplayRing, RingConfig};
    use crate::stream::{Loss, ProducerConfig, Record, Recovery, StreamId};
    use crate::wire::RtFlowRecord;
    use zerocopy::{FromZeros, IntoBytes};

    const DENY: EventKind = EventKind::PolicyDeny;

    /// A producer that took four denies of five, and a collector's stream that lost the first.
    fn sides() -> (ProducerFigures, StreamPosition) {
        let ring = ReplayRing::new(&RingConfig::new(8, 1)).unwrap();
        let mut producer = Producer::new(ring, ProducerConfig::default());
        let mut frame = EventFrame::new(DENY, RtFlowRecord::new_zeroed());
        assert_eq!(producer.append(&[frame; 5]).accepted.total(), 4);
        let mut recovery = Recovery::default();
        let stream = StreamId(1);
        let loss = Loss { stream, first: 1, last: 1, reason: LossReason::Evicted };
        recovery.on(&Record::Lost(loss));
        for first in 2..=4 {
            frame.set_sequence(first);
            recovery.on(&Record::Frames { stream, first, count: 1, bytes: frame.as_bytes() });
        }
        let mut figures = ProducerFigures::new(&producer, Counts([0, 0, 5, 0, 0]));
        figures.acked = 4;
        (figures, recovery.into_streams().remove(0))
    }

    /// Names of the identities that do not hold.
    fn broken(
        producer: ProducerFigures,
        stream: &StreamPosition,
        sinks: &[SinkFigures],
        at_rest: bool,
    ) -> Vec<String> {
        let all = identities(&Figures { producer, stream, distinct: Some(3), sinks, at_rest });
        all.into_iter().filter(|i| i.left != i.right).map(|i| i.name).collect()
    }

    #[test]
    fn what_is_whole_balances_and_each_missing_unit_has_a_name() {
        let (producer, stream) = sides();
        let sink =
            SinkFigures { name: "file".into(), settled: 2, backlog: 1, ..Default::default() };
        let sinks = [sink];
        for at_rest in [false, true] {
            assert_eq!(broken(producer, &stream, &sinks, at_rest), [""; 0]);
        }
        let mut event_lost = producer;
        event_lost.generated.0[DENY.index()] += 1;
        let name = "policy_deny: generated = assigned + refused";
        assert_eq!(broken(event_lost, &stream, &sinks, true), [name]);
        let mut unapplied = producer;
        unapplied.last_sequence += 1;
        let names =
            ["assigned + sessions + resyncs = numbers given", "last sequence = applied + lost"];
        let all = broken(unapplied, &stream, &sinks, true);
        assert_eq!(all, [names[0], names[1], "last sequence = acked"]);
        assert_eq!(broken(unapplied, &stream, &sinks, false), [names[0]], "it may be on its way");
        let mut freed = producer;
        freed.acked = 5;
        assert_eq!(broken(freed, &stream, &sinks, false), ["acked above the position"]);
        let mut twice = stream.clone();
        twice.applied.events.0[DENY.index()] += 1;
        let names = ["position = applied + lost", "applied = distinct numbers in the spool"];
        let settled = "file: applied = settled + lost + backlog";
        assert_eq!(broken(producer, &twice, &sinks, false), [names[0], names[1], settled]);
    }
}
