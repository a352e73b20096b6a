//! Random conversations: two endpoints that obey the protocol, a path that loses, doubles and
//! reorders on both sides of the firewall, and a tracker that must let every segment pass; then
//! segments outside of the windows, none of which it may.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

/// What one end of a connection knows.
#[derive(Clone, Copy, Debug)]
struct Endpoint {
    /// Its window scale, 0 unless both sides scale.
    shift: u8,
    unacknowledged: u32,
    next: u32,
    /// Right edge of the peer's window.
    limit: u32,
    received: u32,
    /// Room that it offers, in bytes.
    room: u32,
}

/// Segments, and how many have overtaken each.
type Queue = VecDeque<(Segment, u8)>;

/// A random step: who, what, and how much.
type Step = (u8, u8, u16);

struct Path {
    line: Line,
    ends: [Endpoint; 2],
    /// Segments on their way to the firewall, by sender.
    before: [Queue; 2],
    /// Segments on their way from it.
    behind: [Queue; 2],
}

impl Path {
    /// After a handshake; the windows of SYN and SYN-ACK are 8,000 bytes.
    fn new(scales: [Option<u8>; 2], starts: [u32; 2]) -> Self {
        let scaled = scales[0].is_some() && scales[1].is_some();
        let ends = [0, 1].map(|side| Endpoint {
            shift: scales[side].filter(|_| scaled).unwrap_or(0),
            unacknowledged: starts[side].wrapping_add(1),
            next: starts[side].wrapping_add(1),
            limit: starts[side].wrapping_add(8_001),
            received: starts[1 - side].wrapping_add(1),
            room: 8_000,
        });
        let opening = |direction: u8, flags, acknowledgment| Segment {
            window: 8_000,
            scale: scales[usize::from(direction)],
            ..segment(direction, flags, starts[usize::from(direction)], acknowledgment)
        };
        let mut line = Line::opened_by(&opening(CLIENT, SYN, 0));
        line.passes(opening(SERVER, SYN | ACK, ends[0].next));
        let mut path = Self { line, ends, before: Default::default(), behind: Default::default() };
        path.send(0, ends[0].next, 0);
        path.pass_firewall(0, 0);
        path
    }

    fn send(&mut self, side: usize, sequence: u32, payload: u32) {
        let end = &self.ends[side];
        let direction = u8::try_from(side).expect("two sides");
        let payload = u16::try_from(payload).expect("at most 1,000");
        let window = u16::try_from(end.room >> end.shift).unwrap_or(u16::MAX);
        let sent = Segment { window, ..data(direction, sequence, end.received, payload) };
        self.before[side].push_back((sent, 0));
    }

    fn step(&mut self, (who, what, size): Step) {
        let side = usize::from(who & 1);
        let end = self.ends[side];
        // What three late segments hold stays free: they may lie that much further back.
        let free = end.limit.wrapping_sub(end.next).saturating_sub(3_000);
        let piece = u32::from(size % 1_000);
        match what {
            // New data as far as the window allows.
            0..=2 if free > 0 => {
                let piece = piece.min(free);
                self.ends[side].next = end.next.wrapping_add(piece);
                self.send(side, end.next, piece);
            }
            // A probe of a window that is closed, or as good as closed.
            0..=2 => self.send(side, end.next, 1),
            // A retransmission from the first byte that is not acknowledged.
            3 => {
                let piece = piece.min(end.next.wrapping_sub(end.unacknowledged));
                self.send(side, end.unacknowledged, piece);
            }
            // A keepalive when all is acknowledged, an acknowledgment.
            4 if end.unacknowledged == end.next => {
                self.send(side, end.unacknowledged.wrapping_sub(1), piece % 2);
            }
            4 | 5 => self.send(side, end.next, 0),
            // A window that grows; one never shrinks below what was promised.
            6 => self.ends[side].room = (end.room + piece).min(65_535 << end.shift),
            7..=10 => self.pass_firewall(side, size),
            _ => self.arrive(side, size),
        }
    }

