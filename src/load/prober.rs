//! Makes the probes of one target, whoever wants them: within its limits, told to its sinks.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use parking_lot::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::admission::{Admission, Permit};
use super::sweeping::Sweeping;
use crate::answer::failure::{Failure, FailureReason};
use crate::answer::skip::SkipReason;
use crate::gpu::EnergyMeter;
use crate::probe::sink::{ProbeEvent, TargetSinks, TargetStatus};
use crate::probe::{Apart, Probe, Probing};
use crate::target::Target;
use crate::target::request::ProbeId;
use crate::workload::mix::Draw;

/// The ways in which probing a target is stopped.
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

/// Why a probe is not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It is skipped, and counted as such.
    Skipped(SkipReason),
    /// The target is not probed any more.
    Stopped,
}

/// Makes the probes of one target, as it is now, for every driver.
pub struct Prober {
    probing: Arc<Probing>,
    admission: Admission,
    sinks: TargetSinks,
    energy: Arc<EnergyMeter>,
    stop: Stop,
    past: Mutex<Past>,
    /// Whether its server is being swept.
    sweeping: Arc<Sweeping>,
}

/// What was probed before.
#[derive(Debug, Default)]
struct Past {
    /// Probes that only warmed the server up.
    warm_ups: u32,
    /// Probes under way.
    under_way: usize,
    /// When the last one was over.
    last: Option<Instant>,
}

impl Past {
    /// Why a probe that begins now does not count as others do.
    fn begin(&mut self, target: &Target) -> Option<Apart> {
        let idle = self.last.filter(|_| self.under_way == 0).map(|last| last.elapsed());
        self.under_way += 1;
        if self.warm_ups < target.warm_up {
            self.warm_ups += 1;
            return Some(Apart::WarmUp);
        }
        let cold = target.cold_after.zip(idle).is_some_and(|(after, idle)| idle >= after);
        cold.then_some(Apart::Cold)
    }

    fn over(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
        self.last = Some(Instant::now());
    }
}

/// What a probe is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Usual,
    Confirming,
    CacheCheck,
}

impl Prober {
    /// Asks by `probing` what `admission` lets through, and tells `sinks`.
    #[must_use]
    pub fn new(
        probing: Arc<Probing>,
        admission: Admission,
        sinks: TargetSinks,
        energy: Arc<EnergyMeter>,
        stop: Stop,
    ) -> Self {
        let (past, sweeping) = (Mutex::default(), Arc::default());
        Self { probing, admission, sinks, energy, stop, past, sweeping }
    }

    /// The same, whose probes are marked while its server is swept.
    #[must_use]
    pub fn marked_by(self, sweeping: Arc<Sweeping>) -> Self {
        Self { sweeping, ..self }
    }

    /// The target.
    #[must_use]
    pub fn target(&self) -> &Arc<Target> {
        &self.probing.target
    }

    /// How it is asked.
    #[must_use]
    pub fn probing(&self) -> &Arc<Probing> {
        &self.probing
    }

    /// How it is stopped.
    #[must_use]
    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    /// A place for an arrival that was meant for `scheduled`; where there is none, it is counted as
    /// skipped.
    ///
    /// # Errors
    /// Why there is none.
    pub fn admit(&self, draw: &Draw, scheduled: Instant) -> Result<Permit, Refusal> {
        let admitted = self.admit_uncounted(draw, scheduled);
        if let Err(Refusal::Skipped(reason)) = admitted {
            let skipped = ProbeEvent::Skipped { workload: &draw.workload, reason };
            self.sinks.tell(skipped, self.stop.status());
        }
        admitted
    }

    /// As [`Prober::admit`], for a probe that is no arrival: that there is no place for it is counted
    /// nowhere.
    ///
    /// # Errors
    /// Why there is none.
    pub fn admit_uncounted(&self, draw: &Draw, scheduled: Instant) -> Result<Permit, Refusal> {
        let admitted = self.admission.admit(draw, scheduled);
        // Looked at afterwards: who stops the arrivals waits for every permit that was given before.
        if self.stop.arrivals.is_cancelled() {
            return Err(Refusal::Stopped);
        }
        admitted.map_err(Refusal::Skipped)
    }

