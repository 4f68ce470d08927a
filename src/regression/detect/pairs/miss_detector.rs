//! The alarm that a candidate fails, or misses the SLO, more often than its baseline.

use serde::{Deserialize, Serialize};

use super::misses::{BETS, Misses};
use crate::regression::detect::alarm::{Alarm, Change};
use crate::regression::detect::exact::Exact;
use crate::regression::detect::recent::{KEPT, Recent};
use crate::regression::detect::repeats::Repeats;
use crate::regression::detect::threshold::Threshold;
use crate::regression::detect::wealth::Detectors;

/// An alarm lasts at least so many pairs: a small difference shows seldom.
const TO_CLEAR_LEAST: usize = 120;

/// `ln` of the evidence that ends an alarm: while the difference is there, half of it is not even the
/// boundary, so that this comes falsely far less often than once in so many pairs.
const LN_RECOVERED: f64 = 6.907_755_278_982_137; // ln 1000

/// Bets on discordant pairs only, as `McNemar`'s test counts only them. Give it every pair.
///
/// An alarm needs evidence of the threshold and a recent majority of discordant pairs against the
/// candidate; it clears on evidence that the difference is less than half of what it was, and the
/// evidence starts from nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MissDetector {
    threshold: Threshold,
    detectors: Detectors<BETS>,
    #[serde(default)]
    repeats: Repeats,
    recent: Recent,
    alarm: Alarm,
    /// Bets that the difference is less than half of what it was when the alarm went off, and that
    /// half.
    #[serde(default)]
    recovery: Option<(Exact, Detectors<BETS>)>,
    pairs: u64,
    candidate_worse: u64,
    baseline_worse: u64,
}

impl MissDetector {
    /// One that has seen nothing.
    #[must_use]
    pub fn new(threshold: Threshold) -> Self {
        Self {
            threshold,
            detectors: Detectors::new(),
            repeats: Repeats::default(),
            recent: Recent::new(),
            alarm: Alarm::default(),
            recovery: None,
            pairs: 0,
            candidate_worse: 0,
            baseline_worse: 0,
        }
    }

    /// Takes up one pair.
    pub fn observe(&mut self, misses: Misses) -> Option<Change> {
        self.detectors.update(&misses.ln_factors(0.0, 1.0, self.repeats.expected(1)));
        if let Some((half, recovery)) = &mut self.recovery {
            recovery.update(&misses.ln_factors(half.0, -1.0, self.repeats.expected(-1)));
        }
        self.repeats.learn(misses.sign());
        self.pairs += 1;
        self.candidate_worse += u64::from(misses.sign() > 0);
        self.baseline_worse += u64::from(misses.sign() < 0);
        self.recent.push(f64::from(misses.sign()));
        let difference = self.recent.mean_of_last(KEPT).unwrap_or(0.0);
        let recovered =
            || self.recovery.as_ref().is_none_or(|(_, bets)| bets.reaches(LN_RECOVERED));
        let change = self.alarm.step(
            self.detectors.reaches(self.threshold.ln()),
            || difference > 0.0,
            |since| since >= TO_CLEAR_LEAST && recovered(),
        )?;
        self.recovery = match change {
            Change::Raised => Some((Exact(difference.clamp(0.0, 1.0) / 2.0), Detectors::new())),
            Change::Cleared => None,
        };
        if change == Change::Cleared {
            self.detectors = Detectors::new();
        }
        Some(change)
    }

    /// Decimal logarithm of the evidence; `None` before the first pair.
    #[must_use]
    pub fn evidence_log10(&self) -> Option<f64> {
        self.detectors.log10_mean()
    }

    /// By how much the candidate's rate of misses exceeds the baseline's, over the last pairs;
    /// negative where it is lower, `None` before the first pair.
    #[must_use]
    pub fn recent_difference(&self) -> Option<f64> {
        self.recent.mean_of_last(KEPT)
    }

    /// Whether it is alarmed.
    #[must_use]
    pub fn alarm(&self) -> &Alarm {
        &self.alarm
    }

    /// Pairs taken up.
    #[must_use]
    pub fn pairs(&self) -> u64 {
        self.pairs
    }

    /// Pairs of which only the candidate did badly.
    #[must_use]
    pub fn candidate_worse(&self) -> u64 {
        self.candidate_worse
    }

    /// Pairs of which only the baseline did badly.
    #[must_use]
    pub fn baseline_worse(&self) -> u64 {
        self.baseline_worse
    }

    /// How much evidence an alarm needs.
    #[must_use]
    pub fn threshold(&self) -> Threshold {
        self.threshold
    }

    /// Another threshold from now on: the fleet has grown or shrunk.
    pub fn set_threshold(&mut self, threshold: Threshold) {
        self.threshold = threshold;
    }
}
