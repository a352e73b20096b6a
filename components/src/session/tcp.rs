//! TCP as a firewall in the middle follows it (RFC 9293; van Rooij, "Real stateful TCP packet
//! filtering", 2000): from one side's sequence numbers and the other's acknowledgments and windows
//! follows which segments an endpoint would take. [`Tcp::judge`] says whether a segment may pass
//! and changes nothing; [`Tcp::follow`] learns from one that did. Selective acknowledgments need no
//! care: they lie between the cumulative one and what was sent. A connection that was picked up
//! in its middle has unknown window scales, and its windows are not checked.

mod quoted;

use crate::columns::tcp_flag::{ACK, FIN, RST, SYN};
use crate::reason::DropReason;

/// One segment. Sequence space, not bytes: SYN and FIN count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Segment {
    /// 0 from client to server, 1 back.
    pub direction: u8,
    /// TCP flags byte.
    pub flags: u8,
    /// Sequence number.
    pub sequence: u32,
    /// Acknowledgment number; means something with ACK only.
    pub acknowledgment: u32,
    /// Window as it stands in the header.
    pub window: u16,
    /// Bytes of data.
    pub payload: u16,
    /// Window scale option of a SYN.
    pub scale: Option<u8>,
    /// A first fragment: the data goes on in others.
    pub fragmented: bool,
}

impl Segment {
    const fn has(&self, flags: u8) -> bool {
        self.flags & flags == flags
    }

    /// The number behind its last.
    const fn end(&self) -> u32 {
        let flags = (self.flags & SYN != 0) as u32 + (self.flags & FIN != 0) as u32;
        self.sequence.wrapping_add(self.payload as u32 + flags)
    }
}

/// What is checked beyond states (`security flow tcp-session`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpChecks {
    /// Sequence numbers, acknowledgments and windows; off with `no-sequence-check`.
    pub sequence: bool,
    /// RST only at the very next sequence number or the one before: `rst-sequence-check`.
    pub exact_reset: bool,
    /// Nothing but the handshake before it is complete: `strict-syn-check`.
    pub strict_syn: bool,
}

impl Default for TcpChecks {
    fn default() -> Self {
        Self { sequence: true, exact_reset: false, strict_syn: false }
    }
}

/// Where a connection stands, seen from the middle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TcpState {
    /// Not TCP.
    #[default]
    None,
    /// The client's SYN was seen.
    SynSent,
    /// Both SYNs were seen, not both acknowledgments of them.
    SynReceived,
    /// Both SYNs are acknowledged.
    Established,
    /// FIN in both directions.
    Finished,
    /// RST in either direction.
    Reset,
}

/// What one side sent and may send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Side {
    /// Behind the highest number that it sent.
    end: u32,
    /// Highest acknowledgment of the other side; before there is one, its initial number.
    acknowledged: u32,
    /// The right edge of the other side's window.
    limit: u32,
    /// Largest window that it ever offered the other side.
    window_max: u32,
}

/// One connection; 44 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tcp {
    sides: [Side; 2],
    /// Window scale of each side's SYN plus one; 0 is none.
    scales: [u8; 2],
    /// Bit `d`: direction `d` has sent something.
    seen: u8,
    /// Behind a SYN that came in the middle of a connection.
    reopening: u32,
    state: TcpState,
    /// Bit `d`: direction `d`'s SYN was acknowledged.
    acknowledged: u8,
    /// Bit `d`: FIN was seen in direction `d`.
    fins: u8,
    /// Its beginning was not seen.
    picked_up: bool,
}

impl Tcp {
    /// A connection that begins with this segment: a SYN, or anything if the beginning was missed.
    #[must_use]
    pub fn opened_by(segment: &Segment) -> Self {
        let mut tcp = Self { state: TcpState::SynSent, ..Self::default() };
        if !segment.has(SYN) || segment.has(ACK) {
            tcp.state = TcpState::Established;
            tcp.picked_up = true;
        }
        tcp.follow(segment, TcpChecks::default());
        tcp
    }

    /// Where it stands.
    #[must_use]
    pub const fn state(&self) -> TcpState {
        self.state
    }

