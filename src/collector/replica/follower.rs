//! The thread that follows the spool: what is durable is taken, in order, while the replica is
//! ready, and kept now and then; at once if a FullResync was among it, because somebody waits.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use components::spool::{Loss, Record, RecordKind};
use components::wire::{Frame, FrameHeader, HEADER_LENGTH};

use super::{Place, Replica, Shared};
use crate::collector::service::Wakeup;
use crate::failpoint::failpoint;
use crate::spool::{Cursor, Durable, Missing, Read, SpoolReader};

/// What the thread owns.
#[derive(Debug)]
pub(super) struct Follower {
    durable: Arc<Durable>,
    shared: Arc<Shared>,
    reader: SpoolReader,
    replica: Box<dyn Replica>,
    wakeup: Arc<Wakeup>,
    place: Place,
    /// A FullResync was taken and is not kept yet.
    urgent: bool,
    kept: Instant,
    /// How long keeping took the last time: many sessions are not kept as often as few.
    keeping: Duration,
    errors: u64,
    last_error: Option<String>,
}

impl Follower {
    pub(super) fn new(
        directory: &Path,
        (durable, shared): (Arc<Durable>, Arc<Shared>),
        mut replica: Box<dyn Replica>,
        wakeup: Arc<Wakeup>,
    ) -> io::Result<Self> {
        let place = replica.restore()?.unwrap_or_default();
        let reader = SpoolReader::new(directory, Cursor { ordinal: place.ordinal });
        let follower = Self {
            durable,
            shared,
            reader,
            replica,
            wakeup,
            place,
            urgent: false,
            kept: Instant::now(),
            keeping: Duration::ZERO,
            errors: 0,
            last_error: None,
        };
        follower.shared.kept.store(follower.place.ordinal, Ordering::Relaxed);
        follower.shared.lock().kept.clone_from(&follower.place);
        follower.publish(false);
        Ok(follower)
    }

    pub(super) fn run(&mut self) {
        loop {
            let ready = self.replica.is_ready();
            let taken = ready && self.take();
            let kept = self.shared.kept.load(Ordering::Relaxed);
            let due = self.kept.elapsed() >= KEEP_EVERY.max(self.keeping * KEEPING_SHARE);
            if kept != self.place.ordinal && (self.urgent || due) {
                self.keep();
            }
            self.publish(ready);
            if taken {
                continue;
            }
            if self.shared.stops.load(Ordering::SeqCst) {
                break;
            }
            let next = if ready { self.place.ordinal } else { u64::MAX };
            let _ = self.durable.wait(next, IDLE_WAIT);
        }
        self.keep();
        self.publish(false);
    }

    /// Takes what is durable, at most a slice; false if there was nothing.
    fn take(&mut self) -> bool {
        let until = self.durable.ordinal().min(self.place.ordinal + SLICE_RECORDS);
        let before = self.place.ordinal;
        let taking = &mut Taking {
            replica: &mut *self.replica,
            place: &mut self.place,
            urgent: &mut self.urgent,
        };
        let result = loop {
            match self.reader.next(until) {
                Ok(Some(Read::Record(record))) => taking.record(&record),
                Ok(Some(Read::Missing(missing))) => taking.missing(&missing),
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
            taking.place.ordinal = self.reader.cursor().ordinal;
        };
        if let Err(error) = result {
            self.fail(&error);
            std::thread::sleep(IDLE_WAIT);
        }
        let taken = self.place.ordinal > before;
        if taken {
            failpoint("replica-taken");
        }
        taken
    }

    fn keep(&mut self) {
        let began = Instant::now();
        failpoint("replica-keep");
        match self.replica.keep(&self.place) {
            Ok(()) => {
                self.urgent = false;
                self.shared.kept.store(self.place.ordinal, Ordering::Relaxed);
                self.shared.lock().kept.clone_from(&self.place);
                failpoint("replica-kept");
                self.wakeup.wake();
            }
            Err(error) => self.fail(&error),
        }
        self.kept = Instant::now();
        self.keeping = began.elapsed();
    }

    fn publish(&self, ready: bool) {
        let mut status = self.shared.lock();
        status.ready = ready;
        status.sessions = self.replica.sessions();
        status.place.clone_from(&self.place);
        status.errors = self.errors;
        status.last_error.clone_from(&self.last_error);
    }

    fn fail(&mut self, error: &io::Error) {
        let text = error.to_string();
        if self.last_error.as_ref() != Some(&text) {
            tracing::warn!(%error, "sessions are not replicated");
        }
        self.errors += 1;
        self.last_error = Some(text);
    }
}

/// What taking a record needs.
struct Taking<'a> {
    replica: &'a mut dyn Replica,
    place: &'a mut Place,
    urgent: &'a mut bool,
}

impl Taking<'_> {
    fn record(&mut self, record: &Record<'_>) {
        match record.kind {
            RecordKind::Frame => return self.frame(record),
            RecordKind::Loss => {
                if let Some((loss, _)) = Loss::parse(record.payload) {
                    self.place.saw(record.stream, loss.last.get());
                    self.place.set_whole(Some(record.stream), false);
                }
            }
            RecordKind::Quarantined | RecordKind::UnknownType => {
                let number = FrameHeader::parse(record.payload).map_or(0, |h| h.sequence.get());
                self.place.saw(record.stream, number);
            }
            RecordKind::Checkpoint | RecordKind::Report | RecordKind::Resynced => {}
        }
        self.place.totals.others += 1;
    }

    fn frame(&mut self, record: &Record<'_>) {
        let header = FrameHeader::parse(record.payload);
        let payload = record.payload.get(HEADER_LENGTH..).unwrap_or_default();
        let Ok(header) = header else {
            self.place.totals.others += 1;
            return;
        };
        self.place.saw(record.stream, header.sequence.get());
        let is_event = header.frame_type().is_ok_and(|kind| kind.event_kind().is_some());
        let frame = if is_event { None } else { Frame::decode(&header, payload).ok() };
        match frame {
            Some(Frame::SessionOpen(session)) => {
                self.of_stream(record.stream);
                self.replica.put(&session);
                self.place.totals.opens += 1;
            }
            Some(Frame::SessionUpdate(session)) => {
                self.of_stream(record.stream);
                self.replica.put(&session);
                self.place.totals.updates += 1;
            }
            Some(Frame::SessionClose(end)) => {
                self.of_stream(record.stream);
                let known = self.replica.remove(&end);
                self.place.totals.closes += 1;
                self.place.totals.unknown_closes += u64::from(!known);
            }
            Some(Frame::FullResync) => {
                self.replica.forget();
                self.place.stream = record.stream;
                self.place.set_whole(Some(record.stream), true);
                self.place.totals.resyncs += 1;
                *self.urgent = true;
            }
            _ => {
                self.place.totals.others += 1;
                return;
            }
        }
        self.place.totals.applied += 1;
    }

    /// What another stream told is not so any more: its producer's sessions went with it.
    fn of_stream(&mut self, stream: u64) {
        if self.place.stream != stream {
            self.replica.forget();
            self.place.stream = stream;
        }
    }

    fn missing(&mut self, missing: &Missing) {
        self.place.totals.lost += missing.count;
        self.place.set_whole(None, false);
    }
}

/// Records that are taken before the figures are shown.
const SLICE_RECORDS: u64 = 65_536;

/// How often what was taken is kept, at the earliest.
const KEEP_EVERY: Duration = Duration::from_secs(1);

/// Keeping takes at most a twentieth of the time.
const KEEPING_SHARE: u32 = 20;

/// Longest sleep while nothing comes.
const IDLE_WAIT: Duration = Duration::from_millis(200);
