//! One target's life: wait for the arrival, take a permit or count the skip, probe.
//!
//! Open loop: arrivals do not wait for answers, so a slow server is not asked less often.

pub mod commission;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::sync::oneshot;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::commission::{Commission, Commissions};
use crate::budget::Ledger;
use crate::failure::{Failure, FailureReason};
use crate::gpu::EnergyMeter;
use crate::probe::sink::{ProbeEvent, TargetSinks, TargetStatus};
use crate::probe::{Probe, Probing};
use crate::request::ProbeId;
use crate::skip::SkipReason;
use crate::transport::Answered;
use crate::watcher::OutageWatch;
use crate::workload::Workload;
use crate::workload::mix::{Draw, Mix};

/// An arrival that is noticed later than this (and later than one interval) says nothing about
/// the server any more: the prober itself was stopped or starved.
const LATE: Duration = Duration::from_secs(1);

/// So many times the probes that may be under way, those included whose answer has ended.
const MOST_TAILS: usize = 4;

/// The two ways a prober is stopped.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    /// No more arrivals; probes under way go on.
    pub arrivals: CancellationToken,
    /// Probes under way are given up.
    pub probes: CancellationToken,
    /// The target is gone: probes under way leave no trace. One that was only changed has a place
    /// for them still.
    pub removed: CancellationToken,
}

impl Stop {
    /// How the target stands that is probed.
    #[must_use]
    pub fn status(&self) -> TargetStatus {
        if self.removed.is_cancelled() {
            TargetStatus::Removed
        } else if self.arrivals.is_cancelled() {
            TargetStatus::Retired
        } else {
            TargetStatus::Active
        }
    }
}

/// A probe to be made.
struct Job {
    id: ProbeId,
    probing: Arc<Probing>,
    sinks: Arc<TargetSinks>,
    energy: Arc<EnergyMeter>,
    stop: Stop,
    answered: Answered,
    draw: Draw,
}

impl Job {
    /// Makes it.
    async fn run(self, scheduled: Instant) -> Probe {
        let began = ProbeEvent::Began { id: &self.id, workload: &self.draw.workload };
        self.sinks.tell(began, self.stop.status());
        let measuring = self.energy.begin(&self.probing.target.gpus).await;
        let delay = scheduled.elapsed();
        let (answered, cancel) = (&self.answered, self.stop.probes);
        let probe = self.probing.probe_telling(self.id, self.draw, delay, answered, cancel);
        let mut probe = probe.await;
        if let Some(measuring) = measuring {
            probe.energy_joules = measuring.end(probe.server.alone).await;
        }
        probe
    }
}

/// Probes one target until stopped.
pub struct Prober {
    probing: Arc<Probing>,
    sinks: Arc<TargetSinks>,
    energy: Arc<EnergyMeter>,
    /// Says when a failure is to be confirmed; a prober on its own has none.
    outage: Option<Arc<OutageWatch>>,
    /// What confirming probes ask: drawn apart, so that the schedule's draws stay the same.
    confirming_mix: Mix,
    mix: Mix,
    rng: ChaCha8Rng,
    /// The first arrival comes at a random moment within this time.
    first_within: Duration,
    spending: Ledger,
    /// Whether the target's own schedule is followed.
    scheduled: bool,
    commissions: Commissions,
    /// `None` ends a commission that was withdrawn.
    running: JoinSet<Option<Probe>>,
    underway: HashMap<Id, Underway>,
    stop: Stop,
}

/// What is known of a probe under way.
struct Underway {
    /// For the case that it panics, as the workload.
    id: ProbeId,
    workload: Arc<Workload>,
    /// Who commissioned it.
    done: Option<oneshot::Sender<Probe>>,
    /// Whether the server has done its work.
    answered: Answered,
    /// Whether it confirms another one, and counts in no figure.
    confirming: bool,
}

impl Underway {
    fn of(job: &Job) -> Self {
        Self {
            id: job.id.clone(),
            workload: Arc::clone(&job.draw.workload),
            done: None,
            answered: job.answered.clone(),
            confirming: false,
        }
    }
}

