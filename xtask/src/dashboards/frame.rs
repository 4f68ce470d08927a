//! What all dashboards have in common: variables, annotations, links, and the places of panels.

use serde_json::{Value, json};

use super::panel::Panel;
use super::promql::expand;

/// A headline and the panels below it, placed from left to right.
pub struct Section {
    pub title: &'static str,
    pub panels: Vec<Panel>,
}

/// A whole dashboard.
pub struct Dashboard {
    /// The end of its file name and of its identifier.
    pub name: &'static str,
    pub title: &'static str,
    pub description: &'static str,
    /// Variables of its own, after those that all have.
    pub variables: Vec<Value>,
    pub sections: Vec<Section>,
}

/// Where a click on a series or row of a target leads.
pub fn drill_down(dashboard: &str, target: &str) -> String {
    format!(
        "/d/llm-prober-{dashboard}?${{datasource:queryparam}}&${{job:queryparam}}\
         &${{instance:queryparam}}&var-target={target}&${{__url_time_range}}"
    )
}

/// Another dashboard with the targets that are chosen.
pub fn of_targets(dashboard: &str) -> String {
    drill_down(dashboard, "").replace("var-target=", "${target:queryparam}")
}

impl Dashboard {
    /// As Grafana imports it.
    pub fn json(&self) -> Value {
        let variables = [variables(), self.variables.clone()].concat();
        json!({
            "uid": format!("llm-prober-{}", self.name),
            "title": format!("llm-prober / {}", self.title),
            "description": self.description,
            "tags": ["llm-prober"],
            "editable": false,
            "schemaVersion": 39,
            "version": 1,
            "timezone": "",
            "time": {"from": "now-6h", "to": "now"},
            "refresh": "1m",
            // All panels show the same instant.
            "graphTooltip": 1,
            "links": [{
                "type": "dashboards", "title": "llm-prober", "tags": ["llm-prober"],
                "asDropdown": false, "includeVars": true, "keepTime": true, "icon": "dashboard",
                "tooltip": "", "url": "", "targetBlank": false,
            }],
            "templating": {"list": variables},
            "annotations": {"list": annotations()},
            "panels": place(&self.sections),
        })
    }
}

/// Each follows those before it.
fn variables() -> Vec<Value> {
    let source = json!({
        "type": "datasource", "name": "datasource", "label": "Data source", "query": "prometheus",
        "current": {}, "options": [], "hide": 0, "includeAll": false, "multi": false, "refresh": 1,
        "regex": "",
    });
    let probes = "llm_prober_probes_total{prober";
    vec![
        source,
        variable("job", "Job", "llm_prober_build_info"),
        variable("instance", "Instance", r#"llm_prober_build_info{job=~"$job"}"#),
        variable("model", "Model", &format!("{probes}}}")),
        variable("target", "Target", &format!("{probes}, model=~\"$model\"}}")),
        variable("workload", "Workload", "llm_prober_probes_total{target}"),
    ]
}

/// A choice of the values of a label.
pub fn variable(name: &str, label: &str, series: &str) -> Value {
    let query = format!("label_values({}, {name})", expand(series));
    json!({
        "type": "query", "name": name, "label": label,
        "datasource": {"type": "prometheus", "uid": "${datasource}"},
        "query": {"query": query, "refId": name, "qryType": 1}, "definition": query,
        "current": {"selected": true, "text": ["All"], "value": ["$__all"]}, "options": [],
        "includeAll": true, "multi": true, "allValue": ".+",
        // When the time range changes.
        "refresh": 2,
        "sort": 1, "hide": 0, "regex": "",
    })
}

fn annotations() -> Vec<Value> {
    let of = |name: &str, color: &str, expression: &str, title: &str, text: &str| {
        json!({
            "name": name, "enable": true, "hide": false, "iconColor": color,
            "datasource": {"type": "prometheus", "uid": "${datasource}"},
            "expr": expand(expression), "titleFormat": title, "textFormat": text,
            "tagKeys": "", "useValueForTime": false,
        })
    };
    let info = "max without (workload) (llm_prober_target_info{target}";
    let before = "offset $__rate_interval";
    vec![
        json!({
            "name": "Annotations & Alerts", "builtIn": 1, "type": "dashboard", "enable": true,
            "hide": true, "iconColor": "rgba(0, 211, 255, 1)",
            "datasource": {"type": "grafana", "uid": "-- Grafana --"},
        }),
        // Series that are new while the target is not: one of its labels has changed.
        of(
            "Deploys",
            "blue",
            &format!(
                "({info}) unless {info} {before})) and on (job, instance, target) {info} {before})"
            ),
            "{{target}} changed",
            "{{model}} {{serving_image}} {{model_version}} {{hardware}}",
        ),
        of(
            "Alarms",
            "red",
            r#"ALERTS{alertname=~"LLMProber.*", alertstate="firing", job=~"$job|", target=~"$target|"}"#,
            "{{alertname}}",
            "{{target}} {{slo}} {{severity}}",
        ),
        of(
            "Reloads",
            "purple",
            "changes(llm_prober_config_last_reload_success_timestamp_seconds{prober}[i]) > 0",
            "Configuration reloaded",
            "{{instance}}",
        ),
    ]
}

/// From left to right, then down; a section begins with its headline.
fn place(sections: &[Section]) -> Vec<Value> {
    let mut placed = Vec::new();
    let mut top = 0;
    for section in sections {
        let place = json!({"x": 0, "y": top, "w": 24, "h": 1});
        placed.push(json!({
            "type": "row", "title": section.title, "collapsed": false, "panels": [],
            "gridPos": place, "id": placed.len() + 1,
        }));
        top += 1;
        let (mut left, mut tallest) = (0, 0);
        for panel in &section.panels {
            if left + panel.width > 24 {
                (left, top, tallest) = (0, top + tallest, 0);
            }
            let mut json = panel.json.clone();
            json["gridPos"] = json!({"x": left, "y": top, "w": panel.width, "h": panel.height});
            json["id"] = json!(placed.len() + 1);
            placed.push(json);
            (left, tallest) = (left + panel.width, tallest.max(panel.height));
        }
        top += tallest;
    }
    placed
}
