//! `filter-log:input`, by the share of rows that a term logs and discards. A row that fits no such
//! term is compared with all of them.

use std::time::Duration;

use criterion::Criterion;

use crate::support::traffic::{all, caller, half, ssdp};
use crate::support::{Case, Outcome, REPLAY, ROWS, bench_system};

pub(crate) fn bench(criterion: &mut Criterion) {
    let case = |label, frames, logged| Case {
        label,
        before: vec![all(caller)],
        frames,
        step: Duration::from_millis(1),
        outcome: Outcome {
            forwarded: ROWS - logged,
            translated: ROWS - logged,
            events: logged,
            answers: 0,
        },
    };
    let cases = [
        case("none", all(caller), 0),
        case("half", half(caller, ssdp), ROWS / 2),
        case("all", all(ssdp), ROWS),
    ];
    bench_system(criterion, REPLAY, "filter-log:input", &cases);
}
