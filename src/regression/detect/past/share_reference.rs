//! How often an endpoint used to fail, or to miss the SLO.

use serde::{Deserialize, Serialize};

use super::by_hour::ByHour;
use super::hours::{HOURS, HourOfDay, Strata};
use super::reference::{REFERENCE_OBSERVATIONS, ReferenceError};
use crate::regression::detect::exact::Exact;

/// Standard deviations by which a share's upper bound is padded. A share that is higher than its bound by
/// a little is bet on for months before it is an alarm.
const Z: f64 = 1.5;

/// Standard deviations by which the hours around one are worse than the day. An hour or two of most days
/// are so by chance, and that costs little: an alarm takes longer in those, and in no other ones.
const BEYOND_CHANCE: f64 = 2.0;

/// How many hours before and after one are asked: what lasts for three hours a day, and what
/// rises and falls with the load.
const AROUND: [usize; 2] = [1, 3];

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

    /// Whether clearly more are bad than so many of all.
    fn exceeds(self, all: Self) -> bool {
        #[allow(clippy::cast_precision_loss)]
        let [bad, total, of_all, all] =
            [self.bad, self.total, all.bad, all.total.max(1)].map(|n| n as f64);
        let expected = total * of_all / all;
        bad > expected + BEYOND_CHANCE * expected.max(1.0).sqrt()
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
        let bound = |count: Count| (count.upper() + margin.max(0.0)).min(1.0);
        let all = self.sum(0..HOURS);
        let whole = bound(all);
        // Hours that are better than the day are held against the day: of few bad ones little is known.
        let of_hour = |hour: usize| {
            let around = AROUND.map(|more| self.sum(HOURS + hour - more..=HOURS + hour + more));
            let worse = around.into_iter().filter(|around| around.exceeds(all));
            Exact(worse.map(bound).fold(whole, f64::max))
        };
        let strata = Strata::by_hour(Exact(whole), of_hour);
        Ok(ShareReference { strata, observations })
    }

    /// Of these hours, which may be those of the next day.
    fn sum(&self, hours: impl Iterator<Item = usize>) -> Count {
        let known = hours.filter_map(|hour| self.hours.get(hour % HOURS));
        known.fold(Count::default(), |sum, count| Count {
            bad: sum.bad + count.bad,
            total: sum.total + count.total,
        })
    }
}

/// A frozen reference: the most that is usual, at hours that are worse than the day by themselves.
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

    /// Whether some hours are worse than the others.
    #[must_use]
    pub fn is_by_hour(&self) -> bool {
        self.strata.are_several()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upper_bounds_are_wilsons() {
        assert!((Count { bad: 0, total: 500 }.upper() - 2.25 / 502.25).abs() < 1e-12);
        assert!((Count { bad: 50, total: 100 }.upper() - 0.574_17).abs() < 1e-4);
        assert!((Count { bad: 100, total: 100 }.upper() - 1.0).abs() < 1e-12);
        assert!((Count::default().upper() - 1.0).abs() < 1e-12);
    }

    fn hour(hour: i64) -> HourOfDay {
        HourOfDay::of_unix_seconds(hour * 3600)
    }

    /// A day of 240 probes an hour, of which this share is bad.
    fn day(bad: impl Fn(i64) -> f64) -> ShareReference {
        let mut reference = ShareReferenceBuilder::default();
        let mut owed = 0.0;
        for i in 0..5760_i64 {
            owed += bad(i / 240);
            let due = owed >= 1.0;
            owed -= f64::from(u8::from(due));
            reference.add(hour(i / 240), due);
        }
        reference.freeze(0.001).unwrap()
    }

    #[test]
    fn hours_that_are_worse_are_held_against_themselves() {
        let flat = day(|_| 0.01);
        assert!(!flat.is_by_hour());
        // None in a hundred at night, two at noon.
        #[allow(clippy::cast_precision_loss)]
        let swing = day(|h| 0.01 * (1.0 - (std::f64::consts::TAU * h as f64 / 24.0).cos()));
        assert!(swing.is_by_hour());
        assert!(swing.usual(hour(12)) > 0.02 && swing.usual(hour(12)) < 0.032);
        assert!((swing.usual(hour(0)) - flat.usual(hour(0))).abs() < 2e-3, "as all of them");
        // Three hours a day, across midnight.
        let short = day(|h| if (h + 1) % 24 < 3 { 0.02 } else { 0.0 });
        assert!([23, 0, 1].iter().all(|h| short.usual(hour(*h)) > 0.014), "{short:?}");
        assert!(short.usual(hour(12)) < 0.006, "{short:?}");
    }

    #[test]
    fn hours_that_were_never_seen_are_as_the_others() {
        let mut reference = ShareReferenceBuilder::default();
        (0..600).for_each(|i| reference.add(hour(7), i % 100 == 0));
        let reference = reference.freeze(0.001).unwrap();
        assert!(!reference.is_by_hour() && reference.usual(hour(20)) < 0.025);
        assert_eq!(
            ShareReferenceBuilder::default().freeze(0.0),
            Err(ReferenceError::TooFew { observations: 0 })
        );
    }
}
