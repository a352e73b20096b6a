//! `parse`, by the share of rows that it drops as malformed.

use std::time::Duration;

use criterion::Criterion;

use crate::support::traffic::{all, half, malformed, staff_out};
use crate::support::{Case, Outcome, REPLAY, ROWS, bench_system};

pub(crate) fn bench(criterion: &mut Criterion) {
    let case = |label, frames, malformed| Case {
        label,
        before: vec![all(staff_out)],
        frames,
        step: Duration::from_millis(1),
        outcome: Outcome {
            forwarded: ROWS - malformed,
            translated: ROWS - malformed,
            events: 0,
            answers: 0,
        },
    };
    let cases = [
        case("none", all(staff_out), 0),
        case("half", half(staff_out, malformed), ROWS / 2),
        case("all", all(malformed), ROWS),
    ];
    bench_system(criterion, REPLAY, "parse", &cases);
}
