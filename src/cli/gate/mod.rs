//! `llm-prober gate`.

mod args;
mod file;
mod measure;

use std::process::ExitCode;

pub(super) use self::args::GateArgs;
use self::args::Output;
use self::measure::Measuring;
use super::error::{CliError, EXIT_CANNOT_TELL};
use super::say::{self, tell};
use crate::regression::gate::report::{self, ComparisonJson};
use crate::regression::gate::{Comparison, Decision, Limits, Profile, compare};

/// Code 1 means "worse" here, so whatever goes wrong on the way there is code 2.
pub(super) fn main(args: &GateArgs) -> Result<ExitCode, CliError> {
    match gate(args) {
        Ok(decision) => Ok(ExitCode::from(match decision {
            Decision::Pass => 0,
            Decision::Fail => 1,
            Decision::Undecided => EXIT_CANNOT_TELL,
        })),
        Err(CliError::Failed(message)) => {
            tell(format_args!("llm-prober: {message}"));
            Ok(ExitCode::from(EXIT_CANNOT_TELL))
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
