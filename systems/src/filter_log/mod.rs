//! Firewall filters at three hooks: `input` of the ingress interface, `output` of the egress
//! interface, and `lo0` for what goes to the firewall itself. Terms in order, the first terminating
//! action wins, `next term` goes on, no match is an implicit discard (Junos). `log` raises an event
//! with the action that was really taken, also when a later term took it; `count` counts. A
//! policer drops or marks what is beyond its rate; marks go on to the next hook and to `rewrite`.
//! The output filter sees the packet as it is transmitted: translated, marked, its TTL lowered.

mod columns;
mod matching;

#[cfg(test)]
mod tests;

use components::address::Family;
use components::batch::{Access, Batch};
use components::event::{Event, Events};
use components::ids::{FilterId, IfIndex, PolicerId};
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

use columns::{Columns, Hits, action_of};
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

/// Rows from which on it is cheaper to judge a batch by columns.
const COLUMNS_MIN: usize = 8;

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
#[derive(Clone, Debug)]
pub struct FilterLog {
    hook: Hook,
    hits: Hits,
}

impl FilterLog {
    /// At a hook.
    #[must_use]
    pub fn new(hook: Hook) -> Self {
        Self { hook, hits: Hits::default() }
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
            Hook::Input => input(FilterInputView::of(batch), &mut self.hits, shard, world),
            Hook::Lo0 => host(FilterHostView::of(batch), shard, world),
            Hook::Output => output(FilterOutputView::of(batch), &mut self.hits, shard, world),
        }
    }
}

/// The columns of a view. Output's have names of their own.
macro_rules! columns {
    ($view:ident, $family:ident, $protocol:ident, $source:ident, $destination:ident,
     $from:ident, $to:ident, $ttl_less:expr) => {
        Columns {
            ingress: $view.ingress,
            family: $view.$family,
            protocol: $view.$protocol,
            source: $view.$source,
            destination: $view.$destination,
            source_port: $view.$from,
            destination_port: $view.$to,
            ip_length: $view.ip_length,
            ttl: $view.ttl,
            ttl_less: $ttl_less,
            traffic_class: $view.traffic_class,
            fragment: $view.fragment,
            tcp_flags: $view.tcp_flags,
            ip_options: $view.ip_options,
            clock_ns: $view.clock_ns,
        }
    };
}

fn input(view: FilterInputView<'_>, hits: &mut Hits, shard: &mut Shard, world: &World) {
    // Where no `rewrite` is scheduled nobody else clears them.
    shard.marks.clear();
    if world.filters.is_empty() {
        return;
    }
    let filter_of = |interface: IfIndex, family| {
        world.interfaces.get(interface).filter_input[Interface::family_index(family)]
    };
    let columns =
        columns!(view, family, protocol, source, destination, source_port, destination_port, 0);
    if view.rows >= COLUMNS_MIN
        && hits.gather(view.live, view.ingress, view.family, filter_of, world)
    {
        let outcome = (view.events, view.live, view.verdict);
        return columns::judge(Hook::Input, &columns, hits, outcome, shard, world);
    }
    let rows = view.live.clone();
    for row in rows.iter() {
        let Some(filter) = world.filter(filter_of(view.ingress[row], view.family[row])) else {
            continue;
        };
        let packet = columns.packet(row);
        let outcome = judge(Hook::Input, filter, row, &packet, view.events, shard, world);
        apply(outcome, row, view.live, view.verdict, shard);
    }
}

fn output(view: FilterOutputView<'_>, hits: &mut Hits, shard: &mut Shard, world: &World) {
    if world.filters.is_empty() {
        return;
    }
    let filter_of = |interface: IfIndex, family| {
        world.interfaces.get(interface).filter_output[Interface::family_index(family)]
    };
    let columns = columns!(
        view,
        nat_family,
        nat_protocol,
        nat_source,
        nat_destination,
        nat_source_port,
        nat_destination_port,
        1
    );
    if !shard.marks.any() && hits.gather(view.live, view.egress, view.nat_family, filter_of, world)
    {
        let outcome = (view.events, view.live, view.verdict);
        return columns::judge(Hook::Output, &columns, hits, outcome, shard, world);
    }
    let rows = view.live.clone();
    for row in rows.iter() {
        let Some(filter) = world.filter(filter_of(view.egress[row], view.nat_family[row])) else {
            continue;
        };
        let mut packet = columns.packet(row);
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
    let columns =
        columns!(view, family, protocol, source, destination, source_port, destination_port, 0);
    for row in to_host.and(&ip).iter() {
        let id = world.host_filters[Interface::family_index(view.family[row])];
        let Some(filter) = world.filter(id) else {
            continue;
        };
        let packet = columns.packet(row);
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
    for (term, ordinal) in filter.terms().iter().zip(1..) {
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
    let action = action_of(taken);
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

fn row_number(row: usize) -> u16 {
    u16::try_from(row).unwrap_or(u16::MAX)
}
