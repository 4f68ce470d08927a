//! GPUs: the daemon loads a real shared library in the shape of NVIDIA's, through the real loader,
//! and the genuine one without a driver.

mod absent;
mod compat;
mod energy;
mod events;
mod kinds;
mod trouble;
mod values;

use std::path::PathBuf;

use crate::common::daemon::Program;
use crate::common::exposition::Exposition;
use crate::common::gpu_library::{Age, library, write_script};

/// A machine with the GPUs of a script.
struct Machine {
    folder: tempfile::TempDir,
}

impl Machine {
    fn new(script: &str) -> Self {
        let machine = Self { folder: tempfile::tempdir().unwrap() };
        machine.script(script);
        machine
    }

    /// Changes the GPUs.
    fn script(&self, script: &str) {
        write_script(&self.path("script"), script);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The daemon with everything there is to see of GPUs, and a target that is never probed.
    async fn daemon(&self) -> Program {
        self.daemon_with(Age::New, "processes: true", IDLE, &[]).await
    }

    /// The daemon with further settings, targets and flags.
    async fn daemon_with(&self, age: Age, gpu: &str, targets: &str, flags: &[&str]) -> Program {
        let library = library(age).display();
        self.start(&format!("gpu: {{library: {library}, {gpu}}}\n{targets}"), flags).await
    }

    async fn start(&self, config: &str, flags: &[&str]) -> Program {
        std::fs::write(self.path("llm-prober.yml"), config).unwrap();
        let config = format!("--config.file={}", self.path("llm-prober.yml").display());
        let listen = "--web.listen-address=127.0.0.1:0".to_owned();
        let flags = flags.iter().map(|&flag| flag.to_owned()).chain([config, listen]);
        let script = self.path("script");
        let daemon = Program::start(flags, &[("NVML_SCRIPT", script.to_str().unwrap())]);
        daemon.address().await;
        daemon
    }
}

/// One probe per day, to nowhere.
const IDLE: &str = "targets: [{name: t, url: 'http://127.0.0.1:9/v1', model: m, interval: 1d}]\n";

/// A metric of ours by its name without the prefix.
fn name(short: &str) -> String {
    format!("llm_prober_gpu_{short}")
}

/// The values of a GPU's series that have these labels as well.
fn of(metrics: &Exposition, gpu: u32, short: &str, labels: &[&str]) -> Vec<f64> {
    let gpu = format!("gpu=\"{gpu}\"");
    metrics.values(&name(short), &[&[gpu.as_str()], labels].concat())
}

/// Waits until every GPU was looked at.
async fn looked(daemon: &Program, gpus: usize) -> Exposition {
    let all = |m: &Exposition| m.values(&name("collect_timestamp_seconds"), &[]).len() == gpus;
    daemon.until("look at every GPU", all).await
}

/// The lines of the log that speak of GPUs.
fn log(daemon: &Program) -> Vec<String> {
    let log = daemon.stderr();
    log.lines().filter(|line| line.contains("GPU")).map(str::to_owned).collect()
}