impl Prober {
    /// A prober whose arrivals and draws follow from `seed`.
    #[must_use]
    pub fn new(
        probing: Arc<Probing>,
        sinks: TargetSinks,
        seed: u64,
        commissions: Commissions,
        stop: Stop,
    ) -> Self {
        let confirming_mix = Mix::new(&probing.target.workloads, seed.wrapping_add(2));
        Self {
            mix: Mix::new(&probing.target.workloads, seed),
            rng: ChaCha8Rng::seed_from_u64(seed.wrapping_add(1)),
            probing,
            sinks: Arc::new(sinks),
            energy: Arc::default(),
            outage: None,
            confirming_mix,
            first_within: Duration::ZERO,
            spending: Ledger::default(),
            scheduled: true,
            commissions,
            running: JoinSet::new(),
            underway: HashMap::new(),
            stop,
        }
    }

    /// Makes commissioned probes only.
    #[must_use]
    pub fn unscheduled(self) -> Self {
        Self { scheduled: false, ..self }
    }

    /// Measures the energy of its probes, too.
    #[must_use]
    pub fn metered(self, energy: Arc<EnergyMeter>) -> Self {
        Self { energy, ..self }
    }

    /// Goes on with what was spent today.
    #[must_use]
    pub fn spending(self, spending: Ledger) -> Self {
        Self { spending, ..self }
    }

    /// Confirms failures when this says so.
    #[must_use]
    pub fn confirming(self, outage: Option<Arc<OutageWatch>>) -> Self {
        Self { outage, ..self }
    }

    /// Makes the first probe at a random moment of so long, instead of at once.
    #[must_use]
    pub fn first_within(self, first_within: Duration) -> Self {
        Self { first_within, ..self }
    }

    /// Runs until no more arrivals are wanted and every probe under way has ended.
    pub async fn run(mut self) {
        let schedule = self.probing.target.schedule;
        let now = Instant::now();
        // The first probe comes on top of the schedule, which begins at a phase of its own.
        let mut next = now + schedule.first_gap(&mut self.rng);
        let mut first = Some(now + self.first_within.mul_f64(self.apart().random::<f64>()));
        let stopped = self.stop.arrivals.clone();
        loop {
            let confirm = self.outage.as_ref().and_then(|outage| outage.confirm_at());
            let begin = first.unwrap_or(now);
            tokio::select! {
                biased;
                () = stopped.cancelled() => break,
                Some(ended) = self.running.join_next_with_id() => self.ended(ended),
                Some(commission) = self.commissions.recv() => self.commissioned(commission),
                () = tokio::time::sleep_until(begin), if self.scheduled && first.is_some() => {
                    first = None;
                    self.arrival(begin);
                }
                () = tokio::time::sleep_until(confirm.unwrap_or(now)), if confirm.is_some() => {
                    self.confirm(confirm.unwrap_or(now));
                }
                () = tokio::time::sleep_until(next), if self.scheduled => {
                    self.arrival(next);
                    next += schedule.gap(&mut self.rng);
                }
            }
        }
        // Nobody is told to begin any more; who waits for it ends.
        self.commissions.close();
        while let Some(ended) = self.running.join_next_with_id().await {
            self.ended(ended);
        }
    }

    /// Random numbers that take none from the schedule's.
    fn apart(&self) -> ChaCha8Rng {
        let mut rng = self.rng.clone();
        rng.set_stream(1);
        rng
    }

    fn arrival(&mut self, scheduled: Instant) {
        let Some(draw) = self.mix.draw() else { return };
        match self.skip_reason(scheduled) {
            Some(reason) => self.skip(&draw, reason),
            None => self.start(draw, scheduled, false),
        }
    }

    fn skip_reason(&mut self, scheduled: Instant) -> Option<SkipReason> {
        let target = &self.probing.target;
        if scheduled.elapsed() > target.schedule.interval.max(LATE) {
            Some(SkipReason::Late)
        } else if self.is_full(target.max_in_flight) {
            Some(SkipReason::InFlightLimit)
        } else if !self.spending.allows(&target.budget, today()) {
            Some(SkipReason::Budget)
        } else {
            None
        }
    }

    /// Whether the server works on so many probes. Who waits for what may follow an answer holds no
    /// place, but those have a limit, too.
    fn is_full(&self, max_in_flight: usize) -> bool {
        let at_work = || self.underway.values().filter(|probe| !probe.answered.get()).count();
        self.running.len() >= MOST_TAILS * max_in_flight || at_work() >= max_in_flight
    }

