//! A naive model of the ring, a list of all frames that it ever accepted, and the property that
//! any operations in any order leave ring and model in agreement.

use super::*;
use crate::kinds::SessionChange;
use crate::reason::Counts;
use crate::wire::{SessionEnd, SessionEndRecord, SessionEndZones};

/// Where a session frame stands among the kinds.
const SESSION: usize = 5;

/// A session frame that can be told from others by its tag, of the type and length that it says.
fn session(tag: u64) -> EventFrame {
    let mut source = [0; 16];
    source[..8].copy_from_slice(&tag.to_le_bytes());
    let mut v4 = SessionRecord::<4>::default();
    v4.source = *source.first_chunk().unwrap();
    v4.destination = *source[4..].first_chunk().unwrap();
    let mut v6 = SessionRecord::<16>::default();
    v6.source = source;
    let record = if tag.is_multiple_of(2) { Session::V4(v4) } else { Session::V6(v6) };
    match tag % 3 {
        0 => EventFrame::session_open(&record),
        2 => EventFrame::session_update(&record),
        _ => {
            let mut end = SessionEndRecord::<16>::default();
            end.destination[2..10].copy_from_slice(&tag.to_le_bytes());
            let zones = SessionEndZones { ingress_zone: 2, egress_zone: 3 };
            EventFrame::session_close(&SessionEnd::V6(end, Some(zones)))
        }
    }
}

#[derive(Clone, Debug)]
enum Operation {
    Append(Vec<usize>),
    Write(usize),
    Ack(i64),
    Rewind,
    Resync,
    Owe,
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        4 => prop::collection::vec(prop_oneof![3 => Just(0), 2 => 0usize..6], 0..12)
            .prop_map(Operation::Append),
        3 => (0usize..20).prop_map(Operation::Write),
        3 => (-3i64..12).prop_map(Operation::Ack),
        1 => Just(Operation::Rewind),
        1 => Just(Operation::Resync),
        1 => Just(Operation::Owe),
    ]
}

/// What the ring should be, without slots or cursors to wrap.
struct Model {
    capacity: usize,
    reserved: [usize; 6],
    overflow: Overflow,
    /// (sequence, kind, 5 for a session frame, or `None` for the FullResync, tag) of the retained
    /// frames, oldest first.
    retained: Vec<(u64, Option<usize>, u64)>,
    /// Sequence numbers written on this connection or gone, as a count from the first.
    sent: u64,
    highest_written: u64,
    acked: u64,
    next: u64,
    owed: bool,
    /// Another FullResync is owed behind the one that is retained.
    again: bool,
    assigned: [u64; 6],
    refused: [u64; 6],
    evicted: [u64; 6],
}

impl Model {
    /// The rule in one line: what is used, or else reserved, never exceeds the ring.
    fn fits(&self, new: Option<usize>) -> bool {
        let used =
            |kind| self.retained.iter().filter(|f| f.1 == kind).count() + usize::from(new == kind);
        let kinds: usize = (0..6).map(|k| used(Some(k)).max(self.reserved[k])).sum();
        kinds + used(None) <= self.capacity
    }

    fn accept(&mut self, kind: Option<usize>, tag: u64) -> bool {
        if self.next > u64::MAX - if kind.is_none() { 1 } else { 2 } {
            return false;
        }
        while !self.fits(kind) {
            let Some(&(_, oldest, _)) = self.retained.first() else {
                return false;
            };
            let held = self.retained.iter().filter(|f| f.1 == oldest).count();
            let protected = oldest.is_some_and(|k| Some(k) != kind && held <= self.reserved[k]);
            if self.overflow == Overflow::Refuse || protected {
                return false;
            }
            self.retained.remove(0);
            self.owed = true;
            match oldest {
                Some(k) => self.evicted[k] += 1,
                None => self.again = false,
            }
        }
        self.retained.push((self.next, kind, tag));
        self.next += 1;
        true
    }

    fn oldest(&self) -> u64 {
        self.retained.first().map_or(self.next, |f| f.0)
    }

    /// The retained frames not yet written on this connection.
    fn unsent(&self) -> Vec<(u64, Option<usize>, u64)> {
        self.retained.iter().filter(|f| f.0 >= self.sent).copied().collect()
    }

    fn ack(&mut self, sequence: u64) -> AckOutcome {
        if sequence < self.acked {
            return AckOutcome::Regressed;
        }
        if sequence == self.acked {
            return AckOutcome::Duplicate;
        }
        if sequence > self.highest_written {
            return AckOutcome::BeyondSent;
        }
        let before = self.retained.len();
        if self.retained.iter().any(|f| f.1.is_none() && f.0 <= sequence) {
            self.owed = std::mem::take(&mut self.again);
        }
        self.retained.retain(|f| f.0 > sequence);
        self.acked = sequence;
        AckOutcome::Advanced((before - self.retained.len()) as u64)
    }
}

