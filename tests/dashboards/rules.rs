//! The rules of Grafana's dashboard-linter, by their names.

use serde_json::Value;

use crate::expressions::{Query, labelled, queries};
use crate::layout::panels;
use crate::selectors::{Selector, selectors};

/// A rule and what it complains about.
pub type Rule = (&'static str, fn(&Value) -> Vec<Complaint>);

/// Something that breaks a rule.
pub struct Complaint {
    /// The panel's title; empty where it is about the dashboard.
    pub panel: String,
    /// Which of the panel's queries.
    pub query: Option<usize>,
    pub what: String,
}

/// All of them, in the linter's order.
pub const RULES: [Rule; 17] = [
    ("template-datasource-rule", template_datasource),
    ("template-job-rule", |d| template(d, "job", "Job")),
    ("template-instance-rule", |d| template(d, "instance", "Instance")),
    ("template-label-promql-rule", template_label_promql),
    ("template-on-time-change-reload-rule", template_on_time_change_reload),
    ("panel-datasource-rule", panel_datasource),
    ("panel-title-description-rule", panel_title_description),
    ("panel-units-rule", panel_units),
    ("panel-no-targets-rule", panel_no_targets),
    ("target-logql-rule", target_prometheus_only),
    ("target-logql-auto-rule", target_prometheus_only),
    ("target-promql-rule", target_promql),
    ("target-rate-interval-rule", target_rate_interval),
    ("target-job-rule", |d| target_matcher(d, "job")),
    ("target-instance-rule", |d| target_matcher(d, "instance")),
    ("target-counter-agg-rule", target_counter_agg),
    ("uneditable-dashboard", uneditable),
];

/// Grafana's names of the units that are used here; the linter knows many more.
const UNITS: [&str; 13] = [
    "short",
    "locale",
    "percentunit",
    "s",
    "bytes",
    "Bps",
    "currencyUSD",
    "cpm",
    "reqps",
    "watt",
    "joule",
    "hertz",
    "celsius",
];

fn whole(what: impl Into<String>) -> Complaint {
    Complaint { panel: String::new(), query: None, what: what.into() }
}

fn of_panel(panel: &Value, what: impl Into<String>) -> Complaint {
    let title = panel["title"].as_str().unwrap_or_default().to_owned();
    Complaint { panel: title, query: None, what: what.into() }
}

fn complain_if(wrong: bool, what: &str) -> Vec<Complaint> {
    if wrong { vec![whole(what)] } else { Vec::new() }
}

fn variables(dashboard: &Value) -> &Vec<Value> {
    dashboard["templating"]["list"].as_array().expect("variables")
}

fn template_datasource(dashboard: &Value) -> Vec<Complaint> {
    let right = |v: &Value| {
        v["name"] == "datasource" && v["label"] == "Data source" && v["query"] == "prometheus"
    };
    let sources: Vec<_> =
        variables(dashboard).iter().filter(|v| v["type"] == "datasource").collect();
    complain_if(sources.len() != 1 || !right(sources[0]), "one variable for the data source")
}

fn template(dashboard: &Value, name: &str, label: &str) -> Vec<Complaint> {
    let right = |v: &&Value| {
        v["name"] == name
            && v["label"] == label
            && v["type"] == "query"
            && v["datasource"]["uid"] == "${datasource}"
            && v["multi"] == true
            && v["allValue"] == ".+"
    };
    complain_if(variables(dashboard).iter().find(right).is_none(), "a variable as it should be")
}

fn query_variables(dashboard: &Value) -> impl Iterator<Item = &Value> {
    variables(dashboard).iter().filter(|v| v["type"] == "query")
}

fn template_label_promql(dashboard: &Value) -> Vec<Complaint> {
    let error = |v: &Value| selectors(labelled(v)).err().map(whole);
    query_variables(dashboard).filter_map(error).collect()
}

fn template_on_time_change_reload(dashboard: &Value) -> Vec<Complaint> {
    let wrong = query_variables(dashboard).filter(|v| v["refresh"] != 2);
    wrong.map(|v| whole(format!("refresh of {}", v["name"]))).collect()
}

/// The linter looks at some kinds of panels only; here the rules hold for all.
fn drawn(dashboard: &Value) -> impl Iterator<Item = &Value> {
    panels(dashboard).into_iter().filter(|p| p["type"] != "row")
}

fn panel_datasource(dashboard: &Value) -> Vec<Complaint> {
    let wrong = drawn(dashboard).filter(|p| p["datasource"]["uid"] != "${datasource}");
    wrong.map(|p| of_panel(p, "its data source is not the variable")).collect()
}

fn panel_title_description(dashboard: &Value) -> Vec<Complaint> {
    let empty = |text: &Value| text.as_str().is_none_or(str::is_empty);
    let wrong = drawn(dashboard).filter(|p| empty(&p["title"]) || empty(&p["description"]));
    wrong.map(|p| of_panel(p, "no title or no description")).collect()
}

/// The linter takes value mappings instead; here every panel has a unit.
fn panel_units(dashboard: &Value) -> Vec<Complaint> {
    let known = |unit: &str| UNITS.contains(&unit);
    let wrong = |panel: &&Value| {
        let config = &panel["fieldConfig"];
        let overrides = config["overrides"].as_array().into_iter().flatten();
        let properties = overrides.flat_map(|o| o["properties"].as_array().unwrap());
        let mut units = properties.filter(|p| p["id"] == "unit").map(|p| &p["value"]);
        let default = &config["defaults"]["unit"];
        std::iter::once(default).chain(&mut units).any(|u| !u.as_str().is_some_and(known))
    };
    drawn(dashboard).filter(wrong).map(|p| of_panel(p, "no unit, or an unknown one")).collect()
}

fn panel_no_targets(dashboard: &Value) -> Vec<Complaint> {
    let wrong = drawn(dashboard).filter(|p| p["targets"].as_array().is_none_or(Vec::is_empty));
    wrong.map(|p| of_panel(p, "no query")).collect()
}

/// There is no `LogQL` where every query goes to Prometheus.
fn target_prometheus_only(dashboard: &Value) -> Vec<Complaint> {
    let wrong = |panel: &&Value| {
        let targets = panel["targets"].as_array().unwrap();
        targets.iter().any(|t| t["datasource"]["type"] != "prometheus")
    };
    drawn(dashboard).filter(wrong).map(|p| of_panel(p, "not a query to Prometheus")).collect()
}

/// What a check says about each query that can be read.
fn each(dashboard: &Value, check: impl Fn(&str) -> Result<(), String>) -> Vec<Complaint> {
    let complaint = |query: Query| {
        let what = check(query.expression).err()?;
        Some(Complaint { query: Some(query.index), ..of_panel(query.panel, what) })
    };
    queries(dashboard).into_iter().filter_map(complaint).collect()
}

/// Prometheus itself is asked in `live`.
fn target_promql(dashboard: &Value) -> Vec<Complaint> {
    each(dashboard, |expression| {
        selectors(expression).map(drop).map_err(|error| format!("{expression}: {error}"))
    })
}

fn target_rate_interval(dashboard: &Value) -> Vec<Complaint> {
    each(dashboard, |expression| {
        let wrong = selectors(expression)?.into_iter().find(|s| {
            let rate = matches!(s.function.as_deref(), Some("rate" | "irate"));
            rate && s.range.as_deref() != Some("$__rate_interval")
        });
        wrong.map_or(Ok(()), |s| Err(format!("a rate not over $__rate_interval: {s:?}")))
    })
}

fn target_matcher(dashboard: &Value, label: &str) -> Vec<Complaint> {
    let value = format!("${label}");
    each(dashboard, |expression| {
        let has = |s: &Selector| {
            s.matchers.iter().any(|(l, o, v)| l == label && o == "=~" && *v == value)
        };
        let wrong = selectors(expression)?.into_iter().find(|s| !has(s));
        wrong.map_or(Ok(()), |s| Err(format!("no {label}=~\"{value}\" in {s:?}")))
    })
}

fn target_counter_agg(dashboard: &Value) -> Vec<Complaint> {
    each(dashboard, |expression| {
        let wrong = selectors(expression)?.into_iter().find(|s| {
            let rate = matches!(s.function.as_deref(), Some("rate" | "irate" | "increase"));
            s.name.ends_with("_total") && !(rate && s.range.is_some())
        });
        wrong.map_or(Ok(()), |s| Err(format!("a bare counter: {s:?}")))
    })
}

fn uneditable(dashboard: &Value) -> Vec<Complaint> {
    complain_if(dashboard["editable"] != false, "editable")
}
