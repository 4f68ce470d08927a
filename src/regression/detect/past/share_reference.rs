//! How often an endpoint used to fail, or to miss the SLO.

use serde::{Deserialize, Serialize};

use super::by_hour::ByHour;
use super::hours::{HourOfDay, Strata};
use super::reference::{REFERENCE_OBSERVATIONS, ReferenceError};
use crate::regression::detect::exact::Exact;

/// Standard deviations by which a share's upper bound is padded, as for latencies.
const Z: f64 = 2.0;

/// Standard deviations by which a part of the day differs beyond chance.
const BEYOND_CHANCE: f64 = 3.5;

/// How many of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Count {
    bad: u64,
    total: u64,
}

impl Count {
    /// Upper end of Wilson's interval: never 0, 1 without observations.
    #[allow(clippy::cast_precision_loss)] // far below 2^53
    fn upper(self) -> f64 {
        if self.total == 0 {
            return 1.0;
        }
        let (n, z2) = (self.total as f64, Z * Z);
        let share = self.bad as f64 / n;
        let spread = (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
        ((share + z2 / (2.0 * n) + Z * spread) / (1.0 + z2 / n)).min(1.0)
    }

    /// Whether more are bad than a share that is right explains, in one of 24 hours of a hundred
    /// references.
    fn exceeds(self, share: f64) -> bool {
        #[allow(clippy::cast_precision_loss)]
        let (bad, total) = (self.bad as f64, self.total as f64);
        let expected = share * total;
        bad > expected + BEYOND_CHANCE * (expected * (1.0 - share)).max(1.0).sqrt()
    }
}

/// Collects a reference: two counts per hour of the day.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ShareReferenceBuilder {
    hours: ByHour<Count>,
}

impl ShareReferenceBuilder {
    /// Adds one observation; `bad` if the probe failed, or missed the SLO.
    pub fn add(&mut self, hour: HourOfDay, bad: bool) {
        let count = self.hours.of(hour);
        count.bad += u64::from(bad);
        count.total += 1;
    }

    /// How many were added.
    #[must_use]
    pub fn observations(&self) -> u64 {
        self.hours.values().map(|count| count.total).sum()
    }

    /// Makes it the reference that [`super::ShareDetector`] compares with. `margin` is a share of
    /// all probes by which the bad ones may grow: 0.005 for half a percentage point.
    ///
    /// # Errors
    /// Too few observations.
    pub fn freeze(&self, margin: f64) -> Result<ShareReference, ReferenceError> {
        let observations = self.observations();
        if observations < REFERENCE_OBSERVATIONS {
            return Err(ReferenceError::TooFew { observations });
        }
        let margin = margin.max(0.0);
        let strata = Strata::divide(
            &std::array::from_fn(|hour| self.of(hour).total),
            |part| Exact((self.sum(part).upper() + margin).min(1.0)),
            |whole, part| self.sum(part).exceeds(whole.0),
        );
        Ok(ShareReference { strata, observations })
    }

    fn of(&self, hour: usize) -> Count {
        self.hours.get(hour).copied().unwrap_or_default()
    }

    fn sum(&self, part: &[usize]) -> Count {
        part.iter().map(|hour| self.of(*hour)).fold(Count::default(), |sum, count| Count {
            bad: sum.bad + count.bad,
            total: sum.total + count.total,
        })
    }
}

/// A frozen reference: per stratum of the day the most that is usual.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShareReference {
    strata: Strata<Exact>,
    observations: u64,
}

impl ShareReference {
    /// The share of bad probes that is still usual at an hour.
    #[must_use]
    pub fn usual(&self, hour: HourOfDay) -> f64 {
        self.strata.at(hour).0
    }

    /// How many observations it was made from.
    #[must_use]
    pub fn observations(&self) -> u64 {
        self.observations
    }

    /// Into how many parts of equal length the day is divided.
    #[must_use]
    pub fn strata(&self) -> usize {
        self.strata.count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upper_bounds_are_wilsons() {
        assert!((Count { bad: 0, total: 500 }.upper() - 4.0 / 504.0).abs() < 1e-12);
        assert!((Count { bad: 50, total: 100 }.upper() - 0.598_06).abs() < 1e-4);
        assert!((Count { bad: 100, total: 100 }.upper() - 1.0).abs() < 1e-12);
        assert!((Count::default().upper() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn hours_count_apart_where_they_differ() {
        let mut reference = ShareReferenceBuilder::default();
        let hour = |h: i64| HourOfDay::of_unix_seconds(h * 3600);
        for i in 0..2400 {
            // One in five at noon, else none.
            reference.add(hour(i % 24), i % 24 == 12 && i % 5 == 0);
        }
        let divided = reference.freeze(0.005).unwrap();
        assert_eq!(divided.strata(), 24);
        assert!(divided.usual(hour(12)) > 0.2 && divided.usual(hour(3)) < 0.05);
        assert_eq!(
            ShareReferenceBuilder::default().freeze(0.0),
            Err(ReferenceError::TooFew { observations: 0 })
        );
    }
}
