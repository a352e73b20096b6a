//! The stream of a replay: the ring on the producer's side, the collector on the other, nothing but
//! bytes between them. Both run inline, so the ring never has to refuse: frames are appended in
//! pieces that fit what one event kind is guaranteed, and the ring is emptied after each. Or the
//! collector is another process, and the ring belongs to the sender's thread.

use std::sync::Arc;
use std::time::Duration;

use components::block::EventFrame;
use components::kinds::{EventKind, SessionChange};
use components::reason::{Counts, RefuseReason};
use components::ring::{Quotas, ReplayRing, RingConfig, RingError};
use components::wire::{Frame, Hello, KindLoss, LossReport, ProtocolError};
use components::world::World;
use zerocopy::little_endian::U64;

use super::remote::Remote;
use crate::collector::report::SinkReport;
use crate::collector::{InlineCollector, Sink};
use crate::ledger::{Delivery, Totals};
use crate::port::PortCounters;

/// Where a replay's events go.
pub(super) enum Stream {
    /// To sinks of this process.
    Inline(Box<Inline>),
    /// To another process.
    Remote(Box<Remote>),
}

/// A stream at its end.
pub(super) struct StreamEnd {
    pub(super) figures: RingFigures,
    pub(super) report: Delivery,
    pub(super) sinks: Vec<SinkReport>,
    pub(super) sink_errors: Vec<(String, std::io::Error)>,
    pub(super) error: Option<ProtocolError>,
}

/// What the ledger needs to know of a ring: the share of this process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RingFigures {
    /// Frames that got a number, by kind.
    pub assigned: Counts<{ EventKind::COUNT }>,
    /// Frames that got none, by kind and reason.
    pub refused: [Counts<{ RefuseReason::COUNT }>; EventKind::COUNT],
    /// Session frames that got a number, and that got none, by type.
    pub sessions: [Counts<{ SessionChange::COUNT }>; 2],
    /// Numbers given.
    pub numbered: u64,
    /// Of these, FullResyncs.
    pub resyncs: u64,
}

impl Stream {
    /// Numbers frames and delivers them.
    pub(super) fn append(&mut self, frames: &[EventFrame]) {
        match self {
            Self::Inline(stream) => stream.append(frames),
            Self::Remote(stream) => stream.append(frames),
        }
    }

    /// Ends the stream: everything is delivered, or known not to be.
    pub(super) fn end(self, port: PortCounters, totals: &Totals) -> StreamEnd {
        match self {
            Self::Inline(mut stream) => {
                stream.close(totals.generated, &totals.counters.refused);
                StreamEnd {
                    figures: stream.figures(),
                    report: Delivery::Inline(stream.collector.stream_report().clone()),
                    sinks: stream.collector.sink_reports(),
                    sink_errors: stream.collector.take_sink_errors(),
                    error: stream.error,
                }
            }
            Self::Remote(mut stream) => {
                stream.set_upstream(&totals.counters.refused);
                stream.tell(port, totals.clone());
                let (figures, report) = stream.finish();
                StreamEnd {
                    figures,
                    report: Delivery::Remote(report),
                    sinks: Vec::new(),
                    sink_errors: Vec::new(),
                    error: None,
                }
            }
        }
    }

    /// Frames from now on have their ids from this world; those so far have been delivered. A
    /// collector of another process has names of its own.
    pub(super) fn commit(&mut self, world: &Arc<World>) {
        match self {
            Self::Inline(stream) => stream.collector.commit(world),
            Self::Remote(_) => {}
        }
    }

    /// How often all sessions are to be told of anew: a collector of this process misses none.
    pub(super) fn exports(&self) -> u64 {
        match self {
            Self::Inline(_) => 0,
            Self::Remote(stream) => stream.exports(),
        }
    }

    /// Whether a FullResync is owed to a replica that is behind this stream.
    pub(super) fn owes_resync(&self) -> bool {
        match self {
            Self::Inline(_) => false,
            Self::Remote(stream) => stream.owes_resync(),
        }
    }

    /// How long the end waits for a replica.
    pub(super) fn replication_wait(&self) -> Duration {
        match self {
            Self::Inline(_) => Duration::ZERO,
            Self::Remote(stream) => stream.replication_wait(),
        }
    }

