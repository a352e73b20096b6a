//! `firewall policer` and `firewall three-color-policer`: rates in bits a second, bursts in bytes,
//! both with Junos's `k`, `m` and `g` (10³, 10⁶, 10⁹). A policer whose limit cannot be read is an
//! error: without it everything would pass.

use std::ops::RangeInclusive;

use components::world::policer::{LossPriority, PolicerRate};

use super::reader::{Reader, Stanza, Word, statements};
use crate::config::tree::Node;

/// A policer of either kind.
#[derive(Clone, Debug)]
pub struct Policer<'t> {
    /// Its name; the two kinds have names of their own.
    pub name: Word<'t>,
    /// `three-color-policer`.
    pub three_colors: bool,
    /// Rates and bursts.
    pub rate: PolicerRate,
    /// `color-aware`.
    pub color_aware: bool,
    /// Red packets are dropped.
    pub discard: bool,
    /// `then loss-priority`.
    pub mark: Option<LossPriority>,
    /// `filter-specific`: the terms of a filter share it.
    pub filter_specific: bool,
}

/// Reads the policers below `policer`.
pub(super) fn read<'t>(node: &'t Node, reader: &mut Reader<'_>, policers: &mut Vec<Policer<'t>>) {
    for node in node.active() {
        let mut policer = empty(reader.name(node), false);
        let (mut bits, mut burst) = (None, None);
        for statement in statements(node) {
            match statement.word.as_str() {
                "filter-specific" => policer.filter_specific = true,
                "if-exceeding" => {
                    for limit in statements(statement) {
                        match limit.word.as_str() {
                            "bandwidth-limit" => bits = size(limit, BITS, reader),
                            "burst-size-limit" => burst = size(limit, BYTES, reader),
                            _ => reader.other(&IF_EXCEEDING, limit),
                        }
                    }
                }
                "then" => {
                    for action in statements(statement) {
                        match action.word.as_str() {
                            "discard" => policer.discard = true,
                            "loss-priority" => policer.mark = read_loss_priority(action, reader),
                            _ => reader.other(&THEN, action),
                        }
                    }
                }
                _ => reader.other(&POLICER, statement),
            }
        }
        let (bits, burst) = (
            needed(bits, node, "if-exceeding bandwidth-limit", reader),
            needed(burst, node, "if-exceeding burst-size-limit", reader),
        );
        policers.push(Policer { rate: PolicerRate::Single { bits, burst }, ..policer });
    }
}

/// Reads the policers below `three-color-policer`.
pub(super) fn read_three_colors<'t>(
    node: &'t Node,
    reader: &mut Reader<'_>,
    policers: &mut Vec<Policer<'t>>,
) {
    for node in node.active() {
        let mut policer = empty(reader.name(node), true);
        let mut rate = None;
        for statement in statements(node) {
            match statement.word.as_str() {
                "filter-specific" => policer.filter_specific = true,
                "action" => policer.discard = read_action(statement, reader),
                "single-rate" | "two-rate" => {
                    rate = Some(read_rate(statement, &mut policer, reader));
                }
                _ => reader.other(&THREE_COLOR, statement),
            }
        }
        match rate {
            Some(rate) => policers.push(Policer { rate, ..policer }),
            None => {
                needed(None, node, "single-rate or two-rate", reader);
                policers.push(policer);
            }
        }
    }
}

