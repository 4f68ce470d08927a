//! The alarm that an endpoint has got slower than its own past.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::hours::HourOfDay;
use super::latency_reference::{LatencyReference, PERCENTILES, share_above};
use crate::regression::detect::alarm::{Alarm, Change};
use crate::regression::detect::effect::{Effect, Estimate};
use crate::regression::detect::latency_alarm::{recent_ratio, step};
use crate::regression::detect::observed::Observed;
use crate::regression::detect::recent::Recent;
use crate::regression::detect::threshold::Threshold;
use crate::regression::detect::tolerance::Tolerance;
use crate::regression::detect::wealth::Detectors;

/// Shares of the wealth put at stake.
const STAKES: [f64; 3] = [0.1, 0.3, 0.6];

/// By percentile: what is rare pays much, so less of it is put at stake.
const COURAGE: [f64; 3] = [1.0, 0.3, 0.1];

/// A bet for each percentile and stake.
const BETS: usize = PERCENTILES.len() * STAKES.len();

/// `ln` of `L = 1 + λ·c·(B/m − 1)` by percentile, for B = 0 and B = 1, by stake. Fair while
/// `E[B | past] ≤ m`; nothing need be independent.
static LN_FACTORS: LazyLock<[[[f64; STAKES.len()]; 2]; PERCENTILES.len()]> = LazyLock::new(|| {
    std::array::from_fn(|i| {
        let share = share_above(PERCENTILES[i]);
        [0.0, 1.0].map(|b| STAKES.map(|stake| (stake * COURAGE[i] * (b / share - 1.0)).ln_1p()))
    })
});

/// The bets on one observation; a level that is not known is not bet on.
pub(in crate::regression::detect) fn ln_factors(
    exceeded: [Option<bool>; PERCENTILES.len()],
) -> [f64; BETS] {
    let mut factors = [0.0; BETS];
    let by_percentile = factors.chunks_exact_mut(STAKES.len());
    for ((bets, exceeded), known) in by_percentile.zip(exceeded).zip(LN_FACTORS.iter()) {
        if let Some(exceeded) = exceeded {
            bets.copy_from_slice(&known[usize::from(exceeded)]);
        }
    }
    factors
}

/// Watches one latency of one target and workload; give it every probe.
///
/// An alarm needs evidence of the threshold and a recent median beyond the tolerance of the
/// reference's: a slower tail alone raises the evidence only, and is found by a
/// [`super::ShareDetector`] of the SLO. It clears when the median is back, and the evidence starts
/// from nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PastDetector {
    reference: LatencyReference,
    tolerance: Tolerance,
    threshold: Threshold,
    detectors: Detectors<BETS>,
    recent: Recent,
    effect: Effect,
    alarm: Alarm,
    observations: u64,
}

impl PastDetector {
    /// One that has seen nothing since its reference.
    #[must_use]
    pub fn new(reference: LatencyReference, tolerance: Tolerance, threshold: Threshold) -> Self {
        Self {
            reference,
            tolerance,
            threshold,
            detectors: Detectors::new(),
            recent: Recent::new(),
            effect: Effect::default(),
            alarm: Alarm::default(),
            observations: 0,
        }
    }

    /// Takes up one observation, made at an hour of the UTC day.
    pub fn observe(&mut self, hour: HourOfDay, observed: Observed) -> Option<Change> {
        let levels = self.reference.at(hour);
        let ln = observed.ln();
        self.detectors.update(&ln_factors(levels.exceeded(ln, self.tolerance)));
        self.observations += 1;
        // Where most of the reference failed, nothing is slower.
        if levels.ln_median().is_finite() {
            self.recent.push(ln - levels.ln_median());
            self.effect.add(ln - levels.ln_median());
        }
        let reached = self.detectors.reaches(self.threshold.ln());
        let change = step(&mut self.alarm, reached, &self.recent, self.tolerance)?;
        self.effect = Effect::default();
        if change == Change::Cleared {
            self.detectors = Detectors::new();
        }
        Some(change)
    }

    /// Decimal logarithm of the evidence; `None` before the first observation.
    #[must_use]
    pub fn evidence_log10(&self) -> Option<f64> {
        self.detectors.log10_mean()
    }

    /// The median of the last few observations by the reference's, by which an alarm is raised;
    /// `None` without an observation, infinite where most of them failed.
    #[must_use]
    pub fn recent_ratio(&self) -> Option<f64> {
        recent_ratio(&self.recent)
    }

    /// The median ratio since the alarm last changed, or since the reference. The interval is that
    /// of the present, not of the reference.
    #[must_use]
    pub fn effect(&self) -> Option<Estimate> {
        self.effect.estimate()
    }

    /// Whether it is alarmed.
    #[must_use]
    pub fn alarm(&self) -> &Alarm {
        &self.alarm
    }

    /// What it compares with.
    #[must_use]
    pub fn reference(&self) -> &LatencyReference {
        &self.reference
    }

    /// Observations taken up.
    #[must_use]
    pub fn observations(&self) -> u64 {
        self.observations
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
