//! `llm-prober run`: the daemon.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::SystemTime;

use clap::{Args, ValueEnum};
use thiserror::Error;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::error::CliError;
use super::histograms::HistogramArgs;
use super::remember::RememberArgs;
use super::say;
use super::setup::{LogArgs, load, runtime};
use crate::cli::shutdown::{self, Reloads};
use crate::config::Config;
use crate::daemon::{Daemon, Memory, network};
use crate::memory::state::{Claim, Saved};
use crate::metrics::{Metrics, MetricsOptions};
use crate::simulate::{self, Simulator};
use crate::transport::loop_lag;
use crate::transport::{IoThreads, resources};
use crate::web::{self, Site, WebOptions};

/// What the quick start probes: a healthy day with a regression after ten minutes.
const SIMULATOR: &str = include_str!("../../config/simulator.yml");

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// Configuration file. Without one, a built-in simulator is probed.
    #[arg(long = "config.file", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address to serve metrics and pages on. Repeatable.
    #[arg(long = "web.listen-address", value_name = "ADDRESS", default_value = "0.0.0.0:9829")]
    #[arg(value_parser = listen_address)]
    listen: Vec<SocketAddr>,
    /// Threads that read from targets. Each serves hundreds of busy streams.
    #[arg(long = "io.threads", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=64))]
    io_threads: u16,
    #[command(flatten)]
    histograms: HistogramArgs,
    /// Expose GPU values under the names, units and labels of another exporter as well.
    #[arg(long = "gpu.compat", value_name = "EXPORTER")]
    gpu_compat: Option<GpuCompat>,
    /// Serve recordings and servers' own error messages in the API. They hold answers.
    #[arg(long = "web.enable-recordings")]
    enable_recordings: bool,
    /// Serve /probe: one probe of a named target per request. Whoever reaches it can cause load.
    #[arg(long = "web.enable-probe")]
    enable_probe: bool,
    #[command(flatten)]
    remember: RememberArgs,
    #[command(flatten)]
    log: LogArgs,
}

