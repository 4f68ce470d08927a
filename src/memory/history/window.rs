//! A target over a stretch of time, summed up for people.

use std::collections::BTreeMap;

use super::digest::Quantiles;
use super::hour::{SloHour, slos_of};
use super::tally::Tally;
use crate::answer::failure::FailureReason;
use crate::target::Target;

/// A stretch of time that ends with the present.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// Its length in minutes; it ends with the current minute, or the current hour where it is
    /// counted in hours.
    pub minutes: u32,
    /// Probes that ended.
    pub probes: u32,
    /// Those that succeeded and were good by every SLO that they were held to then.
    pub good: u32,
    /// Those that failed, by reason.
    pub failures: BTreeMap<FailureReason, u32>,
    /// In the order of the target's SLOs; probes from before a change of an SLO's bounds are not
    /// in it.
    pub slos: Vec<SloHour>,
    /// Time to first token.
    pub ttft: Option<Quantiles>,
    /// Inter-token latency.
    pub itl: Option<Quantiles>,
}

impl Window {
    pub(super) fn of(target: &Target, minutes: u32, tally: &Tally) -> Self {
        Self {
            minutes,
            probes: tally.probes,
            good: tally.good,
            failures: tally.failures.iter().copied().collect(),
            slos: slos_of(target, tally),
            ttft: tally.ttft.quantiles(),
            itl: tally.itl.quantiles(),
        }
    }

    /// Those that failed.
    #[must_use]
    pub fn failed(&self) -> u32 {
        self.failures.values().sum()
    }
}
