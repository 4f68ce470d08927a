//! All signals of one workload.

use serde::{Deserialize, Serialize};

use super::answers::AnswerCounts;
use super::gate::Needed;
use super::judge::{Event, What};
use super::latency::LatencyStream;
use super::misses::MissStream;
use super::round::Round;
use super::signal::Signal;
use super::snapshot::WorkloadSnapshot;
use super::spec::Comparison;
use crate::detect::{Change, Threshold, Verdict};
use crate::workload::Workload;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct WorkloadJudge {
    pub name: String,
    streamed: bool,
    pub pairs: u64,
    both_failed: u64,
    latencies: Vec<LatencyStream>,
    misses: Vec<MissStream>,
    answers: Option<AnswerCounts>,
}

impl WorkloadJudge {
    pub fn new(spec: &Comparison, workload: &Workload, threshold: Threshold) -> Self {
        let mut judge = Self {
            name: workload.name.clone(),
            streamed: spec.streamed(),
            pairs: 0,
            both_failed: 0,
            latencies: Vec::new(),
            misses: Vec::new(),
            answers: spec.answers.map(|_| AnswerCounts::default()),
        };
        for signal in spec.signals(workload) {
            let margin = match signal {
                Signal::Failure => spec.failure_margin,
                Signal::Slo => spec.slo_margin,
                Signal::Ttft | Signal::Itl | Signal::RequestLatency => {
                    judge.latencies.push(LatencyStream::new(signal, spec.tolerance, threshold));
                    continue;
                }
            };
            judge.misses.extend(MissStream::new(signal, margin, threshold));
        }
        judge
    }

    pub fn observe(&mut self, round: &Round, needed: Needed) -> Vec<Event> {
        self.pairs += 1;
        self.both_failed += u64::from(round.baseline.failed && round.candidate.failed);
        if let (Some(counts), Some(answers)) = (&mut self.answers, round.answers) {
            counts.add(answers);
        }
        let now = round.ended_unix_millis;
        let mut events = Vec::new();
        let mut note = |signal, (change, verdict): (Option<Change>, Option<Verdict>)| {
            let what = change.map(What::Alarm).into_iter().chain(verdict.map(What::Verdict));
            events.extend(what.map(|what| Event { workload: self.name.clone(), signal, what }));
        };
        for stream in &mut self.latencies {
            if let Some(pair) = round.pair(stream.signal) {
                note(stream.signal, stream.observe(pair, needed, now));
            }
        }
        for stream in &mut self.misses {
            if let Some(misses) = round.misses(stream.signal) {
                note(stream.signal, stream.observe(misses, needed, now));
            }
        }
        events
    }

    pub fn set_threshold(&mut self, threshold: Threshold) {
        self.latencies.iter_mut().for_each(|s| s.set_threshold(threshold));
        self.misses.iter_mut().for_each(|s| s.set_threshold(threshold));
    }

    pub fn regressed(&self) -> bool {
        let latencies = self.latencies.iter().map(LatencyStream::verdict);
        let mut verdicts = latencies.chain(self.misses.iter().map(MissStream::verdict));
        verdicts.any(|v| v == Verdict::Regressed)
    }

    /// A latency of which no pair is known is a figure that these servers do not show. But some
    /// latency must be known, so neither a workload that was never asked nor two sides that always
    /// fail are passed over. Failures need only be judged `alone` where nothing judges those of all
    /// workloads together.
    pub fn not_worse(&self, alone: bool) -> bool {
        if !self.latencies.iter().any(|s| s.verdict() == Verdict::NotWorse) {
            return false;
        }
        let latencies = self.latencies.iter().map(|s| (s.signal, s.is_silent(), s.verdict()));
        let misses = self.misses.iter().map(|s| {
            let elsewhere = s.signal == Signal::Failure && !alone;
            let silent = s.signal != Signal::Failure && s.pairs() == 0;
            (s.signal, silent || elsewhere, s.verdict())
        });
        latencies.chain(misses).all(|(signal, passed_over, verdict)| {
            passed_over || !signal.decides(self.streamed) || verdict == Verdict::NotWorse
        })
    }

    pub fn streams(&self) -> usize {
        self.latencies.len() + self.misses.len()
    }

    /// Whether it watches what `spec` wants to be watched.
    pub fn fits(&self, spec: &Comparison, workload: &Workload) -> bool {
        let latencies = self.latencies.iter().map(|s| s.signal);
        let watched = latencies.chain(self.misses.iter().map(|s| s.signal));
        self.name == workload.name && watched.eq(spec.signals(workload))
    }

    pub fn snapshot(&self) -> WorkloadSnapshot {
        let latencies = self.latencies.iter().map(LatencyStream::snapshot);
        WorkloadSnapshot {
            workload: self.name.clone(),
            pairs: self.pairs,
            both_failed: self.both_failed,
            streams: latencies.chain(self.misses.iter().map(MissStream::snapshot)).collect(),
            answers: self.answers,
        }
    }
}
