//! `llm-prober sweep`: a target at one level of load after the other.

mod args;
mod plan;
mod screen;

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use thiserror::Error;

use self::args::Export;
pub(super) use self::args::SweepArgs;
use self::plan::Plan;
use self::screen::Screen;
use super::error::{CliError, EXIT_CANNOT_TELL};
use super::say::{self, tell};
use super::setup::runtime;
use super::{answers, batch};
use crate::cli::shutdown;
use crate::load::Stop;
use crate::load::level::{Found, LevelPlan, Sweeper};
use crate::report::sweep as written;
use crate::sweep::{Adaptive, Finding, Load, Report, Search, SequentialTest, Tally};
use crate::workload::Mix;

/// How often progress is drawn.
const REDRAW: Duration = Duration::from_millis(200);

/// Why nothing could be measured.
#[derive(Debug, Error)]
enum NotMeasured {
    #[error("interrupted: nothing was measured")]
    Interrupted,
    #[error("{0}; nothing was measured")]
    NoAnswer(#[from] answers::NoAnswer),
}

/// Code 1 means that a condition holds, so whatever goes wrong on the way there is code 2.
pub(super) fn main(args: &SweepArgs) -> Result<ExitCode, CliError> {
    let plan = Plan::resolve(args)?;
    let screen = Screen::new();
    if !screen.is_live() {
        args.log.init();
    }
    let cannot_tell = |why: &dyn std::fmt::Display| {
        tell(format_args!("llm-prober: {why}"));
        Ok(ExitCode::from(EXIT_CANNOT_TELL))
    };
    match measure(args, &plan, screen) {
        Ok(report) => {
            show(args, &report)?;
            Ok(ExitCode::from(judge(args, &report)))
        }
        Err(CliError::Failed(why)) => cannot_tell(&why),
        Err(usage) => Err(usage),
    }
}

fn measure(args: &SweepArgs, plan: &Plan, screen: Screen) -> Result<Report, CliError> {
    let started = SystemTime::now();
    let (probing, _io) = batch::probing(Arc::clone(&plan.target), args.io_threads)?;
    let runtime = runtime()?;
    let stop = Stop::default();
    let (slos, only) = (plan.slos.clone(), plan.only.clone());
    let sweeper = Sweeper::new(Arc::clone(&probing), slos, only, stop.clone());
    let screen = RefCell::new(screen);
    let measured = runtime.block_on(async {
        let mut asked_to_end = std::pin::pin!(shutdown::requested());
        let mix = Mix::new(&plan.target.workloads, rand::random());
        if let Some(draw) = batch::draws(mix, plan.only.as_ref(), 1).first() {
            tokio::select! {
                () = &mut asked_to_end => return Err(NotMeasured::Interrupted),
                answers = answers::check("the target", &probing, draw) => answers?,
            }
        }
        let mut sweep =
            std::pin::pin!(Sweep { args, plan, sweeper: &sweeper, screen: &screen }.run());
        Ok(tokio::select! {
            measured = &mut sweep => measured,
            () = &mut asked_to_end => {
                stop.probes.cancel();
                sweep.await
            }
        })
    });
    let (runs, adaptive) = measured.map_err(CliError::failed)?;
    let model = probing.model.known().or_else(|| plan.target.model.clone());
    let subject = plan.subject(model, started);
    Ok(Report::new(subject, &runs, args.attainment.0, adaptive))
}

struct Sweep<'a> {
    args: &'a SweepArgs,
    plan: &'a Plan,
    sweeper: &'a Sweeper,
    screen: &'a RefCell<Screen>,
}

impl Sweep<'_> {
    /// The tallies of each run, and how the search went if there was one.
    async fn run(self) -> (Vec<Vec<Tally>>, Option<Adaptive>) {
        let all = if self.args.adaptive { self.search().await } else { (self.runs().await, None) };
        self.screen.borrow_mut().end();
        all
    }

    async fn runs(&self) -> Vec<Vec<Tally>> {
        let mut runs = Vec::new();
        for run in 0..self.args.runs {
            let mut tallies = Vec::new();
            let mut stopped = false;
            for load in &self.plan.loads {
                let level = self.plan.level(self.args, *load, run);
                let tally = self.sweeper.level(level, |_| ControlFlow::Continue(()));
                let tally = self.watched(&|_| level, tally).await;
                self.screen.borrow_mut().level(&tally);
                stopped = tally.stopped.is_some();
                tallies.push(tally);
                if stopped {
                    break;
                }
            }
            runs.push(tallies);
            if stopped {
                break;
            }
        }
        runs
    }

    async fn search(&self) -> (Vec<Vec<Tally>>, Option<Adaptive>) {
        let users = self.plan.loads.iter().map(|load| load.concurrency()).collect();
        let (args, plan) = (self.args, self.plan);
        let level = |users| plan.level(args, Load::Closed { users }, 0);
        let most = args.requests.unwrap_or(plan::REQUESTS) as usize;
        let test = SequentialTest::new(args.attainment.0, most);
        let found = self.sweeper.find_knee(Search::new(users), test, level, |tally| {
            self.screen.borrow_mut().level(tally);
        });
        let found = self.watched(&level, found).await;
        let Found { mut tallies, complete, knee } = found;
        let sent = tallies.iter().map(Tally::requests).sum();
        tallies.sort_by_key(|tally| tally.load().concurrency());
        (vec![tallies], Some(Adaptive { sent, complete, knee }))
    }

    /// Waits, and shows meanwhile how far the level is.
    async fn watched<T>(
        &self,
        plan: &dyn Fn(u32) -> LevelPlan,
        work: impl Future<Output = T>,
    ) -> T {
        let mut work = std::pin::pin!(work);
        let mut redraw = tokio::time::interval(REDRAW);
        loop {
            tokio::select! {
                done = &mut work => return done,
                _ = redraw.tick() => {
                    if let Some(run) = self.sweeper.current() {
                        let users = run.tally(|tally| tally.load().concurrency());
                        self.screen.borrow_mut().progress(&plan(users), &run);
                    }
                }
            }
        }
    }
}

fn show(args: &SweepArgs, report: &Report) -> Result<(), CliError> {
    let threshold = args.attainment.0;
    let text = match args.export {
        None => written::table(report, threshold),
        Some(Export::Json) => {
            let mut text = serde_json::to_string(report).map_err(CliError::failed)?;
            text.push('\n');
            text
        }
        Some(Export::Csv) => written::csv(report),
        Some(Export::Md) => written::markdown(report, threshold),
    };
    // What was found stands, whoever reads about it.
    let _ = say::show(text)?;
    Ok(())
}

/// The exit code, and in words why it is not 0.
fn judge(args: &SweepArgs, report: &Report) -> u8 {
    for level in report.levels.iter().filter(|level| !level.valid) {
        for reason in &level.invalid_reasons {
            tell(format_args!("llm-prober: invalid at {}: {}", level.load(), reason.in_words()));
        }
    }
    let mut undecided = !report.is_valid() || report.adaptive.is_some_and(|a| !a.complete);
    let mut fails = false;
    for condition in &args.fail_if {
        match condition.find(&report.levels, report.knee.as_ref()) {
            Finding::Clear => {}
            Finding::Holds(why) => {
                fails = true;
                tell(format_args!("llm-prober: failed: {why}"));
            }
            Finding::Unknown(why) => {
                undecided = true;
                tell(format_args!("llm-prober: cannot tell: {why}"));
            }
        }
    }
    // Where a level is invalid, what failed may be the prober.
    match (undecided, fails) {
        (true, _) => EXIT_CANNOT_TELL,
        (false, true) => 1,
        (false, false) => 0,
    }
}
