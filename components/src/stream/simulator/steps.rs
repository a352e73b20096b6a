//! The actions. Each does one thing that may happen at any moment, or nothing if it cannot happen
//! now; what the machines say on the way is checked at once.

use crate::block::FrameKind;
use crate::reason::RefuseReason;
use crate::stream::HangUp;
use crate::stream::simulator::frames::Class;
use crate::stream::simulator::link::{Link, take};
use crate::stream::simulator::plan::Action;
use crate::stream::simulator::world::{Flush, Peer, World};
use core::time::Duration;

impl World {
    /// One step.
    pub(super) fn act(&mut self, action: Action) {
        self.say(|_| format!("{action:?}"));
        self.now = self.now.after(Duration::from_micros(self.random.below(1500)));
        match action {
            Action::Append => self.append(),
            Action::ProducerWrites => {
                self.producer_writes(false);
            }
            Action::ProducerReads => {
                self.producer_reads();
            }
            Action::CollectorReads => {
                self.collector_reads();
            }
            Action::CollectorWrites => {
                self.collector_writes();
            }
            Action::SyncEnds => {
                self.sync_ends(true);
            }
            Action::ResyncEnds => {
                self.resync_ends(true);
            }
            Action::Connect => {
                self.connect();
            }
            Action::Wait => {
                let jump = [1, 10, 100, 1000, 20_000][self.random.between(0, 4)];
                let time = Duration::from_millis(self.random.below(jump));
                self.wait(time);
            }
            Action::SpoolTurns => self.turn_spool(!self.spool_ready),
            Action::ReplicationTurns => self.turn_replication(!self.replication_ready),
            Action::Inject => self.inject(),
            Action::Drain => self.drain(),
            Action::Disconnect => self.disconnect(),
            Action::ProducerDies => {
                if self.random.one_in(2) {
                    self.producer_writes(true);
                }
                self.kill_producer(true);
            }
            Action::ProducerStarts => self.start_producer(),
            Action::CollectorDies => self.kill_collector(),
            Action::CollectorStarts => self.start_collector(),
            Action::PowerFails => {
                self.say(|_| "power fails".to_owned());
                self.mark("power failures", 1);
                self.kill_producer(false);
                self.kill_collector();
                self.link = None;
            }
            Action::RollBack => self.roll_back(),
        }
    }

    fn append(&mut self) {
        let frames = self.random.between(1, self.plan.block_frames_max);
        for _ in 0..frames {
            self.tag += 1;
            let tag = self.tag;
            if matches!(self.peer, Peer::Foreign(_)) {
                self.append_foreign(tag);
                continue;
            }
            let class = Class::of_event(&mut self.random);
            let limited = self.random.one_in(20);
            let stream = self.stream;
            let Peer::Ours(producer) = &mut self.peer else {
                return;
            };
            let truth = self.truth.get_mut(&stream).expect("it was made with the stream");
            let frame = class.frame(tag).expect("no FullResync");
            if let FrameKind::Event(kind) = frame.kind() {
                truth.generated.0[kind.index()] += 1;
                if limited {
                    truth.upstream[kind.index()].0[RefuseReason::RateLimited.index()] += 1;
                    producer.set_upstream(&truth.upstream);
                    continue;
                }
            }
            let oldest = producer.ring().oldest();
            let appended = producer.append(&[frame]);
            let last = producer.ring().last_sequence();
            if appended.accepted.total() + appended.sessions.total() == 1 {
                truth.accepted(last, class, tag);
            }
            if appended.sessions_refused.total() == 1 && last < u64::MAX - 1 {
                truth.resync_above = Some(last);
            }
            truth.evict(oldest, producer.ring().oldest() - 1);
        }
    }

    fn append_foreign(&mut self, tag: u64) {
        let class = Class::of_foreign(&mut self.random);
        let Peer::Foreign(foreign) = &mut self.peer else {
            return;
        };
        let (number, evicted, owed) = foreign.append(class, tag);
        self.truth().accepted(number, class, tag);
        if let Some((first, last)) = evicted {
            self.truth().evict(first, last);
            self.mark("evictions of the foreign producer", 1);
        }
        if owed {
            self.truth().accepted(number + 1, Class::Resync, 0);
        }
    }

