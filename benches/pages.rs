//! How long the pages take with many targets, each with an hour of probes in the history:
//! `cargo bench --bench pages -- 1000`. Prints the time from a request on loopback to the last byte
//! of its answer.
#![allow(clippy::unwrap_used, clippy::print_stdout)]
#![allow(clippy::disallowed_methods)] // the server's task ends with the program

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use llm_prober::answer::failure::{Failure, FailureReason};
use llm_prober::answer::measure::Measurement;
use llm_prober::answer::outcome::Outcome;
use llm_prober::answer::rate_limit::RateLimit;
use llm_prober::answer::recording::{Offset, Recording};
use llm_prober::answer::slo::judge;
use llm_prober::config::Config;
use llm_prober::daemon::{Daemon, network};
use llm_prober::metrics::{Format, Metrics, MetricsOptions};
use llm_prober::probe::Probe;
use llm_prober::target::Target;
use llm_prober::target::request::ProbeId;
use llm_prober::transport::IoThreads;
use llm_prober::web::{self, Site, WebOptions};
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

const PER_MINUTE: i64 = 4;
const REQUESTS: usize = 20;

#[tokio::main]
async fn main() {
    let count = std::env::args().skip(1).find_map(|a| a.parse().ok()).unwrap_or(1_000);
    let config = config(count);
    let io = IoThreads::start(1).unwrap();
    let metrics = Metrics::new(MetricsOptions::default());
    let daemon = Daemon::start(config, None, metrics, network(io)).unwrap();
    for target in &daemon.config().targets {
        an_hour(&daemon, target);
    }
    println!("{count} targets, {} probes remembered", daemon.history.len());
    let id = daemon.history.probes("node-0001")[0].summary.id.as_str().to_owned();
    let address = serve(daemon).await;
    println!("{:<28} {:>9} {:>9} {:>9}", "page", "kB", "p50 ms", "max ms");
    let paths = ["/", "/?page=2", "/?q=node-00", "/?state=failing", "/targets/node-0001"];
    for path in paths.map(str::to_owned).into_iter().chain([format!("/probes/{id}")]) {
        measure(address, &path, "").await;
    }
    for format in Format::ALL {
        measure(address, "/metrics", format.content_type()).await;
    }
}

/// Targets that are not probed while this runs.
fn config(count: usize) -> Config {
    let mut yaml = "defaults: {interval: 7d}\ntargets:\n".to_owned();
    for i in 0..count {
        let team = i % 20;
        writeln!(yaml, "  - {{name: node-{i:04}, url: 'http://127.0.0.1:9/v1', model: m, labels: {{team: t{team}}}}}").unwrap();
    }
    Config::parse(&yaml, Path::new("bench.yml"), Path::new("")).unwrap()
}

/// Probes with times that differ, so that the digests are as full as they get; a few fail.
fn an_hour(daemon: &Daemon, target: &Arc<Target>) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = i64::try_from(now.as_nanos()).unwrap();
    for i in (0..60 * PER_MINUTE).rev() {
        let started = now - i * 60_000_000_000 / PER_MINUTE;
        let ttft = Duration::from_micros(u64::try_from(100_000 + i * 7_919 % 300_000).unwrap());
        let measurement = Measurement {
            ttft: Some(ttft),
            itl: Some(ttft / 20),
            request_latency: Some(ttft * 3),
            content_at: (0..64).map(|n| Offset(n * 10_000_000)).collect(),
            ..Measurement::default()
        };
        let failed = (i % 50 == 7).then(|| Failure::new(FailureReason::Stalled, ""));
        daemon.history.add(target, probe(target, started, measurement, failed));
    }
}

fn probe(
    target: &Target,
    started: i64,
    measurement: Measurement,
    failed: Option<Failure>,
) -> Probe {
    let verdicts =
        target.slos.iter().map(|slo| judge(slo, failed.is_none(), &measurement)).collect();
    let outcome = Outcome {
        result: failed.map_or(Ok(()), Err),
        http_status: Some(200),
        measurement,
        verdicts,
        timestamp_source: None,
        rejected_by: Vec::new(),
        request_limit: RateLimit::default(),
        token_limit: RateLimit::default(),
    };
    let workload = Arc::clone(&target.workloads[0]);
    Probe::new(ProbeId::random(), workload, Recording::begin(started), outcome)
}

async fn serve(daemon: Arc<Daemon>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let site = Site::new(daemon, WebOptions::default(), CancellationToken::new());
    tokio::spawn(web::serve(listener, site));
    address
}

async fn measure(address: SocketAddr, path: &str, accept: &str) {
    let client = reqwest::Client::builder().no_proxy();
    let client = client.tls_backend_preconfigured(nobody()).build().unwrap();
    let (mut times, mut bytes) = (Vec::new(), 0);
    for _ in 0..REQUESTS {
        let from = Instant::now();
        let answer = client
            .get(format!("http://{address}{path}"))
            .header("accept", accept)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        bytes = answer.bytes().await.unwrap().len();
        times.push(from.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    let shown: String = format!("{path} {accept}").chars().take(28).collect();
    println!(
        "{shown:<28} {:>9} {:>9.1} {:>9.1}",
        bytes / 1000,
        times[REQUESTS / 2],
        times[REQUESTS - 1]
    );
}

/// Plain HTTP only, but the client wants to know.
fn nobody() -> rustls::ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    builder.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth()
}
