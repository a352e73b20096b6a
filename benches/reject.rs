//! `reject`, by the share of rows that are answered with RST. The clock moves by a second, so that
//! the limit on answers is never met.

use std::time::Duration;

use criterion::Criterion;

use crate::support::traffic::{all, guest, half, staff_web, staff_web_opening};
use crate::support::{Case, Outcome, REPLAY, ROWS, bench_system};

pub(crate) fn bench(criterion: &mut Criterion) {
    let case = |label, frames, answers| Case {
        label,
        before: vec![all(staff_web_opening)],
        frames,
        step: Duration::from_secs(1),
        outcome: Outcome { forwarded: ROWS - answers, translated: 0, events: answers, answers },
    };
    let cases = [
        case("none", all(staff_web), 0),
        case("half", half(staff_web, guest), ROWS / 2),
        case("all", all(guest), ROWS),
    ];
    bench_system(criterion, REPLAY, "reject", &cases);
}
