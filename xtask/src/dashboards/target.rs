//! One target, or several of one kind: what users feel, and where the time goes.

use serde_json::json;

use super::frame::{Dashboard, Section, drill_down, of_targets};
use super::panel::{Panel, heatmap, lines, links, stacked, stat, table};
use super::promql::{
    PERIOD_BUDGET, attainment, buckets, burn_rate, quantile, quantile_of_range, share,
};
use super::shared::{bound, dashed, lowest, percentiles, quantile_or_mean, ttft_parts};

const TTFT: &str = "llm_prober_time_to_first_token_seconds";
const ITL: &str = "llm_prober_inter_token_latency_seconds";
const GAP: &str = "llm_prober_longest_gap_seconds";
const PHASES: &str = "llm_prober_phase_duration_seconds";
const STAGES: &str = "llm_prober_server_stage_duration_seconds";
const CONSUMPTION: &str = "llm_prober_slo_consumption_ratio";
const PROBES: &str = "llm_prober_probes_total{probe}";
const FAILURES: &str = "llm_prober_probe_failures_total{probe}";

pub fn dashboard() -> Dashboard {
    Dashboard {
        name: "target",
        title: "Target",
        description: "The chosen targets and workloads, taken together: what users feel, against \
                      the objectives, and where the time goes.",
        variables: Vec::new(),
        sections: vec![
            Section { title: "The time that is shown", panels: figures() },
            Section { title: "Latency", panels: latency() },
            Section { title: "Objectives", panels: objectives() },
            Section { title: "Where the time goes", panels: phases() },
            Section { title: "By workload", panels: workloads() },
            Section { title: "Failures and limits", panels: super::target_ends::panels() },
        ],
    }
}

fn figures() -> Vec<Panel> {
    let range = "[$__range]";
    let left = "by its own period";
    let period = format!("min({PERIOD_BUDGET})");
    let quantiles = |panel: Panel, histogram: &str| {
        [(0.5, "p50"), (0.95, "p95"), (0.99, "p99")]
            .iter()
            .fold(panel, |p, (q, name)| p.instant(&quantile_of_range(*q, histogram, ""), name))
            .thresholds("text", &[])
            .size(6, 4)
    };
    vec![
        stat("Last probe", "Whether the last probe of any workload succeeded.", "short")
            .instant("max(llm_prober_probe_success{probe})", "")
            .words(&[("0", "failed", "red"), ("1", "ok", "green")])
            .thresholds("text", &[])
            .size(3, 4),
        stat(
            "Attainment",
            "Share of good probes in the time shown, of the SLO that is worst off. Exact.",
            "percentunit",
        )
        .instant(&format!("min({})", attainment(range)), "")
        .thresholds("red", &[(0.95, "orange"), (0.99, "green")])
        .default("decimals", json!(2))
        .size(3, 4),
        stat(
            "Error budget left",
            "Of the SLO that is worst off: as if the time shown were its period; and for its own \
             period, if Prometheus has the recording rules of alerts/.",
            "percentunit",
        )
        .instant(&format!("min(1 - {})", burn_rate(range)), "if this were the period")
        .instant(&period, left)
        .thresholds("red", &[(0.0, "orange"), (0.25, "green")])
        .default("decimals", json!(1))
        .size(6, 4),
        quantiles(stat("TTFT", "Time to first token in the time shown.", "s"), TTFT),
        quantiles(stat("ITL", "Inter-token latency in the time shown.", "s"), ITL),
        about(),
    ]
}

fn about() -> Panel {
    let hidden = ["Time", "Value", "job", "instance", "workload"];
    let hidden: serde_json::Map<_, _> =
        hidden.iter().map(|name| ((*name).to_owned(), json!(true))).collect();
    let description = "The facts of llm_prober_target_info, with the versions that are configured.";
    let to_compare = of_targets("compare");
    table("What it is", description, "short")
        .column("max without (instance, workload) (llm_prober_target_info{target})")
        .transform(
            "organize",
            &json!({
                "excludeByName": hidden,
                "indexByName": {"target": 0, "model": 1, "url": 2, "api": 3, "tokenizer": 4},
                "renameByName": {
                    "target": "Target", "model": "Model", "url": "URL", "api": "API",
                    "tokenizer": "Tokenizer",
                },
            }),
        )
        .field(
            "target",
            &[(
                "links",
                links("Show GPU and server", &drill_down("gpu-and-server", "${__value.raw}")),
            )],
        )
        .set("links", links("Comparisons, and the target against its past", &to_compare))
        .size(24, 5)
}

fn latency() -> Vec<Panel> {
    let figures = [
        ("TTFT", "Time to first token: from sending to the first content.", TTFT, "ttft"),
        ("ITL", "Inter-token latency, one sample per request.", ITL, "itl"),
        ("Longest gap", "The longest silence inside an answer.", GAP, "longest_gap"),
    ];
    let maps = figures.map(|(name, description, histogram, _)| {
        heatmap(&format!("{name}: all probes"), description, "s").buckets(&buckets(histogram))
    });
    let lines = figures.map(|(name, description, histogram, objective)| {
        let description = format!("{description} The dashed lines are what the SLOs allow.");
        let panel = lines(&format!("{name} p50, p95, p99"), &description, "s");
        to_server(bound(percentiles(panel, histogram), objective))
    });
    maps.into_iter().chain(lines).collect()
}

