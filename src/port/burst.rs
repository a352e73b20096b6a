//! A burst: frames staged for one batch, back to back in one reused memory, with a row of facts
//! each. All rows of a burst lie in one tick of the session timers and on one side of a commit; a
//! frame beyond waits for the next burst.

use bumpalo::Bump;
use components::batch::Batch;
use components::columns::{Columns, LinkType};
use components::event::Events;
use components::ids::IfIndex;

/// Bytes left before each frame: an IPv4 packet becomes at most 48 bytes longer as an IPv6 one
/// (header, fragment header, quoted header).
const HEADROOM: u16 = 64;

/// Frames of one batch.
#[derive(Debug)]
pub struct Burst {
    memory: Vec<u8>,
    rows: Vec<Row>,
    rows_max: usize,
    tick_ns: u64,
    /// When the next commit is.
    border_ns: u64,
    /// The last row is of a later tick, or comes after the commit.
    has_guest: bool,
    clock_ns: u64,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    time_ns: u64,
    clock_ns: u64,
    offset: u32,
    length: u32,
    wire_length: u32,
    link: LinkType,
    ingress: IfIndex,
    index: u64,
}

/// What a port knows of a frame.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// Its own time, nanoseconds since the Unix epoch.
    pub time_ns: u64,
    /// Its bytes as far as they were captured.
    pub frame: &'a [u8],
    /// Its length on the wire.
    pub wire_length: u32,
    /// Link type.
    pub link: LinkType,
    /// The interface that the port is bound to, none to go by the source's route.
    pub ingress: IfIndex,
    /// Number of the packet in the order of arrival over all workers.
    pub index: u64,
}

impl Burst {
    /// For at most `rows_max` rows, ticks of `tick_ns`.
    #[must_use]
    pub fn new(rows_max: usize, tick_ns: u64) -> Self {
        Self {
            memory: Vec::with_capacity(rows_max * 2048),
            rows: Vec::with_capacity(rows_max + 1),
            rows_max,
            tick_ns,
            border_ns: u64::MAX,
            has_guest: false,
            clock_ns: 0,
        }
    }

    /// Adds a frame; false if no further one may be added.
    pub fn push(&mut self, arrival: &Arrival<'_>) -> bool {
        debug_assert!(self.wants_more(), "a full burst takes nothing");
        self.clock_ns = self.clock_ns.max(arrival.time_ns);
        self.memory.resize(self.memory.len() + usize::from(HEADROOM), 0);
        let offset = u32::try_from(self.memory.len()).unwrap_or(u32::MAX);
        self.memory.extend_from_slice(arrival.frame);
        self.rows.push(Row {
            time_ns: arrival.time_ns,
            clock_ns: self.clock_ns,
            offset,
            length: u32::try_from(arrival.frame.len()).unwrap_or(u32::MAX),
            wire_length: arrival.wire_length,
            link: arrival.link,
            ingress: arrival.ingress,
            index: arrival.index,
        });
        self.has_guest = !self.belongs(self.rows[0].clock_ns, self.clock_ns);
        self.wants_more()
    }

    /// A staged row as it arrived.
    #[must_use]
    pub fn arrival(&self, row: usize) -> Arrival<'_> {
        let Row { time_ns, offset, length, wire_length, link, ingress, index, .. } = self.rows[row];
        let frame = &self.memory[offset as usize..(offset + length) as usize];
        Arrival { time_ns, frame, wire_length, link, ingress, index }
    }

    /// Sets the clock of an empty burst forward, where another burst left it.
    pub fn start_clock(&mut self, clock_ns: u64) {
        self.clock_ns = self.clock_ns.max(clock_ns);
    }

    /// True if a frame of this time would belong to the batch: there is room, and it lies in the
    /// same tick.
    #[must_use]
    pub fn fits(&self, time_ns: u64) -> bool {
        let clock_ns = self.clock_ns.max(time_ns);
        let belongs = |first: &Row| self.belongs(first.clock_ns, clock_ns);
        self.wants_more() && self.rows.first().is_none_or(belongs)
    }

    /// Most rows from now on; those that are there stay.
    pub fn set_rows_max(&mut self, rows_max: usize) {
        self.rows_max = rows_max;
    }

    /// Cuts batches at a time, by the clock: what comes then or later is not in one batch with what
    /// comes before.
    pub fn set_border(&mut self, border_ns: u64) {
        self.border_ns = border_ns;
    }

    /// Gives the interfaces that rows came in by their new ids.
    pub fn rebind(&mut self, new: impl Fn(IfIndex) -> IfIndex) {
        for row in self.rows.iter_mut().filter(|row| !row.ingress.is_none()) {
            row.ingress = new(row.ingress);
        }
    }

    /// A clock of the first row's batch.
    const fn belongs(&self, first_ns: u64, clock_ns: u64) -> bool {
        let border_ns = self.border_ns;
        clock_ns / self.tick_ns == first_ns / self.tick_ns
            && (first_ns >= border_ns || clock_ns < border_ns)
    }

    /// True while [`Self::push`] may be called.
    #[must_use]
    pub fn wants_more(&self) -> bool {
        self.rows.len() < self.rows_max && !self.has_guest
    }

    /// Rows of the batch: those of the first row's tick.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len() - usize::from(self.has_guest)
    }

    /// True if there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The clock at the first row.
    #[must_use]
    pub fn clock_ns(&self) -> u64 {
        self.rows.first().map_or(self.clock_ns, |row| row.clock_ns)
    }

    /// Number of a row's packet.
    #[must_use]
    pub fn index(&self, row: usize) -> u64 {
        self.rows[row].index
    }

    /// A batch of these rows in `arena`, the port's columns filled.
    pub fn batch<'a>(&'a mut self, arena: &'a Bump, events: &'a mut Events) -> Batch<'a> {
        let Self { memory, rows, has_guest, .. } = self;
        let rows = &rows[..rows.len() - usize::from(*has_guest)];
        let mut batch = Batch::new(arena, rows.len(), memory, events);
        fill(&mut batch.columns, rows);
        batch
    }

    /// Drops the rows that were run; a guest becomes the first row.
    pub fn advance(&mut self) {
        if !self.has_guest {
            self.rows.clear();
            self.memory.clear();
            return;
        }
        let mut guest = self.rows[self.rows.len() - 1];
        let start = guest.offset as usize - usize::from(HEADROOM);
        self.memory.copy_within(start.., 0);
        self.memory.truncate(usize::from(HEADROOM) + guest.length as usize);
        guest.offset = u32::from(HEADROOM);
        self.rows.clear();
        self.rows.push(guest);
        self.has_guest = false;
    }
}

/// Writes the port's columns.
fn fill(columns: &mut Columns<'_>, rows: &[Row]) {
    for (at, row) in rows.iter().enumerate() {
        columns.time_ns[at] = row.time_ns;
        columns.clock_ns[at] = row.clock_ns;
        columns.offset[at] = row.offset;
        columns.length[at] = row.length;
        columns.headroom[at] = HEADROOM;
        columns.wire_length[at] = row.wire_length;
        columns.link[at] = row.link;
        columns.bound_ingress[at] = row.ingress;
    }
}
