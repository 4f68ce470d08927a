//! From evidence to verdicts.

use crate::regression::detect::{Alpha, Verdict};

/// *Not worse* needs so many pairs in which both sides answered: fewer show no tail, and what fails
/// shows no latency.
pub const ANSWERED_PAIRS: u64 = 50;

/// And they must be worth so many independent ones.
pub(super) const INDEPENDENT_PAIRS: f64 = 40.0;

/// The evidence that verdicts need, as decimal logarithms.
///
/// The comparison is *regressed* as soon as one of its streams is, so the streams share α; it is
/// *not worse* only when all are, so there each one has α to itself. Either way the verdict on the
/// whole is ever wrong with probability at most α.
///
/// *Not worse* is earned anew after an alarm. After the n-th one it may be wrong with probability
/// α/(n+1)²: however many there are, all together with at most 0.65 α more.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Needed {
    /// For *regressed*.
    pub regressed: f64,
    /// For *not worse*.
    pub not_worse: f64,
}

impl Needed {
    /// For a comparison of so many streams, after so many alarms.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // a few thousand
    pub fn of(alpha: Alpha, streams: usize, alarms: u64) -> Self {
        let alone = alpha.log10_needed();
        Self {
            regressed: alone + (streams.max(1) as f64).log10(),
            not_worse: alone + 2.0 * (alarms as f64 + 1.0).log10(),
        }
    }
}

/// What one stream knows, on the way to its part of the verdict.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Evidence {
    /// Decimal logarithm of the highest for *regressed* in the run.
    pub regressed: f64,
    /// Decimal logarithm of the highest for *not worse* since the last alarm.
    pub not_worse: f64,
    /// Its own alarm is on.
    pub alarmed: bool,
    /// Something else forbids to say *not worse*.
    pub doubted: bool,
}

/// Evidence of less says nothing about how fast it grows.
const GROWING: f64 = 0.3;

impl Evidence {
    /// About how many more pairs *not worse* takes, if the evidence grows as it did in so many; to two
    /// digits. `None` where it hardly did, and where it is not evidence that is missing.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn pairs_to_go(&self, needed: Needed, pairs: u64) -> Option<u64> {
        let found = self.not_worse;
        if found < GROWING || found >= needed.not_worse || pairs < ANSWERED_PAIRS {
            return None;
        }
        let more = pairs as f64 * (needed.not_worse / found - 1.0);
        let digit = 10_f64.powf((more.max(10.0).log10() - 1.0).floor());
        Some(((more / digit).ceil() * digit) as u64)
    }

    /// The stream's part. `changing`: an alarm of any stream is on.
    pub fn part(&self, needed: Needed, changing: bool) -> Verdict {
        if self.regressed >= needed.regressed {
            Verdict::Regressed
        } else if self.alarmed {
            Verdict::Changed
        } else if self.not_worse >= needed.not_worse && !self.doubted && !changing {
            Verdict::NotWorse
        } else {
            Verdict::Undecided
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Evidence =
        Evidence { regressed: 0.0, not_worse: 0.0, alarmed: false, doubted: false };

    #[test]
    fn regressed_needs_more_where_many_could_say_it() {
        let needed = Needed::of(Alpha::DEFAULT, 10, 0);
        assert!((needed.regressed - 3.0).abs() < 1e-9 && (needed.not_worse - 2.0).abs() < 1e-9);
        let part =
            |regressed, not_worse| Evidence { regressed, not_worse, ..NOTHING }.part(needed, false);
        assert_eq!(part(2.9, 1.9), Verdict::Undecided);
        assert_eq!(part(2.9, 2.1), Verdict::NotWorse);
        assert_eq!(part(3.1, 2.1), Verdict::Regressed, "which stands");
    }

    #[test]
    fn what_grows_tells_when_it_will_be_enough() {
        let needed = Needed::of(Alpha::DEFAULT, 1, 0);
        let of = |not_worse, pairs| Evidence { not_worse, ..NOTHING }.pairs_to_go(needed, pairs);
        assert_eq!(of(0.5, 100), Some(300));
        assert_eq!(of(0.7, 1_000), Some(1_900));
        assert_eq!(of(1.96, 100), Some(3));
        assert_eq!((of(0.2, 100), of(2.1, 100), of(1.0, 40)), (None, None, None));
    }

    #[test]
    fn not_worse_is_not_said_while_something_changes() {
        let needed = Needed::of(Alpha::DEFAULT, 1, 0);
        let good = Evidence { not_worse: 9.0, ..NOTHING };
        assert_eq!(good.part(needed, false), Verdict::NotWorse);
        assert_eq!(good.part(needed, true), Verdict::Undecided);
        assert_eq!(Evidence { doubted: true, ..good }.part(needed, false), Verdict::Undecided);
        let alarmed = Evidence { alarmed: true, ..good };
        assert_eq!(alarmed.part(needed, true), Verdict::Changed);
        assert_eq!(Evidence { regressed: 9.0, ..alarmed }.part(needed, true), Verdict::Regressed);
    }

    /// The sum over all alarms stays below 0.65 α.
    #[test]
    fn each_alarm_asks_for_more() {
        let of = |alarms| Needed::of(Alpha::DEFAULT, 1, alarms);
        assert!((of(1).not_worse - of(0).not_worse - 4.0_f64.log10()).abs() < 1e-9);
        assert!((of(9).regressed - of(0).regressed).abs() < 1e-9);
        let later: f64 = (1..10_000).map(|n| 10_f64.powf(-of(n).not_worse)).sum();
        assert!(later < 0.65 * 0.01, "{later}");
    }
}
