//! Screens that need sessions: `limit-session` and `tcp syn-ack-ack-proxy` are judged when a
//! session would be created and count real sessions, until they end; an ACK that answers a SYN
//! cookie is judged here because only the session table knows that it belongs to none. Zones and
//! addresses are those of the client's packets as they arrive.

use components::reason::DropReason;
use components::screen_state::{ScreenState, counted, session_key};
use components::session::key::FlowKey;
use components::session::record::Session;
use components::session::tcp::TcpState;
use components::world::World;
use components::world::application::TCP;
use components::world::screen::{ScreenAttack, ScreenProfile};

use super::PolicyView;
use crate::counters::Counters;
use crate::screen::raise;
use crate::shard::Shard;

/// Judges the limits before a session is created.
///
/// # Errors
/// The drop reason if one is reached and the zone's profile does not only alarm.
pub(super) fn admits(
    view: &mut PolicyView<'_>,
    row: usize,
    key: &FlowKey,
    shard: &mut Shard,
    world: &World,
) -> Result<(), DropReason> {
    let Some(profile) = world.screen_of(view.zone[row]) else {
        return Ok(());
    };
    if profile.attacks & COUNTED == 0 {
        return Ok(());
    }
    let Some(attack) = reached(view, row, key, profile, &shard.screens) else {
        return Ok(());
    };
    shard.counters.screens[attack as usize] += 1;
    raise(view.events, row, attack, profile.alarm_without_drop);
    if profile.alarm_without_drop { Ok(()) } else { Err(DropReason::Screen) }
}

/// The first limit that is reached, in the table's order.
fn reached(
    view: &PolicyView<'_>,
    row: usize,
    key: &FlowKey,
    profile: &ScreenProfile,
    state: &ScreenState,
) -> Option<ScreenAttack> {
    use ScreenAttack as A;
    let limits = &profile.thresholds;
    let source = session_key(view.zone[row], key, true);
    let destination = session_key(view.zone[row], key, false);
    let is_tcp = key.protocol == TCP;
    let cases = [
        (A::SessionLimitSource, true, &state.sources, source, limits.sessions_of_source),
        (
            A::SessionLimitDestination,
            true,
            &state.destinations,
            destination,
            limits.sessions_of_destination,
        ),
        (A::SynAckAckProxy, is_tcp, &state.silent, source, limits.silent_sessions),
    ];
    let mut reached = cases.into_iter().filter(|(attack, applies, table, key, limit)| {
        *applies && profile.watches(*attack) && ScreenState::sessions(table, key) >= *limit
    });
    reached.next().map(|(attack, ..)| attack)
}

/// What a session that its zone's profile counts counts for.
pub(crate) fn counted_for(profile: Option<&ScreenProfile>) -> u8 {
    let bit = |attack, bit| match profile {
        Some(profile) if profile.watches(attack) => bit,
        _ => 0,
    };
    bit(ScreenAttack::SessionLimitSource, counted::SOURCE)
        | bit(ScreenAttack::SessionLimitDestination, counted::DESTINATION)
}

/// Seconds that a session's handshake may take: the screen's `timeout` shortens the flow's.
pub(super) fn handshake_s(profile: Option<&ScreenProfile>, flow_s: u32) -> u32 {
    match profile {
        Some(profile) if profile.watches(ScreenAttack::SynFlood) => {
            flow_s.min(profile.thresholds.syn_timeout_s)
        }
        _ => flow_s,
    }
}

/// Follows a client's packet: a session is silent from the end of its handshake until its client
/// sends a byte. `before` is the session's state before the packet.
pub(super) fn follow(
    view: &PolicyView<'_>,
    row: usize,
    before: TcpState,
    session: &mut Session,
    state: &mut ScreenState,
    counters: &mut Counters,
    world: &World,
) {
    if session.counted & counted::SILENT != 0 {
        if view.tcp_payload[row] > 0 {
            state.speaks(session);
        }
        return;
    }
    let completes = before == TcpState::SynReceived && session.tcp.state() == TcpState::Established;
    let profile = world.screen_of(session.zones[0]);
    if completes
        && view.tcp_payload[row] == 0
        && profile.is_some_and(|profile| profile.watches(ScreenAttack::SynAckAckProxy))
    {
        state.falls_silent(session, view.clock_ns[row], &mut counters.screens_evicted);
    }
}

/// What becomes of a TCP packet that no session knows while cookies are out: a failed answer,
/// logged as such.
pub(super) fn cookie_failure(
    view: &mut PolicyView<'_>,
    row: usize,
    shard: &mut Shard,
    world: &World,
) -> Option<DropReason> {
    if !shard.cookies.failed.contains(row) {
        return None;
    }
    let alarm_only =
        world.screen_of(view.zone[row]).is_some_and(|profile| profile.alarm_without_drop);
    if alarm_only {
        return None;
    }
    shard.counters.cookies.failed += 1;
    shard.counters.screens[ScreenAttack::SynCookie as usize] += 1;
    raise(view.events, row, ScreenAttack::SynCookie, false);
    Some(DropReason::Screen)
}

/// Screens that count sessions.
const COUNTED: u64 = ScreenAttack::SessionLimitSource.bit()
    | ScreenAttack::SessionLimitDestination.bit()
    | ScreenAttack::SynAckAckProxy.bit();
