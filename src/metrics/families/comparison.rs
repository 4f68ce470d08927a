//! Comparisons: rounds in which two targets got the same prompt. Labels of their own only.

use std::fmt;

use prometheus::metrics::MetricType;

use super::family::{Family, counter, family, gauge};
use crate::metrics::comparison::ComparisonMetrics;
use crate::metrics::samples::SampleWriter;
use crate::regression::comparison::{
    ALL_WORKLOADS, AnswerCheck, GateSnapshot, Signal, StreamSnapshot, WorkloadSnapshot,
};
use crate::regression::detect::Verdict;
use crate::text::units::unix_seconds;

/// What a signal can say; undecided where it says none of these.
const PARTS: [Verdict; 3] = [Verdict::Regressed, Verdict::Changed, Verdict::NotWorse];

pub(in crate::metrics) static COMPARISON: &[Family<ComparisonMetrics>] = &[
    family(
        "comparison_info",
        MetricType::Info,
        &["baseline", "candidate", "order", "run"],
        "Which targets are compared, whether they are asked simultaneously or back to back, and \
         the run under way: a comparison that begins anew is another run. Always 1.",
        |c, s| {
            let (spec, run) = (c.live.spec(), c.snapshot.standing.run.id.as_str());
            let sides = [&*spec.baseline.name, &*spec.candidate.name];
            s.info(&[sides[0], sides[1], spec.order.as_str(), run], std::iter::empty())
        },
    ),
    gauge(
        "comparison_run_began_timestamp_seconds",
        &[],
        "Unix time at which the run under way began: all figures of a comparison are of this run.",
        |c, s| s.gauge(&[], unix_seconds(c.snapshot.standing.run.began_unix_millis)),
    ),
    gauge(
        "comparison_interval_seconds",
        &[],
        "Mean time between two rounds, as configured.",
        |c, s| s.gauge(&[], c.live.spec().timing.interval().as_secs_f64()),
    ),
    gauge(
        "comparison_tolerance_ratio",
        &[],
        "By how much a latency may be longer, as configured: 0.05 for five per cent.",
        |c, s| s.gauge(&[], c.live.spec().tolerance.delta()),
    ),
    counter(
        "comparison_pairs_total",
        &["workload"],
        "Rounds that were judged: both targets got the same prompt, and each probe succeeded or \
         failed by the server's doing.",
        |c, s| workloads(c, |w| s.counter(&[&w.workload], w.pairs)),
    ),
    counter(
        "comparison_both_failed_pairs_total",
        &["workload"],
        "Pairs of which both sides failed: they say nothing about either.",
        |c, s| workloads(c, |w| s.counter(&[&w.workload], w.both_failed)),
    ),
    counter(
        "comparison_rounds_dropped_total",
        &["reason"],
        "Rounds that were not judged: a target would have skipped its probe (the reasons of \
         probes_skipped_total; nothing is sent then to either), a probe began late, was given up \
         by the prober, or began in the run before (other_run), or a side's server was swept \
         meanwhile (sweep).",
        |c, s| {
            let mut dropped = c.snapshot.dropped.iter();
            dropped.try_for_each(|(reason, count)| s.counter(&[reason.as_str()], *count))
        },
    ),
    counter(
        "comparison_discordant_pairs_total",
        &["workload", "signal", "worse"],
        "Pairs of which only one side failed (signal failure) or missed an SLO that both are held \
         to (signal slo): the baseline or the candidate. Without those in which credentials were \
         refused (status 401).",
        |c, s| {
            streams(c, |w, stream| {
                let Some(pairs) = stream.discordant else { return Ok(()) };
                let mut count = |worse, n| s.counter(&[w, stream.signal.as_str(), worse], n);
                count("candidate", pairs.candidate_worse)?;
                count("baseline", pairs.baseline_worse)
            })
        },
    ),
    gauge(
        "comparison_verdict",
        &["verdict", "run"],
        "The verdict on the whole, in the run under way: 1 for the one that holds. regressed as \
         soon as one signal of one workload is, until the run ends; else changed while an alarm is \
         on; else not_worse once every signal that decides is (failures: over all workloads), by \
         pairs since the last alarm, at least 50 of them answered by both sides, and neither failing in \
         more than one of five; else undecided. \
         regressed and not_worse are each ever wrong with probability 0.01 at most, whenever one \
         looks, while what disturbs one side alone has no more memory than was measured.",
        |c, s| {
            let standing = &c.snapshot.standing;
            Verdict::ALL.iter().try_for_each(|verdict| {
                let holds = f64::from(u8::from(standing.verdict == *verdict));
                s.gauge(&[verdict.as_str(), standing.run.id.as_str()], holds)
            })
        },
    ),
    gauge(
        "comparison_changed_since_timestamp_seconds",
        &[],
        "Unix time since which an alarm is on, of several the first. Absent while none is.",
        |c, s| {
            let since = c.snapshot.standing.changed_since_unix_millis;
            since.map_or(Ok(()), |millis| s.gauge(&[], unix_seconds(millis)))
        },
    ),
    gauge(
        "comparison_signal_verdict",
        &["workload", "signal", "verdict"],
        "What one signal says (1), on its way to the verdict on the whole; undecided where all are \
         0. Without a workload: over all of them, where there are several.",
        |c, s| {
            gates(c, |w, signal, gate| {
                PARTS.iter().try_for_each(|part| {
                    let says = f64::from(u8::from(gate.verdict == *part));
                    s.gauge(&[w, signal.as_str(), part.as_str()], says)
                })
            })
        },
    ),
    gauge(
        "comparison_verdict_evidence",
        &["workload", "signal", "verdict"],
        "Decimal logarithm of the highest evidence for a verdict: regressed since the run began, \
         not_worse since an alarm last went on or off. Without a workload: over all of them.",
        |c, s| {
            gates(c, |w, signal, gate| {
                let mut one =
                    |label, evidence| s.gauge::<f64>(&[w, signal.as_str(), label], evidence);
                one("regressed", gate.regressed_log10)?;
                one("not_worse", gate.not_worse_log10)
            })
        },
    ),
    gauge(
        "comparison_verdict_evidence_threshold",
        &["verdict"],
        "Decimal logarithm of the evidence that a signal needs for a verdict. For not_worse more \
         with every alarm that went.",
        |c, s| {
            s.gauge(&["regressed"], c.snapshot.needed.regressed)?;
            s.gauge(&["not_worse"], c.snapshot.needed.not_worse)
        },
    ),
    gauge(
        "comparison_effect_ratio",
        &["workload", "signal"],
        "Median of candidate / baseline over all pairs since the run began or an alarm last went \
         on or off. 0 where most of the baseline's probes failed, absent where most of the candidate's \
         did.",
        |c, s| effects(c, |labels, effect| optional(s, labels, effect.ratio)),
    ),
    gauge(
        "comparison_effect_lower_ratio",
        &["workload", "signal"],
        "The median of candidate / baseline is no less, with 95 % certainty at all times \
         together. Absent while the pairs are too few to say.",
        |c, s| effects(c, |labels, effect| optional(s, labels, effect.lower)),
    ),
    gauge(
        "comparison_effect_upper_ratio",
        &["workload", "signal"],
        "The median of candidate / baseline is no more, with 95 % certainty at all times \
         together. Absent while the pairs are too few to say.",
        |c, s| effects(c, |labels, effect| optional(s, labels, effect.upper)),
    ),
    gauge(
        "comparison_noise_correlation",
        &["workload", "signal"],
        "How much of what one pair says was said by those before: 0 for noise without a memory; with \
         r so many pairs say as much as one would alone: (1 + r) / (1 − r). Alarms and verdicts \
         reckon with it, and take as many times longer.",
        |c, s| {
            streams(c, |w, stream| {
                let Some(each) = stream.pairs_per_independent_one else { return Ok(()) };
                s.gauge(&[w, stream.signal.as_str()], (each - 1.0) / (each + 1.0))
            })
        },
    ),
    counter(
        "comparison_answers_total",
        &["workload"],
        "Pairs of answers that were compared, where the configuration asks for it.",
        |c, s| {
            workloads(c, |w| w.answers.map_or(Ok(()), |a| s.counter(&[&w.workload], a.compared)))
        },
    ),
    counter(
        "comparison_answers_differing_total",
        &["workload", "check"],
        "Pairs of answers that ended for different reasons (finish), of which one is much longer \
         (length), or that are not the same text (exact, where asked for).",
        |c, s| {
            let exact = c.live.spec().answers.is_some_and(|rules| rules.exact);
            let checks = AnswerCheck::ALL.iter().copied();
            let checks: Vec<_> = checks.filter(|k| exact || *k != AnswerCheck::Exact).collect();
            workloads(c, |w| {
                let Some(counts) = w.answers else { return Ok(()) };
                checks.iter().try_for_each(|check| {
                    s.counter(&[&w.workload, check.as_str()], counts.differing(*check))
                })
            })
        },
    ),
];

