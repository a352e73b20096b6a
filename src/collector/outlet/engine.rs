//! One outlet's thread: read records behind its cursor, render what it takes, hand a batch over,
//! and only then move on. A batch that was not taken is kept and handed over again after a pause.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use components::reason::SinkLoss;
use components::spool::{Loss, Record, RecordKind};
use components::wire::{Frame, FrameHeader, HEADER_LENGTH, LossReport};
use zerocopy::FromBytes;

use super::selection::{Limit, SUMMARY_EVERY};
use super::transport::{FileMark, Lines, Transport};
use super::{OutletConfig, OutletStatus, Selection, Shared};
use crate::collector::render::{Mark, Notice, Renderer};
use crate::failpoint::failpoint;
use crate::spool::{Cursor, CursorFile, Durable, Missing, Read, Saved, SinkTotals, SpoolReader};
use crate::stream::clock::unix_ns;

pub(super) struct Engine {
    durable: Arc<Durable>,
    reader: SpoolReader,
    cursor_file: CursorFile,
    selection: Selection,
    limit: Limit,
    renderer: Renderer,
    transport: Transport,
    shared: Arc<Shared>,
    batch: Batch,
    totals: SinkTotals,
    status: OutletStatus,
    /// Held back since the last summary, and when that was.
    suppressed: u64,
    summed_up: Instant,
    /// What the producer had refused when it last said so.
    reported: u64,
    backoff: Duration,
    saved: Instant,
}

/// Rendered lines, and what the records that they came from count as once they are taken.
#[derive(Default)]
struct Batch {
    lines: Vec<u8>,
    ends: Vec<usize>,
    counts: SinkTotals,
    /// Records in all.
    records: u64,
}

impl Engine {
    pub(super) fn new(
        directory: &Path,
        durable: Arc<Durable>,
        config: OutletConfig,
        cursor_file: CursorFile,
    ) -> io::Result<Self> {
        let mut transport = Transport::new(config.target);
        let Saved { cursor, totals, .. } = match cursor_file.load()? {
            Some(saved) => {
                let [device, inode, length] = saved.file;
                transport.restore(FileMark { device, inode, length })?;
                saved
            }
            None => begin(&durable, &cursor_file, &mut transport)?,
        };
        let status = OutletStatus {
            name: config.name,
            promise: transport.promise(),
            totals,
            cursor: cursor.ordinal,
            errors: 0,
            again: 0,
            last_error: None,
        };
        let shared = Arc::new(Shared {
            status: Mutex::new(status.clone()),
            cursor: AtomicU64::new(cursor.ordinal),
            stops: AtomicBool::new(false),
        });
        Ok(Self {
            durable,
            reader: SpoolReader::new(directory, cursor),
            cursor_file,
            limit: Limit::new(config.selection.per_second),
            selection: config.selection,
            renderer: config.renderer,
            transport,
            shared,
            batch: Batch::default(),
            totals,
            status,
            suppressed: 0,
            summed_up: Instant::now(),
            reported: 0,
            backoff: BACKOFF_MIN,
            saved: Instant::now(),
        })
    }

    pub(super) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    pub(super) fn run(mut self) {
        let mut stopping: Option<Instant> = None;
        loop {
            let until = self.durable.ordinal();
            if let Err(error) = self.fill(until) {
                self.fail(&error);
                std::thread::sleep(self.backoff);
            }
            if self.batch.records > 0 {
                if !self.hand_over() {
                    self.pause();
                }
            } else {
                let _ = self.durable.wait(self.reader.cursor().ordinal, IDLE_WAIT);
            }
            self.publish(false);
            let stops = self.shared.stops.load(Ordering::SeqCst);
            let idle =
                self.batch.records == 0 && self.reader.cursor().ordinal >= self.durable.ordinal();
            if stops {
                let since = *stopping.get_or_insert_with(Instant::now);
                if idle || since.elapsed() >= END_WAIT {
                    break;
                }
            }
        }
        self.publish(true);
        self.transport.close();
    }

    /// Adds records to the batch until it is long enough or nothing more is durable.
    fn fill(&mut self, until: u64) -> io::Result<()> {
        while self.batch.lines.len() < BATCH_BYTES && self.batch.records < BATCH_RECORDS {
            let Some(read) = self.reader.next(until)? else {
                break;
            };
            let telling = &mut Telling {
                selection: &self.selection,
                limit: &mut self.limit,
                renderer: &mut self.renderer,
                batch: &mut self.batch,
                suppressed: &mut self.suppressed,
                reported: &mut self.reported,
            };
            match read {
                Read::Record(record) => telling.record(&record),
                Read::Missing(missing) => telling.missing(&missing),
            }
        }
        if self.suppressed > 0 && self.summed_up.elapsed() >= SUMMARY_EVERY {
            self.summed_up = Instant::now();
            let count = std::mem::take(&mut self.suppressed);
            let (tag, reason) = ("WEIR_EVENTS_SUPPRESSED", "rate_limit");
            let (stream, range, time_ns) = (None, None, unix_ns());
            let notice = Notice { tag, stream, range, count, reason, time_ns };
            self.batch.line(|lines| self.renderer.notice(&notice, lines));
        }
        Ok(())
    }

