//! Policers: rates, bursts and what happens beyond them. A policer of the configuration stands here
//! once for every term that uses it, because each term has its own buckets (Junos; with
//! `filter-specific` the terms of a filter share them).

/// Rates in bits a second, bursts in bytes of IP packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PolicerRate {
    /// `policer … if-exceeding`: one bucket, within it or beyond.
    Single {
        /// `bandwidth-limit`.
        bits: u64,
        /// `burst-size-limit`.
        burst: u64,
    },
    /// `three-color-policer … single-rate` (RFC 2697).
    SingleRateThreeColor {
        /// `committed-information-rate`.
        committed: u64,
        /// `committed-burst-size`.
        burst: u64,
        /// `excess-burst-size`.
        excess: u64,
    },
    /// `three-color-policer … two-rate` (RFC 2698).
    TwoRateThreeColor {
        /// `committed-information-rate`.
        committed: u64,
        /// `committed-burst-size`.
        burst: u64,
        /// `peak-information-rate`.
        peak: u64,
        /// `peak-burst-size`.
        peak_burst: u64,
    },
}

/// One policer at one term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policer {
    /// Its rates.
    pub rate: PolicerRate,
    /// `color-aware`: the loss priority that a packet has so far counts as its colour.
    pub color_aware: bool,
    /// Red packets are dropped: `then discard`, `action loss-priority high then discard`.
    pub discard: bool,
    /// `then loss-priority` of packets beyond a single rate. Three colours mark by themselves.
    pub mark: Option<LossPriority>,
}

/// How readily a packet is given up, least first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum LossPriority {
    /// Green.
    #[default]
    Low,
    /// Yellow.
    MediumLow,
    /// Yellow.
    MediumHigh,
    /// Red.
    High,
}

/// The colours of RFC 2697 and RFC 2698.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Color {
    /// Within the committed rate.
    #[default]
    Green,
    /// Within the excess burst or the peak rate.
    Yellow,
    /// Beyond.
    Red,
}

impl From<LossPriority> for Color {
    fn from(priority: LossPriority) -> Self {
        match priority {
            LossPriority::Low => Self::Green,
            LossPriority::MediumLow | LossPriority::MediumHigh => Self::Yellow,
            LossPriority::High => Self::Red,
        }
    }
}

impl From<Color> for LossPriority {
    /// What Junos marks.
    fn from(color: Color) -> Self {
        match color {
            Color::Green => Self::Low,
            Color::Yellow => Self::MediumHigh,
            Color::Red => Self::High,
        }
    }
}
