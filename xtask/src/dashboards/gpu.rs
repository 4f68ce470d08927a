//! The GPUs that the prober sees, one panel below the other on the timeline.

use serde_json::json;

use super::panel::{Panel, lines, stacked};
use super::shared::dashed;

/// What tells the series of a GPU apart first: legends cut long names at their end.
fn name(what: &str) -> String {
    format!("GPU {{{{gpu}}}} {what} {{{{instance}}}}")
}

pub fn panels() -> Vec<Panel> {
    let panels = vec![
        utilisation(),
        memory(),
        power(),
        clocks(),
        throttling(),
        heat(),
        traffic("PCIe traffic", "Bytes over PCIe: with the host, and other devices.", "pcie"),
        traffic(
            "NVLink traffic",
            "Bytes over the first link of each GPU: where all share the load, it stands for them.",
            "nvlink",
        ),
        errors(),
        rows(),
    ];
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
    let description = "Used memory, also of each instance of a divided GPU (MIG); dashed what a \
                       GPU has.";
    let instance = "llm_prober_gpu_instance_memory_used_bytes{prober}";
    let panel = lines("GPU memory", description, "bytes")
        .query("llm_prober_gpu_memory_used_bytes{prober}", &name("used"))
        .query(instance, &name("instance {{gpu_instance}} used"))
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

fn traffic(title: &str, description: &str, over: &str) -> Panel {
    let rate = |way: &str| {
        let counter = format!("llm_prober_gpu_{over}_{way}_bytes_total{{prober}}");
        format!("sum by (instance, gpu) (rate({counter}[i]))")
    };
    lines(title, description, "Bps")
        .query(&rate("tx"), &name("sent"))
        .query(&rate("rx"), &name("received"))
}

/// Worn-out memory: what is left for a GPU is a reset, or an exchange.
fn rows() -> Panel {
    let rows = "sum by (instance, gpu, kind) (llm_prober_gpu_remapped_rows{prober})";
    lines(
        "Remapped rows of memory",
        "Rows that were replaced because of errors. waits for reset: not yet in force; no spare: \
         a row could not be replaced, the board is at its end.",
        "short",
    )
    .query(rows, &name("{{kind}}"))
    .query("llm_prober_gpu_remap_pending{prober} > 0", &name("waits for reset"))
    .query("llm_prober_gpu_remap_failure{prober} > 0", &name("no spare"))
}

fn errors() -> Panel {
    let per_minute = |by: &str, metric: &str| {
        format!(
            "60 * sum by (instance, gpu{by}) (rate(llm_prober_gpu_{metric}_total{{prober}}[i]))"
        )
    };
    // There are many numbers: those that came in the time shown.
    let xids = format!(
        "{} and sum by (instance, gpu, xid) \
         (increase(llm_prober_gpu_xid_errors_total{{prober}}[$__range])) > 0",
        per_minute(", xid", "xid_errors")
    );
    lines(
        "Errors of GPUs",
        "Errors per minute: reported by the driver (Xid), found in memory (ECC), on NVLinks, and \
         packets that PCIe had to send again.",
        "cpm",
    )
    .query(&xids, &name("Xid {{xid}}"))
    .query(&per_minute(", kind", "ecc_errors"), &name("ECC {{kind}}"))
    .query(&per_minute("", "nvlink_errors"), &name("NVLink"))
    .query(&per_minute("", "pcie_replay"), &name("PCIe replay"))
}
