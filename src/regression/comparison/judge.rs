//! The judge of one comparison.

use serde::{Deserialize, Serialize};

use super::dropped::DropReason;
use super::event::{ALL_WORKLOADS, Event, What};
use super::gate::{ANSWERED_PAIRS, Needed};
use super::parts::Parts;
use super::round::{Round, Side};
use super::run::Run;
use super::snapshot::Snapshot;
use super::spec::Comparison;
use super::standing::{SideName, Standing, Waits};
use super::together::Together;
use super::workload::WorkloadJudge;
use crate::regression::detect::{Alpha, Verdict};

/// A side that failed in so many rounds, one after the other, is silent.
const SILENT: u64 = 5;

/// One in so many, and a side that fails more often is half dead: whatever is compared with it then,
/// it is no service that anybody would call good.
const MOST_FAILING: u64 = 5;

/// Rounds after which what was before counts half.
const LATELY: u64 = 200;

/// Everything that a comparison has learnt in a run. Serialised and read back, it goes on bit for
/// bit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judge {
    run: Run,
    workloads: Vec<WorkloadJudge>,
    together: Option<Together>,
    /// Alarms that are over: *not worse* was begun anew as often.
    alarms_over: u64,
    baseline: Silence,
    candidate: Silence,
    /// In the order of [`DropReason::ALL`].
    dropped: Vec<u64>,
}

/// How a side fails to answer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Silence {
    /// The rounds, up to the last one, in which it failed without a break.
    rounds: u64,
    /// Of the last failure.
    reason: String,
    /// Of the rounds lately.
    #[serde(default)]
    lately: Lately,
}

/// Of how many rounds how many failed. Both are halved now and then, so that what is long past
/// counts no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Lately {
    rounds: u64,
    failed: u64,
}

impl Lately {
    fn note(&mut self, failed: bool) {
        if self.rounds >= LATELY {
            *self = Self { rounds: self.rounds / 2, failed: self.failed / 2 };
        }
        self.rounds += 1;
        self.failed += u64::from(failed);
    }

    fn is_half_dead(self) -> bool {
        self.rounds >= ANSWERED_PAIRS && self.failed * MOST_FAILING > self.rounds
    }
}

impl Silence {
    fn note(&mut self, side: &Side) {
        self.lately.note(side.failed());
        match side.failure {
            None => self.rounds = 0,
            Some(why) => {
                self.rounds += 1;
                why.as_str().clone_into(&mut self.reason);
            }
        }
    }

    fn is_silent(&self) -> bool {
        self.rounds >= SILENT
    }
}

impl Judge {
    /// One that has seen nothing in this run, in a fleet of so many streams.
    #[must_use]
    pub fn new(spec: &Comparison, fleet: usize, run: Run) -> Self {
        let judge = |w| WorkloadJudge::new(spec, w, spec.threshold(w, fleet));
        Self {
            run,
            workloads: spec.workloads.iter().map(|w| judge(w)).collect(),
            together: Together::of(spec),
            alarms_over: 0,
            baseline: Silence::default(),
            candidate: Silence::default(),
            dropped: vec![0; DropReason::ALL.len()],
        }
    }

    /// One of the same comparison that has seen nothing, in another run.
    #[must_use]
    pub fn again(&self, spec: &Comparison, run: Run) -> Self {
        let mut judge = Self::new(spec, 1, run);
        for (new, old) in judge.workloads.iter_mut().zip(&self.workloads) {
            if let Some(threshold) = old.threshold() {
                new.set_threshold(threshold);
            }
        }
        judge
    }

    /// Whether this is a judge of `spec`: the same workloads with the same signals.
    #[must_use]
    pub fn fits(&self, spec: &Comparison) -> bool {
        self.workloads.len() == spec.workloads.len()
            && self.together.is_some() == Together::of(spec).is_some()
            && self.together.as_ref().is_none_or(|together| together.fits(spec))
            && self.dropped.len() <= DropReason::ALL.len()
            && self.workloads.iter().zip(&spec.workloads).all(|(judge, w)| judge.fits(spec, w))
    }

    /// The fleet has grown or shrunk to so many streams.
    pub fn set_fleet(&mut self, spec: &Comparison, fleet: usize) {
        for (judge, workload) in self.workloads.iter_mut().zip(&spec.workloads) {
            judge.set_threshold(spec.threshold(workload, fleet));
        }
    }

    /// The run that it judges.
    #[must_use]
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// Rounds so far, judged or dropped.
    #[must_use]
    pub fn rounds(&self) -> u64 {
        let judged: u64 = self.workloads.iter().map(|w| w.pairs).sum();
        judged + self.dropped.iter().sum::<u64>()
    }

    /// Takes up one round; a round of an unknown workload is none of this comparison.
    pub fn observe(&mut self, round: &Round) -> Vec<Event> {
        let Some(index) = self.workloads.iter().position(|w| w.name == round.workload) else {
            return Vec::new();
        };
        let before = self.parts();
        self.baseline.note(&round.baseline);
        self.candidate.note(&round.candidate);
        let silent = self.baseline.is_silent();
        if let Some(together) = &mut self.together {
            together.observe(round, &self.workloads[index].long(round), silent);
        }
        let changes = self.workloads[index].observe(round, silent);
        if !changes.is_empty() {
            self.not_worse_anew();
        }
        let alarm = |(signal, change)| Event {
            workload: round.workload.clone(),
            signal,
            what: What::Alarm(change),
        };
        let mut events: Vec<_> = changes.into_iter().map(alarm).collect();
        events.extend(self.parts().news(&before));
        events
    }