fn empty(name: Word<'_>, three_colors: bool) -> Policer<'_> {
    Policer {
        name,
        three_colors,
        rate: PolicerRate::Single { bits: 0, burst: 0 },
        color_aware: false,
        discard: false,
        mark: None,
        filter_specific: false,
    }
}

/// `single-rate` or `two-rate`.
fn read_rate(node: &Node, policer: &mut Policer<'_>, reader: &mut Reader<'_>) -> PolicerRate {
    let [mut committed, mut burst, mut excess, mut peak, mut peak_burst] = [None; 5];
    let single = node.word == "single-rate";
    for statement in statements(node) {
        match (statement.word.as_str(), single) {
            ("color-aware", _) => policer.color_aware = true,
            ("color-blind", _) => policer.color_aware = false,
            ("committed-information-rate", _) => committed = size(statement, BITS, reader),
            ("committed-burst-size", _) => burst = size(statement, BYTES, reader),
            ("excess-burst-size", true) => excess = size(statement, BYTES, reader),
            ("peak-information-rate", false) => peak = size(statement, BITS, reader),
            ("peak-burst-size", false) => peak_burst = size(statement, BYTES, reader),
            _ => reader.other(&RATE, statement),
        }
    }
    let committed = needed(committed, node, "committed-information-rate", reader);
    let burst = needed(burst, node, "committed-burst-size", reader);
    if single {
        let excess = needed(excess, node, "excess-burst-size", reader);
        return PolicerRate::SingleRateThreeColor { committed, burst, excess };
    }
    let peak = needed(peak, node, "peak-information-rate", reader);
    let peak_burst = needed(peak_burst, node, "peak-burst-size", reader);
    if peak < committed {
        let message = format!("the peak rate {peak} is below the committed rate {committed}");
        let found = reader.diagnostics.error("bad-policer", node.span, message);
        found.expected("a peak-information-rate that is not below (RFC 2698)");
    }
    PolicerRate::TwoRateThreeColor { committed, burst, peak, peak_burst }
}

/// `action loss-priority high then discard`: true if red packets are dropped.
fn read_action(node: &Node, reader: &mut Reader<'_>) -> bool {
    let mut discard = false;
    for statement in statements(node) {
        let high = statement.child("high");
        match high.and_then(|high| high.child("then")).and_then(Node::value) {
            Some(then) if statement.word == "loss-priority" && then.word == "discard" => {
                discard = true;
            }
            _ => reader.opens(statement.span, "firewall three-color-policer action"),
        }
    }
    discard
}

/// `loss-priority LEVEL`.
pub(super) fn read_loss_priority(node: &Node, reader: &mut Reader<'_>) -> Option<LossPriority> {
    loss_priority(reader.value(node)?, reader)
}

/// A level of loss priority.
pub(super) fn loss_priority(word: Word<'_>, reader: &mut Reader<'_>) -> Option<LossPriority> {
    let level = match word.text {
        "low" => LossPriority::Low,
        "medium-low" => LossPriority::MediumLow,
        "medium-high" => LossPriority::MediumHigh,
        "high" => LossPriority::High,
        _ => {
            reader.bad("bad-loss-priority", word, "low, medium-low, medium-high or high");
            return None;
        }
    };
    Some(level)
}

/// A number with `k`, `m` or `g`.
fn size(node: &Node, bounds: RangeInclusive<u64>, reader: &mut Reader<'_>) -> Option<u64> {
    let word = reader.value(node)?;
    let (digits, unit) = match word.text.as_bytes().last() {
        Some(b'k') => (&word.text[..word.text.len() - 1], 1000),
        Some(b'm') => (&word.text[..word.text.len() - 1], 1_000_000),
        Some(b'g') => (&word.text[..word.text.len() - 1], 1_000_000_000),
        _ => (word.text, 1),
    };
    let number = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    let number = number.filter(|number| bounds.contains(number));
    if number.is_none() {
        let expected = format!("a number from {} to {}", bounds.start(), bounds.end());
        reader.bad("bad-number", word, &expected);
        // Reported; it is not missing.
        return Some(*bounds.start());
    }
    number
}

/// The value, or an error.
fn needed(value: Option<u64>, node: &Node, what: &str, reader: &mut Reader<'_>) -> u64 {
    if value.is_none() {
        let message = format!("the policer lacks `{what}`");
        reader.diagnostics.error("bad-policer", node.span, message).expected(what);
    }
    value.unwrap_or(1)
}

/// Rates, bits a second.
const BITS: RangeInclusive<u64> = 1500..=100_000_000_000;
/// Bursts, bytes.
const BYTES: RangeInclusive<u64> = 1500..=100_000_000_000;

const POLICER: Stanza = Stanza {
    path: "firewall policer",
    honoured: "if-exceeding then filter-specific",
    opening: "if-exceeding-pps logical-interface-policer logical-bandwidth-policer \
        physical-interface-policer shared-bandwidth-policer",
    ..Stanza::EMPTY
};

const IF_EXCEEDING: Stanza = Stanza {
    path: "firewall policer if-exceeding",
    honoured: "bandwidth-limit burst-size-limit",
    opening: "bandwidth-percent",
    ..Stanza::EMPTY
};

const THEN: Stanza = Stanza {
    path: "firewall policer then",
    honoured: "discard loss-priority",
    ignored: "forwarding-class",
    opening: "out-of-profile",
    ..Stanza::EMPTY
};

const THREE_COLOR: Stanza = Stanza {
    path: "firewall three-color-policer",
    honoured: "action single-rate two-rate filter-specific",
    opening: "logical-interface-policer physical-interface-policer shared-bandwidth-policer",
    ..Stanza::EMPTY
};

const RATE: Stanza = Stanza {
    path: "firewall three-color-policer single-rate or two-rate",
    honoured: "color-aware color-blind committed-information-rate committed-burst-size \
        excess-burst-size peak-information-rate peak-burst-size",
    ..Stanza::EMPTY
};
