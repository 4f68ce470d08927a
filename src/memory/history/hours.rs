//! The last thirty days of a target: two days hour by hour, and what is older eight hours at a time,
//! which takes a quarter of the memory. What is over is kept as the bytes that are written down of
//! it, about 300 an hour; what it adds up to is worked out once an hour.

use std::collections::VecDeque;

use super::entry::Summary;
use super::packed::{self, TallyError};
use super::tally::Tally;

/// Hours that are remembered: thirty days.
pub const HOURS: usize = 720;
/// Hours that stay by themselves.
const SINGLE: usize = 48;
/// As many of the older ones are put together, counted from the Unix epoch. Such a block has the
/// number of its last hour.
const BLOCK: i64 = 8;
/// Single hours, those of a block that is not old enough as a whole, and blocks: at most.
const KEPT: usize = SINGLE + 7 + (HOURS - SINGLE) / 8;
/// The same, as a difference of hours.
pub(super) const MONTH: i64 = 720;
pub(super) const DAY: i64 = 24;
const NANOS: i64 = 3600 * 1_000_000_000;

/// The hour of a wall-clock stamp, counted from the Unix epoch.
pub(super) fn hour_of(unix_nanos: i64) -> i64 {
    unix_nanos.div_euclid(NANOS)
}

/// The hours and blocks that had probes, oldest first; at most [`KEPT`].
#[derive(Debug, Clone, Default)]
pub(super) struct Hours {
    over: VecDeque<(i64, Box<[u8]>)>,
    /// The newest.
    open: Option<(i64, Tally)>,
    sums: Option<Sums>,
}

/// What the hours that are over add up to, seen from the hour `now`.
#[derive(Debug, Clone)]
struct Sums {
    now: i64,
    day: Tally,
    month: Tally,
}

impl Hours {
    /// Counts a probe in the hour of its start. Says which hours are others now, or gone.
    pub fn add(&mut self, summary: &Summary, tokens_per_second: Option<f64>) -> Vec<i64> {
        let number = hour_of(summary.started_unix_nanos);
        let mut changed = self.make_way_for(number);
        changed.push(number);
        let newest = self.open.as_ref().map_or(i64::MIN, |(n, _)| *n);
        if number >= newest {
            self.open_hour(number).add(summary, tokens_per_second);
        } else {
            // It began before the hour was over, and ended after.
            let mut tally = self.get(number).unwrap_or_default();
            tally.add(summary, tokens_per_second);
            self.put(number, &tally);
        }
        if number > newest {
            changed.extend(self.put_together());
            while self.over.len() > KEPT {
                changed.extend(self.over.pop_front().map(|(n, _)| n));
            }
        }
        changed
    }

    /// Makes blocks of what is old enough; says which hours are others now, or gone.
    fn put_together(&mut self) -> Vec<i64> {
        let mut changed = Vec::new();
        let Some(at) = self.over.len().checked_sub(SINGLE) else { return changed };
        let Some(oldest_single) = self.over.get(at).map(|(n, _)| *n) else { return changed };
        let mut at = 0;
        while let Some(number) = self.over.get(at).map(|(n, _)| *n) {
            let block = number - number.rem_euclid(BLOCK) + BLOCK - 1;
            if block >= oldest_single {
                break;
            }
            let end = self.over.partition_point(|(n, _)| *n <= block);
            if end - at > 1 || number != block {
                let mut sum = Tally::default();
                for (number, bytes) in self.over.drain(at..end) {
                    changed.push(number);
                    if let Ok(tally) = packed::tally(&bytes) {
                        sum.merge(&tally);
                    }
                }
                changed.push(block);
                self.over.insert(at, (block, packed::bytes(&sum).into_boxed_slice()));
                self.sums = None;
            }
            at += 1;
        }
        changed
    }

