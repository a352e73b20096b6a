//! Firewall filters at three hooks: `input` of the ingress interface, `output` of the egress
//! interface, and `lo0` for what goes to the firewall itself. Terms in order, the first terminating
//! action wins, `next term` goes on, no match is an implicit discard (Junos). `log` raises an event
//! with the action that was really taken, also when a later term took it; `count` counts. A
//! policer drops or marks what is beyond its rate; marks go on to the next hook and to `rewrite`.
//! The output filter sees the packet as it is transmitted: translated, marked, its TTL lowered.

mod matching;

#[cfg(test)]
mod tests;

use components::address::Family;
use components::batch::{Access, Batch};
use components::event::{Event, Events};
use components::ids::{FilterId, PolicerId};
use components::kinds::{Action, EventKind, FilterSource};
use components::mask::RowMask;
use components::reason::{DropReason, Fate, Verdict};
use components::view;
use components::world::World;
use components::world::filter::{Filter, FilterAction, RejectWith};
use components::world::interface::Interface;
use components::world::policer::{Color, PolicerRate};

use crate::marks::Mark;
use crate::shard::Shard;
use crate::system::System;

use matching::Packet;

view! {
    /// What an input filter reads.
    pub struct FilterInputView {
        reads {
            clock_ns, ingress, family, protocol, source, destination, source_port, destination_port,
            ip_length, ttl, traffic_class, fragment, tcp_flags, ip_options,
        }
        writes {}
    }
}

view! {
    /// What the filter of host-bound traffic reads: what input reads, and the zone by which policy
    /// says "host".
    pub struct FilterHostView {
        reads {
            clock_ns, ingress, egress_zone, family, protocol, source, destination, source_port,
            destination_port, ip_length, ttl, traffic_class, fragment, tcp_flags, ip_options,
        }
        writes {}
    }
}

view! {
    /// What an output filter reads: the tuple as transmitted.
    pub struct FilterOutputView {
        reads {
            clock_ns, ingress, egress, nat_family, nat_protocol, nat_source, nat_destination,
            nat_source_port, nat_destination_port, ip_length, ttl, traffic_class, fragment,
            tcp_flags, ip_options,
        }
        writes {}
    }
}

/// Where a filter stands in the packet's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// `family … filter input` of the ingress interface.
    Input,
    /// `filter input` of `lo0`, for packets to the firewall itself.
    Lo0,
    /// `filter output` of the egress interface.
    Output,
}

impl Hook {
    /// As events name it.
    const fn source(self) -> FilterSource {
        match self {
            Self::Input => FilterSource::Input,
            Self::Lo0 => FilterSource::Lo0,
            Self::Output => FilterSource::Output,
        }
    }

    /// Which buckets are its own.
    const fn index(self) -> usize {
        match self {
            Self::Input => 0,
            Self::Output => 1,
            Self::Lo0 => 2,
        }
    }
}

/// What a filter did with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Accept,
    Discard,
    Reject(RejectWith),
    /// Beyond a policer's rate.
    Policed,
}

/// The `filter-log` system at one hook.
#[derive(Clone, Copy, Debug)]
pub struct FilterLog {
    hook: Hook,
}

impl FilterLog {
    /// At a hook.
    #[must_use]
    pub const fn new(hook: Hook) -> Self {
        Self { hook }
    }
}

impl System for FilterLog {
    fn name(&self) -> &'static str {
        match self.hook {
            Hook::Input => "filter-log:input",
            Hook::Lo0 => "filter-log:lo0",
            Hook::Output => "filter-log:output",
        }
    }

    fn access(&self) -> Access {
        match self.hook {
            Hook::Input => FilterInputView::ACCESS,
            Hook::Lo0 => FilterHostView::ACCESS,
            Hook::Output => FilterOutputView::ACCESS,
        }
    }

    fn run(&mut self, batch: &mut Batch<'_>, shard: &mut Shard, world: &World) {
        match self.hook {
            Hook::Input => input(FilterInputView::of(batch), shard, world),
            Hook::Lo0 => host(FilterHostView::of(batch), shard, world),
            Hook::Output => output(FilterOutputView::of(batch), shard, world),
        }
    }
}

