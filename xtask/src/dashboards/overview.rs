//! All targets at a glance, and which of them to look at.

use serde_json::json;

use super::frame::{Dashboard, Section, drill_down, of_targets};
use super::panel::{Panel, lines, links, stat, table};
use super::promql::{attainment, burn_rate, mean_of_range, quantile, quantile_of_range, share};
use super::shared::{colored, columns, cost_per_hour, failed_by_reason, quantile_or_mean};

const TTFT: &str = "llm_prober_time_to_first_token_seconds";
const ITL: &str = "llm_prober_inter_token_latency_seconds";
const GOODPUT: &str = "llm_prober_goodput_tokens_per_second";
const FAILURES: &str = "llm_prober_probe_failures_total{probe}";
const COST: &str = "llm_prober_cost_dollars_total{probe}";
const PROBES: &str = "llm_prober_probes_total{probe}";

pub fn dashboard() -> Dashboard {
    Dashboard {
        name: "overview",
        title: "Overview",
        description: "All targets: are they fast and whole, and what is left of the error budgets?",
        variables: Vec::new(),
        sections: vec![
            Section { title: "The time that is shown", panels: figures() },
            Section { title: "Target by target", panels: vec![targets()] },
            Section { title: "Objectives", panels: objectives() },
            Section { title: "Time to first token", panels: quantiles("TTFT", TTFT) },
            Section { title: "Inter-token latency", panels: quantiles("ITL", ITL) },
            Section { title: "Failures and cost", panels: failures() },
        ],
    }
}

fn figures() -> Vec<Panel> {
    let below = format!(
        "count(({}) < on (target, slo) max by (target, slo) \
         (llm_prober_slo_objective_ratio{{probe}})) or vector(0)",
        attainment("[$__range]")
    );
    let good = "llm_prober_slo_good_probes_total{probe}";
    vec![
        stat(
            "Good probes",
            "Share of the probes that met their SLO, of all targets, in the time shown. From exact \
             counters.",
            "percentunit",
        )
        .instant(&share(good, "llm_prober_slo_probes_total{probe}", "", "[$__range]"), "")
        .thresholds("red", &[(0.95, "orange"), (0.99, "green")])
        .default("decimals", json!(2)),
        stat(
            "SLOs below objective",
            "How many SLOs of targets were met by a smaller share of probes than their objective, \
             in the time shown.",
            "short",
        )
        .instant(&below, "")
        .thresholds("green", &[(1.0, "red")]),
        stat("Targets failing", "Targets whose last probes all failed.", "short")
            .instant(
                "count(max by (target) (llm_prober_probe_success{probe}) == 0) or vector(0)",
                "",
            )
            .thresholds("green", &[(1.0, "red")]),
        stat("Failed probes", "Share of the probes that failed in the time shown.", "percentunit")
            .instant(&share(FAILURES, PROBES, "", "[$__range]"), "")
            .thresholds("green", &[(0.001, "orange"), (0.01, "red")])
            .default("decimals", json!(2)),
        stat("Probes", "Probes that were sent and are over, in the time shown.", "locale")
            .instant("sum(increase(llm_prober_probes_total{probe}[$__range]))", "")
            .thresholds("text", &[])
            .default("decimals", json!(0)),
        stat(
            "Cost",
            "Price of the tokens of all probes in the time shown, by the price lists of the \
             targets.",
            "currencyUSD",
        )
        .instant("sum(increase(llm_prober_cost_dollars_total{probe}[$__range]))", "")
        .thresholds("text", &[])
        .default("noValue", json!("no prices")),
    ]
}

