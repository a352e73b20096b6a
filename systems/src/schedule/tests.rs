//! Schedules that are wrong, each told by line, column and what was expected; and the shipped ones,
//! which are right.

use super::Schedule;

const GOOD: &str = "systems = ['parse', 'policy', 'nat', 'rewrite', 'emit']\n";

fn errors(text: &str) -> String {
    let errors = Schedule::parse(text).expect_err("a wrong schedule");
    let line = |error: &super::ScheduleError| {
        let expected = error.expected.as_deref().unwrap_or("-");
        format!("{} {error}\n    expected: {expected}\n", error.id)
    };
    errors.iter().map(line).collect()
}

#[test]
fn the_shipped_schedules_are_proved() {
    for text in [
        include_str!("../../../schedules/default.toml"),
        include_str!("../../../schedules/latency.toml"),
        include_str!("../../../schedules/replay.toml"),
    ] {
        let schedule = Schedule::parse(text).expect("a good schedule");
        assert_eq!(schedule.settings.systems.len(), crate::registry::NAMES.len());
    }
}

#[test]
fn every_key_of_the_shipped_schedules_says_what_it_is() {
    for text in [
        include_str!("../../../schedules/default.toml"),
        include_str!("../../../schedules/latency.toml"),
        include_str!("../../../schedules/replay.toml"),
    ] {
        let lines: Vec<&str> = text.lines().collect();
        let keys = lines.iter().enumerate().filter(|(_, line)| {
            line.contains(" = ") && !line.starts_with(['#', ' ']) && !line.contains("per_second")
        });
        for (at, line) in keys {
            let group_start =
                (0..at).rev().find(|&n| !lines[n].contains(" = ") || lines[n].starts_with('#'));
            let above = group_start.map_or("", |n| lines[n]);
            assert!(above.starts_with('#'), "`{line}` has no comment above it");
        }
    }
}

#[test]
fn errors_name_the_place_and_what_was_expected() {
    let cases = [
        ("a read that nothing wrote", "systems = ['parse', 'nat', 'policy', 'rewrite', 'emit']"),
        ("a missing system", "systems = ['parse', 'nat', 'emit']"),
        ("no such system", "systems = ['parse', 'polcy', 'emit']"),
        ("twice", "systems = ['parse', 'parse', 'policy', 'nat', 'rewrite', 'emit']"),
        ("emit not last", "systems = ['parse', 'policy', 'nat', 'emit', 'rewrite']"),
        ("no emit", "systems = ['parse', 'policy', 'nat', 'rewrite']"),
        ("nothing", "systems = []"),
        (
            "a filter after the packets have gone",
            "systems = ['parse', 'policy', 'screen', 'rewrite', 'filter-log:output', 'emit']",
        ),
    ];
    let mut report = String::new();
    for (what, text) in cases {
        report.push_str(&format!("# {what}: {text}\n{}\n", errors(text)));
    }
    let tables = [
        "workers = 65\n",
        "[batch]\nrows_max = 1025\n",
        "[batch]\nrows = 7\n",
        "[session]\ncapacity = 'many'\n",
        "[ring]\nframes = 1000\n",
        "[limit]\npolicy_deny = { per_second = 0, burst = 1 }\n",
        "[replay]\nat_end = 'stop'\n",
        "[nat\n",
    ];
    for table in tables {
        report.push_str(&format!("# {}\n{}\n", table.trim(), errors(&format!("{GOOD}{table}"))));
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../snapshots/schedule"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("schedule_errors", report));
}
