//! How slow an endpoint used to be.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::by_hour::ByHour;
use super::hours::{DayKinds, HourOfDay};
use super::reference::{REFERENCE_OBSERVATIONS, ReferenceError};
use super::usual::Usual;
use crate::regression::detect::exact::Exact;
use crate::regression::detect::observed::Observed;
use crate::regression::detect::sketch::Sketch;
use crate::regression::detect::tolerance::Tolerance;

/// Percentiles of the tail that are watched, in per cent, so that ranks are exact.
pub(super) const PERCENTILES: [u32; 2] = [90, 99];

/// The whole distribution is known by so many parts that are alike probable.
const PARTS: u32 = 32;

/// Standard errors by which levels are higher than what was found: of the tail, so that a level is
/// above the quantile in 97.7 % of references; of the parts less, because what is tolerated is above what
/// is usual already, and never less than three standard errors.
const TAIL_ERRORS: f64 = 2.0;
const PARTS_ERRORS: f64 = 1.0;
const TOLERATED_ERRORS: f64 = 3.0;

/// Share of observations above a percentile.
pub(super) fn share_above(percentile: u32) -> f64 {
    f64::from(100 - percentile) / 100.0
}

/// Collects a reference: a sketch per hour of the day, in bounded memory.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LatencyReferenceBuilder {
    hours: ByHour<Sketch>,
    #[serde(default)]
    days: DayKinds,
}

/// What an observation of a kind of day is to a reference that is being collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayFit {
    /// Of the same kind as the others, or the first one.
    Same,
    /// Of a weekend, among those of other days: it is not one of them.
    Weekend,
    /// The first one after a weekend: the others are none of its kind.
    AfterWeekend,
}

impl LatencyReferenceBuilder {
    /// Adds one observation.
    pub fn add(&mut self, hour: HourOfDay, observed: Observed) {
        self.hours.of(hour).add(observed.ln());
        self.days.add(hour);
    }

    /// How the day of an observation fits those of the ones that were added.
    #[must_use]
    pub fn day_fit(&self, at: HourOfDay) -> DayFit {
        if self.days.include(at) {
            DayFit::Same
        } else if self.days.only_weekends() {
            DayFit::AfterWeekend
        } else {
            DayFit::Weekend
        }
    }

    /// How many were added.
    #[must_use]
    pub fn observations(&self) -> u64 {
        self.hours.values().map(Sketch::total).sum()
    }

    /// Makes it the reference that [`super::PastDetector`] compares with: what is usual at each hour,
    /// where hours differ beyond chance, and one distribution of what remains, of all hours
    /// together.
    ///
    /// # Errors
    /// Too few observations, or mostly failures.
    pub fn freeze(&self) -> Result<LatencyReference, ReferenceError> {
        let observations = self.observations();
        if observations < REFERENCE_OBSERVATIONS {
            return Err(ReferenceError::TooFew { observations });
        }
        let hours = self.hours.all();
        let usual = Usual::of(&hours);
        let mut rest = Sketch::default();
        for (hour, sketch) in hours.iter().enumerate() {
            rest.merge_shifted(sketch, -usual.of_hour(hour));
        }
        let levels = Levels::of(&rest);
        if levels.ln_median().is_finite() {
            Ok(LatencyReference { usual, levels, observations, days: self.days })
        } else {
            Err(ReferenceError::MostlyFailed)
        }
    }
}

/// A frozen reference: what is usual at each hour, and of what remains how it is
/// distributed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Written")]
pub struct LatencyReference {
    usual: Usual,
    levels: Levels,
    observations: u64,
    days: DayKinds,
}

/// What was written down, by this version or by an earlier one, whose references are of another
/// kind: nothing is bet against those.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Now {
        usual: Usual,
        levels: Levels,
        observations: u64,
        #[serde(default)]
        days: DayKinds,
    },
    Earlier {
        #[serde(rename = "strata")]
        _strata: IgnoredAny,
        observations: u64,
    },
}

impl From<Written> for LatencyReference {
    fn from(written: Written) -> Self {
        match written {
            Written::Now { usual, levels, observations, days } => {
                Self { usual, levels, observations, days }
            }
            Written::Earlier { observations, .. } => {
                let (usual, levels) = (Usual::default(), Levels::of(&Sketch::default()));
                Self { usual, levels, observations, days: DayKinds::default() }
            }
        }
    }
}

impl LatencyReference {
    /// What remains of a latency, as a logarithm, beyond what is usual at a time of the day.
    pub(super) fn rest(&self, at: HourOfDay, ln: f64) -> f64 {
        ln - self.usual.at(at)
    }

    pub(super) fn levels(&self) -> &Levels {
        &self.levels
    }

    /// How many observations it was made from.
    #[must_use]
    pub fn observations(&self) -> u64 {
        self.observations
    }