/// One row per target; the worst of its SLOs counts.
fn targets() -> Panel {
    let range = "[$__range]";
    let of: [(&str, String, &str); 12] = [
        ("Last probe", "max by (target) (llm_prober_probe_success{probe})".into(), "short"),
        ("Attainment", format!("min by (target) ({})", attainment(range)), "percentunit"),
        ("Budget left", format!("min by (target) (1 - {})", burn_rate(range)), "percentunit"),
        (
            "Period budget",
            format!("min by (target) ({})", super::promql::PERIOD_BUDGET),
            "percentunit",
        ),
        ("Failed", share(FAILURES, PROBES, "target", range), "percentunit"),
        ("Goodput p50", quantile_of_range(0.5, GOODPUT, "target"), "short"),
        ("Goodput mean", mean_of_range(GOODPUT, "target"), "short"),
        ("TTFT p50", quantile_of_range(0.5, TTFT, "target"), "s"),
        ("TTFT p95", quantile_of_range(0.95, TTFT, "target"), "s"),
        ("TTFT p99", quantile_of_range(0.99, TTFT, "target"), "s"),
        ("ITL p95", quantile_of_range(0.95, ITL, "target"), "s"),
        ("Cost", format!("sum by (target) (increase({COST}{range}))"), "currencyUSD"),
    ];
    let panel = table(
        "Targets",
        "Each target in the time shown; a click leads to it. Attainment and budget are those of \
         its worst SLO, from exact counters: as if the time shown were the SLO's period. The \
         budget of the SLO's own period needs the recording rules of alerts/. Goodput has its mean \
         where it has no buckets.",
        "short",
    );
    let to_compare = of_targets("compare");
    let panel = columns(panel, &of, &[])
        .set("links", links("Comparisons, and each target against its past", &to_compare));
    colours(panel).field(
        "target",
        &[
            ("displayName", json!("Target")),
            ("links", links("Show the target", &drill_down("target", "${__value.raw}"))),
        ],
    )
}

fn colours(panel: Panel) -> Panel {
    let budget = colored("red", &[(0.0, "orange"), (0.25, "green")]);
    let words = json!([{"type": "value", "options": {
        "0": {"text": "failed", "color": "red", "index": 0},
        "1": {"text": "ok", "color": "green", "index": 1},
    }}]);
    let mut last = colored("text", &[]);
    last.push(("mappings", words));
    panel
        .thresholds("text", &[])
        .field("Last probe", &last)
        .field("Attainment", &colored("red", &[(0.95, "orange"), (0.99, "green")]))
        .field("Budget left", &budget)
        .field("Period budget", &budget)
        .field("Failed", &colored("green", &[(0.001, "orange"), (0.01, "red")]))
}

fn by_target(panel: Panel) -> Panel {
    let target = "${__field.labels.target}";
    panel.link(&format!("Show {target}"), &drill_down("target", target))
}

fn objectives() -> Vec<Panel> {
    vec![
        by_target(
            lines(
                "Attainment",
                "Share of the probes that met each SLO. From exact counters, whatever the buckets.",
                "percentunit",
            )
            .query(&attainment("[i]"), "{{target}} {{slo}}")
            .default("max", json!(1))
            .custom(&json!({"axisSoftMin": 0.9, "axisSoftMax": 1})),
        ),
        by_target(
            lines(
                "Burn rate, one hour",
                "How many times faster than the objective allows the error budget went in the hour \
                 before each instant. At 1 it lasts for just the SLO's period; alerts \
                 begin at 14.4.",
                "short",
            )
            .query(&burn_rate("[1h]"), "{{target}} {{slo}}")
            .thresholds("green", &[(1.0, "orange"), (14.4, "red")])
            .custom(&json!({"axisSoftMax": 2})),
        ),
        by_target(quantile_or_mean(
            lines(
                "Goodput (tokens/s), median",
                "Output tokens per second of a request if it was good, 0 if it was not. The mean \
                 where there are no buckets.",
                "short",
            ),
            0.5,
            GOODPUT,
            "target, slo",
            "{{target}} {{slo}}",
        )),
    ]
}

fn quantiles(short: &str, histogram: &str) -> Vec<Panel> {
    let panel = |(q, name): (f64, &str)| {
        let title = format!("{short} {name}");
        let description = format!("The {name} of each target, all workloads together.");
        let expression = quantile(q, histogram, "target");
        by_target(lines(&title, &description, "s").query(&expression, "{{target}}"))
    };
    [(0.5, "p50"), (0.95, "p95"), (0.99, "p99")].map(panel).into()
}

fn failures() -> Vec<Panel> {
    vec![
        failed_by_reason().size(12, 8),
        by_target(
            lines("Failed probes by target", "Share of each target's probes.", "percentunit")
                .query(&share(FAILURES, PROBES, "target", "[i]"), "{{target}}")
                .size(6, 8),
        ),
        by_target(cost_per_hour().size(6, 8)),
    ]
}
