//! How large scores usually are.

use serde::{Deserialize, Serialize};

use super::exact::Exact;

/// One step towards the median, in logarithms.
const STEP: f64 = 0.02;

/// `ln` of the smallest and the largest scale: neither runs away on constant input.
const LN_BOUND: f64 = 20.0;

/// The running median of |D|, known before the bet it scales. Starts with the first |D|, which is
/// itself not bet on. Failures (infinite) and ties (zero) have no size and teach nothing.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Scale {
    ln: Option<Exact>,
}

impl Scale {
    /// `D/(|D|+s)`: ±1 for infinite D, 0 while there is no scale.
    pub fn share(&self, score: f64) -> f64 {
        if score.is_infinite() {
            return score.signum();
        }
        self.ln.map_or(0.0, |ln| score / (score.abs() + ln.0.exp()))
    }

    /// The median of |D|; `None` before the first one.
    pub fn usual(&self) -> Option<f64> {
        self.ln.map(|ln| ln.0.exp())
    }

    /// Moves towards |D|. Only after the bet: a scale that knew D would be no fair bet.
    pub fn learn(&mut self, score: f64) {
        let size = score.abs();
        if size == 0.0 || size.is_infinite() {
            return;
        }
        let target = size.ln().clamp(-LN_BOUND, LN_BOUND);
        let ln = self.ln.map_or(target, |ln| if target > ln.0 { ln.0 + STEP } else { ln.0 - STEP });
        self.ln = Some(Exact(ln.clamp(-LN_BOUND, LN_BOUND)));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp)] // exact by design

    use super::*;

    #[test]
    fn finds_the_median_and_stays_there() {
        let mut scale = Scale::default();
        assert!(scale.share(3.0).abs() == 0.0 && scale.share(f64::NEG_INFINITY) == -1.0);
        scale.learn(f64::INFINITY);
        scale.learn(0.0);
        assert_eq!(scale, Scale::default());
        for _ in 0..200 {
            for score in [0.01, -0.5, 20.0] {
                scale.learn(score);
            }
        }
        // D = s gives one half.
        assert!((scale.share(0.5) - 0.5).abs() < 0.02, "{}", scale.share(0.5));
        assert!((scale.share(-0.5) + 0.5).abs() < 0.02);
    }

    #[test]
    fn constant_input_does_not_run_away() {
        let mut scale = Scale::default();
        for score in [f64::MAX, f64::MIN_POSITIVE] {
            for _ in 0..10_000 {
                scale.learn(score);
            }
            assert!(scale.share(score).is_finite() && scale.share(0.0).abs() == 0.0);
        }
    }
}
