//! The session table: one entry a session, found from both directions, capacity fixed at start.
//! Lookups come in two passes (touch all buckets, then probe), the wheel finds what is due, and a
//! full table refuses: it never evicts.

pub mod aging;
pub mod index;
pub mod key;
pub mod record;
pub mod splice;
pub mod tcp;
pub mod wheel;

use std::collections::VecDeque;

use aging::{Aging, Scan};
use index::{Entry, Index};
use key::{FlowKey, HashSeed};
use record::Session;
use wheel::{Links, Wheel};

use crate::ids::SessionRef;
use crate::mask::BATCH_ROWS_MAX;

/// Why a session could not be installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InstallError {
    /// All slots are taken, or the buckets that its hashes lead to are.
    #[error("the session table is full")]
    Full,
    /// One of its keys is another session's.
    #[error("the key belongs to another session")]
    KeyTaken,
}

/// All sessions of a shard.
#[derive(Debug)]
pub struct SessionTable {
    /// More slots than sessions: rows of a batch point at slots of sessions that ended in it.
    sessions: Vec<Session>,
    links: Vec<Links>,
    free: Vec<u32>,
    /// Slots that were freed last. One leaves when [`BATCH_ROWS_MAX`] others came after it, which
    /// is in a later batch, and in the same order whatever the batch size.
    resting: VecDeque<u32>,
    capacity: usize,
    index: Index,
    wheel: Wheel,
    seed: HashSeed,
    /// Sessions whose end has come but that nobody took yet, the first to go last.
    due: Vec<u32>,
    /// Changes with every install and removal: what was probed before may be stale after.
    changes: u64,
    installed: u64,
    scan: Scan,
    started: bool,
}

impl SessionTable {
    /// An empty table for `capacity` sessions, with a wheel of `slots` ticks of `tick_ns`.
    ///
    /// # Panics
    /// If `capacity` is 2^30 or more; the schedule's range is narrower.
    #[must_use]
    pub fn new(capacity: usize, seed: u64, slots: usize, tick_ns: u64) -> Self {
        assert!(capacity < 1 << 30, "an entry has 31 bits for the slot");
        let slots_all = capacity + BATCH_ROWS_MAX;
        let mut free = Vec::with_capacity(slots_all);
        free.extend((0..u32::try_from(slots_all).expect("below 2^31")).rev());
        Self {
            sessions: vec![Session::default(); slots_all],
            links: vec![Links::default(); slots_all],
            free,
            resting: VecDeque::with_capacity(BATCH_ROWS_MAX + 1),
            capacity,
            index: Index::with_capacity(capacity * 2),
            wheel: Wheel::new(slots, tick_ns),
            seed: HashSeed::new(seed),
            due: Vec::with_capacity(capacity),
            changes: 0,
            installed: 0,
            scan: Scan::default(),
            started: false,
        }
    }

    /// The hash of a key in this table.
    #[inline]
    #[must_use]
    pub fn hash(&self, key: &FlowKey) -> u64 {
        key.hash(self.seed)
    }

    /// Starts the read of the bucket that a hash leads to.
    #[inline]
    #[must_use]
    pub fn touch(&self, hash: u64) -> u16 {
        self.index.touch(hash)
    }

    /// Reads from every cache line of the session that a hash most likely leads to, so that they
    /// are on their way when its packet is looked at. Buckets should have been touched before.
    #[inline]
    #[must_use]
    pub fn read_ahead(&self, hash: u64) -> u64 {
        let Some(entry) = self.index.likely(hash) else {
            return 0;
        };
        let session = &self.sessions[entry.slot()];
        session.deadline_ns
            ^ u64::from(session.keys[0].protocol ^ session.keys[1].protocol)
            ^ u64::from(session.live)
            ^ session.tcp.state() as u64
            ^ u64::from(session.established_s)
    }

    /// The session of a key and the direction that it names.
    #[inline]
    #[must_use]
    pub fn find(&self, hash: u64, key: &FlowKey) -> Option<Entry> {
        self.index.find(hash, |entry| self.is_at(entry, key))
    }

    /// True if the entry still is the session of this key.
    #[inline]
    #[must_use]
    pub fn is_at(&self, entry: Entry, key: &FlowKey) -> bool {
        let session = &self.sessions[entry.slot()];
        session.live && session.keys[usize::from(entry.direction())] == *key
    }

    /// Number of installs and removals so far.
    #[inline]
    #[must_use]
    pub const fn changes(&self) -> u64 {
        self.changes
    }

    /// The session in a slot; after its end still as it was, until the batch is over.
    #[inline]
    #[must_use]
    pub fn get(&self, slot: usize) -> &Session {
        &self.sessions[slot]
    }

    /// The session in a slot, to be changed; its keys must stay.
    #[inline]
    pub fn get_mut(&mut self, slot: usize) -> &mut Session {
        &mut self.sessions[slot]
    }

