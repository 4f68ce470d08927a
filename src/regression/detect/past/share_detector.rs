//! The alarm that an endpoint fails, or misses the SLO, more often than it used to.

use serde::{Deserialize, Serialize};

use super::hours::HourOfDay;
use super::share_reference::ShareReference;
use crate::regression::detect::alarm::{Alarm, Change};
use crate::regression::detect::exact::Exact;
use crate::regression::detect::recent::{KEPT, Recent};
use crate::regression::detect::repeats::Repeats;
use crate::regression::detect::threshold::Threshold;
use crate::regression::detect::wealth::Detectors;

/// Shares of the wealth put at stake on a probe's being bad: about the rise each is best at.
const STAKES: [f64; 4] = [0.01, 0.03, 0.1, 0.3];

/// The same on its being good, of the share that is expected to be bad.
const RECOVERING_STAKES: [f64; 4] = [0.1, 0.2, 0.4, 0.8];

/// Bets that a rise has gone.
pub(super) const RECOVERING: usize = RECOVERING_STAKES.len();

/// An alarm lasts at least so many observations: a small rise shows seldom.
const TO_CLEAR_LEAST: usize = 120;

/// `ln` of the evidence that ends an alarm: while the rise is there, half of it is not even the
/// boundary, so that this comes falsely far less often than once in so many observations.
pub(super) const LN_RECOVERED: f64 = 6.907_755_278_982_137; // ln 1000

/// `ln` of `L = 1 + λ·(B/m − 1)`: fair while `P(B | past) ≤ m`.
pub(in crate::regression::detect) fn ln_factors(bad: bool, usual: f64) -> [f64; STAKES.len()] {
    let gain = f64::from(bad) / usual - 1.0;
    STAKES.map(|stake| (stake * gain).ln_1p())
}

/// `ln` of `L = 1 + λ·(m − B)/m` at these stakes: fair while `P(B | past) ≥ m`, for stakes that leave
/// something where B = 1.
pub(in crate::regression::detect) fn ln_recovering(bad: bool, half: f64) -> [f64; RECOVERING] {
    let most = 0.9 * half / (1.0 - half).max(half);
    RECOVERING_STAKES.map(|stake| {
        let at_stake = stake.min(most) / half;
        (at_stake * (half - f64::from(bad))).ln_1p()
    })
}

/// Watches failures, or missed SLOs, of one target and workload; give it every probe.
///
/// An alarm needs evidence of the threshold and more bad probes recently than usual. It clears on
/// evidence that they are less than half of what they were beyond it, and the evidence starts from
/// nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShareDetector {
    reference: ShareReference,
    threshold: Threshold,
    detectors: Detectors<{ STAKES.len() }>,
    /// By how much each observation exceeded the usual share of its hour.
    excess: Recent,
    /// Whether bad ones come in runs.
    #[serde(default)]
    repeats: Repeats,
    alarm: Alarm,
    /// Bets that the excess is less than half of what it was when the alarm went off, and that half.
    #[serde(default)]
    recovery: Option<(Exact, Detectors<RECOVERING>)>,
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
            repeats: Repeats::default(),
            alarm: Alarm::default(),
            recovery: None,
            observations: 0,
        }
    }

    /// Takes up one observation, made at an hour of the UTC day.
    pub fn observe(&mut self, hour: HourOfDay, bad: bool) -> Option<Change> {
        let usual = self.reference.usual(hour);
        // After a bad one the next one is bad more often, where they come in runs.
        let expected = usual + self.repeats.expected(1) * (1.0 - usual);
        self.detectors.update(&ln_factors(bad, expected));
        if let Some((half, recovery)) = &mut self.recovery {
            recovery.update(&ln_recovering(bad, (usual + half.0).min(1.0)));
        }
        self.repeats.learn(i8::from(bad));
        self.observations += 1;
        self.excess.push(f64::from(bad) - usual);
        let excess = self.excess.mean_of_last(KEPT).unwrap_or(0.0);
        let recovered =
            || self.recovery.as_ref().is_none_or(|(_, bets)| bets.reaches(LN_RECOVERED));
        let change = self.alarm.step(
            self.detectors.reaches(self.threshold.ln()),
            || excess > 0.0,
            |since| since >= TO_CLEAR_LEAST && recovered(),
        )?;
        self.recovery = match change {
            Change::Raised => Some((Exact(excess.clamp(0.0, 1.0) / 2.0), Detectors::new())),
            Change::Cleared => None,
        };
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
