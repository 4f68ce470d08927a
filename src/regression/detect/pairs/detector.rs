//! The alarm that a candidate has got slower than its baseline.

use serde::{Deserialize, Serialize};

use super::bets::{BETS, PairBets, RISING};
use crate::regression::detect::alarm::{Alarm, Change};
use crate::regression::detect::delay::Delay;
use crate::regression::detect::effect::{Effect, Estimate};
use crate::regression::detect::latency_alarm::{TO_RAISE, recent_ratio, step};
use crate::regression::detect::observed::Pair;
use crate::regression::detect::recent::Recent;
use crate::regression::detect::recovery::Recovery;
use crate::regression::detect::rise::Rise;
use crate::regression::detect::threshold::Threshold;
use crate::regression::detect::tolerance::Tolerance;
use crate::regression::detect::wealth::Detectors;

/// Watches one latency of one workload in a comparison; give it every pair.
///
/// An alarm needs evidence of the threshold and a recent median ratio beyond the tolerance. It
/// clears when the ratio is back, on evidence that it is nearer to 1 than to what it was, and the
/// evidence starts from nothing: one regression is one alarm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PairDetector {
    tolerance: Tolerance,
    threshold: Threshold,
    bets: PairBets,
    detectors: Detectors<BETS>,
    recent: Recent,
    effect: Effect,
    alarm: Alarm,
    #[serde(default)]
    delay: Delay,
    #[serde(default)]
    rise: Rise,
    /// While an alarm is on.
    #[serde(default)]
    recovery: Option<Recovery>,
    pairs: u64,
}

impl PairDetector {
    /// One that has seen nothing.
    #[must_use]
    pub fn new(tolerance: Tolerance, threshold: Threshold) -> Self {
        Self {
            tolerance,
            threshold,
            bets: PairBets::default(),
            detectors: Detectors::new(),
            recent: Recent::new(),
            effect: Effect::default(),
            alarm: Alarm::default(),
            delay: Delay::default(),
            rise: Rise::default(),
            recovery: None,
            pairs: 0,
        }
    }

    /// Takes up one pair.
    pub fn observe(&mut self, pair: Pair) -> Option<Change> {
        let score = pair.score(self.tolerance);
        let factors = self.bets.news(score).ln_factors();
        self.detectors.update(&factors);
        self.rise.add(factors[RISING]);
        if let Some((recovery, ln_ratio)) = self.recovery.as_mut().zip(pair.ln_ratio()) {
            recovery.observe(ln_ratio, self.bets.scale(), self.bets.correlation().memory());
        }
        let size = self.bets.follow(score);
        self.pairs += 1;
        if let Some(ln_ratio) = pair.ln_ratio() {
            self.recent.push(ln_ratio);
            self.effect.add(ln_ratio);
        }
        if let Some(size) = size.filter(|_| !self.alarm.is_active()) {
            let learnt = self.bets.correlation().scores();
            if let Some(size) = self.delay.next(size, learnt) {
                self.bets.remember(size);
            }
        }
        let reached =
            self.detectors.reaches(self.threshold.ln()) && self.bets.correlation().is_enough();
        let recovered = || self.recovery.as_ref().is_none_or(Recovery::is_sure);
        let change =
            step(&mut self.alarm, reached, || false, recovered, &self.recent, self.tolerance)?;
        match change {
            Change::Raised => {
                self.effect = Effect::since_chosen(self.recent.last(self.rise.observations()));
                let ratio = self.recent.median_of_last(self.rise.observations().max(TO_RAISE));
                self.recovery = ratio.map(Recovery::of);
            }
            Change::Cleared => {
                self.delay.skip();
                self.detectors = Detectors::new();
                self.effect = Effect::default();
                self.recovery = None;
            }
        }
        Some(change)
    }

    /// So many pairs say as much as one would that is independent of all others.
    #[must_use]
    pub fn pairs_per_independent_one(&self) -> f64 {
        self.bets.correlation().scores_per_independent_one()
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

    /// While an alarm is on, the median ratio since the evidence began to grow; else since the last
    /// one was over, or since the first pair.
    #[must_use]
    pub fn effect(&self) -> Option<Estimate> {
        self.effect.estimate(self.pairs_per_independent_one())
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
