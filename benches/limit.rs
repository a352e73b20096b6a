//! `limit`, by the share of rows that raised an event; the rates are those of the default schedule
//! and none is exceeded.

use std::time::Duration;

use criterion::Criterion;

use crate::support::traffic::{all, half, staff_out, staff_telnet};
use crate::support::{Case, Outcome, ROWS, bench_system};

pub(crate) fn bench(criterion: &mut Criterion) {
    let case = |label, frames, events| Case {
        label,
        before: vec![all(staff_out)],
        frames,
        step: Duration::from_millis(10),
        outcome: Outcome {
            forwarded: ROWS - events,
            translated: ROWS - events,
            events,
            answers: 0,
        },
    };
    let cases = [
        case("none", all(staff_out), 0),
        case("half", half(staff_out, staff_telnet), ROWS / 2),
        case("all", all(staff_telnet), ROWS),
    ];
    bench_system(criterion, DEFAULT, "limit", &cases);
}

const DEFAULT: &str = include_str!("../schedules/default.toml");