fn workloads(
    comparison: &ComparisonMetrics,
    write: impl FnMut(&WorkloadSnapshot) -> fmt::Result,
) -> fmt::Result {
    comparison.snapshot.workloads.iter().try_for_each(write)
}

fn streams(
    comparison: &ComparisonMetrics,
    mut write: impl FnMut(&str, &StreamSnapshot) -> fmt::Result,
) -> fmt::Result {
    workloads(comparison, |w| w.streams.iter().try_for_each(|stream| write(&w.workload, stream)))
}

/// Every gate, those over all workloads last.
fn gates(
    comparison: &ComparisonMetrics,
    mut write: impl FnMut(&str, Signal, &GateSnapshot) -> fmt::Result,
) -> fmt::Result {
    streams(comparison, |w, stream| write(w, stream.signal, &stream.gate))?;
    let Some(all) = &comparison.snapshot.together else { return Ok(()) };
    all.latencies
        .iter()
        .try_for_each(|pooled| write(ALL_WORKLOADS, pooled.signal, &pooled.gate))?;
    write(ALL_WORKLOADS, Signal::Failure, &all.gate)
}

fn effects(
    comparison: &ComparisonMetrics,
    mut write: impl FnMut(&[&str], &crate::regression::detect::Estimate) -> fmt::Result,
) -> fmt::Result {
    streams(comparison, |w, stream| match &stream.gate.effect {
        Some(effect) => write(&[w, stream.signal.as_str()], effect),
        None => Ok(()),
    })
}

fn optional(
    samples: &mut SampleWriter<'_, '_>,
    labels: &[&str],
    value: Option<f64>,
) -> fmt::Result {
    value.map_or(Ok(()), |value| samples.gauge(labels, value))
}