    /// What was learnt before an alarm is about another candidate than what comes after it.
    fn not_worse_anew(&mut self) {
        self.workloads.iter_mut().for_each(WorkloadJudge::not_worse_anew);
        self.together.iter_mut().for_each(Together::not_worse_anew);
        if self.changed_since().is_none() {
            self.alarms_over = self.alarms_over.saturating_add(1);
        }
    }

    /// Counts a round that was not judged.
    pub fn dropped(&mut self, reason: DropReason) {
        // A judge of an earlier release does not know them all.
        self.dropped.resize(DropReason::ALL.len(), 0);
        let place = DropReason::ALL.iter().position(|r| r.as_str() == reason.as_str());
        if let Some(count) = place.and_then(|i| self.dropped.get_mut(i)) {
            *count += 1;
        }
    }

    /// The verdict on the whole, and all that is said beside it.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.standing_by(&self.parts())
    }

    fn standing_by(&self, parts: &Parts) -> Standing {
        let changed_since_unix_millis = self.changed_since();
        let waits = self.waits(parts);
        let verdict = if parts.any(Verdict::Regressed) {
            Verdict::Regressed
        } else if changed_since_unix_millis.is_some() {
            Verdict::Changed
        } else if waits.is_some() {
            Verdict::Undecided
        } else {
            Verdict::NotWorse
        };
        Standing {
            run: self.run.clone(),
            verdict,
            changed_since_unix_millis,
            waits: waits.filter(|_| verdict == Verdict::Undecided),
        }
    }

    /// What *not worse* waits for, most telling first.
    fn waits(&self, parts: &Parts) -> Option<Waits> {
        let (alone, needed) = (self.together.is_none(), self.needed());
        let mut workloads = self.workloads.iter();
        let few = workloads
            .find(|w| w.answered() < ANSWERED_PAIRS)
            .map(|w| Waits::Pairs { workload: w.name.clone(), answered: w.answered() });
        let mut lacking =
            self.workloads.iter().zip(&parts.workloads).flat_map(|(w, (_, parts))| {
                let name = w.name.clone();
                let lacking = w.lacking(parts, alone).into_iter();
                lacking.map(move |signal| {
                    let workload = name.clone();
                    if let Some(pairs) = w.independent_pairs_lacking(signal) {
                        return Waits::Independence { workload, signal, pairs };
                    }
                    // Of several workloads each only waits for its interval.
                    let pairs = w.pairs_to_go(signal, needed).filter(|_| alone);
                    Waits::Evidence { workload, signal, pairs }
                })
            });
        let together = self.together.as_ref().and_then(|t| {
            let signal = t.lacking(&parts.together)?;
            let (workload, pairs) = (ALL_WORKLOADS.to_owned(), t.pairs_to_go(signal, needed));
            Some(Waits::Evidence { workload, signal, pairs })
        });
        let waits = few.or_else(|| lacking.next()).or(together);
        let Some(waits) = waits else { return self.half_dead_side() };
        Some(self.silent_side().or_else(|| self.half_dead_side()).unwrap_or(waits))
    }

    /// A side that answers, but not often enough for anything to be not worse beside it.
    fn half_dead_side(&self) -> Option<Waits> {
        let sides = [(SideName::Baseline, &self.baseline), (SideName::Candidate, &self.candidate)];
        let mut half_dead = sides.into_iter().filter(|(_, side)| side.lately.is_half_dead());
        half_dead.next().map(|(side, silence)| Waits::Failing {
            side,
            failed: silence.lately.failed,
            rounds: silence.lately.rounds,
            reason: silence.reason.clone(),
        })
    }

    /// The side that does not answer.
    fn silent_side(&self) -> Option<Waits> {
        let sides = [(SideName::Baseline, &self.baseline), (SideName::Candidate, &self.candidate)];
        let mut silent = sides.into_iter().filter(|(_, silence)| silence.is_silent());
        silent.next().map(|(side, silence)| Waits::Answer {
            side,
            rounds: silence.rounds,
            reason: silence.reason.clone(),
        })
    }

    fn changed_since(&self) -> Option<u64> {
        self.workloads.iter().filter_map(WorkloadJudge::changed_since).min()
    }

    fn parts(&self) -> Parts {
        let (needed, changing) = (self.needed(), self.changed_since().is_some());
        let of = |w: &WorkloadJudge| (w.name.clone(), w.parts(needed, changing));
        Parts {
            workloads: self.workloads.iter().map(of).collect(),
            together: self.together.iter().flat_map(|t| t.parts(needed, changing)).collect(),
        }
    }

    /// How everything stands.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let parts = self.parts();
        let workloads = self.workloads.iter().zip(&parts.workloads);
        Snapshot {
            standing: self.standing_by(&parts),
            needed: self.needed(),
            workloads: workloads.map(|(w, (_, parts))| w.snapshot(parts)).collect(),
            together: self.together.as_ref().map(|t| t.snapshot(&parts.together)),
            dropped: DropReason::ALL.into_iter().zip(self.dropped.iter().copied()).collect(),
        }
    }

    fn needed(&self) -> Needed {
        let gates: usize = self.workloads.iter().map(WorkloadJudge::gates).sum();
        let gates = gates + self.together.as_ref().map_or(0, Together::gates);
        Needed::of(Alpha::DEFAULT, gates, self.alarms_over)
    }
}
