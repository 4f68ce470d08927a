use std::sync::Arc;
use std::time::Duration;

use super::{full_target, scrape};
use crate::answer::failure::FailureReason;
use crate::answer::skip::SkipReason;
use crate::load::comparer::Live;
use crate::metrics::{Metrics, MetricsOptions};
use crate::regression::comparison::{
    AnswerRules, Answers, Comparison, DropReason, Judge, Order, Round, Side, SideFailure,
};
use crate::regression::detect::Tolerance;
use crate::target::Target;
use crate::target::schedule::{Arrival, Schedule};
use crate::testing::{run, workload};

/// `prod` beside `next`: every family of comparisons and changes has a sample.
pub(super) fn full() -> Arc<Live> {
    of_workloads(1)
}

/// The same with more workloads, which were never asked.
fn of_workloads(count: usize) -> Arc<Live> {
    let target = Arc::new(full_target());
    let spec = Arc::new(Comparison {
        name: "canary".to_owned(),
        workloads: std::iter::once(Arc::clone(&target.workloads[0]))
            .chain((1..count).map(|i| workload(&format!("other{i}"), Vec::new())))
            .collect(),
        baseline: Arc::new(Target { name: "next".to_owned(), ..Target::clone(&target) }),
        candidate: target,
        timing: Schedule { interval: Duration::from_secs(15), arrival: Arrival::Poisson }.into(),
        order: Order::Simultaneous,
        tolerance: Tolerance::PAIRS,
        failure_margin: 0.01,
        slo_margin: 0.05,
        false_alarm_every: Duration::from_secs(86_400),
        answers: Some(AnswerRules { length_ratio: 2.0, exact: true }),
    });
    let mut judge = Judge::new(&spec, 5, run());
    let (good, slow) = (side(200), side(300));
    let failure = Some(SideFailure::Failed(FailureReason::Truncated));
    let failing = Side { failure, ..slow };
    for candidate in std::iter::repeat_n(slow, 100).chain([failing]) {
        judge.observe(&Round {
            workload: "chat".to_owned(),
            baseline: good,
            candidate,
            answers: Some(Answers { finish: true, length: true, exact: Some(false) }),
            ended_unix_millis: 1_700_000_000_500,
        });
    }
    judge.dropped(DropReason::Skipped(SkipReason::Budget));
    Arc::new(Live::new(spec, 1, judge))
}

fn side(ttft_millis: u64) -> Side {
    Side {
        failure: None,
        ttft: Some(Duration::from_millis(ttft_millis)),
        itl: Some(Duration::from_millis(10)),
        request_latency: Some(Duration::from_millis(ttft_millis + 500)),
        missed_slo: Some(ttft_millis > 250),
    }
}

#[test]
fn failures_over_all_workloads_have_no_workload_in_their_labels() {
    let of = |count| {
        let metrics = Metrics::new(MetricsOptions::default());
        metrics.set_comparisons(vec![of_workloads(count)]);
        let scrape = scrape(&metrics);
        let labels = [("workload", ""), ("signal", "failure"), ("verdict", "regressed")];
        ["signal_verdict", "verdict_evidence"]
            .map(|name| scrape.value(&format!("llm_prober_comparison_{name}"), &labels))
    };
    let [verdict, evidence] = of(2);
    assert_eq!(verdict, Some(0.0));
    assert!(evidence.is_some_and(|found| found > 0.0), "{evidence:?}");
    assert_eq!(of(1), [None, None]);
}

#[test]
fn a_comparison_says_how_it_stands() {
    let metrics = Metrics::new(MetricsOptions::default());
    metrics.set_comparisons(vec![full()]);
    let scrape = scrape(&metrics);
    let check = |name: &str, labels: &[(&str, &str)], expect: Option<f64>| {
        let name = format!("llm_prober_comparison_{name}");
        let labels: Vec<_> = labels.iter().copied().chain([("comparison", "canary")]).collect();
        assert_eq!(scrape.value(&name, &labels), expect, "{name} {labels:?}");
    };
    check("info", &[("baseline", "next"), ("candidate", "prod")], Some(1.0));
    check("interval_seconds", &[], Some(15.0));
    check("pairs_total", &[("workload", "chat")], Some(101.0));
    check("both_failed_pairs_total", &[("workload", "chat")], Some(0.0));
    check("rounds_dropped_total", &[("reason", "budget")], Some(1.0));
    check("rounds_dropped_total", &[("reason", "prober")], Some(0.0));
    let worse = |signal, worse| [("signal", signal), ("worse", worse)];
    check("discordant_pairs_total", &worse("failure", "candidate"), Some(1.0));
    check("discordant_pairs_total", &worse("slo", "candidate"), Some(101.0));
    check("discordant_pairs_total", &worse("slo", "baseline"), Some(0.0));
    check("verdict", &[("verdict", "regressed")], Some(1.0));
    check("verdict", &[("verdict", "regressed"), ("run", "run-1")], Some(1.0));
    for other in ["not_worse", "changed", "undecided"] {
        check("verdict", &[("verdict", other)], Some(0.0));
    }
    check("info", &[("run", "run-1")], Some(1.0));
    check("run_began_timestamp_seconds", &[], Some(1_700_000_000.0));
    check("changed_since_timestamp_seconds", &[], Some(1_700_000_000.5));
    let of = |signal, verdict| [("signal", signal), ("verdict", verdict)];
    check("signal_verdict", &of("ttft", "regressed"), Some(1.0));
    check("signal_verdict", &of("itl", "regressed"), Some(0.0));
    // While something changes, nothing is not worse.
    check("signal_verdict", &of("itl", "not_worse"), Some(0.0));
    check("verdict_evidence_threshold", &[("verdict", "not_worse")], Some(2.0));
    check("effect_ratio", &[("signal", "failure")], None);
    check("answers_total", &[("workload", "chat")], Some(101.0));
    check("answers_differing_total", &[("check", "exact")], Some(101.0));
    check("answers_differing_total", &[("check", "finish")], Some(0.0));
}
