//! Failures over all workloads of a comparison.
//!
//! That failures are *not* more frequent takes hundreds of pairs, however few there are: of each
//! workload by itself that is too many to wait for. A promotion asks it of the mix; a single
//! workload's failures may still speak against the candidate.

use serde::{Deserialize, Serialize};

use super::gate::{Decision, Needed};
use super::snapshot::{Discordant, GateSnapshot, TogetherSnapshot};
use super::spec::Comparison;
use crate::detect::{Alpha, MissGate, Misses, Verdict};

/// The gate over all workloads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Together {
    gate: MissGate,
    decision: Decision,
    candidate_worse: u64,
    baseline_worse: u64,
}

impl Together {
    /// `None` for one workload, which is judged by itself.
    pub fn of(spec: &Comparison) -> Option<Self> {
        let gate = MissGate::new(spec.failure_margin, Alpha::DEFAULT)?;
        let gate = (spec.workloads.len() > 1).then_some(gate)?;
        Some(Self { gate, decision: Decision::none(), candidate_worse: 0, baseline_worse: 0 })
    }

    pub fn observe(&mut self, misses: Misses, needed: Needed) -> Option<Verdict> {
        self.gate.observe(misses);
        self.candidate_worse += u64::from(misses.candidate && !misses.baseline);
        self.baseline_worse += u64::from(misses.baseline && !misses.candidate);
        let (regressed, not_worse) = (self.gate.regressed_log10(), self.gate.not_worse_log10());
        self.decision.step(needed, regressed, not_worse)
    }

    pub fn verdict(&self) -> Verdict {
        self.decision.verdict()
    }

    pub fn snapshot(&self) -> TogetherSnapshot {
        TogetherSnapshot {
            pairs: self.gate.pairs(),
            discordant: Discordant {
                candidate_worse: self.candidate_worse,
                baseline_worse: self.baseline_worse,
            },
            gate: GateSnapshot {
                verdict: self.verdict(),
                regressed_log10: self.gate.regressed_log10(),
                not_worse_log10: self.gate.not_worse_log10(),
                effect: None,
            },
        }
    }
}
