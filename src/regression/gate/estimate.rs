//! Figures over many probes, each with the interval that sampling alone leaves open.

use serde::{Deserialize, Serialize};

use super::binomial;

/// Each end of an interval is missed by at most this chance: "is it worse?" looks at one end.
const TAIL: f64 = 0.05;
/// The same in standard errors, for sums of many.
const NORMAL: f64 = 1.645;
/// Below this many samples no figure is formed.
const LEAST_SAMPLES: u64 = 10;

/// A figure and the interval that holds its true value.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Estimate {
    /// As observed.
    pub value: f64,
    /// Probes that it was formed from.
    pub samples: u64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
    /// How sure the interval is: 0.9, less where there were too few samples for that.
    pub confidence: f64,
}

/// A quantile in percent, below 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quantile(pub u64);

impl Quantile {
    /// The samples below which there is no such quantile: one must lie beyond it on average.
    #[must_use]
    pub const fn needs(self) -> u64 {
        let needed = 100_u64.div_ceil(100 - self.0);
        if needed > LEAST_SAMPLES { needed } else { LEAST_SAMPLES }
    }

    /// Of `sorted` samples the one with rank ⌈n·p⌉ (nearest rank: a value that was observed, no
    /// interpolation), with the order statistics that enclose the true quantile whatever the
    /// distribution is. `None` with fewer samples than [`Quantile::needs`].
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // a percentage
    pub fn of(self, sorted: &[f64]) -> Option<Estimate> {
        let n = sorted.len() as u64;
        if n < self.needs() {
            return None;
        }
        let at_most = binomial::cumulative(n, self.0 as f64 / 100.0);
        // The rank-th sample is above the quantile when fewer than that many lie below it.
        let above = |rank: usize| at_most[rank - 1];
        let low = (1..=sorted.len()).rev().find(|r| above(*r) <= TAIL).unwrap_or(1);
        let high = (1..=sorted.len()).find(|r| 1.0 - above(*r) <= TAIL).unwrap_or(sorted.len());
        let rank = usize::try_from((n * self.0).div_ceil(100)).ok()?;
        Some(Estimate {
            value: *sorted.get(rank - 1)?,
            samples: n,
            low: sorted[low - 1],
            high: sorted[high - 1],
            confidence: above(high) - above(low),
        })
    }
}

/// The share of `seen` in `all`, with its exact interval. `None` of nothing.
#[must_use]
#[allow(clippy::cast_precision_loss)] // counts of probes are far below 2^53
pub fn rate(seen: u64, all: u64) -> Option<Estimate> {
    let (low, high) = (all > 0).then(|| binomial::rate_interval(seen, all, TAIL))?;
    let value = seen as f64 / all as f64;
    Some(Estimate { value, samples: all, low, high, confidence: 1.0 - 2.0 * TAIL })
}

/// Σ over / Σ under of many probes, with the usual linearised standard error of a ratio. `None`
/// for few probes, or when nothing is below the line.
#[must_use]
#[allow(clippy::cast_precision_loss)] // counts of probes are far below 2^53
pub fn ratio(pairs: &[(f64, f64)]) -> Option<Estimate> {
    let n = pairs.len() as f64;
    let over: f64 = pairs.iter().map(|p| p.0).sum();
    let under: f64 = pairs.iter().map(|p| p.1).sum();
    if (pairs.len() as u64) < LEAST_SAMPLES || under <= 0.0 {
        return None;
    }
    let value = over / under;
    let squares: f64 = pairs.iter().map(|(y, x)| (y - value * x).powi(2)).sum();
    let error = (squares * n / (n - 1.0)).sqrt() / under;
    Some(Estimate {
        value,
        samples: pairs.len() as u64,
        low: (value - NORMAL * error).max(0.0),
        high: value + NORMAL * error,
        confidence: 1.0 - 2.0 * TAIL,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    fn up_to(n: u32) -> Vec<f64> {
        (1..=n).map(f64::from).collect()
    }

    #[test]
    fn quantiles_are_observed_values_between_order_statistics() {
        let check = |n, percent, expect: (f64, f64, f64)| {
            let found = Quantile(percent).of(&up_to(n)).unwrap();
            assert_eq!((found.value, found.low, found.high), expect, "p{percent} of {n}");
            found.confidence
        };
        // The ranks of tables of distribution-free intervals.
        assert!(check(100, 50, (50.0, 42.0, 59.0)) >= 0.9);
        assert!(check(200, 95, (190.0, 185.0, 196.0)) >= 0.9);
        // Too few for 90 %: the interval ends at the largest, and says how sure that is.
        let confidence = check(50, 95, (48.0, 45.0, 50.0));
        assert!((0.85..0.9).contains(&confidence), "{confidence}");
    }

    #[test]
    fn too_few_samples_have_no_quantile() {
        let check = |percent, needs: u32| {
            assert_eq!(Quantile(percent).needs(), u64::from(needs));
            assert_eq!(Quantile(percent).of(&up_to(needs - 1)), None);
            assert!(Quantile(percent).of(&up_to(needs)).is_some());
        };
        check(50, 10);
        check(95, 20);
        check(99, 100);
    }

    /// How often the interval of a quantile holds the truth.
    #[test]
    fn intervals_cover_the_truth() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut covered = 0;
        for _ in 0..2_000 {
            let mut samples: Vec<f64> = (0..200).map(|_| rng.random()).collect();
            samples.sort_by(f64::total_cmp);
            let found = Quantile(95).of(&samples).unwrap();
            covered += u32::from(found.low <= 0.95 && 0.95 <= found.high);
        }
        // Four standard errors below 90 %, and not so wide that it says nothing.
        assert!((1_746..1_960).contains(&covered), "{covered} of 2000");
    }

    #[test]
    fn ratios_are_of_sums() {
        let pairs = (0..20).map(|i| if i % 2 == 0 { (10.0, 1.0) } else { (10.0, 3.0) });
        let found = ratio(&pairs.collect::<Vec<_>>()).unwrap();
        assert!((found.value - 5.0).abs() < 1e-12, "{found:?}");
        // Residuals ±5, so the error is 5 · √(20/19) · √20 / 40.
        let error = NORMAL * 5.0 * (20.0_f64 / 19.0).sqrt() * 20.0_f64.sqrt() / 40.0;
        assert!((found.high - 5.0 - error).abs() < 1e-9, "{found:?}");
        assert!((5.0 - found.low - error).abs() < 1e-9, "{found:?}");
        assert_eq!(ratio(&[(1.0, 1.0); 9]), None, "too few");
        assert_eq!(ratio(&[(1.0, 0.0); 20]), None, "nothing below the line");
    }

    #[test]
    fn a_rate_of_nothing_is_unknown() {
        assert_eq!(rate(0, 0), None);
        let found = rate(1, 200).unwrap();
        assert!((found.value - 0.005).abs() < 1e-12);
        assert!(found.low < 0.005 && found.high > 0.02, "{found:?}");
    }
}
