//! How much evidence an alarm needs.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::exact::Exact;

/// One false alarm of the whole fleet in this time.
pub const DEFAULT_PERIOD: Duration = Duration::from_secs(30 * 24 * 3600);

/// The evidence `A` at which a detector alarms: without a change it takes at least `A`
/// observations on average.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Threshold {
    ln: Exact,
}

impl Threshold {
    /// For one false alarm per `period` in a fleet of `streams`, each observed once per `interval`:
    /// every stream alarms at `streams · period / interval`.
    #[must_use]
    pub fn of_fleet(period: Duration, interval: Duration, streams: usize) -> Self {
        #[allow(clippy::cast_precision_loss)] // far below 2^53
        let streams = streams.max(1) as f64;
        Self::of(streams * period.as_secs_f64() / interval.as_secs_f64().max(1e-9))
    }

    /// For one false alarm in `observations` of one stream; below 1, or no number, counts as 1.
    #[must_use]
    pub fn of(observations: f64) -> Self {
        Self { ln: Exact(observations.max(1.0).ln()) }
    }

    /// Decimal logarithm of `A`.
    #[must_use]
    pub fn log10(self) -> f64 {
        self.ln.0 / std::f64::consts::LN_10
    }

    pub(super) fn ln(self) -> f64 {
        self.ln.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fleet_shares_one_false_alarm() {
        let of = |streams| Threshold::of_fleet(DEFAULT_PERIOD, Duration::from_secs(15), streams);
        assert!((of(1).ln() - 172_800_f64.ln()).abs() < 1e-12);
        assert!((of(40).ln() - (40.0 * 172_800_f64).ln()).abs() < 1e-12);
        assert_eq!(of(0), of(1));
        assert!((Threshold::of(1000.0).log10() - 3.0).abs() < 1e-12);
        assert!(Threshold::of(f64::NAN).log10().abs() < 1e-12);
        assert!(Threshold::of_fleet(DEFAULT_PERIOD, Duration::ZERO, 1).log10().is_finite());
    }
}
