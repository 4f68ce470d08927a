//! How a command ends badly.

use std::fmt::Display;

use thiserror::Error;

use super::say::StdoutError;

/// A configuration or a command line that cannot be used (`EX_USAGE` of sysexits).
pub(super) const EXIT_USAGE: u8 = 64;

/// It cannot be told: too little was seen, or a side did not answer.
pub(super) const EXIT_CANNOT_TELL: u8 = 2;

/// How a command ends badly.
#[derive(Debug, Error)]
pub(super) enum CliError {
    /// The configuration or the command line cannot be used.
    #[error("{0}")]
    Usage(String),
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

impl CliError {
    /// Something failed that is neither the configuration's nor the command line's fault.
    pub fn failed(why: impl Display) -> Self {
        Self::Failed(why.to_string())
    }
}

impl From<StdoutError> for CliError {
    fn from(error: StdoutError) -> Self {
        Self::failed(error)
    }
}

impl From<String> for CliError {
    fn from(message: String) -> Self {
        Self::Failed(message)
    }
}
