//! A comparison under way, shared by its rounds, the metrics and the pages.

use std::fmt;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::watch;

use super::begin::begin;
use crate::regression::comparison::{
    Cause, Comparison, DropReason, Event, Judge, Round, RunId, Snapshot, Standing, What,
};
use crate::regression::detect::Change;

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

/// The current run already has the id that a new one shall have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedId(RunId);

impl fmt::Display for UsedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the current run is `{}` and has made rounds, expected another id (or none, to be told \
             one)",
            self.0
        )
    }
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

    /// Begins a new run, by this id or one of its own, and returns its id. Nothing that was learnt
    /// before counts in it, and nor do rounds under way. A run that has not made a round is begun
    /// only once, however often it is asked for.
    ///
    /// # Errors
    /// The current run has this id, and has made rounds.
    pub fn start(&self, id: Option<RunId>) -> Result<RunId, UsedId> {
        let mut judge = self.judge();
        if let Some(id) = id.as_ref().filter(|id| **id == judge.run().id) {
            return if judge.rounds() == 0 { Ok(id.clone()) } else { Err(UsedId(id.clone())) };
        }
        let run = begin(id, Cause::Asked);
        let id = run.id.clone();
        *judge = judge.again(&self.spec, run);
        drop(judge);
        tracing::info!(comparison = %self.spec.name, run = %id, "a new run begins, as asked");
        Ok(id)
    }

    /// The run under way.
    pub(super) fn run(&self) -> RunId {
        self.judge().run().id.clone()
    }

    pub(super) fn set_fleet(&self, streams: usize) {
        self.judge().set_fleet(&self.spec, streams);
    }

    /// Takes up a round that began in `run`.
    pub(super) fn observe(&self, run: &RunId, round: &Round) {
        let observed = {
            let mut judge = self.judge();
            if judge.run().id == *run {
                let before = judge.standing();
                let events = judge.observe(round);
                Some((events, before, judge.standing()))
            } else {
                None
            }
        };
        let Some((events, before, after)) = observed else {
            self.dropped(DropReason::OtherRun);
            return;
        };
        for event in &events {
            self.tell(event);
        }
        if before.verdict != after.verdict {
            self.tell_verdict(&after);
        }
        self.rounds.send_modify(|n| *n += 1);
    }

    pub(super) fn dropped(&self, reason: DropReason) {
        tracing::debug!(comparison = %self.spec.name, reason = reason.as_str(), "round dropped");
        self.judge().dropped(reason);
        self.rounds.send_modify(|n| *n += 1);
    }

    fn judge(&self) -> MutexGuard<'_, Judge> {
        self.judge.lock()
    }

    fn tell_verdict(&self, standing: &Standing) {
        let (comparison, run) = (&self.spec.name, &standing.run.id);
        let verdict = standing.verdict.as_str();
        match &standing.waits {
            None => tracing::info!(%comparison, %run, verdict, "verdict"),
            Some(waits) => tracing::info!(%comparison, %run, verdict, %waits, "verdict"),
        }
    }

    fn tell(&self, event: &Event) {
        let (comparison, workload) = (&self.spec.name, &event.workload);
        let signal = event.signal.as_str();
        match event.what {
            What::Alarm(Change::Raised) => {
                tracing::warn!(%comparison, %workload, signal, "the candidate has changed for the worse");
            }
            What::Alarm(Change::Cleared) => {
                tracing::info!(
                    %comparison, %workload, signal,
                    "the change has gone: not worse is to be earned anew"
                );
            }
            What::Part(part) => {
                let part = part.as_str();
                tracing::info!(%comparison, %workload, signal, part, "one signal");
            }
        }
    }
}