    /// Installs a session under both of its keys.
    ///
    /// # Errors
    /// [`InstallError::KeyTaken`] if one of the keys is in use, [`InstallError::Full`] if there is
    /// no room.
    pub fn install(&mut self, mut session: Session) -> Result<Entry, InstallError> {
        let hashes = session.keys.map(|key| key.hash(self.seed));
        for (hash, key) in hashes.iter().zip(&session.keys) {
            if self.find(*hash, key).is_some() {
                return Err(InstallError::KeyTaken);
            }
        }
        if self.active() == self.capacity {
            return Err(InstallError::Full);
        }
        let Some(slot) = self.free.pop() else {
            return Err(InstallError::Full);
        };
        session.live = true;
        session.serial = self.installed;
        let [forward, reverse] = hashes;
        if !self.index.insert(forward, Entry::new(slot, 0)) {
            self.free.push(slot);
            return Err(InstallError::Full);
        }
        // A session whose two keys are one (a host that talks to itself) has one entry.
        let single = session.keys[0] == session.keys[1];
        if !single && !self.index.insert(reverse, Entry::new(slot, 1)) {
            self.index.remove(forward, Entry::new(slot, 0));
            self.free.push(slot);
            return Err(InstallError::Full);
        }
        self.wheel.link(&mut self.links, slot, session.deadline_ns);
        self.sessions[slot as usize] = session;
        self.installed += 1;
        self.changes += 1;
        Ok(Entry::new(slot, 0))
    }

    /// Takes a live session out and returns it; `None` if the slot is free.
    pub fn remove(&mut self, slot: usize) -> Option<Session> {
        let number = u32::try_from(slot).ok()?;
        if !self.sessions.get(slot)?.live {
            return None;
        }
        self.wheel.unlink(&mut self.links, number);
        Some(self.forget(number))
    }

    /// Puts a session where its deadline now is. Needed when that came closer: the wheel finds by
    /// itself what moved away.
    pub fn reschedule(&mut self, slot: usize) {
        let Some(session) = self.sessions.get(slot).filter(|session| session.live) else {
            return;
        };
        let Ok(number) = u32::try_from(slot) else {
            return;
        };
        self.wheel.unlink(&mut self.links, number);
        self.wheel.link(&mut self.links, number, session.deadline_ns);
    }

    /// True if [`Self::expire`] at this time would look at anything.
    #[must_use]
    pub const fn is_tick_due(&self, clock_ns: u64) -> bool {
        !self.started || self.wheel.is_due(clock_ns)
    }

    /// The tick of a time: a batch never spans two.
    #[must_use]
    pub const fn tick_of(&self, clock_ns: u64) -> u64 {
        self.wheel.tick_of(clock_ns)
    }

    /// Length of a tick.
    #[must_use]
    pub const fn tick_ns(&self) -> u64 {
        self.wheel.tick_ns()
    }

    /// Ports leased by live sessions; a walk over the whole table, for the ledger.
    #[must_use]
    pub fn leases(&self) -> u64 {
        self.sessions.iter().filter(|s| s.live && s.lease.slot != 0).count() as u64
    }

    /// Turns the wheel to `clock_ns` and gives at most `ended_max` sessions whose deadline has
    /// passed, or that are taken out early, to `ended`, in the order of deadlines, then of
    /// installation. True while more are waiting: call again before the next packet.
    pub fn expire(
        &mut self,
        clock_ns: u64,
        ended_max: usize,
        aging: &Aging,
        mut ended: impl FnMut(Session),
    ) -> bool {
        if !self.started {
            self.started = true;
            self.wheel.start_at(clock_ns);
            return false;
        }
        if self.due.is_empty() {
            self.collect_due(clock_ns, aging);
        }
        for _ in 0..ended_max {
            let Some(slot) = self.due.pop() else { break };
            ended(self.forget(slot));
        }
        !self.due.is_empty()
    }

    /// Fills `due` with what has ended, the first to go last; links the others again.
    fn collect_due(&mut self, clock_ns: u64, aging: &Aging) {
        let mut due = std::mem::take(&mut self.due);
        self.wheel.turn(&mut self.links, clock_ns, &mut due);
        due.retain(|&slot| {
            let deadline_ns = self.sessions[slot as usize].deadline_ns;
            let over = deadline_ns <= clock_ns;
            if !over {
                self.wheel.link(&mut self.links, slot, deadline_ns);
            }
            over
        });
        self.age_early(clock_ns, aging, &mut due);
        due.sort_unstable_by_key(|&slot| {
            let session = &self.sessions[slot as usize];
            std::cmp::Reverse((session.deadline_ns, session.serial))
        });
        self.due = due;
    }

    /// Slots, taken or not: a walk over all sessions goes through them in order.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.sessions.len()
    }

    /// Live sessions.
    #[must_use]
    pub fn active(&self) -> usize {
        self.sessions.len() - self.free.len() - self.resting.len()
    }

    /// Most sessions at once.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.capacity
    }

    /// The latest deadline of all live sessions; a walk over the whole table, for the end of a
    /// replay.
    #[must_use]
    pub fn last_deadline_ns(&self) -> Option<u64> {
        self.sessions.iter().filter(|s| s.live).map(|s| s.deadline_ns).max()
    }

    /// Bytes of memory.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        // In the lists of free and of due slots.
        let a_slot = size_of::<Session>() + size_of::<Links>() + 2 * size_of::<u32>();
        self.sessions.len() * a_slot + self.index.memory_bytes()
    }

    /// The column's form of a slot.
    #[must_use]
    pub fn reference(entry: Entry) -> SessionRef {
        SessionRef(u32::try_from(entry.slot()).unwrap_or(u32::MAX - 1) + 1)
    }

    fn forget(&mut self, slot: u32) -> Session {
        let session = self.sessions[slot as usize];
        self.sessions[slot as usize].live = false;
        for (key, direction) in session.keys.iter().zip(0..) {
            self.index.remove(key.hash(self.seed), Entry::new(slot, direction));
        }
        self.resting.push_back(slot);
        if self.resting.len() > BATCH_ROWS_MAX {
            self.free.extend(self.resting.pop_front());
        }
        self.changes += 1;
        session
    }
}

#[cfg(test)]
mod tests;
