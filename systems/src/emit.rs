//! Emit: the last system. It counts every row's fate from the verdict column, joins events with
//! their rows' columns and writes them as frames, in the order of the log: by row, then by system;
//! what is told of a row's session for replication comes behind the row's events.

use components::address::{Address, Family};
use components::batch::{Access, Batch};
use components::event::Event;
use components::reason::Fate;
use components::view;
use components::wire::{RtFlowRecord, RuleWords};
use components::world::World;

use crate::shard::Shard;
use crate::system::System;

view! {
    /// What emit reads.
    pub struct EmitView {
        reads {
            time_ns, ingress, zone, family, protocol, source, destination, source_port,
            destination_port, out_length, egress_zone, application, nat_source, nat_destination,
            nat_source_port, nat_destination_port, translated, nat_family,
        }
        writes {}
    }
}

/// The `emit` system.
#[derive(Clone, Copy, Debug, Default)]
pub struct Emit;

impl System for Emit {
    fn name(&self) -> &'static str {
        "emit"
    }

    fn access(&self) -> Access {
        EmitView::ACCESS
    }

    fn run(&mut self, batch: &mut Batch<'_>, shard: &mut Shard, _world: &World) {
        let view = EmitView::of(batch);
        count_fates(&view, shard);
        view.events.sort();
        let Shard { outbox, counters, .. } = shard;
        let mut emitted = std::mem::take(&mut view.events.emitted);
        let mut sessions = view.events.sessions.iter().peekable();
        for event in &view.events.rows {
            while let Some(note) = sessions.next_if(|note| note.row < event.row) {
                outbox.push_frame(&note.frame);
                emitted.push(note.row);
            }
            let record = match view.events.records.get(event.record as usize) {
                Some(record) => *record,
                None => record_of(&view, event),
            };
            counters.encoded[event.kind.index()] += 1;
            outbox.push(event.kind, record);
            emitted.push(event.row);
        }
        for note in sessions {
            outbox.push_frame(&note.frame);
            emitted.push(note.row);
        }
        view.events.emitted = emitted;
    }
}

fn count_fates(view: &EmitView<'_>, shard: &mut Shard) {
    let mut counts = shard.counters.packets;
    let mut translated = shard.counters.translated;
    for (row, verdict) in view.verdict.iter().enumerate() {
        match verdict.fate {
            Fate::Dropped => counts.dropped.0[verdict.reason.index()] += 1,
            Fate::ToHost => counts.to_host += 1,
            Fate::Forwarded => {
                counts.forwarded += 1;
                counts.forwarded_bytes += u64::from(view.out_length[row]);
                if view.translated[row] {
                    translated.source += u64::from(source_differs(view, row));
                    translated.destination += u64::from(destination_differs(view, row));
                }
            }
        }
    }
    shard.counters.packets = counts;
    shard.counters.translated = translated;
}

fn source_differs(view: &EmitView<'_>, row: usize) -> bool {
    (view.nat_source[row], view.nat_source_port[row]) != (view.source[row], view.source_port[row])
}

fn destination_differs(view: &EmitView<'_>, row: usize) -> bool {
    (view.nat_destination[row], view.nat_destination_port[row])
        != (view.destination[row], view.destination_port[row])
}

/// The record of an event about a row.
fn record_of(view: &EmitView<'_>, event: &Event) -> RtFlowRecord {
    let row = usize::from(event.row);
    let mut record = RtFlowRecord {
        time_ns: view.time_ns[row].into(),
        source: view.source[row].0,
        destination: view.destination[row].0,
        source_port: view.source_port[row].into(),
        destination_port: view.destination_port[row].into(),
        policy: event.policy.into(),
        ingress_zone: u16::from(view.zone[row].0).into(),
        egress_zone: u16::from(view.egress_zone[row].0).into(),
        event_type: event.kind as u8,
        protocol: view.protocol[row],
        action: event.action as u8,
        family: view.family[row] as u8,
        detail: RuleWords::detail(event.rule, event.term, 0),
        nat_source: [0; 16],
        nat_destination: [0; 16],
        nat_source_port: 0.into(),
        nat_destination_port: 0.into(),
        created_seconds: 0.into(),
        server_packets: 0.into(),
        server_bytes: 0.into(),
        ingress_ifindex: u32::from(view.ingress[row].0).into(),
        application: view.application[row].0.into(),
        reason: event.reason,
        zero: 0,
    };
    if view.translated[row] {
        let across = view.nat_family[row] == Family::Inet && view.family[row] == Family::Inet6;
        let side = |address: Address| if across { address.mapped() } else { address };
        if source_differs(view, row) {
            record.nat_source = side(view.nat_source[row]).0;
            record.nat_source_port = view.nat_source_port[row].into();
        }
        if destination_differs(view, row) {
            record.nat_destination = side(view.nat_destination[row]).0;
            record.nat_destination_port = view.nat_destination_port[row].into();
        }
    }
    record
}
