//! What to compare: a file's targets, or two URLs.

use std::sync::Arc;

use super::args::CompareArgs;
use crate::cli::batch;
use crate::cli::error::CliError;
use crate::cli::given::{self, Given, is_url};
use crate::cli::setup::load;
use crate::config::Config;
use crate::regression::comparison::{Comparison, Order, Timing};
use crate::regression::detect::{DEFAULT_PERIOD, Tolerance};
use crate::target::Target;
use crate::target::schedule::{Arrival, Schedule};
use crate::workload::Workload;

/// As in the configuration.
const FAILURE_MARGIN: f64 = 0.01;
const SLO_MARGIN: f64 = 0.05;

/// The configuration and the comparison, which need not stand in it.
pub(super) fn resolve(args: &CompareArgs) -> Result<(Config, Comparison), CliError> {
    let (config, baseline, candidate) = match &args.config {
        Some(file) => {
            let config = load(file)?;
            if args.baseline == args.candidate {
                let why = "baseline and candidate are the same target, expected two";
                return Err(CliError::Usage(why.to_owned()));
            }
            let (baseline, candidate) =
                (batch::target(&config, &args.baseline)?, batch::target(&config, &args.candidate)?);
            (config, baseline, candidate)
        }
        None => of_urls(args)?,
    };
    let mut known = config.comparisons.iter();
    let known = known.rfind(|c| c.baseline == baseline && c.candidate == candidate);
    let mut comparison = match known {
        Some(comparison) => Comparison::clone(comparison),
        None => defaults(args, baseline, candidate),
    };
    comparison.timing = constant(args);
    if let Some(tolerance) = args.tolerance.and_then(|t| Tolerance::new(t.0)) {
        comparison.tolerance = tolerance;
    }
    if let Some(margin) = args.failure_margin {
        comparison.failure_margin = margin.0;
    }
    if let Some(order) = args.order {
        comparison.order = order.into();
    }
    comparison.workloads = workloads(args, &comparison)?;
    Ok((config, comparison))
}

fn defaults(args: &CompareArgs, baseline: Arc<Target>, candidate: Arc<Target>) -> Comparison {
    let common = baseline.workloads.iter().filter(|w| candidate.workloads.contains(w));
    Comparison {
        name: format!("{} against {}", candidate.name, baseline.name),
        workloads: common.cloned().collect(),
        timing: constant(args),
        baseline,
        candidate,
        order: Order::Simultaneous,
        tolerance: Tolerance::PAIRS,
        failure_margin: FAILURE_MARGIN,
        slo_margin: SLO_MARGIN,
        false_alarm_every: DEFAULT_PERIOD,
        answers: None,
    }
}

fn constant(args: &CompareArgs) -> Timing {
    Schedule { interval: args.interval, arrival: Arrival::Constant }.into()
}

fn of_urls(args: &CompareArgs) -> Result<(Config, Arc<Target>, Arc<Target>), CliError> {
    if !(is_url(&args.baseline) && is_url(&args.candidate)) {
        let why = "expected --config.file, or two URLs such as http://localhost:8000/v1";
        return Err(CliError::Usage(why.to_owned()));
    }
    let config = given::config(&[
        Given { name: "baseline", url: &args.baseline, ..Given::default() },
        Given { name: "candidate", url: &args.candidate, ..Given::default() },
    ])?;
    let (baseline, candidate) =
        (batch::target(&config, "baseline")?, batch::target(&config, "candidate")?);
    Ok((config, baseline, candidate))
}

/// Those that were asked for; both sides must have them.
fn workloads(args: &CompareArgs, all: &Comparison) -> Result<Vec<Arc<Workload>>, CliError> {
    let names: Vec<_> = all.workloads.iter().map(|w| w.name.as_str()).collect();
    if names.is_empty() {
        let why = "baseline and candidate have no workload in common that is read to its end, expected at \
                   least one";
        return Err(CliError::Usage(why.to_owned()));
    }
    if let Some(name) = args.workload.iter().find(|name| !names.contains(&name.as_str())) {
        let listed = names.join(", ");
        let why = format!("no workload `{name}` of both targets, expected one of: {listed}");
        return Err(CliError::Usage(why));
    }
    let wanted = |w: &&Arc<Workload>| args.workload.is_empty() || args.workload.contains(&w.name);
    Ok(all.workloads.iter().filter(wanted).cloned().collect())
}
