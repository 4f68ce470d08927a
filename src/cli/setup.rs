//! What commands begin with: the log, the configuration, the runtime.

use std::path::Path;

use clap::{Args, ValueEnum};

use super::error::CliError;
use crate::config::Config;

/// Flags that every command has.
#[derive(Debug, Clone, Args)]
pub(super) struct LogArgs {
    /// Only log messages of this severity or above.
    #[arg(long = "log.level", default_value = "info")]
    level: LogLevel,
    /// Output format of log messages.
    #[arg(long = "log.format", default_value = "text")]
    format: LogFormat,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LogLevel {
    Debug,
    Info,
    Warn,
    Error,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

impl LogArgs {
    /// Logs to standard error. Other crates speak at warn and above only: at debug level an HTTP
    /// library may print headers.
    pub fn init(&self) {
        let level = match self.level {
            LogLevel::Debug => "debug",
            LogLevel::Info => "info",
            LogLevel::Warn => "warn",
            LogLevel::Error => "error",
        };
        let filter = format!("warn,llm_prober={level}");
        let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
        // It would tell standard error, whose reader may be the one that is gone, and panic.
        let log = log.log_internal_errors(false);
        match self.format {
            LogFormat::Text => log.with_ansi(false).init(),
            LogFormat::Json => log.json().init(),
        }
    }
}

/// The configuration of `--config.file`.
pub(super) fn load(file: &Path) -> Result<Config, CliError> {
    Config::load(file).map_err(|e| CliError::Usage(e.to_string()))
}

/// What everything runs on.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, CliError> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| CliError::Failed(format!("cannot start the runtime: {e}")))
}
