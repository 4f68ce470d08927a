//! The histograms that explain the primary ones. They are kept per target, or per workload: see
//! [`MetricsOptions`](super::options::MetricsOptions).

use std::time::Duration;

use super::buckets::{self, SloBounds};
use super::histogram::{Histogram, histogram};
use super::options::HistogramForm;
use super::server::{OwnLoad, ServerLoad, Split};
use super::slo::Consumption;
use crate::answer::measure::{Measurement, Phase};
use crate::answer::outcome::Outcome;
use crate::answer::recording::Recording;
use crate::answer::timeline::ServerTiming;
use crate::target::Target;

/// What a server reports of its own times; most report nothing.
type Stage = (&'static str, fn(&ServerTiming) -> Option<Duration>);

const STAGES: [Stage; 4] = [
    ("queue", |t| t.queue),
    ("load", |t| t.load),
    ("prefill", |t| t.prefill),
    ("decode", |t| t.decode),
];

/// See the families for what each figure is. A clone observes together with the original.
#[derive(Debug, Clone)]
pub(super) struct Secondary {
    /// Whether there is a first token to wait for.
    pub streamed: bool,
    pub schedule_delay: ScheduleDelay,
    pub time_to_first_byte: Histogram,
    pub time_to_first_token_with_connect: Histogram,
    pub time_to_first_output_token: Histogram,
    pub time_to_second_token: Histogram,
    pub inter_chunk_gap: Histogram,
    pub longest_gap: Histogram,
    pub phases: Split,
    pub stages: Split,
    pub prefill_tokens_per_second: Histogram,
    pub consumption: Vec<Consumption>,
    pub server: ServerLoad,
    pub own: OwnLoad,
    /// Where the target names its GPUs.
    pub energy_per_token: Option<Histogram>,
}

/// Lateness of the prober itself.
#[derive(Debug, Clone)]
pub(super) enum ScheduleDelay {
    /// Of all targets together, so that it is no figure of this one.
    Prober(Histogram),
    /// Of this target or workload alone.
    Own(Histogram),
}

impl ScheduleDelay {
    fn observe(&self, delay: Duration) {
        let (Self::Prober(histogram) | Self::Own(histogram)) = self;
        histogram.observe(delay.as_secs_f64());
    }

    /// `None` where it is the prober's.
    pub fn own(&self) -> Option<&Histogram> {
        match self {
            Self::Prober(_) => None,
            Self::Own(histogram) => Some(histogram),
        }
    }
}

/// What the histograms are made from, besides the target.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms<'a> {
    pub bounds: &'a SloBounds,
    pub form: HistogramForm,
    /// Where the lateness of the whole prober is kept.
    pub delay_of_prober: Option<&'a Histogram>,
}

impl Secondary {
    /// Of one workload, or of the target as a whole. Goes on from `before`, the histograms of the
    /// same name before a reload.
    pub fn new(
        target: &Target,
        workload: Option<&str>,
        terms: Terms<'_>,
        before: Option<&Self>,
    ) -> Self {
        let mut this = before.map_or_else(|| Self::fresh(terms), Self::clone);
        this.streamed = target.stream;
        let covered = target.slos.iter().filter(|slo| workload.is_none_or(|w| slo.covers(w)));
        let known = before.map_or(&[][..], |b| &b.consumption);
        let (form, bounds) = (terms.form, terms.bounds.consumption);
        let consumption = covered.map(|slo| Consumption::going_on(slo, form, bounds, known));
        this.consumption = consumption.collect();
        let detail = form.of_detail();
        this.server = ServerLoad::new(target, terms.bounds, detail, before.map(|b| &b.server));
        let known = before.and_then(|b| b.energy_per_token.clone());
        this.energy_per_token = (!target.gpus.ids.is_empty())
            .then(|| known.unwrap_or_else(|| histogram(detail, buckets::ENERGY)));
        this
    }

    fn fresh(terms: Terms<'_>) -> Self {
        let detail = terms.form.of_detail();
        let new = |bounds: &'static [f64]| histogram(detail, bounds);
        let split = |names: Vec<&'static str>| Split::new(names, buckets::PHASE, detail);
        Self {
            streamed: true,
            schedule_delay: match terms.delay_of_prober {
                Some(shared) => ScheduleDelay::Prober(shared.clone()),
                None => ScheduleDelay::Own(histogram(terms.form, buckets::TOKEN)),
            },
            time_to_first_byte: new(buckets::REQUEST),
            time_to_first_token_with_connect: new(buckets::REQUEST),
            time_to_first_output_token: new(buckets::REQUEST),
            time_to_second_token: new(buckets::TOKEN),
            inter_chunk_gap: new(buckets::TOKEN),
            longest_gap: histogram(terms.form, &terms.bounds.longest_gap),
            phases: split(Phase::ALL.iter().copied().map(Phase::as_str).collect()),
            stages: split(STAGES.iter().map(|(name, _)| *name).collect()),
            prefill_tokens_per_second: new(buckets::PREFILL_RATE),
            consumption: Vec::new(),
            server: ServerLoad::fresh(detail),
            own: OwnLoad::fresh(terms.bounds, detail),
            energy_per_token: None,
        }
    }

    /// Takes the figures that were observed; an absent figure leaves no sample.
    pub fn observe(&self, recording: &Recording, outcome: &Outcome) {
        let m = &outcome.measurement;
        self.schedule_delay.observe(recording.schedule_delay);
        observe(&self.time_to_first_byte, m.ttfb);
        observe(&self.time_to_first_token_with_connect, m.ttft_with_connect);
        observe(&self.time_to_first_output_token, m.ttfo);
        observe(&self.time_to_second_token, m.ttst);
        observe(&self.inter_chunk_gap, m.gaps.iter().copied());
        observe(&self.longest_gap, m.longest_gap);
        self.observe_parts(m);
        if let Some(rate) = m.prefill_tokens_per_second() {
            self.prefill_tokens_per_second.observe(rate);
        }
        for verdict in &outcome.verdicts {
            if let Some(consumption) = self.consumption.iter().find(|c| c.slo == verdict.slo) {
                consumption.observe(verdict);
            }
        }
    }

    /// Takes the energy of one probe.
    #[allow(clippy::cast_precision_loss)] // token counts are far below 2^53
    pub fn observe_energy(&self, joules: f64, tokens: u64) {
        if let Some(histogram) = &self.energy_per_token {
            histogram.observe(joules / tokens as f64);
        }
    }

    fn observe_parts(&self, m: &Measurement) {
        for span in &m.phases {
            self.phases.observe(span.phase.as_str(), span.duration);
        }
        for (name, duration) in STAGES {
            if let Some(duration) = duration(&m.server_timing) {
                self.stages.observe(name, duration);
            }
        }
    }
}

fn observe(histogram: &Histogram, durations: impl IntoIterator<Item = Duration>) {
    for duration in durations {
        histogram.observe(duration.as_secs_f64());
    }
}
