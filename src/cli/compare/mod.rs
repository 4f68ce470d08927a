//! `llm-prober compare`: two targets, side by side, until a verdict stands.

mod between;
mod run;
mod screen;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::say::tell;
use super::{CliError, LogArgs, runtime};
use crate::config::percent::{HumanPercent, NotAPercentage, parse_percent};
use crate::regression::comparison::Order;
use crate::text::units::{DurationError, parse_duration};
use crate::transport::resources;
use screen::Screen;

/// Of each workload, so many pairs are enough to tell two equal sides from a worse one, with
/// latencies that vary by a quarter.
const PAIRS: u64 = 1000;

/// Neither verdict stands: too few pairs, both sides alike within the tolerance, a change that may
/// pass, or a side that does not answer.
const EXIT_UNDECIDED: u8 = 2;

#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 not worse, 1 regressed, 2 cannot tell (also where a side does \
    not answer), 64 refused."
)]
pub(super) struct CompareArgs {
    /// Configuration file. Not needed where both sides are URLs.
    #[arg(long = "config.file", value_name = "FILE")]
    config: Option<PathBuf>,
    /// The target in use: its name, or without a file its URL (`http://…/v1`).
    #[arg(long, value_name = "TARGET")]
    baseline: String,
    /// The target that may replace it.
    #[arg(long, value_name = "TARGET")]
    candidate: String,
    /// Only this workload; by default all that both have are drawn by weight. Repeatable.
    #[arg(long, value_name = "NAME")]
    workload: Vec<String>,
    /// Give up after so many pairs; default 1000 for each workload.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    max_pairs: Option<u64>,
    /// By how much a latency may be longer; default 5%, or as the file's comparison says.
    #[arg(long, value_parser = tolerance)]
    tolerance: Option<HumanPercent>,
    /// By how much the share of failures may be higher; default 1%.
    #[arg(long, value_parser = margin)]
    failure_margin: Option<HumanPercent>,
    /// Time between two rounds at least; a round also waits for the one before.
    #[arg(long, default_value = "1s", value_parser = interval)]
    interval: Duration,
    /// Whether both sides are asked at the same instant.
    #[arg(long, value_enum)]
    order: Option<OrderArg>,
    /// What to print at the end.
    #[arg(long, default_value = "text")]
    output: Output,
    /// Threads that read from the targets.
    #[arg(long = "io.threads", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=64))]
    io_threads: u16,
    #[command(flatten)]
    log: LogArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// A table; in a terminal it is kept up to date.
    Text,
    /// One JSON object.
    Json,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum OrderArg {
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

pub(super) fn main(args: &CompareArgs) -> Result<ExitCode, CliError> {
    let (config, comparison) = between::resolve(args)?;
    let screen = Screen::new(args.output);
    if !screen.is_live() {
        args.log.init();
    }
    resources::raise_open_files();
    let run = run::Run { config, comparison, args };
    let verdict = runtime()?.block_on(run.until_a_verdict(screen));
    // What could not be compared is not worse for it: another failure's exit code would say so.
    Ok(ExitCode::from(verdict.map_or_else(
        |why| {
            tell(format_args!("llm-prober: {why}"));
            EXIT_UNDECIDED
        },
        |standing| {
            if let Some(waits) = &standing.waits {
                tell(format_args!("llm-prober: undecided: {waits}"));
            }
            standing.exit_code()
        },
    )))
}
