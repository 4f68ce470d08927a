//! A comparison as it stands.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::closed::{Named, OrderName, SignalName, VerdictName};
use super::effect::EffectView;
use super::probe::unix_seconds_of_millis;
use crate::load::comparer::Live;
use crate::regression::comparison::{
    AnswerCheck, AnswerCounts, Discordant, Needed, PooledSnapshot, StreamSnapshot,
    TogetherSnapshot, WorkloadSnapshot,
};

/// A candidate beside the stack in use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ComparisonView {
    /// Its unique name.
    pub name: String,
    /// Target in use.
    pub baseline: String,
    /// Target that may replace it.
    pub candidate: String,
    /// How a round lies in time.
    pub order: OrderName,
    /// Mean time between two rounds, in seconds.
    pub interval: f64,
    /// By how much a latency may be longer: 0.05 for five per cent.
    pub tolerance: f64,
    /// Id of the run under way. A comparison that begins anew is another run.
    pub run: String,
    /// When it began, Unix seconds. Everything that is said here is of this run.
    pub run_began_unix_seconds: f64,
    /// Why it began, in words.
    pub run_cause: String,
    /// The one verdict: regressed as soon as one signal is, until the run ends; else changed while
    /// an alarm is on; else not worse once every signal that decides is; else undecided.
    pub verdict: VerdictName,
    /// Since when an alarm is on, Unix seconds; left out while none is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed_since_unix_seconds: Option<f64>,
    /// What *not worse* waits for, in words; left out unless the verdict is undecided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<String>,
    /// Decimal logarithm of the evidence that *regressed* needs.
    pub regressed_threshold_log10: f64,
    /// Decimal logarithm of the evidence that *not worse* needs.
    pub not_worse_threshold_log10: f64,
    /// Rounds that were judged.
    pub pairs: u64,
    /// Rounds that were not, by reason.
    pub rounds_dropped: BTreeMap<String, u64>,
    /// In the order of the configuration.
    pub workloads: Vec<WorkloadView>,
    /// Failures over all workloads; left out where there is only one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failures_together: Option<TogetherView>,
    /// The latencies that decide, over all workloads; left out where there is only one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub latencies_together: Vec<PooledView>,
}

/// One workload of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WorkloadView {
    /// Its name.
    pub workload: String,
    /// Rounds that were judged.
    pub pairs: u64,
    /// Those of them in which both sides failed.
    pub both_failed: u64,
    /// Those in which both sides answered, since the run began or an alarm last went on or off.
    pub answered: u64,
    /// Its signals.
    pub signals: Vec<StreamView>,
    /// How often answers differ; left out where they are not compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answers: Option<AnswersView>,
}

/// One signal of one workload: what it says, and the evidence for that.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StreamView {
    /// Which.
    pub signal: SignalName,
    /// Pairs that had the figure.
    pub pairs: u64,
    /// What the signal says, on its way to the verdict on the whole.
    pub verdict: VerdictName,
    /// Decimal logarithm of the highest evidence for *regressed*, since the run began.
    pub regressed_log10: f64,
    /// Decimal logarithm of the highest evidence for *not worse*, since the run began or an alarm
    /// last went on or off.
    pub not_worse_log10: f64,
    /// Candidate / baseline over the same pairs as *not worse*; latencies only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<EffectView>,
    /// So many pairs say as much as one would that is independent of all others; latencies only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pairs_per_independent_one: Option<f64>,
    /// Pairs of which one side did badly; failures and SLOs only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discordant: Option<DiscordantView>,
    /// Whether the alarm is on: the candidate has got worse.
    pub alarm: bool,
    /// Decimal logarithm of the evidence for an alarm; left out before the first pair.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alarm_log10: Option<f64>,
    /// Decimal logarithm of the evidence that an alarm needs.
    pub alarm_threshold_log10: f64,
    /// How often the alarm went off.
    pub alarms: u64,
    /// When it last did, Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_alarm_unix_seconds: Option<f64>,
}

/// Failures over all workloads of a comparison, which have no alarm of their own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TogetherView {
    /// Rounds that were judged.
    pub pairs: u64,
    /// What they say, on the way to the verdict on the whole.
    pub verdict: VerdictName,
    /// Decimal logarithm of the highest evidence for *regressed*.
    pub regressed_log10: f64,
    /// Decimal logarithm of the highest evidence for *not worse*.
    pub not_worse_log10: f64,
    /// Pairs of which one side failed.
    pub discordant: DiscordantView,
}

/// A latency over all workloads of a comparison, which has no alarm of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PooledView {
    /// Which.
    pub signal: SignalName,
    /// Pairs that had the figure.
    pub pairs: u64,
    /// What it says, on the way to the verdict on the whole.
    pub verdict: VerdictName,
    /// Decimal logarithm of the highest evidence for *regressed*.
    pub regressed_log10: f64,
    /// Decimal logarithm of the highest evidence for *not worse*.
    pub not_worse_log10: f64,
    /// Candidate / baseline of the average, over the same pairs as *not worse*.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<EffectView>,
}

