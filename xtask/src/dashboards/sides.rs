//! The figures of a comparison's two targets in one panel: all of their probes, those of the
//! comparison among them.

use serde_json::json;

use super::panel::{Panel, lines};
use super::promql::{quantile, share};

const FAILURES: &str = "llm_prober_probe_failures_total{side}";
const PROBES: &str = "llm_prober_probes_total{side}";
const TTFT: &str = "llm_prober_time_to_first_token_seconds{side}";
const ITL: &str = "llm_prober_inter_token_latency_seconds{side}";

pub fn panels() -> Vec<Panel> {
    let figure = |title: &str, description: &str, unit: &str, by_target: &str| {
        both(lines(title, description, unit), by_target)
    };
    let latency = |name: &str, what: &str, histogram: &str| {
        [(0.5, "p50", "half"), (0.95, "p95", "95 %")].map(|(q, short, words)| {
            let title = format!("{name} {short} of both");
            let description = format!("{what}: {words} of the probes were at least as fast.");
            figure(&title, &description, "s", &quantile(q, histogram, "target"))
        })
    };
    let good = "llm_prober_slo_good_probes_total{side}";
    let attained = share(good, "llm_prober_slo_probes_total{side}", "target, slo", "[i]");
    let attained = format!("min by (target) ({attained})");
    latency("TTFT", "Time to first token", TTFT)
        .into_iter()
        .chain(latency("ITL", "Inter-token latency", ITL))
        .map(|panel| panel.size(6, 8))
        .chain([
            figure(
                "Failed probes of both",
                "Share of each side's probes.",
                "percentunit",
                &share(FAILURES, PROBES, "target", "[i]"),
            )
            .size(12, 8),
            figure(
                "Attainment of both",
                "Share of good probes, of the SLO that is worst off.",
                "percentunit",
                &attained,
            )
            .default("max", json!(1))
            .custom(&json!({"axisSoftMin": 0.9, "axisSoftMax": 1}))
            .size(12, 8),
        ])
        .collect()
}

/// Each side in a colour that means it everywhere.
fn both(panel: Panel, by_target: &str) -> Panel {
    [("baseline", "blue"), ("candidate", "orange")].iter().fold(panel, |panel, (side, color)| {
        let targets = format!(
            "max by (target) (label_replace(llm_prober_comparison_info{{comparison}}, \
             \"target\", \"$1\", \"{side}\", \"(.*)\"))"
        );
        let expression = format!("({by_target}) and on (target) {targets}");
        let mut panel = panel.query(&expression, &format!("{side} {{{{target}}}}"));
        let overrides = panel.json["fieldConfig"]["overrides"].as_array_mut().unwrap();
        overrides.push(json!({
            "matcher": {"id": "byRegexp", "options": format!("/^{side} /")},
            "properties": [{"id": "color", "value": {"mode": "shades", "fixedColor": color}}],
        }));
        panel.default("noValue", json!("No comparison is configured"))
    })
}
