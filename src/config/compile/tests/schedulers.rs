//! Schedulers: when a policy is on, and what a scheduler may not say.

use components::address::Family;
use components::ids::PolicyId;
use components::world::World;
use components::world::application::Service;
use components::world::policy::PolicyQuery;

use super::{TRUST, UNTRUST, found, office, v4};

/// 2026-03-02T00:00:00Z, a Monday.
const MONDAY_S: u64 = 1_772_409_600;
const HOUR_S: u64 = 3600;
const DAY_S: u64 = 24 * HOUR_S;

const POLICY: &str = "
    set security policies from-zone trust to-zone untrust policy p match source-address any
    set security policies from-zone trust to-zone untrust policy p match destination-address any
    set security policies from-zone trust to-zone untrust policy p match application any
    set security policies from-zone trust to-zone untrust policy p then permit
    set security policies from-zone trust to-zone untrust policy p scheduler-name s\n";

fn scheduled(scheduler: &[&str], more: &str) -> String {
    let lines = scheduler.iter().map(|line| format!("set schedulers scheduler s {line}\n"));
    format!("{POLICY}{}{more}", lines.collect::<String>())
}

fn is_on(world: &World, time_s: u64) -> bool {
    let hit = world.policies.lookup(&PolicyQuery {
        from_zone: TRUST,
        to_zone: UNTRUST,
        family: Family::Inet,
        destination_family: Family::Inet,
        source: v4("10.1.1.2"),
        destination: v4("203.0.113.7"),
        service: Service { protocol: 6, destination_port: 80, ..Service::default() },
        time_ns: time_s * 1_000_000_000,
    });
    hit.policy == PolicyId(1)
}

#[test]
fn a_policy_is_on_at_the_times_of_the_day_and_a_weekday_replaces_daily() {
    let world = office(&scheduled(
        &[
            "daily start-time 08:00 stop-time 12:00",
            "daily start-time 13:00:30 stop-time 17:00",
            "wednesday all-day",
            "saturday exclude",
            "sunday start-time 10:00 stop-time 10:01",
        ],
        "",
    ));
    let at = |day, second| is_on(&world, MONDAY_S + day * DAY_S + second);
    for day in [0, 1, 3, 4, 7] {
        assert!(!at(day, 8 * HOUR_S - 1) && at(day, 8 * HOUR_S), "{day}");
        assert!(at(day, 12 * HOUR_S - 1) && !at(day, 12 * HOUR_S), "{day}");
        assert!(!at(day, 13 * HOUR_S + 29) && at(day, 13 * HOUR_S + 30), "{day}");
        assert!(at(day, 17 * HOUR_S - 1) && !at(day, 17 * HOUR_S), "{day}");
    }
    assert!(at(2, 0) && at(2, DAY_S - 1) && !at(3, 0), "Wednesday from midnight to midnight");
    assert!((0..24).all(|hour| !at(5, hour * HOUR_S)), "Saturday");
    assert!(!at(6, 10 * HOUR_S - 1) && at(6, 10 * HOUR_S + 59) && !at(6, 10 * HOUR_S + 60));
}

#[test]
fn a_policy_is_on_between_the_dates_and_then_at_the_times_of_the_day() {
    let dates = "start-date 2026-03-03.12:00 stop-date 2026-03-05.00:00";
    let noon = MONDAY_S + DAY_S + 12 * HOUR_S;
    let world = office(&scheduled(&[dates], ""));
    let end = MONDAY_S + 3 * DAY_S;
    let on = |time_s| is_on(&world, time_s);
    assert!(!on(noon - 1) && on(noon) && on(end - 1) && !on(end));
    let world = office(&scheduled(&[dates, "daily start-time 11:00 stop-time 13:00"], ""));
    let on = |time_s| is_on(&world, time_s);
    assert!(!on(noon - 1) && on(noon) && !on(noon + HOUR_S) && on(noon + 23 * HOUR_S));
    assert!(!on(noon + 2 * DAY_S));
}

