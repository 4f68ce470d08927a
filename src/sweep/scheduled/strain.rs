//! When a sweep is broken off, because the server is hurt by it.

use std::time::Duration;

use super::result::SweepResult;
use crate::answer::failure::FailureReason;

/// A first token may take so many times as long as the SLO allows.
const TIMES_THE_BOUND: u32 = 10;
/// Of the requests that are over, one in so many may not fail.
const ONE_IN: u64 = 20;

/// What the requests of a level have shown so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Strain {
    finished: u64,
    failed: u64,
    rate_limited: bool,
    longest_ttft: Duration,
}

impl Strain {
    /// A request is over. One that the prober gave up or spoilt says nothing about the server, and
    /// one whose answer a validator rejected was answered.
    pub fn note(&mut self, result: Result<(), FailureReason>, ttft: Option<Duration>) {
        match result {
            Err(FailureReason::Cancelled | FailureReason::Internal) => return,
            Ok(()) | Err(FailureReason::Validation) => {}
            Err(reason) => {
                self.failed += 1;
                self.rate_limited |= reason == FailureReason::Throttled;
            }
        }
        self.finished += 1;
        self.longest_ttft = self.longest_ttft.max(ttft.unwrap_or_default());
    }

    /// Why to break off now, where the SLO allows this time to first token and a request under way
    /// has waited so long for its own.
    #[must_use]
    pub fn too_much(&self, bound: Option<Duration>, waiting: Duration) -> Option<SweepResult> {
        if self.rate_limited {
            return Some(SweepResult::RateLimited);
        }
        if self.failed > 0 && self.failed * ONE_IN >= self.finished.max(ONE_IN) {
            return Some(SweepResult::Errors);
        }
        let longest = self.longest_ttft.max(waiting);
        let slow = bound.is_some_and(|bound| longest > bound.saturating_mul(TIMES_THE_BOUND));
        slow.then_some(SweepResult::Ttft)
    }
}
