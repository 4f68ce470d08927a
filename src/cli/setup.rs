//! What commands begin with: the log, the configuration, the runtime.

use std::io::{self, Write};
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
        let log = tracing_subscriber::fmt().with_env_filter(filter);
        // It would tell standard error, whose reader may be the one that is gone, and panic.
        let log = log.log_internal_errors(false);
        match self.format {
            LogFormat::Text => log.with_ansi(false).with_writer(|| PlainText(io::stderr())).init(),
            LogFormat::Json => log.json().with_writer(io::stderr).init(),
        }
    }
}

/// Writes events, each with one call, so that nothing in one looks like another: servers' words may
/// hold line breaks and control sequences of terminals.
struct PlainText<W>(W);

impl<W: Write> Write for PlainText<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let text = text.strip_suffix('\n').unwrap_or(&text);
        let mut plain = String::with_capacity(text.len() + 1);
        for c in text.chars() {
            match c {
                '\n' => plain.push_str("\n  | "),
                '\t' => plain.push(c),
                c if c.is_control() || OVERRIDES.contains(&c) => plain.extend(c.escape_unicode()),
                c => plain.push(c),
            }
        }
        plain.push('\n');
        self.0.write_all(plain.as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// They turn the direction of what follows, and are no control characters.
const OVERRIDES: [char; 9] = [
    '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}', '\u{2066}', '\u{2067}', '\u{2068}',
    '\u{2069}',
];

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_event_looks_like_another() {
        let written = |event: &str| {
            let mut log = PlainText(Vec::new());
            log.write_all(event.as_bytes()).unwrap();
            String::from_utf8(log.0).unwrap()
        };
        assert_eq!(written("a probe failed: ü\tx\n"), "a probe failed: ü\tx\n");
        assert_eq!(
            written("detail=no\n2026-11-27 ERROR forged\r\u{1b}[31m\u{202e}\n"),
            "detail=no\n  | 2026-11-27 ERROR forged\\u{d}\\u{1b}[31m\\u{202e}\n"
        );
    }
}
