use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::{Format, MetricsOptions, Scrape, full_metrics_with, loaded, scrape};
use crate::gpu::state::{
    EccCount, Facts, GpuState, GpuView, Instance, Memory, Process, Reading, Seen,
};
use crate::gpu::xid::XidLog;
use crate::testing;

const UUID: &str = "GPU-00000000-0000-4000-8000-000000000000";

/// A GPU that has everything a GPU can have.
pub(super) fn full_view() -> GpuView {
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let mut xids = XidLog::default();
    xids.add(Some(79), at);
    let state = GpuState {
        facts: Arc::new(facts()),
        driver_version: Some("580.95.05".into()),
        success: true,
        reading: Arc::new(reading()),
        xids: Some(xids),
        at,
        took: Duration::from_millis(3),
        answers: 1,
        ..GpuState::unseen(0)
    };
    GpuView { up: true, gpus: vec![Seen { state: Arc::new(state), hangs: false }] }
}

fn facts() -> Facts {
    let text = |t: &str| Some(t.to_owned());
    Facts {
        uuid: text(UUID),
        name: text("NVIDIA H100 80GB HBM3"),
        pci_bus_id: text("00000000:1B:00.0"),
        minor: Some(0),
        vbios_version: text("96.00.89.00.01"),
        architecture: text("Hopper"),
        virtualization: Some("none"),
        temperature_limits: vec![("slowdown", 89.0)],
    }
}

const MEMORY: Memory =
    Memory { total: 80 << 30, used: 30 << 30, free: 49 << 30, reserved: Some(1 << 30) };

fn reading() -> Reading {
    let ecc = |kind, scope, count| EccCount { kind, scope, count };
    Reading {
        utilization: Some(0.5),
        memory_copy_utilization: Some(0.25),
        encoder_utilization: Some(0.0),
        decoder_utilization: Some(0.125),
        memory: Some(MEMORY),
        temperatures: vec![("gpu", 61.0), ("memory", 70.0)],
        power_watts: Some(350.5),
        power_limit_watts: Some(700.0),
        energy_joules: Some(1234.5),
        clocks: vec![("sm", 1.98e9), ("memory", 2.619e9), ("video", 1.5e9)],
        clock_events: vec![("gpu_idle", false), ("sw_power_cap", true)],
        clock_event_seconds: vec![("sw_power_cap", 12.5)],
        pcie_tx_bytes: Some(1000),
        pcie_rx_bytes: Some(2000),
        pcie_replays: Some(3),
        nvlink_links: Some(18),
        nvlink_errors: vec![("crc_flit", 1), ("crc_data", 2), ("replay", 3), ("recovery", 4)],
        nvlink_tx_bytes: vec![("0", 4096)],
        nvlink_rx_bytes: vec![("0", 8192)],
        ecc: ["volatile", "aggregate"]
            .into_iter()
            .flat_map(|scope| [ecc("corrected", scope, 7), ecc("uncorrected", scope, 1)])
            .collect(),
        remapped_rows: vec![("correctable", 2), ("uncorrectable", 1)],
        remap_pending: Some(false),
        remap_failure: Some(true),
        fans: vec![1.05],
        performance_state: Some(0),
        mig_enabled: Some(true),
        instances: vec![Instance {
            index: 2,
            uuid: Some("MIG-0".to_owned()),
            profile: Some("1g.10gb".to_owned()),
            memory: Some(MEMORY),
            ecc: vec![ecc("corrected", "volatile", 5)],
        }],
        processes: vec![Process {
            pid: 42,
            name: "python3".to_owned(),
            kind: "compute",
            used: 1 << 30,
        }],
    }
}

fn with(change: impl FnOnce(&mut Seen)) -> Scrape {
    let mut view = full_view();
    change(&mut view.gpus[0]);
    let metrics = loaded(&testing::config(Vec::new()));
    metrics.set_gpus(Some(view));
    scrape(&metrics)
}

/// What has a sample.
fn gpu_names(scrape: &Scrape) -> BTreeSet<&str> {
    let names = scrape.samples.keys().map(|(name, _)| name.as_str());
    names.filter(|name| name.starts_with("llm_prober_gpu_")).collect()
}

const GPU: [(&str, &str); 2] = [("gpu", "0"), ("uuid", UUID)];

#[test]
fn a_lost_gpu_keeps_only_what_tells_that_it_is_lost() {
    let scrape = with(|gpu| {
        let lost = GpuState { success: false, reading: Arc::default(), ..(*gpu.state).clone() };
        gpu.state = Arc::new(lost);
    });
    let expect = [
        "llm_prober_gpu_collect_duration_seconds",
        "llm_prober_gpu_collect_success",
        "llm_prober_gpu_collect_timestamp_seconds",
        "llm_prober_gpu_info",
        "llm_prober_gpu_up",
        "llm_prober_gpu_xid_errors_total",
        "llm_prober_gpu_xid_last_timestamp_seconds",
    ];
    assert_eq!(gpu_names(&scrape), BTreeSet::from(expect));
    assert_eq!(scrape.value("llm_prober_gpu_collect_success", &GPU), Some(0.0));
}

#[test]
fn a_driver_that_hangs_leaves_values_with_their_time() {
    let scrape = with(|gpu| gpu.hangs = true);
    let value = |name: &str| scrape.value(name, &GPU);
    assert_eq!(value("llm_prober_gpu_collect_success"), Some(0.0));
    assert_eq!(value("llm_prober_gpu_collect_timestamp_seconds"), Some(1_700_000_000.0));
    assert_eq!(value("llm_prober_gpu_power_watts"), Some(350.5));
}

#[test]
fn a_gpu_that_was_never_seen_has_no_time() {
    let scrape = with(|gpu| gpu.state = Arc::new(GpuState::unseen(0)));
    let expect = ["llm_prober_gpu_collect_success", "llm_prober_gpu_info", "llm_prober_gpu_up"];
    assert_eq!(gpu_names(&scrape), BTreeSet::from(expect));
}

#[test]
fn without_gpus_there_is_one_family_and_without_watching_none() {
    let metrics = loaded(&testing::config(Vec::new()));
    let families = |metrics: &super::Metrics| {
        let mut names: Vec<_> = scrape(metrics).types.keys().cloned().collect();
        names.retain(|name| name.contains("gpu"));
        names
    };
    assert!(families(&metrics).is_empty());
    metrics.set_gpus(Some(GpuView::default()));
    assert_eq!(families(&metrics), ["llm_prober_gpu_up"]);
}

#[test]
fn the_other_exporters_units_are_its_own() {
    let metrics = full_metrics_with(MetricsOptions { dcgm: true, ..MetricsOptions::default() });
    let text = metrics.encode(Format::OpenMetrics).unwrap();
    let scrape = super::open_metrics(std::str::from_utf8(&text).unwrap());
    let check = |name: &str, value: f64| {
        let labels = [("gpu", "0"), ("UUID", UUID), ("device", "nvidia0")];
        assert_eq!(scrape.value(&format!("DCGM_FI_DEV_{name}"), &labels), Some(value), "{name}");
    };
    check("FB_USED", 30.0 * 1024.0);
    check("SM_CLOCK", 1980.0);
    check("GPU_UTIL", 50.0);
    check("TOTAL_ENERGY_CONSUMPTION", 1_234_500.0);
    check("POWER_USAGE", 350.5);
    check("XID_ERRORS", 79.0);
    check("ECC_DBE_VOL_TOTAL", 1.0);
    check("ROW_REMAP_FAILURE", 1.0);
}
