//! Every expression of every dashboard, asked of a real Prometheus that scrapes the real daemon.

use serde_json::Value;

use crate::common::prometheus::native_only;
use crate::expressions::{other_expressions, queries};
use crate::files::committed;
use crate::rig::Rig;

/// What Grafana puts in place of the variables when all is chosen.
fn filled(expression: &str) -> String {
    let lengths = expression.replace("$__rate_interval", "10s").replace("$__range", "5m");
    ["job", "instance", "model", "target", "workload", "comparison"]
        .iter()
        .fold(lengths, |text, name| text.replace(&format!("${name}"), ".+"))
}

/// Parts of expressions that have no data here, and why.
const EMPTY: [(&str, &str); 3] = [
    (r#"comparison=""}"#, "a reference from the own past takes a minute at least"),
    (
        "change_last_alarm_timestamp_seconds",
        "absent before the first alarm, and both sides are alike",
    ),
    ("comparison_changed_since_timestamp_seconds", "absent while no alarm is on"),
];

fn is_empty(expression: &str) -> bool {
    EMPTY.iter().any(|(part, _)| expression.contains(part))
}

/// Each panel has data for each of its queries; of the two forms of a heatmap, for the one that
/// there is.
async fn panels_have_data(rig: &Rig, native: bool) {
    let mut asked = 0;
    for (file, dashboard) in committed() {
        for query in queries(&dashboard).iter().filter(|q| !is_empty(q.expression)) {
            let heatmap = query.panel["type"] == "heatmap";
            let expression = filled(query.expression);
            if heatmap && (query.index == 0) != native {
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
async fn classic_histograms_fill_every_panel() {
    let Some(rig) = Rig::start("", &[]).await else { return };
    panels_have_data(&rig, false).await;
    the_rest_has_data(&rig).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn native_histograms_fill_every_panel() {
    let Some(options) = native_only() else { return };
    let flags = ["--enable-feature=native-histograms"];
    let Some(rig) = Rig::start(options, &flags).await else { return };
    panels_have_data(&rig, true).await;
}
