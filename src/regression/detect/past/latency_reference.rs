//! How slow an endpoint used to be.

use serde::{Deserialize, Serialize};

use super::by_hour::ByHour;
use super::hours::{HourOfDay, Strata};
use super::reference::{REFERENCE_OBSERVATIONS, ReferenceError};
use crate::regression::detect::exact::Exact;
use crate::regression::detect::observed::Observed;
use crate::regression::detect::sketch::Sketch;
use crate::regression::detect::tolerance::Tolerance;

/// Percentiles watched, in per cent, so that ranks are exact.
pub(super) const PERCENTILES: [u32; 3] = [50, 90, 99];

/// Share of observations above a percentile.
pub(super) fn share_above(percentile: u32) -> f64 {
    f64::from(100 - percentile) / 100.0
}

/// Collects a reference: a sketch per hour of the day, in bounded memory.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LatencyReferenceBuilder {
    hours: ByHour<Sketch>,
}

impl LatencyReferenceBuilder {
    /// Adds one observation.
    pub fn add(&mut self, hour: HourOfDay, observed: Observed) {
        self.hours.of(hour).add(observed.ln());
    }

    /// How many were added.
    #[must_use]
    pub fn observations(&self) -> u64 {
        self.hours.values().map(Sketch::total).sum()
    }

    /// Makes it the reference that [`super::PastDetector`] compares with. The tolerance decides
    /// whether load swings enough to matter.
    ///
    /// # Errors
    /// Too few observations, or mostly failures.
    pub fn freeze(&self, tolerance: Tolerance) -> Result<LatencyReference, ReferenceError> {
        let observations = self.observations();
        if observations < REFERENCE_OBSERVATIONS {
            return Err(ReferenceError::TooFew { observations });
        }
        let reference = LatencyReference {
            strata: Strata::divide(
                &std::array::from_fn(|hour| self.hours.get(hour).map_or(0, Sketch::total)),
                |part| Levels::of(&self.merged(part)),
                |whole, part| whole.is_exceeded_by(&self.merged(part), tolerance),
            ),
            observations,
        };
        if reference.strata.whole().median.0.is_finite() {
            Ok(reference)
        } else {
            Err(ReferenceError::MostlyFailed)
        }
    }

    fn merged(&self, part: &[usize]) -> Sketch {
        let mut merged = Sketch::default();
        for hour in part.iter().filter_map(|hour| self.hours.get(*hour)) {
            merged.merge(hour);
        }
        merged
    }
}

/// A frozen reference: per stratum of the day its median and three upper levels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LatencyReference {
    strata: Strata<Levels>,
    observations: u64,
}

impl LatencyReference {
    pub(super) fn at(&self, hour: HourOfDay) -> &Levels {
        self.strata.at(hour)
    }

    /// How many observations it was made from.
    #[must_use]
    pub fn observations(&self) -> u64 {
        self.observations
    }

    /// Into how many parts of equal length the day is divided; 1 where load does not swing, or
    /// where there are too few observations to tell.
    #[must_use]
    pub fn strata(&self) -> usize {
        self.strata.count()
    }
}

/// Logarithms of seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Levels {
    median: Exact,
    /// Per percentile a level above it, high enough to be one despite the reference's own noise;
    /// `None` where there are too few observations for any.
    upper: [Option<Exact>; PERCENTILES.len()],
}

impl Levels {
    fn of(sketch: &Sketch) -> Self {
        let upper = PERCENTILES.map(|percentile| {
            let rank = padded_rank(sketch.total(), percentile);
            // Beyond the largest observation nothing is known: the maximum is above the 99th
            // percentile of few observations only now and then.
            (rank <= sketch.total()).then(|| Exact(sketch.at_rank(rank).1))
        });
        let median = sketch.at_rank(sketch.total().div_ceil(2));
        Self { median: Exact(f64::midpoint(median.0, median.1)), upper }
    }

    /// `ln` of the median, infinite where most failed.
    pub fn ln_median(&self) -> f64 {
        self.median.0
    }

