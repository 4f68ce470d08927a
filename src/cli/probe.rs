//! `llm-prober probe`: one shot, or many.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{CliError, LogArgs, load, runtime};
use crate::config::Config;
use crate::probe::{Probe, Probing};
use crate::report::{json::ProbeJson, waterfall};
use crate::shutdown;
use crate::target::Target;
use crate::transport::{IoThreads, Transport, resources};
use crate::workload::Mix;
use crate::workload::mix::Draw;

#[derive(Debug, Args)]
pub(super) struct ProbeArgs {
    /// Configuration file.
    #[arg(long = "config.file", value_name = "FILE")]
    config: PathBuf,
    /// Name of the target.
    #[arg(long)]
    target: String,
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

pub(super) fn main(args: &ProbeArgs) -> Result<ExitCode, CliError> {
    let config = load(&args.config)?;
    let target = find(&config, &args.target)?;
    let draws = draws(args, &config, &target)?;
    args.log.init();
    resources::raise_open_files();
    let io = IoThreads::start(usize::from(args.io_threads));
    let io = io.map_err(|e| CliError::Failed(e.to_string()))?;
    let transport = Transport::network(&target, &io).map_err(CliError::Failed)?;
    let probing = Arc::new(Probing::new(target, transport));
    let all_good = runtime()?.block_on(probe_all(args, &probing, draws));
    let all_good = all_good.map_err(CliError::Failed)?;
    Ok(if all_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn find(config: &Config, name: &str) -> Result<Arc<Target>, CliError> {
    let found = config.targets.iter().find(|t| t.name == name);
    found.cloned().ok_or_else(|| {
        let names: Vec<_> = config.targets.iter().map(|t| t.name.as_str()).collect();
        CliError::Usage(format!("no target `{name}`, expected one of: {}", names.join(", ")))
    })
}

fn draws(args: &ProbeArgs, config: &Config, target: &Target) -> Result<Vec<Draw>, CliError> {
    let mut mix = Mix::new(&target.workloads, config.seed.unwrap_or_else(rand::random));
    let only = match &args.workload {
        None => None,
        Some(name) => Some(target.workloads.iter().find(|w| w.name == *name).ok_or_else(|| {
            let names: Vec<_> = target.workloads.iter().map(|w| w.name.as_str()).collect();
            CliError::Usage(format!("no workload `{name}`, expected one of: {}", names.join(", ")))
        })?),
    };
    let mut draw = || match only {
        Some(workload) => mix.draw_from(workload),
        None => mix.draw(),
    };
    Ok((0..args.count).filter_map(|_| draw()).collect())
}

/// Keeps `concurrency` probes under way until all are done; prints them as they end.
async fn probe_all(
    args: &ProbeArgs,
    probing: &Arc<Probing>,
    draws: Vec<Draw>,
) -> Result<bool, String> {
    let cancel = CancellationToken::new();
    let mut asked_to_end = std::pin::pin!(shutdown::requested());
    let mut running = JoinSet::new();
    let mut waiting = draws.into_iter();
    let mut all_good = true;
    let mut out = std::io::stdout().lock();
    loop {
        while running.len() < args.concurrency as usize && !cancel.is_cancelled() {
            let Some(draw) = waiting.next() else { break };
            let (probing, cancel) = (Arc::clone(probing), cancel.clone());
            running.spawn(async move { probing.probe(draw, Duration::ZERO, cancel).await });
        }
        tokio::select! {
            () = &mut asked_to_end, if !cancel.is_cancelled() => cancel.cancel(),
            ended = running.join_next() => match ended {
                None => return Ok(all_good && !cancel.is_cancelled()),
                Some(probe) => {
                    let probe = probe.map_err(|e| e.to_string())?;
                    all_good &= probe.outcome.succeeded();
                    let text = show(args.output, &probing.target.name, &probe)?;
                    writeln!(out, "{text}").map_err(|e| e.to_string())?;
                }
            }
        }
    }
}

pub(super) fn show(output: Output, target: &str, probe: &Probe) -> Result<String, String> {
    match output {
        Output::Text => Ok(waterfall::draw(target, probe)),
        Output::Json => {
            serde_json::to_string(&ProbeJson::new(target, probe)).map_err(|e| e.to_string())
        }
    }
}
