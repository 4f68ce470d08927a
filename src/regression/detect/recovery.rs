//! Whether a change has gone again.

use serde::{Deserialize, Serialize};

use super::correlation::Correlation;
use super::exact::Exact;
use super::scale::Scale;
use super::wealth::Detectors;

/// Shares of the wealth put at stake.
const STAKES: [f64; 3] = [0.2, 0.4, 0.8];

/// `ln` of the evidence that ends an alarm: while the change is there, half of it is not even the
/// boundary, so that this comes falsely far less often than once in so many observations.
const LN_NEEDED: f64 = 6.907_755_278_982_137; // ln 1000

/// A larger change counts as one by this factor: what is less than half of it is another one.
const LN_MOST: f64 = 1.386_294_361_119_890_6; // ln 4

/// Bets that a ratio is nearer to 1 than to what it was when the alarm went off. That it is within
/// the tolerance for a while happens by chance where the change is little more than the tolerance,
/// and one regression would be many alarms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Recovery {
    /// `ln` of the ratio half way.
    half: Exact,
    last: Exact,
    detectors: Detectors<{ STAKES.len() }>,
}

impl Recovery {
    /// From a change by this ratio, as a logarithm.
    pub fn of(ln_ratio: f64) -> Self {
        let half = Exact(ln_ratio.clamp(0.0, LN_MOST) / 2.0);
        Self { half, last: Exact(0.0), detectors: Detectors::new() }
    }

    /// Takes up an observation's ratio, as a logarithm.
    pub fn observe(&mut self, ln_ratio: f64, scale: &Scale, memory: f64) {
        let size = scale.share(ln_ratio - self.half.0);
        let news = -Correlation::innovation(memory, size, self.last.0);
        self.detectors.update(&STAKES.map(|stake| (stake * news).ln_1p()));
        self.last.0 = size;
    }

    /// Whether there is evidence enough.
    pub fn is_sure(&self) -> bool {
        self.detectors.reaches(LN_NEEDED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ratios around one, by a third up and down in turn, until it is sure.
    fn until_sure(change: f64, ratio: f64) -> Option<u32> {
        let mut scale = Scale::default();
        (0..100).for_each(|_| scale.learn(0.3));
        let mut recovery = Recovery::of(change.ln());
        (1..=20_000).find(|i| {
            let noise = if i % 2 == 0 { 0.3 } else { -0.3 };
            recovery.observe(ratio.ln() + noise, &scale, 0.0);
            recovery.is_sure()
        })
    }

    #[test]
    fn a_change_that_is_there_is_never_gone_and_one_that_has_gone_is_soon() {
        assert_eq!(until_sure(1.12, 1.12), None);
        assert_eq!(until_sure(1.5, 1.25), None);
        let small = until_sure(1.12, 1.0);
        let large = until_sure(1.5, 1.0);
        assert!(
            small.is_some_and(|n| n < 600) && large.is_some_and(|n| n < 60),
            "{small:?} {large:?}"
        );
        // All that had failed answers again.
        assert!(until_sure(f64::INFINITY, 1.0).is_some_and(|n| n < 30));
    }
}
