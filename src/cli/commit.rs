//! `--commit TIME=FILE`: TIME is packet time, either after the first packet (`12.5s`, `2m`,
//! `1h30m`) or an instant of RFC 3339.

use std::path::PathBuf;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};

use crate::replay::agenda::CommitTime;

/// One commit as the command line gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CommitArg {
    /// When.
    pub(super) at: CommitTime,
    /// What.
    pub(super) config: PathBuf,
}

impl FromStr for CommitArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (time, config) = text
            .split_once('=')
            .filter(|(_, config)| !config.is_empty())
            .ok_or("expected TIME=FILE, as in `12.5s=new.conf`")?;
        Ok(Self { at: time_of(time)?, config: config.into() })
    }
}

fn time_of(text: &str) -> Result<CommitTime, String> {
    let unknown = || {
        format!(
            "`{text}` is no time: expected seconds after the first packet (`12.5s`) or RFC 3339"
        )
    };
    let after = text.parse::<SignedDuration>().map(|after| after.as_nanos());
    let at = || text.parse::<Timestamp>().map(|at| at.as_nanosecond());
    let (ns, of) = match after {
        Ok(ns) => (ns, CommitTime::After as fn(u64) -> CommitTime),
        Err(_) => (at().map_err(|_| unknown())?, CommitTime::At as fn(u64) -> CommitTime),
    };
    u64::try_from(ns).map(of).map_err(|_| unknown())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_durations_after_the_first_packet_or_instants() {
        let read = |text: &str| text.parse::<CommitArg>();
        let arg = |at, config: &str| Ok(CommitArg { at, config: config.into() });
        assert_eq!(read("12.5s=b.conf"), arg(CommitTime::After(12_500_000_000), "b.conf"));
        assert_eq!(read("300ms=a=b.conf"), arg(CommitTime::After(300_000_000), "a=b.conf"));
        assert_eq!(read("0s=b"), arg(CommitTime::After(0), "b"));
        let instant = CommitTime::At(1_772_438_400_250_000_000);
        assert_eq!(read("2026-03-02T08:00:00.25Z=b.conf"), arg(instant, "b.conf"));
        assert_eq!(read("2026-03-02T09:00:00.25+01:00=b.conf"), arg(instant, "b.conf"));
    }

    #[test]
    fn what_is_no_time_is_told() {
        let error = |text: &str| text.parse::<CommitArg>().expect_err("no commit");
        for text in ["12.5s", "12.5s=", ""] {
            assert_eq!(error(text), "expected TIME=FILE, as in `12.5s=new.conf`");
        }
        for text in ["12=b", "-3s=b", "noon=b", "1960-01-01T00:00:00Z=b"] {
            assert!(error(text).ends_with("(`12.5s`) or RFC 3339"), "{text}");
        }
    }
}
