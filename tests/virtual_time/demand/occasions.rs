//! Probes on certain occasions: the first ones, after a silence, at certain hours, twice the same.

use std::time::Duration;

use llm_prober::simulate::SimulatorConfig;

use super::start_at;
use crate::common::config;
use crate::common::exposition::Exposition;
use crate::common::simulated::{Dialers, Server, exact, start};
use crate::seconds;

/// 2026-01-05 was a Monday.
const MONDAY: u64 = 1_767_571_200;
const HOUR: u64 = 3_600;

fn yaml(settings: &str) -> String {
    format!(
        "seed: 3\n\
         workloads: {{w: {{prompts: {{inline: [hi]}}, max_output_tokens: 4}}}}\n\
         slos: {{s: {{objective: 0.99, ttft: 1s}}}}\n\
         targets: [{{name: t, url: 'http://t.test/v1', model: m, arrival: constant, {settings}}}]"
    )
}

fn sum(scrape: &Exposition, name: &str) -> f64 {
    scrape.sum(&format!("llm_prober_{name}"), &[])
}

#[tokio::test(start_paused = true)]
async fn probes_that_find_the_target_cold_have_series_of_their_own() {
    let server = Server::new(exact(4));
    let dialers = Dialers::from([("t", server.dialer())]);
    let daemon = start(config(&yaml("interval: 60s, cold_after: 30s")), dialers);
    seconds(600).await;
    daemon.drain().await;
    let scrape = Exposition::of(&daemon.metrics);
    // How long nobody had asked before the first one is not known; after the last but one, either.
    let cold = sum(&scrape, "cold_probes_total");
    assert_eq!(cold + sum(&scrape, "probes_total"), server.requests());
    assert!(cold >= 8.0 && sum(&scrape, "probes_total") <= 2.0, "{cold}");
    assert_eq!(sum(&scrape, "cold_time_to_first_token_seconds_count"), cold);
    assert_eq!(sum(&scrape, "slo_probes_total"), sum(&scrape, "probes_total"));
    assert_eq!(sum(&scrape, "cold_probe_failures_total"), 0.0);
    // Asked more often it stays warm.
    let server = Server::new(exact(4));
    let dialers = Dialers::from([("t", server.dialer())]);
    let daemon = start(config(&yaml("interval: 10s, cold_after: 30s")), dialers);
    seconds(600).await;
    let scrape = Exposition::of(&daemon.metrics);
    assert_eq!(
        (sum(&scrape, "cold_probes_total"), sum(&scrape, "probes_total") > 50.0),
        (0.0, true)
    );
}

#[tokio::test(start_paused = true)]
async fn warm_up_probes_count_nowhere() {
    let server = Server::new(exact(4));
    let dialers = Dialers::from([("t", server.dialer())]);
    let daemon = start(config(&yaml("interval: 10s, warm_up: 5")), dialers);
    seconds(300).await;
    daemon.drain().await;
    let scrape = Exposition::of(&daemon.metrics);
    assert_eq!(sum(&scrape, "probes_total"), server.requests() - 5.0);
    assert_eq!(sum(&scrape, "time_to_first_token_seconds_count"), server.requests() - 5.0);
    assert_eq!(daemon.history.probes("t").len() + 5, usize_of(server.requests()));
}

