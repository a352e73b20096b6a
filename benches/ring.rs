//! The replay ring, beside the copy of the same bytes, which is the least that it could cost: a
//! batch of frames appended, written and acked, over and over through a ring of 4,096 slots.

use std::hint::black_box;

use components::block::{EVENT_FRAME_LENGTH, FrameBlock};
use components::kinds::EventKind;
use components::ring::{ReplayRing, RingConfig};
use components::wire::RtFlowRecord;
use criterion::{BenchmarkId, Criterion, Throughput};
use zerocopy::{FromZeros, IntoBytes};

use crate::support::ROWS;

pub(crate) fn bench(criterion: &mut Criterion) {
    let mut block = FrameBlock::new(ROWS);
    for kind in EventKind::ALL.into_iter().cycle().take(ROWS) {
        let pushed = block.push(kind, RtFlowRecord::new_zeroed());
        pushed.expect("the block has room");
    }
    let mut group = criterion.benchmark_group("ring");
    group.throughput(Throughput::Elements(ROWS as u64));
    let mut ring = ReplayRing::new(&RingConfig::new(SLOTS, 1)).expect("a power of two");
    group.bench_function(BenchmarkId::new("append-ack", ROWS), |bencher| {
        bencher.iter(|| {
            ring.append(block.frames());
            ring.mark_sent(ROWS);
            ring.ack(ring.last_sequence());
        });
    });
    assert_eq!(ring.counters().refused.total(), 0);
    let mut slots = vec![0_u8; SLOTS * EVENT_FRAME_LENGTH];
    let mut batches = slots.chunks_exact_mut(ROWS * EVENT_FRAME_LENGTH).collect::<Vec<_>>();
    let mut next = 0;
    group.bench_function(BenchmarkId::new("memcpy", ROWS), |bencher| {
        bencher.iter(|| {
            let count = batches.len();
            black_box(&mut batches[next % count]).copy_from_slice(block.frames().as_bytes());
            next += 1;
        });
    });
    group.finish();
}

const SLOTS: usize = 4_096;
