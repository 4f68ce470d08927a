//! Rounds until a verdict stands.

use std::io;
use std::sync::Arc;

use thiserror::Error;
use tokio_util::task::TaskTracker;

use super::args::CompareArgs;
use super::screen::Screen;
use crate::answer::skip::SkipReason;
use crate::cli::answers::{self, NoAnswer};
use crate::cli::say::StdoutError;
use crate::cli::shutdown;
use crate::config::Config;
use crate::load::comparer::{Comparer, Live, begin};
use crate::load::{Admission, Limits, Prober, Stop};
use crate::probe::Probing;
use crate::probe::log::Log;
use crate::probe::sink::{SinkPanics, TargetSinks};
use crate::regression::comparison::{
    Cause, Comparison, DropReason, Judge, SideName, Snapshot, Standing, Waits,
};
use crate::regression::detect::Verdict;
use crate::target::Target;
use crate::target::budget::Ledger;
use crate::transport::{IoThreads, SetupError, Transport};
use crate::workload::Mix;

/// Of each workload, so many pairs are enough to tell two equal sides from a worse one, with
/// latencies that vary by a quarter.
const PAIRS: u64 = 1000;

/// So many rounds without a pair between them, and there will not be one.
const HOPELESS: u64 = 20;

/// So many failures of the candidate, one after the other, are a verdict long before, unless they speak
/// neither for nor against it.
const HOPELESS_CANDIDATE: u64 = 60;

