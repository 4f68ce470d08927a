//! Targets against their own past.

mod alarms;
mod reference;
mod restart;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use llm_prober::config::Config;
use llm_prober::daemon::{Daemon, Memory};
use llm_prober::memory::state::{BUDGETS, CHANGE, Saved};
use llm_prober::metrics::{Metrics, MetricsOptions};
use llm_prober::simulate::{Phase, SimulatorConfig};
use llm_prober::watcher::WallClock;
use tokio::time::Instant;

use crate::common::exposition::Exposition;
use crate::common::simulated::{Dialers, Server, dial, exact};

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

/// Answers vary as real ones do.
fn lively() -> SimulatorConfig {
    SimulatorConfig { jitter: 0.25, seed: 5, ..exact(8) }
}

/// Slower by a fifth to the first token from one hour on, for some hours.
fn slower(after: u64, lasts: u64) -> Phase {
    Phase {
        after: Duration::from_secs(after * HOUR),
        lasts: Some(Duration::from_secs(lasts * HOUR)),
        ttft_factor: 1.2,
        ..Phase::default()
    }
}

/// A wall clock that goes with the paused one, from midnight on.
fn clock() -> WallClock {
    let start = Instant::now();
    Arc::new(move || UNIX_EPOCH + Duration::from_secs(20_003 * DAY) + start.elapsed())
}

/// One daemon after another, with one server and one folder.
struct Rig {
    server: Server,
    clock: WallClock,
    folder: tempfile::TempDir,
}

impl Rig {
    fn new(server: SimulatorConfig) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { server: Server::new(server), clock: clock(), folder }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("llm-prober.yml")
    }

    fn state_file(&self) -> PathBuf {
        self.folder.path().join("state/state.redb")
    }

    /// What is written down of targets' pasts; no daemon may run.
    fn learnt(&self) -> serde_json::Value {
        let mut saved = Saved::open(&self.folder.path().join("state")).unwrap();
        saved.take(CHANGE).unwrap()
    }

    /// Output tokens of the day that are written down as spent; no daemon may run.
    fn spent(&self) -> f64 {
        let mut saved = Saved::open(&self.folder.path().join("state")).unwrap();
        let budgets: serde_json::Value = saved.take(BUDGETS).unwrap();
        budgets["a"]["output_tokens"].as_f64().unwrap()
    }

    /// Further keys of the target and of `change_detection`.
    fn write(&self, target: &str, change: &str) {
        let text = format!(
            "seed: 3\n\
             slos: {{quick: {{objective: 0.99, ttft: 500ms}}}}\n\
             workloads: {{w: {{prompts: {{inline: [hi]}}, max_output_tokens: 8}}}}\n\
             targets: [{{name: a, url: 'http://a.test/v1', model: m{target}}}]\n\
             change_detection: {{{change}}}\n"
        );
        std::fs::write(self.file(), text).unwrap();
    }

    /// Starts on what was written last.
    fn start(&self) -> Result<Arc<Daemon>, String> {
        let config = Config::load(&self.file()).map_err(|e| e.to_string())?;
        let metrics = Metrics::new(MetricsOptions::default());
        let dial = dial(Dialers::from([("a", self.server.dialer())]));
        // Hours pass in a second here.
        let open = |folder| Saved::open(folder).map(|saved| saved.every(Duration::from_secs(60)));
        let daemon = Daemon::start_from(
            config.state_dir.as_deref().map(open).transpose().map_err(|e| e.to_string())?,
            Arc::clone(&self.clock),
            Memory::default(),
            config,
            Some(self.file()),
            metrics,
            dial,
        );
        daemon.map_err(|e| e.to_string())
    }

    fn daemon(&self, change: &str) -> Arc<Daemon> {
        self.write("", change);
        self.start().unwrap()
    }
}

/// The value of a signal, if there is one.
fn value(daemon: &Daemon, name: &str, signal: &str) -> Option<f64> {
    only(daemon, name, &[&format!("signal=\"{signal}\"")])
}

/// What is told once for all signals of the workload, if it is.
fn of_workload(daemon: &Daemon, name: &str) -> Option<f64> {
    only(daemon, name, &[])
}

fn only(daemon: &Daemon, name: &str, more: &[&str]) -> Option<f64> {
    let labels = [&["comparison=\"\"", "target=\"a\"", "workload=\"w\""], more].concat();
    let values =
        Exposition::of(&daemon.metrics).values(&format!("llm_prober_change_{name}"), &labels);
    assert!(values.len() < 2, "{name}");
    values.first().copied()
}

/// How often any alarm went off.
fn alarms(daemon: &Daemon) -> f64 {
    Exposition::of(&daemon.metrics).sum("llm_prober_change_alarms_total", &[])
}

/// Everything that is exposed of changes.
fn exposed(daemon: &Daemon) -> Vec<String> {
    let scrape = daemon.metrics.encode(llm_prober::metrics::Format::ClassicText).unwrap();
    let text = String::from_utf8(scrape).unwrap();
    text.lines().filter(|l| l.starts_with("llm_prober_change_")).map(str::to_owned).collect()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}
