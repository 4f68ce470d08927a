//! One target's life: wait for the arrival, take a permit or count the skip, probe.
//!
//! Open loop: arrivals do not wait for answers, so a slow server is not asked less often.

pub mod commission;
mod confirm;

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
use self::confirm::Confirming;
use crate::budget::Ledger;
use crate::failure::{Failure, FailureReason};
use crate::gpu::EnergyMeter;
use crate::history::History;
use crate::metrics::{TargetMetrics, WorkloadMetrics};
use crate::outage::Doubt;
use crate::probe::{Probe, Probing};
use crate::request::ProbeId;
use crate::skip::SkipReason;
use crate::transport::Answered;
use crate::watcher::{OutageWatch, Watch};
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

/// A probe to be made.
struct Job {
    probing: Arc<Probing>,
    metrics: Option<Arc<WorkloadMetrics>>,
    energy: Arc<EnergyMeter>,
    cancel: CancellationToken,
    answered: Answered,
    draw: Draw,
}

impl Job {
    /// Makes it, counted as under way meanwhile.
    async fn run(self, scheduled: Instant) -> Probe {
        let _in_flight = self.metrics.as_ref().map(WorkloadMetrics::begin);
        let measuring = self.energy.begin(&self.probing.target.gpus).await;
        let delay = scheduled.elapsed();
        let probe = self.probing.probe_telling(self.draw, delay, &self.answered, self.cancel);
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
    metrics: Arc<TargetMetrics>,
    history: Arc<History>,
    energy: Arc<EnergyMeter>,
    /// Learns what is usual; a prober on its own has none.
    watch: Option<Arc<Watch>>,
    /// Counts failures in a row; a prober on its own has none, and confirms nothing.
    outage: Option<Arc<OutageWatch>>,
    confirming: Confirming,
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
    /// For the case that it panics.
    workload: Arc<Workload>,
    /// Who commissioned it.
    done: Option<oneshot::Sender<Probe>>,
    /// Whether the server has done its work.
    answered: Answered,
    /// Where it stands in the order of beginnings.
    number: Option<u64>,
    /// Whether it confirms another one, and counts in no figure.
    confirming: bool,
}

impl Prober {
    /// A prober whose arrivals and draws follow from `seed`.
    #[must_use]
    pub fn new(
        probing: Arc<Probing>,
        metrics: Arc<TargetMetrics>,
        history: Arc<History>,
        seed: u64,
        commissions: Commissions,
        stop: Stop,
    ) -> Self {
        let confirming_mix = Mix::new(&probing.target.workloads, seed.wrapping_add(2));
        Self {
            mix: Mix::new(&probing.target.workloads, seed),
            rng: ChaCha8Rng::seed_from_u64(seed.wrapping_add(1)),
            probing,
            metrics,
            history,
            energy: Arc::default(),
            watch: None,
            outage: None,
            confirming: Confirming::default(),
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

    /// Tells this watch of every probe.
    #[must_use]
    pub fn watched(self, watch: Option<Arc<Watch>>) -> Self {
        Self { watch, ..self }
    }

    /// Keeps count of failures in a row here, and confirms the first of them.
    #[must_use]
    pub fn counted(self, outage: Option<Arc<OutageWatch>>) -> Self {
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
            let (begin, confirm) = (first.unwrap_or(now), self.confirming.next());
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
        if let Some(metrics) = self.metrics.workload(workload) {
            metrics.skipped(reason);
        }
    }

    fn start(&mut self, draw: Draw, scheduled: Instant, confirming: bool) {
        let underway = Underway { confirming, ..self.begun(&draw) };
        let job = self.job(draw);
        let answered = job.answered.clone();
        let task = self.running.spawn(async move { Some(job.run(scheduled).await) });
        self.underway.insert(task.id(), Underway { answered, ..underway });
    }

    fn begun(&self, draw: &Draw) -> Underway {
        Underway {
            workload: Arc::clone(&draw.workload),
            done: None,
            answered: Answered::default(),
            number: self.outage.as_ref().map(|outage| outage.begin()),
            confirming: false,
        }
    }

    /// Makes a confirming probe that is due, within the same limits as any other.
    fn confirm(&mut self, due: Instant) {
        let workload = self.confirming.take(&self.probing.target.workloads);
        let draw = workload.and_then(|workload| self.confirming_mix.draw_from(workload));
        let (Some(draw), Some(outage)) = (draw, self.outage.clone()) else { return };
        let Some(reason) = self.skip_reason(due) else {
            outage.confirm();
            self.start(draw, due, true);
            return;
        };
        tracing::debug!(target_name = %self.probing.target.name, %reason, "not confirmed");
        if reason == SkipReason::Budget && outage.outage().doubt() == Doubt::Recovering {
            // There will be no second answer today.
            outage.believe();
        }
    }

    /// Holds a place for the probe until it is told to begin, or that it is not wanted.
    fn commissioned(&mut self, commission: Commission) {
        let Commission { draw, scheduled, accepted, begin, done } = commission;
        if let Some(reason) = self.skip_reason(scheduled) {
            self.skip(&draw, reason);
            let _ = accepted.send(Err(reason)); // who asked may be gone
            return;
        }
        let underway = Underway { done: Some(done), ..self.begun(&draw) };
        let (job, stopped) = (self.job(draw), self.stop.arrivals.clone());
        let answered = job.answered.clone();
        let task = self.running.spawn(async move {
            let begin = tokio::select! {
                biased;
                begin = begin => begin.ok()?,
                () = stopped.cancelled() => return None,
            };
            Some(job.run(begin).await)
        });
        self.underway.insert(task.id(), Underway { answered, ..underway });
        let _ = accepted.send(Ok(()));
    }

    fn job(&self, draw: Draw) -> Job {
        Job {
            probing: Arc::clone(&self.probing),
            metrics: self.metrics.workload(&draw.workload.name).cloned(),
            energy: Arc::clone(&self.energy),
            cancel: self.stop.probes.clone(),
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
                self.probing.not_sent(ProbeId::random(), &underway.workload, failure)
            }
        };
        if let Some(done) = underway.done.take() {
            let _ = done.send(probe.clone()); // who asked may be gone
        }
        self.count(&probe, &underway);
        if underway.confirming {
            self.record_confirming(&probe);
        } else {
            self.record(probe);
        }
    }

    /// Takes up whether the target answers, and plans what would settle a doubt.
    fn count(&mut self, probe: &Probe, underway: &Underway) {
        if self.stop.arrivals.is_cancelled() || probe.no_news {
            return;
        }
        let (Some(outage), Some(number)) = (&self.outage, underway.number) else { return };
        let reason = probe.outcome.reason();
        let Some(doubt) = outage.observe(number, reason) else { return };
        let throttled = reason == Some(FailureReason::Throttled);
        let (workload, now) = (&probe.workload.name, Instant::now());
        self.confirming.settle(doubt, workload, throttled, underway.confirming, now);
    }

    /// A confirming probe costs what it costs, and is in no other figure: there are more of them
    /// when a target is ill, so that they would weigh its bad hours twice.
    fn record_confirming(&mut self, probe: &Probe) {
        let target = &self.probing.target;
        log(&target.name, probe, true);
        self.spending.add(target.price.as_ref(), probe.charge());
        if let Some(model) = self.probing.model.known() {
            self.metrics.set_model(&model);
        }
        self.metrics.record_cost(&probe.workload.name, &probe.outcome.measurement);
    }

    fn record(&mut self, probe: Probe) {
        let target = &self.probing.target;
        log(&target.name, &probe, false);
        self.spending.add(target.price.as_ref(), probe.charge());
        if let Some(model) = self.probing.model.known() {
            self.metrics.set_model(&model);
        }
        let (workload, id) = (&probe.workload.name, probe.id.as_str());
        self.metrics.record(workload, &probe.recording, &probe.outcome, id);
        self.metrics.record_server(workload, &probe.server, probe.outcome.measurement.ttft);
        if let Some(joules) = probe.energy_joules {
            self.metrics.record_energy(workload, &probe.outcome, joules);
        }
        if let Some(watch) = self.watch.as_ref().filter(|_| !self.stop.arrivals.is_cancelled()) {
            // Nothing is learnt from a target that has changed since.
            watch.observe(&probe);
        }
        if !self.stop.removed.is_cancelled() {
            self.history.add(target, probe);
        }
    }
}

/// The outcome in our own words at info level; the server's only at debug level, because they may
/// quote the prompt.
fn log(target: &str, probe: &Probe, confirming: bool) {
    let (id, workload) = (probe.id.as_str(), &probe.workload.name);
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
