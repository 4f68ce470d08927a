//! The alarm that a candidate has got slower than its baseline.

use serde::{Deserialize, Serialize};

use super::bets::{BETS, PairBets};
use crate::regression::detect::alarm::{Alarm, Change};
use crate::regression::detect::effect::{Effect, Estimate};
use crate::regression::detect::latency_alarm::{recent_ratio, step};
use crate::regression::detect::observed::Pair;
use crate::regression::detect::recent::Recent;
use crate::regression::detect::threshold::Threshold;
use crate::regression::detect::tolerance::Tolerance;
use crate::regression::detect::wealth::Detectors;

/// Watches one latency of one workload in a comparison; give it every pair.
///
/// An alarm needs evidence of the threshold and a recent median ratio beyond the tolerance. It
/// clears when the ratio is back, and the evidence starts from nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PairDetector {
    tolerance: Tolerance,
    threshold: Threshold,
    bets: PairBets,
    detectors: Detectors<BETS>,
    recent: Recent,
    effect: Effect,
    alarm: Alarm,
    pairs: u64,
}

impl PairDetector {
    /// One that has seen nothing.
    #[must_use]
    pub fn new(tolerance: Tolerance, threshold: Threshold) -> Self {
        Self {
            tolerance,
            threshold,
            bets: PairBets::new(),
            detectors: Detectors::new(),
            recent: Recent::new(),
            effect: Effect::default(),
            alarm: Alarm::default(),
            pairs: 0,
        }
    }

    /// Takes up one pair.
    pub fn observe(&mut self, pair: Pair) -> Option<Change> {
        let score = pair.score(self.tolerance);
        self.detectors.update(&self.bets.ln_factors(score));
        self.bets.learn(score);
        self.pairs += 1;
        if let Some(ln_ratio) = pair.ln_ratio() {
            self.recent.push(ln_ratio);
            self.effect.add(ln_ratio);
        }
        let reached = self.detectors.reaches(self.threshold.ln());
        let change = step(&mut self.alarm, reached, &self.recent, self.tolerance)?;
        self.effect = Effect::default();
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

    /// The median ratio of the last few pairs, by which an alarm is raised; `None` without a pair,
    /// infinite where most of them failed.
    #[must_use]
    pub fn recent_ratio(&self) -> Option<f64> {
        recent_ratio(&self.recent)
    }

    /// The median ratio since the alarm last changed, or since the first pair: what was before
    /// would blur it.
    #[must_use]
    pub fn effect(&self) -> Option<Estimate> {
        self.effect.estimate()
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

    /// What is tolerated.
    #[must_use]
    pub fn tolerance(&self) -> Tolerance {
        self.tolerance
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
