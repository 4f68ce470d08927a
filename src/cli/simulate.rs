//! `llm-prober simulate`.

use std::process::ExitCode;

use clap::Args;

use super::error::CliError;
use super::setup::{LogArgs, runtime};
use crate::cli::shutdown;
use crate::simulate::{SimulateArgs, SimulateError, run};

#[derive(Debug, Args)]
pub(super) struct Simulate {
    #[command(flatten)]
    simulate: SimulateArgs,
    #[command(flatten)]
    log: LogArgs,
}

pub(super) fn main(args: &Simulate) -> Result<ExitCode, CliError> {
    args.log.init();
    let served =
        runtime()?.block_on(async { run(args.simulate.clone(), shutdown::requested()).await });
    served.map(|()| ExitCode::SUCCESS).map_err(|error| match error {
        SimulateError::Config(error) => CliError::Usage(error.to_string()),
        SimulateError::Bind { .. } => CliError::Failed(error.to_string()),
    })
}
