//! What is judged over all workloads of a comparison.
//!
//! That failures are *not* more frequent, or that latencies are not longer, takes hundreds of pairs: of each
//! workload by itself that is too many to wait for. A promotion asks it of the mix, and of each workload
//! only that its latencies are not longer by a quarter. A single workload may still speak against the
//! candidate.

use serde::{Deserialize, Serialize};

use super::gate::{Evidence, Needed};
use super::latency::{GATES, counts_for_long};
use super::round::Round;
use super::signal::Signal;
use super::snapshot::{Discordant, GateSnapshot, PooledSnapshot, TogetherSnapshot};
use super::spec::Comparison;
use crate::regression::detect::{Alpha, LongMisses, MissGate, PairGate, Tolerance, Verdict};

/// Where the mix is not worse, each workload's interval must end below this ratio: on average four that
/// are alike hide one that is slower by a fifth.
pub(super) const MOST: f64 = 1.25;

/// The gates over all workloads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Together {
    /// The latencies that decide.
    #[serde(default)]
    latencies: Vec<Pooled>,
    /// By failures.
    gate: MissGate,
    candidate_worse: u64,
    baseline_worse: u64,
}

/// One latency of all workloads: each pair is of one of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Pooled {
    signal: Signal,
    tolerance: Tolerance,
    gate: PairGate,
    /// By requests that take longer than almost all of the baseline's of the same workload.
    long: MissGate,
    /// Pairs that had the figure on both sides.
    seen: u64,
}

impl Pooled {
    fn new(spec: &Comparison, signal: Signal) -> Option<Self> {
        let (tolerance, interval) = (spec.tolerance, spec.timing.interval());
        Some(Self {
            signal,
            tolerance,
            gate: PairGate::of_several(tolerance, Alpha::DEFAULT, interval),
            long: MissGate::new(spec.failure_margin, Alpha::DEFAULT)?,
            seen: 0,
        })
    }

    /// `long`: which sides take longer than almost all of the baseline's.
    fn observe(&mut self, round: &Round, long: Option<LongMisses>, silent: bool) {
        let Some(pair) = round.pair(self.signal) else { return };
        let counts = round.counts_for(self.signal, silent);
        self.seen += u64::from(pair.is_whole());
        self.gate.observe_for(pair, counts);
        if let Some(long) = long {
            self.long.observe_for(long.misses, counts_for_long(counts, long));
        }
    }

    fn evidence(&self) -> Evidence {
        let lower = self.gate.effect().and_then(|effect| effect.lower);
        Evidence {
            regressed: self.gate.regressed_log10().max(self.long.regressed_log10()),
            not_worse: self.gate.not_worse_log10().min(self.long.not_worse_log10()),
            alarmed: false, // workloads have alarms, each its own
            doubted: !self.gate.is_enough()
                || lower.is_some_and(|least| least > 1.0 + self.tolerance.delta()),
        }
    }

    fn snapshot(&self, part: Verdict) -> PooledSnapshot {
        let evidence = self.evidence();
        PooledSnapshot {
            signal: self.signal,
            pairs: self.gate.pairs(),
            gate: GateSnapshot {
                verdict: part,
                regressed_log10: evidence.regressed,
                not_worse_log10: evidence.not_worse,
                effect: self.gate.effect(),
            },
        }
    }
}

/// The latencies of several workloads that decide.
fn deciding(spec: &Comparison) -> Vec<Signal> {
    let latencies = [Signal::Ttft, Signal::Itl, Signal::RequestLatency];
    let decides = |signal: &Signal| {
        let shown = spec.workloads.iter().any(|w| spec.signals(w).contains(signal));
        shown && signal.decides(spec.streamed())
    };
    latencies.into_iter().filter(decides).collect()
}

impl Together {
    /// `None` for one workload, which is judged by itself.
    pub fn of(spec: &Comparison) -> Option<Self> {
        let gate = MissGate::new(spec.failure_margin, Alpha::DEFAULT)?;
        let gate = (spec.workloads.len() > 1).then_some(gate)?;
        let latencies = deciding(spec).into_iter().filter_map(|s| Pooled::new(spec, s)).collect();
        Some(Self { latencies, gate, candidate_worse: 0, baseline_worse: 0 })
    }

