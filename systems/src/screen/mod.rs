//! Screens. Which attacks any zone of the world looks for is decided once per batch; each of them
//! is a bitmap over all rows, and its set bits are visited in the table's order. The first hit
//! settles a packet: dropped, or let through with an alarm where the profile says
//! `alarm-without-drop`. Junos `security screen ids-option`, judged by the profile of the ingress
//! zone; limits of sessions are judged where a session is created. What needs history remembers it
//! in the shard; overlapping fragments are what virtual reassembly says of them.

mod chain;
pub(crate) mod cookie;
mod history;
mod icmpv6;
mod predicate;
mod tunnel;

#[cfg(test)]
mod tests;

use components::address::Family;
use components::batch::{Access, Batch};
use components::event::{Event, Events};
use components::kinds::{Action, EventKind};
use components::mask::RowMask;
use components::reason::DropReason;
use components::view;
use components::world::World;
use components::world::route::RouteKind;
use components::world::screen::{ScreenAttack, ScreenProfile};

use crate::schedule::settings::ScreenSettings;
use crate::shard::{CookieRows, Shard};
use crate::system::{System, drop_row};

use history::Rated;
use predicate::Facts;

view! {
    /// What screens read.
    pub struct ScreenView {
        reads {
            clock_ns, offset, length, ingress, zone, family, protocol, source, destination,
            source_port, destination_port, l3_offset, l4_offset, ip_length, ttl, fragment,
            tcp_flags, ip_options, extensions, extension_count, fragment_mark,
        }
        writes {}
    }
}

/// The `screen` system.
#[derive(Clone, Copy, Debug)]
pub struct Screen {
    cookie_seed: u64,
}

impl Screen {
    /// With the schedule's key.
    #[must_use]
    pub fn new(settings: &ScreenSettings) -> Self {
        Self { cookie_seed: *settings.cookie_seed.get_ref() }
    }
}

impl System for Screen {
    fn name(&self) -> &'static str {
        "screen"
    }

    fn access(&self) -> Access {
        ScreenView::ACCESS
    }

    fn run(&mut self, batch: &mut Batch<'_>, shard: &mut Shard, world: &World) {
        shard.cookies = CookieRows::default();
        let watched = world.screens_watched();
        if watched == 0 {
            return;
        }
        let mut view = ScreenView::of(batch);
        let facts = Facts::of(&view);
        let mut unsettled = view.live.clone();
        let mut suspects = RowMask::default();
        for &attack in ScreenAttack::ALL {
            if watched & attack.bit() == 0 || !facts.may_hold(attack) {
                continue;
            }
            let mut candidates = match attack {
                ScreenAttack::SynCookie => cookie::candidates(&view, &suspects),
                _ if attack.has_history() => history::candidates(&view, attack),
                _ => predicate::candidates(&view, &facts, attack),
            };
            candidates.keep(&unsettled);
            for row in candidates.iter() {
                let Some(profile) = world.screen_of(view.zone[row]) else {
                    continue;
                };
                if !profile.watches(attack) {
                    continue;
                }
                let fires = match attack {
                    ScreenAttack::SynFlood => {
                        syn_flood(&mut view, row, profile, shard, &mut suspects)
                    }
                    ScreenAttack::SynCookie => {
                        self.syn_cookie(&view, row, suspects.contains(row), shard)
                    }
                    _ if attack.has_history() => {
                        let Shard { screens, counters, .. } = shard;
                        let evicted = &mut counters.screens_evicted;
                        history::fires(&view, row, attack, profile, screens, evicted)
                    }
                    _ => confirms(&view, row, attack, profile, world),
                };
                if fires {
                    unsettled.remove(row);
                    shard.counters.screens[attack as usize] += 1;
                    fire(&mut view, row, attack, profile.alarm_without_drop);
                }
            }
        }
    }
}

impl Screen {
    /// A SYN above its zone's threshold, or an ACK that may answer a cookie; true if the row is
    /// answered with one.
    fn syn_cookie(
        self,
        view: &ScreenView<'_>,
        row: usize,
        is_suspect: bool,
        shard: &mut Shard,
    ) -> bool {
        let Shard { screens, counters, answers, cookies, .. } = shard;
        if !is_suspect {
            let evicted = &mut counters.screens_evicted;
            cookie::examine(view, row, self.cookie_seed, screens, cookies, evicted);
            return false;
        }
        let must_answer = cookie::must_answer(view, row, screens);
        if must_answer {
            cookie::answer(view, row, self.cookie_seed, answers);
            counters.cookies.sent += 1;
        }
        must_answer
    }
}

