//! The runs: the seeds of every test run, one seed told step by step, and each of the ten known
//! bugs, which must be found.

use super::*;

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().expect("a number"))
}

#[test]
fn simulator_one_seed() {
    let seed = from_environment("SIM_SEED").unwrap_or(1);
    run(seed, None, std::env::var_os("SIM_TRACE").is_some());
}

/// 2,000 seeds, or as many as `SIM_SEEDS` says, after `SIM_FIRST`.
#[test]
fn every_seed_delivers_each_event_once_or_counts_it() {
    let seeds = from_environment("SIM_SEEDS").unwrap_or(2000);
    let first = from_environment("SIM_FIRST").unwrap_or(0);
    let mut total = Sometimes::new();
    for seed in first..first + seeds {
        for (name, count) in run_seed(seed) {
            *total.entry(name).or_default() += count;
        }
    }
    let count = |name: &&&str| total.get(**name).copied().unwrap_or(0);
    let never: Vec<&&str> = EXPECTED.iter().filter(|name| count(name) == 0).collect();
    assert!(seeds < 500 || never.is_empty(), "never in {seeds} seeds: {never:?} of {total:#?}");
}

/// What a run of many seeds must have met, or it has not tested what it is for.
const EXPECTED: [&str; 44] = [
    "acks regressed",
    "acks repeated",
    "connections",
    "connections refused",
    "deaths between append and publication",
    "deaths between write and bookkeeping",
    "drains asked for",
    "duplicates",
    "evictions",
    "session frames",
    "session frames refused",
    "session frames evicted",
    "evictions of the foreign producer",
    "forgotten by the collector",
    "frames cut by a disconnect",
    "frames durable behind a held resync",
    "frames replayed",
    "frames set aside",
    "full rings",
    "gaps",
    "hang-ups after a pause",
    "hang-ups after an ack beyond",
    "hellos unanswered",
    "injected control frames",
    "keepalives",
    "last reports",
    "malformed frames",
    "pauses heard",
    "pauses said",
    "power failures",
    "queued bytes dropped",
    "resumes said",
    "resyncs",
    "resyncs done",
    "resyncs failed",
    "resyncs skipped",
    "rings taken over",
    "spools rolled back",
    "stale flushes",
    "streams unknown to the collector",
    "syncs failed",
    "torn records",
    "torn slots",
    "unknown types",
];

macro_rules! seeds {
    ($($test:ident: $seed:literal;)+) => {
        $(
            #[test]
            fn $test() {
                run_seed($seed);
            }
        )+
    };
}

// Each failed once, before a mistake was mended.
seeds! {
    a_drain_asked_for_before_hello_waits_for_the_answer_to_hello: 1;
    a_gap_that_its_producer_never_heard_of_is_resynchronised: 941;
    the_ack_goes_on_up_to_the_first_full_resync_that_came_too_late: 998;
    a_full_resync_gives_its_number_up_to_stand_behind_a_torn_slot: 55;
    a_frame_that_was_never_published_is_not_taken_for_one: 3287;
    a_ring_of_nothing_but_torn_slots_takes_new_frames: 14956;
}

macro_rules! found {
    ($($test:ident: $bug:ident;)+) => {
        $(
            #[test]
            fn $test() {
                let seed = finds(Bug::$bug, 0..500);
                assert!(seed.is_some(), "{:?} is not found within 500 seeds", Bug::$bug);
            }
        )+
    };
}

found! {
    finds_no_full_resync_when_nothing_was_acked_yet: NoResyncBeforeFirstAck;
    finds_a_ring_cleared_when_full_resync_is_sent_instead_of_acked: ClearedWhenResyncSent;
    finds_an_ack_although_not_ready: AckedAlthoughNotReady;
    finds_a_stale_flush_across_connections: StaleFlush;
    finds_a_full_resync_acked_although_not_ready: ResyncAckedAlthoughNotReady;
    finds_a_decoder_buffer_that_survives_a_reconnect: DecoderSurvivesReconnect;
    finds_an_ack_beyond_what_was_ever_sent_accepted: AckBeyondSentAccepted;
    finds_an_eviction_not_noticed_while_connected: EvictionUnnoticedWhileConnected;
    finds_that_nothing_is_de_duplicated: NoDeduplication;
    finds_an_ack_before_the_sync: AckBeforeSync;
}
