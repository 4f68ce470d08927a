//! `llm-prober check`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::error::CliError;
use super::say::show;
use super::setup::load;
use crate::report::check::describe;

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// Configuration file.
    #[arg(long = "config.file", value_name = "FILE")]
    config: PathBuf,
}

pub(super) fn main(args: &CheckArgs) -> Result<ExitCode, CliError> {
    let config = load(&args.config)?;
    let _ = show(describe(&config))?;
    Ok(ExitCode::SUCCESS)
}
