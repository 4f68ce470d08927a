//! The energy of probes that have their GPU to themselves.

use std::net::SocketAddr;
use std::time::Duration;

use llm_prober::simulate::{Simulator, SimulatorConfig};

use crate::common::daemon::Program;
use crate::common::exposition::Exposition;
use crate::gpu::{Age, Machine};

const TOKENS: u32 = 8;
const WATTS: f64 = 500.0;
const ENERGY: &str = "llm_prober_probe_energy_joules_per_output_token";

/// A server whose every answer takes at least 120 ms.
async fn server() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (ttft, itl) = (Duration::from_millis(50), Duration::from_millis(10));
    let config = SimulatorConfig { ttft, itl, answer_tokens: TOKENS, ..SimulatorConfig::default() };
    tokio::spawn(async move {
        Simulator::new(config).serve(listener, std::future::pending()).await;
    });
    address
}

/// Probes GPU 0 with these settings of the targets until some probes are over.
async fn probe(targets: &[&str]) -> (Program, Exposition) {
    probe_on("", targets).await
}

/// As [`probe`], with more said of the GPUs.
async fn probe_on(gpus: &str, targets: &[&str]) -> (Program, Exposition) {
    let machine = Machine::new(&format!("gpus 2\ngpu 0 watts {WATTS}\n{gpus}"));
    let url = format!("http://{}/v1", server().await);
    let entry = |(i, more): (usize, &&str)| {
        format!("- {{name: t{i}, url: '{url}', model: simulated, arrival: constant, {more}}}\n")
    };
    let entries: String = targets.iter().enumerate().map(entry).collect();
    let daemon =
        machine.daemon_with(Age::New, "retry: 100ms", &format!("targets:\n{entries}"), &[]).await;
    let succeeded = |m: &Exposition| {
        let all = m.sum("llm_prober_probes_total", &[]);
        all - m.sum("llm_prober_probe_failures_total", &[]) >= 8.0
    };
    let seen = daemon.until("probes", succeeded).await;
    (daemon, seen)
}

fn samples(metrics: &Exposition) -> f64 {
    metrics.sum(&format!("{ENERGY}_count"), &[])
}

#[tokio::test]
async fn a_probe_alone_on_its_gpu_has_its_energy_measured() {
    let uuid = "GPU-00000000-0000-4000-8000-000000000000";
    let settings = format!("interval: 400ms, gpus: [{uuid}], gpus_exclusive: true");
    let (daemon, _) = probe(&[&settings]).await;
    let seen = daemon.until("energy", |m| samples(m) >= 3.0).await;
    // Each answer took at least from its first token to its last, and the power is constant.
    let least = WATTS * 0.07 / f64::from(TOKENS);
    let mean = seen.sum(&format!("{ENERGY}_sum"), &[]) / samples(&seen);
    assert!(mean >= least, "{mean} J per token, expected at least {least}\n{seen}");
}

/// Without the server's word nobody knows who else it serves.
#[tokio::test]
async fn what_is_not_known_is_not_guessed() {
    let (_daemon, seen) = probe(&["interval: 400ms, gpus: [0]"]).await;
    assert_eq!(samples(&seen), 0.0, "{seen}");
    // The series is there, at 0.
    assert!(!seen.values(&format!("{ENERGY}_count"), &[]).is_empty());
}

/// What a server says of itself is true of its GPU, unless others have parts of it.
#[tokio::test]
async fn a_server_that_says_it_is_alone_is_so_on_a_whole_gpu_only() {
    let settings = "interval: 400ms, gpus: [0], server_metrics: {url: /metrics}";
    let (daemon, _) = probe(&[settings]).await;
    daemon.until("energy", |m| samples(m) >= 1.0).await;
    let (_daemon, seen) = probe_on("gpu 0 mig 2\n", &[settings]).await;
    assert_eq!(samples(&seen), 0.0, "{seen}");
}

#[tokio::test]
async fn a_target_without_gpus_has_no_series() {
    let (_daemon, seen) = probe(&["interval: 400ms"]).await;
    assert!(seen.values(&format!("{ENERGY}_count"), &[]).is_empty());
}

/// Two targets on one GPU, named differently, so dense that no probe is ever alone.
#[tokio::test]
async fn probes_beside_each_other_have_no_energy() {
    let uuid = "GPU-00000000-0000-4000-8000-000000000000";
    let dense = |gpu: &str| {
        format!("interval: 20ms, max_in_flight: 50, gpus: ['{gpu}'], gpus_exclusive: true")
    };
    let by_index = dense(uuid).replace(&format!("'{uuid}'"), "0");
    let (_daemon, seen) = probe(&[&dense(uuid), &by_index]).await;
    assert_eq!(samples(&seen), 0.0, "{seen}");
}

/// A GPU that is not there tells nothing.
#[tokio::test]
async fn an_absent_gpu_has_no_energy() {
    let (_daemon, seen) = probe(&["interval: 400ms, gpus: [7], gpus_exclusive: true"]).await;
    assert_eq!(samples(&seen), 0.0, "{seen}");
}
