//! The day in strata: what is usual at noon is not what is usual at night.

use serde::{Deserialize, Serialize};

/// Hours of a day.
pub(super) const HOURS: usize = 24;

/// Fewer observations are no reference for a stratum: the padded rank of the 90th percentile lies
/// within 36, and one hour's observations resemble each other.
const STRATUM_OBSERVATIONS: u64 = 50;

/// Widths into which a day divides, finest first.
const WIDTHS: [usize; 7] = [1, 2, 3, 4, 6, 8, 12];

/// An hour of the UTC day, from 0 to 23, how far into it, and of which kind the day is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HourOfDay {
    hour: usize,
    /// Seconds since it began.
    seconds: u32,
    /// Whether the day is a Saturday or a Sunday.
    weekend: bool,
}

/// The day of the Unix epoch was the fourth of a week.
const FIRST_WEEKDAY: i64 = 3;

/// Which kinds of days there are observations of: load at weekends is not what it is on other days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct DayKinds {
    working: bool,
    weekend: bool,
}

impl DayKinds {
    pub fn add(&mut self, at: HourOfDay) {
        self.working |= !at.weekend;
        self.weekend |= at.weekend;
    }

    /// Whether a day of this kind is among them; of all, where nothing is known.
    pub fn include(self, at: HourOfDay) -> bool {
        self == Self::default() || if at.weekend { self.weekend } else { self.working }
    }

    /// Whether they are all of weekends.
    pub fn only_weekends(self) -> bool {
        self.weekend && !self.working
    }
}

impl HourOfDay {
    /// The hour of a Unix time in seconds.
    #[must_use]
    pub fn of_unix_seconds(seconds: i64) -> Self {
        Self {
            hour: usize::try_from(seconds.div_euclid(3600).rem_euclid(24)).unwrap_or_default(),
            seconds: u32::try_from(seconds.rem_euclid(3600)).unwrap_or_default(),
            weekend: (seconds.div_euclid(86_400) + FIRST_WEEKDAY).rem_euclid(7) >= 5,
        }
    }

    pub(super) fn index(self) -> usize {
        self.hour
    }

    /// How much of it has passed, from 0 to below 1.
    pub(super) fn share(self) -> f64 {
        f64::from(self.seconds) / 3600.0
    }
}

/// A day in strata of equal width, of something of which there is one for the whole day too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Strata<T> {
    whole: T,
    /// Empty where the day is not divided.
    parts: Vec<T>,
}

impl<T> Strata<T> {
    /// Divides the day where its load swings and each part has enough observations, as finely as
    /// that allows; else the day stays whole. `of` makes one from a range of hours.
    pub fn divide(
        counts: &[u64; HOURS],
        of: impl Fn(&[usize]) -> T,
        swings: impl Fn(&T, &[usize]) -> bool,
    ) -> Self {
        let hours: [usize; HOURS] = std::array::from_fn(|hour| hour);
        let whole = of(&hours);
        let enough = |width: &usize| {
            counts.chunks(*width).all(|part| part.iter().sum::<u64>() >= STRATUM_OBSERVATIONS)
        };
        // A part of which some hours were never seen would stand for them too.
        let complete = !counts.contains(&0);
        let parts = WIDTHS
            .into_iter()
            .find(|width| complete && enough(width))
            .filter(|width| hours.chunks(*width).any(|part| swings(&whole, part)))
            .map_or_else(Vec::new, |width| hours.chunks(width).map(of).collect());
        Self { whole, parts }
    }

    /// What counts at an hour.
    pub fn at(&self, hour: HourOfDay) -> &T {
        let part = hour.index() * self.parts.len() / HOURS;
        self.parts.get(part).unwrap_or(&self.whole)
    }

    /// How many parts the day has: 1 if it is whole.
    pub fn count(&self) -> usize {
        self.parts.len().max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn divided(per_hour: u64, swings: bool) -> Strata<Vec<usize>> {
        Strata::divide(&[per_hour; HOURS], <[usize]>::to_vec, |_, _| swings)
    }

    #[test]
    fn as_fine_as_the_observations_allow_and_only_where_load_swings() {
        for (per_hour, parts) in [(240, 24), (50, 24), (49, 12), (13, 6), (5, 2), (4, 1), (0, 1)] {
            assert_eq!(divided(per_hour, true).count(), parts, "{per_hour}");
        }
        assert_eq!(divided(240, false).count(), 1);
    }

    #[test]
    fn a_day_not_seen_whole_stays_whole() {
        let counts = std::array::from_fn(|hour| if hour == 7 { 0 } else { 1000 });
        assert_eq!(Strata::divide(&counts, <[usize]>::to_vec, |_, _| true).count(), 1);
    }

    #[test]
    fn every_hour_finds_its_part() {
        for per_hour in [240, 49, 13, 4] {
            let strata = divided(per_hour, true);
            for hour in 0..HOURS {
                assert!(
                    strata.at(HourOfDay { hour, seconds: 0, weekend: false }).contains(&hour),
                    "{per_hour} {hour}"
                );
            }
        }
    }

    #[test]
    fn weekends_are_days_of_another_kind() {
        // The epoch was a Thursday.
        let at = |day: i64| HourOfDay::of_unix_seconds(day * 86_400 + 40_000);
        let weekend: Vec<_> = (-1..9).map(|day| at(day).weekend).collect();
        let expect = [false, false, false, true, true, false, false, false, false, false];
        assert_eq!(weekend, expect);
        let mut seen = DayKinds::default();
        assert!(seen.include(at(1)) && seen.include(at(2)) && !seen.only_weekends());
        seen.add(at(2));
        assert!(!seen.include(at(1)) && seen.include(at(3)) && seen.only_weekends());
        seen.add(at(4));
        assert!(seen.include(at(1)) && seen.include(at(2)) && !seen.only_weekends());
    }

    #[test]
    fn hours_before_the_epoch_count_too() {
        assert_eq!(HourOfDay::of_unix_seconds(3599).index(), 0);
        assert_eq!(HourOfDay::of_unix_seconds(-1).index(), 23);
        assert_eq!(HourOfDay::of_unix_seconds(i64::MAX).index(), 15);
    }
}
