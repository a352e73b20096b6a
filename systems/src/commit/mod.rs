//! A commit: a shard goes on under a new world, between two batches. Every session is judged by the
//! new configuration (`rejudge`); what ends does so under the old world, whose names its close
//! event has, and only then everything else that holds ids is carried over by name. A walk over the
//! session table, in slices, so that the events of a mass end do not pile up.

mod rejudge;

use components::batch::Batch;
use components::kinds::{CloseReason, EventKind, SessionChange};
use components::ports::{PortPlan, PortTable};
use components::screen_state::ScreenState;
use components::session::record::Session;
use components::world::World;
use components::world::screen::ScreenAttack;
use components::world::succession::Succession;

use crate::policy::limits;
use crate::replication::Teller;
use crate::schedule::settings::Settings;
use crate::shard::Shard;
use rejudge::Judge;

/// What a commit did to the sessions of a shard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CommitCounts {
    /// Their policy is as it was.
    pub unchanged: u64,
    /// Their policy has changed or is gone, and the new ones permit them.
    pub rematched: u64,
    /// Ended, by [`Cause`].
    pub ended: [u64; Cause::ALL.len()],
}

/// Why a session does not outlive a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Cause {
    /// Its interface or zone is gone, or is another one's.
    Interface,
    /// No route leads where it went, or into another zone.
    Route,
    /// Its translation, or what it holds for that, is not what the rules say.
    Nat,
    /// No policy permits it.
    Policy,
    /// Another worker would now get its packets.
    Worker,
}

impl Cause {
    /// All.
    pub const ALL: [Self; 5] =
        [Self::Interface, Self::Route, Self::Nat, Self::Policy, Self::Worker];

    /// One word.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Interface => "interface",
            Self::Route => "route",
            Self::Nat => "nat",
            Self::Policy => "policy",
            Self::Worker => "worker",
        }
    }

    /// One sentence.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::Interface => "Its interface or zone is gone, or the one is not in the other.",
            Self::Route => "No route leads where it went, or it leads into another zone.",
            Self::Nat => "Its translation is not what the NAT rules say now.",
            Self::Policy => "No policy permits it.",
            Self::Worker => "Its packets would go to another worker.",
        }
    }
}

impl CommitCounts {
    /// Adds another shard's.
    pub fn add(&mut self, other: &Self) {
        self.unchanged += other.unchanged;
        self.rematched += other.rematched;
        for (mine, theirs) in self.ended.iter_mut().zip(&other.ended) {
            *mine += theirs;
        }
    }
}

/// One change of worlds; the same for all shards.
#[derive(Clone, Copy, Debug)]
pub struct Change<'w> {
    /// The world so far.
    pub old: &'w World,
    /// The world from now on.
    pub new: &'w World,
    /// What ids become.
    pub succession: &'w Succession,
    /// When, by the packet clock.
    pub clock_ns: u64,
}

/// A commit on its way through one shard.
#[derive(Debug)]
pub struct Commit<'c> {
    change: Change<'c>,
    workers: u16,
    ports: PortTable,
    plan: PortPlan,
    /// Sessions before this slot have been judged.
    slot: usize,
    /// Screens remember what they did: sessions stay counted.
    screens_go_on: bool,
    counts: CommitCounts,
}

impl<'c> Commit<'c> {
    /// Prepares it for a shard, which is worker `worker` of the schedule.
    #[must_use]
    pub fn new(change: Change<'c>, settings: &Settings, worker: u16, shard: &Shard) -> Self {
        let workers = *settings.workers.get_ref();
        let ports = PortTable::for_world(
            change.new,
            worker,
            workers,
            *settings.nat.port_seed.get_ref(),
            *settings.nat.bindings_max.get_ref(),
        );
        let plan = shard.ports.plan(&ports, &change.new.nat, change.succession);
        Self {
            change,
            workers,
            ports,
            plan,
            slot: 0,
            screens_go_on: ScreenState::goes_on(change.old, change.new, change.succession),
            counts: CommitCounts::default(),
        }
    }

    /// Judges sessions until all are or `ended_max` have ended; true while more are waiting. Their
    /// close events go into `batch`, which has no packets and is to be run under the old world.
    /// `is_mine` tells whether the worker still gets the packets of a session that is the second
    /// under the new world.
    pub fn judge(
        &mut self,
        batch: &mut Batch<'_>,
        shard: &mut Shard,
        ended_max: usize,
        is_mine: impl Fn(&Session, &Session) -> bool,
    ) -> bool {
        let mut ended = 0;
        while self.slot < shard.sessions.slots() {
            if ended == ended_max {
                return true;
            }
            let slot = self.slot;
            self.slot += 1;
            let session = shard.sessions.get(slot);
            if !session.live {
                continue;
            }
            let judge = Judge { change: self.change, plan: &self.plan, next: &self.ports };
            let judged = judge.judged(session, &shard.ports);
            let judged = judged.and_then(|(on, rematched)| match is_mine(session, &on) {
                true => Ok((on, rematched)),
                false => Err(Cause::Worker),
            });
            match judged {
                Ok((on, rematched)) => {
                    self.counts.rematched += u64::from(rematched);
                    self.counts.unchanged += u64::from(!rematched);
                    let was = std::mem::replace(shard.sessions.get_mut(slot), on);
                    ended += usize::from(self.tell(&was, &on, batch, shard));
                }
                Err(cause) => {
                    self.end(batch, shard, slot, cause);
                    ended += 1;
                }
            }
        }
        false
    }

