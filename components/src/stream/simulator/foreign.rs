//! A producer that somebody else wrote from the contract alone: frame types 1 to 13, no Hello, its
//! ring in its own memory. When it dies its stream ends, and the next process begins again at 1.

use std::collections::VecDeque;

use crate::stream::simulator::frames::Class;
use crate::wire::{Decoder, Frame};

#[derive(Debug)]
pub(super) struct Foreign {
    /// (number, frame), oldest first.
    ring: VecDeque<(u64, Vec<u8>, Class)>,
    capacity: usize,
    pub(super) acked: u64,
    pub(super) next: u64,
    /// The number to be written next.
    cursor: u64,
    cut: Vec<u8>,
    paused: bool,
    decoder: Decoder,
}

impl Foreign {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            ring: VecDeque::new(),
            capacity,
            acked: 0,
            next: 1,
            cursor: 1,
            cut: Vec::new(),
            paused: false,
            decoder: Decoder::new(0),
        }
    }

    /// Accepts a frame and gives the number, the numbers evicted for it, and that of a FullResync
    /// which is owed for them.
    pub(super) fn append(&mut self, class: Class, tag: u64) -> (u64, Option<(u64, u64)>, bool) {
        let number = self.push(class, tag);
        let mut evicted: Option<(u64, u64)> = None;
        while self.ring.len() > self.capacity {
            let (gone, _, _) = self.ring.pop_front().expect("more than its capacity");
            evicted = Some((evicted.map_or(gone, |(first, _)| first), gone));
        }
        let owed = evicted.is_some() && !self.ring.iter().any(|f| f.2 == Class::Resync);
        if owed {
            self.push(Class::Resync, 0);
        }
        (number, evicted, owed)
    }

    fn push(&mut self, class: Class, tag: u64) -> u64 {
        let number = self.next;
        self.ring.push_back((number, class.bytes(number, tag), class));
        self.next += 1;
        number
    }

    pub(super) fn connected(&mut self) {
        self.cursor = self.acked + 1;
        self.cut.clear();
        self.paused = false;
        self.decoder.reset();
    }

    pub(super) fn received(&mut self, bytes: &[u8]) {
        assert_eq!(self.decoder.push(bytes), bytes.len());
        while let Some(Ok(raw)) = self.decoder.next_frame() {
            let sequence = raw.header.sequence.get();
            match raw.decode().expect("the collector speaks the contract") {
                Frame::Ack if sequence >= self.acked => {
                    assert!(sequence < self.next, "ack of {sequence}, which was never sent");
                    self.acked = sequence;
                    self.ring.retain(|frame| frame.0 > sequence);
                }
                Frame::Pause => self.paused = true,
                Frame::Resume => self.paused = false,
                Frame::Ack | Frame::DrainRequest => {}
                other => panic!("{other:?} is not in the contract"),
            }
        }
    }

    pub(super) fn next_write(&mut self) -> &[u8] {
        if self.cut.is_empty() && !self.paused {
            let next = self.ring.iter().find(|frame| frame.0 >= self.cursor);
            if let Some((number, bytes, _)) = next {
                self.cut = bytes.clone();
                self.cursor = number + 1;
            }
        }
        &self.cut
    }

    pub(super) fn wrote(&mut self, count: usize) {
        self.cut.drain(..count);
    }

    pub(super) fn is_at_rest(&self) -> bool {
        self.ring.is_empty()
    }
}
