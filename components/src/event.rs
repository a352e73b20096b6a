//! Events: a second, narrow table beside the batch. An event's `row` is the foreign key into the
//! columns that `emit` joins it with; session events carry their own record, because a session
//! outlives its packets.

use crate::block::EventFrame;
use crate::kinds::{Action, EventKind};
use crate::mask::BATCH_ROWS_MAX;
use crate::wire::RtFlowRecord;

/// One event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// The packet it is about; for a session that expired, the row before which it did.
    pub row: u16,
    /// Place of the raising system in the schedule: events of one row are logged in this order.
    pub order: u8,
    /// Its kind.
    pub kind: EventKind,
    /// What happened to the packet.
    pub action: Action,
    /// Close reason, filter source, or 5 on a deny.
    pub reason: u8,
    /// Policy id, screen flag or filter id.
    pub policy: u32,
    /// The rule's ordinal, screen option number, or the filter id again.
    pub rule: u32,
    /// Term id or screen variant.
    pub term: u32,
    /// Index into [`Events::records`] of a session event; [`Event::NO_RECORD`] otherwise.
    pub record: u32,
}

impl Event {
    /// "Join with the row's columns".
    pub const NO_RECORD: u32 = u32::MAX;
}

/// A frame of session replication that a row brought about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionNote {
    /// The packet; for a session that expired, the row before which it did.
    pub row: u16,
    /// The frame, without a number.
    pub frame: EventFrame,
}

/// The events of one batch.
#[derive(Debug, Default)]
pub struct Events {
    /// Events in the order in which they were raised.
    pub rows: Vec<Event>,
    /// Records of session events.
    pub records: Vec<RtFlowRecord>,
    /// Frames of session replication, in the order of their rows.
    pub sessions: Vec<SessionNote>,
    /// The row of each frame that `emit` put out, in its order.
    pub emitted: Vec<u16>,
    /// Room for sorting.
    sorted: Vec<Event>,
    /// `order` of the system that runs now.
    pub order: u8,
    /// How many of each kind were raised, by [`EventKind::index`], over the table's whole life.
    pub generated: [u64; EventKind::COUNT],
}

impl Events {
    /// A table that grows only beyond `events` events a batch.
    #[must_use]
    pub fn with_capacity(events: usize) -> Self {
        Self {
            rows: Vec::with_capacity(events),
            records: Vec::with_capacity(events),
            sessions: Vec::with_capacity(events),
            emitted: Vec::with_capacity(events * 2),
            sorted: Vec::with_capacity(events),
            ..Self::default()
        }
    }

    /// Raises an event about a row.
    pub fn raise(&mut self, event: Event) {
        self.generated[event.kind.index()] += 1;
        self.rows.push(Event { order: self.order, ..event });
    }

    /// Raises a session event with its record.
    pub fn raise_session(&mut self, row: u16, kind: EventKind, record: RtFlowRecord) {
        let index = u32::try_from(self.records.len()).unwrap_or(Event::NO_RECORD);
        self.records.push(record);
        self.raise(Event {
            row,
            order: 0,
            kind,
            action: Action::Permit,
            reason: 0,
            policy: 0,
            rule: 0,
            term: 0,
            record: index,
        });
    }

    /// Raises a frame of session replication. One system raises them, row after row.
    pub fn raise_frame(&mut self, row: u16, frame: EventFrame) {
        debug_assert!(self.sessions.last().is_none_or(|last| last.row <= row));
        self.sessions.push(SessionNote { row, frame });
    }

    /// True if nothing was raised.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.sessions.is_empty()
    }

    /// Puts events in the order of the log: by row, then by system, then as raised. Systems raise
    /// theirs one after another, so a stable sort by row is enough; it counts, because the
    /// library's would allocate.
    pub fn sort(&mut self) {
        if self.rows.is_sorted_by_key(|event| event.row) {
            return;
        }
        let mut places = [0u32; BATCH_ROWS_MAX];
        let row_of = |event: &Event| usize::from(event.row).min(BATCH_ROWS_MAX - 1);
        self.rows.iter().for_each(|event| places[row_of(event)] += 1);
        let mut before = 0;
        for place in &mut places {
            before += std::mem::replace(place, before);
        }
        self.sorted.clear();
        self.sorted.extend_from_slice(&self.rows);
        for event in &self.rows {
            let place = &mut places[row_of(event)];
            self.sorted[*place as usize] = *event;
            *place += 1;
        }
        std::mem::swap(&mut self.rows, &mut self.sorted);
    }

    /// Forgets the batch's events, keeps the memory and the counts.
    pub fn clear(&mut self) {
        self.rows.clear();
        self.records.clear();
        self.sessions.clear();
        self.emitted.clear();
    }
}