/// Gathers a packet from the columns of a view. Three of the hooks' columns have names of their
/// own.
macro_rules! packet {
    ($view:ident, $row:ident, $family:ident, $protocol:ident, $source:ident, $destination:ident,
     $from:ident, $to:ident, $ttl:expr) => {
        Packet {
            ingress: $view.ingress[$row],
            family: $view.$family[$row],
            source: $view.$source[$row],
            destination: $view.$destination[$row],
            protocol: $view.$protocol[$row],
            source_port: $view.$from[$row],
            destination_port: $view.$to[$row],
            tcp_flags: $view.tcp_flags[$row],
            fragment: $view.fragment[$row],
            traffic_class: $view.traffic_class[$row],
            ip_length: $view.ip_length[$row],
            ttl: $ttl,
            ip_options: $view.ip_options[$row],
            clock_ns: $view.clock_ns[$row],
        }
    };
}

fn input(view: FilterInputView<'_>, shard: &mut Shard, world: &World) {
    // Where no `rewrite` is scheduled nobody else clears them.
    shard.marks.clear();
    if !any_interface(world, |interface| interface.filter_input) {
        return;
    }
    for row in view.live.iter() {
        let interface = world.interfaces.get(view.ingress[row]);
        let id = interface.filter_input[Interface::family_index(view.family[row])];
        let Some(filter) = world.filter(id) else {
            continue;
        };
        let ttl = view.ttl[row];
        let packet = packet!(
            view,
            row,
            family,
            protocol,
            source,
            destination,
            source_port,
            destination_port,
            ttl
        );
        let outcome = judge(Hook::Input, filter, row, &packet, view.events, shard, world);
        apply(outcome, row, view.live, view.verdict, shard);
    }
}

fn output(view: FilterOutputView<'_>, shard: &mut Shard, world: &World) {
    if !any_interface(world, |interface| interface.filter_output) {
        return;
    }
    for row in view.live.iter() {
        let interface = world.interfaces.get(view.egress[row]);
        let id = interface.filter_output[Interface::family_index(view.nat_family[row])];
        let Some(filter) = world.filter(id) else {
            continue;
        };
        let ttl = view.ttl[row].saturating_sub(1);
        let mut packet = packet!(
            view,
            row,
            nat_family,
            nat_protocol,
            nat_source,
            nat_destination,
            nat_source_port,
            nat_destination_port,
            ttl
        );
        if let Some(dscp) = shard.marks.get(row).dscp {
            packet.traffic_class = dscp << 2 | packet.traffic_class & 3;
        }
        let outcome = judge(Hook::Output, filter, row, &packet, view.events, shard, world);
        apply(outcome, row, view.live, view.verdict, shard);
    }
}

/// Rows that policy handed to the host have left `live`; ARP has no family and no filter.
fn host(view: FilterHostView<'_>, shard: &mut Shard, world: &World) {
    if world.host_filters.iter().all(|id| id.is_none()) {
        return;
    }
    let to_host = RowMask::where_each(view.verdict, |verdict| verdict.fate == Fate::ToHost);
    let ip = RowMask::where_each(view.family, |family| family != Family::None);
    for row in to_host.and(&ip).iter() {
        let id = world.host_filters[Interface::family_index(view.family[row])];
        let Some(filter) = world.filter(id) else {
            continue;
        };
        let ttl = view.ttl[row];
        let packet = packet!(
            view,
            row,
            family,
            protocol,
            source,
            destination,
            source_port,
            destination_port,
            ttl
        );
        let outcome = judge(Hook::Lo0, filter, row, &packet, view.events, shard, world);
        apply(outcome, row, view.live, view.verdict, shard);
    }
}

