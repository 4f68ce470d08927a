//! What is to be swept: a file's target or a URL, and the plan of each level.

use std::sync::Arc;
use std::time::SystemTime;

use super::args::SweepArgs;
use crate::answer::slo::Slo;
use crate::cli::batch;
use crate::cli::error::CliError;
use crate::cli::given::{self, Given};
use crate::config::Config;
use crate::load::level::{LevelPlan, Until};
use crate::sweep::{DEFAULT_CANDIDATES, Load, Subject};
use crate::target::Target;
use crate::workload::Workload;

/// Requests of a level, unless it has many users.
pub(super) const REQUESTS: u32 = 100;
/// And of each user at least so many.
const OF_EACH_USER: u32 = 2;
/// Requests under way at most in an open loop.
const IN_FLIGHT: u32 = 1000;

/// Everything checked, and nothing sent.
pub(super) struct Plan {
    pub target: Arc<Target>,
    pub only: Option<Arc<Workload>>,
    pub slos: Vec<Arc<Slo>>,
    pub seed: u64,
    /// The levels, or those among which the knee is searched.
    pub loads: Vec<Load>,
}

impl Plan {
    pub fn resolve(args: &SweepArgs) -> Result<Self, CliError> {
        let (config, target) = target(args)?;
        let only = batch::workload(&target, args.workload.as_deref())?;
        let loads = loads(args)?;
        let slos = match &args.goodput {
            Some(slo) => vec![Arc::new(slo.clone())],
            None => target.slos.clone(),
        };
        // Within JSON's exact numbers, so that the seed can be given again.
        let seed = config.seed.unwrap_or_else(|| u64::from(rand::random::<u32>()));
        let plan = Self { target, only, slos, seed, loads };
        plan.check(args)?;
        Ok(plan)
    }

    fn check(&self, args: &SweepArgs) -> Result<(), CliError> {
        if let (Some(requests), false) = (args.requests, args.adaptive) {
            let users = |load: &Load| (load.rate().is_none()).then(|| load.concurrency());
            if let Some(users) = self.loads.iter().filter_map(users).find(|users| *users > requests)
            {
                let why = format!(
                    "--requests {requests} is less than one for each of {users} users, expected at \
                     least {users}"
                );
                return Err(CliError::Usage(why));
            }
        }
        let asked = self
            .target
            .workloads
            .iter()
            .filter(|w| self.only.as_ref().is_none_or(|only| only.name == w.name));
        if let Some(workload) = asked.into_iter().find(|w| w.cancel.is_some()) {
            let why = format!(
                "workload `{}` stops reading (`cancel`), so that no request of it completes; expected \
                 another one (--workload NAME)",
                workload.name
            );
            return Err(CliError::Usage(why));
        }
        for condition in &args.fail_if {
            let Some(size) = condition.level() else { continue };
            if args.adaptive || !self.loads.iter().any(|load| load.has_size(size)) {
                let levels: Vec<_> =
                    self.loads.iter().map(|load| load.size().to_string()).collect();
                let expected = if args.adaptive {
                    "expected a condition without `@`: which levels are tried is not known before"
                        .to_owned()
                } else {
                    format!("expected one of: {}", levels.join(", "))
                };
                return Err(CliError::Usage(format!(
                    "--fail-if `{condition}`: no such level, {expected}"
                )));
            }
        }
        Ok(())
    }

    /// How a level goes on in the run of this number.
    pub fn level(&self, args: &SweepArgs, load: Load, run: u32) -> LevelPlan {
        let users = load.rate().map_or(load.concurrency(), |_| 0);
        let requests = args.requests.unwrap_or(REQUESTS.max(OF_EACH_USER.saturating_mul(users)));
        let until = match args.duration {
            Some(duration) => Until::Duration(duration),
            // Else some users of a large level would have nothing to ask.
            None if args.adaptive => Until::Requests(requests.max(users).into()),
            None => Until::Requests(requests.into()),
        };
        let warmup = args.warmup.unwrap_or(if args.adaptive { users } else { 0 });
        LevelPlan {
            load,
            ramp: args.ramp,
            warmup: warmup.into(),
            until,
            arrival: self.target.schedule.arrival,
            // The same prompts in the same order at each level, and at other times in each run; but
            // none that the server has in its prefix cache.
            seed: self.seed.wrapping_add(run.into()),
            nonces: rand::random(),
        }
    }

    /// What the report says it is about.
    pub fn subject(&self, model: Option<String>, started: SystemTime) -> Subject {
        let names = |w: &Arc<Workload>| w.name.clone();
        let workload = match &self.only {
            Some(workload) => workload.name.clone(),
            None => self.target.workloads.iter().map(names).collect::<Vec<_>>().join(","),
        };
        Subject {
            version: env!("CARGO_PKG_VERSION"),
            target: self.target.name.clone(),
            model,
            dialect: self.target.dialect.name().to_owned(),
            workload,
            seed: self.seed,
            started: humantime::format_rfc3339_seconds(started).to_string(),
            slo: Subject::bounds(&self.slos),
        }
    }
}

fn target(args: &SweepArgs) -> Result<(Config, Arc<Target>), CliError> {
    if let Some(url) = &args.url {
        return given::target(Given { url, model: args.model.as_deref(), ..Given::default() });
    }
    given::of_file(args.config.as_deref(), args.target.as_deref())
}

fn loads(args: &SweepArgs) -> Result<Vec<Load>, CliError> {
    let users = args.concurrency.as_ref().map(|levels| levels.0.clone());
    if let Some(rates) = &args.rate {
        let in_flight = match users.as_deref() {
            None => IN_FLIGHT,
            Some([most]) => *most,
            Some(_) => {
                let why = "--rate gives the levels, expected one number for --concurrency: the \
                           requests under way at most";
                return Err(CliError::Usage(why.to_owned()));
            }
        };
        return Ok(rates.0.iter().map(|rate| Load::Open { rate: *rate, in_flight }).collect());
    }
    let users = users.unwrap_or_else(|| DEFAULT_CANDIDATES.to_vec());
    Ok(users.into_iter().map(|users| Load::Closed { users }).collect())
}
