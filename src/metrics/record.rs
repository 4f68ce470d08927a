//! How a finished probe gets into its workload's values. Reads no clock: every instant comes from
//! the recording.

use super::histogram::Trace;
use super::workload::WorkloadMetrics;
use crate::answer::degenerate::Degenerate;
use crate::answer::measure::{Measurement, TokenCount, TokenSource};
use crate::answer::outcome::Outcome;
use crate::answer::recording::{ConnectionPhases, Recording};
use crate::target::Price;
use crate::target::budget;

impl WorkloadMetrics {
    pub(super) fn record(
        &self,
        price: Option<Price>,
        recording: &Recording,
        outcome: &Outcome,
        probe_id: &str,
    ) {
        let ended = ended_unix_seconds(recording);
        let m = &outcome.measurement;
        self.record_result(outcome, ended);
        self.record_latencies(m, &Trace::new(probe_id, ended));
        self.secondary.observe(recording, outcome);
        self.record_connection(&recording.connection);
        self.record_tokens(m);
        self.record_cost(price, m);
        if let Some(finish) = m.finish {
            self.finishes.add(finish.as_str(), 1);
        }
        if let Some(source) = outcome.timestamp_source {
            self.timestamp_sources.add(source.as_str(), 1);
        }
        self.coalesced_events.inc_by(m.coalesced);
        if m.degenerate != Degenerate::No {
            self.degenerate_answers.inc_by(1);
        }
        self.record_verdicts(outcome);
    }

    /// Of a probe whose reader stopped: what was seen is as good as any other's, and that there is
    /// no end says nothing.
    pub(super) fn record_cancelled(
        &self,
        price: Option<Price>,
        recording: &Recording,
        outcome: &Outcome,
        probe_id: &str,
    ) {
        let (m, ended) = (&outcome.measurement, ended_unix_seconds(recording));
        self.cancelled.inc_by(1);
        self.last_probe.set(ended);
        self.record_latencies(m, &Trace::new(probe_id, ended));
        self.secondary.observe(recording, outcome);
        self.record_connection(&recording.connection);
        self.record_tokens(m);
        self.record_cost(price, m);
        self.coalesced_events.inc_by(m.coalesced);
    }

    pub(super) fn record_cost(&self, price: Option<Price>, m: &Measurement) {
        if let (Some(cost), Some(price)) = (&self.cost, price) {
            cost.inc_by(budget::cost(&price, m));
        }
    }

    fn record_result(&self, outcome: &Outcome, ended: f64) {
        self.probes.inc();
        self.last_probe.set(ended);
        self.success.set(f64::from(u8::from(outcome.succeeded())));
        match outcome.reason() {
            Some(reason) => self.failures.add(reason.as_str(), 1),
            None => self.last_success.set(ended),
        }
        for validator in &outcome.rejected_by {
            self.rejections.add(validator, 1);
        }
    }

    fn record_latencies(&self, m: &Measurement, trace: &Trace) {
        let figures = [
            (&self.time_to_first_token, m.ttft),
            (&self.inter_token_latency, m.itl),
            (&self.request_latency, m.request_latency),
        ];
        for (histogram, figure) in figures {
            if let Some(duration) = figure {
                histogram.observe_traced(duration.as_secs_f64(), trace);
            }
        }
        if let Some(rate) = m.output_tokens_per_second() {
            self.output_tokens_per_second.observe(rate);
        }
    }

    fn record_connection(&self, connection: &ConnectionPhases) {
        if connection.reused {
            self.connections.add("reused", 1);
        } else if connection.connected.is_some() {
            self.connections.add("new", 1);
        }
    }

    fn record_tokens(&self, m: &Measurement) {
        let usage = |tokens| TokenCount { tokens, source: TokenSource::Usage };
        let counts = [
            (&self.input_tokens, m.input_tokens),
            (&self.cached_input_tokens, m.cached_input_tokens.map(usage)),
            (&self.output_tokens, m.output_tokens),
            (&self.reasoning_tokens, m.reasoning_tokens.map(usage)),
        ];
        for (counters, count) in counts {
            if let Some(count) = count {
                counters.add(count.source.as_str(), count.tokens);
            }
        }
        if let (Some(compared), Some((usage, tokenizer))) =
            (&self.compared_tokens, m.token_disagreement)
        {
            compared.add(TokenSource::Usage.as_str(), usage);
            compared.add(TokenSource::Tokenizer.as_str(), tokenizer);
        }
    }

    fn record_verdicts(&self, outcome: &Outcome) {
        for verdict in &outcome.verdicts {
            if let Some(slo) = self.slos.iter().find(|s| s.name == verdict.slo) {
                slo.record(verdict, outcome);
            }
        }
    }
}

#[allow(clippy::cast_precision_loss)] // microseconds are exact enough for a timestamp
fn ended_unix_seconds(recording: &Recording) -> f64 {
    (recording.started_unix_nanos + recording.ended.0) as f64 / 1e9
}
