//! Snapshots without a test. The head of a snapshot names the test file that asserts it, and its
//! own name must stand in a literal near that file: whole, as the stem of a file name, or made
//! from a template such as `"session_{}"`. This sees what a reader sees; which snapshots a run
//! really compares is checked after the tests have run, with insta's own list.

use super::source::Source;

/// Adds the offences of one snapshot.
pub(crate) fn check(path: &str, text: &str, sources: &[Source], offences: &mut Vec<String>) {
    let head = text.strip_prefix("---\n").and_then(|rest| rest.split_once("\n---\n"));
    let origin = head.and_then(|(head, _)| {
        let mut fields = head.lines().filter_map(|line| line.split_once(": "));
        fields.find_map(|(key, value)| (key == "source").then_some(value))
    });
    let Some(origin) = origin else {
        offences.push(format!("{path}:1: does not say which test it belongs to"));
        return;
    };
    if !sources.iter().any(|source| source.path == origin) {
        offences.push(format!("{path}:2: {origin} does not exist"));
        return;
    }
    let name = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".snap");
    let near = neighbourhood(origin);
    let mut near = sources.iter().filter(|source| source.path.starts_with(near));
    if !near.any(|source| source.literals().iter().any(|literal| names(literal, name))) {
        offences.push(format!("{path}:1: no test near {origin} names `{name}`"));
    }
}

/// The directory of what a test file tests: `a/b/` for `a/b/tests/c.rs`, `a/b/tests.rs` and
/// `a/b/c.rs`.
fn neighbourhood(origin: &str) -> &str {
    let directory = &origin[..origin.rfind('/').map_or(0, |slash| slash + 1)];
    match directory.strip_suffix("/tests/") {
        Some(parent) => &origin[..=parent.len()],
        None => directory,
    }
}

/// Whether a literal says the name, as it is, before a dot, or as a template.
fn names(literal: &str, name: &str) -> bool {
    let stem = literal.split('.').next().unwrap_or(literal);
    stem == name || is_made_from(stem, name)
}

/// A template's fixed parts stand in the name in order; there must be enough of them to mean it.
fn is_made_from(template: &str, name: &str) -> bool {
    let mut fixed = Vec::new();
    for (index, piece) in template.split('{').enumerate() {
        match (index, piece.split_once('}')) {
            (0, _) => fixed.push(piece),
            (_, Some((_, after))) => fixed.push(after),
            (_, None) => return false,
        }
    }
    let letters: usize = fixed.iter().map(|part| part.len()).sum();
    if fixed.len() < 2 || letters < TEMPLATE_LETTERS_MIN {
        return false;
    }
    let (first, last) = (fixed[0], fixed[fixed.len() - 1]);
    let Some(mut rest) = name.strip_prefix(first).and_then(|rest| rest.strip_suffix(last)) else {
        return false;
    };
    fixed[1..fixed.len() - 1].iter().all(|part| match rest.split_once(part) {
        Some((_, after)) => {
            rest = after;
            true
        }
        None => false,
    })
}

/// `"{a}-{b}"` would fit almost anything.
const TEMPLATE_LETTERS_MIN: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_needs_a_test_file_and_a_name_in_it() {
        let sources = [Source::new("src/logs/tests/cases.rs", "f(\"deny\"); g(\"close-{kind}\");")];
        let offences = |path: &str, origin: &str| {
            let mut offences = Vec::new();
            let text = format!("---\nsource: {origin}\n---\nhead\n");
            check(path, &text, &sources, &mut offences);
            offences
        };
        let origin = "src/logs/tests/cases.rs";
        assert_eq!(offences("snapshots/logs/deny.snap", origin), [""; 0]);
        assert_eq!(offences("snapshots/logs/close-tcp.snap", origin), [""; 0]);
        assert_eq!(
            offences("snapshots/logs/denied.snap", origin),
            ["snapshots/logs/denied.snap:1: no test near src/logs/tests/cases.rs names `denied`"]
        );
        assert_eq!(
            offences("snapshots/logs/deny.snap", "src/logs/gone.rs"),
            ["snapshots/logs/deny.snap:2: src/logs/gone.rs does not exist"]
        );
    }

    #[test]
    fn a_template_stands_for_the_names_it_can_make() {
        assert!(is_made_from("rt_flow_{}_{name}", "rt_flow_deny_inet6"));
        assert!(is_made_from("session_close_inet{form}", "session_close_inet"));
        assert!(!is_made_from("rt_flow_{}_{name}", "rt_flow_deny"));
        assert!(!is_made_from("{a}-{b}", "land-attack"));
        assert!(!is_made_from("land", "land-attack"));
    }

    #[test]
    fn tests_lie_beside_what_they_test() {
        assert_eq!(neighbourhood("src/a/tests/b.rs"), "src/a/");
        assert_eq!(neighbourhood("src/a/tests.rs"), "src/a/");
        assert_eq!(neighbourhood("tests/replay.rs"), "tests/");
    }
}
