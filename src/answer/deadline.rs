//! Deadlines of tokens: whether an answer came as fast as it is read.
//!
//! Token k is due at send + `ttft` + (k − 1) · `per_token`. What comes early is read later, so it
//! earns time for the tokens after it; a late one makes its reader wait, and shifts the deadlines
//! after it by its lateness. What a late token has missed is counted in whole periods, the one that
//! it was due in included. So neither holding tokens back (each waits for its own deadline) nor
//! dropping requests (a failed probe is bad) makes the figure better.

use std::time::Duration;

use crate::answer::measure::Measurement;

/// The least share of deadlines that a good answer meets.
pub const GOOD_FLUIDITY: f64 = 0.9;

/// More tokens than this are not looked at: no answer has so many.
const MOST_TOKENS: u64 = 1_000_000;

/// When tokens are due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    /// The first one, after the request was sent.
    pub ttft: Duration,
    /// Each further one, after the one before; more than zero.
    pub per_token: Duration,
}

impl Deadline {
    /// The fluidity: deadlines met / (met + missed); `None` where no token was seen to come, or the
    /// answer was not streamed.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // counts are far below 2^53
    pub fn fluidity(&self, m: &Measurement) -> Option<f64> {
        let (met, missed) = self.met_and_missed(arrivals(m)?);
        let all = met.saturating_add(missed);
        (all > 0).then(|| met as f64 / all as f64)
    }

    /// Of tokens that came so long after the request was sent, in order.
    fn met_and_missed(&self, arrivals: impl Iterator<Item = Duration>) -> (u64, u64) {
        let (mut met, mut missed, mut due) = (0_u64, 0_u64, self.ttft);
        for at in arrivals {
            match at.checked_sub(due) {
                Some(late) if !late.is_zero() => {
                    let periods = late.as_nanos() / self.per_token.as_nanos().max(1);
                    missed =
                        missed.saturating_add(1 + u64::try_from(periods).unwrap_or(u64::MAX - 1));
                    due = at;
                }
                _ => met += 1,
            }
            due = due.saturating_add(self.per_token);
        }
        (met, missed)
    }
}

/// When each token came, after the request was sent. The first event is one token; the others share
/// the tokens that the inter-token latency was made of, so that several in one event come at once.
fn arrivals(m: &Measurement) -> Option<impl Iterator<Item = Duration>> {
    let ttft = m.ttft?;
    let (first, last) = (*m.content_at.first()?, *m.content_at.last()?);
    let gaps = (m.content_at.len() - 1) as u64;
    let counted = m
        .itl
        .filter(|itl| !itl.is_zero())
        .map_or(0.0, |itl| last.since(first).as_secs_f64() / itl.as_secs_f64());
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a float saturates
    let after = (counted.round() as u64).max(gaps).min(MOST_TOKENS);
    let later = (0..after).map(move |token| {
        let event = 1 + token * gaps / after;
        let at = usize::try_from(event).ok().and_then(|event| m.content_at.get(event));
        ttft + at.copied().unwrap_or(last).since(first)
    });
    Some(std::iter::once(ttft).chain(later))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::recording::Offset;

    const DEADLINE: Deadline =
        Deadline { ttft: Duration::from_millis(100), per_token: Duration::from_millis(10) };

    /// Met and missed of tokens that came at these milliseconds.
    fn check(arrivals: &[u64], expect: (u64, u64)) {
        let found = DEADLINE.met_and_missed(arrivals.iter().map(|ms| Duration::from_millis(*ms)));
        assert_eq!(found, expect, "{arrivals:?}");
    }

    #[test]
    fn a_late_token_misses_whole_periods_and_shifts_the_later_deadlines() {
        check(&[100, 110, 120], (3, 0));
        check(&[50, 51, 120], (3, 0));
        // Early ones have earned the time of a pause.
        check(&[10, 11, 12, 130, 140], (5, 0));
        check(&[10, 11, 12, 131, 141], (4, 1));
        // 35 ms late are the period that it was due in and three more.
        check(&[100, 145, 155, 165], (3, 4));
        check(&[101, 111], (1, 1));
        check(&[1_100], (0, 101));
        check(&[], (0, 0));
    }

    /// What a server gains by holding tokens back until the last moment is nothing.
    #[test]
    fn tokens_that_are_held_back_are_no_better_than_early_ones() {
        let early: Vec<u64> = (0..50).map(|k| 20 + k).collect();
        let held: Vec<u64> = (0..50).map(|k| 100 + 10 * k).collect();
        check(&early, (50, 0));
        check(&held, (50, 0));
        // In bursts of five, each when its last token was due: the first one comes too late.
        let bursts: Vec<u64> = (0..50).map(|k| 100 + 10 * (k / 5 * 5 + 4)).collect();
        check(&bursts, (49, 5));
    }

    fn measured(at: &[i64], itl: Option<u64>) -> Measurement {
        Measurement {
            ttft: Some(Duration::from_millis(100)),
            itl: itl.map(Duration::from_millis),
            content_at: at.iter().map(|ms| Offset(ms * 1_000_000)).collect(),
            ..Measurement::default()
        }
    }

    #[test]
    fn of_a_probe_the_tokens_of_one_event_come_at_once() {
        // Two tokens in each event but the first: the first of them is a period late, once.
        let pairs = measured(&[5, 25, 45], Some(10));
        assert_eq!(DEADLINE.fluidity(&pairs), Some(4.0 / 6.0));
        // One token each, twice as slow as it is read.
        let slow = measured(&[5, 25, 45], Some(20));
        assert_eq!(DEADLINE.fluidity(&slow), Some(1.0 / 5.0));
        let one = measured(&[5], None);
        assert_eq!(DEADLINE.fluidity(&one), Some(1.0));
        assert_eq!(DEADLINE.fluidity(&Measurement::default()), None);
    }
}
