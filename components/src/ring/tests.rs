//! The ring: named cases with literal numbers here, the model that any sequence of operations
//! must agree with beside them.

use proptest::prelude::*;
use zerocopy::FromZeros;

use super::*;
use crate::kinds::EventKind;
use crate::wire::{RtFlowRecord, Session, SessionRecord};

mod model;
mod state;

const CREATE: EventKind = EventKind::SessionCreate;
const DENY: EventKind = EventKind::PolicyDeny;

/// A frame that can be told from others by its time.
fn frame(kind: EventKind, time_ns: u64) -> EventFrame {
    EventFrame::new(kind, RtFlowRecord { time_ns: time_ns.into(), ..RtFlowRecord::new_zeroed() })
}

fn frames(kind: EventKind, count: usize) -> Vec<EventFrame> {
    (0..count as u64).map(|n| frame(kind, n)).collect()
}

fn ring(capacity_frames: usize, overflow: Overflow) -> ReplayRing {
    ReplayRing::new(&RingConfig { overflow, ..RingConfig::new(capacity_frames, 7) }).unwrap()
}

/// The (sequence, frame type) of all frames that `unsent` gives now, which are marked as sent.
fn write_run(ring: &mut ReplayRing) -> Vec<(u64, u8)> {
    let unsent = ring.unsent();
    let bytes = [unsent.first, unsent.second].concat();
    assert_eq!(bytes.len(), unsent.frames * unsent.frame_length);
    let written: Vec<_> = bytes
        .chunks_exact(unsent.frame_length)
        .map(|f| (u64::from_le_bytes(f[8..16].try_into().unwrap()), f[4]))
        .collect();
    ring.mark_sent(written.len());
    written
}

/// The sequence numbers of everything to write, run after run.
fn write_all(ring: &mut ReplayRing) -> Vec<u64> {
    let mut all = Vec::new();
    loop {
        let run = write_run(ring);
        if run.is_empty() {
            return all;
        }
        all.extend(run.iter().map(|(sequence, _)| *sequence));
    }
}

#[test]
fn numbers_start_at_1_and_a_refused_frame_takes_none() {
    let mut ring = ring(8, Overflow::Refuse);
    let appended = ring.append(&frames(CREATE, 6));
    assert_eq!(appended.accepted.0, [4, 0, 0, 0, 0], "one reserved and three common slots");
    assert_eq!(appended.refused.0, [2, 0, 0, 0, 0]);
    let appended = ring.append(&[frame(DENY, 9)]);
    assert_eq!(appended.accepted.0, [0, 0, 1, 0, 0]);
    assert_eq!((ring.oldest(), ring.last_sequence(), ring.next_sequence()), (1, 5, 6));
    assert_eq!(write_all(&mut ring), [1, 2, 3, 4, 5]);
    assert_eq!(ring.counters().assigned.0, [4, 0, 1, 0, 0]);
    assert_eq!(ring.counters().refused.0, [2, 0, 0, 0, 0]);
}

#[test]
fn a_wrapped_run_comes_as_two_slices_of_whole_frames() {
    let mut ring = ring(8, Overflow::Refuse);
    for first in [1, 4, 7, 10] {
        ring.append(&[frame(CREATE, first), frame(DENY, first + 1), frame(CREATE, first + 2)]);
        let unsent = ring.unsent();
        let split = if first == 7 { (152, 304) } else { (456, 0) };
        assert_eq!((unsent.first.len(), unsent.second.len()), split, "from sequence {first}");
        assert_eq!(write_all(&mut ring), [first, first + 1, first + 2]);
        assert_eq!(ring.ack(first + 2), AckOutcome::Advanced(3));
    }
    assert_eq!((ring.retained(), ring.oldest(), ring.last_sequence()), (0, 13, 12));
}

#[test]
fn a_full_ring_whose_cursors_share_a_slot_writes_all_of_it() {
    let mut ring = ring(4, Overflow::Refuse);
    ring.append(&frames(CREATE, 2));
    write_all(&mut ring);
    ring.ack(2);
    assert_eq!(ring.append(&frames(DENY, 5)).refused.total(), 1);
    let unsent = ring.unsent();
    assert_eq!((unsent.first.len(), unsent.second.len(), unsent.frames), (152, 456, 4));
    assert_eq!(write_all(&mut ring), [3, 4, 5, 6]);
}

#[test]
fn acks_that_say_nothing_new_change_only_their_counter() {
    let mut ring = ring(8, Overflow::Refuse);
    ring.append(&frames(CREATE, 4));
    ring.mark_sent(3);
    assert_eq!(ring.ack(4), AckOutcome::BeyondSent, "accepted but not written");
    assert_eq!(ring.ack(u64::MAX), AckOutcome::BeyondSent);
    assert_eq!(ring.ack(0), AckOutcome::Duplicate, "nothing was acked yet");
    assert_eq!(ring.ack(2), AckOutcome::Advanced(2));
    assert_eq!(ring.ack(2), AckOutcome::Duplicate);
    assert_eq!(ring.ack(1), AckOutcome::Regressed);
    assert_eq!((ring.oldest(), ring.retained(), ring.acked()), (3, 2, 2));
    let counted = ring.counters();
    assert_eq!((counted.acks_advanced, counted.acks_duplicate, counted.acks_regressed), (1, 2, 1));
    assert_eq!(counted.acks_beyond_sent, 2);
}

