//! The expressions of a dashboard, and what is in them.

use serde_json::Value;

use crate::layout::panels;

/// A query of a panel.
pub struct Query<'a> {
    pub panel: &'a Value,
    pub index: usize,
    pub expression: &'a str,
}

/// All queries of all panels.
pub fn queries(dashboard: &Value) -> Vec<Query<'_>> {
    let of = |panel| {
        let targets: &Vec<Value> = panel_targets(panel);
        targets.iter().enumerate().map(move |(index, target)| Query {
            panel,
            index,
            expression: target["expr"].as_str().unwrap_or_default(),
        })
    };
    panels(dashboard).into_iter().filter(|p| p["type"] != "row").flat_map(of).collect()
}

fn panel_targets(panel: &Value) -> &Vec<Value> {
    panel["targets"].as_array().expect("every panel has targets")
}

/// Queries of variables and annotations: not of a panel.
pub fn other_expressions(dashboard: &Value) -> Vec<String> {
    let variables = dashboard["templating"]["list"].as_array().unwrap().iter();
    let series = variables.filter(|v| v["type"] == "query").map(|v| labelled(v).to_owned());
    let annotations = dashboard["annotations"]["list"].as_array().unwrap().iter();
    let marks = annotations.filter_map(|a| a["expr"].as_str()).map(str::to_owned);
    series.chain(marks).collect()
}

/// The series in `label_values(series, label)`.
pub fn labelled(variable: &Value) -> &str {
    let query = variable["query"]["query"].as_str().expect("a query");
    let inner = query.strip_prefix("label_values(").and_then(|q| q.strip_suffix(')'));
    let (series, label) = inner.unwrap_or_else(|| panic!("{query}")).rsplit_once(", ").unwrap();
    assert_eq!(variable["name"], label, "{query}");
    series
}
