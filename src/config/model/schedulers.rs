//! `schedulers` and `system time-zone`. A scheduler is on within its dates and, on each day, within
//! that day's times, where a weekday's own statement replaces `daily`; without days it is on all
//! day within its dates. A stop is the first moment that is no longer part of it. Dates and times
//! are local; a time zone that is not a fixed offset from UTC is an error where a policy needs it.

use components::world::policy::scheduler::{DAY_S, Scheduler};
use jiff::civil::{Date, date};

use super::reader::{Reader, Stanza, Word, statements};
use crate::config::tree::Node;

/// A scheduler and its name.
#[derive(Clone, Debug)]
pub struct NamedScheduler<'t> {
    /// Its name.
    pub name: Word<'t>,
    /// When it is on.
    pub scheduler: Scheduler,
}

/// `system time-zone`.
#[derive(Clone, Copy, Debug)]
pub struct TimeZone<'t> {
    /// As written.
    pub name: Word<'t>,
    /// Seconds east of UTC; `None` for zones that have no fixed offset.
    pub utc_offset_s: Option<i32>,
}

impl<'t> From<Word<'t>> for TimeZone<'t> {
    fn from(name: Word<'t>) -> Self {
        Self { name, utc_offset_s: utc_offset_s(name.text) }
    }
}

/// `GMT+5` is five hours behind UTC, as `Etc/GMT+5` of the tz database and POSIX have it.
fn utc_offset_s(name: &str) -> Option<i32> {
    let name = name.strip_prefix("Etc/").unwrap_or(name);
    if matches!(name, "UTC" | "GMT" | "UCT" | "Universal" | "Zulu" | "Greenwich") {
        return Some(0);
    }
    let hours: i32 = name.strip_prefix("GMT")?.parse().ok()?;
    let signed = name.as_bytes()[3].is_ascii_punctuation();
    (signed && (-14..=12).contains(&hours)).then_some(-hours * 3600)
}

/// Reads `schedulers`.
pub(crate) fn read<'t>(node: &'t Node, reader: &mut Reader<'_>) -> Vec<NamedScheduler<'t>> {
    let mut read = Vec::new();
    for statement in statements(node) {
        match statement.word.as_str() {
            "scheduler" => {
                read.extend(statement.active().map(|node| read_scheduler(node, reader)));
            }
            _ => reader.other(&SCHEDULERS, statement),
        }
    }
    read
}

fn read_scheduler<'t>(node: &'t Node, reader: &mut Reader<'_>) -> NamedScheduler<'t> {
    let mut dates = None;
    let (mut daily, mut days) = (None, [const { None }; 7]);
    for statement in statements(node) {
        match statement.word.as_str() {
            "start-date" => {
                let dates = dates.get_or_insert_with(Vec::new);
                let stop = "stop-date";
                dates
                    .extend(statement.active().filter_map(|date| slot(date, stop, reader, date_s)));
            }
            "daily" => daily = Some(read_day(statement, reader)),
            word => match WEEKDAYS.iter().position(|day| *day == word) {
                Some(day) => days[day] = Some(read_day(statement, reader)),
                None => reader.other(&SCHEDULER, statement),
            },
        }
    }
    let mut scheduler = Scheduler::default();
    if daily.is_some() || days.iter().any(Option::is_some) {
        let times = (0..).zip(days).flat_map(|(day, own)| {
            let times = own.or_else(|| daily.clone()).unwrap_or_default();
            times.into_iter().map(move |(first, last)| (day * DAY_S + first, day * DAY_S + last))
        });
        scheduler.week = disjoint(times.collect());
    } else if dates.is_none() {
        let message = format!("the scheduler `{}` does not say when it is on", node.word);
        let found = reader.diagnostics.error("empty-scheduler", node.span, message);
        found.expected("start-date and stop-date, daily, or weekdays");
    }
    if let Some(dates) = dates {
        scheduler.dates = disjoint(dates);
    }
    NamedScheduler { name: node.into(), scheduler }
}

/// Seconds of the day in which a scheduler is on.
fn read_day(node: &Node, reader: &mut Reader<'_>) -> Vec<(u32, u32)> {
    let (mut times, mut whole) = (Vec::new(), None);
    for statement in statements(node) {
        match statement.word.as_str() {
            "start-time" => {
                let slots = statement.active();
                times.extend(slots.filter_map(|time| slot(time, "stop-time", reader, time_s)));
            }
            "all-day" | "exclude" => {
                if whole.replace(statement.word.as_str()).is_some() {
                    reader.bad("two-times", statement.into(), "the only statement of the day");
                }
            }
            _ => reader.other(&DAY, statement),
        }
    }
    match whole {
        Some(_) if !times.is_empty() => {
            reader.bad("two-times", node.into(), "a day with either times, all-day or exclude");
        }
        Some("all-day") => times.push((0, DAY_S - 1)),
        Some(_) => {}
        None if times.is_empty() => {
            reader.bad("empty-scheduler", node.into(), "a day with times, all-day or exclude");
        }
        None => {}
    }
    times
}