    /// Makes a probe, and tells the sinks. It was meant for `scheduled`; `None` where nothing is
    /// scheduled, so that it cannot be late. Whoever gets it is told last, when it was counted. To be
    /// awaited to its end.
    pub async fn probe(
        self: Arc<Self>,
        permit: Permit,
        draw: Draw,
        scheduled: Option<Instant>,
    ) -> Probe {
        self.make(permit, draw, scheduled, Purpose::Usual).await
    }

    /// Makes a probe that looks after the prefix cache.
    pub async fn check(self: Arc<Self>, permit: Permit, draw: Draw) -> Probe {
        self.make(permit, draw, None, Purpose::CacheCheck).await
    }

    /// Makes a probe that settles whether another one was bad luck.
    pub async fn confirm(self: Arc<Self>, permit: Permit, draw: Draw, scheduled: Instant) -> Probe {
        self.make(permit, draw, Some(scheduled), Purpose::Confirming).await
    }

    async fn make(
        &self,
        mut permit: Permit,
        draw: Draw,
        scheduled: Option<Instant>,
        purpose: Purpose,
    ) -> Probe {
        let (id, workload) = (ProbeId::random(), Arc::clone(&draw.workload));
        let (others_in_flight, apart) = {
            let mut past = self.past.lock();
            (past.under_way, past.begin(self.target()))
        };
        let apart = match purpose {
            Purpose::CacheCheck => Some(Apart::CacheCheck),
            Purpose::Usual | Purpose::Confirming => apart,
        };
        let began = Instant::now();
        self.sinks.tell(ProbeEvent::Began { id: &id, workload: &workload }, self.stop.status());
        let probe = self.exchange(id.clone(), &permit, draw, scheduled);
        let probe = AssertUnwindSafe(probe).catch_unwind().await.unwrap_or_else(|_| {
            // Not the panic's own words: they may quote what was being read.
            tracing::error!(target = %self.target().name, "a probe panicked");
            let failure = Failure::new(FailureReason::Internal, "the probe panicked");
            self.probing.not_sent(id, &workload, failure)
        });
        self.past.lock().over();
        let apart = if self.sweeping.since(began) { Some(Apart::BesideSweep) } else { apart };
        let confirming = purpose == Purpose::Confirming;
        let probe = Probe { confirming, apart, others_in_flight, ..probe };
        permit.settle(probe.charge());
        let spoilt = probe.recording.ending.skipped();
        if let Some(reason) = spoilt.filter(|_| !confirming && apart.is_none()) {
            let skipped = ProbeEvent::Skipped { workload: &workload, reason };
            self.sinks.tell(skipped, self.stop.status());
        }
        self.sinks.tell(ProbeEvent::Over(&probe), self.stop.status());
        probe
    }

    async fn exchange(
        &self,
        id: ProbeId,
        permit: &Permit,
        draw: Draw,
        scheduled: Option<Instant>,
    ) -> Probe {
        let measuring = self.energy.begin(&self.target().gpus).await;
        let delay = scheduled.map_or(Duration::ZERO, |scheduled| scheduled.elapsed());
        let (answered, cancel) = (&permit.answered, self.stop.probes.clone());
        let probe = self.probing.probe_telling(id, draw, delay, answered, cancel);
        // On the heap: it is large, and waits for long.
        let mut probe = Box::pin(probe).await;
        if let Some(measuring) = measuring {
            probe.energy_joules = measuring.end(probe.server.alone).await;
        }
        probe
    }

    /// Resolves when no probe is under way, and none has a place.
    pub async fn idle(&self) {
        self.admission.idle().await;
    }
}
