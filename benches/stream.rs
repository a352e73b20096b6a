//! Both sides of the event stream without a socket between them: a block is appended, written from
//! the ring into the collector's queue as a large read would put it there, taken apart, copied
//! into a buffer that stands for the spool's, synced at once and acked. What a frame costs beside
//! the system calls.

use components::block::{EVENT_FRAME_LENGTH, FrameBlock};
use components::kinds::EventKind;
use components::ring::{ReplayRing, RingConfig};
use components::stream::{
    Collector, CollectorConfig, Journal, Producer, ProducerConfig, Record, StreamId, Time,
};
use components::wire::RtFlowRecord;
use criterion::{BenchmarkId, Criterion, Throughput};
use zerocopy::FromZeros;

use crate::support::ROWS;

/// A buffer that is emptied when it is full.
struct Buffer(Vec<u8>);

impl Journal for Buffer {
    fn append(&mut self, record: &Record<'_>) {
        if let Record::Frames { bytes, .. } = record {
            if self.0.len() + bytes.len() > self.0.capacity() {
                self.0.clear();
            }
            self.0.extend_from_slice(bytes);
        }
    }
}

/// The two sides, connected.
struct Pair {
    producer: Producer,
    collector: Collector,
    buffer: Buffer,
    now: Time,
}

impl Pair {
    fn new() -> Self {
        let ring = ReplayRing::new(&RingConfig::new(SLOTS, 1)).expect("a power of two");
        let config = CollectorConfig { commit_delay: Default::default(), ..Default::default() };
        let mut pair = Self {
            producer: Producer::new(ring, ProducerConfig::default()),
            collector: Collector::new(config, Vec::new()),
            buffer: Buffer(Vec::with_capacity(1 << 20)),
            now: Time::from_ns(1),
        };
        pair.collector.accepted(StreamId(2), pair.now).expect("nobody else is connected");
        pair.producer.connected(pair.now);
        pair.deliver();
        pair
    }

    /// Until nothing is left to write on either side.
    fn deliver(&mut self) {
        loop {
            let write = self.producer.next_write(self.now);
            let mut written = 0;
            for slice in write.slices() {
                let room = self.collector.spare_mut();
                let count = slice.len().min(room.len());
                room[..count].copy_from_slice(&slice[..count]);
                self.collector.filled(count);
                written += count;
            }
            self.producer.wrote(written, self.now);
            self.collector.advance(self.now, &mut self.buffer);
            if let Some(token) = self.collector.take_sync(self.now) {
                self.collector.durable(token);
            }
            let said = self.collector.next_write().len();
            if said > 0 {
                self.producer.received(self.collector.next_write(), self.now);
                self.collector.wrote(said);
            }
            if written == 0 && said == 0 {
                return;
            }
        }
    }
}

pub(crate) fn bench(criterion: &mut Criterion) {
    let mut block = FrameBlock::new(ROWS);
    for kind in EventKind::ALL.into_iter().cycle().take(ROWS) {
        let record = RtFlowRecord { family: 2, ..RtFlowRecord::new_zeroed() };
        block.push(kind, record).expect("the block has room");
    }
    let mut pair = Pair::new();
    let mut group = criterion.benchmark_group("stream");
    group.throughput(Throughput::Elements(ROWS as u64));
    group.bench_function(BenchmarkId::new("delivered", ROWS), |bencher| {
        bencher.iter(|| {
            pair.producer.append(block.frames());
            pair.deliver();
        });
    });
    group.finish();
    let ring = pair.producer.ring();
    assert_eq!((ring.retained(), ring.counters().refused.total()), (0, 0));
    assert_eq!(pair.buffer.0.len() % EVENT_FRAME_LENGTH, 0);
}

const SLOTS: usize = 4_096;
