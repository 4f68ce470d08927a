//! The flags of `llm-prober gate`.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};

use crate::cli::setup::LogArgs;
use crate::regression::gate::identity;
use crate::regression::gate::limits::Setting;

#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 within the limits, 1 worse, 2 cannot tell, 64 refused.")]
#[command(group = clap::ArgGroup::new("what").args(["save", "baseline"]).required(true).multiple(true))]
pub(in crate::cli) struct GateArgs {
    /// Configuration file.
    #[arg(long = "config.file", value_name = "FILE", required_unless_present = "candidate")]
    pub config: Option<PathBuf>,
    /// Name of the target to probe.
    #[arg(long, required_unless_present = "candidate")]
    pub target: Option<String>,
    /// Write the profile of the target to this file.
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
    /// Hold the target, or --candidate, against this profile.
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Compare this profile instead of probing.
    #[arg(long, value_name = "FILE", requires = "baseline")]
    #[arg(conflicts_with_all = ["config", "target", "save", "workload", "count", "concurrency"])]
    pub candidate: Option<PathBuf>,
    /// Only this workload; by default they are drawn by weight.
    #[arg(long)]
    pub workload: Option<String>,
    /// Number of probes.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub count: u32,
    /// Probes under way at a time.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub concurrency: u32,
    /// A limit, as `ttft_p95=20%` or `ttft_p95=none`. Repeatable. Rates are held to the limit
    /// itself, other figures may be so much worse than the baseline. By default: `ttft_p95=15%`,
    /// `output_tokens_per_second=10%`, `stream_errors=0.5%`, `errors=0.5%`.
    #[arg(long = "limit", value_name = "FIGURE=PERCENT%")]
    pub limits: Vec<Setting>,
    /// Compare though these conditions differ. Separated by commas.
    #[arg(long, value_name = "CONDITION", value_delimiter = ',', value_parser = conditions())]
    pub allow_different: Vec<String>,
    /// What to print for a comparison.
    #[arg(long, default_value = "text")]
    pub output: Output,
    /// Threads that read from the target.
    #[arg(long = "io.threads", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub io_threads: u16,
    #[command(flatten)]
    pub log: LogArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Output {
    /// A table.
    Text,
    /// One JSON object.
    Json,
}

fn conditions() -> PossibleValuesParser {
    PossibleValuesParser::new(identity::CONDITIONS.iter().map(|c| c.name))
}
