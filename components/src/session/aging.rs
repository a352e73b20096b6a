//! Early ageing (`security flow aging`): a table that reaches its high watermark takes out sessions
//! that have been idle for a while, until it is below its low one. It looks at a bounded number of
//! slots each tick, from where it last stopped, so that the work does not grow with the table.

use super::SessionTable;

/// When a table that fills up makes room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aging {
    /// Seconds without a packet after which a session may be taken out.
    pub early_ageout_s: u32,
    /// Per cent of the table: early ageing ends below.
    pub low_watermark: u8,
    /// Per cent of the table: early ageing begins here; `None` is never.
    pub high_watermark: Option<u8>,
}

impl Default for Aging {
    fn default() -> Self {
        Self { early_ageout_s: 20, low_watermark: 100, high_watermark: None }
    }
}

/// Slots looked at in one tick.
const SCAN_MAX: usize = 65_536;

/// Where early ageing stands.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Scan {
    /// The next slot to look at.
    cursor: usize,
    /// Between the watermarks it goes on once it has begun.
    active: bool,
}

impl SessionTable {
    /// Adds to `due` what is idle for too long while the table is too full.
    pub(super) fn age_early(&mut self, clock_ns: u64, aging: &Aging, due: &mut Vec<u32>) {
        let Some(high) = aging.high_watermark else {
            return;
        };
        let occupied = self.active() - due.len();
        let low = self.capacity * usize::from(aging.low_watermark.min(high)) / 100;
        let high = self.capacity * usize::from(high) / 100;
        if occupied < low || (!self.scan.active && occupied < high) {
            self.scan.active = false;
            return;
        }
        self.scan.active = true;
        let mut excess = occupied + 1 - low;
        let idle_ns = u64::from(aging.early_ageout_s) * 1_000_000_000;
        for _ in 0..SCAN_MAX.min(self.sessions.len()) {
            let slot = self.scan.cursor;
            self.scan.cursor = (slot + 1) % self.sessions.len();
            let session = &mut self.sessions[slot];
            // What is over already is in `due`.
            if !session.live || session.deadline_ns <= clock_ns {
                continue;
            }
            if clock_ns.saturating_sub(session.last_packet_ns()) < idle_ns {
                continue;
            }
            session.aged_out = true;
            session.deadline_ns = clock_ns;
            let slot = u32::try_from(slot).expect("slots fit an entry");
            self.wheel.unlink(&mut self.links, slot);
            due.push(slot);
            excess -= 1;
            if excess == 0 {
                self.scan.active = false;
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::Session;
    use super::super::tests::session;
    use super::*;
    use crate::kinds::CloseReason;

    const SECOND: u64 = 1_000_000_000;

    /// Ten slots, sessions that were last active at second `n` and live for a minute.
    fn table(sessions: u16) -> SessionTable {
        let mut table = SessionTable::new(10, 1, 64, SECOND);
        table.expire(0, 9, &Aging::default(), |_| panic!("nothing is installed"));
        for n in 0..sessions {
            let deadline_ns = (60 + u64::from(n)) * SECOND;
            let session = Session { timeout_s: 60, ..session(1, n, deadline_ns) };
            table.install(session).expect("room");
        }
        table
    }

    fn aged(table: &mut SessionTable, clock_s: u64, high: u8, low: u8) -> Vec<u16> {
        let aging = Aging { early_ageout_s: 10, low_watermark: low, high_watermark: Some(high) };
        let mut ended = Vec::new();
        table.expire(clock_s * SECOND, 99, &aging, |session| {
            assert_eq!(session.close_reason(), CloseReason::AgedOut);
            assert_eq!(session.deadline_ns, clock_s * SECOND);
            ended.push(session.keys[0].source_port);
        });
        ended
    }

    #[test]
    fn begins_at_the_high_watermark_and_ends_below_the_low_one() {
        assert!(aged(&mut table(7), 59, 80, 50).is_empty(), "one below the high watermark");
        let mut table = table(8);
        assert_eq!(aged(&mut table, 59, 80, 50), [0, 1, 2, 3]);
        assert_eq!(table.active(), 4, "below five");
        assert!(aged(&mut table, 59, 80, 50).is_empty());
    }

    #[test]
    fn takes_only_what_is_idle_for_long_enough_and_goes_on_at_the_next_tick() {
        let mut table = table(8);
        // At second 12 the sessions 0, 1 and 2 have been idle for ten seconds.
        assert_eq!(aged(&mut table, 12, 80, 50), [0, 1, 2]);
        // Between the watermarks, but not finished.
        assert_eq!(aged(&mut table, 13, 80, 50), [3]);
        assert!(aged(&mut table, 20, 80, 50).is_empty());
    }

    #[test]
    fn nothing_is_taken_out_without_a_high_watermark() {
        let mut table = table(10);
        table.expire(59 * SECOND, 99, &Aging::default(), |_| panic!("nothing is over"));
        assert_eq!(table.active(), 10);
    }
}
