//! A comparison as it was asked for, validated.

use std::sync::Arc;
use std::time::Duration;

use strum::IntoStaticStr;

use super::signal::Signal;
use super::timing::Timing;
use crate::regression::detect::{Threshold, Tolerance};
use crate::target::Target;
use crate::workload::Workload;

/// How the two probes of a round lie in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Order {
    /// At the same instant: what disturbs one disturbs the other.
    Simultaneous,
    /// One after the other, in random order: for stacks that share hardware and would disturb each
    /// other.
    BackToBack,
}

impl Order {
    /// The key in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// What makes two answers agree beside the same finish.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AnswerRules {
    /// The longer one has at most so many times the characters of the shorter one; at least 1.
    pub length_ratio: f64,
    /// They are the same, character by character. For temperature 0.
    pub exact: bool,
}

/// Two targets that get the same prompts.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Name, a label value, unique.
    pub name: String,
    /// The stack in use.
    pub baseline: Arc<Target>,
    /// The one that may replace it.
    pub candidate: Arc<Target>,
    /// What is asked, by weight; both targets have it. At least one.
    pub workloads: Vec<Arc<Workload>>,
    /// When rounds are wanted.
    pub timing: Timing,
    /// How a round lies in time.
    pub order: Order,
    /// By how much a latency may be longer.
    pub tolerance: Tolerance,
    /// By how much the share of failures may be higher for *not worse*, in `[0, 1)`.
    pub failure_margin: f64,
    /// The same for misses of SLOs.
    pub slo_margin: f64,
    /// How often the whole fleet of comparisons may raise a false alarm.
    pub false_alarm_every: Duration,
    /// Whether answers are compared.
    pub answers: Option<AnswerRules>,
}

impl Comparison {
    /// Whether both sides send their answers piece by piece.
    #[must_use]
    pub fn streamed(&self) -> bool {
        self.baseline.stream && self.candidate.stream
    }

    /// The SLOs that both sides are held to, by the same objectives.
    #[must_use]
    pub fn common_slos(&self) -> Vec<String> {
        let known = |slo: &&Arc<_>| self.candidate.slos.contains(slo);
        self.baseline.slos.iter().filter(known).map(|slo| slo.name.clone()).collect()
    }

    /// The signals that a workload can have.
    #[must_use]
    pub fn signals(&self, workload: &Workload) -> Vec<Signal> {
        let slos = self.baseline.slos.iter().filter(|slo| self.candidate.slos.contains(slo));
        let has_slo = slos.into_iter().any(|slo| slo.covers(&workload.name));
        let can = |signal: &Signal| match signal {
            Signal::Ttft => self.streamed(),
            Signal::Itl => self.streamed() && workload.max_output_tokens > 1,
            Signal::RequestLatency | Signal::Failure => true,
            Signal::Slo => has_slo,
        };
        Signal::ALL.iter().copied().filter(can).collect()
    }

    /// How many streams are watched.
    #[must_use]
    pub fn streams(&self) -> usize {
        self.workloads.iter().map(|w| self.signals(w).len()).sum()
    }

    /// The evidence an alarm of this workload needs in a fleet of so many streams: rare workloads
    /// have fewer pairs in the same time.
    #[must_use]
    pub fn threshold(&self, workload: &Workload, fleet: usize) -> Threshold {
        Threshold::of_fleet(self.false_alarm_every, self.interval_of(workload), fleet)
    }

    /// Mean time between two rounds of this workload.
    #[must_use]
    pub fn interval_of(&self, workload: &Workload) -> Duration {
        let weight = |workload: &Workload| self.timing.weight(workload);
        let total: f64 = self.workloads.iter().map(|w| weight(w)).sum();
        self.timing.interval().mul_f64((total / weight(workload)).min(1e6))
    }

    /// Whether it asks this target this workload.
    #[must_use]
    pub fn asks(&self, target: &Target, workload: &Workload) -> bool {
        [&self.baseline, &self.candidate].iter().any(|side| side.name == target.name)
            && self.workloads.iter().any(|w| w.name == workload.name)
    }
}
