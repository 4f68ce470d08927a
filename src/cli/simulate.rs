//! `llm-prober simulate`.

use std::process::ExitCode;

use clap::Args;

use super::{CliError, LogArgs, runtime};
use crate::shutdown;
use crate::simulate::{SimulateArgs, run};

#[derive(Debug, Args)]
pub(super) struct Simulate {
    #[command(flatten)]
    simulate: SimulateArgs,
    #[command(flatten)]
    log: LogArgs,
}

pub(super) fn main(args: &Simulate) -> Result<ExitCode, CliError> {
    args.log.init();
    let served = runtime()?.block_on(run(args.simulate.clone(), shutdown::requested()));
    served.map(|()| ExitCode::SUCCESS).map_err(|e| CliError::Usage(e.to_string()))
}
