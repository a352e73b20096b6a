//! The direction of dependencies: `components` ← `systems` ← root, as Cargo sees it and as the
//! sources do. The two inner packages name nothing of `std` that reaches the world: no files, no
//! sockets, no threads, no clock, no environment. Their tests may.

use super::source::Source;

/// Adds the dependencies of a manifest, of any kind and target, that are among `foreign`.
pub(crate) fn check_manifest(
    path: &str,
    manifest: &str,
    foreign: &[&str],
    offences: &mut Vec<String>,
) {
    let table: toml::Table = manifest.parse().expect("the manifest is TOML");
    for name in dependencies(&table) {
        if foreign.contains(&name.as_str()) {
            let line = manifest.lines().position(|line| line.contains(&name));
            let line = line.map_or(1, |line| line + 1);
            offences.push(format!("{path}:{line}: must not depend on {name}"));
        }
    }
}

/// Names of packages in all dependency tables, those of targets included.
fn dependencies(table: &toml::Table) -> Vec<String> {
    let mut names = Vec::new();
    for (key, value) in table {
        let Some(inner) = value.as_table() else {
            continue;
        };
        if !key.ends_with("dependencies") {
            names.extend(dependencies(inner));
            continue;
        }
        for (name, dependency) in inner {
            let package = dependency.get("package").and_then(toml::Value::as_str);
            names.push(package.unwrap_or(name).to_owned());
        }
    }
    names
}

/// Path prefixes of modules in files of their own that only tests have.
pub(crate) fn test_modules(source: &Source) -> Vec<String> {
    let (directory, file) = source.path.rsplit_once('/').unwrap_or(("", &source.path));
    let base = match file {
        "lib.rs" | "main.rs" | "mod.rs" => directory.to_owned(),
        _ => source.path.trim_end_matches(".rs").to_owned(),
    };
    let name = |item: &str| {
        let (_, name) = item.rsplit_once("mod ")?;
        (!name.contains('{')).then(|| format!("{base}/{}", name.trim()))
    };
    let items = source.test_items().into_iter();
    items.filter_map(|item| name(&source.code[item])).collect()
}

/// True if the file belongs to one of the modules.
pub(crate) fn is_test(path: &str, test_modules: &[String]) -> bool {
    test_modules.iter().any(|module| {
        let rest = path.strip_prefix(module.as_str());
        rest.is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
    })
}

/// Adds what the file names of the world outside its tests.
pub(crate) fn check_world(source: &Source, offences: &mut Vec<String>) {
    let tests = source.test_items();
    for at in source.words("std") {
        let rest = &source.code[at + "std".len()..];
        if !rest.starts_with("::") || tests.iter().any(|test| test.contains(&at)) {
            continue;
        }
        for path in paths(rest) {
            if WORLD.iter().any(|prefix| path.starts_with(prefix)) && !is_address(&path) {
                offences.push(format!("{}: uses std{path}", source.place(at)));
            }
        }
    }
}

/// Addresses are numbers that `std` keeps beside the sockets.
fn is_address(path: &str) -> bool {
    let name = path.strip_prefix("::net::").unwrap_or("");
    ["IpAddr", "Ipv4Addr", "Ipv6Addr"].contains(&name.split(':').next().unwrap_or(""))
}

/// The paths of a use tree behind its first name: `::a::{b, c::d}` is `::a::b` and `::a::c::d`.
fn paths(tree: &str) -> Vec<String> {
    let mut all = Vec::new();
    expand(&tree.replace(char::is_whitespace, ""), "", &mut all);
    all
}

/// Reads one tree, adds its paths and gives what follows it.
fn expand<'t>(tree: &'t str, prefix: &str, all: &mut Vec<String>) -> &'t str {
    let is_path = |char: char| char == ':' || char == '*' || char == '_' || char.is_alphanumeric();
    let length = tree.find(|char| !is_path(char)).unwrap_or(tree.len());
    let (path, mut rest) = tree.split_at(length);
    let path = format!("{prefix}{path}");
    if !rest.starts_with('{') {
        all.push(path);
        return rest;
    }
    while rest.starts_with(['{', ',']) {
        rest = expand(&rest[1..], &path, all);
    }
    rest.strip_prefix('}').unwrap_or(rest)
}

const WORLD: &[&str] = &[
    "::env",
    "::fs",
    "::net",
    "::os",
    "::process",
    "::thread",
    "::time::*",
    "::time::Instant",
    "::time::SystemTime",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_world_in_nested_uses_and_paths() {
        let text = "use std::{fmt, net::{IpAddr, TcpStream}, time::{Duration, Instant}};\n\
                    fn a() { std::thread::yield_now(); }\n\
                    #[cfg(test)]\nmod tests { use std::fs; }\n";
        let mut offences = Vec::new();
        check_world(&Source::new("a.rs", text), &mut offences);
        assert_eq!(
            offences,
            [
                "a.rs:1: uses std::net::TcpStream",
                "a.rs:1: uses std::time::Instant",
                "a.rs:2: uses std::thread::yield_now",
            ]
        );
    }

    #[test]
    fn knows_which_files_are_tests() {
        let text =
            "#[cfg(test)]\npub(crate) mod support;\n#[cfg(test)]\nmod inline { }\nmod other;\n";
        let modules = test_modules(&Source::new("systems/src/lib.rs", text));
        assert_eq!(modules, ["systems/src/support"]);
        assert!(is_test("systems/src/support.rs", &modules));
        assert!(is_test("systems/src/support/deep.rs", &modules));
        assert!(!is_test("systems/src/supporter.rs", &modules));
    }

    #[test]
    fn finds_a_dependency_under_any_name_and_target() {
        let manifest = "[dependencies]\nserde = \"1\"\n\
                        [target.'cfg(unix)'.dev-dependencies]\n\
                        s = { package = \"systems\", path = \"../systems\" }\n";
        let mut offences = Vec::new();
        check_manifest("Cargo.toml", manifest, &["systems"], &mut offences);
        assert_eq!(offences, ["Cargo.toml:4: must not depend on systems"]);
    }
}
