//! How much a figure changed, and how much of that sampling alone may have done.

use serde::Serialize;

use super::estimate::Estimate;

/// A relative change: 0.2 is a fifth more.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Change {
    /// As observed.
    pub value: f64,
    /// Lower end of its interval.
    pub low: f64,
    /// Upper end of its interval; absent where it has none.
    pub high: Option<f64>,
    /// The lower of the two figures' confidences, 0.9 where there were enough samples.
    pub confidence: f64,
}

/// From a baseline to a candidate; `None` where either is zero.
///
/// The interval of the ratio is recovered from those of its two sides, in logarithms (the method
/// of Zou and Donner, Statistics in Medicine 27, 2008): it asks for no distribution, and is
/// narrower than the worst of both sides at once.
#[must_use]
pub fn between(baseline: &Estimate, candidate: &Estimate) -> Option<Change> {
    if baseline.value <= 0.0 || candidate.value <= 0.0 {
        return None;
    }
    let down = |e: &Estimate| (e.value / e.low).ln();
    let up = |e: &Estimate| (e.high / e.value).ln();
    let log = (candidate.value / baseline.value).ln();
    let low = log - down(candidate).hypot(up(baseline));
    let high = log + up(candidate).hypot(down(baseline));
    Some(Change {
        value: candidate.value / baseline.value - 1.0,
        low: low.exp_m1(),
        high: Some(high.exp_m1()).filter(|high| high.is_finite()),
        confidence: baseline.confidence.min(candidate.confidence),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(value: f64, low: f64, high: f64) -> Estimate {
        Estimate { value, samples: 200, low, high, confidence: 0.9 }
    }

    #[test]
    fn a_change_has_the_uncertainty_of_both_sides() {
        let baseline = estimate(1.0, 1.0, 1.0);
        let sure = between(&baseline, &estimate(1.2, 1.2, 1.2)).unwrap();
        assert!((sure.value - 0.2).abs() < 1e-12 && (sure.low - 0.2).abs() < 1e-12, "{sure:?}");
        // One side unsure: its own interval. Both: as of two legs at a right angle.
        let one = between(&baseline, &estimate(1.2, 1.1, 1.3)).unwrap();
        assert!((one.low - 0.1).abs() < 1e-12 && (one.high.unwrap() - 0.3).abs() < 1e-12);
        let tenth = 0.1_f64.exp();
        let both = estimate(1.0, 1.0 / tenth, tenth);
        let found = between(&both, &both).unwrap();
        let expect = (0.1 * 2.0_f64.sqrt()).exp();
        assert!((found.high.unwrap() - (expect - 1.0)).abs() < 1e-12, "{found:?}");
        assert!((found.low - (1.0 / expect - 1.0)).abs() < 1e-12, "{found:?}");
    }

    #[test]
    fn what_may_be_nothing_has_no_upper_bound() {
        let found = between(&estimate(1.0, 0.0, 2.0), &estimate(1.0, 1.0, 1.0)).unwrap();
        assert_eq!((found.value, found.high), (0.0, None));
        assert_eq!(between(&estimate(0.0, 0.0, 0.0), &estimate(1.0, 1.0, 1.0)), None);
    }
}