    /// Whether anything is known of such days: of a weekend nothing is where only other days were seen.
    #[must_use]
    pub fn knows_days_like(&self, at: HourOfDay) -> bool {
        self.days.include(at)
    }

    /// Whether it is of a weekend that is over.
    #[must_use]
    pub fn is_outlived(&self, at: HourOfDay) -> bool {
        self.days.only_weekends() && !self.days.include(at)
    }

    /// Whether hours of the day are known to differ.
    #[must_use]
    pub fn is_by_hour(&self) -> bool {
        self.usual.is_by_hour()
    }
}

/// Logarithms of ratios to what is usual.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Levels {
    median: Exact,
    /// Standard error of the median, were all observations independent.
    error: Exact,
    /// The edges of parts that are alike probable, each high enough to be one despite the reference's
    /// own noise. Empty where nothing is known.
    edges: Vec<Exact>,
    /// Per percentile a level above it, likewise; `None` where there are too few observations for
    /// any.
    upper: [Option<Exact>; PERCENTILES.len()],
}

impl Levels {
    fn of(sketch: &Sketch) -> Self {
        let known = sketch.total() > 0;
        let rank = |i| padded_rank(sketch.total(), i, PARTS, PARTS_ERRORS);
        let edge = |i| Exact(sketch.at_rank(rank(i)).1);
        let edges = (1..PARTS).filter(|_| known).map(edge).collect();
        let upper = PERCENTILES.map(|percentile| {
            let rank = padded_rank(sketch.total(), percentile, 100, TAIL_ERRORS);
            // Beyond the largest observation nothing is known: the maximum is above the 99th
            // percentile of few observations only now and then.
            (rank > 0 && rank <= sketch.total()).then(|| Exact(sketch.at_rank(rank).1))
        });
        let (median, error) = (Exact(sketch.median()), Exact(sketch.error_of_median()));
        Self { median, error, edges, upper }
    }

    /// `ln` of the median, infinite where most failed.
    pub fn ln_median(&self) -> f64 {
        self.median.0
    }

    /// By how much it may be wrong, were all observations independent: a standard error.
    pub fn error(&self) -> f64 {
        self.error.0
    }

    /// By how much, as a logarithm, an observation may be higher before that counts: what is tolerated,
    /// but not less than what the reference may be wrong by, where so many observations say as much
    /// as one that is independent.
    pub fn cushion(&self, tolerance: Tolerance, per_independent_one: f64) -> f64 {
        tolerance.ln().max(TOLERATED_ERRORS * self.error.0 * per_independent_one.sqrt())
    }

    /// How high an observation that is less by a `cushion` stands among those of the reference,
    /// from −1, the lowest, to 1, evenly; `None` where nothing is known. Those of the reference have a
    /// mean of 0 or less.
    #[allow(clippy::cast_precision_loss)] // at most PARTS
    pub fn standing(&self, rest: f64, cushion: f64) -> Option<f64> {
        let parts = self.edges.len() + 1;
        let below = self.edges.partition_point(|edge| edge.0 + cushion < rest);
        (parts > 1).then(|| (2 * below + 1) as f64 / parts as f64 - 1.0)
    }

    /// Which levels an observation exceeds by more than is tolerated; `None` where there is none.
    pub fn exceeded(&self, rest: f64, tolerance: Tolerance) -> [Option<bool>; PERCENTILES.len()] {
        self.upper.map(|level| level.map(|level| rest > level.0 + tolerance.ln()))
    }
}

