//! One scheduled sweep's life: it waits for its instant and its turn, sweeps, and waits again.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::live::Live;
use crate::load::level::{LevelPlan, Sweeper, Until};
use crate::load::{Admission, Allowance, InAll, Limits, Prober, Stop, Sweeping};
use crate::probe::Probing;
use crate::sweep::{InvalidReason, Load, ScheduledSweep, SweepResult, SweepRun, Tally};
use crate::target::Target;
use crate::target::budget::Ledger;
use crate::target::schedule::Arrival;
use crate::transport::{SetupError, Transport};
use crate::watcher::WallClock;

/// How often the wall clock is looked at: it may be set.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// A sweep that is noticed to be due so late (in milliseconds) is not made: the machine slept, and the
/// server has other work now.
const TOO_LATE: u64 = 10 * 60 * 1_000;

/// How often it is looked at whether the server bears it.
const WATCH_EVERY: Duration = Duration::from_millis(200);

/// How a target's server is reached.
pub type SharedDial = Arc<dyn Fn(&Target) -> Result<Transport, SetupError> + Send + Sync>;

/// What a sweep works with.
pub struct Equipment {
    /// Makes connections of its own: what it leaves open is none of the target's probes' business.
    pub dial: SharedDial,
    /// The prober of its target: what that has learnt of the server holds here, too.
    pub prober: Arc<Prober>,
    /// What the target has spent.
    pub spending: Ledger,
    /// What all targets share.
    pub in_all: Arc<InAll>,
    /// Says when it is due.
    pub clock: WallClock,
    /// All draws follow from it.
    pub seed: u64,
}

/// Makes the runs of a sweep until stopped.
pub(super) struct Runner {
    live: Arc<Live>,
    spec: Arc<ScheduledSweep>,
    equipment: Equipment,
    sweeping: Arc<Sweeping>,
    stop: CancellationToken,
    /// Runs that were made; each has a seed of its own.
    made: u64,
}

impl Runner {
    pub fn new(
        live: Arc<Live>,
        equipment: Equipment,
        sweeping: Arc<Sweeping>,
        stop: CancellationToken,
    ) -> Self {
        let spec = Arc::clone(live.spec());
        Self { live, spec, equipment, sweeping, stop, made: 0 }
    }

    /// Until it is stopped. What is under way then is given up at once.
    pub async fn run(mut self) {
        let stop = self.stop.clone();
        let mut due = None;
        while let Some(next) = stop.run_until_cancelled(self.wait(due)).await {
            due = Some(next);
            let Some(turn) = stop.run_until_cancelled(self.sweeping.begin()).await else { return };
            self.made += 1;
            let run = self.sweep().await;
            drop(turn);
            self.tell(&run);
            self.live.end(run);
        }
    }

    fn now(&self) -> u64 {
        let since = (self.equipment.clock)().duration_since(SystemTime::UNIX_EPOCH);
        u64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
    }

    /// Waits for the first instant after the one that was `last`, by a clock that may be set.
    async fn wait(&self, last: Option<u64>) -> u64 {
        let timetable = &self.spec.timetable;
        let every = u64::try_from(timetable.every.as_millis()).unwrap_or(u64::MAX);
        let now = self.now();
        // Set back a little, the clock would come to the same instant again.
        let last = last.filter(|last| last.saturating_sub(now) < every);
        let mut next = timetable.next_after(last.map_or(now, |last| last.max(now)));
        loop {
            let now = self.now();
            if next.saturating_sub(now) > every.saturating_mul(2) {
                next = timetable.next_after(now); // the clock was set back
            }
            if now.saturating_sub(next) > TOO_LATE {
                tracing::warn!(sweep = %self.spec.name, "it is too late for the sweep that was due");
                next = timetable.next_after(now);
            }
            self.live.plan(next);
            let Some(left) = next.checked_sub(now).filter(|left| *left > 0) else { return next };
            tokio::time::sleep(Duration::from_millis(left).min(LOOK_EVERY)).await;
        }
    }

    /// One run.
    async fn sweep(&self) -> SweepRun {
        let began = self.now();
        self.live.begin(began);
        tracing::info!(
            sweep = %self.spec.name, target = %self.spec.target.name, "a sweep begins"
        );
        let mut tallies = Vec::new();
        let broken_off = match (self.equipment.dial)(&self.spec.target) {
            Ok(transport) => self.levels_within_limits(transport, &mut tallies).await,
            Err(why) => {
                tracing::error!(sweep = %self.spec.name, %why, "there is no way to the server");
                Some(SweepResult::Errors)
            }
        };
        SweepRun::of((began, self.now()), &tallies, broken_off, self.spec.attainment)
    }

