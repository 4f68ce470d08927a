//! What one probe, or one round of two, brings.

use std::time::Duration;

use super::tolerance::Tolerance;

/// Clocks resolve no less, and no probe lasts longer: times beyond count as the bound.
const SECONDS: (f64, f64) = (1e-9, 1e9);

/// One latency, or that none was had.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Observed {
    /// Seconds, positive. Below 1 ns counts as 1 ns, above 10⁹ s as 10⁹ s; what is no number was
    /// not observed and counts as failed.
    Finite(f64),
    /// The probe failed: an infinite latency.
    Failed,
}

impl Observed {
    /// `ln` of the seconds, +∞ if failed. Never NaN, never −∞.
    pub(super) fn ln(self) -> f64 {
        match self {
            Self::Finite(seconds) if !seconds.is_nan() => seconds.clamp(SECONDS.0, SECONDS.1).ln(),
            _ => f64::INFINITY,
        }
    }
}

impl From<Duration> for Observed {
    fn from(duration: Duration) -> Self {
        Self::Finite(duration.as_secs_f64())
    }
}

impl From<Option<Duration>> for Observed {
    fn from(duration: Option<Duration>) -> Self {
        duration.map_or(Self::Failed, Self::from)
    }
}

/// The same prompt, sent to both at the same instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// The stack in use.
    pub baseline: Observed,
    /// The one that may replace it.
    pub candidate: Observed,
}

impl Pair {
    /// Whether neither side failed.
    #[must_use]
    pub fn is_whole(self) -> bool {
        self.baseline.ln().is_finite() && self.candidate.ln().is_finite()
    }

    /// `ln(candidate / baseline)`: +∞ where only the candidate failed, −∞ where only the baseline
    /// did, `None` where both did: that says nothing about either.
    pub(super) fn ln_ratio(self) -> Option<f64> {
        let (baseline, candidate) = (self.baseline.ln(), self.candidate.ln());
        (baseline.is_finite() || candidate.is_finite()).then_some(candidate - baseline)
    }

    /// How far the candidate is beyond what is tolerated: `ln(C/B) − ln(1+δ)`; 0 if both failed.
    pub(super) fn score(self, tolerance: Tolerance) -> f64 {
        self.ln_ratio().map_or(0.0, |ln_ratio| ln_ratio - tolerance.ln())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp)] // exact by design

    use super::*;

    #[test]
    fn scores_of_failures_and_extremes() {
        let tolerance = Tolerance::new(0.05).unwrap();
        let score = |baseline, candidate| Pair { baseline, candidate }.score(tolerance);
        let finite = Observed::Finite;
        assert_eq!(score(finite(1.0), Observed::Failed), f64::INFINITY);
        assert_eq!(score(Observed::Failed, finite(1.0)), f64::NEG_INFINITY);
        assert!(score(Observed::Failed, Observed::Failed).abs() == 0.0);
        assert!((score(finite(0.2), finite(0.21))).abs() < 1e-12);
        for extreme in [0.0, -1.0, f64::MIN_POSITIVE / 4.0, f64::MAX, f64::INFINITY] {
            assert!(score(finite(extreme), finite(1.0)).is_finite(), "{extreme}");
        }
        assert_eq!(score(finite(1.0), finite(f64::NAN)), f64::INFINITY);
        assert_eq!(Observed::from(Some(Duration::from_millis(5))), finite(0.005));
        assert_eq!(Observed::from(None::<Duration>), Observed::Failed);
    }
}
