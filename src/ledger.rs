//! The ledger: every packet has one fate, every event is delivered once or counted under a reason.
//! Its figures come from counters that are kept in different places (port, systems, ring,
//! collector, sinks), its identities compare them, and a residual of 0 is the proof. Reasons that
//! never occurred are left out of the JSON.

use std::collections::BTreeMap;

use components::fragment::FragmentCounts;
use components::kinds::{CloseReason, EventKind};
use components::reason::{Counts, DropReason, RefuseReason};
use serde::Serialize;
use systems::counters::Counters;

use crate::collector::report::{SinkReport, StreamReport};
use crate::port::PortCounters;
use crate::replay::remote::RemoteReport;
use crate::replay::stream::RingFigures;
use crate::replay::worker::Worker;

/// The ledger as it is written to a file.
#[derive(Clone, Debug, Serialize)]
pub struct Ledger {
    /// Packets by fate.
    pub packets: Packets,
    /// Events by kind.
    pub events: BTreeMap<&'static str, Events>,
    /// Frames of session replication, if there were any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_frames: Option<Events>,
    /// The stream, as far as this process knows it.
    pub stream: Delivery,
    /// Sinks.
    pub sinks: Vec<SinkReport>,
    /// Sessions.
    pub sessions: Sessions,
    /// Fragmented datagrams: opened by a first fragment, and what became of them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub fragments: BTreeMap<&'static str, u64>,
    /// Sum of the absolute differences of all identities.
    pub residual: u128,
    /// True if the residual is 0.
    pub balanced: bool,
    /// The identities, for whoever wants to know which one does not hold.
    #[serde(skip)]
    pub identities: Vec<Identity>,
}

/// What became of the numbered frames.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Delivery {
    /// The collector is in this process.
    Inline(StreamReport),
    /// It is another process: what it has acked.
    Remote(RemoteReport),
}

/// Packets by fate.
#[derive(Clone, Debug, Serialize)]
pub struct Packets {
    /// Received by the port.
    pub received: u64,
    /// Forwarded by the systems.
    pub forwarded: u64,
    /// For the firewall itself.
    pub to_host: u64,
    /// Dropped, by reason.
    pub dropped: BTreeMap<&'static str, u64>,
}

/// Events of one kind.
#[derive(Clone, Debug, Serialize)]
pub struct Events {
    /// Raised by systems.
    pub generated: u64,
    /// Given a sequence number by the ring.
    pub assigned: u64,
    /// Given none, by reason.
    pub refused: BTreeMap<&'static str, u64>,
}

/// Sessions.
#[derive(Clone, Debug, Serialize)]
pub struct Sessions {
    /// Installed.
    pub created: u64,
    /// Still in the table.
    pub active: u64,
    /// Ended, by reason.
    pub closed: BTreeMap<&'static str, u64>,
}

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

/// Sums over all workers.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// Counters of the systems.
    pub counters: Counters,
    /// Events raised, by kind.
    pub generated: [u64; EventKind::COUNT],
    /// Sessions installed.
    pub created: u64,
    /// Sessions in the tables.
    pub active: u64,
    /// Sessions ended.
    pub closed: Counts<{ CloseReason::COUNT }>,
    /// Fragmented datagrams.
    pub fragments: FragmentCounts,
    /// Fragmented datagrams of which not everything was seen yet.
    pub datagrams_open: u64,
    /// NAT ports leased now.
    pub leased: u64,
    /// NAT ports that live sessions hold.
    pub leases: u64,
}

impl Totals {
    /// Adds up workers.
    #[must_use]
    pub fn of<'w>(workers: impl IntoIterator<Item = &'w Worker>) -> Self {
        let mut totals = Self::default();
        for worker in workers {
            let shard = worker.shard();
            totals.counters.add(&shard.counters);
            for (sum, count) in totals.generated.iter_mut().zip(worker.generated()) {
                *sum += count;
            }
            totals.created += shard.created;
            totals.active += shard.sessions.active() as u64;
            totals.closed.add(&shard.closed);
            totals.fragments.add(&shard.fragments.counts());
            totals.datagrams_open += shard.fragments.open_datagrams() as u64;
            totals.leased += shard.ports.leased();
            totals.leases += shard.sessions.leases();
        }
        totals
    }
}

