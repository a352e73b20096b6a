//! A port at the pace of a wire: packets come at so many a second, whether what follows keeps up or
//! not. It waits between bursts, never inside one, and after a delay it catches up.

use std::time::{Duration, Instant};

use components::world::names::Names;

use super::{Burst, Port, PortCounters, Transmit};

/// A port whose packets come at a rate.
pub struct Paced<P> {
    port: P,
    pace: Option<Pace>,
}

struct Pace {
    per_second: u64,
    started: Instant,
    received: u64,
}

impl<P: Port> Paced<P> {
    /// `per_second` packets of `port`; all at once without it.
    pub fn new(port: P, per_second: Option<u64>) -> Self {
        let pace =
            per_second.map(|per_second| Pace { per_second, started: Instant::now(), received: 0 });
        Self { port, pace }
    }

    /// The port.
    pub fn into_inner(self) -> P {
        self.port
    }
}

impl<P: Port> Port for Paced<P> {
    fn counters(&self) -> PortCounters {
        self.port.counters()
    }

    fn receive(&mut self, burst: &mut Burst) {
        let Some(pace) = &mut self.pace else {
            return self.port.receive(burst);
        };
        let due_ns = u128::from(pace.received) * 1_000_000_000 / u128::from(pace.per_second);
        let due = Duration::from_nanos(u64::try_from(due_ns).unwrap_or(u64::MAX));
        if let Some(wait) =
            due.checked_sub(pace.started.elapsed()).filter(|wait| *wait >= SLEEP_MIN)
        {
            std::thread::sleep(wait);
        }
        let before = burst.len();
        self.port.receive(burst);
        pace.received += (burst.len() - before) as u64;
    }

    fn transmit(&mut self, packet: Transmit<'_>) {
        self.port.transmit(packet);
    }

    fn commit(&mut self, old: &Names, new: &Names) {
        self.port.commit(old, new);
    }
}

/// Shorter waits cost more than they are.
const SLEEP_MIN: Duration = Duration::from_micros(50);
