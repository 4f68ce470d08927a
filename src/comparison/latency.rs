//! One latency of one workload.

use serde::{Deserialize, Serialize};

use super::gate::{Decision, Needed};
use super::signal::Signal;
use super::snapshot::{GateSnapshot, StreamSnapshot};
use crate::detect::{Alpha, Change, Pair, PairDetector, PairGate, Threshold, Tolerance, Verdict};

/// Its alarm and its gate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct LatencyStream {
    pub signal: Signal,
    detector: PairDetector,
    gate: PairGate,
    decision: Decision,
    /// Some pair had the figure on both sides.
    seen: bool,
    last_alarm_unix_millis: Option<u64>,
}

impl LatencyStream {
    pub fn new(signal: Signal, tolerance: Tolerance, threshold: Threshold) -> Self {
        Self {
            signal,
            detector: PairDetector::new(tolerance, threshold),
            gate: PairGate::new(tolerance, Alpha::DEFAULT),
            decision: Decision::none(),
            seen: false,
            last_alarm_unix_millis: None,
        }
    }

    pub fn observe(
        &mut self,
        pair: Pair,
        needed: Needed,
        now: u64,
    ) -> (Option<Change>, Option<Verdict>) {
        self.seen |= pair.is_whole();
        let change = self.detector.observe(pair);
        if change == Some(Change::Raised) {
            self.last_alarm_unix_millis = Some(now);
        }
        self.gate.observe(pair);
        let (regressed, not_worse) = (self.gate.regressed_log10(), self.gate.not_worse_log10());
        (change, self.decision.step(needed, regressed, not_worse))
    }

    pub fn verdict(&self) -> Verdict {
        self.decision.verdict()
    }

    /// Whether nothing but failures was seen.
    pub fn is_silent(&self) -> bool {
        !self.seen
    }

    pub fn pairs(&self) -> u64 {
        self.gate.pairs()
    }

    pub fn set_threshold(&mut self, threshold: Threshold) {
        self.detector.set_threshold(threshold);
    }

    pub fn snapshot(&self) -> StreamSnapshot {
        StreamSnapshot {
            signal: self.signal,
            pairs: self.pairs(),
            evidence_log10: self.detector.evidence_log10(),
            threshold_log10: self.detector.threshold().log10(),
            alarmed: self.detector.alarm().is_active(),
            alarms: self.detector.alarm().times_raised(),
            last_alarm_unix_millis: self.last_alarm_unix_millis,
            effect: self.detector.effect(),
            discordant: None,
            gate: GateSnapshot {
                verdict: self.verdict(),
                regressed_log10: self.gate.regressed_log10(),
                not_worse_log10: self.gate.not_worse_log10(),
                effect: self.gate.effect(),
            },
        }
    }
}
