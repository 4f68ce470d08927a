//! Flags of what is remembered: in memory for the pages, on disk for incidents.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::error::CliError;
use crate::config::parse_size;
use crate::memory::flight::{Keep, Recorder, RecorderOptions};
use crate::memory::history::History;

#[derive(Debug, Args)]
pub(super) struct RememberArgs {
    /// Memory for the recordings of recent probes, which are held compressed.
    #[arg(long = "history.memory", value_name = "SIZE", default_value = "16MiB")]
    #[arg(value_parser = parse_size)]
    memory: u64,
    /// Folder to keep flight records in, for `llm-prober replay`. They hold answers. Created where
    /// it is missing.
    #[arg(long = "flight-recorder.dir", value_name = "FOLDER")]
    dir: Option<PathBuf>,
    /// Size of that folder; the oldest records are deleted beyond.
    #[arg(long = "flight-recorder.max-size", value_name = "SIZE", default_value = "256MiB")]
    #[arg(value_parser = parse_size)]
    max_size: u64,
    /// Which probes to keep there.
    #[arg(long = "flight-recorder.keep", value_name = "KIND", default_value = "odd")]
    keep: Kind,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    /// Those that failed.
    Failures,
    /// Those that failed, missed an SLO, were the slowest of an hour or arrived in lumps.
    Odd,
    /// All.
    All,
}

impl RememberArgs {
    /// The history.
    pub fn history(&self) -> Arc<History> {
        Arc::new(History::new(usize::try_from(self.memory).unwrap_or(usize::MAX)))
    }

    /// The flight recorder, if there is to be one.
    pub fn recorder(
        &self,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> Result<Option<Recorder>, CliError> {
        let recorder = self.dir.as_ref().map(|dir| {
            let keep = match self.keep {
                Kind::Failures => Keep::Failures,
                Kind::Odd => Keep::Odd,
                Kind::All => Keep::All,
            };
            let options = RecorderOptions { dir: dir.clone(), max_bytes: self.max_size, keep };
            Recorder::start(&options, tasks, stop.clone()).map_err(|error| {
                let dir = dir.display();
                CliError::Usage(format!(
                    "--flight-recorder.dir={dir}: {error}, expected a folder that can be written to"
                ))
            })
        });
        recorder.transpose()
    }
}
