//! One worker, inline: each burst's packets are sent and its events delivered before the next burst
//! is read.

use components::world::World;
use systems::schedule::Schedule;
use systems::schedule::settings::AtEnd;
use systems::shard::Outbox;

use super::stream::Stream;
use super::worker::{Output, Worker};
use crate::ledger::Totals;
use crate::port::{Burst, Port, Transmit};

/// Runs the port dry.
pub(super) fn run(
    world: &World,
    schedule: &Schedule,
    port: &mut impl Port,
    stream: &mut Stream,
) -> Totals {
    let settings = &schedule.settings;
    let tick_ns = *settings.session.tick_ms.get_ref() * 1_000_000;
    let mut burst = Burst::new(*settings.batch.rows_max.get_ref(), tick_ns);
    let mut worker = Worker::new(world, schedule, 0);
    loop {
        port.receive(&mut burst);
        if burst.is_empty() {
            break;
        }
        worker.run(&mut burst, world, &mut Direct { port, stream });
        stream.set_upstream(&worker.shard().counters.refused);
    }
    if settings.replay.at_end == AtEnd::AgeOut {
        worker.age_out(world, &mut Direct { port, stream });
    }
    Totals::of([&worker])
}

/// Straight to the port and the stream.
struct Direct<'a, P: Port> {
    port: &'a mut P,
    stream: &'a mut Stream,
}

impl<P: Port> Output for Direct<'_, P> {
    fn transmit(&mut self, _index: u64, packet: Transmit<'_>) {
        self.port.transmit(packet);
    }

    fn events(&mut self, outbox: &mut Outbox, _indexes: impl Iterator<Item = u64>) {
        for block in outbox.blocks() {
            self.stream.append(block.frames());
        }
    }
}
