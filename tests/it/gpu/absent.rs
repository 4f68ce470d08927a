//! No library, no driver, the wrong one: one line in the log, and `gpu_up 0`.

use crate::common::counterparts::counterpart;
use crate::common::daemon::Program;
use crate::gpu::{Age, IDLE, Machine, log, looked, of};

const UP: &str = "llm_prober_gpu_up";

/// Scrapes often, over several attempts to find the driver, and returns what was said of GPUs.
async fn say_nothing_more(daemon: &Program) -> Vec<String> {
    daemon.until("gpu_up", |m| m.values(UP, &[]) == [0.0]).await;
    for _ in 0..20 {
        let seen = daemon.metrics().await;
        assert_eq!(seen.values(UP, &[]), [0.0]);
        assert!(seen.values("llm_prober_gpu_collect_success", &[]).is_empty());
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    log(daemon)
}

#[tokio::test]
async fn the_genuine_library_without_a_driver() {
    let Some(library) = counterpart("libnvidia-ml.so.1") else { return };
    let machine = Machine::new("");
    let config = format!("gpu: {{library: {}, retry: 100ms}}\n{IDLE}", library.display());
    let daemon = machine.start(&config, &[]).await;
    let log = say_nothing_more(&daemon).await;
    assert_eq!(log.len(), 1, "{log:#?}");
    assert!(log[0].contains(" INFO ") && log[0].contains("driver is not loaded"), "{log:#?}");
}

#[tokio::test]
async fn a_machine_without_the_library() {
    let machine = Machine::new("");
    // Not a library: the loader refuses it as it refuses one that is not there.
    let file = machine.path("libnvidia-ml.so.1");
    std::fs::write(&file, "").unwrap();
    let config = format!("gpu: {{library: {}, retry: 100ms}}\n{IDLE}", file.display());
    let daemon = machine.start(&config, &[]).await;
    let log = say_nothing_more(&daemon).await;
    assert_eq!(log.len(), 1, "{log:#?}");
    assert!(log[0].contains(" INFO ") && log[0].contains("no GPUs to watch"), "{log:#?}");
}

#[tokio::test]
async fn expected_gpus_that_are_absent_are_worth_a_warning() {
    let machine = Machine::new("init 9\n");
    let daemon = machine.daemon_with(Age::New, "enabled: true, retry: 100ms", IDLE, &[]).await;
    let log = say_nothing_more(&daemon).await;
    assert_eq!(log.len(), 1, "{log:#?}");
    assert!(log[0].contains(" WARN ") && log[0].contains("driver is not loaded"), "{log:#?}");
}

/// An upgraded library beside the running kernel's older driver.
#[tokio::test]
async fn a_version_mismatch_is_worth_a_warning_anyway() {
    let machine = Machine::new("init 18\n");
    let daemon = machine.daemon_with(Age::New, "retry: 100ms", IDLE, &[]).await;
    let log = say_nothing_more(&daemon).await;
    assert_eq!(log.len(), 1, "{log:#?}");
    assert!(log[0].contains(" WARN ") && log[0].contains("version mismatch"), "{log:#?}");
}

/// A driver, and nothing that it drives; a GPU is news.
#[tokio::test]
async fn a_driver_without_gpus_is_spoken_of_once() {
    let machine = Machine::new("gpus 0\n");
    let daemon = machine.daemon_with(Age::New, "retry: 100ms", IDLE, &[]).await;
    for _ in 0..20 {
        daemon.until("gpu_up", |m| m.values(UP, &[]) == [1.0]).await;
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(log(&daemon).len(), 1, "{}", daemon.stderr());
    machine.script("gpus 1\n");
    looked(&daemon, 1).await;
    let log = log(&daemon);
    assert!(log.len() == 2 && log[1].contains("gpus=1"), "{log:#?}");
}

#[tokio::test]
async fn a_driver_that_comes_later_is_found() {
    let machine = Machine::new("init 9\n");
    let daemon = machine.daemon_with(Age::New, "retry: 100ms", IDLE, &[]).await;
    daemon.until("gpu_up", |m| m.values(UP, &[]) == [0.0]).await;
    machine.script("gpus 1\n");
    looked(&daemon, 1).await;
    assert_eq!(log(&daemon).len(), 2, "{}", daemon.stderr());
    // As does a GPU.
    machine.script("gpus 2\n");
    let seen = looked(&daemon, 2).await;
    assert_eq!(seen.values(UP, &[]), [1.0]);
    assert_eq!(of(&seen, 1, "power_watts", &[]), [300.0]);
}

#[tokio::test]
async fn gpus_that_shall_not_be_watched_are_not() {
    let machine = Machine::new("gpus 2\n");
    let daemon = machine.daemon_with(Age::New, "enabled: false", IDLE, &[]).await;
    let text = daemon.get("/metrics").await;
    assert!(!text.text().contains("llm_prober_gpu"), "{}", text.text());
    assert!(log(&daemon).is_empty(), "{}", daemon.stderr());

    // A reload switches.
    let library = crate::gpu::library(Age::New).display();
    let config = |more| format!("gpu: {{library: {library}, {more}}}\n{IDLE}");
    std::fs::write(machine.path("llm-prober.yml"), config("enabled: auto")).unwrap();
    daemon.signal("HUP");
    looked(&daemon, 2).await;
    std::fs::write(machine.path("llm-prober.yml"), config("enabled: false")).unwrap();
    daemon.signal("HUP");
    daemon.until("end", |m| m.values(UP, &[]).is_empty()).await;
}
