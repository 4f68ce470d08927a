//! What is found, and what is not.

use std::sync::Arc;
use std::time::Duration;

use llm_prober::daemon::Daemon;
use llm_prober::simulate::{Chance, Fault, Phase, SimulatorConfig};

use super::{HOUR, MINUTE, daemon, dropped, lively, pairs, sum, yaml};
use crate::common::simulated::Server;
use crate::seconds;

/// Runs two servers side by side.
async fn compare(baseline: SimulatorConfig, candidate: SimulatorConfig, hours: u64) -> Arc<Daemon> {
    let (baseline, candidate) = (Server::new(baseline), Server::new(candidate));
    let daemon = daemon(&yaml(""), baseline.dialer(), candidate.dialer());
    seconds(hours * HOUR).await;
    daemon
}

/// Whether *regressed* and *not worse* stand.
fn verdict(daemon: &Daemon) -> [f64; 2] {
    let stands = |verdict| sum(daemon, "comparison_verdict", &[verdict]);
    ["verdict=\"regressed\"", "verdict=\"not_worse\""].map(stands)
}

/// How often the alarm of a signal went off, and whether it is on.
fn alarms(daemon: &Daemon, signal: &str) -> [f64; 2] {
    let labels = [&*format!("signal=\"{signal}\""), "comparison=\"canary\"", "target=\"b\""];
    ["change_alarms_total", "change_alarm_active"].map(|name| sum(daemon, name, &labels))
}

/// The same of one signal.
fn verdict_of(daemon: &Daemon, signal: &str) -> [f64; 2] {
    let signal = format!("signal=\"{signal}\"");
    let stands = |verdict| sum(daemon, "comparison_signal_verdict", &[&signal, verdict]);
    ["verdict=\"regressed\"", "verdict=\"not_worse\""].map(stands)
}

#[tokio::test(start_paused = true)]
async fn a_slower_candidate_has_regressed() {
    let slower = SimulatorConfig {
        ttft: Duration::from_millis(240),
        itl: Duration::from_millis(12),
        ..lively(2)
    };
    let daemon = compare(lively(1), slower, 2).await;
    assert_eq!(verdict(&daemon), [1.0, 0.0]);
    for signal in ["ttft", "itl", "request_latency"] {
        assert_eq!(verdict_of(&daemon, signal), [1.0, 0.0], "{signal}");
        assert_eq!(alarms(&daemon, signal), [1.0, 1.0], "{signal}");
        let signal = format!("signal=\"{signal}\"");
        let bound = |bound| sum(&daemon, &format!("comparison_effect_{bound}ratio"), &[&signal]);
        let [lower, middle, upper] = ["lower_", "", "upper_"].map(bound);
        // Wider than that of all pairs: it begins where the change was found to begin.
        assert!(lower > 1.0 && lower < 1.2 && upper > 1.2, "{lower} {middle} {upper}");
        assert!((middle - 1.2).abs() < 0.06, "{middle}");
    }
    assert_eq!((verdict_of(&daemon, "failure")[0], alarms(&daemon, "failure")), (0.0, [0.0; 2]));
}

#[tokio::test(start_paused = true)]
async fn an_equal_candidate_is_not_worse() {
    let daemon = compare(lively(1), lively(2), 8).await;
    assert!(pairs(&daemon) > 1_700.0, "{}", pairs(&daemon));
    assert_eq!(verdict(&daemon), [0.0, 1.0]);
    for signal in ["ttft", "itl", "failure"] {
        assert_eq!(verdict_of(&daemon, signal), [0.0, 1.0], "{signal}");
    }
    assert_eq!(sum(&daemon, "change_alarms_total", &[]), 0.0);
    for reason in ["in_flight_limit", "budget", "late", "prober"] {
        assert_eq!(dropped(&daemon, reason), 0.0, "{reason}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_candidate_that_fails_more_often_is_found_by_its_failures() {
    let fault = Fault::ErrorEvent { after_tokens: 2 };
    let faults = vec![Chance { fault, probability: 0.02 }];
    let daemon = compare(lively(1), SimulatorConfig { faults, ..lively(2) }, 8).await;
    assert_eq!((verdict(&daemon), verdict_of(&daemon, "failure")), ([1.0, 0.0], [1.0, 0.0]));
    assert_eq!(alarms(&daemon, "failure"), [1.0, 1.0]);
    for signal in ["ttft", "itl", "request_latency"] {
        assert_eq!(verdict_of(&daemon, signal)[0], 0.0, "{signal}");
        assert_eq!(alarms(&daemon, signal), [0.0; 2], "{signal}");
    }
    let worse = |side| sum(&daemon, "comparison_discordant_pairs_total", &[side]);
    let failures = sum(&daemon, "probe_failures_total", &["target=\"b\""]);
    assert_eq!(worse("worse=\"candidate\""), failures);
    assert_eq!(worse("worse=\"baseline\""), 0.0);
}

/// Twice as slow for half an hour in every hour, both at once: each one's own figures swing, the
/// ratio does not.
#[tokio::test(start_paused = true)]
async fn a_load_swing_common_to_both_is_nothing() {
    let half_an_hour = Duration::from_secs(30 * MINUTE);
    let rush = Phase {
        after: half_an_hour,
        lasts: Some(half_an_hour),
        repeat_every: Some(2 * half_an_hour),
        ttft_factor: 2.0,
        itl_factor: 2.0,
        ..Phase::default()
    };
    let swinging = |seed| SimulatorConfig { script: vec![rush.clone()], ..lively(seed) };
    let daemon = compare(swinging(1), swinging(2), 8).await;
    assert_eq!(verdict(&daemon), [0.0, 1.0]);
    assert_eq!(sum(&daemon, "change_alarms_total", &["comparison=\"canary\""]), 0.0);
    for target in ["target=\"a\"", "target=\"b\""] {
        let of = |part| sum(&daemon, &format!("time_to_first_token_seconds_{part}"), &[target]);
        let mean = of("sum") / of("count");
        assert!((mean - 0.3).abs() < 0.02, "{target}: {mean}");
    }
}