    /// Writes as much as the socket takes, or less. A process that `dies` here has written and
    /// does not know it.
    pub(super) fn producer_writes(&mut self, dies: bool) -> bool {
        let Some(link) = self.link.as_mut().filter(|link| link.producer_open) else {
            return false;
        };
        let room = self.plan.socket_bytes[0].saturating_sub(link.to_collector.len());
        let whole = self.random.one_in(3);
        let (now, bytes, oldest) = (self.now, &mut Vec::new(), &mut None);
        let mut count = |available: usize| {
            let most = available.min(room);
            if whole || most == 0 { most } else { self.random.between(1, most) }
        };
        match &mut self.peer {
            Peer::Ours(producer) => {
                *oldest = Some(producer.ring().oldest());
                let write = producer.next_write(now);
                assert!(
                    !link.paused || write.first.is_empty(),
                    "frames of the ring are written although the stream is paused"
                );
                let taken = count(write.len());
                bytes.extend(write.slices().concat().into_iter().take(taken));
                if !dies {
                    producer.wrote(taken, now);
                }
            }
            Peer::Foreign(foreign) => {
                let taken = count(foreign.next_write().len());
                bytes.extend_from_slice(&foreign.next_write()[..taken]);
                foreign.wrote(taken);
            }
            Peer::Dead(_) => return false,
        }
        if let (Some(oldest), Peer::Ours(producer)) = (*oldest, &self.peer) {
            let now_oldest = producer.ring().oldest();
            self.truth.get_mut(&self.stream).expect("made").evict(oldest, now_oldest - 1);
        }
        if link.collector_open {
            link.to_collector.extend(bytes.iter());
        }
        let bytes = core::mem::take(bytes);
        self.check_written(&bytes);
        if dies && !bytes.is_empty() {
            self.mark("deaths between write and bookkeeping", 1);
        }
        self.obey_producer();
        !bytes.is_empty()
    }

    pub(super) fn producer_reads(&mut self) -> bool {
        let Some(link) = self.link.as_mut().filter(|link| link.producer_open) else {
            return false;
        };
        if link.to_producer.is_empty() {
            if !link.collector_open {
                self.close_producer_end();
                return true;
            }
            return false;
        }
        let count = self.random.between(1, link.to_producer.len());
        let bytes = take(&mut link.to_producer, count);
        match &mut self.peer {
            Peer::Ours(producer) => producer.received(&bytes, self.now),
            Peer::Foreign(foreign) => foreign.received(&bytes),
            Peer::Dead(_) => {}
        }
        self.check_heard(&bytes);
        self.obey_producer();
        true
    }

    /// Closes the connection if the producer wants to.
    fn obey_producer(&mut self) {
        let wish = self.producer().and_then(|producer| producer.close_request());
        if wish.is_some() {
            self.say(|_| format!("producer hangs up: {wish:?}"));
            self.close_producer_end();
        }
    }

    pub(super) fn close_producer_end(&mut self) {
        if let Some(link) = &mut self.link {
            link.producer_open = false;
            link.to_producer.clear();
        }
        let now = self.now;
        if let Some(producer) = self.producer() {
            producer.disconnected(now);
        }
        self.tidy_link();
    }

    pub(super) fn collector_reads(&mut self) -> bool {
        let Some(link) = self.link.as_mut().filter(|link| link.collector_open) else {
            return false;
        };
        let Some(collector) = self.collector.as_deref_mut().filter(|collector| collector.reads())
        else {
            return false;
        };
        if link.to_collector.is_empty() {
            if link.producer_open {
                return false;
            }
            self.close_collector_end();
            return true;
        }
        let most = link.to_collector.len();
        let most = if self.random.one_in(3) { most } else { self.random.between(1, most) };
        let bytes: Vec<u8> = link.to_collector.iter().take(most).copied().collect();
        let taken = collector.received(&bytes);
        link.to_collector.drain(..taken);
        collector.advance(self.now, &mut self.disk);
        self.check_delivered(&bytes[..taken]);
        self.begin_sync();
        self.begin_resync();
        let wish = self.collector.as_deref().and_then(|collector| collector.close_request());
        if let Some(wish) = wish {
            assert_ne!(wish, HangUp::ProtocolError, "every frame is one");
            self.close_collector_end();
        }
        taken > 0
    }

    pub(super) fn close_collector_end(&mut self) {
        let Some(link) = self.link.as_mut() else {
            return;
        };
        link.collector_open = false;
        link.to_collector.clear();
        let half = link.delivered.buffered() as u64;
        let generation = link.generation;
        if let Some(collector) = self.collector.as_deref_mut() {
            collector.disconnected(generation, self.now);
        }
        self.mark("frames cut by a disconnect", u64::from(half > 0));
        self.tidy_link();
    }

    pub(super) fn collector_writes(&mut self) -> bool {
        let Some(collector) = self.collector.as_deref_mut() else {
            return false;
        };
        let Some(link) = self.link.as_mut().filter(|link| link.collector_open) else {
            return false;
        };
        let bytes = collector.next_write();
        let room = self.plan.socket_bytes[1].saturating_sub(link.to_producer.len());
        let most = bytes.len().min(room);
        if most == 0 {
            return false;
        }
        let count = if self.random.one_in(3) { self.random.between(1, most) } else { most };
        let bytes = bytes[..count].to_vec();
        collector.wrote(count);
        if link.producer_open {
            link.to_producer.extend(bytes.iter());
        }
        self.check_said(&bytes);
        true
    }

