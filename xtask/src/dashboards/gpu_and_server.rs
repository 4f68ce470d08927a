//! One timeline from what the user feels down to the hardware: which of them moved first?

use serde_json::json;

use super::frame::{Dashboard, Section};
use super::gpu;
use super::panel::{Panel, heatmap, lines};
use super::promql::buckets;
use super::shared::{
    NEEDS_BUCKETS, bound, energy_per_token, percentiles, quantile_or_mean, ttft_parts,
};

const TTFT: &str = "llm_prober_time_to_first_token_seconds";
const HITS: &str = "llm_prober_server_prefix_cache_hits_total{server}";
const LOOKED_UP: &str = "llm_prober_server_prefix_cache_queries_total{server}";
const PREEMPTIONS: &str = "llm_prober_server_preemptions_total{server}";

pub fn dashboard() -> Dashboard {
    Dashboard {
        name: "gpu-and-server",
        title: "GPU and server",
        description: "One timeline from the time to first token over the server's queue and cache \
                      down to the GPUs that the prober sees. What moved first?",
        variables: Vec::new(),
        sections: vec![
            Section { title: "Felt by the user", panels: vec![felt()] },
            Section { title: "Server", panels: server() },
            Section { title: "GPUs", panels: gpu::panels() },
            Section { title: "What the server's state does to a probe", panels: joined() },
        ],
    }
}

fn felt() -> Panel {
    let description =
        "Time to first token of the chosen targets. The dashed lines are what the SLOs allow.";
    bound(percentiles(lines("TTFT", description, "s"), TTFT), "ttft").wide(8)
}

fn unread(panel: Panel) -> Panel {
    panel.without_data("The server's metrics are not read")
}

/// Several probers may watch the same server: the largest figure, not their sum.
fn server() -> Vec<Panel> {
    let by_target =
        |metric: &str| format!("max by (target) (llm_prober_server_{metric}{{server}})");
    let hits = format!(
        "sum by (target) (rate({HITS}[i])) / (sum by (target) (rate({LOOKED_UP}[i])) > 0) \
         or max by (target) (llm_prober_server_prefix_cache_hit_ratio{{server}})"
    );
    let kv = "max by (target) (llm_prober_server_kv_cache_usage_ratio{server})";
    let preemptions = format!("60 * max by (target) (rate({PREEMPTIONS}[i]))");
    let panels = vec![
        lines("Requests at the server", "As the server reports: worked on, and waiting.", "short")
            .query(&by_target("requests_waiting"), "{{target}} waiting")
            .query(&by_target("requests_running"), "{{target}} running"),
        lines("KV cache in use", "When it is full, requests wait or are preempted.", "percentunit")
            .query(kv, "{{target}}")
            .default("max", json!(1)),
        lines("Prefix cache hits", "Share of the looked-up tokens that it held.", "percentunit")
            .query(&hits, "{{target}}")
            .default("max", json!(1)),
        lines("Preemptions", "Requests per minute that lost their place in the KV cache.", "cpm")
            .query(&preemptions, "{{target}}"),
    ];
    panels.into_iter().map(|panel| unread(panel.wide(6))).collect()
}

/// Needs nothing of the server.
fn beside_own() -> Panel {
    let panel = lines(
        "TTFT p50 by own probes in flight",
        "By how many other probes of the target were under way when the probe was sent. The mean \
         where there are no buckets.",
        "s",
    );
    let histogram = "llm_prober_time_to_first_token_by_own_in_flight_seconds{target}";
    quantile_or_mean(panel, 0.5, histogram, "in_flight", "{{in_flight}}")
        .without_data("No probe began beside another one")
}

fn joined() -> Vec<Panel> {
    let by = |title: &str, description: &str, label: &str| {
        let histogram = format!("llm_prober_time_to_first_token_by_{label}_seconds{{server}}");
        let legend = format!("{{{{{label}}}}}");
        let description = format!("{description} The mean where there are no buckets.");
        quantile_or_mean(lines(title, &description, "s"), 0.5, &histogram, label, &legend)
    };
    let map = |title: &str, description: &str, unit: &str, histogram: &str| {
        let description = format!("{description} {NEEDS_BUCKETS}.");
        let without = format!("The server's metrics are not read. {NEEDS_BUCKETS}");
        heatmap(title, &description, unit).buckets(&buckets(histogram)).without_data(&without)
    };
    let panels = vec![
        map(
            "Waiting when a probe was sent",
            "How many requests each probe met in the queue.",
            "short",
            "llm_prober_server_requests_waiting_at_send",
        ),
        map(
            "KV cache when a probe was sent",
            "How full each probe met the KV cache.",
            "percentunit",
            "llm_prober_server_kv_cache_usage_at_send_ratio",
        ),
        ttft_parts("{server}"),
        by(
            "TTFT p50 by queue",
            "By how many requests waited at the server when the probe was sent.",
            "waiting",
        ),
        by(
            "TTFT p50 by load",
            "By how many requests waited or were worked on at the server when the probe was sent: \
             where it rises steeply, the server is full.",
            "in_flight",
        ),
        beside_own(),
        energy_per_token("{server}"),
    ];
    panels.into_iter().map(unread).collect()
}
