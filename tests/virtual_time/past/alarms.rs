//! What is found, and what is not.

use std::time::Duration;

use llm_prober::simulate::{Chance, Fault, Phase, SimulatorConfig};

use super::{DAY, HOUR, Rig, alarms, lively, of_workload, slower, value};
use crate::seconds;

/// The server is half as fast again in the afternoon and evening as at night.
fn daily_swing() -> Vec<Phase> {
    let busy = |after: u64, lasts: u64, factor| Phase {
        after: Duration::from_secs(after * HOUR),
        lasts: Some(Duration::from_secs(lasts * HOUR)),
        repeat_every: Some(Duration::from_secs(DAY)),
        ttft_factor: factor,
        itl_factor: factor,
        ..Phase::default()
    };
    vec![busy(7, 5, 1.3), busy(12, 6, 1.6), busy(18, 4, 1.3)]
}

#[tokio::test(start_paused = true)]
async fn a_healthy_week_with_a_swing_by_day_raises_nothing() {
    let rig = Rig::new(SimulatorConfig { script: daily_swing(), ..lively() });
    rig.write(", interval: 60s", "");
    let daemon = rig.start().unwrap();
    seconds(DAY - HOUR).await;
    assert_eq!(value(&daemon, "alarm_active", "ttft"), None, "not before a day is over");
    assert_eq!(of_workload(&daemon, "reference_timestamp_seconds"), None);
    seconds(2 * HOUR).await;
    assert_eq!(value(&daemon, "alarm_active", "ttft"), Some(0.0));
    assert!(of_workload(&daemon, "reference_samples").unwrap() > 1_300.0);
    seconds(7 * DAY).await;
    assert_eq!(alarms(&daemon), 0.0);
    for signal in ["ttft", "itl", "request_latency", "failure", "slo"] {
        let evidence = value(&daemon, "evidence", signal).unwrap();
        let threshold = of_workload(&daemon, "evidence_threshold").unwrap();
        assert!(evidence < threshold, "{signal}: {evidence} {threshold}");
    }
    let ratio = value(&daemon, "effect_ratio", "ttft").unwrap();
    assert!((ratio - 1.0).abs() < 0.05, "{ratio}");
}

/// Without strata, the same swing would look like a change.
#[tokio::test(start_paused = true)]
async fn a_busy_afternoon_is_a_change_to_who_knows_only_the_night() {
    let rig = Rig::new(SimulatorConfig { script: daily_swing(), ..lively() });
    let daemon = rig.daemon("reference: 3h");
    seconds(DAY).await;
    assert!(value(&daemon, "alarms_total", "ttft") > Some(0.0));
}

#[tokio::test(start_paused = true)]
async fn a_fifth_slower_is_found_and_over_when_it_is_over() {
    let rig = Rig::new(SimulatorConfig { script: vec![slower(6, 6)], ..lively() });
    let daemon = rig.daemon("reference: 4h");
    seconds(6 * HOUR).await;
    assert_eq!(alarms(&daemon), 0.0);
    // 311 probes on average, by simulation: an hour and a quarter.
    seconds(3 * HOUR).await;
    assert_eq!(value(&daemon, "alarm_active", "ttft"), Some(1.0));
    assert_eq!(value(&daemon, "alarm_active", "itl"), Some(0.0), "only what has changed");
    assert_eq!(value(&daemon, "alarm_active", "failure"), Some(0.0));
    let raised = value(&daemon, "last_alarm_timestamp_seconds", "ttft").unwrap();
    #[allow(clippy::cast_precision_loss)]
    let hours = (raised - (20_003 * DAY) as f64) / HOUR as f64;
    assert!((6.1..9.0).contains(&hours), "{hours}");
    let effect = ["effect_lower_ratio", "effect_ratio", "effect_upper_ratio"];
    let [lower, ratio, upper] = effect.map(|name| value(&daemon, name, "ttft").unwrap());
    // It begins where the change was found to begin, an hour or two ago.
    assert!(0.9 < lower && lower < 1.2 && 1.2 < upper && upper < 1.6, "{lower} {ratio} {upper}");
    assert!((ratio - 1.2).abs() < 0.06, "{ratio}");
    // The server is itself again after twelve hours.
    seconds(5 * HOUR).await;
    assert_eq!(value(&daemon, "alarm_active", "ttft"), Some(0.0));
    assert_eq!(value(&daemon, "alarms_total", "ttft"), Some(1.0));
}

#[tokio::test(start_paused = true)]
async fn failures_and_missed_slos_are_found_too() {
    let fault = Fault::ErrorEvent { after_tokens: 2 };
    let failing = Phase {
        after: Duration::from_secs(6 * HOUR),
        faults: vec![Chance { fault, probability: 0.05 }],
        ..Phase::default()
    };
    let rig = Rig::new(SimulatorConfig { script: vec![failing], ..lively() });
    let daemon = rig.daemon("reference: 4h");
    seconds(6 * HOUR).await;
    assert_eq!(alarms(&daemon), 0.0);
    seconds(3 * HOUR).await;
    for signal in ["failure", "slo"] {
        assert!(value(&daemon, "alarms_total", signal) > Some(0.0), "{signal}");
    }
    assert_eq!(value(&daemon, "effect_ratio", "failure"), None, "a share has no ratio");
}

/// A prober that was stopped in between measures itself.
#[tokio::test(start_paused = true)]
async fn a_prober_that_is_late_learns_nothing() {
    let rig = Rig::new(lively());
    rig.write(", arrival: constant", "");
    let daemon = rig.start().unwrap();
    seconds(HOUR).await;
    assert_eq!(of_workload(&daemon, "reference_samples"), Some(241.0));
    // Up to just after an arrival, and a bit on.
    let asked = rig.server.requests();
    while rig.server.requests() <= asked {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    // Each arrival is noticed 300 ms late: too early to be skipped, too late to be trusted.
    let (asked, learnt) = (rig.server.requests(), of_workload(&daemon, "reference_samples"));
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(14_200)).await;
        tokio::time::advance(Duration::from_millis(800)).await;
    }
    seconds(1).await;
    assert_eq!(rig.server.requests(), asked + 20.0);
    assert_eq!(of_workload(&daemon, "reference_samples"), learnt);
    seconds(HOUR).await;
    assert_eq!(of_workload(&daemon, "reference_samples"), learnt.map(|n| n + 240.0));
}
