//! A comparison under way, shared by its rounds, the metrics and the pages.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::comparison::{Comparison, DropReason, Event, Judge, Round, Snapshot, What};
use crate::detect::Change;

/// What is compared, and what was learnt so far.
#[derive(Debug)]
pub struct Live {
    spec: Arc<Comparison>,
    seed: u64,
    slos: Vec<String>,
    judge: Mutex<Judge>,
    /// Changes with every round, judged or dropped.
    rounds: watch::Sender<u64>,
}

impl Live {
    /// Goes on with `judge`; draws follow from `seed`.
    #[must_use]
    pub fn new(spec: Arc<Comparison>, seed: u64, judge: Judge) -> Self {
        let slos = spec.common_slos();
        Self { spec, seed, slos, judge: Mutex::new(judge), rounds: watch::Sender::new(0) }
    }

    /// What is compared.
    #[must_use]
    pub fn spec(&self) -> &Arc<Comparison> {
        &self.spec
    }

    /// What the draws follow from.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The SLOs that count.
    #[must_use]
    pub fn slos(&self) -> &[String] {
        &self.slos
    }

    /// How it stands.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.judge().snapshot()
    }

    /// What was learnt, to be written down.
    #[must_use]
    pub fn state(&self) -> Judge {
        self.judge().clone()
    }

    /// Wakes up with every round.
    #[must_use]
    pub fn rounds(&self) -> watch::Receiver<u64> {
        self.rounds.subscribe()
    }

    pub(super) fn set_fleet(&self, streams: usize) {
        self.judge().set_fleet(&self.spec, streams);
    }

    pub(super) fn observe(&self, round: &Round) {
        let (events, before, after) = {
            let mut judge = self.judge();
            let before = judge.verdict();
            let events = judge.observe(round);
            (events, before, judge.verdict())
        };
        for event in &events {
            self.tell(event);
        }
        if before != after {
            tracing::info!(comparison = %self.spec.name, verdict = after.as_str(), "verdict");
        }
        self.rounds.send_modify(|n| *n += 1);
    }

    pub(super) fn dropped(&self, reason: DropReason) {
        tracing::debug!(comparison = %self.spec.name, reason = reason.as_str(), "round dropped");
        self.judge().dropped(reason);
        self.rounds.send_modify(|n| *n += 1);
    }

    fn judge(&self) -> MutexGuard<'_, Judge> {
        self.judge.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, event: &Event) {
        let (comparison, workload) = (&self.spec.name, &event.workload);
        let signal = event.signal.as_str();
        match event.what {
            What::Alarm(Change::Raised) => {
                tracing::warn!(%comparison, %workload, signal, "the candidate has got worse");
            }
            What::Alarm(Change::Cleared) => {
                tracing::info!(%comparison, %workload, signal, "the candidate is no longer worse");
            }
            What::Verdict(verdict) => {
                let verdict = verdict.as_str();
                tracing::info!(%comparison, %workload, signal, verdict, "verdict of one signal");
            }
        }
    }
}