/// First and last second of `start-… FIRST stop-… STOP`.
fn slot<K: Second>(
    start: &Node,
    stop: &str,
    reader: &mut Reader<'_>,
    read: impl Fn(Word<'_>, &mut Reader<'_>) -> Option<K>,
) -> Option<(K, K)> {
    let first = read(start.into(), reader)?;
    let Some(stop) = start.child(stop) else {
        let message = format!("`{}` begins and does not stop", start.word);
        reader.diagnostics.error("missing-value", start.span, message).expected(stop);
        return None;
    };
    let word = reader.value(stop)?;
    let last = read(word, reader)?.before();
    if last < Some(first) {
        reader.bad("bad-range", word, "later than the start");
        return None;
    }
    Some((first, last?))
}

/// Seconds of a day or since 1970.
trait Second: Copy + Ord {
    /// The second before.
    fn before(self) -> Option<Self>;
}

impl Second for u32 {
    fn before(self) -> Option<Self> {
        self.checked_sub(1)
    }
}

impl Second for i64 {
    fn before(self) -> Option<Self> {
        self.checked_sub(1)
    }
}

/// Local seconds since 1970 of `YYYY-MM-DD.hh:mm[:ss]`.
fn date_s(word: Word<'_>, reader: &mut Reader<'_>) -> Option<i64> {
    let seconds = || {
        let (day, time) = word.text.split_once('.')?;
        let mut parts = day.split('-');
        let year = number(parts.next()?, 4)?;
        let (month, day) = (number(parts.next()?, 2)?, number(parts.next()?, 2)?);
        if parts.next().is_some() {
            return None;
        }
        let (month, day) = (i8::try_from(month).ok()?, i8::try_from(day).ok()?);
        let day = Date::new(i16::try_from(year).ok()?, month, day).ok()?;
        let midnight = day.duration_since(date(1970, 1, 1)).as_secs();
        Some(midnight + i64::from(seconds_of(time)?))
    };
    let seconds = seconds();
    if seconds.is_none() {
        reader.bad("bad-date", word, "a date and time as in 2026-12-31.23:59");
    }
    seconds
}

/// Seconds since midnight of `hh:mm[:ss]`.
fn time_s(word: Word<'_>, reader: &mut Reader<'_>) -> Option<u32> {
    let seconds = seconds_of(word.text);
    if seconds.is_none() {
        reader.bad("bad-time", word, "a time from 00:00:00 to 23:59:59");
    }
    seconds
}

fn seconds_of(text: &str) -> Option<u32> {
    let mut parts = text.split(':').map(|part| number(part, 2));
    let (hour, minute) = (parts.next()??, parts.next()??);
    let second = parts.next().unwrap_or(Some(0))?;
    let fits = hour < 24 && minute < 60 && second < 60 && parts.next().is_none();
    fits.then_some(hour * 3600 + minute * 60 + second)
}

/// A number of at most so many digits.
fn number(text: &str, digits_max: usize) -> Option<u32> {
    let fits = text.len() <= digits_max && text.bytes().all(|byte| byte.is_ascii_digit());
    if fits { text.parse().ok() } else { None }
}

fn disjoint<K: Second>(mut ranges: Vec<(K, K)>) -> Vec<(K, K)> {
    ranges.sort_unstable();
    let mut disjoint: Vec<(K, K)> = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match disjoint.last_mut() {
            Some(earlier) if first <= earlier.1 => earlier.1 = earlier.1.max(last),
            _ => disjoint.push((first, last)),
        }
    }
    disjoint
}

const WEEKDAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

const SCHEDULERS: Stanza = Stanza { path: "schedulers", honoured: "scheduler", ..Stanza::EMPTY };

const SCHEDULER: Stanza = Stanza {
    path: "schedulers scheduler",
    honoured: "start-date daily monday tuesday wednesday thursday friday saturday sunday",
    ..Stanza::EMPTY
};

const DAY: Stanza = Stanza {
    path: "schedulers scheduler daily",
    honoured: "start-time all-day exclude",
    ..Stanza::EMPTY
};
