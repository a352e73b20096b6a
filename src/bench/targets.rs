//! What each scenario shall take: clocks of a time stamp counter of 2.6 GHz on one core of a Zen 5
//! guest, 64-byte UDP, batches of 256. They were set from what VPP 26.06 takes on the same machine
//! for the same work (half of it while tables fit the cache, a tenth at a million flows), and from
//! a prototype that had the lookups and little else.

use super::Scenario;

/// The target of a scenario at a number of flows and rules; `None` where none was set.
#[must_use]
pub fn clocks(scenario: Scenario, flows: usize, rules: usize) -> Option<f64> {
    let found = TARGETS.iter().find(|target| {
        target.0 == scenario && target.1.is_none_or(|n| n == flows) && target.2 == rules
    });
    found.map(|target| target.3)
}

/// Longest compilation of a configuration with 10,000 rules.
pub const COMPILE_MS: f64 = 200.0;

/// Most resident memory with ten million sessions preallocated.
pub const TEN_MILLION_BYTES: u64 = 3 << 30;

/// Scenario, flows where they matter, rules, clocks a packet.
const TARGETS: [(Scenario, Option<usize>, usize, f64); 16] = [
    (Scenario::Forward, Some(1_000), 1, 40.0),
    (Scenario::Forward, Some(100_000), 1, 42.0),
    (Scenario::Forward, Some(1_000_000), 1, 45.0),
    (Scenario::Forward, Some(10_000_000), 1, 55.0),
    (Scenario::Rules, Some(1_000), 1_000, 50.0),
    (Scenario::Rules, Some(100_000), 1_000, 62.0),
    (Scenario::Rules, Some(1_000_000), 1_000, 76.0),
    (Scenario::Rules, Some(10_000_000), 1_000, 100.0),
    (Scenario::RulesNat, Some(1_000), 1_000, 60.0),
    (Scenario::RulesNat, Some(100_000), 1_000, 75.0),
    (Scenario::RulesNat, Some(1_000_000), 1_000, 95.0),
    (Scenario::RulesNat, Some(10_000_000), 1_000, 130.0),
    (Scenario::NewSession, None, 10_000, 600.0),
    (Scenario::DenyFlood, Some(100_000), 1_000, 75.0),
    (Scenario::DenyFloodSpoofed, None, 1_000, 180.0),
    (Scenario::DenyFloodSpoofed, None, 10_000, 350.0),
];
