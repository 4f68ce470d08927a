//! The last hour of a target, minute by minute, from the outcomes and their own wall-clock stamps.
//! Pure: whoever asks says what time it is.

use std::borrow::Cow;
use std::collections::VecDeque;

use super::digest::Digest;
use super::entry::Summary;
use super::packed;
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

/// The minutes that had probes; at most [`MINUTES`].
#[derive(Debug, Clone, Default)]
pub(super) struct Minutes {
    /// Those before the newest, oldest first, as the bytes that are written down of them: a few dozen
    /// each.
    over: VecDeque<(i64, Box<[u8]>)>,
    newest: Option<Minute>,
}

impl Minutes {
    /// Counts a probe in the minute of its start. `tokens_per_second` is the rate of the request.
    /// Says which minutes are others now, or gone.
    pub fn add(&mut self, summary: &Summary, tokens_per_second: Option<f64>) -> Vec<i64> {
        let number = minute_of(summary.started_unix_nanos);
        let mut changed = vec![number];
        if self.newest.as_ref().is_some_and(|newest| newest.number - number >= SPAN) {
            changed.extend(self.numbers()); // the wall clock was set back
            *self = Self::default();
        }
        self.change(number, |tally| tally.add(summary, tokens_per_second));
        let newest = self.newest.as_ref().map_or(number, |m| m.number);
        while self.over.front().is_some_and(|(n, _)| newest - n >= SPAN) {
            changed.extend(self.over.pop_front().map(|(n, _)| n));
        }
        changed
    }

    /// Puts back what was written down.
    pub fn restore(&mut self, number: i64, tally: Tally) {
        self.change(number, |known| *known = tally);
    }

    fn change(&mut self, number: i64, change: impl FnOnce(&mut Tally)) {
        let newest = self.newest.as_ref().map_or(i64::MIN, |m| m.number);
        if number < newest {
            // It began before the minute was over, and ended after.
            let at = self.over.partition_point(|(n, _)| *n < number);
            let known = self.over.get_mut(at).filter(|(n, _)| *n == number);
            let mut tally = known.as_ref().and_then(|known| unpacked(known)).map(|m| m.tally);
            let tally = tally.get_or_insert_default();
            change(tally);
            let bytes = packed::bytes(tally).into_boxed_slice();
            match known {
                Some(known) => known.1 = bytes,
                None => self.over.insert(at, (number, bytes)),
            }
            return;
        }
        if number > newest
            && let Some(Minute { number, tally }) = self.newest.take()
        {
            self.over.push_back((number, packed::bytes(&tally).into_boxed_slice()));
        }
        let fresh = || Minute { number, tally: Tally::default() };
        change(&mut self.newest.get_or_insert_with(fresh).tally);
    }

    /// What is to be written down of a minute.
    pub fn bytes(&self, number: i64) -> Option<Vec<u8>> {
        if let Some(newest) = self.newest.as_ref().filter(|m| m.number == number) {
            return Some(packed::bytes(&newest.tally));
        }
        self.over.iter().find(|(n, _)| *n == number).map(|(_, bytes)| bytes.to_vec())
    }

    pub fn numbers(&self) -> impl Iterator<Item = i64> {
        self.over.iter().map(|(n, _)| *n).chain(self.newest.iter().map(|m| m.number))
    }

    /// Those of the `span` minutes that end with the minute `now`, oldest first.
    pub fn last(&self, span: i64, now: i64) -> impl Iterator<Item = Cow<'_, Minute>> {
        let over = self.over.iter().filter(move |(n, _)| is_in(span, now, *n));
        let newest = self.newest.iter().filter(move |m| is_in(span, now, m.number));
        over.filter_map(|over| unpacked(over).map(Cow::Owned)).chain(newest.map(Cow::Borrowed))
    }

    /// Those of the hour that ends with the minute `now`, oldest first.
    pub fn until(&self, now: i64) -> impl Iterator<Item = Cow<'_, Minute>> {
        self.last(SPAN, now)
    }

    /// What each SLO counts in the hour that ends with the minute `now`; nothing else of the tally is
    /// there.
    pub fn slos(&self, now: i64) -> Tally {
        let mut all = Tally::default();
        for (_, bytes) in self.over.iter().filter(|(n, _)| is_in(SPAN, now, *n)) {
            if let Ok(slos) = packed::slos(bytes) {
                all.merge_slos(&slos);
            }
        }
        for newest in self.newest.iter().filter(|m| is_in(SPAN, now, m.number)) {
            all.merge_slos(&newest.tally.slos);
        }
        all
    }

    /// The times to first token of the hour that ends with the minute `now`.
    pub fn ttft(&self, now: i64) -> Digest {
        let mut all = Digest::default();
        self.until(now).for_each(|m| all.merge(&m.tally.ttft));
        all
    }
}

fn is_in(span: i64, now: i64, number: i64) -> bool {
    (0..span).contains(&(now - number))
}

/// A minute that is over. Its bytes are our own, so that they can be read.
fn unpacked((number, bytes): &(i64, Box<[u8]>)) -> Option<Minute> {
    packed::tally(bytes).ok().map(|tally| Minute { number: *number, tally })
}
