use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use super::{full_measurement, full_target, judged, ms, scrape};
use crate::answer::measure::Measurement;
use crate::config::Config;
use crate::metrics::{Metrics, MetricsOptions};
use crate::probe::Probe;
use crate::regression::change::ChangeDetection;
use crate::target::request::ProbeId;
use crate::testing;
use crate::watcher::{Watch, Watchers};

/// `prod`, which was quick for 600 probes of `chat`, and then was not for a hundred: every family
/// of changes has a sample.
pub(super) fn full() -> Vec<Arc<Watch>> {
    let mut config = testing::config(vec![full_target()]);
    config.change_detection =
        ChangeDetection { reference: Duration::from_secs(3600), ..ChangeDetection::usual() };
    // A probe every ten seconds.
    watched(&config, (1_700_000_000, 10), 1, ms(400))
}

/// The first target of a configuration, of which every workload was as quick as ever after its
/// reference was complete: without an alarm.
pub(super) fn of(config: &Config) -> Vec<Arc<Watch>> {
    // From a Monday on, so that none of them is collected at a weekend.
    watched(config, (1_699_833_600, 150), config.targets[0].workloads.len(), ms(200))
}

fn watched(
    config: &Config,
    (began, seconds_between): (u64, u64),
    workloads: usize,
    then: Duration,
) -> Vec<Arc<Watch>> {
    let probes = AtomicU64::new(0);
    let clock = move || {
        let probe = probes.fetch_add(1, Ordering::Relaxed);
        UNIX_EPOCH + Duration::from_secs(began + seconds_between * probe)
    };
    let mut fleet = Watchers::new(Arc::new(clock), Arc::default(), BTreeMap::new());
    let watches = fleet.apply(config);
    let target = &config.targets[0];
    for workload in target.workloads.iter().take(workloads) {
        for ttft in [ms(200); 600].into_iter().chain([then; 100]) {
            let figures = Measurement { ttft: Some(ttft), ..full_measurement() };
            let outcome = judged(target, testing::outcome(figures));
            let workload = Arc::clone(workload);
            let probe = Probe::new(ProbeId::random(), workload, testing::recording(), outcome);
            watches[0].observe(&probe);
        }
    }
    watches
}

#[test]
fn a_change_says_how_it_stands() {
    let target = full_target();
    let metrics = Metrics::new(MetricsOptions::default());
    metrics.load(&testing::config(vec![target]));
    metrics.set_watches(full());
    let scrape = scrape(&metrics);
    let whole = |name: &str, workload: &str, signal: &[(&str, &str)]| {
        let own = [("workload", workload), ("comparison", "")];
        let labels = [&[("target", "prod"), ("stack", "current")], &own[..], signal].concat();
        scrape.value(&format!("llm_prober_change_{name}"), &labels)
    };
    let of =
        |name: &str, workload: &str, signal: &str| whole(name, workload, &[("signal", signal)]);
    let once = |name: &str, workload: &str| whole(name, workload, &[]);
    assert_eq!(once("reference_samples", "chat"), Some(500.0));
    assert_eq!(once("reference_timestamp_seconds", "chat"), Some(1_700_004_990.0));
    let threshold = once("evidence_threshold", "chat").unwrap();
    for (signal, active) in
        [("ttft", 1.0), ("slo", 1.0), ("itl", 0.0), ("request_latency", 0.0), ("failure", 0.0)]
    {
        assert_eq!(of("alarm_active", "chat", signal), Some(active), "{signal}");
        // From the first one on.
        let alarms = Some(active).filter(|active| *active > 0.0);
        assert_eq!(of("alarms_total", "chat", signal), alarms, "{signal}");
        assert_eq!(of("last_alarm_timestamp_seconds", "chat", signal).is_some(), active > 0.0);
        let evidence = of("evidence", "chat", signal).unwrap();
        assert_eq!(evidence > threshold, active > 0.0, "{signal}: {evidence} {threshold}");
    }
    let [lower, ratio, upper] = ["effect_lower_ratio", "effect_ratio", "effect_upper_ratio"]
        .map(|name| of(name, "chat", "ttft").unwrap());
    assert!((lower - 2.0).abs() < 0.01 && (ratio - 2.0).abs() < 0.01 && (upper - 2.0).abs() < 0.01);
    assert_eq!(of("effect_ratio", "chat", "slo"), None);
    // Of what was never asked nothing is known but what is needed.
    assert_eq!(once("reference_samples", "extract"), Some(0.0));
    assert_eq!(once("evidence_threshold", "extract"), Some(threshold));
    assert_eq!(once("reference_timestamp_seconds", "extract"), None);
    for name in ["evidence", "alarm_active", "effect_ratio"] {
        assert_eq!(of(name, "extract", "ttft"), None, "{name}");
    }
}

/// While a reload is under way, the targets may be newer than what is watched.
#[test]
fn streams_of_a_workload_that_is_gone_are_left_out() {
    let mut target = full_target();
    target.workloads.retain(|workload| workload.name == "chat");
    let metrics = Metrics::new(MetricsOptions::default());
    metrics.load(&testing::config(vec![target]));
    metrics.set_watches(full());
    let scrape = scrape(&metrics);
    let streams = |workload| {
        scrape.value("llm_prober_change_evidence_threshold", &[("workload", workload)]).is_some()
    };
    assert_eq!(["chat", "extract", ""].map(streams), [true, false, false]);
}
