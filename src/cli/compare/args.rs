//! The flags of `llm-prober compare`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::cli::setup::LogArgs;
use crate::config::percent::{HumanPercent, NotAPercentage, parse_percent};
use crate::regression::comparison::Order;
use crate::text::units::{DurationError, parse_duration};

#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 not worse, 1 regressed, 2 cannot tell (also where a side does \
    not answer), 64 refused."
)]
pub(in crate::cli) struct CompareArgs {
    /// Configuration file. Not needed where both sides are URLs.
    #[arg(long = "config.file", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The target in use: its name, or without a file its URL (`http://…/v1`).
    #[arg(long, value_name = "TARGET")]
    pub baseline: String,
    /// The target that may replace it.
    #[arg(long, value_name = "TARGET")]
    pub candidate: String,
    /// Only this workload; by default all that both have are drawn by weight. Repeatable.
    #[arg(long, value_name = "NAME")]
    pub workload: Vec<String>,
    /// Give up after so many pairs; default 1000 for each workload.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub max_pairs: Option<u64>,
    /// By how much a latency may be longer; default 5%, or as the file's comparison says.
    #[arg(long, value_parser = tolerance)]
    pub tolerance: Option<HumanPercent>,
    /// By how much the share of failures may be higher; default 1%.
    #[arg(long, value_parser = margin)]
    pub failure_margin: Option<HumanPercent>,
    /// Time between two rounds at least; a round also waits for the one before.
    #[arg(long, default_value = "1s", value_parser = interval)]
    pub interval: Duration,
    /// Whether both sides are asked at the same instant.
    #[arg(long, value_enum)]
    pub order: Option<OrderArg>,
    /// What to print at the end.
    #[arg(long, default_value = "text")]
    pub output: Output,
    /// Threads that read from the targets.
    #[arg(long = "io.threads", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub io_threads: u16,
    #[command(flatten)]
    pub log: LogArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Output {
    /// A table; in a terminal it is kept up to date.
    Text,
    /// One JSON object.
    Json,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(in crate::cli) enum OrderArg {
    /// At the same instant.
    Simultaneous,
    /// One after the other, in random order: for stacks that share hardware.
    BackToBack,
}

impl From<OrderArg> for Order {
    fn from(order: OrderArg) -> Self {
        match order {
            OrderArg::Simultaneous => Self::Simultaneous,
            OrderArg::BackToBack => Self::BackToBack,
        }
    }
}

/// A value that a flag does not take.
#[derive(Debug, thiserror::Error)]
enum ArgumentError {
    #[error(transparent)]
    Percent(#[from] NotAPercentage),
    #[error(transparent)]
    Duration(#[from] DurationError),
    #[error("out of range, expected {0}")]
    Range(&'static str),
}

fn tolerance(text: &str) -> Result<HumanPercent, ArgumentError> {
    let percent = parse_percent(text)?;
    let why = ArgumentError::Range("0% to 100%");
    if (0.0..=1.0).contains(&percent.0) { Ok(percent) } else { Err(why) }
}

fn margin(text: &str) -> Result<HumanPercent, ArgumentError> {
    let percent = parse_percent(text)?;
    let why = ArgumentError::Range("more than 0% and at most 50%");
    if percent.0 > 0.0 && percent.0 <= 0.5 { Ok(percent) } else { Err(why) }
}

fn interval(text: &str) -> Result<Duration, ArgumentError> {
    let interval = parse_duration(text)?;
    let range = Duration::from_millis(1)..=Duration::from_secs(86_400);
    let why = ArgumentError::Range("1ms to 1d");
    if range.contains(&interval) { Ok(interval) } else { Err(why) }
}