/// Pairs of which only one side failed, or missed the SLO.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DiscordantView {
    /// Only the candidate.
    pub candidate_worse: u64,
    /// Only the baseline.
    pub baseline_worse: u64,
}

/// Pairs of answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AnswersView {
    /// Compared.
    pub compared: u64,
    /// That differ, by respect: `finish`, `length`, `exact`.
    pub differing: BTreeMap<String, u64>,
}

impl ComparisonView {
    /// How it stands now.
    #[must_use]
    pub fn new(live: &Live) -> Self {
        let (spec, now) = (live.spec(), live.snapshot());
        let Needed { regressed, not_worse } = now.needed;
        let standing = &now.standing;
        let dropped = now.dropped.iter().filter(|(_, rounds)| *rounds > 0);
        Self {
            name: spec.name.clone(),
            baseline: spec.baseline.name.clone(),
            candidate: spec.candidate.name.clone(),
            order: Named(spec.order),
            interval: spec.timing.interval().as_secs_f64(),
            tolerance: spec.tolerance.delta(),
            run: standing.run.id.to_string(),
            run_began_unix_seconds: unix_seconds_of_millis(standing.run.began_unix_millis),
            run_cause: standing.run.cause.to_string(),
            verdict: Named(standing.verdict),
            changed_since_unix_seconds: standing
                .changed_since_unix_millis
                .map(unix_seconds_of_millis),
            waits_for: standing.waits.as_ref().map(ToString::to_string),
            regressed_threshold_log10: regressed,
            not_worse_threshold_log10: not_worse,
            pairs: now.pairs(),
            rounds_dropped: dropped.map(|(r, n)| (r.as_str().to_owned(), *n)).collect(),
            workloads: now.workloads.iter().map(WorkloadView::from).collect(),
            failures_together: now.together.as_ref().map(TogetherView::from),
            latencies_together: now
                .together
                .iter()
                .flat_map(|all| all.latencies.iter().map(PooledView::from))
                .collect(),
        }
    }
}

impl From<&PooledSnapshot> for PooledView {
    fn from(pooled: &PooledSnapshot) -> Self {
        Self {
            signal: Named(pooled.signal),
            pairs: pooled.pairs,
            verdict: Named(pooled.gate.verdict),
            regressed_log10: pooled.gate.regressed_log10,
            not_worse_log10: pooled.gate.not_worse_log10,
            effect: pooled.gate.effect.map(EffectView::from),
        }
    }
}

impl From<&WorkloadSnapshot> for WorkloadView {
    fn from(w: &WorkloadSnapshot) -> Self {
        Self {
            workload: w.workload.clone(),
            pairs: w.pairs,
            both_failed: w.both_failed,
            answered: w.answered,
            signals: w.streams.iter().map(StreamView::from).collect(),
            answers: w.answers.as_ref().map(AnswersView::from),
        }
    }
}

impl From<&StreamSnapshot> for StreamView {
    fn from(s: &StreamSnapshot) -> Self {
        Self {
            signal: Named(s.signal),
            pairs: s.pairs,
            verdict: Named(s.gate.verdict),
            regressed_log10: s.gate.regressed_log10,
            not_worse_log10: s.gate.not_worse_log10,
            effect: s.gate.effect.map(EffectView::from),
            pairs_per_independent_one: s.pairs_per_independent_one,
            discordant: s.discordant.map(DiscordantView::from),
            alarm: s.alarmed,
            alarm_log10: s.evidence_log10,
            alarm_threshold_log10: s.threshold_log10,
            alarms: s.alarms,
            last_alarm_unix_seconds: s.last_alarm_unix_millis.map(unix_seconds_of_millis),
        }
    }
}

impl From<&TogetherSnapshot> for TogetherView {
    fn from(all: &TogetherSnapshot) -> Self {
        Self {
            pairs: all.pairs,
            verdict: Named(all.gate.verdict),
            regressed_log10: all.gate.regressed_log10,
            not_worse_log10: all.gate.not_worse_log10,
            discordant: all.discordant.into(),
        }
    }
}

impl From<Discordant> for DiscordantView {
    fn from(d: Discordant) -> Self {
        Self { candidate_worse: d.candidate_worse, baseline_worse: d.baseline_worse }
    }
}

impl From<&AnswerCounts> for AnswersView {
    fn from(counts: &AnswerCounts) -> Self {
        let differing =
            AnswerCheck::ALL.iter().copied().map(|c| (c.as_str().to_owned(), counts.differing(c)));
        Self { compared: counts.compared, differing: differing.collect() }
    }
}
