//! `llm-prober check`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::error::CliError;
use super::histograms::HistogramArgs;
use super::say::show;
use super::setup::load;
use crate::metrics::Metrics;
use crate::report::check::{describe, series};

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// Configuration file.
    #[arg(long = "config.file", value_name = "FILE")]
    config: PathBuf,
    #[command(flatten)]
    histograms: HistogramArgs,
}

pub(super) fn main(args: &CheckArgs) -> Result<ExitCode, CliError> {
    let config = load(&args.config)?;
    let total = Metrics::series_of_targets(&config, args.histograms.options());
    let total = total.map_err(CliError::failed)?;
    let _ = show(format!("{}\n{}", describe(&config), series(total)))?;
    Ok(ExitCode::SUCCESS)
}
