//! The judge of one comparison.

use serde::{Deserialize, Serialize};

use super::dropped::DropReason;
use super::gate::Needed;
use super::round::Round;
use super::signal::Signal;
use super::snapshot::Snapshot;
use super::spec::Comparison;
use super::workload::WorkloadJudge;
use crate::detect::{Alpha, Change, Verdict};

/// Something to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Of which workload.
    pub workload: String,
    /// Of which signal.
    pub signal: Signal,
    /// What happened.
    pub what: What,
}

/// What happened to a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// Its alarm.
    Alarm(Change),
    /// Its gate came to a verdict.
    Verdict(Verdict),
}

/// Everything that a comparison has learnt. Serialised and read back, it goes on bit for bit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judge {
    workloads: Vec<WorkloadJudge>,
    /// In the order of [`DropReason::ALL`].
    dropped: Vec<u64>,
}

impl Judge {
    /// One that has seen nothing, in a fleet of so many streams.
    #[must_use]
    pub fn new(spec: &Comparison, fleet: usize) -> Self {
        let judge = |w| WorkloadJudge::new(spec, w, spec.threshold(w, fleet));
        let workloads = spec.workloads.iter().map(|w| judge(w)).collect();
        Self { workloads, dropped: vec![0; DropReason::ALL.len()] }
    }

    /// Whether this is a judge of `spec`: the same workloads with the same signals.
    #[must_use]
    pub fn fits(&self, spec: &Comparison) -> bool {
        self.workloads.len() == spec.workloads.len()
            && self.dropped.len() == DropReason::ALL.len()
            && self.workloads.iter().zip(&spec.workloads).all(|(judge, w)| judge.fits(spec, w))
    }

    /// The fleet has grown or shrunk to so many streams.
    pub fn set_fleet(&mut self, spec: &Comparison, fleet: usize) {
        for (judge, workload) in self.workloads.iter_mut().zip(&spec.workloads) {
            judge.set_threshold(spec.threshold(workload, fleet));
        }
    }

    /// Rounds so far, judged or dropped.
    #[must_use]
    pub fn rounds(&self) -> u64 {
        let judged: u64 = self.workloads.iter().map(|w| w.pairs).sum();
        judged + self.dropped.iter().sum::<u64>()
    }

    /// Takes up one round; a round of an unknown workload is none of this comparison.
    pub fn observe(&mut self, round: &Round) -> Vec<Event> {
        let needed = self.needed();
        let known = self.workloads.iter_mut().find(|w| w.name == round.workload);
        known.map(|workload| workload.observe(round, needed)).unwrap_or_default()
    }

    /// Counts a round that was not judged.
    pub fn dropped(&mut self, reason: DropReason) {
        let place = DropReason::ALL.iter().position(|r| *r == reason);
        if let Some(count) = place.and_then(|i| self.dropped.get_mut(i)) {
            *count += 1;
        }
    }

    /// The verdict on the whole.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        if self.workloads.iter().any(WorkloadJudge::regressed) {
            Verdict::Regressed
        } else if self.workloads.iter().all(WorkloadJudge::not_worse) {
            Verdict::NotWorse
        } else {
            Verdict::Undecided
        }
    }

    /// How everything stands.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            verdict: self.verdict(),
            needed: self.needed(),
            workloads: self.workloads.iter().map(WorkloadJudge::snapshot).collect(),
            dropped: DropReason::ALL.into_iter().zip(self.dropped.iter().copied()).collect(),
        }
    }

    fn needed(&self) -> Needed {
        Needed::of(Alpha::DEFAULT, self.workloads.iter().map(WorkloadJudge::streams).sum())
    }
}
