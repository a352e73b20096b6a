//! Taking a ring over: the state after any change, slots that are not whole, and states that no
//! ring was ever in.

use super::*;
use crate::reason::{Counts, RefuseReason};
use crate::ring::{RingMemory, RingState};

type Refused = [Counts<{ RefuseReason::COUNT }>; EventKind::COUNT];

/// Memory that a second ring can be made in: two views of the same bytes are two processes.
struct Shared(Vec<u8>);

impl Shared {
    fn new(capacity: usize) -> Self {
        Self(vec![0; RingMemory::length(capacity)])
    }

    /// The bytes as the next process finds them.
    fn view(&self) -> RingMemory {
        RingMemory::new(self.0.clone().leak())
    }

    /// Keeps the bytes that a ring left.
    fn keep(&mut self, ring: &ReplayRing) {
        self.0 = ring.memory_bytes().expect("a ring in memory");
    }
}

fn config(overflow: Overflow) -> RingConfig {
    RingConfig { overflow, ..RingConfig::new(8, 7) }
}

fn begin(memory: &Shared, overflow: Overflow) -> ReplayRing {
    ReplayRing::in_memory(&config(overflow), memory.view(), None).unwrap()
}

fn next(memory: &Shared, overflow: Overflow, state: &RingState) -> ReplayRing {
    ReplayRing::in_memory(&config(overflow), memory.view(), Some(state)).unwrap()
}

#[test]
fn the_next_process_replays_what_was_not_acked_and_goes_on_counting() {
    let mut memory = Shared::new(8);
    let mut ring = begin(&memory, Overflow::Refuse);
    ring.append(&frames(CREATE, 2));
    ring.append(&frames(DENY, 3));
    assert_eq!(write_all(&mut ring), [1, 2, 3, 4, 5]);
    ring.ack(2);
    let mut upstream = Refused::default();
    upstream[2].0[RefuseReason::RateLimited.index()] = 9;
    let state = ring.state(5, &upstream);
    assert!(state.is_whole());
    memory.keep(&ring);
    let mut ring = next(&memory, Overflow::Refuse, &state);
    assert_eq!((ring.stream_id(), ring.acked(), ring.last_sequence()), (7, 2, 5));
    assert_eq!(state.upstream()[2].0[RefuseReason::RateLimited.index()], 9);
    assert_eq!(ring.counters().assigned.0, [2, 0, 3, 0, 0]);
    assert_eq!(write_all(&mut ring), [3, 4, 5]);
    assert_eq!(ring.counters().replayed, 3);
    ring.append(&frames(DENY, 1));
    assert_eq!(write_all(&mut ring), [6]);
    assert_eq!(ring.ack(6), AckOutcome::Advanced(4));
    assert!(!ring.owes_resync());
}

#[test]
fn an_ack_of_what_the_process_before_wrote_is_good() {
    let mut memory = Shared::new(8);
    let mut ring = begin(&memory, Overflow::Refuse);
    ring.append(&frames(DENY, 3));
    let state = ring.state(1, &Refused::default());
    memory.keep(&ring);
    let mut ring = next(&memory, Overflow::Refuse, &state);
    assert_eq!(ring.ack(3), AckOutcome::Advanced(3));
}

#[test]
fn a_slot_that_is_not_whole_is_torn_and_everything_else_is_replayed() {
    let mut memory = Shared::new(8);
    let mut ring = begin(&memory, Overflow::Refuse);
    ring.append(&frames(DENY, 3));
    let state = ring.state(1, &Refused::default());
    memory.keep(&ring);
    for torn in 1..=3u64 {
        for byte in 0..EVENT_FRAME_LENGTH {
            let slot = usize::try_from(torn).unwrap() * EVENT_FRAME_LENGTH;
            let mut damaged = Shared(memory.0.clone());
            damaged.0[slot + byte] ^= 0x40;
            let mut ring = next(&damaged, Overflow::Refuse, &state);
            assert_eq!(ring.counters().torn, 1, "frame {torn}, byte {byte}");
            let mut expected: Vec<u64> = (1..=3).filter(|n| *n != torn).collect();
            assert_eq!(write_all(&mut ring), expected);
            assert_eq!(ring.append_resync(), Some(4));
            ring.append(&frames(DENY, 1));
            assert_eq!(write_all(&mut ring), [4, 5]);
            ring.rewind_to_acked();
            expected.extend([4, 5]);
            assert_eq!(write_all(&mut ring), expected);
            assert_eq!(ring.ack(5), AckOutcome::Advanced(5));
            assert_eq!((ring.retained(), ring.owes_resync()), (0, false));
        }
    }
}

#[test]
fn holes_make_room_like_frames_when_the_oldest_goes() {
    let mut memory = Shared::new(8);
    let mut ring = begin(&memory, Overflow::Evict);
    ring.append(&frames(DENY, 4));
    let state = ring.state(1, &Refused::default());
    memory.keep(&ring);
    memory.0[EVENT_FRAME_LENGTH + 30] ^= 1;
    memory.0[2 * EVENT_FRAME_LENGTH + 30] ^= 1;
    let mut ring = next(&memory, Overflow::Evict, &state);
    assert_eq!(ring.counters().torn, 2);
    ring.append(&frames(CREATE, 4));
    ring.append(&frames(DENY, 20));
    assert!(ring.oldest() > 4, "the holes are gone with the frames around them");
    let counters = *ring.counters();
    let gone = counters.evicted.total() + counters.torn;
    assert_eq!(gone + ring.retained(), ring.last_sequence());
}

#[test]
fn an_owed_resync_is_owed_by_the_next_process_too() {
    let mut memory = Shared::new(8);
    let mut ring = begin(&memory, Overflow::Evict);
    ring.append(&frames(DENY, 20));
    let owed = ring.state(1, &Refused::default());
    ring.append_resync().unwrap();
    let numbered = ring.state(2, &Refused::default());
    memory.keep(&ring);
    let mut ring = next(&memory, Overflow::Evict, &numbered);
    assert_eq!(ring.resync_number(), Some(21));
    let all = write_all(&mut ring);
    assert_eq!(all.last(), Some(&21));
    ring.ack(21);
    assert!(!ring.owes_resync());
    let ring = next(&memory, Overflow::Evict, &owed);
    assert!(ring.owes_resync());
    assert_eq!(ring.resync_number(), None);
}

#[test]
fn a_state_that_no_ring_was_in_is_refused_and_a_changed_bit_is_seen() {
    let memory = Shared::new(8);
    let mut ring = begin(&memory, Overflow::Refuse);
    ring.append(&frames(DENY, 3));
    let state = ring.state(1, &Refused::default());
    for byte in 0..size_of::<RingState>() {
        let mut bytes: [u8; size_of::<RingState>()] = zerocopy::transmute!(state);
        bytes[byte] ^= 2;
        let changed: RingState = zerocopy::transmute!(bytes);
        assert!(!changed.is_whole() || (4..8).contains(&byte), "byte {byte}");
    }
    let impossible = RingState { head: 100.into(), ..state };
    let error = ReplayRing::in_memory(&config(Overflow::Refuse), memory.view(), Some(&impossible));
    assert_eq!(error.unwrap_err(), RingError::State { acked: 0, tail: 1, head: 100 });
    let small = Shared::new(4);
    let error = ReplayRing::in_memory(&config(Overflow::Refuse), small.view(), None);
    assert_eq!(error.unwrap_err(), RingError::Memory { slots: 4, capacity: 8 });
}
