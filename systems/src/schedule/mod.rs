//! The schedule file: which systems in which order, and every size, rate, seed and limit with its
//! range. TOML, unknown keys refused; an error names line and column. The order is proved from data
//! flow ([`proof`]), not hard-coded.

pub mod proof;
pub mod settings;

use std::ops::Range;

use components::ids::FilterId;
use components::world::World;
use components::world::interface::Interface;
use settings::Settings;

#[cfg(test)]
mod tests;

/// What is wrong with a schedule file, where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{line}:{column}: {message}")]
pub struct ScheduleError {
    /// Stable id of the kind of error.
    pub id: &'static str,
    /// Bytes of the file that it is about.
    pub range: Range<usize>,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// One sentence with the offending value.
    pub message: String,
    /// What was expected there.
    pub expected: Option<String>,
}

/// A schedule: settings whose ranges hold and an order of systems that is proved.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// Everything that the file says.
    pub settings: Settings,
}

impl Schedule {
    /// Reads a schedule file's text.
    ///
    /// # Errors
    /// All errors that could be found: bad TOML or an unknown key (the first), else every value out
    /// of its range and every fault of the order.
    pub fn parse(text: &str) -> Result<Self, Vec<ScheduleError>> {
        let settings: Settings = toml::from_str(text).map_err(|error| {
            vec![ScheduleError::at(
                text,
                "schedule-syntax",
                error.span().unwrap_or(0..0),
                error.message().replace('\n', " ").trim().to_owned(),
                None,
            )]
        })?;
        let mut errors = Vec::new();
        settings.check(|range, message, expected| {
            errors.push(ScheduleError::at(text, "schedule-range", range, message, Some(expected)));
        });
        let names: Vec<&str> =
            settings.systems.iter().map(|name| name.get_ref().as_str()).collect();
        for fault in proof::prove(&names) {
            let range = settings.systems.get(fault.place).map_or(0..0, toml::Spanned::span);
            errors.push(ScheduleError::at(text, fault.id, range, fault.message, fault.expected));
        }
        if errors.is_empty() { Ok(Self { settings }) } else { Err(errors) }
    }

    /// What the configuration asks for and the schedule leaves out, as (statement, system): such a
    /// schedule would let through what the configuration stops.
    #[must_use]
    pub fn left_out(&self, world: &World) -> Vec<(&'static str, &'static str)> {
        let has = |name: &str| self.settings.systems.iter().any(|system| system.get_ref() == name);
        let filters = |of: fn(&Interface) -> [FilterId; 2]| {
            world.interfaces.0.iter().any(|interface| of(interface).iter().any(|id| !id.is_none()))
        };
        let proxies = world.interfaces.0.iter().any(|interface| !interface.proxies.is_empty());
        let asked = [
            ("security screen", "screen", world.zones.iter().any(|zone| !zone.screen.is_none())),
            ("filter input", "filter-log:input", filters(|interface| interface.filter_input)),
            ("filter output", "filter-log:output", filters(|interface| interface.filter_output)),
            ("security nat proxy-arp", "neighbor", proxies),
            ("lo0 filter", "filter-log:lo0", world.host_filters.iter().any(|id| !id.is_none())),
        ];
        let missing = asked.into_iter().filter(|&(_, system, asked)| asked && !has(system));
        missing.map(|(statement, system, _)| (statement, system)).collect()
    }

    /// The same with another batch size or number of workers, where given.
    ///
    /// # Errors
    /// If one of them is out of its range.
    pub fn with(
        mut self,
        rows_max: Option<usize>,
        workers: Option<u16>,
    ) -> Result<Self, ScheduleError> {
        if let Some(rows_max) = rows_max {
            self.settings.batch.rows_max = toml::Spanned::new(0..0, rows_max);
        }
        if let Some(workers) = workers {
            self.settings.workers = toml::Spanned::new(0..0, workers);
        }
        let mut error = None;
        self.settings.check(|range, message, expected| {
            let message = format!("{message}, expected {expected}");
            error = Some(ScheduleError::at("", "schedule-range", range, message, Some(expected)));
        });
        error.map_or(Ok(self), Err)
    }
}

impl ScheduleError {
    fn at(
        text: &str,
        id: &'static str,
        range: Range<usize>,
        message: String,
        expected: Option<String>,
    ) -> Self {
        let before = &text[..range.start.min(text.len())];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        Self { id, range, line, column, message, expected }
    }
}
