//! `screen`, by the share of rows that are attacks. All come in on untrust, whose profile has
//! every screen that looks at single packets.

use std::time::Duration;

use criterion::Criterion;

use crate::support::traffic::{all, caller, half, no_flag};
use crate::support::{Case, Outcome, REPLAY, ROWS, bench_system};

pub(crate) fn bench(criterion: &mut Criterion) {
    let case = |label, frames, attacks| Case {
        label,
        before: vec![all(caller)],
        frames,
        step: Duration::from_millis(1),
        outcome: Outcome {
            forwarded: ROWS - attacks,
            translated: ROWS - attacks,
            events: attacks,
            answers: 0,
        },
    };
    let cases = [
        case("none", all(caller), 0),
        case("half", half(caller, no_flag), ROWS / 2),
        case("all", all(no_flag), ROWS),
    ];
    bench_system(criterion, REPLAY, "screen", &cases);
}
