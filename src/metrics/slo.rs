//! What one SLO counts for one workload, and how much of each objective is consumed.

use prometheus::metrics::counter::Counter;

use super::buckets;
use super::cells::CounterSet;
use super::histogram::{Histogram, histogram};
use super::options::HistogramForm;
use crate::answer::outcome::Outcome;
use crate::answer::slo::{Objective, Slo, SloBasis, Verdict};

/// The `objective` of a probe that failed, whatever its figures were.
const SUCCESS: &str = "success";

/// Attainment is `good / probes`: whole numbers, exact whatever the buckets are. A clone counts
/// together with the original.
#[derive(Debug, Clone)]
pub(super) struct SloMetrics {
    pub name: String,
    /// What a good probe was, when counting began.
    basis: SloBasis,
    pub probes: Counter,
    pub good: Counter,
    pub missed: CounterSet,
    pub goodput: Histogram,
    pub good_output_tokens: Counter,
}

impl SloMetrics {
    /// Goes on from `before` where a good probe is the same as it was there: with another share or
    /// window, the counts still mean the same.
    pub fn going_on(slo: &Slo, form: HistogramForm, before: &[Self]) -> Self {
        let known = before.iter().find(|b| b.name == slo.name && b.basis == slo.basis());
        known.cloned().unwrap_or_else(|| Self::new(slo, form))
    }

    fn new(slo: &Slo, form: HistogramForm) -> Self {
        let names = slo.objectives.iter().map(|o| o.kind.as_str());
        Self {
            name: slo.name.clone(),
            basis: slo.basis(),
            probes: Counter::default(),
            good: Counter::default(),
            missed: CounterSet::at_zero(names.chain([SUCCESS])),
            goodput: histogram(form, buckets::GOODPUT),
            good_output_tokens: Counter::default(),
        }
    }

    pub fn record(&self, verdict: &Verdict, outcome: &Outcome) {
        self.probes.inc();
        if !outcome.succeeded() {
            self.missed.add(SUCCESS, 1);
        }
        for kind in verdict.missed() {
            self.missed.add(kind.as_str(), 1);
        }
        if verdict.good {
            self.record_good(outcome);
        } else {
            self.goodput.observe(0.0);
        }
    }

    fn record_good(&self, outcome: &Outcome) {
        self.good.inc();
        if let Some(rate) = outcome.tokens_per_second() {
            self.goodput.observe(rate);
        }
        if let Some(count) = outcome.measurement.output_tokens {
            self.good_output_tokens.inc_by(count.tokens);
        }
    }
}

/// Observed / allowed of each objective of one SLO. A clone observes together with the original.
#[derive(Debug, Clone)]
pub(super) struct Consumption {
    pub slo: String,
    basis: SloBasis,
    /// By objective.
    pub objectives: Vec<(&'static str, Histogram)>,
}

impl Consumption {
    /// Goes on from `before` as [`SloMetrics`] does.
    pub fn going_on(
        slo: &Slo,
        form: HistogramForm,
        bounds: &'static [f64],
        before: &[Self],
    ) -> Self {
        let known = before.iter().find(|b| b.slo == slo.name && b.basis == slo.basis());
        let objective = |o: &Objective| (o.kind.as_str(), histogram(form, bounds));
        known.cloned().unwrap_or_else(|| Self {
            slo: slo.name.clone(),
            basis: slo.basis(),
            objectives: slo.objectives.iter().map(objective).collect(),
        })
    }

    /// Takes what a verdict on this SLO says.
    pub fn observe(&self, verdict: &Verdict) {
        for (kind, consumed) in &verdict.consumption {
            let known = self.objectives.iter().find(|(name, _)| *name == kind.as_str());
            if let Some((_, histogram)) = known {
                histogram.observe(*consumed);
            }
        }
    }
}