    /// Makes the levels until something speaks against it; says what.
    async fn levels_within_limits(
        &self,
        transport: Transport,
        tallies: &mut Vec<Tally>,
    ) -> Option<SweepResult> {
        let (target, equipment) = (&self.spec.target, &self.equipment);
        let mut probing = Probing::new(Arc::clone(target), transport);
        probing.go_on_from(equipment.prober.probing());
        // Looks beside each request would be load of another kind, and keep failures from being seen.
        (probing.observer, probing.inquiry) = (None, None);
        let (stop, allowance) = (Stop::default(), Allowance::new(self.spec.most_output_tokens));
        let (name, spending) = (target.name.clone(), equipment.spending.clone());
        let (in_all, clock) = (Arc::clone(&equipment.in_all), Arc::clone(&equipment.clock));
        let allowed = allowance.clone();
        let admit = move |limits: Limits| {
            let admission = Admission::new(limits, spending.clone()).beside(&name, &in_all);
            admission.by(Arc::clone(&clock)).allowing(allowed.clone())
        };
        let slos = target.slos.clone();
        let only = self.spec.workload.clone();
        let sweeper = Sweeper::new(Arc::new(probing), slos, only, stop.clone()).admitting(admit);
        let mut levels = std::pin::pin!(self.levels(&sweeper, &allowance, tallies));
        let why = tokio::select! {
            biased;
            () = self.stop.cancelled() => SweepResult::Stopped,
            why = self.watch(&sweeper) => why,
            broken_off = &mut levels => return broken_off,
        };
        stop.probes.cancel();
        levels.await;
        Some(why)
    }

    /// One level after the other; says why there are no more before the last.
    async fn levels(
        &self,
        sweeper: &Sweeper,
        allowance: &Allowance,
        tallies: &mut Vec<Tally>,
    ) -> Option<SweepResult> {
        for users in &self.spec.levels {
            let plan = LevelPlan {
                load: Load::Closed { users: *users },
                ramp: Duration::ZERO,
                warmup: 0,
                until: Until::Requests(self.spec.requests_per_level.into()),
                arrival: Arrival::Constant,
                seed: self.equipment.seed.wrapping_add(self.made),
                nonces: rand::random(),
            };
            let tally = sweeper.level(plan, |_| ControlFlow::Continue(())).await;
            let stopped = tally.stopped;
            tallies.push(tally);
            if stopped == Some(InvalidReason::Budget) {
                let own = allowance.is_used_up();
                return Some(if own { SweepResult::Tokens } else { SweepResult::Budget });
            }
            if stopped.is_some() {
                return None; // whoever stopped it knows why
            }
            // What came after the last look.
            if let Some(why) = self.too_much(sweeper) {
                return Some(why);
            }
        }
        None
    }

    /// Resolves when the server does not bear it, or the time is over.
    async fn watch(&self, sweeper: &Sweeper) -> SweepResult {
        let ends = Instant::now() + self.spec.most_duration;
        loop {
            let left = ends.saturating_duration_since(Instant::now());
            tokio::time::sleep(left.min(WATCH_EVERY)).await;
            if let Some(why) = self.too_much(sweeper) {
                return why;
            }
            if Instant::now() >= ends {
                return SweepResult::Time;
            }
        }
    }

    fn too_much(&self, sweeper: &Sweeper) -> Option<SweepResult> {
        let (strain, waiting) = sweeper.current()?.strain();
        strain.too_much(self.spec.ttft_bound(), waiting)
    }

    fn tell(&self, run: &SweepRun) {
        let (sweep, target) = (&self.spec.name, &self.spec.target.name);
        let result = run.result.as_str();
        match (run.knee, run.result) {
            (Some(knee), _) => {
                tracing::info!(%sweep, %target, result, knee, "the sweep is over");
            }
            (None, SweepResult::Stopped) => {
                tracing::info!(%sweep, %target, result, "the sweep is given up");
            }
            (None, _) => {
                tracing::warn!(%sweep, %target, result, "the sweep is over, and tells no knee");
            }
        }
    }
}