    /// Whether more of them may be told of now.
    pub(super) fn takes_export(&self) -> bool {
        match self {
            Self::Inline(_) => true,
            Self::Remote(stream) => stream.takes_export(),
        }
    }

    /// Lets those who watch see the ledger now and then; `figures` gives it after a burst.
    pub(super) fn tell(&mut self, figures: impl FnOnce() -> (PortCounters, Totals)) {
        if let Self::Remote(stream) = self
            && stream.is_due()
        {
            let (port, totals) = figures();
            stream.tell(port, totals);
        }
    }

    /// Tells what limiters have refused so far.
    pub(super) fn set_upstream(
        &mut self,
        refused: &[Counts<{ RefuseReason::COUNT }>; EventKind::COUNT],
    ) {
        if let Self::Remote(stream) = self {
            stream.set_upstream(refused);
        }
    }
}

/// Ring and collector.
pub(super) struct Inline {
    ring: ReplayRing,
    collector: InlineCollector,
    frames_at_once: usize,
    error: Option<ProtocolError>,
}

impl Inline {
    /// Opens a stream and says Hello.
    ///
    /// # Errors
    /// If a ring of this size cannot be made.
    pub(super) fn open(
        frames: usize,
        stream_id: u64,
        replicates: bool,
        sinks: Vec<Box<dyn Sink>>,
    ) -> Result<Self, RingError> {
        let mut config = RingConfig::new(frames, stream_id);
        if replicates {
            config.quotas = Quotas::with_sessions(frames);
        }
        let frames_at_once = config.quotas.reserved_frames[0].max(1);
        let mut stream = Self {
            ring: ReplayRing::new(&config)?,
            collector: InlineCollector::new(sinks),
            frames_at_once,
            error: None,
        };
        stream.control(&Frame::Hello(Hello::of_producer(
            stream_id,
            stream.ring.oldest(),
            stream.ring.next_sequence(),
        )));
        Ok(stream)
    }

    /// Numbers frames and delivers them.
    pub(super) fn append(&mut self, frames: &[EventFrame]) {
        for piece in frames.chunks(self.frames_at_once) {
            self.ring.append(piece);
            self.deliver();
        }
    }

    /// Ends the stream: the producer's own account of its losses, then everything to the sinks.
    pub(super) fn close(
        &mut self,
        generated: [u64; EventKind::COUNT],
        refused: &[Counts<{ RefuseReason::COUNT }>; EventKind::COUNT],
    ) {
        let assigned = self.ring.counters().assigned.0;
        let kinds = std::array::from_fn(|kind| {
            let by_reason = |reason: RefuseReason| U64::new(refused[kind].0[reason.index()]);
            KindLoss {
                generated: generated[kind].into(),
                accepted: assigned[kind].into(),
                rate_limited: by_reason(RefuseReason::RateLimited),
                ring_full: by_reason(RefuseReason::RingFull),
                no_stream: by_reason(RefuseReason::NoStream),
            }
        });
        self.control(&Frame::LossReport(LossReport { kinds }));
        self.collector.flush();
    }

    /// The producer's side.
    #[must_use]
    pub(super) fn figures(&self) -> RingFigures {
        let counters = self.ring.counters();
        let refused = std::array::from_fn(|kind| {
            let mut refused = Counts::<{ RefuseReason::COUNT }>::default();
            refused.0[RefuseReason::RingFull.index()] = counters.refused.0[kind];
            refused
        });
        RingFigures {
            assigned: counters.assigned,
            refused,
            sessions: [counters.sessions, counters.sessions_refused],
            numbered: self.ring.last_sequence(),
            resyncs: counters.resyncs,
        }
    }

    fn deliver(&mut self) {
        loop {
            let unsent = self.ring.unsent();
            let frames = unsent.frames;
            if frames == 0 {
                break;
            }
            let received = self.collector.receive(unsent.first);
            let received = received.and_then(|()| self.collector.receive(unsent.second));
            self.error = self.error.take().or(received.err());
            self.ring.mark_sent(frames);
        }
        self.ring.ack(self.collector.ack());
    }

    fn control(&mut self, frame: &Frame) {
        let mut bytes = Vec::new();
        frame
            .encode(0, &mut bytes)
            .expect("control frames have no field that could not be encoded");
        let received = self.collector.receive(&bytes);
        self.error = self.error.take().or(received.err());
    }
}
