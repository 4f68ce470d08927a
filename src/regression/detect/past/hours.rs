//! The day in strata: what is usual at noon is not what is usual at night.

use serde::{Deserialize, Serialize};

/// Hours of a day.
pub(super) const HOURS: usize = 24;

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

impl<T: PartialEq> Strata<T> {
    /// Those of the hours; the day stays whole where they are all the same as it.
    pub fn by_hour(whole: T, of: impl Fn(usize) -> T) -> Self {
        let parts: Vec<T> = (0..HOURS).map(of).collect();
        let differ = parts.iter().any(|part| *part != whole);
        Self { whole, parts: if differ { parts } else { Vec::new() } }
    }

    /// What counts at an hour. An earlier version wrote down fewer parts.
    pub fn at(&self, hour: HourOfDay) -> &T {
        let part = hour.index() * self.parts.len() / HOURS;
        self.parts.get(part).unwrap_or(&self.whole)
    }

    /// Whether the day is divided.
    pub fn are_several(&self) -> bool {
        !self.parts.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hour_finds_its_part_and_a_day_that_is_alike_has_none() {
        let at = |strata: &Strata<usize>| {
            let hours = (0..HOURS).map(|hour| HourOfDay { hour, seconds: 0, weekend: false });
            hours.map(|hour| *strata.at(hour)).collect::<Vec<_>>()
        };
        let divided = Strata::by_hour(99, |hour| hour);
        assert!(divided.are_several() && at(&divided) == (0..HOURS).collect::<Vec<_>>());
        let whole = Strata::by_hour(7, |_| 7);
        assert!(!whole.are_several() && at(&whole) == [7; HOURS]);
        // As it was once written.
        let halves: Strata<usize> = serde_json::from_str(r#"{"whole":9,"parts":[1,2]}"#).unwrap();
        assert_eq!((at(&halves)[11], at(&halves)[12]), (1, 2));
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