    /// Hands the batch over; true once its records are accounted for.
    fn hand_over(&mut self) -> bool {
        if !self.batch.ends.is_empty() {
            if !self.transport.is_open()
                && let Err(error) = self.transport.open()
            {
                self.fail(&error);
                return false;
            }
            if self.transport.wants_rotation(self.batch.lines.len()) {
                // What the cursor says of the file must be so whatever happens to it now.
                self.publish(true);
                if let Err(error) = self.transport.rotate() {
                    self.fail(&error);
                    return false;
                }
            }
            let lines = Lines { bytes: &self.batch.lines, ends: &self.batch.ends };
            let sent = self.transport.send(lines);
            self.status.again = self.transport.again;
            failpoint("outlet-sent");
            match sent {
                Ok(taken) => {
                    let counts = &mut self.batch.counts;
                    let rejected = taken.rejected.min(counts.settled);
                    counts.settled -= rejected;
                    counts.lost.0[SinkLoss::Rejected.index()] += rejected;
                }
                Err(error) => {
                    self.fail(&error);
                    return false;
                }
            }
        }
        self.backoff = BACKOFF_MIN;
        let counts = &self.batch.counts;
        self.totals.settled += counts.settled;
        self.totals.filtered += counts.filtered;
        self.totals.suppressed += counts.suppressed;
        self.totals.lost.add(&counts.lost);
        self.status.cursor = self.reader.cursor().ordinal;
        self.batch = Batch {
            lines: std::mem::take(&mut self.batch.lines),
            ends: std::mem::take(&mut self.batch.ends),
            ..Batch::default()
        };
        self.batch.lines.clear();
        self.batch.ends.clear();
        true
    }

    fn fail(&mut self, error: &io::Error) {
        let text = error.to_string();
        if self.status.last_error.as_ref() != Some(&text) {
            tracing::warn!(outlet = self.status.name, %error, "lines are not taken");
        }
        self.status.errors += 1;
        self.status.last_error = Some(text);
    }

    /// Waits before the next attempt, longer each time, and not longer than the end allows.
    fn pause(&mut self) {
        self.publish(false);
        let until = Instant::now() + self.backoff;
        while Instant::now() < until {
            std::thread::sleep(BACKOFF_MIN.min(until - Instant::now()));
            if self.shared.stops.load(Ordering::SeqCst) {
                self.backoff = BACKOFF_MIN;
                return;
            }
        }
        self.backoff = (self.backoff * 2).min(BACKOFF_MAX);
    }

    /// Lets others see the figures, and saves the cursor now and then.
    fn publish(&mut self, now: bool) {
        if !now && self.saved.elapsed() < SAVE_EVERY {
            return;
        }
        self.saved = Instant::now();
        self.status.totals = self.totals;
        let cursor = Cursor { ordinal: self.status.cursor };
        let saved = Saved { cursor, totals: self.totals, file: words(self.transport.mark()) };
        if let Err(error) = self.cursor_file.save(&saved) {
            self.fail(&error);
        } else {
            self.shared.cursor.store(cursor.ordinal, Ordering::Relaxed);
        }
        *self.shared.status.lock().unwrap_or_else(PoisonError::into_inner) = self.status.clone();
    }
}

/// A sink that is new begins with the next record, and says so at once: what comes now is its own,
/// whatever happens before it has written a line.
fn begin(
    durable: &Durable,
    cursor_file: &CursorFile,
    transport: &mut Transport,
) -> io::Result<Saved> {
    let ordinal = durable.ordinal();
    let totals = SinkTotals { began: ordinal, ..SinkTotals::default() };
    // A file that cannot be opened now is tried again, as everything else is.
    let _ = transport.open_file();
    let saved = Saved { cursor: Cursor { ordinal }, totals, file: words(transport.mark()) };
    cursor_file.save(&saved)?;
    Ok(saved)
}

fn words(mark: FileMark) -> [u64; 3] {
    [mark.device, mark.inode, mark.length]
}

/// What turning a record into lines needs.
struct Telling<'a> {
    selection: &'a Selection,
    limit: &'a mut Limit,
    renderer: &'a mut Renderer,
    batch: &'a mut Batch,
    suppressed: &'a mut u64,
    reported: &'a mut u64,
}

