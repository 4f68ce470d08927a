//! The objects in `config/kubernetes/`: they have the form that their operators define, their queries
//! read metrics that exist, and Prometheus evaluates them to the verdict.
#![allow(clippy::unwrap_used)] // a helper that panics fails its test

use crate::common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use common::promtool::test_rules;
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
    interval: Option<String>,
    success_condition: String,
    failure_condition: Option<String>,
    failure_limit: Option<i64>,
    consecutive_success_limit: Option<i64>,
    count: i64,
    inconclusive_limit: Option<i64>,
    consecutive_error_limit: Option<i64>,
    provider: Provider,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
enum Provider {
    Prometheus(Prometheus),
    Web(Web),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Web {
    method: String,
    url: String,
    json_path: String,
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

fn objects<S: DeserializeOwned>(file: &str) -> Vec<Object<S>> {
    serde_yaml::from_multiple(&read(file)).unwrap_or_else(|e| panic!("{e}"))
}

/// The template of this name.
fn argo(name: &str) -> Object<AnalysisTemplate> {
    let all = objects("config/kubernetes/argo-rollouts.yml").into_iter();
    let mut named = all.filter(|o: &Object<AnalysisTemplate>| o.metadata["name"] == name);
    named.next().unwrap()
}

fn flagger() -> Object<MetricTemplate> {
    let object: Object<MetricTemplate> = objects("config/kubernetes/flagger.yml").remove(0);
    assert_eq!(object.metadata["name"], "llm-prober-comparison");
    object
}

fn argo_query() -> Prometheus {
    match argo("llm-prober-comparison").spec.metrics.remove(0).provider {
        Provider::Prometheus(prometheus) => prometheus,
        Provider::Web(_) => panic!("no query"),
    }
}

/// Both queries for the run `v2` of the comparison `canary`.
fn queries() -> [String; 2] {
    let filled = [
        argo_query().query.replace("{{args.comparison}}", "canary").replace("{{args.run}}", "v2"),
        flagger()
            .spec
            .query
            .replace("{{ variables.comparison }}", "canary")
            .replace("{{ variables.run }}", "v2"),
    ];
    assert!(filled.iter().all(|q| !q.contains("{{")), "{filled:?}");
    filled
}

fn arguments(template: &AnalysisTemplate) -> Vec<(&str, bool)> {
    template.args.iter().map(|a| (&*a.name, a.value.is_some())).collect()
}

#[test]
fn the_analysis_template_promotes_aborts_and_waits() {
    let Object { api_version, kind, spec, .. } = argo("llm-prober-comparison");
    assert_eq!((&*api_version, &*kind), ("argoproj.io/v1alpha1", "AnalysisTemplate"));
    // Without the id of a run there is no verdict.
    let expect = [("comparison", false), ("run", false), ("prometheus", true)];
    assert_eq!(arguments(&spec), expect);
    let [metric] = spec.metrics.as_slice() else { panic!("one metric") };
    assert_eq!((&*metric.name, metric.interval.as_deref()), ("verdict", Some("1m")));
    assert_eq!(argo_query().address, "{{args.prometheus}}");
    // The first verdict decides; what is neither may be so to the end.
    assert_eq!((metric.failure_limit, metric.consecutive_success_limit), (Some(0), Some(1)));
    assert!(metric.inconclusive_limit >= Some(metric.count));
    assert!(metric.consecutive_error_limit > Some(0));
    let condition = Regex::new(r"^result\[0\] (==|<) (\d+)$").unwrap();
    let holds = |text: &str, result: f64| {
        let parts = condition.captures(text).unwrap_or_else(|| panic!("{text}"));
        let bound: f64 = parts[2].parse().unwrap();
        if &parts[1] == "<" { result < bound } else { (result - bound).abs() < 1e-9 }
    };
    let failure_condition = metric.failure_condition.as_deref().unwrap();
    for (result, success, failure) in [(1.0, true, false), (0.0, false, false), (-1.0, false, true)]
    {
        assert_eq!(holds(&metric.success_condition, result), success, "{result}");
        assert_eq!(holds(failure_condition, result), failure, "{result}");
    }
}

/// The other template begins the run, by the path and in the form that the daemon has.
#[test]
fn a_rollout_begins_its_run() {
    let spec = argo("llm-prober-start").spec;
    assert_eq!(arguments(&spec), [("comparison", false), ("run", false), ("prober", true)]);
    let [metric] = spec.metrics.as_slice() else { panic!("one metric") };
    let Provider::Web(web) = &metric.provider else { panic!("no request") };
    assert_eq!((&*metric.name, metric.count, &*web.method), ("start", 1, "POST"));
    let path = "/-/comparisons/{{args.comparison}}/start?run={{args.run}}";
    assert_eq!(web.url.strip_prefix("{{args.prober}}"), Some(path));
    assert_eq!(web.json_path, "{$.run}");
    assert_eq!(metric.success_condition, "result == \"{{args.run}}\"");
    assert!(read("config/kubernetes/flagger.yml").contains("/-/comparisons/canary/start?run=v42"));
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
            assert!(found[2].contains("run=\"v2\""), "{query}");
            read.insert(found[1].to_owned());
        }
        assert_eq!(read.len(), 1, "one value decides: {query}");
    }
}

/// What Prometheus makes of it in every state, with two probers, another comparison and the run
/// before beside.
#[test]
fn the_queries_evaluate_to_the_verdict() {
    let states = [
        ("undecided", Some(0)),
        ("not_worse", Some(1)),
        ("changed", Some(0)),
        ("regressed", Some(-1)),
    ];
    let tests: Vec<_> = states.iter().map(|(verdict, value)| case("v2", verdict, *value)).collect();
    // Yesterday's verdict is none of today's run.
    let tests = [tests, vec![case("v1", "not_worse", None)]].concat();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("verdict.test.yml");
    // JSON is YAML.
    std::fs::write(&file, json!({"tests": tests}).to_string()).unwrap();
    test_rules(file);
}

fn case(run: &str, holds: &str, value: Option<i32>) -> serde_json::Value {
    let one = |comparison: &str, prober: u8, holds: &str| {
        let verdicts = ["undecided", "not_worse", "changed", "regressed"].into_iter();
        let series = verdicts.map(|verdict| {
            let labels = format!(
                "instance=\"{prober}\", comparison=\"{comparison}\", run=\"{run}\", \
                 verdict=\"{verdict}\""
            );
            let value = u8::from(verdict == holds).to_string();
            json!({"series": format!("llm_prober_comparison_verdict{{{labels}}}"), "values": value})
        });
        series.collect::<Vec<_>>()
    };
    let series =
        [one("canary", 1, holds), one("canary", 2, "not_worse"), one("other", 1, "regressed")];
    let samples: Vec<_> =
        value.iter().map(|value| json!({"labels": "{}", "value": value})).collect();
    let expect = |query| json!({"expr": query, "eval_time": "0m", "exp_samples": samples});
    json!({
        "interval": "1m",
        "input_series": series.concat(),
        "promql_expr_test": queries().map(expect),
    })
}