/// `⌈Rp + z√(Rp(1−p))⌉`, p in `parts`, z standard errors: with 2 of them an order statistic of this rank
/// is above the quantile in 97.7 % of references.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn padded_rank(observations: u64, quantile: u32, parts: u32, errors: f64) -> u64 {
    // In parts and their squares, so that whole ranks are not rounded up by 1e-16.
    let (r, above) = (observations as f64, f64::from(parts - quantile));
    let (below, parts) = (f64::from(quantile), f64::from(parts));
    ((r * below + errors * (r * below * above).sqrt()) / parts).ceil() as u64
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
        let ranks = [50, 90, 99].map(|p| padded_rank(100, p, 100, 2.0));
        assert_eq!(ranks, [60, 96, 101]);
        assert_eq!((padded_rank(400, 99, 100, 2.0), padded_rank(100, 16, 32, 1.0)), (400, 55));
    }

    #[test]
    fn every_hour_is_held_against_what_is_usual_then() {
        let whole = builder(|i| 1.0 + f64::from(i * 7 % 50) / 50.0, 24 * 60).freeze().unwrap();
        assert!(!whole.is_by_hour());
        // Doubled in the first eight hours of the day.
        let noise = |i: u32| f64::from(i * 7 % 50) / 500.0;
        let swinging = builder(|i| (1.0 + noise(i)) * if i < 480 { 2.0 } else { 1.0 }, 1440);
        let by_hour = swinging.freeze().unwrap();
        assert!(by_hour.is_by_hour());
        let exceeded = |hour: i64, seconds: f64| {
            let rest = by_hour.rest(HourOfDay::of_unix_seconds(hour * 3600), seconds.ln());
            by_hour.levels().exceeded(rest, Tolerance::TTFT)
        };
        assert_eq!(exceeded(4, 2.05), [Some(false); 2]);
        // The highest percentile is known of all hours together.
        assert_eq!(exceeded(14, 2.05), [Some(true); 2]);
    }

    #[test]
    fn what_is_usual_stands_in_the_middle_or_lower() {
        let noise = |i: u32| f64::from(i * 7919 % 2000) / 2000.0;
        let reference = builder(|i| 1.0 + noise(i), 2000).freeze().unwrap();
        let of = |seconds: f64| reference.levels().standing(seconds.ln(), 0.0).unwrap();
        let mean = (0..2000).map(|i| of(1.0 + noise(i))).sum::<f64>() / 2000.0;
        assert!((-0.08..0.0).contains(&mean), "{mean}");
        let (lowest, highest) = (of(0.5), of(3.0));
        assert!((lowest + 31.0 / 32.0).abs() < 1e-12 && (highest - 31.0 / 32.0).abs() < 1e-12);
        assert!(of(1.8) > of(1.2));
    }

    /// What is tolerated is more than the reference's error, unless that is little or observations follow
    /// on each other.
    #[test]
    fn the_cushion_is_never_less_than_three_errors() {
        let noise = |i: u32| f64::from(i * 7919 % 2000) / 2000.0;
        let levels = builder(|i| 1.0 + noise(i), 2000).freeze().unwrap().levels;
        let none = Tolerance::new(0.0).unwrap();
        let error = levels.error();
        assert!((0.003..0.03).contains(&error), "{error}");
        assert!((levels.cushion(none, 1.0) - 3.0 * error).abs() < 1e-12);
        assert!((levels.cushion(none, 4.0) - 6.0 * error).abs() < 1e-12);
        assert!((levels.cushion(Tolerance::TTFT, 1.0) - 1.1_f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn days_of_another_kind_are_told_apart() {
        let working = builder(|i| 1.0 + f64::from(i % 50), 600); // the epoch was a Thursday
        let at = |day: i64| HourOfDay::of_unix_seconds(day * 86_400);
        assert_eq!(
            (working.day_fit(at(1)), working.day_fit(at(2))),
            (DayFit::Same, DayFit::Weekend)
        );
        let reference = working.freeze().unwrap();
        assert!(reference.knows_days_like(at(4)) && !reference.knows_days_like(at(3)));
        assert!(!reference.is_outlived(at(3)));
        let mut weekend = LatencyReferenceBuilder::default();
        assert_eq!(weekend.day_fit(at(2)), DayFit::Same);
        (0..600).for_each(|_| weekend.add(at(2), Observed::Finite(1.0)));
        assert_eq!(weekend.day_fit(at(4)), DayFit::AfterWeekend);
        let reference = weekend.freeze().unwrap();
        assert!(reference.is_outlived(at(4)) && !reference.is_outlived(at(3)));
        // Of an earlier version nothing is known about that.
        let mut written = serde_json::to_value(&reference).unwrap();
        assert!(written.as_object_mut().unwrap().remove("days").is_some());
        let earlier: LatencyReference = serde_json::from_value(written).unwrap();
        assert!(earlier.knows_days_like(at(4)) && earlier.knows_days_like(at(3)));
    }

    #[test]
    fn a_reference_needs_observations_and_a_median() {
        assert_eq!(
            builder(|_| 1.0, 499).freeze(),
            Err(ReferenceError::TooFew { observations: 499 })
        );
        let failing = builder(|i| if i % 2 == 0 { 1.0 } else { f64::NAN }, 500);
        assert!(failing.freeze().is_ok());
        let failing = builder(|i| if i % 3 == 0 { 1.0 } else { f64::NAN }, 500);
        assert_eq!(failing.freeze(), Err(ReferenceError::MostlyFailed));
    }

    #[test]
    fn against_one_of_an_earlier_version_nothing_is_bet() {
        let earlier = r#"{"strata": {"whole": {"median": "1e0", "upper": []}, "parts": []}, "observations": 5760}"#;
        let reference: LatencyReference = serde_json::from_str(earlier).unwrap();
        assert_eq!(reference.observations(), 5760);
        assert_eq!(reference.levels().exceeded(9.0, Tolerance::TTFT), [None; 2]);
        assert_eq!(reference.levels().standing(9.0, 0.1), None);
    }
}
