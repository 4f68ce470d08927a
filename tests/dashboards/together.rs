//! Where failures are judged over all workloads together, those of a single one hold nothing up.

use serde_json::{Value, json};

use crate::common::promtool::test_rules;
use crate::expressions::queries;
use crate::files::committed;

/// The query of a panel of the dashboard, with all chosen but one workload.
fn query(panel: &str, index: usize) -> String {
    let (_, dashboard) =
        committed().into_iter().find(|(file, _)| file == "llm-prober-compare.json").unwrap();
    let queries = queries(&dashboard);
    let found = queries.iter().find(|q| q.panel["title"] == panel && q.index == index).unwrap();
    let expression = found.expression.replace("$workload", "chat");
    let expression = expression.replace("$__range_s", "600").replace("$__range", "10m");
    ["job", "instance", "comparison"]
        .iter()
        .fold(expression, |text, name| text.replace(&format!("${name}"), ".+"))
}

fn evidence(of: &str, comparison: &str, labels: &str, value: f64) -> Value {
    let labels = format!("job=\"p\", instance=\"i\", comparison=\"{comparison}\", {labels}");
    json!({"series": format!("llm_prober_comparison_verdict_{of}{{{labels}}}"), "values": value})
}

fn series() -> Vec<Value> {
    let of = |comparison: &str, workload: &str, value| {
        let labels = format!("workload=\"{workload}\", signal=\"failure\", verdict=\"not_worse\"");
        evidence("evidence", comparison, &labels, value)
    };
    let needed = |c| evidence("evidence_threshold", c, "verdict=\"not_worse\"", 2.0);
    vec![
        of("mixed", "chat", 0.25),
        of("mixed", "rag", 0.5),
        of("mixed", "", 1.5),
        of("alone", "chat", 0.75),
        needed("mixed"),
        needed("alone"),
    ]
}

#[test]
fn single_workloads_hold_nothing_up() {
    let case = |panel: &str, index, expected: &[(&str, f64)]| {
        let samples: Vec<_> = expected
            .iter()
            .map(|(labels, value)| {
                json!({"labels": format!("{{{labels}, signal=\"failure\"}}"), "value": value})
            })
            .collect();
        json!({"expr": query(panel, index), "eval_time": "0m", "exp_samples": samples})
    };
    let panel = [("comparison=\"mixed\"", 1.5), ("comparison=\"alone\"", 0.75)];
    let table =
        [("comparison=\"mixed\"", 0.75), ("comparison=\"alone\", workload=\"chat\"", 0.375)];
    let cases = [case("Evidence for not worse", 0, &panel), case("Signal by signal", 5, &table)];
    let test = json!({"evaluation_interval": "1m", "tests": [
        {"interval": "1m", "input_series": series(), "promql_expr_test": cases},
    ]});
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), test.to_string()).unwrap();
    test_rules(file.path());
}

/// The counter of alarms begins with the first one, which an increase would miss.
#[test]
fn the_first_alarm_of_all_is_counted() {
    let series = |name: &str, signal: &str, values: &str| {
        let labels = format!(
            "job=\"p\", instance=\"i\", target=\"b\", workload=\"chat\", comparison=\"c\", \
             signal=\"{signal}\""
        );
        json!({"series": format!("llm_prober_change_{name}{{{labels}}}"), "values": values})
    };
    let last = |signal: &str, values: &str| series("last_alarm_timestamp_seconds", signal, values);
    let on = |signal: &str| series("alarm_active", signal, "0x20");
    let input = [
        // The first of all at minute 15, another one at minute 18.
        last("ttft", "_x14 900x2 1080x2"),
        // One long before, and one in the time that is looked at.
        last("itl", "60x11 720x7"),
        last("failure", "60x20"),
        on("ttft"),
        on("itl"),
        on("failure"),
        on("slo"),
    ];
    let samples: Vec<_> = [("ttft", 2), ("itl", 1), ("failure", 0), ("slo", 0)]
        .iter()
        .map(|(signal, alarms)| {
            let labels = format!("{{comparison=\"c\", workload=\"chat\", signal=\"{signal}\"}}");
            json!({"labels": labels, "value": alarms})
        })
        .collect();
    let expression = query("Changes of candidates", 6);
    assert!(expression.contains("last_alarm"), "{expression}");
    let case = json!({"expr": expression, "eval_time": "20m", "exp_samples": samples});
    let test = json!({"evaluation_interval": "1m", "tests": [
        {"interval": "1m", "input_series": input, "promql_expr_test": [case]},
    ]});
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), test.to_string()).unwrap();
    test_rules(file.path());
}
