//! `policy`: packets of sessions that exist, first packets that get a session with source NAT, and
//! first packets that are denied and logged. For new sessions the clock moves on by hours, so that
//! those of the round before are over.

use std::time::Duration;

use criterion::Criterion;

use crate::support::traffic::{all, staff_out, staff_telnet};
use crate::support::{Case, Outcome, REPLAY, ROWS, bench_system};

pub(crate) fn bench(criterion: &mut Criterion) {
    let permitted = |events| Outcome { forwarded: ROWS, translated: ROWS, events, answers: 0 };
    let denied = Outcome { forwarded: 0, translated: 0, events: ROWS, answers: 0 };
    let case = |label, before, frames, step, outcome| Case { label, before, frames, step, outcome };
    let (moment, hours) = (Duration::from_millis(1), Duration::from_secs(7_200));
    let cases = [
        case("established", vec![all(staff_out)], all(staff_out), moment, permitted(0)),
        case("new", vec![all(staff_out)], all(staff_out), hours, permitted(ROWS)),
        case("denied", vec![], all(staff_telnet), moment, denied),
    ];
    bench_system(criterion, REPLAY, "policy", &cases);
}