impl Ledger {
    /// Draws up the ledger.
    #[must_use]
    pub fn new(
        port: PortCounters,
        totals: &Totals,
        ring: &RingFigures,
        stream: Delivery,
        sinks: Vec<SinkReport>,
    ) -> Self {
        let identities = identities(port, totals, ring, &stream, &sinks);
        let residual = identities.iter().map(|i| u128::from(i.left.abs_diff(i.right))).sum();
        let packets = &totals.counters.packets;
        Self {
            packets: Packets {
                received: port.received,
                forwarded: packets.forwarded,
                to_host: packets.to_host,
                dropped: by_label(
                    DropReason::ALL.iter().map(|r| (r.label(), packets.dropped.0[r.index()])),
                ),
            },
            events: EventKind::ALL
                .iter()
                .map(|&kind| (kind.label(), events(kind, totals, ring)))
                .collect(),
            session_frames: session_frames(totals, ring),
            stream,
            sinks,
            sessions: Sessions {
                created: totals.created,
                active: totals.active,
                closed: by_label(
                    CloseReason::ALL.iter().map(|r| (r.label(), totals.closed.0[r.index()])),
                ),
            },
            fragments: fragments(totals),
            residual,
            balanced: residual == 0,
            identities,
        }
    }
}

fn fragments(totals: &Totals) -> BTreeMap<&'static str, u64> {
    let counts = totals.fragments;
    by_label(
        [
            ("opened", counts.opened),
            ("completed", counts.completed),
            ("timed_out", counts.timed_out),
            ("evicted", counts.evicted),
            ("open", totals.datagrams_open),
        ]
        .into_iter(),
    )
}

fn events(kind: EventKind, totals: &Totals, ring: &RingFigures) -> Events {
    let refused = refused(kind, totals, ring);
    Events {
        generated: totals.generated[kind.index()],
        assigned: ring.assigned.0[kind.index()],
        refused: by_label(RefuseReason::ALL.iter().map(|r| (r.label(), refused.0[r.index()]))),
    }
}

fn session_frames(totals: &Totals, ring: &RingFigures) -> Option<Events> {
    let generated = totals.counters.replicated.total();
    let [assigned, refused] = ring.sessions.map(|frames| frames.total());
    (generated > 0).then(|| Events {
        generated,
        assigned,
        refused: by_label([(RefuseReason::RingFull.label(), refused)].into_iter()),
    })
}

/// What the limiter and the ring refused.
fn refused(
    kind: EventKind,
    totals: &Totals,
    ring: &RingFigures,
) -> Counts<{ RefuseReason::COUNT }> {
    let mut refused = totals.counters.refused[kind.index()];
    refused.add(&ring.refused[kind.index()]);
    refused
}

fn identities(
    port: PortCounters,
    totals: &Totals,
    ring: &RingFigures,
    stream: &Delivery,
    sinks: &[SinkReport],
) -> Vec<Identity> {
    let packets = &totals.counters.packets;
    let assigned = &ring.assigned;
    let [sessions, sessions_refused] = &ring.sessions;
    let decided = packets.forwarded + packets.to_host + packets.dropped.total();
    let mut all = vec![
        identity("received = forwarded + to host + dropped", port.received, decided),
        identity("forwarded = transmitted by the port", packets.forwarded, port.transmitted),
        identity(
            "answers built = answers sent by the port",
            totals.counters.answers.sent
                + totals.counters.answers.neighbors
                + totals.counters.cookies.sent
                + totals.counters.cookies.made,
            port.answers,
        ),
        identity(
            "created = active + closed",
            totals.created,
            totals.active + totals.closed.total(),
        ),
        datagrams(totals),
        identity("NAT ports leased = held by sessions", totals.leased, totals.leases),
        identity(
            "denied with logging = PolicyDeny generated",
            totals.counters.denied_logged,
            totals.generated[EventKind::PolicyDeny.index()],
        ),
        identity(
            "assigned + sessions + resyncs = numbers given",
            assigned.total() + sessions.total() + ring.resyncs,
            ring.numbered,
        ),
        identity(
            "session frames: generated = assigned + refused",
            totals.counters.replicated.total(),
            sessions.total() + sessions_refused.total(),
        ),
    ];
    for kind in EventKind::ALL {
        let (at, label) = (kind.index(), kind.label());
        let refused = refused(kind, totals, ring).total();
        let name = format!("{label}: generated = assigned + refused");
        all.push(identity(&name, totals.generated[at], assigned.0[at] + refused));
    }
    match stream {
        Delivery::Inline(stream) => inline_identities(&mut all, ring, stream, sinks),
        Delivery::Remote(stream) => {
            let right = stream.acked + stream.unacked;
            all.push(identity("last sequence = acked + unacked", stream.last_sequence, right));
        }
    }
    all
}

