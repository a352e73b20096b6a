//! What goes wrong between the two: connections that end, control frames that nobody should send,
//! drains at any moment, and a spool that is not the one it was.

use crate::stream::Dialect;
use crate::stream::simulator::frames::raw;
use crate::stream::simulator::plan::Who;
use crate::stream::simulator::world::{Peer, World};

impl World {
    /// Bytes are lost at both ends and both see the end, sooner or later.
    pub(super) fn disconnect(&mut self) {
        let Some(link) = self.link.as_mut() else {
            return;
        };
        let keep = [link.to_collector.len(), link.to_producer.len()].map(|n| n as u64 + 1);
        let keep = keep.map(|n| usize::try_from(self.random.below(n)).expect("from a usize"));
        link.to_collector.truncate(keep[0]);
        link.to_producer.truncate(keep[1]);
        match self.random.below(3) {
            0 => self.close_producer_end(),
            1 => self.close_collector_end(),
            _ => {
                self.close_producer_end();
                self.close_collector_end();
            }
        }
    }

    /// A collector that does not keep to the contract, or whose Resume is lost.
    pub(super) fn inject(&mut self) {
        let acked = match &self.peer {
            Peer::Ours(producer) => producer.ring().acked(),
            Peer::Foreign(foreign) => foreign.acked,
            Peer::Dead(_) => return,
        };
        let Some(link) = self.link.as_mut().filter(|link| link.producer_open) else {
            return;
        };
        if link.said.buffered() > 0 || !link.collector_open {
            return;
        }
        let ours = matches!(self.plan.who, Who::Ours(_));
        let beyond = acked.saturating_add(1_000_000 + self.random.below(1000));
        let frame = match self.random.below(if ours { 8 } else { 2 }) {
            0 => [raw(6, 0, &[]), raw(5, 0, &[]), raw(6, 0, &[])].concat(),
            1 => raw(7, acked.saturating_add(self.random.below(40)), &[]),
            2 => raw(5, 0, &[]),
            3 => raw(4, acked.saturating_sub(self.random.below(3)), &[]),
            4 => raw(4, beyond, &[]),
            5 => raw(210, 7, &[1, 2, 3]),
            6 => raw(4, acked.saturating_add(1), &[0]),
            _ => raw(11, 5, &[0; 136]),
        };
        // Hello comes first from any collector that has one.
        if self.plan.producer.dialect == Dialect::Xpf || link.has_said {
            link.to_producer.extend(frame);
            self.mark("injected control frames", 1);
        }
    }

    pub(super) fn drain(&mut self) {
        let target = self.random.below(3);
        if let (Some(collector), Some(link)) = (self.collector.as_deref_mut(), &self.link)
            && link.collector_open
        {
            let target = if target == 0 { u64::MAX } else { link.seen.saturating_add(target) };
            collector.drain(target);
        }
    }

    /// The collector comes back with another spool, or an older copy of its own.
    pub(super) fn roll_back(&mut self) {
        self.kill_collector();
        if let Some(link) = &mut self.link {
            link.to_producer.clear();
        }
        self.disk.roll_back(&mut self.random);
        self.mark("spools rolled back", 1);
        let acked = match &self.peer {
            Peer::Ours(producer) => producer.ring().acked(),
            Peer::Dead(Some(ring)) => ring.acked(),
            Peer::Foreign(_) | Peer::Dead(None) => return,
        };
        let kept = self.disk.kept(self.stream).map_or(0, |kept| kept.position);
        let truth = self.truth();
        truth.give_up(kept + 1, acked);
        truth.waived = truth.waived.max(acked);
    }
}
