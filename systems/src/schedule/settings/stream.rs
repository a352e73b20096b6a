//! The keys of the event stream's two processes: `[stream]` of the one that produces, `[collector]`
//! of the one that keeps, `[metrics]` of both. The command line's flags win over all of them.

use core::net::SocketAddr;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

use super::in_range;

/// Which frame types are spoken.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum DialectSetting {
    /// Hello, session events and LossReport too.
    #[default]
    Weir,
    /// Frame types 1 to 13 only.
    Xpf,
}

/// What happens to an event that finds the ring full.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum OverflowSetting {
    /// It is refused and counted.
    #[default]
    Refuse,
    /// The oldest goes: lost, counted, and a FullResync is owed.
    Evict,
}

/// What happens when the spool is full.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum OnFullSetting {
    /// Nothing is acked until there is room.
    #[default]
    Hold,
    /// The oldest segment goes; sinks count what they have not read.
    DropOldest,
}

/// `[stream]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StreamSettings {
    /// The collector's socket.
    pub path: Option<PathBuf>,
    /// The ring's file; without one, the ring ends with its process.
    pub ring: Option<PathBuf>,
    /// Frame types.
    pub dialect: DialectSetting,
    /// What happens when the ring is full.
    pub overflow: OverflowSetting,
    /// User ids that the collector may have, beside root and our own.
    pub peer_uids: Vec<u32>,
    /// How long the end waits for the last Ack, seconds.
    pub drain_timeout_s: Spanned<u32>,
    /// A Keepalive follows this long without a write, seconds.
    pub keepalive_s: Spanned<u32>,
    /// The longest pause between attempts to connect, milliseconds.
    pub backoff_ms_max: Spanned<u32>,
}

impl Default for StreamSettings {
    fn default() -> Self {
        Self {
            path: None,
            ring: None,
            dialect: DialectSetting::Weir,
            overflow: OverflowSetting::Refuse,
            peer_uids: Vec::new(),
            drain_timeout_s: Spanned::new(0..0, 30),
            keepalive_s: Spanned::new(0..0, 10),
            backoff_ms_max: Spanned::new(0..0, 5000),
        }
    }
}

/// `[collector]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CollectorSettings {
    /// Where producers connect.
    pub listen: Option<PathBuf>,
    /// The spool's directory.
    pub spool: Option<PathBuf>,
    /// Frame types that are known.
    pub dialect: DialectSetting,
    /// User ids that a producer may have, beside root and our own.
    pub peer_uids: Vec<u32>,
    /// What happens when the spool is full.
    pub on_full: OnFullSetting,
    /// A segment is closed before it would be longer, MiB.
    pub segment_mib_max: Spanned<u32>,
    /// All segments together, MiB.
    pub spool_mib_max: Spanned<u32>,
    /// Segments that every sink has read go after so many hours; 0 keeps them until their room is
    /// needed.
    pub spool_hours_max: Spanned<u32>,
    /// Frames that wait for the spool before reading stops and Pause is sent.
    pub queue_frames_max: Spanned<usize>,
    /// The longest that a frame waits for its sync, milliseconds: others share it meanwhile.
    pub commit_ms: Spanned<u32>,
    /// The file of the sessions that are replicated, where the configuration has a `chassis
    /// cluster`: `sessions` in the spool's directory unless it is named.
    pub sessions: Option<PathBuf>,
    /// Whether lines of structured data end with their number, `[meta sequenceId="N"]`.
    pub sequence_id: bool,
    /// Where log files of the configuration lie.
    pub log_directory: Option<PathBuf>,
    /// A log file is rotated before it would be longer, MiB; 0 for never.
    pub log_mib_max: Spanned<u32>,
    /// A log file is rotated when it is older, hours; 0 for never.
    pub log_hours_max: Spanned<u32>,
    /// Rotated files that are kept.
    pub log_files_max: Spanned<u32>,
    /// `[collector.tls.NAME]`: what `transport tls-profile NAME` stands for.
    pub tls: BTreeMap<String, TlsSettings>,
}

/// `[collector.tls.NAME]`: files in PEM.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsSettings {
    /// Certificates of the authorities that receivers are believed by.
    pub ca: PathBuf,
    /// Our certificate and those between it and its authority.
    pub certificate: Option<PathBuf>,
    /// Its key.
    pub key: Option<PathBuf>,
    /// The name that the receiver's certificate must have, if not its address.
    pub server_name: Option<String>,
}

