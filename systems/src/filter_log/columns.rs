//! Filters by columns. A packet's way through a plain filter is its own, so that a batch is judged
//! term by term: what a term asks of protocols and ports narrows the rows many at a time, and only
//! rows that are left are looked at one by one. What terms did is carried out afterwards in the
//! order of the rows, so that nobody can tell.

use components::address::{Address, Family};
use components::event::Events;
use components::ids::{FilterId, IfIndex};
use components::kinds::Action;
use components::mask::{BATCH_ROWS_MAX, RowMask};
use components::reason::Verdict;
use components::world::World;
use components::world::filter::{Asks, Filter, FilterAction, FilterTerm};

use super::matching::{self, Packet};
use super::{Hook, Outcome, apply, event};
use crate::shard::Shard;

/// The columns that a hook's filters look at.
#[derive(Clone, Copy)]
pub(super) struct Columns<'v> {
    pub(super) ingress: &'v [IfIndex],
    pub(super) family: &'v [Family],
    pub(super) protocol: &'v [u8],
    pub(super) source: &'v [Address],
    pub(super) destination: &'v [Address],
    pub(super) source_port: &'v [u16],
    pub(super) destination_port: &'v [u16],
    pub(super) ip_length: &'v [u32],
    pub(super) ttl: &'v [u8],
    /// What is taken off the TTL before a filter sees it.
    pub(super) ttl_less: u8,
    pub(super) traffic_class: &'v [u8],
    pub(super) fragment: &'v [u16],
    pub(super) tcp_flags: &'v [u8],
    pub(super) ip_options: &'v [u16],
    pub(super) clock_ns: &'v [u64],
}

impl Columns<'_> {
    /// One packet.
    pub(super) fn packet(&self, row: usize) -> Packet {
        Packet {
            ingress: self.ingress[row],
            family: self.family[row],
            source: self.source[row],
            destination: self.destination[row],
            protocol: self.protocol[row],
            source_port: self.source_port[row],
            destination_port: self.destination_port[row],
            tcp_flags: self.tcp_flags[row],
            fragment: self.fragment[row],
            traffic_class: self.traffic_class[row],
            ip_length: self.ip_length[row],
            ttl: self.ttl[row].saturating_sub(self.ttl_less),
            ip_options: self.ip_options[row],
            clock_ns: self.clock_ns[row],
        }
    }
}

/// Filters of one batch that are judged by columns.
const FILTERS_MAX: usize = 4;

/// Pairs of interface and family that are told apart before rows are looked at one by one.
const LOOKS_MAX: usize = 16;

/// The filters of a batch, and what their terms have to do with its rows. Kept from batch to batch
/// for its memory.
#[derive(Clone, Debug)]
pub(super) struct Hits {
    /// Filters, and the rows that each has to judge.
    groups: Vec<(FilterId, RowMask)>,
    /// Place of the filter among the batch's, and the term's ordinal; 0 for none.
    terms: Vec<(u16, u16)>,
    rows: RowMask,
}

impl Default for Hits {
    fn default() -> Self {
        Self {
            groups: Vec::with_capacity(FILTERS_MAX),
            terms: vec![(0, 0); BATCH_ROWS_MAX],
            rows: RowMask::default(),
        }
    }
}

impl Hits {
    /// Finds the filters of `rows`, by the interface and family of each; false if there are too
    /// many, or one of them is not plain.
    pub(super) fn gather(
        &mut self,
        rows: &RowMask,
        interface: &[IfIndex],
        family: &[Family],
        filter_of: impl Fn(IfIndex, Family) -> FilterId,
        world: &World,
    ) -> bool {
        self.groups.clear();
        let mut left = rows.clone();
        let mut looked_at = 0;
        while let Some(row) = left.lowest() {
            looked_at += 1;
            if looked_at > LOOKS_MAX {
                return false;
            }
            let (first, of_family) = (interface[row], family[row]);
            let mut alike = RowMask::where_each(interface, |id| id == first);
            alike.keep(&RowMask::where_each(family, |family| family == of_family));
            alike.keep(&left);
            left.take_out(&alike);
            let Some(filter) = world.filter(filter_of(first, of_family)) else {
                continue;
            };
            if !filter.is_plain() {
                return false;
            }
            match self.groups.iter().position(|(known, _)| *known == filter.id) {
                Some(place) => self.groups[place].1.add(&alike),
                None if self.groups.len() == FILTERS_MAX => return false,
                None => self.groups.push((filter.id, alike)),
            }
        }
        true
    }