fn usize_of(n: f64) -> usize {
    format!("{n}").parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn arrivals_outside_of_the_active_hours_are_skipped_and_counted() {
    let server = Server::new(exact(4));
    let hours = "interval: 60s, active_hours: [{days: [mon, tue], from: '08:00', to: '18:00'}]";
    let dialers = Dialers::from([("t", server.dialer())]);
    let daemon = start_at(MONDAY, &yaml(hours), dialers);
    let mut before = 0.0;
    for (until, expect) in [(8, 0), (18, 600), (32, 0), (42, 600), (72, 0)] {
        let passed = [0, 8, 18, 32, 42, 72].into_iter().rfind(|hour| *hour < until).unwrap();
        seconds((until - passed) * HOUR).await;
        let probes = server.requests();
        assert!((probes - before - f64::from(expect)).abs() <= 1.0, "{until}: {probes}");
        before = probes;
    }
    let scrape = Exposition::of(&daemon.metrics);
    let skipped = scrape.sum("llm_prober_probes_skipped_total", &["reason=\"off_hours\""]);
    assert_eq!(skipped + server.requests(), 72.0 * 60.0 + 1.0);
}

async fn cache(simulator: SimulatorConfig, settings: &str) -> (Exposition, Server) {
    let server = Server::new(simulator);
    let dialers = Dialers::from([("t", server.dialer())]);
    let daemon = start(config(&yaml(settings)), dialers);
    seconds(HOUR).await;
    daemon.drain().await;
    (Exposition::of(&daemon.metrics), server)
}

#[tokio::test(start_paused = true)]
async fn a_prefix_cache_is_found_to_work_or_not() {
    let settings = "interval: 600s, prefix_cache_check: {every: 5m, input_tokens: 2000}";
    let reads = SimulatorConfig { prefill_rate: Some(2_000.0), ..exact(4) };
    let (scrape, server) =
        cache(SimulatorConfig { prefix_cache: true, ..reads.clone() }, settings).await;
    assert_eq!(scrape.values("llm_prober_prefix_cache_working", &[]), [1.0]);
    assert!(sum(&scrape, "prefix_cache_check_cached_ratio") > 0.9, "{scrape}");
    assert!(sum(&scrape, "prefix_cache_check_ttft_ratio") < 0.5, "{scrape}");
    // In no other figure.
    let looks = server.requests() - sum(&scrape, "probes_total");
    assert!((20.0..=24.0).contains(&looks), "{looks}");
    let (scrape, _) = cache(SimulatorConfig { prefix_cache: false, ..reads }, settings).await;
    assert_eq!(scrape.values("llm_prober_prefix_cache_working", &[]), [0.0]);
    let (scrape, _) = cache(exact(4), "interval: 600s").await;
    assert_eq!(scrape.values("llm_prober_prefix_cache_working", &[]), Vec::<f64>::new());
}

/// Three targets that may each have as many under way as they like.
async fn crowded(settings: &str) -> (f64, f64) {
    let slow = SimulatorConfig { ttft: Duration::from_secs(20), slots: 1_000, ..exact(40) };
    let server = Server::new(slow);
    let yaml = format!(
        "seed: 3\n{settings}\n\
         workloads: {{w: {{prompts: {{inline: [hi]}}, max_output_tokens: 40}}}}\n\
         targets:\n\
         - {{name: a, url: 'http://a.test/v1', model: m}}\n\
         - {{name: b, url: 'http://b.test/v1', model: m}}\n\
         - {{name: c, url: 'http://c.test/v1', model: m}}\n"
    );
    let dialers = ["a", "b", "c"].map(|name| (name, server.dialer()));
    let daemon = start(config(&yaml), Dialers::from(dialers));
    let mut most = 0.0_f64;
    for _ in 0..30 {
        seconds(10).await;
        most = most.max(sum(&Exposition::of(&daemon.metrics), "probes_in_flight"));
    }
    let skipped = ["reason=\"in_flight_limit\""];
    let scrape = Exposition::of(&daemon.metrics);
    (most, scrape.sum("llm_prober_probes_skipped_total", &skipped))
}

#[tokio::test(start_paused = true)]
async fn all_targets_share_their_places_and_those_in_prefill_are_few() {
    let often = "interval: 1s, arrival: constant, max_in_flight: 50";
    let (most, skipped) = crowded(&format!("defaults: {{{often}}}")).await;
    assert!(most > 55.0 && skipped == 0.0, "{most} {skipped}");
    let (most, skipped) = crowded(&format!("defaults: {{{often}}}\nmax_in_flight: 7")).await;
    assert!(most == 7.0 && skipped > 500.0, "{most} {skipped}");
    // Of each target two are waited for, and hardly one is in the moment after that.
    let (most, skipped) = crowded(&format!("defaults: {{{often}, max_in_prefill: 2}}")).await;
    assert!((6.0..=12.0).contains(&most) && skipped > 500.0, "{most} {skipped}");
}
