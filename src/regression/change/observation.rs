//! What one probe says about its target.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::answer::failure::FailureReason;
use crate::answer::outcome::Outcome;
use crate::regression::comparison::Signal;
use crate::regression::detect::{HourOfDay, Observed};

/// One probe of a workload, and when it was.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Observation {
    /// Milliseconds since the Unix epoch.
    pub unix_millis: u64,
    ttft: Option<Observed>,
    itl: Option<Observed>,
    request_latency: Option<Observed>,
    failed: bool,
    missed_slo: Option<bool>,
}

impl Observation {
    /// What an outcome says at a time of the wall clock. `None` where it says nothing about the
    /// server, because the prober gave up or has a defect.
    #[must_use]
    pub fn of(outcome: &Outcome, at: SystemTime) -> Option<Self> {
        let own_fault = [FailureReason::Cancelled, FailureReason::Internal];
        if outcome.reason().is_some_and(|reason| own_fault.contains(&reason)) {
            return None;
        }
        let failed = !outcome.succeeded();
        let latency = |figure: Option<_>| {
            if failed { Some(Observed::Failed) } else { figure.map(Observed::from) }
        };
        let since_epoch = at.duration_since(UNIX_EPOCH).unwrap_or_default();
        let (verdicts, figures) = (&outcome.verdicts, &outcome.measurement);
        Some(Self {
            unix_millis: u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX),
            ttft: latency(figures.ttft),
            itl: latency(figures.itl),
            request_latency: latency(figures.request_latency),
            failed,
            missed_slo: (!verdicts.is_empty()).then(|| verdicts.iter().any(|v| !v.good)),
        })
    }

    /// The hour of the UTC day.
    pub(super) fn hour(&self) -> HourOfDay {
        HourOfDay::of_unix_seconds(i64::try_from(self.unix_millis / 1000).unwrap_or(i64::MAX))
    }

    /// A latency; `None` where the answer did not show it.
    pub(super) fn latency(&self, signal: Signal) -> Option<Observed> {
        match signal {
            Signal::Ttft => self.ttft,
            Signal::Itl => self.itl,
            Signal::RequestLatency => self.request_latency,
            Signal::Failure | Signal::Slo => None,
        }
    }

    /// Whether the target did badly; `None` for latencies, and without an SLO.
    pub(super) fn bad(&self, signal: Signal) -> Option<bool> {
        match signal {
            Signal::Failure => Some(self.failed),
            Signal::Slo => self.missed_slo,
            Signal::Ttft | Signal::Itl | Signal::RequestLatency => None,
        }
    }
}
