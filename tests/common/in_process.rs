//! The daemon inside the test, and simulators for it to probe.
#![allow(clippy::disallowed_methods)] // tasks of a test end with its runtime

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use llm_prober::config::Config;
use llm_prober::daemon::{Daemon, network};
use llm_prober::metrics::{HistogramForm, Metrics, MetricsOptions};
use llm_prober::simulate::{self, Simulator};
use llm_prober::transport::IoThreads;
use llm_prober::web::{self, Site, WebOptions};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Starts a simulator with this configuration file; where it listens.
pub async fn simulator(yaml: &str) -> SocketAddr {
    let config = simulate::parse(Path::new("simulator.yml"), yaml);
    let simulator = Simulator::new(config.unwrap_or_else(|error| panic!("{error}")));
    let (listener, address) = listen().await;
    tokio::spawn(async move { simulator.serve(listener, std::future::pending()).await });
    address
}

/// Starts the daemon; where its metrics are.
pub async fn daemon(config: Config, histograms: HistogramForm) -> SocketAddr {
    serve(&start(config, histograms), WebOptions::default()).await
}

/// Starts the daemon.
pub fn start(config: Config, histograms: HistogramForm) -> Arc<Daemon> {
    let io = IoThreads::start(1).unwrap_or_else(|error| panic!("no I/O thread: {error}"));
    let metrics = Metrics::new(MetricsOptions { histograms, ..MetricsOptions::default() });
    let daemon = Daemon::start(config, None, metrics, network(io));
    daemon.unwrap_or_else(|error| panic!("{error}"))
}

/// Serves a daemon's pages; where.
pub async fn serve(daemon: &Arc<Daemon>, options: WebOptions) -> SocketAddr {
    let (listener, address) = listen().await;
    let site = Site::new(Arc::clone(daemon), options, CancellationToken::new());
    tokio::spawn(web::serve(listener, site));
    address
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.unwrap_or_else(|error| panic!("no free port: {error}"));
    let address = listener.local_addr().unwrap_or_else(|error| panic!("{error}"));
    (listener, address)
}
