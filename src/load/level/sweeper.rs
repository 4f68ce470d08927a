//! Makes one level after the other.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use parking_lot::Mutex;

use super::arrivals::Arrivals;
use super::run::{Draws, LevelPlan, LevelRun};
use super::users::Users;
use crate::answer::slo::Slo;
use crate::load::{Admission, Driver, Limits, Prober, Stop};
use crate::probe::Probing;
use crate::probe::sink::TargetSinks;
use crate::sweep::{InvalidReason, Judgement, Load, Search, SequentialTest, Tally};
use crate::target::budget::Ledger;
use crate::transport::resources::cpu_seconds;
use crate::workload::{Mix, Workload};

/// Asks one target at one level after the other, within one budget.
pub struct Sweeper {
    probing: Arc<Probing>,
    /// What a good request is.
    slos: Vec<Arc<Slo>>,
    /// Only this workload.
    only: Option<Arc<Workload>>,
    /// Makes what lets requests through within some limits.
    admit: Box<dyn Fn(Limits) -> Admission + Send + Sync>,
    stop: Stop,
    current: Mutex<Option<Arc<LevelRun>>>,
}

/// What an adaptive search brought.
pub struct Found {
    /// Each level that was tried, in that order.
    pub tallies: Vec<Tally>,
    /// Whether the search came to its end.
    pub complete: bool,
    /// The users of the largest level that was found good.
    pub knee: Option<u32>,
}

impl Sweeper {
    /// Of a target, with what a good request is, and perhaps one of its workloads alone. `stop.probes`
    /// gives up what is under way, and nothing more is begun.
    #[must_use]
    pub fn new(
        probing: Arc<Probing>,
        slos: Vec<Arc<Slo>>,
        only: Option<Arc<Workload>>,
        stop: Stop,
    ) -> Self {
        let spending = Ledger::default();
        let admit = Box::new(move |limits| Admission::new(limits, spending.clone()));
        Self { probing, slos, only, admit, stop, current: Mutex::new(None) }
    }

    /// The same with requests that `admit` lets through: at each level within other limits.
    #[must_use]
    pub fn admitting(self, admit: impl Fn(Limits) -> Admission + Send + Sync + 'static) -> Self {
        Self { admit: Box::new(admit), ..self }
    }

    /// The level that is under way, or was last.
    #[must_use]
    pub fn current(&self) -> Option<Arc<LevelRun>> {
        self.current.lock().clone()
    }

    /// Makes a level, until it is over or `decide` has seen enough; what is under way then is waited
    /// for.
    #[allow(clippy::cast_precision_loss)] // a number of processors
    pub async fn level(
        &self,
        plan: LevelPlan,
        decide: impl FnMut(&Tally) -> ControlFlow<()>,
    ) -> Tally {
        let run = LevelRun::new(plan.load, self.slos.clone());
        *self.current.lock() = Some(Arc::clone(&run));
        let target = &self.probing.target;
        let mix = Mix::new(&target.workloads, plan.seed).with_nonces(plan.nonces);
        let draws = Draws::new(mix, self.only.clone());
        let cpu = cpu_seconds();
        let prober = self.prober(plan.load);
        let stop = self.stop.probes.clone();
        match plan.load {
            Load::Closed { .. } => {
                let users = Users::new(Arc::clone(&run), prober, plan, draws, decide);
                drop(Driver::new(users, stop).run().await);
            }
            Load::Open { rate, .. } => {
                let arrivals = Arrivals::new(Arc::clone(&run), prober, (plan, rate), draws);
                drop(Driver::new(arrivals, stop).run().await);
            }
        }
        if self.stop.probes.is_cancelled() {
            run.stop(InvalidReason::Interrupted);
        }
        let took = run.began().elapsed();
        run.tally(|tally| {
            tally.end(took);
            let processors = available_parallelism().map_or(1.0, |n| n.get() as f64);
            let used = cpu.zip(cpu_seconds()).map(|(before, after)| after - before);
            tally.cpu = used.map(|used| used / (took.as_secs_f64() * processors));
            tally.clone()
        })
    }

    /// Tries the levels of a search, each until `test` is sure about it, and hands over each one.
    pub async fn find_knee(
        &self,
        mut search: Search,
        test: SequentialTest,
        plan: impl Fn(u32) -> LevelPlan,
        mut tried: impl FnMut(&Tally),
    ) -> Found {
        let (mut tallies, mut complete) = (Vec::new(), true);
        while let Some(users) = search.next() {
            let mut judgement = None;
            let tally = self.level(plan(users), |tally| {
                judgement = test.judge(tally.judged());
                if judgement.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            let tally = tally.await;
            let given_up = tally.stopped.is_some();
            tried(&tally);
            tallies.push(tally);
            match judgement {
                Some(judgement) if !given_up => search.tell(judgement == Judgement::Reached),
                _ => {
                    complete = false;
                    break;
                }
            }
        }
        Found { tallies, complete, knee: search.largest_good() }
    }

    /// With a place for everybody, whenever it is, and the target's own budget.
    fn prober(&self, load: Load) -> Arc<Prober> {
        let target = &self.probing.target;
        let interval = load.rate().map(|rate| Duration::from_secs_f64(1.0 / rate));
        let in_flight = load.concurrency() as usize;
        // The level says how many, and whoever sweeps chose the hour.
        let (in_prefill, active_hours) = (None, Vec::new());
        let limits = Limits { in_flight, in_prefill, interval, active_hours, ..Limits::of(target) };
        let admission = (self.admit)(limits);
        let (sinks, energy) = (TargetSinks::default(), Arc::default());
        let probing = Arc::clone(&self.probing);
        Arc::new(Prober::new(probing, admission, sinks, energy, self.stop.clone()))
    }
}