#[test]
fn a_reconnect_replays_what_no_ack_covers_and_takes_acks_of_what_was_written_before() {
    let mut ring = ring(16, Overflow::Refuse);
    ring.append(&frames(CREATE, 5));
    assert_eq!(write_all(&mut ring), [1, 2, 3, 4, 5]);
    ring.ack(2);
    ring.rewind_to_acked();
    assert_eq!(ring.last_sent(), 2);
    assert_eq!(ring.ack(4), AckOutcome::Advanced(2), "written on the first connection");
    ring.append(&[frame(DENY, 0)]);
    assert_eq!(write_all(&mut ring), [5, 6]);
    assert_eq!(ring.counters().sent, 7);
}

#[test]
fn a_cut_frame_counts_as_sent_and_its_rest_is_handed_out() {
    let mut ring = ring(4, Overflow::Refuse);
    ring.append(&frames(CREATE, 2));
    ring.mark_sent(2);
    ring.ack(2);
    ring.append(&frames(CREATE, 3));
    let unsent = ring.unsent();
    assert_eq!((unsent.first.len(), unsent.second.len()), (152, 304), "slot 3 and then 0");
    let whole = [unsent.first, unsent.second].concat();
    for written in 0..=whole.len() {
        let (frames, rest) = unsent.split_at(written);
        assert_eq!(frames, written.div_ceil(152));
        assert_eq!(rest, &whole[written..frames * 152]);
    }
}

#[test]
fn evicting_the_oldest_owes_a_full_resync_until_its_own_number_is_acked() {
    let mut ring = ring(4, Overflow::Evict);
    ring.append(&frames(CREATE, 6));
    assert_eq!(ring.counters().evicted.0, [2, 0, 0, 0, 0]);
    assert_eq!(ring.missing(), Some((1, 2)), "although nothing was acked yet");
    assert!(ring.owes_resync());
    assert_eq!(ring.append_resync(), Some(7));
    assert_eq!(ring.append_resync(), None, "it has its place");
    assert_eq!(write_run(&mut ring), [(4, 15), (5, 15), (6, 15)], "it evicted 3 for itself");
    assert_eq!(write_run(&mut ring), [(7, 9)]);
    ring.append(&[frame(DENY, 0)]);
    assert_eq!(ring.ack(6), AckOutcome::Advanced(2), "5 and 6; 4 went for the deny");
    assert!(ring.owes_resync(), "sent is not acked");
    ring.rewind_to_acked();
    assert_eq!(write_run(&mut ring), [(7, 9)], "sent again on the next connection");
    assert_eq!(write_run(&mut ring), [(8, 11)]);
    assert_eq!(ring.ack(7), AckOutcome::Advanced(1));
    assert!(!ring.owes_resync());
    assert_eq!(ring.missing(), None);
}

#[test]
fn an_evicted_full_resync_is_owed_again_under_a_new_number() {
    let mut ring = ring(4, Overflow::Evict);
    ring.append(&frames(CREATE, 5));
    assert_eq!(ring.append_resync(), Some(6));
    ring.append(&frames(CREATE, 4));
    assert!(ring.owes_resync());
    assert_eq!(ring.append_resync(), Some(11));
    assert_eq!(write_all(&mut ring), [8, 9, 10, 11]);
    assert_eq!(ring.counters().resyncs, 2);
}

#[test]
fn an_ack_of_evicted_frames_that_had_been_written_is_a_position() {
    let mut ring = ring(4, Overflow::Evict);
    ring.append(&frames(CREATE, 4));
    ring.mark_sent(4);
    ring.append(&frames(CREATE, 3));
    assert_eq!(ring.missing(), Some((1, 3)));
    assert_eq!(ring.ack(2), AckOutcome::Advanced(0));
    assert_eq!(ring.missing(), Some((3, 3)));
    ring.append(&frames(CREATE, 3));
    assert_eq!(ring.oldest(), 7, "5 and 6 went unwritten");
    assert_eq!(ring.ack(5), AckOutcome::BeyondSent, "never written, gone or not");
}

