//! How long the prompts of a workload are, in tokens.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// Shorter prompts would not differ from each other.
pub const LEAST_TOKENS: u32 = 8;
/// Longer ones no server takes.
pub const MOST_TOKENS: u32 = 1_000_000;

/// A distribution of lengths.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Lengths {
    /// By three of its percentiles, in this order none below the one before.
    Percentiles {
        /// Half of the prompts are no longer.
        p50: f64,
        /// Nine tenths are no longer.
        p90: f64,
        /// All but a hundredth are no longer.
        p99: f64,
    },
    /// A normal distribution.
    Normal {
        /// Its mean.
        mean: f64,
        /// Its standard deviation, not negative.
        stddev: f64,
    },
}

impl Lengths {
    /// So many lengths that are spread as the distribution says, in random order: of percentiles
    /// evenly, so that even a few lengths have them; of a normal distribution with its very mean and
    /// standard deviation, but for lengths that would be too short.
    #[must_use]
    pub fn spread(&self, count: u32, seed: u64) -> Vec<u32> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut lengths: Vec<f64> = match *self {
            Self::Percentiles { p50, p90, p99 } => {
                let share = |i: u32| (f64::from(i) + 0.5) / f64::from(count);
                (0..count).map(|i| percentile([p50, p90, p99], share(i))).collect()
            }
            Self::Normal { mean, stddev } => {
                let drawn: Vec<f64> = (0..count).map(|_| StandardNormal.sample(&mut rng)).collect();
                let n = f64::from(count);
                let middle = drawn.iter().sum::<f64>() / n;
                let spread = drawn.iter().map(|x| (x - middle).powi(2)).sum::<f64>() / n;
                let scale = if spread > 0.0 { stddev / spread.sqrt() } else { 0.0 };
                drawn.into_iter().map(|x| mean + (x - middle) * scale).collect()
            }
        };
        lengths.shuffle(&mut rng);
        let (least, most) = (f64::from(LEAST_TOKENS), f64::from(MOST_TOKENS));
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // within these bounds
        let whole = |tokens: f64| tokens.round().clamp(least, most) as u32;
        lengths.into_iter().map(whole).collect()
    }
}

/// The length that this share of prompts does not exceed. Between the percentiles, lengths grow by
/// equal factors for equal steps of the logarithm of the share that is longer: long ones are rare,
/// as they are with users. Below the median they fall as fast as they grow to the second percentile,
/// and the last thousandth is cut off.
fn percentile([p50, p90, p99]: [f64; 3], share: f64) -> f64 {
    let rarity = |share: f64| -(1.0 - share).ln();
    let shortest = p50 * (p50 / p90);
    let knots = [(0.0, shortest), (0.5, p50), (0.9, p90), (0.99, p99)];
    let at = rarity(share.min(0.999));
    let upper = knots.iter().position(|(share, _)| rarity(*share) >= at).unwrap_or(3).max(1);
    let ((from, below), (to, above)) = (knots[upper - 1], knots[upper]);
    let step = (at - rarity(from)) / (rarity(to) - rarity(from));
    below * (above / below).powf(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(lengths: Lengths, count: u32, seed: u64) -> Vec<u32> {
        let mut found = lengths.spread(count, seed);
        assert_eq!(found.len(), count as usize);
        found.sort_unstable();
        found
    }

    #[test]
    fn lengths_have_their_percentiles() {
        let asked = Lengths::Percentiles { p50: 2_000.0, p90: 6_000.0, p99: 12_000.0 };
        let found = sorted(asked, 1_000, 7);
        for (at, expect) in [(500, 2_000), (900, 6_000), (990, 12_000)] {
            assert!(found[at].abs_diff(expect) * 50 <= expect, "{at}: {}", found[at]);
        }
        assert!(found[0] >= 666 && found[999] <= 25_000, "{} {}", found[0], found[999]);
        // All alike is a distribution, too.
        let one = Lengths::Percentiles { p50: 50.0, p90: 50.0, p99: 50.0 };
        assert_eq!(sorted(one, 10, 7), [50; 10]);
    }

    #[test]
    fn lengths_have_their_mean_and_deviation() {
        let found = sorted(Lengths::Normal { mean: 1_000.0, stddev: 200.0 }, 300, 7);
        let mean = found.iter().map(|n| f64::from(*n)).sum::<f64>() / 300.0;
        let variance = found.iter().map(|n| (f64::from(*n) - mean).powi(2)).sum::<f64>() / 300.0;
        assert!((mean - 1_000.0).abs() < 1.0 && (variance.sqrt() - 200.0).abs() < 1.0, "{mean}");
        assert_eq!(sorted(Lengths::Normal { mean: 100.0, stddev: 0.0 }, 5, 7), [100; 5]);
        let short = sorted(Lengths::Normal { mean: 10.0, stddev: 50.0 }, 100, 7);
        assert_eq!(short[0], LEAST_TOKENS);
    }

    #[test]
    fn the_same_seed_spreads_the_same() {
        let asked = Lengths::Normal { mean: 100.0, stddev: 30.0 };
        assert_eq!(asked.spread(50, 1), asked.spread(50, 1));
        assert_ne!(asked.spread(50, 1), asked.spread(50, 2));
    }
}
