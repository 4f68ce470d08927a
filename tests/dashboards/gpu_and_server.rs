//! One timeline from what the user feels down to the hardware: which of them moved first?

use serde_json::json;

use crate::frame::{Dashboard, Section};
use crate::panel::{Panel, heatmap, lines, stacked};
use crate::promql::{buckets, quantile};
use crate::shared::{bound, dashed, percentiles};

const TTFT: &str = "llm_prober_time_to_first_token_seconds";
const NO_SERVER: &str = "The server's metrics are not read";
const NO_GPU: &str = "The prober sees no GPU";

pub fn dashboard() -> Dashboard {
    Dashboard {
        name: "gpu-and-server",
        title: "GPU and server",
        description: "One timeline from the time to first token over the server's queue and cache \
                      down to the GPUs that the prober sees. What moved first?",
        sections: vec![
            Section { title: "Felt by the user", panels: vec![felt()] },
            Section { title: "Server", panels: server() },
            Section { title: "GPUs", panels: gpus() },
            Section { title: "What the server's state does to a probe", panels: joined() },
        ],
    }
}

fn felt() -> Panel {
    let description =
        "Time to first token of the chosen targets. The dashed lines are what the SLOs allow.";
    bound(percentiles(lines("TTFT", description, "s"), TTFT), "ttft").wide(8)
}

fn server() -> Vec<Panel> {
    let hits = "sum by (target) (rate(llm_prober_server_prefix_cache_hits_total{server}[i])) \
                / (sum by (target) (rate(llm_prober_server_prefix_cache_queries_total{server}[i])) > 0)";
    let panels = vec![
        lines(
            "Requests at the server",
            "As the server reports them: worked on, and waiting.",
            "short",
        )
        .query("sum by (target) (llm_prober_server_requests_waiting{server})", "{{target}} waiting")
        .query("sum by (target) (llm_prober_server_requests_running{server})", "{{target}} running")
        .wide(6),
        lines("KV cache in use", "When it is full, requests wait or are preempted.", "percentunit")
            .query("max by (target) (llm_prober_server_kv_cache_usage_ratio{server})", "{{target}}")
            .default("max", json!(1))
            .wide(6),
        lines(
            "Prefix cache hits",
            "Share of the looked-up tokens that were in the cache.",
            "percentunit",
        )
        .query(
            &format!(
                "{hits} or max by (target) (llm_prober_server_prefix_cache_hit_ratio{{server}})"
            ),
            "{{target}}",
        )
        .default("max", json!(1))
        .wide(5),
        lines("Preemptions", "Requests per minute that lost their place in the KV cache.", "cpm")
            .query(
                "60 * sum by (target) (rate(llm_prober_server_preemptions_total{server}[i]))",
                "{{target}}",
            )
            .wide(5),
    ];
    panels.into_iter().map(|p| p.default("noValue", json!(NO_SERVER))).collect()
}

fn gpus() -> Vec<Panel> {
    let name = "{{instance}} GPU {{gpu}}";
    let limit = |metric: &str| format!("max by (instance) ({metric}{{prober}})");
    let panels = vec![
        lines("GPU utilisation", "Share of time in which a kernel was running, and in which memory was read or written.", "percentunit")
            .query("llm_prober_gpu_utilization_ratio{prober}", name)
            .query("llm_prober_gpu_memory_copy_utilization_ratio{prober}", "{{instance}} GPU {{gpu}} memory")
            .default("max", json!(1))
            .wide(6),
        limited(
            lines("GPU memory", "Used memory; dashed what there is.", "bytes")
                .query("llm_prober_gpu_memory_used_bytes{prober}", name)
                .query(&limit("llm_prober_gpu_memory_total_bytes"), "all of {{instance}}"),
        )
        .wide(6),
        limited(
            lines("Power", "Power draw; dashed the limit.", "watt")
                .query("llm_prober_gpu_power_watts{prober}", name)
                .query(&limit("llm_prober_gpu_power_limit_watts"), "limit of {{instance}}"),
        )
        .wide(6),
        lines("Clocks", "A clock that falls under load is held back: see below why.", "hertz")
            .query("llm_prober_gpu_clock_hertz{prober}", "{{instance}} GPU {{gpu}} {{clock}}")
            .wide(6),
        stacked("Throttling", "How many GPUs' clocks are held back, by reason.", "short")
            .query("sum by (reason) (llm_prober_gpu_clock_event_active{prober})", "{{reason}}")
            .custom(json!({"lineInterpolation": "stepAfter"}))
            .wide(6),
        lines("Temperature", "By sensor.", "celsius")
            .query("llm_prober_gpu_temperature_celsius{prober}", "{{instance}} GPU {{gpu}} {{sensor}}")
            .wide(6),
        lines("Errors of GPUs", "Errors per minute that the driver reports (Xid) and that memory corrects or does not (ECC).", "cpm")
            .query("60 * sum by (instance, gpu, xid) (rate(llm_prober_gpu_xid_errors_total{prober}[i]))", "{{instance}} GPU {{gpu}} Xid {{xid}}")
            .query("60 * sum by (instance, gpu, kind) (rate(llm_prober_gpu_ecc_errors_total{prober}[i]))", "{{instance}} GPU {{gpu}} ECC {{kind}}")
            .wide(5),
    ];
    panels.into_iter().map(|p| p.default("noValue", json!(NO_GPU))).collect()
}

fn limited(panel: Panel) -> Panel {
    dashed(panel, "/^(all|limit) of /")
}

fn joined() -> Vec<Panel> {
    let by = |title: &str, description: &str, name: &str, label: &str| {
        let histogram = format!("llm_prober_time_to_first_token_by_{name}_seconds{{server}}");
        lines(title, description, "s")
            .query(&quantile(0.5, &histogram, label), &format!("{label} {{{{{label}}}}}"))
    };
    let part = "llm_prober_time_to_first_token_part_seconds{server}";
    let energy = "llm_prober_probe_energy_joules_per_output_token{server}";
    let panels = vec![
        heatmap(
            "Waiting when a probe was sent",
            "How many requests each probe met in the queue.",
            "short",
        )
        .buckets(buckets("llm_prober_server_requests_waiting_at_send")),
        heatmap(
            "KV cache when a probe was sent",
            "How full each probe met the KV cache.",
            "percentunit",
        )
        .buckets(buckets("llm_prober_server_kv_cache_usage_at_send_ratio")),
        percentiles(
            lines(
                "Energy per output token",
                "Energy of the GPUs while a probe was under way, divided by its output tokens.",
                "joule",
            ),
            energy,
        ),
        by(
            "TTFT p50 by queue",
            "By how many requests waited at the server when the probe was sent.",
            "waiting",
            "waiting",
        ),
        by(
            "TTFT p50 by probes in flight",
            "By how many of the prober's own probes were under way at the target.",
            "in_flight",
            "in_flight",
        ),
        stacked("Parts of the TTFT, median", "The server's queue and prefill, and the rest.", "s")
            .query(&quantile(0.5, part, "part"), "{{part}}"),
    ];
    panels.into_iter().map(|p| p.default("noValue", json!(NO_SERVER))).collect()
}
