//! `llm-prober run`: the daemon.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use clap::{Args, ValueEnum};
use sd_notify::NotifyState;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::error::CliError;
use super::histograms::HistogramArgs;
use super::remember::RememberArgs;
use super::say;
use super::setup::{LogArgs, load, runtime};
use crate::cli::shutdown::Signals;
use crate::config::Config;
use crate::daemon::{Daemon, Memory, network};
use crate::memory::state::{Claim, Saved};
use crate::metrics::{Metrics, MetricsOptions};
use crate::probe::self_check;
use crate::simulate::{self, Simulator};
use crate::transport::loop_lag;
use crate::transport::{IoThreads, resources};
use crate::web::{self, Access, Site, WebOptions};

/// What the quick start probes: a healthy day with a regression after ten minutes.
const SIMULATOR: &str = include_str!("../../config/simulator.yml");

/// Once a day, how exactly this program measures is measured again.
const BETWEEN_CHECKS: Duration = Duration::from_secs(24 * 60 * 60);

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
    /// File that says who is let in: TLS, users and more, in the format of the Prometheus project's
    /// exporters. It is read again when it has changed.
    #[arg(long = "web.config.file", value_name = "FILE")]
    web_config: Option<PathBuf>,
    /// Let other machines ask for reloads, new references and new runs of comparisons. Without it
    /// only this machine itself may, and not through a proxy.
    #[arg(long = "web.enable-lifecycle")]
    enable_lifecycle: bool,
    /// Where the pages are reached, if a proxy stands before them. What acts is refused to the pages of
    /// other sites.
    #[arg(long = "web.external-url", value_name = "URL", value_parser = origin)]
    origin: Option<String>,
    /// Connections at a time. The client with most of them gives up its idlest for a new one.
    #[arg(long = "web.max-connections", default_value_t = 512, value_parser = clap::value_parser!(u16).range(1..))]
    max_connections: u16,
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