/// With the collector in this process, what was applied and what became of it is known too.
fn inline_identities(
    all: &mut Vec<Identity>,
    ring: &RingFigures,
    stream: &StreamReport,
    sinks: &[SinkReport],
) {
    let (assigned, numbered) = (&ring.assigned, ring.numbered);
    let accounted = stream.applied.total() + stream.lost.total();
    all.push(identity("last sequence = applied + lost", numbered, accounted));
    for kind in EventKind::ALL {
        let (at, label) = (kind.index(), kind.label());
        let name = format!("{label}: assigned = applied");
        let lost = stream.lost.total();
        let applied = stream.applied.events.0[at];
        // Lost frames have no kind any more; with none lost, kinds must agree one by one.
        let applied = if lost == 0 { applied } else { assigned.0[at] };
        all.push(identity(&name, assigned.0[at], applied));
    }
    let sessions = ring.sessions[0].total();
    let applied = if stream.lost.total() == 0 { stream.applied.sessions } else { sessions };
    all.push(identity("session frames: assigned = applied", sessions, applied));
    for sink in sinks {
        let name = format!("{}: applied = settled + lost + backlog", sink.name);
        let right = sink.settled + sink.lost.total() + sink.backlog;
        all.push(identity(&name, stream.applied.events.total(), right));
    }
}

fn datagrams(totals: &Totals) -> Identity {
    let FragmentCounts { opened, completed, timed_out, evicted } = totals.fragments;
    let known = totals.datagrams_open + completed + timed_out + evicted;
    identity("datagrams opened = open + completed + timed out + evicted", opened, known)
}

fn identity(name: &str, left: u64, right: u64) -> Identity {
    Identity { name: name.to_owned(), left, right }
}

fn by_label(counts: impl Iterator<Item = (&'static str, u64)>) -> BTreeMap<&'static str, u64> {
    counts.filter(|&(_, count)| count > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use components::reason::LossReason;

    fn ledger(port: PortCounters, totals: &Totals, stream: StreamReport) -> Ledger {
        let ring = RingFigures::default();
        let stream = Delivery::Inline(stream);
        let sink = SinkReport { name: "stdout".into(), ..SinkReport::default() };
        Ledger::new(port, totals, &ring, stream, vec![sink])
    }

    #[test]
    fn nothing_balances_and_each_missing_unit_is_a_residual_with_a_name() {
        let nothing = ledger(PortCounters::default(), &Totals::default(), StreamReport::default());
        assert!(nothing.balanced && nothing.residual == 0);
        let port = PortCounters { received: 3, transmitted: 1, ..PortCounters::default() };
        let mut totals = Totals { created: 1, ..Totals::default() };
        totals.counters.packets.forwarded = 2;
        let mut stream = StreamReport::default();
        stream.lost.0[LossReason::Torn.index()] = 4;
        let broken = ledger(port, &totals, stream);
        assert!(!broken.balanced);
        let names: Vec<(&str, u64, u64)> = broken
            .identities
            .iter()
            .filter(|identity| identity.left != identity.right)
            .map(|identity| (identity.name.as_str(), identity.left, identity.right))
            .collect();
        assert_eq!(
            names,
            [
                ("received = forwarded + to host + dropped", 3, 2),
                ("forwarded = transmitted by the port", 2, 1),
                ("created = active + closed", 1, 0),
                ("last sequence = applied + lost", 0, 4),
            ]
        );
        assert_eq!(broken.residual, 7);
    }
}
