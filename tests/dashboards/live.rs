//! Every expression of every dashboard, asked of a real Prometheus that scrapes the real daemon.

use serde_json::Value;

use crate::common::prometheus::native_only;
use crate::expressions::{Query, other_expressions, queries};
use crate::files::committed;
use crate::rig::Rig;

/// What Grafana puts in place of the variables when all is chosen.
fn filled(expression: &str) -> String {
    let lengths = [("$__rate_interval", "10s"), ("$__range_s", "300"), ("$__range", "5m")];
    let lengths = lengths
        .iter()
        .fold(expression.to_owned(), |text, (name, length)| text.replace(name, length));
    ["job", "instance", "model", "target", "workload", "comparison", "sweep"]
        .iter()
        .fold(lengths, |text, name| text.replace(&format!("${name}"), ".+"))
}

/// Parts of expressions that have no data here, and why.
const EMPTY: [(&str, &str); 5] = [
    (r#"comparison=""}"#, "a reference from the own past takes a minute at least"),
    (
        "change_last_alarm_timestamp_seconds",
        "absent before the first alarm, and both sides are alike",
    ),
    ("comparison_changed_since_timestamp_seconds", "absent while no alarm is on"),
    ("sweep_usual_knee_users", "of one sweep nothing is usual"),
    ("sweep_probe_failures_total", "begins with the first failure, and what is swept is well"),
];

fn is_empty(expression: &str) -> bool {
    EMPTY.iter().any(|(part, _)| expression.contains(part))
}

/// What Prometheus has of the histograms.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Has {
    /// Classic text of the lean form: few of them have buckets.
    Lean,
    /// Classic text with all buckets.
    Buckets,
    /// Native histograms.
    Native,
}

/// Each panel has data for each of its queries. Of the two forms of a heatmap it is the one that
/// there is, or none; of a quantile and the mean that stands in for it, one of both.
async fn panels_have_data(rig: &Rig, has: Has) {
    let mut asked = 0;
    for (file, dashboard) in committed() {
        let queries = queries(&dashboard);
        for query in queries.iter().filter(|q| !is_empty(q.expression)) {
            let expression = filled(query.expression);
            if in_vain(query, &queries, has) {
                let none = rig.prometheus.query(&expression).await;
                assert_eq!(none, Vec::<Value>::new(), "{file}: {expression}");
                continue;
            }
            let result = rig.prometheus.wait_for(&expression).await;
            assert!(result.iter().any(is_number), "{file}: {expression}: {result:?}");
            asked += 1;
        }
    }
    assert!(asked > 130, "{asked}");
}

/// Whether another form of the histogram is what there is.
fn in_vain(query: &Query, all: &[Query], has: Has) -> bool {
    if query.panel["type"] == "heatmap" {
        // They say that they need buckets.
        let without = has == Has::Lean && query.expression.contains("_at_send");
        return without || (query.index == 0) != (has == Has::Native);
    }
    if is_mean(query.expression) {
        return has != Has::Lean;
    }
    let of_panel = all.iter().filter(|q| std::ptr::eq(q.panel, query.panel));
    let means = of_panel.filter(|q| is_mean(q.expression));
    let has_mean = means
        .filter_map(|q| buckets(q.expression))
        .any(|name| buckets(query.expression) == Some(name));
    has_mean && has == Has::Lean
}

/// A mean that stands in where there are no quantiles.
fn is_mean(expression: &str) -> bool {
    expression.contains(" unless ((histogram_quantile(")
}

/// The classic buckets that an expression reads.
fn buckets(expression: &str) -> Option<&str> {
    let (before, _) = expression.split_once("_bucket{")?;
    before.rsplit_once('(').map(|(_, name)| name)
}

/// A number or a native histogram, and not `NaN`.
fn is_number(series: &Value) -> bool {
    let value = &series["value"][1];
    series.get("histogram").is_some() || value.as_str().is_some_and(|v| v != "NaN")
}

/// Variables have values, and annotations show a deploy, a reload and an alarm.
async fn the_rest_has_data(rig: &Rig) {
    rig.deploy();
    for (_, dashboard) in committed() {
        for expression in other_expressions(&dashboard) {
            rig.prometheus.wait_for(&filled(&expression)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn few_buckets_and_means_fill_every_panel() {
    let Some(rig) = Rig::start("", &[], "lean").await else { return };
    panels_have_data(&rig, Has::Lean).await;
    the_rest_has_data(&rig).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_buckets_fill_every_panel() {
    let Some(rig) = Rig::start("", &[], "all").await else { return };
    panels_have_data(&rig, Has::Buckets).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn native_histograms_fill_every_panel() {
    let Some(options) = native_only() else { return };
    let flags = ["--enable-feature=native-histograms"];
    let Some(rig) = Rig::start(options, &flags, "lean").await else { return };
    panels_have_data(&rig, Has::Native).await;
}
