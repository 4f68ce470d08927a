//! What a target gives as a function of its load, night after night.

use serde_json::json;

use super::frame::{Dashboard, Section, drill_down, variable};
use super::panel::{Panel, lines, links, stacked, stat, table};
use super::shared::dashed;

const KNEE: &str = "llm_prober_sweep_knee_users{target, sweep=~\"$sweep\"}";
const USUAL: &str = "llm_prober_sweep_usual_knee_users{target, sweep=~\"$sweep\"}";
const RUNS: &str = "llm_prober_sweep_runs_total{target, sweep=~\"$sweep\"}";
const RUNNING: &str = "llm_prober_sweep_running{target, sweep=~\"$sweep\"}";
const LAST: &str = "llm_prober_sweep_last_run_timestamp_seconds{target, sweep=~\"$sweep\"}";
const NEXT: &str = "llm_prober_sweep_next_run_timestamp_seconds{target, sweep=~\"$sweep\"}";

pub fn dashboard() -> Dashboard {
    Dashboard {
        name: "sweeps",
        title: "Sweeps",
        description: "With how many users is a target still good? The levels of its scheduled sweeps, \
                      and their knee, over days and weeks.",
        variables: vec![variable("sweep", "Sweep", "llm_prober_sweep_running{target}")],
        sections: vec![
            Section { title: "The last sweep", panels: last() },
            Section { title: "The knee", panels: knee() },
            Section { title: "Every level over time", panels: levels() },
        ],
    }
}

/// The best of several probers.
fn by_level(metric: &str) -> String {
    format!("max by (target, sweep, concurrency) (llm_prober_sweep_{metric}, sweep=~\"$sweep\"}})")
}

fn percentile(metric: &str, percentile: &str) -> String {
    by_level(&format!("{metric}_seconds{{target, percentile=\"{percentile}\""))
}

fn last() -> Vec<Panel> {
    let of = |expression: &str| format!("max by (target, sweep) ({expression})");
    vec![
        stat("Knee", "The largest number of users with whom enough requests are good.", "short")
            .instant(&of(KNEE), "{{target}} {{sweep}}")
            .thresholds("text", &[(0.0, "red"), (1.0, "green")])
            .size(6, 4),
        stat(
            "Against what is usual",
            "The knee divided by the median of the 28 days before. Below 80 % an alert fires.",
            "percentunit",
        )
        .instant(&format!("{} / ({} > 0)", of(KNEE), of(USUAL)), "{{target}} {{sweep}}")
        .thresholds("red", &[(0.8, "green")])
        .default("noValue", json!("Fewer than four sweeps tell their knee"))
        .size(6, 4),
        stat("Last sweep", "How long ago it began.", "s")
            .instant(&format!("time() - {}", of(LAST)), "{{target}} {{sweep}}")
            .thresholds("text", &[])
            .size(6, 4),
        stat("Next sweep", "In how long it is due; below zero it waits for its turn.", "s")
            .instant(&format!("{} - time()", of(NEXT)), "{{target}} {{sweep}}")
            .thresholds("text", &[])
            .size(6, 4),
        table_of_levels(),
    ]
}

