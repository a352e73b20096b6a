//! Limit: a rate for each event kind and zone, by the generic cell rate algorithm on packet time.
//! What exceeds it gets no frame and no number, and is counted by kind, zone and reason. Events are
//! judged in the order of the log.

use components::batch::{Access, Batch};
use components::event::Event;
use components::ids::ZoneId;
use components::kinds::EventKind;
use components::reason::RefuseReason;
use components::view;
use components::world::World;
use components::world::succession::Succession;

use crate::schedule::settings::{LimitSettings, Rate};
use crate::shard::Shard;
use crate::system::System;

view! {
    /// What limit reads.
    pub struct LimitView { reads { clock_ns, zone } writes {} }
}

/// The `limit` system.
#[derive(Debug)]
pub struct Limit {
    kinds: [Option<Bucket>; EventKind::COUNT],
    /// Theoretical arrival time of the next event, by kind and zone.
    arrivals_ns: Vec<[u64; ZONES]>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    interval_ns: u64,
    tolerance_ns: u64,
}

const ZONES: usize = 256;

impl Limit {
    /// With the schedule's rates.
    #[must_use]
    pub fn new(settings: &LimitSettings) -> Self {
        let kinds = EventKind::ALL.map(|kind| settings.rate(kind).map(Bucket::from));
        Self { kinds, arrivals_ns: vec![[0; ZONES]; EventKind::COUNT] }
    }
}

impl From<Rate> for Bucket {
    fn from(rate: Rate) -> Self {
        let interval_ns = 1_000_000_000 / u64::from(rate.per_second.max(1));
        Self { interval_ns, tolerance_ns: interval_ns * u64::from(rate.burst.saturating_sub(1)) }
    }
}

impl System for Limit {
    fn name(&self) -> &'static str {
        "limit"
    }

    fn access(&self) -> Access {
        LimitView::ACCESS
    }

    fn commit(&mut self, succession: &Succession) {
        for arrivals_ns in &mut self.arrivals_ns {
            let before = std::mem::replace(arrivals_ns, [0; ZONES]);
            // No zone at all stays what it is.
            arrivals_ns[0] = before[0];
            for (zone, arrival_ns) in (0..=u8::MAX).map(ZoneId).zip(before) {
                if let Some(zone) = succession.zone(zone) {
                    arrivals_ns[zone.index()] = arrival_ns;
                }
            }
        }
    }

    fn run(&mut self, batch: &mut Batch<'_>, shard: &mut Shard, _world: &World) {
        let view = LimitView::of(batch);
        if self.kinds.iter().all(Option::is_none) {
            return;
        }
        view.events.sort();
        let records = &view.events.records;
        let refused = &mut shard.counters.refused;
        let by_zone = &mut shard.counters.limited_by_zone;
        view.events.rows.retain(|event| {
            let Some(bucket) = self.kinds[event.kind.index()] else {
                return true;
            };
            let (zone, now_ns) = match records.get(event.record as usize) {
                Some(record) => {
                    (usize::from(record.ingress_zone.get()) % ZONES, record.time_ns.get())
                }
                None => place_of(event, view.zone, view.clock_ns),
            };
            let arrival_ns = &mut self.arrivals_ns[event.kind.index()][zone];
            if now_ns.saturating_add(bucket.tolerance_ns) < *arrival_ns {
                refused[event.kind.index()].0[RefuseReason::RateLimited.index()] += 1;
                by_zone[zone].0[event.kind.index()] += 1;
                return false;
            }
            *arrival_ns = now_ns.max(*arrival_ns).saturating_add(bucket.interval_ns);
            true
        });
    }
}

fn place_of(event: &Event, zones: &[ZoneId], clock_ns: &[u64]) -> (usize, u64) {
    let row = usize::from(event.row);
    (zones[row].index(), clock_ns[row])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support as support;
    use components::columns::LinkType;
    use components::kinds::Action;

    fn deny(row: u16) -> Event {
        Event {
            row,
            order: 0,
            kind: EventKind::PolicyDeny,
            action: Action::Deny,
            reason: 5,
            policy: 0,
            rule: 0,
            term: 0,
            record: Event::NO_RECORD,
        }
    }

    /// Raises a deny for each (zone, clock) and returns the rows that got through.
    fn let_through(limit: &mut Limit, shard: &mut Shard, rows: &[(u8, u64)]) -> Vec<u16> {
        let frames = vec![vec![0]; rows.len()];
        support::with_batch(&frames, LinkType::Other, support::TRUST_IFL, |batch| {
            for (row, &(zone, clock_ns)) in (0u16..).zip(rows) {
                batch.columns.zone[usize::from(row)] = ZoneId(zone);
                batch.columns.clock_ns[usize::from(row)] = clock_ns;
                batch.events.raise(deny(row));
            }
            limit.run(batch, shard, &support::world());
            batch.events.rows.iter().map(|event| event.row).collect()
        })
    }

    #[test]
    fn a_burst_passes_then_the_rate_and_zones_do_not_share() {
        let rate = Rate { per_second: 10, burst: 2 };
        let settings = LimitSettings {
            policy_deny: Some(toml::Spanned::new(0..0, rate)),
            ..LimitSettings::default()
        };
        let mut limit = Limit::new(&settings);
        let mut shard = support::shard(&support::world());
        let second = 1_000_000_000;
        let rows = [(2, second), (2, second), (2, second), (3, second), (2, second + 99_999_999)];
        assert_eq!(let_through(&mut limit, &mut shard, &rows), [0, 1, 3]);
        let later = [(2, second + 100_000_000), (2, second + 100_000_000)];
        assert_eq!(let_through(&mut limit, &mut shard, &later), [0]);
        let kind = EventKind::PolicyDeny.index();
        assert_eq!(shard.counters.refused[kind].0[RefuseReason::RateLimited.index()], 3);
        assert_eq!(shard.counters.limited_by_zone[2].0[kind], 3);
        assert_eq!(shard.counters.limited_by_zone[3].total(), 0);
    }

    #[test]
    fn a_zone_takes_its_rate_along_to_its_new_id() {
        let rate = Rate { per_second: 10, burst: 1 };
        let settings = LimitSettings {
            policy_deny: Some(toml::Spanned::new(0..0, rate)),
            ..LimitSettings::default()
        };
        let mut limit = Limit::new(&settings);
        let mut shard = support::shard(&support::world());
        let second = 1_000_000_000;
        assert_eq!(let_through(&mut limit, &mut shard, &[(2, second), (2, second)]), [0]);
        let named = |names: &[&str]| {
            let mut world = World::default();
            world.names.zones.extend(names.iter().map(|&name| name.into()));
            world
        };
        let (old, new) = (named(&["trust", "gone"]), named(&["new", "trust"]));
        limit.commit(&Succession::new(&old, &new));
        assert_eq!(let_through(&mut limit, &mut shard, &[(2, second), (3, second)]), [0]);
    }
}
