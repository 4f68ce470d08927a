use super::super::{HistogramForm, Metrics, MetricsOptions};
use super::{full_measurement, loaded, ms, scrape};
use crate::answer::failure::FailureReason;
use crate::answer::measure::Measurement;
use crate::answer::slo::ObjectiveKind;
use crate::target::Target;
use crate::testing::{config, failed, outcome, recording, slo, target, workload};
use std::sync::Arc;

const PROBES: &str = "llm_prober_probes_total";

fn record(metrics: &Metrics, target: &str) {
    let values = metrics.target(target).unwrap();
    values.record("chat", &recording(), &outcome(Measurement::default()), super::PROBE_ID);
}

#[test]
fn targets_of_the_same_name_go_on_and_removed_ones_vanish() {
    let metrics = loaded(&config(vec![target("same"), target("changed"), target("removed")]));
    for name in ["same", "changed", "removed"] {
        record(&metrics, name);
    }
    let before = metrics.target("same").unwrap();
    let probes_before = metrics.target("changed").unwrap();
    let under_way = probes_before.workload("chat").unwrap().begin();
    let changed = Target { max_in_flight: 9, ..target("changed") };
    metrics.load(&config(vec![changed, target("same"), target("added")]));

    assert!(Arc::ptr_eq(&before, &metrics.target("same").unwrap()));
    assert!(metrics.target("removed").is_none());
    let scrape = scrape(&metrics);
    let probes = |name| scrape.value(PROBES, &[("target", name)]);
    assert_eq!(probes("same"), Some(1.0));
    assert_eq!(probes("changed"), Some(1.0));
    assert_eq!(probes("added"), Some(0.0));
    let in_flight = "llm_prober_probes_in_flight";
    assert_eq!(scrape.value(in_flight, &[("target", "changed")]), Some(1.0));
    assert!(scrape.samples.keys().all(|(_, l)| l.get("target").is_none_or(|t| t != "removed")));
    // A probe that was under way counts where the others do.
    probes_before.record("chat", &recording(), &outcome(Measurement::default()), super::PROBE_ID);
    drop(under_way);
    let scrape = self::scrape(&metrics);
    assert_eq!(scrape.value(PROBES, &[("target", "changed")]), Some(2.0));
    assert_eq!(scrape.value(in_flight, &[("target", "changed")]), Some(0.0));
}

/// Every sample of a target, by its name and by what of its labels is not told here.
fn samples(metrics: &Metrics, leave: &[&str]) -> std::collections::BTreeMap<String, f64> {
    let samples = scrape(metrics).samples.into_iter();
    let of_target = samples.filter(|((_, labels), _)| labels.contains_key("target"));
    let key = |((name, mut labels), value): ((String, _), f64)| {
        for label in leave {
            std::collections::BTreeMap::remove(&mut labels, *label);
        }
        (format!("{name} {labels:?}"), value)
    };
    of_target.map(key).collect()
}

/// A series of another name begins with the value that the one before had: `increase()` counts from
/// there on.
#[test]
fn a_changed_label_takes_every_value_along() {
    let with = |labels: &[(&str, &str)]| Target {
        labels: labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        slos: vec![slo("s", &[(ObjectiveKind::Ttft, 0.333)])],
        ..target("a")
    };
    let metrics = loaded(&config(vec![with(&[("stack", "old")])]));
    let values = metrics.target("a").unwrap();
    let seen = Measurement { phases: Vec::new(), ..full_measurement() };
    values.record("chat", &recording(), &outcome(seen), super::PROBE_ID);
    values.record("chat", &recording(), &failed(FailureReason::Stalled), super::PROBE_ID);
    let before = samples(&metrics, &["stack"]);
    assert!(before.values().filter(|v| **v > 0.0).count() > 60);
    for labels in [&[("stack", "new")][..], &[("stack", "x"), ("team", "y")], &[]] {
        metrics.load(&config(vec![with(labels)]));
        assert_eq!(samples(&metrics, &["stack", "team"]), before, "{labels:?}");
    }
}

