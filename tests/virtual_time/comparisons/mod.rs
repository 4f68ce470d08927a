//! Two servers side by side.

mod agreement;
mod recorded;
mod reload;
mod restart;
mod rounds;
mod verdicts;

use std::sync::Arc;

use llm_prober::daemon::Daemon;
use llm_prober::simulate::SimulatorConfig;
use llm_prober::transport::PipeDialer;

use crate::common::config;
use crate::common::exposition::Exposition;
use crate::common::simulated::{Dialers, exact, start};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// Both targets are asked by the comparison alone, as good as; `settings` are further keys of it.
fn yaml(settings: &str) -> String {
    format!(
        "seed: 3\n\
         defaults: {{interval: 7d, max_in_flight: 8, slos: []}}\n\
         workloads: {{w: {{prompts: {{inline: [hi, ho]}}, max_output_tokens: 8}}}}\n\
         targets:\n  - {{name: a, url: 'http://a.test/v1', model: m}}\n  \
           - {{name: b, url: 'http://b.test/v1', model: m}}\n\
         comparisons: [{{name: canary, baseline: a, candidate: b, interval: 15s{settings}}}]\n"
    )
}

/// Answers vary as real ones do, and of each seed in its own way.
fn lively(seed: u64) -> SimulatorConfig {
    SimulatorConfig { jitter: 0.25, seed, ..exact(8) }
}

fn daemon(yaml: &str, baseline: PipeDialer, candidate: PipeDialer) -> Arc<Daemon> {
    start(config(yaml), Dialers::from([("a", baseline), ("b", candidate)]))
}

/// The sum of a family's series with these labels.
fn sum(daemon: &Daemon, name: &str, labels: &[&str]) -> f64 {
    Exposition::of(&daemon.metrics).sum(&format!("llm_prober_{name}"), labels)
}

/// Rounds that were judged.
fn pairs(daemon: &Daemon) -> f64 {
    sum(daemon, "comparison_pairs_total", &[])
}

/// Rounds that were not, for a reason.
fn dropped(daemon: &Daemon, reason: &str) -> f64 {
    sum(daemon, "comparison_rounds_dropped_total", &[&format!("reason=\"{reason}\"")])
}