/// Why there can be no verdict.
#[derive(Debug, Error)]
pub(super) enum NoVerdict {
    #[error("interrupted: nothing was compared")]
    Interrupted,
    #[error("{}; nothing was compared", sentences(.0))]
    Silent(Vec<Silent>),
    #[error("undecided: {0}")]
    Undecided(Waits),
    #[error("no pair in {HOPELESS} rounds: {0}")]
    NoPair(&'static str),
    #[error(transparent)]
    Setup(#[from] SetupError),
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Stdout(#[from] StdoutError),
}

/// Why a side does not answer.
#[derive(Debug, Error)]
pub(super) enum Silent {
    #[error(transparent)]
    Setup(#[from] SetupError),
    #[error(transparent)]
    NoAnswer(#[from] NoAnswer),
}

fn sentences(silent: &[Silent]) -> String {
    silent.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

pub(super) struct Run<'a> {
    pub config: Config,
    pub comparison: Comparison,
    pub args: &'a CompareArgs,
}

impl Run<'_> {
    /// Compares until there is a verdict, enough pairs, no hope or a signal from outside.
    ///
    /// # Errors
    /// Why there can be no verdict, such as a side that does not answer.
    pub async fn until_a_verdict(self, mut screen: Screen) -> Result<Standing, NoVerdict> {
        let mut asked_to_end = std::pin::pin!(shutdown::requested());
        let io = IoThreads::start(usize::from(self.args.io_threads))?;
        let spec = Arc::new(self.comparison);
        tokio::select! {
            () = &mut asked_to_end => return Err(NoVerdict::Interrupted),
            answer = both_answer(&spec, &io) => answer?,
        }
        let probers = Probers::default();
        let baseline = probers.of(&spec.baseline, &io)?;
        let candidate = probers.of(&spec.candidate, &io)?;
        let seed = self.config.seed.unwrap_or_else(rand::random);
        let judge = Judge::new(&spec, spec.streams(), begin(None, Cause::New));
        let usual = PAIRS.saturating_mul(spec.workloads.len() as u64);
        let most = self.args.max_pairs.unwrap_or(usual);
        let live = Arc::new(Live::new(spec, seed, judge));
        let mut rounds = live.rounds();
        let stop = probers.stop.arrivals.clone();
        let comparer = Comparer::new(Arc::clone(&live), baseline, candidate, stop);
        probers.tasks.spawn(comparer.one_at_a_time().run());
        let mut luck = Luck::default();
        let result = loop {
            tokio::select! {
                () = &mut asked_to_end => break Ok(()),
                _ = rounds.changed() => {
                    let snapshot = live.snapshot();
                    screen.progress(&live)?;
                    let decided = [Verdict::NotWorse, Verdict::Regressed];
                    if decided.contains(&snapshot.standing.verdict) {
                        break Ok(());
                    }
                    if let Err(hopeless) = luck.check(&snapshot) {
                        break Err(hopeless);
                    }
                    if snapshot.pairs() >= most {
                        break Ok(());
                    }
                }
            }
        };
        probers.end().await;
        screen.end(&live)?;
        result.map(|()| live.snapshot().standing)
    }
}

/// Asks both sides at the same time, before the first pair.
///
/// # Errors
/// Which side does not answer, and why not: nothing can be said of the other one then.
async fn both_answer(spec: &Comparison, io: &IoThreads) -> Result<(), NoVerdict> {
    let Some(draw) = Mix::new(&spec.workloads, rand::random()).draw() else { return Ok(()) };
    let ask = async |side: &str, target: &Arc<Target>| -> Result<(), Silent> {
        let probing = Probing::new(Arc::clone(target), Transport::network(target, io)?);
        let named = if target.name == side { String::new() } else { format!(" `{}`", target.name) };
        Ok(answers::check(&format!("the {side}{named}"), &probing, &draw).await?)
    };
    let (baseline, candidate) =
        tokio::join!(ask("baseline", &spec.baseline), ask("candidate", &spec.candidate));
    let silent: Vec<_> = [baseline, candidate].into_iter().filter_map(Result::err).collect();
    if silent.is_empty() {
        return Ok(());
    }
    Err(NoVerdict::Silent(silent))
}

/// Both sides' probers, which follow no schedule of their own and tell the log alone.
#[derive(Default)]
struct Probers {
    tasks: TaskTracker,
    stop: Stop,
}

impl Probers {
    fn of(&self, target: &Arc<Target>, io: &IoThreads) -> Result<Arc<Prober>, SetupError> {
        let transport = Transport::network(target, io)?;
        let probing = Arc::new(Probing::new(Arc::clone(target), transport));
        // Whoever compares chose the hour.
        let limits = Limits { active_hours: Vec::new(), ..Limits::of(target) };
        let admission =
            Admission::new(limits, Ledger::default()).within(&target.name, &Arc::default());
        let sinks = TargetSinks::open(&[&Log], target, SinkPanics::default());
        let stop = self.stop.clone();
        Ok(Arc::new(Prober::new(probing, admission, sinks, Arc::default(), stop)))
    }

    async fn end(&self) {
        self.stop.arrivals.cancel();
        self.stop.probes.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Rounds dropped since the last pair.
#[derive(Default)]
struct Luck {
    pairs: u64,
    dropped: u64,
}

impl Luck {
    fn check(&mut self, snapshot: &Snapshot) -> Result<(), NoVerdict> {
        if snapshot.pairs() > self.pairs {
            *self = Self { pairs: snapshot.pairs(), dropped: snapshot.rounds_dropped() };
        }
        if let Some(waits @ Waits::Answer { rounds, side, .. }) = &snapshot.standing.waits {
            let most = match side {
                SideName::Baseline => HOPELESS,
                SideName::Candidate => HOPELESS_CANDIDATE,
            };
            if *rounds >= most {
                return Err(NoVerdict::Undecided(waits.clone()));
            }
        }
        if snapshot.rounds_dropped() - self.dropped < HOPELESS {
            return Ok(());
        }
        let most = snapshot.dropped.iter().max_by_key(|(_, count)| *count);
        let why = most.map_or("unknown", |(reason, _)| match reason {
            DropReason::Skipped(SkipReason::Budget) => "a target's budget is spent",
            DropReason::Skipped(SkipReason::InFlightLimit) => {
                "as many probes as max_in_flight allows are under way"
            }
            DropReason::Skipped(SkipReason::OffHours) => "it is none of a target's active_hours",
            DropReason::Skipped(SkipReason::Prober) => "the prober has no file descriptors left",
            DropReason::Prober => "the prober cannot ask a target, see its log",
            DropReason::Sweep => "a server was swept meanwhile",
            DropReason::Skipped(SkipReason::Late) | DropReason::OtherRun => {
                "the prober is short of time"
            }
        });
        Err(NoVerdict::NoPair(why))
    }
}