#[test]
fn a_storm_of_one_kind_leaves_every_other_its_reservation() {
    for overflow in [Overflow::Refuse, Overflow::Evict] {
        for storm in EventKind::ALL {
            let mut ring = ring(64, overflow);
            for kind in EventKind::ALL {
                ring.append(&frames(kind, 2));
            }
            ring.append(&frames(storm, 1000));
            for kind in EventKind::ALL.into_iter().filter(|kind| *kind != storm) {
                assert_eq!(ring.counters().evicted.0[kind.index()], 0, "{kind:?} by {storm:?}");
                assert_eq!(ring.append(&frames(kind, 6)).accepted.total(), 6, "{kind:?}");
            }
            assert_eq!(ring.retained(), 64, "and nothing is left unused");
        }
    }
}

#[test]
fn a_storm_alone_holds_half_the_ring_by_default() {
    let mut ring = ring(64, Overflow::Refuse);
    assert_eq!(ring.append(&frames(CREATE, 1000)).accepted.total(), 32);
}

#[test]
fn numbers_end_with_one_for_a_resync_and_never_wrap() {
    let config = RingConfig { start_sequence: u64::MAX - 4, ..RingConfig::new(8, 7) };
    let mut ring = ReplayRing::new(&config).unwrap();
    assert_eq!(ring.last_sequence(), u64::MAX - 5);
    let appended = ring.append(&[frame(CREATE, 0), frame(DENY, 1), frame(CREATE, 2)]);
    assert_eq!(appended.accepted.total(), 3);
    assert_eq!(ring.append(&frames(DENY, 2)).refused.0, [0, 0, 2, 0, 0]);
    assert_eq!(write_all(&mut ring), [u64::MAX - 4, u64::MAX - 3, u64::MAX - 2]);
    assert_eq!(ring.ack(u64::MAX), AckOutcome::BeyondSent);
    ring.owe_resync();
    assert_eq!(ring.append_resync(), Some(u64::MAX - 1));
    assert_eq!(write_all(&mut ring), [u64::MAX - 1]);
    assert_eq!(ring.ack(u64::MAX - 1), AckOutcome::Advanced(4));
    assert_eq!((ring.retained(), ring.oldest(), ring.owes_resync()), (0, u64::MAX, false));
    ring.owe_resync();
    assert_eq!(ring.append_resync(), None);
    assert_eq!(ring.append(&frames(DENY, 1)).refused.total(), 1);
}

#[test]
fn session_frames_go_out_one_by_one_at_their_own_length() {
    let mut ring = ring(16, Overflow::Refuse);
    let open = EventFrame::session_open(&Session::V4(SessionRecord::default()));
    let update = EventFrame::session_update(&Session::V6(SessionRecord::default()));
    let appended = ring.append(&[frame(DENY, 1), frame(DENY, 2), open, update, frame(DENY, 3)]);
    assert_eq!((appended.accepted.total(), appended.sessions.0), (3, [1, 0, 1]));
    let runs = std::iter::from_fn(|| {
        let frame_length = ring.unsent().frame_length;
        Some((frame_length, write_run(&mut ring))).filter(|(_, run)| !run.is_empty())
    });
    let runs: Vec<_> = runs.collect();
    assert_eq!(runs[0], (152, vec![(1, 11), (2, 11)]));
    assert_eq!(runs[1..3], [(16 + 56, vec![(3, 1)]), (16 + 116, vec![(4, 3)])]);
    assert_eq!(runs[3], (152, vec![(5, 11)]));
}

#[test]
fn a_session_frame_that_finds_no_room_owes_a_resync_behind_it() {
    let mut ring = ring(8, Overflow::Refuse);
    let open = EventFrame::session_open(&Session::V4(SessionRecord::default()));
    let refused = ring.append(&[open; 4]).sessions_refused;
    assert_eq!((refused.0, ring.owes_resync()), ([1, 0, 0], true), "three slots are common");
    write_all(&mut ring);
    ring.ack(3);
    assert_eq!(ring.append_resync(), Some(4));
    // What is refused now is behind the FullResync that has a number.
    ring.append(&[open; 3]);
    write_all(&mut ring);
    ring.ack(6);
    assert!(ring.owes_resync());
    assert_eq!(ring.append_resync(), Some(7));
    write_all(&mut ring);
    ring.ack(7);
    assert!(!ring.owes_resync());
}

#[test]
fn refuses_to_be_made_wrongly() {
    let error = |config: &RingConfig| ReplayRing::new(config).map(|_| ()).unwrap_err().to_string();
    assert_eq!(error(&RingConfig::new(12, 1)), "ring capacity 12 is not a power of two");
    assert_eq!(error(&RingConfig::new(0, 1)), "ring capacity 0 is not a power of two");
    let start = RingConfig { start_sequence: 0, ..RingConfig::new(8, 1) };
    assert_eq!(error(&start), "a stream cannot start at sequence 0");
    let quotas = Quotas { reserved_frames: [8, 1, 0, 0, 0], session_frames: 0 };
    let full = RingConfig { quotas, ..RingConfig::new(8, 1) };
    assert_eq!(error(&full), "9 slots are reserved in a ring of 8");
}