    /// Whether it watches what `spec` wants to be watched.
    pub fn fits(&self, spec: &Comparison) -> bool {
        self.latencies.iter().map(|pooled| pooled.signal).eq(deciding(spec))
    }

    /// How many gates could wrongly say *regressed*.
    pub fn gates(&self) -> usize {
        1 + GATES * self.latencies.len()
    }

    /// Takes up one round; `long`: which sides take longer than almost all of the baseline's, by
    /// latency; `silent`: the baseline has not answered for a while.
    pub fn observe(&mut self, round: &Round, long: &[(Signal, LongMisses)], silent: bool) {
        for pooled in &mut self.latencies {
            let long = long.iter().find(|(signal, _)| *signal == pooled.signal);
            pooled.observe(round, long.map(|(_, long)| *long), silent);
        }
        let Some(misses) = round.misses(Signal::Failure) else { return };
        self.gate.observe_for(misses, round.counts_for(Signal::Failure, silent));
        self.candidate_worse += u64::from(misses.candidate && !misses.baseline);
        self.baseline_worse += u64::from(misses.baseline && !misses.candidate);
    }

    /// From here on it is judged by later pairs whether it is not worse.
    pub fn not_worse_anew(&mut self) {
        self.gate.not_worse_anew();
        for pooled in &mut self.latencies {
            pooled.gate.not_worse_anew();
            pooled.long.not_worse_anew();
        }
    }

    fn failures(&self) -> Evidence {
        Evidence {
            regressed: self.gate.regressed_log10(),
            not_worse: self.gate.not_worse_log10(),
            alarmed: false,
            doubted: false,
        }
    }

    /// Every signal's part in the verdict. `changing`: an alarm of any workload is on.
    pub fn parts(&self, needed: Needed, changing: bool) -> Vec<(Signal, Verdict)> {
        let latencies = self.latencies.iter().map(|pooled| (pooled.signal, pooled.evidence()));
        let all = latencies.chain([(Signal::Failure, self.failures())]);
        all.map(|(signal, evidence)| (signal, evidence.part(needed, changing))).collect()
    }

    /// The signal that holds *not worse* up, by their parts. A latency of which no pair is known is a
    /// figure that these servers do not show.
    pub fn lacking(&self, parts: &[(Signal, Verdict)]) -> Option<Signal> {
        let unseen = |signal| self.latencies.iter().any(|p| p.signal == signal && p.seen == 0);
        let lacks =
            |(signal, part): &&(Signal, Verdict)| *part != Verdict::NotWorse && !unseen(*signal);
        parts.iter().find(lacks).map(|(signal, _)| *signal)
    }

    /// About how many more pairs a signal's *not worse* takes, if this goes on.
    pub fn pairs_to_go(&self, signal: Signal, needed: Needed) -> Option<u64> {
        match self.latencies.iter().find(|pooled| pooled.signal == signal) {
            Some(pooled) => pooled.evidence().pairs_to_go(needed, pooled.long.pairs_anew()),
            None => self.failures().pairs_to_go(needed, self.gate.pairs_anew()),
        }
    }

    /// `parts` as [`Together::parts`].
    pub fn snapshot(&self, parts: &[(Signal, Verdict)]) -> TogetherSnapshot {
        let part = |signal| {
            let found = parts.iter().find(|(s, _)| *s == signal);
            found.map_or(Verdict::Undecided, |(_, part)| *part)
        };
        TogetherSnapshot {
            latencies: self.latencies.iter().map(|p| p.snapshot(part(p.signal))).collect(),
            pairs: self.gate.pairs(),
            discordant: Discordant {
                candidate_worse: self.candidate_worse,
                baseline_worse: self.baseline_worse,
            },
            gate: GateSnapshot {
                verdict: part(Signal::Failure),
                regressed_log10: self.gate.regressed_log10(),
                not_worse_log10: self.gate.not_worse_log10(),
                effect: None,
            },
        }
    }
}
