//! What is usual at each hour of the day.

use serde::{Deserialize, Serialize};

use super::hours::{HOURS, HourOfDay};
use crate::regression::detect::exact::Exact;
use crate::regression::detect::sketch::Sketch;

/// An hour differs from the day where its median does by so many standard errors: of 24 hours that
/// are alike one does in a reference of a hundred.
const BEYOND_CHANCE: f64 = 3.5;

/// With fewer observations an hour has no median to speak of.
const LEAST: u64 = 12;

/// With fewer observations in some hour, more hours beside it are asked.
const MANY: u64 = 120;

/// Weights of the hours around one, from two before to two after.
const FEW_WEIGHTS: [f64; 5] = [1.0, 2.0, 3.0, 2.0, 1.0];
const MANY_WEIGHTS: [f64; 5] = [0.0, 1.0, 2.0, 1.0, 0.0];

/// Logarithms of the medians of the hours, smoothed; in between a straight line. Empty where hours do
/// not differ beyond chance: then 0 at every time.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Usual(Vec<Exact>);

impl Usual {
    /// Of the hours of a day of which each has been seen; else flat.
    pub fn of(hours: &[Sketch; HOURS]) -> Self {
        let least = hours.iter().map(Sketch::total).min().unwrap_or(0);
        let medians: Vec<f64> = hours.iter().map(Sketch::median).collect();
        if least < LEAST || medians.iter().any(|median| !median.is_finite()) {
            return Self::default();
        }
        let mut whole = Sketch::default();
        for hour in hours {
            whole.merge(hour);
        }
        let differs = |(hour, median): (&Sketch, &f64)| {
            (median - whole.median()).abs() > BEYOND_CHANCE * hour.error_of_median()
        };
        if !hours.iter().zip(&medians).any(differs) {
            return Self::default();
        }
        let weights = if least < MANY { FEW_WEIGHTS } else { MANY_WEIGHTS };
        let smoothed = |hour: usize| {
            let around = (0..weights.len()).map(|i| medians[(hour + HOURS + i - 2) % HOURS]);
            let sum: f64 = around.zip(weights).map(|(median, weight)| median * weight).sum();
            Exact(sum / weights.iter().sum::<f64>())
        };
        Self((0..HOURS).map(smoothed).collect())
    }

    /// That of a whole hour.
    pub fn of_hour(&self, hour: usize) -> f64 {
        self.0.get(hour % HOURS).map_or(0.0, |ln| ln.0)
    }

    /// That of a time of the day: between the middles of two hours on a straight line.
    pub fn at(&self, time: HourOfDay) -> f64 {
        if self.0.is_empty() {
            return 0.0;
        }
        let (hour, share) = (time.index(), time.share());
        let (from, to, share) = if share < 0.5 {
            (hour + HOURS - 1, hour, share + 0.5)
        } else {
            (hour, hour + 1, share - 0.5)
        };
        let (from, to) = (self.of_hour(from), self.of_hour(to));
        share.mul_add(to - from, from)
    }

    /// Whether hours differ.
    pub fn is_by_hour(&self) -> bool {
        !self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn hours(seed: u64, per_hour: usize, swing: f64) -> [Sketch; HOURS] {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut hours: [Sketch; HOURS] = std::array::from_fn(|_| Sketch::default());
        for (hour, sketch) in hours.iter_mut().enumerate() {
            for i in 0..per_hour {
                #[allow(clippy::cast_precision_loss)]
                let at = (hour as f64 + (i as f64 + 0.5) / per_hour as f64) / 24.0;
                let noise: f64 = (0..4).map(|_| rng.random::<f64>() - 0.5).sum();
                sketch.add(swing * (std::f64::consts::TAU * at).sin() + 0.43 * noise);
            }
        }
        hours
    }

    /// Thirteen in a thousand may.
    #[test]
    fn hours_that_are_alike_are_seldom_told_apart() {
        let apart = (0..60).filter(|seed| Usual::of(&hours(*seed, 60, 0.0)).is_by_hour()).count();
        assert!(apart <= 3, "{apart}");
    }

    #[test]
    fn a_swing_is_followed_within_the_hour() {
        for (per_hour, most) in [(60, 0.09), (240, 0.05)] {
            let usual = Usual::of(&hours(7, per_hour, 0.5));
            assert!(usual.is_by_hour());
            for minute in 0..1440_i64 {
                #[allow(clippy::cast_precision_loss)]
                let expect = 0.5 * (std::f64::consts::TAU * minute as f64 / 1440.0).sin();
                let found = usual.at(HourOfDay::of_unix_seconds(minute * 60));
                assert!((found - expect).abs() < most, "{per_hour} {minute}: {found} {expect}");
            }
        }
    }

    #[test]
    fn a_day_not_seen_whole_stays_whole() {
        let mut hours = hours(3, 60, 0.5);
        hours[7] = Sketch::default();
        assert!(!Usual::of(&hours).is_by_hour());
        hours[7].add(f64::INFINITY);
        assert!(!Usual::of(&hours).is_by_hour());
    }
}
