//! The alarm that a candidate has got slower than its baseline.

use std::f64::consts::LN_10;

use serde::{Deserialize, Serialize};

use super::bets::{BETS, News, PairBets, RISING};
use super::long::{CLUSTER_LEAST, Long, LongMisses, RAREST};
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
use crate::regression::detect::wealth::{Detectors, Episodes, ln_mean_of};

/// An episode of one side has passed after so many times the time in which the measured correlation
/// goes.
const EPISODE_TIMES: f64 = 20.0;

/// Watches one latency of one workload in a comparison; give it every pair.
///
/// An alarm needs evidence of the threshold, half by all pairs and half by long requests alone, and a
/// recent median ratio beyond the tolerance, or that long requests are evidence enough. It
/// clears when the ratio is back, on evidence that it is nearer to 1 than to what it was (of long
/// requests, that half of what was too many have gone), and the
/// evidence starts from nothing: one regression is one alarm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PairDetector {
    tolerance: Tolerance,
    threshold: Threshold,
    bets: PairBets,
    detectors: Detectors<BETS>,
    /// What an episode may still earn.
    #[serde(default)]
    episodes: Episodes<BETS>,
    #[serde(default)]
    long: Long,
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
            episodes: Episodes::default(),
            long: Long::default(),
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
        let stakes = self.episodes.stakes(News::stake, 1.0);
        let factors = self.bets.news(score).ln_factors_at(stakes);
        self.episodes.spend(&factors, EPISODE_TIMES * self.bets.correlation().time());
        self.detectors.update(&factors);
        self.rise.add(factors[RISING]);
        self.long.observe(pair, self.tolerance, &self.bets);
        if let Some((recovery, ln_ratio)) = self.recovery.as_mut().zip(pair.ln_ratio()) {
            recovery.observe(ln_ratio, self.bets.scale(), self.bets.correlation().memory());
        }
        let size = self.bets.follow(score);
        self.pairs += 1;
        if let Some(ln_ratio) = pair.ln_ratio() {
            self.recent.push(ln_ratio);
            self.effect.add(ln_ratio);
        }
        if let Some(size) = size {
            if self.alarm.is_active() {
                self.delay.hold(size);
            } else if let Some(size) = self.delay.next(size, self.bets.correlation().scores()) {
                self.bets.remember(size);
            }
        }
        let lasted = self.alarm.since() + 1;
        let needed = self.threshold.ln();
        let long = self.long.reaches(needed);
        let enough = long || self.bets.correlation().is_enough();
        // A mean never exceeds the greatest.
        let near = self.detectors.is_near(needed) || self.long.is_near(needed);
        let reached = near && enough && self.ln_evidence() >= needed;
        let recovered =
            || self.recovery.as_ref().is_none_or(Recovery::is_sure) && self.long.is_recovered();
        let (recent, tolerance) = (&self.recent, self.tolerance);
        let change = step(&mut self.alarm, reached, || long, recovered, recent, tolerance)?;
        match change {
            Change::Raised => {
                self.effect = Effect::since_chosen(self.recent.last(self.rise.observations()));
                let ratio = self.recent.median_of_last(self.rise.observations().max(TO_RAISE));
                // Where only long requests are longer, the median was never beyond what is tolerated.
                self.recovery = ratio.map(|ratio| Recovery::of(ratio.max(self.tolerance.ln())));
                if long {
                    self.long.raised();
                }
            }
            Change::Cleared => {
                if !Delay::was_episode(lasted) {
                    self.delay.skip();
                }
                while let Some(size) = self.delay.due(self.bets.correlation().scores()) {
                    self.bets.remember(size);
                }
                self.long.cleared();
                self.detectors = Detectors::new();
                self.effect = Effect::default();
                self.recovery = None;
            }
        }
        Some(change)
    }

    /// Which sides of a pair take longer than all but one in a thousand requests of the baseline, the
    /// candidate by more than is tolerated; asked before the pair is observed. `None` before the first
    /// pair, and where a side failed.
    #[must_use]
    pub fn long(&self, pair: Pair) -> Option<LongMisses> {
        let correlation = self.bets.correlation();
        let levels = self.long.misses(pair, self.tolerance, correlation, CLUSTER_LEAST)?;
        Some(levels[RAREST])
    }

    fn ln_evidence(&self) -> f64 {
        ln_mean_of(self.detectors.ln_mean(), self.long.ln_mean())
    }

    /// So many pairs say as much as one would that is independent of all others.
    #[must_use]
    pub fn pairs_per_independent_one(&self) -> f64 {
        self.bets.correlation().scores_per_independent_one()
    }

    /// Decimal logarithm of the evidence; `None` before the first pair.
    #[must_use]
    pub fn evidence_log10(&self) -> Option<f64> {
        let ln = self.ln_evidence();
        ln.is_finite().then_some(ln / LN_10)
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
