//! The GPUs that the prober sees, one panel below the other on the timeline.

use serde_json::json;

use crate::panel::{Panel, lines, stacked};
use crate::shared::dashed;

/// What tells the series of a GPU apart first: legends cut long names at their end.
fn name(what: &str) -> String {
    format!("GPU {{{{gpu}}}} {what} {{{{instance}}}}")
}

pub fn panels() -> Vec<Panel> {
    let panels = vec![utilisation(), memory(), power(), clocks(), throttling(), heat(), errors()];
    let all = panels.into_iter().map(|panel| panel.wide(6));
    all.map(|panel| panel.default("noValue", json!("The prober sees no GPU"))).collect()
}

fn utilisation() -> Panel {
    lines(
        "GPU utilisation",
        "Share of the time in which a kernel was running, and in which memory was read or written.",
        "percentunit",
    )
    .query("llm_prober_gpu_utilization_ratio{prober}", &name("busy"))
    .query("llm_prober_gpu_memory_copy_utilization_ratio{prober}", &name("memory"))
    .default("max", json!(1))
}

fn memory() -> Panel {
    let all = "max by (instance) (llm_prober_gpu_memory_total_bytes{prober})";
    let panel = lines("GPU memory", "Used memory; dashed what there is.", "bytes")
        .query("llm_prober_gpu_memory_used_bytes{prober}", &name("used"))
        .query(all, "all of {{instance}}");
    dashed(panel, "/^all of /")
}

fn power() -> Panel {
    let limit = "max by (instance) (llm_prober_gpu_power_limit_watts{prober})";
    let panel = lines("Power", "Power draw; dashed the limit.", "watt")
        .query("llm_prober_gpu_power_watts{prober}", &name("draw"))
        .query(limit, "limit of {{instance}}");
    dashed(panel, "/^limit of /")
}

fn clocks() -> Panel {
    lines("Clocks", "A clock that falls under load is held back: see below why.", "hertz")
        .query(r#"llm_prober_gpu_clock_hertz{prober, clock=~"sm|memory"}"#, &name("{{clock}}"))
}

fn throttling() -> Panel {
    // Not held back: idle GPUs, and clocks that were set.
    let held = r#"{prober, reason!~"gpu_idle|.*_setting"}"#;
    let reasons = format!(
        "sum by (reason) (rate(llm_prober_gpu_clock_event_seconds_total{held}[i])) > 0 \
         or sum by (reason) (llm_prober_gpu_clock_event_active{held})"
    );
    stacked(
        "Throttling",
        "How many GPUs' clocks are held back, by reason: as the driver counts the time, else as \
         it was at each scrape.",
        "short",
    )
    .query(&reasons, "{{reason}}")
}

fn heat() -> Panel {
    lines("Temperature", "By sensor.", "celsius")
        .query("llm_prober_gpu_temperature_celsius{prober}", &name("{{sensor}}"))
}

fn errors() -> Panel {
    let per_minute = |by: &str, metric: &str| {
        format!(
            "60 * sum by (instance, gpu, {by}) (rate(llm_prober_gpu_{metric}_total{{prober}}[i]))"
        )
    };
    lines(
        "Errors of GPUs",
        "Errors per minute: reported by the driver (Xid), and found in memory (ECC).",
        "cpm",
    )
    .query(&per_minute("xid", "xid_errors"), &name("Xid {{xid}}"))
    .query(&per_minute("kind", "ecc_errors"), &name("ECC {{kind}}"))
}
