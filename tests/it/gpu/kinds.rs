//! GPUs that lack values: divided ones, virtual ones, those of old drivers.

use crate::gpu::{Age, IDLE, Machine, looked, name, of};

#[tokio::test]
async fn the_instances_of_a_divided_gpu_are_shown_beside_it() {
    let machine = Machine::new("gpus 2\ngpu 0 mig 3\n");
    let daemon = machine.daemon().await;
    let seen = looked(&daemon, 2).await;
    assert_eq!(of(&seen, 0, "info", &["mig_mode=\"enabled\""]), [1.0]);
    assert_eq!(of(&seen, 1, "info", &["mig_mode=\"disabled\""]), [1.0]);
    // Such a GPU has no utilization as a whole.
    assert!(of(&seen, 0, "utilization_ratio", &[]).is_empty());
    assert_eq!(of(&seen, 0, "collect_success", &[]), [1.0]);
    // One place between them is free.
    for (instance, count) in [("0", 1), ("1", 0), ("2", 1), ("3", 1), ("4", 0)] {
        let instance = format!("gpu_instance=\"{instance}\"");
        let info = [instance.as_str(), "profile=\"1g.10gb\""];
        assert_eq!(of(&seen, 0, "instance_info", &info).len(), count, "{instance}\n{seen}");
        let total = of(&seen, 0, "instance_memory_total_bytes", &[&instance]);
        assert_eq!(total, vec![10.0 * 1_073_741_824.0; count]);
    }
    assert!(of(&seen, 1, "instance_info", &[]).is_empty());
    // The whole is not the sum of the parts: it is there once.
    assert_eq!(of(&seen, 0, "memory_total_bytes", &[]), [80.0 * 1_073_741_824.0]);

    machine.script("gpus 2\n");
    let gone = |m: &_| of(m, 0, "instance_info", &[]).is_empty();
    daemon.until("end of the division", gone).await;
}

#[tokio::test]
async fn a_virtual_gpu_has_what_it_has() {
    let machine = Machine::new("gpus 1\ngpu 0 vgpu\n");
    let daemon = machine.daemon().await;
    let seen = looked(&daemon, 1).await;
    assert_eq!(of(&seen, 0, "collect_success", &[]), [1.0]);
    assert_eq!(of(&seen, 0, "info", &["virtualization=\"vgpu\"", "mig_mode=\"\""]), [1.0]);
    assert_eq!(of(&seen, 0, "utilization_ratio", &[]), [0.5]);
    assert_eq!(of(&seen, 0, "memory_total_bytes", &[]).len(), 1);
    for absent in [
        "power_watts",
        "energy_joules_total",
        "temperature_celsius",
        "ecc_errors_total",
        "remapped_rows",
    ] {
        assert!(of(&seen, 0, absent, &[]).is_empty(), "{absent}\n{seen}");
    }
}

#[tokio::test]
async fn an_old_driver_lacks_functions_and_nothing_else() {
    let machine = Machine::new("gpus 1\n");
    let daemon = machine.daemon_with(Age::Old, "processes: true", IDLE, &[]).await;
    let seen = looked(&daemon, 1).await;
    assert_eq!(of(&seen, 0, "collect_success", &[]), [1.0]);
    assert_eq!(of(&seen, 0, "power_watts", &[]), [300.0]);
    assert_eq!(of(&seen, 0, "clock_hertz", &["clock=\"memory\""]), [2.619e9]);
    assert_eq!(of(&seen, 0, "ecc_errors_total", &[]).len(), 4);
    for absent in [
        "memory_total_bytes",
        "energy_joules_total",
        "clock_event_active",
        "clock_event_seconds_total",
        "fan_speed_ratio",
        "remapped_rows",
        "xid_errors_total",
        "process_memory_used_bytes",
    ] {
        assert!(of(&seen, 0, absent, &[]).is_empty(), "{absent}\n{seen}");
    }
    assert_eq!(crate::gpu::log(&daemon).len(), 1, "{}", daemon.stderr());
}

