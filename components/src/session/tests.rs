//! The table against a model: what is installed is found from both sides until it is removed or
//! due.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::address::{Address, Family};

/// No early ageing.
const NO_AGING: Aging = Aging { early_ageout_s: 20, low_watermark: 100, high_watermark: None };

fn key(n: u8, port: u16) -> FlowKey {
    FlowKey {
        source: Address::v4([10, 0, 0, n]),
        destination: Address::v4([192, 0, 2, 1]),
        source_port: port,
        destination_port: 80,
        protocol: 6,
        family: Family::Inet,
    }
}

pub(super) fn session(n: u8, port: u16, deadline_ns: u64) -> Session {
    let key = key(n, port);
    Session { keys: [key, key.reversed()], deadline_ns, ..Session::default() }
}

fn find(table: &SessionTable, key: FlowKey) -> Option<(usize, u8)> {
    table.find(table.hash(&key), &key).map(|entry| (entry.slot(), entry.direction()))
}

#[test]
fn a_session_is_found_from_both_directions_until_it_is_removed() {
    let mut table = SessionTable::new(4, 1, 16, 100);
    let entry = table.install(session(1, 1000, 500)).expect("room");
    assert_eq!(find(&table, key(1, 1000)), Some((entry.slot(), 0)));
    assert_eq!(find(&table, key(1, 1000).reversed()), Some((entry.slot(), 1)));
    assert_eq!(table.install(session(1, 1000, 500)), Err(InstallError::KeyTaken));
    assert!(table.remove(entry.slot()).is_some());
    assert_eq!(find(&table, key(1, 1000)), None);
    assert_eq!(find(&table, key(1, 1000).reversed()), None);
    assert!(table.remove(entry.slot()).is_none());
}

#[test]
fn a_full_table_refuses_and_keeps_what_it_has() {
    let mut table = SessionTable::new(2, 1, 16, 100);
    table.install(session(1, 1, 500)).expect("room");
    table.install(session(1, 2, 500)).expect("room");
    assert_eq!(table.install(session(1, 3, 500)), Err(InstallError::Full));
    assert_eq!(table.active(), 2);
    assert!(find(&table, key(1, 1)).is_some());
}

#[test]
fn sessions_end_in_the_order_of_their_deadlines() {
    let mut table = SessionTable::new(8, 1, 4, 100);
    table.expire(0, 9, &NO_AGING, |_| panic!("nothing is installed"));
    for (port, deadline) in [(1, 900), (2, 150), (3, 5_000), (4, 150)] {
        table.install(session(1, port, deadline)).expect("room");
    }
    let mut ended = Vec::new();
    assert!(
        table.expire(1_000, 2, &NO_AGING, |s| ended.push(s.keys[0].source_port)),
        "one is left"
    );
    assert_eq!(ended, [2, 4]);
    assert!(!table.expire(1_000, 2, &NO_AGING, |s| ended.push(s.keys[0].source_port)));
    assert_eq!(ended, [2, 4, 1]);
    table.expire(4_999, 9, &NO_AGING, |_| panic!("not due"));
    table.expire(5_000, 9, &NO_AGING, |s| ended.push(s.keys[0].source_port));
    assert_eq!(ended.last(), Some(&3));
    assert_eq!(table.active(), 0);
}

proptest! {
    #[test]
    fn agrees_with_a_map(
        steps in prop::collection::vec((0u8..3, 0u8..4, 0u16..8, 1u64..40), 1..200)
    ) {
        let mut table = SessionTable::new(12, 7, 8, 10);
        let mut model: HashMap<FlowKey, u64> = HashMap::new();
        let mut clock = 0;
        table.expire(clock, 99, &NO_AGING, |_| ());
        for (what, n, port, wait) in steps {
            match what {
                0 => {
                    let deadline = clock + wait * 10;
                    let full = model.len() == 12;
                    let installed = table.install(session(n, port, deadline));
                    let expected = match (model.contains_key(&key(n, port)), full) {
                        (true, _) => Some(InstallError::KeyTaken),
                        (false, true) => Some(InstallError::Full),
                        (false, false) => None,
                    };
                    prop_assert_eq!(installed.err(), expected);
                    if expected.is_none() {
                        model.insert(key(n, port), deadline);
                    }
                }
                1 => {
                    let slot = find(&table, key(n, port).reversed());
                    prop_assert_eq!(slot.is_some(), model.remove(&key(n, port)).is_some());
                    if let Some((slot, direction)) = slot {
                        prop_assert_eq!(direction, 1);
                        table.remove(slot);
                    }
                }
                _ => {
                    clock += wait;
                    table.expire(clock, 99, &NO_AGING, |s| { model.remove(&s.keys[0]); });
                    // The wheel turns by ticks: nothing whose deadline lies a whole tick back is
                    // left.
                    prop_assert!(model.values().all(|&deadline| deadline > clock / 10 * 10));
                }
            }
            prop_assert_eq!(table.active(), model.len());
        }
        for key in model.keys() {
            prop_assert!(find(&table, *key).is_some());
        }
    }
}

#[test]
fn a_slot_keeps_its_session_until_a_whole_batch_of_others_has_ended() {
    let mut table = SessionTable::new(1, 1, 16, 100);
    let first = table.install(session(1, 1, 500)).expect("room").slot();
    table.remove(first).expect("is there");
    for port in 2..=1_024 {
        let slot = table.install(session(1, port, 500)).expect("one at a time").slot();
        assert_ne!(slot, first, "{port}");
        assert_eq!(table.get(first).keys[0], key(1, 1));
        table.remove(slot).expect("is there");
    }
    assert_eq!((table.active(), table.capacity()), (0, 1));
}

#[test]
fn keys_chosen_to_collide_fill_one_walk_and_another_seed_scatters_them() {
    // Buckets of a table of 4,096: what an attacker would have to know besides the seed.
    const MASK: u64 = 2047;
    let (mut known, mut secret) =
        (SessionTable::new(4096, 1, 16, 100), SessionTable::new(4096, 2, 16, 100));
    let all = (0..=255).flat_map(|n| (0..16_384).map(move |port| (n, port)));
    let chosen: Vec<_> =
        all.filter(|&(n, port)| known.hash(&key(n, port)) & MASK == 3).take(1000).collect();
    assert_eq!(chosen.len(), 1000);
    let innocent = session(1, 40_000, 500);
    known.install(innocent).expect("room");
    let outcomes: Vec<_> =
        chosen.iter().map(|&(n, port)| known.install(session(n, port, 500)).err()).collect();
    let accepted = outcomes.iter().filter(|outcome| outcome.is_none()).count();
    assert!((100..=128).contains(&accepted), "16 buckets of 8 at most: {accepted}");
    assert!(outcomes.iter().all(|outcome| outcome.is_none_or(|e| e == InstallError::Full)));
    assert_eq!(known.active(), accepted + 1, "what was refused left nothing behind");
    assert!(find(&known, innocent.keys[0]).is_some());
    known.install(session(1, 40_001, 500)).expect("room for others");
    for &(n, port) in &chosen {
        secret.install(session(n, port, 500)).expect("scattered");
    }
}

#[test]
fn memory_of_a_session_is_what_the_documentation_says() {
    assert_eq!(size_of::<Session>(), 232);
    let more = SessionTable::new(1 << 15, 1, 16, 100).memory_bytes();
    let fewer = SessionTable::new(1 << 14, 1, 16, 100).memory_bytes();
    assert_eq!((more - fewer) >> 14, 284, "bytes a session, index included");
}
