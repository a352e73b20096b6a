//! The document: every figure that a process has, as JSON names it. `weir show` reads it back, so a
//! field that is missing in one of an older process is its default.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Counts by name; names that never occurred are there too, with 0.
pub type Counts = BTreeMap<String, u64>;

/// A process at one moment.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    /// What is running.
    pub process: Process,
    /// What keeps it from doing its work now; nothing if it is healthy.
    pub troubles: Vec<String>,
    /// The producer's side of an event stream, if this process has one.
    pub producer: Option<Producer>,
    /// The collector's side, likewise.
    pub collector: Option<Collector>,
    /// Pairs of figures that must be equal.
    pub identities: Vec<Identity>,
    /// Requests for these figures, by outcome.
    pub http: Counts,
}

/// What is running.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Process {
    /// The command.
    pub command: String,
    /// Weir's version.
    pub version: String,
    /// Process id.
    pub pid: u32,
    /// Seconds since it began.
    pub uptime_seconds: f64,
    /// When the figures were read, nanoseconds since the Unix epoch.
    pub read_unix_ns: u64,
}

/// Two figures that must be equal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// What it says.
    pub name: String,
    /// Left side.
    pub left: u64,
    /// Right side.
    pub right: u64,
}

/// The producer's side of a stream.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Producer {
    /// The stream's id, 16 hexadecimal digits.
    pub stream: String,
    /// The collector's socket.
    pub collector: String,
    /// Whether it is connected.
    pub connected: bool,
    /// Whether it said Pause.
    pub paused: bool,
    /// The lowest number that the ring retains.
    pub oldest: u64,
    /// The highest number given.
    pub last: u64,
    /// The highest number written on this connection.
    pub written: u64,
    /// The highest number acked.
    pub acked: u64,
    /// Frames that the ring holds at most.
    pub ring_capacity_frames: u64,
    /// Frames that it holds.
    pub ring_retained_frames: u64,
    /// Whether a FullResync is owed.
    pub owes_resync: bool,
    /// How long the oldest number without an Ack has been waiting for one.
    pub ack_lag_seconds: f64,
    /// Events of the stream by kind, those of processes before this one included.
    pub events: BTreeMap<String, ProducedEvents>,
    /// Frames of session replication, by type.
    pub sessions: BTreeMap<String, ProducedEvents>,
    /// Frames without a kind, and what happened to the stream.
    pub counters: Counts,
    /// Connections ended, by reason.
    pub hang_ups: Counts,
    /// Packets by fate, sessions: this process.
    pub data_plane: Option<DataPlane>,
    /// What went wrong last.
    pub last_error: Option<String>,
}

/// Events of one kind at the producer.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ProducedEvents {
    /// Given a number by the ring.
    pub assigned: u64,
    /// Given none, by reason.
    pub refused: Counts,
    /// Pushed out of the ring before they were acked.
    pub evicted: u64,
}

/// What the packet path has counted, at the last place of the stream at which it was asked.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DataPlane {
    /// Received by the port.
    pub received: u64,
    /// Forwarded.
    pub forwarded: u64,
    /// For the firewall itself.
    pub to_host: u64,
    /// Dropped, by reason.
    pub dropped: Counts,
    /// Events raised, by kind.
    pub generated: Counts,
    /// Sessions installed.
    pub sessions_created: u64,
    /// Sessions in the table.
    pub sessions_active: u64,
    /// Sessions ended, by reason.
    pub sessions_closed: Counts,
}

/// The collector's side.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Collector {
    /// Its socket.
    pub listen: String,
    /// The stream whose producer is connected.
    pub connected_stream: Option<String>,
    /// That producer's process id.
    pub producer_pid: Option<u32>,
    /// Whether it was told to pause.
    pub paused: bool,
    /// Frames that wait for the spool.
    pub waiting_frames: u64,
    /// Every stream that is known.
    pub streams: Vec<CollectedStream>,
    /// What happened.
    pub counters: Counts,
    /// Connections refused, by reason.
    pub refused: Counts,
    /// Connections ended, by reason.
    pub hang_ups: Counts,
    /// Frames that could not be read, by type.
    pub malformed: Counts,
    /// Where sessions are replicated to, if they are.
    pub replica: Option<Replica>,
    /// The spool.
    pub spool: Spool,
    /// Where events go, each with a pace of its own.
    pub sinks: Vec<Sink>,
    /// What went wrong last.
    pub last_error: Option<String>,
}

