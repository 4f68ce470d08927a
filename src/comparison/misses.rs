//! Failures, or missed SLOs, of one workload.

use serde::{Deserialize, Serialize};

use super::gate::{Decision, Needed};
use super::signal::Signal;
use super::snapshot::{Discordant, GateSnapshot, StreamSnapshot};
use crate::detect::{Alpha, Change, MissDetector, MissGate, Misses, Threshold, Verdict};

/// Their alarm and their gate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct MissStream {
    pub signal: Signal,
    detector: MissDetector,
    gate: MissGate,
    decision: Decision,
    last_alarm_unix_millis: Option<u64>,
}

impl MissStream {
    /// `None` unless `margin` is from 0 to below 1.
    pub fn new(signal: Signal, margin: f64, threshold: Threshold) -> Option<Self> {
        Some(Self {
            signal,
            detector: MissDetector::new(threshold),
            gate: MissGate::new(margin, Alpha::DEFAULT)?,
            decision: Decision::none(),
            last_alarm_unix_millis: None,
        })
    }

    pub fn observe(
        &mut self,
        misses: Misses,
        needed: Needed,
        now: u64,
    ) -> (Option<Change>, Option<Verdict>) {
        let change = self.detector.observe(misses);
        if change == Some(Change::Raised) {
            self.last_alarm_unix_millis = Some(now);
        }
        self.gate.observe(misses);
        let (regressed, not_worse) = (self.gate.regressed_log10(), self.gate.not_worse_log10());
        (change, self.decision.step(needed, regressed, not_worse))
    }

    pub fn verdict(&self) -> Verdict {
        self.decision.verdict()
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
            effect: None,
            discordant: Some(Discordant {
                candidate_worse: self.detector.candidate_worse(),
                baseline_worse: self.detector.baseline_worse(),
            }),
            gate: GateSnapshot {
                verdict: self.verdict(),
                regressed_log10: self.gate.regressed_log10(),
                not_worse_log10: self.gate.not_worse_log10(),
                effect: None,
            },
        }
    }
}
