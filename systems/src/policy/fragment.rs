//! Fragments: the first one is decided like any packet, and its decision is kept for the later
//! ones, whoever took it: a session, the host, a policy, or a screen and a filter before it. They
//! follow it with the same egress and translation, or under the same drop reason, without an event
//! or an answer of their own.

use components::fragment::FragmentMark;
use components::ids::{AppId, IfIndex, PolicyId, RuleId, ZoneId};
use components::reason::{DropReason, Fate, Verdict};
use components::session::index::Entry;
use components::session::key::FlowKey;
use components::world::succession::Succession;

use super::{PolicyView, join};
use crate::shard::Shard;
use crate::system::{decide_row, drop_row};

/// What became of a first fragment.
#[derive(Clone, Copy, Debug)]
pub struct FragmentDecision {
    course: Course,
    ingress: IfIndex,
    egress_zone: ZoneId,
    policy: PolicyId,
    rule: RuleId,
    application: AppId,
}

#[derive(Clone, Copy, Debug)]
enum Course {
    /// Through a session, which has this key in the fragment's direction.
    Session { slot: u32, direction: u8, key: FlowKey },
    /// Decided.
    Settled(Verdict),
}

impl Default for FragmentDecision {
    fn default() -> Self {
        Self {
            course: Course::Settled(Verdict::dropped(DropReason::FragmentBeforeFirst)),
            ingress: IfIndex::NONE,
            egress_zone: ZoneId::NONE,
            policy: PolicyId::NONE,
            rule: RuleId::NONE,
            application: AppId::NONE,
        }
    }
}

impl FragmentDecision {
    /// The decision as the later fragments follow it after a commit: a datagram is one packet and
    /// is decided once, but ids are the new ones. Through an interface that is gone nothing goes;
    /// nor through a session that has ended, which is asked for with each fragment.
    pub(crate) fn carry_over(&mut self, succession: &Succession) {
        let Some(ingress) = succession.interface(self.ingress) else {
            *self = Self::default();
            return;
        };
        let heir = succession.policy(self.policy).unwrap_or_default();
        self.ingress = ingress;
        self.egress_zone = succession.zone(self.egress_zone).unwrap_or_default();
        (self.policy, self.rule) = (heir.id, heir.ordinal);
        self.application = succession.application(self.application).unwrap_or_default();
    }
}

/// Keeps what became of a first fragment.
pub(super) fn remember(view: &PolicyView<'_>, row: usize, shard: &mut Shard) {
    let Some(datagram) = view.datagram[row].index().checked_sub(1) else {
        return;
    };
    if view.fragment_mark[row] != FragmentMark::First {
        return;
    }
    let session = view.session[row];
    let direction = view.direction[row];
    let course = match session.0.checked_sub(1).filter(|_| view.live.contains(row)) {
        Some(slot) => {
            let key = shard.sessions.get(session.index() - 1).keys[usize::from(direction & 1)];
            Course::Session { slot, direction, key }
        }
        None => Course::Settled(view.verdict[row]),
    };
    shard.fragment_decisions[datagram] = FragmentDecision {
        course,
        ingress: view.ingress[row],
        egress_zone: view.egress_zone[row],
        policy: view.policy[row],
        rule: view.rule[row],
        application: view.application[row],
    };
}

/// A fragment that is not decided by itself; false for whole packets and first fragments.
pub(super) fn follow(view: &mut PolicyView<'_>, row: usize, shard: &mut Shard) -> bool {
    let reason = match view.fragment_mark[row] {
        FragmentMark::Whole | FragmentMark::First => return false,
        FragmentMark::Later => {
            later(view, row, shard);
            return true;
        }
        FragmentMark::BeforeFirst => DropReason::FragmentBeforeFirst,
        FragmentMark::Duplicate => DropReason::FragmentDuplicate,
        FragmentMark::Overlap | FragmentMark::GivenUp => DropReason::FragmentOverlap,
        FragmentMark::Bad => DropReason::BadFragment,
        FragmentMark::TooMany => DropReason::FragmentTooMany,
    };
    drop_row(view.live, view.verdict, row, reason);
    true
}

/// The first fragment's way for a later one of the same interface.
fn later(view: &mut PolicyView<'_>, row: usize, shard: &mut Shard) {
    let decision = view.datagram[row].index().checked_sub(1);
    let decision = decision.and_then(|datagram| shard.fragment_decisions.get(datagram).copied());
    let decision = decision.filter(|decision| decision.ingress == view.ingress[row]);
    let Some(decision) = decision else {
        return drop_row(view.live, view.verdict, row, DropReason::FragmentBeforeFirst);
    };
    view.egress_zone[row] = decision.egress_zone;
    view.policy[row] = decision.policy;
    view.rule[row] = decision.rule;
    view.application[row] = decision.application;
    match decision.course {
        Course::Settled(verdict) if verdict.fate == Fate::Dropped => {
            drop_row(view.live, view.verdict, row, verdict.reason);
        }
        Course::Settled(verdict) => decide_row(view.live, view.verdict, row, verdict.fate),
        Course::Session { slot, direction, key } => {
            let entry = Entry::new(slot, direction);
            if !shard.sessions.is_at(entry, &key) {
                return drop_row(view.live, view.verdict, row, DropReason::FragmentBeforeFirst);
            }
            if view.ttl[row] <= 1 {
                return drop_row(view.live, view.verdict, row, DropReason::TtlExceeded);
            }
            let session = shard.sessions.get_mut(entry.slot());
            session.packet(direction, view.ip_length[row], view.clock_ns[row]);
            join(view, row, entry, session);
        }
    }
}
