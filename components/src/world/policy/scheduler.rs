//! `schedulers scheduler`: when a policy may match. A scheduler is a set of dates and a set of
//! times of the week, both in the firewall's local time; it is on where both hold.

use crate::address::within;

/// Seconds of a week.
pub const WEEK_S: u32 = 7 * DAY_S;
/// Seconds of a day.
pub const DAY_S: u32 = 86_400;

/// When a policy may match. Ranges are in local time and include their first and last second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scheduler {
    /// `start-date` to `stop-date`, seconds since 1970-01-01; sorted and disjoint.
    pub dates: Vec<(i64, i64)>,
    /// Seconds since Monday, midnight; sorted and disjoint.
    pub week: Vec<(u32, u32)>,
}

impl Default for Scheduler {
    fn default() -> Self {
        Self { dates: vec![(i64::MIN, i64::MAX)], week: vec![(0, WEEK_S - 1)] }
    }
}

impl Scheduler {
    /// True if it is on.
    #[must_use]
    pub fn is_on(&self, moment: Moment) -> bool {
        within(&self.dates, moment.date_s) && within(&self.week, moment.week_s)
    }
}

/// A local time as schedulers see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Seconds since 1970-01-01, local time.
    pub date_s: i64,
    /// Seconds since Monday, midnight.
    pub week_s: u32,
}

impl Moment {
    /// The local time of a packet, `offset_s` seconds east of UTC.
    #[must_use]
    pub fn new(time_ns: u64, offset_s: i32) -> Self {
        let utc_s = i64::try_from(time_ns / 1_000_000_000).unwrap_or(i64::MAX);
        let date_s = utc_s.saturating_add(i64::from(offset_s));
        // 1970-01-01 was a Thursday.
        let since_monday = date_s.saturating_add(3 * i64::from(DAY_S));
        let week_s = since_monday.rem_euclid(i64::from(WEEK_S));
        Self { date_s, week_s: u32::try_from(week_s).expect("seconds of a week") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_has_the_firewall_s_day_and_time() {
        // 2026-03-02T08:00:00Z is a Monday.
        let monday = 1_772_438_400_000_000_000;
        assert_eq!(Moment::new(monday, 0).week_s, 8 * 3600);
        assert_eq!(Moment::new(monday, -9 * 3600).week_s, WEEK_S - 3600, "Sunday, 23:00");
        assert_eq!(Moment::new(monday + 999_999_999, 3600).week_s, 9 * 3600);
        assert_eq!(Moment::new(0, 0), Moment { date_s: 0, week_s: 3 * DAY_S }, "a Thursday");
        assert_eq!(Moment::new(0, -1), Moment { date_s: -1, week_s: 3 * DAY_S - 1 });
    }

    #[test]
    fn a_scheduler_is_on_from_its_first_to_its_last_second() {
        let scheduler =
            Scheduler { dates: vec![(100, 199)], week: vec![(10, 19), (30, 39), (150, 160)] };
        let on = |date_s, week_s| scheduler.is_on(Moment { date_s, week_s });
        assert!(!on(99, 15) && on(100, 15) && on(199, 15) && !on(200, 15));
        assert!(!on(150, 9) && on(150, 10) && on(150, 19) && !on(150, 20) && on(150, 30));
        assert!(Scheduler::default().is_on(Moment { date_s: i64::MIN, week_s: WEEK_S - 1 }));
    }
}