/// A SYN of a zone: true if it is too many. Where SYN cookies defend the zone it is a suspect
/// instead, and the first one above the alarm threshold in a second raises an alarm.
fn syn_flood(
    view: &mut ScreenView<'_>,
    row: usize,
    profile: &ScreenProfile,
    shard: &mut Shard,
    suspects: &mut RowMask,
) -> bool {
    let rated = history::zone_syns(view, row, profile, &mut shard.screens);
    if rated == Rated::Within {
        return false;
    }
    if profile.alarm_without_drop || !profile.watches(ScreenAttack::SynCookie) {
        return true;
    }
    suspects.insert(row);
    if rated == Rated::Alarm {
        shard.counters.screens[ScreenAttack::SynFlood as usize] += 1;
        raise(view.events, row, ScreenAttack::SynFlood, true);
    }
    false
}

/// What a bitmap cannot say: it depends on the zone's profile, on routes, or on bytes that no
/// column holds.
fn confirms(
    view: &ScreenView<'_>,
    row: usize,
    attack: ScreenAttack,
    profile: &ScreenProfile,
    world: &World,
) -> bool {
    match attack {
        ScreenAttack::IpSpoofing => is_spoofed(view, row, world),
        ScreenAttack::ExtHeaderLimit => view.extension_count[row] > profile.extension_headers_max,
        ScreenAttack::ExtHopByHop => {
            chain::has_option(view, row, chain::HOP_BY_HOP, &profile.hop_by_hop_options)
        }
        ScreenAttack::ExtDestination => {
            chain::has_option(view, row, chain::DESTINATION, &profile.destination_options)
        }
        ScreenAttack::LooseSourceRoute | ScreenAttack::SourceRoute => {
            view.family[row] == Family::Inet || chain::has_routing_type_0(view, row)
        }
        ScreenAttack::BadOption => {
            view.family[row] == Family::Inet || chain::has_bad_options(view, row)
        }
        ScreenAttack::Icmpv6Malformed => icmpv6::is_malformed(view, row),
        _ => match tunnel::form_of(attack) {
            Some(form) => tunnel::carries(view, row, form),
            None => true,
        },
    }
}

/// Strict reverse path, by interface as Junos does by default: the source must be routed out of the
/// ingress interface. A host without an address, and link-local sources, have no route to judge by.
fn is_spoofed(view: &ScreenView<'_>, row: usize, world: &World) -> bool {
    let (family, source) = (view.family[row], view.source[row]);
    let link_scoped = match family {
        Family::Inet => source.v4_key() == 0,
        _ => source.v6_key() == 0 || source.v6_key() >> 118 == 0x3fa,
    };
    let towards_ingress = world
        .routes
        .route(family, source)
        .is_some_and(|hop| hop.kind == RouteKind::Forward && hop.egress == view.ingress[row]);
    !link_scoped && !towards_ingress
}

fn fire(view: &mut ScreenView<'_>, row: usize, attack: ScreenAttack, alarm_only: bool) {
    raise(view.events, row, attack, alarm_only);
    if !alarm_only {
        drop_row(view.live, view.verdict, row, DropReason::Screen);
    }
}

/// Raises the event of an attack.
pub(crate) fn raise(events: &mut Events, row: usize, attack: ScreenAttack, alarm_only: bool) {
    events.raise(Event {
        row: u16::try_from(row).unwrap_or(u16::MAX),
        order: 0,
        kind: EventKind::ScreenDrop,
        action: if alarm_only { Action::Permit } else { Action::Deny },
        reason: 0,
        policy: attack.flag(),
        rule: attack.option(),
        term: attack.term(),
        record: Event::NO_RECORD,
    });
}

/// A row's frame, as far as it was captured.
fn frame_of<'v>(view: &'v ScreenView<'_>, row: usize) -> &'v [u8] {
    let start = view.offset[row] as usize;
    let frame = view.frames.get(start..start + view.length[row] as usize);
    frame.unwrap_or_default()
}

/// A row's transport header and payload, as far as it was captured, without padding.
fn l4_of<'v>(view: &'v ScreenView<'_>, row: usize) -> &'v [u8] {
    let frame = frame_of(view, row);
    let end = usize::from(view.l3_offset[row]) + view.ip_length[row] as usize;
    let packet = &frame[..end.min(frame.len())];
    packet.get(usize::from(view.l4_offset[row])..).unwrap_or_default()
}

/// Bytes behind the IP header and its extension headers, captured or not.
fn l4_length(view: &ScreenView<'_>, row: usize) -> u32 {
    let headers = view.l4_offset[row].saturating_sub(view.l3_offset[row]);
    view.ip_length[row].saturating_sub(u32::from(headers))
}
