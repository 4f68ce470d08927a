//! How long pages and scrapes take with many targets, each with an hour of probes in the history:
//! `cargo bench --bench pages -- 1000`. Prints the time from a request on loopback to the last byte
//! of its answer; and per format of the metrics how many series and bytes they are, the processor
//! time that it takes to write them, and by how much more memory the process had meanwhile. Scrapes
//! that are compressed stand beside plain ones, all as a scraper asks for them: with the processor
//! time of the whole process, its client's included.
#![allow(clippy::unwrap_used, clippy::print_stdout)]
#![allow(clippy::disallowed_methods)] // the server's task ends with the program

use std::fmt::Write as _;
use std::io::{self, Write};
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
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Of all targets together; at most four a minute of each.
const PROBES: i64 = 240_000;
const REQUESTS: usize = 20;
const SCRAPES: i64 = 5;

#[tokio::main]
async fn main() {
    let count = std::env::args().skip(1).find_map(|a| a.parse().ok()).unwrap_or(1_000);
    let config = config(count);
    let io = IoThreads::start(1).unwrap();
    let metrics = Metrics::new(MetricsOptions::default());
    let daemon = Daemon::start(config, None, metrics, network(io)).unwrap();
    let probes = (PROBES / i64::try_from(count).unwrap()).clamp(12, 240);
    for target in &daemon.config().targets {
        an_hour(&daemon, target, probes);
    }
    println!("{count} targets, {} probes remembered", daemon.history.len());
    let id = daemon.history.probes("node-0001")[0].summary.id.as_str().to_owned();
    println!(
        "{:<28} {:>9} {:>9} {:>9} {:>9} {:>11}",
        "metrics", "series", "kB", "CPU ms", "MB/s", "more MiB"
    );
    let series = series(&daemon.metrics);
    for format in Format::ALL {
        cost(&daemon.metrics, format, series);
    }
    let address = serve(daemon).await;
    println!("{:<28} {:>9} {:>9} {:>9} {:>9}", "page", "kB", "p50 ms", "max ms", "CPU ms");
    let paths = ["/", "/?page=2", "/?q=node-00", "/?state=failing", "/targets/node-0001"];
    for path in paths.map(str::to_owned).into_iter().chain([format!("/probes/{id}")]) {
        measure(address, &path, "", "").await;
    }
    for format in Format::ALL {
        for coding in ["", "gzip", "zstd"] {
            measure(address, "/metrics", format.content_type(), coding).await;
        }
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
fn an_hour(daemon: &Daemon, target: &Arc<Target>, probes: i64) {
    let values = daemon.metrics.target(&target.name).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = i64::try_from(now.as_nanos()).unwrap();
    for i in (0..probes).rev() {
        let started = now - i * 3_600_000_000_000 / probes;
        let ttft = Duration::from_micros(u64::try_from(100_000 + i * 7_919 % 300_000).unwrap());
        let measurement = Measurement {
            ttft: Some(ttft),
            itl: Some(ttft / 20),
            request_latency: Some(ttft * 3),
            content_at: (0..64).map(|n| Offset(n * 10_000_000)).collect(),
            ..Measurement::default()
        };
        let failed = (i % 50 == 7).then(|| Failure::new(FailureReason::Stalled, ""));
        let probe = probe(target, started, measurement, failed);
        for workload in &target.workloads {
            let id = probe.id.as_str();
            values.record(&workload.name, &probe.recording, &probe.outcome, id);
        }
        daemon.history.add(target, probe);
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

/// How many samples the text has.
fn series(metrics: &Metrics) -> usize {
    let text = metrics.encode(Format::ClassicText).unwrap();
    text.split(|byte| *byte == b'\n').filter(|l| !l.is_empty() && !l.starts_with(b"#")).count()
}

/// Counts what it is given.
struct Counted(usize);

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[allow(clippy::cast_precision_loss)] // shown with few digits
fn cost(metrics: &Metrics, format: Format, series: usize) {
    let mut written = Counted(0);
    let before = memory();
    // From here on the peak counts anew.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let from = processor_micros();
    for _ in 0..SCRAPES {
        written.0 = 0;
        metrics.write(format, &mut written).unwrap();
    }
    let micros = (processor_micros() - from) as f64 / SCRAPES as f64;
    let more = memory().1.saturating_sub(before.0) as f64 / 1024.0;
    println!(
        "{:<28} {series:>9} {:>9} {:>9.1} {:>9.0} {more:>11.1}",
        format.content_type().chars().take(28).collect::<String>(),
        written.0 / 1000,
        micros / 1e3,
        written.0 as f64 / micros,
    );
}

/// Of the process so far.
fn processor_micros() -> i64 {
    let usage = getrusage(UsageWho::RUSAGE_SELF).unwrap();
    usage.user_time().num_microseconds() + usage.system_time().num_microseconds()
}

/// Resident now and at most, in KiB.
fn memory() -> (u64, u64) {
    let status = procfs::process::Process::myself().unwrap().status().unwrap();
    (status.vmrss.unwrap(), status.vmhwm.unwrap())
}

async fn serve(daemon: Arc<Daemon>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let site = Site::new(daemon, WebOptions::default(), CancellationToken::new());
    tokio::spawn(web::serve(listener, site));
    address
}

#[allow(clippy::cast_precision_loss)] // shown with few digits
async fn measure(address: SocketAddr, path: &str, accept: &str, coding: &str) {
    let client = reqwest::Client::builder().no_proxy();
    let client = client.tls_backend_preconfigured(nobody()).build().unwrap();
    let (mut times, mut bytes) = (Vec::new(), 0);
    let processor_from = processor_micros();
    for _ in 0..REQUESTS {
        let from = Instant::now();
        let answer = client
            .get(format!("http://{address}{path}"))
            .header("accept", accept)
            .header("accept-encoding", coding)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        let coded = answer.headers().get("content-encoding").map(|c| c.to_str().unwrap());
        assert_eq!(coded.unwrap_or_default(), coding, "{path}");
        bytes = answer.bytes().await.unwrap().len();
        times.push(from.elapsed().as_secs_f64() * 1e3);
    }
    let processor = (processor_micros() - processor_from) as f64 / 1e3 / REQUESTS as f64;
    times.sort_by(f64::total_cmp);
    let asked: String = format!("{path} {accept}").chars().take(23).collect();
    println!(
        "{asked:<23} {coding:<4} {:>9} {:>9.1} {:>9.1} {processor:>9.1}",
        bytes / 1000,
        times[REQUESTS / 2],
        times[REQUESTS - 1],
    );
}

/// Plain HTTP only, but the client wants to know.
fn nobody() -> rustls::ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    builder.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth()
}