    fn add(&mut self, rows: &RowMask, filter: u16, ordinal: u16) {
        if rows.is_empty() {
            return;
        }
        rows.iter().for_each(|row| self.terms[row] = (filter, ordinal));
        self.rows.add(rows);
    }
}

/// Judges all rows by the filters that were gathered, and carries out what they say.
pub(super) fn judge(
    hook: Hook,
    columns: &Columns<'_>,
    hits: &mut Hits,
    (events, live, verdict): (&mut Events, &mut RowMask, &mut [Verdict]),
    shard: &mut Shard,
    world: &World,
) {
    hits.rows = RowMask::default();
    for place in 0..hits.groups.len() {
        let at = u16::try_from(place).unwrap_or(u16::MAX);
        let (id, ref rows) = hits.groups[place];
        let (mut left, filter) = (rows.clone(), world.filter(id));
        for ((term, asks), ordinal) in filter.into_iter().flat_map(Filter::asking).zip(1..=u16::MAX)
        {
            let fitting = fitting(term, asks, columns, &left);
            if !is_silent(term) {
                hits.add(&fitting, at, ordinal);
            }
            left.take_out(&fitting);
            if left.is_empty() {
                break;
            }
        }
        hits.add(&left, at, 0);
    }
    for row in hits.rows.iter() {
        let (at, ordinal) = hits.terms[row];
        let id = hits.groups[usize::from(at)].0;
        let place = usize::from(ordinal).checked_sub(1);
        let term = place.and_then(|place| world.filter(id)?.terms().get(place));
        let outcome = term.map_or(Outcome::Discard, outcome_of);
        if let Some(term) = term {
            if !term.counter.is_none() {
                shard.counters.filter_hit(term.counter, u64::from(columns.ip_length[row]));
            }
            if term.log {
                let mut event = event(hook.source(), id, row, u32::from(ordinal));
                event.action = action_of(outcome);
                events.raise(event);
            }
        }
        apply(outcome, row, live, verdict, shard);
    }
}

/// The rows that fit a term.
fn fitting(term: &FilterTerm, asks: Asks, columns: &Columns<'_>, rows: &RowMask) -> RowMask {
    let wanted = &term.matches;
    match asks {
        Asks::Nothing => return rows.clone(),
        Asks::Protocol => {
            let mut fitting = of_protocol(&wanted.protocols, columns.protocol);
            fitting.keep(rows);
            return fitting;
        }
        Asks::Addresses => {
            let fits = |row: usize| {
                let (source, destination) = (columns.source[row], columns.destination[row]);
                matching::addresses_fit(wanted, columns.family[row], source, destination)
            };
            return where_row(rows, fits);
        }
        Asks::More => {}
    }
    // What a column says alone; all of it is asked again of the rows that are left.
    let mut left = rows.clone();
    if !wanted.protocols.is_empty() {
        left.keep(&of_protocol(&wanted.protocols, columns.protocol));
    }
    for (ranges, ports) in [
        (&wanted.destination_ports, columns.destination_port),
        (&wanted.source_ports, columns.source_port),
    ] {
        if let [(first, last)] = ranges[..] {
            let within = |port: u16| port.wrapping_sub(first) <= last.wrapping_sub(first);
            left.keep(&RowMask::where_each(ports, within));
        }
    }
    where_row(&left, |row| matching::fits(wanted, &columns.packet(row)))
}

fn of_protocol(wanted: &[u8], protocols: &[u8]) -> RowMask {
    match *wanted {
        [one] => RowMask::where_each(protocols, |protocol| protocol == one),
        _ => RowMask::where_each(protocols, |protocol| wanted.contains(&protocol)),
    }
}

fn where_row(rows: &RowMask, fits: impl Fn(usize) -> bool) -> RowMask {
    let mut fitting = RowMask::default();
    rows.iter().filter(|row| fits(*row)).for_each(|row| fitting.insert(row));
    fitting
}

/// Lets packets on and says nothing of it.
fn is_silent(term: &FilterTerm) -> bool {
    term.action == FilterAction::Accept && !term.log && term.counter.is_none()
}

fn outcome_of(term: &FilterTerm) -> Outcome {
    match term.action {
        FilterAction::Accept => Outcome::Accept,
        FilterAction::Reject(with) => Outcome::Reject(with),
        // No term of a plain filter goes on to the next.
        FilterAction::Discard | FilterAction::NextTerm => Outcome::Discard,
    }
}

pub(super) const fn action_of(outcome: Outcome) -> Action {
    match outcome {
        Outcome::Accept => Action::Permit,
        Outcome::Reject(_) => Action::Reject,
        Outcome::Discard | Outcome::Policed => Action::Deny,
    }
}
