//! Where failures are judged over all workloads together, those of a single one hold nothing up.

use std::process::Command;

use serde_json::{Value, json};

use crate::common::counterparts::counterpart;
use crate::expressions::queries;
use crate::files::committed;

/// The query of a panel of the dashboard, with all chosen but one workload.
fn query(panel: &str, index: usize) -> String {
    let (_, dashboard) =
        committed().into_iter().find(|(file, _)| file == "llm-prober-compare.json").unwrap();
    let queries = queries(&dashboard);
    let found = queries.iter().find(|q| q.panel["title"] == panel && q.index == index).unwrap();
    let expression = found.expression.replace("$workload", "chat");
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
    let Some(promtool) = counterpart("promtool") else { return };
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
    let output = Command::new(promtool).args(["test", "rules"]).arg(file.path()).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
}
