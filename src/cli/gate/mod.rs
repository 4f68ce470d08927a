//! `llm-prober gate`.

mod file;
mod measure;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};

use self::measure::Measuring;
use super::say::{self, tell};
use super::{CliError, LogArgs};
use crate::regression::gate::limits::Setting;
use crate::regression::gate::report::{self, ComparisonJson};
use crate::regression::gate::{Comparison, Decision, Limits, Profile, compare, identity};

/// It cannot be told whether the candidate is worse: within noise, nothing reached, interrupted.
const EXIT_UNDECIDED: u8 = 2;

#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 within the limits, 1 worse, 2 cannot tell, 64 refused.")]
#[command(group = clap::ArgGroup::new("what").args(["save", "baseline"]).required(true).multiple(true))]
pub(super) struct GateArgs {
    /// Configuration file.
    #[arg(long = "config.file", value_name = "FILE", required_unless_present = "candidate")]
    config: Option<PathBuf>,
    /// Name of the target to probe.
    #[arg(long, required_unless_present = "candidate")]
    target: Option<String>,
    /// Write the profile of the target to this file.
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Hold the target, or --candidate, against this profile.
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Compare this profile instead of probing.
    #[arg(long, value_name = "FILE", requires = "baseline")]
    #[arg(conflicts_with_all = ["config", "target", "save", "workload", "count", "concurrency"])]
    candidate: Option<PathBuf>,
    /// Only this workload; by default they are drawn by weight.
    #[arg(long)]
    workload: Option<String>,
    /// Number of probes.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    count: u32,
    /// Probes under way at a time.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    concurrency: u32,
    /// A limit, as `ttft_p95=20%` or `ttft_p95=none`. Repeatable. Rates are held to the limit
    /// itself, other figures may be so much worse than the baseline. By default: `ttft_p95=15%`,
    /// `output_tokens_per_second=10%`, `stream_errors=0.5%`, `errors=0.5%`.
    #[arg(long = "limit", value_name = "FIGURE=PERCENT%")]
    limits: Vec<Setting>,
    /// Compare though these conditions differ. Separated by commas.
    #[arg(long, value_name = "CONDITION", value_delimiter = ',', value_parser = conditions())]
    allow_different: Vec<String>,
    /// What to print for a comparison.
    #[arg(long, default_value = "text")]
    output: Output,
    /// Threads that read from the target.
    #[arg(long = "io.threads", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=64))]
    io_threads: u16,
    #[command(flatten)]
    log: LogArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// A table.
    Text,
    /// One JSON object.
    Json,
}

fn conditions() -> PossibleValuesParser {
    PossibleValuesParser::new(identity::CONDITIONS.iter().map(|c| c.name))
}

/// Code 1 means "worse" here, so whatever goes wrong on the way there is code 2.
pub(super) fn main(args: &GateArgs) -> Result<ExitCode, CliError> {
    match gate(args) {
        Ok(decision) => Ok(ExitCode::from(match decision {
            Decision::Pass => 0,
            Decision::Fail => 1,
            Decision::Undecided => EXIT_UNDECIDED,
        })),
        Err(CliError::Failed(message)) => {
            tell(format_args!("llm-prober: {message}"));
            Ok(ExitCode::from(EXIT_UNDECIDED))
        }
        Err(usage) => Err(usage),
    }
}

fn gate(args: &GateArgs) -> Result<Decision, CliError> {
    let baseline = args.baseline.as_deref().map(file::read).transpose()?;
    let limits = Limits::new(args.limits.clone());
    let candidate = match &args.candidate {
        Some(file) => file::read(file)?,
        None => measured(args, baseline.as_ref(), &limits)?,
    };
    let Some(baseline) = baseline else {
        let _ = say::show(report::profile_table(&candidate))?;
        return Ok(Decision::Pass);
    };
    let compared = compare(&baseline, &candidate, &limits, &args.allow_different);
    let compared = compared.map_err(|refusal| CliError::Usage(refusal.to_string()))?;
    show(args.output, &compared, &baseline, &candidate)?;
    Ok(compared.decision)
}

/// Probes the target, and keeps its profile where that is asked for.
fn measured(
    args: &GateArgs,
    baseline: Option<&Profile>,
    limits: &Limits,
) -> Result<Profile, CliError> {
    let measuring = Measuring::prepare(args)?;
    if let Some(baseline) = baseline {
        measuring.check(args, baseline, limits)?;
    }
    if let Some(file) = &args.save {
        file::check_writable(file)?;
    }
    args.log.init();
    let profile = measuring.run(args)?;
    if let Some(file) = &args.save {
        if profile.counts.succeeded == 0 {
            let failures = profile.counts.failures_in_words();
            let why = format!("no probe succeeded ({failures}), so there is no profile to save");
            return Err(CliError::Failed(why));
        }
        file::write(file, &profile)?;
    }
    Ok(profile)
}

fn show(
    output: Output,
    compared: &Comparison,
    baseline: &Profile,
    candidate: &Profile,
) -> Result<(), CliError> {
    let shown = match output {
        Output::Text => say::show(report::table(compared, baseline, candidate)),
        Output::Json => {
            let json = ComparisonJson::new(compared, baseline, candidate);
            let text = serde_json::to_string_pretty(&json);
            let text = text.map_err(|e| CliError::Failed(e.to_string()))?;
            say::show(format_args!("{text}\n"))
        }
    };
    // The decision stands, whoever reads about it.
    let _ = shown?;
    Ok(())
}
