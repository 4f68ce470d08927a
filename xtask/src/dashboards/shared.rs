//! Panels that several dashboards show, and how they are drawn.

use serde_json::{Value, json};

use super::panel::{Panel, lines, stacked};
use super::promql::{mean, quantile};

const PROBES: &str = "llm_prober_probes_total{probe}";
const FAILURES: &str = "llm_prober_probe_failures_total{probe}";

/// p50, p95 and p99, in colours that mean them everywhere.
pub fn percentiles(panel: Panel, histogram: &str) -> Panel {
    quantiles(panel, histogram, [(0.5, "p50"), (0.95, "p95"), (0.99, "p99")])
}

/// As [`percentiles`], or the mean where there are no buckets.
pub fn percentiles_or_mean(panel: Panel, histogram: &str) -> Panel {
    percentiles(panel, histogram).query(&mean(histogram, ""), "mean")
}

/// A quantile by a label, or the mean where there are no buckets.
pub fn quantile_or_mean(panel: Panel, q: f64, histogram: &str, by: &str, legend: &str) -> Panel {
    let panel = panel.query(&quantile(q, histogram, by), legend);
    panel.query(&mean(histogram, by), &format!("{legend} mean"))
}

/// What a heatmap of a histogram that the lean form keeps without buckets needs.
pub const NEEDS_BUCKETS: &str =
    "Needs native histograms in Prometheus, or a prober with --metrics.histograms=all";

/// As [`percentiles`] where less is worse, or the mean where there are no buckets.
pub fn lowest(panel: Panel, histogram: &str) -> Panel {
    let panel = quantiles(panel, histogram, [(0.5, "p50"), (0.1, "p10"), (0.01, "p1")]);
    panel.query(&mean(histogram, ""), "mean")
}

fn quantiles(panel: Panel, histogram: &str, names: [(f64, &str); 3]) -> Panel {
    names.iter().zip(["green", "orange", "red"]).fold(panel, |p, ((q, name), color)| {
        let color = json!({"mode": "fixed", "fixedColor": color});
        p.query(&quantile(*q, histogram, ""), name).field(name, &[("color", color)])
    })
}

/// What an SLO allows, as a dashed line.
pub fn bound(panel: Panel, objective: &str) -> Panel {
    let threshold = format!(
        "min by (slo) (llm_prober_slo_threshold_seconds{{probe, objective=\"{objective}\"}})"
    );
    dashed(panel.query(&threshold, "bound of {{slo}}"), "/^bound of /")
}

