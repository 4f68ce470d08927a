//! By how much: the median ratio, with an interval that holds at every moment.

use serde::{Deserialize, Serialize};

use super::recent::KEPT;
use super::sketch::Sketch;

/// Probability that the interval ever misses the median.
const ALPHA: f64 = 0.05;

/// Narrowest near a few hundred observations: `V/(2 ln(1/α) + ln(1 + 2 ln(1/α)))` for V = 500/4.
const RHO: f64 = 15.8;

/// A ratio and what it may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The sample's median, to within 0.1 %. `None` where it is infinite, because most of what was
    /// observed failed; 0 where most of what it is compared with did.
    pub ratio: Option<f64>,
    /// The median is no less, with 95 % certainty at all times together. `None` where nothing more
    /// than 0 can be said: too few observations, or failures of what it is compared with.
    pub lower: Option<f64>,
    /// The median is no more. `None` where nothing less than ∞ can be said: too few observations,
    /// or failures.
    pub upper: Option<f64>,
    /// Ratios seen.
    pub observations: u64,
}

/// Standard errors of what a ratio is to, by which an interval is widened to either side.
const REFERENCE_ERRORS: f64 = 2.5;

impl Estimate {
    /// The same, where the logarithm of what the ratios are to has a standard error of its own.
    pub(super) fn beside_an_error(self, ln_error: f64) -> Self {
        let factor = (REFERENCE_ERRORS * ln_error).exp();
        Self {
            lower: self.lower.map(|lower| lower / factor).filter(|lower| *lower > 0.0),
            upper: self.upper.map(|upper| upper * factor).filter(|upper| upper.is_finite()),
            ..self
        }
    }
}

/// The distribution of a ratio's logarithm.
///
/// The interval is a confidence sequence (Howard & Ramdas, *Sequential estimation of quantiles*,
/// Bernoulli 2022): of `t` observations the number below the median stays within
/// `√((V+ρ)·ln((V+ρ)/(α²ρ)))`, `V = t/4`, of `t/2` at all times with probability 1 − α, because each
/// is ½-sub-Gaussian (normal mixture). Bins are rounded outwards, so it stays valid.
///
/// Where ratios have a memory, so many of them count as one, and the interval is as much wider. Where they begin at a moment that was chosen by looking at them,
/// as they do when an alarm goes off, it holds for all such moments together.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Effect {
    ratios: Sketch,
    #[serde(default)]
    chosen: bool,
}

impl Effect {
    /// Of these and what comes later: the first was chosen among the last `KEPT`.
    pub(super) fn since_chosen(ln_ratios: impl Iterator<Item = f64>) -> Self {
        let mut effect = Self { chosen: true, ..Self::default() };
        ln_ratios.for_each(|ln_ratio| effect.add(ln_ratio));
        effect
    }

    pub(super) fn add(&mut self, ln_ratio: f64) {
        self.ratios.add(ln_ratio);
    }

    /// `None` before the first observation. So many count as one that is independent of all others.
    #[must_use]
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn estimate(&self, per_independent_one: f64) -> Option<Estimate> {
        let observations = self.ratios.total();
        if observations == 0 {
            return None;
        }
        let (t, each) = (observations as f64, per_independent_one.max(1.0));
        let alpha = if self.chosen { ALPHA / KEPT as f64 } else { ALPHA };
        let spread = t / each / 4.0 + RHO;
        let within = each * (spread * (spread / (alpha * alpha * RHO)).ln()).sqrt();
        // A saturating cast: where even the extremes are no bound, the rank is 0.
        let lowest_rank = (t / 2.0 - within).ceil() as u64;
        let highest_rank = (t / 2.0 + within).floor() as u64 + 1;
        let middle = self.ratios.at_rank(observations.div_ceil(2));
        Some(Estimate {
            ratio: below_infinity(f64::midpoint(middle.0, middle.1)),
            lower: below_infinity(self.ratios.at_rank(lowest_rank).0).filter(|least| *least > 0.0),
            upper: below_infinity(self.ratios.at_rank(highest_rank).1),
            observations,
        })
    }
}

/// The ratio of a logarithm, of −∞ 0.
fn below_infinity(ln: f64) -> Option<f64> {
    (ln < f64::INFINITY).then(|| ln.exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn effect(ln_ratios: impl IntoIterator<Item = f64>) -> Estimate {
        let mut effect = Effect::default();
        ln_ratios.into_iter().for_each(|r| effect.add(r));
        effect.estimate(1.0).unwrap()
    }

    #[test]
    fn narrows_around_the_median_and_says_when_it_knows_nothing() {
        assert_eq!(Effect::default().estimate(1.0), None);
        let spread = |count: u32| effect((0..count).map(|i| f64::from(i) / f64::from(count) - 0.3));
        let few = spread(10);
        assert_eq!((few.lower, few.upper), (None, None));
        assert!((few.ratio.unwrap() - 0.1_f64.exp()).abs() < 0.003, "{few:?}");
        let many = spread(10_000);
        let half = (many.upper.unwrap() / many.lower.unwrap()).ln() / 2.0;
        assert!((0.01..0.03).contains(&half), "{half}");
        assert!((many.ratio.unwrap() - 0.2_f64.exp()).abs() < 0.003, "{many:?}");
    }

    #[test]
    fn a_memory_and_a_chosen_beginning_widen_the_interval() {
        let ratios = || (0..2_000).map(|i| f64::from(i) / 2_000.0 - 0.5);
        let half = |effect: &Effect, each| {
            let estimate = effect.estimate(each).unwrap();
            (estimate.upper.unwrap() / estimate.lower.unwrap()).ln() / 2.0
        };
        let mut effect = Effect::default();
        ratios().for_each(|r| effect.add(r));
        let (alone, each_of_nine) = (half(&effect, 1.0), half(&effect, 9.0));
        // As that of a ninth of them.
        let mut ninth = Effect::default();
        ratios().step_by(9).for_each(|r| ninth.add(r));
        assert!(
            (each_of_nine / half(&ninth, 1.0) - 1.0).abs() < 0.05 && each_of_nine > 2.0 * alone
        );
        let chosen = half(&Effect::since_chosen(ratios()), 1.0);
        assert!((1.2..2.2).contains(&(chosen / alone)), "{alone} {chosen}");
    }

    #[test]
    fn failures_unbind_the_side_they_are_on() {
        let failing = (0..300).map(|i| if i % 2 == 0 { f64::INFINITY } else { 0.0 });
        let estimate = effect(failing);
        assert!(estimate.lower.is_some() && estimate.upper.is_none(), "{estimate:?}");
        assert_eq!(effect([f64::INFINITY]).ratio, None);
    }

    /// A side that is dead is never the other one.
    #[test]
    fn failures_of_either_side_are_told_apart() {
        let worse = effect([f64::INFINITY; 300]);
        assert_eq!((worse.ratio, worse.upper), (None, None));
        assert!(worse.lower.is_some_and(|least| least > 1e9), "{worse:?}");
        let better = effect([f64::NEG_INFINITY; 300]);
        assert_eq!((better.ratio, better.lower), (Some(0.0), None));
        assert!(better.upper.is_some_and(|most| most < 1e-9), "{better:?}");
    }
}