fn to_server(panel: Panel) -> Panel {
    panel.link("Show GPU and server", &of_targets("gpu-and-server"))
}

fn objectives() -> Vec<Panel> {
    let missed = "sum by (slo, objective) (rate(llm_prober_slo_missed_total{probe}[i])) \
                  / ignoring (objective) group_left () \
                  sum by (slo) (rate(llm_prober_slo_probes_total{probe}[i])) >= 0";
    let bad = "1 - sum(rate(llm_prober_slo_good_probes_total{probe}[i])) \
               / (sum(rate(llm_prober_slo_probes_total{probe}[i])) > 0)";
    vec![
        heatmap(
            "SLO consumption",
            "Observed divided by allowed, of all objectives: up to 1 (100 %) is good, whatever the \
             thresholds are.",
            "percentunit",
        )
        .buckets(&buckets(CONSUMPTION)),
        lines(
            "SLO consumption p95 by objective",
            "Observed divided by allowed. Above 100 %, more than one probe in twenty misses it.",
            "percentunit",
        )
        .query(&quantile(0.95, CONSUMPTION, "slo, objective"), "{{slo}} {{objective}}")
        .thresholds("green", &[(1.0, "red")]),
        dashed(
            lines(
                "Missed objectives",
                "Share of probes that missed each objective; success means that the probe failed. \
                 One probe may miss several.",
                "percentunit",
            )
            .query(missed, "{{slo}} {{objective}}")
            .query(bad, "not good"),
            "/^not good$/",
        ),
        lines(
            "Burn rate",
            "How many times faster than allowed the error budget goes, over the last hour and the \
             last six hours before each instant. At 1 it lasts for just the SLO's period; alerts \
             begin at 14.4.",
            "short",
        )
        .query(&format!("max by (slo) ({})", burn_rate("[1h]")), "{{slo}} 1h")
        .query(&format!("max by (slo) ({})", burn_rate("[6h]")), "{{slo}} 6h")
        .thresholds("green", &[(1.0, "orange"), (14.4, "red")])
        .custom(&json!({"axisSoftMax": 2}))
        .size(12, 8),
        lowest(
            lines(
                "Goodput (tokens/s)",
                "Output tokens per second of a request if it was good, 0 if it was not: the \
                 median, and what nine in ten and 99 in 100 probes exceeded. The mean where there \
                 are no buckets.",
                "short",
            ),
            "llm_prober_goodput_tokens_per_second",
        )
        .size(12, 8),
    ]
}

fn phases() -> Vec<Panel> {
    let medians = stacked(
        "Phases, median",
        "The median of each phase on top of the other. Medians do not add up exactly, but show \
         which phase it is that grew. Means where there are no buckets.",
        "s",
    );
    let high = lines(
        "Phases, p95",
        "processing is the server's queue and prefill up to its first byte. Means where there are \
         no buckets.",
        "s",
    );
    let stages = stacked(
        "Server stages, median",
        "What the server itself reports about its queue, prefill and decoding. Means where there \
         are no buckets.",
        "s",
    );
    let stages = stages.default("noValue", json!("The server reports no stages"));
    vec![
        quantile_or_mean(medians, 0.5, PHASES, "phase", "{{phase}}"),
        quantile_or_mean(high, 0.95, PHASES, "phase", "{{phase}}"),
        ttft_parts("{probe}"),
        quantile_or_mean(stages, 0.5, STAGES, "stage", "{{stage}}"),
    ]
    .into_iter()
    .map(|panel| panel.size(6, 8))
    .collect()
}

fn workloads() -> Vec<Panel> {
    let p95 = |title: &str, histogram: &str| {
        lines(title, "95 % of the probes of each workload were at least as fast.", "s")
            .query(&quantile(0.95, histogram, "workload"), "{{workload}}")
            .size(6, 8)
    };
    let attained = share(
        "llm_prober_slo_good_probes_total{probe}",
        "llm_prober_slo_probes_total{probe}",
        "workload, slo",
        "[i]",
    );
    vec![
        p95("TTFT p95 by workload", TTFT),
        p95("ITL p95 by workload", ITL),
        lines("Attainment by workload", "Share of good probes.", "percentunit")
            .query(&attained, "{{workload}} {{slo}}")
            .default("max", json!(1))
            .custom(&json!({"axisSoftMax": 1}))
            .size(6, 8),
        lines("Failed probes by workload", "Share of each workload's probes.", "percentunit")
            .query(&share(FAILURES, PROBES, "workload", "[i]"), "{{workload}}")
            .size(6, 8),
    ]
}
