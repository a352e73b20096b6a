//! Meters: token buckets on packet time, exact to the bit and the nanosecond, so that a result
//! never depends on how packets were batched. Buckets are full at the start. A packet that does not
//! fit takes no tokens.

use crate::world::policer::{Color, PolicerRate};

/// The buckets of one policer.
#[derive(Clone, Copy, Debug)]
pub struct Meter {
    kind: Kind,
    buckets: [Bucket; 2],
    filled_ns: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Single,
    SingleRateThreeColor,
    TwoRateThreeColor,
}

/// Tokens are bits times 10⁹: what a rate in bits a second adds in a nanosecond is whole.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    bits_per_second: u64,
    depth: u128,
    tokens: u128,
}

impl Meter {
    /// Full buckets. Each of several workers has its share of the rate, so that together they let
    /// through what one would; bursts are whole, because a share may be less than a packet.
    #[must_use]
    pub fn new(rate: &PolicerRate, workers: u16) -> Self {
        let share = |bits: u64| (bits / u64::from(workers.max(1))).max(1);
        let (kind, buckets) = match *rate {
            PolicerRate::Single { bits, burst } => {
                (Kind::Single, [Bucket::new(share(bits), burst), Bucket::new(0, 0)])
            }
            PolicerRate::SingleRateThreeColor { committed, burst, excess } => (
                Kind::SingleRateThreeColor,
                [Bucket::new(share(committed), burst), Bucket::new(0, excess)],
            ),
            PolicerRate::TwoRateThreeColor { committed, burst, peak, peak_burst } => (
                Kind::TwoRateThreeColor,
                [Bucket::new(share(committed), burst), Bucket::new(share(peak), peak_burst)],
            ),
        };
        Self { kind, buckets, filled_ns: 0 }
    }

    /// The colour of a packet of `bytes` bytes that comes with colour `before`: green for a
    /// colour-blind policer. `clock_ns` never goes back.
    pub fn judge(&mut self, before: Color, bytes: u32, clock_ns: u64) -> Color {
        self.fill(clock_ns);
        let needed = u128::from(bytes) * TOKENS_A_BYTE;
        let [committed, other] = &mut self.buckets;
        match self.kind {
            Kind::Single if committed.take(needed) => Color::Green,
            Kind::Single => Color::Red,
            // RFC 2697 section 3.
            Kind::SingleRateThreeColor if before == Color::Green && committed.take(needed) => {
                Color::Green
            }
            Kind::SingleRateThreeColor if before != Color::Red && other.take(needed) => {
                Color::Yellow
            }
            Kind::SingleRateThreeColor => Color::Red,
            // RFC 2698 section 3.
            Kind::TwoRateThreeColor if before == Color::Red || !other.take(needed) => Color::Red,
            Kind::TwoRateThreeColor if before == Color::Green && committed.take(needed) => {
                Color::Green
            }
            Kind::TwoRateThreeColor => Color::Yellow,
        }
    }

    fn fill(&mut self, clock_ns: u64) {
        let elapsed_ns = clock_ns.saturating_sub(self.filled_ns);
        self.filled_ns = clock_ns;
        let [committed, other] = &mut self.buckets;
        let spilled = committed.add(u128::from(committed.bits_per_second) * u128::from(elapsed_ns));
        match self.kind {
            Kind::Single => {}
            Kind::SingleRateThreeColor => {
                other.add(spilled);
            }
            Kind::TwoRateThreeColor => {
                other.add(u128::from(other.bits_per_second) * u128::from(elapsed_ns));
            }
        }
    }
}

impl Bucket {
    fn new(bits_per_second: u64, burst: u64) -> Self {
        let depth = u128::from(burst) * TOKENS_A_BYTE;
        Self { bits_per_second, depth, tokens: depth }
    }

    /// Adds tokens; returns those that did not fit.
    fn add(&mut self, tokens: u128) -> u128 {
        let free = self.depth - self.tokens;
        self.tokens += tokens.min(free);
        tokens.saturating_sub(free)
    }

    fn take(&mut self, tokens: u128) -> bool {
        let enough = self.tokens >= tokens;
        if enough {
            self.tokens -= tokens;
        }
        enough
    }
}

