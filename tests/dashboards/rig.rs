//! A daemon with targets that have something for every panel, and a Prometheus that scrapes it.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::common::daemon::Program;
use crate::common::gpu_library::{Age, library, write_script};
use crate::common::in_process::simulator;
use crate::common::prometheus::Prometheus;
use crate::common::scripted::{self, CHUNKED, LAST_CHUNK, Step, always, chunk, finish, token};
use crate::common::tls::TlsServer;

/// All that runs.
pub struct Rig {
    pub prometheus: Prometheus,
    daemon: Program,
    folder: tempfile::TempDir,
    targets: String,
    /// At which there is a sweep.
    minute: String,
    _tls: TlsServer,
}

/// Errors, stalls and broken ends now and then.
const SIMULATOR: &str = "model: m\nttft: 20ms\nitl: 2ms\njitter: 0.3\nprefix_cache: true\n\
    faults: {truncate: {probability: 0.1}, http_status: {probability: 0.1, status: 503}}\n";

/// One that throttles, and one that is divided.
const GPUS: &str = "gpus 2\ngpu 0 hot\ngpu 0 busy\ngpu 1 mig 2\n";
/// Once Prometheus has seen them without.
const ERROR: &str = "gpu 0 xid 79\n";
const NO_ERROR: &str = r#"llm_prober_gpu_xid_errors_total{gpu="0", xid="79"} == 0"#;

/// A server that names its rate limits, its stages, and cached and reasoning tokens.
fn talkative() -> Vec<Step> {
    let limits = "text/event-stream\r\nx-ratelimit-limit-requests: 100\r\n\
        x-ratelimit-remaining-requests: 60";
    let usage = serde_json::json!({
        "choices": [],
        "usage": {
            "prompt_tokens": 9,
            "completion_tokens": 2,
            "prompt_tokens_details": {"cached_tokens": 4},
            "completion_tokens_details": {"reasoning_tokens": 1},
        },
        "timings": {"prompt_ms": 3.5, "predicted_ms": 7.5},
    });
    let head = CHUNKED.replace("text/event-stream", limits);
    let said = [token("one"), token(" two"), chunk(&format!("data: {usage}\n\n")), finish()];
    vec![Step::Request, scripted::send(format!("{head}{}{LAST_CHUNK}", said.concat()))]
}

impl Rig {
    /// Starts everything; `options` are more lines of the scrape job, `flags` those of Prometheus,
    /// `form` is that of the histograms.
    pub async fn start(options: &str, flags: &[&str], form: &str) -> Option<Self> {
        let (simulated, compared) = (simulator(SIMULATOR).await, simulator(SIMULATOR).await);
        let (scripted, _) = scripted::tcp(always(talkative())).await;
        // Slow enough that a busy machine does not make the prober the bottleneck.
        let swept = simulator("model: m\nttft: 2s\nitl: 100ms\nanswer_tokens: 8\n").await;
        let tls = TlsServer::start("localhost", talkative()).await;
        // One at a time: only a probe that is alone has its energy and its parts measured.
        let hosted = "price: {input_per_million: 1, output_per_million: 2}, \
            server_metrics: /metrics, gpus: [0], gpus_exclusive: true, max_in_flight: 1";
        let target = |name: &str, url: String, more: &str| {
            format!("{{name: {name}, url: '{url}/v1', model: m, {more}}}")
        };
        let trusted = format!("connection: fresh, tls: {{ca_file: '{}'}}", tls.ca_file.display());
        let targets = [
            target("simulated", format!("http://{simulated}"), hosted),
            target("before", format!("http://{compared}"), ""),
            target("after", format!("http://{compared}"), ""),
            target("talkative", format!("http://{scripted}"), "connection: fresh"),
            target("swept", format!("http://{swept}"), "slos: []"),
            target("secured", format!("https://localhost:{}", tls.address.port()), &trusted),
        ]
        .join(", ");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("llm-prober.yml");
        let minute = next_minute();
        write(&file, &targets, 1, &minute);
        let script = folder.path().join("gpus");
        write_script(&script, GPUS);
        let flags_of_daemon = [
            format!("--config.file={}", file.display()),
            "--web.listen-address=127.0.0.1:0".to_owned(),
            format!("--metrics.histograms={form}"),
        ];
        let daemon = Program::start(flags_of_daemon, &[("NVML_SCRIPT", script.to_str().unwrap())]);
        rules(folder.path());
        let config = format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\n\
             rule_files: ['{}/*.rules.yml']\n\
             scrape_configs:\n  - job_name: llm-prober\n{options}    \
             static_configs: [{{targets: ['{}']}}]\n",
            folder.path().display(),
            daemon.address().await
        );
        let prometheus = Prometheus::start_with(&config, flags).await?;
        prometheus.wait_for(NO_ERROR).await;
        write_script(&script, &format!("{GPUS}{ERROR}"));
        Some(Self { prometheus, daemon, folder, targets, minute, _tls: tls })
    }

    /// Another version of the model is in use from now on.
    pub fn deploy(&self) {
        write(&self.folder.path().join("llm-prober.yml"), &self.targets, 2, &self.minute);
        self.daemon.signal("HUP");
    }
}

/// A minute that begins in half a minute at the earliest, as a time of day: the daemon runs by then.
fn next_minute() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let minutes = (since.as_secs() + 90) / 60;
    format!("{:02}:{:02}", minutes / 60 % 24, minutes % 60)
}

fn write(file: &Path, targets: &str, version: u32, minute: &str) {
    let yaml = format!(
        "gpu: {{library: {}}}\n\
         defaults: {{interval: 100ms, timeout: 5s}}\n\
         workloads:\n  \
           chat: {{prompts: {{inline: [Count.]}}, expect: {{min_output_tokens: 3}}}}\n  \
           again: {{prompts: {{inline: [Count again.]}}, prefix: shared}}\n\
         slos:\n  \
           interactive: {{objective: 0.97, ttft: 25ms, itl: 50ms, longest_gap: 500ms}}\n\
         comparisons:\n  \
           - {{name: canary, baseline: before, candidate: after, interval: 100ms, \
              agreement: {{length_ratio: 2}}}}\n\
         sweeps:\n  \
           - {{name: nightly, target: swept, concurrency: [1, 2], requests_per_level: 4, \
              max_output_tokens: 1M, max_duration: 1m, at: '{minute}'}}\n\
         targets: [{}]\n",
        library(Age::New).display(),
        targets.replace("model: m", &format!("model: m, version: {{model_version: v{version}}}"))
    );
    std::fs::write(file, yaml).unwrap();
}

/// The shipped rules, evaluated every second.
fn rules(folder: &Path) {
    for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/alerts")).unwrap() {
        let file = file.unwrap().path();
        if file.extension().is_some_and(|e| e == "yml") {
            let text = std::fs::read_to_string(&file).unwrap();
            let often = text.replace("interval: 1m", "interval: 1s");
            std::fs::write(folder.join(file.file_name().unwrap()), often).unwrap();
        }
    }
}
