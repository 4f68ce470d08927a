use super::super::{Metrics, MetricsOptions};
use super::{full_measurement, loaded, ms, scrape};
use crate::failure::FailureReason;
use crate::measure::Measurement;
use crate::slo::ObjectiveKind;
use crate::target::Target;
use crate::testing::{config, failed, outcome, recording, slo, target, workload};
use std::sync::Arc;

const PROBES: &str = "llm_prober_probes_total";

fn record(metrics: &Metrics, target: &str) {
    let values = metrics.target(target).unwrap();
    values.record("chat", &recording(), &outcome(Measurement::default()), super::PROBE_ID);
}

#[test]
fn unchanged_targets_go_on_changed_ones_begin_anew_removed_ones_vanish() {
    let metrics = loaded(&config(vec![target("same"), target("changed"), target("removed")]));
    for name in ["same", "changed", "removed"] {
        record(&metrics, name);
    }
    let before = metrics.target("same").unwrap();
    let changed = Target { max_in_flight: 9, ..target("changed") };
    metrics.load(&config(vec![changed, target("same"), target("added")]));

    assert!(Arc::ptr_eq(&before, &metrics.target("same").unwrap()));
    assert!(metrics.target("removed").is_none());
    let scrape = scrape(&metrics);
    let probes = |name| scrape.value(PROBES, &[("target", name)]);
    assert_eq!(probes("same"), Some(1.0));
    assert_eq!(probes("changed"), Some(0.0));
    assert_eq!(probes("added"), Some(0.0));
    assert!(scrape.samples.keys().all(|(_, l)| l.get("target").is_none_or(|t| t != "removed")));
}

#[test]
fn a_new_label_key_elsewhere_loses_no_count() {
    let metrics = loaded(&config(vec![target("a")]));
    record(&metrics, "a");
    let mut labelled = target("b");
    labelled.labels.insert("stack".to_owned(), "next".to_owned());
    metrics.load(&config(vec![target("a"), labelled]));
    let after = scrape(&metrics);
    assert_eq!(after.value(PROBES, &[("target", "a"), ("stack", "")]), Some(1.0));
    assert_eq!(after.value(PROBES, &[("target", "b"), ("stack", "next")]), Some(0.0));

    metrics.load(&config(vec![target("a")]));
    let back = scrape(&metrics);
    assert_eq!(back.value(PROBES, &[("target", "a")]), Some(1.0));
    assert!(!back.label_names(PROBES).contains("stack"));
}

#[test]
fn a_probe_that_ends_after_its_target_was_removed_disturbs_nothing() {
    let metrics = loaded(&config(vec![target("a"), target("b")]));
    let gone = metrics.target("a").unwrap();
    let guard = gone.workload("chat").unwrap().begin();
    metrics.load(&config(vec![target("b")]));
    gone.record("chat", &recording(), &failed(FailureReason::Cancelled), super::PROBE_ID);
    drop(guard);
    assert_eq!(scrape(&metrics).value(PROBES, &[]), Some(0.0));
}

#[test]
fn a_discovered_model_becomes_the_label() {
    let metrics = loaded(&config(vec![Target { model: None, ..target("a") }]));
    record(&metrics, "a");
    assert_eq!(scrape(&metrics).value(PROBES, &[("model", "")]), Some(1.0));
    metrics.target("a").unwrap().set_model("tiny-1b");
    assert_eq!(scrape(&metrics).value(PROBES, &[("model", "tiny-1b")]), Some(1.0));
    assert_eq!(scrape(&metrics).value(PROBES, &[("model", "")]), None);
}

#[test]
fn thresholds_of_every_slo_are_bounds_of_every_target() {
    let with_slo = Target { slos: vec![slo("s", &[(ObjectiveKind::Ttft, 0.333)])], ..target("a") };
    let metrics = loaded(&config(vec![with_slo, target("b")]));
    let bucket = "llm_prober_time_to_first_token_seconds_bucket";
    let scrape = scrape(&metrics);
    assert_eq!(scrape.value(bucket, &[("target", "b"), ("le", "0.333")]), Some(0.0));
    let other = "llm_prober_request_latency_seconds_bucket";
    assert_eq!(scrape.value(other, &[("le", "0.333")]), None);
}

#[test]
fn secondary_histograms_may_be_kept_per_target() {
    let two = || Target {
        workloads: vec![workload("chat", Vec::new()), workload("extract", Vec::new())],
        ..target("a")
    };
    let check = |split_secondary, expect: &[(&str, Option<f64>)]| {
        let options = MetricsOptions { split_secondary, ..MetricsOptions::default() };
        let metrics = Metrics::new(options);
        metrics.load(&config(vec![two()]));
        let seen = Measurement { phases: Vec::new(), ..full_measurement() };
        for workload in ["chat", "extract"] {
            let values = metrics.target("a").unwrap();
            values.record(workload, &recording(), &outcome(seen.clone()), super::PROBE_ID);
        }
        let scrape = scrape(&metrics);
        let primary = "llm_prober_time_to_first_token_seconds_count";
        assert_eq!(scrape.value(primary, &[("workload", "chat")]), Some(1.0));
        for (workload, count) in expect {
            let name = "llm_prober_time_to_first_byte_seconds_count";
            assert_eq!(scrape.value(name, &[("workload", workload)]), *count, "{workload}");
        }
    };
    check(true, &[("chat", Some(1.0)), ("extract", Some(1.0)), ("", None)]);
    check(false, &[("chat", None), ("extract", None), ("", Some(2.0))]);
}

#[test]
fn the_reload_gauges_tell_success_and_failure() {
    let metrics = loaded(&config(vec![target("a")]));
    let successful = "llm_prober_config_last_reload_successful";
    let timestamp = "llm_prober_config_last_reload_success_timestamp_seconds";
    assert_eq!(scrape(&metrics).value(successful, &[]), None);
    metrics.reload_succeeded(std::time::SystemTime::UNIX_EPOCH + ms(12_500));
    metrics.reload_failed();
    let scrape = scrape(&metrics);
    assert_eq!(scrape.value(successful, &[]), Some(0.0));
    assert_eq!(scrape.value(timestamp, &[]), Some(12.5));
}
