//! One worker, inline: each burst's packets are sent and its events delivered before the next burst
//! is read.

use systems::schedule::Schedule;
use systems::schedule::settings::AtEnd;
use systems::shard::Outbox;

use super::agenda::{Agenda, Step};
use super::export::{Export, SLICE};
use super::stream::Stream;
use super::worker::{Output, Worker};
use crate::ledger::Totals;
use crate::port::{Burst, Port, Transmit};

/// Runs the port dry.
pub(super) fn run(
    agenda: &mut Agenda,
    schedule: &Schedule,
    port: &mut impl Port,
    stream: &mut Stream,
) -> Totals {
    let settings = &schedule.settings;
    let tick_ns = *settings.session.tick_ms.get_ref() * 1_000_000;
    let rows_max = *settings.batch.rows_max.get_ref();
    let mut burst = Burst::new(rows_max, tick_ns);
    let mut worker = Worker::new(agenda.world(), schedule, 0);
    let mut export = Export::new(1);
    loop {
        agenda.peek(port, &mut burst, rows_max);
        while !burst.is_empty()
            && let Some(step) = agenda.due(burst.clock_ns())
        {
            burst.rebind(|interface| step.interface(interface));
            commit(agenda, &step, burst.index(0), &mut worker, port, stream);
        }
        burst.set_border(agenda.next_ns());
        port.receive(&mut burst);
        if burst.is_empty() {
            break;
        }
        worker.run(&mut burst, agenda.world(), &mut Direct { port, stream });
        export.look(stream.exports());
        if export.is_under_way() && stream.takes_export() {
            let output = &mut Direct { port, stream };
            export.go_on(|_, slot| worker.export(slot, SLICE, agenda.world(), output));
        }
        stream.set_upstream(&worker.shard().counters.refused);
        stream.tell(|| (port.counters(), Totals::of([&worker])));
    }
    while let Some(step) = agenda.due(u64::MAX) {
        commit(agenda, &step, u64::MAX, &mut worker, port, stream);
    }
    if settings.replay.at_end == AtEnd::AgeOut {
        worker.age_out(agenda.world(), &mut Direct { port, stream });
    }
    export.settle(stream, |stream, _, slot| {
        worker.export(slot, SLICE, agenda.world(), &mut Direct { port, stream })
    });
    Totals::of([&worker])
}

/// Lets a new world take over before packet `index`: what ends with the old one is delivered under
/// its names.
fn commit(
    agenda: &mut Agenda,
    step: &Step,
    index: u64,
    worker: &mut Worker,
    port: &mut impl Port,
    stream: &mut Stream,
) {
    let output = &mut Direct { port, stream };
    let counts = worker.commit(&step.change(), index, None, |_, _| true, output);
    agenda.note(step, counts);
    port.commit(&step.old.names, &step.new.names);
    stream.commit(&step.new);
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