impl Default for CollectorSettings {
    fn default() -> Self {
        Self {
            listen: None,
            spool: None,
            dialect: DialectSetting::Weir,
            peer_uids: Vec::new(),
            on_full: OnFullSetting::Hold,
            segment_mib_max: Spanned::new(0..0, 64),
            spool_mib_max: Spanned::new(0..0, 4096),
            spool_hours_max: Spanned::new(0..0, 0),
            queue_frames_max: Spanned::new(0..0, 4096),
            commit_ms: Spanned::new(0..0, 5),
            sessions: None,
            sequence_id: false,
            log_directory: None,
            log_mib_max: Spanned::new(0..0, 0),
            log_hours_max: Spanned::new(0..0, 0),
            log_files_max: Spanned::new(0..0, 10),
            tls: BTreeMap::new(),
        }
    }
}

/// Whose names the metrics have beside ours.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum CompatSetting {
    /// Nobody's.
    #[default]
    None,
    /// xpf's `xpf_userspace_event_stream_*`.
    Xpf,
}

/// `[metrics]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MetricsSettings {
    /// Where Prometheus asks the producer, address and port.
    pub producer_listen: Option<SocketAddr>,
    /// The producer's Unix socket for `weir show` and `weir ledger`.
    pub producer_control: Option<PathBuf>,
    /// Where Prometheus asks the collector.
    pub collector_listen: Option<SocketAddr>,
    /// The collector's Unix socket.
    pub collector_control: Option<PathBuf>,
    /// Names beside ours.
    pub compat: CompatSetting,
    /// Connections at a time, of each of them.
    pub connections_max: Spanned<usize>,
    /// The whole life of a connection, seconds.
    pub deadline_s: Spanned<u32>,
}

impl Default for MetricsSettings {
    fn default() -> Self {
        Self {
            producer_listen: None,
            producer_control: None,
            collector_listen: None,
            collector_control: None,
            compat: CompatSetting::None,
            connections_max: Spanned::new(0..0, 8),
            deadline_s: Spanned::new(0..0, 5),
        }
    }
}

impl MetricsSettings {
    pub(super) fn check(&self, complain: &mut impl FnMut(Range<usize>, String, String)) {
        in_range("metrics.connections_max", &self.connections_max, 1..=256, complain);
        in_range("metrics.deadline_s", &self.deadline_s, 1..=60, complain);
    }
}

impl StreamSettings {
    pub(super) fn check(&self, complain: &mut impl FnMut(Range<usize>, String, String)) {
        in_range("stream.drain_timeout_s", &self.drain_timeout_s, 0..=86_400, complain);
        in_range("stream.keepalive_s", &self.keepalive_s, 1..=3600, complain);
        in_range("stream.backoff_ms_max", &self.backoff_ms_max, 100..=3_600_000, complain);
    }
}

impl CollectorSettings {
    pub(super) fn check(&self, complain: &mut impl FnMut(Range<usize>, String, String)) {
        in_range("collector.segment_mib_max", &self.segment_mib_max, 1..=4096, complain);
        in_range("collector.spool_mib_max", &self.spool_mib_max, 1..=16_777_216, complain);
        in_range("collector.spool_hours_max", &self.spool_hours_max, 0..=87_600, complain);
        in_range("collector.queue_frames_max", &self.queue_frames_max, 16..=1_048_576, complain);
        in_range("collector.commit_ms", &self.commit_ms, 0..=100, complain);
        let (segment, spool) = (*self.segment_mib_max.get_ref(), *self.spool_mib_max.get_ref());
        if segment.saturating_mul(2) > spool {
            let message = format!("collector.segment_mib_max is {segment}, of a spool of {spool}");
            let expected =
                "at most half of it: a segment goes as a whole, and one is being written";
            complain(self.segment_mib_max.span(), message, expected.to_owned());
        }
        in_range("collector.log_mib_max", &self.log_mib_max, 0..=1_048_576, complain);
        in_range("collector.log_hours_max", &self.log_hours_max, 0..=87_600, complain);
        in_range("collector.log_files_max", &self.log_files_max, 0..=1000, complain);
    }
}
