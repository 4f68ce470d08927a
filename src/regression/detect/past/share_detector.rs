//! The alarm that an endpoint fails, or misses the SLO, more often than it used to.

use serde::{Deserialize, Serialize};

use super::hours::HourOfDay;
use super::share_reference::ShareReference;
use crate::regression::detect::alarm::{Alarm, Change};
use crate::regression::detect::recent::{KEPT, Recent};
use crate::regression::detect::threshold::Threshold;
use crate::regression::detect::wealth::Detectors;

/// Shares of the wealth put at stake on a probe's being bad: about the rise each is best at.
const STAKES: [f64; 4] = [0.01, 0.03, 0.1, 0.3];

/// An alarm lasts at least so many observations: a small rise shows seldom.
const TO_CLEAR_LEAST: usize = 120;

/// `ln` of `L = 1 + λ·(B/m − 1)`: fair while `P(B | past) ≤ m`.
pub(in crate::regression::detect) fn ln_factors(bad: bool, usual: f64) -> [f64; STAKES.len()] {
    let gain = f64::from(bad) / usual - 1.0;
    STAKES.map(|stake| (stake * gain).ln_1p())
}

/// Watches failures, or missed SLOs, of one target and workload; give it every probe.
///
/// An alarm needs evidence of the threshold and more bad probes recently than usual. It clears
/// when they are as few again, and the evidence starts from nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShareDetector {
    reference: ShareReference,
    threshold: Threshold,
    detectors: Detectors<{ STAKES.len() }>,
    /// By how much each observation exceeded the usual share of its hour.
    excess: Recent,
    alarm: Alarm,
    observations: u64,
}

impl ShareDetector {
    /// One that has seen nothing since its reference.
    #[must_use]
    pub fn new(reference: ShareReference, threshold: Threshold) -> Self {
        Self {
            reference,
            threshold,
            detectors: Detectors::new(),
            excess: Recent::new(),
            alarm: Alarm::default(),
            observations: 0,
        }
    }

    /// Takes up one observation, made at an hour of the UTC day.
    pub fn observe(&mut self, hour: HourOfDay, bad: bool) -> Option<Change> {
        let usual = self.reference.usual(hour);
        self.detectors.update(&ln_factors(bad, usual));
        self.observations += 1;
        self.excess.push(f64::from(bad) - usual);
        let excess = &self.excess;
        let worse = |most| excess.mean_of_last(most).is_some_and(|mean| mean > 0.0);
        let change = self.alarm.step(
            self.detectors.reaches(self.threshold.ln()),
            || worse(KEPT),
            |since| since >= TO_CLEAR_LEAST && !worse(since),
        )?;
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

    /// Whether it is alarmed.
    #[must_use]
    pub fn alarm(&self) -> &Alarm {
        &self.alarm
    }

    /// What it compares with.
    #[must_use]
    pub fn reference(&self) -> &ShareReference {
        &self.reference
    }

    /// Observations taken up.
    #[must_use]
    pub fn observations(&self) -> u64 {
        self.observations
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
