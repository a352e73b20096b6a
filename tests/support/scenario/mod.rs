//! Cases in text files: read ([`file`], [`notation`]), run packet by packet ([`step`]) and as whole
//! replays ([`whole`]), and compared. What a case does not say of a packet is added to its file if
//! the environment asks for it (`SCENARIOS=fill`); what it says is never changed.

pub(crate) mod file;
mod notation;
mod observe;
mod replica;
pub(crate) mod step;
mod whole;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use components::world::World;
use systems::schedule::Schedule;
use weir::config::compile::CompileOptions;
use weir::config::diagnostic::Diagnostics;
use weir::config::load::load_bytes;
use weir::config::render;
use weir::config::span::Sources;

use file::{CASES, Case, Step};
use step::{Run, Seen};

/// All cases, by path from the repository's root, sorted.
pub(crate) fn paths() -> Vec<String> {
    let entries = std::fs::read_dir(root().join(CASES)).expect("the folder of cases");
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.expect("an entry").file_name().into_string().expect("UTF-8")
    };
    let mut names: Vec<String> = entries.map(name).filter(|name| name.ends_with(".case")).collect();
    names.sort();
    names.iter().map(|name| format!("{CASES}/{name}")).collect()
}

/// The repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Runs a case; every complaint has its line.
pub(crate) fn check(path: &str) -> Result<(), String> {
    let case = Case::read(&root(), path)?;
    let worlds = worlds(&case)?;
    let schedule = schedule(&case)?;
    let run = step::run(&case, &worlds, &schedule)?;
    let fill = std::env::var("SCENARIOS").is_ok_and(|value| value == "fill");
    let complaints = compare(&case, &run, fill);
    if !complaints.is_empty() {
        return Err(complaints.join("\n"));
    }
    if fill {
        add_what_is_missing(&case, &run)?;
    }
    whole::check(&case, &worlds, &schedule, &run)
}

/// The case's configurations, compiled: the first one and that of each commit.
pub(crate) fn worlds(case: &Case) -> Result<Vec<Arc<World>>, String> {
    let commits = case.steps.iter().filter_map(|step| step.commit.as_ref());
    let configs = std::iter::once(&case.config).chain(commits.map(|commit| &commit.config));
    let compiled = configs.zip(1..).map(|(config, generation)| {
        Ok(Arc::new(World { generation, ..compile(&case.path, config)? }))
    });
    compiled.collect()
}

fn compile(name: &str, config: &str) -> Result<World, String> {
    let (mut sources, mut diagnostics) = (Sources::default(), Diagnostics::default());
    let options = CompileOptions { log_default_policy: false };
    let bytes = config.as_bytes();
    let compiled = load_bytes(&mut sources, name, bytes, &options, &mut diagnostics);
    compiled.map(|compiled| compiled.world).ok_or_else(|| render::text(&sources, &diagnostics))
}

/// A replay's schedule with the case's settings; small tables, because there are many cases.
pub(crate) fn schedule(case: &Case) -> Result<Schedule, String> {
    let text = include_str!("../../../schedules/replay.toml");
    let mut table: toml::Table = text.parse().map_err(|error| format!("{error}"))?;
    let mut set = |key: &str, value: &str| -> Result<(), String> {
        let (section, key) = key.split_once('.').ok_or("a key is SECTION.KEY")?;
        let value: toml::Table = format!("v = {value}").parse().map_err(|e| format!("{e}"))?;
        let section = table.entry(section).or_insert_with(|| toml::Table::new().into());
        let section = section.as_table_mut().ok_or("not a section")?;
        section.insert(key.to_owned(), value["v"].clone());
        Ok(())
    };
    set("session.capacity", "1024")?;
    set("ring.frames", "1024")?;
    for (line, key, value) in &case.settings {
        set(key, value).map_err(|error| format!("{}: {error}", case.place(*line)))?;
    }
    Schedule::parse(&table.to_string()).map_err(|error| format!("{}: {error:?}", case.path))
}