/// Draws the series whose names match dashed and in the colour of text.
pub fn dashed(mut panel: Panel, names: &str) -> Panel {
    panel.json["fieldConfig"]["overrides"].as_array_mut().unwrap().push(json!({
        "matcher": {"id": "byRegexp", "options": names},
        "properties": [
            {"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [8, 8]}},
            {"id": "custom.fillOpacity", "value": 0},
            {"id": "custom.stacking", "value": {"mode": "none"}},
            {"id": "color", "value": {"mode": "fixed", "fixedColor": "text"}},
        ],
    }));
    panel
}

/// Shares of failed probes by reason, and of all of them: a line at 0 where none failed.
pub fn failed_by_reason() -> Panel {
    let by_reason = format!(
        "sum by (reason) (rate({FAILURES}[i])) / ignoring (reason) group_left () \
         sum(rate({PROBES}[i])) > 0"
    );
    let panel = stacked(
        "Failed probes by reason",
        "Share of the probes that failed, each for exactly one reason.",
        "percentunit",
    );
    let all = format!("sum(rate({FAILURES}[i])) / sum(rate({PROBES}[i])) >= 0");
    dashed(panel.query(&by_reason, "{{reason}}").query(&all, "all"), "/^all$/")
}

/// Price of the probes per hour.
pub fn cost_per_hour() -> Panel {
    let cost = "3600 * sum by (target) (rate(llm_prober_cost_dollars_total{probe}[i]))";
    let description = "Price of the probes' tokens, by the target's price list.";
    lines("Cost per hour", description, "currencyUSD")
        .query(cost, "{{target}}")
        .default("noValue", json!("No target has a price list"))
}

/// What the time to first token is made of, of the series that `matchers` choose.
pub fn ttft_parts(matchers: &str) -> Panel {
    let part = format!("llm_prober_time_to_first_token_part_seconds{matchers}");
    let panel = stacked(
        "Parts of the TTFT, median",
        "What the server reports of its queue and prefill, and the rest: the network. Medians do \
         not add up exactly. Means where there are no buckets.",
        "s",
    );
    quantile_or_mean(panel, 0.5, &part, "part", "{{part}}")
        .default("noValue", json!("The server reports no parts"))
}

/// Energy that the target's GPUs took for a token, of the series that `matchers` choose.
pub fn energy_per_token(matchers: &str) -> Panel {
    let energy = format!("llm_prober_probe_energy_joules_per_output_token{matchers}");
    let description = "Energy that the target's GPUs took while a probe ran on them alone, divided \
                       by its output tokens. The mean where there are no buckets.";
    percentiles_or_mean(lines("Energy per output token", description, "joule"), &energy)
        .default("noValue", json!("No target says which GPUs it has"))
}

/// A table cell whose text has the colour of these thresholds.
pub fn colored(base: &str, steps: &[(f64, &str)]) -> Vec<(&'static str, Value)> {
    let first = json!({"color": base, "value": null});
    let more = steps.iter().map(|(value, color)| json!({"color": color, "value": value}));
    let steps: Vec<Value> = std::iter::once(first).chain(more).collect();
    vec![
        ("custom.cellOptions", json!({"type": "color-text"})),
        ("thresholds", json!({"mode": "absolute", "steps": steps})),
    ]
}

/// Draws the series whose names match dotted, and not in the legend.
pub fn dotted(mut panel: Panel, names: &str) -> Panel {
    let hidden = json!({"legend": true, "tooltip": false, "viz": false});
    panel.json["fieldConfig"]["overrides"].as_array_mut().unwrap().push(json!({
        "matcher": {"id": "byRegexp", "options": names},
        "properties": [
            {"id": "custom.lineStyle", "value": {"fill": "dot", "dash": [0, 6]}},
            {"id": "custom.hideFrom", "value": hidden},
            {"id": "color", "value": {"mode": "fixed", "fixedColor": "text"}},
        ],
    }));
    panel
}

/// A table of one row per set of labels, and a named column with a unit per expression.
pub fn columns(panel: Panel, columns: &[(&str, String, &str)], hidden: &[&str]) -> Panel {
    let value = |i: usize| format!("Value #{}", char::from(b'A' + u8::try_from(i).unwrap()));
    let hidden: serde_json::Map<_, _> =
        hidden.iter().chain(&["Time"]).map(|name| ((*name).to_owned(), json!(true))).collect();
    let names: serde_json::Map<_, _> =
        columns.iter().enumerate().map(|(i, (name, ..))| (value(i), json!(name))).collect();
    let labels = ["target", "comparison", "baseline", "candidate", "order", "workload", "signal"];
    let order = labels.map(str::to_owned).into_iter().chain((0..columns.len()).map(value));
    let order: serde_json::Map<_, _> =
        order.enumerate().map(|(i, name)| (name, json!(i))).collect();
    let panel = columns.iter().fold(panel, |p, (_, expression, _)| p.column(expression));
    let panel = panel.transform("merge", &json!({})).transform(
        "organize",
        &json!({
            "excludeByName": hidden,
            "indexByName": order,
            "renameByName": names,
        }),
    );
    let panel = panel.custom(&json!({"minWidth": 80}));
    columns.iter().fold(panel, |p, (name, _, unit)| {
        p.field(name, &[("unit", json!(unit)), ("noValue", json!("–"))])
    })
}
