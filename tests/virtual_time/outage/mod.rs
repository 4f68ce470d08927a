//! A server that does not answer: how many failures, since when, and what is sent to be sure.

mod alert;
mod confirming;
mod kept;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use llm_prober::config::Config;
use llm_prober::daemon::{Daemon, Memory};
use llm_prober::metrics::{Metrics, MetricsOptions};
use llm_prober::simulate::SimulatorConfig;
use llm_prober::transport::PipeDialer;
use llm_prober::watcher::{OutageWatch, WallClock};
use tokio::time::Instant;

use crate::common::exposition::Exposition;
use crate::common::simulated::{Dialers, Server, dial};

const MINUTE: u64 = 60;

/// A server that can be killed and started again.
#[derive(Clone)]
struct Mortal {
    server: Server,
    dead: Arc<AtomicBool>,
}

impl Mortal {
    fn new(config: SimulatorConfig) -> Self {
        Self { server: Server::new(config), dead: Arc::default() }
    }

    fn kill(&self, dead: bool) {
        self.dead.store(dead, Ordering::Relaxed);
    }

    fn dialer(&self) -> PipeDialer {
        let (mortal, alive) = (self.clone(), self.server.dialer());
        Arc::new(
            move || {
                if mortal.dead.load(Ordering::Relaxed) { tokio::io::duplex(1).0 } else { alive() }
            },
        )
    }
}

/// A wall clock that goes with the paused one; it starts where promtool's does.
fn clock() -> WallClock {
    let start = Instant::now();
    Arc::new(move || UNIX_EPOCH + start.elapsed())
}

/// One target; every probe has a connection of its own.
fn yaml(settings: &str) -> String {
    format!(
        "seed: 3\n\
         workloads: {{w: {{prompts: {{inline: [hi]}}, max_output_tokens: 4}}}}\n\
         change_detection: {{enabled: false}}\n\
         targets: [{{name: t, url: 'http://t.test/v1', model: m, connection: fresh{settings}}}]\n"
    )
}

fn start(yaml: &str, server: PipeDialer) -> Arc<Daemon> {
    started(&clock(), crate::common::config(yaml), None, server)
}

fn started(
    clock: &WallClock,
    config: Config,
    source: Option<std::path::PathBuf>,
    server: PipeDialer,
) -> Arc<Daemon> {
    let metrics = Metrics::new(MetricsOptions::default());
    let dial = dial(Dialers::from([("t", Arc::clone(&server)), ("u", server)]));
    let (clock, memory) = (Arc::clone(clock), Memory::default());
    Daemon::start_with(clock, memory, config, source, metrics, dial).unwrap()
}

fn sum(daemon: &Daemon, name: &str) -> f64 {
    Exposition::of(&daemon.metrics).sum(&format!("llm_prober_{name}"), &[])
}

/// Failures in a row of the only target, without the cost of a scrape.
fn row(daemon: &Daemon) -> Option<u64> {
    watch(daemon).outage().failures_in_a_row()
}

/// Since when it is unanswered, in milliseconds of the clock.
fn since(daemon: &Daemon) -> Option<u64> {
    watch(daemon).outage().unanswered_since()
}

fn confirmed(daemon: &Daemon) -> u64 {
    watch(daemon).confirming()
}

fn watch(daemon: &Daemon) -> Arc<OutageWatch> {
    ["t", "u"].iter().find_map(|name| daemon.outage(name)).unwrap()
}

/// Waits, a tenth of a second at a time, until something holds; how long that took.
async fn until(what: &str, holds: impl Fn() -> bool) -> Duration {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(24 * 3600), "{what}: not within a day");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    start.elapsed()
}