/// Everything in which the case and what was seen differ.
fn compare(case: &Case, run: &Run, fill: bool) -> Vec<String> {
    let mut complaints = Vec::new();
    for (step, seen) in case.steps.iter().zip(&run.steps) {
        compare_outcome(case, step, seen, fill, &mut complaints);
        compare_events(case, step, seen, fill, &mut complaints);
    }
    for (line, kind, count) in &case.counted {
        let events = run.steps.iter().flat_map(|seen| &seen.events);
        let seen = events.filter(|event| kind_of(event) == kind).count() as u64;
        if seen != *count {
            complaints.push(format!("{}: {seen} events {kind}", case.place(*line)));
        }
    }
    match &case.counters {
        Some(counters) => {
            for (line, counter) in counters.iter().filter(|(_, c)| !run.counters.contains(c)) {
                complaints.push(format!("{}: `{counter}` is not so", case.place(*line)));
            }
            for counter in &run.counters {
                if !counters.iter().any(|(_, listed)| listed == counter) {
                    complaints.push(format!("{}: counters lack `{counter}`", case.path));
                }
            }
        }
        None if fill => {}
        None => complaints.push(format!("{}: lacks `counters`", case.path)),
    }
    complaints
}

fn compare_outcome(
    case: &Case,
    step: &Step,
    seen: &Seen,
    fill: bool,
    complaints: &mut Vec<String>,
) {
    match &step.fate {
        Some((line, fate)) if !observe::shows(&seen.fate, fate) => {
            complaints.push(format!("{}: was {}", case.place(*line), seen.fate));
        }
        Some(_) => {}
        None if step.packet.is_none() || fill => {}
        None => complaints.push(format!("{}: `=> {}`?", case.place(step.line), seen.fate)),
    }
    let corrupt = |words: &&String| words.contains(" sum=bad");
    let asked = step.fate.as_ref().is_some_and(|(_, fate)| fate.contains("sum=bad"));
    for words in std::iter::once(&seen.fate).chain(&seen.answers).filter(corrupt) {
        if !asked {
            complaints.push(format!("{}: wrong checksum: {words}", case.place(step.line)));
        }
    }
    if !step.answers.is_empty() || !fill {
        compare_lists(case, step.line, "answer", &step.answers, &seen.answers, complaints);
    }
}

fn compare_events(case: &Case, step: &Step, seen: &Seen, fill: bool, complaints: &mut Vec<String>) {
    let counted = |event: &str| case.counted.iter().any(|(_, kind, _)| kind == kind_of(event));
    let seen: Vec<String> = seen.events.iter().filter(|event| !counted(event)).cloned().collect();
    if !step.events.is_empty() || !fill {
        compare_lists(case, step.line, "event", &step.events, &seen, complaints);
    }
}

/// Both lists must be equally long and agree one by one.
fn compare_lists(
    case: &Case,
    step_line: usize,
    what: &str,
    wanted: &[(usize, String)],
    seen: &[String],
    complaints: &mut Vec<String>,
) {
    for (at, (line, words)) in wanted.iter().enumerate() {
        match seen.get(at) {
            Some(seen) if observe::shows(seen, words) => {}
            Some(seen) => complaints.push(format!("{}: {what} was {seen}", case.place(*line))),
            None => complaints.push(format!("{}: no such {what} came", case.place(*line))),
        }
    }
    for extra in seen.iter().skip(wanted.len()) {
        complaints.push(format!("{}: not listed: {what} {extra}", case.place(step_line)));
    }
}

fn kind_of(event: &str) -> &str {
    event.split(' ').next().unwrap_or_default()
}

/// Writes fates, answers, events and counters into the file where it has none.
fn add_what_is_missing(case: &Case, run: &Run) -> Result<(), String> {
    let mut lines = case.lines.clone();
    for (step, seen) in case.steps.iter().zip(&run.steps).rev() {
        let mut added = Vec::new();
        if step.fate.is_none() && step.packet.is_some() {
            added.push(format!("    => {}", shortened(&seen.fate)));
        }
        if step.answers.is_empty() {
            let answers = seen.answers.iter();
            added.extend(answers.map(|answer| format!("    => answer {}", shortened(answer))));
        }
        if step.events.is_empty() {
            let events = seen.events.iter();
            let listed = events.filter(|e| !case.counted.iter().any(|(_, k, _)| k == kind_of(e)));
            added.extend(listed.map(|event| format!("    event {event}")));
        }
        lines.splice(step.last_line + 1..step.last_line + 1, added);
    }
    if case.counters.is_none() {
        lines.push("counters".into());
        lines.extend(run.counters.iter().map(|counter| format!("    {counter}")));
    }
    if lines == case.lines {
        return Ok(());
    }
    let text = lines.join("\n") + "\n";
    std::fs::write(root().join(&case.path), text).map_err(|error| error.to_string())
}

/// Without the words that every packet has.
fn shortened(words: &str) -> String {
    let usual = ["ttl=", "tos=", "len=", "sum=ok", "win="];
    let kept = words.split(' ').filter(|word| !usual.iter().any(|usual| word.starts_with(usual)));
    kept.collect::<Vec<_>>().join(" ")
}