#[test]
fn times_are_those_of_the_time_zone() {
    let day = ["daily start-time 08:00 stop-time 09:00"];
    let cases = [
        ("UTC", 8),
        ("Etc/UTC", 8),
        ("GMT", 8),
        // As POSIX has it: three hours west of Greenwich.
        ("GMT+3", 11),
        ("Etc/GMT-14", 18),
    ];
    for (zone, hour) in cases {
        let world = office(&scheduled(&day, &format!("set system time-zone {zone}\n")));
        let at = |second: u64| is_on(&world, MONDAY_S + DAY_S + second);
        let first = hour * HOUR_S;
        assert!(!at(first - 1) && at(first) && !at(first + HOUR_S), "{zone}");
    }
    for zone in ["Europe/Berlin", "GMT+13", "GMT-15", "GMT3", "GMT+", "EST"] {
        let line = format!("set system time-zone {zone}\n");
        assert_eq!(found(&scheduled(&day, &line)), ["bad-time-zone"], "{zone}");
        assert!(found(&line).is_empty(), "{zone} matters to schedulers alone");
    }
}

#[test]
fn what_a_scheduler_may_not_say_is_an_error() {
    let cases: [(&[&str], &str); 14] = [
        (&["daily start-time 08:00"], "missing-value"),
        (&["start-date 2026-03-03.12:00"], "missing-value"),
        (&["daily start-time 08:00 stop-time 08:00"], "bad-range"),
        (&["daily start-time 20:00 stop-time 06:00"], "bad-range"),
        (&["start-date 2026-03-03.12:00 stop-date 2026-03-03.12:00"], "bad-range"),
        (&["daily start-time 24:00 stop-time 25:00"], "bad-time"),
        (&["daily start-time 8 stop-time 9:00"], "bad-time"),
        (&["daily start-time 08:00:00:00 stop-time 9:00"], "bad-time"),
        (&["start-date 2026-02-29.00:00 stop-date 2026-03-03.12:00"], "bad-date"),
        (&["start-date 03-03.12:00 stop-date 2026-03-03.12:00"], "bad-date"),
        (&["daily all-day", "daily exclude"], "two-times"),
        (&["monday exclude", "monday start-time 08:00 stop-time 09:00"], "two-times"),
        (&["daily"], "empty-scheduler"),
        (&["dialy all-day"], "unknown-statement"),
    ];
    for (lines, id) in cases {
        let ids = found(&scheduled(lines, ""));
        assert!(ids.contains(&id), "{lines:?}: {ids:?}");
    }
    assert_eq!(found(POLICY), ["undefined-scheduler"]);
    let empty = format!("{POLICY}set schedulers scheduler s description night");
    assert_eq!(found(&empty), ["empty-scheduler"]);
}

#[test]
fn a_scheduled_policy_covers_only_policies_of_the_same_scheduler() {
    let second = |more: &str| {
        let at = "set security policies from-zone trust to-zone untrust policy q";
        let more = format!(
            "{at} match source-address any
             {at} match destination-address any
             {at} match application any
             {at} then deny
             {more}\n"
        );
        found(&scheduled(&["daily all-day"], &more.replace("AT", at)))
    };
    assert!(second("").is_empty());
    assert_eq!(second("AT scheduler-name s"), ["shadowed-policy"]);
}

#[test]
fn then_count_counts_the_traffic_of_its_policy() {
    let all_day = scheduled(&["daily all-day"], "");
    let at = "set security policies from-zone trust to-zone untrust policy p then count";
    assert!(!office(&all_day).policies.counts(PolicyId(1)));
    assert!(office(&format!("{all_day}{at}\n")).policies.counts(PolicyId(1)));
    let ids = found(&format!("{all_day}{at} alarm per-second-threshold 5\n"));
    assert_eq!(ids, ["not-honoured"]);
}