/// Walks the terms to the first terminating action. Events of terms that say `next term` learn it
/// afterwards.
fn judge(
    hook: Hook,
    filter: &Filter,
    row: usize,
    packet: &Packet,
    events: &mut Events,
    shard: &mut Shard,
    world: &World,
) -> Outcome {
    let first_event = events.rows.len();
    let mut taken = Outcome::Discard;
    let mut mark = shard.marks.get(row);
    for (term, ordinal) in filter.terms.iter().zip(1..) {
        let wanted = &term.matches.loss_priorities;
        if !(wanted.is_empty() || wanted.contains(&mark.loss_priority))
            || !matching::fits(&term.matches, packet)
        {
            continue;
        }
        if !term.counter.is_none() {
            shard.counters.filter_hit(term.counter, u64::from(packet.ip_length));
        }
        if term.log {
            events.raise(event(hook.source(), filter.id, row, ordinal));
        }
        mark.loss_priority = term.loss_priority.unwrap_or(mark.loss_priority);
        mark.dscp = term.dscp.or(mark.dscp);
        if !term.policer.is_none() && police(term.policer, hook, &mut mark, packet, shard, world) {
            taken = Outcome::Policed;
            break;
        }
        match term.action {
            FilterAction::NextTerm => continue,
            FilterAction::Accept => taken = Outcome::Accept,
            FilterAction::Discard => {}
            FilterAction::Reject(with) => taken = Outcome::Reject(with),
        }
        break;
    }
    if mark != Mark::default() {
        shard.marks.set(row, mark);
    }
    let action = match taken {
        Outcome::Accept => Action::Permit,
        Outcome::Reject(_) => Action::Reject,
        Outcome::Discard | Outcome::Policed => Action::Deny,
    };
    for event in &mut events.rows[first_event..] {
        event.action = action;
    }
    taken
}

/// Meters a packet; true if it is to be dropped.
fn police(
    id: PolicerId,
    hook: Hook,
    mark: &mut Mark,
    packet: &Packet,
    shard: &mut Shard,
    world: &World,
) -> bool {
    let at = id.index() - 1;
    let (Some(policer), Some(meter)) = (world.policers.get(at), shard.meters.get(id, hook.index()))
    else {
        // Of another commit: fail closed.
        return true;
    };
    let before = if policer.color_aware { mark.loss_priority.into() } else { Color::Green };
    let color = meter.judge(before, packet.ip_length, packet.clock_ns);
    if color == Color::Red {
        shard.counters.policer_hit(id, u64::from(packet.ip_length));
    }
    match (policer.rate, color) {
        (PolicerRate::Single { .. }, Color::Red) => {
            mark.loss_priority = policer.mark.unwrap_or(mark.loss_priority);
        }
        (PolicerRate::Single { .. }, _) => {}
        _ => mark.loss_priority = color.into(),
    }
    color == Color::Red && policer.discard
}

/// An event whose action is not yet known.
fn event(source: FilterSource, filter: FilterId, row: usize, term: u32) -> Event {
    Event {
        row: row_number(row),
        order: 0,
        kind: EventKind::FilterLog,
        action: Action::Deny,
        reason: source as u8,
        policy: u32::from(filter.0),
        rule: u32::from(filter.0),
        term,
        record: Event::NO_RECORD,
    }
}

/// Lets the packet on, or drops it and has it answered.
fn apply(
    outcome: Outcome,
    row: usize,
    live: &mut RowMask,
    verdict: &mut [Verdict],
    shard: &mut Shard,
) {
    let reason = match outcome {
        Outcome::Accept => return,
        Outcome::Reject(with) => {
            shard.reject(row_number(row), with);
            DropReason::FilterReject
        }
        Outcome::Discard => DropReason::FilterDiscard,
        Outcome::Policed => DropReason::Policer,
    };
    crate::system::drop_row(live, verdict, row, reason);
}

fn any_interface(world: &World, filters: impl Fn(&Interface) -> [FilterId; 2]) -> bool {
    let mut all = world.interfaces.0.iter().flat_map(filters);
    all.any(|id| !id.is_none())
}

fn row_number(row: usize) -> u16 {
    u16::try_from(row).unwrap_or(u16::MAX)
}
