//! One target's life: wait for the arrival, take a permit or count the skip, probe.
//!
//! Open loop: arrivals do not wait for answers, so a slow server is not asked less often.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::budget::Spending;
use crate::failure::{Failure, FailureReason};
use crate::gpu::EnergyMeter;
use crate::history::History;
use crate::metrics::{TargetMetrics, WorkloadMetrics};
use crate::probe::{Probe, Probing};
use crate::request::ProbeId;
use crate::skip::SkipReason;
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
}

/// Probes one target until stopped.
pub struct Prober {
    probing: Arc<Probing>,
    metrics: Arc<TargetMetrics>,
    history: Arc<History>,
    energy: Arc<EnergyMeter>,
    mix: Mix,
    rng: ChaCha8Rng,
    spending: Spending,
    running: JoinSet<Probe>,
    /// The workload of each probe under way, for the case that it panics.
    workloads: HashMap<Id, Arc<Workload>>,
    stop: Stop,
}

impl Prober {
    /// A prober whose arrivals and draws follow from `seed`.
    #[must_use]
    pub fn new(
        probing: Arc<Probing>,
        metrics: Arc<TargetMetrics>,
        history: Arc<History>,
        energy: Arc<EnergyMeter>,
        seed: u64,
        stop: Stop,
    ) -> Self {
        Self {
            mix: Mix::new(&probing.target.workloads, seed),
            rng: ChaCha8Rng::seed_from_u64(seed.wrapping_add(1)),
            probing,
            metrics,
            history,
            energy,
            spending: Spending::default(),
            running: JoinSet::new(),
            workloads: HashMap::new(),
            stop,
        }
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
                () = tokio::time::sleep_until(next) => {
                    self.arrival(next);
                    next += schedule.gap(&mut self.rng);
                }
            }
        }
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
        let in_flight = self.metrics.workload(&workload.name).map(WorkloadMetrics::begin);
        let (probing, cancel) = (Arc::clone(&self.probing), self.stop.probes.clone());
        let energy = Arc::clone(&self.energy);
        let task = self.running.spawn(async move {
            let measuring = energy.begin(&probing.target.gpus).await;
            let mut probe = probing.probe(draw, scheduled.elapsed(), cancel).await;
            if let Some(measuring) = measuring {
                probe.energy_joules = measuring.end(probe.server.alone).await;
            }
            drop(in_flight);
            probe
        });
        self.workloads.insert(task.id(), workload);
    }

    fn ended(&mut self, ended: Result<(Id, Probe), JoinError>) {
        let probe = match ended {
            Ok((id, probe)) => {
                self.workloads.remove(&id);
                probe
            }
            Err(error) => {
                let Some(workload) = self.workloads.remove(&error.id()) else { return };
                // Not the error itself: a panic's message may quote what was being read.
                tracing::error!(target_name = %self.probing.target.name, "a probe panicked");
                let failure = Failure::new(FailureReason::Internal, "the probe panicked");
                self.probing.not_sent(ProbeId::random(), &workload, failure)
            }
        };
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
        if !self.stop.arrivals.is_cancelled() {
            self.history.add(target, probe); // a removed target leaves no trace
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
