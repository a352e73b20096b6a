//! The keys of a schedule file, each with its range. Defaults are those of
//! `schedules/default.toml`.

mod stream;

use std::ops::{Range, RangeInclusive};

use components::kinds::EventKind;
use components::mask::BATCH_ROWS_MAX;
use serde::Deserialize;
use toml::Spanned;

pub use stream::{
    CollectorSettings, CompatSetting, DialectSetting, MetricsSettings, OnFullSetting,
    OverflowSetting, StreamSettings, TlsSettings,
};

/// Everything that a schedule file says.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// System names in order.
    pub systems: Vec<Spanned<String>>,
    /// Worker threads, each with its shard.
    #[serde(default = "one")]
    pub workers: Spanned<u16>,
    /// `[batch]`
    #[serde(default)]
    pub batch: BatchSettings,
    /// `[parse]`
    #[serde(default)]
    pub parse: ParseSettings,
    /// `[fragment]`
    #[serde(default)]
    pub fragment: FragmentSettings,
    /// `[screen]`
    #[serde(default)]
    pub screen: ScreenSettings,
    /// `[session]`
    #[serde(default)]
    pub session: SessionSettings,
    /// `[policy]`
    #[serde(default)]
    pub policy: PolicySettings,
    /// `[nat]`
    #[serde(default)]
    pub nat: NatSettings,
    /// `[reject]`
    #[serde(default)]
    pub reject: RejectSettings,
    /// `[limit]`: no entry, no limit.
    #[serde(default)]
    pub limit: LimitSettings,
    /// `[cluster]`
    #[serde(default)]
    pub cluster: ClusterSettings,
    /// `[ring]`
    #[serde(default)]
    pub ring: RingSettings,
    /// `[replay]`
    #[serde(default)]
    pub replay: ReplaySettings,
    /// `[stream]`
    #[serde(default)]
    pub stream: StreamSettings,
    /// `[collector]`
    #[serde(default)]
    pub collector: CollectorSettings,
    /// `[metrics]`
    #[serde(default)]
    pub metrics: MetricsSettings,
}

/// Declares a table of numbers with defaults and ranges.
macro_rules! table {
    ($(#[$doc:meta])* $name:ident $section:literal {
        $($(#[$key_doc:meta])* $key:ident: $type:ty = $default:expr, in $range:expr;)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            $($(#[$key_doc])* pub $key: Spanned<$type>,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($key: Spanned::new(0..0, $default),)* }
            }
        }

        impl $name {
            fn check(&self, complain: &mut impl FnMut(Range<usize>, String, String)) {
                $({
                    let key = concat!($section, ".", stringify!($key));
                    in_range(key, &self.$key, $range, complain);
                })*
            }
        }
    };
}

table! {
    /// `[batch]`
    BatchSettings "batch" {
        /// Most rows of a batch.
        rows_max: usize = 256, in 1..=BATCH_ROWS_MAX;
        /// Longest wait for a batch to fill, microseconds; a replay never waits.
        flush_us_max: u32 = 50, in 0..=10_000;
    }
}

/// `[parse]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ParseSettings {
    /// Drop IPv4 packets whose header checksum is wrong.
    pub verify_ipv4_checksums: bool,
    /// Drop packets whose TCP, UDP or ICMP checksum is wrong.
    pub verify_l4_checksums: bool,
    /// Longest chain of IPv6 extension headers.
    pub extension_headers_max: Spanned<u8>,
}

impl Default for ParseSettings {
    fn default() -> Self {
        Self {
            verify_ipv4_checksums: true,
            verify_l4_checksums: false,
            extension_headers_max: Spanned::new(0..0, 8),
        }
    }
}

table! {
    /// `[cluster]`
    ClusterSettings "cluster" {
        /// Which node of a `chassis cluster` this is.
        node: u8 = 0, in 0..=1;
    }
}

table! {
    /// `[fragment]`
    FragmentSettings "fragment" {
        /// Fragmented datagrams that are followed at once.
        entries: usize = 4096, in 16..=1_048_576;
    }
}

table! {
    /// `[screen]`
    ScreenSettings "screen" {
        /// Addresses that each screen with history remembers.
        entries: usize = 16_384, in 8..=(1 << 24);
        /// Key of SYN cookies and of the tables' hashes.
        cookie_seed: u64 = 1, in 0..=u64::MAX;
    }
}

table! {
    /// `[session]`
    SessionSettings "session" {
        /// Sessions of one worker.
        capacity: usize = 262_144, in 1..=(1 << 26);
        /// Key of the flow hash.
        hash_seed: u64 = 1, in 0..=u64::MAX;
        /// Resolution of timeouts, milliseconds; a batch never spans a tick.
        tick_ms: u64 = 100, in 1..=10_000;
        /// Ticks that the timing wheel reaches ahead.
        wheel_ticks: usize = 4096, in 16..=1_048_576;
    }
}