fn table_of_levels() -> Panel {
    let columns = [
        ("TTFT p50", percentile("time_to_first_token", "50"), "s"),
        ("TTFT p95", percentile("time_to_first_token", "95"), "s"),
        ("ITL p95", percentile("inter_token_latency", "95"), "s"),
        ("Latency p95", percentile("request_latency", "95"), "s"),
        ("Requests/s", by_level("throughput_requests_per_second{target"), "short"),
        ("Attainment", by_level("attainment_ratio{target"), "percentunit"),
    ];
    let value = |i: usize| format!("Value #{}", char::from(b'A' + u8::try_from(i).unwrap()));
    let labels = [("target", "Target"), ("sweep", "Sweep"), ("concurrency", "Users")];
    let labels = labels.map(|(label, name)| (label.to_owned(), name));
    let values = columns.iter().enumerate().map(|(i, (name, ..))| (value(i), *name));
    let fields: Vec<_> = labels.into_iter().chain(values).collect();
    let named: serde_json::Map<_, _> =
        fields.iter().map(|(field, name)| (field.clone(), json!(name))).collect();
    let placed: serde_json::Map<_, _> =
        fields.iter().enumerate().map(|(i, (field, _))| (field.clone(), json!(i))).collect();
    let panel = table(
        "Levels",
        "TTFT and attainment against the number of users, of the last sweep. Levels that were not \
         made to their end, or of which the prober was the bottleneck, are left out.",
        "short",
    );
    let panel = columns.iter().fold(panel, |panel, (_, expression, _)| panel.column(expression));
    let panel = panel.transform("merge", &json!({})).transform(
        "organize",
        &json!({
            "excludeByName": {"Time": true}, "indexByName": placed, "renameByName": named,
        }),
    );
    let panel = columns.iter().fold(panel, |panel, (name, _, unit)| {
        panel.field(name, &[("unit", json!(unit)), ("noValue", json!("–"))])
    });
    let to_target = links("Show the target", &drill_down("target", "${__value.raw}"));
    let mut panel = panel.field("Target", &[("links", to_target)]);
    panel.json["options"]["sortBy"] = json!([{"displayName": "Users", "desc": false}]);
    panel.size(24, 8)
}

fn knee() -> Vec<Panel> {
    let of = |expression: &str| format!("max by (target, sweep) ({expression})");
    let knee = lines(
        "Knee over time",
        "The largest number of users with whom enough requests are good, by the last sweep that \
         tells; dashed the median of the 28 days before it.",
        "short",
    )
    .query(&of(KNEE), "{{target}} {{sweep}}")
    .query(&of(USUAL), "usual of {{target}} {{sweep}}");
    vec![
        dashed(knee, "/^usual of /").custom(&json!({"lineInterpolation": "stepAfter"})).size(16, 9),
        stacked(
            "Sweeps by how they ended",
            "In each day: complete, invalid (the prober was the bottleneck), or why they were broken \
             off.",
            "short",
        )
        .query(&format!("sum by (result) (increase({RUNS}[1d]))"), "{{result}}")
        .size(8, 9),
    ]
}

fn levels() -> Vec<Panel> {
    let level = |title: &str, description: &str, unit: &str, expression: &str| {
        lines(title, &format!("{description} By users, of the last sweep at each instant."), unit)
            .query(expression, "{{target}} {{sweep}} {{concurrency}}")
            .custom(&json!({"lineInterpolation": "stepAfter"}))
            .size(12, 8)
    };
    let requests = "sum by (concurrency) (increase(llm_prober_sweep_probes_total\
                    {target, sweep=~\"$sweep\"}[1d]))";
    let failures = "sum by (reason) (increase(llm_prober_sweep_probe_failures_total\
                    {target, sweep=~\"$sweep\"}[1d]))";
    vec![
        level(
            "TTFT p95",
            "95 % of the requests had their first token within this time.",
            "s",
            &percentile("time_to_first_token", "95"),
        ),
        level(
            "Attainment",
            "Share of good requests.",
            "percentunit",
            &by_level("attainment_ratio{target"),
        )
        .default("max", json!(1)),
        level(
            "ITL p95",
            "95 % of the requests had this time between tokens, or less.",
            "s",
            &percentile("inter_token_latency", "95"),
        ),
        level(
            "Throughput",
            "Requests per second that succeeded.",
            "reqps",
            &by_level("throughput_requests_per_second{target"),
        ),
        stacked("Requests by users", "Of all sweeps of each day.", "short")
            .query(requests, "{{concurrency}}")
            .size(8, 8),
        stacked("Failed requests by reason", "Of all sweeps of each day.", "short")
            .query(failures, "{{reason}}")
            .default("noValue", json!("None failed"))
            .size(8, 8),
        lines("Sweeps under way", "1 while a sweep loads the target.", "short")
            .query(&format!("max by (target, sweep) ({RUNNING})"), "{{target}} {{sweep}}")
            .size(8, 8),
    ]
}