    /// Puts back what was written down.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn restore(&mut self, number: i64, bytes: &[u8]) -> Result<(), TallyError> {
        let tally = packed::tally(bytes)?;
        if self.open.as_ref().is_none_or(|(newest, _)| number > *newest) {
            *self.open_hour(number) = tally;
        } else {
            self.put(number, &tally);
        }
        Ok(())
    }

    /// After the wall clock was set back, hours to come are none.
    fn make_way_for(&mut self, number: i64) -> Vec<i64> {
        let to_come = |n: i64| n > number + 1;
        let mut gone = Vec::new();
        if self.open.as_ref().is_some_and(|(n, _)| to_come(*n)) {
            gone.extend(self.open.take().map(|(n, _)| n));
        }
        while self.over.back().is_some_and(|(n, _)| to_come(*n)) {
            gone.extend(self.over.pop_back().map(|(n, _)| n));
        }
        if !gone.is_empty() {
            self.sums = None;
        }
        gone
    }

    /// The newest hour from now on; the one before is over.
    fn open_hour(&mut self, number: i64) -> &mut Tally {
        if self.open.as_ref().is_some_and(|(n, _)| *n != number)
            && let Some((over, tally)) = self.open.take()
        {
            self.put(over, &tally);
        }
        let known = || self.over.iter().position(|(n, _)| *n == number);
        if self.open.is_none()
            && let Some(at) = known()
        {
            // The clock was set back into it.
            let again = self.over.remove(at).and_then(|(_, bytes)| packed::tally(&bytes).ok());
            self.open = again.map(|tally| (number, tally));
            self.sums = None;
        }
        &mut self.open.get_or_insert_with(|| (number, Tally::default())).1
    }

    fn put(&mut self, number: i64, tally: &Tally) {
        let bytes = packed::bytes(tally).into_boxed_slice();
        let at = self.over.partition_point(|(n, _)| *n < number);
        match self.over.get_mut(at) {
            Some((n, known)) if *n == number => *known = bytes,
            _ => self.over.insert(at, (number, bytes)),
        }
        self.sums = None;
    }

    fn get(&self, number: i64) -> Option<Tally> {
        if let Some((_, tally)) = self.open.as_ref().filter(|(n, _)| *n == number) {
            return Some(tally.clone());
        }
        let found = self.over.iter().find(|(n, _)| *n == number);
        found.and_then(|(_, bytes)| packed::tally(bytes).ok())
    }

    /// What is to be written down of an hour.
    pub fn bytes(&self, number: i64) -> Option<Vec<u8>> {
        if let Some((_, tally)) = self.open.as_ref().filter(|(n, _)| *n == number) {
            return Some(packed::bytes(tally));
        }
        self.over.iter().find(|(n, _)| *n == number).map(|(_, bytes)| bytes.to_vec())
    }

    pub fn numbers(&self) -> impl Iterator<Item = i64> {
        self.over.iter().map(|(n, _)| *n).chain(self.open.iter().map(|(n, _)| *n))
    }

    /// What the day and the thirty days that end with the hour `now` add up to.
    pub fn windows(&mut self, now: i64) -> (Tally, Tally) {
        if self.sums.as_ref().is_none_or(|sums| sums.now != now) {
            self.sums = Some(self.sum_up(now));
        }
        let (mut day, mut month) =
            self.sums.as_ref().map(|s| (s.day.clone(), s.month.clone())).unwrap_or_default();
        if let Some((number, tally)) = &self.open {
            for (span, window) in [(DAY, &mut day), (MONTH, &mut month)] {
                if (0..span).contains(&(now - number)) {
                    window.merge(tally);
                }
            }
        }
        (day, month)
    }

    fn sum_up(&self, now: i64) -> Sums {
        let mut sums = Sums { now, day: Tally::default(), month: Tally::default() };
        for (number, bytes) in &self.over {
            let age = now - number;
            if let Some(tally) = packed::tally(bytes).ok().filter(|_| (0..MONTH).contains(&age)) {
                sums.month.merge(&tally);
                if age < DAY {
                    sums.day.merge(&tally);
                }
            }
        }
        sums
    }

    /// Bytes that hours which are over take.
    #[cfg(test)]
    pub fn size(&self) -> usize {
        self.over.iter().map(|(_, bytes)| bytes.len() + size_of::<(i64, Box<[u8]>)>()).sum()
    }
}
