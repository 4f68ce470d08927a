//! The command line of `simulate`: a file, or flags for the simple case, or both.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use tokio::net::TcpListener;
use tracing::info;

use super::config::{ANSWER_TOKENS, JITTER, PAUSE, PREFILL_RATE, QUEUE, SLOTS, SimulatorConfig};
use super::file;
use super::simulator::Simulator;
use crate::config::ConfigError;
use crate::text::units::{DurationError, parse_duration};

/// Options of the simulated server. Flags win over the file.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct SimulateArgs {
    /// Host and port to listen on; port 0 takes a free one.
    #[arg(long = "web.listen-address", alias = "listen-address", value_name = "HOST:PORT")]
    #[arg(default_value = "127.0.0.1:8000")]
    pub listen_address: String,
    /// Configuration of the simulator: faults, script and load can be set there only.
    #[arg(long = "config.file", alias = "config", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Name of the model that is served.
    #[arg(long)]
    pub model: Option<String>,
    /// Time to first token with a free slot, such as 200ms.
    #[arg(long, value_name = "DURATION", value_parser = pause)]
    pub ttft: Option<Duration>,
    /// Input tokens per second that the prefill takes on top.
    #[arg(long, value_name = "TOKENS_PER_SECOND", value_parser = prefill_rate)]
    pub prefill_rate: Option<f64>,
    /// Time between two output tokens, such as 10ms.
    #[arg(long, value_name = "DURATION", value_parser = pause)]
    pub itl: Option<Duration>,
    /// Spread of times: standard deviation of their logarithm, 0 (exact) to 2.
    #[arg(long, value_name = "SIGMA", value_parser = jitter)]
    pub jitter: Option<f64>,
    /// Requests worked on at the same time.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(range(&SLOTS)))]
    pub slots: Option<u32>,
    /// Requests that may wait for a slot; more are answered with 429.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(range(&QUEUE)))]
    pub queue: Option<u32>,
    /// Tokens after which an answer stops by itself.
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(range(&ANSWER_TOKENS))
    )]
    pub answer_tokens: Option<u32>,
    /// Seed of every random draw.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Send usage to requests that ask for it (the default).
    #[arg(long, overrides_with = "no_usage")]
    pub usage: bool,
    /// Keep usage from all requests.
    #[arg(long, overrides_with = "usage")]
    pub no_usage: bool,
    /// Skip the prefill of prompt beginnings that were seen before.
    #[arg(long)]
    pub prefix_cache: bool,
}

/// Why the simulator did not start.
#[derive(Debug)]
pub enum SimulateError {
    /// The configuration file is wrong; nothing was bound.
    Config(ConfigError),
    /// The address cannot be listened on.
    Bind {
        /// As given.
        address: String,
        /// What the system says.
        source: std::io::Error,
    },
}

impl std::fmt::Display for SimulateError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::Bind { address, source } => write!(f, "cannot listen on {address}: {source}"),
        }
    }
}

impl std::error::Error for SimulateError {}

impl SimulateArgs {
    /// The configuration: the file, or the defaults, with the flags on top.
    ///
    /// # Errors
    /// The file cannot be read or is wrong; the error says where and what was expected.
    pub fn resolve(&self) -> Result<SimulatorConfig, ConfigError> {
        let base = match &self.config {
            Some(path) => file::read(path)?,
            None => SimulatorConfig::default(),
        };
        Ok(SimulatorConfig {
            model: self.model.clone().unwrap_or(base.model),
            seed: self.seed.unwrap_or(base.seed),
            slots: self.slots.unwrap_or(base.slots),
            queue: self.queue.unwrap_or(base.queue),
            ttft: self.ttft.unwrap_or(base.ttft),
            prefill_rate: self.prefill_rate.or(base.prefill_rate),
            itl: self.itl.unwrap_or(base.itl),
            jitter: self.jitter.unwrap_or(base.jitter),
            answer_tokens: self.answer_tokens.unwrap_or(base.answer_tokens),
            usage: self.usage || (base.usage && !self.no_usage),
            prefix_cache: self.prefix_cache || base.prefix_cache,
            ..base
        })
    }
}

/// Listens on `address`.
///
/// # Errors
/// Names the address and what the system says.
pub async fn bind(address: &str) -> Result<TcpListener, SimulateError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| SimulateError::Bind { address: address.to_owned(), source })
}

/// Runs a simulator until `shutdown`, and logs the URL it answers on.
///
/// # Errors
/// The configuration is wrong (nothing is bound then), or the address cannot be listened on.
pub async fn run(
    args: SimulateArgs,
    shutdown: impl Future<Output = ()>,
) -> Result<(), SimulateError> {
    let config = args.resolve().map_err(SimulateError::Config)?;
    let listener = bind(&args.listen_address).await?;
    let bound = listener
        .local_addr()
        .map_err(|source| SimulateError::Bind { address: args.listen_address, source })?;
    info!(url = %format_args!("http://{bound}/v1"), model = %config.model, "simulator is ready");
    Simulator::new(config).serve(listener, shutdown).await;
    Ok(())
}

fn range(limits: &std::ops::RangeInclusive<u32>) -> std::ops::RangeInclusive<i64> {
    i64::from(*limits.start())..=i64::from(*limits.end())
}

/// A value that a flag does not take.
#[derive(Debug, thiserror::Error)]
enum ArgumentError {
    #[error(transparent)]
    Duration(#[from] DurationError),
    #[error("expected at most 1h")]
    Pause,
    #[error("expected a number from {from} to {to}")]
    Number { from: f64, to: f64 },
}

fn pause(text: &str) -> Result<Duration, ArgumentError> {
    let pause = parse_duration(text)?;
    if PAUSE.contains(&pause) { Ok(pause) } else { Err(ArgumentError::Pause) }
}

fn jitter(text: &str) -> Result<f64, ArgumentError> {
    number(text, &JITTER)
}

fn prefill_rate(text: &str) -> Result<f64, ArgumentError> {
    number(text, &PREFILL_RATE)
}

fn number(text: &str, limits: &std::ops::RangeInclusive<f64>) -> Result<f64, ArgumentError> {
    text.parse()
        .ok()
        .filter(|value| limits.contains(value))
        .ok_or(ArgumentError::Number { from: *limits.start(), to: *limits.end() })
}
