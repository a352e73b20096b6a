//! Tidy: the habits of this repository that no compiler checks. Every offence is listed as
//! `file:line: what`, all of them in one run. The rules look at the files as they lie on the disk,
//! whether or not they are part of a target yet; what must be excepted is excepted here.

mod direction;
mod form;
mod snapshots;
mod source;

use std::fs;
use std::path::{Path, PathBuf};

use source::Source;

#[test]
fn sources_keep_their_form() {
    let mut offences = Vec::new();
    for source in sources(&repository()) {
        form::check(&source, &mut offences);
    }
    report(&offences);
}

#[test]
fn dependencies_point_from_the_root_to_components() {
    let root = repository();
    let mut offences = Vec::new();
    for (package, foreign) in [("components", &["systems", "weir"][..]), ("systems", &["weir"])] {
        let path = format!("{package}/Cargo.toml");
        let manifest = fs::read_to_string(root.join(&path)).expect("the manifest can be read");
        direction::check_manifest(&path, &manifest, foreign, &mut offences);
    }
    report(&offences);
}

#[test]
fn components_and_systems_touch_no_world() {
    let sources = sources(&repository());
    let inner = |source: &&Source| {
        source.path.starts_with("components/src/") || source.path.starts_with("systems/src/")
    };
    let test_modules: Vec<String> = sources.iter().flat_map(direction::test_modules).collect();
    let mut offences = Vec::new();
    for source in sources.iter().filter(inner) {
        if !direction::is_test(&source.path, &test_modules) {
            direction::check_world(source, &mut offences);
        }
        if source.path.starts_with("systems/") {
            for at in source.words("unsafe") {
                offences.push(format!("{}: unsafe in systems", source.place(at)));
            }
        }
    }
    report(&offences);
}

#[test]
fn every_snapshot_has_a_test() {
    let root = repository();
    let sources = sources(&root);
    let mut offences = Vec::new();
    for path in files(&root).iter().filter(|path| path.ends_with(".snap")) {
        let text = fs::read_to_string(root.join(path)).expect("the snapshot can be read");
        snapshots::check(path, &text, &sources, &mut offences);
    }
    report(&offences);
}

#[test]
fn no_file_is_heavy() {
    let root = repository();
    let mut offences = Vec::new();
    for path in files(&root) {
        let length = fs::metadata(root.join(&path)).expect("a file has a length").len();
        if length > FILE_BYTES_MAX {
            offences.push(format!("{path}:1: {length} bytes, at most {FILE_BYTES_MAX}"));
        }
    }
    report(&offences);
}

#[test]
fn the_top_level_shows_the_architecture_and_nothing_else() {
    let root = repository();
    let mut offences = Vec::new();
    for entry in fs::read_dir(&root).expect("the repository can be listed") {
        let name = entry.expect("an entry").file_name().into_string().expect("UTF-8");
        if !name.starts_with('.') && !TOP_LEVEL.contains(&name.as_str()) {
            offences.push(format!("{name}:1: not a name of the top level"));
        }
    }
    report(&offences);
}

fn report(offences: &[String]) {
    assert!(offences.is_empty(), "{} offences\n{}\n", offences.len(), offences.join("\n"));
}

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file.
fn sources(root: &Path) -> Vec<Source> {
    let paths = files(root);
    let rust = paths.iter().filter(|path| path.ends_with(".rs"));
    let sources: Vec<Source> = rust
        .map(|path| {
            let text = fs::read_to_string(root.join(path)).expect("a source is UTF-8");
            Source::new(path, &text)
        })
        .collect();
    assert!(sources.len() > 100, "found only {} sources", sources.len());
    sources
}

/// Every file of the repository, sorted, relative with `/`; not what tools put there.
fn files(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    walk(root, "", &mut found);
    found.sort();
    found
}

fn walk(root: &Path, directory: &str, found: &mut Vec<String>) {
    for entry in fs::read_dir(root.join(directory)).expect("a directory can be listed") {
        let entry = entry.expect("an entry");
        let name = entry.file_name().into_string().expect("names are UTF-8");
        let path = match directory {
            "" => name.clone(),
            _ => format!("{directory}/{name}"),
        };
        if name == "target" || IGNORED.contains(&path.as_str()) {
            continue;
        }
        if entry.file_type().expect("an entry has a type").is_dir() {
            walk(root, &path, found);
        } else {
            found.push(path);
        }
    }
}

const FILE_BYTES_MAX: u64 = 1 << 20;

/// What version control and fuzzers keep for themselves.
const IGNORED: &[&str] = &[".git", "fuzz/artifacts", "fuzz/corpus", "fuzz/coverage"];

/// The architecture, and below it what the ecosystem needs.
const TOP_LEVEL: &[&str] = &[
    "Cargo.toml",
    "README.md",
    "benches",
    "components",
    "schedules",
    "snapshots",
    "src",
    "systems",
    //
    "CHANGELOG.md",
    "Cargo.lock",
    "LICENSE",
    "clippy.toml",
    "docs",
    "examples",
    "fuzz",
    "packaging",
    "proptest-regressions",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "target",
    "tests",
];
