//! `llm-prober replay`: what flight records amount to.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use thiserror::Error;

use super::error::{CliError, EXIT_USAGE};
use super::probe::{Output, show};
use super::say::{self, tell};
use crate::memory::flight::{FlightRecord, MAX_FILE_BYTES, ReadError};

#[derive(Debug, Args)]
pub(super) struct ReplayArgs {
    /// Flight records: kept by --flight-recorder.dir or downloaded from the page of a probe; - is
    /// standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// What to print for each probe.
    #[arg(long, default_value = "text")]
    output: Output,
    /// Short for --output=json.
    #[arg(long, conflicts_with = "output")]
    json: bool,
}

pub(super) fn main(args: &ReplayArgs) -> Result<ExitCode, CliError> {
    let output = if args.json { Output::Json } else { args.output };
    let (mut all_good, mut all_read) = (true, true);
    for file in &args.files {
        let record = match read(file) {
            Ok(record) => record,
            // The others may be whole.
            Err(why) => {
                tell(format_args!("{}: {why}", file.display()));
                all_read = false;
                continue;
            }
        };
        let probe = record.interpret();
        all_good &= probe.outcome.succeeded();
        let text = show(output, &record.target, &probe).map_err(CliError::failed)?;
        if say::show(format_args!("{text}\n"))?.is_break() {
            break;
        }
        let differences = record.differences(&probe);
        if !differences.is_empty() {
            let (file, keys) = (file.display(), differences.join(", "));
            let seen = "differs from what was seen when it was recorded";
            tell(format_args!("{file}: {seen}: {keys}"));
        }
    }
    Ok(match (all_read, all_good) {
        (false, _) => ExitCode::from(EXIT_USAGE),
        (true, false) => ExitCode::FAILURE,
        (true, true) => ExitCode::SUCCESS,
    })
}

/// Why a file is not drawn.
#[derive(Debug, Error)]
enum FileError {
    /// It cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is no flight record.
    #[error(transparent)]
    Record(#[from] ReadError),
}

fn read(file: &Path) -> Result<FlightRecord, FileError> {
    let mut bytes = Vec::new();
    let most = MAX_FILE_BYTES as u64 + 1;
    if file == Path::new("-") {
        io::stdin().lock().take(most).read_to_end(&mut bytes)?;
    } else {
        File::open(file)?.take(most).read_to_end(&mut bytes)?;
    }
    Ok(FlightRecord::read(&bytes)?)
}
