//! Scenarios: small text files in `tests/scenarios/`, each a configuration, packets, and what must
//! come of them. Every case runs packet by packet, at five batch sizes with the same bytes, and
//! with two and four workers with the same fates. `SCENARIO=part-of-a-name` runs a few.

#[path = "support/scenario/mod.rs"]
mod scenario;

use std::sync::atomic::{AtomicUsize, Ordering};

/// Runs the cases whose names begin with the area's, on two threads.
fn area(area: &str) {
    let wanted = std::env::var("SCENARIO").unwrap_or_default();
    let all = scenario::paths();
    let of_area = |path: &&String| path.contains(&format!("/{area}-")) && path.contains(&wanted);
    let paths: Vec<&String> = all.iter().filter(of_area).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut complaints = Vec::new();
        while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
            complaints.extend(scenario::check(path).err());
        }
        complaints
    };
    let mut complaints = std::thread::scope(|scope| {
        let other = scope.spawn(work);
        let mut complaints = work();
        complaints.extend(other.join().expect("a thread that reports"));
        complaints
    });
    complaints.sort();
    let (count, text) = (complaints.len(), complaints.join("\n"));
    assert!(complaints.is_empty(), "{count} of {} cases:\n{text}\n", paths.len());
}

macro_rules! areas {
    ($($name:ident,)+) => {
        const AREAS: &[&str] = &[$(stringify!($name),)+];
        $(
            #[test]
            fn $name() {
                area(stringify!($name));
            }
        )+
    };
}

areas! {
    filter, host, ipv6, nat, parse, policer, policy, reject, route, screen, session,
}

#[test]
fn every_case_belongs_to_an_area() {
    let paths = scenario::paths();
    let strays = paths.iter().filter(|path| {
        let name = path.rsplit('/').next().unwrap_or(path);
        !AREAS.iter().any(|area| name.starts_with(&format!("{area}-")))
    });
    assert_eq!(strays.collect::<Vec<_>>(), Vec::<&String>::new());
}
