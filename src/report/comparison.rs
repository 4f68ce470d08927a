//! How a comparison stands as one JSON object: a stable interface. Ratios are plain numbers,
//! evidence decimal logarithms, absent figures null.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::regression::comparison::{
    Comparison, PooledSnapshot, Snapshot, StreamSnapshot, TogetherSnapshot, WorkloadSnapshot,
};
use crate::regression::detect::Verdict;
use crate::text::units::unix_seconds;

/// The object that `llm-prober compare --output json` prints.
#[derive(Debug, Serialize)]
pub struct ComparisonJson<'a> {
    comparison: &'a str,
    baseline: &'a str,
    candidate: &'a str,
    /// The id of the run.
    run: &'a str,
    /// `regressed`, `changed`, `not_worse` or `undecided`.
    verdict: Verdict,
    /// Unix time since which an alarm is on; null while none is.
    changed_since: Option<f64>,
    /// What *not worse* waits for, in words; null unless the verdict is `undecided`.
    waits_for: Option<String>,
    pairs: u64,
    rounds_dropped: BTreeMap<&'static str, u64>,
    tolerance: f64,
    failure_margin: f64,
    slo_margin: f64,
    seed: u64,
    evidence_needed: Evidence,
    workloads: Vec<WorkloadJson<'a>>,
    /// Failures over all workloads; null with one.
    failures_together: Option<TogetherJson>,
    /// The latencies that decide, over all workloads; empty with one.
    latencies_together: Vec<PooledJson>,
}

#[derive(Debug, Serialize)]
struct Evidence {
    regressed: f64,
    not_worse: f64,
}

#[derive(Debug, Serialize)]
struct WorkloadJson<'a> {
    workload: &'a str,
    pairs: u64,
    both_failed: u64,
    /// In which both answered, since an alarm last went on or off.
    answered: u64,
    signals: Vec<SignalJson>,
    answers: Option<AnswersJson>,
}

#[derive(Debug, Serialize)]
struct SignalJson {
    signal: &'static str,
    pairs: u64,
    verdict: Verdict,
    /// Median of candidate / baseline, and the interval that holds it. 0 where the baseline mostly
    /// failed, null where the candidate did.
    ratio: Option<f64>,
    ratio_lower: Option<f64>,
    ratio_upper: Option<f64>,
    /// So many pairs say as much as one would that is independent of all others.
    pairs_per_independent_one: Option<f64>,
    /// Pairs of which only this side did badly.
    candidate_worse: Option<u64>,
    baseline_worse: Option<u64>,
    evidence: Evidence,
    alarmed: bool,
    alarm_evidence: Option<f64>,
    alarm_evidence_needed: f64,
}

#[derive(Debug, Serialize)]
struct TogetherJson {
    pairs: u64,
    verdict: Verdict,
    candidate_worse: u64,
    baseline_worse: u64,
    evidence: Evidence,
}

#[derive(Debug, Serialize)]
struct PooledJson {
    signal: &'static str,
    pairs: u64,
    verdict: Verdict,
    /// As of a workload, of the average.
    ratio: Option<f64>,
    ratio_lower: Option<f64>,
    ratio_upper: Option<f64>,
    evidence: Evidence,
}

#[derive(Debug, Serialize)]
struct AnswersJson {
    compared: u64,
    finish_differs: u64,
    length_differs: u64,
    text_differs: u64,
}

impl<'a> ComparisonJson<'a> {
    /// The object of `spec`, whose draws follow from `seed`.
    #[must_use]
    pub fn new(spec: &'a Comparison, seed: u64, snapshot: &'a Snapshot) -> Self {
        let (dropped, standing) = (snapshot.dropped.iter(), &snapshot.standing);
        Self {
            comparison: &spec.name,
            baseline: &spec.baseline.name,
            candidate: &spec.candidate.name,
            run: standing.run.id.as_str(),
            verdict: standing.verdict,
            changed_since: standing.changed_since_unix_millis.map(unix_seconds),
            waits_for: standing.waits.as_ref().map(ToString::to_string),
            pairs: snapshot.pairs(),
            rounds_dropped: dropped.map(|(reason, n)| (reason.as_str(), *n)).collect(),
            tolerance: spec.tolerance.delta(),
            failure_margin: spec.failure_margin,
            slo_margin: spec.slo_margin,
            seed,
            evidence_needed: Evidence {
                regressed: snapshot.needed.regressed,
                not_worse: snapshot.needed.not_worse,
            },
            workloads: snapshot.workloads.iter().map(WorkloadJson::new).collect(),
            failures_together: snapshot.together.as_ref().map(TogetherJson::new),
            latencies_together: snapshot
                .together
                .iter()
                .flat_map(|all| all.latencies.iter().map(PooledJson::new))
                .collect(),
        }
    }
}

impl<'a> WorkloadJson<'a> {
    fn new(workload: &'a WorkloadSnapshot) -> Self {
        Self {
            workload: &workload.workload,
            pairs: workload.pairs,
            both_failed: workload.both_failed,
            answered: workload.answered,
            signals: workload.streams.iter().map(SignalJson::new).collect(),
            answers: workload.answers.map(|a| AnswersJson {
                compared: a.compared,
                finish_differs: a.finish_differs,
                length_differs: a.length_differs,
                text_differs: a.text_differs,
            }),
        }
    }
}

impl TogetherJson {
    fn new(together: &TogetherSnapshot) -> Self {
        let gate = &together.gate;
        Self {
            pairs: together.pairs,
            verdict: gate.verdict,
            candidate_worse: together.discordant.candidate_worse,
            baseline_worse: together.discordant.baseline_worse,
            evidence: Evidence { regressed: gate.regressed_log10, not_worse: gate.not_worse_log10 },
        }
    }
}

impl PooledJson {
    fn new(pooled: &PooledSnapshot) -> Self {
        let (gate, effect) = (&pooled.gate, pooled.gate.effect);
        Self {
            signal: pooled.signal.as_str(),
            pairs: pooled.pairs,
            verdict: gate.verdict,
            ratio: effect.and_then(|e| e.ratio),
            ratio_lower: effect.and_then(|e| e.lower),
            ratio_upper: effect.and_then(|e| e.upper),
            evidence: Evidence { regressed: gate.regressed_log10, not_worse: gate.not_worse_log10 },
        }
    }
}

impl SignalJson {
    fn new(stream: &StreamSnapshot) -> Self {
        let (gate, effect) = (&stream.gate, stream.gate.effect);
        Self {
            signal: stream.signal.as_str(),
            pairs: stream.pairs,
            verdict: gate.verdict,
            ratio: effect.and_then(|e| e.ratio),
            ratio_lower: effect.and_then(|e| e.lower),
            ratio_upper: effect.and_then(|e| e.upper),
            pairs_per_independent_one: stream.pairs_per_independent_one,
            candidate_worse: stream.discordant.map(|d| d.candidate_worse),
            baseline_worse: stream.discordant.map(|d| d.baseline_worse),
            evidence: Evidence { regressed: gate.regressed_log10, not_worse: gate.not_worse_log10 },
            alarmed: stream.alarmed,
            alarm_evidence: stream.evidence_log10,
            alarm_evidence_needed: stream.threshold_log10,
        }
    }
}
