//! Simulated servers behind in-memory pipes, one per target.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use llm_prober::config::Config;
use llm_prober::daemon::{Daemon, Dial};
use llm_prober::metrics::{Metrics, MetricsOptions};
use llm_prober::simulate::{Simulator, SimulatorConfig};
use llm_prober::transport::{PipeDialer, SetupError, Transport};

/// Model `m`, 200 ms to the first token, 10 ms between tokens, no chance: every figure is exact.
pub fn exact(tokens: u32) -> SimulatorConfig {
    SimulatorConfig {
        model: "m".to_owned(),
        ttft: Duration::from_millis(200),
        itl: Duration::from_millis(10),
        answer_tokens: tokens,
        ..SimulatorConfig::default()
    }
}

/// One simulated server that counts its connections.
#[derive(Clone)]
pub struct Server {
    pub simulator: Simulator,
    dials: Arc<AtomicUsize>,
    open: Arc<AtomicUsize>,
}

impl Server {
    pub fn new(config: SimulatorConfig) -> Self {
        Self { simulator: Simulator::new(config), dials: Arc::default(), open: Arc::default() }
    }

    /// Requests for generation so far.
    pub fn requests(&self) -> f64 {
        f64::from(u32::try_from(self.simulator.requests()).unwrap())
    }

    /// Connections made so far.
    pub fn dials(&self) -> usize {
        self.dials.load(Ordering::Relaxed)
    }

    /// Connections open now.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    pub fn dialer(&self) -> PipeDialer {
        let server = self.clone();
        Arc::new(move || {
            let (client, pipe) = tokio::io::duplex(64 * 1024);
            let server = server.clone();
            server.dials.fetch_add(1, Ordering::Relaxed);
            server.open.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move {
                server.simulator.serve_connection(pipe).await;
                server.open.fetch_sub(1, Ordering::Relaxed);
            });
            client
        })
    }
}

/// How each target's server is reached, by the target's name.
pub type Dialers = BTreeMap<&'static str, PipeDialer>;

/// A daemon whose targets are reached through `dialers`; a target without one cannot be dialled.
pub fn start(config: Config, dialers: Dialers) -> Arc<Daemon> {
    Daemon::start(config, None, Metrics::new(MetricsOptions::default()), dial(dialers)).unwrap()
}

/// As [`Daemon::start`] wants it.
pub fn dial(dialers: Dialers) -> Dial {
    Box::new(move |target| {
        let dialer = dialers.get(target.name.as_str()).ok_or(SetupError::NoHost)?;
        Ok(Transport::pipe(target, Arc::clone(dialer)))
    })
}
