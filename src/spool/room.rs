//! How near the spool is to taking nothing more: what it holds for sinks that have still to read
//! it, of what it can have. Segments that every sink has read do not count, they go when their
//! room is needed; the device's free bytes do, when they are fewer than the limit leaves.

use super::{Spool, Volume};

/// What is held, and what can be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// Bytes of the segments that cannot go, the one that is being written included.
    pub held: u64,
    /// Bytes that the spool can have: its limit, or what the device has for it.
    pub most: u64,
}

/// A high-water mark. It is left 5 points below where it was reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Alarm {
    /// Below both marks.
    #[default]
    None,
    /// 80 % are held.
    High,
    /// 95 % are held, or a chunk found no room.
    Critical,
}

impl Room {
    /// Held of what can be, percent.
    #[must_use]
    pub fn percent(self) -> u64 {
        self.held.saturating_mul(100).checked_div(self.most).unwrap_or(100)
    }
}

impl Alarm {
    /// From where on, percent.
    #[must_use]
    pub const fn percent(self) -> u64 {
        match self {
            Self::None => 0,
            Self::High => 80,
            Self::Critical => 95,
        }
    }

    /// The alarm after this one, when the room is so.
    #[must_use]
    pub fn after(self, room: Room) -> Self {
        let percent = room.percent();
        let marks = [Self::Critical, Self::High];
        let reached = |mark: Self| {
            let slack = if self >= mark { SLACK } else { 0 };
            percent + slack >= mark.percent()
        };
        marks.into_iter().find(|mark| reached(*mark)).unwrap_or_default()
    }
}

impl<V: Volume> Spool<V> {
    /// What is held, as of the last [`Spool::retain`].
    #[must_use]
    pub fn room(&self) -> Room {
        let segments = self.segments.iter().zip(self.segments.iter().skip(1));
        let may_go = segments.take_while(|(_, next)| next.first_ordinal <= self.read_to);
        let freeable: u64 = may_go.map(|(segment, _)| segment.bytes).sum();
        let limit = self.config.total_bytes_max;
        let device = self.volume.free(&self.config.directory);
        let most = device.map_or(limit, |free| limit.min(self.bytes().saturating_add(free)));
        Room { held: self.bytes() - freeable, most }
    }
}

/// Percent below a mark at which its alarm ends.
const SLACK: u64 = 5;
