//! How often a verdict may be wrong.

use serde::{Deserialize, Serialize};

use super::exact::Exact;

/// The probability that a verdict is ever wrong, between 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Exact", into = "Exact")]
pub struct Alpha(f64);

impl Alpha {
    /// One in a hundred.
    pub const DEFAULT: Self = Self(0.01);

    /// `None` unless between 0 and 1, both excluded.
    #[must_use]
    pub fn new(alpha: f64) -> Option<Self> {
        (alpha > 0.0 && alpha < 1.0).then_some(Self(alpha))
    }

    /// `ln(1/α)`: the evidence needed.
    pub(super) fn ln_needed(self) -> f64 {
        -self.0.ln()
    }

    /// Decimal logarithm of the evidence a verdict needs.
    #[must_use]
    pub fn log10_needed(self) -> f64 {
        -self.0.log10()
    }
}

impl TryFrom<Exact> for Alpha {
    type Error = &'static str;

    fn try_from(alpha: Exact) -> Result<Self, Self::Error> {
        Self::new(alpha.0).ok_or("expected a probability between 0 and 1")
    }
}

impl From<Alpha> for Exact {
    fn from(alpha: Alpha) -> Self {
        Self(alpha.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_a_probability() {
        assert_eq!(Alpha::new(0.01), Some(Alpha::DEFAULT));
        assert!((Alpha::DEFAULT.log10_needed() - 2.0).abs() < 1e-12);
        for alpha in [0.0, 1.0, -0.1, f64::NAN] {
            assert_eq!(Alpha::new(alpha), None);
        }
    }
}