    /// The world that ends.
    #[must_use]
    pub fn old(&self) -> &World {
        self.change.old
    }

    /// What ids become.
    #[must_use]
    pub fn succession(&self) -> &Succession {
        self.change.succession
    }

    /// Carries over all the rest. Sessions have been judged.
    pub fn finish(self, shard: &mut Shard) -> CommitCounts {
        let Self { change, workers, mut ports, plan, screens_go_on, counts, .. } = self;
        let Change { old, new, succession, clock_ns } = change;
        ports.take_over(std::mem::take(&mut shard.ports), &plan);
        shard.ports = ports;
        shard.counters = shard.counters.carried_over(&old.names, new);
        shard.meters = shard.meters.carried_over(old, new, workers);
        shard.fragment_decisions.iter_mut().for_each(|decision| decision.carry_over(succession));
        if !screens_go_on {
            count_again(shard, new, clock_ns);
        }
        counts
    }

    /// Tells of a session that goes another way from now on, or belongs to another group; true if
    /// there was something to tell.
    fn tell(&self, was: &Session, is: &Session, batch: &mut Batch<'_>, shard: &mut Shard) -> bool {
        let Change { old, new, .. } = self.change;
        if old.cluster.is_none() && new.cluster.is_none() {
            return false;
        }
        let [before, now] = [old, new].map(|world| Teller { world, node: shard.node });
        let open = SessionChange::Open;
        let change = match (before.frame(open, was), now.frame(open, is)) {
            (Some(was), Some(is)) if was == is => return false,
            (None, None) => return false,
            (Some(_), Some(_)) => SessionChange::Update,
            (None, Some(_)) => SessionChange::Open,
            (Some(_), None) => SessionChange::Close,
        };
        let (teller, session) =
            if change == SessionChange::Close { (before, was) } else { (now, is) };
        teller.tell(change, session, 0, batch.events, &mut shard.counters);
        true
    }

    /// Ends a session that does not go on. If its time was over before, it ended then.
    fn end(&mut self, batch: &mut Batch<'_>, shard: &mut Shard, slot: usize, cause: Cause) {
        let Some(session) = shard.sessions.remove(slot) else {
            return;
        };
        self.counts.ended[cause as usize] += 1;
        let clock_ns = self.change.clock_ns;
        let (reason, end_ns) = match session.deadline_ns <= clock_ns {
            true => (session.close_reason(), session.deadline_ns),
            false => (CloseReason::Policy, clock_ns),
        };
        shard.ports.release_at(session.lease, end_ns);
        if self.screens_go_on {
            shard.screens.release(&session);
        }
        shard.closed.0[reason.index()] += 1;
        let teller = Teller { world: self.change.old, node: shard.node };
        let change = SessionChange::Close;
        teller.tell(change, &session, 0, batch.events, &mut shard.counters);
        if session.log_close {
            let record = session.record(EventKind::SessionClose, end_ns, reason);
            batch.events.raise_session(0, EventKind::SessionClose, record);
        }
    }
}

/// What screens remember under a new world; sessions have to be counted again. Nothing to do where
/// it all goes on as it is.
pub fn carry_screens(
    screens: &mut ScreenState,
    change: &Change<'_>,
    settings: &Settings,
    evicted: &mut u64,
) {
    if ScreenState::goes_on(change.old, change.new, change.succession) {
        return;
    }
    let size = (*settings.screen.entries.get_ref(), *settings.screen.cookie_seed.get_ref());
    *screens = screens.carried_over(change.new, size, change.clock_ns, change.succession, evicted);
}

/// Counts all sessions for what their zones' profiles now look for.
fn count_again(shard: &mut Shard, new: &World, clock_ns: u64) {
    let Shard { sessions, screens, counters, .. } = shard;
    for slot in 0..sessions.slots() {
        let session = sessions.get_mut(slot);
        if !session.live {
            continue;
        }
        let profile = new.screen_of(session.zones[0]);
        let bits = limits::counted_for(profile);
        let silent = profile.is_some_and(|p| p.watches(ScreenAttack::SynAckAckProxy));
        screens.admit_again(session, bits, silent, clock_ns, &mut counters.screens_evicted);
    }
}
