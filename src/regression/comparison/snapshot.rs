//! How a comparison stands, for metrics, the API and the terminal.

use super::answers::AnswerCounts;
use super::dropped::DropReason;
use super::gate::Needed;
use super::signal::Signal;
use super::standing::Standing;
use crate::regression::detect::{Estimate, Verdict};

/// A whole comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The verdict on the whole, and what is said beside it.
    pub standing: Standing,
    /// The evidence that each stream's verdict needs.
    pub needed: Needed,
    /// In the order of the configuration.
    pub workloads: Vec<WorkloadSnapshot>,
    /// Over all workloads, where there are several.
    pub together: Option<TogetherSnapshot>,
    /// Rounds that were not judged, for every reason.
    pub dropped: Vec<(DropReason, u64)>,
}

impl Snapshot {
    /// Rounds judged.
    #[must_use]
    pub fn pairs(&self) -> u64 {
        self.workloads.iter().map(|w| w.pairs).sum()
    }

    /// Rounds judged in which both failed.
    #[must_use]
    pub fn both_failed(&self) -> u64 {
        self.workloads.iter().map(|w| w.both_failed).sum()
    }

    /// Rounds not judged, whatever the reason.
    #[must_use]
    pub fn rounds_dropped(&self) -> u64 {
        self.dropped.iter().map(|(_, count)| count).sum()
    }
}

/// One workload.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkloadSnapshot {
    /// Its name.
    pub workload: String,
    /// Rounds judged.
    pub pairs: u64,
    /// Those of them in which both failed: they say nothing about either.
    pub both_failed: u64,
    /// Those in which both answered, since the run began or an alarm last went on or off.
    pub answered: u64,
    /// In the order of [`Signal::ALL`], as far as the workload has them.
    pub streams: Vec<StreamSnapshot>,
    /// Where answers are compared.
    pub answers: Option<AnswerCounts>,
}

/// One signal of one workload.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamSnapshot {
    /// Which.
    pub signal: Signal,
    /// Pairs that had the figure.
    pub pairs: u64,
    /// Decimal logarithm of the evidence for an alarm; `None` before the first pair.
    pub evidence_log10: Option<f64>,
    /// What an alarm needs.
    pub threshold_log10: f64,
    /// Whether the alarm is on.
    pub alarmed: bool,
    /// How often it went off.
    pub alarms: u64,
    /// When it last went off.
    pub last_alarm_unix_millis: Option<u64>,
    /// Median ratio since the alarm last changed; latencies only.
    pub effect: Option<Estimate>,
    /// So many pairs say as much as one would that is independent of all others: 1 where what
    /// disturbs one side alone has no memory. Latencies only.
    pub pairs_per_independent_one: Option<f64>,
    /// Pairs of which one side did badly; failures and SLOs only.
    pub discordant: Option<Discordant>,
    /// The promotion gate.
    pub gate: GateSnapshot,
}

/// A latency over all workloads.
#[derive(Debug, Clone, PartialEq)]
pub struct PooledSnapshot {
    /// Which.
    pub signal: Signal,
    /// Pairs that had the figure.
    pub pairs: u64,
    /// The promotion gate; its effect is that of the average.
    pub gate: GateSnapshot,
}

/// Over all workloads: failures, and the latencies that decide.
#[derive(Debug, Clone, PartialEq)]
pub struct TogetherSnapshot {
    /// In the order of [`Signal::ALL`].
    pub latencies: Vec<PooledSnapshot>,
    /// Rounds judged.
    pub pairs: u64,
    /// Pairs of which one side failed.
    pub discordant: Discordant,
    /// The promotion gate.
    pub gate: GateSnapshot,
}

/// Pairs of which only one side did badly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Discordant {
    /// Only the candidate.
    pub candidate_worse: u64,
    /// Only the baseline.
    pub baseline_worse: u64,
}

/// What decides whether the candidate may take over.
#[derive(Debug, Clone, PartialEq)]
pub struct GateSnapshot {
    /// The stream's part in the verdict on the whole.
    pub verdict: Verdict,
    /// Decimal logarithm of the highest evidence for *regressed*, since the run began.
    pub regressed_log10: f64,
    /// Decimal logarithm of the highest evidence for *not worse*, since the run began or an alarm
    /// last went on or off.
    pub not_worse_log10: f64,
    /// Median ratio of the same pairs as *not worse*; latencies only.
    pub effect: Option<Estimate>,
}
