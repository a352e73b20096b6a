//! `rewrite`, by the share of rows that are translated; the rest only loses a hop.

use std::time::Duration;

use criterion::Criterion;

use crate::support::traffic::{all, half, staff_out, staff_web, staff_web_opening};
use crate::support::{Case, Outcome, REPLAY, ROWS, bench_system};

pub(crate) fn bench(criterion: &mut Criterion) {
    let case = |label, frames, translated| Case {
        label,
        before: vec![all(staff_web_opening), all(staff_out)],
        frames,
        step: Duration::from_millis(1),
        outcome: Outcome { forwarded: ROWS, translated, events: 0, answers: 0 },
    };
    let cases = [
        case("none", all(staff_web), 0),
        case("half", half(staff_web, staff_out), ROWS / 2),
        case("all", all(staff_out), ROWS),
    ];
    bench_system(criterion, REPLAY, "rewrite", &cases);
}