/// Why there is nothing to listen on.
#[derive(Debug, Error)]
enum ListenError {
    #[error("{0}, expected HOST:PORT or :PORT")]
    Unknown(#[from] io::Error),
    #[error("the name has no address, expected HOST:PORT or :PORT")]
    NoAddress,
}

/// Host and port, or a port alone as in `:9829` for all interfaces.
fn listen_address(text: &str) -> Result<SocketAddr, ListenError> {
    let full = if text.starts_with(':') { format!("0.0.0.0{text}") } else { text.to_owned() };
    full.to_socket_addrs()?.next().ok_or(ListenError::NoAddress)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum GpuCompat {
    /// NVIDIA's dcgm-exporter.
    Dcgm,
}

impl RunArgs {
    fn web(&self) -> WebOptions {
        WebOptions { recordings: self.enable_recordings, probe: self.enable_probe }
    }

    fn metrics(&self) -> MetricsOptions {
        let dcgm = self.gpu_compat == Some(GpuCompat::Dcgm);
        MetricsOptions { dcgm, ..self.histograms.options() }
    }
}

pub(super) fn main(args: &RunArgs) -> Result<ExitCode, CliError> {
    // Refuse before acting: a bad configuration ends the program before any port is bound.
    let config = args.config.as_deref().map(load).transpose()?;
    args.log.init();
    resources::raise_open_files();
    runtime()?.block_on(run(args, config))?;
    Ok(ExitCode::SUCCESS)
}

async fn run(args: &RunArgs, config: Option<Config>) -> Result<(), CliError> {
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let mut asked_to_end = std::pin::pin!(shutdown::requested());
    let mut reloads = Reloads::listen();
    // Refused before any port is bound, too.
    let recorder = args.remember.recorder(&tasks, &stop)?;
    let saved = match config.as_ref().and_then(|config| config.state_dir.clone()) {
        None => None,
        Some(folder) => tokio::select! {
            saved = saved(&folder) => Some(saved?),
            () = &mut asked_to_end => return Ok(()),
        },
    };
    let mut listeners = Vec::new();
    for address in &args.listen {
        let bound = TcpListener::bind(address).await;
        let failed = |e| CliError::Failed(format!("cannot listen on {address}: {e}"));
        listeners.push(bound.map_err(failed)?);
    }
    let config = match config {
        Some(config) => config,
        None => quick_start(&tasks, &stop).await?,
    };
    let io = IoThreads::start(usize::from(args.io_threads)).map_err(CliError::failed)?;
    let metrics = Metrics::new(args.metrics());
    watch_loops(&metrics, &io, &tasks, &stop);
    let file = args.config.clone();
    let clock = Arc::new(SystemTime::now);
    let memory = Memory { history: args.remember.history(), recorder };
    let daemon = Daemon::start_from(saved, clock, memory, config, file, metrics, network(io));
    let daemon = daemon.map_err(CliError::failed)?;
    let site = Site::new(Arc::clone(&daemon), args.web(), stop.clone());
    for listener in listeners {
        announce(&listener);
        tasks.spawn(web::serve(listener, site.clone()));
    }
    loop {
        tokio::select! {
            () = &mut asked_to_end => break,
            // The error is logged and counted by the reload itself.
            () = reloads.next() => drop(daemon.reload().await),
        }
    }
    tracing::info!("ending: letting probes under way finish");
    daemon.drain().await;
    stop.cancel();
    tasks.close();
    tasks.wait().await;
    Ok(())
}

/// What the run before has left, once that has ended.
async fn saved(folder: &Path) -> Result<Saved, CliError> {
    let claim = Claim::wait(folder).await.map_err(CliError::failed)?;
    let read = tokio::task::spawn_blocking(move || Saved::of(claim)).await;
    read.map_err(CliError::failed)?.map_err(CliError::failed)
}

/// Measures how late the loops are, here and on the I/O threads.
fn watch_loops(
    metrics: &Arc<Metrics>,
    io: &IoThreads,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) {
    let (of_io, of_main) = (Arc::clone(metrics), Arc::clone(metrics));
    io.watch_lag(move |lag| of_io.io_loop_lagged(lag));
    let watch = loop_lag::watch(move |lag| of_main.main_loop_lagged(lag));
    tasks.spawn(stop.clone().run_until_cancelled_owned(watch));
}

/// Starts the built-in simulator on a free port of loopback and probes it.
async fn quick_start(tasks: &TaskTracker, stop: &CancellationToken) -> Result<Config, CliError> {
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(CliError::failed)?;
    let address = listener.local_addr().map_err(CliError::failed)?;
    let url = format!("http://{address}/v1").parse().map_err(CliError::failed)?;
    let simulated = simulate::parse(Path::new("config/simulator.yml"), SIMULATOR);
    let simulator = Simulator::new(simulated.map_err(CliError::failed)?);
    let stopped = stop.clone();
    tasks.spawn(async move {
        simulator.serve(listener, async move { stopped.cancelled().await }).await;
    });
    tracing::info!(%url, "no --config.file: probing the built-in simulator");
    Config::quick_start(&url).map_err(CliError::failed)
}

fn announce(listener: &TcpListener) {
    let Ok(address) = listener.local_addr() else { return };
    let host = if address.ip().is_unspecified() { "localhost".to_owned() } else { host(address) };
    let port = address.port();
    let url = format!("http://{host}:{port}");
    // The daemon runs as well where nobody reads it.
    let _ = say::show(format_args!("status page: {url}/\nmetrics:     {url}/metrics\n"));
}

fn host(address: SocketAddr) -> String {
    match address {
        SocketAddr::V4(v4) => v4.ip().to_string(),
        SocketAddr::V6(v6) => format!("[{}]", v6.ip()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_written_as_for_other_exporters() {
        let check = |text: &str, expect: Option<&str>| {
            let found = listen_address(text).ok().map(|a| a.to_string());
            assert_eq!(found.as_deref(), expect, "{text}");
        };
        check(":9829", Some("0.0.0.0:9829"));
        check("127.0.0.1:0", Some("127.0.0.1:0"));
        check("[::1]:80", Some("[::1]:80"));
        check("9829", None);
        check("127.0.0.1", None);
        check("127.0.0.1:99999", None);
    }
}