    /// The client's first sequence number and its window, before its server has answered.
    #[must_use]
    pub fn opening(&self) -> (u32, u16) {
        let client = &self.sides[0];
        (client.acknowledged, u16::try_from(client.window_max).unwrap_or(u16::MAX))
    }

    /// FIN was seen in one direction at least.
    #[must_use]
    pub const fn is_closing(&self) -> bool {
        self.fins != 0
    }

    /// True if this SYN opens the next connection of the same addresses and ports. After RST any
    /// does; in TIME-WAIT its number must be beyond all that the last connection used (RFC 9293
    /// section 3.6.1), which an old duplicate's is not.
    #[must_use]
    pub fn is_reopened_by(&self, segment: &Segment, checks: TcpChecks) -> bool {
        if segment.flags & (SYN | ACK | RST | FIN) != SYN {
            return false;
        }
        match self.state {
            TcpState::Reset => true,
            TcpState::Finished => {
                !checks.sequence || !is_before(segment.sequence, self.sent_by(segment).end)
            }
            _ => false,
        }
    }

    /// Whether the segment may pass.
    ///
    /// # Errors
    /// [`DropReason::TcpOutOfState`], [`DropReason::TcpOutOfWindow`] or
    /// [`DropReason::TcpBadReset`].
    pub fn judge(&self, segment: &Segment, checks: TcpChecks) -> Result<(), DropReason> {
        let both = |flags: u8| segment.has(flags);
        if both(SYN | FIN) || both(SYN | RST) {
            return Err(DropReason::TcpOutOfState);
        }
        if both(RST) {
            return self.judge_reset(segment, checks);
        }
        if checks.strict_syn && self.breaks_handshake(segment) {
            return Err(DropReason::TcpOutOfState);
        }
        match self.state {
            TcpState::None => Ok(()),
            TcpState::SynSent => self.judge_answer(segment, checks),
            _ => self.judge_synchronized(segment, checks),
        }
    }

    /// Before the other side has answered.
    fn judge_answer(&self, segment: &Segment, checks: TcpChecks) -> Result<(), DropReason> {
        let opening = segment.has(SYN);
        let answering = segment.has(ACK);
        match (segment.direction, opening, answering) {
            // The SYN again, or one of both that cross; or, where only one side's packets come by,
            // what follows it.
            (0, true, false) | (1, true, false) | (0, false, true) => Ok(()),
            (1, true, true) if checks.sequence && !self.acknowledges_opening(segment) => {
                Err(DropReason::TcpOutOfWindow)
            }
            (1, true, true) => Ok(()),
            _ => Err(DropReason::TcpOutOfState),
        }
    }

    /// Once both have sent their SYN.
    fn judge_synchronized(&self, segment: &Segment, checks: TcpChecks) -> Result<(), DropReason> {
        match (segment.has(SYN), segment.has(ACK)) {
            (false, false) => Err(DropReason::TcpOutOfState),
            // The endpoint knows whether it is still connected and challenges it if so (RFC 5961
            // section 4).
            (true, false) if self.state == TcpState::Finished => Err(DropReason::TcpOutOfState),
            (true, false) => Ok(()),
            (true, true) if self.answers_reopening(segment) => Ok(()),
            (true, true) if self.awaits_acknowledgment_of(segment) => {
                if checks.sequence && !self.acknowledges_opening(segment) {
                    return Err(DropReason::TcpOutOfWindow);
                }
                Ok(())
            }
            _ if !checks.sequence || self.is_in_window(segment) => Ok(()),
            _ => Err(DropReason::TcpOutOfWindow),
        }
    }

    /// RST: one whose sequence number the receiver would not even look at ends nothing.
    fn judge_reset(&self, segment: &Segment, checks: TcpChecks) -> Result<(), DropReason> {
        if !checks.sequence || self.picked_up || self.state == TcpState::Reset {
            return Ok(());
        }
        let side = self.sent_by(segment);
        let believed = match (self.state, segment.direction) {
            (TcpState::None, _) => true,
            // It has no number of its own yet: it must acknowledge the SYN.
            (TcpState::SynSent, 1) => segment.has(ACK) && self.acknowledges_opening(segment),
            _ if checks.exact_reset => {
                matches!(side.end.wrapping_sub(segment.sequence), 0 | 1)
            }
            _ => {
                let limit = if is_before(side.limit, side.end) { side.end } else { side.limit };
                !is_before(segment.sequence, side.acknowledged)
                    && !is_before(limit, segment.sequence)
            }
        };
        if believed { Ok(()) } else { Err(DropReason::TcpBadReset) }
    }

