//! One latency of one workload.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::gate::{ANSWERED_PAIRS, Evidence, INDEPENDENT_PAIRS};
use super::round::Round;
use super::signal::Signal;
use super::snapshot::{GateSnapshot, StreamSnapshot};
use crate::regression::detect::{
    Alpha, Change, CountsFor, LongMisses, MissGate, PairDetector, PairGate, Threshold, Tolerance,
    Verdict,
};

/// How many verdicts each latency could be wrong in: by all pairs, and by long requests alone.
pub(super) const GATES: usize = 2;

/// For which verdicts a long request counts as evidence: against the candidate only the first of a
/// cluster does.
pub(super) fn counts_for_long(counts: CountsFor, long: LongMisses) -> CountsFor {
    CountsFor { regressed: counts.regressed && long.first, ..counts }
}

/// Its alarm and its gates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct LatencyStream {
    pub signal: Signal,
    detector: PairDetector,
    gate: PairGate,
    /// By requests that take longer than almost all of the baseline's.
    #[serde(default)]
    long: MissGate,
    /// Pairs that had the figure on both sides, in the run.
    seen: u64,
    /// The same since *not worse* was last begun anew.
    answered: u64,
    last_alarm_unix_millis: Option<u64>,
}

impl LatencyStream {
    /// Its pairs come each `interval`, on average; `margin` is the share of all pairs by which long
    /// requests may be more: `None` unless from 0 to below 1.
    pub fn new(
        signal: Signal,
        tolerance: Tolerance,
        threshold: Threshold,
        interval: Duration,
        margin: f64,
    ) -> Option<Self> {
        let long = MissGate::new(margin, Alpha::DEFAULT)?;
        Some(Self {
            signal,
            detector: PairDetector::new(tolerance, threshold),
            gate: PairGate::new(tolerance, Alpha::DEFAULT, interval),
            long,
            seen: 0,
            answered: 0,
            last_alarm_unix_millis: None,
        })
    }

    /// Which sides of a round take longer than almost all requests of the baseline; asked before the
    /// round is observed.
    pub fn long(&self, round: &Round) -> Option<LongMisses> {
        self.detector.long(round.pair(self.signal)?)
    }

    /// Takes up one round; `silent`: the baseline has not answered for a while.
    pub fn observe(&mut self, round: &Round, silent: bool) -> Option<Change> {
        let pair = round.pair(self.signal)?;
        let counts = round.counts_for(self.signal, silent);
        if let Some(long) = self.long(round) {
            self.long.observe_for(long.misses, counts_for_long(counts, long));
        }
        self.seen += u64::from(pair.is_whole());
        self.answered += u64::from(pair.is_whole());
        self.gate.observe_for(pair, counts);
        let change = counts.regressed.then(|| self.detector.observe(pair)).flatten();
        if change == Some(Change::Raised) {
            self.last_alarm_unix_millis = Some(round.ended_unix_millis);
        }
        change
    }

    /// From here on it is judged by later pairs whether it is not worse.
    pub fn not_worse_anew(&mut self) {
        self.gate.not_worse_anew();
        self.long.not_worse_anew();
        self.answered = 0;
    }

    pub fn evidence(&self) -> Evidence {
        // The interval is that of the same pairs: what it shows to be slower is not not worse.
        let slowest = 1.0 + self.detector.tolerance().delta();
        let lower = self.gate.effect().and_then(|effect| effect.lower);
        Evidence {
            regressed: self.gate.regressed_log10().max(self.long.regressed_log10()),
            not_worse: self.gate.not_worse_log10().min(self.long.not_worse_log10()),
            alarmed: self.detector.alarm().is_active(),
            doubted: self.answered < ANSWERED_PAIRS
                || self.independent_pairs_lacking().is_some()
                || lower.is_some_and(|least| least > slowest),
        }
    }

    /// How many more pairs both must answer, because what disturbs one side alone stays for so long
    /// that those since *not worse* was last begun anew are not worth enough independent ones.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn independent_pairs_lacking(&self) -> Option<u64> {
        let needed = (self.gate.pairs_per_independent_one() * INDEPENDENT_PAIRS).ceil() as u64;
        needed.checked_sub(self.answered).filter(|lacking| *lacking > 0)
    }

    /// Pairs that both answered, since *not worse* was last begun anew.
    pub fn answered(&self) -> u64 {
        self.answered
    }

    /// Whether the interval of the median ratio ends below this, and no alarm is on; by pairs since
    /// *not worse* was last begun anew.
    pub fn is_below(&self, ratio: f64) -> bool {
        let upper = self.gate.effect().and_then(|effect| effect.upper);
        upper.is_some_and(|most| most < ratio) && !self.detector.alarm().is_active()
    }

    /// Whether nothing but failures was seen.
    pub fn is_silent(&self) -> bool {
        self.seen == 0
    }

    /// Since when its alarm is on.
    pub fn changed_since(&self) -> Option<u64> {
        self.last_alarm_unix_millis.filter(|_| self.detector.alarm().is_active())
    }

    pub fn threshold(&self) -> Threshold {
        self.detector.threshold()
    }

    pub fn set_threshold(&mut self, threshold: Threshold) {
        self.detector.set_threshold(threshold);
    }

    pub fn snapshot(&self, part: Verdict) -> StreamSnapshot {
        let evidence = self.evidence();
        StreamSnapshot {
            signal: self.signal,
            pairs: self.gate.pairs(),
            evidence_log10: self.detector.evidence_log10(),
            threshold_log10: self.detector.threshold().log10(),
            alarmed: self.detector.alarm().is_active(),
            alarms: self.detector.alarm().times_raised(),
            last_alarm_unix_millis: self.last_alarm_unix_millis,
            effect: self.detector.effect(),
            pairs_per_independent_one: Some(self.gate.pairs_per_independent_one()),
            discordant: None,
            gate: GateSnapshot {
                verdict: part,
                regressed_log10: evidence.regressed,
                not_worse_log10: evidence.not_worse,
                effect: self.gate.effect(),
            },
        }
    }
}
