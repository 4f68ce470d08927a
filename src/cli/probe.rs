//! `llm-prober probe`: one shot, or many.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::error::CliError;
use super::given::{self, Given};
use super::setup::{LogArgs, runtime};
use super::{batch, say, spoken};
use crate::config::Config;
use crate::probe::Probe;
use crate::report::{json::ProbeJson, waterfall};
use crate::target::Target;
use crate::workload::Mix;

#[derive(Debug, Args)]
pub(super) struct ProbeArgs {
    /// URL of the target (`http://…/v1`), instead of a configuration file.
    #[arg(value_name = "URL", conflicts_with_all = ["config", "target"])]
    url: Option<String>,
    /// Model at the URL; by default the first that the server lists.
    #[arg(long, requires = "url")]
    model: Option<String>,
    /// API of the URL, as in a configuration file; `auto` tries each one, with and without `/v1`, and
    /// says which ones answer.
    #[arg(long, requires = "url", value_name = "NAME")]
    api: Option<String>,
    /// The environment variable that holds the key for the URL.
    #[arg(long, requires = "url", value_name = "VARIABLE")]
    key_env: Option<String>,
    /// Configuration file.
    #[arg(long = "config.file", value_name = "FILE", requires = "target")]
    #[arg(required_unless_present = "url")]
    config: Option<PathBuf>,
    /// Name of the target in the file.
    #[arg(long, requires = "config")]
    target: Option<String>,
    /// Only this workload; by default they are drawn by weight.
    #[arg(long)]
    workload: Option<String>,
    /// Number of probes.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    count: u32,
    /// Probes under way at a time.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    concurrency: u32,
    /// What to print for each probe.
    #[arg(long, default_value = "text")]
    output: Output,
    /// Threads that read from the target.
    #[arg(long = "io.threads", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=64))]
    io_threads: u16,
    #[command(flatten)]
    log: LogArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    /// A waterfall and the figures.
    Text,
    /// One JSON object per line.
    Json,
}

/// Finds out which API it is.
const AUTO: &str = "auto";

fn target(args: &ProbeArgs) -> Result<(Config, Arc<Target>), CliError> {
    if let Some(url) = &args.url {
        let (model, key_env) = (args.model.as_deref(), args.key_env.as_deref());
        let given = Given { url, model, key_env, ..Given::default() };
        return match args.api.as_deref() {
            Some(AUTO) => spoken::target(given),
            api => given::target(Given { api, ..given }),
        };
    }
    given::of_file(args.config.as_deref(), args.target.as_deref())
}

pub(super) fn main(args: &ProbeArgs) -> Result<ExitCode, CliError> {
    let (config, target) = target(args)?;
    let workload = batch::workload(&target, args.workload.as_deref())?;
    let mix = Mix::new(&target.workloads, config.seed.unwrap_or_else(rand::random));
    let draws = batch::draws(mix, workload.as_ref(), args.count);
    args.log.init();
    let (probing, _io) = batch::probing(target, args.io_threads)?;
    let mut all_good = true;
    let each = |probe: &Probe| {
        all_good &= probe.outcome.succeeded();
        let text = show(args.output, &probing.target.name, probe).map_err(CliError::failed)?;
        say::show(format_args!("{text}\n")).map_err(CliError::from)
    };
    let batch = batch::run(&probing, draws, args.concurrency, each);
    let complete = runtime()?.block_on(batch)?;
    Ok(if complete && all_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

pub(super) fn show(
    output: Output,
    target: &str,
    probe: &Probe,
) -> Result<String, serde_json::Error> {
    match output {
        Output::Text => Ok(waterfall::draw(target, probe)),
        Output::Json => serde_json::to_string(&ProbeJson::new(target, probe)),
    }
}