    fn skip(&self, draw: &Draw, reason: SkipReason) {
        let (target, workload) = (&self.probing.target.name, &draw.workload.name);
        tracing::debug!(%target, %workload, %reason, "arrival skipped");
        let skipped = ProbeEvent::Skipped { workload: &draw.workload, reason };
        self.sinks.tell(skipped, self.stop.status());
    }

    fn start(&mut self, draw: Draw, scheduled: Instant, confirming: bool) {
        let job = self.job(draw);
        let underway = Underway { confirming, ..Underway::of(&job) };
        let task = self.running.spawn(async move { Some(job.run(scheduled).await) });
        self.underway.insert(task.id(), underway);
    }

    /// Makes a confirming probe that is due, within the same limits as any other.
    fn confirm(&mut self, due: Instant) {
        let Some(outage) = self.outage.clone() else { return };
        let workload = outage.take_confirming(&self.probing.target.workloads);
        let draw = workload.and_then(|workload| self.confirming_mix.draw_from(workload));
        let Some(draw) = draw else { return };
        let Some(reason) = self.skip_reason(due) else {
            outage.confirm();
            self.start(draw, due, true);
            return;
        };
        tracing::debug!(target_name = %self.probing.target.name, %reason, "not confirmed");
        outage.not_confirmed(reason);
    }

    /// Holds a place for the probe until it is told to begin, or that it is not wanted.
    fn commissioned(&mut self, commission: Commission) {
        let Commission { draw, scheduled, accepted, begin, done } = commission;
        if let Some(reason) = self.skip_reason(scheduled) {
            self.skip(&draw, reason);
            let _ = accepted.send(Err(reason)); // who asked may be gone
            return;
        }
        let (job, stopped) = (self.job(draw), self.stop.arrivals.clone());
        let underway = Underway { done: Some(done), ..Underway::of(&job) };
        let task = self.running.spawn(async move {
            let begin = tokio::select! {
                biased;
                begin = begin => begin.ok()?,
                () = stopped.cancelled() => return None,
            };
            Some(job.run(begin).await)
        });
        self.underway.insert(task.id(), underway);
        let _ = accepted.send(Ok(()));
    }

    fn job(&self, draw: Draw) -> Job {
        Job {
            id: ProbeId::random(),
            probing: Arc::clone(&self.probing),
            sinks: Arc::clone(&self.sinks),
            energy: Arc::clone(&self.energy),
            stop: self.stop.clone(),
            answered: Answered::default(),
            draw,
        }
    }

    fn ended(&mut self, ended: Result<(Id, Option<Probe>), JoinError>) {
        let (id, probe) = match ended {
            Ok((id, probe)) => (id, Ok(probe)),
            Err(error) => (error.id(), Err(())),
        };
        let Some(mut underway) = self.underway.remove(&id) else { return };
        let probe = match probe {
            Ok(Some(probe)) => probe,
            Ok(None) => return,
            Err(()) => {
                // Not the error itself: a panic's message may quote what was being read.
                tracing::error!(target_name = %self.probing.target.name, "a probe panicked");
                let failure = Failure::new(FailureReason::Internal, "the probe panicked");
                self.probing.not_sent(underway.id.clone(), &underway.workload, failure)
            }
        };
        let probe = Probe { confirming: underway.confirming, ..probe };
        let target = &self.probing.target;
        log(&target.name, &probe);
        self.spending.add(target.price.as_ref(), probe.charge());
        self.sinks.tell(ProbeEvent::Over(&probe), self.stop.status());
        if let Some(done) = underway.done.take() {
            let _ = done.send(probe); // who asked may be gone
        }
    }
}

/// The outcome in our own words at info level; the server's only at debug level, because they may
/// quote the prompt.
fn log(target: &str, probe: &Probe) {
    let (id, workload) = (probe.id.as_str(), &probe.workload.name);
    let confirming = probe.confirming;
    match &probe.outcome.result {
        Ok(()) => tracing::debug!(%target, %workload, probe = id, confirming, "probe succeeded"),
        Err(failure) => {
            let (reason, status) = (failure.reason, probe.outcome.http_status);
            let why = failure.explanation.as_deref();
            tracing::info!(
                %target, %workload, probe = id, confirming, %reason, status, why, "probe failed"
            );
            tracing::debug!(probe = id, detail = %failure.detail, "why the probe failed");
        }
    }
}

/// Days since the Unix epoch, UTC.
fn today() -> u64 {
    const DAY: u64 = 86_400;
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |t| t.as_secs() / DAY)
}
