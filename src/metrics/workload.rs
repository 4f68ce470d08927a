//! The values of one workload of one target. Labels are not stored with them: they are composed
//! at scrape time, so a reload that changes the set of label keys loses no count.

use std::sync::Arc;

use prometheus::metrics::counter::Counter;
use prometheus::metrics::gauge::Gauge;

use super::buckets::SloBounds;
use super::cells::{CounterSet, FloatCounter, LateCounter, LateGauge};
use super::histogram::{Histogram, histogram};
use super::options::MetricsOptions;
use super::secondary::Secondary;
use super::slo::SloMetrics;
use crate::answer::failure::FailureReason;
use crate::answer::measure::TokenSource;
use crate::answer::recording::TimestampSource;
use crate::answer::skip::SkipReason;
use crate::answer::timeline::Finish;
use crate::target::{Budget, Target};
use crate::workload::validator::{DEGENERATE, REPETITION, RESULTS};
use crate::workload::{Validator, Workload};

/// See the families for what each value is. A clone counts together with the original.
#[derive(Debug, Clone)]
pub struct WorkloadMetrics {
    pub(super) name: String,
    pub(super) probes: Counter,
    pub(super) failures: CounterSet,
    pub(super) skipped: CounterSet,
    pub(super) given_up: LateCounter,
    /// From the start where readers stop.
    pub(super) cancelled: LateCounter,
    pub(super) in_flight: Gauge,
    pub(super) success: LateGauge,
    pub(super) last_probe: LateGauge,
    pub(super) last_success: LateGauge,
    pub(super) time_to_first_token: Histogram,
    pub(super) inter_token_latency: Histogram,
    pub(super) request_latency: Histogram,
    pub(super) output_tokens_per_second: Histogram,
    /// Whether there is a first token to wait for.
    pub(super) streamed: bool,
    pub(super) secondary: Arc<Secondary>,
    pub(super) input_tokens: CounterSet,
    pub(super) cached_input_tokens: CounterSet,
    pub(super) output_tokens: CounterSet,
    pub(super) reasoning_tokens: CounterSet,
    /// Where the target has a tokenizer.
    pub(super) compared_tokens: Option<CounterSet>,
    pub(super) connections: CounterSet,
    pub(super) finishes: CounterSet,
    pub(super) rejections: CounterSet,
    /// Where the target has a price.
    pub(super) cost: Option<FloatCounter>,
    pub(super) timestamp_sources: CounterSet,
    pub(super) coalesced_events: Counter,
    pub(super) degenerate_answers: LateCounter,
    pub(super) slos: Vec<SloMetrics>,
}

impl WorkloadMetrics {
    /// Goes on from `before`, the values of the workload of the same name before a reload: what is
    /// counted stays the same, whatever labels are written with it. Only an SLO that has changed
    /// counts anew.
    pub(super) fn new(
        target: &Target,
        workload: &Workload,
        secondary: Arc<Secondary>,
        bounds: &SloBounds,
        options: MetricsOptions,
        before: Option<&Self>,
    ) -> Self {
        let mut this = match before {
            Some(before) => Self { secondary, ..before.clone() },
            None => Self::fresh(workload, secondary, bounds, options),
        };
        this.depend_on(target, workload, options, before);
        this
    }

    /// What depends on further settings than the names.
    fn depend_on(
        &mut self,
        target: &Target,
        workload: &Workload,
        options: MetricsOptions,
        before: Option<&Self>,
    ) {
        self.streamed = target.stream;
        if workload.cancel.is_some() {
            self.cancelled.begin();
        }
        // What can happen to the target: an alert rule must see its first increment.
        let encrypted = target.url.scheme() == "https";
        self.failures.begin(|reason| reason != FailureReason::Tls.as_str() || encrypted);
        let limited = target.budget != Budget::default();
        let off = !target.active_hours.is_empty();
        self.skipped.begin(|reason| match reason {
            _ if reason == SkipReason::Budget.as_str() => limited,
            _ if reason == SkipReason::OffHours.as_str() => off,
            // Nobody expects it.
            _ if reason == SkipReason::Prober.as_str() => false,
            _ => true,
        });
        let counted_twice = [TokenSource::Usage, TokenSource::Tokenizer];
        let known = before.and_then(|b| b.compared_tokens.clone());
        self.compared_tokens = target.tokenizer.as_ref().map(|_| {
            known.unwrap_or_else(|| CounterSet::late(counted_twice.map(TokenSource::as_str)))
        });
        let known = before.and_then(|b| b.cost.clone());
        self.cost = target.price.map(|_| known.unwrap_or_default());
        let own = workload.validators.iter().map(Validator::name);
        let inherent =
            if target.dialect.kind().writes() { &[DEGENERATE, REPETITION][..] } else { &[RESULTS] };
        let validators = own.chain(inherent.iter().copied());
        self.rejections = CounterSet::going_on(validators, before.map(|b| &b.rejections));
        let slos = target.slos.iter().filter(|slo| slo.covers(&workload.name));
        let known = before.map_or(&[][..], |b| &b.slos);
        self.slos = slos
            .map(|slo| SloMetrics::going_on(slo, options.histograms.of_detail(), known))
            .collect();
    }

    fn fresh(
        workload: &Workload,
        secondary: Arc<Secondary>,
        bounds: &SloBounds,
        options: MetricsOptions,
    ) -> Self {
        let form = options.histograms;
        let sources =
            || CounterSet::late(TokenSource::ALL.iter().copied().map(TokenSource::as_str));
        let reported = || CounterSet::late([TokenSource::Usage.as_str()]);
        Self {
            name: workload.name.clone(),
            probes: Counter::default(),
            failures: CounterSet::late(FailureReason::counted().map(FailureReason::as_str)),
            skipped: CounterSet::late(SkipReason::ALL.iter().map(|reason| reason.as_str())),
            given_up: LateCounter::default(),
            cancelled: LateCounter::default(),
            in_flight: Gauge::default(),
            success: LateGauge::default(),
            last_probe: LateGauge::default(),
            last_success: LateGauge::default(),
            time_to_first_token: histogram(form, &bounds.ttft),
            inter_token_latency: histogram(form, &bounds.itl),
            request_latency: histogram(form, &bounds.request_latency),
            output_tokens_per_second: histogram(form.of_detail(), &bounds.tokens_per_second),
            streamed: true,
            secondary,
            input_tokens: sources(),
            cached_input_tokens: reported(),
            output_tokens: sources(),
            reasoning_tokens: reported(),
            compared_tokens: None,
            connections: CounterSet::late(["new", "reused"]),
            finishes: CounterSet::late(Finish::ALL.iter().copied().map(Finish::as_str)),
            rejections: CounterSet::late([]),
            cost: None,
            timestamp_sources: CounterSet::late(
                [TimestampSource::Kernel, TimestampSource::Task].map(TimestampSource::as_str),
            ),
            coalesced_events: Counter::default(),
            degenerate_answers: LateCounter::default(),
            slos: Vec::new(),
        }
    }

    /// Counts an arrival that was not probed.
    pub fn skipped(&self, reason: SkipReason) {
        self.skipped.add(reason.as_str(), 1);
    }

    /// Counts a probe as under way until the guard is dropped.
    #[must_use]
    pub fn begin(self: &Arc<Self>) -> InFlight {
        self.in_flight.inc();
        InFlight(Arc::clone(self))
    }
}

/// A probe under way.
#[derive(Debug)]
pub struct InFlight(Arc<WorkloadMetrics>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.dec();
    }
}