    /// The firewall sees one of the next three segments, or it is lost before.
    fn pass_firewall(&mut self, side: usize, choice: u16) {
        let Some(sent) = one_of(&mut self.before[side], choice) else {
            return;
        };
        if choice % 16 == 15 {
            return;
        }
        self.line.passes(sent);
        self.behind[side].push_back((sent, 0));
        if choice % 16 == 14 {
            self.behind[side].push_back((sent, 0));
        }
    }

    /// The other end receives one of the next three segments, or it is lost behind the firewall.
    fn arrive(&mut self, side: usize, choice: u16) {
        let Some(sent) = one_of(&mut self.behind[side], choice) else {
            return;
        };
        if choice % 8 == 7 {
            return;
        }
        let shift = self.ends[side].shift;
        let receiver = &mut self.ends[1 - side];
        let edge =
            receiver.received.wrapping_add(receiver.room >> receiver.shift << receiver.shift);
        let in_order = !is_before(receiver.received, sent.sequence);
        if in_order && !is_before(edge, sent.end()) && advance(&mut receiver.received, sent.end()) {
            // What was received waits for the application: the right edge stays.
            receiver.room = edge.wrapping_sub(receiver.received);
        }
        if !is_before(receiver.next, sent.acknowledgment) {
            advance(&mut receiver.unacknowledged, sent.acknowledgment);
            let edge = sent.acknowledgment.wrapping_add(u32::from(sent.window) << shift);
            advance(&mut receiver.limit, edge);
        }
    }
}

/// One of the first three, unless three have overtaken one before it: paths reorder a little, they
/// do not keep a segment until its window is gone.
fn one_of(queue: &mut Queue, choice: u16) -> Option<Segment> {
    let most = usize::from(choice / 16 % 3).min(queue.len().saturating_sub(1));
    let at = queue.iter().take(most).take_while(|waiting| waiting.1 < 3).count();
    queue.iter_mut().take(at).for_each(|waiting| waiting.1 += 1);
    queue.remove(at).map(|(segment, _)| segment)
}

fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec((0u8..2, 0u8..15, any::<u16>()), 1..most)
}

proptest! {
    #[test]
    fn every_segment_of_a_conversation_with_loss_and_reordering_passes(
        scales in [prop::option::of(0u8..=4), prop::option::of(0u8..=4)],
        starts in any::<[u32; 2]>(),
        steps in steps(400),
    ) {
        let mut path = Path::new(scales, starts);
        for step in steps {
            path.step(step);
        }
        prop_assert_eq!(path.line.tcp.state(), TcpState::Established);
    }

    #[test]
    fn no_segment_outside_of_the_windows_passes(
        starts in any::<[u32; 2]>(),
        steps in steps(100),
        who in 0u8..2,
        outside in 1u32..1 << 30,
        payload in 0u16..1_400,
    ) {
        let mut path = Path::new([Some(2), Some(2)], starts);
        for step in steps {
            path.step(step);
        }
        let (side, line) = (usize::from(who), path.line);
        let (sender, receiver) = (line.tcp.sides[side], line.tcp.sides[1 - side]);
        let beyond = sender.limit.wrapping_add(1 + outside).wrapping_sub(u32::from(payload));
        line.drops(data(who, beyond, receiver.end, payload), TcpOutOfWindow);
        let oldest = sender.acknowledged.wrapping_sub(receiver.window_max).wrapping_sub(1);
        let old = oldest.wrapping_sub(outside).wrapping_sub(u32::from(payload));
        line.drops(data(who, old, receiver.end, payload), TcpOutOfWindow);
        let unsent = receiver.end.wrapping_add(outside);
        line.drops(data(who, sender.end, unsent, 0), TcpOutOfWindow);
        let reach = sender.window_max.max(65_535);
        let long_ago = receiver.acknowledged.wrapping_sub(reach).wrapping_sub(outside);
        line.drops(data(who, sender.end, long_ago, 0), TcpOutOfWindow);
        let beyond = sender.limit.wrapping_add(outside);
        line.drops(segment(who, RST, beyond, 0), TcpBadReset);
        let old = sender.acknowledged.wrapping_sub(outside);
        line.drops(segment(who, RST, old, 0), TcpBadReset);
    }
}
