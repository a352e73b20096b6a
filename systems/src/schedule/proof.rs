//! The proof that an order of systems makes sense: every column that a system reads was written by
//! an earlier one or by the port, no column is written by two, no system comes after its rows have
//! been decided, and `emit` is last.

use components::batch::Access;
use components::columns::Column;

use crate::registry;

/// One fault of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Stable id.
    pub id: &'static str,
    /// Index of the system in the list.
    pub place: usize,
    /// What is wrong, naming both systems where two are involved.
    pub message: String,
    /// What was expected.
    pub expected: Option<String>,
}

/// Columns that the port fills before the first system runs.
pub const PORT_COLUMNS: u64 = Access::set(&[
    Column::time_ns,
    Column::clock_ns,
    Column::offset,
    Column::length,
    Column::wire_length,
    Column::headroom,
    Column::link,
    Column::bound_ingress,
    Column::verdict,
]);

/// Finds every fault of an order.
#[must_use]
pub fn prove(names: &[&str]) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut written = PORT_COLUMNS;
    let mut writers: Vec<(u64, &str)> = Vec::new();
    for (place, &name) in names.iter().enumerate() {
        let Some(access) = registry::access_of(name) else {
            faults.push(unknown(place, name));
            continue;
        };
        if names[..place].contains(&name) {
            let message = format!("`{name}` stands twice in the schedule");
            faults.push(Fault { id: "schedule-duplicate", place, message, expected: None });
            continue;
        }
        faults.extend(unwritten(place, name, access, written, names));
        for column in Access::columns(access.writes & !Access::set(&[Column::verdict])) {
            let bit = Access::set(&[column]);
            if let Some((_, first)) = writers.iter().find(|(bits, _)| bits & bit != 0) {
                let message = format!(
                    "`{name}` writes the column `{}`, which `{first}` writes too",
                    column.name()
                );
                let expected = Some("one writer for each column".to_owned());
                faults.push(Fault { id: "schedule-two-writers", place, message, expected });
            }
        }
        writers.push((access.writes, name));
        written |= access.writes;
    }
    faults.extend(unseen(names));
    faults.extend(frame(names));
    faults
}

/// What must come first, because it would otherwise see nothing: the live mask and the frames are
/// no columns.
const BEFORE: &[(&str, &str, &str)] = &[
    ("filter-log:input", "policy", "packets for the firewall itself are decided there"),
    ("screen", "policy", "packets for the firewall itself are decided there"),
    ("policy", "filter-log:lo0", "no packet is for the firewall itself before"),
    ("policy", "neighbor", "no packet is for the firewall itself before"),
    ("filter-log:lo0", "neighbor", "what it discards would be answered"),
    ("filter-log:lo0", "reject", "what it rejects would not be answered"),
    ("filter-log:output", "reject", "what it rejects would not be answered"),
    ("filter-log:output", "rewrite", "packets are forwarded there"),
    ("reject", "rewrite", "answers quote packets as they came"),
];

/// Systems that would run after the rows they are for have been decided.
fn unseen(names: &[&str]) -> impl Iterator<Item = Fault> {
    let place = |name: &str| names.iter().position(|&other| other == name);
    BEFORE.iter().filter_map(move |&(first, second, why)| {
        let at = place(first)?;
        (at > place(second)?).then(|| Fault {
            id: "schedule-unseen",
            place: at,
            message: format!("`{first}` stands after `{second}`: {why}"),
            expected: Some(format!("`{first}` before `{second}`")),
        })
    })
}

/// A read that nothing earlier wrote: names the reader, the column and who would write it.
fn unwritten(
    place: usize,
    name: &str,
    access: Access,
    written: u64,
    names: &[&str],
) -> Option<Fault> {
    let column = Access::columns(access.reads & !written).next()?;
    let bit = Access::set(&[column]);
    let writer = registry::NAMES
        .iter()
        .find(|candidate| registry::access_of(candidate).is_some_and(|a| a.writes & bit != 0));
    let expected = writer.map(|writer| {
        let later = names[place..].contains(writer);
        let place = if later { "stands later" } else { "is not in the schedule" };
        format!("`{writer}`, which writes it and {place}, before `{name}`")
    });
    let message =
        format!("`{name}` reads the column `{}`, which nothing before it writes", column.name());
    Some(Fault { id: "schedule-order", place, message, expected })
}

/// What data flow cannot say: rows need a verdict and events need an end.
fn frame(names: &[&str]) -> Option<Fault> {
    let place = names.len().saturating_sub(1);
    if names.last() == Some(&"emit") {
        return None;
    }
    let message = match names.iter().position(|&name| name == "emit") {
        Some(_) => format!("`{}` stands after `emit`", names[place]),
        None => "the schedule has no `emit`".to_owned(),
    };
    let expected = Some("`emit` last: it counts fates and encodes events".to_owned());
    Some(Fault { id: "schedule-emit", place, message, expected })
}

fn unknown(place: usize, name: &str) -> Fault {
    let expected = format!("one of {}", registry::NAMES.join(", "));
    let message = format!("there is no system `{name}`");
    Fault { id: "schedule-unknown-system", place, message, expected: Some(expected) }
}