const TOKENS_A_BYTE: u128 = 8_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    use Color::{Green, Red, Yellow};

    const START_NS: u64 = 1_700_000_000_000_000_000;

    fn judge(meter: &mut Meter, packets: &[(Color, u32, u64)]) -> Vec<Color> {
        let one = |&(before, bytes, at_ns)| meter.judge(before, bytes, START_NS + at_ns);
        packets.iter().map(one).collect()
    }

    #[test]
    fn a_single_rate_admits_its_burst_and_then_its_rate_to_the_nanosecond() {
        // 8,000 bits a second are a byte a millisecond.
        let mut meter = Meter::new(&PolicerRate::Single { bits: 8000, burst: 1500 }, 1);
        let seen = judge(
            &mut meter,
            &[
                (Green, 1500, 0),
                (Green, 1, 0),
                (Green, 100, 99_999_999),
                (Green, 100, 100_000_000),
                (Green, 1, 100_000_000),
                (Green, 1501, 10_000_000_000),
                (Green, 1500, 10_000_000_000),
            ],
        );
        assert_eq!(seen, [Green, Red, Red, Green, Red, Red, Green]);
    }

    #[test]
    fn one_rate_three_colours_spills_into_the_excess_bucket() {
        let rate = PolicerRate::SingleRateThreeColor { committed: 8000, burst: 1000, excess: 500 };
        let seen = judge(
            &mut Meter::new(&rate, 1),
            &[
                (Green, 1000, 0),
                (Green, 500, 0),
                (Green, 1, 0),
                // A second later the committed bucket is full and nothing has spilled.
                (Green, 1001, 1_000_000_000),
                (Green, 1000, 1_000_000_000),
                // Half a second refills half; the committed bucket goes first.
                (Green, 501, 1_500_000_000),
                (Green, 500, 1_500_000_000),
                // 1.2 seconds: 1000 committed, 200 spilled.
                (Green, 1000, 2_700_000_000),
                (Green, 201, 2_700_000_000),
                (Green, 200, 2_700_000_000),
            ],
        );
        let wanted = [Green, Yellow, Red, Red, Green, Red, Green, Green, Red, Yellow];
        assert_eq!(seen, wanted);
    }

    #[test]
    fn two_rates_three_colours() {
        let rate = PolicerRate::TwoRateThreeColor {
            committed: 8000,
            burst: 1000,
            peak: 16_000,
            peak_burst: 2000,
        };
        let seen = judge(
            &mut Meter::new(&rate, 1),
            &[
                (Green, 1000, 0),
                (Green, 1000, 0),
                (Green, 1, 0),
                // 0.1 s: 100 committed, 200 peak.
                (Green, 201, 100_000_000),
                (Green, 100, 100_000_000),
                (Green, 100, 100_000_000),
                (Green, 1, 100_000_000),
            ],
        );
        assert_eq!(seen, [Green, Yellow, Red, Red, Green, Yellow, Red]);
    }

    #[test]
    fn a_colour_never_gets_better() {
        let one = PolicerRate::SingleRateThreeColor { committed: 8000, burst: 1000, excess: 500 };
        let seen =
            judge(&mut Meter::new(&one, 1), &[(Yellow, 500, 0), (Yellow, 1, 0), (Red, 1, 0)]);
        assert_eq!(seen, [Yellow, Red, Red]);
        let two = PolicerRate::TwoRateThreeColor {
            committed: 8000,
            burst: 1000,
            peak: 16_000,
            peak_burst: 2000,
        };
        let seen = judge(
            &mut Meter::new(&two, 1),
            &[(Yellow, 1000, 0), (Red, 1, 0), (Green, 1000, 0), (Green, 1, 0)],
        );
        assert_eq!(seen, [Yellow, Red, Green, Red]);
    }

    #[test]
    fn workers_share_the_rate() {
        let rate = PolicerRate::Single { bits: 8000, burst: 100 };
        let mut meter = Meter::new(&rate, 2);
        let seen = judge(
            &mut meter,
            &[(Green, 100, 0), (Green, 50, 99_999_999), (Green, 50, 100_000_000)],
        );
        assert_eq!(seen, [Green, Red, Green]);
    }
}
