//! One target's life: wait for the arrival, take a permit or count the skip, probe.
//!
//! Open loop: arrivals do not wait for answers, so a slow server is not asked less often.

pub mod commission;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tokio::sync::oneshot;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::commission::{Commission, Commissions};
use crate::budget::Ledger;
use crate::failure::{Failure, FailureReason};
use crate::gpu::EnergyMeter;
use crate::history::History;
use crate::metrics::{TargetMetrics, WorkloadMetrics};
use crate::probe::{Probe, Probing};
use crate::request::ProbeId;
use crate::skip::SkipReason;
use crate::watcher::Watch;
use crate::workload::Workload;
use crate::workload::mix::{Draw, Mix};

/// An arrival that is noticed later than this (and later than one interval) says nothing about
/// the server any more: the prober itself was stopped or starved.
const LATE: Duration = Duration::from_secs(1);

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
    draw: Draw,
}

impl Job {
    /// Makes it, counted as under way meanwhile.
    async fn run(self, scheduled: Instant) -> Probe {
        let _in_flight = self.metrics.as_ref().map(WorkloadMetrics::begin);
        let measuring = self.energy.begin(&self.probing.target.gpus).await;
        let mut probe = self.probing.probe(self.draw, scheduled.elapsed(), self.cancel).await;
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
    mix: Mix,
    rng: ChaCha8Rng,
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
        Self {
            mix: Mix::new(&probing.target.workloads, seed),
            rng: ChaCha8Rng::seed_from_u64(seed.wrapping_add(1)),
            probing,
            metrics,
            history,
            energy: Arc::default(),
            watch: None,
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

    /// Runs until no more arrivals are wanted and every probe under way has ended.
    pub async fn run(mut self) {
        let schedule = self.probing.target.schedule;
        let mut next = Instant::now() + schedule.first_gap(&mut self.rng);
        let stopped = self.stop.arrivals.clone();
        loop {
            tokio::select! {
                biased;
                () = stopped.cancelled() => break,
                Some(ended) = self.running.join_next_with_id() => self.ended(ended),
                Some(commission) = self.commissions.recv() => self.commissioned(commission),
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

    fn arrival(&mut self, scheduled: Instant) {
        let Some(draw) = self.mix.draw() else { return };
        match self.skip_reason(scheduled) {
            Some(reason) => self.skip(&draw, reason),
            None => self.start(draw, scheduled),
        }
    }

    fn skip_reason(&mut self, scheduled: Instant) -> Option<SkipReason> {
        let target = &self.probing.target;
        if scheduled.elapsed() > target.schedule.interval.max(LATE) {
            Some(SkipReason::Late)
        } else if self.running.len() >= target.max_in_flight {
            Some(SkipReason::InFlightLimit)
        } else if !self.spending.allows(&target.budget, today()) {
            Some(SkipReason::Budget)
        } else {
            None
        }
    }

    fn skip(&self, draw: &Draw, reason: SkipReason) {
        let (target, workload) = (&self.probing.target.name, &draw.workload.name);
        tracing::debug!(%target, %workload, %reason, "arrival skipped");
        if let Some(metrics) = self.metrics.workload(workload) {
            metrics.skipped(reason);
        }
    }

    fn start(&mut self, draw: Draw, scheduled: Instant) {
        let workload = Arc::clone(&draw.workload);
        let job = self.job(draw);
        let task = self.running.spawn(async move { Some(job.run(scheduled).await) });
        self.underway.insert(task.id(), Underway { workload, done: None });
    }

    /// Holds a place for the probe until it is told to begin, or that it is not wanted.
    fn commissioned(&mut self, commission: Commission) {
        let Commission { draw, scheduled, accepted, begin, done } = commission;
        if let Some(reason) = self.skip_reason(scheduled) {
            self.skip(&draw, reason);
            let _ = accepted.send(Err(reason)); // who asked may be gone
            return;
        }
        let workload = Arc::clone(&draw.workload);
        let (job, stopped) = (self.job(draw), self.stop.arrivals.clone());
        let task = self.running.spawn(async move {
            let begin = tokio::select! {
                biased;
                begin = begin => begin.ok()?,
                () = stopped.cancelled() => return None,
            };
            Some(job.run(begin).await)
        });
        self.underway.insert(task.id(), Underway { workload, done: Some(done) });
        let _ = accepted.send(Ok(()));
    }

    fn job(&self, draw: Draw) -> Job {
        Job {
            probing: Arc::clone(&self.probing),
            metrics: self.metrics.workload(&draw.workload.name).cloned(),
            energy: Arc::clone(&self.energy),
            cancel: self.stop.probes.clone(),
            draw,
        }
    }

    fn ended(&mut self, ended: Result<(Id, Option<Probe>), JoinError>) {
        let (probe, done) = match ended {
            Ok((id, probe)) => {
                let underway = self.underway.remove(&id);
                let Some(probe) = probe else { return };
                (probe, underway.and_then(|u| u.done))
            }
            Err(error) => {
                let Some(underway) = self.underway.remove(&error.id()) else { return };
                // Not the error itself: a panic's message may quote what was being read.
                tracing::error!(target_name = %self.probing.target.name, "a probe panicked");
                let failure = Failure::new(FailureReason::Internal, "the probe panicked");
                let probe = self.probing.not_sent(ProbeId::random(), &underway.workload, failure);
                (probe, underway.done)
            }
        };
        if let Some(done) = done {
            let _ = done.send(probe.clone()); // who asked may be gone
        }
        self.record(probe);
    }

    fn record(&mut self, probe: Probe) {
        let target = &self.probing.target;
        log(&target.name, &probe);
        self.spending.add(target.price.as_ref(), &probe.outcome.measurement);
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

/// The outcome in closed terms at info level; the server's own words only at debug level, because
/// they may quote the prompt.
fn log(target: &str, probe: &Probe) {
    let (id, workload) = (probe.id.as_str(), &probe.workload.name);
    match &probe.outcome.result {
        Ok(()) => tracing::debug!(%target, %workload, probe = id, "probe succeeded"),
        Err(failure) => {
            let (reason, status) = (failure.reason, probe.outcome.http_status);
            tracing::info!(%target, %workload, probe = id, %reason, status, "probe failed");
            tracing::debug!(probe = id, detail = %failure.detail, "why the probe failed");
        }
    }
}

/// Days since the Unix epoch, UTC.
fn today() -> u64 {
    const DAY: u64 = 86_400;
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |t| t.as_secs() / DAY)
}
