//! The conformance table holds every statement that a reader of the configuration honours, and
//! names only tests that exist. Statements are taken from the readers' own keyword lists.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

#[test]
fn every_honoured_statement_is_in_the_table_with_a_test_that_exists() {
    let table = read("docs/conformance.md");
    let (mut listed, mut complaints) = (BTreeSet::new(), Vec::new());
    for (line, row) in (1..).zip(table.lines()).filter(|(_, row)| row.starts_with("| ")) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').collect();
        let [stanza, statements, tests] = cells[..] else {
            complaints.push(format!("docs/conformance.md:{line}: not three columns"));
            continue;
        };
        let stanza = code(stanza).first().copied().unwrap_or_default();
        let statements = code(statements);
        listed.extend(statements.iter().map(|word| format!("{stanza} {word}")));
        if !statements.is_empty() && code(tests).is_empty() {
            complaints.push(format!("docs/conformance.md:{line}: shown by nothing"));
        }
        for test in code(tests).into_iter().filter(|test| !exists(test)) {
            complaints.push(format!("docs/conformance.md:{line}: there is no test `{test}`"));
        }
    }
    let honoured = honoured();
    assert!(honoured.len() > 200, "found only {} statements", honoured.len());
    let missing = honoured.difference(&listed);
    complaints.extend(missing.map(|what| format!("docs/conformance.md: lacks `{what}`")));
    let extra = listed.difference(&honoured);
    complaints.extend(extra.map(|what| format!("docs/conformance.md: `{what}` is not honoured")));
    assert!(complaints.is_empty(), "{} complaints\n{}\n", complaints.len(), complaints.join("\n"));
}

#[test]
fn every_test_that_the_table_of_faults_names_exists() {
    let mut sources = String::new();
    for directory in ["components/src", "systems/src", "src", "tests"] {
        sources_below(&root().join(directory), &mut sources);
    }
    let table = read("docs/faults.md");
    let (mut tests, mut complaints) = (0, Vec::new());
    for (line, row) in (1..).zip(table.lines()).filter(|(_, row)| is_entry(row)) {
        let cell = row.trim_matches('|').rsplit('|').next().unwrap_or_default();
        let mut named = code(cell);
        named.extend(cell.contains("simulator").then_some(SIMULATOR));
        if named.is_empty() {
            complaints.push(format!("docs/faults.md:{line}: shown by nothing"));
        }
        let is_there = |name: &&str| {
            root().join(name).is_file()
                || exists(name)
                || root().join(format!("fuzz/fuzz_targets/{name}.rs")).is_file()
                || sources.contains(&format!("#[test]\nfn {name}("))
                // Made by a macro that is given its name.
                || sources.contains(&format!("\n{name}: "))
        };
        tests += named.len();
        let missing = named.into_iter().filter(|name| !is_there(name));
        complaints.extend(missing.map(|name| format!("docs/faults.md:{line}: no test `{name}`")));
    }
    assert!(tests > 50, "found only {tests} tests");
    assert!(complaints.is_empty(), "{} complaints\n{}\n", complaints.len(), complaints.join("\n"));
}

/// A row of a table that is not its head.
fn is_entry(row: &str) -> bool {
    row.starts_with("| ") && !row.starts_with("| fault |")
}

/// The test that "simulator" stands for.
const SIMULATOR: &str = "every_seed_delivers_each_event_once_or_counts_it";

/// All Rust below a directory, lines without their indentation.
fn sources_below(directory: &Path, out: &mut String) {
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources_below(&path, out);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(path).expect("a source");
            // Tests that need a program beside Rust stand behind `#[ignore]`; `.ci/run` has them.
            for line in text.lines().filter(|line| !line.trim_start().starts_with("#[ignore")) {
                out.push_str(line.trim_start());
                out.push('\n');
            }
        }
    }
}

/// Words in backticks.
fn code(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// A scenario, or `FILE::FUNCTION`.
fn exists(test: &str) -> bool {
    match test.split_once("::") {
        None => root().join(format!("tests/scenarios/{test}.case")).is_file(),
        Some((file, function)) => std::fs::read_to_string(root().join(file))
            .is_ok_and(|text| text.contains(&format!("#[test]\nfn {function}("))),
    }
}

/// `stanza statement` for every word of every `honoured` list.
fn honoured() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let directory = root().join("src/config/model");
    for entry in std::fs::read_dir(directory).expect("the readers") {
        let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("a source");
        for stanza in text.split("Stanza = Stanza {").skip(1) {
            let stanza = stanza.split("\n};").next().unwrap_or_default();
            let path = string_after(stanza, "path:").unwrap_or_default();
            let words = string_after(stanza, "honoured:").unwrap_or_default();
            let words = words.replace('\\', " ");
            found.extend(words.split_whitespace().map(|word| format!("{path} {word}")));
        }
    }
    found
}

fn string_after<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    text.split_once(key)?.1.split('"').nth(1)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).expect("a file of the repository")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}
