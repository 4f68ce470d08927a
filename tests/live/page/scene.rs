//! The real program on simulated servers: a healthy one, a broken one, and hostile names.

use std::fmt::Write;
use std::net::SocketAddr;

use crate::common::daemon::Program;
use crate::common::gpu_library::{Age, library};
use crate::common::in_process::simulator;

/// Names that mean something in HTML, in an address or to a browser.
pub const HOSTILE: [&str; 7] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "org/model v2?a=b&c#d%20",
    "größe 模型",
    "..",
    "'; drop table & co.",
    "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW",
];

const HEALTHY: &str = "{model: simulated, ttft: 15ms, itl: 2ms, answer_tokens: 12}";
const BROKEN: &str = "{model: simulated, ttft: 15ms, itl: 2ms, answer_tokens: 12, \
                      faults: {truncate: {probability: 1, after_tokens: 5}}}";

/// A running program; its configuration lives as long.
pub struct Scene {
    pub daemon: Program,
    _folder: tempfile::TempDir,
}

impl Scene {
    /// `targets` are lines of the configuration, made from the two servers' addresses; further
    /// keys may follow them.
    pub async fn start(targets: impl Fn(SocketAddr, SocketAddr) -> String) -> Self {
        Self::with(&[], targets).await
    }

    async fn with(flags: &[&str], targets: impl Fn(SocketAddr, SocketAddr) -> String) -> Self {
        let (healthy, broken) = (simulator(HEALTHY).await, simulator(BROKEN).await);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("llm-prober.yml");
        let config = format!(
            "defaults: {{interval: 150ms, timeout: 10s}}\n\
             slos: {{interactive: {{objective: 0.95, window: 30d, ttft: 5s, itl: 2s}}}}\n\
             targets:\n{}",
            targets(healthy, broken)
        );
        std::fs::write(&file, config).unwrap();
        let flags = flags.iter().map(|&flag| flag.to_owned());
        let flags = flags.chain([format!("--config.file={}", file.display())]);
        Self { daemon: Program::daemon(flags).await, _folder: folder }
    }

    /// A healthy target, `steady`, and one whose answers break off, `broken`, also compared with
    /// each other as `canary`; two GPUs.
    pub async fn usual() -> Self {
        Self::usual_with(&[]).await
    }

    /// As [`Scene::usual`], started with further flags.
    pub async fn usual_with(flags: &[&str]) -> Self {
        let steady = "labels: {team: search}, version: {hardware: H100}, server_metrics: /metrics";
        let gpus = format!("gpu: {{library: {}}}\n", library(Age::New).display());
        let scene = Self::with(flags, |healthy, broken| {
            target("steady", healthy, steady)
                + &target("broken", broken, "labels: {team: ads}")
                + "comparisons:\n"
                + &comparison("canary", "steady", "broken")
                + &gpus
        });
        let scene = scene.await;
        scene.probed(&["steady", "broken"]).await;
        scene
    }

    /// Waits until each of these targets has been probed.
    pub async fn probed(&self, names: &[&str]) {
        let counted = |name: &str| format!("target=\"{}\"", name.replace('"', "\\\""));
        let labels: Vec<_> = names.iter().map(|name| counted(name)).collect();
        let ended = |label: &String, m: &crate::common::exposition::Exposition| {
            m.sum("llm_prober_probe_success", &[label])
                + m.sum("llm_prober_probe_failures_total", &[label])
                >= 2.0
        };
        self.daemon.until("probes", |m| labels.iter().all(|label| ended(label, m))).await;
    }

    /// A page, which must be there.
    pub async fn page(&self, path: &str) -> String {
        let answer = self.daemon.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.text().to_owned()
    }
}

/// A target's line. The name is quoted as YAML wants it.
pub fn target(name: &str, server: SocketAddr, settings: &str) -> String {
    let mut line = String::new();
    let name = name.replace('\'', "''");
    let comma = if settings.is_empty() { "" } else { ", " };
    let _ = writeln!(
        line,
        "  - {{name: '{name}', url: 'http://{server}/v1', model: simulated{comma}{settings}}}"
    );
    line
}

/// A comparison's line.
pub fn comparison(name: &str, baseline: &str, candidate: &str) -> String {
    let [name, baseline, candidate] =
        [name, baseline, candidate].map(|name| format!("'{}'", name.replace('\'', "''")));
    format!("  - {{name: {name}, baseline: {baseline}, candidate: {candidate}, interval: 150ms}}\n")
}
