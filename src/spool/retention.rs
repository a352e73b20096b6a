//! What goes when there is too much. A segment that every sink has read goes when it is too old or
//! its room is needed. One that a sink has still to read stays, unless the spool is told to drop
//! the oldest rather than to hold; sinks see the gap and count it.

use super::{CommitError, OnFull, Spool, Volume, directory};

impl<V: Volume> Spool<V> {
    /// Removes segments that are too old. `read_to` is the ordinal of the slowest sink: what is
    /// before it may also go when room is needed.
    pub fn retain(&mut self, read_to: u64, now_ns: u64) {
        self.read_to = read_to;
        let age_ns_max = self.config.age_ns_max;
        while age_ns_max > 0
            && self.segments[0].created_ns.saturating_add(age_ns_max) < now_ns
            && self.free_oldest()
        {}
    }

    /// Sees to it that `bytes` more stay within the limit.
    pub(super) fn make_room(&mut self, bytes: u64) -> Result<(), CommitError> {
        while self.bytes() + bytes > self.config.total_bytes_max {
            if !self.free_oldest() {
                let limit = self.config.total_bytes_max;
                return Err(self.full(format!("its limit is {limit} bytes")));
            }
        }
        Ok(())
    }

    /// Removes the oldest segment if it is not the only one, and was read or need not be.
    pub(super) fn free_oldest(&mut self) -> bool {
        let Some(next) = self.segments.get(1) else {
            return false;
        };
        let read = next.first_ordinal <= self.read_to;
        if !read && self.config.on_full == OnFull::Hold {
            return false;
        }
        let Some(segment) = self.segments.pop_front() else {
            return false;
        };
        self.counters.removed_unread += u64::from(!read);
        let path = directory::segment_path(&self.config.directory, segment.first_ordinal);
        match std::fs::remove_file(&path) {
            Ok(()) => self.counters.removed += 1,
            Err(cause) => {
                self.counters.errors += 1;
                tracing::warn!(path = %path.display(), %cause, "cannot be removed");
            }
        }
        true
    }
}
