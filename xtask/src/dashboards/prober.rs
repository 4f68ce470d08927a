//! Whether the measuring itself is sound.

use serde_json::json;

use super::frame::{Dashboard, Section};
use super::panel::{Panel, heatmap, lines, stacked, stat, table};
use super::promql::{buckets, quantile, quantile_of_range, share};
use super::shared::percentiles;

const DELAY: &str = "llm_prober_schedule_delay_seconds{prober}";
const LAG: &str = "llm_prober_event_loop_lag_seconds{prober}";
const STAMPS: &str = "llm_prober_timestamp_source_total{probe}";
const KERNEL: &str = r#"llm_prober_timestamp_source_total{probe, source="kernel"}"#;
const COALESCED: &str = "llm_prober_coalesced_events_total{probe}";
const PROBES: &str = "llm_prober_probes_total{probe}";
const SKIPPED: &str = "llm_prober_probes_skipped_total{probe}";

pub fn dashboard() -> Dashboard {
    Dashboard {
        name: "prober",
        title: "Prober",
        description: "Is the measuring itself sound? If not, do not trust small changes elsewhere.",
        variables: Vec::new(),
        sections: vec![
            Section { title: "State", panels: state() },
            Section { title: "Schedule", panels: schedule() },
            Section { title: "Stamps", panels: stamps() },
            Section { title: "Process", panels: process() },
        ],
    }
}

fn state() -> Vec<Panel> {
    let range = "[$__range]";
    let probes = format!("sum(increase({PROBES}{range}))");
    let skipped = format!("sum(increase({SKIPPED}{range}))");
    vec![
        stat("Probers", "Probers that were scraped just now.", "short")
            .instant(&format!("count(up{{prober}} == 1 {OURS}) or vector(0)"), "")
            .thresholds("red", &[(1.0, "green")]),
        stat(
            "Last reload",
            "Whether every prober accepted its file when it last read it.",
            "short",
        )
        .instant("min(llm_prober_config_last_reload_successful{prober})", "")
        .words(&[("0", "refused", "red"), ("1", "ok", "green")])
        .thresholds("text", &[]),
        stat(
            "Late starts, p99",
            "99 % of the probes began within this time of their plan, in the time shown. It is in \
             no latency figure.",
            "s",
        )
        .instant(&quantile_of_range(0.99, DELAY, ""), "")
        .thresholds("green", &[(0.05, "orange"), (0.25, "red")]),
        stat(
            "Skipped",
            "Share of the planned probes that were not sent, in the time shown.",
            "percentunit",
        )
        .instant(&format!("{skipped} / ({probes} + {skipped} > 0)"), "")
        .thresholds("green", &[(0.01, "orange"), (0.1, "red")])
        .default("decimals", json!(1)),
        stat(
            "Kernel stamps",
            "Share of the probes whose figures are from the kernel's receive stamps, which hold no \
             scheduling of the prober.",
            "percentunit",
        )
        .instant(&share(KERNEL, STAMPS, "", range), "")
        .thresholds("orange", &[(0.99, "green")])
        .default("decimals", json!(1)),
        stat(
            "Coalesced per probe",
            "Per probe: content events that shared a read with a later one, so that their stamp is \
             only an upper bound.",
            "short",
        )
        .instant(&share(COALESCED, PROBES, "", range), "")
        .thresholds("green", &[(1.0, "orange")]),
        builds(),
    ]
}

fn builds() -> Panel {
    let build = "max by (job, instance, version, os, arch) (llm_prober_build_info{prober})";
    let names = json!({
        "job": "Job", "instance": "Instance", "version": "Version", "os": "System",
        "arch": "Processor",
    });
    let organized = json!({
        "excludeByName": {"Time": true, "Value": true},
        "indexByName": {"instance": 0, "version": 1, "os": 2, "arch": 3, "job": 4},
        "renameByName": names,
    });
    table("Builds", "What runs where.", "short")
        .column(build)
        .transform("organize", &organized)
        .size(24, 4)
}

fn schedule() -> Vec<Panel> {
    let delay = "From the instant that a probe was planned for until it began. More than 50 ms \
                 says that the prober lacks CPU: its figures may then be too long.";
    vec![
        heatmap("Schedule delay", delay, "s").buckets(&buckets(DELAY)),
        percentiles(lines("Schedule delay p50, p95, p99", delay, "s"), DELAY)
            .thresholds("green", &[(0.05, "red")]),
        lines(
            "Late probers, p99",
            "Which prober is late: a probe after its plan, and its event loops after what is due \
             (io reads from the targets, main does the rest).",
            "s",
        )
        .query(&quantile(0.99, DELAY, "instance"), "{{instance}} schedule")
        .query(&quantile(0.99, LAG, "instance, loop"), "{{instance}} {{loop}} loop")
        .thresholds("green", &[(0.05, "red")]),
        lines("Probes per minute", "Of each prober; as many as planned if none is skipped.", "cpm")
            .query(&format!("60 * sum by (instance) (rate({PROBES}[i]))"), "{{instance}}"),
        stacked(
            "Skipped probes per minute",
            "Planned probes that were not sent, by reason; in_flight_limit hides slow moments.",
            "cpm",
        )
        .query(&format!("60 * sum by (reason) (rate({SKIPPED}[i]))"), "{{reason}}"),
        lines("Probes in flight", "Probes under way at each target.", "short")
            .query("sum by (target) (llm_prober_probes_in_flight{probe})", "{{target}}"),
    ]
}

fn stamps() -> Vec<Panel> {
    let by_source = format!(
        "sum by (source) (rate({STAMPS}[i])) / ignoring (source) group_left () \
         sum(rate({STAMPS}[i])) >= 0"
    );
    vec![
        stacked(
            "Source of the stamps",
            "kernel: when the bytes arrived. task: when the prober saw them, which includes its \
             own scheduling.",
            "percentunit",
        )
        .query(&by_source, "{{source}}")
        .default("max", json!(1)),
        lines(
            "Coalesced events per probe",
            "Per probe: tokens that waited unread, or that the server wrote together.",
            "short",
        )
        .query(&share(COALESCED, PROBES, "target", "[i]"), "{{target}}"),
        lines("Scrape", "How long the prober took to write its metrics.", "s")
            .query("llm_prober_scrape_duration_seconds{prober}", "{{instance}}"),
    ]
}

/// The processes that are probers.
const OURS: &str = "and on (job, instance) llm_prober_build_info{prober}";

fn process() -> Vec<Panel> {
    let figure = |title: &str, description: &str, unit: &str, expression: &str| {
        lines(title, description, unit)
            .query(&format!("{expression} {OURS}"), "{{instance}}")
            .size(6, 8)
    };
    let files = "process_open_fds{prober}";
    vec![
        figure("CPU", "Cores in use.", "short", "rate(process_cpu_seconds_total{prober}[i])"),
        figure("Memory", "Resident memory.", "bytes", "process_resident_memory_bytes{prober}"),
        figure("Open files", "Sockets included.", "short", files),
        lines("Threads and history", "Threads, and probes that are kept in memory.", "short")
            .query(&format!("process_threads{{prober}} {OURS}"), "{{instance}} threads")
            .query("llm_prober_history_records{prober}", "{{instance}} history")
            .size(6, 8),
    ]
}
