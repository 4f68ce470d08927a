//! Failures over all workloads of a comparison.
//!
//! That failures are *not* more frequent takes hundreds of pairs, however few there are: of each
//! workload by itself that is too many to wait for. A promotion asks it of the mix; a single
//! workload's failures may still speak against the candidate.

use serde::{Deserialize, Serialize};

use super::gate::Evidence;
use super::round::Round;
use super::signal::Signal;
use super::snapshot::{Discordant, GateSnapshot, TogetherSnapshot};
use super::spec::Comparison;
use crate::regression::detect::{Alpha, MissGate, Verdict};

/// The gate over all workloads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Together {
    gate: MissGate,
    candidate_worse: u64,
    baseline_worse: u64,
}

impl Together {
    /// `None` for one workload, which is judged by itself.
    pub fn of(spec: &Comparison) -> Option<Self> {
        let gate = MissGate::new(spec.failure_margin, Alpha::DEFAULT)?;
        let gate = (spec.workloads.len() > 1).then_some(gate)?;
        Some(Self { gate, candidate_worse: 0, baseline_worse: 0 })
    }

    /// Takes up one round; `silent`: the baseline has not answered for a while.
    pub fn observe(&mut self, round: &Round, silent: bool) {
        let Some(misses) = round.misses(Signal::Failure) else { return };
        self.gate.observe_for(misses, round.counts_for(Signal::Failure, silent));
        self.candidate_worse += u64::from(misses.candidate && !misses.baseline);
        self.baseline_worse += u64::from(misses.baseline && !misses.candidate);
    }

    /// From here on it is judged by later pairs whether it is not worse.
    pub fn not_worse_anew(&mut self) {
        self.gate.not_worse_anew();
    }

    pub fn evidence(&self) -> Evidence {
        Evidence {
            regressed: self.gate.regressed_log10(),
            not_worse: self.gate.not_worse_log10(),
            alarmed: false, // workloads have alarms, each its own
            doubted: false,
        }
    }

    pub fn snapshot(&self, part: Verdict) -> TogetherSnapshot {
        TogetherSnapshot {
            pairs: self.gate.pairs(),
            discordant: Discordant {
                candidate_worse: self.candidate_worse,
                baseline_worse: self.baseline_worse,
            },
            gate: GateSnapshot {
                verdict: part,
                regressed_log10: self.gate.regressed_log10(),
                not_worse_log10: self.gate.not_worse_log10(),
                effect: None,
            },
        }
    }
}
