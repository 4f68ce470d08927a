//! How much worse is still good.

use serde::{Deserialize, Serialize};

use super::exact::Exact;

/// The share δ by which a latency may grow before it counts: 0.05 for five per cent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Exact", into = "Exact")]
pub struct Tolerance(f64);

impl Tolerance {
    /// For time to first token against its own past.
    pub const TTFT: Self = Self(0.10);
    /// For inter-token latency against its own past.
    pub const ITL: Self = Self(0.05);
    /// For the share of failures against its own past: a tenth of a percentage point.
    pub const FAILURES: Self = Self(0.001);
    /// For the share of missed SLOs against its own past: a percentage point.
    pub const MISSES: Self = Self(0.01);
    /// For pairs.
    pub const PAIRS: Self = Self::ITL;

    /// `None` unless δ is finite and not negative.
    #[must_use]
    pub fn new(delta: f64) -> Option<Self> {
        (delta.is_finite() && delta >= 0.0).then_some(Self(delta))
    }

    /// δ.
    #[must_use]
    pub fn delta(self) -> f64 {
        self.0
    }

    /// `ln(1 + δ)`.
    pub(super) fn ln(self) -> f64 {
        self.0.ln_1p()
    }
}

impl TryFrom<Exact> for Tolerance {
    type Error = &'static str;

    fn try_from(delta: Exact) -> Result<Self, Self::Error> {
        Self::new(delta.0).ok_or("expected a tolerance that is finite and not negative")
    }
}

impl From<Tolerance> for Exact {
    fn from(tolerance: Tolerance) -> Self {
        Self(tolerance.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_growth_can_be_tolerated() {
        assert_eq!(Tolerance::new(0.10), Some(Tolerance::TTFT));
        assert!((Tolerance::TTFT.ln() - 1.1_f64.ln()).abs() < 1e-15);
        for delta in [-0.01, f64::NAN, f64::INFINITY] {
            assert_eq!(Tolerance::new(delta), None);
        }
    }
}