    /// The kernel has written everything that it was asked to sync, or could not.
    pub(super) fn sync_ends(&mut self, may_fail: bool) -> bool {
        let Some(Flush { token, length }) = self.flush.take() else {
            return false;
        };
        let collector = self.collector.as_deref_mut().expect("it dies with its collector");
        if may_fail && self.random.one_in(40) {
            collector.sync_failed(token, self.now);
            self.spool_ready = false;
        } else {
            self.disk.sync(length);
            collector.durable(token);
            let kept = self.disk.kept(self.stream);
            let behind = kept.and_then(|kept| kept.unresynced.first().map(|n| kept.position - n));
            self.mark("frames durable behind a held resync", behind.unwrap_or(0));
        }
        self.begin_sync();
        true
    }

    pub(super) fn begin_sync(&mut self) {
        let Some(collector) = self.collector.as_deref_mut() else {
            return;
        };
        if let Some(token) = collector.take_sync(self.now) {
            assert!(self.flush.is_none(), "one sync at a time");
            self.flush = Some(Flush { token, length: self.disk.length() });
        }
    }

    pub(super) fn begin_resync(&mut self) {
        let Some(collector) = self.collector.as_deref_mut() else {
            return;
        };
        if let Some(resync) = collector.take_resync() {
            assert!(self.replication_ready, "a resynchronisation is begun although not ready");
            assert!(self.resync.replace(resync).is_none(), "one at a time");
        }
    }

    pub(super) fn resync_ends(&mut self, may_fail: bool) -> bool {
        let Some(resync) = self.resync.take() else {
            return false;
        };
        let collector = self.collector.as_deref_mut().expect("it dies with its collector");
        if may_fail && (!self.replication_ready || self.random.one_in(4)) {
            collector.resync_failed(resync);
            self.replication_ready = false;
        } else {
            collector.resynced(resync);
            collector.advance(self.now, &mut self.disk);
        }
        self.begin_sync();
        self.begin_resync();
        true
    }

    pub(super) fn turn_spool(&mut self, ready: bool) {
        self.spool_ready = ready;
        if let Some(collector) = self.collector.as_deref_mut() {
            collector.spool_ready(ready);
            collector.advance(self.now, &mut self.disk);
        }
        self.begin_sync();
        self.begin_resync();
    }

    pub(super) fn turn_replication(&mut self, ready: bool) {
        self.replication_ready = ready;
        if let Some(collector) = self.collector.as_deref_mut() {
            collector.replication_ready(ready);
        }
        self.begin_resync();
    }

    pub(super) fn connect(&mut self) -> bool {
        let due = match &self.peer {
            Peer::Ours(producer) => producer.connect_at().is_some_and(|at| at <= self.now),
            Peer::Foreign(_) => !self.link.as_ref().is_some_and(|link| link.producer_open),
            Peer::Dead(_) => false,
        };
        if !due {
            return false;
        }
        let (now, name) = (self.now, self.peer_name());
        let accepted = match self.collector.as_deref_mut() {
            Some(collector) => collector.accepted(name, now).ok(),
            None => None,
        };
        match (accepted, &mut self.peer) {
            (Some(generation), peer) => {
                self.link = Some(Link::new(generation, self.stream));
                match peer {
                    Peer::Ours(producer) => producer.connected(now),
                    Peer::Foreign(foreign) => foreign.connected(),
                    Peer::Dead(_) => {}
                }
                self.mark("connections", 1);
            }
            (None, Peer::Ours(producer)) => producer.connect_failed(now),
            (None, _) => {}
        }
        true
    }

    pub(super) fn wait(&mut self, time: Duration) {
        self.now = self.now.after(time);
        let (now, stream) = (self.now, self.stream);
        if let Peer::Ours(producer) = &mut self.peer {
            let oldest = producer.ring().oldest();
            producer.tick(now);
            let truth = self.truth.get_mut(&stream).expect("it was made with the stream");
            truth.evict(oldest, producer.ring().oldest() - 1);
            let due = producer.deadline().filter(|_| producer.connect_at().is_none());
            assert!(due.is_none_or(|due| due > now), "the producer's deadline stays due");
        }
        self.obey_producer();
        if let Some(collector) = self.collector.as_deref_mut() {
            collector.tick(now);
        }
        self.begin_sync();
        if let Some(collector) = self.collector.as_deref() {
            let due = collector.deadline();
            assert!(due.is_none_or(|due| due > now), "the collector's deadline stays due");
        }
    }
}