    /// Data before the handshake is complete.
    fn breaks_handshake(&self, segment: &Segment) -> bool {
        match (self.state, segment.direction) {
            (TcpState::SynSent, _) => !segment.has(SYN) || segment.payload > 0,
            (TcpState::SynReceived, 1) => !segment.has(SYN) || segment.payload > 0,
            (TcpState::SynReceived, _) if !segment.has(SYN) => {
                let server = self.sent_to(segment);
                !is_before(server.acknowledged, segment.acknowledgment)
            }
            _ => false,
        }
    }

    /// All four bounds: not beyond the receiver's window, not a window older than what it has
    /// acknowledged, acknowledging neither what was never sent nor what is older than a window (RFC
    /// 5961 section 5). A byte more is what probes of a closed window and keepalives have.
    fn is_in_window(&self, segment: &Segment) -> bool {
        let (sender, receiver) = (self.sent_by(segment), self.sent_to(segment));
        if self.picked_up || self.seen != 0b11 {
            return true;
        }
        let end = segment.end();
        let oldest = sender.acknowledged.wrapping_sub(receiver.window_max).wrapping_sub(1);
        let oldest_acknowledgment =
            receiver.acknowledged.wrapping_sub(sender.window_max.max(WINDOW_UNSCALED_MAX));
        !is_before(sender.limit.wrapping_add(1), end)
            && !is_before(end, oldest)
            && !is_before(receiver.end, segment.acknowledgment)
            && !is_before(segment.acknowledgment, oldest_acknowledgment)
    }

    /// Learns from a segment that passes.
    pub fn follow(&mut self, segment: &Segment, checks: TcpChecks) {
        if segment.has(RST) {
            self.follow_reset(segment, checks);
            return;
        }
        let (opening, answering) = (segment.has(SYN), segment.has(ACK));
        if opening && self.answers_reopening(segment) {
            // Both ends agree on a new connection. The SYN's window scale is gone by now.
            *self = Self { state: TcpState::SynReceived, picked_up: true, ..Self::default() };
            self.acknowledged = 1 << (1 - (segment.direction & 1));
            self.start(segment);
        } else if opening && (self.state == TcpState::SynSent || self.is_answer(segment)) {
            self.start(segment);
        } else if opening && !answering && self.sent_by(segment).end != segment.end() {
            self.reopening = segment.end();
            return;
        }
        self.slide(segment, checks);
        if self.state == TcpState::SynReceived && self.acknowledged == 0b11 {
            self.state = TcpState::Established;
        }
        if segment.has(FIN) {
            self.fins |= 1 << (segment.direction & 1);
            if self.fins == 0b11 && self.state != TcpState::Reset {
                self.state = TcpState::Finished;
            }
        }
    }

    /// Beyond all that was sent an RST is challenged, not obeyed (RFC 5961 section 3): if it is
    /// genuine, the answer to the challenge will be exact.
    fn follow_reset(&mut self, segment: &Segment, checks: TcpChecks) {
        let obeyed = !checks.sequence
            || self.picked_up
            || self.state == TcpState::SynSent
            || !is_before(self.sent_by(segment).end, segment.sequence);
        if obeyed && self.state != TcpState::Finished {
            self.state = TcpState::Reset;
        }
    }

    /// A SYN: numbers and scale begin.
    fn start(&mut self, segment: &Segment) {
        let offered = self.sent_to(segment).window_max;
        let side = &mut self.sides[usize::from(segment.direction & 1)];
        *side = Side {
            end: segment.end(),
            acknowledged: segment.sequence,
            limit: segment.end().wrapping_add(offered),
            window_max: u32::from(segment.window).max(1),
        };
        self.scales[usize::from(segment.direction & 1)] =
            segment.scale.map_or(0, |scale| scale.min(SCALE_MAX) + 1);
        self.seen |= 1 << (segment.direction & 1);
        if segment.direction & 1 == 1 && self.state == TcpState::SynSent {
            self.state = TcpState::SynReceived;
        }
    }

