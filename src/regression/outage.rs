//! Whether a target goes unanswered, and since when, told from single probes. Pure: the caller
//! says in which order probes began, and what time it is.
//!
//! Time alone cannot tell: arrivals are random, so that a healthy target may go long without a
//! probe. So failures are counted, and the alert asks for both: [`DOWN_FAILURES`] in a row, and no
//! answer for [`DOWN_MILLIS`].
//!
//! One answer ends a row of failures, except where the target counts as down already: there it
//! takes two, so that one lucky answer neither ends a page nor begins a second one.

use serde::{Deserialize, Serialize};

use crate::answer::failure::FailureReason;

/// As many failures in a row are more than bad luck. `LLMProberTargetDown` has the same number.
pub const DOWN_FAILURES: u64 = 3;

/// A target that was unanswered for longer, in milliseconds, is down if it failed as often as
/// that; a shorter trouble is a restart. `LLMProberTargetDown` has the same number.
pub const DOWN_MILLIS: u64 = 90_000;

/// What a finished probe says about whether anybody gets an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// Somebody did; that a validator did not like the answer is another matter.
    Answer,
    /// Nobody did.
    Failure,
}

impl Evidence {
    /// Of a probe that failed for this reason, or succeeded; `None` where the probe was given up
    /// or spoilt by the prober itself.
    #[must_use]
    pub fn of(reason: Option<FailureReason>) -> Option<Self> {
        use FailureReason as R;
        match reason {
            None | Some(R::Validation) => Some(Self::Answer),
            Some(R::Cancelled | R::Internal) => None,
            Some(
                R::Resolve
                | R::Connect
                | R::Tls
                | R::Timeout
                | R::Stalled
                | R::HttpStatus
                // Whoever is told to come back later has no answer.
                | R::Throttled
                | R::ErrorEvent
                | R::Truncated
                | R::Empty
                | R::Malformed
                | R::TooLarge,
            ) => Some(Self::Failure),
        }
    }
}

/// What a further probe would settle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// Nothing.
    None,
    /// Whether the target is down or a probe was unlucky.
    Failing,
    /// Whether a target that was down is back.
    Recovering,
}

/// How a target stands. What is serialised goes on after a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Outage {
    failures_in_a_row: u64,
    /// Unix milliseconds.
    unanswered_since: Option<u64>,
    /// The last probe of a target that is down was answered.
    lone_answer: bool,
    /// The newest probe that was answered, and the oldest one of the row of failures, in the order of
    /// their beginnings. Of this run of the program only.
    #[serde(skip)]
    newest_answer: Option<u64>,
    #[serde(skip)]
    oldest_failure: Option<u64>,
}

impl Outage {
    /// Takes up a finished probe: the `order`-th that began, over at `at`, Unix milliseconds.
    /// `None` where something newer is known already: of a failure that began before an answer, and
    /// of an answer that began before the whole row of failures. Not before the last of them:
    /// answers take longer than refusals, and would never count.
    pub fn observe(&mut self, evidence: Evidence, order: u64, at: u64) -> Option<Doubt> {
        let newer = match evidence {
            Evidence::Answer => self.oldest_failure,
            Evidence::Failure => self.newest_answer,
        };
        if newer.is_some_and(|newer| order < newer) {
            return None;
        }
        match evidence {
            Evidence::Answer => {
                self.newest_answer = self.newest_answer.max(Some(order));
                self.answered(at);
            }
            Evidence::Failure => {
                self.oldest_failure =
                    Some(self.oldest_failure.map_or(order, |oldest| oldest.min(order)));
                self.failed(at);
            }
        }
        Some(self.doubt())
    }

    fn answered(&mut self, at: u64) {
        if self.is_down(at) && !self.lone_answer {
            self.lone_answer = true;
        } else {
            *self =
                Self { failures_in_a_row: 0, lone_answer: false, oldest_failure: None, ..*self };
            self.unanswered_since = Some(at);
        }
    }

    fn failed(&mut self, at: u64) {
        self.lone_answer = false;
        self.failures_in_a_row = self.failures_in_a_row.saturating_add(1);
        self.unanswered_since.get_or_insert(at);
    }

