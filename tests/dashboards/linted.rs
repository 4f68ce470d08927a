//! The linter has nothing to say, except what `dashboards/.lint` excludes and explains.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::files::committed;
use crate::rules::{Complaint, RULES};

/// The linter's own file, which it reads beside a dashboard.
#[derive(Deserialize)]
struct LintFile {
    exclusions: BTreeMap<String, Exclusion>,
}

#[derive(Deserialize)]
struct Exclusion {
    reason: String,
    entries: Vec<Entry>,
}

/// Its keys are all lower case, as the linter reads them.
#[derive(Deserialize)]
struct Entry {
    dashboard: String,
    panel: String,
    targetidx: String,
}

impl Entry {
    fn excludes(&self, dashboard: &Value, complaint: &Complaint) -> bool {
        dashboard["title"] == self.dashboard.as_str()
            && complaint.panel == self.panel
            && complaint.query.map(|i| i.to_string()) == Some(self.targetidx.clone())
    }
}

fn exclusions() -> BTreeMap<String, Exclusion> {
    let file: LintFile =
        serde_yaml::from_str(include_str!("../../dashboards/.lint")).expect("a valid .lint");
    file.exclusions
}

#[test]
fn the_linter_is_content() {
    let exclusions = exclusions();
    let mut used = 0;
    for (file, dashboard) in committed() {
        for (rule, complaints) in RULES {
            for complaint in complaints(&dashboard) {
                let entries = exclusions.get(rule).map_or(&[][..], |e| &e.entries);
                let excluded = entries.iter().any(|e| e.excludes(&dashboard, &complaint));
                let Complaint { panel, query, what } = complaint;
                assert!(excluded, "{file}: {rule}: {panel:?}, query {query:?}: {what}");
                used += 1;
            }
        }
    }
    assert!(exclusions.values().all(|e| !e.reason.is_empty()));
    let entries: usize = exclusions.values().map(|e| e.entries.len()).sum();
    assert_eq!(used, entries, "an exclusion that excludes nothing");
}

/// One change per rule that must break it.
fn breakers() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        ("template-datasource-rule", "/templating/list/0/name", json!("source")),
        ("template-job-rule", "/templating/list/1/allValue", json!(".*")),
        ("template-instance-rule", "/templating/list/2/multi", json!(false)),
        (
            "template-label-promql-rule",
            "/templating/list/3/query/query",
            json!("label_values(sum by (, model)"),
        ),
        ("template-on-time-change-reload-rule", "/templating/list/4/refresh", json!(1)),
        ("panel-datasource-rule", "/panels/1/datasource/uid", json!("abc")),
        ("panel-title-description-rule", "/panels/1/description", json!("")),
        ("panel-units-rule", "/panels/1/fieldConfig/defaults/unit", json!("tokens")),
        ("panel-no-targets-rule", "/panels/1/targets", json!([])),
        ("target-logql-rule", "/panels/1/targets/0/datasource/type", json!("loki")),
        ("target-logql-auto-rule", "/panels/1/targets/0/datasource/type", json!("loki")),
        ("target-promql-rule", "/panels/1/targets/0/expr", json!("sum(")),
        ("target-rate-interval-rule", "/panels/1/targets/0/expr", json!("rate(a[5m])")),
        ("target-job-rule", "/panels/1/targets/0/expr", json!("sum(a{job=\"$job\"})")),
        ("target-instance-rule", "/panels/1/targets/0/expr", json!("a{job=~\"$job\"}")),
        ("target-counter-agg-rule", "/panels/1/targets/0/expr", json!("sum(a_total)")),
        ("uneditable-dashboard", "/editable", json!(true)),
    ]
}

#[test]
fn every_rule_can_be_broken() {
    assert_eq!(breakers().len(), RULES.len());
    let overview = committed().into_iter().find(|(name, _)| name == "llm-prober-overview.json");
    let (_, good) = overview.expect("the overview");
    for ((rule, complaints), (breaks, place, value)) in RULES.into_iter().zip(breakers()) {
        assert_eq!(rule, breaks);
        let mut bad = good.clone();
        *bad.pointer_mut(place).unwrap_or_else(|| panic!("{place}")) = value;
        assert!(complaints(&bad).len() > complaints(&good).len(), "{rule}: {place}");
    }
}