/// A stream as its collector knows it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CollectedStream {
    /// Its id, 16 hexadecimal digits.
    pub stream: String,
    /// Every number up to here is applied or lost.
    pub position: u64,
    /// Events applied, by kind.
    pub applied: Counts,
    /// Session frames applied.
    pub sessions: u64,
    /// FullResyncs applied.
    pub resyncs: u64,
    /// Numbers lost, by reason.
    pub lost: Counts,
    /// What its producer has last said of itself (LossReport), by kind.
    pub reported: BTreeMap<String, Reported>,
}

/// A producer's figures for one kind, as it told them in the stream.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Reported {
    /// Raised by systems.
    pub generated: u64,
    /// Given a number.
    pub accepted: u64,
    /// Above a limit.
    pub rate_limited: u64,
    /// Found the ring full.
    pub ring_full: u64,
    /// Found no stream.
    pub no_stream: u64,
}

/// The spool.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Spool {
    /// Bytes of all segments.
    pub bytes: u64,
    /// Their limit.
    pub bytes_max: u64,
    /// Segments.
    pub segments: u64,
    /// The ordinal of the next record.
    pub next_ordinal: u64,
    /// Bytes held for sinks that have still to read them.
    pub held_bytes: u64,
    /// Bytes that the limit and the device leave it.
    pub room_bytes: u64,
    /// The high-water mark that is reached, percent: 80 or 95, or 0 below both.
    pub alarm_percent: u64,
    /// Why it takes nothing now.
    pub waits: Option<String>,
    /// What it has done.
    pub counters: Counts,
    /// Longest sync, and all of them, seconds.
    pub sync_seconds_max: f64,
    /// All syncs together, seconds.
    pub sync_seconds: f64,
}

/// Where sessions are replicated to.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Replica {
    /// Whether it takes changes.
    pub ready: bool,
    /// False from a gap to the next FullResync.
    pub complete: bool,
    /// Sessions that it has.
    pub sessions: u64,
    /// Whose they are.
    pub stream: String,
    /// The ordinal at which it began.
    pub began: u64,
    /// Records that said something of sessions.
    pub applied: u64,
    /// Records that did not.
    pub others: u64,
    /// Records that it will never have.
    pub lost: u64,
    /// The ordinal of its next record.
    pub cursor: u64,
    /// The same as of what is in its file.
    pub kept: u64,
    /// Records that wait for it.
    pub backlog: u64,
    /// How long the first of them has.
    pub lag_seconds: f64,
    /// What it has done.
    pub counters: Counts,
    /// What went wrong last.
    pub last_error: Option<String>,
}

/// Where events go.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Sink {
    /// Its name.
    pub name: String,
    /// What "settled" means: sent, written, acked or fsynced.
    pub promise: String,
    /// The ordinal of the first record that it was to have.
    pub began: u64,
    /// Records that it has.
    pub settled: u64,
    /// Records that it was not to have.
    pub filtered: u64,
    /// Records above its rate limit, told in summary.
    pub suppressed: u64,
    /// Records that it will never have, by reason.
    pub lost: Counts,
    /// The ordinal of its next record.
    pub cursor: u64,
    /// Records that wait for it.
    pub backlog: u64,
    /// How long the first of them has.
    pub lag_seconds: f64,
    /// Attempts to hand over or to connect that failed.
    pub errors: u64,
    /// Lines that went out again, because nobody knew what had become of them.
    pub again: u64,
    /// What went wrong last.
    pub last_error: Option<String>,
}

impl Identity {
    /// By how much the sides differ.
    #[must_use]
    pub const fn residual(&self) -> u64 {
        self.left.abs_diff(self.right)
    }
}

impl Producer {
    /// Numbers without an Ack.
    #[must_use]
    pub const fn ack_lag_frames(&self) -> u64 {
        self.last.saturating_sub(self.acked)
    }
}

impl ProducedEvents {
    /// Given a number or refused.
    #[must_use]
    pub fn generated(&self) -> u64 {
        self.assigned + self.refused.values().sum::<u64>()
    }
}

impl CollectedStream {
    /// All numbers applied.
    #[must_use]
    pub fn applied_total(&self) -> u64 {
        self.applied.values().sum::<u64>() + self.sessions + self.resyncs
    }

    /// All numbers lost.
    #[must_use]
    pub fn lost_total(&self) -> u64 {
        self.lost.values().sum()
    }
}

impl Sink {
    /// All records lost.
    #[must_use]
    pub fn lost_total(&self) -> u64 {
        self.lost.values().sum()
    }
}
