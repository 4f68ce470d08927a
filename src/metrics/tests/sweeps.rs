use std::sync::Arc;
use std::time::Duration;

use super::{full_metrics, full_target, ms, scrape};
use crate::load::sweeps::Live;
use crate::metrics::{Metrics, MetricsOptions};
use crate::sweep::{
    Percentiles, ScheduledSweep, SweepLevel, SweepPast, SweepResult, SweepRun, Timetable,
};
use crate::target::Target;
use crate::testing;

/// One of `target`, with four runs: every family of sweeps has a sample.
pub(super) fn full(target: &Target) -> Arc<Live> {
    let spec = ScheduledSweep {
        name: "nightly".to_owned(),
        target: Arc::new(target.clone()),
        workload: None,
        levels: vec![1, 8, 50],
        requests_per_level: 100,
        most_output_tokens: 1_000_000,
        most_duration: Duration::from_secs(3_600),
        timetable: Timetable { every: ms(86_400_000), at: 180, utc_offset: 0 },
        attainment: 0.9,
    };
    let live = Live::new(Arc::new(spec), SweepPast::default());
    for (day, knee) in [(1, Some(50)), (2, Some(50)), (3, Some(8)), (4, Some(8))] {
        live.end(run(day, knee));
    }
    live.plan(1_700_000_000_500);
    Arc::new(live)
}

fn run(day: u64, knee: Option<u32>) -> SweepRun {
    let began = 1_600_000_000_000 + day * 86_400_000;
    let levels = vec![level(1, 100, true), level(8, 95, true), level(50, 40, false)];
    SweepRun { began, ended: began + 60_000, result: SweepResult::Ttft, levels, knee }
}

/// So many good ones of a hundred; the others failed.
fn level(users: u32, good: u32, valid: bool) -> SweepLevel {
    let seconds = Percentiles { p50: 0.25, p95: 0.5, p99: 1.0 };
    SweepLevel {
        users,
        requests: 100,
        good: good.into(),
        errors: [("throttled".to_owned(), u64::from(100 - good))].into(),
        ttft: Some(seconds),
        itl: Some(seconds),
        request_latency: Some(seconds),
        attainment: Some(f64::from(good) / 100.0),
        request_rate: Some(3.5),
        valid,
    }
}

#[test]
fn a_sweep_says_what_its_runs_came_to() {
    let scrape = scrape(&full_metrics());
    let check = |name: &str, labels: &[(&str, &str)], expect: Option<f64>| {
        let name = format!("llm_prober_sweep_{name}");
        let own =
            [("sweep", "nightly"), ("target", "prod"), ("workload", ""), ("stack", "current")];
        let labels: Vec<_> = labels.iter().copied().chain(own).collect();
        assert_eq!(scrape.value(&name, &labels), expect, "{name} {labels:?}");
    };
    let at = |users| [("concurrency", users)];
    let quantile = |users, percentile| [("concurrency", users), ("percentile", percentile)];
    check("time_to_first_token_seconds", &quantile("8", "95"), Some(0.5));
    check("inter_token_latency_seconds", &quantile("1", "50"), Some(0.25));
    check("request_latency_seconds", &quantile("1", "99"), Some(1.0));
    check("time_to_first_token_seconds", &quantile("50", "95"), None);
    check("attainment_ratio", &at("8"), Some(0.95));
    check("attainment_ratio", &at("50"), None);
    check("throughput_requests_per_second", &at("1"), Some(3.5));
    check("probes_total", &at("50"), Some(400.0));
    check("slo_probes_total", &at("50"), Some(400.0));
    check("slo_good_probes_total", &at("50"), Some(160.0));
    check("probe_failures_total", &[("concurrency", "50"), ("reason", "throttled")], Some(240.0));
    check("runs_total", &[("result", "ttft")], Some(4.0));
    check("runs_total", &[("result", "complete")], Some(0.0));
    check("knee_users", &[], Some(8.0));
    check("usual_knee_users", &[], Some(50.0));
    check("running", &[], Some(0.0));
    check("last_run_timestamp_seconds", &[], Some(1_600_345_600.0));
    check("next_run_timestamp_seconds", &[], Some(1_700_000_000.5));
}

#[test]
fn what_was_never_swept_tells_nothing_yet() {
    let metrics = Metrics::new(MetricsOptions::default());
    metrics.load(&testing::config(vec![full_target()]));
    let live = full(&full_target());
    let fresh = Arc::new(Live::new(Arc::clone(live.spec()), SweepPast::default()));
    metrics.set_sweeps(vec![Arc::clone(&fresh)]);
    fresh.begin(1_700_000_000_000);
    let scrape = scrape(&metrics);
    let value = |name: &str| scrape.value(&format!("llm_prober_sweep_{name}"), &[]);
    for absent in
        ["knee_users", "usual_knee_users", "attainment_ratio", "last_run_timestamp_seconds"]
    {
        assert_eq!(value(absent), None, "{absent}");
    }
    assert_eq!(value("running"), Some(1.0));
    let of_level = [("concurrency", "8")];
    assert_eq!(scrape.value("llm_prober_sweep_probes_total", &of_level), Some(0.0));
    assert_eq!(scrape.value("llm_prober_probes_beside_sweep_total", &[]), None);
}
