//! All benches in one program: one file a system, one for the whole, and ring, stream and renderer.
//! Ids are `system/case/rows`, stable for whoever compares runs; throughput is rows a second.
//! `cargo bench -- screen/` runs one system's, `cargo test --bench systems` each case once.

mod classifier;
mod emit;
mod filter_log;
mod limit;
mod nat;
mod parse;
mod pipeline;
mod policy;
mod reject;
mod render;
mod rewrite;
mod ring;
mod screen;
mod stream;
mod support;

use std::time::Duration;

use criterion::Criterion;

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800))
        .sample_size(20)
        .without_plots()
        .configure_from_args();
    parse::bench(&mut criterion);
    screen::bench(&mut criterion);
    policy::bench(&mut criterion);
    classifier::bench(&mut criterion);
    nat::bench(&mut criterion);
    filter_log::bench(&mut criterion);
    reject::bench(&mut criterion);
    rewrite::bench(&mut criterion);
    limit::bench(&mut criterion);
    emit::bench(&mut criterion);
    ring::bench(&mut criterion);
    stream::bench(&mut criterion);
    render::bench(&mut criterion);
    pipeline::bench(&mut criterion);
    criterion.final_summary();
}
