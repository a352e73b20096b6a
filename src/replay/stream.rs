//! The stream of a replay: the ring on the producer's side, the collector on the other, nothing but
//! bytes between them. Both run inline, so the ring never has to refuse: frames are appended in
//! pieces that fit what one event kind is guaranteed, and the ring is emptied after each.

use components::block::EventFrame;
use components::kinds::EventKind;
use components::reason::{Counts, RefuseReason};
use components::ring::{ReplayRing, RingConfig, RingError};
use components::wire::{Frame, Hello, KindLoss, LossReport, ProtocolError};
use zerocopy::little_endian::U64;

use crate::collector::{InlineCollector, Sink};

/// Ring and collector.
pub struct Stream {
    ring: ReplayRing,
    collector: InlineCollector,
    frames_at_once: usize,
    error: Option<ProtocolError>,
}

impl Stream {
    /// Opens a stream and says Hello.
    ///
    /// # Errors
    /// If a ring of this size cannot be made.
    pub fn open(
        frames: usize,
        stream_id: u64,
        sinks: Vec<Box<dyn Sink>>,
    ) -> Result<Self, RingError> {
        let config = RingConfig::new(frames, stream_id);
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
    pub fn append(&mut self, frames: &[EventFrame]) {
        for piece in frames.chunks(self.frames_at_once) {
            self.ring.append(piece);
            self.deliver();
        }
    }

    /// Ends the stream: the producer's own account of its losses, then everything to the sinks.
    pub fn close(
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
    pub fn ring(&self) -> &ReplayRing {
        &self.ring
    }

    /// The collector's side.
    pub fn collector(&mut self) -> &mut InlineCollector {
        &mut self.collector
    }

    /// What broke the protocol, if anything did.
    #[must_use]
    pub fn error(&self) -> Option<&ProtocolError> {
        self.error.as_ref()
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
