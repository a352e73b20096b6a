//! Which events a `security log` stream takes, and how many a second.

use std::time::{Duration, Instant};

use components::kinds::EventKind;

use crate::config::model::log::LogCategory;

/// What an outlet takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Categories; none is all.
    pub categories: Vec<LogCategory>,
    /// Events a second, 0 for no limit.
    pub per_second: u32,
}

impl Selection {
    pub(super) fn takes(&self, kind: EventKind) -> bool {
        let own = match kind {
            EventKind::SessionCreate | EventKind::SessionClose | EventKind::PolicyDeny => {
                LogCategory::Session
            }
            EventKind::ScreenDrop => LogCategory::Screen,
            EventKind::FilterLog => LogCategory::Filter,
        };
        self.categories.is_empty()
            || self.categories.contains(&LogCategory::All)
            || self.categories.contains(&own)
    }
}

/// A token bucket of one second's worth.
#[derive(Debug)]
pub(super) struct Limit {
    per_second: u32,
    tokens: f64,
    refilled: Instant,
}

impl Limit {
    pub(super) fn new(per_second: u32) -> Self {
        Self { per_second, tokens: f64::from(per_second), refilled: Instant::now() }
    }

    /// Takes a token, if there is one.
    pub(super) fn admits(&mut self) -> bool {
        if self.per_second == 0 {
            return true;
        }
        let now = Instant::now();
        let rate = f64::from(self.per_second);
        let gained = now.duration_since(self.refilled).as_secs_f64() * rate;
        self.refilled = now;
        self.tokens = (self.tokens + gained).min(rate);
        let admitted = self.tokens >= 1.0;
        if admitted {
            self.tokens -= 1.0;
        }
        admitted
    }
}

/// How often what was held back is summed up in a line.
pub(super) const SUMMARY_EVERY: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn categories_take_their_kinds_and_none_takes_all() {
        let all = Selection::default();
        assert!(EventKind::ALL.into_iter().all(|kind| all.takes(kind)));
        let screens = Selection { categories: vec![LogCategory::Screen], per_second: 0 };
        let taken: Vec<_> =
            EventKind::ALL.into_iter().filter(|kind| screens.takes(*kind)).collect();
        assert_eq!(taken, [EventKind::ScreenDrop]);
    }

    #[test]
    fn a_second_s_worth_passes_at_once_and_no_more() {
        let mut limit = Limit::new(5);
        assert_eq!((0..100).filter(|_| limit.admits()).count(), 5);
        let mut unlimited = Limit::new(0);
        assert!((0..100).all(|_| unlimited.admits()));
    }
}
