//! The last hour of a target, minute by minute, from the outcomes and their own wall-clock stamps.
//! Pure: whoever asks says what time it is.

use std::collections::VecDeque;

use super::digest::Digest;
use super::entry::Summary;
use super::tally::Tally;

/// Minutes that are kept.
pub const MINUTES: usize = 60;
/// The same, as a difference of minutes.
pub(super) const SPAN: i64 = 60;
const NANOS: i64 = 60 * 1_000_000_000;

/// The minute of a wall-clock stamp, counted from the Unix epoch.
pub(super) fn minute_of(unix_nanos: i64) -> i64 {
    unix_nanos.div_euclid(NANOS)
}

/// One minute with probes.
#[derive(Debug, Clone)]
pub(super) struct Minute {
    pub number: i64,
    pub tally: Tally,
}

/// The minutes that had probes, oldest first; at most [`MINUTES`].
#[derive(Debug, Clone, Default)]
pub(super) struct Minutes(VecDeque<Minute>);

impl Minutes {
    /// Counts a probe in the minute of its start. `tokens_per_second` is the rate of the request.
    /// Says which minutes are others now, or gone.
    pub fn add(&mut self, summary: &Summary, tokens_per_second: Option<f64>) -> Vec<i64> {
        let number = minute_of(summary.started_unix_nanos);
        let mut changed = vec![number];
        if self.0.back().is_some_and(|newest| newest.number - number >= SPAN) {
            changed.extend(self.0.drain(..).map(|m| m.number)); // the wall clock was set back
        }
        self.of(number).add(summary, tokens_per_second);
        let newest = self.0.back().map_or(number, |m| m.number);
        while self.0.front().is_some_and(|m| newest - m.number >= SPAN) {
            changed.extend(self.0.pop_front().map(|m| m.number));
        }
        changed
    }

    /// Puts back what was written down.
    pub fn restore(&mut self, number: i64, tally: Tally) {
        *self.of(number) = tally;
    }

    fn of(&mut self, number: i64) -> &mut Tally {
        let at = self.0.partition_point(|m| m.number < number);
        if self.0.get(at).is_none_or(|m| m.number != number) {
            self.0.insert(at, Minute { number, tally: Tally::default() });
        }
        &mut self.0[at].tally
    }

    pub fn get(&self, number: i64) -> Option<&Tally> {
        self.0.iter().find(|m| m.number == number).map(|m| &m.tally)
    }

    pub fn numbers(&self) -> impl Iterator<Item = i64> {
        self.0.iter().map(|m| m.number)
    }

    /// Those of the `span` minutes that end with the minute `now`, oldest first.
    pub fn last(&self, span: i64, now: i64) -> impl Iterator<Item = &Minute> {
        self.0.iter().filter(move |m| (0..span).contains(&(now - m.number)))
    }

    /// Those of the hour that ends with the minute `now`, oldest first.
    pub fn until(&self, now: i64) -> impl Iterator<Item = &Minute> {
        self.last(SPAN, now)
    }

    /// The times to first token of the hour that ends with the minute `now`.
    pub fn ttft(&self, now: i64) -> Digest {
        let mut all = Digest::default();
        self.until(now).for_each(|m| all.merge(&m.tally.ttft));
        all
    }
}