/// Why a URL says not where pages are reached.
#[derive(Debug, Error)]
enum OriginError {
    #[error("{0}, expected a URL such as https://llm-prober.example.com/")]
    Url(#[from] url::ParseError),
    #[error("expected a URL of http or https")]
    Scheme,
}

/// Scheme, host and port of a URL, as browsers send them.
fn origin(text: &str) -> Result<String, OriginError> {
    let origin = url::Url::parse(text)?.origin();
    match &origin {
        url::Origin::Tuple(scheme, ..) if scheme == "http" || scheme == "https" => {
            Ok(origin.ascii_serialization())
        }
        _ => Err(OriginError::Scheme),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum GpuCompat {
    /// NVIDIA's dcgm-exporter.
    Dcgm,
}

impl RunArgs {
    fn web(&self) -> WebOptions {
        WebOptions {
            recordings: self.enable_recordings,
            probe: self.enable_probe,
            lifecycle: self.enable_lifecycle,
            max_connections: usize::from(self.max_connections),
        }
    }

    fn metrics(&self) -> MetricsOptions {
        let dcgm = self.gpu_compat == Some(GpuCompat::Dcgm);
        MetricsOptions { dcgm, ..self.histograms.options() }
    }
}

pub(super) fn main(args: &RunArgs) -> Result<ExitCode, CliError> {
    // Before anything that may take time: a signal ends nothing by itself from now on.
    let signals = Signals::listen();
    let signals =
        signals.map_err(|e| CliError::Failed(format!("cannot listen to signals: {e}")))?;
    args.log.init();
    let runtime = runtime()?;
    let ended = runtime.block_on(async {
        // Refuse before acting: a bad configuration ends the program before any port is bound.
        let (config, access) = tokio::select! {
            configured = configured(args.config.clone(), args.web_config.clone()) => configured?,
            () = signals.end.cancelled() => return Ok(()),
        };
        let most = resources::raise_open_files(usize::from(args.max_connections));
        if let (Some(most), Some(config)) = (most, &config) {
            warn_of_few_descriptors(most, config);
        }
        run(args, config, access, &signals).await
    });
    // Nothing that hangs is waited for.
    runtime.shutdown_background();
    ended.map(|()| ExitCode::SUCCESS)
}

/// Said before it is missed: each probe under way has a connection, and each target keeps some.
fn warn_of_few_descriptors(most: usize, config: &Config) {
    let needed: usize = config.targets.iter().map(|target| target.max_in_flight).sum();
    if needed > most {
        tracing::warn!(
            needed,
            most,
            "with max_in_flight at every target probes may have more connections than the limit of \
             open files allows: raise it (ulimit -n, LimitNOFILE= of systemd); probes without a \
             connection are skipped"
        );
    }
}

/// What is probed, if a file says so, and who is let in. The files may be on a disk that hangs.
async fn configured(
    file: Option<PathBuf>,
    web: Option<PathBuf>,
) -> Result<(Option<Config>, Access), CliError> {
    let read = move || {
        let config = file.as_deref().map(load).transpose()?;
        let access = web.as_deref().map(Access::read).transpose();
        let access = access.map_err(|error| CliError::Usage(error.to_string()))?;
        Ok((config, access.unwrap_or_default()))
    };
    tokio::task::spawn_blocking(read).await.map_err(CliError::failed)?
}

async fn run(
    args: &RunArgs,
    config: Option<Config>,
    access: Access,
    signals: &Signals,
) -> Result<(), CliError> {
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    // Refused before any port is bound, too.
    let recorder = args.remember.recorder(&tasks, &stop)?;
    let saved = match config.as_ref().and_then(|config| config.state_dir.clone()) {
        None => None,
        Some(folder) => tokio::select! {
            saved = saved(&folder) => Some(saved?),
            () = signals.end.cancelled() => return Ok(()),
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
    tasks.spawn(stop.clone().run_until_cancelled_owned(access.clone().keep_new()));
    let encrypted = access.is_encrypted();
    let site = site.reached(args.origin.clone(), access);
    for listener in listeners {
        announce(&listener, encrypted);
        tasks.spawn(web::serve(listener, site.clone()));
    }
    tasks.spawn(reload_when_asked(Arc::clone(&daemon), signals.clone()));
    tasks.spawn(stop.clone().run_until_cancelled_owned(check_oneself(Arc::clone(&daemon))));
    tell_manager(&[NotifyState::Ready]);
    signals.end.cancelled().await;
    tell_manager(&[NotifyState::Stopping]);
    tracing::info!("ending: letting probes under way finish");
    daemon.drain().await;
    stop.cancel();
    tasks.close();
    tasks.wait().await;
    Ok(())
}

/// Measures how exactly this program measures here, at the start and once a day.
async fn check_oneself(daemon: Arc<Daemon>) {
    loop {
        match self_check::check(|target| daemon.dial(target)).await {
            Ok(error) => {
                let (median, p99) = (error.quantile(0.5), error.quantile(0.99));
                tracing::info!(?median, ?p99, "how late tokens are seen on this machine");
                daemon.metrics.set_measurement_error(&error, SystemTime::now());
            }
            Err(error) => tracing::warn!(%error, "how exactly this machine measures is not known"),
        }
        tokio::time::sleep(BETWEEN_CHECKS).await;
    }
}

/// Beside everything else: reading the configuration may take its time.
async fn reload_when_asked(daemon: Arc<Daemon>, signals: Signals) {
    let reloads = async {
        loop {
            signals.reload().await;
            if let Ok(now) = NotifyState::monotonic_usec_now() {
                tell_manager(&[NotifyState::Reloading, now]);
            }
            // The error is logged and counted by the reload itself.
            drop(daemon.reload().await);
            tell_manager(&[NotifyState::Ready]);
        }
    };
    signals.end.run_until_cancelled(reloads).await;
}

/// Tells the service manager, where it has asked to be told (`Type=notify` of systemd).
fn tell_manager(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "the service manager is not told");
    }
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

fn announce(listener: &TcpListener, encrypted: bool) {
    let Ok(address) = listener.local_addr() else { return };
    let host = if address.ip().is_unspecified() { "localhost".to_owned() } else { host(address) };
    let port = address.port();
    let scheme = if encrypted { "https" } else { "http" };
    let url = format!("{scheme}://{host}:{port}");
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
