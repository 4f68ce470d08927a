//! What is watched for, as configured.

use std::sync::Arc;
use std::time::Duration;

use crate::regression::comparison::{Comparison, Signal};
use crate::regression::detect::{DEFAULT_PERIOD, REFERENCE_OBSERVATIONS, Threshold, Tolerance};
use crate::target::Target;
use crate::workload::Workload;

/// By how much each latency may grow before it counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerances {
    /// Time to first token.
    pub ttft: Tolerance,
    /// Inter-token latency.
    pub itl: Tolerance,
    /// The whole request.
    pub request_latency: Tolerance,
    /// Percentage points (as a share of all probes) by which failures may grow.
    pub failure: Tolerance,
    /// The same for missed SLOs.
    pub slo: Tolerance,
}

impl Tolerances {
    /// That of one signal.
    #[must_use]
    pub fn of(&self, signal: Signal) -> Tolerance {
        match signal {
            Signal::Ttft => self.ttft,
            Signal::Itl => self.itl,
            Signal::RequestLatency => self.request_latency,
            Signal::Failure => self.failure,
            Signal::Slo => self.slo,
        }
    }
}

/// How targets are compared with their own past.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChangeDetection {
    /// Whether they are at all.
    pub enabled: bool,
    /// What is tolerated.
    pub tolerances: Tolerances,
    /// For how long a reference is collected, at least.
    pub reference: Duration,
    /// How many observations it needs, at least.
    pub min_samples: u64,
    /// How often all targets together may raise a false alarm.
    pub false_alarm_every: Duration,
}

impl ChangeDetection {
    /// What holds where nothing is configured.
    #[must_use]
    pub fn usual() -> Self {
        Self {
            enabled: true,
            tolerances: Tolerances {
                ttft: Tolerance::TTFT,
                itl: Tolerance::ITL,
                request_latency: Tolerance::TTFT,
                failure: Tolerance::FAILURES,
                slo: Tolerance::MISSES,
            },
            reference: Duration::from_secs(24 * 3600),
            min_samples: REFERENCE_OBSERVATIONS,
            false_alarm_every: DEFAULT_PERIOD,
        }
    }

    /// How many streams of a target are watched.
    #[must_use]
    pub fn streams(&self, target: &Target) -> usize {
        if !self.enabled {
            return 0;
        }
        target.workloads.iter().map(|w| signals(target, w).count()).sum()
    }

    /// The evidence that an alarm needs among so many streams: rare workloads are observed less
    /// often in the same time, and those that comparisons ask for, too, more often.
    pub(super) fn threshold(
        &self,
        target: &Target,
        workload: &Workload,
        comparisons: &[Arc<Comparison>],
        fleet: usize,
    ) -> Threshold {
        let total: f64 = target.workloads.iter().map(|w| w.weight).sum();
        let own = target.schedule.interval.mul_f64((total / workload.weight).min(1e6));
        let asking = comparisons.iter().filter(|c| c.asks(target, workload));
        let intervals = asking.map(|c| c.interval_of(workload)).chain([own]);
        let per_second: f64 = intervals.map(|i| i.as_secs_f64().recip()).sum();
        let interval = Duration::try_from_secs_f64(per_second.recip()).unwrap_or(own);
        Threshold::of_fleet(self.false_alarm_every, interval, fleet)
    }
}

/// The signals that a workload of a target can have.
pub fn signals(target: &Target, workload: &Workload) -> impl Iterator<Item = Signal> + use<> {
    let (streamed, tokens) = (target.stream, workload.max_output_tokens);
    let has_slo = target.slos.iter().any(|slo| slo.covers(&workload.name));
    Signal::ALL.iter().copied().filter(move |signal| match signal {
        Signal::Ttft => streamed,
        Signal::Itl => streamed && tokens > 1,
        Signal::RequestLatency | Signal::Failure => true,
        Signal::Slo => has_slo,
    })
}
