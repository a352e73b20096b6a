//! A connection whose client was answered by a SYN cookie before its server knew of it: both have
//! another first sequence number of the server. Once the server has answered they differ by one
//! number for as long as the connection lives (RFC 4987 section 3.6: the firewall as a proxy of the
//! handshake). The session follows the server's numbers; what the client says is turned into them
//! before it is judged.

use super::tcp::Segment;

/// How the client's numbers of a server follow from the server's own. Packed, so that a session
/// stays within 232 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, packed)]
pub struct Splice {
    /// The cookie while opening; then by how much the client's numbers are above the server's.
    number: u32,
    /// 0 where the client has the server's own numbers, as nearly all have; `JOINED`; or `OPENING`
    /// plus the SYNs that were sent again.
    stage: u8,
}

/// Both sides are connected.
const JOINED: u8 = 1;
/// The server has not answered yet.
const OPENING: u8 = 2;

impl Splice {
    /// A client has acknowledged this cookie.
    #[must_use]
    pub const fn opening(cookie: u32) -> Self {
        Self { number: cookie, stage: OPENING }
    }

    /// The cookie, until the server has answered.
    #[must_use]
    pub const fn cookie(&self) -> Option<u32> {
        if self.stage >= OPENING { Some(self.number) } else { None }
    }

    /// By how much the client's numbers are above the server's, if they differ.
    #[must_use]
    pub const fn offset(&self) -> Option<u32> {
        if self.stage == JOINED { Some(self.number) } else { None }
    }

    /// The server's first sequence number stands where the client has the cookie.
    pub const fn join(&mut self, first: u32) {
        self.number = self.number.wrapping_sub(first);
        self.stage = JOINED;
    }

    /// Whether the server's SYN is to be sent again, `waited_ns` after the first: after 1, 3, 7 and
    /// 15 seconds (RFC 6298: the time doubles). It then counts as sent.
    pub const fn is_due_again(&mut self, waited_ns: u64) -> bool {
        let again = self.stage.saturating_sub(OPENING);
        let due = self.stage >= OPENING
            && again < AGAIN_MAX
            && waited_ns >= ((2 << again) - 1) * 1_000_000_000;
        self.stage += due as u8;
        due
    }

    /// A segment in the server's numbers.
    #[must_use]
    pub const fn as_server(&self, mut segment: Segment) -> Segment {
        if let Some(offset) = self.offset()
            && segment.direction & 1 == 0
        {
            segment.acknowledgment = segment.acknowledgment.wrapping_sub(offset);
        }
        segment
    }

    /// A sequence number that an ICMP error quotes of a segment that `sender` had sent, in the
    /// sender's own numbers.
    #[must_use]
    pub const fn as_sent(&self, sender: u8, sequence: u32) -> u32 {
        match self.offset() {
            Some(offset) if sender & 1 == 1 => sequence.wrapping_sub(offset),
            _ => sequence,
        }
    }
}

/// More than the handshake's longest time-out has room for.
const AGAIN_MAX: u8 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_to_the_server_and_come_back_across_their_end() {
        let cookie = u32::MAX - 2;
        let mut splice = Splice::opening(cookie);
        assert_eq!((splice.cookie(), splice.offset()), (Some(cookie), None));
        splice.join(7);
        assert_eq!(splice.cookie(), None);
        let offset = splice.offset().expect("joined");
        assert_eq!(7u32.wrapping_add(offset), cookie);
        let segment = Segment { acknowledgment: cookie.wrapping_add(1), ..Segment::default() };
        assert_eq!(splice.as_server(segment).acknowledgment, 8);
        let back = Segment { direction: 1, acknowledgment: 5, ..Segment::default() };
        assert_eq!(splice.as_server(back), back, "the server knows the client's numbers");
        assert_eq!(splice.as_sent(1, cookie), 7);
        assert_eq!(splice.as_sent(0, 1234), 1234);
    }

    #[test]
    fn a_session_without_a_cookie_changes_nothing() {
        let splice = Splice::default();
        let segment = Segment { acknowledgment: 9, ..Segment::default() };
        assert_eq!(splice.as_server(segment), segment);
        assert_eq!((splice.cookie(), splice.offset(), splice.as_sent(1, 3)), (None, None, 3));
    }

    #[test]
    fn the_syn_is_sent_again_at_times_that_double() {
        let mut splice = Splice::opening(1);
        let tenths = (0..400).filter(|tenth| splice.is_due_again(tenth * 100_000_000));
        assert_eq!(tenths.collect::<Vec<_>>(), [10, 30, 70, 150, 310]);
    }
}
