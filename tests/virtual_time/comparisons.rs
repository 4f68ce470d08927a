//! Two simulated servers side by side: what is found, and what is not.

use std::sync::Arc;
use std::time::Duration;

use llm_prober::daemon::Daemon;
use llm_prober::simulate::{Chance, Fault, Load, Phase, SimulatorConfig, Source, Swing};

use super::seconds;
use crate::common::config;
use crate::common::exposition::Exposition;
use crate::common::simulated::{Dialers, Server, exact, start};

const HOUR: u64 = 3600;

/// Both targets are asked by the comparison alone, as good as.
fn yaml(comparison: &str) -> String {
    format!(
        "seed: 3\n\
         defaults: {{interval: 7d, max_in_flight: 8, slos: []}}\n\
         workloads: {{w: {{prompts: {{inline: [hi, ho]}}, max_output_tokens: 8}}}}\n\
         targets:\n  - {{name: a, url: 'http://a.test/v1', model: m}}\n  \
           - {{name: b, url: 'http://b.test/v1', model: m}}\n\
         comparisons: [{{name: canary, baseline: a, candidate: b, interval: 15s{comparison}}}]\n"
    )
}

/// Answers vary as real ones do.
fn lively(seed: u64) -> SimulatorConfig {
    SimulatorConfig { jitter: 0.25, seed, ..exact(8) }
}

struct Rig {
    daemon: Arc<Daemon>,
    servers: [Server; 2],
}

impl Rig {
    fn new(baseline: SimulatorConfig, candidate: SimulatorConfig, comparison: &str) -> Self {
        let servers = [Server::new(baseline), Server::new(candidate)];
        let dialers = Dialers::from([("a", servers[0].dialer()), ("b", servers[1].dialer())]);
        Self { daemon: start(config(&yaml(comparison)), dialers), servers }
    }

    fn scrape(&self) -> Exposition {
        Exposition::of(&self.daemon.metrics)
    }

    fn sum(&self, name: &str, labels: &[&str]) -> f64 {
        self.scrape().sum(&format!("llm_prober_comparison_{name}"), labels)
    }

    fn verdicts(&self) -> [f64; 2] {
        ["regressed", "not_worse"].map(|v| self.sum("verdict", &[&format!("verdict=\"{v}\"")]))
    }
}

#[tokio::test(start_paused = true)]
async fn a_slower_candidate_has_regressed() {
    let slow = SimulatorConfig {
        ttft: Duration::from_millis(240),
        itl: Duration::from_millis(12),
        ..lively(2)
    };
    let rig = Rig::new(lively(1), slow, "");
    seconds(2 * HOUR).await;
    assert_eq!(rig.verdicts(), [1.0, 0.0], "{}", rig.scrape());
    println!("{}", rig.scrape());
}
