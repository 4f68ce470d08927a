//! All signals of one workload.

use serde::{Deserialize, Serialize};

use super::answers::AnswerCounts;
use super::gate::Needed;
use super::latency::{GATES, LatencyStream};
use super::misses::MissStream;
use super::round::Round;
use super::signal::Signal;
use super::snapshot::WorkloadSnapshot;
use super::spec::Comparison;
use super::together::MOST;
use crate::regression::detect::{Change, LongMisses, Threshold, Verdict};
use crate::workload::Workload;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct WorkloadJudge {
    pub name: String,
    streamed: bool,
    pub pairs: u64,
    both_failed: u64,
    /// Pairs in which both answered, since *not worse* was last begun anew.
    answered: u64,
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
            answered: 0,
            latencies: Vec::new(),
            misses: Vec::new(),
            answers: spec.answers.map(|_| AnswerCounts::default()),
        };
        for signal in spec.signals(workload) {
            let margin = match signal {
                Signal::Failure => spec.failure_margin,
                Signal::Slo => spec.slo_margin,
                Signal::Ttft | Signal::Itl | Signal::RequestLatency => {
                    let interval = spec.interval_of(workload);
                    let margin = spec.failure_margin;
                    let stream =
                        LatencyStream::new(signal, spec.tolerance, threshold, interval, margin);
                    judge.latencies.extend(stream);
                    continue;
                }
            };
            judge.misses.extend(MissStream::new(signal, margin, threshold));
        }
        judge
    }

    /// Takes up one round; `silent`: the baseline has not answered for a while.
    pub fn observe(&mut self, round: &Round, silent: bool) -> Vec<(Signal, Change)> {
        self.pairs += 1;
        self.both_failed += u64::from(round.baseline.failed() && round.candidate.failed());
        self.answered += u64::from(round.answered());
        if let (Some(counts), Some(answers)) = (&mut self.answers, round.answers) {
            counts.add(answers);
        }
        let mut changes = Vec::new();
        for stream in &mut self.latencies {
            changes.extend(stream.observe(round, silent).map(|change| (stream.signal, change)));
        }
        for stream in &mut self.misses {
            changes.extend(stream.observe(round, silent).map(|change| (stream.signal, change)));
        }
        changes
    }

    /// Which sides of a round take longer than almost all requests of the baseline, by latency; asked
    /// before the round is observed.
    pub fn long(&self, round: &Round) -> Vec<(Signal, LongMisses)> {
        let of = |s: &LatencyStream| Some((s.signal, s.long(round)?));
        self.latencies.iter().filter_map(of).collect()
    }

    /// From here on it is judged by later pairs whether it is not worse.
    pub fn not_worse_anew(&mut self) {
        self.answered = 0;
        self.latencies.iter_mut().for_each(LatencyStream::not_worse_anew);
        self.misses.iter_mut().for_each(MissStream::not_worse_anew);
    }

    /// What alarms need; all of a workload the same.
    pub fn threshold(&self) -> Option<Threshold> {
        self.latencies.first().map(LatencyStream::threshold)
    }

    pub fn set_threshold(&mut self, threshold: Threshold) {
        self.latencies.iter_mut().for_each(|s| s.set_threshold(threshold));
        self.misses.iter_mut().for_each(|s| s.set_threshold(threshold));
    }

    /// Pairs in which both answered, since *not worse* was last begun anew.
    pub fn answered(&self) -> u64 {
        self.answered
    }

    /// Since when an alarm is on.
    pub fn changed_since(&self) -> Option<u64> {
        let latencies = self.latencies.iter().filter_map(LatencyStream::changed_since);
        latencies.chain(self.misses.iter().filter_map(MissStream::changed_since)).min()
    }

    /// Every signal's part in the verdict. `changing`: an alarm of any workload is on.
    pub fn parts(&self, needed: Needed, changing: bool) -> Vec<(Signal, Verdict)> {
        let latencies = self.latencies.iter().map(|s| (s.signal, s.evidence()));
        let misses = self.misses.iter().map(|s| (s.signal, s.evidence()));
        latencies.chain(misses).map(|(s, e)| (s, e.part(needed, changing))).collect()
    }

    /// The signals that hold *not worse* up, by their parts.
    ///
    /// A latency of which no pair is known is a figure that these servers do not show. But some
    /// latency must be known, so neither a workload that was never asked nor two sides that always
    /// fail are passed over. Failures need only be judged `alone` where nothing judges those of all
    /// workloads together, and so do latencies: else each interval must only end below [`MOST`].
    pub fn lacking(&self, parts: &[(Signal, Verdict)], alone: bool) -> Vec<Signal> {
        let silent = |signal: Signal| {
            self.latencies.iter().any(|s| s.signal == signal && s.is_silent())
                || self.misses.iter().any(|s| s.signal == signal && s.pairs() == 0)
        };
        let bounded = |signal: Signal| {
            !alone && self.latencies.iter().any(|s| s.signal == signal && s.is_below(MOST))
        };
        let passed_over = |signal| match signal {
            Signal::Failure => !alone,
            _ => silent(signal) || !signal.decides(self.streamed),
        };
        let lacks = |(signal, part): &&(Signal, Verdict)| {
            *part != Verdict::NotWorse && !passed_over(*signal) && !bounded(*signal)
        };
        let mut lacking: Vec<_> = parts.iter().filter(lacks).map(|(signal, _)| *signal).collect();
        let latency = |signal: Signal| self.latencies.iter().any(|s| s.signal == signal);
        let known = parts
            .iter()
            .any(|(s, part)| latency(*s) && (*part == Verdict::NotWorse || bounded(*s)));
        if lacking.is_empty() && !known {
            lacking.extend(self.latencies.last().map(|s| s.signal));
        }
        lacking
    }

    /// About how many more pairs a signal's *not worse* takes, if this goes on.
    pub fn pairs_to_go(&self, signal: Signal, needed: Needed) -> Option<u64> {
        let latencies = self.latencies.iter().map(|s| (s.signal, s.evidence(), s.answered()));
        let misses = self.misses.iter().map(|s| (s.signal, s.evidence(), s.pairs_anew()));
        let mut all = latencies.chain(misses);
        let (_, evidence, pairs) = all.find(|(s, ..)| *s == signal)?;
        evidence.pairs_to_go(needed, pairs)
    }

    /// How many more pairs a latency needs because of its memory, if it does.
    pub fn independent_pairs_lacking(&self, signal: Signal) -> Option<u64> {
        let stream = self.latencies.iter().find(|s| s.signal == signal)?;
        stream.independent_pairs_lacking()
    }

    /// How many gates could wrongly say *regressed*.
    pub fn gates(&self) -> usize {
        GATES * self.latencies.len() + self.misses.len()
    }

    /// Whether it watches what `spec` wants to be watched.
    pub fn fits(&self, spec: &Comparison, workload: &Workload) -> bool {
        let latencies = self.latencies.iter().map(|s| s.signal);
        let watched = latencies.chain(self.misses.iter().map(|s| s.signal));
        self.name == workload.name && watched.eq(spec.signals(workload))
    }

    /// `parts` as [`WorkloadJudge::parts`].
    pub fn snapshot(&self, parts: &[(Signal, Verdict)]) -> WorkloadSnapshot {
        let part = |signal| {
            let found = parts.iter().find(|(s, _)| *s == signal);
            found.map_or(Verdict::Undecided, |(_, part)| *part)
        };
        let latencies = self.latencies.iter().map(|s| s.snapshot(part(s.signal)));
        let misses = self.misses.iter().map(|s| s.snapshot(part(s.signal)));
        WorkloadSnapshot {
            workload: self.name.clone(),
            pairs: self.pairs,
            both_failed: self.both_failed,
            answered: self.answered,
            streams: latencies.chain(misses).collect(),
            answers: self.answers,
        }
    }
}
