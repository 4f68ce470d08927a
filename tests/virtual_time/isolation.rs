//! A broken target disturbs no other one.

use std::sync::Arc;

use llm_prober::memory::history::FAILED;
use llm_prober::simulate::SimulatorConfig;
use llm_prober::transport::PipeDialer;

use super::seconds;
use crate::common::config;
use crate::common::exposition::Exposition;
use crate::common::scripted::{Step, always, pipe};
use crate::common::simulated::{Dialers, Server, exact, start};

fn target(name: &str) -> String {
    format!("  - {{name: {name}, url: 'http://{name}.test/v1', model: m, max_in_flight: 2}}\n")
}

fn yaml(targets: &[&str]) -> String {
    let head = "seed: 5\n\
        workloads: {w: {weight: 1, prompts: {inline: [hi]}, max_output_tokens: 8}}\n\
        defaults: {interval: 10s, timeout: 60s}\n\
        targets:\n";
    targets.iter().fold(head.to_owned(), |yaml, name| yaml + &target(name))
}

/// A server whose answers vary.
fn lively() -> Server {
    Server::new(SimulatorConfig { jitter: 0.5, ..exact(8) })
}

#[tokio::test(start_paused = true)]
async fn others_measure_exactly_what_they_would_beside_healthy_ones() {
    const NAMES: [&str; 4] = ["dead", "silent", "good", "panics"];
    let dialers = NAMES.map(|name| (name, lively().dialer()));
    let alone = start(config(&yaml(&NAMES)), Dialers::from(dialers));
    seconds(3600).await;
    let expect = Exposition::of(&alone.metrics);
    alone.drain().await;

    let server = lively();
    let dead: PipeDialer = Arc::new(|| tokio::io::duplex(1).0);
    let panics: PipeDialer = Arc::new(|| panic!("a defect"));
    let dialers = Dialers::from([
        ("good", server.dialer()),
        ("dead", dead),
        ("panics", panics),
        ("silent", pipe(always([Step::Hold])).0),
    ]);
    let daemon = start(config(&yaml(&NAMES)), dialers);
    seconds(3600).await;
    let all = Exposition::of(&daemon.metrics);
    assert!(expect.of_target("good").len() > 100);
    assert_eq!(all.of_target("good"), expect.of_target("good"));

    for (target, reason) in [("dead", "truncated"), ("panics", "internal"), ("silent", "timeout")] {
        let target = format!("target=\"{target}\"");
        let reason = format!("reason=\"{reason}\"");
        let probes = all.sum("llm_prober_probes_total", &[&target]);
        let failures = all.sum("llm_prober_probe_failures_total", &[&target, &reason]);
        assert!(probes > 50.0, "{target}: {probes}");
        assert_eq!(failures, probes, "{target}");
        let in_flight = all.sum("llm_prober_probes_in_flight", &[&target]);
        assert!(in_flight <= 2.0, "{target}: {in_flight}");
    }
    assert_eq!(all.sum("llm_prober_probes_in_flight", &["target=\"panics\""]), 0.0);
    assert_eq!(daemon.history.probes("panics").len(), FAILED);
}