table! {
    /// `[policy]`
    PolicySettings "policy" {
        /// Denied flows that are remembered, for each worker; 0 remembers none.
        decision_cache_entries: usize = 65_536, in 0..=(1 << 24);
    }
}

table! {
    /// `[nat]`
    NatSettings "nat" {
        /// Where the search for free ports begins.
        port_seed: u64 = 1, in 0..=u64::MAX;
        /// Persistent NAT bindings of one worker; no memory where no rule is persistent.
        bindings_max: usize = 65_536, in 1..=1_048_576;
    }
}

table! {
    /// `[reject]`
    RejectSettings "reject" {
        /// RST and ICMP answers a second, for each worker.
        answers_per_second: u32 = 1000, in 0..=1_000_000;
        /// Answers at once.
        answers_burst: u32 = 1000, in 1..=1_000_000;
    }
}

table! {
    /// `[ring]`
    RingSettings "ring" {
        /// Frames that the replay ring holds, a power of two.
        frames: usize = 65_536, in 64..=1_048_576;
        /// Number of the stream; a live data plane draws one.
        stream_id: u64 = 1, in 1..=u64::MAX;
    }
}

/// Events a second and at once, for each zone.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Events a second.
    pub per_second: u32,
    /// Events at once.
    pub burst: u32,
}

/// `[limit]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitSettings {
    /// Creates.
    pub session_create: Option<Spanned<Rate>>,
    /// Closes.
    pub session_close: Option<Spanned<Rate>>,
    /// Denies and rejects.
    pub policy_deny: Option<Spanned<Rate>>,
    /// Screens.
    pub screen_drop: Option<Spanned<Rate>>,
    /// Filter terms that log.
    pub filter_log: Option<Spanned<Rate>>,
}

impl LimitSettings {
    /// The rate of a kind.
    #[must_use]
    pub fn rate(&self, kind: EventKind) -> Option<Rate> {
        self.entry(kind).map(|rate| *rate.get_ref())
    }

    fn entry(&self, kind: EventKind) -> Option<&Spanned<Rate>> {
        match kind {
            EventKind::SessionCreate => self.session_create.as_ref(),
            EventKind::SessionClose => self.session_close.as_ref(),
            EventKind::PolicyDeny => self.policy_deny.as_ref(),
            EventKind::ScreenDrop => self.screen_drop.as_ref(),
            EventKind::FilterLog => self.filter_log.as_ref(),
        }
    }
}

/// What happens to sessions when a capture ends.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum AtEnd {
    /// The clock runs on in silence until every session has timed out and logged its close.
    #[default]
    AgeOut,
    /// They stay active.
    Keep,
}

/// `[replay]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReplaySettings {
    /// What happens to sessions at the end.
    pub at_end: AtEnd,
    /// Log what the default policy denies, whatever the configuration says.
    pub log_default_policy: bool,
}

impl Default for ReplaySettings {
    fn default() -> Self {
        Self { at_end: AtEnd::AgeOut, log_default_policy: true }
    }
}

impl Settings {
    /// Calls `complain(bytes, message, expected)` for every value out of its range.
    pub fn check(&self, mut complain: impl FnMut(Range<usize>, String, String)) {
        let complain = &mut complain;
        in_range("workers", &self.workers, 1..=64, complain);
        self.batch.check(complain);
        let headers = &self.parse.extension_headers_max;
        in_range("parse.extension_headers_max", headers, 1..=32, complain);
        self.fragment.check(complain);
        self.screen.check(complain);
        self.session.check(complain);
        self.policy.check(complain);
        self.nat.check(complain);
        self.reject.check(complain);
        self.cluster.check(complain);
        self.ring.check(complain);
        self.stream.check(complain);
        self.metrics.check(complain);
        self.collector.check(complain);
        let frames = *self.ring.frames.get_ref();
        if !frames.is_power_of_two() {
            let message = format!("ring.frames is {frames}");
            complain(self.ring.frames.span(), message, "a power of two".to_owned());
        }
        for kind in EventKind::ALL {
            let Some(entry) = self.limit.entry(kind) else {
                continue;
            };
            let Rate { per_second, burst } = *entry.get_ref();
            if per_second == 0 || burst == 0 {
                let message =
                    format!("limit.{} is {per_second} a second, {burst} at once", kind.label());
                complain(entry.span(), message, "both above 0".to_owned());
            }
        }
    }
}

fn in_range<T: PartialOrd + std::fmt::Display>(
    key: &str,
    value: &Spanned<T>,
    range: RangeInclusive<T>,
    complain: &mut impl FnMut(Range<usize>, String, String),
) {
    if !range.contains(value.get_ref()) {
        let expected = format!("{} to {}", range.start(), range.end());
        complain(value.span(), format!("{key} is {}", value.get_ref()), expected);
    }
}

fn one() -> Spanned<u16> {
    Spanned::new(0..0, 1)
}
