//! A socket between the two, with everything that passes through it looked at: what the producer
//! writes and the collector receives, what the collector says and the producer hears. Frames
//! never interleave, and each side keeps to the contract whatever the other does.

use std::collections::VecDeque;

use crate::stream::{Generation, StreamId};
use crate::wire::{Decoder, FrameHeader};

/// One connection.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) to_collector: VecDeque<u8>,
    pub(super) to_producer: VecDeque<u8>,
    pub(super) producer_open: bool,
    pub(super) collector_open: bool,
    pub(super) generation: Generation,
    pub(super) stream: StreamId,
    /// Frames as they were written by the producer, received by the collector, written by the
    /// collector and received by the producer.
    pub(super) written: Decoder,
    pub(super) delivered: Decoder,
    pub(super) said: Decoder,
    pub(super) heard: Decoder,
    /// The number of the last frame written.
    pub(super) last_written: u64,
    pub(super) frames_written: u64,
    /// The highest number that the collector received.
    pub(super) seen: u64,
    /// The position that the collector last told.
    pub(super) told: u64,
    pub(super) has_said: bool,
    /// Whether the last that the producer heard of the two was Pause.
    pub(super) paused: bool,
}

impl Link {
    pub(super) fn new(generation: Generation, stream: StreamId) -> Self {
        Self {
            to_collector: VecDeque::new(),
            to_producer: VecDeque::new(),
            producer_open: true,
            collector_open: true,
            generation,
            stream,
            written: Decoder::new(0),
            delivered: Decoder::new(0),
            said: Decoder::new(0),
            heard: Decoder::new(0),
            last_written: 0,
            frames_written: 0,
            seen: 0,
            told: 0,
            has_said: false,
            paused: false,
        }
    }
}

/// The headers, and the first eight payload bytes from offset 16 of a Hello, that `bytes` complete.
pub(super) fn tap(decoder: &mut Decoder, mut bytes: &[u8]) -> Vec<(FrameHeader, Vec<u8>)> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        bytes = &bytes[decoder.push(bytes)..];
        while let Some(frame) = decoder.next_frame() {
            let frame = frame.expect("no machine writes what is no frame");
            let payload = if frame.header.frame_type == 14 { frame.payload() } else { &[] };
            all.push((frame.header, payload.to_vec()));
        }
    }
    all
}

/// Takes `count` bytes off the front.
pub(super) fn take(pipe: &mut VecDeque<u8>, count: usize) -> Vec<u8> {
    pipe.drain(..count).collect()
}
