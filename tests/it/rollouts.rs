//! The objects in `config/kubernetes/`: they have the form that their operators define, their queries
//! read metrics that exist, and Prometheus evaluates them to the verdict.
#![allow(clippy::unwrap_used)] // a helper that panics fails its test

use crate::common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use common::counterparts::counterpart;
use regex::Regex;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

/// Kubernetes' envelope.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Object<S> {
    api_version: String,
    kind: String,
    metadata: BTreeMap<String, String>,
    spec: S,
}

/// As far as it is used, with the names and types of Argo Rollouts' definition.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AnalysisTemplate {
    args: Vec<Argument>,
    metrics: Vec<Metric>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Argument {
    name: String,
    value: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Metric {
    name: String,
    interval: String,
    success_condition: String,
    failure_condition: String,
    failure_limit: i64,
    consecutive_success_limit: i64,
    count: i64,
    inconclusive_limit: i64,
    consecutive_error_limit: i64,
    provider: Provider,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Provider {
    prometheus: Prometheus,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Prometheus {
    address: String,
    query: String,
}

/// With the names and types of Flagger's definition.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MetricTemplate {
    provider: FlaggerProvider,
    query: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FlaggerProvider {
    r#type: String,
    address: String,
}

fn read(file: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

fn object<S: DeserializeOwned>(file: &str) -> Object<S> {
    let object: Object<S> = serde_yaml::from_str(&read(file)).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(object.metadata["name"], "llm-prober-comparison");
    object
}

fn argo() -> Object<AnalysisTemplate> {
    object("config/kubernetes/argo-rollouts.yml")
}

fn flagger() -> Object<MetricTemplate> {
    object("config/kubernetes/flagger.yml")
}

/// Both queries for the comparison `canary`.
fn queries() -> [String; 2] {
    let argo = argo().spec.metrics.remove(0).provider.prometheus.query;
    let flagger = flagger().spec.query;
    let filled = [
        argo.replace("{{args.comparison}}", "canary"),
        flagger.replace("{{ variables.comparison }}", "canary"),
    ];
    assert!(filled.iter().all(|q| !q.contains("{{")), "{filled:?}");
    filled
}

#[test]
fn the_analysis_template_promotes_aborts_and_waits() {
    let Object { api_version, kind, spec, .. } = argo();
    assert_eq!((&*api_version, &*kind), ("argoproj.io/v1alpha1", "AnalysisTemplate"));
    let names: Vec<_> = spec.args.iter().map(|a| (&*a.name, a.value.is_some())).collect();
    assert_eq!(names, [("comparison", false), ("prometheus", true)]);
    let [metric] = spec.metrics.as_slice() else { panic!("one metric") };
    assert_eq!((&*metric.name, &*metric.interval), ("verdict", "1m"));
    assert_eq!(metric.provider.prometheus.address, "{{args.prometheus}}");
    // The first verdict decides; what is neither may be so to the end.
    assert_eq!((metric.failure_limit, metric.consecutive_success_limit), (0, 1));
    assert!(metric.inconclusive_limit >= metric.count && metric.consecutive_error_limit > 0);
    let condition = Regex::new(r"^result\[0\] (==|<) (\d+)$").unwrap();
    let holds = |text: &str, result: f64| {
        let parts = condition.captures(text).unwrap_or_else(|| panic!("{text}"));
        let bound: f64 = parts[2].parse().unwrap();
        if &parts[1] == "<" { result < bound } else { (result - bound).abs() < 1e-9 }
    };
    for (result, success, failure) in
        [(1.0, true, false), (0.0, false, false), (-1.0, false, true), (-2.0, false, true)]
    {
        assert_eq!(holds(&metric.success_condition, result), success, "{result}");
        assert_eq!(holds(&metric.failure_condition, result), failure, "{result}");
    }
}

#[test]
fn the_metric_template_asks_prometheus() {
    let Object { api_version, kind, spec, .. } = flagger();
    assert_eq!((&*api_version, &*kind), ("flagger.app/v1beta1", "MetricTemplate"));
    assert_eq!(spec.provider.r#type, "prometheus");
    assert!(spec.provider.address.starts_with("http://"));
    let [argo, flagger] = queries();
    assert_eq!(argo, flagger);
}

#[test]
fn the_queries_read_metrics_and_labels_that_exist() {
    let golden = read("tests/golden/metrics.txt");
    let known: BTreeMap<&str, &str> = golden
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter(|(name, _)| name.starts_with("llm_prober_"))
        .collect();
    let selector = Regex::new(r"(llm_prober_[a-z_]+)\{([^}]*)\}").unwrap();
    for query in queries() {
        let mut read = BTreeSet::new();
        for found in selector.captures_iter(&query) {
            let labels = known.get(&found[1]).unwrap_or_else(|| panic!("{}", &found[1]));
            for matcher in found[2].split(", ") {
                let (label, _) = matcher.split_once('=').unwrap();
                assert!(labels.contains(label), "{label} of {}", &found[1]);
            }
            read.insert(found[1].to_owned());
        }
        assert_eq!(read.len(), 2, "{query}");
    }
}

/// What Prometheus makes of it in every state, with two probers and another comparison beside.
#[test]
fn the_queries_evaluate_to_the_verdict() {
    let Some(promtool) = counterpart("promtool") else { return };
    let states = [
        // Not worse, regressed, alarm: what it comes to.
        ([0, 0, 0], 0),
        ([1, 0, 0], 1),
        ([0, 1, 0], -2),
        ([0, 1, 1], -2),
        ([0, 0, 1], -2),
        ([1, 0, 1], -1),
    ];
    let tests: Vec<_> = states.iter().map(|(state, value)| case(*state, *value)).collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("verdict.test.yml");
    // JSON is YAML.
    std::fs::write(&file, json!({"tests": tests}).to_string()).unwrap();
    let output = Command::new(promtool).args(["test", "rules"]).arg(file).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
}

fn case([not_worse, regressed, alarm]: [i32; 3], value: i32) -> serde_json::Value {
    let verdict = |comparison: &str, prober: u8, verdict: &str, value: i32| {
        let labels =
            format!("instance=\"{prober}\", comparison=\"{comparison}\", verdict=\"{verdict}\"");
        json!({"series": format!("llm_prober_comparison_verdict{{{labels}}}"), "values": value.to_string()})
    };
    let alarm_of = |comparison: &str, value: i32| {
        let labels = format!(
            "instance=\"1\", target=\"next\", signal=\"ttft\", comparison=\"{comparison}\""
        );
        json!({"series": format!("llm_prober_change_alarm_active{{{labels}}}"), "values": value.to_string()})
    };
    let series = [
        verdict("canary", 1, "not_worse", not_worse),
        verdict("canary", 1, "regressed", regressed),
        verdict("canary", 2, "not_worse", 1),
        verdict("canary", 2, "regressed", 0),
        alarm_of("canary", alarm),
        verdict("other", 1, "not_worse", 0),
        verdict("other", 1, "regressed", 1),
        alarm_of("other", 1),
        alarm_of("", 1),
    ];
    let expect = |query| json!({"expr": query, "eval_time": "0m", "exp_samples": [{"labels": "{}", "value": value}]});
    json!({"interval": "1m", "input_series": series, "promql_expr_test": queries().map(expect)})
}