    /// Moves the windows.
    fn slide(&mut self, segment: &Segment, checks: TcpChecks) {
        let here = usize::from(segment.direction & 1);
        // Windows are scaled if both sides have said so.
        let scale = match self.scales {
            [0, _] | [_, 0] => 0,
            scales if !segment.has(SYN) => scales[here] - 1,
            _ => 0,
        };
        let window = u32::from(segment.window) << scale;
        let seen = self.seen;
        self.seen |= 1 << here;
        let sender = &mut self.sides[here];
        if seen & 1 << here == 0 {
            let end = segment.end();
            let acknowledged = segment.sequence;
            *sender = Side { end, acknowledged, limit: end, ..*sender };
        }
        sender.window_max = sender.window_max.max(window).max(1);
        let mut end = segment.end();
        if segment.fragmented && is_before(end, sender.limit) {
            // What the other fragments hold is at most what the window allows.
            end = sender.limit;
        }
        advance(&mut sender.end, end);
        if !segment.has(ACK) {
            return;
        }
        let acknowledgment = segment.acknowledgment;
        let edge = acknowledgment.wrapping_add(window);
        let receiver = &mut self.sides[1 - here];
        if seen & 1 << (1 - here) == 0 {
            (receiver.end, receiver.acknowledged, receiver.limit) =
                (acknowledgment, acknowledgment, edge);
            return;
        }
        if advance(&mut receiver.acknowledged, acknowledgment) || !checks.sequence {
            self.acknowledged |= 1 << (1 - here);
        }
        advance(&mut receiver.limit, edge);
    }

    /// True for the SYN-ACK, and for every other one until the client has acknowledged it: a server
    /// that keeps no state may answer each SYN with another number.
    fn is_answer(&self, segment: &Segment) -> bool {
        segment.has(SYN) && segment.has(ACK) && self.awaits_acknowledgment_of(segment)
    }

    fn awaits_acknowledgment_of(&self, segment: &Segment) -> bool {
        self.state == TcpState::SynReceived
            && segment.direction & 1 == 1
            && self.acknowledged & 0b10 == 0
    }

    /// The SYN-ACK to a SYN that came in the middle of a connection: the other end had forgotten
    /// it.
    fn answers_reopening(&self, segment: &Segment) -> bool {
        segment.has(SYN | ACK)
            && self.reopening != 0
            && segment.acknowledgment == self.reopening
            && !self.is_in_window(segment)
    }

    /// The acknowledgment covers the client's SYN and nothing that it has not sent.
    fn acknowledges_opening(&self, segment: &Segment) -> bool {
        let client = self.sent_to(segment);
        is_before(client.acknowledged, segment.acknowledgment)
            && !is_before(client.end, segment.acknowledgment)
            || self.acknowledged & 1 != 0 && segment.acknowledgment == client.acknowledged
    }

    fn sent_by(&self, segment: &Segment) -> &Side {
        &self.sides[usize::from(segment.direction & 1)]
    }

    fn sent_to(&self, segment: &Segment) -> &Side {
        &self.sides[usize::from(1 - (segment.direction & 1))]
    }
}

/// `a` lies before `b` in a space of 32 bits that wraps (RFC 9293 section 3.4).
const fn is_before(a: u32, b: u32) -> bool {
    a.wrapping_sub(b) >= 1 << 31
}

/// Moves a number forward, never back; true if it moved.
const fn advance(number: &mut u32, to: u32) -> bool {
    let moves = is_before(*number, to);
    if moves {
        *number = to;
    }
    moves
}

/// RFC 7323 section 2.3.
const SCALE_MAX: u8 = 14;
/// The largest window without scaling.
const WINDOW_UNSCALED_MAX: u32 = 65_535;

const _: () = assert!(size_of::<Tcp>() == 44, "a connection's part of a session is 44 bytes");

#[cfg(test)]
mod tests;