    /// Believes a lone answer at `at` that no second probe can confirm.
    pub fn believe(&mut self, at: u64) {
        if self.lone_answer {
            self.answered(at);
        }
    }

    /// Whether the target is down at `now`, Unix milliseconds.
    #[must_use]
    pub fn is_down(&self, now: u64) -> bool {
        let unanswered = self.unanswered_since.map_or(0, |since| now.saturating_sub(since));
        self.failures_in_a_row >= DOWN_FAILURES && unanswered > DOWN_MILLIS
    }

    /// What a further probe would settle.
    #[must_use]
    pub fn doubt(&self) -> Doubt {
        match self.failures_in_a_row {
            _ if self.lone_answer => Doubt::Recovering,
            1..DOWN_FAILURES => Doubt::Failing,
            _ => Doubt::None,
        }
    }

    /// Failed probes in a row; `None` before the first probe that says anything.
    #[must_use]
    pub fn failures_in_a_row(&self) -> Option<u64> {
        self.unanswered_since.map(|_| self.failures_in_a_row)
    }

    /// The end of the last answer, or of the first failure where there never was one, in Unix
    /// milliseconds. While a target is down, a lone answer does not count.
    #[must_use]
    pub fn unanswered_since(&self) -> Option<u64> {
        self.unanswered_since
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Plays `A`nswers and `F`ailures that are so many seconds apart, from second 1,000 on, and
    /// checks the row and since when the target is unanswered.
    fn check(events: &str, apart: u64, row: u64, since: u64) {
        let (outage, _) = played(events, apart);
        let found = (outage.failures_in_a_row(), outage.unanswered_since());
        assert_eq!(found, (Some(row), Some(since * 1000)), "{events}, {apart} s apart");
    }

    fn played(events: &str, apart: u64) -> (Outage, Doubt) {
        let (mut outage, mut doubt, mut at) = (Outage::default(), Doubt::None, 1000);
        for (order, event) in (0..).zip(events.bytes()) {
            let evidence = if event == b'A' { Evidence::Answer } else { Evidence::Failure };
            doubt = outage.observe(evidence, order, at * 1000).unwrap();
            at += apart;
        }
        (outage, doubt)
    }

    #[test]
    fn rows_of_failures() {
        check("A", 60, 0, 1000);
        check("F", 60, 1, 1000);
        check("AF", 60, 1, 1000);
        check("AFFFF", 60, 4, 1000);
        check("FFF", 60, 3, 1000);
        check("AFFA", 60, 0, 1180);
        check("AFAFAF", 300, 1, 2200);
    }

    #[test]
    fn a_target_that_is_down_is_back_after_two_answers() {
        check("AFFFA", 60, 3, 1000);
        check("AFFFAA", 60, 0, 1300);
        check("AFFFAFA", 60, 4, 1000);
        check("AFFFAFAA", 60, 0, 1420);
        // A minute without an answer is a restart.
        check("AFFFA", 20, 0, 1080);
    }

    #[test]
    fn what_a_further_probe_would_settle() {
        for (events, doubt) in [
            ("A", Doubt::None),
            ("AF", Doubt::Failing),
            ("AFF", Doubt::Failing),
            ("AFFF", Doubt::None),
            ("AFA", Doubt::None),
            ("AFFFA", Doubt::Recovering),
            ("AFFFAF", Doubt::None),
            ("AFFFAA", Doubt::None),
        ] {
            assert_eq!(played(events, 60).1, doubt, "{events}");
        }
    }

    #[test]
    fn nothing_is_known_before_the_first_probe() {
        let none = Outage::default();
        assert_eq!((none.failures_in_a_row(), none.unanswered_since()), (None, None));
        assert!(!none.is_down(u64::MAX));
    }

    #[test]
    fn a_lone_answer_is_believed_where_it_cannot_be_confirmed() {
        let (mut outage, _) = played("AFFFA", 60);
        outage.believe(2_000_000);
        assert_eq!(outage.failures_in_a_row(), Some(0));
        assert_eq!(outage.unanswered_since(), Some(2_000_000));
        let (mut failing, _) = played("AFFF", 60);
        let before = failing;
        failing.believe(2_000_000);
        assert_eq!(failing, before, "nothing to believe");
    }

    /// An old stream that ends well while new connections are refused is no recovery, and a probe
    /// that hung from before it is no relapse.
    #[test]
    fn probes_count_in_the_order_in_which_they_began() {
        let mut outage = Outage::default();
        for order in 1..=3 {
            outage.observe(Evidence::Failure, order, 1000 * order);
        }
        assert_eq!(outage.observe(Evidence::Answer, 0, 4000), None);
        assert_eq!(outage.failures_in_a_row(), Some(3));
        assert!(outage.observe(Evidence::Answer, 6, 5000).is_some());
        for order in [4, 5] {
            assert_eq!(outage.observe(Evidence::Failure, order, 6000), None);
        }
        assert_eq!(outage.failures_in_a_row(), Some(0));
    }

    /// Every third probe is refused at once, the others are answered after ten more have begun.
    #[test]
    fn answers_that_take_longer_than_refusals_count() {
        let mut outage = Outage::default();
        for order in 10..1000 {
            let at = order * 1000;
            if order % 3 == 0 {
                outage.observe(Evidence::Failure, order, at);
            }
            if (order - 10) % 3 != 0 {
                outage.observe(Evidence::Answer, order - 10, at);
            }
            assert!(!outage.is_down(at), "{order}");
        }
    }

    #[test]
    fn what_says_nothing_about_answers() {
        let of = |reason| Evidence::of(Some(reason));
        assert_eq!(Evidence::of(None), Some(Evidence::Answer));
        assert_eq!(of(FailureReason::Validation), Some(Evidence::Answer));
        for spoilt in [FailureReason::Cancelled, FailureReason::Internal] {
            assert_eq!(of(spoilt), None);
        }
        let failures = FailureReason::ALL.iter().filter(|r| of(**r) == Some(Evidence::Failure));
        assert_eq!(failures.count(), FailureReason::ALL.len() - 3);
    }

    fn events() -> impl Strategy<Value = Vec<(bool, u64)>> {
        prop::collection::vec((any::<bool>(), 1_u64..200_000), 1..60)
    }

    fn play(outage: &mut Outage, events: &[(bool, u64)], at: &mut u64) {
        for (answer, gap) in events {
            *at += gap;
            let evidence = if *answer { Evidence::Answer } else { Evidence::Failure };
            outage.observe(evidence, *at, *at);
        }
    }

    proptest! {
        #[test]
        fn two_answers_always_end_it(before in events()) {
            let (mut outage, mut at) = (Outage::default(), 0);
            play(&mut outage, &before, &mut at);
            play(&mut outage, &[(true, 1), (true, 1)], &mut at);
            prop_assert_eq!(outage.failures_in_a_row(), Some(0));
            prop_assert_eq!(outage.unanswered_since(), Some(at));
        }

        #[test]
        fn three_failures_and_time_always_say_down(before in events()) {
            let (mut outage, mut at) = (Outage::default(), 0);
            play(&mut outage, &before, &mut at);
            play(&mut outage, &[(false, 1), (false, 1), (false, DOWN_MILLIS + 1)], &mut at);
            prop_assert!(outage.is_down(at));
        }

        /// Down at any moment only if there were three failures with at most lone answers between
        /// them, the last of them after the last two answers.
        #[test]
        fn never_down_while_two_of_three_are_answered(rounds in 1_usize..40, gap in 1_u64..900_000) {
            let (mut outage, mut at) = (Outage::default(), 0);
            for _ in 0..rounds {
                for answer in [true, false, true] {
                    play(&mut outage, &[(answer, gap)], &mut at);
                    prop_assert!(!outage.is_down(at + gap));
                }
            }
        }

        #[test]
        fn a_restart_changes_nothing(before in events(), after in events()) {
            let (mut outage, mut at) = (Outage::default(), 0);
            play(&mut outage, &before, &mut at);
            let text = serde_json::to_string(&outage).unwrap();
            let mut again: Outage = serde_json::from_str(&text).unwrap();
            let mut at_again = at;
            play(&mut outage, &after, &mut at);
            play(&mut again, &after, &mut at_again);
            prop_assert_eq!(outage.failures_in_a_row(), again.failures_in_a_row());
            prop_assert_eq!(outage.unanswered_since(), again.unanswered_since());
            prop_assert_eq!(outage.doubt(), again.doubt());
        }
    }
}