impl Telling<'_> {
    fn record(&mut self, record: &Record<'_>) {
        self.batch.records += 1;
        match record.kind {
            RecordKind::Frame => self.frame(record),
            RecordKind::Loss => match Loss::parse(record.payload) {
                Some((loss, reason)) => {
                    let range = Some((loss.first.get(), loss.last.get()));
                    let time_ns = loss.noticed_ns.get();
                    self.loss(Some(record.stream), range, loss.count(), reason.label(), time_ns);
                }
                None => self.batch.counts.filtered += 1,
            },
            RecordKind::Quarantined => self.aside(record, "quarantined"),
            RecordKind::UnknownType => self.aside(record, "unknown_type"),
            RecordKind::Report => self.report(record),
            RecordKind::Checkpoint | RecordKind::Resynced => self.batch.counts.filtered += 1,
        }
    }

    fn frame(&mut self, record: &Record<'_>) {
        let bytes = record.payload;
        let header = FrameHeader::parse(bytes);
        let sequence = header.as_ref().map_or(0, |header| header.sequence.get());
        let mark = Some(Mark { stream: record.stream, sequence });
        let payload = bytes.get(HEADER_LENGTH..).unwrap_or_default();
        let frame = header.and_then(|header| Frame::decode(&header, payload));
        match frame {
            Ok(Frame::RtFlow(event)) if self.selection.takes(event.kind) => {
                if self.limit.admits() {
                    self.batch.counts.settled += 1;
                    let line =
                        |lines: &mut _| self.renderer.render_marked(&event, bytes, mark, lines);
                    self.batch.line(line);
                } else {
                    self.batch.counts.suppressed += 1;
                    *self.suppressed += 1;
                }
            }
            // Session replication and FullResync are no log lines.
            _ => self.batch.counts.filtered += 1,
        }
    }

    fn aside(&mut self, record: &Record<'_>, reason: &str) {
        let sequence = FrameHeader::parse(record.payload).map_or(0, |h| h.sequence.get());
        self.loss(Some(record.stream), Some((sequence, sequence)), 1, reason, unix_ns());
    }

    /// What the producer refused since it last said so.
    fn report(&mut self, record: &Record<'_>) {
        let Ok(report) = LossReport::read_from_bytes(record.payload) else {
            self.batch.counts.filtered += 1;
            return;
        };
        let refused = report
            .kinds
            .iter()
            .map(|kind| kind.rate_limited.get() + kind.ring_full.get() + kind.no_stream.get());
        let refused = refused.sum::<u64>();
        let more = refused.saturating_sub(*self.reported);
        *self.reported = refused;
        if more == 0 {
            self.batch.counts.filtered += 1;
            return;
        }
        self.loss(Some(record.stream), None, more, "refused_by_producer", unix_ns());
    }

    fn missing(&mut self, missing: &Missing) {
        self.batch.records += missing.count;
        self.batch.counts.lost.0[missing.reason.index()] += missing.count;
        let (count, reason) = (missing.count, missing.reason.label());
        let tag = "WEIR_EVENT_LOSS";
        let notice = Notice { tag, stream: None, range: None, count, reason, time_ns: unix_ns() };
        self.batch.line(|lines| self.renderer.notice(&notice, lines));
    }

    fn loss(
        &mut self,
        stream: Option<u64>,
        range: Option<(u64, u64)>,
        count: u64,
        reason: &str,
        time_ns: u64,
    ) {
        self.batch.counts.settled += 1;
        let notice = Notice { tag: "WEIR_EVENT_LOSS", stream, range, count, reason, time_ns };
        self.batch.line(|lines| self.renderer.notice(&notice, lines));
    }
}

impl Batch {
    /// Adds what `render` appends as one line, if it appends anything.
    fn line(&mut self, render: impl FnOnce(&mut Vec<u8>)) {
        let before = self.lines.len();
        render(&mut self.lines);
        if self.lines.len() > before {
            self.ends.push(self.lines.len());
        }
    }
}

/// A batch is handed over when it is this long.
const BATCH_BYTES: usize = 256 * 1024;
const BATCH_RECORDS: u64 = 4096;

/// Longest sleep while nothing comes.
const IDLE_WAIT: Duration = Duration::from_millis(200);

/// How long the end may take, for a receiver that takes nothing.
const END_WAIT: Duration = Duration::from_secs(2);

/// Pauses between attempts.
const BACKOFF_MIN: Duration = Duration::from_millis(50);
const BACKOFF_MAX: Duration = Duration::from_secs(10);

/// How often the cursor is saved: what a crash makes the receiver see again.
const SAVE_EVERY: Duration = Duration::from_millis(100);
