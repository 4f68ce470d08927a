//! What a healthy GPU shows.

use crate::gpu::{Machine, looked, of};

const GIB: f64 = 1_073_741_824.0;

#[tokio::test]
async fn every_value_is_in_base_units() {
    let machine = Machine::new("gpus 2\ngpu 0 watts 250.5\n");
    let daemon = machine.daemon().await;
    let seen = looked(&daemon, 2).await;
    let check = |short: &str, labels: &[&str], expect: &[f64]| {
        assert_eq!(of(&seen, 0, short, labels), expect, "{short} {labels:?}\n{seen}");
    };
    assert_eq!(seen.values("llm_prober_gpu_up", &[]), [1.0]);
    check("collect_success", &[], &[1.0]);
    check("utilization_ratio", &[], &[0.5]);
    check("memory_copy_utilization_ratio", &[], &[0.25]);
    check("encoder_utilization_ratio", &[], &[0.0]);
    check("decoder_utilization_ratio", &[], &[0.12]);
    check("memory_total_bytes", &[], &[80.0 * GIB]);
    check("memory_used_bytes", &[], &[40.0 * GIB]);
    check("memory_free_bytes", &[], &[39.0 * GIB]);
    check("memory_reserved_bytes", &[], &[GIB]);
    check("temperature_celsius", &["sensor=\"gpu\""], &[40.0]);
    check("temperature_celsius", &["sensor=\"memory\""], &[55.0]);
    check("temperature_limit_celsius", &["limit=\"slowdown\""], &[89.0]);
    check("power_watts", &[], &[250.5]);
    check("power_limit_watts", &[], &[700.0]);
    check("clock_hertz", &["clock=\"sm\""], &[1.975e9]);
    check("clock_event_active", &["reason=\"gpu_idle\""], &[1.0]);
    check("clock_event_active", &["reason=\"hw_thermal_slowdown\""], &[0.0]);
    check("clock_event_seconds_total", &["reason=\"sw_power_cap\""], &[74.0]);
    // Renumbered between drivers: this one has it at 269.
    check("clock_event_seconds_total", &["reason=\"sw_thermal_slowdown\""], &[269.0]);
    check("performance_state", &[], &[0.0]);
    check("fan_speed_ratio", &["fan=\"0\""], &[1.05]);
    check("pcie_tx_bytes_total", &[], &[197_000.0]);
    check("pcie_rx_bytes_total", &[], &[198_000.0]);
    check("pcie_replay_total", &[], &[3.0]);
    check("nvlink_links", &[], &[18.0]);
    check("nvlink_tx_bytes_total", &["link=\"0\""], &[138.0 * 1024.0]);
    check("nvlink_errors_total", &["kind=\"replay\""], &[52.0]);
    check("ecc_errors_total", &["kind=\"uncorrected\"", "scope=\"volatile\""], &[10.0]);
    check("remapped_rows", &["kind=\"uncorrectable\""], &[1.0]);
    check("remap_pending", &[], &[0.0]);
    check("remap_failure", &[], &[0.0]);
}

#[tokio::test]
async fn a_scrape_takes_a_look_of_its_own() {
    let machine = Machine::new("gpus 1\ngpu 0 watts 100\n");
    let daemon = machine.daemon().await;
    let first = looked(&daemon, 1).await;
    assert_eq!(of(&first, 0, "power_watts", &[]), [100.0]);
    machine.script("gpus 1\ngpu 0 watts 200\n");
    daemon.until("the new power", |m| of(m, 0, "power_watts", &[]) == [200.0]).await;
    let energy = |m: &_| of(m, 0, "energy_joules_total", &[])[0];
    let (some, more) = (daemon.metrics().await, daemon.metrics().await);
    assert!(energy(&more) >= energy(&some) && energy(&some) > 0.0, "{some}");
}

#[tokio::test]
async fn eight_gpus_are_told_apart() {
    let machine = Machine::new("gpus 8\ngpu 5 hot\n");
    let daemon = machine.daemon().await;
    let seen = looked(&daemon, 8).await;
    for gpu in 0..8 {
        let uuid = format!("uuid=\"GPU-{gpu:08x}-0000-4000-8000-000000000000\"");
        let bus = format!("pci_bus_id=\"00000000:{:02X}:00.0\"", 0x1b + gpu);
        assert_eq!(of(&seen, gpu, "info", &[&uuid, &bus, "driver_version=\"580.95.05\""]), [1.0]);
        let degrees = if gpu == 5 { 88.0 } else { 40.0 + f64::from(gpu) };
        let labels = [uuid.as_str(), "sensor=\"gpu\""];
        assert_eq!(of(&seen, gpu, "temperature_celsius", &labels), [degrees]);
    }
    assert_eq!(of(&seen, 5, "remap_failure", &[]), [1.0]);
}

/// The driver does not know the memory of the second process, and the first one's command line
/// holds a secret.
#[tokio::test]
async fn processes_are_shown_by_name_if_wanted() {
    let machine = Machine::new("gpus 1\n");
    let daemon = machine.daemon().await;
    let seen = looked(&daemon, 1).await;
    let labels = ["pid=\"4242\"", "process=\"python3\"", "kind=\"compute\""];
    assert_eq!(of(&seen, 0, "process_memory_used_bytes", &labels), [30.0 * GIB]);
    assert_eq!(of(&seen, 0, "process_memory_used_bytes", &[]).len(), 1);
    assert!(!daemon.get("/metrics").await.text().contains("not-a-real-secret"));

    let daemon =
        machine.daemon_with(crate::gpu::Age::New, "processes: false", crate::gpu::IDLE, &[]).await;
    let seen = looked(&daemon, 1).await;
    assert!(of(&seen, 0, "process_memory_used_bytes", &[]).is_empty());
}
