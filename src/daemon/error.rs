//! Why nothing is started, or no other configuration put in force.

use std::time::Duration;

use crate::config::ConfigError;
use crate::memory::state::StateError;
use crate::transport::SetupError;

/// Says what to do about it where somebody can.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// What an earlier run has left cannot be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// It was started without one.
    #[error("there is no configuration file to reload")]
    NoFile,
    /// The file is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Reading it ended before its end.
    #[error(transparent)]
    Unread(#[from] tokio::task::JoinError),
    /// It, or something that it names, is on a disk that hangs, or is a pipe that nobody writes to.
    #[error("the configuration file cannot be read to its end in {} s: does it, or a file that \
             it names, hang?", .0.as_secs())]
    SlowFile(Duration),
    /// The same, and that has not changed.
    #[error(
        "an earlier reading of the configuration file has not ended: does it, or a file that \
             it names, hang?"
    )]
    StillReading,
    /// Nothing is started any more.
    #[error("the program is ending")]
    Ending,
    /// The GPUs cannot be watched.
    #[error("no GPU thread: {0}")]
    Gpus(std::io::Error),
    /// There is no way to a target's server.
    #[error("target `{target}`: {why}")]
    Dial {
        /// Its name.
        target: String,
        /// What is missing.
        why: SetupError,
    },
}
