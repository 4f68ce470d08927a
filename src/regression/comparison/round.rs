//! What one round brings.

use std::time::Duration;

use super::answers::Answers;
use super::signal::Signal;
use crate::answer::failure::FailureReason;
use crate::answer::outcome::Outcome;
use crate::regression::detect::{CountsFor, Misses, Observed, Pair};

/// Why a side failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SideFailure {
    /// It refused the prober's credentials (status 401): they may have expired. That is no fault of
    /// a candidate, but what refuses is not to be called *not worse*, either.
    Unauthorized,
    /// Anything else.
    Failed(FailureReason),
}

impl SideFailure {
    const UNAUTHORIZED: u16 = 401;

    fn of(outcome: &Outcome) -> Option<Self> {
        let reason = outcome.reason()?;
        let unauthorized = outcome.http_status == Some(Self::UNAUTHORIZED);
        Some(if unauthorized { Self::Unauthorized } else { Self::Failed(reason) })
    }

    /// Its name: that of the reason, or `unauthorized`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unauthorized => "unauthorized",
            Self::Failed(reason) => reason.as_str(),
        }
    }
}

/// One side of a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Side {
    /// Why the probe failed, if it did; its figures then count as infinite.
    pub failure: Option<SideFailure>,
    /// Time to first token; `None` where it could not be observed.
    pub ttft: Option<Duration>,
    /// Inter-token latency; `None` where it could not be observed.
    pub itl: Option<Duration>,
    /// The whole request; `None` where it could not be observed.
    pub request_latency: Option<Duration>,
    /// Whether a common SLO was missed; `None` where none covers the workload.
    pub missed_slo: Option<bool>,
}

impl Side {
    /// What an outcome says; only the SLOs named in `slos` count. `None` where it says nothing
    /// about the server, because the prober gave up or has a defect.
    #[must_use]
    pub fn of(outcome: &Outcome, slos: &[String]) -> Option<Self> {
        let own_fault = [FailureReason::Cancelled, FailureReason::Internal];
        if outcome.reason().is_some_and(|reason| own_fault.contains(&reason)) {
            return None;
        }
        let mut judged = outcome.verdicts.iter().filter(|v| slos.contains(&v.slo)).peekable();
        let covered = judged.peek().is_some();
        let figures = &outcome.measurement;
        Some(Self {
            failure: SideFailure::of(outcome),
            ttft: figures.ttft,
            itl: figures.itl,
            request_latency: figures.request_latency,
            missed_slo: covered.then(|| judged.any(|v| !v.good)),
        })
    }

    /// Whether the probe failed.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.failure.is_some()
    }

    fn unauthorized(&self) -> bool {
        self.failure == Some(SideFailure::Unauthorized)
    }

    fn latency(&self, signal: Signal) -> Option<Observed> {
        if self.failed() {
            return Some(Observed::Failed);
        }
        let figure = match signal {
            Signal::Ttft => self.ttft,
            Signal::Itl => self.itl,
            Signal::RequestLatency => self.request_latency,
            Signal::Failure | Signal::Slo => None,
        };
        figure.map(Observed::from)
    }
}

/// The same prompt at both.
#[derive(Debug, Clone, PartialEq)]
pub struct Round {
    /// What was asked.
    pub workload: String,
    /// The stack in use.
    pub baseline: Side,
    /// The one that may replace it.
    pub candidate: Side,
    /// Whether the answers agree, where that is checked and both succeeded.
    pub answers: Option<Answers>,
    /// When it was over, milliseconds since the Unix epoch.
    pub ended_unix_millis: u64,
}

impl Round {
    /// The pair of a latency. `None` where both failed, or where both succeeded, one without the
    /// figure: that says nothing about which one is slower. A failure counts whether or not the
    /// other side shows the figure: else those of the side that shows it less would count more.
    #[must_use]
    pub fn pair(&self, signal: Signal) -> Option<Pair> {
        if self.baseline.failed() && self.candidate.failed() {
            return None;
        }
        let (baseline, candidate) = (&self.baseline, &self.candidate);
        let beside_a_failure = Observed::Finite(1.0); // any time is less than infinite
        let of = |side: &Side, other: &Side| {
            side.latency(signal).or_else(|| other.failed().then_some(beside_a_failure))
        };
        Some(Pair { baseline: of(baseline, candidate)?, candidate: of(candidate, baseline)? })
    }

    /// Whether both sides answered.
    #[must_use]
    pub fn answered(&self) -> bool {
        !self.baseline.failed() && !self.candidate.failed()
    }

    /// For which verdicts it counts as evidence. Nothing that the baseline fails to do speaks for the
    /// candidate's speed, and nothing at all does while the baseline is `silent`. Refused credentials
    /// speak against no server.
    #[must_use]
    pub fn counts_for(&self, signal: Signal, silent: bool) -> CountsFor {
        let (baseline, candidate) = (&self.baseline, &self.candidate);
        let slower_or_failed = match signal {
            Signal::Ttft | Signal::Itl | Signal::RequestLatency => !baseline.failed(),
            Signal::Failure | Signal::Slo => !baseline.unauthorized(),
        };
        CountsFor {
            regressed: !(baseline.unauthorized() || candidate.unauthorized()),
            not_worse: slower_or_failed && !silent,
        }
    }

    /// Who did badly. `None` for latencies, and without a common SLO.
    #[must_use]
    pub fn misses(&self, signal: Signal) -> Option<Misses> {
        let (baseline, candidate) = (&self.baseline, &self.candidate);
        match signal {
            Signal::Failure => {
                Some(Misses { baseline: baseline.failed(), candidate: candidate.failed() })
            }
            Signal::Slo => {
                Some(Misses { baseline: baseline.missed_slo?, candidate: candidate.missed_slo? })
            }
            Signal::Ttft | Signal::Itl | Signal::RequestLatency => None,
        }
    }
}