    /// Which levels an observation exceeds by more than is tolerated; `None` where there is none.
    pub fn exceeded(&self, ln: f64, tolerance: Tolerance) -> [Option<bool>; PERCENTILES.len()] {
        self.upper.map(|level| level.map(|level| ln > level.0 + tolerance.ln()))
    }

    /// Whether in some part of the day more observations exceed the level of half, or of nine
    /// tenths, than may: then bets against it would not be fair there.
    fn is_exceeded_by(&self, part: &Sketch, tolerance: Tolerance) -> bool {
        #[allow(clippy::cast_precision_loss)] // far below 2^53
        let total = part.total() as f64;
        PERCENTILES.iter().zip(&self.upper).take(2).any(|(percentile, level)| {
            #[allow(clippy::cast_precision_loss)]
            level.is_some_and(|level| {
                let above = part.at_most_above(level.0 + tolerance.ln()) as f64;
                above > share_above(*percentile) * total
            })
        })
    }
}

/// `⌈Rp + 2√(Rp(1−p))⌉`: with this rank an order statistic is above the percentile in 97.7 % of
/// references.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn padded_rank(observations: u64, percentile: u32) -> u64 {
    // In hundredths and ten thousandths, so that whole ranks are not rounded up by 1e-16.
    let (r, above) = (observations as f64, f64::from(100 - percentile));
    let below = f64::from(percentile);
    ((r * below + 2.0 * (r * below * above).sqrt()) / 100.0).ceil() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn builder(seconds: impl Fn(u32) -> f64, count: u32) -> LatencyReferenceBuilder {
        let mut builder = LatencyReferenceBuilder::default();
        for i in 0..count {
            let at = i64::from(i) * 86_400 / i64::from(count);
            let observed = Observed::Finite(seconds(i));
            builder.add(HourOfDay::of_unix_seconds(at), observed);
        }
        builder
    }

    #[test]
    fn ranks_are_those_of_the_formula() {
        // ⌈50 + 2·5⌉, ⌈90 + 2·3⌉, ⌈99 + 2·0.995⌉ > 100
        let ranks = PERCENTILES.map(|p| padded_rank(100, p));
        assert_eq!(ranks, [60, 96, 101]);
        assert_eq!(padded_rank(400, 99), 400);
    }

    #[test]
    fn few_observations_have_no_high_percentile() {
        let tolerance = Tolerance::TTFT;
        let reference = builder(|i| 1.0 + f64::from(i % 50) / 50.0, 24 * 60);
        let whole = reference.freeze(tolerance).unwrap();
        assert_eq!(whole.strata(), 1);
        assert!(whole.at(HourOfDay::of_unix_seconds(0)).upper[2].is_some());
        // Doubled at night.
        let swinging =
            builder(|i| if i < 480 { 2.0 } else { 1.0 } + f64::from(i % 50) / 500.0, 1440);
        let divided = swinging.freeze(tolerance).unwrap();
        assert_eq!(divided.strata(), 24);
        let (night, day) = (HourOfDay::of_unix_seconds(0), HourOfDay::of_unix_seconds(43_200));
        assert_eq!(
            divided.at(night).exceeded(2.0_f64.ln(), tolerance),
            [Some(false), Some(false), None]
        );
        assert_eq!(
            divided.at(day).exceeded(2.0_f64.ln(), tolerance),
            [Some(true), Some(true), None]
        );
    }

    #[test]
    fn a_reference_needs_observations_and_a_median() {
        assert_eq!(
            builder(|_| 1.0, 499).freeze(Tolerance::TTFT),
            Err(ReferenceError::TooFew { observations: 499 })
        );
        let failing = builder(|i| if i % 2 == 0 { 1.0 } else { f64::NAN }, 500);
        assert!(failing.freeze(Tolerance::TTFT).is_ok());
        let failing = builder(|i| if i % 3 == 0 { 1.0 } else { f64::NAN }, 500);
        assert_eq!(failing.freeze(Tolerance::TTFT), Err(ReferenceError::MostlyFailed));
    }
}
