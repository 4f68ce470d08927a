//! Wald's sequential probability ratio test of a share of good requests.

use crate::sweep::tally::Judged;

/// How far a share may lie from the threshold and be taken for either side.
const INDIFFERENCE: f64 = 0.05;
/// How often a share beyond the indifference is taken for the other side, at most.
const ERROR: f64 = 0.01;

/// Whether the share of good requests of a level reaches a threshold.
///
/// The evidence is the likelihood ratio of the shares that lie 0.05 above and below the threshold,
/// over the requests **in the order in which they were sent**: by the order of their ends the fast
/// ones come first, and those are the good ones. What is still under way before others that are over
/// is taken for bad where the level would pass, and for good where it would fail, so that the error
/// stays below 1 % however often one looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SequentialTest {
    threshold: f64,
    /// What a good and a bad request add to the evidence for the threshold being reached.
    good: f64,
    bad: f64,
    /// Requests after which it is judged by their share alone.
    most: usize,
}

/// What a test found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// The threshold is reached.
    Reached,
    /// It is missed.
    Missed,
}

impl SequentialTest {
    /// Against a threshold within (0, 1), with so many requests at most.
    #[must_use]
    pub fn new(threshold: f64, most: usize) -> Self {
        // At the ends there is not so much room.
        let above = f64::min(threshold + INDIFFERENCE, f64::midpoint(threshold, 1.0));
        let below = f64::max(threshold - INDIFFERENCE, threshold / 2.0);
        let (good, bad) = ((above / below).ln(), ((1.0 - above) / (1.0 - below)).ln());
        Self { threshold, good, bad, most: most.max(1) }
    }

    /// What can be said by now; `None`: more is needed.
    #[must_use]
    pub fn judge(&self, judged: &[Judged]) -> Option<Judgement> {
        let enough = ((1.0 - ERROR) / ERROR).ln();
        // The least and the most that the evidence can be when all are over.
        let (mut least, mut most) = (0.0, 0.0);
        for one in judged {
            let (at_least, at_most) = match one {
                Judged::Good => (self.good, self.good),
                Judged::Bad => (self.bad, self.bad),
                Judged::InFlight => (self.bad, self.good),
                Judged::GivenUp => (0.0, 0.0),
            };
            least += at_least;
            most += at_most;
            if least >= enough {
                return Some(Judgement::Reached);
            }
            if most <= -enough {
                return Some(Judgement::Missed);
            }
        }
        self.by_share(judged)
    }

    /// The most requests are over and the evidence still lies between.
    #[allow(clippy::cast_precision_loss)] // counts are far below 2^53
    fn by_share(&self, judged: &[Judged]) -> Option<Judgement> {
        let of = |what| judged.iter().filter(|one| **one == what).count();
        let (good, bad) = (of(Judged::Good), of(Judged::Bad));
        let over = judged.len() >= self.most && of(Judged::InFlight) == 0 && good + bad > 0;
        let share = good as f64 / (good + bad) as f64;
        let found = if share >= self.threshold { Judgement::Reached } else { Judgement::Missed };
        over.then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use Judged::{Bad, Good, InFlight};

    fn repeated(what: Judged, times: usize) -> Vec<Judged> {
        vec![what; times]
    }

    #[test]
    fn stops_as_soon_as_it_is_sure() {
        let test = SequentialTest::new(0.9, 1000);
        let judged = |what, times| test.judge(&repeated(what, times));
        assert_eq!((judged(Good, 41), judged(Good, 42)), (None, Some(Judgement::Reached)));
        assert_eq!((judged(Bad, 4), judged(Bad, 5)), (None, Some(Judgement::Missed)));
    }

    /// A slow request in front hides nothing: it may be bad.
    #[test]
    fn what_is_under_way_counts_as_what_it_may_become() {
        let test = SequentialTest::new(0.9, 1000);
        let waiting = |times| [repeated(InFlight, 1), repeated(Good, times)].concat();
        assert_eq!(test.judge(&waiting(42)), None);
        assert_eq!(test.judge(&waiting(52)), Some(Judgement::Reached));
        // What was sent after enough others were over does not matter.
        let behind = [repeated(Good, 42), repeated(InFlight, 50)].concat();
        assert_eq!(test.judge(&behind), Some(Judgement::Reached));
        let may_be_good = [repeated(InFlight, 50), repeated(Bad, 9)].concat();
        assert_eq!(test.judge(&may_be_good), None);
        let cannot_help = [repeated(InFlight, 50), repeated(Bad, 10)].concat();
        assert_eq!(test.judge(&cannot_help), Some(Judgement::Missed));
    }

    #[test]
    fn at_most_so_many_and_then_the_share_decides() {
        let test = SequentialTest::new(0.9, 20);
        let of = |good, bad| [repeated(Good, good), repeated(Bad, bad)].concat();
        assert_eq!(test.judge(&of(17, 2)), None);
        assert_eq!(test.judge(&of(18, 2)), Some(Judgement::Reached));
        assert_eq!(test.judge(&of(17, 3)), Some(Judgement::Missed));
        assert_eq!(test.judge(&[of(18, 1), repeated(InFlight, 1)].concat()), None);
        assert_eq!(test.judge(&repeated(Judged::GivenUp, 20)), None, "nothing was seen");
    }

    /// The wrong answers at the edges of the indifference, and how many requests an answer takes.
    #[test]
    fn errs_rarely_and_takes_few() {
        let test = SequentialTest::new(0.9, 100_000);
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut check = |share: f64, expect: Judgement, mean: usize| {
            let (mut wrong, mut requests) = (0, 0);
            for _ in 0..1000 {
                let mut seen = Vec::new();
                let found = loop {
                    seen.push(if rng.random::<f64>() < share { Good } else { Bad });
                    if let Some(found) = test.judge(&seen) {
                        break found;
                    }
                };
                wrong += u32::from(found != expect);
                requests += seen.len();
            }
            // 10 of 1000 are expected at most; 22 are beyond one in a thousand.
            assert!(wrong < 22, "{wrong} wrong at {share}");
            assert!(requests / 1000 <= mean, "{} requests at {share}", requests / 1000);
        };
        check(0.95, Judgement::Reached, 100);
        check(0.85, Judgement::Missed, 80);
        check(1.0, Judgement::Reached, 42);
        check(0.5, Judgement::Missed, 12);
    }

    #[test]
    fn thresholds_at_the_ends_leave_room() {
        for threshold in [0.01, 0.5, 0.99, 0.999] {
            let test = SequentialTest::new(threshold, 1_000_000);
            let good = repeated(Good, 20_000);
            assert_eq!(test.judge(&good), Some(Judgement::Reached), "{threshold}");
            let bad = repeated(Bad, 20_000);
            assert_eq!(test.judge(&bad), Some(Judgement::Missed), "{threshold}");
        }
    }
}
