//! When a sweep is due. Pure: the caller says what time it is.

use std::time::Duration;

/// Instants at equal distances: those of which the distance from one time of day is a multiple of
/// `every`, counted from the first day of the Unix epoch, a Thursday.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timetable {
    /// From one instant to the next; positive.
    pub every: Duration,
    /// Minutes after midnight, below 1440.
    pub at: u16,
    /// Minutes that the clocks there are ahead of UTC, all the year round.
    pub utc_offset: i16,
}

impl Timetable {
    /// The first instant that is later than `now`; both in milliseconds since the Unix epoch.
    #[must_use]
    pub fn next_after(&self, now: u64) -> u64 {
        let every = i128::try_from(self.every.as_millis()).unwrap_or(i128::MAX).max(1);
        let at = (i128::from(self.at) - i128::from(self.utc_offset)) * 60_000;
        let now = i128::from(now);
        let next = now + every - (now - at).rem_euclid(every);
        u64::try_from(next).unwrap_or(u64::MAX)
    }
}