#[test]
fn an_slo_whose_bound_has_changed_counts_anew_and_nothing_else() {
    let with = |name: &str, bound: f64, objective: f64| {
        let slo = crate::answer::slo::Slo {
            objective,
            ..(*slo(name, &[(ObjectiveKind::Ttft, bound)])).clone()
        };
        Arc::new(slo)
    };
    let of = |slos: Vec<Arc<crate::answer::slo::Slo>>| config(vec![Target { slos, ..target("a") }]);
    let metrics = loaded(&of(vec![with("s", 0.5, 0.99), with("t", 0.5, 0.99)]));
    let measured = Measurement { phases: Vec::new(), ..full_measurement() };
    let judged = |slos: &[Arc<crate::answer::slo::Slo>]| crate::answer::outcome::Outcome {
        verdicts: slos.iter().map(|s| crate::answer::slo::judge(s, true, &measured)).collect(),
        ..outcome(measured.clone())
    };
    let record = |slos: &[Arc<crate::answer::slo::Slo>]| {
        let values = metrics.target("a").unwrap();
        values.record("chat", &recording(), &judged(slos), super::PROBE_ID);
    };
    record(&[with("s", 0.5, 0.99), with("t", 0.5, 0.99)]);
    let counts = || {
        let scrape = scrape(&metrics);
        ["s", "t"].map(|slo| scrape.value("llm_prober_slo_probes_total", &[("slo", slo)]))
    };
    assert_eq!(counts(), [Some(1.0), Some(1.0)]);
    // Another share says something else of the same counts.
    metrics.load(&of(vec![with("s", 0.5, 0.5), with("t", 0.5, 0.99)]));
    assert_eq!(counts(), [Some(1.0), Some(1.0)]);
    metrics.load(&of(vec![with("s", 0.4, 0.5), with("t", 0.5, 0.99)]));
    assert_eq!(counts(), [Some(0.0), Some(1.0)]);
    assert_eq!(scrape(&metrics).value(PROBES, &[]), Some(1.0));
    // A probe that was judged by the old bound does not count for the new one.
    record(&[with("t", 0.5, 0.99)]);
    assert_eq!(counts(), [Some(0.0), Some(2.0)]);
}

#[test]
fn what_was_learnt_from_a_server_is_not_told_of_another() {
    let at = |url: &str, model: Option<&str>| {
        let model = model.map(str::to_owned);
        config(vec![Target { url: url.parse().unwrap(), model, ..target("a") }])
    };
    let limit = "llm_prober_ratelimit_limit";
    let learnt = |metrics: &Metrics| {
        let mut seen = outcome(Measurement::default());
        seen.request_limit =
            crate::answer::rate_limit::RateLimit { limit: Some(7), remaining: None };
        let values = metrics.target("a").unwrap();
        values.record("chat", &recording(), &seen, super::PROBE_ID);
        scrape(metrics).value(limit, &[("unit", "requests")])
    };
    let check = |next: &crate::config::Config, kept: Option<f64>| {
        let metrics = loaded(&at("http://one/v1", Some("m")));
        assert_eq!(learnt(&metrics), Some(7.0));
        metrics.load(next);
        let after = scrape(&metrics);
        assert_eq!(after.value(limit, &[("unit", "requests")]), kept);
        assert_eq!(after.value(PROBES, &[]), Some(1.0), "what was counted was counted");
    };
    check(&at("http://one/v1", Some("m")), Some(7.0));
    let other = Target { max_in_flight: 9, url: "http://one/v1".parse().unwrap(), ..target("a") };
    check(&config(vec![Target { model: Some("m".to_owned()), ..other }]), Some(7.0));
    check(&at("http://two/v1", Some("m")), None);
    check(&at("http://one/v1", Some("n")), None);
}

/// Else series would hop to an empty label and back.
#[test]
fn a_discovered_model_stays_for_as_long_as_it_is_the_same_server() {
    let with = |max_in_flight, url: &str| {
        config(vec![Target {
            model: None,
            max_in_flight,
            url: url.parse().unwrap(),
            ..target("a")
        }])
    };
    let metrics = loaded(&with(1, "http://one/v1"));
    metrics.target("a").unwrap().set_model("tiny-1b");
    metrics.load(&with(2, "http://one/v1"));
    assert_eq!(*metrics.target("a").unwrap().model(), "tiny-1b");
    metrics.load(&with(2, "http://two/v1"));
    assert_eq!(*metrics.target("a").unwrap().model(), "");
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
    gone.record("chat", &recording(), &failed(FailureReason::Timeout), super::PROBE_ID);
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
    let check = |histograms, split_secondary, expect: &[(&str, Option<f64>)]| {
        let options = MetricsOptions { histograms, split_secondary, dcgm: false };
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
        let rate = "llm_prober_output_tokens_per_second_count";
        assert_eq!(scrape.value(rate, &[("workload", "chat")]), Some(1.0));
        for (workload, count) in expect {
            let name = "llm_prober_time_to_first_byte_seconds_count";
            assert_eq!(scrape.value(name, &[("workload", workload)]), *count, "{workload}");
        }
        // The prober's own lateness once, or with them.
        let delay = "llm_prober_schedule_delay_seconds_count";
        let of_target = scrape.value(delay, &[("target", "a")]);
        assert_eq!(scrape.value(delay, &[]), Some(2.0), "{histograms:?}");
        assert_eq!(of_target.is_none(), histograms == HistogramForm::Lean, "{histograms:?}");
    };
    let each = [("chat", Some(1.0)), ("extract", Some(1.0)), ("", None)];
    let whole = [("chat", None), ("extract", None), ("", Some(2.0))];
    for histograms in [HistogramForm::All, HistogramForm::Classic, HistogramForm::Native] {
        check(histograms, true, &each);
        check(histograms, false, &whole);
    }
    check(HistogramForm::Lean, true, &whole);
    check(HistogramForm::Lean, false, &whole);
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
