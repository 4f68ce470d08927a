//! `llm-prober schema`.

use std::process::ExitCode;

use super::error::CliError;
use super::say::show;

pub(super) fn main() -> Result<ExitCode, CliError> {
    let _ = show(crate::config::keys::json_schema())?;
    Ok(ExitCode::SUCCESS)
}
