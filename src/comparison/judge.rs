//! The judge of one comparison.

use serde::{Deserialize, Serialize};

use super::dropped::DropReason;
use super::gate::Needed;
use super::round::Round;
use super::signal::Signal;
use super::snapshot::Snapshot;
use super::spec::Comparison;
use super::together::Together;
use super::workload::WorkloadJudge;
use crate::detect::{Alpha, Change, Verdict};

/// Stands for the name of a workload where all are meant: no workload has it.
pub const ALL_WORKLOADS: &str = "";

/// Something to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Of which workload, or [`ALL_WORKLOADS`].
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
    together: Option<Together>,
    /// In the order of [`DropReason::ALL`].
    dropped: Vec<u64>,
}

impl Judge {
    /// One that has seen nothing, in a fleet of so many streams.
    #[must_use]
    pub fn new(spec: &Comparison, fleet: usize) -> Self {
        let judge = |w| WorkloadJudge::new(spec, w, spec.threshold(w, fleet));
        let workloads = spec.workloads.iter().map(|w| judge(w)).collect();
        let dropped = vec![0; DropReason::ALL.len()];
        Self { workloads, together: Together::of(spec), dropped }
    }

    /// Whether this is a judge of `spec`: the same workloads with the same signals.
    #[must_use]
    pub fn fits(&self, spec: &Comparison) -> bool {
        self.workloads.len() == spec.workloads.len()
            && self.together.is_some() == Together::of(spec).is_some()
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
        let Some(workload) = known else { return Vec::new() };
        let mut events = workload.observe(round, needed);
        let together = self.together.as_mut().zip(round.misses(Signal::Failure));
        let verdict = together.and_then(|(gate, misses)| gate.observe(misses, needed));
        events.extend(verdict.map(|verdict| Event {
            workload: ALL_WORKLOADS.to_owned(),
            signal: Signal::Failure,
            what: What::Verdict(verdict),
        }));
        events
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
        let together = self.together.as_ref().map(Together::verdict);
        let regressed = |v: Option<Verdict>| v == Some(Verdict::Regressed);
        let mut workloads = self.workloads.iter();
        if regressed(together) || workloads.clone().any(WorkloadJudge::regressed) {
            Verdict::Regressed
        } else if together.is_none_or(|v| v == Verdict::NotWorse)
            && workloads.all(|w| w.not_worse(together.is_none()))
        {
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
            together: self.together.as_ref().map(Together::snapshot),
            dropped: DropReason::ALL.into_iter().zip(self.dropped.iter().copied()).collect(),
        }
    }

    fn needed(&self) -> Needed {
        let streams: usize = self.workloads.iter().map(WorkloadJudge::streams).sum();
        Needed::of(Alpha::DEFAULT, streams + usize::from(self.together.is_some()))
    }
}