/// Writes up to `limit` frames of the ring and compares each with the model's.
fn write(ring: &mut ReplayRing, model: &mut Model, mut limit: usize) {
    while limit > 0 {
        let unsent = ring.unsent();
        let count = unsent.frames.min(limit);
        if count == 0 {
            assert_eq!(model.unsent(), []);
            return;
        }
        let bytes = [unsent.first, unsent.second].concat();
        for (raw, expected) in bytes.chunks_exact(unsent.frame_length).zip(model.unsent()) {
            assert_eq!(u64::from_le_bytes(raw[8..16].try_into().unwrap()), expected.0);
            match expected.1 {
                Some(SESSION) => {
                    let tag = u64::from_le_bytes(raw[16 + 24..][..8].try_into().unwrap());
                    let change = SessionChange::ALL[usize::try_from(tag % 3).unwrap()];
                    match change {
                        SessionChange::Close => assert_eq!((raw.len(), raw[4]), (16 + 43, 2)),
                        _ if tag.is_multiple_of(2) => assert_eq!(raw.len(), 16 + 56),
                        _ => assert_eq!(raw.len(), 16 + 116),
                    }
                    assert_eq!((usize::from(raw[4]), tag), (1 + change.index(), expected.2));
                }
                Some(kind) => {
                    assert_eq!(raw.len(), 152);
                    assert_eq!(raw[16 + 52], EventKind::ALL[kind] as u8);
                    assert_eq!(u64::from_le_bytes(raw[16..24].try_into().unwrap()), expected.2);
                }
                None => assert_eq!(raw[..8], [0, 0, 0, 0, 9, 0, 0, 0]),
            }
        }
        ring.mark_sent(count);
        let last = model.unsent()[count - 1].0;
        model.sent = last + 1;
        model.highest_written = model.highest_written.max(last);
        limit -= count;
    }
}

fn step(ring: &mut ReplayRing, model: &mut Model, operation: Operation, tag: &mut u64) {
    match operation {
        Operation::Append(kinds) => {
            let mut batch = Vec::new();
            for kind in &kinds {
                *tag += 1;
                batch.push(match *kind {
                    SESSION => session(*tag),
                    kind => frame(EventKind::ALL[kind], *tag),
                });
                let accepted = model.accept(Some(*kind), *tag);
                let counter = if accepted { &mut model.assigned } else { &mut model.refused };
                counter[*kind] += 1;
                if *kind == SESSION && !accepted && model.next < u64::MAX {
                    model.again = model.retained.iter().any(|f| f.1.is_none());
                    model.owed = true;
                }
            }
            let appended = ring.append(&batch);
            let total = appended.accepted.total()
                + appended.refused.total()
                + appended.sessions.total()
                + appended.sessions_refused.total();
            assert_eq!(total, kinds.len() as u64);
        }
        Operation::Write(limit) => write(ring, model, limit),
        Operation::Ack(offset) => {
            let sequence = model.acked.saturating_add_signed(offset);
            assert_eq!(ring.ack(sequence), model.ack(sequence));
        }
        Operation::Rewind => {
            ring.rewind_to_acked();
            model.sent = 0;
        }
        Operation::Resync => {
            let placed = model.retained.iter().any(|f| f.1.is_none());
            let sequence = model.next;
            let accepted = model.owed && !placed && model.accept(None, 0);
            assert_eq!(ring.append_resync(), accepted.then_some(sequence));
        }
        Operation::Owe => {
            ring.owe_resync();
            model.owed = true;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn any_operations_leave_ring_and_model_in_agreement(
        bits in 2u32..=6,
        percent in prop_oneof![
            Just([12; 6]), Just([0; 6]), Just([20, 20, 20, 20, 20, 0]), Just([50, 0, 25, 0, 0, 25]),
        ],
        evict in any::<bool>(),
        start in prop_oneof![Just(1), 1u64..200, (u64::MAX - 60)..u64::MAX],
        operations in prop::collection::vec(operation(), 1..120),
    ) {
        let capacity_frames = 1 << bits;
        let overflow = if evict { Overflow::Evict } else { Overflow::Refuse };
        let reserved = |share: u8| capacity_frames * usize::from(share) / 100;
        let [create, close, deny, screen, filter, session_frames] = percent.map(reserved);
        let reserved_frames = [create, close, deny, screen, filter];
        let quotas = Quotas { reserved_frames, session_frames };
        let mut ring = ReplayRing::new(&RingConfig {
            capacity_frames, stream_id: 7, start_sequence: start, overflow, quotas,
        }).unwrap();
        let mut model = Model {
            capacity: capacity_frames,
            reserved: percent.map(reserved),
            overflow,
            retained: Vec::new(),
            sent: 0,
            highest_written: start - 1,
            acked: start - 1,
            next: start,
            owed: false,
            again: false,
            assigned: [0; 6],
            refused: [0; 6],
            evicted: [0; 6],
        };
        let mut tag = 0;
        for operation in operations {
            step(&mut ring, &mut model, operation, &mut tag);
            prop_assert_eq!(ring.oldest(), model.oldest());
            prop_assert_eq!(ring.next_sequence(), model.next);
            prop_assert_eq!(ring.retained(), model.retained.len() as u64);
            prop_assert_eq!(ring.owes_resync(), model.owed);
            let counters = ring.counters();
            let told = |events: Counts<5>, sessions: Counts<3>| {
                let [create, close, deny, screen, filter] = events.0;
                [create, close, deny, screen, filter, sessions.total()]
            };
            prop_assert_eq!(told(counters.assigned, counters.sessions), model.assigned);
            prop_assert_eq!(told(counters.refused, counters.sessions_refused), model.refused);
            prop_assert_eq!(told(counters.evicted, counters.sessions_evicted), model.evicted);
            prop_assert_eq!(
                counters.assigned.total() + counters.sessions.total() + counters.resyncs,
                ring.last_sequence() - (start - 1)
            );
        }
        write(&mut ring, &mut model, usize::MAX);
    }
}