/// Nothing but what tells who it is, and that it has no values.
#[tokio::test]
async fn marks_for_not_available_are_no_values() {
    let machine = Machine::new("gpus 2\ngpu 1 sentinels\n");
    let daemon = machine.daemon().await;
    looked(&daemon, 2).await;
    let text = daemon.get("/metrics").await;
    let mut kept: Vec<_> = text.text().lines().filter(|l| l.contains("{gpu=\"1\"")).collect();
    kept.retain(|line| !line.contains("_xid_") && !line.contains("_collect_"));
    let allowed = ["info", "nvlink"].map(name);
    assert_eq!(of(&daemon.metrics().await, 1, "info", &["mig_mode=\"\""]), [1.0]);
    let wrong: Vec<_> =
        kept.iter().filter(|l| !allowed.iter().any(|a| l.starts_with(a.as_str()))).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    for mark in ["4294967295", "4294967.295", "18446744073709551615", "18446744073709552000", "-1"]
    {
        assert!(!text.text().contains(&format!(" {mark}")), "{mark}");
    }
}

/// Errors that nobody can take are not counted, and what cannot be freed is not freed.
#[tokio::test]
async fn a_library_that_lacks_what_takes_events_counts_none() {
    let machine = Machine::new("gpus 1\ngpu 0 xid 79\n");
    let mut daemon = machine.daemon_with(Age::Few, "retry: 100ms", IDLE, &[]).await;
    let seen = looked(&daemon, 1).await;
    assert_eq!(of(&seen, 0, "power_watts", &[]), [300.0]);
    assert!(of(&seen, 0, "xid_errors_total", &[]).is_empty(), "{seen}");
    for (script, watts) in [("gpu 0 lost", vec![]), ("gpu 0 watts 111", vec![111.0])] {
        machine.script(&format!("gpus 1\n{script}\n"));
        daemon.until(script, |m| of(m, 0, "power_watts", &[]) == watts).await;
    }
    machine.script("gpus 1\ndriver 1\n");
    let down = |m: &crate::gpu::Exposition| m.values("llm_prober_gpu_up", &[]) == [0.0];
    daemon.until("end of the driver", down).await;
    daemon.signal("TERM");
    assert!(daemon.ended().await.success(), "{}", daemon.stderr());
    assert!(!daemon.stderr().contains("panicked"), "{}", daemon.stderr());
}

#[tokio::test]
async fn a_value_that_is_none_hides_no_other_and_odd_names_are_escaped() {
    let machine = Machine::new("gpus 1\ngpu 0 odd\n");
    let daemon =
        machine.daemon_with(Age::New, "processes: true", IDLE, &["--gpu.compat=dcgm"]).await;
    let seen = looked(&daemon, 1).await;
    assert_eq!(of(&seen, 0, "memory_total_bytes", &[]), [80.0 * 1_073_741_824.0]);
    assert_eq!(of(&seen, 0, "memory_used_bytes", &[]), [40.0 * 1_073_741_824.0]);
    assert!(of(&seen, 0, "memory_reserved_bytes", &[]).is_empty());
    let text = daemon.get("/metrics").await;
    let named = r#"name="NVIDIA \"A\\B\"\n{x=\"1\"} 9 # é""#;
    let lines: Vec<_> =
        text.text().lines().filter(|l| l.contains(r"NVIDIA \")).map(str::to_owned).collect();
    let info = lines.iter().find(|l| l.starts_with("llm_prober_gpu_info{")).unwrap();
    assert!(info.contains(named) && info.ends_with("} 1"), "{info}");
    let model = named.replace("name=", "modelName=");
    let fields = lines.iter().filter(|l| l.starts_with("DCGM_")).collect::<Vec<_>>();
    assert!(fields.len() > 10 && fields.iter().all(|l| l.contains(&model)), "{fields:#?}");
}
