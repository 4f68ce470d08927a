//! Failures, or missed SLOs, of one workload.

use serde::{Deserialize, Serialize};

use super::gate::Evidence;
use super::round::Round;
use super::signal::Signal;
use super::snapshot::{Discordant, GateSnapshot, StreamSnapshot};
use crate::regression::detect::{Alpha, Change, MissDetector, MissGate, Threshold, Verdict};

/// Their alarm and their gate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct MissStream {
    pub signal: Signal,
    detector: MissDetector,
    gate: MissGate,
    last_alarm_unix_millis: Option<u64>,
}

impl MissStream {
    /// `None` unless `margin` is from 0 to below 1.
    pub fn new(signal: Signal, margin: f64, threshold: Threshold) -> Option<Self> {
        Some(Self {
            signal,
            detector: MissDetector::new(threshold),
            gate: MissGate::new(margin, Alpha::DEFAULT)?,
            last_alarm_unix_millis: None,
        })
    }

    /// Takes up one round; `silent`: the baseline has not answered for a while.
    pub fn observe(&mut self, round: &Round, silent: bool) -> Option<Change> {
        let misses = round.misses(self.signal)?;
        let counts = round.counts_for(self.signal, silent);
        self.gate.observe_for(misses, counts);
        let change = counts.regressed.then(|| self.detector.observe(misses)).flatten();
        if change == Some(Change::Raised) {
            self.last_alarm_unix_millis = Some(round.ended_unix_millis);
        }
        change
    }

    /// From here on it is judged by later pairs whether it is not worse.
    pub fn not_worse_anew(&mut self) {
        self.gate.not_worse_anew();
    }

    pub fn evidence(&self) -> Evidence {
        Evidence {
            regressed: self.gate.regressed_log10(),
            not_worse: self.gate.not_worse_log10(),
            alarmed: self.detector.alarm().is_active(),
            doubted: false,
        }
    }

    pub fn pairs(&self) -> u64 {
        self.gate.pairs()
    }

    /// Those since *not worse* was last begun anew.
    pub fn pairs_anew(&self) -> u64 {
        self.gate.pairs_anew()
    }

    /// Since when its alarm is on.
    pub fn changed_since(&self) -> Option<u64> {
        self.last_alarm_unix_millis.filter(|_| self.detector.alarm().is_active())
    }

    pub fn set_threshold(&mut self, threshold: Threshold) {
        self.detector.set_threshold(threshold);
    }

    pub fn snapshot(&self, part: Verdict) -> StreamSnapshot {
        StreamSnapshot {
            signal: self.signal,
            pairs: self.pairs(),
            evidence_log10: self.detector.evidence_log10(),
            threshold_log10: self.detector.threshold().log10(),
            alarmed: self.detector.alarm().is_active(),
            alarms: self.detector.alarm().times_raised(),
            last_alarm_unix_millis: self.last_alarm_unix_millis,
            effect: None,
            pairs_per_independent_one: None,
            discordant: Some(Discordant {
                candidate_worse: self.detector.candidate_worse(),
                baseline_worse: self.detector.baseline_worse(),
            }),
            gate: GateSnapshot {
                verdict: part,
                regressed_log10: self.gate.regressed_log10(),
                not_worse_log10: self.gate.not_worse_log10(),
                effect: None,
            },
        }
    }
}
