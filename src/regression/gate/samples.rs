//! The outcomes of many probes on their way to a profile.

use std::collections::BTreeMap;
use std::time::Duration;

use super::counts::Counts;
use crate::answer::failure::FailureReason;
use crate::answer::outcome::Outcome;
use crate::target::Price;
use crate::target::budget;

/// Dollars are given per so many good responses.
const PER_GOOD: f64 = 1000.0;

/// What is kept of each probe. Figures are those of successful probes: what failed counts as an
/// error, and its times say nothing about times.
#[derive(Debug, Default)]
pub struct Samples {
    pub(super) counts: Counts,
    /// Seconds.
    pub(super) ttft: Vec<f64>,
    /// Seconds.
    pub(super) itl: Vec<f64>,
    /// Seconds.
    pub(super) request_latency: Vec<f64>,
    /// Output tokens over seconds of the request.
    pub(super) speed: Vec<(f64, f64)>,
    /// Dollars over thousands of good responses (a thousandth or nothing), failed probes included.
    pub(super) cost: Vec<(f64, f64)>,
    pub(super) token_sources: BTreeMap<&'static str, u64>,
    pub(super) clocks: BTreeMap<&'static str, u64>,
}

impl Samples {
    /// Adds a probe. A response is good when it succeeded and met every SLO of its workload.
    pub fn add(&mut self, outcome: &Outcome, price: Option<&Price>) {
        let good = outcome.succeeded() && outcome.verdicts.iter().all(|v| v.good);
        self.counts.probes += 1;
        self.counts.good += u64::from(good);
        match outcome.reason() {
            None => self.succeeded(outcome),
            Some(reason) => self.failed(outcome, reason),
        }
        if let Some(price) = price {
            let good = if good { 1.0 / PER_GOOD } else { 0.0 };
            self.cost.push((budget::cost(price, &outcome.measurement), good));
        }
        if let Some(clock) = outcome.timestamp_source {
            *self.clocks.entry(clock.as_str()).or_default() += 1;
        }
    }

    #[allow(clippy::cast_precision_loss)] // token counts are far below 2^53
    fn succeeded(&mut self, outcome: &Outcome) {
        let m = &outcome.measurement;
        self.counts.succeeded += 1;
        let seconds = |d: Option<Duration>| d.map(|d| d.as_secs_f64());
        self.ttft.extend(seconds(m.ttft));
        self.itl.extend(seconds(m.itl));
        self.request_latency.extend(seconds(m.request_latency));
        if let Some(tokens) = m.output_tokens {
            *self.token_sources.entry(tokens.source.as_str()).or_default() += 1;
            self.speed.extend(seconds(m.request_latency).map(|s| (tokens.tokens as f64, s)));
        }
    }

    /// A stream error is an answer that began well (status 2xx) and did not come to its end; one
    /// that came whole and was rejected by a check is an error of another kind.
    fn failed(&mut self, outcome: &Outcome, reason: FailureReason) {
        *self.counts.failures.entry(reason.as_str().to_owned()).or_default() += 1;
        let began = outcome.http_status.is_some_and(|s| (200..300).contains(&s));
        self.counts.unauthorized += u64::from(outcome.http_status == Some(401));
        self.counts.stream_errors += u64::from(began && reason != FailureReason::Validation);
    }
}
