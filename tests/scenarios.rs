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
    cluster, commit, dns, embedded, filter, fragment, host, ipv6, nat, parse, policer, policy,
    reject, route, screen, session,
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

#[test]
fn there_are_cases_enough_and_each_says_what_it_shows() {
    let paths = scenario::paths();
    assert!(paths.len() >= 150, "{} cases", paths.len());
    let mut titles: Vec<String> = Vec::new();
    for path in &paths {
        let case = scenario::file::Case::read(&scenario::root(), path).expect("a case");
        titles.push(case.lines[0].clone());
    }
    titles.sort();
    let twins: Vec<_> = titles.windows(2).filter(|pair| pair[0] == pair[1]).collect();
    assert!(twins.is_empty(), "{twins:#?}");
}

#[test]
fn complaints_name_file_and_line() {
    let directory = tempfile::tempdir().expect("a directory");
    let complaint = |text: &str| {
        std::fs::write(directory.path().join("x.case"), text).expect("written");
        let case = scenario::file::Case::read(directory.path(), "x.case");
        case.err().unwrap_or_default()
    };
    let begin = "# A case.\npackets\n";
    let with = |line: &str| complaint(&format!("{begin}{line}\nend\n"));
    assert_eq!(with("+0s trust udp 1.2.3.4:1 > 5.6.7.8:9 => drop x"), "");
    assert_eq!(with("+0 trust udp 1.2.3.4:1 > 5.6.7.8:9"), "x.case:3: `0` has no unit");
    assert_eq!(with("+0s trust sctp 1.2.3.4:1 > 5.6.7.8:9"), "x.case:3: `sctp` is no protocol");
    assert_eq!(with("+0s trust udp 1.2.3:1 > 5.6.7.8:9"), "x.case:3: `1.2.3:1` is no address");
    assert_eq!(with("+0s trust udp 1.2.3.4 > 5.6.7.8:9"), "x.case:3: both sides need a port");
    assert_eq!(
        with("+0s trust udp 1.2.3.4:1 > 5.6.7.8:9 seq=1"),
        "x.case:3: `seq` means nothing here"
    );
    assert_eq!(
        with("+0s a udp 1.2.3.4:1 > 5.6.7.8:9 => drop x => drop y"),
        "x.case:3: a packet has one fate"
    );
    assert_eq!(
        complaint("packets\nend\n"),
        "x.case:1: does not begin with `# ` and what the case shows"
    );
    assert_eq!(complaint(begin), "x.case:2: lacks `end`");
}
