//! The collector inside the process that makes the events: it is fed the stream's bytes as they
//! would stand on the socket and takes them apart with the same decoder. Each sequence number is
//! accounted for once: applied and handed to every sink, a repetition, or lost under a reason. A
//! frame that cannot be read is counted as applied towards the ack, or it would be sent for ever.

use std::io;
use std::sync::Arc;

use components::reason::LossReason;
use components::wire::{Decoder, Frame, LossReport, ProtocolError, RawFrame};
use components::world::World;

use super::report::{SinkReport, StreamReport};
use super::sink::Sink;

/// A collector without a connection. Events reach the sinks in order of their sequence numbers.
pub struct InlineCollector {
    decoder: Decoder,
    state: State,
}

/// What the frames of the stream change.
struct State {
    stream: StreamReport,
    loss_report: Option<LossReport>,
    sinks: Vec<Box<dyn Sink>>,
}

impl InlineCollector {
    /// A collector that hands every event to each of `sinks`.
    #[must_use]
    pub fn new(sinks: Vec<Box<dyn Sink>>) -> Self {
        Self {
            decoder: Decoder::new(DECODER_BYTES),
            state: State { stream: StreamReport::default(), loss_report: None, sinks },
        }
    }

    /// Takes the next bytes of the stream, cut anywhere.
    ///
    /// # Errors
    /// [`ProtocolError`] if the stream cannot be read any further; what came before is applied.
    pub fn receive(&mut self, mut bytes: &[u8]) -> Result<(), ProtocolError> {
        while !bytes.is_empty() {
            let taken = self.decoder.push(bytes);
            bytes = &bytes[taken..];
            while let Some(frame) = self.decoder.next_frame() {
                match frame {
                    Ok(frame) => self.state.on_frame(&frame),
                    Err(error) => {
                        self.state.stream.protocol_errors += 1;
                        return Err(error);
                    }
                }
            }
        }
        Ok(())
    }

    /// The highest sequence number that needs no sending again (an Ack's sequence).
    #[must_use]
    pub fn ack(&self) -> u64 {
        self.state.stream.last_sequence
    }

    /// Events received from now on have their ids from this world.
    pub fn commit(&mut self, world: &Arc<World>) {
        for sink in &mut self.state.sinks {
            sink.commit(world);
        }
    }

    /// Has every sink write what it holds.
    pub fn flush(&mut self) {
        for sink in &mut self.state.sinks {
            sink.flush();
        }
    }

    /// The stream's counters.
    #[must_use]
    pub fn stream_report(&self) -> &StreamReport {
        &self.state.stream
    }

    /// The producer's own account of what it refused, as last received.
    #[must_use]
    pub fn loss_report(&self) -> Option<&LossReport> {
        self.state.loss_report.as_ref()
    }

    /// The sinks' counters, in the order in which the sinks were given.
    #[must_use]
    pub fn sink_reports(&self) -> Vec<SinkReport> {
        self.state.sinks.iter().map(|sink| sink.report()).collect()
    }

    /// Errors of sinks since the last call, with the sink's name; each sink reports one.
    pub fn take_sink_errors(&mut self) -> Vec<(String, io::Error)> {
        let take = |sink: &mut Box<dyn Sink>| Some((sink.report().name, sink.take_error()?));
        self.state.sinks.iter_mut().filter_map(take).collect()
    }
}

impl State {
    fn on_frame(&mut self, frame: &RawFrame<'_>) {
        if is_numbered(frame) {
            self.on_numbered(frame);
        } else {
            self.on_control(frame);
        }
    }

    /// A frame that takes a number: 1, 2, 3, … without a gap, unless something is lost.
    fn on_numbered(&mut self, frame: &RawFrame<'_>) {
        let sequence = frame.header.sequence.get();
        let last = self.stream.last_sequence;
        if sequence <= last {
            self.stream.duplicates += 1;
            return;
        }
        self.stream.last_sequence = sequence;
        self.stream.lost.0[LossReason::Evicted.index()] += sequence - last - 1;
        if frame.header.frame_type().is_err() {
            self.stream.lost.0[LossReason::UnknownType.index()] += 1;
            return;
        }
        match frame.decode() {
            Ok(Frame::RtFlow(event)) => {
                self.stream.applied.events.0[event.kind.index()] += 1;
                for sink in &mut self.sinks {
                    sink.write(&event, frame.bytes);
                }
            }
            Ok(_) => {
                self.stream.applied.sessions += 1;
                self.sinks.iter_mut().for_each(|sink| sink.other(frame.bytes));
            }
            Err(_) => self.stream.lost.0[LossReason::Quarantined.index()] += 1,
        }
    }

    fn on_control(&mut self, frame: &RawFrame<'_>) {
        match frame.decode() {
            Ok(Frame::Hello(hello)) => self.stream.id = Some(hello.stream_id.get()),
            Ok(Frame::LossReport(report)) => self.loss_report = Some(report),
            Ok(_) => {}
            Err(_) => {
                self.stream.protocol_errors += 1;
                return;
            }
        }
        self.stream.control += 1;
    }
}

/// Whether the frame's sequence is its own. A frame of an unknown type has one if it is not 0.
fn is_numbered(frame: &RawFrame<'_>) -> bool {
    match frame.header.frame_type() {
        Ok(frame_type) => frame_type.is_numbered(),
        Err(_) => frame.header.sequence.get() != 0,
    }
}

/// The decoder's buffer.
const DECODER_BYTES: usize = 64 * 1024;

#[cfg(test)]
mod tests;
