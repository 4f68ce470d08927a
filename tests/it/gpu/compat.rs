//! The same values for dashboards that were made for dcgm-exporter.

use crate::gpu::{Age, IDLE, Machine, looked, name};

#[tokio::test]
async fn the_flag_adds_the_other_exporters_names() {
    let machine = Machine::new("gpus 2\ngpu 1 sentinels\n");
    let plain = machine.daemon().await;
    looked(&plain, 2).await;
    assert!(!plain.get("/metrics").await.text().contains("DCGM_"));

    let flags = ["--gpu.compat=dcgm"];
    let daemon = machine.daemon_with(Age::New, "processes: false", IDLE, &flags).await;
    let seen = looked(&daemon, 2).await;
    let labels = [
        "gpu=\"0\"",
        "UUID=\"GPU-00000000-0000-4000-8000-000000000000\"",
        "pci_bus_id=\"00000000:1B:00.0\"",
        "device=\"nvidia0\"",
        "modelName=\"NVIDIA H100 80GB HBM3\"",
        "DCGM_FI_DRIVER_VERSION=\"580.95.05\"",
    ];
    let check = |field: &str, expect: f64| {
        assert_eq!(seen.values(&format!("DCGM_FI_DEV_{field}"), &labels), [expect], "{field}");
    };
    check("GPU_TEMP", 40.0);
    check("MEMORY_TEMP", 55.0);
    check("POWER_USAGE", 300.0);
    check("GPU_UTIL", 50.0);
    check("SM_CLOCK", 1975.0);
    check("FB_USED", 40.0 * 1024.0);
    check("FB_FREE", 39.0 * 1024.0);
    check("XID_ERRORS", 0.0);
    // Our own names stay.
    assert_eq!(seen.values(&name("power_watts"), &["gpu=\"0\""]), [300.0]);
    // Marks for "not available" are no values here, either.
    assert!(seen.values("DCGM_FI_DEV_POWER_USAGE", &["gpu=\"1\""]).is_empty());
}
