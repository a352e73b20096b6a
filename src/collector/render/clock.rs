//! Time stamps of log lines: the event's own time in UTC, as RFC 3339 with milliseconds (RFC 5424)
//! or as `Mon dd hh:mm:ss` (RFC 3164). Events come nearly in order of time, so both forms are kept
//! for the second last printed and only the milliseconds are new.

use super::number::push_two_digits;

/// Prints time stamps and remembers the last second.
#[derive(Debug, Default)]
pub(super) struct Clock {
    /// Seconds since the Unix epoch plus one, so that the default is no second at all.
    second_plus_one: u64,
    /// `2026-11-24T06:56:51`
    rfc3339: Vec<u8>,
    /// `Nov 24 06:56:51`
    rfc3164: Vec<u8>,
}

impl Clock {
    /// Appends `2026-11-24T06:56:51.123Z`.
    pub(super) fn push_rfc3339(&mut self, out: &mut Vec<u8>, time_ns: u64) {
        self.turn_to(time_ns / NS_PER_SECOND);
        out.extend_from_slice(&self.rfc3339);
        out.push(b'.');
        let ms = u16::try_from(time_ns % NS_PER_SECOND / NS_PER_MS).unwrap_or(0);
        out.push(b'0' + low_byte(ms / 100));
        push_two_digits(out, low_byte(ms % 100));
        out.push(b'Z');
    }

    /// Appends `Nov 24 06:56:51`; a day below 10 has a space before it.
    pub(super) fn push_rfc3164(&mut self, out: &mut Vec<u8>, time_ns: u64) {
        self.turn_to(time_ns / NS_PER_SECOND);
        out.extend_from_slice(&self.rfc3164);
    }

    fn turn_to(&mut self, second: u64) {
        if self.second_plus_one == second + 1 {
            return;
        }
        self.second_plus_one = second + 1;
        let (year, month, day) = civil_date(second / SECONDS_PER_DAY);
        self.rfc3339.clear();
        push_two_digits(&mut self.rfc3339, low_byte(year / 100));
        push_two_digits(&mut self.rfc3339, low_byte(year % 100));
        for (separator, value) in [(b'-', month), (b'-', day)] {
            self.rfc3339.push(separator);
            push_two_digits(&mut self.rfc3339, value);
        }
        self.rfc3164.clear();
        self.rfc3164.extend_from_slice(MONTHS[usize::from(month) - 1]);
        self.rfc3164.push(b' ');
        if day < 10 {
            self.rfc3164.extend_from_slice(&[b' ', b'0' + day]);
        } else {
            push_two_digits(&mut self.rfc3164, day);
        }
        let of_day = u32::try_from(second % SECONDS_PER_DAY).unwrap_or(0);
        for (separator, value) in
            [(b'T', of_day / 3600), (b':', of_day / 60 % 60), (b':', of_day % 60)]
        {
            let value = u8::try_from(value).unwrap_or(0);
            self.rfc3339.push(separator);
            push_two_digits(&mut self.rfc3339, value);
            self.rfc3164.push(if separator == b'T' { b' ' } else { separator });
            push_two_digits(&mut self.rfc3164, value);
        }
    }
}

/// Year, month 1..=12 and day 1..=31 of a day since 1970-01-01 in the Gregorian calendar, by
/// Hinnant's `civil_from_days`: years begin in March, so that the leap day is the last.
fn civil_date(days: u64) -> (u16, u8, u8) {
    let days = days + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    // Nanoseconds in 64 bits end in 2554: the conversions cannot fail.
    (
        u16::try_from(year).unwrap_or(u16::MAX),
        u8::try_from(month).unwrap_or(1),
        u8::try_from(day).unwrap_or(1),
    )
}

fn low_byte(value: u16) -> u8 {
    value.to_le_bytes()[0]
}

const NS_PER_SECOND: u64 = 1_000_000_000;
const NS_PER_MS: u64 = 1_000_000;
const SECONDS_PER_DAY: u64 = 86_400;
const MONTHS: [&[u8]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn both(clock: &mut Clock, time_ns: u64) -> (String, String) {
        let (mut new, mut old) = (Vec::new(), Vec::new());
        clock.push_rfc3339(&mut new, time_ns);
        clock.push_rfc3164(&mut old, time_ns);
        (String::from_utf8(new).expect("ASCII"), String::from_utf8(old).expect("ASCII"))
    }

    #[test]
    fn prints_the_epoch_leap_days_and_the_last_instant() {
        let clock = &mut Clock::default();
        for (time_ns, new, old) in [
            (0, "1970-01-01T00:00:00.000Z", "Jan  1 00:00:00"),
            (1_709_164_799_999_999_999, "2024-02-28T23:59:59.999Z", "Feb 28 23:59:59"),
            (1_709_251_199_001_000_000, "2024-02-29T23:59:59.001Z", "Feb 29 23:59:59"),
            (4_107_542_400_000_000_000, "2100-03-01T00:00:00.000Z", "Mar  1 00:00:00"),
            (u64::MAX, "2554-07-21T23:34:33.709Z", "Jul 21 23:34:33"),
        ] {
            assert_eq!(both(clock, time_ns), (new.into(), old.into()));
        }
    }

    #[test]
    fn a_remembered_second_prints_other_milliseconds() {
        let clock = &mut Clock::default();
        assert_eq!(both(clock, 1_000_000).0, "1970-01-01T00:00:00.001Z");
        assert_eq!(both(clock, 999_000_000).0, "1970-01-01T00:00:00.999Z");
        assert_eq!(both(clock, 1_000_000_000).0, "1970-01-01T00:00:01.000Z");
        assert_eq!(both(clock, 2_000_000).0, "1970-01-01T00:00:00.002Z");
    }

    proptest! {
        #[test]
        fn agrees_with_a_calendar_library(time_ns: u64) {
            let nanosecond = i128::from(time_ns);
            let stamp = jiff::Timestamp::from_nanosecond(nanosecond).expect("within its range");
            let expected = stamp.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
            let old = stamp.strftime("%b %e %H:%M:%S").to_string();
            prop_assert_eq!(both(&mut Clock::default(), time_ns), (expected, old));
        }
    }
}
