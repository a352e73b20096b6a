//! A timing wheel of intrusive lists: one slot a tick. A packet only moves its session's deadline;
//! when the wheel comes to the slot, a session whose deadline lies later is put where that is.
//! Deadlines beyond the wheel's reach wait in its farthest slot. All work is bounded by the
//! sessions in the slots that the clock passed.

/// Links of one session, kept beside it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Links {
    next: u32,
    previous: u32,
    slot: u32,
}

const NIL: u32 = u32::MAX;

/// The wheel. Times are nanoseconds of the packet clock.
#[derive(Clone, Debug)]
pub struct Wheel {
    heads: Vec<u32>,
    tick_ns: u64,
    /// The tick up to which slots were emptied.
    tick: u64,
}

impl Wheel {
    /// `slots` ticks of `tick_ns` each.
    ///
    /// # Panics
    /// If either is zero; the schedule's ranges exclude it.
    #[must_use]
    pub fn new(slots: usize, tick_ns: u64) -> Self {
        assert!(slots > 1 && tick_ns > 0, "a wheel turns");
        Self { heads: vec![NIL; slots], tick_ns, tick: 0 }
    }

    /// Length of a tick.
    #[must_use]
    pub const fn tick_ns(&self) -> u64 {
        self.tick_ns
    }

    /// The tick of a time.
    #[must_use]
    pub const fn tick_of(&self, time_ns: u64) -> u64 {
        time_ns / self.tick_ns
    }

    /// Sets the clock before the first session is linked, so that it need not turn from 1970 on.
    pub fn start_at(&mut self, time_ns: u64) {
        self.tick = self.tick_of(time_ns);
    }

    /// True if `time_ns` is in a later tick than the last turn.
    #[must_use]
    pub const fn is_due(&self, time_ns: u64) -> bool {
        self.tick_of(time_ns) > self.tick
    }

    /// Links a session at its deadline.
    pub fn link(&mut self, links: &mut [Links], session: u32, deadline_ns: u64) {
        let reach = self.heads.len() as u64 - 1;
        // Rounded up: when the slot's turn comes, the deadline has passed.
        let due = deadline_ns.div_ceil(self.tick_ns).clamp(self.tick + 1, self.tick + reach);
        let slot = self.slot(due);
        let head = self.heads[slot];
        links[session as usize] =
            Links { next: head, previous: NIL, slot: u32::try_from(slot).unwrap_or(0) };
        if head != NIL {
            links[head as usize].previous = session;
        }
        self.heads[slot] = session;
    }

    /// Takes a session out.
    pub fn unlink(&mut self, links: &mut [Links], session: u32) {
        let Links { next, previous, slot } = links[session as usize];
        if previous == NIL {
            self.heads[slot as usize] = next;
        } else {
            links[previous as usize].next = next;
        }
        if next != NIL {
            links[next as usize].previous = previous;
        }
    }

    /// Turns to `time_ns`. Sessions of every slot passed are unlinked and pushed to `due`, whether
    /// their deadline has come or not: the caller closes them or links them again.
    pub fn turn(&mut self, links: &mut [Links], time_ns: u64, due: &mut Vec<u32>) {
        let target = self.tick_of(time_ns);
        let steps = target.saturating_sub(self.tick).min(self.heads.len() as u64);
        for step in 1..=steps {
            let slot = self.slot(self.tick + step);
            let mut session = std::mem::replace(&mut self.heads[slot], NIL);
            while session != NIL {
                due.push(session);
                session = links[session as usize].next;
            }
        }
        self.tick = self.tick.max(target);
    }

    fn slot(&self, tick: u64) -> usize {
        usize::try_from(tick % self.heads.len() as u64).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_come_due_at_or_after_their_deadline_and_never_before() {
        let mut wheel = Wheel::new(8, 100);
        let mut links = vec![Links::default(); 4];
        wheel.start_at(1_000);
        for (session, deadline) in [(0, 1_050), (1, 1_200), (2, 1_201), (3, 9_999)] {
            wheel.link(&mut links, session, deadline);
        }
        let mut due = Vec::new();
        wheel.turn(&mut links, 1_099, &mut due);
        assert!(due.is_empty());
        wheel.turn(&mut links, 1_200, &mut due);
        due.sort_unstable();
        assert_eq!(due, [0, 1]);
        due.clear();
        wheel.unlink(&mut links, 2);
        wheel.turn(&mut links, 1_800, &mut due);
        assert_eq!(due, [3], "beyond the reach: offered at the farthest slot");
    }

    #[test]
    fn a_leap_of_years_turns_the_wheel_once() {
        let mut wheel = Wheel::new(4, 1);
        let mut links = vec![Links::default(); 2];
        wheel.link(&mut links, 0, 2);
        wheel.link(&mut links, 1, 2);
        let mut due = Vec::new();
        wheel.turn(&mut links, u64::MAX, &mut due);
        assert_eq!(due.len(), 2);
        assert!(!wheel.is_due(u64::MAX));
    }
}
