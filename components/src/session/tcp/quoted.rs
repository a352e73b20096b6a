//! Segments that ICMP errors quote. Anyone who knows addresses and ports can send an error; that
//! the quoted sequence number is one that its sender has in flight only those on the way know (RFC
//! 5927 section 4.1).

use super::{Tcp, TcpChecks, TcpState, is_before};

impl Tcp {
    /// True if `direction`'s side may have a segment with this number in flight. A number more
    /// below is what keepalives have.
    #[must_use]
    pub fn may_have_in_flight(&self, direction: u8, sequence: u32, checks: TcpChecks) -> bool {
        let side = &self.sides[usize::from(direction & 1)];
        let seen = self.seen & 1 << (direction & 1) != 0;
        if !checks.sequence || self.state == TcpState::None || self.picked_up || !seen {
            return true;
        }
        let is_reopening = self.reopening != 0 && sequence == self.reopening.wrapping_sub(1);
        let is_in_flight = !is_before(sequence.wrapping_add(1), side.acknowledged)
            && !is_before(side.end, sequence);
        is_in_flight || is_reopening
    }
}
